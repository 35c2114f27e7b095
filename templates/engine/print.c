/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Printing values and messages, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

#ifdef __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
static void
pp_print_format(struct protopool_printer *to, const char *format, ...)
{
    va_list arguments;
    int result;

    va_start(arguments, format);
    if (to->out != NULL) {
        result = vfprintf(to->out, format, arguments);
    } else {
        const size_t used = to->written > 0 ? (size_t)to->written : 0;
        const size_t room = used < to->room ? to->room - used : 0;
        result = vsnprintf(room != 0 ? to->buffer + used : NULL, room, format, arguments);
    }
    va_end(arguments);
    if (to->written >= 0)
        to->written = result < 0 ? result : result > INT_MAX - to->written ? INT_MAX : to->written + result;
}

void protopool_print(struct protopool_printer *to, const char *as_it_is)
{
    pp_print_format(to, "%s", as_it_is);
}

void protopool_print_begin(struct protopool_printer *to, const char *name, const char *bracket)
{
    const bool has_name = name != NULL;
    pp_print_format(to, "%s%s%s%s", has_name ? name : "", has_name ? " " : "", bracket,
                    has_name && !to->is_pretty ? " " : "");
    to->depth++;
    to->is_first = true;
}

void protopool_print_item(struct protopool_printer *to, const char *name)
{
    if (to->is_pretty)
        pp_print_format(to, "%s\n%*s", to->is_first ? "" : ",", (int)(4 * to->depth), "");
    else if (!to->is_first)
        protopool_print(to, ", ");
    to->is_first = false;
    if (name != NULL)
        pp_print_format(to, "%s: ", name);
}

void protopool_print_end(struct protopool_printer *to, const char *bracket)
{
    to->depth--;
    if (to->is_pretty && !to->is_first)
        pp_print_format(to, ",\n%*s", (int)(4 * to->depth), "");
    pp_print_format(to, "%s%s", *bracket == '}' && !to->is_pretty ? " " : "", bracket);
    to->is_first = false;
}

/* Does not use printf for this: that of small C libraries has no 64 bits. */
static void pp_print_integer(struct protopool_printer *to, const char *before, uint64_t value, unsigned base)
{
    char digits[sizeof "18446744073709551615"];
    char *first = &digits[sizeof digits - 1];

    *first = '\0';
    do {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    pp_print_format(to, "%s%s", before, first);
}

void protopool_print_flags(struct protopool_printer *to, uint64_t value, const struct protopool_value *values,
                           size_t count)
{
    const char *between = "";

    for (size_t i = 0; i < count; i++) {
        if ((value & values[i].number) == 0)
            continue;
        pp_print_format(to, "%s%s", between, values[i].name);
        between = " | ";
        value &= ~values[i].number;
    }
    if (value != 0) {
        protopool_print(to, between);
        pp_print_integer(to, "0x", value, 16);
    } else if (*between == '\0') {
        protopool_print(to, "0");
    }
}

void protopool_print_bool(struct protopool_printer *to, bool value)
{
    protopool_print(to, value ? "true" : "false");
}

void protopool_print_unsigned(struct protopool_printer *to, uint64_t value)
{
    pp_print_integer(to, "", value, 10);
}

void protopool_print_signed(struct protopool_printer *to, int64_t value)
{
    pp_print_integer(to, value < 0 ? "-" : "", value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

/* Prints a byte as it is, or an escape for it. The quote that surrounds it is escaped too. */
static void pp_print_byte(struct protopool_printer *to, unsigned char byte, char quote)
{
    switch (byte) {
    case '\0':
        protopool_print(to, "\\0");
        return;
    case '\t':
        protopool_print(to, "\\t");
        return;
    case '\n':
        protopool_print(to, "\\n");
        return;
    case '\r':
        protopool_print(to, "\\r");
        return;
    default:
        break;
    }
    if (byte == '\\' || byte == (unsigned char)quote)
        pp_print_format(to, "\\%c", byte);
    else if (byte < 0x20 || byte == 0x7f)
        pp_print_format(to, "\\u{%x}", byte);
    else if (byte < 0x80)
        pp_print_format(to, "%c", byte);
    else
        pp_print_format(to, "\\x%02x", byte);
}

void protopool_print_char(struct protopool_printer *to, char value)
{
    protopool_print(to, "'");
    pp_print_byte(to, (unsigned char)value, '\'');
    protopool_print(to, "'");
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

void protopool_print_text(struct protopool_printer *to, const char *text, size_t length)
{
    const unsigned char *const bytes = (const unsigned char *)text;

    protopool_print(to, "\"");
    for (size_t i = 0; i < length;) {
        uint32_t character = 0;
        const size_t sequence = bytes[i] < 0x80 ? 0 : pp_utf8_sequence(bytes + i, length - i, &character);
        if (sequence == 0)
            pp_print_byte(to, bytes[i], '"');
        else if (pp_is_control(character))
            pp_print_format(to, "\\u{%lx}", (unsigned long)character);
        else
            pp_print_format(to, "%.*s", (int)sequence, text + i);
        i += sequence == 0 ? 1 : sequence;
    }
    protopool_print(to, "\"");
}

#define PP_MOST_DIGITS 17 /* a double needs no more */

/* Prints digits d0 d1 ... with the value d0.d1... * 10^exponent, in Rust's form. */
static void pp_print_digits(struct protopool_printer *to, const char *digits, int count, int exponent)
{
    if (exponent < -4 || exponent > 15) {
        pp_print_format(to, "%c%s%.*se%d", digits[0], count > 1 ? "." : "", count - 1, digits + 1, exponent);
    } else if (exponent < 0) {
        pp_print_format(to, "0.%.*s%.*s", -exponent - 1, "000", count, digits);
    } else if (count <= exponent + 1) {
        pp_print_format(to, "%.*s%.*s.0", count, digits, exponent + 1 - count, "000000000000000");
    } else {
        pp_print_format(to, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1, digits + exponent + 1);
    }
}

/*
 * Reads a positive number that "%.*e" has printed: so many digits, after the first one a decimal point of any locale, and an
 * exponent. False if the text is anything else: the printf of small C libraries may lack floating point.
 */
static bool pp_read_digits(const char *text, int count, char *digits, int *exponent)
{
    const char *at = text;
    bool is_negative;

    for (int i = 0; i < count; at++) {
        if (*at >= '0' && *at <= '9')
            digits[i++] = *at;
        else if (i != 1 || *at == '\0')
            return false;
    }
    if (at[0] != 'e' || (at[1] != '+' && at[1] != '-') || at[2] == '\0')
        return false;
    is_negative = at[1] == '-';
    *exponent = 0;
    for (at += 2; *at >= '0' && *at <= '9' && *exponent < 1000; at++)
        *exponent = 10 * *exponent + *at - '0';
    if (is_negative)
        *exponent = -*exponent;
    return *at == '\0';
}

/* Prints a positive number as C's "%a" does, if the C library cannot print decimals. */
static void pp_print_bits(struct protopool_printer *to, uint64_t bits)
{
    const int biased = (int)(bits >> 52);
    uint64_t fraction = bits << 12;

    protopool_print(to, biased == 0 ? "0x0" : "0x1");
    for (const char *between = "."; fraction != 0; fraction <<= 4, between = "")
        pp_print_format(to, "%s%x", between, (unsigned)(fraction >> 60));
    pp_print_format(to, "p%+d", biased == 0 ? -1022 : biased - 1023);
}

static void pp_print_number(struct protopool_printer *to, double value, bool is_float)
{
    const double positive = value < 0 ? -value : value;
    char text[40], digits[PP_MOST_DIGITS];
    uint64_t bits;
    int exponent;

    static_assert(sizeof bits == sizeof value, "a double is of 64 bits");
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        protopool_print(to, "NaN");
        return;
    }
    if (bits >> 63 != 0)
        protopool_print(to, "-");
    bits &= UINT64_MAX >> 1;
    if (bits == 0 || bits >> 52 == 0x7ff) {
        protopool_print(to, bits == 0 ? "0.0" : "inf");
        return;
    }
    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        text[0] = '\0';
        (void)snprintf(text, sizeof text, "%.*e", count - 1, positive);
        text[sizeof text - 1] = '\0';
        if (!pp_read_digits(text, count, digits, &exponent))
            break;
        if (is_float ? strtof(text, NULL) == (float)positive : strtod(text, NULL) == positive) {
            pp_print_digits(to, digits, count, exponent);
            return;
        }
    }
    pp_print_bits(to, bits);
}

void protopool_print_float(struct protopool_printer *to, float value)
{
    pp_print_number(to, (double)value, true);
}

void protopool_print_double(struct protopool_printer *to, double value)
{
    pp_print_number(to, value, false);
}

/* Messages, by their descriptions. */

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record,
                            const unsigned char *at);

static void pp_print_enum(struct protopool_printer *to, const struct protopool_field *field, const unsigned char *at)
{
    const uint64_t bits = pp_read_unsigned(at, field->bytes);
    const uint64_t number = field->is_signed ? pp_sign_extended(bits, field->bytes) : bits;

    for (uint32_t i = 0; i < field->value_count; i++) {
        if (field->values[i].number == number) {
            protopool_print(to, field->values[i].name);
            return;
        }
    }
    if (field->is_signed)
        protopool_print_signed(to, (int64_t)number);
    else
        protopool_print_unsigned(to, number);
}

static void pp_print_element(struct protopool_printer *to, const struct protopool_field *field, const unsigned char *at)
{
    switch (field->type) {
    case PROTOPOOL_BOOL:
        protopool_print_bool(to, *at != 0);
        break;
    case PROTOPOOL_UNSIGNED:
        protopool_print_unsigned(to, pp_read_unsigned(at, field->bytes));
        break;
    case PROTOPOOL_SIGNED:
        protopool_print_signed(to, (int64_t)pp_sign_extended(pp_read_unsigned(at, field->bytes), field->bytes));
        break;
    case PROTOPOOL_FLOAT:
        pp_print_number(to, pp_read_real(at, field->bytes), field->bytes == sizeof(float));
        break;
    case PROTOPOOL_CHAR:
        protopool_print_char(to, *(const char *)at);
        break;
    case PROTOPOOL_ENUM:
        pp_print_enum(to, field, at);
        break;
    case PROTOPOOL_FLAGS:
        protopool_print_flags(to, pp_read_unsigned(at, field->bytes), field->values, field->value_count);
        break;
    case PROTOPOOL_STRUCT:
        pp_print_record(to, field->record, at);
        break;
    case PROTOPOOL_TEXT:
    default:
        break;
    }
}

/* A field that is there. */
static void pp_print_field(struct protopool_printer *to, const struct protopool_field *field,
                           const unsigned char *record)
{
    const unsigned char *const at = record + field->offset;
    const size_t length = protopool_field_length(field, record);

    if (field->type == PROTOPOOL_TEXT) {
        const char *const text = (const char *)at;
        protopool_print_text(to, text,
                             field->length_bytes != 0 ? length : protopool_unpadded_length(text, length, field->pad));
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

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record,
                            const unsigned char *at)
{
    protopool_print_begin(to, record->name, "{");
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        protopool_print_item(to, field->name);
        if (field->presence_mask == 0) {
            pp_print_field(to, field, at);
        } else if (protopool_field_present(field, at)) {
            protopool_print(to, "Some(");
            pp_print_field(to, field, at);
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
