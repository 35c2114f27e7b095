// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A calculator as a pipeline of threads: a producer sends requests, workers compute, a consumer adds up the results.
 *
 *   producer --+--> worker --+--> consumer
 *              +--> worker --+
 *
 * Each thread has a pool of its own, and all pools share one depot. The producer allocates Adds and Negates. A worker frees
 * each of them and allocates a Store for the result. The consumer frees the Stores. The queues are bounded, so a slow
 * thread makes the others wait. At the end no message is live and the sum is right.
 *
 * pipeline [--messages N]
 */

#include "calc.h"
#include "ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORKERS = 2, BATCH = 32 };

struct lane {
    struct ring requests;
    struct ring results;
    uint64_t count; /* of requests through this lane */
};

static struct lane lanes[WORKERS];
static struct calc_depot depot;

static void join(struct calc_pool *pool)
{
    if (!calc_pool_join(pool, &depot))
        abort();
}

/* The result for request number n. */
static int64_t expected(uint64_t n)
{
    return n % 4 == 3 ? -(int64_t)n : (int64_t)(n + 7);
}

static struct calc *new_request(struct calc_pool *pool, uint64_t n)
{
    struct calc *const msg = n % 4 == 3 ? calc_new_negate(pool, (int64_t)n) : calc_new_add(pool, n, 7);
    if (msg == NULL) {
        fprintf(stderr, "pipeline: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return msg;
}

static void *produce(void *ctx)
{
    struct calc_pool pool;
    uint64_t left = 0, number = 0;

    (void)ctx;
    join(&pool);
    for (int i = 0; i < WORKERS; i++)
        left += lanes[i].count;
    for (unsigned lane = 0; left > 0; lane = (lane + 1) % WORKERS) {
        const size_t count = left < BATCH ? (size_t)left : BATCH;
        void *batch[BATCH];
        for (size_t i = 0; i < count; i++)
            batch[i] = new_request(&pool, number++);
        ring_push(&lanes[lane].requests, batch, count);
        left -= count;
    }
    calc_pool_fini(&pool);
    return NULL;
}

static double result_of(const struct calc *msg)
{
    const struct calc_negate *const negate = calc_if_negate(msg);
    if (negate != NULL)
        return -(double)negate->value;
    return (double)(calc_as_add(msg)->left + calc_as_add(msg)->right);
}

static void *work(void *ctx)
{
    struct lane *const lane = (struct lane *)ctx;
    struct calc_pool pool;

    join(&pool);
    for (uint64_t done = 0; done < lane->count;) {
        void *batch[BATCH];
        const size_t count = ring_pop(&lane->requests, batch, BATCH);
        for (size_t i = 0; i < count; i++) {
            struct calc *const request = (struct calc *)batch[i];
            const double result = result_of(request);
            calc_free(&pool, request);
            batch[i] = calc_new_store(&pool, "result", result);
            if (batch[i] == NULL)
                abort();
        }
        ring_push(&lane->results, batch, count);
        done += count;
    }
    calc_pool_fini(&pool);
    return NULL;
}

static void *consume(void *ctx)
{
    double *const sum = (double *)ctx;
    struct calc_pool pool;
    uint64_t done[WORKERS] = { 0 };
    bool more = true;

    join(&pool);
    while (more) {
        more = false;
        for (int lane = 0; lane < WORKERS; lane++) {
            void *batch[BATCH];
            size_t count;
            if (done[lane] == lanes[lane].count)
                continue;
            count = ring_pop(&lanes[lane].results, batch, BATCH);
            for (size_t i = 0; i < count; i++) {
                struct calc *const msg = (struct calc *)batch[i];
                *sum += calc_as_store(msg)->value;
                calc_free(&pool, msg);
            }
            done[lane] += count;
            more = true;
        }
    }
    calc_pool_fini(&pool);
    return NULL;
}

static uint64_t parse_messages(int argc, char **argv)
{
    uint64_t messages = 10000000;
    char *end = NULL;

    if (argc == 1)
        return messages;
    errno = 0;
    if (argc == 3 && strcmp(argv[1], "--messages") == 0)
        messages = strtoull(argv[2], &end, 10);
    if (end == NULL || *end != '\0' || errno != 0 || argv[2][0] < '0' || argv[2][0] > '9' || messages > 100000000) {
        fprintf(stderr, "usage: pipeline [--messages N], N at most 100000000\n");
        exit(2);
    }
    return messages;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void start(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
    if (pthread_create(thread, NULL, run, ctx) != 0) {
        fprintf(stderr, "pipeline: no more threads\n");
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    const uint64_t messages = parse_messages(argc, argv);
    pthread_t threads[2 + WORKERS];
    struct calc_pool_stats stats;
    double sum = 0, right = 0, began;
    size_t live;

    if (!calc_depot_init(&depot, NULL)) {
        fprintf(stderr, "pipeline: out of memory\n");
        return EXIT_FAILURE;
    }
    /* The lanes take turns, a batch each. The last batch may be shorter. */
    for (uint64_t n = 0; n < messages; n += BATCH)
        lanes[n / BATCH % WORKERS].count += messages - n < BATCH ? messages - n : BATCH;
    for (uint64_t n = 0; n < messages; n++)
        right += (double)expected(n);

    began = seconds();
    start(&threads[0], produce, NULL);
    for (int i = 0; i < WORKERS; i++)
        start(&threads[1 + i], work, &lanes[i]);
    start(&threads[1 + WORKERS], consume, &sum);
    for (int i = 0; i < 2 + WORKERS; i++)
        (void)pthread_join(threads[i], NULL);
    began = seconds() - began;

    calc_depot_stats(&depot, &stats);
    live = calc_depot_fini(&depot);
    printf("%llu requests through %d workers, %.1f million per second\n", (unsigned long long)messages, WORKERS,
           1e-6 * (double)messages / began);
    printf("the sum of all results is %s\n", sum == right ? "right" : "WRONG");
    printf("the depot held %zu bytes; at its end: %zu live messages\n", stats.source_bytes, live);
    return sum == right && live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
