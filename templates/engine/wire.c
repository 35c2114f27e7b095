/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Wire: what holds no value in a message, the order of bytes, and why received bytes are refused. */

/* Blanks. */

/* Clears the bytes, or looks whether all of them are 0. */
static inline bool pp_blank(unsigned char *at, size_t bytes, bool clears)
{
    const uint32_t none = 0;
    uint32_t first, last;

    if (bytes >= 8) {
        if (!clears)
            return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
        memset(at, 0, bytes);
    } else if (bytes >= 4) { /* the two overlap */
        memcpy(&first, at, sizeof first);
        memcpy(&last, at + bytes - sizeof last, sizeof last);
        if (!clears)
            return (first | last) == 0;
        memcpy(at, &none, sizeof none);
        memcpy(at + bytes - sizeof none, &none, sizeof none);
    } else if (bytes != 0) {
        if (!clears)
            return (at[0] | at[bytes / 2] | at[bytes - 1]) == 0;
        at[0] = at[bytes / 2] = at[bytes - 1] = 0;
    }
    return true;
}

/* Those of the byte that come after its first `used` bit-fields. */
static bool pp_blank_bits(unsigned char *at, unsigned used, bool clears)
{
    unsigned unused = 0;

    for (unsigned i = used; i < 8; i++)
        unused |= PROTOPOOL_BIT_(i);
    if (!clears)
        return (*at & unused) == 0;
    *at = (unsigned char)(*at & ~unused);
    return true;
}

static bool pp_visit(const struct protopool_record *record, const struct protopool_blank *blank,
                     const struct protopool_blank *end, unsigned char *of, bool clears);

static bool pp_visit_elements(const struct protopool_field *field, const struct protopool_blank *elements,
                              unsigned char *at, size_t length, bool clears)
{
    bool is_blank = true;

    for (size_t i = 0; elements != NULL && i < length && is_blank; i++)
        is_blank = pp_visit(field->record, elements, NULL, at + i * field->bytes, clears);
    return is_blank;
}

static bool pp_visit_field(const struct protopool_field *field, const struct protopool_blank *elements,
                           unsigned char *of, bool clears)
{
    unsigned char *const at = of + field->offset;
    const bool has_terminator = field->type == PROTOPOOL_TEXT && field->length_bytes != 0;
    const size_t room = (size_t)field->count * field->bytes + has_terminator;
    size_t length, used;

    if (!protopool_field_present(field, of))
        return pp_blank(at, room, clears) && pp_blank(of + field->length_offset, field->length_bytes, clears);
    length = protopool_field_length(field, of);
    used = length * field->bytes;
    return pp_blank(at + used, room - used, clears) && pp_visit_elements(field, elements, at, length, clears);
}

/* The bytes of a tail whose length is so many. Those of a list of texts are counted beside its length. */
static size_t pp_tail_bytes(const struct protopool_field *tail, const unsigned char *of, size_t length)
{
    if (tail->type == PROTOPOOL_TEXTS)
        return (size_t)pp_read_unsigned(of + tail->extent_offset, tail->bytes);
    return length * tail->bytes + (tail->type == PROTOPOOL_TEXT);
}

/* Where the tail begins if the tail before it, or the struct, ends at `behind`. */
static inline size_t pp_tail_begin(const struct protopool_field *tail, size_t behind)
{
    return tail->align == 0 ? tail->offset : PROTOPOOL_UP_(behind, tail->align);
}

/* Clears the blanks from `blank` to `end`, or looks whether they are 0: all of them, if the end is NULL. */
static bool pp_visit(const struct protopool_record *record, const struct protopool_blank *blank,
                     const struct protopool_blank *end, unsigned char *of, bool clears)
{
    size_t behind = record->bytes, begin, length;
    bool is_blank = true;

    for (; blank != end && blank->kind != PROTOPOOL_BLANK_NONE && is_blank; blank++) {
        const struct protopool_field *const field = &record->fields[blank->number];
        switch ((enum protopool_blank_kind)blank->kind) {
        case PROTOPOOL_BLANK_PADDING:
            is_blank = pp_blank(of + blank->offset, blank->number, clears);
            break;
        case PROTOPOOL_BLANK_BITS:
            is_blank = pp_blank_bits(of + blank->offset, blank->number, clears);
            break;
        case PROTOPOOL_BLANK_FIELD:
            is_blank = pp_visit_field(field, blank->elements, of, clears);
            break;
        case PROTOPOOL_BLANK_TAIL:
            begin = pp_tail_begin(field, behind);
            length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);
            is_blank = pp_blank(of + behind, begin - behind, clears)
                       && pp_visit_elements(field, blank->elements, of + begin, length, clears);
            behind = begin + pp_tail_bytes(field, of, length);
            if (field->type == PROTOPOOL_TEXT) /* also of an absent one */
                is_blank = is_blank && pp_blank(of + behind - 1, 1, clears);
            break;
        case PROTOPOOL_BLANK_NONE:
        default:
            break;
        }
    }
    return is_blank;
}

void protopool_scrub(const struct protopool_form *form, void *msg)
{
    (void)pp_visit(form->record, form->blanks, NULL, (unsigned char *)msg, true);
}

bool protopool_is_scrubbed(const struct protopool_form *form, const void *msg)
{
    return pp_visit(form->record, form->blanks, NULL, (unsigned char *)PROTOPOOL_UNCONST(msg), false);
}

/* The order of bytes. */

static void pp_reverse(unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes / 2; i++) {
        const unsigned char byte = at[i];
        at[i] = at[bytes - 1 - i];
        at[bytes - 1 - i] = byte;
    }
}

static uint64_t pp_read_little(const unsigned char *at, size_t bytes)
{
    uint64_t number = 0;

    if (pp_is_little_endian())
        return pp_read_unsigned(at, bytes);
    for (size_t i = bytes; i-- > 0;)
        number = number << 8 | at[i];
    return number;
}

static void pp_swap_record(const struct protopool_record *record, unsigned char *of);

static void pp_swap_elements(const struct protopool_field *field, unsigned char *at, size_t count)
{
    for (size_t i = 0; i < count && (field->bytes > 1 || field->type == PROTOPOOL_STRUCT); i++) {
        if (field->type == PROTOPOOL_STRUCT)
            pp_swap_record(field->record, at + i * field->bytes);
        else
            pp_reverse(at + i * field->bytes, field->bytes);
    }
}

/* Between the order of this machine, which is big-endian, and the other. Bit-fields begin at the highest bit there. */
static void pp_swap_record(const struct protopool_record *record, unsigned char *of)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        if (!field->is_tail)
            pp_swap_elements(field, of + field->offset, field->count);
        pp_reverse(of + field->length_offset, field->length_bytes);
        if (field->type == PROTOPOOL_TEXTS)
            pp_reverse(of + field->extent_offset, field->bytes);
        if (field->presence_mask == PROTOPOOL_BIT_(0)) { /* one field per byte of bits has the first */
            unsigned char *const bits = of + field->presence_offset;
            unsigned mirrored = 0;
            for (unsigned j = 0; j < 8; j++)
                mirrored |= ((unsigned)*bits >> j & 1U) << (7 - j);
            *bits = (unsigned char)mirrored;
        }
    }
}

/* The same for tails. Their lengths are of this machine. */
static void pp_swap_tails(const struct protopool_form *form, unsigned char *of)
{
    size_t behind = form->record->bytes;

    for (const struct protopool_blank *blank = form->blanks; blank->kind == PROTOPOOL_BLANK_TAIL; blank++) {
        const struct protopool_field *const field = &form->record->fields[blank->number];
        const size_t length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);
        const size_t bytes = pp_tail_bytes(field, of, length);
        behind = pp_tail_begin(field, behind);
        pp_swap_elements(field, of + behind,
                         length * field->bytes <= bytes ? length : 0); /* more offsets than bytes: invalid */
        behind += bytes;
    }
}

void protopool_to_wire(const struct protopool_form *form, void *copy)
{
    protopool_scrub(form, copy);
    if (!pp_is_little_endian()) {
        pp_swap_tails(form, (unsigned char *)copy);
        pp_swap_record(form->record, (unsigned char *)copy);
        pp_reverse((unsigned char *)copy, form->tag_bytes);
    }
}

uint32_t protopool_received_tag(const void *bytes, size_t tag_bytes)
{
    return (uint32_t)pp_read_little((const unsigned char *)bytes, tag_bytes);
}

/* Received bytes. */

/* The bytes of a list of texts. */
static uint64_t pp_extent(const struct protopool_field *field, const unsigned char *of, bool is_little)
{
    const unsigned char *const at = of + field->extent_offset;
    return is_little ? pp_read_little(at, field->bytes) : pp_read_unsigned(at, field->bytes);
}

/* The size of a message whose struct is all there, little-endian or not. 0: the tail at *failed is too long, or makes the message too
 * large. */
static size_t pp_whole(const struct protopool_form *form, const unsigned char *of, bool is_little,
                       const struct protopool_field **failed)
{
    size_t size = form->record->bytes;

    for (const struct protopool_blank *blank = form->blanks; blank->kind == PROTOPOOL_BLANK_TAIL; blank++) {
        const struct protopool_field *const field = &form->record->fields[blank->number];
        const unsigned char *const at = of + field->length_offset;
        const uint64_t length =
            is_little ? pp_read_little(at, field->length_bytes) : pp_read_unsigned(at, field->length_bytes);
        uint64_t bytes = length * field->bytes + (field->type == PROTOPOOL_TEXT);
        *failed = field;
        if (length > field->count)
            return 0;
        if (field->type == PROTOPOOL_TEXTS) {
            bytes = pp_extent(field, of, is_little);
            if (bytes > field->limits->bytes)
                return 0;
        }
        size = pp_tail_begin(field, size) + (size_t)bytes;
        if (size > INT32_MAX)
            return 0;
    }
    return size;
}

/* The least that tails take. */
static size_t pp_least_size(const struct protopool_form *form)
{
    size_t size = form->record->bytes;

    for (const struct protopool_blank *blank = form->blanks; blank->kind == PROTOPOOL_BLANK_TAIL; blank++) {
        const struct protopool_field *const field = &form->record->fields[blank->number];
        size = pp_tail_begin(field, size) + (field->type == PROTOPOOL_TEXT);
    }
    return size;
}

static void pp_note(struct protopool_received *result, enum protopool_receipt status, size_t missing)
{
    result->status = status;
    result->used = 0;
    result->missing = missing;
}

void *protopool_note_incomplete(struct protopool_received *result, size_t missing)
{
    pp_note(result, PROTOPOOL_INCOMPLETE, missing);
    return NULL;
}

void *protopool_note_no_memory(struct protopool_received *result)
{
    pp_note(result, PROTOPOOL_NO_MEMORY, 0);
    return NULL;
}

/* Starts a search whose text is the result's. */
static void pp_start_refusal(struct pp_search *search, struct protopool_received *result)
{
    memset(search, 0, sizeof *search);
#ifndef PROTOPOOL_NO_STDIO
    result->text_[0] = '\0';
    search->to.buffer = result->text_;
    search->to.room = sizeof result->text_;
#endif
    (void)result;
}

static void *pp_note_refusal(struct protopool_received *result, const void *pool, const char *message,
                             const struct pp_search *search)
{
    pp_note(result, PROTOPOOL_INVALID, 0);
    memcpy(result->field_, search->path, sizeof result->field_);
    result->refusal.pool = pool;
    result->refusal.message = message;
    result->refusal.field = search->path_length != 0 ? result->field_ : NULL;
    result->refusal.rule = search->rule;
#ifdef PROTOPOOL_NO_STDIO
    result->refusal.text = NULL;
#else
    result->refusal.text = result->text_;
#endif
    result->refusal.site.file = NULL;
    result->refusal.site.line = 0;
    return NULL;
}

PROTOPOOL_COLD void *protopool_note_unknown_tag(struct protopool_received *result, const void *pool, uint32_t tag)
{
    struct pp_search search;

    pp_start_refusal(&search, result);
    (void)pp_note_rule(&search, PROTOPOOL_RULE_TAG);
    PP_APPEND(&search, "no message has the tag ");
    PP_APPEND_INTEGER(&search, tag, false);
    return pp_note_refusal(result, pool, NULL, &search);
}

/* Notes that the tail, which is so long, makes the message too large. */
static void pp_refuse_length(struct protopool_received *result, const struct protopool_form *form,
                             const struct protopool_field *tail, const unsigned char *of)
{
    const size_t length = (size_t)pp_read_little(of + tail->length_offset, tail->length_bytes);
    const bool is_texts = tail->type == PROTOPOOL_TEXTS && pp_extent(tail, of, true) > tail->limits->bytes;
    struct pp_search search;

    pp_start_refusal(&search, result);
    pp_append_to_path(&search, tail->name);
    if (!pp_is_too_long(&search, tail, length)) {
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, is_texts ? " has more than " : " makes a message of more than ");
        PP_APPEND_INTEGER(&search, is_texts ? tail->limits->bytes : INT32_MAX, false);
        PP_APPEND(&search, " bytes");
    }
    (void)pp_note_refusal(result, NULL, form->record->name, &search);
}

size_t protopool_measure(const struct protopool_form *form, const void *bytes, size_t count,
                         struct protopool_received *result)
{
    const unsigned char *const at = (const unsigned char *)bytes;
    const struct protopool_field *failed = NULL;
    size_t size;

    if (count < form->record->bytes) {
        (void)protopool_note_incomplete(result, pp_least_size(form) - count);
        return 0;
    }
    size = pp_whole(form, at, true, &failed);
    if (size == 0)
        pp_refuse_length(result, form, failed, at);
    if (size <= count)
        return size;
    (void)protopool_note_incomplete(result, size - count);
    return 0;
}

bool protopool_from_wire(const struct protopool_form *form, void *msg, size_t bytes)
{
    const struct protopool_field *failed;

    if (!pp_is_little_endian())
        pp_swap_record(form->record, (unsigned char *)msg);
    if (form->blanks->kind != PROTOPOOL_BLANK_TAIL)
        return true;
    if (pp_whole(form, (const unsigned char *)msg, false, &failed) != bytes) {
        memset((unsigned char *)msg + form->tag_bytes, 0, form->record->bytes - form->tag_bytes);
        return false;
    }
    if (!pp_is_little_endian())
        pp_swap_tails(form, (unsigned char *)msg);
    return true;
}

/* Whether a list of texts in a message is not as constructors write it. */
static bool pp_is_wrong_list(struct pp_search *search, const struct protopool_field *field, const void *list,
                             size_t bytes, size_t count)
{
    const size_t longest = field->limits->characters;

    if (protopool_valid_texts(list, bytes, count, field->bytes, longest))
        return false;
    for (size_t i = 0, end = count * field->bytes; end < bytes && i < count; i++) {
        const char *const text = (const char *)list + end;
        const size_t most = bytes - end - 1 < longest ? bytes - end - 1 : longest;
        const size_t length = protopool_text_length(text, most);
        if (protopool_offset(list, field->bytes, i) != end || length > most) {
            pp_append_index(search, i);
            break;
        }
        end += length + 1;
    }
    (void)pp_note_rule(search, PROTOPOOL_RULE_TEXT);
    PP_APPEND(search, " is not where it must be, or not terminated");
    return true;
}

/* A tail of a message whose lengths are good. */
static bool pp_is_wrong_received_tail(struct pp_search *search, const struct protopool_record *record,
                                      const struct protopool_field *field, const void *msg)
{
    const unsigned char *const of = (const unsigned char *)msg;
    size_t length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);

    pp_cut_path(search, 0);
    pp_append_to_path(search, field->name);
    if (protopool_field_present(field, msg) && field->type == PROTOPOOL_TEXTS)
        return pp_is_wrong_list(search, field, protopool_field_at(record, field, msg),
                                protopool_field_extent(field, msg), length);
    if (protopool_field_present(field, msg))
        return pp_is_wrong_tail(search, field, protopool_field_at(record, field, msg), length);
    if (length == 0)
        length = pp_tail_bytes(field, of, 0) - (field->type == PROTOPOOL_TEXT);
    if (length == 0)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND(search, " is absent, and its length is ");
    PP_APPEND_INTEGER(search, length, false);
    return true;
}

/* The first blank that is not 0. */
static void pp_find_unscrubbed(struct pp_search *search, const struct protopool_form *form, const void *msg)
{
    const struct protopool_record *const record = form->record;
    unsigned char *const at = (unsigned char *)PROTOPOOL_UNCONST(msg);

    for (const struct protopool_blank *blank = form->blanks; blank->kind != PROTOPOOL_BLANK_NONE; blank++) {
        if (pp_visit(record, form->blanks, blank + 1, at, false))
            continue;
        if (blank->kind == PROTOPOOL_BLANK_FIELD || blank->kind == PROTOPOOL_BLANK_TAIL) {
            pp_append_to_path(search, record->fields[blank->number].name);
            (void)pp_note_rule(search, PROTOPOOL_RULE_UNUSED);
            PP_APPEND(search, " has a byte that holds no value and is not 0");
        } else {
            (void)pp_note_rule(search, PROTOPOOL_RULE_UNUSED);
            PP_APPEND(search, "the padding at byte ");
            PP_APPEND_INTEGER(search, blank->offset, false);
            PP_APPEND(search, " is not 0");
        }
        return;
    }
}

PROTOPOOL_COLD void *protopool_note_invalid(struct protopool_received *result, const void *pool,
                                            const struct protopool_form *form, const void *msg, bool is_changed)
{
    const struct protopool_record *const record = form->record;
    struct pp_search search;

    pp_start_refusal(&search, result);
    if (is_changed) {
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, "its lengths changed while it was received");
    } else if (!pp_is_wrong_record(&search, record, msg)) {
        for (uint32_t i = 0; i < record->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++)
            if (record->fields[i].is_tail)
                (void)pp_is_wrong_received_tail(&search, record, &record->fields[i], msg);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            pp_cut_path(&search, 0);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            pp_find_unscrubbed(&search, form, msg);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN) { /* level 0 does not know the ranges */
            (void)pp_note_rule(&search, PROTOPOOL_RULE_RANGE);
            PP_APPEND(&search, "a number is out of its range");
        }
    }
    return pp_note_refusal(result, pool, record->name, &search);
}
