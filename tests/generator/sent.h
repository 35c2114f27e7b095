/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* For combined.c: sends and receives a message of any variant. What holds no value is found by the descriptions, not by the table of
 * blanks that the generator emits. */

/* PACKED: the protocol is packed; ALONE: it has no tag either, so all bytes of a payload are received. */
#ifdef ALONE
#define RECEIVE(pool, tag, bytes, count, result) all_receive_as(pool, (uint32_t)(tag), bytes, count, result)
#else
#define RECEIVE(pool, tag, bytes, count, result) all_receive(pool, bytes, count, result)
#endif

enum { SENT_ROOM = 1 << 16 };

/* Sets the bits of the record at `of` that hold a value. */
static void use_values(unsigned char *used, const struct protopool_record *record, const void *of)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        const unsigned char *const at = (const unsigned char *)protopool_field_at(record, field, of);
        const size_t offset = (size_t)(at - (const unsigned char *)of), length = protopool_field_length(field, of);
        const bool is_present = protopool_field_present(field, of);
        if (field->type == PROTOPOOL_ONE_OF) {
            const struct protopool_field *const alternative = protopool_alternative(field, of);
            used[field->presence_offset] = 0xff;
            if (alternative != NULL)
                use_values(
                    used,
                    &(const struct protopool_record){ .bytes = record->bytes, .field_count = 1, .fields = alternative },
                    of);
            continue;
        }
        if (field->presence_mask != 0 && field->presence_mask != PROTOPOOL_BY_NUMBER)
            used[field->presence_offset] |= field->presence_mask;
        else if (!is_present)
            memset(used + offset, 0xff, field->bytes); /* a number that means "absent" */
        if (is_present || field->is_tail)
            memset(used + field->length_offset, 0xff, field->length_bytes);
        if (field->type == PROTOPOOL_TEXTS) { /* their terminators are compared, too */
            memset(used + field->extent_offset, 0xff, field->bytes);
            memset(used + offset, 0xff, protopool_field_extent(field, of));
        }
        for (size_t j = 0; j < length; j++) {
            if (field->type == PROTOPOOL_STRUCT)
                use_values(used + offset + j * field->bytes, field->record, at + j * field->bytes);
            else
                memset(used + offset + j * field->bytes, 0xff, field->bytes);
        }
    }
}

#ifndef PACKED
static bool is_big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, sizeof first);
    return first == 0;
}

/* The bits of a byte as they are sent. Only a byte of presence bits is used in part. */
static unsigned char as_sent(unsigned char used)
{
    unsigned sent = 0;
    for (unsigned i = 0; i < 8; i++)
        sent |= ((unsigned)used >> i & 1U) << (is_big_endian() ? 7 - i : i);
    return (unsigned char)sent;
}
#endif

/* Whether bytes that are cut off are incomplete, with the right advice. */
static bool cut_is_incomplete(struct all_pool *pool, uint32_t tag, const unsigned char *bytes, size_t size)
{
    struct protopool_received result;

    (void)tag;
    for (size_t count = 0; count < size; count += 1 + count / 8) {
        struct all *msg;
        memset(&result, 0xa5, sizeof result);
        msg = RECEIVE(pool, tag, bytes, count, &result);
        all_free(pool, msg);
#ifdef ALONE /* the last field can be what is left */
        if (msg != NULL && result.used == count)
            continue;
#endif
        if (msg != NULL || result.status != PROTOPOOL_INCOMPLETE || result.used != 0 || result.missing == 0
            || count + result.missing > size)
            return false;
    }
    return true;
}

#ifndef PACKED
/* Whether a bit that holds no value, or is in a terminator, is found in received bytes: a few of them. */
static bool dirt_is_refused(struct all_pool *pool, unsigned char *bytes, const unsigned char *used, size_t size)
{
    struct protopool_received result;
    const size_t step = 1 + size / 16;

    for (size_t i = sizeof(struct all); i < size; i += used[i] == 0xff ? 1 : step) {
        const unsigned char unused = (unsigned char)~as_sent(used[i]);
        if (unused == 0)
            continue;
        bytes[i] ^= unused;
        if (all_receive(pool, bytes, size, &result) != NULL || result.status != PROTOPOOL_INVALID
            || (result.refusal.rule != PROTOPOOL_RULE_UNUSED && result.refusal.rule != PROTOPOOL_RULE_TEXT))
            return false;
        bytes[i] ^= unused;
    }
    return true;
}

#endif

/* Whether the message is sent and received as itself, and nothing else is sent. sent: gets the bytes; not aligned. */
static bool is_sent(struct all_pool *pool, const struct all *msg, unsigned char *sent)
{
    static unsigned char used[SENT_ROOM], again[SENT_ROOM];
    const size_t size = all_encoded_size(msg), memory = all_size(msg);
    const uint32_t tag = all_tag_of(msg);
    struct protopool_received result;
    struct all *dirty, *received;
    unsigned char *at;
    bool is_good;

#ifndef PACKED
    if (size != memory)
        return false;
#endif
    if (size > SENT_ROOM - 1 || memory > SENT_ROOM - 1)
        return false;
    memset(used, 0, memory);
    memset(used, 0xff, sizeof(struct all));
    use_values(used, all_describe(all_tag_of(msg)), msg);
    sent[0] = 0xa5;
    if ((size != 0 && all_encode(msg, sent, size - 1) != 0) || sent[0] != 0xa5 || all_encode(msg, sent, size) != size)
        return false;
#ifdef ALONE
    received = all_receive_as(pool, (uint32_t)tag, sent, size, &result);
#else
    received = all_receive(pool, sent, SENT_ROOM - 1, &result);
#endif
    if (received == NULL || result.status != PROTOPOOL_RECEIVED || result.used != size || !all_equal(msg, received)
        || all_encode(received, again + 1, size) != size || memcmp(again + 1, sent, size) != 0)
        return false;
    all_free(pool, received);
    if (memory == sizeof(struct all))
        return true; /* it is constant */
    dirty = all_clone(pool, msg);
    at = (unsigned char *)dirty;
    for (size_t i = 0; i < memory; i++)
        at[i] = (unsigned char)(at[i] | (unsigned char)~used[i]);
    is_good = all_equal(msg, dirty) && all_encode(dirty, again, size) == size && memcmp(again, sent, size) == 0;
    all_scrub(dirty);
    is_good = is_good && all_equal(msg, dirty);
    for (size_t i = 0; i < memory; i++)
        is_good = is_good && (at[i] & (unsigned char)~used[i]) == 0;
    all_free(pool, dirty);
#ifndef PACKED
    is_good = is_good && dirt_is_refused(pool, sent, used, size);
#endif
    return is_good && cut_is_incomplete(pool, tag, sent, size);
}
