/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Makes each message of tests/generator/combinations.py, with every optional field there, and once with each alternative of a field that is
 * one of several. Prints its size, its hash, what its description says of presence and length, and itself: the same on every machine. No
 * byte of padding keeps what was there before, in a message that is new or a copy. The hash of the bytes that are sent is printed, too.
 *
 * combined [FILE [OTHER]]: writes what is sent to FILE, and receives OTHER, which another machine has written.
 */

#include "all_bench.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sent.h"

static uint64_t lengths(const struct protopool_record *record, const void *of)
{
    uint64_t sum = record->bytes;
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        const unsigned char *at = (const unsigned char *)protopool_field_at(record, field, of);
        if (field->type == PROTOPOOL_ONE_OF) {
            const struct protopool_field *const alternative = protopool_alternative(field, of);
            const struct protopool_record of_it = { .bytes = record->bytes, .field_count = 1, .fields = alternative };
            sum = 31 * sum
                  + (alternative == NULL ? 0 : lengths(&of_it, of) + (size_t)(alternative - field->record->fields));
        }
        sum = 31 * sum + protopool_field_length(field, of) + protopool_field_present(field, of) + field->is_tail;
        sum += field->type == PROTOPOOL_TEXTS ? protopool_field_extent(field, of) : 0;
        for (size_t j = 0; field->type == PROTOPOOL_STRUCT && j < protopool_field_length(field, of);
             j++, at += field->bytes)
            sum = 31 * sum + lengths(field->record, at);
    }
    return sum;
}

/* ---- Padding: what no field has, by the descriptions --------------------------------------------------------------- */

/* Sets the bits that fields of the record at `of` use; a text or list uses all its room, and a tail its length. An alternative uses its
 * own room in a new message, and that of all in a copy. */
static void use(unsigned char *used, const struct protopool_record *record, const void *of, bool is_copy)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        if (field->type == PROTOPOOL_ONE_OF) {
            const struct protopool_field *const alternative = protopool_alternative(field, of);
            const struct protopool_record of_it = { .bytes = record->bytes, .field_count = 1, .fields = alternative };
            used[field->presence_offset] = 0xff;
            if (is_copy)
                memset(used + field->offset, 0xff, field->bytes);
            for (uint32_t j = 0; is_copy && j < field->record->field_count; j++)
                memset(used + field->record->fields[j].length_offset, 0xff, field->record->fields[j].length_bytes);
            if (alternative != NULL)
                use(used, &of_it, of, is_copy);
            continue;
        }
        if (field->length_bytes != 0)
            memset(used + field->length_offset, 0xff, field->length_bytes);
        if (field->presence_mask != 0 && field->presence_mask != PROTOPOOL_BY_NUMBER)
            used[field->presence_offset] |= field->presence_mask;
        if (field->is_tail) {
            const size_t at =
                (size_t)((const unsigned char *)protopool_field_at(record, field, of) - (const unsigned char *)of);
            memset(used + at, 0xff, protopool_field_extent(field, of));
            if (field->type == PROTOPOOL_TEXTS)
                memset(used + field->extent_offset, 0xff, field->bytes);
            continue;
        }
        for (uint32_t j = 0; j < field->count; j++) {
            unsigned char *const element = used + field->offset + j * field->bytes;
            if (field->type == PROTOPOOL_STRUCT && !field->is_list)
                use(element, field->record, (const unsigned char *)of + field->offset, is_copy);
            else /* the padding in an array's elements is copied with them */
                memset(element, 0xff, field->bytes);
        }
        if (field->type == PROTOPOOL_TEXT && field->length_bytes != 0)
            used[field->offset + field->count] = 0xff; /* its terminator */
    }
}

static bool is_clean(const struct all *msg, const unsigned char *used, size_t bytes)
{
    const unsigned char *const at = (const unsigned char *)msg;
    for (size_t i = sizeof *msg; i < bytes; i++)
        if ((at[i] & (unsigned char)~used[i]) != 0)
            return false;
    return true;
}

static struct all *copy_nothing(struct all_pool *pool, const void *from)
{
    (void)pool;
    (void)from;
    return NULL;
}

/* all_copy_x, for each variant without a tail. */
static struct all *copy(struct all_pool *pool, uint32_t tag, const void *from)
{
    switch (tag) {
#define COPY(upper, lower) \
    case ALL_##upper: \
        return _Generic(&all_copy_##lower, struct all * (*)(struct all_pool *, const struct all_##lower *) \
                        : all_copy_##lower, default \
                        : copy_nothing)(pool, (const struct all_##lower *)from);
        ALL_VARIANTS(COPY)
    }
    return NULL;
}

static bool is_length_of_a_tail(const struct protopool_record *record, size_t at)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        if (field->is_tail && at - field->length_offset < field->length_bytes)
            return true;
        if (field->type == PROTOPOOL_TEXTS && at - field->extent_offset < field->bytes)
            return true;
    }
    return false;
}

/* Whether a new message, and a copy of one with ones in its padding, lies in memory full of ones and has none in its padding. seed: of the
 * benchmark's messages. */
static bool padding_is_written(struct all_pool *pool, unsigned variant, unsigned seed)
{
    static unsigned char used[1 << 16];
    static union {
        struct all base;
        max_align_t aligned;
        unsigned char bytes[sizeof used];
    } dirty;
    struct all *msg = bench_make_(pool, variant, seed);
    const uint32_t tag = all_tag_of(msg);
    const struct protopool_record *const record = all_describe(tag);
    const size_t bytes = all_size(msg);
    struct all *const first = msg;
    bool has_tails = false, is_good;

    if (bytes > sizeof used)
        return false;
    memset(used, 0, sizeof used);
    use(used, record, msg, false);
    memcpy(dirty.bytes, msg, record->bytes);
    for (size_t i = sizeof *msg; i < record->bytes; i++)
        if (used[i] == 0)
            dirty.bytes[i] = 0xff;
    for (uint32_t i = 0; i < record->field_count; i++)
        has_tails = has_tails || record->fields[i].is_tail;
    for (size_t i = sizeof *msg; i < bytes; i++)
        if (!is_length_of_a_tail(record, i)) /* by which the message is freed */
            ((unsigned char *)msg)[i] = 0xff;
    all_free(pool, msg);
    msg = bench_make_(pool, variant, seed);
    is_good = msg == first && is_clean(msg, used, bytes);
    if (!has_tails) {
        use(used, record, msg, true);
        memset((unsigned char *)msg + sizeof *msg, 0xff, bytes - sizeof *msg);
        all_free(pool, msg);
        msg = copy(pool, tag, &dirty.base);
        for (size_t i = 0; i < bytes; i++) /* presence bits are copied by the byte */
            used[i] = used[i] != 0 ? 0xff : 0;
        is_good = is_good && msg == first && is_clean(msg, used, bytes);
    }
    all_free(pool, msg);
    return is_good;
}

/* Whether the next message of the file is this one. */
static bool is_next(struct all_pool *pool, const struct all *msg, FILE *file)
{
    static unsigned char bytes[SENT_ROOM];
    const size_t size = all_encoded_size(msg);
    struct protopool_received result;
    struct all *received;
    bool is_same;

    if (fread(bytes, 1, size, file) != size)
        return false;
    received = RECEIVE(pool, all_tag_of(msg), bytes, size, &result);
    is_same = received != NULL && result.used == size && all_equal(msg, received);
    if (received != NULL)
        all_free(pool, received);
    return is_same;
}

/* The most alternatives that a field of the variant has, so that messages of as many seeds have each; 1 if it has none. */
static unsigned alternatives(struct all_pool *pool, unsigned variant)
{
    struct all *const msg = bench_make_(pool, variant, 0);
    unsigned most = 1;

    if (msg == NULL)
        return 0;
    const struct protopool_record *const record = all_describe(all_tag_of(msg));
    for (uint32_t i = 0; i < record->field_count; i++)
        if (record->fields[i].type == PROTOPOOL_ONE_OF && record->fields[i].record->field_count > most)
            most = record->fields[i].record->field_count;
    all_free(pool, msg);
    return most;
}

/* Makes the message, looks at all of it, and leaves it live. */
static bool message_is_good(struct all_pool *pool, unsigned variant, unsigned seed, FILE *to, FILE *from)
{
    static unsigned char sent[SENT_ROOM];

    if (!padding_is_written(pool, variant, seed)) {
        fprintf(stderr, "%s: padding keeps what was there before\n", bench_variants_[variant].name);
        return false;
    }
    struct all *const msg = bench_make_(pool, variant, seed);
    struct all *const clone = msg != NULL ? all_clone(pool, msg) : NULL;
    if (clone == NULL || !all_equal(msg, clone) || all_hash(msg) != all_hash(clone)
        || !all_validate(clone, all_size(clone)) || bench_read_(msg) != bench_read_(clone)) {
        fprintf(stderr, "%s\n", bench_variants_[variant].name);
        return false;
    }
    if (!is_sent(pool, msg, sent + 1) || (from != NULL && !is_next(pool, msg, from))
        || (to != NULL && fwrite(sent + 1, 1, all_encoded_size(msg), to) != all_encoded_size(msg))) {
        fprintf(stderr, "%s is not sent and received\n", bench_variants_[variant].name);
        return false;
    }
    printf("%zu %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " ", all_size(msg), all_hash(msg),
           protopool_hash_numbers(0, sent + 1, 1, all_encoded_size(msg)), lengths(all_describe(all_tag_of(msg)), msg));
    all_print(stdout, msg);
    putchar('\n');
    all_free(pool, clone);
    return true;
}

int main(int argc, char **argv)
{
    static struct all_pool pool;
    FILE *const to = argc > 1 ? fopen(argv[1], "wb") : NULL;
    FILE *const from = argc > 2 ? fopen(argv[2], "rb") : NULL;
    size_t live, made = 0;

    bench_fill_();
    if (!all_pool_init_growing(&pool, NULL) || (argc > 1 && to == NULL) || (argc > 2 && from == NULL))
        return EXIT_FAILURE;
    for (unsigned variant = 0; variant < BENCH_VARIANTS; variant++) {
        const unsigned seeds = alternatives(&pool, variant);
        if (seeds == 0)
            return EXIT_FAILURE;
        for (unsigned i = 0; i < seeds; i++, made++)
            if (!message_is_good(&pool, variant, variant + i, to, from))
                return EXIT_FAILURE;
    }
    if ((to != NULL && fclose(to) != 0) || (from != NULL && fgetc(from) != EOF))
        return EXIT_FAILURE;
    live = all_pool_fini(&pool);
    return live == made ? EXIT_SUCCESS : EXIT_FAILURE;
}
