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
    /* INVALID: the broken rule, and the field. message is NULL if no variant has the tag. field is NULL if no field is to blame, and at
     * level 0 for a number that is out of its range. */
    struct protopool_refusal refusal;
    char field_[PROTOPOOL_PATH_BYTES_];
#ifndef PROTOPOOL_NO_STDIO
    char text_[PROTOPOOL_TEXT_BYTES_];
#endif
};

enum protopool_blank_kind {
    PROTOPOOL_BLANK_NONE,    /* the end of a record's blanks */
    PROTOPOOL_BLANK_TAIL,    /* a tail, and the padding before it. Tails come first, in the schema's order */
    PROTOPOOL_BLANK_PADDING, /* `number` bytes at `offset` */
    PROTOPOOL_BLANK_BITS,    /* the byte at `offset`, except its first `number` bit-fields */
    PROTOPOOL_BLANK_FIELD    /* a field that can be absent, has a length, or consists of structs with blanks */
};

/* Where a record holds no value, or not always one. */
struct protopool_blank {
    const struct protopool_blank *elements; /* those of the structs of the field; NULL: it has none */
    uint32_t offset;
    uint16_t number; /* of a FIELD and a TAIL: the field's, from 0 */
    uint8_t kind;
};

#define PROTOPOOL_NO_BLANK_ { NULL, 0, 0, PROTOPOOL_BLANK_NONE }
#define PROTOPOOL_TAIL_(number, elements) { elements, 0, number, PROTOPOOL_BLANK_TAIL }
#define PROTOPOOL_PADDING_(offset, bytes) { NULL, offset, bytes, PROTOPOOL_BLANK_PADDING }
#define PROTOPOOL_BITS_(offset, used) { NULL, offset, used, PROTOPOOL_BLANK_BITS }
#define PROTOPOOL_FIELD_(number, elements) { elements, 0, number, PROTOPOOL_BLANK_FIELD }

/* A variant as emitted code describes it to the functions below. */
struct protopool_form {
    const struct protopool_record *record;
    const struct protopool_blank *blanks;
    size_t tag_bytes;
};

/* Clears the blanks of a message. */
PROTOPOOL_API void protopool_scrub(const struct protopool_form *form, void *msg);

/* Makes a copy of a message, which need not be aligned, what is sent: clears its blanks, little-endian. */
PROTOPOOL_API void protopool_to_wire(const struct protopool_form *form, void *copy);

/* The tag at the beginning of the bytes. */
PROTOPOOL_API uint32_t protopool_received_tag(const void *bytes, size_t tag_bytes);

/* The size of the message with which the bytes begin; at least its tag is there. 0: incomplete or invalid, and noted in the result. */
PROTOPOOL_API size_t protopool_measure(const struct protopool_form *form, const void *bytes, size_t count,
                                       struct protopool_received *result);

/* Makes a copy of received bytes a message of this machine. False if its lengths have changed since it was measured: then the tails
 * are empty. */
PROTOPOOL_API bool protopool_from_wire(const struct protopool_form *form, void *msg, size_t bytes);

/* Whether all blanks of a valid message are 0. */
PROTOPOOL_API bool protopool_is_scrubbed(const struct protopool_form *form, const void *msg);

/* Notes a result, and returns NULL. */
PROTOPOOL_API void *protopool_note_incomplete(struct protopool_received *result, size_t missing);
PROTOPOOL_API void *protopool_note_no_memory(struct protopool_received *result);
PROTOPOOL_API void *protopool_note_unknown_tag(struct protopool_received *result, const void *pool, uint32_t tag);
/* is_changed: protopool_from_wire returned false. Otherwise the message breaks a rule, or a blank is not 0. */
PROTOPOOL_API void *protopool_note_invalid(struct protopool_received *result, const void *pool,
                                           const struct protopool_form *form, const void *msg, bool is_changed);
