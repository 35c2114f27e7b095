// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Messages as bytes: nothing but values is sent; streams that are cut anywhere; bytes that are refused, and why; pools that are full;
 * memory that changes while it is received.
 */

#define PROTOPOOL_NO_ANALYSIS /* what is received is NULL on purpose */
#define PROTOPOOL_NO_DEPRECATION
#define PROTOPOOL_SCRUB /* in parentheses, (telemetry_new_log) is the function without it */
#include "parcel.h"
#include "telemetry.h"
#include "support.h"

enum { SECRET = 0x5a, ROOM = 2048, KINDS = 15 };

static struct telemetry_pool pool;
static struct parcel_pool parcels;
static unsigned char bytes[ROOM];

static void setup(void)
{
    ck_assert(telemetry_pool_init_growing(&pool, NULL));
    ck_assert(parcel_pool_init_growing(&parcels, NULL));
}

static void assert_nothing_is_live(void)
{
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
    ck_assert_uint_eq(parcel_pool_fini(&parcels), 0);
}

/* A position whose padding is full of secrets. */
static struct telemetry_position at(double latitude)
{
    struct telemetry_position position;
    memset(&position, SECRET, sizeof position);
    ck_assert(telemetry_set_position(&position, latitude, 2 * latitude, 30));
    return position;
}

/* A message of each variant, and of the same variant without what is optional. NULL behind the last kind. */
static struct telemetry *make(struct telemetry_pool *of, unsigned kind)
{
    const float angles[] = { 1, 2, 3 };
    const struct telemetry_position home = at(10), away = at(20);
    const struct telemetry_position points[] = { at(1), at(2), at(3) };
    struct telemetry_waypoint waypoints[2];
    const float speed = 3;

    memset(waypoints, SECRET, sizeof waypoints);
    ck_assert(telemetry_set_waypoint(&waypoints[0], &home, &speed, 5));
    ck_assert(telemetry_set_waypoint(&waypoints[1], &away, NULL, 6));
    switch (kind) {
    case 0:
        return (telemetry_new_heartbeat)(of, 1, TELEMETRY_MODE_HOLD, TELEMETRY_SENSORS_GPS, 50);
    case 1:
        return (telemetry_new_attitude)(of, 2, angles, angles);
    case 2:
        return (telemetry_new_attitude)(of, 3, angles, NULL);
    case 3:
        return (telemetry_new_moved)(of, 4, &home, &away);
    case 4:
        return (telemetry_new_moved)(of, 5, &home, NULL);
    case 5:
        return (telemetry_new_mission)(of, "north", 10, waypoints, 2);
    case 6:
        return (telemetry_new_mission)(of, "", 10, NULL, 0);
    case 7:
        return (telemetry_new_text)(of, 1, "stop");
    case 8:
        return (telemetry_new_log)(of, 6, 2, "battery is low", 14);
    case 9:
        return (telemetry_new_chunk)(of, 7, 8, (const uint8_t *)"\1\2\3\4\5", 5);
    case 10:
        return (telemetry_new_track)(of, 10, points, 3);
    case 11:
        return (telemetry_new_track)(of, 10, NULL, 0);
    case 12:
        return (telemetry_new_set_mode)(of, TELEMETRY_MODE_LAND);
    case 13:
        return (telemetry_new_reboot)(of);
    case 14:
        return (telemetry_new_set_home)(of, &home);
    default:
        return NULL;
    }
}

/* Bytes that are received must be the message of this kind. */
static void assert_received(const void *from, size_t count, unsigned kind)
{
    struct protopool_received result;
    struct telemetry *const expected = make(&pool, kind), *const msg = telemetry_receive(&pool, from, count, &result);

    ASSERT(msg != NULL && result.status == PROTOPOOL_RECEIVED && result.missing == 0);
    ASSERT(result.used == telemetry_size(expected) && telemetry_equal(msg, expected));
    telemetry_free(&pool, msg);
    telemetry_free(&pool, expected);
}

/* The result of bytes that are no message. */
static struct protopool_received refused(const void *from, size_t count)
{
    static struct protopool_received result;

    memset(&result, 0xa5, sizeof result);
    ASSERT(telemetry_receive(&pool, from, count, &result) == NULL);
    ASSERT(result.used == 0 && (result.status == PROTOPOOL_INCOMPLETE) == (result.missing != 0));
    return result;
}

static size_t encode(unsigned kind)
{
    struct telemetry *const msg = make(&pool, kind);
    const size_t size = telemetry_encode(msg, bytes, sizeof bytes);
    telemetry_free(&pool, msg);
    ASSERT(size != 0);
    return size;
}

static void assert_invalid(size_t size, const char *message, const char *field, enum protopool_rule rule,
                           const char *text)
{
    struct protopool_received result;

    ck_assert(telemetry_receive(&pool, bytes, size, &result) == NULL);
    ck_assert_int_eq(result.status, PROTOPOOL_INVALID);
    ck_assert_pstr_eq(result.refusal.message, message);
    ck_assert_pstr_eq(result.refusal.field, field);
    ck_assert_int_eq(result.refusal.rule, rule);
    ck_assert_str_eq(result.refusal.text, text);
}

START_TEST(each_message_is_received_as_it_was_sent)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (size_t shift = 0; shift < 8; shift++) {
            const size_t size = encode(kind);
            memmove(bytes + shift, bytes, size);
            assert_received(bytes + shift, size, kind);
            assert_received(bytes + shift, ROOM - shift, kind);
        }
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_message_without_fields_is_its_tag)
{
    ck_assert_uint_eq(encode(13), 1);
    ck_assert_uint_eq(bytes[0], TELEMETRY_REBOOT);
    assert_nothing_is_live();
}
END_TEST

START_TEST(what_is_sent_does_not_depend_on_what_was_in_memory)
{
    static unsigned char first[ROOM];

    for (unsigned kind = 0; kind < KINDS; kind++) {
        const size_t size = encode(kind);
        memcpy(first, bytes, size);
        for (size_t i = 0; i < 200; i++) { /* secrets in every slot that it could get */
            struct telemetry *const secret = make(&pool, kind);
            if (secret->tag != TELEMETRY_REBOOT && telemetry_size(secret) > 16 && kind < 8)
                memset((unsigned char *)secret + 1, SECRET, telemetry_size(secret) - 1);
            telemetry_free(&pool, secret);
        }
        memset(bytes, SECRET, sizeof bytes);
        ASSERT(encode(kind) == size && memcmp(first, bytes, size) == 0 && bytes[size] == SECRET);
    }
    assert_nothing_is_live();
}
END_TEST

START_TEST(scrub_leaves_the_message_and_clears_the_rest)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct telemetry *const msg = make(&pool, kind), *const same = telemetry_clone(&pool, msg);
        const size_t size = encode(kind);
        telemetry_scrub(msg);
        ASSERT(telemetry_equal(msg, same) && memcmp(msg, bytes, size) == 0);
        telemetry_free(&pool, msg);
        telemetry_free(&pool, same);
    }
    assert_nothing_is_live();
}
END_TEST

START_TEST(with_the_setting_no_message_has_old_bytes)
{
    for (unsigned round = 0; round < 300; round++) {
        struct telemetry *msg = make(&pool, 5), *copy;
        struct telemetry_mission mission;
        memset((unsigned char *)msg + 1, SECRET, telemetry_size(msg) - 1);
        telemetry_free(&pool, msg);
        msg = telemetry_new_mission(&pool, "north", 10, NULL, 0);
        ASSERT(msg != NULL && telemetry_encode(msg, bytes, sizeof bytes) == sizeof mission);
        ASSERT(memcmp(msg, bytes, sizeof mission) == 0);
        memset(&mission, SECRET, sizeof mission);
        mission.base.tag = 0;
        mission.name_len = mission.waypoints_len = 0;
        mission.name[0] = '\0';
        mission.speed = 10;
        copy = telemetry_copy_mission(&pool, &mission);
        ASSERT(copy != NULL && memchr(copy, SECRET, sizeof mission) == NULL);
        telemetry_free(&pool, copy);
        telemetry_free(&pool, msg);
    }
    assert_nothing_is_live();
}
END_TEST

START_TEST(encode_writes_nothing_if_the_room_is_too_small)
{
    struct telemetry *const msg = make(&pool, 5);
    const struct telemetry no_message = { 0 };

    memset(bytes, SECRET, sizeof bytes);
    for (size_t room = 0; room < telemetry_encoded_size(msg); room++)
        ASSERT(telemetry_encode(msg, bytes, room) == 0);
    ck_assert_uint_eq(telemetry_encode(&no_message, bytes, sizeof bytes), 0);
    ck_assert_uint_eq(telemetry_encode(NULL, bytes, sizeof bytes), 0);
    ck_assert_uint_eq(telemetry_encoded_size(NULL), 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        ASSERT(bytes[i] == SECRET);
    telemetry_free(&pool, msg);
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_stream_that_is_cut_anywhere_is_received_whole)
{
    static unsigned char stream[KINDS * 600];
    size_t end = 0;

    for (unsigned kind = 0; kind < KINDS; kind++) {
        const size_t size = encode(kind);
        memcpy(stream + end, bytes, size);
        end += size;
    }
    for (size_t piece = 1; piece < 300; piece += 7) { /* by pieces of this size, in memory of exactly what is there */
        size_t begin = 0, got = 0;
        unsigned kind = 0;
        while (kind < KINDS) {
            struct protopool_received result;
            unsigned char *const exact = (unsigned char *)malloc(got - begin + 1);
            struct telemetry *msg;
            ASSERT(exact != NULL);
            memcpy(exact + 1, stream + begin, got - begin);
            msg = telemetry_receive(&pool, exact + 1, got - begin, &result);
            if (msg != NULL) {
                assert_received(exact + 1, got - begin, kind++);
                begin += result.used;
            } else {
                ASSERT(result.status == PROTOPOOL_INCOMPLETE && result.missing >= 1 && got + result.missing <= end);
                got += result.missing < piece ? piece : result.missing;
                got = got > end ? end : got;
            }
            telemetry_free(&pool, msg);
            free(exact);
        }
        ASSERT(begin == end);
    }
    assert_nothing_is_live();
}
END_TEST

START_TEST(missing_bytes_of_a_tail_are_counted_exactly_once_the_struct_is_there)
{
    const size_t size = encode(8);

    ck_assert_uint_eq(refused(bytes, 0).missing, 1);
    ck_assert_uint_eq(refused(bytes, 1).missing, sizeof(struct telemetry_log) + 1 - 1);
    for (size_t count = sizeof(struct telemetry_log); count < size; count++)
        ASSERT(refused(bytes, count).missing == size - count);
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_tag_of_no_message_is_invalid)
{
    memset(bytes, 0, sizeof bytes);
    assert_invalid(1, NULL, NULL, PROTOPOOL_RULE_TAG, "no message has the tag 0");
    bytes[0] = 0xff;
    assert_invalid(ROOM, NULL, NULL, PROTOPOOL_RULE_TAG, "no message has the tag 255");
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_length_that_the_schema_does_not_allow_is_invalid_at_once)
{
    (void)encode(9);
    bytes[offsetof(struct telemetry_chunk, data_len)] = 1;
    bytes[offsetof(struct telemetry_chunk, data_len) + 1] = 2;
    assert_invalid(sizeof(struct telemetry_chunk), "Chunk", "data", PROTOPOOL_RULE_LENGTH,
                   "data has 513 elements, at most 512");
    (void)encode(8);
    memset(bytes + offsetof(struct telemetry_log, text_len), 0xff, 4);
    assert_invalid(sizeof(struct telemetry_log), "Log", "text", PROTOPOOL_RULE_LENGTH,
                   "text has 4294967295 characters, at most 2147483630");
    bytes[offsetof(struct telemetry_log, text_len) + 3] = 0x7f - 1; /* allowed: it is for the caller to give up */
    ck_assert_int_eq(refused(bytes, sizeof(struct telemetry_log)).status, PROTOPOOL_INCOMPLETE);
    assert_nothing_is_live();
}
END_TEST

START_TEST(tails_that_are_too_long_together_are_invalid_at_once)
{
    struct protopool_received result;

    memset(bytes, 0, sizeof bytes);
    bytes[0] = PARCEL_WIDE;
    bytes[offsetof(struct parcel_wide, a_len) + 3] = 0x60;
    bytes[offsetof(struct parcel_wide, b_len) + 3] = 0x10;
    ck_assert(parcel_receive(&parcels, bytes, sizeof(struct parcel_wide), &result) == NULL);
    ck_assert_int_eq(result.status, PROTOPOOL_INVALID);
    ck_assert_str_eq(result.refusal.text, "b makes a message of more than 2147483647 bytes");
    ck_assert_str_eq(result.refusal.field, "b");
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_value_that_the_schema_does_not_allow_is_invalid)
{
    size_t size = encode(0);

    bytes[offsetof(struct telemetry_heartbeat, mode)] = 9;
    assert_invalid(size, "Heartbeat", "mode", PROTOPOOL_RULE_ENUM,
                   "mode 9 is not declared: it has manual, hold, mission, land");
    size = encode(0);
    bytes[offsetof(struct telemetry_heartbeat, battery)] = 101;
    assert_invalid(size, "Heartbeat", "battery", PROTOPOOL_RULE_RANGE, "battery 101 is not in 0..100");
    size = encode(5);
    bytes[offsetof(struct telemetry_mission, waypoints_len)] = 17;
    assert_invalid(size, "Mission", "waypoints", PROTOPOOL_RULE_LENGTH, "waypoints has 17 elements, at most 16");
    size = encode(7);
    bytes[offsetof(struct telemetry_text, text) + 2] = 0;
    assert_invalid(size, "Text", "text", PROTOPOOL_RULE_TEXT, "text has 2 characters, and its length is 4");
    size = encode(8);
    bytes[sizeof(struct telemetry_log) + 3] = 0;
    assert_invalid(size, "Log", "text", PROTOPOOL_RULE_TEXT, "text has a NUL at 3");
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_byte_that_holds_no_value_must_be_0)
{
    size_t size = encode(0);

    bytes[4] = 1;
    assert_invalid(size, "Heartbeat", NULL, PROTOPOOL_RULE_UNUSED, "the padding in the 8 bytes at 0 is not 0");
    size = encode(1);
    bytes[1] |= 0x80;
    assert_invalid(size, "Attitude", NULL, PROTOPOOL_RULE_UNUSED, "the padding in the 8 bytes at 0 is not 0");
    size = encode(2);
    bytes[offsetof(struct telemetry_attitude, rates) + 5] = 1;
    assert_invalid(size, "Attitude", "rates", PROTOPOOL_RULE_UNUSED,
                   "rates has a byte that holds no value and is not 0");
    size = encode(5);
    bytes[offsetof(struct telemetry_mission, waypoints) + 1] = 1; /* padding of the first element */
    assert_invalid(size, "Mission", "waypoints", PROTOPOOL_RULE_UNUSED,
                   "waypoints has a byte that holds no value and is not 0");
    size = encode(7);
    bytes[size - 1] = 1;
    assert_invalid(size, "Text", "text", PROTOPOOL_RULE_UNUSED, "text has a byte that holds no value and is not 0");
    size = encode(10);
    bytes[sizeof(struct telemetry_track) + 24 + 7] = 1; /* padding of the second element */
    assert_invalid(size, "Track", "points", PROTOPOOL_RULE_UNUSED,
                   "points has a byte that holds no value and is not 0");
    assert_nothing_is_live();
}
END_TEST

START_TEST(an_absent_tail_has_no_length_and_a_terminator_that_is_0)
{
    struct protopool_received result;
    struct parcel *msg = parcel_new_kept(&parcels, "ab", 2, (const uint64_t[]){ 1, 2 }, 2, NULL, 0, NULL, 0, NULL, 0);
    const size_t size = parcel_encode(msg, bytes, sizeof bytes);

    parcel_free(&parcels, msg);
    msg = parcel_receive(&parcels, bytes, size, &result);
    ck_assert(msg != NULL && result.used == size);
    parcel_free(&parcels, msg);
    bytes[size - 1] = 'x';
    ck_assert(parcel_receive(&parcels, bytes, size, &result) == NULL && result.status == PROTOPOOL_INVALID);
    ck_assert_str_eq(result.refusal.field, "text");
    bytes[size - 1] = 0;
    bytes[offsetof(struct parcel_kept, text_len)] = 1;
    ck_assert(parcel_receive(&parcels, bytes, size + 1, &result) == NULL && result.status == PROTOPOOL_INVALID);
    ck_assert_str_eq(result.refusal.text, "text is absent, and its length is 1");
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_full_pool_is_told_from_bad_bytes)
{
    TELEMETRY_POOL_STORAGE(memory);
    static struct telemetry_pool fixed;
    struct telemetry *msg[2];
    struct protopool_received result;
    const size_t size = encode(12);

    ck_assert(telemetry_pool_init(&fixed, memory, sizeof memory));
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < 2; i++) {
            msg[i] = telemetry_receive(&fixed, bytes, size, &result);
            ck_assert(msg[i] != NULL && telemetry_as_set_mode(msg[i])->mode == TELEMETRY_MODE_LAND);
            bytes[1] = 9; /* not declared: its slot goes back */
            ck_assert(i == 1 || telemetry_receive(&fixed, bytes, size, &result) == NULL);
            ck_assert(i == 1 || result.status == PROTOPOOL_INVALID);
            bytes[1] = TELEMETRY_MODE_LAND;
        }
        ck_assert(telemetry_receive(&fixed, bytes, size, &result) == NULL);
        ck_assert(result.status == PROTOPOOL_NO_MEMORY && result.used == 0 && result.missing == 0);
        ck_assert_int_eq(telemetry_pool_failure(&fixed), PROTOPOOL_EXHAUSTED);
        telemetry_free(&fixed, msg[0]);
        telemetry_free(&fixed, msg[1]);
    }
    (void)encode(8); /* of any length: a fixed pool has no slot for it */
    ck_assert(telemetry_receive(&fixed, bytes, sizeof bytes, &result) == NULL && result.status == PROTOPOOL_NO_MEMORY);
    ck_assert_uint_eq(telemetry_pool_fini(&fixed), 0);
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_joined_pool_receives_what_another_frees)
{
    static struct telemetry_depot depot;
    static struct telemetry_pool one, other;
    struct protopool_received result;

    ck_assert(telemetry_depot_init(&depot, NULL) && telemetry_pool_join(&one, &depot)
              && telemetry_pool_join(&other, &depot));
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const size_t size = encode(kind);
        struct telemetry *const msg = telemetry_receive(&one, bytes, size, &result);
        ck_assert(msg != NULL);
        telemetry_free(&other, msg);
        bytes[size - 1] ^= 0xff;
        telemetry_free(&other, telemetry_receive(&one, bytes, size, &result));
    }
    ck_assert(telemetry_pool_fini(&one) == 0 && telemetry_pool_fini(&other) == 0);
    ck_assert_uint_eq(telemetry_depot_fini(&depot), 0);
    assert_nothing_is_live();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("wire");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 60;
    test_setup = setup;
    ADD_TEST(suite, each_message_is_received_as_it_was_sent);
    ADD_TEST(suite, a_message_without_fields_is_its_tag);
    ADD_TEST(suite, what_is_sent_does_not_depend_on_what_was_in_memory);
    ADD_TEST(suite, scrub_leaves_the_message_and_clears_the_rest);
    ADD_TEST(suite, with_the_setting_no_message_has_old_bytes);
    ADD_TEST(suite, encode_writes_nothing_if_the_room_is_too_small);
    ADD_TEST(suite, a_stream_that_is_cut_anywhere_is_received_whole);
    ADD_TEST(suite, missing_bytes_of_a_tail_are_counted_exactly_once_the_struct_is_there);
    ADD_TEST(suite, a_tag_of_no_message_is_invalid);
    ADD_TEST(suite, a_length_that_the_schema_does_not_allow_is_invalid_at_once);
    ADD_TEST(suite, tails_that_are_too_long_together_are_invalid_at_once);
    ADD_TEST(suite, a_value_that_the_schema_does_not_allow_is_invalid);
    ADD_TEST(suite, a_byte_that_holds_no_value_must_be_0);
    ADD_TEST(suite, an_absent_tail_has_no_length_and_a_terminator_that_is_0);
    ADD_TEST(suite, a_full_pool_is_told_from_bad_bytes);
    ADD_TEST(suite, a_joined_pool_receives_what_another_frees);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
