/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Messages of calc over ZeroMQ, without a copy on the way out, and into a slot of exactly their size on the way in.
 *
 * A sent message belongs to ZeroMQ until its bytes are on the socket. Then one of ZeroMQ's threads frees it.
 */

#ifndef BUS_H_
#define BUS_H_

#include "calc.h"

#include <pthread.h>

struct bus {
    bool uses_malloc; /* instead of pools, to compare */
    void *context;    /* of ZeroMQ */
    struct calc_depot depot;
    struct calc_pool pool;    /* of the thread that called bus_begin */
    struct calc_pool returns; /* of ZeroMQ's threads, one at a time: they hold the mutex */
    pthread_mutex_t mutex;
};

/* If is_right is false, ends the program with a line on stderr. what: the name of what is wrong. */
void must(bool is_right, const char *what);

/* milliseconds: the longest wait of a send or receive. After it, the program ends with a line on stderr. */
void bus_begin(struct bus *bus, bool uses_malloc);
void *bus_socket(struct bus *bus, int type, int milliseconds);

/* Ends ZeroMQ's threads, then the pools. Close all sockets before. Returns how many messages are live. */
size_t bus_end(struct bus *bus);

/* Copies the message into the pool and sends the copy. */
void bus_send(struct bus *bus, void *socket, const struct calc *msg);

/* Waits for a message and allocates it. The caller frees it with bus_free. */
struct calc *bus_receive(struct bus *bus, void *socket);
void bus_free(struct bus *bus, struct calc *msg);

/* The n-th message of the feed, as both programs know it. */
union calc_any bus_message(uint64_t n);

struct bus_options {
    uint64_t messages, requests;
    const char *feed, *requests_at; /* ZeroMQ's endpoints */
    bool uses_malloc;
};

/* Reads --messages N, --requests N, --folder FOLDER of the sockets or --port PORT, the first of two TCP ports, and --malloc. Wrong usage
 * ends the program. */
struct bus_options bus_options(int argc, char **argv);

#endif
