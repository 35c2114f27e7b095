// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Pools of several threads on one depot: what one makes another frees. HANDOFFS, STREAMS and SOAK_SECONDS in the environment
 * make the tests longer.
 */

#include "calc.h"
#include "../examples/ring.h"
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, THREADS = 4 };

static struct calc_depot depot;

/* A message whose content follows from the number; NULL if there is no memory. */
static struct calc *make_numbered(struct calc_pool *pool, uint64_t number)
{
    static const int32_t operands[12] = { 0 };
    switch (number % 5) {
    case 0:
        return calc_new_add(pool, number, ~number);
    case 1:
        return calc_new_negate(pool, (int64_t)number);
    case 2:
        return calc_new_store(pool, "stored", (double)number);
    case 3:
        return calc_new_log(pool, number, "a line of the log");
    default:
        return calc_new_sum(pool, (uint8_t)number, operands);
    }
}

static bool is_numbered(const struct calc *msg, uint64_t number)
{
    switch (number % 5) {
    case 0:
        return calc_tag_of(msg) == CALC_ADD && calc_as_add(msg)->left == number && calc_as_add(msg)->right == ~number;
    case 1:
        return calc_tag_of(msg) == CALC_NEGATE && calc_as_negate(msg)->value == (int64_t)number;
    case 2:
        return calc_tag_of(msg) == CALC_STORE && calc_as_store(msg)->value == (double)number
               && strcmp(calc_as_store(msg)->name, "stored") == 0;
    case 3:
        return calc_tag_of(msg) == CALC_LOG && calc_as_log(msg)->time == number;
    default:
        return calc_tag_of(msg) == CALC_SUM && calc_as_sum(msg)->count == (uint8_t)number;
    }
}

/* ---- A stream of messages from one thread to another ------------------------------------------------------------- */

struct stream {
    struct ring ring;
    uint64_t count;
};

static void *produce(void *ctx)
{
    struct stream *const stream = (struct stream *)ctx;
    struct calc_pool pool;
    void *batch[BATCH];
    size_t filled = 0;

    ASSERT(calc_pool_join(&pool, &depot));
    for (uint64_t number = 0; number < stream->count; number++) {
        batch[filled++] = make_numbered(&pool, number);
        ASSERT(batch[filled - 1] != NULL);
        if (filled == BATCH || number + 1 == stream->count) {
            ring_push(&stream->ring, batch, filled);
            filled = 0;
        }
    }
    ASSERT(calc_pool_fini(&pool) == 0);
    return NULL;
}

static void *consume(void *ctx)
{
    struct stream *const stream = (struct stream *)ctx;
    struct calc_pool pool;
    void *batch[BATCH];

    ASSERT(calc_pool_join(&pool, &depot));
    for (uint64_t number = 0; number < stream->count;) {
        const size_t popped = ring_pop(&stream->ring, batch, BATCH);
        for (size_t i = 0; i < popped; i++, number++) {
            ASSERT(is_numbered((struct calc *)batch[i], number));
            calc_free(&pool, (struct calc *)batch[i]);
        }
    }
    ASSERT(calc_pool_fini(&pool) == 0);
    return NULL;
}

START_TEST(streams_arrive_as_they_were_sent)
{
    static struct stream streams[2];
    const size_t count = (size_t)from_environment("STREAMS", 2);
    pthread_t threads[4];

    ck_assert_uint_le(count, 2);
    ck_assert(calc_depot_init(&depot, NULL));
    for (size_t i = 0; i < count; i++) {
        streams[i].count = from_environment("HANDOFFS", 300000) / count;
        ck_assert_int_eq(pthread_create(&threads[2 * i], NULL, produce, &streams[i]), 0);
        ck_assert_int_eq(pthread_create(&threads[2 * i + 1], NULL, consume, &streams[i]), 0);
    }
    for (size_t i = 0; i < 2 * count; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
}
END_TEST

/* ---- Joining and leaving ------------------------------------------------------------------------------------------- */

static enum protopool_fault fault_seen;
static unsigned faults;

static void note_fault(enum protopool_fault fault, const void *pool, const void *pointer,
                       const struct protopool_site *site)
{
    (void)pool;
    (void)pointer;
    (void)site;
    fault_seen = fault;
    faults++;
}

/* Some tests end a pool with live messages, to see them counted. */
static void let_leaks_pass(enum protopool_fault fault, const void *pool, const void *pointer,
                           const struct protopool_site *site)
{
    (void)pool;
    (void)pointer;
    (void)site;
    if (fault != PROTOPOOL_FAULT_LEAK)
        ck_abort_msg("%s", protopool_fault_text(fault));
}

START_TEST(messages_outlive_the_pool_that_made_them)
{
    struct calc_pool one, other;
    struct calc *msgs[1000];

    ck_assert(calc_depot_init(&depot, NULL));
    ck_assert(calc_pool_join(&one, &depot));
    for (uint64_t i = 0; i < 1000; i++)
        ASSERT((msgs[i] = make_numbered(&one, i)) != NULL);
    ck_assert_uint_eq(calc_pool_fini(&one), 0);
    ck_assert(calc_pool_join(&other, &depot));
    for (uint64_t i = 0; i < 999; i++) {
        ASSERT(is_numbered(msgs[i], i));
        calc_free(&other, msgs[i]);
    }
    ck_assert_uint_eq(calc_pool_fini(&other), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 1);
}
END_TEST

START_TEST(depot_is_not_ended_while_a_pool_is_joined)
{
    struct calc_pool pool;
    struct calc *msg;

    faults = 0;
    protopool_set_fault_handler(note_fault);
    ck_assert(calc_depot_init(&depot, NULL));
    ck_assert(calc_pool_join(&pool, &depot));
    msg = calc_new_add(&pool, 1, 2);
    ck_assert(calc_depot_fini(&depot) == SIZE_MAX);
    ck_assert_uint_eq(faults, 1);
    ck_assert_int_eq((int)fault_seen, PROTOPOOL_FAULT_JOINED);
    ck_assert_uint_eq(calc_as_add(msg)->right, 2); /* nothing was released */
    calc_free(&pool, msg);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert_uint_eq(faults, 1);
    ck_assert(!calc_pool_join(&pool, &depot)); /* it is no depot any more */
    protopool_set_fault_handler(let_leaks_pass);
}
END_TEST

START_TEST(fault_without_a_handler_aborts)
{
    struct calc_pool pool;
    protopool_set_fault_handler(NULL);
    ck_assert(calc_depot_init(&depot, NULL));
    ck_assert(calc_pool_join(&pool, &depot));
    (void)calc_depot_fini(&depot);
}
END_TEST

static void count_message(void *ctx, const struct calc *msg)
{
    size_t *const count = (size_t *)ctx;
    *count += calc_tag_of(msg) == CALC_ADD && calc_as_add(msg)->left == ~calc_as_add(msg)->right;
}

START_TEST(each_of_a_depot_meets_what_is_live)
{
    struct calc_pool one, other;
    struct calc *msgs[2000];
    struct calc_pool_stats stats;
    size_t count = 0;

    ck_assert(calc_depot_init(&depot, NULL));
    ck_assert(calc_pool_join(&one, &depot) && calc_pool_join(&other, &depot));
    for (uint64_t i = 0; i < 2000; i++)
        ASSERT((msgs[i] = make_numbered(&one, 5 * i)) != NULL);
    for (int i = 0; i < 1500; i++) /* some stay in magazines of the other, and of the depot */
        calc_free(&other, msgs[i]);
    ck_assert(!calc_depot_each(&depot, count_message, &count)); /* not while a pool is joined */
    ck_assert_uint_eq(count, 0);
    faults = 0;
    protopool_set_fault_handler(note_fault);
    calc_pool_each(&one, count_message, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(faults, 1);
    ck_assert_int_eq((int)fault_seen, PROTOPOOL_FAULT_SHARED);
    calc_pool_reset(&one); /* frees nothing: see below */
    ck_assert_uint_eq(faults, 2);
    ck_assert_int_eq((int)fault_seen, PROTOPOOL_FAULT_SHARED);
    protopool_set_fault_handler(let_leaks_pass);
    calc_pool_flush(&one);
    ck_assert_uint_eq(calc_pool_fini(&other), 0);
    ck_assert_uint_eq(calc_pool_fini(&one), 0);
    calc_depot_stats(&depot, &stats);
    ck_assert_uint_eq(stats.slot[1].live, 500);
    ck_assert_uint_ge(stats.slot[1].peak, 2000);
    ck_assert(calc_depot_each(&depot, count_message, &count));
    ck_assert_uint_eq(count, 500);
    ck_assert_uint_eq(calc_depot_fini(&depot), 500);
}
END_TEST

/* ---- Fixed depots ---------------------------------------------------------------------------------------------------- */

#define POOLS 3
CALC_DEPOT_STORAGE(memory, POOLS);

START_TEST(fixed_depot_guarantees_max_live_to_its_pools)
{
    struct calc_pool pools[POOLS + 2];
    struct calc *msgs[64];
    struct calc_pool_stats stats;
    size_t budget;

    ck_assert(calc_depot_init_fixed(&depot, memory, sizeof memory));
    for (int i = 0; i < POOLS; i++)
        ck_assert(calc_pool_join(&pools[i], &depot));
    for (int round = 0; round < 100; round++) {
        struct calc_pool *const maker = &pools[round % POOLS];
        for (int i = 0; i < 32; i++) /* 32 is max_live of Negate, alone in its slot size */
            ASSERT((msgs[i] = calc_new_negate(maker, i)) != NULL);
        for (int i = 0; i < 32; i++) {
            ASSERT(calc_as_negate(msgs[i])->value == i);
            calc_free(&pools[(round + i) % POOLS], msgs[i]);
        }
    }
    for (int i = POOLS; i < POOLS + 2; i++) { /* these have no magazines, and work */
        ck_assert(calc_pool_join(&pools[i], &depot));
        calc_pool_flush(&pools[0]);
        calc_pool_flush(&pools[1]);
        calc_pool_flush(&pools[2]);
        for (int k = 0; k < 32; k++)
            ASSERT((msgs[k] = calc_new_negate(&pools[i], k)) != NULL);
        for (int k = 0; k < 32; k++)
            calc_free(&pools[i], msgs[k]);
    }
    calc_pool_stats(&pools[0], &stats);
    budget = stats.slot[0].budget;
    ck_assert_uint_eq(budget, 32);
    for (int i = 0; i < POOLS + 2; i++)
        ck_assert_uint_eq(calc_pool_fini(&pools[i]), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
}
END_TEST

START_TEST(fixed_depot_refuses_little_memory)
{
    const size_t for_one_pool = CALC_DEPOT_BYTES(1),
                 without_magazines = for_one_pool - (size_t)PROTOPOOL_DEPOT_ARRAYS_BYTES(CALC_SLOT_SIZES, 1);
    struct calc_pool pool;
    ck_assert(!calc_depot_init_fixed(&depot, memory, 100));
    ck_assert(!calc_pool_join(&pool, &depot));
    ck_assert(!calc_depot_init_fixed(&depot, memory + 1, sizeof memory - 1));
    ck_assert(!calc_depot_init_fixed(&depot, NULL, sizeof memory));
    ck_assert(calc_depot_init_fixed(&depot, memory, for_one_pool));
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert(calc_depot_init_fixed(&depot, memory, without_magazines)); /* also does, but is slower */
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
}
END_TEST

/* ---- Peaks ------------------------------------------------------------------------------------------------------------ */

START_TEST(peak_of_a_pool_on_its_own_is_what_was_live)
{
    enum { MOST = 500 };
    static struct calc *adds[MOST];
    struct calc_pool pool;
    struct calc_pool_stats stats;
    uint64_t random = 42;
    size_t live = 0, peak = 0;

    ck_assert(calc_pool_init_growing(&pool, NULL));
    for (int i = 0; i < 100000; i++) {
        const uint64_t chance = next_random(&random);
        const size_t limit = (size_t)i / 250 + 10; /* the peak rises to the end, by steps */
        if (chance % 1000 == 0) {
            calc_pool_flush(&pool);
        } else if (chance % 5000 == 1) {
            calc_pool_reset(&pool);
            live = 0;
        } else if ((chance >> 20) % 2 == 0 && live < limit) {
            ASSERT((adds[live++] = calc_new_add(&pool, 1, 2)) != NULL);
        } else if (live != 0) {
            calc_free(&pool, adds[--live]);
        }
        if (live > peak)
            peak = live;
        if (i % 997 == 0) {
            calc_pool_stats(&pool, &stats);
#if PROTOPOOL_CHECK >= 1
            ASSERT(stats.slot[1].peak == peak);
            ASSERT(stats.slot[1].live == live);
#else
            ASSERT(stats.slot[1].peak >= peak && stats.slot[1].peak <= peak + PROTOPOOL_MAGAZINE);
#endif
        }
    }
    ck_assert_uint_gt(peak, 100);
    ck_assert_uint_eq(calc_pool_fini(&pool), live);
}
END_TEST

START_TEST(peak_of_a_depot_is_a_bound_and_exact_at_level_2)
{
    enum { LIVE = 2 };
    struct calc_pool maker, taker;
    struct calc_pool_stats stats;
    char text[2000] = "";
    FILE *out;

    ck_assert(calc_depot_init(&depot, NULL));
    ck_assert(calc_pool_join(&maker, &depot));
    ck_assert(calc_pool_join(&taker, &depot));
    for (int i = 0; i < 10000; i++) { /* what the taker frees stays in its magazines */
        struct calc *const one = calc_new_add(&maker, 1, 2), *const two = calc_new_add(&maker, 3, 4);
        ASSERT(one != NULL && two != NULL);
        calc_free(&taker, one);
        calc_free(&taker, two);
    }
    out = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_gt(calc_depot_print_budget(out, &depot), 0);
    ck_assert_int_eq(fclose(out), 0);
    calc_depot_stats(&depot, &stats);
#if PROTOPOOL_CHECK == 2
    ck_assert_uint_eq(stats.slot[1].peak, LIVE);
    ck_assert_uint_eq(stats.slot[1].live, 0);
    ck_assert_ptr_null(strstr(text, "At most"));
    ck_assert_ptr_nonnull(strstr(text, "max_live: 2  # of Add"));
#else
    ck_assert_uint_ge(stats.slot[1].peak, LIVE);
    ck_assert_uint_le(stats.slot[1].peak, LIVE + 2 * 5 * PROTOPOOL_MAGAZINE); /* two pools */
    ck_assert_ptr_nonnull(strstr(text, "At most"));                           /* and it says so */
#endif
    ck_assert_uint_eq(calc_pool_fini(&maker), 0);
    ck_assert_uint_eq(calc_pool_fini(&taker), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
}
END_TEST

#if PROTOPOOL_CHECK == 0
#ifdef __GNUC__
__attribute__((noinline))
#endif
static size_t
zeros_behind_the_tag(const struct calc *msg)
{
    size_t zeros = 0;
    for (size_t i = 1; i < 8; i++)
        zeros += ((const unsigned char *)msg)[i] == 0;
    return zeros;
}

/* An optimising compiler copies a local struct member by member, which says nothing of its padding. */
START_TEST(copy_of_a_local_struct_has_no_byte_of_a_freed_message)
{
    struct calc_pool pool;
    struct calc *msg;
    struct calc_negate negate;

    ck_assert(calc_pool_init_growing(&pool, NULL));
    msg = calc_new_negate(&pool, 1);
    ck_assert_ptr_nonnull(msg);
    memset((unsigned char *)msg + 1, 0xa5, sizeof negate - 1);
    calc_free(&pool, msg);
    negate = calc_make_negate((int64_t)_i);
    msg = calc_copy_negate(&pool, &negate);
    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq(zeros_behind_the_tag(msg), 7);
    calc_free(&pool, msg);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
}
END_TEST
#endif

START_TEST(typed_free_leaves_the_hint_for_the_next_free)
{
    struct calc_pool pool;
    struct calc *add, *negate;

    ck_assert(calc_pool_init_growing(&pool, NULL));
    add = calc_new_add(&pool, 5, 6);
    negate = calc_new_negate(&pool, 7);
    ck_assert(add != NULL && negate != NULL);
    calc_free(&pool, add);
    calc_free_negate(&pool, negate);
#if PROTOPOOL_CHECK == 0
    ck_assert_uint_eq(pool.engine_.last_tag, CALC_ADD);
#endif
    ck_assert_ptr_eq(calc_new_negate(&pool, 8), negate);
    ck_assert_uint_eq(calc_pool_fini(&pool), 1);
}
END_TEST

START_TEST(free_of_a_message_without_fields_does_nothing)
{
    struct calc_pool pool;
    struct calc *add;

    ck_assert(calc_pool_init_growing(&pool, NULL));
    add = calc_new_add(&pool, 5, 6);
    ck_assert_ptr_nonnull(add);
    calc_free(&pool, add);
#if PROTOPOOL_CHECK < 2
    ck_assert_uint_eq(pool.engine_.last_tag, CALC_ADD);
#endif
    calc_free(&pool, calc_new_quit(&pool));
    calc_free_quit(&pool, calc_new_quit(&pool));
#if PROTOPOOL_CHECK < 2
    ck_assert_uint_eq(pool.engine_.last_tag, CALC_ADD); /* the next free of an Add still finds its magazine at once */
#endif
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
}
END_TEST

/* ---- Init that fails ------------------------------------------------------------------------------------------------- */

static void *take_nothing(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    return NULL;
}

static const struct protopool_source nothing = { take_nothing, NULL, NULL };

static void meet(void *ctx, const struct calc *msg)
{
    (void)msg;
    ++*(int *)ctx;
}

/* Every function of a pool whose init or join has failed; its bytes were anything before. */
static void use_failed_pool(struct calc_pool *pool)
{
    struct calc_pool_stats stats;
    int met = 0;

    ck_assert_ptr_null(calc_new_add(pool, 5, 6));
    ck_assert_ptr_null(calc_copy_add(pool, &(struct calc_add){ .left = 5 }));
    ck_assert_ptr_null(calc_clone(pool, &(struct calc_add){ { CALC_ADD }, 5, 6 }.base));
    ck_assert_ptr_nonnull(calc_new_quit(pool)); /* takes no memory */
    calc_free(pool, NULL);
    calc_free(pool, calc_new_quit(pool));
    ck_assert(!calc_pool_reserve(pool, CALC_ADD, 1));
    calc_pool_flush(pool);
    ck_assert_uint_eq(calc_pool_trim(pool), 0);
    calc_pool_reset(pool);
    calc_pool_each(pool, meet, &met);
    ck_assert_int_eq(met, 0);
    calc_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.slot[0].live, 0);
    ck_assert_uint_eq(stats.source_bytes, 0);
    ck_assert_int_ge(calc_pool_print_budget(stderr, pool), 0);
    ck_assert_uint_eq(calc_pool_fini(pool), 0);
}

START_TEST(pool_whose_init_has_failed_is_empty)
{
    static struct calc_depot failed;
    struct calc_pool pool;

    for (int how = 0; how < 5; how++) {
        memset(&pool, how % 2 == 0 ? 0xa5 : 0, sizeof pool);
        memset(&failed, 0xa5, sizeof failed);
        if (how == 0)
            ck_assert(!calc_pool_init(&pool, memory, 100));
        else if (how == 1)
            ck_assert(!calc_pool_init(&pool, memory + 1, sizeof memory - 1));
        else if (how == 2)
            ck_assert(!calc_pool_init_growing(&pool, &nothing));
        else if (how == 3)
            ck_assert(!calc_depot_init(&failed, &nothing) && !calc_pool_join(&pool, &failed));
        else
            ck_assert(!calc_depot_init_fixed(&failed, memory, 100) && !calc_pool_join(&pool, &failed));
        use_failed_pool(&pool);
    }
}
END_TEST

START_TEST(depot_whose_init_has_failed_is_empty)
{
    struct calc_pool_stats stats;
    int met = 0;

    for (int how = 0; how < 3; how++) {
        memset(&depot, 0xa5, sizeof depot);
        if (how == 0)
            ck_assert(!calc_depot_init(&depot, &nothing));
        else if (how == 1)
            ck_assert(!calc_depot_init_fixed(&depot, memory, 100));
        else
            ck_assert(!calc_depot_init_fixed(&depot, memory + 1, sizeof memory - 1));
        ck_assert_uint_eq(calc_depot_trim(&depot), 0);
        calc_depot_each(&depot, meet, &met);
        ck_assert_int_eq(met, 0);
        calc_depot_stats(&depot, &stats);
        ck_assert_uint_eq(stats.slot[0].live, 0);
        ck_assert_int_ge(calc_depot_print_budget(stderr, &depot), 0);
        ck_assert_uint_eq(calc_depot_fini(&depot), 0);
        ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    }
}
END_TEST

/* ---- Sources of depots: called by one thread at a time, without the depot's lock ------------------------------------------ */

static size_t takes, gives;
static bool is_leaving; /* the last joined pool */

/* No other thread uses the depot: so its lock is free, unless this thread holds it. */
static void assert_depot_is_unlocked(void)
{
    pthread_mutex_t *const lock = (pthread_mutex_t *)(void *)&depot.engine_.lock;
    ASSERT(pthread_mutex_trylock(lock) == 0);
    ASSERT(pthread_mutex_unlock(lock) == 0);
}

static void *take_unlocked(void *ctx, size_t bytes, size_t align)
{
    if (*(const bool *)ctx)
        assert_depot_is_unlocked();
    takes++;
    return counted_take(ctx, bytes, align);
}

static void give_unlocked(void *ctx, void *block, size_t bytes, size_t align)
{
    if (*(const bool *)ctx)
        assert_depot_is_unlocked();
    ASSERT(!is_leaving || depot.engine_.joined == 1); /* else another thread might end the depot now */
    gives++;
    counted_give(ctx, block, bytes, align);
}

static bool is_in_source; /* no atomic: the source's lock orders all accesses */

static void enter_source(void)
{
    ASSERT(!is_in_source);
    is_in_source = true;
}

static void *take_alone(void *ctx, size_t bytes, size_t align)
{
    void *block;
    enter_source();
    block = counted_take(ctx, bytes, align);
    is_in_source = false;
    return block;
}

static void give_alone(void *ctx, void *block, size_t bytes, size_t align)
{
    enter_source();
    counted_give(ctx, block, bytes, align);
    is_in_source = false;
}

/* More slabs than a depot keeps as spare ones come from the source and go back, again and again. */
static void *grow_and_shrink(void *ctx)
{
    enum { GROWTH = 40000, ROUNDS = 5 };
    struct calc **const msgs = (struct calc **)calloc(GROWTH, sizeof *msgs);
    struct calc_pool pool;

    (void)ctx;
    ASSERT(msgs != NULL && calc_pool_join(&pool, &depot));
    for (int round = 0; round < ROUNDS; round++) {
        struct calc_pool_stats stats;
        for (size_t i = 0; i < GROWTH; i++)
            ASSERT((msgs[i] = calc_new_store(&pool, "name", (double)i)) != NULL);
        for (size_t i = 0; i < GROWTH; i++)
            calc_free(&pool, msgs[i]);
        calc_pool_stats(&pool, &stats);
        (void)calc_pool_trim(&pool);
    }
    ASSERT(calc_pool_fini(&pool) == 0);
    free(msgs);
    return NULL;
}

START_TEST(source_is_called_by_one_thread_at_a_time)
{
    const struct protopool_source alone = { take_alone, give_alone, NULL };
    pthread_t threads[4];

    counted.bytes = 0;
    ck_assert(calc_depot_init(&depot, _i == 0 ? &alone : NULL));
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, grow_and_shrink, NULL), 0);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert_uint_eq(counted.bytes, 0);
}
END_TEST

START_TEST(source_is_called_without_the_depots_lock)
{
    enum { MANY = 200000 };
    static struct calc *msgs[MANY];
    static bool is_depot; /* it has its lock */
    const struct protopool_source source = { take_unlocked, give_unlocked, &is_depot };
    struct calc_pool one, other;
    size_t before;

    counted.bytes = takes = gives = 0;
    ck_assert(calc_depot_init(&depot, &source));
    is_depot = true;
    before = takes;
    ck_assert(calc_pool_join(&one, &depot) && calc_pool_join(&other, &depot));
    ck_assert(calc_pool_reserve(&one, CALC_ADD, MANY / 4));
    ck_assert_uint_gt(takes, before + MANY / 4 * sizeof(struct calc_add) / 16384);
    before = takes;
    for (size_t i = 0; i < MANY; i++)
        ASSERT((msgs[i] = make_numbered(&one, i)) != NULL);
    ck_assert_uint_gt(takes, before);
    ck_assert(calc_pool_prefill(&one));
    for (size_t i = 0; i < MANY / 2; i++)
        calc_free(&one, msgs[i]);
    ck_assert_uint_gt(gives, 0);
    before = gives;
    for (size_t i = MANY / 2; i < MANY; i++)
        calc_free(&other, msgs[i]);
    ck_assert_uint_gt(gives, before);
    ck_assert_uint_eq(calc_pool_fini(&other), 0);
    before = gives;
    ck_assert_uint_gt(calc_pool_trim(&one), 0);
    ck_assert_uint_gt(gives, before);
    for (size_t i = 0; i < MANY; i++)
        ASSERT((msgs[i] = make_numbered(&one, i)) != NULL);
    for (size_t i = 0; i < MANY; i++)
        calc_free(&one, msgs[i]);
    is_leaving = true;
    before = gives;
    ck_assert_uint_eq(calc_pool_fini(&one), 0);
    ck_assert_uint_gt(gives, before);
    is_leaving = false;
    ck_assert_uint_gt(calc_depot_trim(&depot), 0);
    is_depot = false;
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(takes, gives);
}
END_TEST

#if SIZE_MAX > 0xffffffffU
START_TEST(fixed_depot_refuses_more_slots_than_it_can_count)
{
    static const struct protopool_slot_size slot_size = { 1, UINT32_MAX - 1 };
    static const struct protopool_geometry geometry = { .slot_sizes = &slot_size, .count = 1 };
    static struct protopool_depot engine;
    static struct protopool_depot_class classes[2];
    const unsigned long long bytes = PROTOPOOL_TABLES_BYTES(1) + PROTOPOOL_DEPOT_BYTES(1, slot_size.budget, 2)
                                     + PROTOPOOL_DEPOT_ARRAYS_BYTES(1, 2) + PROTOPOOL_DEPOT_PARTS_BYTES(1, 2);

    ck_assert(!protopool_depot_init_fixed(&engine, classes, &geometry, memory, (size_t)bytes));
}
END_TEST
#endif

START_TEST(exhaustion_of_a_depot_is_met)
{
    struct calc_pool one, other;
    static struct calc *msgs[5000];

    ck_assert(!calc_depot_init(&depot, &(struct protopool_source){ NULL, NULL, NULL }));
    for (size_t from = 3; from < 30; from++) { /* after the tables and the first slab */
        size_t count = 0;
        counted.takes = 0;
        counted.fail_at = from;
        counted.fail_on = true;
        ck_assert(calc_depot_init(&depot, &COUNTED_SOURCE));
        ck_assert(calc_pool_join(&one, &depot) && calc_pool_join(&other, &depot));
        while (count < 5000 && (msgs[count] = make_numbered(&one, count)) != NULL)
            count++;
        for (size_t i = 0; i < count; i++) {
            ASSERT(is_numbered(msgs[i], i));
            calc_free(&other, msgs[i]);
        }
        ck_assert_uint_eq(calc_pool_fini(&one), 0);
        ck_assert_uint_eq(calc_pool_fini(&other), 0);
        ck_assert_uint_eq(calc_depot_fini(&depot), 0);
        ck_assert_uint_eq(counted.bytes, 0);
    }
    counted.fail_at = 0;
}
END_TEST

/* ---- A load that shifts, freed by another thread in random order ------------------------------------------------------ */

enum { SHIFTING = 200000, VARIANTS = 5 };

static struct calc *shifted[SHIFTING];
static pthread_barrier_t barrier;

static void *free_in_random_order(void *ctx)
{
    struct calc_pool pool;
    uint64_t state = 88172645463325252U;

    (void)ctx;
    ASSERT(calc_pool_join(&pool, &depot));
    for (int phase = 0; phase < 3 * VARIANTS; phase++) {
        pthread_barrier_wait(&barrier);
        for (size_t i = SHIFTING - 1; i > 0; i--) {
            const size_t j = next_random(&state) % (i + 1);
            struct calc *const swapped = shifted[i];
            shifted[i] = shifted[j];
            shifted[j] = swapped;
        }
        for (size_t i = 0; i < SHIFTING; i++)
            calc_free(&pool, shifted[i]);
        pthread_barrier_wait(&barrier);
    }
    ASSERT(calc_pool_fini(&pool) == 0);
    return NULL;
}

START_TEST(memory_follows_a_load_that_shifts_between_threads)
{
    struct calc_pool pool;
    pthread_t thread;
    size_t most = 0;
    double ratio;

    counted.most = 0;
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    ck_assert(calc_depot_init(&depot, &COUNTED_SOURCE));
    ck_assert(calc_pool_join(&pool, &depot));
    ck_assert_int_eq(pthread_create(&thread, NULL, free_in_random_order, NULL), 0);
    for (size_t phase = 0; phase < 3 * (size_t)VARIANTS; phase++) {
        size_t bytes = 0;
        for (size_t i = 0; i < SHIFTING; i++) {
            shifted[i] = make_numbered(&pool, 5 * i + phase % 5);
            ASSERT(shifted[i] != NULL);
            bytes += calc_size(shifted[i]);
        }
        most = bytes > most ? bytes : most;
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ratio = (double)counted.most / (double)most;
    printf("phase shift, freed by another thread in random order: peak %.4f of the most bytes live\n", ratio);
    ck_assert_double_le(ratio, 1.4);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert_uint_eq(counted.bytes, 0);
}
END_TEST

/* ---- Threads that come and go: random makes, passes and frees ------------------------------------------------------- */

#define DESKS 512

static struct {
    pthread_mutex_t mutex;
    struct calc *msg;
    uint64_t number;
} desks[DESKS];

static void *come_and_go(void *ctx)
{
    uint64_t state = 0x9e3779b97f4a7c15U * (1 + (uint64_t)(uintptr_t)ctx);
    struct calc_pool pool;
    struct calc *held[40] = { NULL };
    uint64_t numbers[40] = { 0 };

    ASSERT(calc_pool_join(&pool, &depot));
    for (int i = 0; i < 20000; i++) {
        const size_t at = next_random(&state) % 40, desk = next_random(&state) % DESKS;
        if (held[at] == NULL) {
            numbers[at] = next_random(&state) >> 12;
            ASSERT((held[at] = make_numbered(&pool, numbers[at])) != NULL);
        }
        ASSERT(is_numbered(held[at], numbers[at]));
        if (state % 3 == 0) {
            calc_free(&pool, held[at]);
            held[at] = NULL;
        } else { /* change it for what lies on a desk */
            struct calc *const msg = held[at];
            const uint64_t number = numbers[at];
            pthread_mutex_lock(&desks[desk].mutex);
            held[at] = desks[desk].msg;
            numbers[at] = desks[desk].number;
            desks[desk].msg = msg;
            desks[desk].number = number;
            pthread_mutex_unlock(&desks[desk].mutex);
        }
    }
    for (size_t i = 0; i < 40; i++)
        calc_free(&pool, held[i]);
    ASSERT(calc_pool_fini(&pool) == 0);
    return NULL;
}

START_TEST(threads_come_and_go_and_nothing_is_lost)
{
    const time_t end = time(NULL) + (time_t)from_environment("SOAK_SECONDS", 1);
    pthread_t threads[THREADS];
    struct calc_pool pool;
    size_t early = 0, rounds = 0;

    for (size_t i = 0; i < DESKS; i++)
        ck_assert_int_eq(pthread_mutex_init(&desks[i].mutex, NULL), 0);
    counted.most = 0;
    ck_assert(calc_depot_init(&depot, &COUNTED_SOURCE));
    do {
        for (uintptr_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, (void *)(rounds * (size_t)THREADS + i)), 0);
        for (size_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        if (rounds == 3)
            early = counted.bytes;
        rounds++;
    } while (rounds < 5 || time(NULL) < end);
    printf("threads come and go: %zu rounds of %d; %zu bytes taken after 4 rounds, %zu at the end\n", rounds, THREADS,
           early, counted.bytes);
    ck_assert_uint_le(counted.most, early + early / 4 + 262144); /* flat */
    ck_assert(calc_pool_join(&pool, &depot));
    for (size_t i = 0; i < DESKS; i++) {
        ASSERT(desks[i].msg == NULL || is_numbered(desks[i].msg, desks[i].number));
        calc_free(&pool, desks[i].msg);
    }
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert_uint_eq(counted.bytes, 0);
}
END_TEST

/* ---- Every function that several threads may call ------------------------------------------------------------------- */

static void *call_everything(void *ctx)
{
    uint64_t state = 0x9e3779b97f4a7c15U * (1 + (uint64_t)(uintptr_t)ctx);
    const unsigned char invalid[sizeof(struct calc_apply)] = { CALC_APPLY };
    struct calc *held[300] = { NULL };
    struct protopool_received received;
    struct calc_pool_stats stats;

    for (int round = 0; round < 20; round++) {
        struct calc_pool pool, alone;
        ASSERT(calc_pool_join(&pool, &depot));
        ASSERT(calc_pool_init_growing(&alone, NULL));
        ASSERT(calc_pool_fini(&alone) == 0);
        for (int i = 0; i < 2000; i++) {
            const size_t at = next_random(&state) % 300;
            calc_free(&pool, held[at]);
            held[at] = make_numbered(&pool, state >> 12);
            ASSERT(held[at] != NULL);
            switch (state >> 8 & 255) {
            case 0:
                ASSERT(calc_pool_reserve(&pool, CALC_ADD, 1 + state % 500));
                break;
            case 1:
                calc_pool_flush(&pool);
                break;
            case 2:
                calc_pool_stats(&pool, &stats);
                break;
            case 3:
                calc_depot_stats(&depot, &stats);
                break;
            case 4:
                (void)calc_pool_trim(&pool);
                break;
            case 5:
                (void)calc_depot_trim(&depot);
                break;
            case 6:
                ASSERT(calc_pool_prefill(&pool));
                break;
            case 7: /* its operation is 0, which the schema does not have */
                ASSERT(calc_receive(&pool, invalid, sizeof invalid, &received) == NULL);
                ASSERT(received.status == PROTOPOOL_INVALID);
                break;
            default:
                break;
            }
        }
        for (size_t i = 0; i < 300; i++) {
            calc_free(&pool, held[i]);
            held[i] = NULL;
        }
        ASSERT(calc_pool_fini(&pool) == 0);
    }
    return NULL;
}

START_TEST(every_function_may_be_called_at_the_same_time)
{
    pthread_t threads[THREADS];
    struct calc_pool_stats stats;

    faults = 0;
    protopool_set_fault_handler(note_fault);
    ck_assert(calc_depot_init(&depot, NULL));
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_everything, (void *)i), 0);
    for (int i = 0; i < 1000; i++) {
        size_t count = 0;
        calc_depot_stats(&depot, &stats);
        calc_depot_each(&depot, count_message, &count);
        if (i % 10 == 0)
            (void)sched_yield();
    }
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    ck_assert_uint_eq(faults, 0);
    protopool_set_fault_handler(let_leaks_pass);
}
END_TEST

/* ---- Fork --------------------------------------------------------------------------------------------------------------- */

START_TEST(child_has_its_own_copy_of_a_pool_on_its_own)
{
    struct calc_pool pool;
    struct calc *msg;
    pid_t child;
    int status;

    ck_assert(calc_pool_init_growing(&pool, NULL));
    msg = calc_new_add(&pool, 1, 2);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bool good = calc_as_add(msg)->right == 2;
        calc_free(&pool, msg);
        for (uint64_t i = 0; i < 10000; i++)
            good &= make_numbered(&pool, i) != NULL;
        good &= calc_pool_fini(&pool) == 10000;
        _exit(good ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(calc_as_add(msg)->right, 2);
    calc_free(&pool, msg);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("threads");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    protopool_set_fault_handler(let_leaks_pass);
    test_seconds = 600;
    ADD_TEST(suite, streams_arrive_as_they_were_sent);
    ADD_TEST(suite, messages_outlive_the_pool_that_made_them);
    ADD_TEST(suite, depot_is_not_ended_while_a_pool_is_joined);
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_SIGNAL_TEST(suite, fault_without_a_handler_aborts, SIGABRT);
    ADD_TEST(suite, each_of_a_depot_meets_what_is_live);
    ADD_TEST(suite, fixed_depot_guarantees_max_live_to_its_pools);
    ADD_TEST(suite, fixed_depot_refuses_little_memory);
    ADD_TEST(suite, peak_of_a_pool_on_its_own_is_what_was_live);
    ADD_TEST(suite, peak_of_a_depot_is_a_bound_and_exact_at_level_2);
#if PROTOPOOL_CHECK == 0
    ADD_LOOP_TEST(suite, copy_of_a_local_struct_has_no_byte_of_a_freed_message, 0, 2);
#endif
    ADD_TEST(suite, typed_free_leaves_the_hint_for_the_next_free);
    ADD_TEST(suite, free_of_a_message_without_fields_does_nothing);
    ADD_TEST(suite, pool_whose_init_has_failed_is_empty);
    ADD_TEST(suite, depot_whose_init_has_failed_is_empty);
#if SIZE_MAX > 0xffffffffU
    ADD_TEST(suite, fixed_depot_refuses_more_slots_than_it_can_count);
#endif
    ADD_LOOP_TEST(suite, source_is_called_by_one_thread_at_a_time, 0, 2);
    ADD_TEST(suite, source_is_called_without_the_depots_lock);
    ADD_TEST(suite, exhaustion_of_a_depot_is_met);
    ADD_TEST(suite, memory_follows_a_load_that_shifts_between_threads);
    ADD_TEST(suite, threads_come_and_go_and_nothing_is_lost);
    ADD_TEST(suite, every_function_may_be_called_at_the_same_time);
    ADD_TEST(suite, child_has_its_own_copy_of_a_pool_on_its_own);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
