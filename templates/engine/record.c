/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Records: reads the fields of a message by its description. For print.c and refusal.c. */

#ifndef _WIN32 /* where bit-fields of several types take more */
static_assert(sizeof(void *) != 8 || sizeof(struct protopool_field) == 56, "a field");
static_assert(sizeof(void *) != 8 || sizeof(struct protopool_record) == 24, "a record");
#endif

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

/* The sign bit of a number of 1, 2, 4 or 8 bytes. */
static uint64_t pp_sign_bit(size_t bytes)
{
    return bytes == 1   ? UINT64_C(0x80)
           : bytes == 2 ? UINT64_C(0x8000)
           : bytes == 4 ? UINT64_C(0x80000000)
                        : UINT64_C(0x8000000000000000);
}

bool protopool_number_is_absent(const struct protopool_field *field, const void *number)
{
    const uint64_t absent = (uint64_t)field->presence_offset << 32 | field->length_offset;
    const uint64_t bits = pp_read_unsigned(number, field->bytes);
    const uint64_t sign = pp_sign_bit(field->bytes);

    if (field->type != PROTOPOOL_FLOAT)
        return bits == absent;
    if (protopool_is_nan(number, field->bytes))
        return absent == PROTOPOOL_NAN_(field->bytes);
    return bits == absent || ((bits | absent) & ~sign) == 0; /* 0.0 is -0.0 */
}

static uint64_t pp_sign_extended(uint64_t value, size_t bytes)
{
    const uint64_t sign = pp_sign_bit(bytes);
    return (value ^ sign) - sign;
}

/* The bits of an integer that no part has. */
static uint64_t pp_bits_of_no_part(const struct protopool_field *field, uint64_t integer)
{
    for (uint32_t i = 0; i < field->value_count; i++)
        integer &= ~(UINT64_MAX >> (64 - field->parts[i].bits) << field->parts[i].shift);
    return integer;
}

static double pp_read_real(const void *at, size_t bytes)
{
    struct protopool_f16 half;
    float narrow;
    double wide;

    if (bytes == sizeof half) {
        memcpy(&half, at, sizeof half);
        return (double)protopool_float_of(half);
    }
    if (bytes == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}
