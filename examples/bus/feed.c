// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Publishes a feed of messages for one reader, then answers its requests, until it sends Quit. See run.sh.
 *
 * feed [--messages N] [--requests N] [--folder FOLDER | --port PORT] [--malloc]
 */

#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

enum { PATIENCE = 30000 }; /* milliseconds */

/* An XPUB socket receives subscriptions. With NODROP, a send waits for a slow reader instead of dropping the message. */
static void publish(struct bus *bus, const struct bus_options *options, void *socket)
{
    const struct calc_quit quit = calc_make_quit();
    const int yes = 1;
    char subscription;

    must(zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &yes, sizeof yes) == 0, "ZMQ_XPUB_NODROP");
    must(zmq_bind(socket, options->feed) == 0, options->feed);
    must(zmq_recv(socket, &subscription, 1, 0) == 1, "no reader");
    for (uint64_t n = 0; n < options->messages; n++) {
        const union calc_any any = bus_message(n);
        bus_send(bus, socket, &any.base);
    }
    bus_send(bus, socket, &quit.base);
}

static double result_of(const struct calc_apply *apply)
{
    switch ((enum calc_operation)apply->operation) {
    case CALC_OPERATION_ADD:
        return apply->left + apply->right;
    case CALC_OPERATION_SUBTRACT:
        return apply->left - apply->right;
    case CALC_OPERATION_MULTIPLY:
        return apply->left * apply->right;
    case CALC_OPERATION_DIVIDE:
        return apply->left / apply->right;
    }
    return 0;
}

/* Answers each Apply with a Store, and Quit with Quit. */
static void answer(struct bus *bus, const struct bus_options *options)
{
    void *const socket = bus_socket(bus, ZMQ_REP, PATIENCE);
    bool is_over = false;

    must(zmq_bind(socket, options->requests_at) == 0, options->requests_at);
    while (!is_over) {
        struct calc *const request = bus_receive(bus, socket);
        const struct calc_apply *const apply = calc_if_apply(request);
        if (apply != NULL) {
            const struct calc_store reply = calc_make_store("result", result_of(apply));
            bus_send(bus, socket, &reply.base);
        } else {
            is_over = calc_tag_of(request) == CALC_QUIT;
            bus_send(bus, socket, request);
        }
        bus_free(bus, request);
    }
    must(zmq_close(socket) == 0, "zmq_close");
}

int main(int argc, char **argv)
{
    const struct bus_options options = bus_options(argc, argv);
    struct bus bus;
    void *feed;
    size_t live;

    bus_begin(&bus, options.uses_malloc);
    feed = bus_socket(&bus, ZMQ_XPUB, PATIENCE);
    publish(&bus, &options, feed);
    answer(&bus, &options);
    must(zmq_close(feed) == 0, "zmq_close"); /* now: a socket that is closed early may drop its last messages */
    live = bus_end(&bus);
    printf("feed: %zu messages are live\n", live);
    return live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
