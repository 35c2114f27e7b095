// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Messages between two threads, made by the one and freed by the other: through pools on one depot, or, with
 * BENCH_MALLOC, through malloc and free of whatever allocator this is linked with.
 *
 * threads WORKLOAD COUNT, WORKLOAD being one of
 *   pipeline   batches of 32 of a message of 24 bytes, one way
 *   mixed      the same of five variants
 *   request    a request of 24 bytes and a reply of 48 that is made when it is freed, at most 64 under way
 *   replace    one thread only: a message of 24 bytes among 10,000, chosen at random, is freed and made anew
 * Prints nanoseconds for each message.
 */

#include "calc.h"
#include "../examples/ring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 32, WINDOW = 64 };

static struct calc_depot depot;

#ifdef BENCH_MALLOC
struct maker {
    int unused;
};

static void begin(struct maker *maker)
{
    (void)maker;
}

static void end(struct maker *maker)
{
    (void)maker;
}

#define MAKE(maker, variant, ...) \
    do { \
        struct calc_##variant *const made = (struct calc_##variant *)malloc(sizeof *made); \
        (void)(maker); \
        if (made == NULL) \
            abort(); \
        *made = calc_make_##variant(__VA_ARGS__); \
        return &made->base; \
    } while (0)

static void drop(struct maker *maker, struct calc *msg)
{
    (void)maker;
    free(msg);
}
#else
struct maker {
    struct calc_pool pool;
};

static void begin(struct maker *maker)
{
    if (!calc_pool_join(&maker->pool, &depot))
        abort();
}

static void end(struct maker *maker)
{
    calc_pool_fini(&maker->pool);
}

#define MAKE(maker, variant, ...) return calc_new_##variant(&(maker)->pool, __VA_ARGS__)

static void drop(struct maker *maker, struct calc *msg)
{
    calc_free(&maker->pool, msg);
}
#endif

static struct calc *make_add(struct maker *maker, uint64_t n)
{
    MAKE(maker, add, n, n + 1);
}

static struct calc *make_negate(struct maker *maker, uint64_t n)
{
    MAKE(maker, negate, (int64_t)n);
}

static struct calc *make_apply(struct maker *maker, uint64_t n)
{
    MAKE(maker, apply, CALC_OPERATION_ADD, (double)n, 1);
}

static struct calc *make_store(struct maker *maker, uint64_t n)
{
    MAKE(maker, store, "name", (double)n);
}

static struct calc *make_recall(struct maker *maker)
{
    MAKE(maker, recall, "name");
}

static struct calc *make_mixed(struct maker *maker, uint64_t n)
{
    switch ((n * 0x9e3779b97f4a7c15U) >> 61) {
    case 0:
    case 1:
    case 2:
        return make_add(maker, n);
    case 3:
    case 4:
        return make_apply(maker, n);
    case 5:
        return make_store(maker, n);
    case 6:
        return make_recall(maker);
    default:
        return make_negate(maker, n);
    }
}

static uint64_t read_message(const struct calc *msg)
{
    switch (calc_tag_of(msg)) {
    case CALC_ADD:
        return calc_as_add(msg)->left + calc_as_add(msg)->right;
    case CALC_NEGATE:
        return (uint64_t)calc_as_negate(msg)->value;
    case CALC_APPLY:
        return (uint64_t)calc_as_apply(msg)->left;
    case CALC_STORE:
        return (uint64_t)calc_as_store(msg)->value;
    case CALC_RECALL:
        return calc_as_recall(msg)->name_len;
    case CALC_SUM:
    case CALC_LOG:
    case CALC_QUIT:
        break;
    }
    return 0;
}

struct run {
    struct ring to, fro;
    uint64_t count;
    bool is_mixed, is_request;
    uint64_t sum;
};

static void *server(void *ctx)
{
    struct run *const run = (struct run *)ctx;
    struct maker maker;
    uint64_t sum = 0;

    begin(&maker);
    for (uint64_t done = 0; done < run->count;) {
        void *batch[WINDOW];
        const size_t popped = ring_pop(&run->to, batch, run->is_request ? WINDOW : BATCH);
        for (size_t i = 0; i < popped; i++) {
            struct calc *const msg = (struct calc *)batch[i];
            const uint64_t value = read_message(msg);
            sum += value;
            drop(&maker, msg);
            if (run->is_request)
                batch[i] = make_store(&maker, value);
        }
        if (run->is_request)
            ring_push(&run->fro, batch, popped);
        done += popped;
    }
    end(&maker);
    run->sum = sum;
    return NULL;
}

static void send_batches(struct run *run, struct maker *maker)
{
    for (uint64_t n = 0; n < run->count; n += BATCH) {
        void *batch[BATCH];
        for (unsigned i = 0; i < BATCH; i++)
            batch[i] = run->is_mixed ? make_mixed(maker, n + i) : make_add(maker, n + i);
        ring_push(&run->to, batch, BATCH);
    }
}

static void send_requests(struct run *run, struct maker *maker)
{
    uint64_t sent = 0, received = 0;
    while (received < run->count) {
        void *batch[WINDOW];
        size_t filled = 0;
        for (; sent < run->count && sent - received < WINDOW; sent++)
            batch[filled++] = make_add(maker, sent);
        if (filled != 0)
            ring_push(&run->to, batch, filled);
        filled = ring_pop(&run->fro, batch, WINDOW);
        for (size_t i = 0; i < filled; i++)
            drop(maker, (struct calc *)batch[i]);
        received += filled;
    }
}

static void replace_at_random(struct run *run, struct maker *maker)
{
    static struct calc *msgs[10000];
    uint64_t state = 88172645463325252U;

    for (size_t i = 0; i < 10000; i++)
        msgs[i] = make_add(maker, i);
    for (uint64_t n = 0; n < run->count; n++) {
        size_t at;
        state ^= state << 13; /* xorshift64 (Marsaglia 2003) */
        state ^= state >> 7;
        state ^= state << 17;
        at = (state >> 20) % 10000;
        run->sum += calc_as_add(msgs[at])->left;
        drop(maker, msgs[at]);
        msgs[at] = make_add(maker, n);
    }
    for (size_t i = 0; i < 10000; i++)
        drop(maker, msgs[i]);
}

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    static struct run run;
    struct maker maker;
    pthread_t thread;
    double began;

    if (argc != 3 || !calc_depot_init(&depot, NULL))
        return 2;
    run.is_mixed = strcmp(argv[1], "mixed") == 0;
    run.is_request = strcmp(argv[1], "request") == 0;
    run.count = strtoull(argv[2], NULL, 10) / BATCH * BATCH;
    if (strcmp(argv[1], "replace") == 0) {
        begin(&maker);
        began = now();
        replace_at_random(&run, &maker);
        printf("%.2f\n", (now() - began) / (double)run.count);
        end(&maker);
        return calc_depot_fini(&depot) == 0 && run.sum != 0 ? 0 : 1;
    }
    began = now();
    if (pthread_create(&thread, NULL, server, &run) != 0)
        return 2;
    begin(&maker);
    if (run.is_request)
        send_requests(&run, &maker);
    else
        send_batches(&run, &maker);
    end(&maker);
    (void)pthread_join(thread, NULL);
    printf("%.2f\n", (now() - began) / (double)run.count);
    return calc_depot_fini(&depot) == 0 && run.sum != 0 ? 0 : 1;
}
