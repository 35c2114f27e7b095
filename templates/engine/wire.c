/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Wire: what holds no value in a message, the order of bytes, and why received bytes are refused. */

#define PP_FEW 32U /* bytes for which no function is called */

static inline uint64_t pp_word(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Clears at most PP_FEW bytes, or looks whether all of them are 0. What is at the beginning and at the end overlaps. */
PROTOPOOL_INLINE bool pp_blank_few(unsigned char *at, size_t bytes, bool clears)
{
    unsigned char *const end = at + bytes;
    uint32_t first, last;

    if (bytes >= 16) {
        if (!clears)
            return (pp_word(at) | pp_word(at + 8) | pp_word(end - 16) | pp_word(end - 8)) == 0;
        memset(at, 0, 16);
        memset(end - 16, 0, 16);
    } else if (bytes >= 8) {
        if (!clears)
            return (pp_word(at) | pp_word(end - 8)) == 0;
        memset(at, 0, 8);
        memset(end - 8, 0, 8);
    } else if (bytes >= 4) {
        memcpy(&first, at, sizeof first);
        memcpy(&last, end - sizeof last, sizeof last);
        if (!clears)
            return (first | last) == 0;
        memset(at, 0, 4);
        memset(end - 4, 0, 4);
    } else if (bytes != 0) {
        if (!clears)
            return (at[0] | at[bytes / 2] | end[-1]) == 0;
        at[0] = at[bytes / 2] = end[-1] = 0;
    }
    return true;
}

/* The same, of more bytes. */
static bool pp_blank_many(unsigned char *at, size_t bytes, bool clears)
{
    if (!clears)
        return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
    memset(at, 0, bytes);
    return true;
}

PROTOPOOL_INLINE bool pp_blank(unsigned char *at, size_t bytes, bool clears)
{
    return bytes <= PP_FEW ? pp_blank_few(at, bytes, clears) : pp_blank_many(at, bytes, clears);
}

PROTOPOOL_COLD bool protopool_visit_small(const struct protopool_form *form, void *of, bool clears)
{
    const size_t bytes = form->record->bytes;
    uint64_t word = 0;

    if (form->hole_count == 0)
        return true;
    memcpy(&word, of, bytes);
    if (!clears)
        return (word & form->holes->unused) == 0;
    word &= ~form->holes->unused;
    memcpy(of, &word, bytes);
    return true;
}

static bool pp_visit_elements(const struct protopool_form *elements, unsigned char *at, size_t length, bool clears)
{
    const size_t bytes = elements->record->bytes;
    bool is_blank = true;

    for (size_t i = 0; i < length && is_blank; i++, at += bytes)
        is_blank = clears ? (protopool_scrub(elements, at), true) : protopool_is_scrubbed(elements, at);
    return is_blank;
}

/* The field's length. In an invalid message too, at most the elements that there is room for. */
static inline size_t pp_length_of(const struct protopool_field *field, const unsigned char *of)
{
    const unsigned char *const at = of + field->length_offset;
    const uint64_t length = field->length_bytes == 1 ? *at : pp_read_unsigned(at, field->length_bytes);
    return length < field->count ? (size_t)length : field->count;
}

/* An alternative with a length; all such alternatives share one length. NULL: none has a length. */
static const struct protopool_field *pp_with_length(const struct protopool_record *alternatives)
{
    for (uint32_t i = 0; i < alternatives->field_count; i++)
        if (alternatives->fields[i].length_bytes != 0)
            return &alternatives->fields[i];
    return NULL;
}

/* The varying fields of `alternatives` are those that consist of structs. */
static bool pp_visit_one_of(const struct protopool_field *field, const struct protopool_form *alternatives,
                            unsigned char *of, bool clears)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);
    const struct protopool_field *const counted = pp_with_length(field->record);
    unsigned char *const at = of + field->offset;
    size_t length, used;

    PROTOPOOL_ASSUME(alternatives != NULL);
    if ((alternative == NULL || alternative->length_bytes == 0) && counted != NULL
        && !pp_blank(of + counted->length_offset, counted->length_bytes, clears))
        return false;
    if (alternative == NULL)
        return pp_blank(at, field->bytes, clears);
    length = alternative->length_bytes != 0 ? pp_length_of(alternative, of) : alternative->count;
    used = length * alternative->bytes;
    if (!pp_blank(at + used, field->bytes - used, clears))
        return false;
    for (uint32_t i = 0; i < alternatives->varying_count; i++)
        if (&field->record->fields[alternatives->varying[i].number] == alternative)
            return pp_visit_elements(alternatives->varying[i].elements, at, length, clears);
    return true;
}

/* What is behind the used elements of a field, from *at on: so many bytes. Of an absent one also its length, which is looked at here. */
PROTOPOOL_INLINE size_t pp_unused(const struct protopool_field *field, unsigned char *of, unsigned char **at,
                                  bool clears, bool *is_blank)
{
    const size_t terminator = field->type == PROTOPOOL_TEXT && field->length_bytes != 0;
    size_t length = 0;

    if (field->presence_mask != 0 && (of[field->presence_offset] & field->presence_mask) == 0)
        *is_blank = pp_blank_few(of + field->length_offset, field->length_bytes, clears);
    else
        length = field->length_bytes == 0 ? field->count : pp_length_of(field, of);
    *at = of + field->offset + length * field->bytes;
    return (field->count - length) * field->bytes + terminator;
}

static bool pp_visit_field(const struct protopool_field *field, const struct protopool_form *elements,
                           unsigned char *of, bool clears)
{
    unsigned char *const begin = of + field->offset;
    bool is_blank = true;
    unsigned char *at;
    size_t unused;

    if (field->type == PROTOPOOL_ONE_OF)
        return pp_visit_one_of(field, elements, of, clears);
    unused = pp_unused(field, of, &at, clears, &is_blank);
    if (!is_blank || !pp_blank(at, unused, clears))
        return false;
    return elements == NULL || pp_visit_elements(elements, begin, (size_t)(at - begin) / field->bytes, clears);
}

/* The varying fields from this one on. */
static bool pp_visit_fields(const struct protopool_form *form, uint32_t i, unsigned char *of, bool clears)
{
    for (; i < form->varying_count; i++)
        if (!pp_visit_field(&form->record->fields[form->varying[i].number], form->varying[i].elements, of, clears))
            return false;
    return true;
}

/* The bytes of a tail of this length. Those of a list of texts are counted beside its length. */
static inline size_t pp_tail_bytes(const struct protopool_field *tail, const unsigned char *of, size_t length)
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

/* The tails, and the other varying fields. An absent text has its terminator, too. */
static bool pp_visit_tails(const struct protopool_form *form, unsigned char *of, bool clears)
{
    size_t behind = form->record->bytes, begin, length;
    bool is_blank = true;

    for (uint32_t i = 0; i < form->tail_count && is_blank; i++) {
        const struct protopool_varying *const tail = &form->varying[i];
        const struct protopool_field *const field = &form->record->fields[tail->number];
        begin = pp_tail_begin(field, behind);
        length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);
        if (begin != behind)
            is_blank = pp_blank(of + behind, begin - behind, clears);
        behind = begin + pp_tail_bytes(field, of, length);
        if (field->type == PROTOPOOL_TEXT)
            is_blank = pp_blank_few(of + behind - 1, 1, clears) && is_blank;
        if (tail->elements != NULL)
            is_blank = is_blank && pp_visit_elements(tail->elements, of + begin, length, clears);
    }
    return is_blank && pp_visit_fields(form, form->tail_count, of, clears);
}

/* Whatever needs a call is left to other functions, at the end: so no registers are saved for what does not. */
PROTOPOOL_INLINE bool pp_visit_varying(const struct protopool_form *form, unsigned char *of, bool clears)
{
    const struct protopool_varying *varying = form->varying;

    if (form->tail_count != 0)
        return pp_visit_tails(form, of, clears);
    for (uint32_t left = form->varying_count; left != 0; left--, varying++) {
        bool is_blank = true;
        unsigned char *at;
        size_t unused;
        if (varying->elements != NULL)
            return pp_visit_fields(form, form->varying_count - left, of, clears);
        unused = pp_unused(&form->record->fields[varying->number], of, &at, clears, &is_blank);
        if (unused > PP_FEW)
            return left == 1 ? is_blank && pp_blank_many(at, unused, clears)
                             : pp_visit_fields(form, form->varying_count - left, of, clears);
        if (!is_blank || !pp_blank_few(at, unused, clears))
            return false;
    }
    return true;
}

void protopool_scrub_varying(const struct protopool_form *form, void *of)
{
    (void)pp_visit_varying(form, (unsigned char *)of, true);
}

bool protopool_is_varying_scrubbed(const struct protopool_form *form, void *of)
{
    return pp_visit_varying(form, (unsigned char *)of, false);
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

    if (protopool_is_little_endian())
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

/* The same for the alternative that is there. */
static void pp_swap_alternative(const struct protopool_field *field, unsigned char *of)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);
    const struct protopool_field *const counted = pp_with_length(field->record);

    if (alternative != NULL)
        pp_swap_elements(alternative, of + field->offset, alternative->count);
    if (counted != NULL)
        pp_reverse(of + counted->length_offset, counted->length_bytes);
}

/* Swaps between big-endian, the order of this machine, and little-endian. Big-endian bit-fields begin at the highest bit. */
static void pp_swap_record(const struct protopool_record *record, unsigned char *of)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        if (field->type == PROTOPOOL_ONE_OF) {
            pp_swap_alternative(field, of);
            continue;
        }
        if (!field->is_tail)
            pp_swap_elements(field, of + field->offset, field->count);
        pp_reverse(of + field->length_offset, field->length_bytes);
        if (field->type == PROTOPOOL_TEXTS)
            pp_reverse(of + field->extent_offset, field->bytes);
        if (field->presence_mask == PROTOPOOL_BIT_(0)) { /* once per byte of bits, at its first bit */
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

    for (uint32_t i = 0; i < form->tail_count; i++) {
        const struct protopool_field *const field = &form->record->fields[form->varying[i].number];
        const size_t length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);
        const size_t bytes = pp_tail_bytes(field, of, length);
        behind = pp_tail_begin(field, behind);
        pp_swap_elements(field, of + behind,
                         length * field->bytes <= bytes ? length : 0); /* more offsets than bytes: invalid */
        behind += bytes;
    }
}

size_t protopool_encode_any(const struct protopool_form *form, const void *msg, size_t bytes, void *buffer)
{
    memcpy(buffer, msg, bytes);
    (void)protopool_visit_holes(form, (unsigned char *)buffer, true);
    (void)pp_visit_varying(form, (unsigned char *)buffer, true);
    if (!protopool_is_little_endian()) {
        pp_swap_tails(form, (unsigned char *)buffer);
        pp_swap_record(form->record, (unsigned char *)buffer);
        pp_reverse((unsigned char *)buffer, form->tag_bytes);
    }
    return bytes;
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

    for (uint32_t i = 0; i < form->tail_count; i++) {
        const struct protopool_field *const field = &form->record->fields[form->varying[i].number];
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

/* The least bytes that the tails take. */
static size_t pp_least_size(const struct protopool_form *form)
{
    size_t size = form->record->bytes;

    for (uint32_t i = 0; i < form->tail_count; i++) {
        const struct protopool_field *const field = &form->record->fields[form->varying[i].number];
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

/* Notes that the tail, with its length, makes the message too large. */
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
    PROTOPOOL_ASSUME(size != 0 || failed != NULL);
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

    if (!protopool_is_little_endian())
        pp_swap_record(form->record, (unsigned char *)msg);
    if (form->tail_count == 0)
        return true;
    if (pp_whole(form, (const unsigned char *)msg, false, &failed) != bytes)
        return false;
    if (!protopool_is_little_endian())
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

/* The first byte that holds no value and is not 0. */
static void pp_find_unscrubbed(struct pp_search *search, const struct protopool_form *form, void *msg)
{
    const struct protopool_record *const record = form->record;
    struct protopool_form part = *form; /* the form up to there */

    for (part.hole_count = 0; part.hole_count < form->hole_count;) {
        part.hole_count++;
        if (protopool_visit_holes(&part, (unsigned char *)msg, false))
            continue;
        (void)pp_note_rule(search, PROTOPOOL_RULE_UNUSED);
        PP_APPEND(search, "the padding in the 8 bytes at ");
        PP_APPEND_INTEGER(search, form->holes[part.hole_count - 1].offset, false);
        PP_APPEND(search, " is not 0");
        return;
    }
    for (part.varying_count = 0; part.varying_count < form->varying_count;) {
        const uint32_t number = form->varying[part.varying_count++].number;
        part.tail_count = part.varying_count < form->tail_count ? (uint16_t)part.varying_count : form->tail_count;
        if (protopool_is_varying_scrubbed(&part, msg))
            continue;
        pp_append_to_path(search, record->fields[number].name);
        (void)pp_note_rule(search, PROTOPOOL_RULE_UNUSED);
        PP_APPEND(search, " has a byte that holds no value and is not 0");
        return;
    }
}

PROTOPOOL_COLD void *protopool_note_invalid(struct protopool_received *result, const void *pool,
                                            const struct protopool_form *form, const struct protopool_range *ranges,
                                            void *msg, bool is_changed)
{
    const struct protopool_record *const record = form->record;
    struct pp_search search;

    pp_start_refusal(&search, result);
    search.ranges = ranges;
    if (is_changed) {
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, "its lengths changed while it was received");
        memset((unsigned char *)msg + form->tag_bytes, 0, record->bytes - form->tag_bytes); /* so that it has a size */
    } else if (!pp_is_wrong_record(&search, record, msg)) {
        for (uint32_t i = 0; i < record->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++)
            if (record->fields[i].is_tail)
                (void)pp_is_wrong_received_tail(&search, record, &record->fields[i], msg);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            pp_cut_path(&search, 0);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            pp_find_unscrubbed(&search, form, msg);
    }
    return pp_note_refusal(result, pool, record->name, &search);
}
