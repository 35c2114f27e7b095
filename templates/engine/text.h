/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What emitted constructors use for texts, bools and NaN. */

/* The text's length, or most + 1 if it is longer. By counting: for few characters, this takes less time than a call. */
static inline size_t protopool_count_text(const char *text, size_t most)
{
    size_t length = 0;
    while (length <= most && text[length] != '\0')
        length++;
    return length;
}

/* The text's length, or most + 1 if it is longer or NULL. */
static inline size_t protopool_text_length(const char *text, size_t most)
{
    if (text == NULL)
        return most + 1;
#if defined __OPTIMIZE_SIZE__ || (defined __STDC_HOSTED__ && __STDC_HOSTED__ == 0)
    return protopool_count_text(text, most);
#else
    if (most <= 16) /* a constant where this is inlined */
        return protopool_count_text(text, most);
    if (*text == '\0')
        return 0;
#if defined __GNUC__ && !defined __clang__
    size_t room = most + 1;
    __asm__("" : "+r"(room)); /* a shorter array that ends with NUL is no error, but gcc would warn */
    return __builtin_strnlen(text, room);
#else
    const void *const end = memchr(text, '\0', most + 1);
    return end == NULL ? most + 1 : (size_t)((const char *)end - text);
#endif
#endif
}

/* Fills `count` characters with the text, of length `length` <= count, and then with the pad. */
static inline void protopool_copy_padded(char *to, size_t count, const char *text, size_t length, char pad)
{
    memset(to, pad, count);
    if (length <= count) /* always true: for the compiler */
        memcpy(to, text, length);
}

/* How many of `count` characters are left without the padding at their end. */
static inline size_t protopool_unpadded_length(const char *chars, size_t count, char pad)
{
    while (count > 0 && chars[count - 1] == pad)
        count--;
    return count;
}

/* Whether the byte can be read as a bool. Bytes from outside may have other values than C allows. */
static inline bool protopool_is_bool(const void *bytes)
{
    static const bool truths[] = { false, true };
    return memcmp(bytes, &truths[0], sizeof truths[0]) == 0 || memcmp(bytes, &truths[1], sizeof truths[1]) == 0;
}

/* Whether the number of 2, 4 or 8 bytes is a NaN. By its bits: a compiler may assume that there are none (-ffast-math). */
static inline bool protopool_is_nan(const void *number, size_t bytes)
{
    uint16_t of_2;
    uint32_t of_4;
    uint64_t of_8;

    if (bytes == sizeof of_2) {
        memcpy(&of_2, number, sizeof of_2);
        return (of_2 & 0x7fffU) > 0x7c00U;
    }
    if (bytes == sizeof of_4) {
        memcpy(&of_4, number, sizeof of_4);
        return (of_4 & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000);
    }
    memcpy(&of_8, number, sizeof of_8);
    return (of_8 & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000);
}

/* The bits of the one NaN that constructors store. */
#define PROTOPOOL_NAN_(bytes) \
    ((bytes) == sizeof(uint16_t)   ? UINT64_C(0x7e00) \
     : (bytes) == sizeof(uint32_t) ? UINT64_C(0x7fc00000) \
                                   : UINT64_C(0x7ff8000000000000))

static inline void protopool_store_nan(void *number, size_t bytes)
{
    const uint64_t of_8 = PROTOPOOL_NAN_(bytes);
    const uint32_t of_4 = (uint32_t)of_8;
    const uint16_t of_2 = (uint16_t)of_8;

    if (bytes == sizeof of_2)
        memcpy(number, &of_2, sizeof of_2);
    else if (bytes == sizeof of_4)
        memcpy(number, &of_4, sizeof of_4);
    else
        memcpy(number, &of_8, sizeof of_8);
}
