/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Printing values and messages, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

/* Follows the rules of fwrite, or of snprintf for a buffer. */
static void pp_write(struct protopool_printer *to, const char *text, size_t length)
{
    if (to->out != NULL) {
        if (fwrite(text, 1, length, to->out) != length)
            to->written = -1;
    } else {
        const size_t used = to->written > 0 ? (size_t)to->written : 0;
        if (used < to->room) {
            const size_t left = to->room - used - 1;
            const size_t fits = length < left ? length : left;
            memcpy(to->buffer + used, text, fits);
            to->buffer[used + fits] = '\0';
        }
    }
    if (to->written >= 0)
        to->written = length > (size_t)(INT_MAX - to->written) ? INT_MAX : to->written + (int)length;
}

void protopool_print(struct protopool_printer *to, const char *as_it_is)
{
    pp_write(to, as_it_is, strlen(as_it_is));
}

static void pp_print_new_line(struct protopool_printer *to)
{
    protopool_print(to, "\n");
    for (unsigned i = 0; i < to->depth; i++)
        protopool_print(to, "    ");
}

void protopool_print_begin(struct protopool_printer *to, const char *name, const char *bracket)
{
    if (name != NULL) {
        protopool_print(to, name);
        protopool_print(to, " ");
    }
    protopool_print(to, bracket);
    if (name != NULL && !to->is_pretty)
        protopool_print(to, " ");
    to->depth++;
    to->is_first = true;
}

void protopool_print_item(struct protopool_printer *to, const char *name)
{
    if (!to->is_first)
        protopool_print(to, to->is_pretty ? "," : ", ");
    if (to->is_pretty)
        pp_print_new_line(to);
    to->is_first = false;
    if (name != NULL) {
        protopool_print(to, name);
        protopool_print(to, ": ");
    }
}

void protopool_print_end(struct protopool_printer *to, const char *bracket)
{
    to->depth--;
    if (!to->is_pretty) {
        if (*bracket == '}')
            protopool_print(to, " ");
    } else if (!to->is_first) {
        protopool_print(to, ",");
        pp_print_new_line(to);
    }
    protopool_print(to, bracket);
    to->is_first = false;
}

static void pp_print_integer(struct protopool_printer *to, uint64_t value, bool is_hexadecimal)
{
    char text[sizeof "18446744073709551615"];
    char *const end = text + sizeof text;
    const char *const first = pp_digits_before(end, value, is_hexadecimal);
    pp_write(to, first, (size_t)(end - first));
}

void protopool_print_unsigned(struct protopool_printer *to, uint64_t value)
{
    pp_print_integer(to, value, false);
}

void protopool_print_signed(struct protopool_printer *to, int64_t value)
{
    if (value < 0)
        protopool_print(to, "-");
    pp_print_integer(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, false);
}

/* The name of a value; its number if it has none. */
static void pp_print_value(struct protopool_printer *to, const struct protopool_value *values, size_t count,
                           uint64_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].number == number) {
            protopool_print(to, values[i].name);
            return;
        }
    }
    protopool_print_unsigned(to, number);
}

void protopool_print_flags(struct protopool_printer *to, uint64_t value, const struct protopool_value *values,
                           size_t count)
{
    const char *between = "";

    for (size_t i = 0; i < count; i++) {
        if ((value & values[i].number) == 0)
            continue;
        protopool_print(to, between);
        protopool_print(to, values[i].name);
        between = " | ";
        value &= ~values[i].number;
    }
    if (value != 0) {
        protopool_print(to, between);
        protopool_print(to, "0x");
        pp_print_integer(to, value, true);
    } else if (*between == '\0') {
        pp_print_value(to, values, count, 0);
    }
}

void protopool_print_bool(struct protopool_printer *to, bool value)
{
    protopool_print(to, value ? "true" : "false");
}

#define PP_MOST_ESCAPE sizeof "'\\u{10ffff}'"

/* Writes `\u{code}`, or for a byte that is not UTF-8 `\xcode`, before `end`. Returns the first character. */
static char *pp_escape_before(char *end, uint32_t code, bool is_byte)
{
    if (!is_byte)
        *--end = '}';
    end = pp_digits_before(end, code, true);
    if (!is_byte)
        *--end = '{';
    *--end = is_byte ? 'x' : 'u';
    *--end = '\\';
    return end;
}

/* Writes a byte, or an escape for it, before `end`. The quote that surrounds it is escaped too. Returns the first character. */
static char *pp_byte_before(char *end, unsigned char byte, char quote)
{
    char letter = (char)byte;

    if (byte == '\0')
        letter = '0';
    else if (byte == '\t')
        letter = 't';
    else if (byte == '\n')
        letter = 'n';
    else if (byte == '\r')
        letter = 'r';
    else if (byte < 0x20 || byte >= 0x7f)
        return pp_escape_before(end, byte, byte >= 0x80);
    *--end = letter;
    if (byte < 0x20 || letter == '\\' || letter == quote)
        *--end = '\\';
    return end;
}

void protopool_print_char(struct protopool_printer *to, char value)
{
    char text[PP_MOST_ESCAPE];
    char *const end = text + sizeof text - 1;
    char *first = pp_byte_before(end, (unsigned char)value, '\'');

    *end = '\'';
    *--first = '\'';
    pp_write(to, first, (size_t)(end - first) + 1);
}

/* The length of the UTF-8 sequence of two to four bytes that begins here, and its character. 0 if there is none (Unicode 15,
 * table 3-7). */
static size_t pp_utf8_sequence(const unsigned char *bytes, size_t left, uint32_t *character)
{
    static const uint32_t lowest[] = { 0x80, 0x800, 0x10000 };
    const size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;

    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length > left)
        return 0;
    *character = bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (bytes[i] & 0x3fU);
    }
    if (*character < lowest[length - 2] || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return length;
}

/* Whether a character beyond ASCII acts on a terminal: C1 controls and bidirectional controls. */
static bool pp_is_control(uint32_t character)
{
    return character < 0xa0 || character == 0x61c || character == 0x200e || character == 0x200f
           || (character >= 0x2028 && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}

/* How many of the first bytes, at most a word, are printed as they are, for certain: ASCII without controls, quotes, backslashes. */
static inline size_t pp_plain_bytes(const char *at, size_t left)
{
#ifdef __OPTIMIZE_SIZE__
    (void)at;
    (void)left;
    return 0;
#else
    const uint64_t each = UINT64_MAX / 0xff; /* 1 in each byte */
    uint64_t word, found;                    /* in the lowest byte that is not plain, `found` has the highest bit */

    if (left < sizeof word)
        return 0;
    memcpy(&word, at, sizeof word);
    found = word | (word + each) | (word - 0x20 * each);
    found |= ((word ^ '"' * each) - each) | ((word ^ '\\' * each) - each);
    return (found & 0x80 * each) == 0 ? sizeof word : 0;
#endif
}

void protopool_print_text(struct protopool_printer *to, const char *text, size_t length)
{
    const unsigned char *const bytes = (const unsigned char *)text;
    size_t written = 0, at = 0, step;

    protopool_print(to, "\"");
    for (; at < length; at += step) {
        char escape[PP_MOST_ESCAPE];
        char *const end = escape + sizeof escape;
        const char *first = end;
        uint32_t character = 0;

        step = pp_plain_bytes(text + at, length - at);
        if (step != 0)
            continue;
        step = bytes[at] < 0x80 ? 0 : pp_utf8_sequence(bytes + at, length - at, &character);
        if (step == 0) {
            step = 1;
            first = pp_byte_before(end, bytes[at], '"');
        } else if (pp_is_control(character)) {
            first = pp_escape_before(end, character, false);
        }
        if (end - first > 1) {
            pp_write(to, text + written, at - written);
            pp_write(to, first, (size_t)(end - first));
            written = at + step;
        }
    }
    pp_write(to, text + written, length - written);
    protopool_print(to, "\"");
}

/* In Rust's form. */
static void pp_print_decimal(struct protopool_printer *to, const struct pp_decimal *decimal)
{
    const int exponent = decimal->exponent;
    const bool is_long = exponent < -4 || exponent > 15;
    const int whole = is_long ? 1 : exponent < 0 ? 0 : exponent + 1; /* digits before the point */
    const int given = decimal->count < whole ? decimal->count : whole;

    if (whole == 0)
        pp_write(to, "0.000", (size_t)(1 - exponent));
    pp_write(to, decimal->digits, (size_t)given);
    pp_write(to, "000000000000000", (size_t)(whole - given));
    if (whole != 0 && (decimal->count > given || !is_long))
        protopool_print(to, ".");
    pp_write(to, decimal->digits + given, (size_t)(decimal->count - given));
    if (is_long) {
        protopool_print(to, "e");
        protopool_print_signed(to, exponent);
    } else if (decimal->count <= given) {
        protopool_print(to, "0");
    }
}

/* Prints a positive number as C's "%a" does, if the C library cannot print decimals. */
static void pp_print_bits(struct protopool_printer *to, uint64_t bits)
{
    const int exponent = bits >> 52 == 0 ? -1022 : (int)(bits >> 52) - 1023;
    char digit;

    protopool_print(to, bits >> 52 == 0 ? "0x0" : "0x1");
    bits <<= 12;
    if (bits != 0)
        protopool_print(to, ".");
    for (; bits != 0; bits <<= 4) {
        digit = "0123456789abcdef"[bits >> 60];
        pp_write(to, &digit, 1);
    }
    protopool_print(to, exponent < 0 ? "p" : "p+");
    protopool_print_signed(to, exponent);
}

/* bytes: of the number, which is printed with the fewest digits for its precision. */
static void pp_print_number(struct protopool_printer *to, double value, size_t bytes)
{
    struct pp_decimal decimal;
    uint64_t bits;

    static_assert(sizeof bits == sizeof value, "a double is of 64 bits");
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        protopool_print(to, "NaN");
        return;
    }
    if (bits >> 63 != 0)
        protopool_print(to, "-");
    bits &= UINT64_MAX >> 1;
    if (bits == 0 || bits >> 52 == 0x7ff)
        protopool_print(to, bits == 0 ? "0.0" : "inf");
    else if (bytes == sizeof(struct protopool_f16)
                 ? pp_find_half(value < 0 ? -value : value, &decimal)
                 : pp_find_shortest(value < 0 ? -value : value, bytes == sizeof(float), &decimal))
        pp_print_decimal(to, &decimal);
    else
        pp_print_bits(to, bits);
}

void protopool_print_f16(struct protopool_printer *to, struct protopool_f16 value)
{
    pp_print_number(to, (double)protopool_float_of(value), sizeof value);
}

void protopool_print_float(struct protopool_printer *to, float value)
{
    pp_print_number(to, (double)value, sizeof value);
}

void protopool_print_double(struct protopool_printer *to, double value)
{
    pp_print_number(to, value, sizeof value);
}

/* Messages, by their descriptions. */

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record,
                            const unsigned char *at);

/* `{ part: value, ... }`, with the bits of no part in hexadecimal. */
static void pp_print_parts(struct protopool_printer *to, const struct protopool_field *field, uint64_t integer)
{
    const uint64_t left = pp_bits_of_no_part(field, integer);

    protopool_print_begin(to, NULL, to->is_pretty ? "{" : "{ ");
    for (uint32_t i = 0; i < field->value_count; i++) {
        const struct protopool_part *const part = &field->parts[i];
        const uint64_t number = protopool_part_of(part, integer);
        protopool_print_item(to, part->name);
        if (part->type == PROTOPOOL_BOOL)
            protopool_print_bool(to, number != 0);
        else
            pp_print_value(to, part->values, part->value_count, number);
    }
    if (left != 0) {
        protopool_print_item(to, "reserved");
        protopool_print(to, "0x");
        pp_print_integer(to, left, true);
    }
    protopool_print_end(to, "}");
}

static void pp_print_alternative(struct protopool_printer *to, const struct protopool_field *field,
                                 const unsigned char *of);

static void pp_print_element(struct protopool_printer *to, const struct protopool_field *field, const unsigned char *at)
{
    uint64_t bits;

    switch (field->type) {
    case PROTOPOOL_BOOL:
        protopool_print_bool(to, *at != 0);
        return;
    case PROTOPOOL_FLOAT:
        pp_print_number(to, pp_read_real(at, field->bytes), field->bytes);
        return;
    case PROTOPOOL_CHAR:
        protopool_print_char(to, *(const char *)at);
        return;
    case PROTOPOOL_STRUCT:
        pp_print_record(to, field->record, at);
        return;
    case PROTOPOOL_ONE_OF:
        pp_print_alternative(to, field, at - field->offset);
        return;
    case PROTOPOOL_UNSIGNED:
    case PROTOPOOL_SIGNED:
    case PROTOPOOL_ENUM:
    case PROTOPOOL_FLAGS:
    case PROTOPOOL_BITS:
    case PROTOPOOL_TEXT:
    case PROTOPOOL_TEXTS:
    default:
        break;
    }
    bits = pp_read_unsigned(at, field->bytes);
    if (field->type == PROTOPOOL_FLAGS) {
        protopool_print_flags(to, bits, field->values, field->value_count);
        return;
    }
    if (field->type == PROTOPOOL_BITS) {
        pp_print_parts(to, field, bits);
        return;
    }
    if (field->type == PROTOPOOL_SIGNED || field->is_signed)
        bits = pp_sign_extended(bits, field->bytes);
    for (uint32_t i = 0; field->type == PROTOPOOL_ENUM && i < field->value_count; i++) {
        if (field->values[i].number == bits) {
            protopool_print(to, field->values[i].name);
            return;
        }
    }
    if (field->type == PROTOPOOL_SIGNED || field->is_signed)
        protopool_print_signed(to, (int64_t)bits);
    else
        protopool_print_unsigned(to, bits);
}

/* A field that is there. */
static void pp_print_field(struct protopool_printer *to, const struct protopool_record *record,
                           const struct protopool_field *field, const unsigned char *of)
{
    const unsigned char *const at = (const unsigned char *)protopool_field_at(record, field, of);
    const size_t length = protopool_field_length(field, of);

    if (field->type == PROTOPOOL_TEXT) {
        const char *const text = (const char *)at;
        protopool_print_text(to, text,
                             field->length_bytes != 0 ? length : protopool_unpadded_length(text, length, field->pad));
    } else if (field->type == PROTOPOOL_TEXTS) {
        protopool_print_begin(to, NULL, "[");
        for (size_t i = 0; i < length; i++) {
            const char *const text = protopool_field_text(field, at, i);
            protopool_print_item(to, NULL);
            protopool_print_text(to, text, protopool_text_length(text, INT32_MAX));
        }
        protopool_print_end(to, "]");
    } else if (field->is_list) {
        protopool_print_begin(to, NULL, "[");
        for (size_t i = 0; i < length; i++) {
            protopool_print_item(to, NULL);
            pp_print_element(to, field, at + i * field->bytes);
        }
        protopool_print_end(to, "]");
    } else {
        pp_print_element(to, field, at);
    }
}

/* `name(value)` */
static void pp_print_alternative(struct protopool_printer *to, const struct protopool_field *field,
                                 const unsigned char *of)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);

    if (alternative == NULL) {
        protopool_print(to, "None");
        return;
    }
    protopool_print(to, alternative->name);
    protopool_print(to, "(");
    pp_print_field(to, field->record, alternative, of);
    protopool_print(to, ")");
}

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record,
                            const unsigned char *at)
{
    protopool_print_begin(to, record->name, "{");
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        protopool_print_item(to, field->name);
        if (field->presence_mask == 0) {
            pp_print_field(to, record, field, at);
        } else if (protopool_field_present(field, at)) {
            protopool_print(to, "Some(");
            pp_print_field(to, record, field, at);
            protopool_print(to, ")");
        } else {
            protopool_print(to, "None");
        }
    }
    protopool_print_end(to, "}");
}

void protopool_print_message(struct protopool_printer *to, const struct protopool_record *record, const void *msg)
{
    if (record == NULL)
        protopool_print(to, "<no message>");
    else if (record->field_count == 0)
        protopool_print(to, record->name);
    else
        pp_print_record(to, record, (const unsigned char *)msg);
}

#ifdef PROTOPOOL_TRACE
void protopool_trace_bytes(const char *what, const void *slot, size_t bytes)
{
    printf("%s: %p [", what, slot);
    for (size_t i = 0; i < bytes; i++)
        printf("%s%02x", i == 0 ? "" : ", ", ((const unsigned char *)slot)[i]);
    printf("]\n");
}
#endif
#endif
