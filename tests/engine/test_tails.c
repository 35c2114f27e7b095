// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Messages with a tail: every length, in slots that are hardly larger; freed, reused, fixed, shared; and what the build
 * levels say of a length that was changed. STEP in the environment: of the lengths above 2 KiB every so-manyth.
 */

#define PROTOPOOL_NO_ANALYSIS /* the double frees are on purpose */
#include "telemetry.h"
#include "support.h"

enum { LONGEST = 70000, LIVE = 3000, HEAD = 16 + 1 }; /* HEAD: a Log without text */
enum { KEPT = 65536 };                                /* larger slots have no magazine */

static_assert(sizeof(struct telemetry_log) == HEAD - 1, "the terminator is behind the struct");

static char text[LONGEST + 1];
static struct telemetry_pool pool, other;

static size_t step(void)
{
    return (size_t)from_environment("STEP", 1);
}

static size_t next_length(size_t length)
{
    return length < 2048 || length + step() > LONGEST ? length + 1 : length + step();
}

/* The text of this length: its characters differ from those of its neighbours. */
static const char *text_of(size_t length)
{
    for (size_t i = 0; i < 8 && i < length; i++)
        text[i] = (char)('a' + (length >> 4 * i & 15));
    return text;
}

static struct telemetry *new_log(struct telemetry_pool *of, size_t length)
{
    return telemetry_new_log(of, length, 7, text_of(length), length);
}

static void assert_log(const struct telemetry *msg, size_t length)
{
    const struct telemetry_log *const log = telemetry_as_log(msg);
    size_t found;
    const char *const tail = telemetry_log_text(log, &found);

    ASSERT(log->time == length && found == length && telemetry_size(msg) == HEAD + length);
    ASSERT(memcmp(tail, text_of(length), length) == 0 && tail[length] == '\0');
}

/* The slot size that has live slots; there is one. */
static size_t slot_in_use(struct telemetry_pool *of)
{
    struct telemetry_pool_stats stats;
    size_t bytes = 0;

    telemetry_pool_stats(of, &stats);
    for (size_t i = 0; i < TELEMETRY_SLOT_SIZES; i++) {
        ASSERT(stats.slot[i].live == 0 || bytes == 0);
        if (stats.slot[i].live != 0)
            bytes = stats.slot[i].slot_bytes;
    }
    return bytes;
}

static size_t source_bytes(struct telemetry_pool *of)
{
    struct telemetry_pool_stats stats;
    telemetry_pool_stats(of, &stats);
    return stats.source_bytes;
}

static void setup(void)
{
    memset(text, 'x', sizeof text);
    ck_assert(telemetry_pool_init_growing(&pool, NULL));
}

START_TEST(every_length_takes_its_bytes_and_a_slot_that_is_hardly_larger)
{
    size_t lengths = 0, spare_below_a_kibibyte = 0;

    for (size_t length = 0; length <= LONGEST; length = next_length(length)) {
        const size_t bytes = HEAD + length;
        struct telemetry *const msg = new_log(&pool, length), *again;
        size_t slot;

        ASSERT(msg != NULL);
        assert_log(msg, length);
        slot = slot_in_use(&pool);
        ASSERT(slot >= bytes && slot - bytes < (bytes <= 1024 ? 16 : bytes / 4 + 1));
        if (bytes <= 1024 && slot - bytes > spare_below_a_kibibyte)
            spare_below_a_kibibyte = slot - bytes;
        ASSERT(telemetry_validate(msg, bytes) && !telemetry_validate(msg, bytes - 1));
        telemetry_free(&pool, msg);
        ASSERT(slot_in_use(&pool) == 0);
        again = new_log(&pool, length);
        ASSERT(again == msg || (again != NULL && slot > KEPT)); /* reused; larger ones went back to malloc */
        telemetry_free(&pool, again);
        lengths++;
    }
    printf("tails: %zu lengths to %d; below 1 KiB at most %zu spare bytes; a pool's handle has %zu bytes\n", lengths,
           (int)LONGEST, spare_below_a_kibibyte, sizeof pool);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

/* Mostly short, as texts are, and some of every length. */
static size_t random_length(void)
{
    return random_below((size_t)LONGEST >> random_below(11));
}

START_TEST(messages_of_all_lengths_live_side_by_side_and_leave_nothing)
{
    static struct telemetry *live[LIVE];
    static size_t lengths[LIVE];
    size_t settled = 0;

    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < LIVE; i++) {
            lengths[i] = random_length();
            live[i] = new_log(&pool, lengths[i]);
            ASSERT(live[i] != NULL);
        }
        for (size_t i = 0; i < 10 * (size_t)LIVE; i++) {
            const size_t at = random_below(LIVE);
            assert_log(live[at], lengths[at]);
            telemetry_free(&pool, live[at]);
            lengths[at] = random_length();
            live[at] = new_log(&pool, lengths[at]);
            ASSERT(live[at] != NULL);
        }
        for (size_t i = 0; i < LIVE; i++) {
            assert_log(live[i], lengths[i]);
            telemetry_free(&pool, live[i]);
        }
        ck_assert_uint_eq(slot_in_use(&pool), 0);
        telemetry_pool_flush(&pool);
        if (round == 0)
            settled = source_bytes(&pool);
        ck_assert_uint_le(source_bytes(&pool), settled + settled / 4);
    }
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

START_TEST(edit_writes_a_tail_in_place)
{
    struct telemetry *const msg = new_log(&pool, 100), *const clone = telemetry_clone(&pool, msg);
    size_t length;
    char *const tail = telemetry_edit_log_text(telemetry_edit_log(msg), &length);

    ck_assert_uint_eq(length, 100);
    ck_assert(telemetry_equal(msg, clone) && telemetry_hash(msg) == telemetry_hash(clone));
    tail[99] = '!';
    ck_assert(!telemetry_equal(msg, clone) && telemetry_hash(msg) != telemetry_hash(clone));
    ck_assert_int_eq(telemetry_log_text(telemetry_as_log(msg), NULL)[99], '!');
    ck_assert(telemetry_validate(msg, telemetry_size(msg)));
    telemetry_free(&pool, msg);
    telemetry_free(&pool, clone);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

START_TEST(elements_of_a_tail_are_structs_with_ranges)
{
    static struct telemetry_position points[1000];
    struct telemetry *msg;
    size_t length;

    points[999].latitude = 90;
    msg = telemetry_new_track(&pool, 10, points, 1000);
    ck_assert_uint_eq(telemetry_size(msg), 8 + 1000 * sizeof points[0]);
    ck_assert(telemetry_track_points(telemetry_as_track(msg), &length)[999].latitude > 89);
    ck_assert_uint_eq(length, 1000);
    telemetry_edit_track_points(telemetry_edit_track(msg), NULL)[999].latitude = 91;
    ck_assert(!telemetry_validate(msg, telemetry_size(msg)));
    points[999].latitude = 91;
    ck_assert_ptr_null(telemetry_new_track(&pool, 10, points, 1000));
    telemetry_free(&pool, msg);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

START_TEST(fixed_pool_has_slots_for_the_longest)
{
    static const uint8_t data[TELEMETRY_CHUNK_DATA_MAX + 1];
    TELEMETRY_POOL_STORAGE(memory);
    struct telemetry *msgs[2];

    ck_assert(telemetry_pool_init(&other, memory, sizeof memory));
    for (size_t length = 0; length <= TELEMETRY_CHUNK_DATA_MAX; length++) {
        msgs[0] = telemetry_new_chunk(&other, 1, 2, data, length);
        msgs[1] = telemetry_new_chunk(&other, 1, 2, data, TELEMETRY_CHUNK_DATA_MAX - length);
        ck_assert(msgs[0] != NULL && msgs[1] != NULL);
        ck_assert_ptr_null(telemetry_new_chunk(&other, 1, 2, data, 0)); /* max_live is 2 */
        telemetry_free(&other, msgs[0]);
        telemetry_free(&other, msgs[1]);
    }
    ck_assert_ptr_null(telemetry_new_chunk(&other, 1, 2, data, sizeof data));
    ck_assert_ptr_null(new_log(&other, 1)); /* it has no max, so no place */
    ck_assert(telemetry_pool_reserve(&other, TELEMETRY_CHUNK, 2));
    ck_assert(!telemetry_pool_reserve(&other, TELEMETRY_CHUNK, 3));

    msgs[0] = telemetry_new_chunk(&pool, 3, 4, data, 100); /* from a pool that grows, and back */
    msgs[1] = telemetry_clone(&other, msgs[0]);
    ck_assert(telemetry_equal(msgs[0], msgs[1]));
    telemetry_free(&pool, msgs[0]);
    msgs[0] = telemetry_clone(&pool, msgs[1]);
    ck_assert(telemetry_equal(msgs[0], msgs[1]));
    telemetry_free(&other, msgs[1]);
    telemetry_free(&pool, msgs[0]);
    ck_assert_uint_eq(telemetry_pool_fini(&other), 0);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

/* What a handle has for a slot size is not much: the pointers of a magazine, and one for two slot sizes. What it has besides, at
 * level 2 too, is not much either. */
START_TEST(handle_has_no_tables)
{
    const size_t words = sizeof(struct telemetry_pool) / sizeof(void *);
    const size_t for_each_two = PROTOPOOL_CHECK == 1 ? 9 : 7; /* level 1 counts peaks there */
    ck_assert_uint_le(words, for_each_two * (2 + TELEMETRY_SLOT_SIZES) / 2 + 12);
#if UINTPTR_MAX > 0xffffffffU && PROTOPOOL_MAGAZINE == 64
    /* handle and memory of a fixed pool took so much when the tables were in the handle */
    static const size_t before[] = { 27704 + 5168, 30168 + 5232, 30224 + 8312 };
    const size_t now = sizeof(struct telemetry_pool) + TELEMETRY_POOL_BYTES;
    const size_t peaks =
        (for_each_two - 7) * (1 + TELEMETRY_SLOT_SIZES) * sizeof(void *); /* were not counted there then */
    ck_assert_uint_le(now, before[PROTOPOOL_CHECK] + peaks);
#endif
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

static size_t count_parts(const struct telemetry_pool *of)
{
    size_t parts = 0;
    for (size_t i = 0; i < PROTOPOOL_PARTS(TELEMETRY_SLOT_SIZES); i++)
        parts += of->parts_[i] != NULL;
    return parts;
}

START_TEST(pool_has_parts_of_the_slot_sizes_that_it_uses)
{
    static struct telemetry_depot depot;
    static struct telemetry_pool joined, *const pools[] = { &pool, &joined };

    ck_assert(telemetry_depot_init(&depot, NULL));
    ck_assert(telemetry_pool_join(&joined, &depot));
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(count_parts(pools[i]), 0);
        for (size_t length = 0; length < 128; length++)
            telemetry_free(pools[i], new_log(pools[i], length));
        ck_assert_uint_ge(count_parts(pools[i]), 8 / PROTOPOOL_PART);
        ck_assert_uint_le(count_parts(pools[i]), 10 / PROTOPOOL_PART);
#if UINTPTR_MAX > 0xffffffffU && PROTOPOOL_CHECK == 0
        ck_assert_uint_eq(PROTOPOOL_PART_BYTES, 64); /* docs/pool.md has these */
        ck_assert_uint_eq(PROTOPOOL_PART * sizeof(struct protopool_exchange), 80);
        ck_assert_uint_le(sizeof joined
                              + count_parts(pools[i])
                                    * (PROTOPOOL_PART_BYTES + PROTOPOOL_PART * sizeof(struct protopool_exchange)),
                          5100);
#endif
    }
    ck_assert_uint_eq(telemetry_pool_fini(&joined), 0);
    ck_assert_uint_eq(telemetry_depot_fini(&depot), 0);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

START_TEST(pools_of_a_depot_free_each_others_tails)
{
    static struct telemetry_depot depot;
    static struct telemetry_pool maker, freer;

    ck_assert(telemetry_depot_init(&depot, NULL));
    ck_assert(telemetry_pool_join(&maker, &depot) && telemetry_pool_join(&freer, &depot));
    for (int round = 0; round < 300; round++) {
        struct telemetry *msgs[200];
        for (size_t i = 0; i < 200; i++)
            ASSERT((msgs[i] = new_log(&maker, 40 * i)) != NULL);
        for (size_t i = 0; i < 200; i++) {
            assert_log(msgs[i], 40 * i);
            telemetry_free(&freer, msgs[i]);
        }
    }
    ck_assert_uint_eq(telemetry_pool_fini(&maker), 0);
    ck_assert_uint_eq(telemetry_pool_fini(&freer), 0);
    ck_assert_uint_eq(telemetry_depot_fini(&depot), 0);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

START_TEST(reserve_is_for_a_length)
{
    size_t made = 0;

    ck_assert(telemetry_pool_init_growing(&other, &COUNTED_SOURCE));
    ck_assert(!telemetry_pool_reserve(&other, TELEMETRY_LOG, 1)); /* of which length? */
    ck_assert(telemetry_reserve_log(&other, 500, 900));
    counted.fail_at = counted.takes + 1;
    counted.fail_on = true;
    while (new_log(&other, 900) != NULL)
        made++;
    ck_assert_uint_ge(made, 500);
    ck_assert_ptr_null(new_log(&other, 5000));
    ck_assert(!telemetry_reserve_log(&other, 1, 5000));
    counted.fail_at = 0;
    telemetry_pool_reset(&other);
    ck_assert_uint_eq(telemetry_pool_fini(&other), 0);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

START_TEST(what_came_from_outside_may_have_any_length)
{
    alignas(8) unsigned char bytes[64];
    struct telemetry_log log = telemetry_default_log();

    for (uint64_t length = 0; length <= UINT32_MAX; length += length / 3 + 1) {
        log.text_len = (uint32_t)length;
        memset(bytes, 'x', sizeof bytes);
        memcpy(bytes, &log, sizeof log);
        if (length < sizeof bytes - sizeof log)
            bytes[sizeof log + length] = '\0';
        for (size_t room = 0; room <= sizeof bytes; room++)
            ASSERT(telemetry_validate((const struct telemetry *)(const void *)bytes, room) == (HEAD + length <= room));
    }
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST

#if PROTOPOOL_CHECK >= 1
#include "noted_faults.h"

static void assert_found(struct telemetry *msg, size_t was, size_t length)
{
    telemetry_edit_log(msg)->text_len = (uint32_t)length;
    faults = 0;
    telemetry_free(&pool, msg);
    ck_assert_msg(faults == 1 && noted == PROTOPOOL_FAULT_WRONG_LENGTH, "%zu to %zu: %u faults, %s", was, length,
                  faults, protopool_fault_text(noted));
    telemetry_edit_log(msg)->text_len = (uint32_t)was; /* it was left alone */
}

START_TEST(length_that_was_changed_is_found)
{
    static const size_t lengths[] = { 0, 1, 15, 100, 1000, 1500, 20000 };

    protopool_set_fault_handler(note);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct telemetry *const msg = new_log(&pool, lengths[i]);
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++)
            if (lengths[j] != lengths[i]
                && (PROTOPOOL_CHECK == 2 || (HEAD + lengths[i] + 15) / 16 != (HEAD + lengths[j] + 15) / 16))
                if (PROTOPOOL_CHECK == 2 || lengths[i] < 4096) /* from a block of its own level 1 promises nothing */
                    assert_found(msg, lengths[i], lengths[j]);
        if (PROTOPOOL_CHECK == 2 || lengths[i] < 4096)
            assert_found(msg, lengths[i], UINT32_MAX);
        faults = 0;
        telemetry_free(&pool, msg);
        ck_assert_uint_eq(faults, 0);
    }
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
}
END_TEST
#endif

#if PROTOPOOL_CHECK == 2 && !UNDER_ASAN
START_TEST(bytes_written_behind_a_tail_are_found)
{
    struct telemetry *const msg = new_log(&pool, 10); /* the slot has 32 bytes, and the message 27 */

    protopool_set_fault_handler(note);
    ((volatile unsigned char *)msg)[HEAD + 10] = 7;
    telemetry_free(&pool, msg);
    ck_assert_uint_eq(faults, 1);
    ck_assert_int_eq(noted, PROTOPOOL_FAULT_OVERRUN);
}
END_TEST
#endif

int main(void)
{
    Suite *const suite = suite_create("tails");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 600;
    test_setup = setup;
    ADD_TEST(suite, every_length_takes_its_bytes_and_a_slot_that_is_hardly_larger);
    ADD_TEST(suite, messages_of_all_lengths_live_side_by_side_and_leave_nothing);
    ADD_TEST(suite, edit_writes_a_tail_in_place);
    ADD_TEST(suite, elements_of_a_tail_are_structs_with_ranges);
    ADD_TEST(suite, fixed_pool_has_slots_for_the_longest);
    ADD_TEST(suite, handle_has_no_tables);
    ADD_TEST(suite, pool_has_parts_of_the_slot_sizes_that_it_uses);
    ADD_TEST(suite, pools_of_a_depot_free_each_others_tails);
    ADD_TEST(suite, reserve_is_for_a_length);
    ADD_TEST(suite, what_came_from_outside_may_have_any_length);
    if (srunner_fork_status(runner) == CK_FORK) {
#if PROTOPOOL_CHECK >= 1
        ADD_TEST(suite, length_that_was_changed_is_found);
#endif
#if PROTOPOOL_CHECK == 2 && !UNDER_ASAN
        ADD_TEST(suite, bytes_written_behind_a_tail_are_found);
#endif
    }

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
