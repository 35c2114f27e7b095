// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Runs the messages of one of the other files of this folder:
 *
 *   turns one|mixed N    allocates, fills, reads and frees N messages, one after the other; Adds, or the schema's mix
 *   bytes one|mixed      how many bytes of memory a message takes, of a million that are live
 *   mistake NAME         makes a mistake, and prints whether it was found
 */

#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELD = 1000000 };

/* The weights of schema/calc.yaml. */
static const unsigned char weights[] = { 40, 10, 20, 5, 10, 10, 4, 1 };
static unsigned char mix[100];
static void *held[HELD];

/* Spreads the kinds over the mix: 37 has no factor in common with 100. */
static void fill_mix(void)
{
    unsigned at = 0;
    for (unsigned kind = 0; kind < sizeof weights; kind++)
        for (unsigned n = 0; n < weights[kind]; n++, at = (at + 37) % 100)
            mix[at] = (unsigned char)kind;
}

/* Memory of this process that is resident, in bytes. */
static size_t resident(void)
{
    unsigned long pages = 0;
    FILE *const file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%*s %lu", &pages) != 1)
        exit(2);
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;

    if (argc < 3)
        return 2;
    fill_mix();
    if (strcmp(argv[2], "one") == 0)
        memset(mix, ADD, sizeof mix);
    if (strcmp(argv[1], "turns") == 0 && argc == 4) {
        const uint64_t turns = strtoull(argv[3], NULL, 10);
        begin(strcmp(argv[2], "one") != 0);
        for (uint64_t i = 0; i < turns; i++) {
            void *const msg = make((enum kind)mix[i % 100], i);
            if (msg == NULL)
                return 1;
            sum += read_message(msg);
            release(msg);
        }
        printf("%llu\n", (unsigned long long)sum);
    } else if (strcmp(argv[1], "bytes") == 0) {
        size_t before;
        memset(held, 1, sizeof held); /* so that it is resident */
        before = resident();
        begin(strcmp(argv[2], "one") != 0);
        for (size_t i = 0; i < HELD; i++) {
            held[i] = make((enum kind)mix[i % 100], i);
            if (held[i] == NULL)
                return 1;
        }
        printf("%.1f\n", (double)(resident() - before) / HELD);
        for (size_t i = 0; i < HELD; i++)
            release(held[i]);
    } else if (strcmp(argv[1], "mistake") == 0) {
        begin(strcmp(argv[2], "one") != 0);
        puts(mistake(argv[2]));
    }
    return 0;
}
