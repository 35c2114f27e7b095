// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A day at an exchange, replayed through an order book. The book keeps each resting order as the message that announced it.
 *
 * The feed allocates each message in a pool, as a decoder would. The book takes the message, and frees it unless it is
 * an order that rests. So an order of 40 bytes that rests for hours costs 40 bytes and is never copied. The day is
 * synthetic, and the same for the same seed; or it is a file of a real feed: Nasdaq TotalView-ITCH 5.0, each message
 * behind its length, in two bytes.
 */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "itch.h"

enum { BAD_USAGE = 2 }; /* the exit status */

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A service would refuse the order and continue. An example may end here. */
static _Noreturn void out_of_memory(void)
{
    fprintf(stderr, "order_book: out of memory\n");
    exit(EXIT_FAILURE);
}

static void *zeroed(size_t count, size_t size)
{
    void *const memory = calloc(count, size);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

/* ---- The feed: messages of a synthetic day ------------------------------------------------------------------ */

enum { STOCKS = 3000 };

/* What the exchange knows about an order: enough to execute only shares that exist. */
struct resting {
    uint64_t ref;
    uint32_t shares;
    uint16_t stock;
};

struct feed {
    struct itch_pool *pool;
    uint64_t random;           /* state of splitmix64 */
    uint64_t sent, total;      /* messages */
    uint64_t timestamp, step;  /* nanoseconds */
    uint64_t order_ref, match; /* the last ones used */
    const char *phase;         /* event codes to come */
    struct resting *resting;   /* roughly oldest first; room for one order from each message */
    size_t resting_count;
    uint8_t mix[4096]; /* tags, each as often as its share, for a random index */
    char tickers[STOCKS + 1][9];
};

/* 0 to bound - 1, by splitmix64 (Steele, Lea and Flood 2014). */
static uint32_t below(struct feed *feed, size_t bound)
{
    uint64_t z = feed->random += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (uint32_t)((z >> 32) * bound >> 32);
}

static void feed_init(struct feed *feed, struct itch_pool *pool, uint64_t seed, uint32_t messages)
{
    static const uint64_t hour = 3600 * UINT64_C(1000000000);
    static const struct {
        uint16_t share;
        uint8_t tag;
    } mix[] = {
        /* in 4096ths, by the weights of the schema */
        { 1679, ITCH_ADD_ORDER },    { 61, ITCH_ADD_ORDER_MPID },  { 1577, ITCH_ORDER_DELETE },
        { 389, ITCH_ORDER_REPLACE }, { 205, ITCH_ORDER_EXECUTED }, { 12, ITCH_ORDER_EXECUTED_PRICE },
        { 82, ITCH_ORDER_CANCEL },   { 41, ITCH_TRADE },           { 41, ITCH_IMBALANCE },
        { 1, ITCH_TRADING_ACTION },  { 1, ITCH_REG_SHO },          { 1, ITCH_PARTICIPANT_POSITION },
        { 1, ITCH_IPO_QUOTING },     { 1, ITCH_LULD_COLLAR },      { 1, ITCH_OPERATIONAL_HALT },
        { 1, ITCH_CROSS_TRADE },     { 1, ITCH_BROKEN_TRADE },     { 1, ITCH_RETAIL_INTEREST },
    };
    size_t filled = 0;

    *feed = (struct feed){ .pool = pool, .random = seed, .total = messages, .phase = "OSQMEC" };
    feed->timestamp = 3 * hour;
    feed->step = 17 * hour / messages;
    feed->resting = zeroed(messages, sizeof *feed->resting);
    for (size_t i = 0; i < COUNT_OF(mix); i++)
        for (unsigned n = 0; n < mix[i].share; n++)
            feed->mix[filled++] = mix[i].tag;
    for (unsigned stock = 1; stock <= STOCKS; stock++)
        for (unsigned i = 4, rest = stock; i-- != 0; rest /= 26)
            feed->tickers[stock][i] = (char)('A' + rest % 26);
}

static void feed_fini(struct feed *feed)
{
    free(feed->resting);
}

static struct resting new_order(struct feed *feed, uint16_t stock)
{
    const struct resting order = { ++feed->order_ref, 100 * (1 + below(feed, 10)), stock };
    feed->resting[feed->resting_count++] = order;
    return order;
}

/* Takes some or all shares of an order, and returns which. Most orders end soon and some last all day: the logarithm of
 * the order's distance from the newest is uniformly distributed. */
static struct resting take_shares(struct feed *feed, bool all)
{
    const size_t newest = feed->resting_count - 1;
    struct resting *const order = &feed->resting[newest - below(feed, 1 + (newest >> below(feed, 17)))];
    struct resting taken = *order;

    if (!all)
        taken.shares = 1 + below(feed, order->shares);
    order->shares -= taken.shares;
    if (order->shares == 0)
        *order = feed->resting[--feed->resting_count];
    return taken;
}

/* The morning and the evening have a fixed order. In between, the mix decides. */
static unsigned next_tag(struct feed *feed)
{
    if (feed->sent < 2 || feed->sent == STOCKS + 3 || feed->total - feed->sent <= 3)
        return ITCH_SYSTEM_EVENT;
    if (feed->sent < STOCKS + 2)
        return ITCH_STOCK_DIRECTORY;
    if (feed->sent == STOCKS + 2)
        return ITCH_MWCB_DECLINE;
    if (feed->sent == feed->total / 2)
        return ITCH_MWCB_STATUS;
    return feed->resting_count == 0 ? ITCH_ADD_ORDER : feed->mix[below(feed, sizeof feed->mix)];
}

/* The order or the stock of the next message, if it has one. Stocks with lower numbers are busier. */
static struct resting next_event(struct feed *feed, unsigned tag)
{
    switch (tag) {
    case ITCH_ORDER_EXECUTED:
    case ITCH_ORDER_EXECUTED_PRICE:
        return take_shares(feed, below(feed, 3) == 0);
    case ITCH_ORDER_CANCEL:
        return take_shares(feed, false);
    case ITCH_ORDER_DELETE:
    case ITCH_ORDER_REPLACE:
        return take_shares(feed, true);
    case ITCH_STOCK_DIRECTORY:
        return (struct resting){ .stock = (uint16_t)(feed->sent - 1) };
    case ITCH_SYSTEM_EVENT:
    case ITCH_MWCB_DECLINE:
    case ITCH_MWCB_STATUS:
        return (struct resting){ .stock = 0 };
    }
    const uint16_t stock = (uint16_t)(1 + below(feed, 1 + below(feed, STOCKS)));
    if (tag == ITCH_ADD_ORDER || tag == ITCH_ADD_ORDER_MPID)
        return new_order(feed, stock);
    return (struct resting){ .stock = stock, .shares = 100 };
}

/* The pool, and the fields that every message begins with. */
#define COMMON feed->pool, at.stock, (uint16_t)feed->sent, feed->timestamp

/* NULL if the pool is full. */
static struct itch *new_message(struct feed *feed, unsigned tag, struct resting at)
{
    const char *const ticker = feed->tickers[at.stock];
    const char side = below(feed, 2) == 0 ? 'B' : 'S';
    const uint32_t price = (500 + at.stock * 7919U % 20000 + below(feed, 100)) * 100; /* whole cents, 4 decimals */
    const struct resting next = tag == ITCH_ORDER_REPLACE ? new_order(feed, at.stock) : at;

    /* clang-format off */
    switch (tag) {
    case ITCH_ADD_ORDER:      return itch_new_add_order(COMMON, at.ref, side, at.shares, ticker, price);
    case ITCH_ADD_ORDER_MPID: return itch_new_add_order_mpid(COMMON, at.ref, side, at.shares, ticker, price, "MPID");
    case ITCH_ORDER_EXECUTED: return itch_new_order_executed(COMMON, at.ref, at.shares, ++feed->match);
    case ITCH_ORDER_EXECUTED_PRICE:
        return itch_new_order_executed_price(COMMON, at.ref, at.shares, ++feed->match, 'Y', price);
    case ITCH_ORDER_CANCEL:   return itch_new_order_cancel(COMMON, at.ref, at.shares);
    case ITCH_ORDER_DELETE:   return itch_new_order_delete(COMMON, at.ref);
    case ITCH_ORDER_REPLACE:  return itch_new_order_replace(COMMON, at.ref, next.ref, next.shares, price);
    case ITCH_TRADE:          return itch_new_trade(COMMON, 0, 'B', at.shares, ticker, price, ++feed->match);
    case ITCH_CROSS_TRADE:    return itch_new_cross_trade(COMMON, at.shares, ticker, price, ++feed->match, 'H');
    case ITCH_BROKEN_TRADE:   return itch_new_broken_trade(COMMON, feed->match);
    case ITCH_SYSTEM_EVENT:   return itch_new_system_event(COMMON, *feed->phase++);
    case ITCH_STOCK_DIRECTORY:
        return itch_new_stock_directory(COMMON, ticker, 'Q', 'N', 100, 'N', 'C', "Z", 'P', 'N', 'N', '1', 'N', 0, 'N');
    case ITCH_TRADING_ACTION: return itch_new_trading_action(COMMON, ticker, 'T', ' ', "");
    case ITCH_REG_SHO:        return itch_new_reg_sho(COMMON, ticker, '1');
    case ITCH_PARTICIPANT_POSITION:
        return itch_new_participant_position(COMMON, "MPID", ticker, 'Y', 'N', 'A');
    case ITCH_MWCB_DECLINE:   return itch_new_mwcb_decline(COMMON, 465000000000, 435000000000, 400000000000);
    case ITCH_MWCB_STATUS:    return itch_new_mwcb_status(COMMON, '1');
    case ITCH_IPO_QUOTING:    return itch_new_ipo_quoting(COMMON, ticker, 10 * 3600, 'A', price);
    case ITCH_LULD_COLLAR:    return itch_new_luld_collar(COMMON, ticker, price, price + 2500, price - 2500, 0);
    case ITCH_OPERATIONAL_HALT: return itch_new_operational_halt(COMMON, ticker, 'Q', 'H');
    case ITCH_IMBALANCE:      return itch_new_imbalance(COMMON, 800, 200, side, ticker, price, price, price, 'C', 'L');
    case ITCH_RETAIL_INTEREST: return itch_new_retail_interest(COMMON, ticker, side);
    }
    /* clang-format on */
    return NULL;
}

/* The day's next message, for the caller to free; NULL if the pool is full. */
static struct itch *next_message(struct feed *feed)
{
    const unsigned tag = next_tag(feed);
    const struct resting at = next_event(feed, tag);

    feed->sent++;
    feed->timestamp += feed->step;
    return new_message(feed, tag, at);
}

/* ---- The book ----------------------------------------------------------------------------------------------- */

enum { LOCATES = UINT16_MAX + 1 };

#define ALL_SHARES UINT32_MAX
#define FNV_PRIME UINT64_C(0x100000001B3)

/* The orders that rest on one side of a stock. */
struct depth {
    uint64_t orders, shares, notional;
};

struct book {
    struct itch_pool *pool;
    struct itch **orders;           /* by order_ref, which counts from 1 each day; NULL if none rests */
    uint64_t last_ref;              /* that has a place */
    size_t live, peak;              /* orders */
    uint64_t faults;                /* messages about orders that do not rest, or are smaller */
    uint64_t volume;                /* shares traded */
    uint64_t checksum;              /* of every depth so far */
    uint64_t count[256];            /* messages by tag */
    struct depth depth[LOCATES][2]; /* by stock_locate; buyers, sellers */
};

static struct book *book_new(struct itch_pool *pool, uint64_t last_ref)
{
    struct book *const book = zeroed(1, sizeof *book);
    book->pool = pool;
    book->last_ref = last_ref;
    book->orders = zeroed((size_t)last_ref + 1, sizeof *book->orders);
    return book;
}

/* Frees the orders that still rest. */
static void book_free(struct book *book)
{
    for (uint64_t ref = 0; ref <= book->last_ref; ref++)
        itch_free(book->pool, book->orders[ref]); /* NULL is allowed */
    free(book->orders);
    free(book);
}

/* What both kinds of order have. Their structs differ, and so do the offsets of their fields. */
struct order {
    uint64_t ref;
    uint32_t shares, price;
    uint16_t stock;
    char side;
};

static struct order order_of(const struct itch *msg)
{
    const struct itch_add_order *const add = itch_if_add_order(msg);
    if (add != NULL)
        return (struct order){ add->order_ref, add->shares, add->price, add->stock_locate, add->side };
    const struct itch_add_order_mpid *const named = itch_as_add_order_mpid(msg);
    return (struct order){ named->order_ref, named->shares, named->price, named->stock_locate, named->side };
}

static void set_shares(struct itch *msg, uint32_t shares)
{
    if (itch_tag_of(msg) == ITCH_ADD_ORDER)
        itch_edit_add_order(msg)->shares = shares;
    else
        itch_edit_add_order_mpid(msg)->shares = shares;
}

static struct depth *depth_of(struct depth depth[LOCATES][2], const struct order *order)
{
    return &depth[order->stock][order->side == 'S'];
}

static void deepen(struct depth *depth, const struct order *order)
{
    depth->orders++;
    depth->shares += order->shares;
    depth->notional += (uint64_t)order->shares * order->price;
}

/* Makes place for more orders. A feed counts them, so places are as many as its orders. */
static void make_place(struct book *book, uint64_t ref)
{
    const uint64_t last = ref < 2 * book->last_ref ? 2 * book->last_ref : ref;
    struct itch **const orders =
        last < SIZE_MAX / sizeof *orders ? realloc(book->orders, ((size_t)last + 1) * sizeof *orders) : NULL;

    if (orders == NULL)
        out_of_memory();
    for (uint64_t i = book->last_ref + 1; i <= last; i++)
        orders[i] = NULL;
    book->orders = orders;
    book->last_ref = last;
}

/* NULL if no such order rests, which counts as a fault. */
static struct itch *find(struct book *book, uint64_t ref)
{
    struct itch *const msg = ref <= book->last_ref ? book->orders[ref] : NULL;
    book->faults += msg == NULL;
    return msg;
}

/* Takes the message and keeps it as a resting order. */
static void add(struct book *book, struct itch *msg)
{
    const struct order order = order_of(msg);
    struct depth *const depth = depth_of(book->depth, &order);

    if (order.ref > book->last_ref)
        make_place(book, order.ref);
    if (book->orders[order.ref] != NULL) {
        book->faults++;
        itch_free(book->pool, msg);
        return;
    }
    book->orders[order.ref] = msg;
    deepen(depth, &order);
    book->checksum = (book->checksum ^ depth->notional) * FNV_PRIME;
    if (++book->live > book->peak)
        book->peak = book->live;
}

/* Takes shares off the order by editing its message, and frees it if none is left. */
static void reduce(struct book *book, uint64_t ref, uint32_t shares)
{
    struct itch *const msg = find(book, ref);
    if (msg == NULL)
        return;
    const struct order order = order_of(msg);
    struct depth *const depth = depth_of(book->depth, &order);
    const uint32_t taken = shares == ALL_SHARES ? order.shares : shares;
    if (taken > order.shares) {
        book->faults++;
        return;
    }
    depth->shares -= taken;
    depth->notional -= (uint64_t)taken * order.price;
    book->checksum = (book->checksum ^ depth->notional) * FNV_PRIME;
    set_shares(msg, order.shares - taken);
    if (taken == order.shares) {
        depth->orders--;
        book->live--;
        book->orders[ref] = NULL;
        itch_free(book->pool, msg);
    }
}

/* The old order with the changes of the replacement. NULL if the pool is full. */
static struct itch *successor(struct itch_pool *pool, const struct itch *old, const struct itch_order_replace *by)
{
    if (itch_tag_of(old) == ITCH_ADD_ORDER) {
        struct itch_add_order order = *itch_as_add_order(old);
        order.order_ref = by->new_ref;
        order.shares = by->shares;
        order.price = by->price;
        return itch_copy_add_order(pool, &order);
    }
    struct itch_add_order_mpid order = *itch_as_add_order_mpid(old);
    order.order_ref = by->new_ref;
    order.shares = by->shares;
    order.price = by->price;
    return itch_copy_add_order_mpid(pool, &order);
}

static void replace(struct book *book, const struct itch_order_replace *by)
{
    const struct itch *const old = find(book, by->original_ref);
    if (old == NULL)
        return;
    struct itch *const msg = successor(book->pool, old, by);
    if (msg == NULL)
        out_of_memory();
    reduce(book, by->original_ref, ALL_SHARES);
    add(book, msg);
}

static void execute(struct book *book, const struct itch_order_executed *by)
{
    book->volume += by->executed;
    reduce(book, by->order_ref, by->executed);
}

static void execute_at_price(struct book *book, const struct itch_order_executed_price *by)
{
    book->volume += by->printable == 'Y' ? by->executed : 0;
    reduce(book, by->order_ref, by->executed);
}

/* Takes the message: keeps it or frees it. The switch has no default, so the compiler reports a forgotten variant. */
static void handle(struct book *book, struct itch *msg)
{
    book->count[itch_tag_of(msg)]++;
    /* clang-format off */
    switch (itch_tag_of(msg)) {
    case ITCH_ADD_ORDER:
    case ITCH_ADD_ORDER_MPID:       add(book, msg); return;
    case ITCH_ORDER_EXECUTED:       execute(book, itch_as_order_executed(msg)); break;
    case ITCH_ORDER_EXECUTED_PRICE: execute_at_price(book, itch_as_order_executed_price(msg)); break;
    case ITCH_ORDER_CANCEL:
        reduce(book, itch_as_order_cancel(msg)->order_ref, itch_as_order_cancel(msg)->cancelled);
        break;
    case ITCH_ORDER_DELETE:         reduce(book, itch_as_order_delete(msg)->order_ref, ALL_SHARES); break;
    case ITCH_ORDER_REPLACE:        replace(book, itch_as_order_replace(msg)); break;
    case ITCH_TRADE:                book->volume += itch_as_trade(msg)->shares; break;
    case ITCH_CROSS_TRADE:          book->volume += itch_as_cross_trade(msg)->shares; break;
    case ITCH_SYSTEM_EVENT: case ITCH_STOCK_DIRECTORY: case ITCH_TRADING_ACTION: case ITCH_REG_SHO:
    case ITCH_PARTICIPANT_POSITION: case ITCH_MWCB_DECLINE: case ITCH_MWCB_STATUS: case ITCH_IPO_QUOTING:
    case ITCH_LULD_COLLAR: case ITCH_OPERATIONAL_HALT: case ITCH_BROKEN_TRADE: case ITCH_IMBALANCE:
    case ITCH_RETAIL_INTEREST:
        break; /* counted only */
    }
    /* clang-format on */
    itch_free(book->pool, msg);
}

/* Skips messages that are no orders: they have leaked, and fini counts them. */
static void recount(void *depth, const struct itch *msg)
{
    if (itch_if_add_order(msg) != NULL || itch_if_add_order_mpid(msg) != NULL) {
        const struct order order = order_of(msg);
        deepen(depth_of(depth, &order), &order);
    }
}

/* Whether the depth kept by the book is the depth of the live messages. */
static bool balanced(struct book *book)
{
    struct depth(*const recounted)[2] = zeroed(LOCATES, sizeof *recounted);
    bool same;

    itch_pool_each(book->pool, recount, recounted);
    same = memcmp(recounted, book->depth, sizeof book->depth) == 0;
    free(recounted);
    return same && book->faults == 0;
}

/* ---- The results of the day --------------------------------------------------------------------------------- */

static void print_messages(const struct book *book)
{
#define ROW(TAG, name) \
    printf("%-20s %8zu %10" PRIu64 "\n", itch_tag_name(ITCH_##TAG), sizeof(struct itch_##name), \
           book->count[ITCH_##TAG]);

    printf("%-20s %8s %10s\n", "message", "bytes", "how many");
    ITCH_VARIANTS(ROW)
#undef ROW
}

/* The bytes that glibc's malloc takes on a 64-bit machine: 8 more, rounded up to 16, at least 32. */
static size_t malloc_bytes(size_t bytes)
{
    const size_t taken = (bytes + 8 + 15) / 16 * 16;
    return taken < 32 ? 32 : taken;
}

static void print_bytes(const char *what, size_t bytes, size_t live)
{
    printf("%-46s %11zu %8.2f\n", what, bytes, live == 0 ? 0.0 : (double)bytes / (double)live);
}

/* All live messages are resting orders: the others have been freed. */
static void print_memory(const struct book *book)
{
    const size_t union_size = sizeof(union itch_any);
    struct itch_pool_stats stats;
    size_t live = 0, exact = 0, malloced = 0;

    itch_pool_stats(book->pool, &stats);
    for (size_t i = 0; i < ITCH_SLOT_SIZES; i++) {
        live += stats.slot[i].live;
        exact += stats.slot[i].live * stats.slot[i].slot_bytes;
        malloced += stats.slot[i].live * malloc_bytes(stats.slot[i].slot_bytes);
    }
    printf("\n%zu orders rest in the book at the end, at most %zu at a time\n\n", book->live, book->peak);
    printf("%-46s %11s %8s\n", "memory for these orders", "bytes", "each");
    print_bytes("the messages themselves", exact, live);
    print_bytes("this pool, all it holds", stats.source_bytes, live);
    print_bytes("a malloc for each, by glibc's rounding", malloced, live);
    print_bytes("a pool of unions", live * union_size, live);
    print_bytes("a malloc for each, of a union", live * malloc_bytes(union_size), live);
}

/* ---- Files: messages as the exchange distributes them --------------------------------------------------------- */

static _Noreturn void bad_file(const char *path, const char *why)
{
    fprintf(stderr, "order_book: %s: %s\n", path, why);
    exit(EXIT_FAILURE);
}

static void write_message(FILE *out, const char *path, const struct itch *msg)
{
    unsigned char bytes[2 + 64];
    const size_t size = itch_encode(msg, bytes + 2, sizeof bytes - 2);

    bytes[0] = (unsigned char)(size >> 8);
    bytes[1] = (unsigned char)size;
    if (fwrite(bytes, 2 + size, 1, out) != 1)
        bad_file(path, strerror(errno));
}

/* NULL at the end of the file. Skips messages that the schema does not have: their lengths are known. */
static struct itch *read_message(FILE *in, const char *path, struct itch_pool *pool)
{
    static unsigned char bytes[UINT16_MAX];
    struct protopool_received result;
    unsigned char head[2];
    size_t size, got;

    while ((got = fread(head, 1, sizeof head, in)) == sizeof head) {
        struct itch *msg;
        size = (size_t)head[0] << 8 | head[1];
        if (size == 0) /* marks the end in some files */
            return NULL;
        if (fread(bytes, 1, size, in) != size)
            bad_file(path, "ends within a message");
        msg = itch_receive(pool, bytes, size, &result);
        if (msg == NULL && result.status == PROTOPOOL_NO_MEMORY)
            out_of_memory();
        if (msg == NULL && result.status == PROTOPOOL_INVALID && result.refusal.message == NULL)
            continue;
        if (msg == NULL && result.status == PROTOPOOL_INVALID)
            bad_file(path, result.refusal.text);
        if (msg == NULL || result.used != size)
            bad_file(path, "a message has another length than its variant");
        return msg;
    }
    if (got != 0 || ferror(in))
        bad_file(path, "ends within the length of a message");
    return NULL;
}

/* ---- The program -------------------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Returns the seconds that it takes. out: the messages are written there, too; NULL: they are not. */
static double replay(struct feed *feed, struct book *book, FILE *out, const char *path)
{
    const bool terminal = isatty(STDERR_FILENO);
    const double begin = seconds();

    while (feed->sent < feed->total) {
        struct itch *const msg = next_message(feed);
        if (msg == NULL)
            out_of_memory();
        if (out != NULL)
            write_message(out, path, msg);
        handle(book, msg);
        if (terminal && feed->sent % 65536 == 0)
            fprintf(stderr, "\rreplaying: %2" PRIu64 " %%", feed->sent * 100 / feed->total);
    }
    if (terminal)
        fprintf(stderr, "\r%20s\r", "");
    return seconds() - begin;
}

/* The same for the messages of a file. */
static double replay_file(FILE *in, const char *path, struct book *book, uint64_t *messages)
{
    const double begin = seconds();
    struct itch *msg;

    while ((msg = read_message(in, path, book->pool)) != NULL) {
        handle(book, msg);
        ++*messages;
    }
    return seconds() - begin;
}

static _Noreturn void usage(FILE *out, int status)
{
    fprintf(
        out,
        "usage: order_book [--messages N] [--seed S] [--write PATH]\n"
        "       order_book --file PATH\n"
        "Replays a synthetic exchange day of N messages (default 5000000), the same for the same S (1), and writes it\n"
        "to a file; or replays a file: messages of Nasdaq TotalView-ITCH 5.0, each behind its length in two bytes.\n");
    exit(status);
}

static uint64_t number(const char *text, uint64_t lowest, uint64_t highest)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < lowest || value > highest) {
        fprintf(stderr, "order_book: '%s' is not a number from %" PRIu64 " to %" PRIu64 "\n", text, lowest, highest);
        usage(stderr, BAD_USAGE);
    }
    return value;
}

struct arguments {
    uint64_t messages, seed;
    const char *file, *write; /* NULL: none */
};

static struct arguments parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "messages", required_argument, NULL, 'm' }, { "seed", required_argument, NULL, 's' },
        { "file", required_argument, NULL, 'f' },     { "write", required_argument, NULL, 'w' },
        { "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
    };
    struct arguments arguments = { .messages = 5000000, .seed = 1 };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'm')
            arguments.messages = number(optarg, 1, UINT32_MAX);
        else if (option == 's')
            arguments.seed = number(optarg, 0, UINT64_MAX);
        else if (option == 'f')
            arguments.file = optarg;
        else if (option == 'w')
            arguments.write = optarg;
        else
            usage(option == 'h' ? stdout : stderr, option == 'h' ? EXIT_SUCCESS : BAD_USAGE);
    }
    if (optind != argc || (arguments.file != NULL && arguments.write != NULL))
        usage(stderr, BAD_USAGE);
    return arguments;
}

static FILE *opened(const char *path, const char *mode)
{
    FILE *const file = fopen(path, mode);
    if (file == NULL)
        bad_file(path, strerror(errno));
    return file;
}

/* Returns the seconds that it takes. */
static double replay_synthetic(const struct arguments *arguments, struct book *book)
{
    FILE *const out = arguments->write != NULL ? opened(arguments->write, "wb") : NULL;
    struct feed feed;
    double took;

    feed_init(&feed, book->pool, arguments->seed, (uint32_t)arguments->messages);
    took = replay(&feed, book, out, arguments->write);
    feed_fini(&feed);
    if (out != NULL && fclose(out) != 0)
        bad_file(arguments->write, strerror(errno));
    return took;
}

int main(int argc, char **argv)
{
    struct arguments arguments = parse(argc, argv);
    FILE *const in = arguments.file != NULL ? opened(arguments.file, "rb") : NULL;
    struct itch_pool pool;
    struct book *book;
    double took;
    bool good;
    size_t live;

    if (!itch_pool_init_growing(&pool, NULL))
        out_of_memory();
    if (in != NULL) {
        arguments.messages = 0;
        book = book_new(&pool, 1 << 20);
        took = replay_file(in, arguments.file, book, &arguments.messages);
        (void)fclose(in);
    } else {
        book = book_new(&pool, arguments.messages); /* a message announces at most one order */
        took = replay_synthetic(&arguments, book);
    }

    print_messages(book);
    print_memory(book);
    good = balanced(book);
    printf("\nself-check: the book's totals and the orders in it %s\n", good ? "agree" : "DIFFER");
    printf("traded: %" PRIu64 " shares; checksum %016" PRIx64 "\n", book->volume, book->checksum);
    printf("speed: %.1f million messages per second, %.2f seconds in all\n", (double)arguments.messages / took / 1e6,
           took);

    book_free(book);
    live = itch_pool_fini(&pool);
    printf("end of the pool: %zu live messages\n", live);
    return good && live == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
