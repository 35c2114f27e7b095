// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The order book of examples/order_book.c on any contender: its constructors and its free are the contender's.
 * day MESSAGES prints the time of a day with this number of messages, as bench/driver.c does.
 */

#include "contender.h"
#include "clock.h"

#ifdef BENCH_LIMIT
#error "orders rest: there is no such work without an allocator"
#endif

#include "itch.h"

#define main order_book_main
#define calloc bench_memory /* of the book and the feed; messages are made by what itch.h includes */
#define free(memory) ((void)(memory))
#include "../examples/order_book.c"
#undef main

int main(int argc, char **argv)
{
    const uint32_t messages = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    struct itch_pool pool;
    struct feed feed;
    struct book *book;
    double began, ns;
    long faults;

    bench_begin_thread();
    if (messages == 0 || !itch_pool_init_growing(&pool, NULL))
        bench_die("day MESSAGES");
    feed_init(&feed, &pool, 1, messages);
    book = book_new(&pool, messages);
    faults = minor_faults();
    began = clock_now();
    replay(&feed, book, NULL, NULL);
    ns = clock_now() - began;
    printf("{\"count\": %" PRIu32 ", \"slices\": [[%.4f, 0, 0, %ld]], \"checksum\": %" PRIu64 "}\n", messages,
           ns / messages, minor_faults() - faults, book->checksum);
    book_free(book);
    feed_fini(&feed);
    return 0;
}

/* What is not measured. */
static int (*const unused)(int, char **) __attribute__((unused)) = order_book_main;
