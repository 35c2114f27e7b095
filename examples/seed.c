// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The smallest program on a pool: allocates two messages, reads them, frees them, and asks whether any is left.
 *
 * `make demo` compiles it with -DPROTOPOOL_TRACE: the generated code prints each allocation and each free, with the message's
 * bytes. The pool lies in static memory: this program never calls malloc.
 */

#include <stdio.h>
#include <stdlib.h>

#include "calc.h"

CALC_POOL_STORAGE(memory); /* enough for every max_live in the schema */

static struct calc *allocate_add(struct calc_pool *pool, uint64_t left, uint64_t right)
{
    struct calc *msg;

    printf("\nallocate an Add of %d and %d\n", (int)left, (int)right);
    msg = calc_new_add(pool, left, right);
    if (msg == NULL)
        return NULL;
    printf("read it: ");
    calc_print(stdout, msg);
    printf(", %zu bytes at %p\n", calc_size(msg), (const void *)msg);
    return msg;
}

/* Leaves the pool as it was. False if the pool is exhausted. */
static bool allocate_and_free(struct calc_pool *pool)
{
    struct calc *const first = allocate_add(pool, 5, 6);
    struct calc *const second = allocate_add(pool, 7, 8);
    const bool both = first != NULL && second != NULL;

    printf("\nfree both\n");
    calc_free(pool, first); /* NULL is allowed */
    calc_free(pool, second);
    return both;
}

int main(void)
{
    struct calc_pool pool;
    size_t live;
    bool good;

    if (!calc_pool_init(&pool, memory, sizeof memory)) {
        fprintf(stderr, "seed: the memory is too small for a pool\n");
        return EXIT_FAILURE;
    }
    printf("a pool in %zu bytes of static memory\n", sizeof memory);
    good = allocate_and_free(&pool);
    live = calc_pool_fini(&pool);
    printf("\nend of the pool: %zu live messages\n", live);
    return good && live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
