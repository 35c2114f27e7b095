// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Two threads on a depot, in every order: the engine's own C, run as coroutines under a scheduler that tries each
 * choice in turn (stateless model checking; Godefroid 1997). The scheduler is asked
 *
 *   at each taking of a lock:    all interleavings; but when a thread takes the depot's lock again after it has called the
 *                                source, all with at most one preemption there;
 *   at each call of a function:  all with at most so many preemptions (Musuvathi and Qadeer 2007), if the engine is
 *                                compiled with -finstrument-functions.
 *
 * After each step a slot has one owner at most, and at the end nothing is lost. Prints what was met; exit status 1 for a
 * violation. interleavings calls|locks PREEMPTIONS
 */

#include <stddef.h>

#define PROTOPOOL_LOCK(lock) scheduler_lock(lock)
#define PROTOPOOL_UNLOCK(lock) scheduler_unlock(lock)

static void scheduler_lock(void *lock);
static void scheduler_unlock(void *lock);

#include "protopool.c"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define UNSEEN __attribute__((no_instrument_function))

enum { THREADS = 2, MOST_CHOICES = 100000, MOST_LIVE = 32, STACK_BYTES = 1 << 16, STATES = 1 << 22 };

/* What each thread does: M makes, H holds the oldest message of either once more, F frees the oldest, L flushes, S asks for statistics, R reserves two,
 * E ends its pool and joins again. */
static const char *const scripts[][THREADS] = {
    { "MMMFFF", "FMFMFM" }, { "MMMMMSM", "FFFFFFF" }, { "MMFEMF", "MFLMFF" }, { "MRMFSF", "MMEFFM" },
    { "MMMMFF", "MMMMFF" }, { "MHFMF", "FMHFF" },     { "MHHFFF", "MFFMF" },
};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

static const struct protopool_slot_size slot_sizes[] = { { 24, 0 }, { 40, 0 } };
static const struct protopool_geometry geometry = { slot_sizes, 2 };
static const bool shared[] = { true, false };

static struct {
    struct protopool engine;
    struct protopool_magazine loaded[3];
    struct protopool_pool_class *parts[PROTOPOOL_PARTS(2)];
} pools[THREADS];
static struct {
    struct protopool_depot engine;
    struct protopool_depot_class classes[3];
} depot;

/* ---- Violations ------------------------------------------------------------------------------------------------------- */

static unsigned long violations;

UNSEEN static void violation(const char *what)
{
    if (violations++ == 0)
        printf("violation: %s\n", what);
}

/* ---- The scheduler ------------------------------------------------------------------------------------------------------ */

static ucontext_t scheduler, contexts[THREADS];
static unsigned char stacks[THREADS][STACK_BYTES];
enum { NONE = -1, DEPOT, SOURCE, LOCKS };
static int current = NONE;                         /* a thread; none while the scheduler works */
static int next = NONE;                            /* a thread; none if no thread can run */
static int holders[LOCKS] = { NONE, NONE };        /* threads */
static int wanted[THREADS] = { NONE, NONE };       /* locks */
static bool finished[THREADS], has_taken[THREADS]; /* memory from the source, since it had the depot's lock */
static bool is_by_calls;
static unsigned most_preemptions, preemptions, preemptions_after_take;
static unsigned char choices[MOST_CHOICES], alternatives[MOST_CHOICES];
static size_t depth, known_depth; /* up to known_depth, the run is as the one before it */
static const char *const *script;
static size_t at[THREADS];
static unsigned long runs, steps;
static uint64_t states[STATES];
static unsigned long state_count;

UNSEEN static int choose(int last);

/* A thread that goes on does so without a switch, since a switch takes a hundred times as long. */
UNSEEN static void give_way(void)
{
    const int self = current;

    if (self == NONE)
        return;
    current = NONE;
    steps++;
    next = choose(self);
    current = self;
    if (next != self || violations != 0)
        (void)swapcontext(&contexts[self], &scheduler);
}

UNSEEN static int number_of(const void *lock)
{
    return lock == &depot.engine.lock ? DEPOT : SOURCE;
}

/* The order of two calls of the source changes nothing else: only a thread that must wait gives way. */
UNSEEN static void scheduler_lock(void *lock)
{
    const int number = number_of(lock);

    wanted[current] = number;
    if (number == DEPOT || holders[SOURCE] != NONE)
        give_way();
    if (holders[number] != NONE)
        violation("a lock is taken twice");
    if (holders[1 - number] == current)
        violation("a thread holds both locks");
    wanted[current] = NONE;
    has_taken[current] = false;
    holders[number] = current;
}

UNSEEN static void scheduler_unlock(void *lock)
{
    const int number = number_of(lock);

    if (holders[number] != current)
        violation("a lock is released that is not held");
    holders[number] = NONE;
}

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

UNSEEN void __cyg_profile_func_enter(void *function, void *site)
{
    (void)function;
    (void)site;
    if (is_by_calls)
        give_way();
}

UNSEEN void __cyg_profile_func_exit(void *function, void *site)
{
    (void)function;
    (void)site;
}

UNSEEN static bool is_enabled(int thread)
{
    return !finished[thread] && (wanted[thread] == NONE || holders[wanted[thread]] == NONE);
}

/* The slots in the previous magazine of a thread's pool, if it has joined. */
UNSEEN static size_t previous_count(int thread)
{
    return pools[thread].engine.store != NULL ? pp_magazine_count(&pp_class(&pools[thread].engine, 1)->previous) : 0;
}

/* Counts the states met, by what the engine's counts are and where the threads are. */
UNSEEN static void note_state(void)
{
    const size_t parts[] = { (size_t)(holders[DEPOT] + 1),
                             (size_t)(holders[SOURCE] + 1),
                             at[0],
                             at[1],
                             pp_magazine_count(&pools[0].loaded[1]),
                             pp_magazine_count(&pools[1].loaded[1]),
                             previous_count(0),
                             previous_count(1),
                             pp_exchange_count(&pools[0].engine, 1),
                             pp_exchange_count(&pools[1].engine, 1),
                             depot.classes[1].full.count,
                             depot.engine.store->classes[1].slabs.free_in_slabs,
                             depot.engine.store->classes[1].slabs.slots,
                             depot.engine.joined,
                             (size_t)(wanted[0] + 1),
                             (size_t)(wanted[1] + 1) };
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */
    size_t i;

    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++)
        hash = (hash ^ parts[part]) * 0x100000001b3U;
    hash += hash == 0;
    for (i = hash % STATES; states[i] != 0 && states[i] != hash; i = (i + 1) % STATES) {
    }
    state_count += states[i] == 0;
    states[i] = hash;
}

/* The thread that runs next, -1 if none can. */
UNSEEN static int choose(int last)
{
    const int other = last == 0 ? 1 : 0;
    const bool last_can = last >= 0 && is_enabled(last), other_can = is_enabled(other);
    bool is_free_choice;

    if (depth >= known_depth)
        note_state();
    if (last < 0)
        last = 1;
    if (!last_can && !(last == 1 && other == 0 && is_enabled(1)))
        return other_can ? other : -1;
    if (!other_can)
        return last;
    is_free_choice = is_by_calls ? preemptions < most_preemptions : !has_taken[last] || preemptions_after_take == 0;
    if (!is_free_choice)
        return last;
    if (depth == MOST_CHOICES) {
        violation("too many choices");
        return last;
    }
    if (alternatives[depth] == 0) { /* not met before */
        alternatives[depth] = 2;
        choices[depth] = 0;
    }
    if (choices[depth++] == 0)
        return last;
    preemptions++;
    preemptions_after_take += has_taken[last];
    return other;
}

/* ---- The threads -------------------------------------------------------------------------------------------------------- */

static unsigned char *live[MOST_LIVE]; /* by holder */
static size_t live_count;
static bool frees[THREADS]; /* a thread is within a free */

UNSEEN static void made(unsigned char *slot)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i] == slot)
            violation("a slot is allocated twice");
    if (live_count < MOST_LIVE)
        live[live_count++] = slot;
}

UNSEEN static void add_holder(unsigned char *slot)
{
    if (live_count < MOST_LIVE)
        live[live_count++] = slot;
}

UNSEEN static unsigned char *remove_oldest(void)
{
    unsigned char *const slot = live[0];
    memmove(&live[0], &live[1], --live_count * sizeof live[0]);
    return slot;
}

/* The messages that have holders. */
UNSEEN static size_t live_messages(void)
{
    size_t count = 0;

    for (size_t i = 0, other; i < live_count; i++) {
        for (other = 0; live[other] != live[i]; other++) {
        }
        count += other == i;
    }
    return count;
}

UNSEEN static void join(int thread)
{
    if (!protopool_join(&pools[thread].engine, pools[thread].loaded, pools[thread].parts, &geometry, &depot.engine))
        violation("a pool cannot join");
}

/* What a pool on a depot reports as live: the callers' slots, one that is being freed, and what the other pool caches. */
UNSEEN static size_t live_elsewhere_than(int thread)
{
    const int other = thread == 0 ? 1 : 0;

    return live_messages() + frees[other] + pp_magazine_count(&pools[other].loaded[1]) + previous_count(other)
           + pp_exchange_count(&pools[other].engine, 1);
}

UNSEEN static void do_step(int thread, char step)
{
    struct protopool *const pool = &pools[thread].engine;
    struct protopool_slot_stats stats[2];

    switch (step) {
    case 'M': {
        unsigned char *const slot = (unsigned char *)protopool_take(pool, &pools[thread].loaded[1], 1);
        if (slot == NULL)
            violation("no slot");
        else
            made(slot);
        break;
    }
    case 'F':
        if (live_count != 0) {
            unsigned char *const slot = remove_oldest();
            frees[thread] = true;
            if (protopool_release(pool, 1, slot))
                protopool_put(pool, &pools[thread].loaded[1], 1, slot);
            frees[thread] = false;
        }
        break;
    case 'H':
        if (live_count != 0) {
            unsigned char *const slot = remove_oldest();
            if (!protopool_hold(pool, 1, slot))
                violation("no holder");
            add_holder(slot);
            add_holder(slot);
        }
        break;
    case 'L':
        protopool_flush(pool);
        break;
    case 'S':
        protopool_stats(pool, stats, NULL, NULL);
        if (!is_by_calls && stats[0].live != live_elsewhere_than(thread))
            violation("statistics count another number of live slots");
        break;
    case 'R':
        if (!protopool_reserve(pool, 2, 2))
            violation("nothing to reserve");
        break;
    default:
        (void)protopool_fini(pool);
        join(thread);
        break;
    }
}

UNSEEN static void run_thread(int thread)
{
    join(thread);
    for (at[thread] = 0; script[thread][at[thread]] != '\0'; at[thread]++)
        do_step(thread, script[thread][at[thread]]);
    (void)protopool_fini(&pools[thread].engine);
    finished[thread] = true;
    current = NONE;
    steps++;
    next = choose(thread);
}

/* ---- A source that one thread at a time may call, without the depot's lock ------------------------------------------------ */

static size_t source_bytes;

UNSEEN static void note_call_of_source(void)
{
    if (current == NONE)
        return;
    if (holders[SOURCE] != current)
        violation("the source is called without its lock");
    if (holders[DEPOT] == current)
        violation("the source is called with the depot's lock");
}

UNSEEN static void *take(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    note_call_of_source();
    if (current != NONE)
        has_taken[current] = true;
    source_bytes += bytes;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

UNSEEN static void give(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)align;
    (void)ctx;
    note_call_of_source();
    source_bytes -= bytes;
    free(memory);
}

/* ---- All runs ---------------------------------------------------------------------------------------------------------------- */

UNSEEN static void run_once(void)
{
    static const struct protopool_source source = { take, give, NULL };

    depth = 0;
    preemptions = preemptions_after_take = 0;
    live_count = 0;
    frees[0] = frees[1] = false;
    source_bytes = 0;
    current = NONE;
    holders[DEPOT] = holders[SOURCE] = NONE;
    if (!protopool_depot_init_shared(&depot.engine, depot.classes, &geometry, shared, &source))
        violation("no depot");
    for (int thread = 0; thread < THREADS; thread++) {
        finished[thread] = has_taken[thread] = false;
        at[thread] = 0;
        wanted[thread] = NONE;
        (void)getcontext(&contexts[thread]);
        contexts[thread].uc_stack.ss_sp = stacks[thread];
        contexts[thread].uc_stack.ss_size = STACK_BYTES;
        contexts[thread].uc_link = &scheduler;
        makecontext(&contexts[thread], (void (*)(void))run_thread, 1, thread);
    }
    next = choose(NONE);
    while (next != NONE) {
        current = next;
        (void)swapcontext(&scheduler, &contexts[next]);
        current = NONE;
        if (violations != 0)
            return;
    }
    if (!finished[0] || !finished[1])
        violation("both threads wait");
    if (depot.engine.store->classes[1].slabs.slots - depot.engine.store->classes[1].slabs.free_in_slabs
            - (size_t)depot.classes[1].full.count * depot.engine.store->classes[1].magazine
        != live_messages())
        violation("the counts do not add up");
    runs++;
}

UNSEEN static void end_depot(void)
{
    const bool by_calls = is_by_calls;
    size_t count = 0;

    is_by_calls = false;
    /* as depot_fini, without its lock: there are no threads to take turns now */
    for (unsigned c = 1; c <= geometry.count; c++)
        count += pp_slots_outside(depot.engine.store, &depot.engine, c);
    if (count != live_messages())
        violation("the depot ends with another number of live slots");
    pp_end_sharing(depot.engine.store);
    pp_flush_depot_magazines(&depot.engine);
    pp_end_store(depot.engine.store);
    if (source_bytes != 0)
        violation("memory is not given back");
    is_by_calls = by_calls;
}

/* The next combination of choices; false if all have been tried. */
UNSEEN static bool next_choices(void)
{
    while (depth > 0 && choices[depth - 1] + 1 >= alternatives[depth - 1]) {
        depth--;
        alternatives[depth] = 0;
    }
    if (depth == 0)
        return false;
    choices[depth - 1]++;
    known_depth = depth;
    return true;
}

UNSEEN int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    is_by_calls = strcmp(argv[1], "calls") == 0;
    most_preemptions = (unsigned)strtoul(argv[2], NULL, 10);
    for (size_t i = 0; i < SCRIPTS && violations == 0; i++) {
        script = scripts[i];
        memset(alternatives, 0, sizeof alternatives);
        known_depth = 0;
        do {
            run_once();
            if (violations == 0)
                end_depot();
        } while (violations == 0 && next_choices());
    }
    printf("%s: %lu interleavings of %d pairs of threads, %lu steps, %lu states, %lu violations\n", argv[1], runs,
           (int)SCRIPTS, steps, state_count, violations);
    return violations == 0 ? 0 : 1;
}
