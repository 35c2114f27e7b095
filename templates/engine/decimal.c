/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Decimal digits of integers and of floating-point numbers. For print.c. */

#ifndef PROTOPOOL_NO_STDIO

/* Writes the digits before `end`. Returns the first. Does not use printf: that of small C libraries has no 64 bits. */
static char *pp_digits_before(char *end, uint64_t value, bool is_hexadecimal)
{
    do {
        const uint64_t rest = is_hexadecimal ? value >> 4 : value / 10;
        *--end = "0123456789abcdef"[is_hexadecimal ? value & 15 : value - 10 * rest];
        value = rest;
    } while (value != 0);
    return end;
}

#define PP_MOST_DIGITS 17 /* a double needs no more */

/* The value d0.d1... * 10^exponent. */
struct pp_decimal {
    char digits[PP_MOST_DIGITS];
    int count, exponent;
};

#define PP_MOST_TEXT 40 /* of a decimal with all its digits */

/*
 * Reads a positive number that "%.*e" has printed: `count` digits, after the first one a decimal point of any locale, and an
 * exponent. Returns where that begins. NULL if the text is anything else: the printf of small C libraries may lack floating
 * point.
 */
static char *pp_read_decimal(char *text, int count, struct pp_decimal *decimal)
{
    char *at = text, *end;
    int exponent = 0;

    decimal->count = count;
    for (int i = 0; i < count; at++) {
        if (*at >= '0' && *at <= '9')
            decimal->digits[i++] = *at;
        else if (i != 1 || *at == '\0')
            return NULL;
    }
    end = at;
    if (at[0] != 'e' || (at[1] != '+' && at[1] != '-') || at[2] == '\0')
        return NULL;
    for (at += 2; *at >= '0' && *at <= '9' && exponent < 1000; at++)
        exponent = 10 * exponent + *at - '0';
    decimal->exponent = end[1] == '-' ? -exponent : exponent;
    return *at == '\0' ? end : NULL;
}

/* Prints a positive number with `count` digits into a text of PP_MOST_TEXT characters. Returns as pp_read_decimal. */
static char *pp_convert(char *text, double positive, int count, struct pp_decimal *decimal)
{
    text[0] = '\0';
    (void)snprintf(text, PP_MOST_TEXT, "%.*e", count - 1, positive);
    text[PP_MOST_TEXT - 1] = '\0';
    return pp_read_decimal(text, count, decimal);
}

static bool pp_reads_back(const char *text, double positive, bool is_float)
{
    return is_float ? strtof(text, NULL) == (float)positive : strtod(text, NULL) == positive;
}

/* Finds the fewest digits that read back as the same positive number of half precision. False as below. */
static bool pp_find_half(double positive, struct pp_decimal *found)
{
    const uint16_t bits = protopool_f16_of((float)positive).bits;
    char text[PP_MOST_TEXT];

    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        if (pp_convert(text, positive, count, found) == NULL)
            return false;
        if (protopool_f16_of(strtof(text, NULL)).bits == bits)
            return true;
    }
    return false;
}

/* Finds the fewest digits that read back as the same positive number, as the C library rounds it. False if that has no floating
 * point. pp_find_shortest does the same in less time. */
static inline bool pp_try_each_count(double positive, bool is_float, struct pp_decimal *found)
{
    char text[PP_MOST_TEXT];

    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        if (pp_convert(text, positive, count, found) == NULL)
            return false;
        if (pp_reads_back(text, positive, is_float))
            return true;
    }
    return false;
}

#ifdef __OPTIMIZE_SIZE__
#define pp_find_shortest pp_try_each_count
#else
#if defined __GNUC__ && FLT_EVAL_METHOD == 0
static bool pp_library_has_floats(void)
{
    static char known; /* 'y', 'n', or 0: not yet */
    char has = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (has == 0) {
        struct pp_decimal one;
        has = pp_try_each_count(1, false, &one) ? 'y' : 'n';
        __atomic_store_n(&known, has, __ATOMIC_RELAXED);
    }
    return has == 'y';
}

/*
 * Finds at most 15 digits, or 9 of a float, without the C library. False if there are none or in doubt.
 *
 * `number` and `scale` are exact, so their quotient is what strtod returns for these digits. At most one number of 15 digits
 * reads back as this double. Several of 9 digits read back as a float; the nearest is printed. It is in doubt if the number
 * may lie in the middle between two decimals. Its quotient is in doubt if it may lie in the middle between two floats.
 */
static bool pp_find_few(double positive, bool is_float, struct pp_decimal *found)
{
    const double most = is_float ? 1e9 : 1e15;
    double scale = 1;

    if (positive < 1e-4
        || positive >= (is_float ? 16777216 : most)) /* beyond, digits before the point may be left out */
        return false;
    for (int places = 0;; places++) {
        const double scaled = positive * scale + 0.5;
        const int64_t number = (int64_t)scaled; /* less than 10 * most */
        const double above = scaled - (double)number, back = (double)number / scale;
        char text[PP_MOST_TEXT];
        char *const end = text + sizeof text;
        uint64_t bits;

        memcpy(&bits, &back, sizeof bits);
        if (scaled >= most || (is_float && (bits & 0x1fffffff) == 0x10000000))
            return false;
        if (is_float ? (float)back == (float)positive : back == positive) {
            if (is_float && (above < 1e-6 || above > 1 - 1e-6))
                return false;
            found->count = (int)(end - pp_digits_before(end, (uint64_t)number, false));
            found->exponent = found->count - 1 - places;
            memcpy(found->digits, end - found->count, (size_t)found->count);
            return pp_library_has_floats();
        }
        scale *= 10;
    }
}
#else
#define pp_find_few(positive, is_float, found) false
#endif

/* A positive number divided by the distance to the next one. */
static uint64_t pp_significand(double positive, bool is_float)
{
    uint64_t bits;
    uint32_t narrow_bits;

    if (is_float) {
        const float narrow = (float)positive;
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        return narrow_bits >> 23 == 0 ? narrow_bits : (narrow_bits & 0x7fffff) | 0x800000;
    }
    memcpy(&bits, &positive, sizeof bits);
    return bits >> 52 == 0 ? bits : (bits & (UINT64_MAX >> 12)) | (uint64_t)1 << 52;
}

/*
 * Tries the number's 17 digits, rounded to fewer ones, unless the difference is more than half the distance to the next number.
 * Differences are in units of the 17th digit, which is rounded itself.
 */
static bool pp_find_shortest(double positive, bool is_float, struct pp_decimal *found)
{
    const uint64_t too_large = 100000000000000000; /* 10^17 */
    struct pp_decimal exact;
    char text[PP_MOST_TEXT], *end;
    uint64_t number = 0, unit = too_large, rest, distance;

    if (pp_find_few(positive, is_float, found))
        return true;
    end = pp_convert(text, positive, PP_MOST_DIGITS, &exact);
    if (end == NULL || exact.digits[0] == '0')
        return false;
    for (int i = 0; i < PP_MOST_DIGITS; i++)
        number = 10 * number + (uint64_t)(exact.digits[i] - '0');
    distance = number / pp_significand(positive, is_float) + 1;
    rest = number;
    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        uint64_t rounded;

        unit /= 10;
        rest -= unit * (uint64_t)(exact.digits[count - 1] - '0');
        if (2 * (rest < unit - rest ? rest : unit - rest) > distance)
            continue;
        rounded = number - rest + (2 * rest > unit ? unit : 0);
        if (2 * rest == unit || rounded == too_large) { /* in the middle; or it has a digit more */
            char again[PP_MOST_TEXT];
            if (pp_convert(again, positive, count, found) == NULL)
                return false;
            if (pp_reads_back(again, positive, is_float))
                return true;
            continue;
        }
        found->count = count;
        found->exponent = exact.exponent;
        (void)pp_digits_before(found->digits + PP_MOST_DIGITS, rounded, false);
        text[0] = found->digits[0];
        memcpy(end - (PP_MOST_DIGITS - 1), found->digits + 1, PP_MOST_DIGITS - 1);
        if (pp_reads_back(text, positive, is_float))
            return true;
    }
    return false;
}
#endif
#endif
