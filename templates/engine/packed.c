/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Packed messages: writes and reads the fields one after the other, as the steps of a record say. */

static const uint8_t pp_packed_bytes[] = { 1, 2, 3, 3, 4, 6, 6, 8 }; /* by enum protopool_packed */

/* The bytes of an element that always has the same; 0 if it does not. */
static size_t pp_element_bytes(const struct protopool_step *step)
{
    if (step->element < sizeof pp_packed_bytes)
        return pp_packed_bytes[step->element];
    return step->element == PROTOPOOL_PACKED_STRUCT && step->of->is_fixed ? step->of->bytes : 0;
}

/* The bytes of the length of a text in a list of texts. */
static size_t pp_text_length_bytes(const struct protopool_field *texts)
{
    return texts->limits->characters <= UINT8_MAX ? 1 : texts->limits->characters <= UINT16_MAX ? 2 : 4;
}

/* Whether a bit says that the field is present. */
static bool pp_has_bit(const struct protopool_field *field)
{
    return field->presence_mask != 0 && field->presence_mask != PROTOPOOL_BY_NUMBER;
}

/* The bit-fields of a byte, from its lowest bit on. Bit-fields begin at the highest bit on a big-endian machine. */
static unsigned char pp_presence_byte(unsigned char byte)
{
    unsigned mirrored = 0;

    if (protopool_is_little_endian())
        return byte;
    for (unsigned i = 0; i < 8; i++)
        mirrored |= ((unsigned)byte >> i & 1U) << (7 - i);
    return (unsigned char)mirrored;
}

/* Numbers in the order of this machine, or in the other one. Compilers know these as one instruction. */

static uint16_t pp_16(const unsigned char *at, bool swaps)
{
    uint16_t number;
    memcpy(&number, at, sizeof number);
    return (uint16_t)(swaps ? number << 8 | number >> 8 : number);
}

static uint32_t pp_swapped_32(uint32_t number)
{
    return number << 24 | (number & 0xff00U) << 8 | (number >> 8 & 0xff00U) | number >> 24;
}

static uint32_t pp_32(const unsigned char *at, bool swaps)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return swaps ? pp_swapped_32(number) : number;
}

static uint64_t pp_64(const unsigned char *at, bool swaps)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return swaps ? (uint64_t)pp_swapped_32((uint32_t)number) << 32 | pp_swapped_32((uint32_t)(number >> 32)) : number;
}

static uint32_t pp_24(const unsigned char *at, bool is_big)
{
    return is_big ? (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]
                  : (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static uint64_t pp_48(const unsigned char *at, bool is_big, bool swaps)
{
    return is_big ? (uint64_t)pp_16(at, swaps) << 32 | pp_32(at + 2, swaps)
                  : (uint64_t)pp_16(at + 4, swaps) << 32 | pp_32(at, swaps);
}

static void pp_put_24(unsigned char *to, uint32_t number, bool is_big)
{
    to[is_big ? 0 : 2] = (unsigned char)(number >> 16);
    to[1] = (unsigned char)(number >> 8);
    to[is_big ? 2 : 0] = (unsigned char)number;
}

static void pp_put_48(unsigned char *to, uint64_t number, bool is_big, bool swaps)
{
    const uint16_t upper = (uint16_t)(number >> 32);
    const uint32_t lower = swaps ? pp_swapped_32((uint32_t)number) : (uint32_t)number;
    const uint16_t swapped = (uint16_t)(swaps ? upper << 8 | upper >> 8 : upper);

    memcpy(to + (is_big ? 0 : 4), &swapped, sizeof swapped);
    memcpy(to + (is_big ? 2 : 0), &lower, sizeof lower);
}

/* The lower bytes of a number. */
static void pp_put_bytes(unsigned char *to, uint64_t number, size_t bytes, bool is_big)
{
    for (size_t i = 0; i < bytes; i++)
        to[is_big ? bytes - 1 - i : i] = (unsigned char)(number >> 8 * i);
}

/* ---- Pack */

struct pp_packer {
    unsigned char *to; /* NULL: bytes are only counted */
    size_t size;
    bool is_big, swaps;
};

static void pp_pack_record(struct pp_packer *out, const struct protopool_packing *packing, const unsigned char *of);

static void pp_pack_number(struct pp_packer *out, uint64_t number, size_t bytes)
{
    if (out->to != NULL)
        pp_put_bytes(out->to + out->size, number, bytes, out->is_big);
    out->size += bytes;
}

/* Packs elements that are no structs. Returns where they end. */
PROTOPOOL_INLINE unsigned char *pp_store(const struct protopool_step *step, unsigned char *to, const unsigned char *at,
                                         size_t count, bool is_big, bool swaps)
{
    switch (step->element) {
    case PROTOPOOL_PACKED_16:
        for (; count != 0; count--, at += 2, to += 2) {
            const uint16_t number = pp_16(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return to;
    case PROTOPOOL_PACKED_32:
        for (; count != 0; count--, at += 4, to += 4) {
            const uint32_t number = pp_32(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return to;
    case PROTOPOOL_PACKED_64:
        for (; count != 0; count--, at += 8, to += 8) {
            const uint64_t number = pp_64(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return to;
    case PROTOPOOL_PACKED_U24:
    case PROTOPOOL_PACKED_I24:
        for (; count != 0; count--, at += 4, to += 3)
            pp_put_24(to, pp_32(at, false), is_big);
        return to;
    case PROTOPOOL_PACKED_U48:
    case PROTOPOOL_PACKED_I48:
        for (; count != 0; count--, at += 8, to += 6)
            pp_put_48(to, pp_64(at, false), is_big, swaps);
        return to;
    default: /* of one byte */
        if (count == 1)
            *to = *at;
        else
            memcpy(to, at, count);
        return to + count;
    }
}

static void pp_pack_elements(struct pp_packer *out, const struct protopool_step *step, const unsigned char *at,
                             size_t count)
{
    const size_t bytes = pp_element_bytes(step);
    unsigned char *to = out->to != NULL ? out->to + out->size : NULL;

    if (step->element == PROTOPOOL_PACKED_STRUCT && (to != NULL || bytes == 0)) {
        for (size_t i = 0; i < count; i++, at += step->of->record->bytes)
            pp_pack_record(out, step->of, at);
        return;
    }
    out->size += count * bytes;
    if (to == NULL)
        return;
    (void)pp_store(step, to, at, count, out->is_big, out->swaps);
}

/* Each text with its length. */
static void pp_pack_texts(struct pp_packer *out, const struct protopool_step *step, const struct protopool_field *field,
                          const unsigned char *at, size_t count)
{
    const size_t length_bytes = pp_text_length_bytes(field);
    const struct protopool_step of_text = { .element = PROTOPOOL_PACKED_8 };

    pp_pack_number(out, count, step->length_bytes);
    for (size_t i = 0; i < count; i++) {
        const char *const text = protopool_field_text(field, at, i);
        const size_t length = protopool_text_length(text, field->limits->characters);
        pp_pack_number(out, length, length_bytes);
        pp_pack_elements(out, &of_text, (const unsigned char *)text, length);
    }
}

/* A field that is present, or an alternative. */
static void pp_pack_value(struct pp_packer *out, const struct protopool_step *step,
                          const struct protopool_record *record, const struct protopool_field *field,
                          const unsigned char *of)
{
    const unsigned char *const at =
        field->is_tail ? (const unsigned char *)protopool_field_at(record, field, of) : of + step->offset;
    const size_t length = field->length_bytes != 0 ? pp_length_of(field, of) : step->count;

    if (step->element == PROTOPOOL_PACKED_TEXTS) {
        pp_pack_texts(out, step, field, at, length);
        return;
    }
    pp_pack_number(out, length, step->length_bytes);
    pp_pack_elements(out, step, at, length);
}

/* Its number, and then the alternative that is there. */
static void pp_pack_one_of(struct pp_packer *out, const struct protopool_step *step,
                           const struct protopool_field *field, const unsigned char *of)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);
    const size_t index = alternative != NULL ? (size_t)(alternative - field->record->fields) : 0;

    pp_pack_number(out, alternative != NULL ? index + 1 : 0, 1);
    if (alternative != NULL)
        pp_pack_value(out, &step->of->steps[index], field->record, alternative, of);
}

static void pp_pack_presence(struct pp_packer *out, const struct protopool_packing *packing, const unsigned char *of)
{
    for (unsigned bit = 0; bit < packing->presence_bits; bit += 8) {
        const unsigned left = packing->presence_bits - bit, used = left < 8 ? (1U << left) - 1 : 0xffU;
        pp_pack_number(out, pp_presence_byte(of[packing->presence_offset + bit / 8]) & used, 1);
    }
}

static void pp_pack_record(struct pp_packer *out, const struct protopool_packing *packing, const unsigned char *of)
{
    const struct protopool_record *const record = packing->record;

    pp_pack_presence(out, packing, of);
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_step *const step = &packing->steps[i];
        const struct protopool_field *const field = &record->fields[i];
        if (step->is_plain)
            pp_pack_elements(out, step, of + step->offset, step->count);
        else if (step->element == PROTOPOOL_PACKED_ONE_OF)
            pp_pack_one_of(out, step, field, of);
        else if (!pp_has_bit(field) || (of[field->presence_offset] & field->presence_mask) != 0)
            pp_pack_value(out, step, record, field, of);
    }
}

/* The same of a record that always has the same bytes. Returns where they end. */
static unsigned char *pp_pack_fixed(const struct protopool_packing *packing, const unsigned char *of, unsigned char *to,
                                    bool is_big, bool swaps)
{
    const struct protopool_step *step = packing->steps;

    for (uint32_t left = packing->record->field_count; left != 0; left--, step++) {
        const unsigned char *at = of + step->offset;
        if (step->element != PROTOPOOL_PACKED_STRUCT) {
            to = pp_store(step, to, at, step->count, is_big, swaps);
            continue;
        }
        for (uint32_t i = 0; i < step->count; i++, at += step->of->record->bytes)
            to = pp_pack_fixed(step->of, at, to, is_big, swaps);
    }
    return to;
}

size_t protopool_pack(const struct protopool_packing *packing, const void *msg, unsigned char *to, bool is_big)
{
    struct pp_packer out = { .to = to, .is_big = is_big, .swaps = is_big == protopool_is_little_endian() };

    if (packing->is_fixed && to != NULL) {
        (void)pp_pack_fixed(packing, (const unsigned char *)msg, to, is_big, out.swaps);
        return packing->bytes;
    }
    pp_pack_record(&out, packing, (const unsigned char *)msg);
    return out.size;
}

/* ---- Unpack. The same functions measure bytes, and then make a message of them: `of` is NULL if they measure. */

struct pp_unpacker {
    const unsigned char *at, *end;
    size_t behind, room; /* where the tails so far end in the message, and the bytes that it can have */
    size_t missing;      /* if it stops: how many bytes are missing; 0: the bytes are invalid */
    bool is_big, swaps;
    struct pp_search *search; /* NULL, or finds out what is invalid */
};

static bool pp_unpack_record(struct pp_unpacker *in, const struct protopool_packing *packing, unsigned char *of);

/* Whether that many bytes are there. */
static bool pp_has(struct pp_unpacker *in, size_t bytes)
{
    const size_t left = (size_t)(in->end - in->at);

    if (bytes <= left)
        return true;
    in->missing = bytes - left;
    return false;
}

static bool pp_unpack_number(struct pp_unpacker *in, size_t bytes, uint32_t *number)
{
    if (!pp_has(in, bytes))
        return false;
    *number = protopool_packed_tag(in->at, bytes, in->is_big);
    in->at += bytes;
    return true;
}

/* Of an integer of 1, 2, 4 or 8 bytes of this machine. */
static void pp_write_unsigned(unsigned char *to, uint64_t number, size_t bytes)
{
    pp_put_bytes(to, number, bytes, !protopool_is_little_endian());
}

static bool pp_unpack_structs(struct pp_unpacker *in, const struct protopool_step *step, unsigned char *to,
                              size_t count)
{
    const size_t bytes = step->of->record->bytes, path = in->search != NULL ? in->search->path_length : 0;

    for (size_t i = 0; i < count; i++) {
        if (in->search != NULL && (count != 1 || step->count != 1))
            pp_append_index(in->search, i);
        if (!pp_unpack_record(in, step->of, to != NULL ? to + i * bytes : NULL))
            return false;
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    return true;
}

/* Unpacks elements that are no structs. Returns where they end. */
PROTOPOOL_INLINE const unsigned char *pp_load(const struct protopool_step *step, unsigned char *to,
                                              const unsigned char *at, size_t count, bool is_big, bool swaps)
{
    switch (step->element) {
    case PROTOPOOL_PACKED_16:
        for (; count != 0; count--, at += 2, to += 2) {
            const uint16_t number = pp_16(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_32:
        for (; count != 0; count--, at += 4, to += 4) {
            const uint32_t number = pp_32(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_64:
        for (; count != 0; count--, at += 8, to += 8) {
            const uint64_t number = pp_64(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_U24:
    case PROTOPOOL_PACKED_I24:
        for (; count != 0; count--, at += 3, to += 4) {
            const uint32_t sign = step->element == PROTOPOOL_PACKED_I24 ? UINT32_C(1) << 23 : 0;
            const uint32_t number = (pp_24(at, is_big) ^ sign) - sign;
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_U48:
    case PROTOPOOL_PACKED_I48:
        for (; count != 0; count--, at += 6, to += 8) {
            const uint64_t sign = step->element == PROTOPOOL_PACKED_I48 ? UINT64_C(1) << 47 : 0;
            const uint64_t number = (pp_48(at, is_big, swaps) ^ sign) - sign;
            memcpy(to, &number, sizeof number);
        }
        return at;
    default: /* of one byte */
        if (count == 1)
            *to = *at;
        else
            memcpy(to, at, count);
        return at + count;
    }
}

/* to: where they lie in the message; NULL: they are only measured. */
static bool pp_unpack_elements(struct pp_unpacker *in, const struct protopool_step *step, unsigned char *to,
                               size_t count)
{
    const size_t bytes = pp_element_bytes(step);
    const unsigned char *at = in->at;

    if (step->element == PROTOPOOL_PACKED_STRUCT && (to != NULL || bytes == 0))
        return pp_unpack_structs(in, step, to, count);
    if (!pp_has(in, count * bytes))
        return false;
    in->at += count * bytes;
    if (to == NULL)
        return true;
    (void)pp_load(step, to, at, count, in->is_big, in->swaps);
    return true;
}

/* The elements that are left of the payload; the last one may be cut off. */
static bool pp_unpack_rest(struct pp_unpacker *in, const struct protopool_step *step, uint32_t *length)
{
    const size_t bytes = pp_element_bytes(step), left = (size_t)(in->end - in->at);
    const size_t path = in->search != NULL ? in->search->path_length : 0;
    struct pp_unpacker ahead = *in;
    size_t count = bytes != 0 ? left / bytes + (left % bytes != 0) : 0;

    for (; bytes == 0 && ahead.at != ahead.end; count++) {
        if (in->search != NULL)
            pp_append_index(in->search, count);
        if (!pp_unpack_record(&ahead, step->of, NULL)) {
            in->missing = ahead.missing;
            return false;
        }
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    *length = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
    return true;
}

/* Returns false. */
static bool pp_refuse_size(struct pp_unpacker *in, const char *what, size_t most)
{
    if (in->search != NULL) {
        (void)pp_note_rule(in->search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(in->search, what);
        PP_APPEND_INTEGER(in->search, most, false);
        PP_APPEND(in->search, " bytes");
    }
    return false;
}

/* Takes bytes of the message for a tail. begin: where they are. False if they make the message too large. */
static bool pp_place_tail(struct pp_unpacker *in, const struct protopool_field *field, size_t bytes, unsigned char *of,
                          size_t *begin)
{
    *begin = pp_tail_begin(field, in->behind);
    if (*begin > in->room || bytes > in->room - *begin)
        return pp_refuse_size(in, " makes a message of more than ", INT32_MAX);
    if (of != NULL)
        memset(of + in->behind, 0, *begin - in->behind);
    in->behind = *begin + bytes;
    return true;
}

/* A text of a list of texts. at: where it goes in a message; NULL: it is only measured. */
static bool pp_unpack_text(struct pp_unpacker *in, const struct protopool_field *field, unsigned char *at,
                           uint32_t length)
{
    const size_t longest = field->limits->characters;

    if (length > longest)
        return in->search != NULL && !pp_is_longer(in->search, longest);
    if (!pp_has(in, length))
        return false;
    if (length >= in->room - in->behind)
        return pp_refuse_size(in, " makes a message of more than ", INT32_MAX);
    if (at != NULL) {
        memcpy(at, in->at, length);
        at[length] = '\0';
    } else if (length != 0 && protopool_text_length((const char *)in->at, length - 1) < length) {
        if (in->search != NULL) {
            (void)pp_note_rule(in->search, PROTOPOOL_RULE_TEXT);
            PP_APPEND(in->search, " has a NUL");
        }
        return false;
    }
    in->at += length;
    in->behind += length + 1;
    return true;
}

static bool pp_unpack_texts(struct pp_unpacker *in, const struct protopool_field *field, unsigned char *of,
                            size_t count)
{
    const size_t path = in->search != NULL ? in->search->path_length : 0;
    size_t begin;
    uint32_t length;

    if (!pp_place_tail(in, field, count * field->bytes, of, &begin))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (in->search != NULL)
            pp_append_index(in->search, i);
        if (of != NULL)
            pp_write_unsigned(of + begin + i * field->bytes, in->behind - begin, field->bytes);
        if (!pp_unpack_number(in, pp_text_length_bytes(field), &length)
            || !pp_unpack_text(in, field, of != NULL ? of + in->behind : NULL, length))
            return false;
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    if (in->behind - begin > field->limits->bytes)
        return pp_refuse_size(in, " has more than ", field->limits->bytes);
    if (of != NULL)
        pp_write_unsigned(of + field->extent_offset, in->behind - begin, field->bytes);
    return true;
}

/* The elements of a tail. A text is terminated; also one that is absent. */
static bool pp_unpack_tail(struct pp_unpacker *in, const struct protopool_step *step,
                           const struct protopool_field *field, unsigned char *of, size_t length)
{
    const bool is_text = field->type == PROTOPOOL_TEXT;
    size_t begin;

    if (!pp_place_tail(in, field, length * field->bytes + is_text, of, &begin))
        return false;
    if (of != NULL && (is_text || step->element == PROTOPOOL_PACKED_STRUCT))
        memset(of + begin, 0, length * field->bytes + is_text);
    return pp_unpack_elements(in, step, of != NULL ? of + begin : NULL, length);
}

/* A field that is present, or an alternative. */
static bool pp_unpack_value(struct pp_unpacker *in, const struct protopool_step *step,
                            const struct protopool_field *field, unsigned char *of)
{
    uint32_t length = step->count;

    if (field->length_bytes != 0) {
        if (!(step->length_bytes != 0 ? pp_unpack_number(in, step->length_bytes, &length)
                                      : pp_unpack_rest(in, step, &length)))
            return false;
        if (length > step->count) {
            if (in->search != NULL)
                (void)pp_is_too_long(in->search, field, length);
            return false;
        }
        if (of != NULL)
            pp_write_unsigned(of + field->length_offset, length, field->length_bytes);
    }
    if (step->element == PROTOPOOL_PACKED_TEXTS)
        return pp_unpack_texts(in, field, of, length);
    if (field->is_tail)
        return pp_unpack_tail(in, step, field, of, length);
    return pp_unpack_elements(in, step, of != NULL ? of + step->offset : NULL, length);
}

static bool pp_unpack_one_of(struct pp_unpacker *in, const struct protopool_step *step,
                             const struct protopool_field *field, unsigned char *of)
{
    uint32_t number;

    if (!pp_unpack_number(in, 1, &number))
        return false;
    if (number > field->record->field_count || (number == 0 && field->presence_mask == 0)) {
        if (in->search != NULL) {
            (void)pp_note_rule(in->search, PROTOPOOL_RULE_ONE_OF);
            PP_APPEND(in->search, " is none");
            pp_append_alternatives(in->search, field->record);
        }
        return false;
    }
    if (of != NULL)
        of[field->presence_offset] = (unsigned char)number;
    if (number == 0)
        return true;
    if (in->search != NULL) {
        pp_append_to_path(in->search, ".");
        pp_append_to_path(in->search, field->record->fields[number - 1].name);
    }
    return pp_unpack_value(in, &step->of->steps[number - 1], &field->record->fields[number - 1], of);
}

/* The presence bits, which are checked, and then those of the message count: the bytes can change. */
static bool pp_unpack_presence(struct pp_unpacker *in, const struct protopool_packing *packing, unsigned char *of)
{
    for (unsigned bit = 0; bit < packing->presence_bits; bit += 8) {
        const unsigned left = packing->presence_bits - bit;
        uint32_t byte;
        if (!pp_unpack_number(in, 1, &byte))
            return false;
        if (left < 8 && byte >> left != 0) {
            if (in->search != NULL) {
                (void)pp_note_rule(in->search, PROTOPOOL_RULE_UNUSED);
                PP_APPEND(in->search, in->search->path_length != 0 ? " has a presence bit of no field that is not 0"
                                                                   : "a presence bit of no field is not 0");
            }
            return false;
        }
        if (of != NULL)
            of[packing->presence_offset + bit / 8] = pp_presence_byte((unsigned char)byte);
    }
    return true;
}

static bool pp_unpack_field(struct pp_unpacker *in, const struct protopool_step *step,
                            const struct protopool_field *field, unsigned char *of, bool is_present)
{
    if (step->element == PROTOPOOL_PACKED_ONE_OF)
        return pp_unpack_one_of(in, step, field, of);
    if (is_present)
        return pp_unpack_value(in, step, field, of);
    return !field->is_tail || pp_unpack_tail(in, step, field, of, 0);
}

static bool pp_unpack_record(struct pp_unpacker *in, const struct protopool_packing *packing, unsigned char *of)
{
    const struct protopool_record *const record = packing->record;
    const unsigned char *const bits = in->at;
    const size_t path = in->search != NULL ? in->search->path_length : 0;
    unsigned bit = 0;

    if (packing->presence_bits != 0 && !pp_unpack_presence(in, packing, of))
        return false;
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_step *const step = &packing->steps[i];
        const struct protopool_field *const field = &record->fields[i];
        bool is_present = true, is_good;
        if (in->search != NULL) {
            if (path != 0)
                pp_append_to_path(in->search, ".");
            pp_append_to_path(in->search, field->name);
        }
        if (step->is_plain) {
            is_good = pp_unpack_elements(in, step, of != NULL ? of + step->offset : NULL, step->count);
        } else {
            if (pp_has_bit(field) && step->element != PROTOPOOL_PACKED_ONE_OF) {
                is_present = of != NULL ? (of[field->presence_offset] & field->presence_mask) != 0
                                        : (bits[bit / 8] >> bit % 8 & 1) != 0;
                bit++;
            }
            is_good = pp_unpack_field(in, step, field, of, is_present);
        }
        if (!is_good)
            return false;
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    return true;
}

static struct pp_unpacker pp_unpacker_of(const struct protopool_packing *packing, const unsigned char *bytes,
                                         size_t count, size_t room, bool is_big)
{
    return (struct pp_unpacker){ .at = bytes,
                                 .end = bytes + count,
                                 .behind = packing->record->bytes,
                                 .room = room,
                                 .is_big = is_big,
                                 .swaps = is_big == protopool_is_little_endian() };
}

/* Looks for what is invalid once more, and notes it. The bytes can have changed meanwhile. */
static PROTOPOOL_COLD void pp_note_invalid_packed(const struct protopool_packing *packing, const unsigned char *bytes,
                                                  size_t count, bool is_big, struct protopool_received *result)
{
    struct pp_unpacker in = pp_unpacker_of(packing, bytes, count, INT32_MAX, is_big);
    struct pp_search search;

    pp_start_refusal(&search, result);
    in.search = &search;
    (void)pp_unpack_record(&in, packing, NULL);
    if (search.rule == PROTOPOOL_RULE_UNKNOWN) {
        pp_cut_path(&search, 0);
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, "its lengths changed while it was received");
    }
    (void)pp_note_refusal(result, NULL, packing->record->name, &search);
}

static PROTOPOOL_COLD void pp_note_left_over(const struct protopool_packing *packing, size_t left,
                                             struct protopool_received *result)
{
    struct pp_search search;

    pp_start_refusal(&search, result);
    (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND_INTEGER(&search, left, false);
    PP_APPEND(&search, left == 1 ? " byte is left over" : " bytes are left over");
    (void)pp_note_refusal(result, NULL, packing->record->name, &search);
}

struct protopool_measured protopool_measure_packed(const struct protopool_packing *packing, const unsigned char *bytes,
                                                   size_t count, bool is_big, bool is_alone,
                                                   struct protopool_received *result)
{
    struct pp_unpacker in;
    struct protopool_measured size = { packing->bytes, packing->record->bytes };

    if (count < packing->bytes) {
        (void)protopool_note_incomplete(result, packing->bytes - count);
        return (struct protopool_measured){ 0, 0 };
    }
    if (!packing->is_fixed) {
        in = pp_unpacker_of(packing, bytes, count, INT32_MAX, is_big);
        if (!pp_unpack_record(&in, packing, NULL)) {
            if (in.missing != 0)
                (void)protopool_note_incomplete(result, in.missing);
            else
                pp_note_invalid_packed(packing, bytes, count, is_big, result);
            return (struct protopool_measured){ 0, 0 };
        }
        size = (struct protopool_measured){ (size_t)(in.at - bytes), in.behind };
    }
    if (is_alone && size.used != count) {
        pp_note_left_over(packing, count - size.used, result);
        size.size = 0;
    }
    return size;
}

/* The same of a record that always has the same bytes, which are all there. Returns where they end. */
static const unsigned char *pp_unpack_fixed(const struct protopool_packing *packing, unsigned char *of,
                                            const unsigned char *at, bool is_big, bool swaps)
{
    const struct protopool_step *step = packing->steps;

    for (uint32_t left = packing->record->field_count; left != 0; left--, step++) {
        unsigned char *to = of + step->offset;
        if (step->element != PROTOPOOL_PACKED_STRUCT) {
            at = pp_load(step, to, at, step->count, is_big, swaps);
            continue;
        }
        for (uint32_t i = 0; i < step->count; i++, to += step->of->record->bytes)
            at = pp_unpack_fixed(step->of, to, at, is_big, swaps);
    }
    return at;
}

bool protopool_unpack(const struct protopool_packing *packing, void *msg, const unsigned char *bytes,
                      struct protopool_measured size, bool is_big)
{
    struct pp_unpacker in = pp_unpacker_of(packing, bytes, size.used, size.size, is_big);

    memset(msg, 0, packing->record->bytes);
    if (packing->is_fixed) {
        (void)pp_unpack_fixed(packing, (unsigned char *)msg, bytes, is_big, in.swaps);
        return true;
    }
    return pp_unpack_record(&in, packing, (unsigned char *)msg) && in.at == in.end && in.behind == size.size;
}
