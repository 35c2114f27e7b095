/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Packed messages: the formats of others. The fields follow each other in the schema's order, without padding, in an order of bytes that
 * the schema chooses. A text or list is sent as its length and the elements that are used, an absent field not at all.
 */

/* How an element is packed: its bits, and whether those of a number of 24 or 48 bits have a sign. */
enum protopool_packed {
    PROTOPOOL_PACKED_8,
    PROTOPOOL_PACKED_16,
    PROTOPOOL_PACKED_U24,
    PROTOPOOL_PACKED_I24,
    PROTOPOOL_PACKED_32,
    PROTOPOOL_PACKED_U48,
    PROTOPOOL_PACKED_I48,
    PROTOPOOL_PACKED_64,
    PROTOPOOL_PACKED_STRUCT, /* of: how it is packed */
    PROTOPOOL_PACKED_ONE_OF, /* of: its alternatives, a step each */
    PROTOPOOL_PACKED_TEXTS
};

/* A field of a record. It has the number of its description. */
struct protopool_step {
    const struct protopool_packing *of;
    uint32_t offset;      /* as that of the description; 0 for a tail */
    uint32_t count;       /* the same */
    uint8_t element;      /* enum protopool_packed */
    uint8_t length_bytes; /* 0 if there is a length: it is what is left of the payload */
    bool is_plain;        /* it always is `count` elements */
};

/* A record. bytes: when packed, at least. */
struct protopool_packing {
    const struct protopool_record *record;
    const struct protopool_step *steps;
    uint32_t bytes;
    uint32_t presence_offset;
    uint16_t presence_bits;
    bool is_fixed; /* it always has these bytes */
};

/* Packs a message, without its tag, and returns the number of its bytes. to: NULL if they are only counted. */
PROTOPOOL_API size_t protopool_pack(const struct protopool_packing *packing, const void *msg, unsigned char *to,
                                    bool is_big);

/* Of a message of any variant; those that always have the same bytes need no look at the message. */
PROTOPOOL_INLINE size_t protopool_packed_size(const struct protopool_packing *packing, const void *msg)
{
    return packing->is_fixed ? packing->bytes : protopool_pack(packing, msg, NULL, false);
}

/* The bytes with which a packed message begins, and those in a message's memory. */
struct protopool_measured {
    size_t used, size;
};

/* The sizes of the message with which the bytes begin. is_alone: all of the bytes must be the message. size is 0 if they are incomplete
 * or invalid, which is noted in the result. */
PROTOPOOL_API struct protopool_measured protopool_measure_packed(const struct protopool_packing *packing,
                                                                 const unsigned char *bytes, size_t count, bool is_big,
                                                                 bool is_alone, struct protopool_received *result);

/* Makes a message of this machine of packed bytes, but for its tag. False if they have changed since they were measured: then lengths
 * in it are wrong. */
PROTOPOOL_API bool protopool_unpack(const struct protopool_packing *packing, void *msg, const unsigned char *bytes,
                                    struct protopool_measured size, bool is_big);

/* A tag of up to 4 bytes. */
PROTOPOOL_INLINE uint32_t protopool_packed_tag(const unsigned char *bytes, size_t tag_bytes, bool is_big)
{
    uint32_t tag = 0;

    for (size_t i = 0; i < tag_bytes; i++)
        tag = tag << 8 | bytes[is_big ? i : tag_bytes - 1 - i];
    return tag;
}

PROTOPOOL_INLINE void protopool_pack_tag(unsigned char *to, uint32_t tag, size_t tag_bytes, bool is_big)
{
    for (size_t i = 0; i < tag_bytes; i++)
        to[is_big ? tag_bytes - 1 - i : i] = (unsigned char)(tag >> 8 * i);
}
