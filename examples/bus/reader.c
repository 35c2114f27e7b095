// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Reads the messages of feed.c, checks that each is there and right, then sends requests and checks the replies. See run.sh.
 *
 * reader [--messages N] [--requests N] [--folder FOLDER | --port PORT] [--malloc]
 */

#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

enum { PATIENCE = 30000 }; /* milliseconds */

static double nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

/* Returns the nanoseconds per message, from the first to the last. */
static double read_feed(struct bus *bus, const struct bus_options *options)
{
    void *const socket = bus_socket(bus, ZMQ_SUB, PATIENCE);
    double began = 0, took;
    uint64_t n = 0;

    must(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0, "ZMQ_SUBSCRIBE");
    must(zmq_connect(socket, options->feed) == 0, options->feed);
    for (;; n++) {
        const union calc_any expected = bus_message(n);
        struct calc *const msg = bus_receive(bus, socket);
        const bool is_last = calc_tag_of(msg) == CALC_QUIT, is_right = calc_equal(msg, &expected.base);
        bus_free(bus, msg);
        if (is_last)
            break;
        must(is_right, "a message is missing or wrong");
        if (n == 0)
            began = nanoseconds();
    }
    took = nanoseconds() - began;
    must(n == options->messages, "messages are missing");
    must(zmq_close(socket) == 0, "zmq_close");
    return n > 1 ? took / (double)(n - 1) : 0;
}

/* Returns the nanoseconds per request and reply. */
static double ask(struct bus *bus, const struct bus_options *options)
{
    void *const socket = bus_socket(bus, ZMQ_REQ, PATIENCE);
    const struct calc_quit quit = calc_make_quit();
    double took = nanoseconds();

    must(zmq_connect(socket, options->requests_at) == 0, options->requests_at);
    for (uint64_t n = 0; n < options->requests; n++) {
        const struct calc_apply request = calc_make_apply(CALC_OPERATION_MULTIPLY, (double)n, 3);
        const struct calc_store *store;
        struct calc *reply;
        bus_send(bus, socket, &request.base);
        reply = bus_receive(bus, socket);
        store = calc_if_store(reply);
        must(store != NULL && store->value == 3 * (double)n, "a reply is wrong");
        bus_free(bus, reply);
    }
    took = nanoseconds() - took;
    bus_send(bus, socket, &quit.base);
    bus_free(bus, bus_receive(bus, socket));
    must(zmq_close(socket) == 0, "zmq_close");
    return options->requests > 0 ? took / (double)options->requests : 0;
}

int main(int argc, char **argv)
{
    const struct bus_options options = bus_options(argc, argv);
    double per_message, per_request;
    struct bus bus;
    size_t live;

    bus_begin(&bus, options.uses_malloc);
    per_message = read_feed(&bus, &options);
    per_request = ask(&bus, &options);
    live = bus_end(&bus);
    printf("%s: %llu messages, %.0f ns each; %llu requests with their replies, %.1f us each; %zu messages are live\n",
           options.uses_malloc ? "malloc" : "pool", (unsigned long long)options.messages, per_message,
           (unsigned long long)options.requests, 1e-3 * per_request, live);
    return live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
