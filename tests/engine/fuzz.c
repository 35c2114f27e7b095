// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * For libFuzzer: the input is a program of makes (of every length), clones, edits, frees, flushes and changes between two
 * pools of a depot, or a pool on its own; each message is compared with what it was made of, and nothing may be left. Or
 * the input is taken for a message that came from outside: what validate lets through is printed, compared, hashed, cloned. So
 * is one with several tails. Or it is received, also as packed messages.
 */

#define PROTOPOOL_NO_ANALYSIS
#include "frame.h"
#include "itch.h"
#include "pack.h"
#include "parcel.h"
#include "telemetry.h"

#include <stdlib.h>

#define ASSERT(condition) ((condition) ? (void)0 : abort())

enum { LIVE = 32, LONGEST = 70000 };

static struct telemetry_depot depot;
static struct telemetry_pool pools[2];
static struct {
    struct telemetry *msg;
    uint64_t seed;
    size_t length;
} live[LIVE];
static char text[LONGEST + 1];

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

struct reader {
    const uint8_t *at, *end;
};

static size_t next(struct reader *reader)
{
    return reader->at < reader->end ? *reader->at++ : 0;
}

static void make(struct telemetry_pool *pool, size_t i, uint64_t seed, size_t length)
{
    memset(text, 'a' + (int)(seed % 26), length);
    live[i].seed = seed;
    live[i].length = length;
    switch (seed % 3) {
    case 0:
        live[i].msg = telemetry_new_log(pool, seed, 7, text, length);
        break;
    case 1:
        live[i].length %= TELEMETRY_CHUNK_DATA_MAX + 1;
        live[i].msg = telemetry_new_chunk(pool, (uint16_t)seed, 1, (const uint8_t *)text, live[i].length);
        break;
    default:
        live[i].msg = telemetry_new_set_mode(pool, TELEMETRY_MODE_HOLD);
        break;
    }
    ASSERT(live[i].msg != NULL);
}

static void compare(size_t i)
{
    const struct telemetry *const msg = live[i].msg;
    const char *tail = text;
    size_t length = live[i].length;

    ASSERT(telemetry_validate(msg, telemetry_size(msg)));
    switch (live[i].seed % 3) {
    case 0:
        ASSERT(telemetry_as_log(msg)->time == live[i].seed);
        tail = telemetry_log_text(telemetry_as_log(msg), &length);
        break;
    case 1:
        ASSERT(telemetry_as_chunk(msg)->file == (uint16_t)live[i].seed);
        tail = (const char *)telemetry_chunk_data(telemetry_as_chunk(msg), &length);
        break;
    default:
        ASSERT(telemetry_as_set_mode(msg)->mode == TELEMETRY_MODE_HOLD);
        return;
    }
    ASSERT(length == live[i].length);
    for (size_t at = 0; at < length; at++)
        ASSERT(tail[at] == 'a' + (char)(live[i].seed % 26));
}

static void give_back(struct telemetry_pool *pool, size_t i)
{
    if (live[i].msg == NULL)
        return;
    compare(i);
    telemetry_free(pool, live[i].msg);
    live[i].msg = NULL;
}

static void step(struct reader *reader, bool is_shared)
{
    const size_t what = next(reader), i = next(reader) % LIVE;
    struct telemetry_pool *const pool = &pools[is_shared && what / 128 != 0];

    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        give_back(pool, i);
        make(pool, i, next(reader), (next(reader) | next(reader) << 8) % LONGEST >> next(reader) % 12);
        break;
    case 3:
        if (live[i].msg != NULL && live[(i + 1) % LIVE].msg == NULL) {
            live[(i + 1) % LIVE] = live[i];
            live[(i + 1) % LIVE].msg = telemetry_clone(pool, live[i].msg);
            ASSERT(telemetry_equal(live[i].msg, live[(i + 1) % LIVE].msg));
        }
        break;
    case 4:
        telemetry_pool_flush(pool);
        break;
    case 5:
        ASSERT(telemetry_reserve_log(pool, next(reader), next(reader) * 16));
        break;
    default:
        give_back(pool, i);
        break;
    }
}

static void take_from_outside(const uint8_t *input, size_t bytes)
{
    struct telemetry *const msg = (struct telemetry *)malloc(bytes + (bytes == 0)); /* exactly, for ASan */
    struct telemetry_pool *const pool = &pools[0];
    struct telemetry *clone;

    ASSERT(msg != NULL);
    if (bytes != 0)
        memcpy(msg, input, bytes);
    if (telemetry_validate(msg, bytes)) {
        ASSERT(telemetry_pool_init_growing(pool, NULL));
        clone = telemetry_clone(pool, msg);
        ASSERT(clone != NULL && telemetry_size(msg) <= bytes);
        ASSERT(telemetry_equal(msg, clone) && telemetry_hash(msg) == telemetry_hash(clone));
        ASSERT(telemetry_snprint(NULL, 0, msg) == telemetry_snprint(text, LONGEST, clone));
        telemetry_free(pool, clone);
        ASSERT(telemetry_pool_fini(pool) == 0);
    }
    free(msg);
}

/* The same for messages with several tails; parcel_snprint reads all of them. */
static void take_parcel_from_outside(const uint8_t *input, size_t bytes)
{
    struct parcel *const msg = (struct parcel *)malloc(bytes + (bytes == 0));
    static struct parcel_pool pool;
    struct parcel *clone;

    ASSERT(msg != NULL);
    if (bytes != 0)
        memcpy(msg, input, bytes);
    if (parcel_validate(msg, bytes)) {
        ASSERT(parcel_pool_init_growing(&pool, NULL));
        clone = parcel_clone(&pool, msg);
        ASSERT(clone != NULL && parcel_size(msg) <= bytes && parcel_validate(clone, parcel_size(msg)));
        ASSERT(parcel_equal(msg, clone) && parcel_hash(msg) == parcel_hash(clone));
        ASSERT(parcel_snprint(NULL, 0, msg) == parcel_snprint(text, LONGEST, clone));
        parcel_free(&pool, clone);
        ASSERT(parcel_pool_fini(&pool) == 0);
    }
    free(msg);
}

/* Takes the input for messages that were sent, at an odd address: each one that is received is valid, and is sent as the same bytes. */
#define RECEIVE(p) \
    static void receive_##p(const uint8_t *input, size_t bytes) \
    { \
        static struct p##_pool pool; \
        static unsigned char again[1 << 16]; \
        struct protopool_received result; \
        struct p *msg; \
        ASSERT(p##_pool_init_growing(&pool, NULL)); \
        while ((msg = p##_receive(&pool, input, bytes, &result)) != NULL) { \
            ASSERT(result.used <= bytes && p##_validate(msg, p##_size(msg))); \
            ASSERT(p##_encode(msg, again, sizeof again) == result.used && memcmp(again, input, result.used) == 0); \
            p##_free(&pool, msg); \
            input += result.used; \
            bytes -= result.used; \
        } \
        ASSERT(result.status == PROTOPOOL_INCOMPLETE || result.status == PROTOPOOL_INVALID); \
        ASSERT((result.status == PROTOPOOL_INCOMPLETE) == (result.missing != 0)); \
        ASSERT(p##_pool_fini(&pool) == 0); \
    }
RECEIVE(telemetry)
RECEIVE(parcel)
RECEIVE(pack)
RECEIVE(itch) /* its tags take one byte */

/* Takes the first byte for the variant of a payload, or for none, and the others for the payload. A payload that is too
 * short is received with what is missing, as long as that is little. */
static void receive_frame(const uint8_t *input, size_t bytes)
{
#define TAG_OF(X, x) FRAME_##X,
    static const uint32_t tags[] = { FRAME_VARIANTS(TAG_OF) 9999 };
    static struct frame_pool pool;
    static unsigned char again[1 << 16];
    struct protopool_received result;
    struct frame *msg;
    uint32_t tag;

    if (bytes == 0)
        return;
    tag = tags[input[0] % (sizeof tags / sizeof *tags)];
    ASSERT(frame_pool_init_growing(&pool, NULL));
    msg = frame_receive_as(&pool, tag, input + 1, bytes - 1, &result);
    for (size_t count = bytes - 1;
         msg == NULL && result.status == PROTOPOOL_INCOMPLETE && count + result.missing <= sizeof again;) {
        static unsigned char longer[1 << 16];
        ASSERT(result.missing != 0);
        memset(longer, 0, sizeof longer);
        memcpy(longer, input + 1, bytes - 1);
        count += result.missing;
        msg = frame_receive_as(&pool, tag, longer, count, &result);
        ASSERT(msg == NULL || result.used == count);
    }
    if (msg != NULL) {
        ASSERT(frame_validate(msg, frame_size(msg)) && frame_encoded_size(msg) == result.used);
        ASSERT(frame_encode(msg, again, sizeof again) == result.used);
        ASSERT(result.used >= bytes - 1 && memcmp(again, input + 1, bytes - 1) == 0);
        frame_free(&pool, msg);
    }
    ASSERT(frame_pool_fini(&pool) == 0);
}

static void run_program(const uint8_t *input, size_t bytes)
{
    struct reader reader = { input, input + bytes };
    const bool is_shared = next(&reader) % 2 != 0;

    if (is_shared)
        ASSERT(telemetry_depot_init(&depot, NULL) && telemetry_pool_join(&pools[0], &depot)
               && telemetry_pool_join(&pools[1], &depot));
    else
        ASSERT(telemetry_pool_init_growing(&pools[0], NULL));
    while (reader.at < reader.end)
        step(&reader, is_shared);
    for (size_t i = 0; i < LIVE; i++)
        give_back(&pools[0], i);
    ASSERT(telemetry_pool_fini(&pools[0]) == 0);
    if (is_shared)
        ASSERT(telemetry_pool_fini(&pools[1]) == 0 && telemetry_depot_fini(&depot) == 0);
}

/* The first byte chooses what is done with the others: the engine's pools take most of the time, so each input goes one way. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    static void (*const ways[])(const uint8_t *, size_t) = {
        run_program,  take_from_outside, take_parcel_from_outside, receive_telemetry, receive_parcel, receive_pack,
        receive_itch, receive_frame,
    };
    uint8_t *const exactly =
        (uint8_t *)malloc(bytes + (bytes == 0)); /* for ASan; what is behind the first byte is not aligned */

    ASSERT(exactly != NULL);
    if (bytes != 0) {
        memcpy(exactly, input, bytes);
        ways[exactly[0] % (sizeof ways / sizeof *ways)](exactly + 1, bytes - 1);
    }
    free(exactly);
    return 0;
}
