// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Packed messages: the exact bytes of each kind of field, cut off at each length, with each byte changed; what is refused, and why. */

#include "support.h"

#include "frame.h"
#include "pack.h"

#include <pthread.h>
#include <stdatomic.h>

static struct pack_pool pool;
static struct frame_pool frames;

static void setup(void)
{
    ck_assert(pack_pool_init_growing(&pool, NULL) && frame_pool_init_growing(&frames, NULL));
}

static void assert_nothing_is_live(void)
{
    ck_assert_uint_eq(pack_pool_fini(&pool), 0);
    ck_assert_uint_eq(frame_pool_fini(&frames), 0);
}

static unsigned nibble(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Bytes in hexadecimal, between spaces. In an allocation of exactly their size, for the sanitizers. */
static unsigned char *bytes_of(const char *hex, size_t *count)
{
    unsigned char *const bytes = (unsigned char *)malloc(strlen(hex) / 2 + 1);

    ck_assert(bytes != NULL);
    for (*count = 0; *hex != '\0'; hex++)
        if (*hex != ' ') {
            bytes[(*count)++] = (unsigned char)(nibble(hex[0]) << 4 | nibble(hex[1]));
            hex++;
        }
    return (unsigned char *)realloc(bytes, *count + (*count == 0));
}

/* Whatever the bytes are: what is received is valid, and has the same bytes. Returns what became of them. */
static enum protopool_receipt receive_any(const unsigned char *bytes, size_t count)
{
    static unsigned char again[400];
    struct protopool_received result;
    struct pack *const msg = pack_receive(&pool, bytes, count, &result);

    if (msg == NULL) {
        ASSERT(result.status == PROTOPOOL_INVALID || result.status == PROTOPOOL_INCOMPLETE);
        ASSERT(result.used == 0 && (result.missing != 0) == (result.status == PROTOPOOL_INCOMPLETE));
        ASSERT(result.status != PROTOPOOL_INVALID || result.refusal.text[0] != '\0');
        return result.status;
    }
    ASSERT(result.status == PROTOPOOL_RECEIVED && result.used <= count && pack_validate(msg, pack_size(msg)));
    ASSERT(pack_encoded_size(msg) == result.used && pack_encode(msg, again, sizeof again) == result.used);
    ASSERT(memcmp(again, bytes, result.used) == 0);
    pack_free(&pool, msg);
    return PROTOPOOL_RECEIVED;
}

/* The message has these bytes, and is what they are. It is freed. */
static void assert_packed(struct pack *msg, const char *hex)
{
    unsigned char encoded[400];
    size_t count;
    unsigned char *const bytes = bytes_of(hex, &count);
    struct protopool_received result;
    struct pack *received;

    ck_assert(msg != NULL);
    ck_assert_uint_eq(pack_encoded_size(msg), count);
    memset(encoded, 0xa5, sizeof encoded);
    for (size_t room = 0; room < count; room++)
        ASSERT(pack_encode(msg, encoded, room) == 0);
    ASSERT(encoded[0] == 0xa5);
    ck_assert_uint_eq(pack_encode(msg, encoded, sizeof encoded), count);
    ck_assert_mem_eq(encoded, bytes, count);
    ck_assert_uint_eq(encoded[count], 0xa5);
    received = pack_receive(&pool, bytes, count, &result);
    ck_assert(received != NULL && pack_equal(msg, received));
    ck_assert_uint_eq(result.used, count);
    pack_free(&pool, received);
    pack_free(&pool, msg);
    for (size_t cut = 0; cut < count; cut++) {
        unsigned char *const exact = (unsigned char *)malloc(cut + (cut == 0));
        ASSERT(exact != NULL);
        memcpy(exact, bytes, cut);
        ASSERT(pack_receive(&pool, exact, cut, &result) == NULL && result.status == PROTOPOOL_INCOMPLETE);
        ASSERT(result.missing >= 1 && cut + result.missing <= count);
        free(exact);
    }
    for (size_t at = 0; at < count; at++)
        for (unsigned change = 1; change < 256; change++) {
            bytes[at] ^= (unsigned char)change;
            (void)receive_any(bytes, count);
            bytes[at] ^= (unsigned char)change;
        }
    free(bytes);
}

static void assert_invalid(const char *hex, const char *message, const char *field, const char *text)
{
    size_t count;
    unsigned char *const bytes = bytes_of(hex, &count);
    struct protopool_received result;

    ck_assert(pack_receive(&pool, bytes, count, &result) == NULL);
    ck_assert_int_eq(result.status, PROTOPOOL_INVALID);
    ck_assert_pstr_eq(result.refusal.message, message);
    ck_assert_str_eq(result.refusal.text, text);
    ck_assert_pstr_eq(result.refusal.field, field);
    free(bytes);
}

START_TEST(numbers_have_the_bytes_of_their_types)
{
    assert_packed(
        pack_new_numbers(&pool, 0x11, 0x2122, 0x313233, 0x41424344, 0x515253545556, 0x6162636465666768, -2, -3, -4, -5,
                         1.5F, -2.0F, 0.5, true, 'x'),
        "0102 11 2122 313233 41424344 515253545556 6162636465666768 fe fffd fffffc fffffffffffb 3e00 c0000000 "
        "3fe0000000000000 01 78");
    assert_packed(
        pack_new_numbers(&pool, 0, 0, 0xffffff, 0, 0xffffffffffff, 0, 0, 0, 0x7fffff, 0x7fffffffffff, 0, 0, 0, false,
                         '\0'),
        "0102 00 0000 ffffff 00000000 ffffffffffff 0000000000000000 00 0000 7fffff 7fffffffffff 0000 00000000 "
        "0000000000000000 00 00");
    assert_nothing_is_live();
}
END_TEST

START_TEST(named_values_have_their_base_and_constants_no_bytes)
{
    assert_packed(pack_new_named(&pool, PACK_LEVEL_HIGH, PACK_CAPS_READ | PACK_CAPS_WRITE, 0x15, "ab",
                                 (const uint16_t[]){ 1, 2, 0x0304 }),
                  "0103 0203 0201 0015 61622020 0001 0002 0304");
    assert_nothing_is_live();
}
END_TEST

START_TEST(lists_have_a_length_and_the_elements_that_are_used)
{
    assert_packed(pack_new_lists(&pool, "hello", (const uint8_t[]){ 7, 8 }, 2, (const int32_t[]){ -1, 2 }, 2,
                                 (const uint16_t[]){ PACK_LEVEL_LOW }, 1),
                  "0104 05 68656c6c6f 0002 0708 02 ffffff 000002 01 0001");
    assert_packed(pack_new_lists(&pool, "", NULL, 0, NULL, 0, NULL, 0), "0104 00 0000 00 00");
    assert_nothing_is_live();
}
END_TEST

START_TEST(absent_fields_have_no_bytes)
{
    const uint16_t a = 0x0102;
    const uint32_t d = 0x030405;
    const uint8_t c = 6, i = 9;

    assert_packed(pack_new_maybe(&pool, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), "0105 0000 ff");
    assert_packed(pack_new_maybe(&pool, &a, "xy", &c, &d, NULL, NULL, NULL, NULL, &i, (const int64_t[]){ 1, -1 }),
                  "0105 8701 0102 02 7879 06 030405 09 000000000001 ffffffffffff");
    assert_invalid("0105 0002 ff", "Maybe", NULL, "a presence bit of no field is not 0");
    assert_nothing_is_live();
}
END_TEST

START_TEST(structs_are_packed_inside)
{
    const struct pack_spot one = pack_make_spot(-1, NULL, 0x010203), other = pack_make_spot(2, "ab", 3);

    assert_packed(pack_new_nested(&pool, &one, (const struct pack_spot[]){ other, one }, &other, 1),
                  "0106 00 ffff 010203  01 0002 02 6162 000003  00 ffff 010203  01  01 0002 02 6162 000003");
    assert_invalid("0106 00 ffff 010203 00 0000 000000 02 0000 000000 00 00", "Nested", "two[1]",
                   "two[1] has a presence bit of no field that is not 0");
    assert_invalid("0106 00 ffff 010203 00 0000 000000 01 0000 05 6162636465 000000 00", "Nested", "two[1].name",
                   "two[1].name has 5 characters, at most 4");
    assert_invalid("0106 00 ffff 010203 00 0000 000000 01 0000 02 6100 000000 00", "Nested", "two[1].name",
                   "two[1].name has 1 characters, and its length is 2");
    assert_nothing_is_live();
}
END_TEST

START_TEST(an_alternative_has_its_number_and_its_bytes)
{
    const uint32_t n = 0x01020304;
    const uint16_t small = 5;
    const bool is = true;
    const struct pack_spot spot = pack_make_spot(1, NULL, 2);

    assert_packed(pack_new_choice(&pool, &n, NULL, NULL, NULL, NULL), "0107 01 01020304 00");
    assert_packed(pack_new_choice(&pool, NULL, "abc", NULL, &small, NULL), "0107 02 03 616263 01 0005");
    assert_packed(pack_new_choice(&pool, NULL, NULL, &spot, NULL, &is), "0107 03 00 0001 000002 02 01");
    assert_invalid("0107 00 00", "Choice", "v", "v is none of n, t, s");
    assert_invalid("0107 04 00", "Choice", "v", "v is none of n, t, s");
    assert_invalid("0107 02 06 616263646566 00", "Choice", "v.t", "v.t has 6 characters, at most 5");
    assert_nothing_is_live();
}
END_TEST

START_TEST(tails_have_a_length_and_no_terminator)
{
    const struct pack_spot spots[] = { pack_make_spot(1, NULL, 2), pack_make_spot(3, "", 4) };

    assert_packed(pack_new_tails(&pool, "ab", 2, 0x0304, (const uint32_t[]){ 1, 2 }, 2, spots, 2, "z", 1),
                  "0108 01 02 6162 0304 02 00000001 00000002 02 00 0001 000002 01 0003 00 000004 01 7a");
    assert_packed(pack_new_tails(&pool, "", 0, 0, NULL, 0, NULL, 0, NULL, 0), "0108 00 00 0000 00 00");
    assert_invalid("0108 00 00 0000 05 00", "Tails", "numbers", "numbers has 5 elements, at most 4");
    assert_invalid("0108 00 02 6100 0000 00 00", "Tails", "name", "name has a NUL at 1");
    assert_nothing_is_live();
}
END_TEST

START_TEST(each_text_of_a_list_has_a_length)
{
    struct pack *const dirt = pack_new_texts(&pool, (const char *const[]){ "zzzzzz" }, 1, 9);
    struct pack *const msg = pack_new_texts(&pool, (const char *const[]){ "a", "", "bcd" }, 3, 9);

    pack_free(&pool, dirt); /* its slot is the next */
    assert_packed(msg, "0109 03 01 61 00 03 626364 09");
    assert_invalid("0109 05 00 00 00 00 00 09", "Texts", "names", "names has 5 elements, at most 4");
    assert_invalid("0109 02 00 0a 00 00 00 00 00 00 00 00 00 00 09", "Texts", "names[1]",
                   "names[1] has more than 9 characters");
    assert_invalid("0109 01 02 6100 09", "Texts", "names[0]", "names[0] has a NUL");
    assert_nothing_is_live();
}
END_TEST

START_TEST(lists_structs_and_alternatives_can_be_absent)
{
    const struct pack_spot spot = pack_make_spot(1, "a", 2);
    const bool is = true;

    assert_packed(pack_new_optional(&pool, NULL, NULL, 0, NULL, NULL, 0, NULL, NULL, 0), "0201 00 00000000 00");
    assert_packed(pack_new_optional(&pool, &spot, (const uint32_t[]){ 1, 0x020304 }, 2, &is, (const uint8_t[]){ 5 }, 1,
                                    NULL, (const uint16_t[]){ 6, 7 }, 2),
                  "0201 07 01 0001 01 61 000002 02 000001 020304 01 00000001 05 02 02 0006 0007");
    assert_nothing_is_live();
}
END_TEST

START_TEST(tails_without_a_small_bound_have_longer_lengths)
{
    const uint16_t code = 0x0102;
    const struct pack_spot spot = pack_make_spot(1, NULL, 2);

    assert_packed(pack_new_open(&pool, NULL, "", 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0),
                  "0202 00 ffff 00000000 00 0000");
    assert_packed(pack_new_open(&pool, &code, "a", 1, (const uint8_t[]){ 3 }, 1, &spot, 1,
                                (const char *const[]){ "b", "" }, 2, (const uint8_t[]){ 4, 5 }, 2,
                                (const uint64_t[]){ 6 }, 1),
                  "0202 07 0102 00000001 61 00000001 03 01 00 0001 000002 00000002 00000001 62 00000000 02 0405 0001 "
                  "0000000000000006");
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_message_without_fields_is_its_tag)
{
    assert_packed(pack_new_nothing(&pool), "010a");
    assert_invalid("010b", NULL, NULL, "no message has the tag 267");
    assert_nothing_is_live();
}
END_TEST

START_TEST(values_that_the_schema_does_not_allow_are_refused)
{
    assert_invalid("0103 0002 0000 0000 61616161 0000 0000 0000", "Named", "level",
                   "level 2 is not declared: it has low, high");
    assert_invalid("0103 0001 0002 0000 61616161 0000 0000 0000", "Named", "caps",
                   "caps has bits that are not declared: 0x2");
    assert_invalid("0103 0001 0000 0020 61616161 0000 0000 0000", "Named", "bits",
                   "bits has bits that are not declared: 0x20");
    assert_invalid(
        "0102 11 2122 313233 41424344 515253545556 6162636465666768 fe fffd fffffc fffffffffffb 3e00 c0000000 "
        "3fe0000000000000 02 78",
        "Numbers", "n", "n is neither false nor true");
    assert_packed(pack_new_bounded(&pool, -9, -1, 0x0204, PACK_LEVEL_HIGH, PACK_RIGHTS_READ | PACK_RIGHTS_WRITE),
                  "0200 fffffffffffffff7 bff0000000000000 0204 0203 09");
    assert_invalid("0200 000000000000000a 0000000000000000 0000 0001 00", "Bounded", "number",
                   "number 10 is not in -9..9");
    assert_invalid("0200 0000000000000009 bff0000000000001 0000 0001 00", "Bounded", "share",
                   "share -1.0000000000000002 is not in -1.0..1.0");
    assert_invalid("0200 0000000000000009 7ff8000000000000 0000 0001 00", "Bounded", "share",
                   "share NaN is not in -1.0..1.0");
    assert_invalid("0200 0000000000000009 0000000000000000 0005 0001 00", "Bounded", "status.source",
                   "status.source 5 is not in 0..4");
    assert_invalid("0200 0000000000000009 0000000000000000 0000 0001 02", "Bounded", "rights",
                   "rights has bits that are not declared: 0x2");
    assert_nothing_is_live();
}
END_TEST

/* ---- Payloads without a tag */

static void assert_payload(struct frame *msg, uint32_t tag, const char *hex)
{
    unsigned char encoded[100];
    size_t count;
    unsigned char *const bytes = bytes_of(hex, &count);
    struct protopool_received result;
    struct frame *received;

    ck_assert(msg != NULL);
    ck_assert_uint_eq(frame_encoded_size(msg), count);
    ck_assert_uint_eq(frame_encode(msg, encoded, count), count);
    ck_assert_mem_eq(encoded, bytes, count);
    received = frame_receive_as(&frames, tag, bytes, count, &result);
    ck_assert(received != NULL && frame_equal(msg, received) && result.used == count);
    frame_free(&frames, received);
    frame_free(&frames, msg);
    free(bytes);
}

static struct protopool_received *refused(uint32_t tag, const char *hex)
{
    static struct protopool_received result;
    size_t count;
    unsigned char *const bytes = bytes_of(hex, &count);

    ck_assert(frame_receive_as(&frames, tag, bytes, count, &result) == NULL);
    free(bytes);
    return &result;
}

START_TEST(a_payload_has_no_tag_and_its_last_field_no_length)
{
    const struct frame_cell cells[] = { frame_make_cell(1, -2), frame_make_cell(0x0304, 5) };
    const struct frame_label labels[] = { frame_make_label("ab"), frame_make_label("") };
    const uint16_t c = 5;
    const struct frame_pair pairs[] = { frame_make_pair(1, 2, NULL), frame_make_pair(3, 4, &c) };
    struct protopool_received result;

    assert_payload(frame_new_log(&frames, 3, "hello", 5), FRAME_LOG, "03 68656c6c6f");
    assert_payload(frame_new_log(&frames, 3, "", 0), FRAME_LOG, "03");
    assert_payload(frame_new_cells(&frames, 2, cells, 2), FRAME_CELLS, "0200 0100 feffff 0403 050000");
    assert_payload(frame_new_labels(&frames, labels, 2), FRAME_LABELS, "02 6162 00");
    assert_payload(frame_new_labels(&frames, labels, 0), FRAME_LABELS, "");
    assert_payload(frame_new_fixed(&frames, 0x01020304, 0x010203040506), FRAME_FIXED, "04030201 060504030201");
    assert_payload(frame_new_reset(&frames), FRAME_RESET, "");
    assert_payload(frame_new_short(&frames, NULL, "ab"), FRAME_SHORT, "00 6162");
    assert_payload(frame_new_data(&frames, 1, (const uint8_t[]){ 0, 2 }, 2), FRAME_DATA, "01000000 0002");
    assert_payload(frame_new_numbers(&frames, 2, (const uint32_t[]){ 3, 0x040506 }, 2), FRAME_NUMBERS,
                   "0200 030000 060504");
    assert_payload(frame_new_few(&frames, (const char *const[]){ "ab", "" }, 2, (const uint64_t[]){ 1 }, 1), FRAME_FEW,
                   "02 02000000 6162 00000000 0100000000000000");
    assert_payload(frame_new_pairs(&frames, "a", pairs, 2), FRAME_PAIRS, "01 61 00 01 020000 01 03 040000 0500");
    assert_payload(frame_new_arrays(&frames, (const int16_t[]){ -1, 2, 3, 4, 5 }, pairs, 0.5), FRAME_ARRAYS,
                   "ffff 0200 0300 0400 0500 00 01 020000 01 03 040000 0500 000000000000e03f");
    ck_assert(frame_receive_as(&frames, FRAME_RESET, NULL, 0, &result) != NULL);
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_payload_must_be_all_of_the_bytes)
{
    ck_assert_str_eq(refused(FRAME_FIXED, "04030201 060504030201 00")->refusal.text, "1 byte is left over");
    ck_assert_str_eq(refused(FRAME_RESET, "0000")->refusal.text, "2 bytes are left over");
    ck_assert_str_eq(refused(FRAME_LOG, "03 68656c6c6f21")->refusal.text, "text has 6 characters, at most 5");
    ck_assert_str_eq(refused(FRAME_LABELS, "00 00 00 00")->refusal.text, "labels has 4 elements, at most 3");
    ck_assert_str_eq(refused(FRAME_LABELS, "00 0a 61616161616161616161")->refusal.text,
                     "labels[1].text has 10 characters, at most 9");
    ck_assert_str_eq(refused(9999, "")->refusal.text, "no message has the tag 9999");
    ck_assert_uint_eq(refused(FRAME_FIXED, "04030201 0605")->missing, 4);
    ck_assert_uint_eq(refused(FRAME_CELLS, "0200 0100 feffff 04")->missing, 4);
    ck_assert_uint_eq(refused(FRAME_LABELS, "02 61")->missing, 1);
    ck_assert_uint_eq(refused(FRAME_LOG, "")->missing, 1);
    assert_nothing_is_live();
}
END_TEST

START_TEST(zeros_that_were_left_out_are_put_back)
{
    const unsigned char payload[10] = { 4, 3 };
    struct protopool_received result;
    struct frame *msg = frame_receive_as(&frames, FRAME_FIXED, payload, 2, &result);

    ck_assert(msg == NULL && result.status == PROTOPOOL_INCOMPLETE && 2 + result.missing == sizeof payload);
    msg = frame_receive_as(&frames, FRAME_FIXED, payload, 2 + result.missing, &result);
    ck_assert(msg != NULL && frame_as_fixed(msg)->a == 0x0304);
    frame_free(&frames, msg);
    assert_nothing_is_live();
}
END_TEST

START_TEST(a_full_pool_is_told_from_bad_bytes)
{
    PACK_POOL_STORAGE(memory);
    static struct pack_pool fixed;
    struct protopool_received result;
    struct pack *msg[2];
    unsigned char bytes[100];
    struct pack *const one = pack_new_numbers(&pool, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 'x');
    const size_t size = pack_encode(one, bytes, sizeof bytes);

    pack_free(&pool, one);
    ck_assert(pack_pool_init(&fixed, memory, sizeof memory));
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < 2; i++) {
            bytes[size - 2] = 2; /* no bool: its slot goes back */
            ck_assert(pack_receive(&fixed, bytes, size, &result) == NULL && result.status == PROTOPOOL_INVALID);
            bytes[size - 2] = 1;
            msg[i] = pack_receive(&fixed, bytes, size, &result);
            ck_assert(msg[i] != NULL);
        }
        ck_assert(pack_receive(&fixed, bytes, size, &result) == NULL && result.status == PROTOPOOL_NO_MEMORY);
        pack_free(&fixed, msg[0]);
        pack_free(&fixed, msg[1]);
    }
    ck_assert_uint_eq(pack_pool_fini(&fixed), 0);
    assert_nothing_is_live();
}
END_TEST

/* Bytes that another thread changes all the time. */

static unsigned char shared[400];
static size_t shared_count;
static atomic_bool is_done;

static void *change(void *unused)
{
    volatile unsigned char *const bytes = shared;
    unsigned seed = 1;

    while (!atomic_load(&is_done)) {
        const size_t at = 2 + (seed >> 8) % (shared_count - 2);
        const unsigned char was = bytes[at];
        bytes[at] = (unsigned char)(was ^ 1U << (seed >> 24) % 3);
        bytes[at] = was;
        seed = seed * 1103515245U + 12345U;
    }
    return unused;
}

START_TEST(bytes_can_change_while_they_are_received)
{
    struct pack *const msg = pack_new_tails(&pool, "abc", 3, 1, (const uint32_t[]){ 1, 2, 3 }, 3, NULL, 0, "xyz", 3);
    pthread_t thread;
    unsigned received = 0;

    shared_count = pack_encode(msg, shared, sizeof shared);
    pack_free(&pool, msg);
    ck_assert_int_eq(pthread_create(&thread, NULL, change, NULL), 0);
    for (unsigned i = 0; i < 200000; i++) {
        struct protopool_received result;
        struct pack *const got = pack_receive(&pool, shared, shared_count, &result);
        ASSERT(got == NULL || (result.used <= shared_count && pack_validate(got, pack_size(got))));
        received += got != NULL;
        pack_free(&pool, got);
    }
    atomic_store(&is_done, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_ne(received, 0);
    assert_nothing_is_live();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("packed");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 60;
    test_setup = setup;
    ADD_TEST(suite, numbers_have_the_bytes_of_their_types);
    ADD_TEST(suite, named_values_have_their_base_and_constants_no_bytes);
    ADD_TEST(suite, lists_have_a_length_and_the_elements_that_are_used);
    ADD_TEST(suite, absent_fields_have_no_bytes);
    ADD_TEST(suite, structs_are_packed_inside);
    ADD_TEST(suite, an_alternative_has_its_number_and_its_bytes);
    ADD_TEST(suite, tails_have_a_length_and_no_terminator);
    ADD_TEST(suite, each_text_of_a_list_has_a_length);
    ADD_TEST(suite, lists_structs_and_alternatives_can_be_absent);
    ADD_TEST(suite, tails_without_a_small_bound_have_longer_lengths);
    ADD_TEST(suite, a_message_without_fields_is_its_tag);
    ADD_TEST(suite, values_that_the_schema_does_not_allow_are_refused);
    ADD_TEST(suite, a_payload_has_no_tag_and_its_last_field_no_length);
    ADD_TEST(suite, a_payload_must_be_all_of_the_bytes);
    ADD_TEST(suite, zeros_that_were_left_out_are_put_back);
    ADD_TEST(suite, a_full_pool_is_told_from_bad_bytes);
    ADD_TEST(suite, bytes_can_change_while_they_are_received);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
