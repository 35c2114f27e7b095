// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * One feed, four readers: each message is allocated once, and read by four threads of different speed.
 *
 *            +--> reader 0 (fast)
 *            +--> reader 1
 *   feed ----+--> reader 2
 *            +--> reader 3 (slow)
 *
 * The variants Tick and News of feed.yaml are shared. The feed holds each message once more for each further reader, and pushes
 * the same pointer into four queues. Each reader frees each message. The last one that frees it gives its slot back. The queues
 * are bounded, so the slowest reader makes the feed wait. At the end, each reader leaves a Report, a message with one receiver.
 *
 * fanout [--messages N]
 */

#include "feed.h"
#include "ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { READERS = 4, BATCH = 32, NEWS_EVERY = 64 };

struct reader {
    struct ring messages;
    struct feed *report; /* the last thing that the reader does */
    unsigned number;
    unsigned rounds; /* of work per message */
    uint64_t headlines, disorder, work;
};

static struct reader readers[READERS];
static struct feed_depot depot;
static uint64_t messages = 1000000; /* besides End */

static void join(struct feed_pool *pool)
{
    if (!feed_pool_join(pool, &depot))
        abort();
}

static uint64_t price_of(uint64_t sequence)
{
    return 1000 + sequence % 977;
}

static struct feed *new_message(struct feed_pool *pool, uint64_t sequence)
{
    static const char headline[] = "the price of everything has changed, and nobody knows why";
    struct feed *const msg = sequence % NEWS_EVERY == NEWS_EVERY - 1
                                 ? feed_new_news(pool, sequence, headline, sizeof headline - 1 - sequence % 40)
                                 : feed_new_tick(pool, (uint32_t)(sequence % 100), sequence, price_of(sequence));
    if (msg == NULL) {
        fprintf(stderr, "fanout: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return msg;
}

static void *publish(void *ctx)
{
    struct feed_pool pool;
    uint64_t sequence = 0;

    (void)ctx;
    join(&pool);
    for (bool more = true; more;) {
        void *batch[BATCH];
        size_t count = 0;
        while (more && count < BATCH) {
            more = sequence < messages;
            batch[count] = more ? new_message(&pool, sequence++) : feed_new_end(&pool);
            for (int i = 1; i < READERS; i++)
                (void)feed_hold(&pool, (struct feed *)batch[count]); /* before any reader can free it */
            count++;
        }
        for (int i = 0; i < READERS; i++)
            ring_push(&readers[i].messages, batch, count);
    }
    feed_pool_fini(&pool);
    return NULL;
}

/* Takes time: the slower readers do more of it. */
static uint64_t work(uint64_t state, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        state = (state ^ state >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return state;
}

/* Reads one message. False for the last one. */
static bool read_message(struct reader *reader, const struct feed *msg, uint64_t *ticks, uint64_t *sum)
{
    const uint64_t expected = *ticks + reader->headlines;

    switch (feed_tag_of(msg)) {
    case FEED_TICK:
        reader->disorder += feed_as_tick(msg)->sequence != expected;
        *sum += feed_as_tick(msg)->price;
        reader->work ^= work(feed_as_tick(msg)->price, reader->rounds);
        ++*ticks;
        return true;
    case FEED_NEWS:
        reader->disorder += feed_as_news(msg)->sequence != expected;
        reader->headlines++;
        return true;
    case FEED_END:
        return false;
    case FEED_REPORT:
        break;
    }
    abort();
}

static void *read_feed(void *ctx)
{
    struct reader *const reader = (struct reader *)ctx;
    struct feed_pool pool;
    uint64_t ticks = 0, sum = 0;

    join(&pool);
    for (bool more = true; more;) {
        void *batch[BATCH];
        const size_t count = ring_pop(&reader->messages, batch, BATCH);
        for (size_t i = 0; i < count; i++) {
            struct feed *const msg = (struct feed *)batch[i];
            more = read_message(reader, msg, &ticks, &sum);
            feed_free(&pool, msg);
        }
    }
    reader->report = feed_new_report(&pool, reader->number, ticks, sum);
    if (reader->report == NULL)
        abort();
    feed_pool_fini(&pool);
    return NULL;
}

static void parse(int argc, char **argv)
{
    char *end = NULL;

    if (argc == 1)
        return;
    errno = 0;
    if (argc == 3 && strcmp(argv[1], "--messages") == 0)
        messages = strtoull(argv[2], &end, 10);
    if (end == NULL || *end != '\0' || errno != 0 || argv[2][0] < '0' || argv[2][0] > '9' || messages > 100000000) {
        fprintf(stderr, "usage: fanout [--messages N], N at most 100000000\n");
        exit(2);
    }
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
        fprintf(stderr, "fanout: no more threads\n");
        exit(EXIT_FAILURE);
    }
}

/* Prints and frees the reader's report. Whether it has read everything, in order. */
static bool check_report(struct feed_pool *pool, const struct reader *reader)
{
    const struct feed_report *const report = feed_as_report(reader->report);
    uint64_t sum = 0;
    bool is_right;

    for (uint64_t i = 0; i < messages; i++)
        sum += i % NEWS_EVERY == NEWS_EVERY - 1 ? 0 : price_of(i);
    is_right = report->sum == sum && reader->headlines == messages / NEWS_EVERY && reader->disorder == 0;
    printf("reader %u, %3u rounds of work per tick: %llu ticks and %llu headlines, %s\n", (unsigned)report->reader,
           reader->rounds, (unsigned long long)report->ticks, (unsigned long long)reader->headlines,
           is_right ? "in order, and the sum is right" : "WRONG");
    feed_free(pool, reader->report);
    return is_right;
}

int main(int argc, char **argv)
{
    static const unsigned rounds[READERS] = { 0, 4, 16, 64 };
    pthread_t threads[1 + READERS];
    struct feed_pool pool;
    struct feed_pool_stats stats;
    bool is_right = true;
    double began;
    size_t live;

    parse(argc, argv);
    if (!feed_depot_init(&depot, NULL)) {
        fprintf(stderr, "fanout: out of memory\n");
        return EXIT_FAILURE;
    }
    began = seconds();
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].number = i;
        readers[i].rounds = rounds[i];
        start(&threads[i], read_feed, &readers[i]);
    }
    start(&threads[READERS], publish, NULL);
    for (int i = 0; i <= READERS; i++)
        (void)pthread_join(threads[i], NULL);
    began = seconds() - began;

    join(&pool);
    for (int i = 0; i < READERS; i++)
        is_right = check_report(&pool, &readers[i]) && is_right;
    feed_pool_fini(&pool);
    feed_depot_stats(&depot, &stats);
    live = feed_depot_fini(&depot);
    printf("%llu messages, each read by %d readers: %.1f million reads per second, no message copied\n",
           (unsigned long long)messages, READERS, 1e-6 * READERS * (double)messages / began);
    printf("the depot held %zu bytes; at its end: %zu live messages\n", stats.source_bytes, live);
    return is_right && live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
