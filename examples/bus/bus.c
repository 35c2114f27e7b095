// SPDX-License-Identifier: Apache-2.0 OR MIT
/* What feed.c and reader.c share. */

#include "bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

enum { MOST_PATH = 100 }; /* the address of a socket in the file system has room for 107 characters */

void must(bool is_right, const char *what)
{
    if (is_right)
        return;
    fprintf(stderr, "bus: %s: %s\n", what, errno != 0 ? zmq_strerror(errno) : "failed");
    exit(EXIT_FAILURE);
}

static bool is_little_endian(void)
{
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 1;
}

void bus_begin(struct bus *bus, bool uses_malloc)
{
    bus->uses_malloc = uses_malloc;
    bus->context = zmq_ctx_new();
    must(bus->context != NULL, "zmq_ctx_new");
    must(pthread_mutex_init(&bus->mutex, NULL) == 0, "pthread_mutex_init");
    must(calc_depot_init(&bus->depot, NULL), "the depot");
    must(calc_pool_join(&bus->pool, &bus->depot) && calc_pool_join(&bus->returns, &bus->depot), "the pools");
}

void *bus_socket(struct bus *bus, int type, int milliseconds)
{
    void *const socket = zmq_socket(bus->context, type);
    must(socket != NULL, "zmq_socket");
    must(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &milliseconds, sizeof milliseconds) == 0, "ZMQ_RCVTIMEO");
    must(zmq_setsockopt(socket, ZMQ_SNDTIMEO, &milliseconds, sizeof milliseconds) == 0, "ZMQ_SNDTIMEO");
    return socket;
}

size_t bus_end(struct bus *bus)
{
    must(zmq_ctx_term(bus->context) == 0, "zmq_ctx_term"); /* waits until all is sent, and ends ZeroMQ's threads */
    (void)calc_pool_fini(&bus->returns);
    (void)calc_pool_fini(&bus->pool);
    (void)pthread_mutex_destroy(&bus->mutex);
    return calc_depot_fini(&bus->depot);
}

/* ZeroMQ calls it from a thread of its own when it needs the bytes no longer. */
static void free_sent(void *msg, void *bus)
{
    struct bus *const of = (struct bus *)bus;
    (void)pthread_mutex_lock(&of->mutex);
    calc_free(&of->returns, (struct calc *)msg);
    (void)pthread_mutex_unlock(&of->mutex);
}

static void free_sent_block(void *block, void *bus)
{
    (void)bus;
    free(block);
}

void bus_send(struct bus *bus, void *socket, const struct calc *msg)
{
    const size_t bytes = calc_encoded_size(msg);
    zmq_msg_t frame;

    if (bus->uses_malloc) {
        void *const block = malloc(bytes);
        must(block != NULL, "malloc");
        memcpy(block, msg, bytes);
        must(zmq_msg_init_data(&frame, block, bytes, free_sent_block, NULL) == 0, "zmq_msg_init_data");
    } else if (is_little_endian()) { /* the message in its slot is what is sent */
        struct calc *const copy = calc_clone(&bus->pool, msg);
        must(copy != NULL, "the pool");
        calc_scrub(copy);
        must(zmq_msg_init_data(&frame, copy, bytes, free_sent, bus) == 0, "zmq_msg_init_data");
    } else {
        must(zmq_msg_init_size(&frame, bytes) == 0, "zmq_msg_init_size");
        must(calc_encode(msg, zmq_msg_data(&frame), bytes) == bytes, "calc_encode");
    }
    must(zmq_msg_send(&frame, socket, 0) >= 0, "zmq_msg_send");
}

struct calc *bus_receive(struct bus *bus, void *socket)
{
    struct protopool_received received;
    struct calc *msg;
    zmq_msg_t frame;
    size_t bytes;

    must(zmq_msg_init(&frame) == 0, "zmq_msg_init");
    must(zmq_msg_recv(&frame, socket, 0) >= 0, "zmq_msg_recv");
    bytes = zmq_msg_size(&frame);
    errno = 0;
    if (bus->uses_malloc) {
        msg = (struct calc *)malloc(bytes);
        must(msg != NULL, "malloc");
        memcpy(msg, zmq_msg_data(&frame), bytes);
        must(calc_validate(msg, bytes), "the message is invalid");
    } else {
        msg = calc_receive(&bus->pool, zmq_msg_data(&frame), bytes, &received);
        must(msg != NULL && received.used == bytes, "the message is invalid, or the pool has no memory");
    }
    (void)zmq_msg_close(&frame);
    return msg;
}

void bus_free(struct bus *bus, struct calc *msg)
{
    if (bus->uses_malloc)
        free(msg);
    else
        calc_free(&bus->pool, msg);
}

union calc_any bus_message(uint64_t n)
{
    char text[32];
    union calc_any any;

    memset(&any, 0, sizeof any);
    (void)snprintf(text, sizeof text, "message %llu", (unsigned long long)n);
    switch (n % 4) {
    case 0:
        any.add = calc_make_add(n, 7);
        break;
    case 1:
        any.negate = calc_make_negate((int64_t)n);
        break;
    case 2:
        any.store = calc_make_store(text, (double)n);
        break;
    default:
        any.log = calc_make_log(n, text);
        break;
    }
    return any;
}

static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > most) {
        fprintf(stderr, "bus: %s is no number up to %llu\n", text, (unsigned long long)most);
        exit(2);
    }
    return value;
}

struct bus_options bus_options(int argc, char **argv)
{
    static char feed[MOST_PATH + 20], requests_at[MOST_PATH + 20];
    struct bus_options options = { .messages = 1000000, .requests = 20000 };
    const char *folder = "/tmp";
    uint64_t port = 0;

    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--malloc") == 0) {
            options.uses_malloc = true;
        } else if (has_value && strcmp(argv[i], "--messages") == 0) {
            options.messages = number(argv[++i], 100000000);
        } else if (has_value && strcmp(argv[i], "--requests") == 0) {
            options.requests = number(argv[++i], 100000000);
        } else if (has_value && strcmp(argv[i], "--port") == 0) {
            port = number(argv[++i], 65534);
        } else if (has_value && strcmp(argv[i], "--folder") == 0 && strlen(argv[i + 1]) <= MOST_PATH - 10) {
            folder = argv[++i];
        } else {
            fprintf(stderr, "usage: %s [--messages N] [--requests N] [--folder FOLDER | --port PORT] [--malloc]\n",
                    argv[0]);
            exit(2);
        }
    }
    if (port != 0) {
        (void)snprintf(feed, sizeof feed, "tcp://127.0.0.1:%u", (unsigned)port);
        (void)snprintf(requests_at, sizeof requests_at, "tcp://127.0.0.1:%u", (unsigned)port + 1);
    } else {
        (void)snprintf(feed, sizeof feed, "ipc://%s/feed", folder);
        (void)snprintf(requests_at, sizeof requests_at, "ipc://%s/requests", folder);
    }
    options.feed = feed;
    options.requests_at = requests_at;
    return options;
}
