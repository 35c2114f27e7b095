// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The longest call of many, counted and not timed, so that each run gives the same figures.
 * Compiled with -fsanitize-coverage=trace-pc it counts the basic blocks of the engine in each call, and prints the longest
 * calls with their numbers. Compiled without, on x86-64, it runs the calls of these numbers in single steps and prints their
 * instructions. A fast path that is inlined counts as nothing.
 *
 *   longest_call CONFIGURATION OPERATIONS [NUMBER...]
 */

#include <signal.h>
#include <stddef.h>

#define PROTOPOOL_LOCK(lock) meter_lock(lock)
#define PROTOPOOL_UNLOCK(lock) meter_unlock(lock)

static void meter_lock(void *lock);
static void meter_unlock(void *lock);

#include "protopool.c"

#include <stdio.h>
#include <stdlib.h>

#define UNCOUNTED __attribute__((noinline, no_sanitize_coverage))

/* ---- The meter ------------------------------------------------------------------------------------------------------------ */

static volatile unsigned long count; /* basic blocks or instructions */

void __sanitizer_cov_trace_pc(void);

UNCOUNTED void __sanitizer_cov_trace_pc(void)
{
    count++;
}

enum { KINDS = 5 };
static const char *const kinds[KINDS] = { "new", "free", "reserve", "prefill", "locked" };
enum { NEW, FREE, RESERVE, PREFILL, LOCKED };
static struct {
    unsigned long count, number;
} longest[KINDS];
static unsigned long number; /* of the call */
static unsigned long locked_at;
static char **wanted; /* the numbers of the calls to run in steps */
static unsigned long next_wanted;

UNCOUNTED static void note(int kind, unsigned long counted)
{
    if (counted > longest[kind].count) {
        longest[kind].count = counted;
        longest[kind].number = number;
    }
}

UNCOUNTED static void meter_lock(void *lock)
{
    (void)lock;
    locked_at = count;
}

UNCOUNTED static void meter_unlock(void *lock)
{
    (void)lock;
    note(LOCKED, count - locked_at);
}

#if defined __x86_64__ && !defined BLOCKS
/* The trap flag: the processor stops after each instruction. */
#define SET_TRAP() \
    __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orq $256, (%%rsp); popfq; lea 128(%%rsp), %%rsp" :: \
                         : "memory", "cc")
#define CLEAR_TRAP() \
    __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andq $-257, (%%rsp); popfq; lea 128(%%rsp), %%rsp" :: \
                         : "memory", "cc")

static void stepped(int signal)
{
    (void)signal;
    count++;
}
#else
#define SET_TRAP() ((void)0)
#define CLEAR_TRAP() ((void)0)
static void stepped(int signal)
{
    (void)signal;
}
#endif

UNCOUNTED static bool begin(void)
{
    const bool is_wanted = ++number == next_wanted;

    count = 0;
    if (is_wanted) {
        wanted += wanted[0] != NULL;
        next_wanted = wanted[0] != NULL ? strtoul(wanted[0], NULL, 10) : 0;
    }
    return is_wanted;
}

/* ---- Pools ------------------------------------------------------------------------------------------------------------- */

enum { SIZES = 63, POOLS = 2, BURST = 800, GROWTH = 20000, MOST_FIXED = 10000000 };

static struct protopool_slot_size sizes[SIZES];
static struct protopool_geometry geometry = { sizes, SIZES };
static struct {
    struct protopool engine;
    struct protopool_magazine loaded[1 + SIZES];
    struct protopool_pool_class *parts[PROTOPOOL_PARTS(SIZES)];
} pools[POOLS];
static struct {
    struct protopool_depot engine;
    struct protopool_depot_class classes[1 + SIZES];
} depot;

UNCOUNTED static void *take(int pool, unsigned c)
{
    void *slot;

    if (begin()) {
        SET_TRAP();
        slot = protopool_take(&pools[pool].engine, &pools[pool].loaded[c], c);
        CLEAR_TRAP();
    } else {
        slot = protopool_take(&pools[pool].engine, &pools[pool].loaded[c], c);
    }
    note(NEW, count);
    if (slot == NULL)
        abort();
    return slot;
}

UNCOUNTED static void put(int pool, unsigned c, void *slot)
{
    if (begin()) {
        SET_TRAP();
        protopool_put(&pools[pool].engine, &pools[pool].loaded[c], c, slot);
        CLEAR_TRAP();
    } else {
        protopool_put(&pools[pool].engine, &pools[pool].loaded[c], c, slot);
    }
    note(FREE, count);
}

/* ---- Work --------------------------------------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252U;

UNCOUNTED static size_t random_below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % bound);
}

static void *live[MOST_FIXED];

UNCOUNTED static void shuffle(size_t slots)
{
    for (size_t i = slots; i > 1; i--) {
        const size_t j = random_below(i);
        void *const other = live[i - 1];
        live[i - 1] = live[j];
        live[j] = other;
    }
}

/* A fixed pool of 10 million slots of one size, nearly always full. Slots become free here and there, and are taken again. */
UNCOUNTED static int run_fixed(unsigned long operations)
{
    size_t bytes;
    void *memory;

    sizes[0].budget = MOST_FIXED;
    geometry.count = 1;
    bytes = (size_t)(PROTOPOOL_POOL_TABLES_BYTES(1) + PROTOPOOL_FIXED_BYTES(16, MOST_FIXED));
    memory = malloc(bytes);
    if (!protopool_init_fixed(&pools[0].engine, pools[0].loaded, pools[0].parts, &geometry, memory, bytes))
        return 1;
    for (size_t i = 0; i < MOST_FIXED; i++)
        live[i] = take(0, 1);
    while (number < MOST_FIXED + operations) {
        const size_t burst = 1 + random_below(3 * (size_t)PROTOPOOL_MAGAZINE);
        const size_t first = random_below(MOST_FIXED - burst);
        const size_t distance = random_below(2) == 0 ? 1 : 1 + random_below((MOST_FIXED - first) / burst);
        for (size_t i = 0; i < burst; i++)
            put(0, 1, live[first + i * distance]);
        for (size_t i = 0; i < burst; i++)
            live[first + i * distance] = take(0, 1);
    }
    (void)protopool_fini(&pools[0].engine);
    free(memory);
    return 0;
}

/* Bursts of every slot size, freed by the other pool if there are two, and then many messages of one size. */
UNCOUNTED static void run_bursts(unsigned long operations, int freeing)
{
    for (unsigned round = 0; number < operations; round++) {
        const unsigned grows = 1 + round % SIZES;
        for (unsigned c = 1; c <= SIZES; c++) {
            for (size_t i = 0; i < BURST; i++)
                live[i] = take(0, c);
            for (size_t i = 0; i < BURST; i++)
                put(freeing, c, live[i]);
        }
        for (size_t i = 0; i < GROWTH; i++)
            live[i] = take((int)(round % 2) * freeing, grows);
        if (round % 3 != 0)
            shuffle(GROWTH);
        for (size_t i = 0; i < GROWTH; i++)
            put(freeing, grows, live[i]);
    }
}

UNCOUNTED static int run_growing(unsigned long operations)
{
    if (!protopool_init_growing(&pools[0].engine, pools[0].loaded, pools[0].parts, &geometry, NULL))
        return 1;
    run_bursts(operations, 0);
    return protopool_fini(&pools[0].engine) != 0;
}

UNCOUNTED static int join(void)
{
    if (!protopool_depot_init(&depot.engine, depot.classes, &geometry, NULL))
        return 1;
    for (int i = 0; i < POOLS; i++)
        if (!protopool_join(&pools[i].engine, pools[i].loaded, pools[i].parts, &geometry, &depot.engine))
            return 1;
    return 0;
}

UNCOUNTED static int leave(void)
{
    for (int i = 0; i < POOLS; i++)
        (void)protopool_fini(&pools[i].engine);
    return protopool_depot_fini(&depot.engine) != 0;
}

UNCOUNTED static int run_joined(unsigned long operations)
{
    if (join() != 0)
        return 1;
    run_bursts(operations, 1);
    return leave();
}

/* 5 million slots are reserved by a joined pool: for how long is the lock held at once? */
UNCOUNTED static int run_reserve(unsigned long operations)
{
    if (join() != 0)
        return 1;
    (void)begin();
    if (!protopool_reserve(&pools[0].engine, 2, operations / 2))
        return 1;
    note(RESERVE, count);
    return leave();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(unsigned long operations);
    } runs[] = {
        { "fixed", run_fixed }, { "growing", run_growing }, { "joined", run_joined }, { "reserve", run_reserve }
    };
    int status = 2;

    if (argc < 3)
        return 2;
    wanted = argv + 3;
    next_wanted = wanted[0] != NULL ? strtoul(wanted[0], NULL, 10) : 0;
    (void)signal(SIGTRAP, stepped);
    for (unsigned c = 1; c <= SIZES; c++)
        sizes[c - 1].bytes = 8 + 8 * c;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        if (strcmp(argv[1], runs[i].name) == 0)
            status = runs[i].run(strtoul(argv[2], NULL, 10));
    for (int kind = 0; kind < KINDS; kind++)
        if (longest[kind].count != 0)
            printf("%s %s %lu in call %lu\n", argv[1], kinds[kind], longest[kind].count, longest[kind].number);
    return status;
}
