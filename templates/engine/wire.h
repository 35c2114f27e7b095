/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Wire: messages as bytes, to send and to receive. The bytes of a message are its own layout, little-endian, with 0 in each byte that
 * holds no value: padding, what is behind the end of a text or list, and the value of an absent field. They are the same on every
 * machine. Nothing is in front of a message or behind it: one follows the other.
 */

/* What became of received bytes. */
enum protopool_receipt {
    PROTOPOOL_RECEIVED,   /* they begin with a message, which was allocated */
    PROTOPOOL_INCOMPLETE, /* they are the beginning of a message */
    PROTOPOOL_INVALID,    /* no message of the schema begins so */
    PROTOPOOL_NO_MEMORY   /* the pool returned no slot; its failure says why. The same bytes can be received later */
};

#define PROTOPOOL_PATH_BYTES_ 96  /* longer names of fields are cut off */
#define PROTOPOOL_TEXT_BYTES_ 256 /* longer texts, too */

/* What a receive function returns besides the message. The refusal points into this struct: do not copy it. */
struct protopool_received {
    enum protopool_receipt status;
    size_t used;    /* RECEIVED: the bytes of the message. Otherwise 0 */
    size_t missing; /* INCOMPLETE: at least this many more bytes are needed, 1 or more. Otherwise 0 */
    /* INVALID: the broken rule, and the field. message is NULL if no variant has the tag, field if no field is to blame. */
    struct protopool_refusal refusal;
    char field_[PROTOPOOL_PATH_BYTES_];
#ifndef PROTOPOOL_NO_STDIO
    char text_[PROTOPOOL_TEXT_BYTES_];
#endif
};

/* Bits without a value in 8 bytes of a record, or in all bytes of a smaller one: padding, and what no bit-field uses. `unused` is in
 * the byte order of this machine. */
struct protopool_hole {
    uint64_t unused;
    uint32_t offset;
};

/* A field that does not always use all its bytes: it can be absent, has a length or alternatives, or consists of structs with such
 * fields. */
struct protopool_varying {
    const struct protopool_form *elements; /* of the structs, NULL: all their bytes are used; or of the alternatives */
    uint32_t number;                       /* of the field in the record, from 0 */
};

/* A record: where it holds no value. Its holes include those of single structs in it. Of the varying fields, tails come first. */
struct protopool_form {
    const struct protopool_record *record;
    const struct protopool_hole *holes;
    const struct protopool_varying *varying;
    uint16_t varying_count, tail_count;
    uint32_t hole_count : 28;
    uint32_t tag_bytes : 4; /* 0: it is a struct */
};

/* For emitted tables: bytes from the n-th of eight on; the rest of the n-th byte behind its first bit-fields. */
#if defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROTOPOOL_PADDING_(n, bytes) (UINT64_MAX >> (64 - 8 * (bytes)) << 8 * (8 - (n) - (bytes)))
#define PROTOPOOL_UNUSED_(n, bits) (UINT64_C(0xff) >> (bits) << 8 * (7 - (n)))
#else
#define PROTOPOOL_PADDING_(n, bytes) (UINT64_MAX >> (64 - 8 * (bytes)) << 8 * (n))
#define PROTOPOOL_UNUSED_(n, bits) ((UINT64_C(0xff) >> (bits) << (bits)) << 8 * (n))
#endif

/* Of a record of less than 8 bytes: clears its hole, or looks whether it is 0. */
PROTOPOOL_API bool protopool_visit_small(const struct protopool_form *form, void *of, bool clears);

/* The same, of a record of 8 bytes or more. */
PROTOPOOL_INLINE bool protopool_visit_words(const struct protopool_form *form, unsigned char *of, bool clears)
{
    const struct protopool_hole *hole = form->holes;
    uint64_t word, used, found = 0;

    for (uint32_t left = form->hole_count; left != 0; left--, hole++) {
        memcpy(&word, of + hole->offset, sizeof word);
        if (!clears) {
            found |= word & hole->unused;
            continue;
        }
        used = word & ~hole->unused;
        memcpy(of + hole->offset, &used, sizeof used);
    }
    return found == 0;
}

/* The same, of any record. */
PROTOPOOL_INLINE bool protopool_visit_holes(const struct protopool_form *form, unsigned char *of, bool clears)
{
    return PROTOPOOL_LIKELY(form->record->bytes >= sizeof(uint64_t)) ? protopool_visit_words(form, of, clears)
                                                                     : protopool_visit_small(form, of, clears);
}

/* The same for varying fields. */
PROTOPOOL_API void protopool_scrub_varying(const struct protopool_form *form, void *of);
PROTOPOOL_API bool protopool_is_varying_scrubbed(const struct protopool_form *form, void *of);

/* Clears what holds no value in a message. It need not be aligned. */
static inline void protopool_scrub(const struct protopool_form *form, void *msg)
{
    (void)protopool_visit_holes(form, (unsigned char *)msg, true);
    if (form->varying_count != 0)
        protopool_scrub_varying(form, msg);
}

/* Whether scrub would change nothing in a valid message. */
static inline bool protopool_is_scrubbed(const struct protopool_form *form, void *msg)
{
    return protopool_visit_holes(form, (unsigned char *)msg, false)
           && (form->varying_count == 0 || protopool_is_varying_scrubbed(form, msg));
}

/* Whether a message lies in memory as it is sent. */
static inline bool protopool_is_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;

    memcpy(&first, &one, sizeof first);
    return first == 1;
}

/* memcpy: inlined for what is short, so that no registers are saved for a call. */
PROTOPOOL_INLINE void protopool_copy(void *to, const void *from, size_t bytes)
{
    if (!PROTOPOOL_LIKELY(bytes - 16 <= 16)) {
        memcpy(to, from, bytes);
        return;
    }
    memcpy(to, from, 16);
    memcpy((unsigned char *)to + bytes - 16, (const unsigned char *)from + bytes - 16, 16); /* the two overlap */
}

/* Writes a message as it is sent: scrubbed, little-endian, not aligned. Returns the number of bytes. */
PROTOPOOL_API size_t protopool_encode_any(const struct protopool_form *form, const void *msg, size_t bytes,
                                          void *buffer);
PROTOPOOL_INLINE size_t protopool_encode(const struct protopool_form *form, const void *msg, size_t bytes, void *buffer)
{
    if (form->varying_count != 0 || bytes - 16 > 16 || !protopool_is_little_endian())
        return protopool_encode_any(form, msg, bytes, buffer);
    protopool_copy(buffer, msg, bytes);
    (void)protopool_visit_words(form, (unsigned char *)buffer, true);
    return bytes;
}

/* The tag at the beginning of the bytes. */
PROTOPOOL_INLINE uint32_t protopool_received_tag(const void *bytes, size_t tag_bytes)
{
    const unsigned char *const at = (const unsigned char *)bytes;
    uint32_t tag = 0;

    for (size_t i = 0; i < tag_bytes; i++)
        tag |= (uint32_t)at[i] << 8 * i;
    return tag;
}

/* The size of the message with which the bytes begin. 0: incomplete or invalid, and noted in the result. */
PROTOPOOL_API size_t protopool_measure(const struct protopool_form *form, const void *bytes, size_t count,
                                       struct protopool_received *result);

/* Changes a copy of received bytes into a message of this machine. False if its lengths have changed since it was measured. */
PROTOPOOL_API bool protopool_from_wire(const struct protopool_form *form, void *msg, size_t bytes);

/* Notes a result, and returns NULL. */
PROTOPOOL_API void *protopool_note_incomplete(struct protopool_received *result, size_t missing);
PROTOPOOL_API void *protopool_note_no_memory(struct protopool_received *result);
PROTOPOOL_API void *protopool_note_unknown_tag(struct protopool_received *result, const void *pool, uint32_t tag);
/* is_changed: its lengths have changed; they are set to 0. Otherwise the message breaks a rule, or a byte without a value is not 0.
 * ranges: the protocol's table. */
PROTOPOOL_API void *protopool_note_invalid(struct protopool_received *result, const void *pool,
                                           const struct protopool_form *form, const struct protopool_range *ranges,
                                           void *msg, bool is_changed);
