// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Two protocols in one program. Makefile, CMakeLists.txt and meson.build beside this file each build it. */

#include <stdio.h>
#include <stdlib.h>

#include "door.h"
#include "lamp.h"

int main(void)
{
    struct door_pool doors;
    struct lamp_pool lamps;
    struct door *opened;
    struct lamp *dim;

    if (!door_pool_init_growing(&doors, NULL) || !lamp_pool_init_growing(&lamps, NULL))
        return EXIT_FAILURE;
    opened = door_new_opened(&doors, "kitchen", DOOR_REASON_BY_HAND);
    dim = lamp_new_dim(&lamps, 12, 30);
    if (opened != NULL && dim != NULL) {
        door_print(stdout, opened);
        putchar('\n');
        lamp_print(stdout, dim);
        putchar('\n');
    }
    door_free(&doors, opened); /* NULL is allowed */
    lamp_free(&lamps, dim);
    return door_pool_fini(&doors) + lamp_pool_fini(&lamps) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
