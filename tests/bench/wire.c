// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The loops whose instructions are counted: send and receive a message of the variant, and the least that they must do. Prints the
 * name of the variant.
 * wire encode|receive|copy|scrub|fresh VARIANT N
 */

#include PROTOCOL_BENCH

#include <stdlib.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define P(name) PASTE(PROTOCOL, name)

static struct P(_pool) pool;
static unsigned char bytes[1 << 16], copied[1 << 16];

/* The size, hidden from the optimiser: so memcpy is a call. */
#define HIDE(value) __asm__ volatile("" : "+r"(value) : : "memory")

int main(int argc, char **argv)
{
    const unsigned long variant = argc == 4 ? strtoul(argv[2], NULL, 10) : BENCH_VARIANTS;
    const uint64_t n = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    struct protopool_received result;
    struct PROTOCOL *msg, *received;
    uint64_t sum = 0;
    size_t size;

    if (variant >= BENCH_VARIANTS || !P(_pool_init_growing)(&pool, NULL))
        return EXIT_FAILURE;
    bench_fill_();
    msg = bench_make_(&pool, (unsigned)variant, 1);
    if (msg == NULL)
        return EXIT_FAILURE;
    size = P(_encode)(msg, bytes, sizeof bytes);
    for (uint64_t i = 0; i < n; i++) {
        switch (argv[1][0]) {
        case 'e': /* encode */
            sum += P(_encode)(msg, copied, sizeof copied);
            break;
        case 'r': /* receive, free */
            received = P(_receive)(&pool, bytes, size, &result);
            HIDE(received);
            sum += result.used;
            P(_free)(&pool, received);
            break;
        case 'c': /* copy the bytes */
            HIDE(size);
            memcpy(copied, bytes, size);
            sum += size;
            break;
        case 's': /* scrub */
            P(_scrub)(msg);
            break;
        case 'f': /* into a fresh slot, validate, free: bench_make_ without a constructor */
            received = P(_clone)(&pool, msg);
            HIDE(received);
            sum += P(_validate)(received, size);
            P(_free)(&pool, received);
            break;
        default:
            return EXIT_FAILURE;
        }
    }
    printf("%s %zu %u\n", bench_variants_[variant].name, size, (unsigned)(sum % 2));
    return EXIT_SUCCESS;
}
