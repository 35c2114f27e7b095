// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The work that is measured, on one contender (contender.h) and one protocol (BENCH_PROTOCOL, the emitted header).
 * Every field of every message is written and read. Prints JSON. bench/measure.py starts it.
 *
 * driver time WORKLOAD one|mixed LIVE MS            nanoseconds a message: for each line of standard input a slice of MS
 *                                                   milliseconds, so that the contenders can take turns
 * driver count WORKLOAD one|mixed LIVE MESSAGES     nothing but the work, for callgrind
 * driver handover WORKLOAD one|mixed LIVE MESSAGES  of two threads: how many messages the second one finds together, and in
 *                                                   how many cache lines these begin, a message
 * driver memory one|mixed LIVE                      bytes that live messages take
 * driver phases forward|random BYTES                bytes when one slot size gives way to the next
 * driver latency one|mixed LIVE MESSAGES            quantiles of single turns of free and make
 */

#include "contender.h"
#include "clock.h"
#include "../examples/ring.h"

#include <inttypes.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define MAKE_ONE CAT(bench_make_, BENCH_ONE)
#define DROP_ONE CAT(bench_drop_, BENCH_ONE)
#define READ_ONE CAT(bench_read_, BENCH_ONE)

/* The compiler must take the message for used, as if it had been passed to code that it does not see. */
#define ESCAPE(msg) __asm__ volatile("" : "+r"(msg) : : "memory")

#ifdef BENCH_LIMIT
#define PLACE(at) (bench_place = (at))
#define IS_LIMIT true
#else
#define PLACE(at) ((void)(at))
#define IS_LIMIT false
#endif

enum {
    MIX = 65536,      /* the sequence of variants, by weight; a power of two */
    SHORT_MIX = 2048, /* between threads: without an allocator, as many messages have a place */
    SEED_BATCH = 100, /* messages in a batch */
    RING_BATCH = 32,  /* messages published together */
    WINDOW = 64,      /* requests under way */
    MOST_PHASES = 16,
    COUNT_STEP = 3200, /* a multiple of every batch */
};

/* One thread's. */
struct worker {
#ifdef BENCH_POOL
    bench_pool pool;
#else
    char pool;
#endif
    unsigned throws;
    uint64_t sum;
    uint64_t pops, lines; /* counted by note_pop */
    bench_message *msgs[SEED_BATCH];
};

#ifdef BENCH_POOL
#define POOL(worker) (&(worker)->pool)
static bench_depot depot;
#else
#define POOL(worker) ((bench_pool *)NULL)
#endif

struct bench {
    bool is_one;
    size_t live;             /* messages, of the workloads that keep some */
    bench_message **msgs;    /* those */
    unsigned char **places;  /* of the limit: where the i-th message goes */
    uint64_t random;         /* the state of chance, as replace left it */
    uint64_t count;          /* messages of the run that is under way */
    pthread_barrier_t start; /* where the other thread sleeps between runs */
    void (*serve)(struct bench *bench, struct worker *worker, uint64_t count);
    _Alignas(128) struct worker mine;
    _Alignas(128) struct worker other;
    struct ball ball;
    _Alignas(64) atomic_uint_fast64_t served; /* runs */
    struct ring to, fro;
};

static struct bench bench;
static uint16_t mix[MIX];
static unsigned one_variant;

/* ---- Messages ------------------------------------------------------------------------------------------------------- */

INLINE bench_message *make_once(struct worker *worker, bool is_one, unsigned variant, uint64_t n)
{
    bench_message *const msg = is_one ? MAKE_ONE(POOL(worker), n) : bench_make_(POOL(worker), variant, n);
    (void)worker;
    if (msg == NULL)
        bench_die("out of memory");
    return msg;
}

INLINE void drop(struct worker *worker, bool is_one, bench_message *msg)
{
    (void)worker;
    if (is_one)
        DROP_ONE(POOL(worker), msg);
    else
        BENCH_(free)(POOL(worker), msg);
}

INLINE uint64_t read_message(bool is_one, const bench_message *msg)
{
    return is_one ? READ_ONE(msg) : bench_read_(msg);
}

/* The n-th message. BENCH_SLOW makes, reads and frees another before it: a pool that is twice as slow. */
INLINE bench_message *make(struct worker *worker, bool is_one, unsigned variant, uint64_t n)
{
#ifdef BENCH_SLOW
    bench_message *extra = make_once(worker, is_one, variant, n);
    ESCAPE(extra);
    worker->sum += read_message(is_one, extra);
    drop(worker, is_one, extra);
#endif
    return make_once(worker, is_one, variant, n);
}

/*
 * What a workload keeps of its own (the state of chance, the arrays, the sum) is in local variables: read from memory
 * after each message, it would wait for where the contender's stores go, and that would be most of the time of some.
 */

INLINE uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15; /* splitmix64 (Steele, Lea, Flood 2014) */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

INLINE size_t below(uint64_t *state, size_t bound)
{
    return (size_t)((next_random(state) >> 32) * bound >> 32);
}

/* Each variant as often as its weight says, shuffled, the same each time. */
static void shuffle_mix(void)
{
    double total = 0, reached = 0;
    uint64_t random = 1;
    size_t filled = 0;

    for (unsigned v = 0; v < BENCH_VARIANTS; v++)
        total += bench_variants_[v].weight;
    for (unsigned v = 0; v < BENCH_VARIANTS; v++) {
        reached += total == 0 ? 1.0 / BENCH_VARIANTS : bench_variants_[v].weight / total;
        while (filled < MIX && (double)filled < reached * MIX - 0.5)
            mix[filled++] = (uint16_t)v;
    }
    while (filled < MIX)
        mix[filled++] = (uint16_t)(BENCH_VARIANTS - 1);
    for (size_t i = MIX - 1; i > 0; i--) {
        const size_t j = below(&random, i + 1);
        const uint16_t variant = mix[i];
        mix[i] = mix[j];
        mix[j] = variant;
    }
}

static size_t bytes_of(size_t i, unsigned period)
{
    return bench_variants_[bench.is_one ? one_variant : mix[i % period]].bytes;
}

/* The limit's places for this number of messages, one behind the other. Message i is of the variant mix[i % period]. */
static void lay_out_places(size_t count, unsigned period)
{
    size_t bytes = 0;
    unsigned char *place;

    if (!IS_LIMIT)
        return;
    for (size_t i = 0; i < count; i++)
        bytes += (bytes_of(i, period) + 7) / 8 * 8;
    place = (unsigned char *)bench_memory(bytes, 1);
    bench.places = (unsigned char **)bench_memory(count, sizeof bench.places[0]);
    for (size_t i = 0; i < count; i++) {
        bench.places[i] = place;
        place += (bytes_of(i, period) + 7) / 8 * 8;
    }
}

static void begin_worker(struct worker *worker, bool is_shared)
{
    bench_begin_thread();
#ifdef BENCH_POOL
#ifdef BENCH_DEPOT
    is_shared = true;
#endif
    if (is_shared ? !BENCH_(pool_join)(&worker->pool, &depot) : !BENCH_(pool_init_growing)(&worker->pool, NULL))
        bench_die("out of memory");
#else
    (void)worker;
    (void)is_shared;
#endif
}

/* ---- Workloads of one thread ------------------------------------------------------------------------------------------- */

INLINE void pair(struct worker *worker, uint64_t count, bool is_one)
{
    uint64_t sum = 0;
    for (uint64_t n = 0; n < count; n++) {
        bench_message *msg;
        PLACE(bench.places[0]);
        msg = make(worker, is_one, mix[n % MIX], n);
        ESCAPE(msg);
        sum += read_message(is_one, msg);
        drop(worker, is_one, msg);
    }
    worker->sum += sum;
}

INLINE void batch(struct worker *worker, uint64_t count, bool is_one)
{
    bench_message **const msgs = worker->msgs;
    const unsigned first =
        worker == &bench.mine ? 0 : SHORT_MIX / 2; /* of the limit's places: no two threads use one */
    unsigned char **const places = bench.places;
    uint64_t sum = 0;
    for (uint64_t n = 0; n < count; n += SEED_BATCH) {
        for (unsigned i = 0; i < SEED_BATCH; i++) {
            PLACE(places[first + i]);
            msgs[i] = make(worker, is_one, mix[(IS_LIMIT ? first + i : n + i) % MIX], n + i);
        }
        for (unsigned i = 0; i < SEED_BATCH; i++) {
            sum += read_message(is_one, msgs[i]);
            drop(worker, is_one, msgs[i]);
        }
    }
    worker->sum += sum;
}

INLINE void replace(struct worker *worker, uint64_t count, bool is_one)
{
    bench_message **const msgs = bench.msgs;
    unsigned char **const places = bench.places;
    const size_t live = bench.live;
    uint64_t sum = 0, random = bench.random;
    for (uint64_t n = 0; n < count; n++) {
        const size_t at = below(&random, live);
        sum += read_message(is_one, msgs[at]);
        drop(worker, is_one, msgs[at]);
        PLACE(places[at]);
        msgs[at] = make(worker, is_one, mix[(IS_LIMIT ? at : n) % MIX], n);
    }
    bench.random = random;
    worker->sum += sum;
}

INLINE void grow(struct worker *worker, uint64_t count, bool is_one)
{
    bench_message **const msgs = bench.msgs;
    unsigned char **const places = bench.places;
    uint64_t sum = 0;
    for (uint64_t n = 0; n < count; n++) {
        PLACE(places[n]);
        msgs[n] = make(worker, is_one, mix[n % MIX], n);
    }
    for (uint64_t n = 0; n < count; n++) {
        sum += read_message(is_one, msgs[n]);
        drop(worker, is_one, msgs[n]);
    }
    worker->sum += sum;
}

/* ---- Workloads of two ------------------------------------------------------------------------------------------------------ */

INLINE void send_batches(struct worker *worker, uint64_t count, bool is_one, unsigned published)
{
    for (uint64_t n = 0; n < count; n += published) {
        void *msgs[RING_BATCH];
        for (unsigned i = 0; i < published; i++) {
            PLACE(bench.places[(n + i) % SHORT_MIX]);
            msgs[i] = make(worker, is_one, mix[(n + i) % SHORT_MIX], n + i);
        }
        ring_push(&bench.to, msgs, published);
    }
}

/* What the second thread counts: never while time is measured. To count lines takes so long that more messages are found. */
enum note { NOTHING, POPS, LINES };

INLINE void note_pop(struct worker *worker, enum note note, void *const *msgs, size_t popped)
{
    worker->pops += note == POPS;
    for (size_t i = 0; note == LINES && i < popped; i++) {
        size_t first = 0; /* of the messages that begin in this line */
        while (first < i && (uintptr_t)msgs[first] / 64 != (uintptr_t)msgs[i] / 64)
            first++;
        worker->lines += first == i;
    }
}

INLINE void receive(struct worker *worker, uint64_t count, bool is_one, enum note note)
{
    uint64_t sum = 0;
    for (uint64_t done = 0; done < count;) {
        void *msgs[RING_BATCH];
        const size_t popped = ring_pop(&bench.to, msgs, RING_BATCH);
        note_pop(worker, note, msgs, popped);
        for (size_t i = 0; i < popped; i++) {
            sum += read_message(is_one, (bench_message *)msgs[i]);
            drop(worker, is_one, (bench_message *)msgs[i]);
        }
        done += popped;
    }
    worker->sum += sum;
}

INLINE void request(struct worker *worker, uint64_t count, bool is_one)
{
    uint64_t sent = 0, received = 0, sum = 0;
    while (received < count) {
        void *msgs[WINDOW];
        size_t filled = 0;
        for (; sent < count && sent - received < WINDOW; sent++) {
            PLACE(bench.places[sent % (SHORT_MIX / 2)]);
            msgs[filled++] = make(worker, is_one, mix[sent % (SHORT_MIX / 2)], sent);
        }
        if (filled != 0)
            ring_push(&bench.to, msgs, filled);
        filled = ring_pop(&bench.fro, msgs, WINDOW);
        for (size_t i = 0; i < filled; i++) {
            sum += read_message(is_one, (bench_message *)msgs[i]);
            drop(worker, is_one, (bench_message *)msgs[i]);
        }
        received += filled;
    }
    worker->sum += sum;
}

/* Frees each request and makes the reply of the same number. */
INLINE void reply(struct worker *worker, uint64_t count, bool is_one, enum note note)
{
    uint64_t sum = 0;
    for (uint64_t done = 0; done < count;) {
        void *msgs[WINDOW];
        const size_t popped = ring_pop(&bench.to, msgs, WINDOW);
        note_pop(worker, note, msgs, popped);
        for (size_t i = 0; i < popped; i++) {
            const uint64_t place = SHORT_MIX / 2 + (done + i) % (SHORT_MIX / 2);
            sum += read_message(is_one, (bench_message *)msgs[i]);
            drop(worker, is_one, (bench_message *)msgs[i]);
            PLACE(bench.places[place]);
            msgs[i] = make(worker, is_one, mix[place], done + i);
        }
        ring_push(&bench.fro, msgs, popped);
        done += popped;
    }
    worker->sum += sum;
}

/* ---- The table of them -------------------------------------------------------------------------------------------------------- */

typedef void work(struct bench *bench, struct worker *worker, uint64_t count);

/* So that the compiler sees the one variant, or the mix, throughout. */
#define WORK(name, call) \
    static void name(struct bench *of, struct worker *worker, uint64_t count) \
    { \
        if (of->is_one) { \
            const bool is_one = true; \
            call; \
        } else { \
            const bool is_one = false; \
            call; \
        } \
    }

WORK(do_pair, pair(worker, count, is_one))
WORK(do_batch, batch(worker, count, is_one))
WORK(do_replace, replace(worker, count, is_one))
WORK(do_grow, grow(worker, count, is_one))
WORK(do_send_each, send_batches(worker, count, is_one, 1))
WORK(do_send_batches, send_batches(worker, count, is_one, RING_BATCH))
WORK(do_receive, receive(worker, count, is_one, NOTHING))
WORK(do_receive_pops, receive(worker, count, is_one, POPS))
WORK(do_receive_lines, receive(worker, count, is_one, LINES))
WORK(do_request, request(worker, count, is_one))
WORK(do_reply, reply(worker, count, is_one, NOTHING))
WORK(do_reply_pops, reply(worker, count, is_one, POPS))
WORK(do_reply_lines, reply(worker, count, is_one, LINES))

static const struct workload {
    const char *name;
    work *mine, *other; /* other: of the second thread, if there is one */
} workloads[] = {
    { "pair", do_pair, NULL },
    { "batch", do_batch, NULL },
    { "replace", do_replace, NULL },
    { "grow", do_grow, NULL },
    { "pipeline-each", do_send_each, do_receive },
    { "pipeline", do_send_batches, do_receive },
    { "request", do_request, do_reply },
    { "local", do_batch, do_batch },
};

static const struct workload *workload_named(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    bench_die("no such workload");
    return NULL;
}

/* ---- Measuring -------------------------------------------------------------------------------------------------------------- */

static void *run_other(void *unused)
{
    (void)unused;
    stay_on_core(1);
    begin_worker(&bench.other, true);
    for (;;) {
        (void)pthread_barrier_wait(&bench.start);
        (void)ball_meet(&bench.ball, &bench.other.throws, false);
        bench.serve(&bench, &bench.other, bench.count);
        atomic_store_explicit(&bench.served, bench.served + 1, memory_order_release);
        (void)ball_meet(&bench.ball, &bench.other.throws, false);
    }
}

/* What a run took. */
struct slice {
    double ns, before, after; /* nanoseconds; the latter of a round trip between the two threads */
    long faults;
};

static struct slice run(const struct workload *workload, uint64_t count)
{
    struct slice slice = { 0, 0, 0, 0 };
    const uint64_t served = bench.served;
    double began;

    bench.count = count;
    if (workload->other != NULL) {
        (void)pthread_barrier_wait(&bench.start);
        slice.before = ball_meet(&bench.ball, &bench.mine.throws, true);
    }
    slice.faults = minor_faults();
    began = clock_now();
    workload->mine(&bench, &bench.mine, count);
    while (workload->other != NULL && atomic_load_explicit(&bench.served, memory_order_acquire) == served) {
    }
    slice.ns = clock_now() - began;
    slice.faults = minor_faults() - slice.faults;
    if (workload->other != NULL)
        slice.after = ball_meet(&bench.ball, &bench.mine.throws, true);
    return slice;
}

static void fill(size_t live)
{
    bench.live = live;
    bench.msgs = (bench_message **)bench_memory(live, sizeof bench.msgs[0]);
    lay_out_places(live, MIX);
    for (size_t i = 0; i < live; i++) {
        PLACE(bench.places[i]);
        bench.msgs[i] = make_once(&bench.mine, bench.is_one, mix[i % MIX], i);
    }
}

static void set_up(const struct workload *workload, size_t live)
{
    static pthread_t thread;

    stay_on_core(0);
    begin_worker(&bench.mine, workload->other != NULL);
    if (workload->mine == do_replace) {
        fill(live);
    } else if (workload->mine == do_grow) {
        bench.live = live;
        bench.msgs = (bench_message **)bench_memory(live, sizeof bench.msgs[0]);
        lay_out_places(live, MIX);
    } else {
        lay_out_places(SHORT_MIX, SHORT_MIX);
    }
    bench.serve = workload->other;
    if (workload->other != NULL
        && (pthread_barrier_init(&bench.start, NULL, 2) != 0 || pthread_create(&thread, NULL, run_other, NULL) != 0))
        bench_die("no thread");
}

static uint64_t in_steps(double count)
{
    return (uint64_t)count / COUNT_STEP * COUNT_STEP + COUNT_STEP;
}

/* Each slice but those of growth begins with a quarter that is not timed: others have used the caches meanwhile. */
static void measure_time(const struct workload *workload, size_t live, double milliseconds)
{
    const bool is_growth = workload->mine == do_grow;
    uint64_t count = COUNT_STEP;
    struct slice slice;

    set_up(workload, live);
    if (is_growth) {
        count = live; /* memory is fresh, and its page faults are part of growing */
    } else {
        while ((slice = run(workload, count)).ns < 2e5 * milliseconds && count < UINT64_C(1) << 40)
            count *= 2;
        count = in_steps((double)count * milliseconds * 1e6 / slice.ns);
    }
    printf("{\"count\": %" PRIu64 "}\n", count);
    for (int c; (void)fflush(stdout), (c = getchar()) != EOF;) {
        if (c != '\n')
            continue;
        if (!is_growth)
            (void)run(workload, in_steps((double)count / 4));
        slice = run(workload, count);
        printf("[%.4f, %.1f, %.1f, %ld]\n", slice.ns / (double)count, slice.before, slice.after, slice.faults);
    }
}

static void measure_handover(const struct workload *workload, size_t live, uint64_t count)
{
    const bool is_reply = workload->other == do_reply;

    if (workload->other != do_receive && !is_reply)
        bench_die("no messages are handed over");
    count = in_steps((double)count);
    set_up(workload, live);
    (void)run(workload, count);
    bench.serve = is_reply ? do_reply_pops : do_receive_pops;
    (void)run(workload, count);
    bench.serve = is_reply ? do_reply_lines : do_receive_lines;
    (void)run(workload, count);
    printf("{\"together\": %.2f, \"lines\": %.3f}\n", (double)count / (double)bench.other.pops,
           (double)bench.other.lines / (double)count);
}

static void measure_memory(size_t live)
{
    size_t exact = 0, before, after, source = 0;

    begin_worker(&bench.mine, false);
    bench.msgs = (bench_message **)bench_memory(live, sizeof bench.msgs[0]);
    before = resident_bytes();
    for (size_t i = 0; i < live; i++) {
        exact += bytes_of(i, MIX);
#ifdef BENCH_LIMIT
        bench_die("the limit has no memory of its own");
#endif
        bench.msgs[i] = make_once(&bench.mine, bench.is_one, mix[i % MIX], i);
    }
    after = resident_bytes();
#ifdef BENCH_POOL
    {
        static bench_stats stats;
        BENCH_(pool_stats)(&bench.mine.pool, &stats);
        source = stats.source_bytes;
    }
#endif
    printf("{\"exact\": %zu, \"resident\": %zu, \"source\": %zu}\n", exact, after - before, source);
}

static void shuffle_messages(size_t count)
{
    uint64_t random = 2;
    for (size_t i = count; i-- > 1;) {
        const size_t j = below(&random, i + 1);
        bench_message *const msg = bench.msgs[i];
        bench.msgs[i] = bench.msgs[j];
        bench.msgs[j] = msg;
    }
}

/* For each slot size in turn: allocates this number of bytes in messages of a variant of that size, and frees them. */
static void measure_phases(bool is_random, size_t bytes)
{
    static bool is_done[1 + BENCH_SLOT_SIZES];
    size_t smallest = bytes, exact = 0, peak = 0, before;
    unsigned phases = 0;

    begin_worker(&bench.mine, false);
    for (unsigned v = 0; v < BENCH_VARIANTS; v++)
        if (bench_variants_[v].bytes < smallest)
            smallest = bench_variants_[v].bytes;
    bench.msgs = (bench_message **)bench_memory(bytes / smallest + 1, sizeof bench.msgs[0]);
    before = resident_bytes();
    for (unsigned v = 0; v < BENCH_VARIANTS && phases < MOST_PHASES; v++) {
        const size_t count = bytes / bench_variants_[v].bytes + 1;
        size_t resident;
        if (is_done[bench_variants_[v].slot_class])
            continue;
        is_done[bench_variants_[v].slot_class] = true;
        phases++;
        for (size_t i = 0; i < count; i++)
            bench.msgs[i] = make_once(&bench.mine, false, v, i);
        resident = resident_bytes() - before;
        peak = resident > peak ? resident : peak;
        exact = count * bench_variants_[v].bytes > exact ? count * bench_variants_[v].bytes : exact;
        if (is_random)
            shuffle_messages(count);
        for (size_t i = 0; i < count; i++)
            drop(&bench.mine, false, bench.msgs[i]);
    }
    printf("{\"exact\": %zu, \"resident\": %zu, \"phases\": %u}\n", exact, peak, phases);
}

static int by_ticks(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void measure_latency(size_t live, size_t count)
{
    static const double quantiles[] = {
        0, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 0.9999, 0.99997, 0.99999, 1
    };
    const double tick = clock_tick_ns();
    uint32_t *const took = (uint32_t *)bench_memory(count, sizeof *took);
    uint64_t sum = 0, random = 3;

    stay_on_core(0);
    begin_worker(&bench.mine, false);
    fill(live);
    for (int warm = 1; warm >= 0; warm--) {
        for (size_t n = 0; n < count; n++) {
            const size_t at = below(&random, live);
            const unsigned variant = mix[(IS_LIMIT ? at : n) % MIX];
            uint64_t began;
            sum += read_message(bench.is_one, bench.msgs[at]);
            began = clock_ticks();
            drop(&bench.mine, bench.is_one, bench.msgs[at]);
            PLACE(bench.places[at]);
            bench.msgs[at] = make(&bench.mine, bench.is_one, variant, n);
            took[n] = (uint32_t)(clock_ticks() - began);
        }
    }
    qsort(took, count, sizeof *took, by_ticks);
    printf("{\"sum\": %" PRIu64 ", \"latency\": [", sum);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        printf("%s[%.5f, %.1f]", i == 0 ? "" : ", ", quantiles[i],
               tick * (double)took[(size_t)(quantiles[i] * (double)(count - 1))]);
    printf("]}\n");
}

static size_t number(const char *text)
{
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value == 0)
        bench_die("numbers are positive");
    return (size_t)value;
}

static bool is_mode(int argc, char **argv, const char *mode, int arguments)
{
    return argc == arguments && strcmp(argv[1], mode) == 0;
}

int main(int argc, char **argv)
{
    const int which = argc == 6 ? 3 : 2; /* the argument that is one or mixed */

    shuffle_mix();
    bench_fill_();
#ifdef BENCH_POOL
    if (!BENCH_(depot_init)(&depot, NULL))
        bench_die("out of memory");
#endif
    bench.is_one = argc > which && strcmp(argv[which], "one") == 0;
    while (one_variant + 1 < BENCH_VARIANTS && strcmp(bench_variants_[one_variant].name, BENCH_ONE_NAME) != 0)
        one_variant++;
    if (is_mode(argc, argv, "time", 6)) {
        measure_time(workload_named(argv[2]), number(argv[4]), (double)number(argv[5]));
    } else if (is_mode(argc, argv, "count", 6)) {
        set_up(workload_named(argv[2]), number(argv[4]));
        (void)run(workload_named(argv[2]), number(argv[5]));
    } else if (is_mode(argc, argv, "handover", 6)) {
        measure_handover(workload_named(argv[2]), number(argv[4]), number(argv[5]));
    } else if (is_mode(argc, argv, "memory", 4)) {
        measure_memory(number(argv[3]));
    } else if (is_mode(argc, argv, "phases", 4)) {
        measure_phases(strcmp(argv[2], "random") == 0, number(argv[3]));
    } else if (is_mode(argc, argv, "latency", 5)) {
        measure_latency(number(argv[3]), number(argv[4]));
    } else {
        bench_die("see the head of bench/driver.c");
    }
    return 0;
}
