/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Records: reads a message by its description, for printing and for refusals. */

#if PROTOPOOL_CHECK >= 1 || !defined PROTOPOOL_NO_STDIO
/* An unsigned integer of 1, 2, 4 or 8 bytes. */
static uint64_t pp_read_unsigned(const void *at, size_t bytes)
{
    uint8_t of_1;
    uint16_t of_2;
    uint32_t of_4;
    uint64_t of_8 = 0;

    switch (bytes) {
    case 1:
        memcpy(&of_1, at, sizeof of_1);
        return of_1;
    case 2:
        memcpy(&of_2, at, sizeof of_2);
        return of_2;
    case 4:
        memcpy(&of_4, at, sizeof of_4);
        return of_4;
    default:
        memcpy(&of_8, at, sizeof of_8);
        return of_8;
    }
}

static uint64_t pp_sign_extended(uint64_t value, size_t bytes)
{
    const uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    return (value ^ sign) - sign;
}

static double pp_read_real(const void *at, size_t bytes)
{
    float narrow;
    double wide;

    if (bytes == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}
#endif

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record, const unsigned char *at);

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
static void pp_print_field(struct protopool_printer *to, const struct protopool_field *field, const unsigned char *record)
{
    const unsigned char *const at = record + field->offset;
    const size_t length = protopool_field_length(field, record);

    if (field->type == PROTOPOOL_TEXT) {
        const char *const text = (const char *)at;
        protopool_print_text(to, text, field->length_bytes != 0 ? length : protopool_unpadded_length(text, length, field->pad));
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

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record, const unsigned char *at)
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
#endif
