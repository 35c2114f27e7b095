// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The loop whose instructions are counted: make a message of two u64, read both, free it.
 * turn pool|typed|none|malloc N
 */

#include "calc.h"

#include <stdlib.h>

/* Hides the pointer from the optimiser, as a queue between the steps would. */
#define HIDE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

static struct calc_pool pool;
static struct calc_add only;

static uint64_t turns_of_pool(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct calc *msg = calc_new_add(&pool, i, i + 1);
        HIDE(msg);
        sum += calc_as_add(msg)->left + calc_as_add(msg)->right;
        HIDE(msg);
        calc_free(&pool, msg);
    }
    return sum;
}

static uint64_t turns_of_typed_free(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct calc *msg = calc_new_add(&pool, i, i + 1);
        HIDE(msg);
        sum += calc_as_add(msg)->left + calc_as_add(msg)->right;
        HIDE(msg);
        calc_free_add(&pool, msg);
    }
    return sum;
}

static uint64_t turns_of_malloc(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct calc_add *msg = (struct calc_add *)malloc(sizeof *msg);
        if (msg == NULL)
            return sum;
        *msg = calc_make_add(i, i + 1);
        HIDE(msg);
        sum += msg->left + msg->right; // NOLINT(clang-analyzer-unix.Malloc): the analyser believes HIDE
        HIDE(msg);
        free(msg);
    }
    return sum;
}

static uint64_t turns_of_none(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct calc_add *msg = &only;
        HIDE(msg);
        *msg = calc_make_add(i, i + 1);
        HIDE(msg);
        sum += msg->left + msg->right;
        HIDE(msg);
    }
    return sum;
}

int main(int argc, char **argv)
{
    const uint64_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t sum = 0, expected = n * n; /* 2i + 1, summed over i < n */

    if (argc != 3 || !calc_pool_init_growing(&pool, NULL))
        return EXIT_FAILURE;
    if (strcmp(argv[1], "pool") == 0)
        sum = turns_of_pool(n);
    else if (strcmp(argv[1], "typed") == 0)
        sum = turns_of_typed_free(n);
    else if (strcmp(argv[1], "malloc") == 0)
        sum = turns_of_malloc(n);
    else if (strcmp(argv[1], "none") == 0)
        sum = turns_of_none(n);
    return calc_pool_fini(&pool) == 0 && sum == expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
