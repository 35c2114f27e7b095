/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The peer in C of python_peer.py, for a protocol `all`. Standard input has a number of 4 bytes and as many bytes, again and again.
 * For each it prints "received", how many bytes were used, those of the message in hexadecimal, the message, and the message
 * printed pretty; or "incomplete" and how many are missing; or "invalid" and why. Each of these ends with a NUL.
 */

#include "all.h"

#include <stdio.h>
#include <stdlib.h>

static void answer(const char *text)
{
    fputs(text, stdout);
    putchar('\0');
}

static void answer_number(size_t number)
{
    printf("%zu", number);
    putchar('\0');
}

/* False if encode is wrong about its own size. */
static bool answer_message(const struct all *msg)
{
    const size_t bytes = all_encoded_size(msg);
    unsigned char *const buffer = malloc(bytes != 0 ? bytes : 1);
    bool is_good;

    if (buffer == NULL)
        return false;
    is_good = (bytes == 0 || all_encode(msg, buffer, bytes - 1) == 0) && all_encode(msg, buffer, bytes) == bytes;
    for (size_t i = 0; i < bytes; i++)
        printf("%02x", buffer[i]);
    answer("");
    all_print(stdout, msg);
    answer("");
    all_print_pretty(stdout, msg);
    answer("");
    free(buffer);
    return is_good;
}

/* The bytes are in an allocation of their own, whose end the sanitizers know. */
static bool receive(struct all_pool *pool, const void *bytes, size_t count)
{
    struct protopool_received result;
#ifdef ALONE /* the tag is in front of the payload, in 4 bytes */
    const unsigned char *const at = (const unsigned char *)bytes;
    const uint32_t tag = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    struct all *const msg = all_receive_as(pool, tag, at + 4, count - 4, &result);
#else
    struct all *const msg = all_receive(pool, bytes, count, &result);
#endif
    bool is_good = true;

    if (msg != NULL) {
        answer("received");
        answer_number(result.used);
        is_good = answer_message(msg);
        all_free(pool, msg);
    } else if (result.status == PROTOPOOL_INCOMPLETE) {
        answer("incomplete");
        answer_number(result.missing);
    } else {
        answer(result.status == PROTOPOOL_INVALID ? "invalid" : "no memory");
        answer(result.status == PROTOPOOL_INVALID ? result.refusal.text : "");
    }
    return is_good;
}

int main(void)
{
    static struct all_pool pool;
    unsigned char head[4];
    bool is_good = all_pool_init_growing(&pool, NULL);

    while (is_good && fread(head, sizeof head, 1, stdin) == 1) {
        const size_t count = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        unsigned char *const bytes = malloc(count != 0 ? count : 1);
        is_good = bytes != NULL && fread(bytes, 1, count, stdin) == count && receive(&pool, bytes, count);
        free(bytes);
    }
    return all_pool_fini(&pool) == 0 && is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
