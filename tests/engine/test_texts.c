// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Lists of texts: of every number and length, alone and among other tails; in fixed and shared pools; from outside, with every byte
 * changed; and what is refused. STEP in the environment: of the combinations every so-manyth.
 */

#define PROTOPOOL_NO_ANALYSIS /* what is freed twice is on purpose */
#include "parcel.h"
#include "noted_faults.h"
#include "support.h"

enum { MOST = 100, LONGEST = 40, HEAD_OF_NAMES = 12, LIVE = 500 };

static_assert(sizeof(struct parcel_names) == HEAD_OF_NAMES, "the list lies behind the struct");
static_assert(sizeof(((struct parcel_roll *)NULL)->short_bytes) == 1,
              "a list of at most 96 bytes has offsets of one byte");
static_assert(sizeof(((struct parcel_roll *)NULL)->names_bytes) == 2,
              "and one of at most 4,300 bytes has those of two");

static char letters[MOST + LONGEST + 1];
static const char *texts[MOST + 1];
static struct parcel_pool pool, other;

/* `count` texts of about `length` characters: the lengths differ, and each text from its neighbours. Returns the characters. */
static size_t choose(size_t count, size_t length)
{
    size_t characters = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t of_it = i % 3 == 0 ? length : i % 3 == 1 ? length / 2 : length - length / 3;
        texts[i] = &letters[sizeof letters - 1 - of_it];
        characters += of_it;
    }
    return characters;
}

static void setup(void)
{
    for (size_t i = 0; i < sizeof letters - 1; i++)
        letters[i] = (char)('a' + i % 25);
    ck_assert(parcel_pool_init_growing(&pool, NULL));
}

/* Offsets by their definition, read by another way than the emitted one. */
static size_t offset_of(const unsigned char *list, size_t width, size_t i)
{
    uint8_t of_1;
    uint16_t of_2;
    uint32_t of_4;

    if (width == 1)
        return memcpy(&of_1, list + i, 1) != NULL ? of_1 : 0;
    if (width == 2)
        return memcpy(&of_2, list + 2 * i, 2) != NULL ? of_2 : 0;
    return memcpy(&of_4, list + 4 * i, 4) != NULL ? of_4 : 0;
}

/* The list begins there, has these texts, and no byte more. */
static void assert_list(const void *list, size_t width, size_t bytes, size_t count)
{
    const char *const begin = (const char *)list;
    size_t end = count * width;

    for (size_t i = 0; i < count; i++) {
        ASSERT(offset_of((const unsigned char *)list, width, i) == end);
        ASSERT(strcmp(begin + end, texts[i]) == 0);
        end += strlen(texts[i]) + 1;
    }
    ASSERT(end == bytes);
}

static void assert_copies_are_equal(struct parcel *msg, size_t bytes)
{
    struct parcel *const clone = parcel_clone(&pool, msg);

    ASSERT(parcel_size(msg) == bytes && parcel_validate(msg, bytes) && !parcel_validate(msg, bytes - 1));
    ASSERT(clone != NULL && parcel_equal(msg, clone) && parcel_hash(msg) == parcel_hash(clone));
    ASSERT(memcmp(msg, clone, bytes) == 0);
    parcel_free(&pool, clone);
}

START_TEST(every_number_of_texts_of_every_length_takes_its_bytes)
{
    const size_t step = (size_t)from_environment("STEP", 1);
    size_t next = 0;

    for (size_t count = 0; count <= MOST; count++)
        for (size_t length = 0; length <= LONGEST; length++) {
            if (next++ % step != 0)
                continue;
            const size_t characters = choose(count, length), bytes = HEAD_OF_NAMES + 5 * count + characters;
            struct parcel *const msg = parcel_new_names(&pool, texts, count, 7), *copy;
            const struct parcel_names *const names = parcel_as_names(msg);

            ASSERT(msg != NULL && names->code == 7 && names->names_len == count);
            ASSERT(bytes == HEAD_OF_NAMES + PARCEL_NAMES_NAMES_BYTES(count, characters));
            assert_list(PROTOPOOL_BEHIND_(names, sizeof *names), 4, names->names_bytes, count);
            for (size_t i = 0; i < count; i++)
                ASSERT(strcmp(parcel_names_names_at(names, i), texts[i]) == 0);
            assert_copies_are_equal(msg, bytes);
            copy = parcel_copy_names(&pool, names, texts, count);
            ASSERT(copy != NULL && parcel_equal(msg, copy));
            parcel_free(&pool, copy);
            parcel_free(&pool, msg);
        }
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

static size_t up(size_t bytes, size_t align)
{
    while (bytes % align != 0)
        bytes++;
    return bytes;
}

START_TEST(lists_among_other_tails_are_aligned)
{
    static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    static const uint64_t numbers[] = { 1, 2, 3 };

    for (size_t before = 0; before <= 9; before++)
        for (size_t count = 0; count <= 8; count++)
            for (size_t length = 0; length <= 10; length++)
                for (unsigned is_there = 0; is_there < 2; is_there++) {
                    const size_t list = 2 * count + choose(count, length), names = is_there ? list + count : 0;
                    const size_t at = sizeof(struct parcel_roll) + before, behind = up(at + list, 2);
                    const size_t bytes = up(behind + names, 8) + 8 * (count % 4);
                    struct parcel *const msg =
                        parcel_new_roll(&pool, data, before, texts, count, is_there ? texts : NULL,
                                        is_there ? count : 0, numbers, count % 4);
                    const struct parcel_roll *const roll = parcel_as_roll(msg);

                    ASSERT(msg != NULL && roll->short_len == count && roll->short_bytes == list);
                    ASSERT(roll->has_names == (is_there != 0) && roll->names_len == (is_there ? count : 0));
                    assert_list(PROTOPOOL_BEHIND_(roll, at), 1, list, count);
                    assert_list(PROTOPOOL_BEHIND_(roll, behind), 2, names, roll->names_len);
                    ASSERT(memcmp(parcel_roll_numbers(roll, NULL), numbers, 8 * (count % 4)) == 0);
                    assert_copies_are_equal(msg, bytes);
                    parcel_free(&pool, msg);
                }
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(fixed_pool_has_slots_for_the_longest_lists)
{
    PARCEL_POOL_STORAGE(memory);
    struct parcel *msgs[2];

    ck_assert(parcel_pool_init(&other, memory, sizeof memory));
    for (size_t i = 0; i < MOST; i++)
        texts[i] = &letters[sizeof letters - 1 - LONGEST];
    for (size_t i = 0; i < 2; i++) {
        msgs[i] = parcel_new_roll(&other, NULL, 0, NULL, 0, texts, MOST, NULL, 0);
        ck_assert_ptr_nonnull(msgs[i]);
        ck_assert_uint_eq(parcel_as_roll(msgs[i])->names_bytes, PARCEL_ROLL_NAMES_BYTES_MAX);
    }
    ck_assert_ptr_null(parcel_new_roll(&other, NULL, 0, NULL, 0, NULL, 0, NULL, 0));
    ck_assert_ptr_null(parcel_new_names(&other, texts, 1, 0)); /* it has no max, so no place */
    parcel_free(&other, msgs[0]);
    parcel_free(&other, msgs[1]);
    ck_assert(parcel_reserve_roll(&other, 2, 9, PARCEL_ROLL_SHORT_BYTES_MAX, PARCEL_ROLL_NAMES_BYTES_MAX, 3));
    ck_assert(!parcel_reserve_roll(&other, 1, 9, PARCEL_ROLL_SHORT_BYTES_MAX + 1, 0, 3));
    ck_assert_uint_eq(parcel_pool_fini(&other), 0);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(lists_live_side_by_side_in_pools_of_a_depot)
{
    static struct parcel_depot depot;
    static struct parcel_pool maker, freer;
    static struct {
        struct parcel *msg;
        size_t count, length;
    } live[LIVE];
    uint64_t state = 88172645463325252U;

    ck_assert(parcel_depot_init(&depot, NULL));
    ck_assert(parcel_pool_join(&maker, &depot) && parcel_pool_join(&freer, &depot));
    for (size_t i = 0; i < 20 * (size_t)LIVE; i++) {
        const size_t at = (size_t)(next_random(&state) % LIVE);
        if (live[at].msg != NULL) {
            const struct parcel_names *const names = parcel_as_names(live[at].msg);
            (void)choose(live[at].count, live[at].length);
            assert_list(PROTOPOOL_BEHIND_(names, sizeof *names), 4, names->names_bytes, live[at].count);
        }
        parcel_free(i % 2 == 0 ? &maker : &freer, live[at].msg);
        live[at].count = (size_t)(next_random(&state) % (MOST + 1));
        live[at].length = (size_t)(next_random(&state) % (LONGEST + 1));
        (void)choose(live[at].count, live[at].length);
        live[at].msg = parcel_new_names(&maker, texts, live[at].count, 1);
        ASSERT(live[at].msg != NULL);
    }
    for (size_t i = 0; i < LIVE; i++)
        parcel_free(&freer, live[i].msg);
    ck_assert_uint_eq(parcel_pool_fini(&maker), 0);
    ck_assert_uint_eq(parcel_pool_fini(&freer), 0);
    ck_assert_uint_eq(parcel_depot_fini(&depot), 0);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(edit_writes_the_characters_of_one_text)
{
    static const char *const three[] = { "one", "", "three" };
    struct parcel *const msg = parcel_new_names(&pool, three, 3, 0), *const clone = parcel_clone(&pool, msg);
    struct parcel_names *const names = parcel_edit_names(msg);

    ASSERT(msg != NULL && clone != NULL);
    memcpy(parcel_edit_names_names_at(names, 2), "seven", 5);
    ck_assert_str_eq(parcel_names_names_at(names, 0), "one");
    ck_assert_str_eq(parcel_names_names_at(names, 1), "");
    ck_assert_str_eq(parcel_names_names_at(names, 2), "seven");
    ck_assert(parcel_validate(msg, parcel_size(msg)) && !parcel_equal(msg, clone));
    ck_assert(parcel_hash(msg) != parcel_hash(clone));
    parcel_edit_names_names_at(names, 0)[1] = '\0'; /* its length does not change */
    ck_assert(!parcel_validate(msg, parcel_size(msg)));
    parcel_free(&pool, msg);
    parcel_free(&pool, clone);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

/* The same characters in other texts. */
START_TEST(where_texts_end_matters)
{
    static const char *const one[] = { "ab", "c" }, *const another[] = { "a", "bc" }, *const whole[] = { "abc", "" };
    struct parcel *const msgs[] = { parcel_new_names(&pool, one, 2, 0), parcel_new_names(&pool, another, 2, 0),
                                    parcel_new_names(&pool, whole, 2, 0), parcel_new_names(&pool, NULL, 0, 0),
                                    parcel_new_names(&pool, &whole[1], 1, 0) };

    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++)
            ck_assert(!parcel_equal(msgs[i], msgs[j]) && parcel_hash(msgs[i]) != parcel_hash(msgs[j]));
    }
    for (size_t i = 0; i < 5; i++)
        parcel_free(&pool, msgs[i]);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

/* Whether bytes are a Names, by the definition: each offset is that of the byte behind the text before. */
static bool is_names(const unsigned char *bytes, size_t count)
{
    struct parcel_names head;
    const unsigned char *const list = bytes + sizeof head;
    uint64_t end;

    if (count < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    end = 4 * (uint64_t)head.names_len;
    if (head.base.tag != PARCEL_NAMES || head.names_bytes > count - sizeof head || end > head.names_bytes)
        return false;
    for (uint32_t i = 0; i < head.names_len; i++) {
        if (offset_of(list, 4, i) != end)
            return false;
        while (end < head.names_bytes && list[end] != '\0')
            end++;
        if (end++ == head.names_bytes)
            return false;
    }
    return end == head.names_bytes;
}

START_TEST(every_changed_byte_is_judged_by_the_definition)
{
    static const unsigned char values[] = { 0, 1, 3, 4, 8, 0x61, 0x7f, 0x80, 0xff };
    size_t good = 0, bad = 0;

    for (size_t count = 0; count <= 4; count++)
        for (size_t length = 0; length <= 5; length++) {
            struct parcel *const msg = (choose(count, length), parcel_new_names(&pool, texts, count, 7));
            const size_t size = parcel_size(msg);
            for (size_t bytes = sizeof(struct parcel); bytes <= size + 3; bytes++) {
                unsigned char *const outside = (unsigned char *)malloc(bytes); /* exactly, for ASan */
                ASSERT(outside != NULL);
                memset(outside, 0, bytes);
                memcpy(outside, msg, bytes < size ? bytes : size);
                for (size_t at = 0; at < bytes; at++) {
                    const unsigned char was = outside[at];
                    for (size_t i = 0; i < 2 * sizeof values; i++) {
                        outside[at] = (unsigned char)(i % 2 == 0 ? values[i / 2] : was + values[i / 2]);
                        if (outside[0] == PARCEL_NAMES) {
                            const bool is_good = is_names(outside, bytes);
                            ASSERT(parcel_validate((const struct parcel *)(const void *)outside, bytes) == is_good);
                            *(is_good ? &good : &bad) += 1;
                        }
                    }
                    outside[at] = was;
                }
                free(outside);
            }
            parcel_free(&pool, msg);
        }
    ck_assert(good > 1000 && bad > 1000);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

static char refused[200];

static void note_refusal(const struct protopool_refusal *refusal)
{
    (void)snprintf(refused, sizeof refused, "%d %s", (int)refusal->rule, refusal->text);
}

static void assert_refused(const struct parcel *msg, enum protopool_rule rule, const char *text)
{
    ck_assert_ptr_null(msg);
    ck_assert_int_eq(parcel_pool_failure(&pool), PROTOPOOL_REFUSED);
#if PROTOPOOL_CHECK >= 1
    char expected[200];
    (void)snprintf(expected, sizeof expected, "%d %s", (int)rule, text);
    ck_assert_str_eq(refused, expected);
#endif
    (void)rule;
    (void)text;
}

START_TEST(texts_that_the_schema_does_not_allow_are_refused)
{
    const struct parcel_names from = parcel_default_names();
    static const char *some[] = { "a", NULL, "c" };

    (void)protopool_set_refusal_handler(note_refusal);
    assert_refused(parcel_new_names(&pool, some, 3, 0), PROTOPOOL_RULE_NULL, "names[1] is NULL");
    assert_refused(parcel_copy_names(&pool, &from, some, 2), PROTOPOOL_RULE_NULL, "names[1] is NULL");
    assert_refused(parcel_new_names(&pool, NULL, 1, 0), PROTOPOOL_RULE_NULL, "names is NULL");
    some[1] = "elevenchars";
    assert_refused(parcel_new_roll(&pool, NULL, 0, some, 3, NULL, 0, NULL, 0), PROTOPOOL_RULE_LENGTH,
                   "short[1] has more than 10 characters");
    assert_refused(parcel_new_roll(&pool, NULL, 0, NULL, 9, NULL, 0, NULL, 0), PROTOPOOL_RULE_LENGTH,
                   "short has 9 elements, at most 8");
    assert_refused(parcel_new_roll(&pool, NULL, 0, NULL, 0, NULL, 1, NULL, 0), PROTOPOOL_RULE_NULL,
                   "names is NULL, and its length is 1");
    assert_refused(parcel_new_names(&pool, some, (size_t)PARCEL_NAMES_NAMES_MAX + 1, 0), PROTOPOOL_RULE_LENGTH,
                   "names has 429496728 elements, at most 429496727");
    ck_assert(!parcel_reserve_names(&pool, 1, (size_t)PARCEL_NAMES_NAMES_BYTES_MAX + 1));
    ck_assert(parcel_reserve_names(&pool, 1, PARCEL_NAMES_NAMES_BYTES(3, 100)));
    (void)protopool_set_refusal_handler(NULL);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(lists_are_printed_sent_and_received)
{
    static const char *const two[] = { "a \"b\"", "" };
    struct parcel *const msg = parcel_new_roll(&pool, NULL, 0, two, 2, NULL, 0, NULL, 0), *received;
    struct protopool_received result;
    unsigned char bytes[100];
    const size_t size = parcel_encode(msg, bytes, sizeof bytes);
    char line[200];

    (void)parcel_snprint(line, sizeof line, msg);
    ck_assert_str_eq(line, "Roll { before: [], short: [\"a \\\"b\\\"\", \"\"], names: None, numbers: [] }");
    (void)parcel_snprint_pretty(line, sizeof line, msg);
    ck_assert_ptr_nonnull(strstr(line, "    short: [\n        \"a \\\"b\\\"\",\n        \"\",\n    ],\n"));
    received = parcel_receive(&pool, bytes, size, &result);
    ck_assert(received != NULL && result.used == size && parcel_equal(msg, received));
    parcel_free(&pool, received);
    for (size_t i = sizeof(struct parcel); i < size; i++) { /* what is received is a message, or nothing */
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1U << bit);
            received = parcel_receive(&pool, bytes, sizeof bytes, &result);
            ASSERT((received != NULL) == (result.status == PROTOPOOL_RECEIVED));
            ASSERT(received == NULL || parcel_validate(received, parcel_size(received)));
            ASSERT(result.status != PROTOPOOL_INVALID || result.refusal.rule != PROTOPOOL_RULE_UNKNOWN);
            parcel_free(&pool, received);
            bytes[i] ^= (unsigned char)(1U << bit);
        }
    }
    parcel_free(&pool, msg);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

#if PROTOPOOL_CHECK >= 1
START_TEST(an_index_out_of_range_and_changed_bytes_are_faults)
{
    static const uint32_t changed[] = { 0, 200, 2000, UINT32_MAX };
    struct parcel *const msg = (choose(3, 9), parcel_new_names(&pool, texts, 3, 0));
    struct parcel_names *const names = parcel_edit_names(msg);
    const uint32_t was = names->names_bytes;

    protopool_set_fault_handler(note);
    ck_assert_str_eq(parcel_names_names_at(names, 2), texts[2]);
    ck_assert_uint_eq(faults, 0);
    for (size_t i = 3; i != 0; i = i < SIZE_MAX / 2 ? 2 * i : 0) {
        faults = 0;
        ck_assert_ptr_null(parcel_names_names_at(names, i));
        ck_assert_ptr_null(parcel_edit_names_names_at(names, i));
        ck_assert(faults == 2 && noted == PROTOPOOL_FAULT_WRONG_INDEX);
    }
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        names->names_bytes = changed[i];
        faults = 0;
        parcel_free(&pool, msg);
        ck_assert(faults == 1 && noted == PROTOPOOL_FAULT_WRONG_LENGTH);
        names->names_bytes = was; /* it was left alone */
    }
    faults = 0;
    parcel_free(&pool, msg);
    ck_assert_uint_eq(faults, 0);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST
#endif

int main(void)
{
    Suite *const suite = suite_create("texts");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 600;
    test_setup = setup;
    (void)note;
    ADD_TEST(suite, every_number_of_texts_of_every_length_takes_its_bytes);
    ADD_TEST(suite, lists_among_other_tails_are_aligned);
    ADD_TEST(suite, fixed_pool_has_slots_for_the_longest_lists);
    ADD_TEST(suite, lists_live_side_by_side_in_pools_of_a_depot);
    ADD_TEST(suite, edit_writes_the_characters_of_one_text);
    ADD_TEST(suite, where_texts_end_matters);
    ADD_TEST(suite, every_changed_byte_is_judged_by_the_definition);
    ADD_TEST(suite, texts_that_the_schema_does_not_allow_are_refused);
    ADD_TEST(suite, lists_are_printed_sent_and_received);
#if PROTOPOOL_CHECK >= 1
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_TEST(suite, an_index_out_of_range_and_changed_bytes_are_faults);
#endif

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
