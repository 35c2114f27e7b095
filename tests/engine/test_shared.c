// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Messages with several holders: what each bug of a caller is found as, at each level, and four threads that hand messages to
 * each other. HANDOFFS in the environment is the number of hand-offs, half of them in fixed memory.
 */

#define PROTOPOOL_NO_ANALYSIS /* the bugs are on purpose */
#include "feed.h"
#include "noted_faults.h"
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

FEED_POOL_STORAGE(memory);
static struct feed_pool pool, other;

/* ---- The bugs: the first argument is a Tick with two holders ----------------------------------------------------------- */

enum { NOTHING = 0, SKIPPED = -1 }; /* SKIPPED: what happens then is not promised */

static void edit_while_shared(struct feed *msg)
{
    ck_assert_int_eq(feed_edit_tick(&pool, msg) == NULL, PROTOPOOL_CHECK >= 1);
    feed_free(&pool, msg);
    ck_assert_ptr_nonnull(feed_edit_tick(&pool, msg));
    feed_free(&pool, msg);
}

static void one_free_more_than_holders(struct feed *msg)
{
    for (int i = 0; i < 3; i++)
        feed_free(&pool, msg);
}

static void one_typed_free_more_than_holders(struct feed *msg)
{
    for (int i = 0; i < 3; i++)
        feed_free_tick(&pool, msg);
}

static void hold_after_the_last_free(struct feed *msg)
{
    feed_free(&pool, msg);
    feed_free(&pool, msg);
    ck_assert_ptr_null(feed_hold(&pool, msg));
}

static void read_after_the_last_free(struct feed *msg)
{
    feed_free(&pool, msg);
    feed_free(&pool, msg);
    ck_assert_ptr_null(feed_as_tick(msg));
}

static void edit_after_the_last_free(struct feed *msg)
{
    feed_free(&pool, msg);
    feed_free(&pool, msg);
    ck_assert_ptr_null(feed_edit_tick(&pool, msg));
}

static void count_holders_after_the_last_free(struct feed *msg)
{
    feed_free(&pool, msg);
    feed_free(&pool, msg);
    ck_assert_uint_eq(feed_holders(&pool, msg), 0);
}

static void hold_of_a_variant_that_is_not_shared(struct feed *msg)
{
    struct feed *const report = feed_new_report(&pool, 1, 2, 3);
    ck_assert_ptr_null(feed_hold(&pool, report));
    ck_assert_uint_eq(feed_holders(&pool, report), 1);
    ck_assert_ptr_null(feed_hold(&pool, NULL));
    ck_assert_uint_eq(feed_holders(&pool, NULL), 0);
    feed_free(&pool, report);
    feed_free(&pool, msg);
    feed_free(&pool, msg);
}

static void typed_free_of_another_variant(struct feed *msg)
{
    feed_free_news(&pool, msg);
    ck_assert_uint_eq(feed_holders(&pool, msg), 2);
    feed_free(&pool, msg);
    feed_free(&pool, msg);
}

static void in_the_wrong_pool(struct feed *msg, void (*use)(struct feed *msg))
{
    ck_assert(feed_pool_init_growing(&other, NULL));
    ck_assert_ptr_nonnull(feed_new_tick(&other, 1, 2, 3));
    feed_pool_reset(&other);
    use(msg);
    ck_assert_uint_eq(feed_pool_fini(&other), 0);
    ck_assert_uint_eq(feed_holders(&pool, msg), 2);
    feed_free(&pool, msg);
    feed_free(&pool, msg);
}

static void hold_by_other(struct feed *msg)
{
    ck_assert_ptr_null(feed_hold(&other, msg));
}

static void free_by_other(struct feed *msg)
{
    feed_free(&other, msg);
}

static void edit_by_other(struct feed *msg)
{
    ck_assert_ptr_null(feed_edit_tick(&other, msg));
}

static void hold_in_the_wrong_pool(struct feed *msg)
{
    in_the_wrong_pool(msg, hold_by_other);
}

static void free_into_the_wrong_pool(struct feed *msg)
{
    in_the_wrong_pool(msg, free_by_other);
}

static void edit_in_the_wrong_pool(struct feed *msg)
{
    in_the_wrong_pool(msg, edit_by_other);
}

static void too_many_holders(struct feed *msg)
{
    while (feed_holders(&pool, msg) < PROTOPOOL_MOST_HOLDERS)
        ASSERT(feed_hold(&pool, msg) == msg);
    ck_assert_uint_eq(faults, 0);
    ck_assert_ptr_null(feed_hold(&pool, msg));
    ck_assert_uint_eq(feed_holders(&pool, msg), PROTOPOOL_MOST_HOLDERS);
    for (uint32_t i = 0; i < PROTOPOOL_MOST_HOLDERS; i++)
        feed_free(&pool, msg);
}

static void hold_before_init(struct feed *msg)
{
    memset(&other, 0, sizeof other);
    ck_assert_ptr_null(feed_hold(&other, msg));
    feed_free(&pool, msg);
    feed_free(&pool, msg);
}

static void no_bug(struct feed *msg)
{
    ck_assert_ptr_null(feed_hold(&pool, NULL));
    ck_assert_ptr_eq(feed_hold(&pool, feed_new_end(&pool)), feed_new_end(&pool));
    feed_free_tick(&pool, msg);
    feed_free(&pool, msg);
    feed_free(&pool, NULL);
}

static const struct {
    const char *name;
    void (*bug)(struct feed *msg);
    int verdicts[3]; /* by level */
} bugs[] = {
#define FROM_LEVEL_1(bug, fault) \
    { \
#bug, bug, \
        { \
            SKIPPED, fault, fault \
        } \
    }
    { "no_bug", no_bug, { NOTHING, NOTHING, NOTHING } },
    { "edit_while_shared",
      edit_while_shared,
      { NOTHING, PROTOPOOL_FAULT_EDIT_OF_SHARED, PROTOPOOL_FAULT_EDIT_OF_SHARED } },
    FROM_LEVEL_1(one_free_more_than_holders, PROTOPOOL_FAULT_DOUBLE_FREE),
    FROM_LEVEL_1(one_typed_free_more_than_holders, PROTOPOOL_FAULT_DOUBLE_FREE),
    FROM_LEVEL_1(read_after_the_last_free, PROTOPOOL_FAULT_USE_AFTER_FREE),
    FROM_LEVEL_1(hold_after_the_last_free, PROTOPOOL_FAULT_USE_AFTER_FREE),
    FROM_LEVEL_1(edit_after_the_last_free, PROTOPOOL_FAULT_USE_AFTER_FREE),
    FROM_LEVEL_1(count_holders_after_the_last_free, PROTOPOOL_FAULT_USE_AFTER_FREE),
    { "hold_of_a_variant_that_is_not_shared",
      hold_of_a_variant_that_is_not_shared,
      { NOTHING, PROTOPOOL_FAULT_WRONG_VARIANT, PROTOPOOL_FAULT_WRONG_VARIANT } },
    FROM_LEVEL_1(typed_free_of_another_variant, PROTOPOOL_FAULT_WRONG_VARIANT),
    FROM_LEVEL_1(hold_in_the_wrong_pool, PROTOPOOL_FAULT_WRONG_POOL),
    FROM_LEVEL_1(free_into_the_wrong_pool, PROTOPOOL_FAULT_WRONG_POOL),
    FROM_LEVEL_1(edit_in_the_wrong_pool, PROTOPOOL_FAULT_WRONG_POOL),
    FROM_LEVEL_1(hold_before_init, PROTOPOOL_FAULT_NOT_ALIVE),
    { "too_many_holders",
      too_many_holders,
      { PROTOPOOL_FAULT_TOO_MANY_HOLDERS, PROTOPOOL_FAULT_TOO_MANY_HOLDERS, PROTOPOOL_FAULT_TOO_MANY_HOLDERS } },
};
enum { BUGS = sizeof bugs / sizeof bugs[0] };

/* ASan and valgrind know what is freed at level 2, and come first. */
static bool is_found_by_a_tool(int verdict)
{
    return (UNDER_ASAN || RUNNING_ON_VALGRIND) && PROTOPOOL_CHECK == 2 && verdict == PROTOPOOL_FAULT_USE_AFTER_FREE;
}

START_TEST(bug_gets_its_verdict)
{
    const int verdict = bugs[_i / 2].verdicts[PROTOPOOL_CHECK];
    const bool is_fixed = _i % 2 != 0;
    struct feed *msg;

    if (verdict == SKIPPED || is_found_by_a_tool(verdict))
        return;
    faults = 0;
    ck_assert(is_fixed ? feed_pool_init(&pool, memory, sizeof memory) : feed_pool_init_growing(&pool, NULL));
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(feed_new_tick(&pool, 1, 2, 3)); /* so that its slot is not the first */
    msg = feed_hold(&pool, feed_new_tick(&pool, 7, 8, 9));
    ck_assert_ptr_nonnull(msg);
    bugs[_i / 2].bug(msg);
    if (verdict == NOTHING)
        ck_assert_uint_eq(faults, 0);
    else if (faults != 1 || noted != (enum protopool_fault)verdict)
        ck_abort_msg("%s: %u faults, the last one \"%s\"", bugs[_i / 2].name, faults, protopool_fault_text(noted));
    faults = 0;
    ck_assert_uint_eq(feed_pool_fini(&pool), 3); /* the pool is as it was */
    ck_assert_uint_eq(faults, PROTOPOOL_CHECK >= 1);
    printf("level %d, %s: %s: %s\n", PROTOPOOL_CHECK, is_fixed ? "fixed" : "growing", bugs[_i / 2].name,
           verdict == NOTHING ? "nothing" : protopool_fault_text((enum protopool_fault)verdict));
}
END_TEST

/* ---- Hand-offs among threads -------------------------------------------------------------------------------------------- */

#if defined PROTOPOOL_NO_THREADS || defined __STDC_NO_THREADS__
#error "this suite needs threads"
#endif

enum { THREADS = 4, ROOM = 256 };

/* A queue from one thread to another. */
struct queue {
    _Alignas(64) atomic_size_t pushed;
    _Alignas(64) atomic_size_t popped;
    struct feed *slots[ROOM];
};

static struct queue queues[THREADS][THREADS]; /* from, to */
static struct feed_depot depot;
static unsigned char *depot_memory;
static uint64_t sent_by_each;
static atomic_ulong received, wrong;

static bool try_push(struct queue *queue, struct feed *msg)
{
    const size_t at = atomic_load_explicit(&queue->pushed, memory_order_relaxed);
    if (at - atomic_load_explicit(&queue->popped, memory_order_acquire) == ROOM)
        return false;
    queue->slots[at % ROOM] = msg;
    atomic_store_explicit(&queue->pushed, at + 1, memory_order_release);
    return true;
}

static struct feed *try_pop(struct queue *queue)
{
    const size_t at = atomic_load_explicit(&queue->popped, memory_order_relaxed);
    struct feed *msg;
    if (at == atomic_load_explicit(&queue->pushed, memory_order_acquire))
        return NULL;
    msg = queue->slots[at % ROOM];
    atomic_store_explicit(&queue->popped, at + 1, memory_order_release);
    return msg;
}

/* Reads the message and frees it. */
static void receive(struct feed_pool *mine, struct feed *msg)
{
    if (feed_tag_of(msg) == FEED_TICK) {
        const struct feed_tick *const tick = feed_as_tick(msg);
        if (tick->price != tick->sequence * 3 + tick->instrument)
            atomic_fetch_add(&wrong, 1);
    } else {
        size_t length;
        const char *const text = feed_news_text(feed_as_news(msg), &length);
        if (length != feed_as_news(msg)->sequence % 100 || (length != 0 && text[length - 1] != 'n'))
            atomic_fetch_add(&wrong, 1);
    }
    feed_free(mine, msg);
}

static struct feed *new_message(struct feed_pool *mine, unsigned thread, uint64_t number)
{
    static const char text[] =
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
    return number % 8 == 7 ? feed_new_news(mine, number, text, (size_t)(number % 100))
                           : feed_new_tick(mine, thread, number, number * 3 + thread);
}

/* Receives what has come. The number of messages. */
static unsigned long drain(struct feed_pool *mine, unsigned thread)
{
    unsigned long count = 0;
    struct feed *msg;

    for (unsigned from = 0; from < THREADS; from++)
        for (; (msg = try_pop(&queues[from][thread])) != NULL; count++)
            receive(mine, msg);
    return count;
}

/* Allocates messages, hands each to all other threads, and keeps it for a while. */
static void *take_part(void *ctx)
{
    enum { KEPT = 16 };
    const unsigned thread = (unsigned)(uintptr_t)ctx;
    struct feed *kept[KEPT] = { NULL };
    struct feed_pool mine;
    unsigned long count = 0;

    if (!feed_pool_join(&mine, &depot))
        abort();
    for (uint64_t number = 0; number < sent_by_each; number++) {
        struct feed *msg;
        while ((msg = new_message(&mine, thread, number)) == NULL) /* fixed memory: the others have all */
            count += drain(&mine, thread);
        for (unsigned to = 0; to < THREADS; to++) {
            if (to == thread)
                continue;
            if (feed_hold(&mine, msg) != msg)
                abort();
            for (unsigned spins = 1; !try_push(&queues[thread][to], msg); spins++) {
                count += drain(&mine, thread);
                if (spins % 16 == 0)
                    (void)sched_yield();
            }
        }
        if (kept[number % KEPT] != NULL)
            receive(&mine, kept[number % KEPT]);
        kept[number % KEPT] = msg;
        count += drain(&mine, thread);
    }
    for (int i = 0; i < KEPT; i++)
        if (kept[i] != NULL)
            receive(&mine, kept[i]);
    while (count < (THREADS - 1) * sent_by_each) {
        count += drain(&mine, thread);
        (void)sched_yield();
    }
    atomic_fetch_add(&received, count);
    feed_pool_fini(&mine);
    return NULL;
}

START_TEST(each_message_reaches_all_threads_and_is_freed_once)
{
    pthread_t threads[THREADS];
    const uint64_t handoffs = from_environment("HANDOFFS", 300000);
    const size_t bytes = FEED_DEPOT_BYTES(THREADS);

    protopool_set_fault_handler(note);
    atomic_store(&received, 0); /* without a process per test, the growing depot has counted */
    atomic_store(&wrong, 0);
    faults = 0;
    sent_by_each = handoffs / 2 / THREADS / (THREADS - 1);
    depot_memory = (unsigned char *)aligned_alloc(64, (bytes + 63) / 64 * 64);
    ck_assert(_i == 0 ? feed_depot_init(&depot, NULL) : feed_depot_init_fixed(&depot, depot_memory, bytes));
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_part, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&received), sent_by_each * THREADS * (THREADS - 1));
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    ck_assert_uint_eq(faults, 0);
    ck_assert_uint_eq(feed_depot_fini(&depot), 0);
    printf("%s depot: %lu hand-offs among %d threads\n", _i == 0 ? "growing" : "fixed", atomic_load(&received),
           (int)THREADS);
    free(depot_memory);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("shared");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    protopool_set_fault_handler(note);
    test_seconds = 600;
    ADD_LOOP_TEST(suite, bug_gets_its_verdict, 0, 2 * BUGS);
    ADD_LOOP_TEST(suite, each_message_reaches_all_threads_and_is_freed_once, 0, 2);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
