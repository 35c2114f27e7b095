/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Refusals: finds the field for which a constructor returned NULL, and passes it to the program's handler. */

static protopool_refusal_handler *pp_refusal_handler;

protopool_refusal_handler *protopool_set_refusal_handler(protopool_refusal_handler *handler)
{
    protopool_refusal_handler *const previous = pp_refusal_handler;
    pp_refusal_handler = handler;
    return previous;
}

#define PP_NAMES_SHOWN 8U /* an enum with more values is not listed */

/* A search for the field that breaks a rule of the schema: its name, the rule, and the text about it. */
struct pp_search {
    enum protopool_rule rule;
    char path[PROTOPOOL_PATH_BYTES_];
    size_t path_length;
    const struct protopool_range *ranges; /* those of the protocol. At level 0 the fields have only their numbers */
#ifndef PROTOPOOL_NO_STDIO
    struct protopool_printer to;
#endif
};

static void pp_append_to_path(struct pp_search *search, const char *name)
{
    while (*name != '\0' && search->path_length < PROTOPOOL_PATH_BYTES_ - 1)
        search->path[search->path_length++] = *name++;
    search->path[search->path_length] = '\0';
}

static void pp_append_index(struct pp_search *search, size_t index)
{
    char digits[24];
    size_t at = sizeof digits;

    digits[--at] = '\0';
    digits[--at] = ']';
    do {
        digits[--at] = (char)('0' + index % 10);
        index /= 10;
    } while (index != 0);
    digits[--at] = '[';
    pp_append_to_path(search, &digits[at]);
}

static void pp_cut_path(struct pp_search *search, size_t length)
{
    search->path_length = length;
    search->path[length] = '\0';
}

#ifdef PROTOPOOL_NO_STDIO
#define PP_APPEND(search, text) ((void)(search), (void)(text))
#define PP_APPEND_INTEGER(search, number, is_hexadecimal) ((void)(number))
#else
#define PP_APPEND(search, text) protopool_print(&(search)->to, text)
#define PP_APPEND_INTEGER(search, number, is_hexadecimal) pp_print_integer(&(search)->to, number, is_hexadecimal)
#endif

/* Notes that the field at the path breaks a rule. Returns true, for the caller to return. */
static bool pp_note_rule(struct pp_search *search, enum protopool_rule rule)
{
    search->rule = rule;
    PP_APPEND(search, search->path);
    return true;
}

/* Whether a > b. Signed numbers are converted to uint64_t. */
static bool pp_is_more(uint64_t a, uint64_t b, bool is_signed)
{
    const uint64_t flip = (uint64_t)is_signed << 63;
    return (a ^ flip) > (b ^ flip);
}

static void pp_append_number(struct pp_search *search, const struct protopool_field *field, uint64_t number)
{
#ifndef PROTOPOOL_NO_STDIO
    if (field->type == PROTOPOOL_CHAR)
        protopool_print_char(&search->to, (char)number);
    else if (field->type == PROTOPOOL_SIGNED)
        protopool_print_signed(&search->to, (int64_t)number);
    else
        protopool_print_unsigned(&search->to, number);
#endif
    (void)search;
    (void)field;
    (void)number;
}

/* The range of a number or character; NULL: none. */
static inline const struct protopool_range *pp_range_of(const struct pp_search *search,
                                                        const struct protopool_field *field)
{
#if PROTOPOOL_CHECK >= 1
    (void)search;
    return field->range;
#else
    return field->range_number != 0 ? &search->ranges[field->range_number - 1] : NULL;
#endif
}

/* bytes: of the value. The argument for a number of half precision is a float. */
static bool pp_is_out_of_range(struct pp_search *search, const struct protopool_field *field,
                               const struct protopool_range *range, const void *at, size_t bytes)
{
    uint64_t number = 0;
    bool is_signed = field->type == PROTOPOOL_SIGNED;

    if (field->type == PROTOPOOL_FLOAT) {
        const double real = pp_read_real(at, bytes);
        if (real >= range->least.real && real <= range->most.real)
            return false;
        (void)pp_note_rule(search, PROTOPOOL_RULE_RANGE);
#ifndef PROTOPOOL_NO_STDIO
        protopool_print(&search->to, " ");
        pp_print_number(&search->to, real, bytes);
        protopool_print(&search->to, " is not in ");
        pp_print_number(&search->to, range->least.real, field->bytes);
        protopool_print(&search->to, "..");
        pp_print_number(&search->to, range->most.real, field->bytes);
#endif
        return true;
    }
    if (field->type == PROTOPOOL_CHAR) {
        char character;
        memcpy(&character, at, sizeof character);
        number = (uint64_t)character;
        is_signed = true;
    } else {
        number = pp_read_unsigned(at, field->bytes);
        if (is_signed)
            number = pp_sign_extended(number, field->bytes);
    }
    if (!pp_is_more(range->least.number, number, is_signed) && !pp_is_more(number, range->most.number, is_signed))
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_RANGE);
    PP_APPEND(search, " ");
    pp_append_number(search, field, number);
    PP_APPEND(search, " is not in ");
    pp_append_number(search, field, range->least.number);
    PP_APPEND(search, "..");
    pp_append_number(search, field, range->most.number);
    return true;
}

#if PROTOPOOL_CHECK >= 1
/* A number that means that its field is absent, as an argument. */
static bool pp_is_absent_number(struct pp_search *search, const struct protopool_field *field,
                                const struct protopool_argument *argument)
{
    const void *at = argument->at;
    struct protopool_f16 half;
    uint64_t number;

    if (field->presence_mask != PROTOPOOL_BY_NUMBER)
        return false;
    if (argument->bytes > field->bytes) { /* a float, for a number of half precision */
        half = protopool_f16_of((float)pp_read_real(at, argument->bytes));
        at = &half;
    }
    if (!protopool_number_is_absent(field, at))
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_ABSENT);
    PP_APPEND(search, " ");
    number = pp_read_unsigned(at, field->bytes);
#ifndef PROTOPOOL_NO_STDIO
    if (field->type == PROTOPOOL_FLOAT)
        pp_print_number(&search->to, pp_read_real(at, field->bytes), field->bytes);
    else
#endif
        pp_append_number(search, field,
                         field->type == PROTOPOOL_SIGNED ? pp_sign_extended(number, field->bytes) : number);
    PP_APPEND(search, " means absent: pass NULL");
    return true;
}
#endif

static void pp_append_names(struct pp_search *search, const struct protopool_value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count && count <= PP_NAMES_SHOWN; i++) {
        PP_APPEND(search, i == 0 ? ": it has " : ", ");
        PP_APPEND(search, values[i].name);
    }
}

/* bytes: of the value. That of an argument is wider than that of a member. */
static bool pp_is_undeclared(struct pp_search *search, const struct protopool_field *field, const void *at,
                             size_t bytes)
{
    const uint64_t number = pp_read_unsigned(at, bytes);
    const uint64_t extended = pp_sign_extended(number, bytes);
    const bool is_negative = field->is_signed && extended >> 63 != 0;

    for (uint32_t i = 0; i < field->value_count; i++)
        if (field->values[i].number == number || field->values[i].number == extended)
            return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_ENUM);
    PP_APPEND(search, is_negative ? " -" : " ");
    PP_APPEND_INTEGER(search, is_negative ? 0 - extended : number, false);
    PP_APPEND(search, " is not declared");
    pp_append_names(search, field->values, field->value_count);
    return true;
}

/* bits: those that are not declared. */
static bool pp_are_undeclared_bits(struct pp_search *search, uint64_t bits)
{
    if (bits == 0)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_FLAGS);
    PP_APPEND(search, " has bits that are not declared: 0x");
    PP_APPEND_INTEGER(search, bits, true);
    return true;
}

static bool pp_has_undeclared_bits(struct pp_search *search, const struct protopool_field *field, const void *at)
{
    uint64_t bits = pp_read_unsigned(at, field->bytes);

    for (uint32_t i = 0; i < field->value_count; i++)
        bits &= ~field->values[i].number;
    return pp_are_undeclared_bits(search, bits);
}

static bool pp_is_wrong_part(struct pp_search *search, const struct protopool_part *part, uint64_t number)
{
    const bool is_enum = part->type == PROTOPOOL_ENUM;

    if (part->type == PROTOPOOL_BOOL || (!is_enum && number >= part->least && number <= part->most))
        return false;
    for (uint32_t i = 0; i < part->value_count; i++)
        if (part->values[i].number == number)
            return false;
    pp_append_to_path(search, ".");
    pp_append_to_path(search, part->name);
    (void)pp_note_rule(search, is_enum ? PROTOPOOL_RULE_ENUM : PROTOPOOL_RULE_RANGE);
    PP_APPEND(search, " ");
    PP_APPEND_INTEGER(search, number, false);
    if (is_enum) {
        PP_APPEND(search, " is not declared");
        pp_append_names(search, part->values, part->value_count);
    } else {
        PP_APPEND(search, " is not in ");
        PP_APPEND_INTEGER(search, part->least, false);
        PP_APPEND(search, "..");
        PP_APPEND_INTEGER(search, part->most, false);
    }
    return true;
}

static bool pp_has_wrong_parts(struct pp_search *search, const struct protopool_field *field, const void *at)
{
    const uint64_t integer = pp_read_unsigned(at, field->bytes);

    for (uint32_t i = 0; i < field->value_count; i++)
        if (pp_is_wrong_part(search, &field->parts[i], protopool_part_of(&field->parts[i], integer)))
            return true;
    return pp_are_undeclared_bits(search, pp_bits_of_no_part(field, integer));
}

static bool pp_is_too_long(struct pp_search *search, const struct protopool_field *field, size_t length)
{
    if (length <= field->count)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND(search, " has ");
    PP_APPEND_INTEGER(search, length, false);
    PP_APPEND(search, field->type == PROTOPOOL_TEXT ? " characters, at most " : " elements, at most ");
    PP_APPEND_INTEGER(search, field->count, false);
    return true;
}

static bool pp_is_null(struct pp_search *search)
{
    (void)pp_note_rule(search, PROTOPOOL_RULE_NULL);
    PP_APPEND(search, " is NULL");
    return true;
}

static bool pp_is_longer(struct pp_search *search, size_t longest)
{
    (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND(search, " has more than ");
    PP_APPEND_INTEGER(search, longest, false);
    PP_APPEND(search, " characters");
    return true;
}

static bool pp_is_wrong_record(struct pp_search *search, const struct protopool_record *record, const void *from);
static bool pp_is_wrong_alternative(struct pp_search *search, const struct protopool_field *field, const void *from);

static bool pp_is_wrong_element(struct pp_search *search, const struct protopool_field *field, const void *at,
                                size_t bytes)
{
    const struct protopool_range *range;

    switch (field->type) {
    case PROTOPOOL_BOOL:
        if (protopool_is_bool(at))
            return false;
        (void)pp_note_rule(search, PROTOPOOL_RULE_BOOL);
        PP_APPEND(search, " is neither false nor true");
        return true;
    case PROTOPOOL_ENUM:
        return pp_is_undeclared(search, field, at, bytes);
    case PROTOPOOL_FLAGS:
        return pp_has_undeclared_bits(search, field, at);
    case PROTOPOOL_BITS:
        return pp_has_wrong_parts(search, field, at);
    case PROTOPOOL_STRUCT:
        return pp_is_wrong_record(search, field->record, at);
    case PROTOPOOL_ONE_OF:
        return pp_is_wrong_alternative(search, field, (const unsigned char *)at - field->offset);
    case PROTOPOOL_UNSIGNED:
    case PROTOPOOL_SIGNED:
    case PROTOPOOL_FLOAT:
    case PROTOPOOL_CHAR:
        range = pp_range_of(search, field);
        return range != NULL && pp_is_out_of_range(search, field, range, at, bytes);
    case PROTOPOOL_TEXT:
    case PROTOPOOL_TEXTS:
    default:
        return false;
    }
}

/* Whether the field's numbers have no rule, so that none need be looked at: a tail can have very many. */
static bool pp_allows_all(const struct pp_search *search, const struct protopool_field *field)
{
    return (field->type == PROTOPOOL_UNSIGNED || field->type == PROTOPOOL_SIGNED || field->type == PROTOPOOL_FLOAT
            || field->type == PROTOPOOL_CHAR)
           && pp_range_of(search, field) == NULL;
}

static bool pp_has_wrong_element(struct pp_search *search, const struct protopool_field *field, const void *at,
                                 size_t bytes, size_t length)
{
    const size_t path = search->path_length;

    for (size_t i = 0; i < length && !pp_allows_all(search, field); i++) {
        if (field->is_list)
            pp_append_index(search, i);
        if (pp_is_wrong_element(search, field, (const unsigned char *)at + i * bytes, bytes))
            return true;
        pp_cut_path(search, path);
    }
    return false;
}

/* A text in a record has this length and its terminator there. */
static bool pp_is_wrong_text(struct pp_search *search, const struct protopool_field *field, const char *text,
                             size_t length)
{
    const size_t found = protopool_text_length(text, field->count);

    if (found == length)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_TEXT);
    if (found > field->count) {
        PP_APPEND(search, " is not terminated within ");
        PP_APPEND_INTEGER(search, field->count, false);
        PP_APPEND(search, " characters");
    } else {
        PP_APPEND(search, " has ");
        PP_APPEND_INTEGER(search, found, false);
        PP_APPEND(search, " characters, and its length is ");
        PP_APPEND_INTEGER(search, length, false);
    }
    return true;
}

static bool pp_is_wrong_member(struct pp_search *search, const struct protopool_field *field, const void *from)
{
    const unsigned char *const at = (const unsigned char *)from + field->offset;
    size_t length = field->count;

    if (field->is_tail || !protopool_field_present(field, from))
        return false;
    if (field->length_bytes != 0)
        length = (size_t)pp_read_unsigned((const unsigned char *)from + field->length_offset, field->length_bytes);
    if (field->type == PROTOPOOL_TEXT)
        return field->length_bytes != 0 && pp_is_wrong_text(search, field, (const char *)at, length);
    return pp_is_too_long(search, field, length) || pp_has_wrong_element(search, field, at, field->bytes, length);
}

static void pp_append_alternatives(struct pp_search *search, const struct protopool_record *alternatives)
{
    const struct protopool_field *const fields = alternatives->fields;

    for (uint32_t i = 0; fields != NULL && i < alternatives->field_count && alternatives->field_count <= PP_NAMES_SHOWN;
         i++) {
        PP_APPEND(search, i == 0 ? " of " : ", ");
        PP_APPEND(search, fields[i].name);
    }
}

static bool pp_is_wrong_alternative(struct pp_search *search, const struct protopool_field *field, const void *from)
{
    const struct protopool_field *const alternative = protopool_alternative(field, from);

    if (alternative == NULL) {
        (void)pp_note_rule(search, PROTOPOOL_RULE_ONE_OF);
        PP_APPEND(search, " is none");
        pp_append_alternatives(search, field->record);
        return true;
    }
    pp_append_to_path(search, ".");
    pp_append_to_path(search, alternative->name);
    return pp_is_wrong_member(search, alternative, from);
}

static bool pp_is_wrong_record(struct pp_search *search, const struct protopool_record *record, const void *from)
{
    const size_t path = search->path_length;

    for (uint32_t i = 0; i < record->field_count; i++) {
        if (path != 0)
            pp_append_to_path(search, ".");
        pp_append_to_path(search, record->fields[i].name);
        if (pp_is_wrong_member(search, &record->fields[i], from))
            return true;
        pp_cut_path(search, path);
    }
    return false;
}

/* Texts that a constructor gets: none is NULL or too long. */
static bool pp_has_wrong_text(struct pp_search *search, const struct protopool_field *field, const char *const *texts,
                              size_t count)
{
    const size_t path = search->path_length, longest = field->limits->characters;

    if (texts == NULL && count != 0)
        return pp_is_null(search);
    for (size_t i = 0; i < count; i++) {
        pp_append_index(search, i);
        if (texts[i] == NULL)
            return pp_is_null(search);
        if (protopool_text_length(texts[i], longest) > longest)
            return pp_is_longer(search, longest);
        pp_cut_path(search, path);
    }
    return false;
}

static bool pp_is_wrong_tail(struct pp_search *search, const struct protopool_field *field, const void *at,
                             size_t length)
{
    if (pp_is_too_long(search, field, length))
        return true;
    if (field->type == PROTOPOOL_TEXTS)
        return pp_has_wrong_text(search, field, (const char *const *)at, length);
    if (field->type != PROTOPOOL_TEXT)
        return pp_has_wrong_element(search, field, at, field->bytes, length);
    for (size_t i = 0; i < length; i++) {
        if (((const char *)at)[i] != '\0')
            continue;
        (void)pp_note_rule(search, PROTOPOOL_RULE_TEXT);
        PP_APPEND(search, " has a NUL at ");
        PP_APPEND_INTEGER(search, i, false);
        return true;
    }
    return false;
}

#if PROTOPOOL_CHECK >= 1
static bool pp_is_wrong_argument(struct pp_search *search, const struct protopool_field *field,
                                 const struct protopool_argument *argument)
{
    if (argument->at == NULL && field->presence_mask != 0) {
        if (!field->is_tail || argument->length == 0)
            return false;
        (void)pp_note_rule(search, PROTOPOOL_RULE_NULL);
        PP_APPEND(search, " is NULL, and its length is ");
        PP_APPEND_INTEGER(search, argument->length, false);
        return true;
    }
    if (pp_is_absent_number(search, field, argument))
        return true;
    if (field->is_tail)
        return pp_is_wrong_tail(search, field, argument->at, argument->length);
    if (field->type != PROTOPOOL_TEXT)
        return (field->is_list && pp_is_too_long(search, field, argument->length))
               || pp_has_wrong_element(search, field, argument->at, argument->bytes, argument->length);
    if (argument->at == NULL)
        return pp_is_null(search);
    return protopool_text_length((const char *)argument->at, field->count) > field->count
           && pp_is_longer(search, field->count);
}

/* The bytes of a tail of these elements. */
static uint64_t pp_bytes_of(const struct protopool_field *field, const struct protopool_argument *argument)
{
    const char *const *const texts = (const char *const *)argument->at;
    uint64_t bytes = (uint64_t)argument->length * field->bytes + (field->type == PROTOPOOL_TEXT);

    for (size_t i = 0; field->type == PROTOPOOL_TEXTS && i < argument->length; i++)
        bytes += protopool_text_length(texts[i], INT32_MAX) + 1;
    return bytes;
}

/* One argument for each alternative. Of these, one is not NULL; if the field is optional, none need be. */
static bool pp_is_wrong_choice(struct pp_search *search, const struct protopool_field *field,
                               const struct protopool_argument *arguments)
{
    const struct protopool_record *const alternatives = field->record;
    uint32_t given = 0, last = 0;

    for (uint32_t i = 0; i < alternatives->field_count; i++) {
        if (arguments[i].at != NULL) {
            given++;
            last = i;
        }
    }
    if (given > 1 || (given == 0 && field->presence_mask == 0)) {
        (void)pp_note_rule(search, PROTOPOOL_RULE_ONE_OF);
        PP_APPEND(search, given == 0 ? " is none" : " is several");
        pp_append_alternatives(search, alternatives);
        return true;
    }
    if (given == 0)
        return false;
    pp_append_to_path(search, ".");
    pp_append_to_path(search, alternatives->fields[last].name);
    return pp_is_wrong_argument(search, &alternatives->fields[last], &arguments[last]);
}

static uint32_t pp_arguments_of(const struct protopool_field *field)
{
    return field->type == PROTOPOOL_ONE_OF ? field->record->field_count : 1;
}

/* Finds the tail that makes a message too large although no tail alone is too long. arguments: those of all fields, or only
 * those of tails. */
static bool pp_is_too_large(struct pp_search *search, const struct protopool_record *message,
                            const struct protopool_argument *arguments, bool has_all)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct protopool_field *const field = &message->fields[i];
        const struct protopool_argument *const argument = arguments;
        arguments += has_all ? pp_arguments_of(field) : field->is_tail;
        if (!field->is_tail)
            continue;
        end = end == 0 ? field->offset : PROTOPOOL_UP_(end, field->align);
        end += pp_bytes_of(field, argument);
        if (end <= INT32_MAX)
            continue;
        pp_cut_path(search, 0);
        pp_append_to_path(search, field->name);
        (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(search, " makes a message of ");
        PP_APPEND_INTEGER(search, end, false);
        PP_APPEND(search, " bytes, at most ");
        PP_APPEND_INTEGER(search, INT32_MAX, false);
        return true;
    }
    return false;
}

/* Calls the handler with the result of the search. */
static void pp_report_refusal(const struct protopool *pool, const struct protopool_record *message,
                              struct pp_search *search)
{
    struct protopool_refusal refusal = { pool, message->name, search->path, search->rule, NULL, pp_site_of(pool) };

#ifndef PROTOPOOL_NO_STDIO
    refusal.text = search->to.buffer;
#endif
    if (pp_refusal_handler != NULL) {
        pp_refusal_handler(&refusal);
        return;
    }
#if PROTOPOOL_CHECK == 2 && !defined PROTOPOOL_NO_STDIO
    (void)fprintf(stderr, "protopool: refused: %s: %s", refusal.message, refusal.text);
    if (refusal.site.file != NULL)
        (void)fprintf(stderr, ", at %s:%d", refusal.site.file, refusal.site.line);
    (void)fputs("\n", stderr);
#endif
}

/* Starts a search. False if nothing would be done with its result. */
static bool pp_start_search(struct pp_search *search, char *text)
{
    memset(search, 0, sizeof *search);
    text[0] = '\0';
#ifndef PROTOPOOL_NO_STDIO
    search->to.buffer = text;
    search->to.room = PROTOPOOL_TEXT_BYTES_;
#endif
    return pp_refusal_handler != NULL || PROTOPOOL_CHECK == 2;
}

PROTOPOOL_COLD void protopool_explain_new(const struct protopool *pool, const struct protopool_record *message,
                                          const struct protopool_argument *arguments)
{
    const struct protopool_argument *argument = arguments;
    char text[PROTOPOOL_TEXT_BYTES_];
    struct pp_search search;

    if (!pp_start_search(&search, text))
        return;
    for (uint32_t i = 0; i < message->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++) {
        const struct protopool_field *const field = &message->fields[i];
        pp_cut_path(&search, 0);
        pp_append_to_path(&search, field->name);
        if (field->type == PROTOPOOL_ONE_OF)
            (void)pp_is_wrong_choice(&search, field, argument);
        else
            (void)pp_is_wrong_argument(&search, field, argument);
        argument += pp_arguments_of(field);
    }
    if (search.rule == PROTOPOOL_RULE_UNKNOWN)
        (void)pp_is_too_large(&search, message, arguments, true);
    pp_report_refusal(pool, message, &search);
}

PROTOPOOL_COLD void protopool_explain_copy_of(const struct protopool *pool, const struct protopool_record *message,
                                              bool has_tag, const void *from, const struct protopool_argument *tails,
                                              size_t count)
{
    char text[PROTOPOOL_TEXT_BYTES_];
    struct pp_search search;

    if (!pp_start_search(&search, text))
        return;
    if (!has_tag) {
        pp_append_to_path(&search, "tag");
        (void)pp_note_rule(&search, PROTOPOOL_RULE_TAG);
        PP_APPEND(&search, " is not that of ");
        PP_APPEND(&search, message->name);
    } else if (!pp_is_wrong_record(&search, message, from)) {
        size_t tail = 0;
        for (uint32_t i = 0; i < message->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++) {
            if (!message->fields[i].is_tail || tail == count)
                continue;
            pp_cut_path(&search, 0);
            pp_append_to_path(&search, message->fields[i].name);
            (void)pp_is_wrong_argument(&search, &message->fields[i], &tails[tail++]);
        }
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            (void)pp_is_too_large(&search, message, tails, false);
    }
    pp_report_refusal(pool, message, &search);
}

PROTOPOOL_COLD void protopool_explain_copy(const struct protopool *pool, const struct protopool_record *message,
                                           bool has_tag, const void *from, const void *tail, size_t length)
{
    const struct protopool_argument of_tail = { tail, 1, length };
    protopool_explain_copy_of(pool, message, has_tag, from, &of_tail, 1);
}
#endif
