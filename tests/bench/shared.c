// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The loop whose instructions are counted for messages with several holders: allocate a message of 24 bytes, read it, free it.
 * shared plain|alone|held N: of a variant that is not shared; of a shared one; of a shared one that is held and freed once more.
 */

#include "feed.h"

#include <stdlib.h>

/* Hides the pointer from the optimiser, as a queue between the steps would. */
#define HIDE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

static struct feed_pool pool;

static uint64_t turns_of_plain(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct feed *msg = feed_new_report(&pool, (uint32_t)i, i, i + 1);
        HIDE(msg);
        sum += feed_as_report(msg)->sum;
        HIDE(msg);
        feed_free(&pool, msg);
    }
    return sum;
}

static uint64_t turns_of_shared(uint64_t n, int holds)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct feed *msg = feed_new_tick(&pool, (uint32_t)i, i, i + 1);
        HIDE(msg);
        if (holds)
            (void)feed_hold(&pool, msg);
        HIDE(msg);
        sum += feed_as_tick(msg)->price;
        HIDE(msg);
        if (holds)
            feed_free(&pool, msg);
        HIDE(msg);
        feed_free(&pool, msg);
    }
    return sum;
}

int main(int argc, char **argv)
{
    const uint64_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t sum;

    if (argc != 3 || !feed_pool_init_growing(&pool, NULL))
        return 2;
    sum = strcmp(argv[1], "plain") == 0 ? turns_of_plain(n) : turns_of_shared(n, strcmp(argv[1], "held") == 0);
    return feed_pool_fini(&pool) == 0 && (sum != 0 || n == 0) ? 0 : 1;
}
