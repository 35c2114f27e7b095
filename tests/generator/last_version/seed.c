// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The smallest program on a pool: makes two messages, reads them, frees them, and asks whether any is left.
 *
 * Compiled with -DPROTOPOOL_TRACE, the library tells of every allocation and deallocation in between, with the
 * bytes. The pool lies in static memory: this program never calls malloc.
 */

#include <stdio.h>
#include <stdlib.h>

#include "calc.h"

CALC_POOL_STORAGE(memory); /* enough for every max_live in the schema */

static void print_message(const char *name, const struct calc *msg)
{
    printf("main inner: %s=", name);
    calc_print(stdout, msg);
    printf(" &*%s=%p\n", name, (const void *)msg);
}

/* Leaves the pool as it was. False if the pool is exhausted. */
static bool make_and_free(struct calc_pool *pool)
{
    struct calc *m, *bp;

    printf("main inner: 2\n");
    m = calc_new_add(pool, 5, 6);
    if (m == NULL)
        return false;
    printf("main inner: 3\n");
    print_message("m", m);
    bp = calc_new_add(pool, 7, 8);
    if (bp != NULL)
        print_message("bp", bp);
    printf("main inner:-\n");
    calc_free(pool, m);
    calc_free(pool, bp); /* NULL is let pass */
    return bp != NULL;
}

int main(void)
{
    struct calc_pool pool;
    size_t live;
    bool made;

    printf("main:+\nmain inner:+\n");
    if (!calc_pool_init(&pool, memory, sizeof memory)) {
        fprintf(stderr, "seed: the memory does not make a pool\n");
        return EXIT_FAILURE;
    }
    printf("main inner: 1\n");
    made = make_and_free(&pool);
    printf("main:-\n");
    live = calc_pool_fini(&pool);
    printf("%zu live messages\n", live);
    return made && live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
