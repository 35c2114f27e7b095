/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The side of protopool in test_peers.py, for a protocol `peer` whose tags are not sent, and for the constructors in construct.h.
 * Each line of standard input is a request, with a tag and bytes in hexadecimal behind a `-`, or numbers and texts. Each is answered
 * with a line:
 *
 *   receive 5 -0102     "received", the bytes of the message that was received, and the message, printed; or "incomplete" and how
 *                       many bytes are missing; or "invalid" and why
 *   extend 5 -0102      the same, with zeros in place of what is missing
 *   construct 5 258     the same as "receive", for a message that was constructed
 */

#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is left of a request. A request that is not understood ends the program. */
struct values {
    const char *at;
};

static void fail(const char *at)
{
    fprintf(stderr, "not understood: %.40s\n", at);
    exit(EXIT_FAILURE);
}

static const char *read_word(struct values *in, size_t *count)
{
    const char *const word = in->at + strspn(in->at, " ");
    *count = strcspn(word, " \n");
    if (*count == 0)
        fail(in->at);
    in->at = word + *count;
    return word;
}

#define READ(name, type, read) \
    static inline type name(struct values *in) \
    { \
        size_t count; \
        const char *const word = read_word(in, &count); \
        char *end; \
        const type value = (type)read; \
        if (end != word + count) \
            fail(word); \
        return value; \
    } \
    static inline type name(struct values *in)

READ(read_u64, uint64_t, strtoull(word, &end, 10));
READ(read_i64, int64_t, strtoll(word, &end, 10));
READ(read_u32, uint32_t, strtoull(word, &end, 10));
READ(read_i32, int32_t, strtoll(word, &end, 10));
READ(read_u24, uint32_t, strtoull(word, &end, 10));
READ(read_u16, uint16_t, strtoull(word, &end, 10));
READ(read_i16, int16_t, strtoll(word, &end, 10));
READ(read_u8, uint8_t, strtoull(word, &end, 10));
READ(read_i8, int8_t, strtoll(word, &end, 10));
READ(read_f32, float, strtof(word, &end));
READ(read_f64, double, strtod(word, &end));

static inline size_t read_count(struct values *in, size_t most)
{
    const size_t count = read_u32(in);
    if (count > most)
        fail(in->at);
    return count;
}

static inline size_t read_bytes(struct values *in, unsigned char *bytes, size_t room)
{
    size_t count;
    const char *const word = read_word(in, &count);
    if (word[0] != '-' || count % 2 == 0 || count / 2 > room)
        fail(word);
    for (size_t i = 0; i < count / 2; i++) {
        const char digits[] = { word[1 + 2 * i], word[2 + 2 * i], '\0' };
        char *end;
        bytes[i] = (unsigned char)strtoul(digits, &end, 16);
        if (*end != '\0')
            fail(word);
    }
    return count / 2;
}

static inline size_t read_text(struct values *in, char *text, size_t room)
{
    const size_t count = read_bytes(in, (unsigned char *)text, room - 1);
    text[count] = '\0';
    return count;
}

#include "construct.h"

/* False if encode is wrong about its own size. */
static bool answer(const struct peer *msg)
{
    const size_t bytes = peer_encoded_size(msg);
    unsigned char *const buffer = malloc(bytes != 0 ? bytes : 1);
    bool is_good;

    if (buffer == NULL)
        return false;
    is_good = (bytes == 0 || peer_encode(msg, buffer, bytes - 1) == 0) && peer_encode(msg, buffer, bytes) == bytes;
    printf("received -");
    for (size_t i = 0; i < bytes; i++)
        printf("%02x", buffer[i]);
    printf(" ");
    peer_print(stdout, msg);
    puts("");
    free(buffer);
    return is_good;
}

/* The bytes are in an allocation of their own, whose end the sanitizers know. */
static struct peer *receive(struct peer_pool *pool, uint32_t tag, const void *payload, size_t count,
                            struct protopool_received *result)
{
    void *const bytes = malloc(count != 0 ? count : 1);
    struct peer *msg;

    if (bytes == NULL)
        exit(EXIT_FAILURE);
    memcpy(bytes, payload, count);
    msg = peer_receive_as(pool, tag, bytes, count, result);
    free(bytes);
    return msg;
}

static bool receive_and_answer(struct peer_pool *pool, uint32_t tag, struct values *in, bool may_extend)
{
    static unsigned char payload[1000];
    struct protopool_received result;
    size_t count = read_bytes(in, payload, sizeof payload);
    struct peer *msg = receive(pool, tag, payload, count, &result);
    bool is_good = true;

    while (may_extend && result.status == PROTOPOOL_INCOMPLETE && result.missing <= sizeof payload - count) {
        memset(payload + count, 0, result.missing);
        count += result.missing;
        msg = receive(pool, tag, payload, count, &result);
    }
    switch (result.status) {
    case PROTOPOOL_RECEIVED:
        is_good = result.used == count && answer(msg);
        peer_free(pool, msg);
        break;
    case PROTOPOOL_INCOMPLETE:
        printf("incomplete %zu\n", result.missing);
        break;
    case PROTOPOOL_INVALID:
        printf("invalid %s\n", result.refusal.text);
        break;
    case PROTOPOOL_NO_MEMORY:
        is_good = false;
        break;
    }
    return is_good;
}

static bool construct_and_answer(struct peer_pool *pool, uint32_t tag, struct values *in)
{
    struct peer *const msg = construct(pool, (enum peer_tag)tag, in);
    const bool is_good = msg != NULL && answer(msg);

    peer_free(pool, msg);
    return is_good;
}

int main(void)
{
    static struct peer_pool pool;
    char *line = NULL;
    size_t room = 0;
    bool is_good = peer_pool_init_growing(&pool, NULL);

    while (is_good && getline(&line, &room, stdin) > 0) {
        struct values in = { line };
        size_t count;
        const char what = *read_word(&in, &count);
        const uint32_t tag = read_u32(&in);
        is_good =
            what == 'c' ? construct_and_answer(&pool, tag, &in) : receive_and_answer(&pool, tag, &in, what == 'e');
    }
    free(line);
    return peer_pool_fini(&pool) == 0 && is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
