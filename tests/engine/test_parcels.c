// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Messages with several tails: every combination of short lengths, and long ones; freed, reused, fixed, shared, from outside;
 * optional tails; tails that are too long together; and what the build levels report of a length that was changed. STEP in the
 * environment: of the combinations every so-manyth.
 */

#define PROTOPOOL_NO_ANALYSIS /* the double frees are on purpose */
#include "parcel.h"
#include "support.h"

enum { SHORT = 80, LONGEST = 20000, LIVE = 2000 };
enum { HEAD_OF_PAIR = 12, HEAD_OF_TRIPLE = 16 };

static_assert(sizeof(struct parcel_pair) == HEAD_OF_PAIR, "the first tail lies behind the struct");
static_assert(sizeof(struct parcel_triple) == HEAD_OF_TRIPLE, "the first tail lies behind the struct");

static char text[LONGEST + 1];
static uint8_t data[LONGEST];
static uint64_t weights[LONGEST / 8];
static uint16_t codes[LONGEST / 2];
static struct parcel_pool pool, other;

/* Where a tail of this alignment begins, from the bytes before it: by another formula than the emitted one. */
static size_t aligned(size_t bytes, size_t align)
{
    while (bytes % align != 0)
        bytes++;
    return bytes;
}

static size_t bytes_of_pair(size_t name, size_t count)
{
    return HEAD_OF_PAIR + name + 1 + count;
}

static size_t bytes_of_triple(size_t name, size_t count, size_t code_count)
{
    return aligned(HEAD_OF_TRIPLE + name + 1, 8) + 8 * count + 2 * code_count;
}

static struct parcel *new_pair(struct parcel_pool *of, size_t name, size_t count)
{
    return parcel_new_pair(of, (uint8_t)(name + count), text, name, data, count);
}

static struct parcel *new_triple(struct parcel_pool *of, size_t name, size_t count, size_t code_count)
{
    return parcel_new_triple(of, text, name, weights, count, 7, codes, code_count);
}

static void assert_pair(const struct parcel *msg, size_t name, size_t count)
{
    const struct parcel_pair *const pair = parcel_as_pair(msg);
    size_t found_name, found_count;
    const char *const found = parcel_pair_name(pair, &found_name);
    const uint8_t *const found_data = parcel_pair_data(pair, &found_count);

    ASSERT(pair->number == (uint8_t)(name + count) && found_name == name && found_count == count);
    ASSERT((const char *)found_data == found + name + 1 && parcel_size(msg) == bytes_of_pair(name, count));
    ASSERT(memcmp(found, text, name) == 0 && found[name] == '\0' && memcmp(found_data, data, count) == 0);
}

static void assert_triple(const struct parcel *msg, size_t name, size_t count, size_t code_count)
{
    const struct parcel_triple *const triple = parcel_as_triple(msg);
    size_t found_name, found_count, found_codes;
    const char *const found = parcel_triple_name(triple, &found_name);
    const uint64_t *const found_weights = parcel_triple_weights(triple, &found_count);
    const uint16_t *const codes_of_it = parcel_triple_codes(triple, &found_codes);
    const char *const begin = (const char *)(const void *)found_weights;

    ASSERT(triple->number == 7 && found_name == name && found_count == count && found_codes == code_count);
    ASSERT((uintptr_t)found_weights % 8 == 0 && begin - (const char *)triple == (ptrdiff_t)aligned(16 + name + 1, 8));
    ASSERT((const char *)(const void *)codes_of_it == begin + 8 * count);
    ASSERT(parcel_size(msg) == bytes_of_triple(name, count, code_count));
    ASSERT(memcmp(found, text, name) == 0 && found[name] == '\0');
    for (const char *gap = found + name + 1; gap < begin; gap++)
        ASSERT(*gap == 0);
    ASSERT(memcmp(found_weights, weights, 8 * count) == 0 && memcmp(codes_of_it, codes, 2 * code_count) == 0);
}

/* The slot size that has live slots; there is one. */
static size_t slot_in_use(struct parcel_pool *of)
{
    struct parcel_pool_stats stats;
    size_t bytes = 0;

    parcel_pool_stats(of, &stats);
    for (size_t i = 0; i < PARCEL_SLOT_SIZES; i++) {
        ASSERT(stats.slot[i].live == 0 || bytes == 0);
        if (stats.slot[i].live != 0)
            bytes = stats.slot[i].slot_bytes;
    }
    return bytes;
}

static void setup(void)
{
    for (size_t i = 0; i < sizeof data; i++) {
        text[i] = (char)('a' + i % 25);
        data[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
        weights[i] = i * UINT64_C(0x0101010101010101) + 1;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        codes[i] = (uint16_t)(3 * i + 1);
    ck_assert(parcel_pool_init_growing(&pool, NULL));
}

/* A message of these bytes is alone in the pool, with a slot that is hardly larger. Frees it, and allocates its like again. */
static void assert_slot_and_free(struct parcel *msg, size_t bytes)
{
    const size_t slot = slot_in_use(&pool);
    struct parcel *clone;

    ASSERT(slot >= bytes && slot - bytes < (bytes <= 1024 ? 16 : bytes / 4 + 1));
    ASSERT(parcel_validate(msg, bytes) && !parcel_validate(msg, bytes - 1));
    clone = parcel_clone(&pool, msg);
    ASSERT(clone != NULL && parcel_equal(msg, clone) && parcel_hash(msg) == parcel_hash(clone));
    ASSERT(memcmp(msg, clone, bytes) == 0);
    parcel_free(&pool, clone);
    parcel_free(&pool, msg);
    ASSERT(slot_in_use(&pool) == 0);
}

START_TEST(every_two_lengths_take_their_bytes_and_a_slot_that_is_hardly_larger)
{
    const size_t step = (size_t)from_environment("STEP", 1);
    size_t next = 0;

    for (size_t name = 0; name <= SHORT; name++) {
        for (size_t count = 0; count <= SHORT; count++) {
            if (next++ % step != 0)
                continue;
            struct parcel *const msg = new_pair(&pool, name, count), *again;
            ASSERT(msg != NULL);
            assert_pair(msg, name, count);
            assert_slot_and_free(msg, bytes_of_pair(name, count));
            again = new_pair(&pool, count, name); /* as many bytes */
            ASSERT(again != NULL);
            assert_pair(again, count, name);
            parcel_free(&pool, again);
        }
    }
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(every_three_lengths_take_their_bytes_each_aligned)
{
    const size_t step = (size_t)from_environment("STEP", 1);
    size_t next = 0;

    for (size_t name = 0; name <= SHORT / 4; name++)
        for (size_t count = 0; count <= SHORT / 4; count++)
            for (size_t code_count = 0; code_count <= SHORT / 4; code_count++) {
                if (next++ % step != 0)
                    continue;
                struct parcel *const msg = new_triple(&pool, name, count, code_count);
                ASSERT(msg != NULL);
                assert_triple(msg, name, count, code_count);
                assert_slot_and_free(msg, bytes_of_triple(name, count, code_count));
            }
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

/* Mostly short, and some of every length. */
static size_t random_length(size_t longest)
{
    return random_below(longest >> random_below(11));
}

START_TEST(messages_of_all_lengths_live_side_by_side_in_pools_of_a_depot)
{
    static struct parcel_depot depot;
    static struct parcel_pool maker, freer;
    static struct {
        struct parcel *msg;
        size_t lengths[3];
    } live[LIVE];

    ck_assert(parcel_depot_init(&depot, NULL));
    ck_assert(parcel_pool_join(&maker, &depot) && parcel_pool_join(&freer, &depot));
    for (size_t i = 0; i < 10 * (size_t)LIVE; i++) {
        const size_t at = random_below(LIVE);
        size_t *const lengths = live[at].lengths;
        if (live[at].msg != NULL) {
            if (at % 2 == 0)
                assert_pair(live[at].msg, lengths[0], lengths[1]);
            else
                assert_triple(live[at].msg, lengths[0], lengths[1], lengths[2]);
        }
        parcel_free(random_below(2) == 0 ? &maker : &freer, live[at].msg);
        lengths[0] = random_length(LONGEST);
        lengths[1] = random_length(LONGEST / 8);
        lengths[2] = random_length(LONGEST / 2);
        live[at].msg = at % 2 == 0 ? new_pair(&maker, lengths[0], lengths[1])
                                   : new_triple(&maker, lengths[0], lengths[1], lengths[2]);
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

START_TEST(edit_writes_one_tail_and_no_other)
{
    struct parcel *const msg = new_triple(&pool, 11, 5, 9), *const clone = parcel_clone(&pool, msg);
    struct parcel_triple *const triple = parcel_edit_triple(msg);
    size_t length;

    memset(parcel_edit_triple_name(triple, &length), 'z', 11);
    ck_assert_uint_eq(length, 11);
    ck_assert(!parcel_equal(msg, clone) && parcel_hash(msg) != parcel_hash(clone));
    memcpy(parcel_edit_triple_name(triple, NULL), text, 11);
    ck_assert(parcel_equal(msg, clone));
    memset(parcel_edit_triple_weights(triple, &length), 0xff, 5 * sizeof weights[0]);
    ck_assert_uint_eq(length, 5);
    ck_assert(!parcel_equal(msg, clone));
    memcpy(parcel_edit_triple_weights(triple, NULL), weights, 5 * sizeof weights[0]);
    memset(parcel_edit_triple_codes(triple, &length), 0xff, 9 * sizeof codes[0]);
    ck_assert_uint_eq(length, 9);
    ck_assert(!parcel_equal(msg, clone));
    memcpy(parcel_edit_triple_codes(triple, NULL), codes, 9 * sizeof codes[0]);
    assert_triple(msg, 11, 5, 9);
    parcel_free(&pool, msg);
    parcel_free(&pool, clone);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

static const uint8_t kinds[] = { PARCEL_KIND_BOX, PARCEL_KIND_TUBE, PARCEL_KIND_BOX, PARCEL_KIND_TUBE };
static const uint64_t light[] = { 0, 1, 2, 3, 4, 1000 };

START_TEST(fixed_pool_has_slots_for_the_longest_of_every_tail)
{
    PARCEL_POOL_STORAGE(memory);
    struct parcel *msgs[2];

    ck_assert(parcel_pool_init(&other, memory, sizeof memory));
    for (size_t length = 0; length <= PARCEL_KEPT_DATA_MAX; length++) {
        msgs[0] = parcel_new_kept(&other, text, PARCEL_KEPT_NAME_MAX, light, PARCEL_KEPT_WEIGHTS_MAX, data, length,
                                  kinds, PARCEL_KEPT_KINDS_MAX, text, PARCEL_KEPT_TEXT_MAX);
        msgs[1] = parcel_new_kept(&other, text, length % 20, light, length % 6, NULL, 0, NULL, 0, NULL, 0);
        ck_assert(msgs[0] != NULL && msgs[1] != NULL);
        ck_assert_ptr_null(parcel_new_kept(&other, "", 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0)); /* max_live is 2 */
        ck_assert(parcel_validate(msgs[0], parcel_size(msgs[0])) && parcel_validate(msgs[1], parcel_size(msgs[1])));
        parcel_free(&other, msgs[0]);
        parcel_free(&other, msgs[1]);
    }
    ck_assert_ptr_null(new_pair(&other, 1, 1)); /* it has no max, so no place */
    ck_assert(parcel_reserve_kept(&other, 2, 20, 6, 30, 4, 9));
    ck_assert(!parcel_reserve_kept(&other, 3, 0, 0, 0, 0, 0) && !parcel_reserve_kept(&other, 1, 0, 7, 0, 0, 0));
    ck_assert_uint_eq(parcel_pool_fini(&other), 0);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(an_absent_tail_is_null_and_an_empty_one_is_not)
{
    struct parcel *const none = parcel_new_kept(&pool, "a", 1, light, 2, NULL, 0, NULL, 0, NULL, 0);
    struct parcel *const empty = parcel_new_kept(&pool, "a", 1, light, 2, data, 0, kinds, 0, "", 0);
    const struct parcel_kept *const of_none = parcel_as_kept(none), *const of_empty = parcel_as_kept(empty);
    struct parcel *copy;
    size_t length = 9;

    ck_assert_ptr_null(parcel_kept_data(of_none, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_ptr_null(parcel_kept_kinds(of_none, NULL));
    ck_assert_ptr_null(parcel_edit_kept_text(parcel_edit_kept(none), NULL));
    ck_assert_ptr_nonnull(parcel_kept_data(of_empty, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_str_eq(parcel_kept_text(of_empty, NULL), "");
    ck_assert(!parcel_equal(none, empty) && parcel_hash(none) != parcel_hash(empty));
    ck_assert_uint_eq(parcel_size(none), parcel_size(empty));
    ck_assert_ptr_null(parcel_new_kept(&pool, "a", 1, light, 2, NULL, 1, NULL, 0, NULL, 0));
    ck_assert_ptr_null(parcel_copy_kept(&pool, of_empty, "a", 1, light, 2, NULL, 0, NULL, 0, NULL, 1));
    copy = parcel_copy_kept(&pool, of_empty, "a", 1, light, 2, NULL, 0, NULL, 0, NULL, 0);
    ck_assert(copy != NULL && parcel_equal(copy, none));
    parcel_free(&pool, copy);

    parcel_edit_kept(none)->data_len = 1; /* of a tail that is absent */
    ck_assert(!parcel_validate(none, parcel_size(none)));
    parcel_edit_kept(none)->data_len = 0;
    ck_assert(parcel_validate(none, parcel_size(none)));
    parcel_free(&pool, none);
    parcel_free(&pool, empty);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

START_TEST(what_came_from_outside_may_have_any_lengths)
{
    const size_t room = 96;
    struct parcel_pair pair = parcel_default_pair();
    struct parcel_wide wide = parcel_default_wide();

    for (uint64_t name = 0; name <= UINT32_MAX; name += name / 2 + 1)
        for (uint64_t count = 0; count <= UINT32_MAX; count += count / 2 + 1)
            for (size_t bytes = sizeof wide; bytes <= room; bytes += 7) {
                unsigned char *const outside = (unsigned char *)malloc(bytes); /* exactly, for ASan */
                const uint64_t of_wide = sizeof wide + (name + 3) / 4 * 4 + 4 * count + 3;
                bool is_good;

                ASSERT(outside != NULL);
                pair.name_len = (uint32_t)name;
                pair.data_len = (uint32_t)count;
                memset(outside, 'x', bytes);
                memcpy(outside, &pair, sizeof pair);
                if (name < bytes - sizeof pair)
                    outside[sizeof pair + name] = '\0';
                is_good = parcel_validate((const struct parcel *)(const void *)outside, bytes);
                ASSERT(is_good == (sizeof pair + name + 1 + count <= bytes));
                wide.a_len = (uint32_t)name;
                wide.b_len = (uint32_t)count;
                wide.c_len = 3;
                memcpy(outside, &wide, sizeof wide);
                is_good = parcel_validate((const struct parcel *)(const void *)outside, bytes);
                ASSERT(is_good == (of_wide <= bytes));
                free(outside);
            }
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

static enum protopool_rule broken_rule;
static char broken[200];

static void note_refusal(const struct protopool_refusal *refusal)
{
    broken_rule = refusal->rule;
    (void)snprintf(broken, sizeof broken, "%s: %s", refusal->message, refusal->text);
}

/* Each is short enough, but not all together. Nothing of them is read: no text is among them. */
START_TEST(tails_that_are_too_long_together_are_refused)
{
    static const size_t half = INT32_MAX / 2;
    const struct parcel_wide from = parcel_default_wide();
    const uint32_t number = 0;

    (void)protopool_set_refusal_handler(note_refusal);
    ck_assert(half <= PARCEL_WIDE_A_MAX && PARCEL_WIDE_B_MAX * (uint64_t)4 <= INT32_MAX);
    ck_assert_ptr_null(parcel_new_wide(&pool, data, half, NULL, 0, data, half));
    ck_assert_int_eq(parcel_pool_failure(&pool), PROTOPOOL_REFUSED);
#if PROTOPOOL_CHECK >= 1
    ck_assert_int_eq(broken_rule, PROTOPOOL_RULE_LENGTH);
    ck_assert_str_eq(broken, "Wide: c makes a message of 2147483663 bytes, at most 2147483647");
#endif
    ck_assert_ptr_null(
        parcel_copy_wide(&pool, &from, data, PARCEL_WIDE_A_MAX, &number, PARCEL_WIDE_B_MAX, data, PARCEL_WIDE_C_MAX));
    ck_assert_int_eq(parcel_pool_failure(&pool), PROTOPOOL_REFUSED);
#if PROTOPOOL_CHECK >= 1
    ck_assert_int_eq(broken_rule, PROTOPOOL_RULE_LENGTH);
    ck_assert(strncmp(broken, "Wide: b makes a message of ", 27) == 0);
#endif
    ck_assert(!parcel_reserve_wide(&pool, 1, half, 0, half)
              && !parcel_reserve_wide(&pool, 1, (size_t)PARCEL_WIDE_A_MAX + 1, 0, 0));
    ck_assert(parcel_reserve_wide(&pool, 1, 1000, 10, 1000));
    (void)protopool_set_refusal_handler(NULL);
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST

#if PROTOPOOL_CHECK >= 1
#include "noted_faults.h"

START_TEST(length_of_any_tail_that_was_changed_is_found)
{
    static const uint32_t lengths[] = { 0, 60, 500, 2000, PARCEL_TRIPLE_WEIGHTS_MAX, UINT32_MAX };

    protopool_set_fault_handler(note);
    for (size_t i = 0; i < 3 * sizeof lengths / sizeof lengths[0]; i++) {
        struct parcel *const msg = new_triple(&pool, 100, 20, 80);
        struct parcel_triple *const triple = parcel_edit_triple(msg);
        uint32_t *const changed = i % 3 == 0   ? &triple->name_len
                                  : i % 3 == 1 ? &triple->weights_len
                                               : &triple->codes_len;
        const uint32_t was = *changed;

        *changed = lengths[i / 3];
        faults = 0;
        parcel_free(&pool, msg);
        ck_assert_msg(faults == 1 && noted == PROTOPOOL_FAULT_WRONG_LENGTH, "%u to %u: %u faults, %s", was, *changed,
                      faults, protopool_fault_text(noted));
        *changed = was; /* it was left alone */
        faults = 0;
        parcel_free(&pool, msg);
        ck_assert_uint_eq(faults, 0);
    }
    ck_assert_uint_eq(parcel_pool_fini(&pool), 0);
}
END_TEST
#endif

int main(void)
{
    Suite *const suite = suite_create("parcels");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 600;
    test_setup = setup;
    ADD_TEST(suite, every_two_lengths_take_their_bytes_and_a_slot_that_is_hardly_larger);
    ADD_TEST(suite, every_three_lengths_take_their_bytes_each_aligned);
    ADD_TEST(suite, messages_of_all_lengths_live_side_by_side_in_pools_of_a_depot);
    ADD_TEST(suite, edit_writes_one_tail_and_no_other);
    ADD_TEST(suite, fixed_pool_has_slots_for_the_longest_of_every_tail);
    ADD_TEST(suite, an_absent_tail_is_null_and_an_empty_one_is_not);
    ADD_TEST(suite, what_came_from_outside_may_have_any_lengths);
    ADD_TEST(suite, tails_that_are_too_long_together_are_refused);
#if PROTOPOOL_CHECK >= 1
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_TEST(suite, length_of_any_tail_that_was_changed_is_found);
#endif

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
