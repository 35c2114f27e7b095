// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Prints numbers with a C library whose snprintf does what the argument says, a line for each: `real` is that of this
 * machine, the others are what small C libraries do, or worse. Nothing may be written beyond a buffer, and each number
 * must come out, in whatever form.
 *
 * `random` compares the digits of many numbers with those that the slow way finds: it tries each count.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *library;

/* The engine calls it for a number with an exponent, and for nothing else. */
static int other_snprintf(char *text, size_t room, const char *format, int precision, double value)
{
    int length;

    if (strcmp(library, "nothing") == 0)
        return -1;
    if (strcmp(library, "empty") == 0) { /* newlib-nano without floating point */
        text[0] = '\0';
        return 0;
    }
    if (strcmp(library, "digits") == 0) { /* and no end */
        memset(text, '9', room);
        return (int)room;
    }
    if (strcmp(library, "letters") == 0) {
        memset(text, 'x', room - 1);
        text[room - 1] = '\0';
        return (int)room - 1;
    }
    length = strcmp(format, "%.*e") == 0 ? snprintf(text, room, "%.*e", precision, value) : -1;
    if (strcmp(library, "no exponent") == 0)
        *strchr(text, 'e') = '\0';
    else if (strcmp(library, "empty exponent") == 0)
        strchr(text, 'e')[1] = '\0';
    else if (strcmp(library, "zero") == 0)
        memcpy(text, "0e+00", 6);
    else if (strcmp(library, "three digits") == 0) { /* of the exponent: msvcrt */
        char *const digits = strchr(text, 'e') + 2;
        if (digits[2] == '\0') {
            memmove(digits + 1, digits, 3);
            digits[0] = '0';
        }
    }
    return length;
}

#define snprintf other_snprintf
#include "protopool.c"
#undef snprintf

static uint64_t next_bits(void)
{
    static uint64_t state = 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Any bits; subnormal; a power of two; few decimals; few binary digits. Positive. */
static double next_double(int kind)
{
    uint64_t bits = next_bits() >> 1;
    double value;

    if (kind == 3)
        return (double)(bits >> next_bits() % 63) / ((bits & 1) != 0 ? 1e6 : 1e15);
    if (kind == 4)
        return (double)(bits >> (11 + next_bits() % 52)) / (double)((uint64_t)1 << next_bits() % 60);
    bits %= (uint64_t)0x7ff << 52;
    if (kind == 1)
        bits = (bits & (UINT64_MAX >> 12)) >> next_bits() % 52;
    else if (kind == 2)
        bits &= (uint64_t)0x7ff << 52;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float next_float(int kind)
{
    const double value = next_double(kind);
    uint32_t bits = (uint32_t)(next_bits() >> 33);
    float narrow;

    if (kind >= 3)
        return (float)value;
    bits %= (uint32_t)0xff << 23;
    if (kind == 1)
        bits = (bits & 0x7fffff) >> next_bits() % 23;
    else if (kind == 2)
        bits &= (uint32_t)0xff << 23;
    memcpy(&narrow, &bits, sizeof narrow);
    return narrow;
}

static int compare_random(int n)
{
    int differ = 0;

    library = "real";
    for (int i = 0; i < n && differ < 10; i++) {
        const bool is_float = i % 2 == 0;
        const double value = is_float ? (double)next_float(i / 2 % 5) : next_double(i / 2 % 5);
        struct pp_decimal found, expected;
        if (!(value > 0))
            continue;
        if (!pp_find_shortest(value, is_float, &found) || !pp_try_each_count(value, is_float, &expected)) {
            printf("%a has no digits\n", value);
            differ++;
            continue;
        }
        /* zeros at the end are not printed if they are before the decimal point */
        while (found.count > expected.count && found.count <= found.exponent + 1
               && found.digits[found.count - 1] == '0')
            found.count--;
        if (found.count != expected.count || found.exponent != expected.exponent
            || memcmp(found.digits, expected.digits, (size_t)found.count) != 0) {
            printf("%a: %.*se%d and not %.*se%d\n", value, found.count, found.digits, found.exponent, expected.count,
                   expected.digits, expected.exponent);
            differ++;
        }
    }
    return differ != 0;
}

int main(int count, char **arguments)
{
    static const double doubles[] = { 0,
                                      1,
                                      0.1,
                                      -1.5,
                                      255,
                                      1e15,
                                      1e16,
                                      12345,
                                      1.0 / 3,
                                      5e-324,
                                      1e-4,
                                      1e-5,
                                      -2.5e-10,
                                      1.7976931348623157e308,
                                      1e22,
                                      1e23,
                                      2.2e-308,
                                      123456.7,
                                      9007199254740992,
                                      0.30000000000000004 };
    static const float floats[] = { 0.1F, 1.5F, 3.4028235e38F, 1e-45F, 16777216, 0.33333334F };
    static const uint64_t integers[] = { 0, 9, 10, UINT32_MAX, (uint64_t)1 << 32, UINT64_MAX };
    static const struct protopool_value high = { "high", (uint64_t)1 << 63 };
    struct protopool_printer to = { .out = stdout };
    const double zero = 0;

    library = count > 1 ? arguments[1] : "real";
    if (strcmp(library, "random") == 0)
        return compare_random(count > 2 ? (int)strtol(arguments[2], NULL, 10) : 100000);
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        protopool_print_double(&to, doubles[i]);
        protopool_print(&to, "\n");
    }
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        protopool_print_float(&to, floats[i]);
        protopool_print(&to, "\n");
    }
    protopool_print_double(&to, -zero);
    protopool_print(&to, "\n");
    protopool_print_double(&to, -1 / zero);
    protopool_print(&to, "\n");
    protopool_print_float(&to, (float)(zero / zero));
    protopool_print(&to, "\n");
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        protopool_print_unsigned(&to, integers[i]);
        protopool_print(&to, " ");
        protopool_print_signed(&to, (int64_t)integers[i]);
        protopool_print(&to, " ");
        protopool_print_flags(&to, integers[i], &high, 1);
        protopool_print(&to, "\n");
    }
    protopool_print_signed(&to, INT64_MIN);
    protopool_print(&to, "\n");
    return to.written < 0;
}
