// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Runs the messages of one of the other files of this folder:
 *
 *   turns one|mixed N    allocates, fills, reads and frees N messages, one after the other; Adds, or the schema's mix
 *   bytes one|mixed      how many bytes of memory a message takes, of a million that are live
 *   sent HOW KIND N      N times, a message of this kind: encode, decode (and free), copy (its bytes), or valid (copy_valid, and
 *                        free). Prints how many bytes are sent, and the nanoseconds of each
 *   mistake NAME         makes a mistake, and prints whether it was found
 */

#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int send_and_receive(const char *how, enum kind kind, uint64_t turns)
{
    static unsigned char bytes[1000], copied[1000];
    void *msg, *other;
    size_t size, sum = 0;
    double start;

    begin(1);
    msg = make(kind, 1);
    if (encode == NULL || decode == NULL || msg == NULL)
        return 1;
    size = encode(msg, bytes, sizeof bytes);
    other = decode(bytes, size);
    if (size == 0 || other == NULL || read_message(other) != read_message(msg))
        return 1;
    release(other);
    start = seconds();
    for (uint64_t i = 0; i < turns; i++) {
        switch (how[0]) {
        case 'e':
            sum += encode(msg, copied, sizeof copied);
            break;
        case 'd':
            other = decode(bytes, size);
            sum += other != NULL;
            release(other);
            break;
        case 'c':
            __asm__ volatile("" : "+r"(size) : : "memory"); /* so that memcpy is called */
            memcpy(copied, bytes, size);
            sum += size;
            break;
        default:
            if (copy_valid == NULL)
                return 1;
            other = copy_valid(msg);
            sum += other != NULL;
            release(other);
            break;
        }
    }
    printf("%zu %.2f\n", size, (seconds() - start) * 1e9 / (double)turns);
    return sum == 0;
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
    } else if (strcmp(argv[1], "sent") == 0 && argc == 5) {
        return send_and_receive(argv[2], (enum kind)atoi(argv[3]), strtoull(argv[4], NULL, 10));
    } else if (strcmp(argv[1], "mistake") == 0) {
        begin(strcmp(argv[2], "one") != 0);
        puts(mistake(argv[2]));
    }
    return 0;
}
