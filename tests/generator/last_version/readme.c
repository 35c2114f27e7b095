// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "calc.h"
#include <inttypes.h>
#include <stdio.h>

CALC_POOL_STORAGE(memory);         /* exactly enough for 64 Adds and 32 Stores */

int main(void)
{
struct calc_pool pool;
if (!calc_pool_init(&pool, memory, sizeof memory))
    return 1;

struct calc *msg = calc_new_add(&pool, 5, 6);      /* 24 bytes of the pool */
switch (calc_tag_of(msg)) {        /* -Wswitch finds a forgotten case */
case CALC_ADD:   printf("%" PRIu64, calc_as_add(msg)->left); break;
case CALC_STORE: puts(calc_as_store(msg)->name); break;
case CALC_QUIT:  break;
}
calc_print(stdout, msg);           /* Add { left: 5, right: 6 } */
calc_free(&pool, msg);             /* by its tag */
calc_pool_fini(&pool);             /* how many messages are still live: 0 */
return 0;
}
