/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Lists of texts, for emitted code: offsets, then the texts, each terminated.
 * The texts are in their order and without gaps. An offset is an unsigned integer of `width` bytes, 1, 2 or 4: the bytes from
 * the first offset to its text.
 */

/* The offset with the index `i`. */
static inline size_t protopool_offset(const void *offsets, size_t width, size_t i)
{
    const unsigned char *const at = (const unsigned char *)offsets + i * width;
    uint32_t of_4;
    uint16_t of_2;

    if (width == 1)
        return *at;
    if (width == sizeof of_2) {
        memcpy(&of_2, at, sizeof of_2);
        return of_2;
    }
    memcpy(&of_4, at, sizeof of_4);
    return of_4;
}

/* Whether the list of `count` elements in the message has an element `i`. If not: a fault from level 1. */
PROTOPOOL_INLINE bool protopool_has_element(const void *msg, size_t i, size_t count)
{
#if PROTOPOOL_CHECK >= 1
    if (!PROTOPOOL_LIKELY(i < count)) {
        protopool_report_fault(PROTOPOOL_FAULT_WRONG_INDEX, NULL, msg);
        return false;
    }
#endif
    (void)msg;
    (void)i;
    (void)count;
    return true;
}

/* The bytes of a list of these texts. most + 1 if that is more than `most`, if there are more than `most_texts`, or if one of them is
 * NULL or has more than `longest` characters. If there are too many, it reads none. */
PROTOPOOL_API size_t protopool_texts_bytes(const char *const *texts, size_t count, size_t width, size_t most_texts,
                                           size_t longest, size_t most);

/* Writes a list of these texts. There are as many bytes as protopool_texts_bytes has returned. */
PROTOPOOL_API void protopool_store_texts(void *to, const char *const *texts, size_t count, size_t width);

/* Whether these bytes are a list of `count` texts, none of which has more than `longest` characters. It may hold any bytes. */
PROTOPOOL_API bool protopool_valid_texts(const void *list, size_t bytes, size_t count, size_t width, size_t longest);
