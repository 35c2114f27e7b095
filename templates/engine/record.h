/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Descriptions of messages: for a logger, a diff or a bridge to another format, for any protocol. */

enum protopool_type {
    PROTOPOOL_BOOL = 1,
    PROTOPOOL_UNSIGNED,
    PROTOPOOL_SIGNED,
    PROTOPOOL_FLOAT, /* of 2 bytes (struct protopool_f16), of 4 or of 8 */
    PROTOPOOL_CHAR,
    PROTOPOOL_ENUM,   /* of `bytes` bytes; `values` has its names */
    PROTOPOOL_FLAGS,  /* unsigned; `values` has masks and their names */
    PROTOPOOL_STRUCT, /* `record` describes it */
    PROTOPOOL_TEXT,   /* characters: terminated if it has a length, padded to `count` if not */
    PROTOPOOL_BITS,   /* unsigned; `parts` has its parts */
    PROTOPOOL_TEXTS,  /* a list of texts, of which protopool_field_text returns one; its elements are offsets */
    PROTOPOOL_ONE_OF  /* one of several alternatives: see protopool_alternative */
};

/* The name of an enum's value, of a bit of flags, or of no bits. number: the value converted to uint64_t, or the mask.
 *
 * If an enum or flags has has_history, `value_count` more elements follow: the history of each value. number: its `since`, as that of
 * a field. name: why it is deprecated; "" if the schema gives no reason; NULL if it is not deprecated. */
struct protopool_value {
    const char *name;
    uint64_t number;
};

/* Some bits of an integer of the type BITS: (integer >> shift) & (2^bits - 1). Parts are in the order of their bits. */
struct protopool_part {
    const char *name;                     /* in the schema */
    const char *unit;                     /* NULL: none */
    const struct protopool_value *values; /* of an ENUM; otherwise NULL */
    uint64_t least, most;                 /* the ends of what is allowed of an UNSIGNED */
    uint16_t value_count;
    uint16_t since;               /* as that of a field */
    enum protopool_type type : 8; /* BOOL, UNSIGNED or ENUM */
    uint8_t shift;
    uint8_t bits;
    bool is_deprecated : 1;
    bool has_history : 1; /* of an ENUM: `values` also has the history of each */
};

struct protopool_range;

/* Of a list of texts: the most bytes of offsets and texts, and the most characters of each text. */
struct protopool_limits {
    uint32_t bytes, characters;
};

/* 56 bytes, where a pointer has 8: a large protocol has thousands of fields. */
struct protopool_field {
    const char *name;                          /* in the schema */
    const char *unit;                          /* NULL: none */
    union {                                    /* by its type; NULL: none */
        const struct protopool_record *record; /* of a STRUCT; of a ONE_OF, its alternatives */
        const struct protopool_value *values;  /* of an ENUM or FLAGS */
        const struct protopool_part *parts;    /* of BITS; `value_count` of them */
        const struct protopool_range *range;   /* of a number or CHAR, from level 1 */
        const struct protopool_limits *limits; /* of TEXTS */
    };
    union {
        uint32_t value_count;
        uint32_t
            range_number; /* of a number or CHAR, at level 0: of its range in the protocol's table, from 1; 0: none */
        uint32_t
            extent_offset; /* of TEXTS: of the integer that counts the bytes of the list; it is as wide as an offset */
    };
    uint32_t offset; /* of the first element, in bytes from the beginning of the record. See protopool_field_at */
    uint32_t bytes;  /* of an element */
    uint32_t count;  /* elements that it has room for; it may be 1 for a list too */
    uint32_t length_offset;   /* of the unsigned integer that counts the used elements; see PROTOPOOL_BY_NUMBER */
    uint32_t presence_offset; /* of the byte whose bit says whether the field is present; see PROTOPOOL_BY_NUMBER */
    enum protopool_type type : 8;
    bool is_list : 1;       /* an array or a list, even of one element */
    bool is_tail : 1;       /* it follows the record; only in a message in a pool */
    bool is_signed : 1;     /* of an ENUM: its base has negative values */
    bool is_deprecated : 1; /* as the schema says */
    bool has_history : 1;   /* of an ENUM or FLAGS: `values` also has the history of each */
    char pad;               /* of a TEXT without a length: the character that fills its unused end */
    uint8_t length_bytes;   /* of the length; 0: all elements are used */
    uint8_t presence_mask;  /* that bit; 0: the field always is present */
    uint8_t align;          /* of a tail behind another: it begins at a multiple of this */
    uint16_t since;         /* the version of the protocol that it is new in; 0: the schema does not say */
};

/* The presence_mask of a number, one value of which means that it is absent. The value has these bits, of the field's size:
 * presence_offset holds the upper 32, length_offset the lower. If the value is a NaN, every NaN means it. */
#define PROTOPOOL_BY_NUMBER 0xffU
#define PROTOPOOL_ABSENT_(bits) \
    .presence_mask = PROTOPOOL_BY_NUMBER, .presence_offset = (uint32_t)((bits) >> 32), \
    .length_offset = (uint32_t)((bits)&UINT32_MAX)

/* The presence_mask of an optional ONE_OF, for the byte that says which alternative is there: none if it is 0. */
#define PROTOPOOL_ONE_OF_MASK_ 0x7fU

/* An end of a range. The end itself is allowed. number: the end, converted to uint64_t. real: the end, for a FLOAT. */
union protopool_bound {
    uint64_t number;
    double real;
};

struct protopool_range {
    union protopool_bound least, most;
};

/* At level 0 only received bytes are looked at for ranges: a program that receives none need not be linked with the table. */
#if PROTOPOOL_CHECK >= 1
#define PROTOPOOL_RANGE_(table, number) .range = &(table)[(number)-1]
#else
#define PROTOPOOL_RANGE_(table, number) .range_number = (number)
#endif

/* A message or a struct; its fields in the schema's order. */
struct protopool_record {
    const char *name;
    uint32_t bytes;
    unsigned field_count : 15;
    unsigned is_deprecated : 1;
    unsigned since : 16; /* as that of a field */
    const struct protopool_field *fields;
};

/* The mask, in its byte, of the n-th bit-field of one bit. */
#if defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROTOPOOL_BIT_(n) (0x80U >> (n) % 8)
#else
#define PROTOPOOL_BIT_(n) (1U << (n) % 8)
#endif

/* Whether the number at `number` means that a field with PROTOPOOL_BY_NUMBER is absent. */
PROTOPOOL_API bool protopool_number_is_absent(const struct protopool_field *field, const void *number);

/* Whether the field is present in the record at `of`. */
static inline bool protopool_field_present(const struct protopool_field *field, const void *of)
{
    if (field->presence_mask == 0)
        return true;
    if (field->presence_mask == PROTOPOOL_BY_NUMBER)
        return !protopool_number_is_absent(field, (const unsigned char *)of + field->offset);
    return (((const unsigned char *)of)[field->presence_offset] & field->presence_mask) != 0;
}

/* The alternative that a ONE_OF has in the record at `of`; NULL: none. It is a field of the same record: its offsets are from `of`, too.
 * field->record->fields are all its alternatives. */
static inline const struct protopool_field *protopool_alternative(const struct protopool_field *field, const void *of)
{
    const unsigned number = ((const unsigned char *)of)[field->presence_offset]; /* from 1 */
    return number == 0 || number > field->record->field_count ? NULL : &field->record->fields[number - 1];
}

/* How many elements of the field are used. 0 if it is absent. */
static inline size_t protopool_field_length(const struct protopool_field *field, const void *of)
{
    const unsigned char *length;
    uint32_t used = field->count;
    uint16_t used16;

    if (!protopool_field_present(field, of))
        return 0;
    if (field->length_bytes == 0)
        return used;
    length = (const unsigned char *)of + field->length_offset;
    if (field->length_bytes == 1) {
        used = *length;
    } else if (field->length_bytes == 2) {
        memcpy(&used16, length, sizeof used16);
        used = used16;
    } else if (field->length_bytes == 4) {
        memcpy(&used, length, sizeof used);
    }
    return used < field->count ? used : field->count;
}

/* The part of an integer of the type BITS. */
static inline uint64_t protopool_part_of(const struct protopool_part *part, uint64_t integer)
{
    return integer >> part->shift & UINT64_MAX >> (64 - part->bits);
}

/* The bytes of a tail in the record at `of`. */
static inline size_t protopool_field_extent(const struct protopool_field *field, const void *of)
{
    if (field->type == PROTOPOOL_TEXTS)
        return protopool_field_present(field, of)
                   ? protopool_offset((const char *)of + field->extent_offset, field->bytes, 0)
                   : 0;
    return protopool_field_length(field, of) * field->bytes + (field->type == PROTOPOOL_TEXT);
}

/* The field's first element in the record at `of`. A tail lies behind the tails before it: its `offset` is right if they are empty.
 * A message from outside must have been validated. */
static inline const void *protopool_field_at(const struct protopool_record *record, const struct protopool_field *field,
                                             const void *of)
{
    size_t at = field->offset, end = 0;

    for (const struct protopool_field *tail = record->fields; field->is_tail && tail <= field; tail++) {
        if (!tail->is_tail)
            continue;
        at = end == 0 ? tail->offset : PROTOPOOL_UP_(end, tail->align);
        end = at + protopool_field_extent(tail, of);
    }
    return (const unsigned char *)of + at;
}

/* The text `i`, from 0, of a field of the type TEXTS, which must have it. at: protopool_field_at. */
static inline const char *protopool_field_text(const struct protopool_field *field, const void *at, size_t i)
{
    return (const char *)at + protopool_offset(at, field->bytes, i);
}

#if PROTOPOOL_CHECK >= 1
/* An argument of a constructor (of a ONE_OF, one for each alternative): its first element, the bytes of an element, and the number
 * of elements. For a text only `at` is used; the elements of TEXTS are pointers to them. at is NULL if the optional field is absent. */
struct protopool_argument {
    const void *at;
    size_t bytes, length;
};

/* Calls the refusal handler for the first field that breaks a rule of the schema. The pool is NULL for a message by value. */
PROTOPOOL_API void protopool_explain_new(const struct protopool *pool, const struct protopool_record *message,
                                         const struct protopool_argument *arguments);
/* The same for a struct and, if the message has one, its tail. */
PROTOPOOL_API void protopool_explain_copy(const struct protopool *pool, const struct protopool_record *message,
                                          bool has_tag, const void *from, const void *tail, size_t length);
/* The same for a struct and `count` tails. */
PROTOPOOL_API void protopool_explain_copy_of(const struct protopool *pool, const struct protopool_record *message,
                                             bool has_tag, const void *from, const struct protopool_argument *tails,
                                             size_t count);
#endif
