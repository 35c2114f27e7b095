/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The engine of protopool. protopool.h has a drawing of it, its conventions and the invariants of its data.
 *
 * Parts of this file. Each begins with a line that has its name.
 *   port.c      What the platform has: system headers, and the engine's constants.
 *   check.c     The hooks of the build levels: what a level adds to each step of the allocator.
 *   fault.c     Faults: bugs of the caller, passed to the program's handler.
 *   lock.c      The lock of a depot: a mutex of pthreads or of Windows, or the program's own.
 *   slab.c      One slab: a header, a bitmap with a 1 for each free slot, and slots of one size.
 *   counts.c    Counts of holders: where the count of a slot is, and how it changes.
 *   shape.c     How large the slabs of a slot size are.
 *   heap.c      The default source: slabs cut from chunks of malloc.
 *   store.c     A store: the slabs of all slot sizes, and how it gets them from its source and gives them back.
 *   magazine.c  Magazines: a pool's stacks of free slots.
 *   exchange.c  Full magazines go from pool to pool through the depot, in batches.
 *   cache.c     Between a pool's magazines and the store: refilling, spilling, and looking for idle magazines.
 *   fixed.c     A fixed pool on its own.
 *   pool.c      The life of a pool: init, fini, reset, reserve, flush, trim, each and statistics.
 *   prefill.c   Prefill: gives magazines their arrays, fills them, and touches the memory of all free slots.
 *   depot.c     A depot: a store that joined pools share, and the life of it.
 *   check1.c    Level 1, for production: a freed message has a tag of its own.
 *   check2.c    Level 2, for debugging: every pointer is looked up before it is used.
 *   holders.c   Shared messages: hold and release, by the counts of counts.c.
 *   leak.c      Leaks: what is still live when a pool or depot ends.
 *   texts.c     Lists of texts: counts, writes and validates them.
 *   record.c    Records: reads the fields of a message by its description.
 *   decimal.c   Decimal digits of integers and of floating-point numbers.
 *   print.c     Printing values and messages, in the form of Rust's Debug.
 *   hash.c      Hashes numbers: the same on every machine.
 *   refusal.c   Refusals: finds the field for which a constructor returned NULL, and passes it to the program's handler.
 *   wire.c      Wire: what holds no value in a message, the order of bytes, and why received bytes are refused.
 *   packed.c    Packed messages: writes and reads the fields one after the other, as the steps of a record say.
 */

/* ---- port.c ------------------------------------------------------------------------------------------------------ */
/*
 * What the platform has: system headers, and the engine's constants.
 * All includes are here, so that other parts need to know nothing about the system.
 */

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* for madvise */ // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#endif
#include "protopool.h"

#if !defined __STDC_HOSTED__ || __STDC_HOSTED__ == 1
#define PP_HOSTED 1
#include <float.h>
#include <limits.h>
#include <stdlib.h>
#ifndef PROTOPOOL_NO_HEAP
#define PP_HAS_HEAP 1
#if defined __unix__ || defined __APPLE__
#ifdef __has_include
#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#include <unistd.h>
#if defined __linux__ && defined MADV_DONTNEED
#define PP_FREE_PAGES MADV_DONTNEED
#if defined MADV_HUGEPAGE && UINTPTR_MAX > 0xffffffffU
#define PP_HUGE_PAGES MADV_HUGEPAGE
#endif
#elif defined MADV_FREE && !defined __linux__
#define PP_FREE_PAGES MADV_FREE
#endif
#endif
#endif
#endif
#endif
#endif
#if PROTOPOOL_CHECK == 2 && defined PP_HOSTED
#if defined __SANITIZE_ADDRESS__
#define PP_HAS_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define PP_HAS_ASAN 1
#endif
#endif
#ifdef PP_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef __has_include
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define PP_HAS_VALGRIND 1
#endif
#endif
#endif
#if !defined PROTOPOOL_NO_THREADS && !defined PROTOPOOL_LOCK && defined _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#elif !defined PROTOPOOL_NO_THREADS && !defined PROTOPOOL_LOCK
#ifdef __has_include
#if !__has_include(<pthread.h>)
#define PP_LACKS_PTHREAD 1
#endif
#endif
#ifndef PP_LACKS_PTHREAD
#include <pthread.h>
#endif
#ifndef PTHREAD_MUTEX_INITIALIZER /* some small C libraries have an empty pthread.h */
#error "protopool: no pthreads here: define PROTOPOOL_LOCK and PROTOPOOL_UNLOCK, or PROTOPOOL_NO_THREADS, everywhere"
#define PROTOPOOL_LOCK(lock) ((void)(lock)) /* so that no other errors follow */
#define PROTOPOOL_UNLOCK(lock) ((void)(lock))
#endif
#endif

#define PP_WORD_BITS ((uint32_t)PROTOPOOL_WORD_BITS_)
#define PP_SUMMARY_LEVELS 4U                  /* of a slab of 2^32 slots; of 10 million slots: 2 */
#define PP_SLAB_BYTES ((size_t)16384)         /* the smallest slab */
#define PP_SLAB_ORDERS 5U                     /* slabs of PP_SLAB_BYTES << order */
#define PP_WASTE_SHIFT 6                      /* the aim: header and tail waste less than 1/64 of a slab */
#define PP_ARRAYS_WASTE_SHIFT 3               /* the same for slabs of magazines' arrays; there are few of them */
#define PP_OWN_BLOCK_MIN_BYTES ((size_t)4096) /* slots of at least this size may have a block each */
#define PP_MAGAZINE_BYTES ((size_t)1 << 18)   /* the slots in a magazine have at most this size in all */
#define PP_MAGAZINE_MIN 4U                    /* a slot size has no magazine if it would hold fewer slots */
#define PP_IDLE_PERIOD 64U     /* visits to the store between two looks at the magazines of a slot size */
#define PP_FLUSH_PERIOD_MIN 8U /* the same in slabs that the pool takes */
#define PP_PAIR_OF_LINES 128   /* bytes: some processors fetch cache lines of 64 bytes in pairs */
#define PP_BATCH_MAX 4U        /* a pool leaves at most this number of full magazines in the depot at once */
#define PP_PAUSES_MAX 8        /* the most pauses between two tries */
#define PP_LOCK_TRIES 100      /* a depot's lock is held for less time than a thread takes to sleep and to wake */

static_assert(PROTOPOOL_MAGAZINE >= 1 && PROTOPOOL_MAGAZINE <= 65535, "PROTOPOOL_MAGAZINE is 1 to 65535");
static_assert(sizeof(struct protopool_slab) % sizeof(protopool_word) == 0, "the bitmap follows the header");
static_assert(PP_SLAB_BYTES >= ((size_t)1 << PP_SLAB_ORDERS), "an order fits below a slab's address");

/* ---- check.c ----------------------------------------------------------------------------------------------------- */
/*
 * The hooks of the build levels: what a level adds to each step of the allocator.
 * The allocator calls each hook at every level. At level 0 they are empty, and defined below; check1.c and check2.c define
 * those of levels 1 and 2.
 */

struct pp_report;

/* Operations. A pool may be used if its init or join has succeeded and it has not ended. If it may not, pp_is_alive reports that.
 * pp_start_operation also marks the pool as busy until pp_finish_operation. */
static bool pp_is_alive(const struct protopool *pool);
static bool pp_start_operation(struct protopool *pool);
static void pp_finish_operation(struct protopool *pool);
static void pp_set_state(struct protopool *pool, uint32_t state);

/* Why nothing is allocated from a pool that is not alive. */
static enum protopool_failure pp_failure_of_dead(const struct protopool *pool);

/* Where the program called the operation that runs. The pool may be NULL. */
static struct protopool_site pp_site_of(const struct protopool *pool);

/* Stores. pp_note_store is called before a store's first use, pp_forget_store before its memory is given back. */
static void pp_note_store(struct protopool_store *store, union protopool_lock *lock);
static void pp_forget_store(struct protopool_store *store);

/* Slabs. pp_has_room_for_slab is called before memory is taken for a slab: false if the level cannot note another one.
 * pp_note_slab is called for a new slab, pp_reset_slab when all slots of a slab become free at once, and pp_forget_slab
 * before a slab goes to another slot size or to the source. */
static size_t pp_record_bytes(const struct protopool_slabs *slabs);
static void pp_set_message_bytes(struct protopool_slabs *slabs, size_t bytes);
static bool pp_has_room_for_slab(struct protopool_store *store, const struct protopool_slabs *slabs);
static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab);
static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab);
static void pp_forget_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                           struct protopool_slab *slab);

/* Whether the slot may return to the slab at this index; if not, that is reported. The slab is NULL if a fixed pool has no
 * slots of this size. Where PP_SPILLS_SINGLY is true, each slot returns before the next one is asked for. */
static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index);
#define PP_SPILLS_SINGLY (PROTOPOOL_CHECK == 1)

/* Peaks. pp_note_peak is called before a pool's magazines of a slot size change in another way than by the inline take and
 * put, pp_restart_peak afterwards. pp_has_exact_peak says whether the level counts the peak by itself. */
static void pp_reset_peak(struct protopool_magazine *magazine);
static void pp_note_peak(struct protopool *pool, unsigned c);
static void pp_restart_peak(struct protopool *pool, unsigned c);
static bool pp_has_exact_peak(const struct protopool *pool);

/* How many slots are live: `counted`, unless the level counts them one by one. */
static size_t pp_exact_live(const struct protopool_store *store, unsigned c, size_t counted);
static void pp_reset_live(struct protopool_store *store, unsigned c);

/* Reports what is live in a store whose magazines are flushed. The owner is the pool or the depot that ends. */
static void pp_report_leaks(struct protopool_store *store, const void *owner);

#ifndef PROTOPOOL_NO_STDIO
/* Prints the message that a report is about, as far as it is known, and a comma. */
static void pp_print_message(const struct pp_report *report);
#endif

#if PROTOPOOL_CHECK == 0
static bool pp_is_alive(const struct protopool *pool)
{
    return pool->store != NULL;
}

static bool pp_start_operation(struct protopool *pool)
{
    return pp_is_alive(pool);
}

static void pp_finish_operation(struct protopool *pool)
{
    (void)pool;
}

static void pp_set_state(struct protopool *pool, uint32_t state)
{
    (void)pool;
    (void)state;
}

static enum protopool_failure pp_failure_of_dead(const struct protopool *pool)
{
    (void)pool;
    return PROTOPOOL_EXHAUSTED;
}

static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    (void)store;
    (void)slabs;
    (void)slab;
    (void)slot;
    (void)index;
    return true;
}

static void pp_set_message_bytes(struct protopool_slabs *slabs, size_t bytes)
{
    (void)slabs;
    (void)bytes;
}

static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab)
{
    (void)store;
    (void)slabs;
    (void)slab;
}

static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab)
{
    (void)store;
    (void)slabs;
    (void)slab;
}

static bool pp_has_exact_peak(const struct protopool *pool)
{
    (void)pool;
    return false;
}

static void pp_report_leaks(struct protopool_store *store, const void *owner)
{
    (void)store;
    (void)owner;
}

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_message(const struct pp_report *report)
{
    (void)report;
}
#endif
#endif

#if PROTOPOOL_CHECK != 1
static void pp_reset_peak(struct protopool_magazine *magazine)
{
    (void)magazine;
}

static void pp_note_peak(struct protopool *pool, unsigned c)
{
    (void)pool;
    (void)c;
}

static void pp_restart_peak(struct protopool *pool, unsigned c)
{
    (void)pool;
    (void)c;
}
#endif

#if PROTOPOOL_CHECK != 2
static struct protopool_site pp_site_of(const struct protopool *pool)
{
    const struct protopool_site unknown = { NULL, 0 };
    (void)pool;
    return unknown;
}

static void pp_note_store(struct protopool_store *store, union protopool_lock *lock)
{
    (void)store;
    (void)lock;
}

static void pp_forget_store(struct protopool_store *store)
{
    (void)store;
}

static size_t pp_record_bytes(const struct protopool_slabs *slabs)
{
    (void)slabs;
    return 0;
}

static bool pp_has_room_for_slab(struct protopool_store *store, const struct protopool_slabs *slabs)
{
    (void)store;
    (void)slabs;
    return true;
}

static void pp_forget_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                           struct protopool_slab *slab)
{
    (void)store;
    (void)slabs;
    (void)slab;
}

static size_t pp_exact_live(const struct protopool_store *store, unsigned c, size_t counted)
{
    (void)store;
    (void)c;
    return counted;
}

static void pp_reset_live(struct protopool_store *store, unsigned c)
{
    (void)store;
    (void)c;
}
#endif

/* ---- fault.c ----------------------------------------------------------------------------------------------------- */
/*
 * Faults: bugs of the caller, passed to the program's handler.
 * The default handler prints one line and aborts. If a handler returns, the operation is skipped.
 */

static protopool_fault_handler *pp_fault_handler;

protopool_fault_handler *protopool_set_fault_handler(protopool_fault_handler *handler)
{
    protopool_fault_handler *const previous = pp_fault_handler;
    pp_fault_handler = handler;
    return previous;
}

const char *protopool_fault_text(enum protopool_fault fault)
{
    switch (fault) {
    case PROTOPOOL_FAULT_JOINED:
        return "depot ended while a pool is joined";
    case PROTOPOOL_FAULT_NOT_ALIVE:
        return "pool used before init or after fini";
    case PROTOPOOL_FAULT_DOUBLE_FREE:
        return "double free";
    case PROTOPOOL_FAULT_BAD_TAG:
        return "bad tag";
    case PROTOPOOL_FAULT_WRITTEN_AFTER_FREE:
        return "use after free (write)";
    case PROTOPOOL_FAULT_WRONG_VARIANT:
        return "wrong variant";
    case PROTOPOOL_FAULT_WRONG_LENGTH:
        return "wrong tail length";
    case PROTOPOOL_FAULT_LEAK:
        return "leak";
    case PROTOPOOL_FAULT_FOREIGN:
        return "foreign pointer";
    case PROTOPOOL_FAULT_INTERIOR:
        return "interior pointer";
    case PROTOPOOL_FAULT_WRONG_POOL:
        return "wrong pool";
    case PROTOPOOL_FAULT_OVERRUN:
        return "overrun";
    case PROTOPOOL_FAULT_UNDERRUN:
        return "underrun";
    case PROTOPOOL_FAULT_USE_AFTER_FREE:
        return "use after free";
    case PROTOPOOL_FAULT_SHARED:
        return "reset or each of a joined pool";
    case PROTOPOOL_FAULT_CONCURRENT:
        return "concurrent use";
    case PROTOPOOL_FAULT_EDIT_OF_SHARED:
        return "edit while shared";
    case PROTOPOOL_FAULT_TOO_MANY_HOLDERS:
        return "too many holders";
    case PROTOPOOL_FAULT_WRONG_INDEX:
        return "wrong index";
    }
    return "an unknown fault";
}

static void pp_abort(void)
{
#if defined PP_HOSTED
    abort();
#elif defined __GNUC__
    __builtin_trap();
#else
    for (;;) {
    }
#endif
}

/* A fault and what is known about it. All members but code may be NULL. */
struct pp_report {
    enum protopool_fault code;
    const void *pool;
    const void *pointer;
    const struct protopool_geometry *geometry;
    const void *readable; /* the message, if it is safe to print it */
    const char *name;     /* of its variant, if only that is known */
    struct protopool_site allocated, freed, here;
};

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_site(const char *what, const struct protopool_site *site)
{
    if (site->file != NULL)
        (void)fprintf(stderr, ", %s at %s:%d", what, site->file, site->line);
}

static void pp_print_report(const struct pp_report *report)
{
    (void)fprintf(stderr, "protopool: %s: ", protopool_fault_text(report->code));
    pp_print_message(report);
    (void)fprintf(stderr, "%p", report->pointer != NULL ? report->pointer : report->pool);
    pp_print_site("allocated", &report->allocated);
    pp_print_site("freed", &report->freed);
    pp_print_site("found", &report->here);
    (void)fputs("\n", stderr);
}
#endif

static void pp_report_fault(const struct pp_report *report)
{
    if (pp_fault_handler != NULL) {
        pp_fault_handler(report->code, report->pool, report->pointer, &report->here);
        return;
    }
#ifndef PROTOPOOL_NO_STDIO
    pp_print_report(report);
#endif
    pp_abort();
}

static PROTOPOOL_COLD void pp_report_fault_at(enum protopool_fault code, const void *pool, const void *pointer,
                                              struct protopool_site here)
{
    const struct pp_report report = { .code = code, .pool = pool, .pointer = pointer, .here = here };
    pp_report_fault(&report);
}

/* ---- lock.c ------------------------------------------------------------------------------------------------------ */
/*
 * The lock of a depot: a mutex of pthreads or of Windows, or the program's own.
 * It guards the depot's full magazines and its store. The depot's source has a lock of its own.
 */

#if defined PROTOPOOL_NO_THREADS
#define PROTOPOOL_LOCK(lock) ((void)(lock))
#define PROTOPOOL_UNLOCK(lock) ((void)(lock))
#elif !defined PROTOPOOL_LOCK
#define PP_HAS_MUTEX 1

/* A mutex of the system. */
#ifdef _WIN32
typedef SRWLOCK pp_mutex;
#define PP_MUTEX_INITIALIZER SRWLOCK_INIT
#define PP_MUTEX_INIT(mutex) (InitializeSRWLock(mutex), true)
#define PP_MUTEX_TRY(mutex) (TryAcquireSRWLockExclusive(mutex) != 0)
#define PP_MUTEX_LOCK(mutex) AcquireSRWLockExclusive(mutex)
#define PP_MUTEX_UNLOCK(mutex) ReleaseSRWLockExclusive(mutex)
#define PP_MUTEX_FINI(mutex) ((void)(mutex))
#else
typedef pthread_mutex_t pp_mutex;
#define PP_MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define PP_MUTEX_INIT(mutex) (pthread_mutex_init(mutex, NULL) == 0)
#define PP_MUTEX_TRY(mutex) (pthread_mutex_trylock(mutex) == 0)
#define PP_MUTEX_LOCK(mutex) (void)pthread_mutex_lock(mutex)
#define PP_MUTEX_UNLOCK(mutex) (void)pthread_mutex_unlock(mutex)
#define PP_MUTEX_FINI(mutex) (void)pthread_mutex_destroy(mutex)
#endif
static_assert(sizeof(pp_mutex) <= sizeof(union protopool_lock), "a mutex fits");
static_assert(alignof(pp_mutex) <= alignof(union protopool_lock), "a mutex is aligned");

static pp_mutex *pp_mutex_of(union protopool_lock *lock)
{
    return (pp_mutex *)(void *)lock;
}

/* Lets the thread that holds the lock work: the processor waits for a moment. */
static void pp_pause(void)
{
#if defined __GNUC__ && (defined __x86_64__ || defined __i386__)
    __builtin_ia32_pause();
#elif defined __GNUC__ && defined __aarch64__
    __asm__ volatile("yield");
#elif defined _WIN32
    YieldProcessor();
#endif
}

/* Tries more and more seldom, so that the threads that wait do not slow down the one that holds the lock; then sleeps. */
static void pp_take_lock(union protopool_lock *lock)
{
    int pauses = 1;

    for (int i = 0; i < PP_LOCK_TRIES; i++) {
        if (PP_MUTEX_TRY(pp_mutex_of(lock)))
            return;
        for (int pause = 0; pause < pauses; pause++)
            pp_pause();
        pauses = PROTOPOOL_MIN_(2 * pauses, PP_PAUSES_MAX);
    }
    PP_MUTEX_LOCK(pp_mutex_of(lock));
}

#define PROTOPOOL_LOCK(lock) pp_take_lock(lock)
#define PROTOPOOL_UNLOCK(lock) PP_MUTEX_UNLOCK(pp_mutex_of(lock))
#define PROTOPOOL_LOCK_INIT(lock) PP_MUTEX_INIT(pp_mutex_of(lock))
#define PROTOPOOL_LOCK_FINI(lock) PP_MUTEX_FINI(pp_mutex_of(lock))
#endif

#ifdef PROTOPOOL_LOCK_INIT
#define PP_HAS_LOCK_INIT 1
#else
#define PROTOPOOL_LOCK_INIT(lock) (memset((lock), 0, sizeof *(lock)), true)
#endif
#ifndef PROTOPOOL_LOCK_FINI
#define PROTOPOOL_LOCK_FINI(lock) ((void)(lock))
#endif

static void pp_lock_depot(struct protopool_depot *depot)
{
    PROTOPOOL_LOCK(&depot->lock);
}

/* Removes what has been collected for the source. */
static struct protopool_block *pp_take_given(struct protopool_growth *growth)
{
    struct protopool_block *const given = growth->given;
    growth->given = NULL;
    return given;
}

/* Releases the lock, and then gives to the source what has been collected. */
static void pp_unlock_depot(struct protopool_depot *depot)
{
    struct protopool_growth *const growth = depot->store->growth;
    struct protopool_block *const given = growth != NULL ? pp_take_given(growth) : NULL;

    PROTOPOOL_UNLOCK(&depot->lock);
    if (given != NULL)
        growth->calls->give(growth, given);
}

static void pp_lock_store(struct protopool *pool)
{
    if (pool->depot != NULL)
        pp_lock_depot(pool->depot);
}

static void pp_unlock_store(struct protopool *pool)
{
    if (pool->depot != NULL)
        pp_unlock_depot(pool->depot);
}

/* The lock under which the source is called, one thread at a time. The thread does not hold the depot's lock. */
static void pp_lock_source(struct protopool_growth *growth)
{
    if (growth->lock != NULL)
        PROTOPOOL_LOCK(&growth->source_lock);
}

static void pp_unlock_source(struct protopool_growth *growth)
{
    if (growth->lock != NULL)
        PROTOPOOL_UNLOCK(&growth->source_lock);
}

/* ---- slab.c ------------------------------------------------------------------------------------------------------ */
/*
 * One slab: a header, a bitmap with a 1 for each free slot, and slots of one size.
 * Above a large bitmap lies a summary, so that a free slot is found in the same time in a slab of any size.
 * types.h has the invariants that hold between the header's counts, the bitmap and the summary.
 */

/* The words of an array of a growing store, behind its slots (exchange.c). */
enum { PP_NEXT = PROTOPOOL_MAGAZINE, PP_NEXT_BATCH, PP_BATCH_COUNT, PP_ARRAY_WORDS };

/* Of a growing store. Parts are cut from such arrays too. */
#define PP_ARRAY_BYTES \
    (PP_ARRAY_WORDS * sizeof(void *) > PP_EXCHANGING_PART_BYTES ? PP_ARRAY_WORDS * sizeof(void *) \
                                                                : PP_EXCHANGING_PART_BYTES)
#define PP_EXCHANGING_PART_BYTES (PROTOPOOL_PART_BYTES + PROTOPOOL_PART * sizeof(struct protopool_exchange))

static inline uint32_t pp_lowest_bit(protopool_word word)
{
#if defined __GNUC__ && UINTPTR_MAX > 0xffffffffU
    return (uint32_t)__builtin_ctzll(word);
#elif defined __GNUC__
    return (uint32_t)__builtin_ctzl(word);
#else
    uint32_t bit = 0;
    while ((word & 1) == 0) {
        word >>= 1;
        bit++;
    }
    return bit;
#endif
}

static inline protopool_word *pp_bitmap(struct protopool_slab *slab)
{
    return (protopool_word *)(void *)(slab + 1);
}

static inline uint32_t pp_bitmap_words(uint32_t slots)
{
    return slots / PP_WORD_BITS + (slots % PP_WORD_BITS != 0);
}

/* The bits of word w of a bitmap that stand for its slots. */
static inline protopool_word pp_bits_in_word(uint32_t slots, uint32_t w)
{
    const uint32_t rest = slots - w * PP_WORD_BITS;
    return rest >= PP_WORD_BITS ? ~(protopool_word)0 : ((protopool_word)1 << rest) - 1;
}

/* F(w) of the header's invariants. */
static inline protopool_word pp_slot_bits(const struct protopool_slab *slab, uint32_t w)
{
    return pp_bits_in_word(slab->slots, w);
}

static inline size_t pp_round_up(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

/* The words of the level of the summary above a level with this number of words. */
static inline uint32_t pp_words_above(uint32_t words)
{
    return words <= PROTOPOOL_SEARCHED_WORDS_ ? 0 : pp_bitmap_words(words);
}

/* The words of the bitmap and of all levels of its summary. */
static inline size_t pp_map_words(uint32_t slots)
{
    size_t all = 0;
    for (uint32_t words = pp_bitmap_words(slots); words != 0; words = pp_words_above(words))
        all += words;
    return all;
}

/* The bytes before the first slot of a slab: the header, the bitmap with its summary, at level 2 the records and a red zone,
 * and `room` more bytes for the caller. */
PROTOPOOL_INLINE size_t pp_slab_header_bytes(const struct protopool_slabs *slabs, uint32_t slots, size_t room)
{
    const size_t record = pp_record_bytes(slabs);
    const size_t bytes = pp_round_up(sizeof(struct protopool_slab) + pp_map_words(slots) * sizeof(protopool_word)
                                     + slots * record + room + (size_t)(record != 0) * PROTOPOOL_RED_ZONE_);
    return slabs->slot_class == 0 && slabs->slot_bytes > PROTOPOOL_MAGAZINE * sizeof(void *) ? (bytes + 63) / 64 * 64
                                                                                             : bytes;
}

static void pp_push_slab(struct protopool_slab **list, struct protopool_slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (*list != NULL)
        (*list)->previous = slab;
    *list = slab;
}

static void pp_unlink_slab(struct protopool_slab **list, struct protopool_slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

/* Notes in the levels of the summary, if there are any, whether word w of the bitmap is 0. */
static void pp_update_summary(protopool_word *bits, uint32_t words, uint32_t w)
{
    for (uint32_t above; (above = pp_words_above(words)) != 0; words = above) {
        const bool is_free = bits[w] != 0;
        const protopool_word bit = (protopool_word)1 << w % PP_WORD_BITS;

        bits += words;
        w /= PP_WORD_BITS;
        bits[w] = is_free ? bits[w] | bit : bits[w] & ~bit;
    }
}

static uint32_t pp_search_summary(const protopool_word *bits, uint32_t words, uint32_t w);

/* The first word of a bitmap that is not 0. There is one, and none below w. */
static inline uint32_t pp_first_free_word(const protopool_word *bits, uint32_t words, uint32_t w)
{
    if (words > PROTOPOOL_SEARCHED_WORDS_)
        return pp_search_summary(bits, words, w);
    while (bits[w] == 0)
        w++;
    return w;
}

/* The same with a summary: the level above is searched in the same way. There are at most PP_SUMMARY_LEVELS levels. */
static uint32_t pp_search_summary(const protopool_word *bits, uint32_t words, uint32_t w)
{
    const protopool_word *const above = bits + words;
    w = pp_first_free_word(above, pp_words_above(words), w / PP_WORD_BITS);
    return w * PP_WORD_BITS + pp_lowest_bit(above[w]);
}

/* Fills in a bitmap and its summary: all slots are free. */
static void pp_fill_bitmap(protopool_word *bits, uint32_t slots)
{
    const uint32_t words = pp_bitmap_words(slots);

    for (size_t w = pp_map_words(slots); w > words;)
        bits[--w] = 0;
    for (uint32_t w = 0; w < words; w++) {
        bits[w] = pp_bits_in_word(slots, w);
        pp_update_summary(bits, words, w);
    }
}

static void pp_mark_all_free(struct protopool_slab *slab)
{
    pp_fill_bitmap(pp_bitmap(slab), slab->slots);
    slab->free_words = slab->words;
    slab->idle_words = slab->words;
    slab->lowest = 0;
}

/* Adds a slab. All its slots are free. */
static void pp_add_slab(struct protopool_slabs *slabs, struct protopool_slab *slab, unsigned char *first,
                        uint32_t slots)
{
    slab->slot_class = slabs->slot_class;
    slab->first = first;
    slab->slots = slots;
    slab->words = pp_bitmap_words(slots);
    pp_mark_all_free(slab);
    pp_push_slab(&slabs->partial, slab);
    slabs->slots += slots;
    slabs->free_in_slabs += slots;
}

static inline struct protopool_slab *pp_slab_of(const struct protopool_slabs *slabs, const void *slot)
{
    if (slabs->fixed != NULL)
        return slabs->fixed;
    return (struct protopool_slab *)(((uintptr_t)slot - slabs->slot_offset) & slabs->mask);
}

/* 2^32 / slot_bytes, rounded up. It needs no division of 64 bits, for which small machines have a function. */
static inline uint64_t pp_reciprocal(size_t slot_bytes)
{
    return (uint64_t)(UINT32_MAX / (uint32_t)slot_bytes) + 1;
}

/*
 * offset / slot_bytes. For an offset below 2^31, the quotient is computed by a multiplication. With the reciprocal
 * r = 2^32 / slot_bytes + d, 0 <= d <= 1, offset * r >> 32 is offset / slot_bytes + offset * d / 2^32, rounded down. The second
 * term is too small to reach the next integer.
 */
static inline size_t pp_quotient(size_t offset, size_t slot_bytes, uint64_t reciprocal)
{
    return PROTOPOOL_LIKELY(offset < ((size_t)1 << 31)) ? (size_t)((offset * reciprocal) >> 32) : offset / slot_bytes;
}

static inline uint32_t pp_slot_index(const struct protopool_slabs *slabs, const struct protopool_slab *slab,
                                     const void *slot)
{
    const size_t offset = (size_t)((const unsigned char *)slot - slab->first);
    return (uint32_t)pp_quotient(offset, slabs->slot_bytes, slabs->reciprocal);
}

/* Takes at most `most` slots from a bitmap word that is not 0. Writes them to the places below `end`, the lowest address on top,
 * and returns how many. base: the slot of bit 0. */
static inline uint32_t pp_take_from_word(protopool_word *word, unsigned char *base, size_t slot_bytes, void **end,
                                         uint32_t most)
{
    const uint32_t first = pp_lowest_bit(*word);
    const protopool_word run = *word >> first;
    unsigned char *slot = base + first * slot_bytes;
    uint32_t taken = 0, length;

    if ((run & (run + 1)) != 0) {
        for (; *word != 0 && taken < most; *word &= *word - 1)
            *(end - ++taken) = base + pp_lowest_bit(*word) * slot_bytes;
        return taken;
    }
    length = ~run == 0 ? PP_WORD_BITS : pp_lowest_bit(~run); /* all are neighbours, as in a new slab */
    for (length = PROTOPOOL_MIN_(length, most); taken < length; slot += slot_bytes)
        *(end - ++taken) = slot;
    *word = taken == PP_WORD_BITS ? 0 : run >> taken << taken << first;
    return taken;
}

/* Moves at most `most` free slots out of a partial slab, to the places below `end`: the lowest address is on top. Returns how
 * many. */
static uint32_t pp_take_from_slab(struct protopool_slabs *slabs, struct protopool_slab *slab, void **end, uint32_t most)
{
    protopool_word *const bits = pp_bitmap(slab);
    uint32_t taken = 0;

    while (taken < most && slab->free_words != 0) {
        const uint32_t w = pp_first_free_word(bits, slab->words, slab->lowest);

        slab->lowest = w;
        slab->idle_words -= bits[w] == pp_slot_bits(slab, w);
        taken += pp_take_from_word(&bits[w], slab->first + (size_t)w * PP_WORD_BITS * slabs->slot_bytes,
                                   slabs->slot_bytes, end - taken, most - taken);
        if (bits[w] == 0) {
            slab->free_words--;
            pp_update_summary(bits, slab->words, w);
        }
    }
    if (slab->free_words == 0) {
        pp_unlink_slab(&slabs->partial, slab);
        pp_push_slab(&slabs->full, slab);
    }
    slabs->free_in_slabs -= taken;
    return taken;
}

/* Takes one slot from a partial slab. */
static void *pp_take_one(struct protopool_slabs *slabs)
{
    void *slot = NULL;
    (void)pp_take_from_slab(slabs, slabs->partial, &slot + 1, 1);
    return slot;
}

/* Takes at most `most` slots from the partial slabs, with the lowest address on top. Returns how many. */
static uint32_t pp_take_from_partial(struct protopool_slabs *slabs, void **slots, size_t most)
{
    const uint32_t count = (uint32_t)PROTOPOOL_MIN_(most, slabs->free_in_slabs);

    for (uint32_t left = count; left != 0;)
        left -= pp_take_from_slab(slabs, slabs->partial, slots + left, left);
    return count;
}

/* Marks slots of one bitmap word as free. At least one is given, and none is free yet. True if the slab is now wholly free. */
static bool pp_put_into_word(struct protopool_slabs *slabs, struct protopool_slab *slab, uint32_t w,
                             protopool_word freed)
{
    protopool_word *const word = &pp_bitmap(slab)[w];
    const bool was_full = *word == 0;

    *word |= freed;
    if (was_full) {
        if (slab->free_words++ == 0) {
            pp_unlink_slab(&slabs->full, slab);
            pp_push_slab(&slabs->partial, slab);
            slab->lowest = w;
        } else if (w < slab->lowest) {
            slab->lowest = w;
        }
        pp_update_summary(pp_bitmap(slab), slab->words, w);
    }
    if (*word != pp_slot_bits(slab, w))
        return false;
    return ++slab->idle_words == slab->words;
}

/* ---- counts.c ---------------------------------------------------------------------------------------------------- */
/*
 * Counts of holders: where the count of a slot is, and how it changes.
 * A count is the number of holders besides the first: it is 0 in a free slot, and for a message that was never held. Slot sizes
 * without shared variants have no counts. The counts of the others lie below the first slot, and that of slot 0 on top.
 */

typedef uint16_t pp_count;

/* This many threads may call hold of a message with the most holders at once: each adds 1 before it subtracts it again. */
#define PP_COUNT_RESERVE (UINT16_MAX - (PROTOPOOL_MOST_HOLDERS - 1U))

static_assert(PP_COUNT_RESERVE >= 32768, "a count does not overflow");
static_assert(sizeof(pp_count) == PROTOPOOL_COUNT_BYTES_, "PROTOPOOL_HOLDERS_BYTES has room for each count");

/* What struct protopool_slabs has as holder_bytes. shared: see holders.h; NULL: no slot size is. */
static uint16_t pp_holder_bytes(const bool *shared, unsigned slot_class)
{
    return shared != NULL && shared[slot_class - 1] ? PROTOPOOL_COUNT_BYTES_ : 0;
}

/* first: slot 0. */
static pp_count *pp_count_at(unsigned char *first, size_t index)
{
    return (pp_count *)(void *)(first - PROTOPOOL_RED_ZONE_) - 1 - index;
}

/* The bytes of the counts of this number of slots. */
static inline size_t pp_counts_bytes(const struct protopool_slabs *slabs, uint32_t slots)
{
    return pp_round_up((size_t)slots * slabs->holder_bytes);
}

/* No slot of the slab has a message with several holders. */
static void pp_clear_holders(const struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    if (slabs->holder_bytes != 0)
        memset(pp_count_at(slab->first, slab->slots - 1), 0, (size_t)slab->slots * sizeof(pp_count));
}

/*
 * The order of memory. A holder that frees releases what it has read; the last one acquires that, whichever way it learns that it
 * is the last. So all reads of the message come before its slot is written again. A new holder needs no order: it has the
 * message from another one. Without atomics, the depot's lock guards the counts.
 */
#if !defined PROTOPOOL_NO_THREADS && defined __GCC_ATOMIC_SHORT_LOCK_FREE && __GCC_ATOMIC_SHORT_LOCK_FREE == 2
#define PP_LOCK_COUNTS(pool) ((void)(pool))
#define PP_UNLOCK_COUNTS(pool) ((void)(pool))

static uint32_t pp_read_count(const pp_count *count)
{
    return __atomic_load_n(count, __ATOMIC_ACQUIRE);
}

/* Returns the count as it was before. So does the next function. */
static uint32_t pp_add_to_count(pp_count *count)
{
    return __atomic_fetch_add(count, (pp_count)1, __ATOMIC_RELAXED);
}

static uint32_t pp_subtract_from_count(pp_count *count)
{
    return __atomic_fetch_sub(count, (pp_count)1, __ATOMIC_ACQ_REL);
}
#else
#define PP_LOCK_COUNTS(pool) pp_lock_store(pool)
#define PP_UNLOCK_COUNTS(pool) pp_unlock_store(pool)

static uint32_t pp_read_count(const pp_count *count)
{
    return *count;
}

static uint32_t pp_add_to_count(pp_count *count)
{
    return (*count)++;
}

static uint32_t pp_subtract_from_count(pp_count *count)
{
    return (*count)--;
}
#endif

/* Removes a holder. True if it was the last one; then the count is that of a free slot. */
static bool pp_remove_holder(pp_count *count)
{
    if (pp_read_count(count) == 0)
        return true;
    if (pp_subtract_from_count(count) != 0)
        return false;
    *count = 0; /* two were the last at the same moment, and this is the later one */
    return true;
}

/* Adds a holder. False if the message has the most holders already. */
static bool pp_add_holder(pp_count *count)
{
    if (PROTOPOOL_LIKELY(pp_add_to_count(count) < PROTOPOOL_MOST_HOLDERS - 1))
        return true;
    (void)pp_subtract_from_count(count);
    return false;
}

/* ---- shape.c ----------------------------------------------------------------------------------------------------- */
/*
 * How large the slabs of a slot size are.
 * A slab wastes at most 1/64 of itself where a slab of any size does; a large slot may get a block of its own.
 */

/* What a slab has for each slot besides its bit. */
static size_t pp_bytes_beside_slot(const struct protopool_slabs *slabs)
{
    return pp_record_bytes(slabs) + slabs->holder_bytes;
}

/* How many slots fit into a slab of `bytes` bytes, besides its header and bitmap. */
static uint32_t pp_slots_per_slab(const struct protopool_slabs *slabs, size_t bytes)
{
    const size_t room = bytes - sizeof(struct protopool_slab);
    size_t slots;

    if (slabs->slot_bytes > room)
        return 0;
    slots = room * 8 / ((slabs->slot_bytes + pp_bytes_beside_slot(slabs)) * 8 + 1);
    while (slots > 0
           && pp_slab_header_bytes(slabs, (uint32_t)slots, pp_counts_bytes(slabs, (uint32_t)slots))
                      + slots * slabs->slot_bytes
                  > bytes)
        slots--;
    return (uint32_t)slots;
}

/* The bytes of a slab that are neither slots nor what each slot has beside it. */
static size_t pp_slab_waste(const struct protopool_slabs *slabs, size_t bytes)
{
    const size_t slots = pp_slots_per_slab(slabs, bytes);
    return bytes - slots * (slabs->slot_bytes + pp_bytes_beside_slot(slabs)) - slots / 8;
}

/*
 * Chooses the smallest slab that wastes at most its 2^-waste_shift. If there is none, large slots get a block each; for
 * others, the slab that wastes least is chosen.
 */
static void pp_shape_slabs(struct protopool_slabs *slabs, unsigned waste_shift)
{
    size_t bytes = PP_SLAB_BYTES;

    for (unsigned order = 0; order < PP_SLAB_ORDERS; order++) {
        const size_t candidate = PP_SLAB_BYTES << order;
        if (pp_slots_per_slab(slabs, candidate) == 0)
            continue;
        if (pp_slab_waste(slabs, candidate) * (bytes / PP_SLAB_BYTES)
                < pp_slab_waste(slabs, bytes) * (candidate / PP_SLAB_BYTES)
            || pp_slots_per_slab(slabs, bytes) == 0)
            bytes = candidate;
        if (pp_slab_waste(slabs, candidate) <= candidate >> waste_shift)
            break;
    }
    if (slabs->slot_bytes >= PP_OWN_BLOCK_MIN_BYTES
        && (pp_slots_per_slab(slabs, bytes) == 0 || pp_slab_waste(slabs, bytes) > bytes >> waste_shift)) {
        slabs->slab_slots = 1;
        slabs->slot_offset = pp_slab_header_bytes(slabs, 1, pp_counts_bytes(slabs, 1));
        slabs->slab_bytes = slabs->slot_offset + slabs->slot_bytes;
        slabs->mask = ~(uintptr_t)0;
        return;
    }
    slabs->slab_slots = pp_slots_per_slab(slabs, bytes);
    slabs->slab_bytes = bytes;
    slabs->mask = ~(uintptr_t)(bytes - 1);
}

/* Whether each slot has a block of its own instead of a place in a slab of many. */
static inline bool pp_has_own_blocks(const struct protopool_slabs *slabs)
{
    return slabs->slot_offset != 0;
}

/* The alignment of a slab, by which the slab of a slot is found. A slot with a block of its own is found by its offset. */
static inline size_t pp_slab_align(const struct protopool_slabs *slabs)
{
    return pp_has_own_blocks(slabs) ? 8 : slabs->slab_bytes;
}

/* ---- heap.c ------------------------------------------------------------------------------------------------------ */
/*
 * The default source: slabs cut from chunks of malloc.
 * A chunk is 1, 2 or 32 MiB. Free pages beyond a bound go back to the system.
 */

#ifdef PP_HAS_HEAP

/*
 * A slab from malloc would be an aligned block, and malloc would lose half of it. A chunk is a block of malloc and not a
 * mapping, so that leak checkers see the pointers in messages. The C library's header in front of a large block takes a
 * page; so chunks double once. Larger ones would keep more memory (bench/driver.c, phases). A chunk's slabs begin at a
 * multiple of the largest slab, so that a wrong tag or length never makes a free look for a slab outside of the chunk.
 *
 * Where the system has huge pages, a source with many slabs in use takes huge chunks: a page fault costs as much as filling
 * many slots. A huge page becomes resident as a whole when its first slab is used. Slabs are taken at the lowest address, so
 * at most one huge page is partly unused for this reason. The C library has mappings of their own for blocks of this size.
 */
#define PP_CHUNK_MIN ((size_t)64)  /* slabs: 1 MiB */
#define PP_CHUNK_MAX ((size_t)128) /* 2 MiB */
#define PP_LARGEST_SLAB (PP_SLAB_BYTES << (PP_SLAB_ORDERS - 1))
#define PP_PART ((size_t)128) /* slabs: 2 MiB, which are given to the system together */
#define PP_PART_WORDS (PP_PART / 64)
#ifdef PP_HUGE_PAGES
#define PP_CHUNK_HUGE ((size_t)2048) /* slabs: 32 MiB */
#define PP_HUGE_MIN_LIVE \
    ((size_t)64 << 20) /* bytes in use from which chunks are huge: a huge page is at most 1/32 of them */
#endif

/*
 * Free memory between live slabs goes back to the system, page by page, when it exceeds a bound. Then each slab that is given
 * back takes some with it, until half of the bound is left. So a load that swings by less than that half does not call the
 * system, and no slab has much to do. The bound grows with what is live.
 */
#define PP_DIRTY_MIN ((size_t)4 << 20)
#define PP_DIRTY_SHIFT 4                     /* or 1/16 of the live slabs, if that is more */
#define PP_CLEAN_BYTES (2 * PP_LARGEST_SLAB) /* for each slab; more than its own bytes, so that the bound holds */

/* The bitmaps of a chunk lie at the beginning of its block. The C library's header has made that page resident already. */
struct protopool_chunk {
    void *block;
    unsigned char *base; /* its first multiple of pp_chunk_align behind the bitmaps */
    size_t slabs, live;  /* in units of PP_SLAB_BYTES, from base: how many there are, and are taken */
    uint64_t *used;      /* a bit for each unit that is taken */
    uint64_t *dirty;     /* a bit for each unit that is free and still has memory of the system */
    bool is_huge;        /* its parts are huge pages, if the system has enough of them */
};

static_assert(PP_CHUNK_MIN % 64 == 0 && PP_CHUNK_MAX % 64 == 0 && PP_LARGEST_SLAB / PP_SLAB_BYTES < 64,
              "a chunk's bits are whole words, and a slab's are in one");

/* The alignment of the first slab of a chunk with this number of slabs. */
static size_t pp_chunk_align(size_t slabs)
{
    return slabs > PP_CHUNK_MAX ? PP_PART * PP_SLAB_BYTES : PP_LARGEST_SLAB;
}

/* The bytes of the two bitmaps for this number of slabs. */
static size_t pp_chunk_bitmaps(size_t slabs)
{
    return 2 * slabs / 64 * sizeof(uint64_t);
}

/* The bytes of a block that has room for this number of slabs, at any address. */
static size_t pp_chunk_bytes(size_t slabs)
{
    return pp_chunk_bitmaps(slabs) + slabs * PP_SLAB_BYTES + pp_chunk_align(slabs) - 1;
}

static uint64_t pp_run_of(size_t bytes)
{
    return ((uint64_t)1 << bytes / PP_SLAB_BYTES) - 1;
}

/* The index of the first chunk above the address. */
static size_t pp_chunk_above(const struct protopool_heap *heap, uintptr_t address)
{
    size_t low = 0, high = heap->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap->chunks[middle].block <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for one more chunk in the list. False if there is no memory. */
static bool pp_grow_chunks(struct protopool_heap *heap)
{
    const size_t capacity = heap->capacity == 0 ? 16 : 2 * heap->capacity;
    void *chunks;

    if (heap->count < heap->capacity)
        return true;
    chunks = realloc(heap->chunks, capacity * sizeof heap->chunks[0]);
    if (chunks == NULL)
        return false;
    heap->chunks = (struct protopool_chunk *)chunks;
    heap->capacity = capacity;
    return true;
}

static size_t pp_count_bits(uint64_t word)
{
#ifdef __GNUC__
    return (size_t)__builtin_popcountll(word);
#else
    size_t count = 0;
    for (; word != 0; word &= word - 1)
        count++;
    return count;
#endif
}

/* Gives pages to the system. False if it does not take them. */
static bool pp_give_pages(unsigned char *first, size_t bytes)
{
#ifdef PP_FREE_PAGES
    const long page = sysconf(_SC_PAGESIZE);
    return page > 0 && PP_SLAB_BYTES % (size_t)page == 0 && madvise(first, bytes, PP_FREE_PAGES) == 0;
#else
    (void)first;
    (void)bytes;
    return false;
#endif
}

/* Asks the system for huge pages. False if it has none. */
static bool pp_ask_for_huge_pages(unsigned char *first, size_t bytes)
{
#ifdef PP_HUGE_PAGES
    return madvise(first, bytes, PP_HUGE_PAGES) == 0;
#else
    (void)first;
    (void)bytes;
    return false;
#endif
}

/* Gives the free memory of a part of a chunk to the system, run by run. The part begins at this unit. */
static void pp_clean_part(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t part)
{
    const size_t end = PROTOPOOL_MIN_(part + PP_PART, chunk->slabs);
    size_t bit = part;

    while (bit < end && !heap->system_refuses) {
        const size_t first = bit;
        if (chunk->dirty[bit / 64] >> bit % 64 == 0) {
            bit = (bit / 64 + 1) * 64;
            continue;
        }
        while (bit < end && (chunk->dirty[bit / 64] >> bit % 64 & 1) != 0)
            bit++;
        if (bit == first) {
            bit++;
            continue;
        }
        heap->system_refuses = !pp_give_pages(chunk->base + first * PP_SLAB_BYTES, (bit - first) * PP_SLAB_BYTES);
        for (size_t i = first; i < bit && !heap->system_refuses; i++) {
            chunk->dirty[i / 64] &= ~((uint64_t)1 << i % 64);
            heap->dirty -= PP_SLAB_BYTES;
        }
    }
}

static_assert(PP_PART * PP_SLAB_BYTES <= PP_DIRTY_MIN / 2, "one part alone never exceeds half of the bound");

/* Gives free memory to the system until at most this number of bytes is left. It begins at the highest address, because slabs
 * are taken at the lowest. It leaves out the part to which a slab returns just now: slabs would go to the system one by one. */
static void pp_clean_heap(struct protopool_heap *heap, size_t left, const unsigned char *except)
{
    for (size_t i = heap->count; i-- > 0 && heap->dirty > left;) {
        struct protopool_chunk *const chunk = &heap->chunks[i];
        for (size_t part = (chunk->slabs + PP_PART - 1) / PP_PART * PP_PART; part > 0 && heap->dirty > left;) {
            part -= PP_PART;
            if (chunk->base + part * PP_SLAB_BYTES != except)
                pp_clean_part(heap, chunk, part);
            if (heap->system_refuses)
                return;
        }
    }
}

/* Removes a wholly free chunk and frees it. Its pages go to the system before, because malloc may keep them. */
static void pp_remove_chunk(struct protopool_heap *heap, struct protopool_chunk *chunk)
{
    for (size_t part = 0; part < chunk->slabs; part += PP_PART)
        pp_clean_part(heap, chunk, part);
    for (size_t i = 0; i < chunk->slabs / 64; i++)
        heap->dirty -= pp_count_bits(chunk->dirty[i]) * PP_SLAB_BYTES;
    free(chunk->block);
    heap->idle--;
    heap->count--;
    heap->slabs -= chunk->slabs;
    memmove(chunk, chunk + 1, (heap->count - (size_t)(chunk - heap->chunks)) * sizeof *chunk);
}

/* How many slabs the next chunk has. */
static size_t pp_next_chunk(const struct protopool_heap *heap)
{
#ifdef PP_HUGE_PAGES
    if (heap->live >= PP_HUGE_MIN_LIVE && !heap->system_refuses)
        return PP_CHUNK_HUGE;
#endif
    return heap->slabs < PP_CHUNK_MIN ? PP_CHUNK_MIN : PROTOPOOL_MIN_(heap->slabs, PP_CHUNK_MAX);
}

/* Fills in a chunk that is wholly free. */
static void pp_init_chunk(struct protopool_chunk *chunk, void *block, size_t slabs)
{
    const size_t align = pp_chunk_align(slabs);
    unsigned char *const first = (unsigned char *)block + pp_chunk_bitmaps(slabs);

    memset(block, 0, pp_chunk_bitmaps(slabs));
    chunk->block = block;
    chunk->base = first + (align - (uintptr_t)first % align) % align;
    chunk->slabs = slabs;
    chunk->live = 0;
    chunk->used = (uint64_t *)block;
    chunk->dirty = chunk->used + slabs / 64;
    chunk->is_huge = slabs > PP_CHUNK_MAX && pp_ask_for_huge_pages(chunk->base, slabs * PP_SLAB_BYTES);
}

/* Adds a chunk, wholly free. NULL if there is no memory. */
static struct protopool_chunk *pp_add_chunk(struct protopool_heap *heap)
{
    size_t slabs = pp_next_chunk(heap), at;
    struct protopool_chunk *chunk;
    void *block;

    if (!pp_grow_chunks(heap))
        return NULL;
    while ((block = malloc(pp_chunk_bytes(slabs))) == NULL && slabs > PP_CHUNK_MIN)
        slabs = slabs > PP_CHUNK_MAX ? PP_CHUNK_MAX : PP_CHUNK_MIN;
    if (block == NULL)
        return NULL;
    at = pp_chunk_above(heap, (uintptr_t)block);
    chunk = &heap->chunks[at];
    memmove(chunk + 1, chunk, (heap->count - at) * sizeof *chunk);
    pp_init_chunk(chunk, block, slabs);
    heap->count++;
    heap->idle++;
    heap->slabs += slabs;
    if (at < heap->lowest)
        heap->lowest = at;
    return chunk;
}

/* The first unit of the part with this unit. */
static size_t pp_part_of(size_t bit)
{
    return bit / PP_PART * PP_PART;
}

/* Whether all bits of a part are 0. */
static bool pp_is_part_empty(const uint64_t *bits, size_t part)
{
    uint64_t any = 0;

    for (size_t i = 0; i < PP_PART_WORDS; i++)
        any |= bits[part / 64 + i];
    return any == 0;
}

/* Notes that the huge page with this unit becomes resident as a whole, if nothing of it is yet. */
static void pp_touch_huge_page(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bit)
{
    const size_t part = pp_part_of(bit);

    if (!pp_is_part_empty(chunk->used, part) || !pp_is_part_empty(chunk->dirty, part))
        return;
    for (size_t i = 0; i < PP_PART_WORDS; i++)
        chunk->dirty[part / 64 + i] = ~(uint64_t)0;
    heap->dirty += PP_PART * PP_SLAB_BYTES;
}

/* Marks a run of free units as taken, and returns its memory. */
static void *pp_mark_used(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bit, size_t bytes)
{
    const uint64_t run = pp_run_of(bytes) << bit % 64;

    if (chunk->is_huge)
        pp_touch_huge_page(heap, chunk, bit);
    heap->idle -= chunk->live == 0;
    heap->dirty -= pp_count_bits(chunk->dirty[bit / 64] & run) * PP_SLAB_BYTES;
    heap->live += bytes;
    chunk->dirty[bit / 64] &= ~run;
    chunk->used[bit / 64] |= run;
    chunk->live += bytes / PP_SLAB_BYTES;
    return chunk->base + bit * PP_SLAB_BYTES;
}

/* Takes an aligned run of units out of the chunk. NULL if none is free. */
static void *pp_cut_slab(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bytes)
{
    const uint64_t run = pp_run_of(bytes);

    for (size_t w = 0; w < chunk->slabs / 64; w++) {
        if (chunk->used[w] == ~(uint64_t)0)
            continue;
        for (size_t bit = 0; bit < 64; bit += bytes / PP_SLAB_BYTES)
            if ((chunk->used[w] & run << bit) == 0)
                return pp_mark_used(heap, chunk, w * 64 + bit, bytes);
    }
    return NULL;
}

static void *pp_heap_take(void *ctx, size_t bytes, size_t align)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    struct protopool_chunk *chunk;

    if (align != bytes) /* not a slab */
        return malloc(bytes);
    while (heap->lowest < heap->count && heap->chunks[heap->lowest].live == heap->chunks[heap->lowest].slabs)
        heap->lowest++;
    for (size_t i = heap->lowest; i < heap->count; i++) {
        void *const slab = pp_cut_slab(heap, &heap->chunks[i], bytes);
        if (slab != NULL)
            return slab;
    }
    chunk = pp_add_chunk(heap);
    return chunk == NULL ? NULL : pp_cut_slab(heap, chunk, bytes);
}

/* Gives free memory to the system if there is too much. A slab of the part with this unit has been given back; the chunk is NULL
 * if it is gone. A huge page that is wholly free goes first: to give a part of one makes the system divide it. */
static void pp_bound_dirty(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bit)
{
    const size_t most = heap->live >> PP_DIRTY_SHIFT > PP_DIRTY_MIN ? heap->live >> PP_DIRTY_SHIFT : PP_DIRTY_MIN;
    const size_t part = pp_part_of(bit);

    if (chunk != NULL && chunk->is_huge && heap->dirty > most / 2 && pp_is_part_empty(chunk->used, part))
        pp_clean_part(heap, chunk, part);
    heap->is_dirty = heap->dirty > most || (heap->is_dirty && heap->dirty > most / 2);
    if (heap->is_dirty)
        pp_clean_heap(heap, heap->dirty - PROTOPOOL_MIN_(heap->dirty - most / 2, PP_CLEAN_BYTES),
                      chunk != NULL ? chunk->base + part * PP_SLAB_BYTES : NULL);
}

static void pp_heap_give(void *ctx, void *memory, size_t bytes, size_t align)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    const size_t above = pp_chunk_above(heap, (uintptr_t)memory);
    struct protopool_chunk *chunk = above == 0 ? NULL : &heap->chunks[above - 1];
    size_t bit;

    (void)align;
    if (chunk == NULL || (uintptr_t)memory - (uintptr_t)chunk->block >= pp_chunk_bytes(chunk->slabs)) {
        free(memory);
        return;
    }
    bit = (size_t)((unsigned char *)memory - chunk->base) / PP_SLAB_BYTES;
    chunk->used[bit / 64] &= ~(pp_run_of(bytes) << bit % 64);
    chunk->dirty[bit / 64] |= pp_run_of(bytes) << bit % 64;
    chunk->live -= bytes / PP_SLAB_BYTES;
    heap->live -= bytes;
    heap->dirty += bytes;
    if (above - 1 < heap->lowest)
        heap->lowest = above - 1;
    if (chunk->live == 0
        && (heap->idle++ != 0 || chunk->slabs > pp_next_chunk(heap))) { /* keeps at most one, and no larger one */
        pp_remove_chunk(heap, chunk);
        chunk = NULL;
    }
    pp_bound_dirty(heap, chunk, bit);
}

static void pp_heap_trim(struct protopool_heap *heap)
{
    for (size_t i = heap->count; i-- > 0;)
        if (heap->chunks[i].live == 0)
            pp_remove_chunk(heap, &heap->chunks[i]);
    heap->lowest = 0;
    pp_clean_heap(heap, 0, NULL);
}

static void pp_heap_end(struct protopool_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        free(heap->chunks[i].block);
    free(heap->chunks);
    memset(heap, 0, sizeof *heap);
}
#endif

/* ---- store.c ----------------------------------------------------------------------------------------------------- */
/*
 * A store: the slabs of all slot sizes, and how it gets them from its source and gives them back.
 * A slab that becomes wholly free serves any slot size next, or returns to the source.
 */

/* NULL also if the source does not align the memory: slabs are found by their alignment. */
static void *pp_take_aligned(const struct protopool_source *source, size_t bytes, size_t align)
{
    void *const memory = source->take(source->ctx, bytes, align);

    if (memory == NULL || (uintptr_t)memory % align == 0)
        return memory;
    if (source->give != NULL)
        source->give(source->ctx, memory, bytes, align);
    return NULL;
}

static void pp_give_blocks(const struct protopool_source *source, struct protopool_block *given)
{
    while (given != NULL) {
        const struct protopool_block block = *given;
        source->give(source->ctx, given, block.bytes, block.align);
        given = block.next;
    }
}

/* The `give` of a growing store. */
static void pp_give_collected(struct protopool_growth *growth, struct protopool_block *given)
{
    pp_lock_source(growth);
    pp_give_blocks(&growth->source, given);
    pp_unlock_source(growth);
}

/* Takes memory for a depot. It releases the depot's lock meanwhile, so other pools may change whatever the lock guards. Before, it
 * gives the source what was collected for it. */
static void *pp_take_unlocked(struct protopool_growth *growth, size_t bytes, size_t align)
{
    struct protopool_block *const given = pp_take_given(growth);
    void *memory;

    PROTOPOOL_UNLOCK(growth->lock);
    pp_lock_source(growth);
    pp_give_blocks(&growth->source, given);
    memory = pp_take_aligned(&growth->source, bytes, align);
    pp_unlock_source(growth);
    PROTOPOOL_LOCK(growth->lock);
    return memory;
}

static void *pp_take_from_source(struct protopool_store *store, size_t bytes, size_t align)
{
    struct protopool_growth *const growth = store->growth;
    void *const memory =
        growth->lock != NULL ? pp_take_unlocked(growth, bytes, align) : pp_take_aligned(&growth->source, bytes, align);

    if (memory != NULL)
        store->source_bytes += bytes;
    return memory;
}

/* Gives memory back to the source, or collects it to give it back later. */
static void pp_give_to_source(struct protopool_store *store, void *memory, size_t bytes, size_t align)
{
    struct protopool_growth *const growth = store->growth;
    struct protopool_block *const block = (struct protopool_block *)memory;

    if (growth->source.give == NULL)
        return;
    store->source_bytes -= bytes;
    if (!growth->is_collecting) {
        growth->source.give(growth->source.ctx, memory, bytes, align);
        return;
    }
    block->next = growth->given;
    block->bytes = bytes;
    block->align = align;
    growth->given = block;
}

/* The slabs whose slots are arrays of magazines. */
static inline struct protopool_slabs *pp_array_slabs(struct protopool_store *store)
{
    return &store->classes[0].slabs;
}

static uintptr_t pp_slab_order(const struct protopool_slabs *slabs)
{
    uintptr_t order = 0;
    while (PP_SLAB_BYTES << order < slabs->slab_bytes)
        order++;
    return order;
}

/* Removes the spare at index i from the list. */
static uintptr_t pp_remove_spare(struct protopool_growth *growth, uint32_t i)
{
    const uintptr_t spare = growth->spares[i];

    growth->spare_bytes -= PP_SLAB_BYTES << (spare & (PP_SLAB_BYTES - 1));
    growth->spare_count--;
    for (; i < growth->spare_count; i++)
        growth->spares[i] = growth->spares[i + 1];
    return spare;
}

static void pp_give_highest_spare(struct protopool_store *store)
{
    const uintptr_t spare = pp_remove_spare(store->growth, store->growth->spare_count - 1);
    const uintptr_t order = spare & (PP_SLAB_BYTES - 1);

    pp_give_to_source(store, (void *)(spare - order), PP_SLAB_BYTES << order, PP_SLAB_BYTES << order);
}

/* Gives spares back: at least this number of bytes, or all. So the pool grows only if it has no spares. */
static void pp_give_spares(struct protopool_store *store, size_t bytes)
{
    const size_t left = store->growth->spare_bytes > bytes ? store->growth->spare_bytes - bytes : 0;

    while (store->growth->spare_bytes > left)
        pp_give_highest_spare(store);
}

/* Whether another slab, of this number of bytes, may be kept as a spare. */
static bool pp_has_room_for_spare(const struct protopool_growth *growth, size_t bytes)
{
    return growth->spare_count < PROTOPOOL_SPARE_SLABS
           && (growth->source.give == NULL || growth->spare_bytes + bytes <= PROTOPOOL_SPARE_BYTES);
}

/* Keeps a wholly free slab for any slot size, or gives one to the source. The lowest addresses are kept, so that slabs in use
 * stay together and larger parts of the source become free. */
static void pp_keep_spare(struct protopool_store *store, struct protopool_slab *slab, uintptr_t order)
{
    struct protopool_growth *const growth = store->growth;
    const uintptr_t spare = (uintptr_t)slab | order;
    uint32_t i;

    while (!pp_has_room_for_spare(growth, PP_SLAB_BYTES << order)) {
        if (growth->spares[growth->spare_count - 1] < spare) {
            pp_give_to_source(store, slab, PP_SLAB_BYTES << order, PP_SLAB_BYTES << order);
            return;
        }
        pp_give_highest_spare(store);
    }
    for (i = growth->spare_count++; i > 0 && growth->spares[i - 1] > spare; i--)
        growth->spares[i] = growth->spares[i - 1];
    growth->spares[i] = spare;
    growth->spare_bytes += PP_SLAB_BYTES << order;
}

/* Takes the spare slab of this order with the lowest address. NULL if there is none. */
static void *pp_take_spare(struct protopool_store *store, uintptr_t order)
{
    for (uint32_t i = 0; i < store->growth->spare_count; i++) {
        if ((store->growth->spares[i] & (PP_SLAB_BYTES - 1)) == order)
            return (void *)(pp_remove_spare(store->growth, i) - order);
    }
    return NULL;
}

static bool pp_has_spare(const struct protopool_store *store, uintptr_t order)
{
    for (uint32_t i = 0; i < store->growth->spare_count; i++)
        if ((store->growth->spares[i] & (PP_SLAB_BYTES - 1)) == order)
            return true;
    return false;
}

/* Whether a wholly free slab may leave its slot size: not if it is reserved, or if its memory would be lost. */
static bool pp_may_release(const struct protopool_store *store, const struct protopool_slabs *slabs,
                           const struct protopool_slab *slab)
{
    if (slabs->fixed != NULL || slabs->slots - slab->slots < slabs->reserved)
        return false;
    return store->growth->source.give != NULL
           || (!pp_has_own_blocks(slabs) && pp_has_room_for_spare(store->growth, slabs->slab_bytes));
}

/* Removes a wholly free slab from its slot size. */
static void pp_release_slab(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    pp_unlink_slab(&slabs->partial, slab);
    slabs->slots -= slab->slots;
    slabs->free_in_slabs -= slab->slots;
    pp_forget_slab(store, slabs, slab);
    if (pp_has_own_blocks(slabs))
        pp_give_to_source(store, slab, slabs->slab_bytes, pp_slab_align(slabs));
    else
        pp_keep_spare(store, slab, pp_slab_order(slabs));
}

/* The `release` of a growing store: a slab has become wholly free. */
static void pp_release_idle_slab(struct protopool_store *store, struct protopool_slabs *slabs,
                                 struct protopool_slab *slab)
{
    if (pp_may_release(store, slabs, slab))
        pp_release_slab(store, slabs, slab);
}

/* Releases one wholly free slab of a slot size, if there is one. New slabs are first in the list. */
static void pp_release_free_slab(struct protopool_store *store, struct protopool_slabs *slabs)
{
    struct protopool_slab *slab = slabs->partial;

    while (slab != NULL && slab->idle_words != slab->words)
        slab = slab->next;
    if (slab != NULL && store->growth != NULL)
        store->growth->calls->release(store, slabs, slab);
}

/* Releases all wholly free slabs of a slot size that may leave it. */
static void pp_release_free_slabs(struct protopool_store *store, struct protopool_slabs *slabs)
{
    for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
        next = slab->next;
        if (slab->idle_words == slab->words && store->growth != NULL)
            store->growth->calls->release(store, slabs, slab);
    }
}

/*
 * Gathers the bits of the first slots, as long as their bits are in the same bitmap word of this slab. *freed gets the bits.
 * *twice gets the number of slots that are free already. Returns how many slots it has gathered. The next slot is often the
 * neighbour.
 */
static inline uint32_t pp_gather_bits(const struct protopool_slabs *slabs, struct protopool_slab *slab,
                                      void *const *slots, uint32_t count, uint32_t index, protopool_word *freed,
                                      uint32_t *twice)
{
    const uint32_t w = index / PP_WORD_BITS;
    const protopool_word before = pp_bitmap(slab)[w];
    protopool_word bit = (protopool_word)1 << index % PP_WORD_BITS, gathered = 0;
    uint32_t i = 0;

    for (;;) {
        *twice += ((before | gathered) & bit) != 0;
        gathered |= bit;
        if (++i == count || PP_SPILLS_SINGLY)
            break;
        if ((uintptr_t)slots[i] - (uintptr_t)slots[i - 1] == slabs->slot_bytes) {
            bit <<= 1;
            if (bit == 0)
                break;
            continue;
        }
        if (pp_slab_of(slabs, slots[i]) != slab)
            break;
        index = pp_slot_index(slabs, slab, slots[i]);
        if (index / PP_WORD_BITS != w)
            break;
        bit = (protopool_word)1 << index % PP_WORD_BITS;
    }
    *freed = gathered & ~before;
    return i;
}

/*
 * Puts slots into their slabs; neighbours in one bitmap word together. It skips a slot that is in its slab already or whose
 * slab now serves another slot size. At level 0 a double free can come this far; it must not free other slots.
 */
static void pp_spill(struct protopool_store *store, struct protopool_slabs *slabs, void *const *slots, uint32_t count)
{
    uint32_t i = 0;

    if (slabs->slot_bytes == 0) { /* a fixed pool without slots of this size: the tags are wrong, or the pool is */
        for (; i < count; i++)
            (void)pp_may_spill(store, slabs, NULL, slots[i], 0);
        return;
    }
    slabs->free_in_slabs += count;
    while (i < count) {
        struct protopool_slab *const slab = pp_slab_of(slabs, slots[i]);
        const uint32_t index = pp_slot_index(slabs, slab, slots[i]);
        protopool_word freed = 0;
        uint32_t twice = 0;

        if (!pp_may_spill(store, slabs, slab, slots[i], index) || slab->slot_class != slabs->slot_class) {
            slabs->free_in_slabs--;
            i++;
            continue;
        }
        i += pp_gather_bits(slabs, slab, slots + i, count - i, index, &freed, &twice);
        slabs->free_in_slabs -= twice;
        if (freed != 0 && pp_put_into_word(slabs, slab, index / PP_WORD_BITS, freed) && store->growth != NULL)
            store->growth->calls->release(store, slabs, slab);
    }
}

/* Makes a slab of memory, its slots all free. */
static void pp_create_slab(struct protopool_store *store, struct protopool_slabs *slabs, unsigned char *memory)
{
    struct protopool_slab *const slab = (struct protopool_slab *)(void *)memory;
    const size_t counts = pp_counts_bytes(slabs, slabs->slab_slots);

    pp_add_slab(slabs, slab, memory + pp_slab_header_bytes(slabs, slabs->slab_slots, counts), slabs->slab_slots);
    pp_clear_holders(slabs, slab);
    pp_note_slab(store, slabs, slab);
}

/* Whether slabs can be added: not to those of a fixed pool. */
static bool pp_can_grow(const struct protopool_slabs *slabs)
{
    return slabs->fixed == NULL && slabs->slot_bytes != 0;
}

/* Memory for a slab that is not a block of a slot's own: a spare one, or from the source. NULL if there is none. */
static void *pp_take_slab(struct protopool_store *store, const struct protopool_slabs *slabs)
{
    const uintptr_t order = pp_slab_order(slabs);
    void *memory = pp_take_spare(store, order);

    if (memory == NULL
        && store->growth->source.give == NULL) { /* then some wholly free slabs are not among the spares */
        for (unsigned c = 1; c <= store->geometry->count; c++)
            pp_release_free_slabs(store, &store->classes[c].slabs);
        memory = pp_take_spare(store, order);
    }
    if (memory != NULL)
        return memory;
    if (store->growth->source.give != NULL)
        pp_give_spares(store, slabs->slab_bytes);
    return pp_take_from_source(store, slabs->slab_bytes, pp_slab_align(slabs));
}

/* Adds a slab for the slot size. False if there is no memory for it. A depot's lock may be released meanwhile, see
 * pp_take_unlocked. */
static bool pp_grow(struct protopool_store *store, struct protopool_slabs *slabs)
{
    void *memory;

    if (!pp_can_grow(slabs) || !pp_has_room_for_slab(store, slabs))
        return false;
    if (pp_has_own_blocks(slabs))
        memory = pp_take_from_source(store, slabs->slab_bytes, pp_slab_align(slabs));
    else
        memory = pp_take_slab(store, slabs);
    if (memory == NULL)
        return false;
    if (!pp_has_room_for_slab(store, slabs)) { /* other pools have used it meanwhile */
        pp_give_to_source(store, memory, slabs->slab_bytes, pp_slab_align(slabs));
        return false;
    }
    pp_create_slab(store, slabs, (unsigned char *)memory);
    return true;
}

static size_t pp_tables_bytes(const struct protopool_geometry *geometry)
{
    return PROTOPOOL_SIZE(PROTOPOOL_TABLES_BYTES(geometry->count));
}

static const struct protopool_kind pp_with_slabs;

/* Fills in the tables at the beginning of this memory, which has room for them. */
PROTOPOOL_INLINE struct protopool_store *pp_lay_out_tables(const struct protopool_geometry *geometry, void *memory)
{
    struct protopool_store *const store = (struct protopool_store *)memory;

    memset(memory, 0, pp_tables_bytes(geometry));
    store->geometry = geometry;
    store->kind = &pp_with_slabs;
    store->classes = (struct protopool_store_class *)(void *)((unsigned char *)memory + pp_round_up(sizeof *store));
    store->source_bytes = pp_tables_bytes(geometry);
    return store;
}

/* How many slots a magazine holds. Magazines of large slots hold fewer, so that they do not keep much memory. 0 if the slots
 * are so large that to take the lock and to call the source costs little compared with filling a slot. */
static uint32_t pp_magazine_capacity(size_t slot_bytes)
{
    const size_t most = PP_MAGAZINE_BYTES / slot_bytes;
    return most < PP_MAGAZINE_MIN ? 0 : (uint32_t)PROTOPOOL_MIN_(most, PROTOPOOL_MAGAZINE);
}

/* Initialises the slabs of a slot class; of class 0 for arrays of magazines. */
static void pp_init_slabs(struct protopool_slabs *slabs, unsigned slot_class, size_t bytes)
{
    slabs->slot_bytes = slot_class != 0 ? (size_t)PROTOPOOL_STRIDE_(bytes) : bytes;
    slabs->reciprocal = pp_reciprocal(slabs->slot_bytes);
    slabs->slot_class = (uint16_t)slot_class;
    pp_set_message_bytes(slabs, bytes);
}

static void pp_give_slabs(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    while (slab != NULL) {
        struct protopool_slab *const next = slab->next;
        pp_give_to_source(store, slab, slabs->slab_bytes, pp_slab_align(slabs));
        slab = next;
    }
}

/* Gives all memory back, also that of the tables. */
static void pp_give_store(struct protopool_store *store)
{
    for (unsigned c = 0; c <= store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &store->classes[c].slabs;
        pp_give_slabs(store, slabs, slabs->partial);
        pp_give_slabs(store, slabs, slabs->full);
    }
    while (store->growth->spare_count != 0)
        pp_give_highest_spare(store);
#ifdef PP_HAS_HEAP
    pp_heap_end(&store->growth->heap);
#endif
    pp_give_to_source(store, store, pp_tables_bytes(store->geometry) + sizeof *store->growth, 8);
}

static const struct protopool_growing pp_growing;

/* A store that grows: its tables, and the first slab of arrays. shared: see holders.h; NULL: no slot size is. Returns NULL
 * if the source has no memory for them. */
static struct protopool_store *pp_create_growing_store(const struct protopool_geometry *geometry, const bool *shared,
                                                       const struct protopool_source *source)
{
    const size_t tables = pp_tables_bytes(geometry);
    struct protopool_growth growth;
    struct protopool_store *store;
    void *memory;

    memset(&growth, 0, sizeof growth);
    growth.calls = &pp_growing;
    if (source != NULL) {
        growth.source = *source;
    } else {
#ifdef PP_HAS_HEAP
        growth.source.take = pp_heap_take;
        growth.source.give = pp_heap_give;
        growth.source.ctx = &growth.heap;
#endif
    }
    if (growth.source.take == NULL)
        return NULL;
    memory = pp_take_aligned(&growth.source, tables + sizeof growth, 8);
    if (memory == NULL)
        return NULL;
    store = pp_lay_out_tables(geometry, memory);
    store->growth = (struct protopool_growth *)(void *)((unsigned char *)memory + tables);
    store->source_bytes += sizeof growth;
    *store->growth = growth;
    store->part_bytes = PROTOPOOL_PART_BYTES;
    if (source == NULL)
        store->growth->source.ctx = &store->growth->heap;
    for (unsigned c = 1; c <= geometry->count; c++) {
        struct protopool_store_class *const store_class = &store->classes[c];
        pp_init_slabs(&store_class->slabs, c, geometry->slot_sizes[c - 1].bytes);
        store_class->slabs.holder_bytes = pp_holder_bytes(shared, c);
        pp_shape_slabs(&store_class->slabs, PP_WASTE_SHIFT);
        store_class->magazine = pp_magazine_capacity(geometry->slot_sizes[c - 1].bytes);
    }
    pp_init_slabs(pp_array_slabs(store), 0, (PP_ARRAY_BYTES + 63) / 64 * 64);
    pp_shape_slabs(pp_array_slabs(store), PP_ARRAYS_WASTE_SHIFT);
    pp_array_slabs(store)->reserved = SIZE_MAX; /* arrays are few, and threads come and go */
    if (geometry->count == 0 || pp_grow(store, pp_array_slabs(store)))
        return store;
    pp_give_store(store);
    return NULL;
}

static void pp_end_store(struct protopool_store *store)
{
    pp_forget_store(store);
    if (store->growth != NULL)
        store->growth->calls->end(store);
}

static void pp_each_in_list(const struct protopool_slabs *slabs, struct protopool_slab *slab,
                            void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (; slab != NULL; slab = slab->next) {
        for (uint32_t w = 0; w < slab->words; w++) {
            const unsigned char *const base = slab->first + (size_t)w * PP_WORD_BITS * slabs->slot_bytes;
            for (protopool_word live = pp_slot_bits(slab, w) & ~pp_bitmap(slab)[w]; live != 0; live &= live - 1)
                fn(ctx, base + pp_lowest_bit(live) * slabs->slot_bytes);
        }
    }
}

/* Calls fn for each live slot. All magazines are flushed: in the bitmap, a slot in a magazine looks live. */
static void pp_each_in_store(struct protopool_store *store, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        pp_each_in_list(&store->classes[c].slabs, store->classes[c].slabs.full, fn, ctx);
        pp_each_in_list(&store->classes[c].slabs, store->classes[c].slabs.partial, fn, ctx);
    }
}

/* ---- magazine.c -------------------------------------------------------------------------------------------------- */
/*
 * Magazines: a pool's stacks of free slots.
 * A magazine has an array of its slot size's capacity, or none. The loaded magazines are in the struct of the pool. All other
 * data per slot size are in parts. A pool takes a part from its store when it first uses one of the part's slot sizes: a
 * protocol can have many more slot sizes than a pool uses.
 */

static bool pp_has_part(const struct protopool *pool, unsigned c)
{
    return pool->parts[(c - 1) / PROTOPOOL_PART] != NULL;
}

/* The pool's data of the slot size. If the pool has no part for it: an empty element, which nothing writes to. */
static struct protopool_pool_class *pp_class(const struct protopool *pool, unsigned c)
{
    static const struct protopool_pool_class nothing;

    return pp_has_part(pool, c) ? &pool->parts[(c - 1) / PROTOPOOL_PART][(c - 1) % PROTOPOOL_PART]
                                : (struct protopool_pool_class *)PROTOPOOL_UNCONST(&nothing);
}

static bool pp_has_array(const struct protopool_magazine *magazine)
{
    return magazine->slots != magazine->end;
}

static uint32_t pp_magazine_count(const struct protopool_magazine *magazine)
{
    return pp_has_array(magazine) ? (uint32_t)(magazine->top - magazine->slots) : 0;
}

/* Gives the magazine an empty array for `capacity` slots. If that is 0, it has none. */
static void pp_set_array(struct protopool_magazine *magazine, void **slots, uint32_t capacity)
{
    magazine->top = magazine->slots = slots;
    magazine->end = slots + capacity;
    pp_reset_peak(magazine);
}

/* How many slots are neither in slabs nor in the depot's magazines: they are live or in the magazines of pools. */
static size_t pp_slots_outside(const struct protopool_store *store, const struct protopool_depot *depot, unsigned c)
{
    const struct protopool_store_class *const store_class = &store->classes[c];
    const size_t in_depot = depot != NULL ? (size_t)depot->classes[c].full.count * store_class->magazine : 0;
    return store_class->slabs.slots - store_class->slabs.free_in_slabs - in_depot;
}

static void pp_note_all_peaks(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        pp_note_peak(pool, c);
}

/* Puts the slots of a magazine into their slabs. */
static void pp_spill_magazine(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    pp_note_peak(pool, c);
    pp_spill(pool->store, &pool->store->classes[c].slabs, magazine->slots, pp_magazine_count(magazine));
    magazine->top = magazine->slots;
    pp_restart_peak(pool, c);
}

static bool pp_exchanges(const struct protopool *pool);

/* Puts the slots of all magazines of the slot size into their slabs. */
static void pp_spill_class(struct protopool *pool, unsigned c)
{
    pp_spill_magazine(pool, c, &pool->loaded[c]);
    if (!pp_has_part(pool, c))
        return;
    pp_spill_magazine(pool, c, &pp_class(pool, c)->previous);
    if (pp_exchanges(pool))
        pool->store->growth->calls->spill_exchange(pool, c);
}

static void pp_flush_magazines(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        pp_spill_class(pool, c);
}

/* An array of the slabs of arrays. NULL if there is no memory. Other pools of a depot may change the store meanwhile: so a pool
 * gets its arrays first, and then exchanges magazines. */
static void **pp_take_array(struct protopool_store *store)
{
    struct protopool_slabs *const arrays = pp_array_slabs(store);

    return arrays->partial != NULL || (store->growth != NULL && store->growth->calls->grow(store, arrays))
                   || arrays->partial != NULL /* another pool may have put some back meanwhile */
               ? (void **)pp_take_one(arrays)
               : NULL;
}

/* Gives the magazine an array if it has none. False if there is no memory for it, or if the slot size has no magazines. */
static bool pp_ensure_array(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    void **array;

    if (pp_has_array(magazine))
        return true;
    if (pool->store->classes[c].magazine == 0) /* large slots, or no budget */
        return false;
    array = pp_take_array(pool->store);
    if (array != NULL)
        pp_set_array(magazine, array, pool->store->classes[c].magazine);
    return array != NULL;
}

static bool pp_has_free_part(const struct protopool_store *store)
{
    return store->unused_parts != NULL || store->new_part_count != 0;
}

/* Parts of fixed memory are there from the beginning. A growing store cuts them from an array. False if there is no memory. */
static bool pp_add_parts(struct protopool_store *store)
{
    void *const array = store->growth != NULL ? pp_take_array(store) : NULL;

    if (pp_has_free_part(store)) { /* another pool has added some meanwhile */
        if (array != NULL)
            pp_spill(store, pp_array_slabs(store), &array, 1);
        return true;
    }
    if (array == NULL)
        return false;
    store->new_parts = (unsigned char *)array;
    store->new_part_count = (uint32_t)pp_array_slabs(store)->slot_bytes / store->part_bytes;
    return true;
}

/* An empty part. NULL if there is no memory. */
static struct protopool_pool_class *pp_take_part(struct protopool_store *store)
{
    struct protopool_pool_class *part;

    if (!pp_has_free_part(store) && !pp_add_parts(store))
        return NULL;
    part = store->unused_parts;
    if (part != NULL) {
        store->unused_parts = (struct protopool_pool_class *)(void *)part->previous.top;
    } else {
        part = (struct protopool_pool_class *)(void *)store->new_parts;
        store->new_parts += store->part_bytes;
        store->new_part_count--;
    }
    return (struct protopool_pool_class *)memset(part, 0, store->part_bytes);
}

/* Gives the pool its part for the slot size. False if there is no memory. */
static bool pp_ensure_part(struct protopool *pool, unsigned c)
{
    if (!pp_has_part(pool, c))
        pool->parts[(c - 1) / PROTOPOOL_PART] = pp_take_part(pool->store);
    return pp_has_part(pool, c);
}

/* Whether an array begins with this part. */
static bool pp_begins_array(struct protopool_store *store, const struct protopool_pool_class *part)
{
    const struct protopool_slabs *const arrays = pp_array_slabs(store);
    const struct protopool_slab *const slab = pp_slab_of(arrays, part);

    return (size_t)((const unsigned char *)part - slab->first) % arrays->slot_bytes == 0;
}

/* Puts the arrays that parts are cut from back into their slabs, when no pool has a part. */
static void pp_return_arrays_of_parts(struct protopool_store *store)
{
    struct protopool_pool_class *part = store->unused_parts, *first_parts = NULL, *next;

    for (; part != NULL; part = next) {
        next = (struct protopool_pool_class *)(void *)part->previous.top;
        if (pp_begins_array(store, part)) {
            part->previous.top = (void **)(void *)first_parts;
            first_parts = part;
        }
    }
    for (part = first_parts; part != NULL; part = next) {
        void *const array = part;
        next = (struct protopool_pool_class *)(void *)part->previous.top;
        pp_spill(store, pp_array_slabs(store), &array, 1);
    }
    store->unused_parts = NULL;
    store->new_part_count = 0;
}

/* pp_ensure_array for the loaded magazine, which needs no part. */
static bool pp_ensure_loaded(struct protopool *pool, unsigned c)
{
    if (pp_has_array(&pool->loaded[c]))
        return true;
    if (!pp_ensure_array(pool, c, &pool->loaded[c]))
        return false;
    (void)pp_ensure_part(pool, c);
    return true;
}

/* pp_ensure_array for the previous magazine. */
static bool pp_ensure_previous(struct protopool *pool, unsigned c)
{
    return pp_ensure_part(pool, c) && pp_ensure_array(pool, c, &pp_class(pool, c)->previous);
}

static void pp_swap_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine loaded = pool->loaded[c];
    pool->loaded[c] = pp_class(pool, c)->previous;
    pp_class(pool, c)->previous = loaded;
}

/* ---- exchange.c -------------------------------------------------------------------------------------------------- */
/*
 * Full magazines go from pool to pool through the depot, in batches.
 * A pool that only frees leaves up to PP_BATCH_MAX full magazines at once. So it needs the lock less often, and fewer cache lines
 * that other cores have written.
 * Functions of a depot are called with its lock held.
 */

/* Whether the pool has joined a growing depot. Only such a pool exchanges magazines. */
static bool pp_exchanges(const struct protopool *pool)
{
    return pool->depot != NULL && pool->store->growth != NULL;
}

/* It lies behind the rest of a part. If the pool has no part: an empty element, which nothing writes to. */
static struct protopool_exchange *pp_exchange_of(const struct protopool *pool, unsigned c)
{
    static const struct protopool_exchange nothing;

    return pp_has_part(pool, c)
               ? (struct protopool_exchange *)(void *)(pool->parts[(c - 1) / PROTOPOOL_PART] + PROTOPOOL_PART)
                     + (c - 1) % PROTOPOOL_PART
               : (struct protopool_exchange *)PROTOPOOL_UNCONST(&nothing);
}

/* Adds an array to a batch. */
static void pp_push_array(struct protopool_arrays *batch, void **array)
{
    array[PP_NEXT] = batch->first;
    batch->first = array;
    batch->count++;
}

/* Takes an array from a batch that is not empty. */
static void **pp_pop_array(struct protopool_arrays *batch)
{
    void **const array = batch->first;
    batch->first = (void **)array[PP_NEXT];
    batch->count--;
    return array;
}

/* Moves a batch that is not empty to other batches. */
static void pp_push_batch(struct protopool_arrays *batches, struct protopool_arrays *batch)
{
    batch->first[PP_NEXT_BATCH] = batches->first;
    batch->first[PP_BATCH_COUNT] = (void *)(uintptr_t)batch->count;
    batches->first = batch->first;
    batches->count += batch->count;
    batch->first = NULL;
    batch->count = 0;
}

/* Takes a batch. It is empty if there is none. */
static struct protopool_arrays pp_pop_batch(struct protopool_arrays *batches)
{
    struct protopool_arrays batch = { batches->first, 0 };

    if (batch.first != NULL) {
        batch.count = (uint32_t)(uintptr_t)batch.first[PP_BATCH_COUNT];
        batches->first = (void **)batch.first[PP_NEXT_BATCH];
        batches->count -= batch.count;
    }
    return batch;
}

/* Puts the arrays of a batch back into their slabs. */
static void pp_return_arrays(struct protopool_store *store, struct protopool_arrays *batch)
{
    while (batch->count != 0) {
        void *const array = pp_pop_array(batch);
        pp_spill(store, pp_array_slabs(store), &array, 1);
    }
}

/* Spills the full magazines of a batch, and puts their arrays back. */
static void pp_spill_batch(struct protopool_store *store, unsigned c, struct protopool_arrays *batch)
{
    for (void **array = batch->first; array != NULL; array = (void **)array[PP_NEXT])
        pp_spill(store, &store->classes[c].slabs, array, store->classes[c].magazine);
    pp_return_arrays(store, batch);
}

/* Spills the depot's full magazines of a slot size. Free slots in them can keep an otherwise empty slab from being reused. */
static void pp_flush_depot_class(struct protopool_depot *depot, unsigned c)
{
    while (depot->classes[c].full.count != 0) {
        struct protopool_arrays batch = pp_pop_batch(&depot->classes[c].full);
        pp_spill_batch(depot->store, c, &batch);
    }
}

static void pp_flush_depot_magazines(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        pp_flush_depot_class(depot, c);
}

/* Puts the depot's empty arrays back into their slabs. */
static void pp_return_empty_arrays(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++) {
        while (depot->classes[c].empty.count != 0) {
            struct protopool_arrays batch = pp_pop_batch(&depot->classes[c].empty);
            pp_return_arrays(depot->store, &batch);
        }
    }
}

/* Gives the pool's empty arrays to the depot; if that has enough, to their slabs. */
static void pp_leave_empty_arrays(struct protopool *pool, unsigned c)
{
    struct protopool_arrays *const empty = &pp_exchange_of(pool, c)->empty;

    if (empty->count != 0 && pool->depot->classes[c].empty.count + empty->count <= PROTOPOOL_DEPOT_MAGAZINES)
        pp_push_batch(&pool->depot->classes[c].empty, empty);
    else
        pp_return_arrays(pool->store, empty);
}

/* Exchanges the empty loaded magazine for the next full one of the batch that the pool has. False if it has none. */
static bool pp_load_full_magazine(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    void **const empty = loaded->slots;

    if (pp_exchange_of(pool, c)->full.count == 0)
        return false;
    pp_set_array(loaded, pp_pop_array(&pp_exchange_of(pool, c)->full), (uint32_t)(loaded->end - empty));
    loaded->top = loaded->end;
    pp_push_array(&pp_exchange_of(pool, c)->empty, empty);
    return true;
}

/* Fetches a batch of full magazines from the depot and loads one. False if the depot has none. */
static bool pp_fetch_full_magazines(struct protopool *pool, unsigned c)
{
    if (pool->depot->classes[c].full.count == 0 || !pp_ensure_part(pool, c))
        return false;
    pp_exchange_of(pool, c)->batch = 0;
    pp_leave_empty_arrays(pool, c);
    pp_exchange_of(pool, c)->full = pp_pop_batch(&pool->depot->classes[c].full);
    return pp_load_full_magazine(pool, c);
}

/* Adds the full previous magazine to the pool's batch, and takes an empty array for it. */
static void pp_keep_previous(struct protopool *pool, unsigned c)
{
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);
    struct protopool_magazine *const previous = &pp_class(pool, c)->previous;
    const uint32_t capacity = (uint32_t)(previous->end - previous->slots);

    pp_push_array(&exchange->full, previous->slots);
    pp_set_array(previous, pp_pop_array(&exchange->empty), capacity);
}

/* Whether the pool leaves its batch, with the full previous magazine, in the depot. */
static bool pp_is_batch_complete(const struct protopool_exchange *exchange)
{
    return exchange->full.count + 1 >= exchange->batch;
}

/* Empties the full previous magazine without the depot: it becomes part of a batch. False if that is complete, or if there is
 * no empty array. */
static bool pp_keep_full_magazine(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine *const previous = &pp_class(pool, c)->previous;

    if (previous->top != previous->end || pp_exchange_of(pool, c)->empty.count == 0
        || pp_is_batch_complete(pp_exchange_of(pool, c)))
        return false;
    pp_keep_previous(pool, c);
    return true;
}

/* Makes sure that the pool has an empty array: from the depot, or a new one. False if there is no memory. */
static bool pp_ensure_empty_array(struct protopool *pool, unsigned c)
{
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);
    struct protopool_magazine fresh = { 0 };

    if (exchange->empty.count == 0)
        exchange->empty = pp_pop_batch(&pool->depot->classes[c].empty);
    if (exchange->empty.count != 0)
        return true;
    if (!pp_ensure_array(pool, c, &fresh))
        return false;
    pp_push_array(&exchange->empty, fresh.slots);
    return true;
}

/* Spills a full magazine of the pool's batch, if it has one. */
static void pp_spill_of_batch(struct protopool *pool, unsigned c)
{
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);

    if (exchange->full.count != 0) {
        void **const array = pp_pop_array(&exchange->full);
        pp_spill(pool->store, &pool->store->classes[c].slabs, array, pool->store->classes[c].magazine);
        pp_push_array(&exchange->empty, array);
    }
}

/*
 * Empties the full previous magazine: leaves it in the depot with the pool's batch. The more often the pool does so without
 * fetching, the larger its next batch. False if the depot has no room, or there is no array. If it has no room, no pool fetches
 * what this one frees; then the pool keeps no batch either, since its slots would keep slabs from being reused.
 */
static bool pp_leave_full_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine *const previous = &pp_class(pool, c)->previous;
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);

    if (previous->top != previous->end || !pp_ensure_empty_array(pool, c))
        return false;
    if (pp_is_batch_complete(exchange)) {
        if (pool->depot->classes[c].full.count + exchange->full.count + 1 > PROTOPOOL_DEPOT_MAGAZINES) {
            exchange->batch = 0;
            pp_spill_of_batch(pool, c);
            return false;
        }
        pp_keep_previous(pool, c);
        pp_push_batch(&pool->depot->classes[c].full, &exchange->full);
        exchange->batch = PROTOPOOL_MIN_(exchange->batch == 0 ? 2 : 2 * exchange->batch, PP_BATCH_MAX);
    } else {
        pp_keep_previous(pool, c);
    }
    return true;
}

/* Spills the full magazines that the pool has of a slot size besides the loaded and the previous one. */
static void pp_spill_exchange(struct protopool *pool, unsigned c)
{
    pp_spill_batch(pool->store, c, &pp_exchange_of(pool, c)->full);
    pp_return_arrays(pool->store, &pp_exchange_of(pool, c)->empty);
}

/* How many slots these magazines have. */
static size_t pp_exchange_count(const struct protopool *pool, unsigned c)
{
    return !pp_exchanges(pool) ? 0 : (size_t)pp_exchange_of(pool, c)->full.count * pool->store->classes[c].magazine;
}

/* ---- cache.c ----------------------------------------------------------------------------------------------------- */
/*
 * Between a pool's magazines and the store: refilling, spilling, and looking for idle magazines.
 * Functions named from_store or into_store are called with the store locked.
 */

/* Spills the magazines of the slot size if their counts have not changed since the last look. Free slots in them can keep an
 * otherwise empty slab from being reused. */
static void pp_flush_if_idle(struct protopool *pool, unsigned c)
{
    struct protopool_pool_class *const pool_class = pp_class(pool, c);

    if (!pp_has_part(pool, c)) { /* it was not used, or there is no memory to note a count */
        pp_spill_magazine(pool, c, &pool->loaded[c]);
        return;
    }
    if (pool_class->seen_loaded == pp_magazine_count(&pool->loaded[c])
        && pool_class->seen_previous == pp_magazine_count(&pool_class->previous)) {
        pp_spill_class(pool, c);
    }
    pool_class->seen_loaded = (uint16_t)pp_magazine_count(&pool->loaded[c]);
    pool_class->seen_previous = (uint16_t)pp_magazine_count(&pool_class->previous);
}

/*
 * The slot class whose turn it is at this visit, or 0 for none. Each slot class has one turn in `period` visits. If there are
 * more slot sizes than that, it has one turn in as many visits as there are slot sizes. So no single call spills the
 * magazines of more than one slot size.
 */
static unsigned pp_turn(const struct protopool *pool, uint32_t visit, uint32_t period)
{
    const uint32_t count = pool->store->geometry->count;
    const uint32_t turn = visit % (count > period ? count : period);
    return turn < count ? turn + 1 : 0;
}

/*
 * The grow_for of a growing store. Before it grows, it looks for idle magazines of one slot size. It does not look at all of
 * them each time: a magazine can be in use although its count has not changed. And if another slot size took each slab as
 * soon as it is free, a pool with few live messages would never settle. Between two looks at a slot size, each other one can
 * get a slab.
 */
static bool pp_grow_after_flush(struct protopool *pool, struct protopool_slabs *slabs)
{
    unsigned idle = 0;

    if (!pp_can_grow(slabs))
        return false;
    if (pp_has_own_blocks(slabs))
        idle = pp_turn(pool, ++pool->store_visits, PP_IDLE_PERIOD);
    else if (!pp_has_spare(pool->store, pp_slab_order(slabs)))
        idle = pp_turn(pool, ++pool->growths, PP_FLUSH_PERIOD_MIN);
    if (idle != 0) {
        pp_flush_if_idle(pool, idle);
        if (pool->depot != NULL)
            pp_flush_depot_class(pool->depot, idle);
    }
    return pp_grow(pool->store, slabs);
}

/* Adds a slab for the slot size. False if there is no memory for it. Before that, idle magazines of some slot size are spilled, so
 * any magazine of the pool may change. */
static bool pp_grow_for(struct protopool *pool, struct protopool_slabs *slabs)
{
    return pool->store->growth != NULL && pool->store->growth->calls->grow_for(pool, slabs);
}

/* Makes sure that the slabs of the slot size have a free slot. False if there is no memory. */
static bool pp_ensure_free_slots(struct protopool *pool, struct protopool_slabs *slabs)
{
    return slabs->partial != NULL || pp_grow_for(pool, slabs)
           || slabs->partial != NULL; /* another pool may have put some back meanwhile */
}

/* How many slots are live. With a depot, free slots in the magazines of other pools are counted too. */
static size_t pp_live_slots(const struct protopool *pool, unsigned c)
{
    return pp_slots_outside(pool->store, pool->depot, c) - pp_magazine_count(&pool->loaded[c])
           - pp_magazine_count(&pp_class(pool, c)->previous) - pp_exchange_count(pool, c);
}

/*
 * How many slots to take from slabs at once. A pool that has joined a growing depot takes about a whole magazine: so
 * neighbouring slots, in the same cache line, belong to one thread. Others take a quarter of the number of live slots, but at
 * most a whole magazine: so the peaks of small pools are nearly exact, and a refill is short.
 */
static uint32_t pp_slots_to_refill(bool is_whole, size_t live, size_t capacity)
{
    return (uint32_t)(!is_whole && live / 4 < capacity ? live / 4 + (live < 4) : capacity);
}

/*
 * Puts the last slots of a refill back if they share a pair of cache lines with the slot behind them, which another pool may
 * take. Puts back at most half of the refill. Keeps all if no slot in that half ends where a pair ends, or if the slots are not
 * neighbours.
 */
static void pp_end_with_lines(struct protopool_store *store, struct protopool_slabs *slabs,
                              struct protopool_magazine *loaded)
{
    void **const slots = loaded->slots; /* the highest first */
    const uint32_t count = pp_magazine_count(loaded);

    for (uint32_t back = 0; back < count - count / 2; back++) {
        const uintptr_t end = (uintptr_t)slots[back] + slabs->slot_bytes;
        if (back != 0 && end != (uintptr_t)slots[back - 1])
            return;
        if (end % PP_PAIR_OF_LINES == 0) {
            pp_spill(store, slabs, slots, back);
            for (uint32_t i = back; i < count; i++)
                slots[i - back] = slots[i];
            loaded->top -= back;
            return;
        }
    }
}

/* Refills the empty loaded magazine from slabs, with the lowest address on top. It takes a new slab only for the first slot. */
static bool pp_refill(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    const bool is_whole = pool->depot != NULL && pool->store->growth != NULL;
    const size_t most = pp_slots_to_refill(is_whole, pp_live_slots(pool, c), (size_t)(loaded->end - loaded->slots));

    if (!pp_ensure_free_slots(pool, slabs))
        return false;
    loaded->top += pp_take_from_partial(slabs, loaded->slots, most);
    if (is_whole)
        pp_end_with_lines(pool->store, slabs, loaded);
    return true;
}

/* Takes a slot from a slab, if there is no magazine. NULL if there is no memory. */
static void *pp_take_from_slabs(struct protopool *pool, unsigned c)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;

    return pp_ensure_free_slots(pool, slabs) ? pp_take_one(slabs) : NULL;
}

/*
 * Takes a slot from the depot's magazines or from slabs. NULL if there is no memory. The number of slots outside the store
 * can reach a new peak only when slabs give some. They do so when the depot has no full magazine.
 */
static void *pp_take_from_store(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    void *slot = NULL;

    if (pp_ensure_loaded(pool, c)) {
        if (pp_exchanges(pool)
            && (pool->store->growth->calls->load_full(pool, c) || pool->store->growth->calls->fetch_full(pool, c)))
            return *--loaded->top;
        if (pp_refill(pool, c))
            slot = *--loaded->top;
    } else {
        slot = pp_take_from_slabs(pool, c);
    }
    if (slot == NULL)
        store_class->failures++;
    if (!pp_has_exact_peak(pool)) {
        const size_t out =
            pp_slots_outside(pool->store, pool->depot, c) - pp_magazine_count(&pp_class(pool, c)->previous);
        if (out > store_class->peak)
            store_class->peak = out;
    }
    return slot;
}

/* Makes room in the loaded magazine and puts the slot there; into its slab, if the magazine can have no array. */
static void pp_put_into_store(struct protopool *pool, unsigned c, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];

    if (!pp_ensure_loaded(pool, c)) {
        pp_spill(pool->store, &pool->store->classes[c].slabs, &slot, 1);
        return;
    }
    if (loaded->top == loaded->end) {
        if (!pp_ensure_previous(pool, c)) {
            pp_spill_magazine(pool, c, loaded); /* there is no second array, and a free never fails */
        } else {
            struct protopool_magazine *const previous = &pp_class(pool, c)->previous;
            if (pp_magazine_count(previous) != 0
                && !(pp_exchanges(pool) && pool->store->growth->calls->leave_full(pool, c)))
                pp_spill_magazine(pool, c, previous);
            pp_swap_magazines(pool, c);
        }
    }
    PROTOPOOL_ASSUME(loaded->top != NULL); /* both have arrays */
    *loaded->top++ = slot;
}

/* The slot class whose idle magazines a joined pool looks for now; 0: none. A pool that only frees never grows, so it looks here.
 * It leaves out class c, which is in use, although its counts are often the same at such a moment. */
static unsigned pp_class_to_look_at(struct protopool *pool, unsigned c)
{
    const unsigned turn = pool->depot != NULL ? pp_turn(pool, ++pool->store_visits, PP_IDLE_PERIOD) : 0;
    return turn != c ? turn : 0;
}

/* The `take` of a store with slabs. */
static void *pp_take_with_slabs(struct protopool *pool, unsigned slot_class)
{
    struct protopool_magazine *const loaded = &pool->loaded[slot_class];
    void *slot;
    unsigned idle;

    pp_note_peak(pool, slot_class);
    if (pp_magazine_count(&pp_class(pool, slot_class)->previous) != 0) {
        pp_swap_magazines(pool, slot_class);
        slot = *--loaded->top;
        pp_restart_peak(pool, slot_class);
        return slot;
    }
    idle = pp_class_to_look_at(pool, slot_class);
    if (idle == 0 && pp_exchanges(pool) && pool->store->growth->calls->load_full(pool, slot_class))
        return *--loaded->top;
    pp_lock_store(pool);
    if (idle != 0)
        pp_flush_if_idle(pool, idle);
    slot = pp_take_from_store(pool, slot_class);
    pp_restart_peak(pool, slot_class);
    pp_unlock_store(pool);
    if (slot == NULL)
        pool->failure = PROTOPOOL_EXHAUSTED;
    return slot;
}

/* The `put` of a store with slabs. */
static void pp_put_with_slabs(struct protopool *pool, unsigned slot_class, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[slot_class];
    struct protopool_magazine *const previous = &pp_class(pool, slot_class)->previous;
    unsigned idle;

    pp_note_peak(pool, slot_class);
    if (pp_has_array(previous) && pp_magazine_count(previous) == 0) {
        pp_swap_magazines(pool, slot_class);
        *loaded->top++ = slot;
        pp_restart_peak(pool, slot_class);
        return;
    }
    idle = pp_class_to_look_at(pool, slot_class);
    if (idle == 0 && pp_exchanges(pool) && pool->store->growth->calls->keep_full(pool, slot_class)) {
        pp_swap_magazines(pool, slot_class);
        *loaded->top++ = slot;
        return;
    }
    pp_lock_store(pool);
    if (idle != 0)
        pp_flush_if_idle(pool, idle);
    pp_put_into_store(pool, slot_class, slot);
    pp_restart_peak(pool, slot_class);
    pp_unlock_store(pool);
}

static const struct protopool_kind pp_with_slabs = { .take = pp_take_with_slabs, .put = pp_put_with_slabs };

PROTOPOOL_COLD void *protopool_take_slow(struct protopool *pool, unsigned slot_class)
{
    if (!pp_is_alive(pool)) {
        pool->failure = (uint8_t)pp_failure_of_dead(pool);
        return NULL;
    }
    return slot_class != 0 ? pool->store->kind->take(pool, slot_class) : NULL;
}

PROTOPOOL_COLD void protopool_put_slow(struct protopool *pool, const struct protopool_magazine *loaded, void *slot)
{
    const unsigned slot_class = pool->loaded != NULL ? (unsigned)(loaded - pool->loaded) : 0;

    if (pp_is_alive(pool) && slot_class != 0)
        pool->store->kind->put(pool, slot_class, slot);
}

void *protopool_take_called(struct protopool *pool, unsigned slot_class)
{
    return pool->loaded != NULL ? protopool_take(pool, &pool->loaded[slot_class], slot_class)
                                : protopool_take_slow(pool, slot_class);
}

/* ---- fixed.c ----------------------------------------------------------------------------------------------------- */
/*
 * A fixed pool on its own.
 * At level 0 it is compact: it has no slabs and one magazine per slot size, and it calls nothing that grows or is shared. So a
 * program of fixed pools links little else than this part. Levels 1 and 2 look slots up in slabs, as for other pools.
 */

/* Empties the pool. Until pp_activate_pool, it is a pool whose init or join has failed. */
static void pp_clear_pool(struct protopool *pool, struct protopool_magazine *loaded,
                          struct protopool_pool_class **parts, uint32_t slot_sizes)
{
    memset(pool, 0, sizeof *pool);
    memset(loaded, 0, (slot_sizes + (size_t)1) * sizeof *loaded);
    pool->loaded = loaded;
    pool->last = loaded;
    pool->parts = parts;
    pp_set_state(pool, PROTOPOOL_FAILED_);
}

static void pp_activate_pool(struct protopool *pool, struct protopool_store *store)
{
    pool->store = store;
    pool->is_fixed = store->growth == NULL;
    memset(pool->parts, 0, (size_t)PROTOPOOL_PARTS(store->geometry->count) * sizeof *pool->parts);
    pp_set_state(pool, PROTOPOOL_ALIVE_);
}

#if PROTOPOOL_CHECK >= 1 || !defined PROTOPOOL_NO_THREADS
/* What the macros for fixed memory compute for this number of slots, with less code. */
static unsigned long long pp_laid_out_bytes(size_t slot_bytes, unsigned long long slots, unsigned long long arrays)
{
    return PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), slots,
                               pp_map_words((uint32_t)PROTOPOOL_MIN_(slots, UINT32_MAX)), arrays,
                               PROTOPOOL_RECORD_BYTES_);
}

/* Lays out this number of parts behind the tables in fixed memory. Returns their end. */
static unsigned char *pp_lay_out_parts(struct protopool_store *store, size_t parts)
{
    store->new_parts = (unsigned char *)store + pp_tables_bytes(store->geometry);
    store->new_part_count = (uint32_t)parts;
    store->part_bytes = PROTOPOOL_PART_BYTES;
    return store->new_parts + (size_t)PROTOPOOL_DEPOT_PARTS_BYTES(parts, 1);
}

/* Makes the only slab of a slot size in fixed memory, with `room` bytes for the caller before the slots. Returns the end of the
 * slab. */
static unsigned char *pp_create_fixed_slab(struct protopool_store *store, struct protopool_slabs *slabs, uint32_t slots,
                                           size_t room, unsigned char *memory)
{
    unsigned char *const first = memory + pp_slab_header_bytes(slabs, slots, room);

    slabs->fixed = (struct protopool_slab *)(void *)memory;
    pp_add_slab(slabs, slabs->fixed, first, slots);
    pp_note_slab(store, slabs, slabs->fixed);
    return first + pp_round_up(slabs->slot_bytes * slots);
}

/* The same with counts of holders, if the slot size has them. */
PROTOPOOL_INLINE unsigned char *pp_create_counted_slab(struct protopool_store *store, struct protopool_slabs *slabs,
                                                       const bool *shared, uint32_t slots, size_t room,
                                                       unsigned char *memory)
{
    if (shared == NULL)
        return pp_create_fixed_slab(store, slabs, slots, room, memory);
    slabs->holder_bytes = pp_holder_bytes(shared, slabs->slot_class);
    memory = pp_create_fixed_slab(store, slabs, slots, room + pp_counts_bytes(slabs, slots), memory);
    pp_clear_holders(slabs, slabs->fixed);
    return memory;
}
#endif

/*
 * The memory of a slot size: its struct protopool_fixed_slots, the array of its magazine, its bitmap with the summary, the
 * counts of holders if its messages can be shared, and the slots. The array has twice PROTOPOOL_MAGAZINE elements, or one for
 * each slot of the budget. When the magazine is empty, the pool refills at most half of it from the bitmap. When it is full, the
 * pool spills the older half.
 * A slot size without a budget takes no memory. The three pointers of its magazine are equal, and count its failures.
 */
static protopool_word *pp_compact_bits(const struct protopool *pool, unsigned c)
{
    return (protopool_word *)(void *)pool->loaded[c].end;
}

/* Only for a slot size with a budget. */
static struct protopool_fixed_slots *pp_fixed_slots(const struct protopool *pool, unsigned c)
{
    return (struct protopool_fixed_slots *)((uintptr_t)pool->loaded[c].slots - sizeof(struct protopool_fixed_slots));
}

static const struct protopool_slot_size *pp_compact_size(const struct protopool *pool, unsigned c)
{
    return &pool->store->geometry->slot_sizes[c - 1];
}

/* Takes this number of slots from the bitmap and puts them onto the empty magazine, the lowest address on top. */
PROTOPOOL_INLINE void pp_refill_compact(struct protopool *pool, unsigned c, uint32_t count)
{
    const struct protopool_slot_size *const size = pp_compact_size(pool, c);
    struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
    const uint32_t words = pp_bitmap_words(size->budget), bytes = size->bytes;
    protopool_word *const bits = pp_compact_bits(pool, c);
    void **const bottom = pool->loaded[c].slots;
    void **at = bottom + count;

    pool->loaded[c].top = at;
    fixed->free_slots -= count;
    while (at != bottom) {
        const uint32_t w = pp_first_free_word(bits, words, fixed->lowest);
        protopool_word word = bits[w];

        for (; word != 0 && at != bottom; word &= word - 1)
            *--at = fixed->first + ((size_t)w * PP_WORD_BITS + pp_lowest_bit(word)) * bytes;
        fixed->lowest = w;
        bits[w] = word;
        if (word == 0)
            pp_update_summary(bits, words, w);
    }
}

/* Puts slots into the bitmap. It skips a slot that is there already, and one that is none of this slot size: at level 0, a
 * double free can come this far. */
static void pp_spill_compact(struct protopool *pool, unsigned c, uint32_t count)
{
    const struct protopool_slot_size *const size = pp_compact_size(pool, c);
    struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
    protopool_word *const bits = pp_compact_bits(pool, c);
    const uint64_t reciprocal = pp_reciprocal(size->bytes);
    void *const *const slots = pool->loaded[c].slots;

    for (uint32_t i = 0; i < count; i++) {
        const size_t offset = (size_t)((unsigned char *)slots[i] - fixed->first);
        const size_t index =
            sizeof offset > 4 ? pp_quotient(offset, size->bytes, reciprocal) : offset / size->bytes; /* less code */
        const uint32_t w = (uint32_t)(index / PP_WORD_BITS);
        const protopool_word bit = (protopool_word)1 << index % PP_WORD_BITS;

        if (index >= size->budget || (bits[w] & bit) != 0)
            continue;
        fixed->free_slots++;
        bits[w] |= bit;
        if (bits[w] == bit) { /* it was 0 */
            fixed->lowest = PROTOPOOL_MIN_(w, fixed->lowest);
            pp_update_summary(bits, pp_bitmap_words(size->budget), w);
        }
    }
}

static void *pp_take_compact(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
    const uint32_t array = (uint32_t)(loaded->end - loaded->slots);
    uint32_t out, most, count;

    if (array == 0 || fixed->free_slots == 0) {
        if (array == 0)
            pp_set_array(loaded, (void **)((uintptr_t)loaded->slots + 1), 0);
        else
            fixed->failures++;
        pool->failure = PROTOPOOL_EXHAUSTED;
        return NULL;
    }
    out = pp_compact_size(pool, c)->budget - fixed->free_slots;
    most = pp_slots_to_refill(false, out, PROTOPOOL_MIN_(array, PROTOPOOL_MAGAZINE));
    count = PROTOPOOL_MIN_(most, fixed->free_slots);
    pp_refill_compact(pool, c, count);
    if (fixed->peak < out + count)
        fixed->peak = out + count;
    return *--loaded->top;
}

/* The slots that were freed first are spilled. The others, which are in the processor's cache, stay. */
static void pp_put_compact(struct protopool *pool, unsigned c, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    const uint32_t count = (uint32_t)(loaded->end - loaded->slots), kept = count / 2;

    if (count == 0) /* there are no slots of this size: the tags are wrong, or the pool is */
        return;
    pp_spill_compact(pool, c, count - kept);
    memcpy(loaded->slots, loaded->slots + (count - kept), kept * sizeof slot);
    loaded->top = loaded->slots + kept;
    *loaded->top++ = slot;
}

static const struct protopool_kind pp_compact = { .take = pp_take_compact, .put = pp_put_compact };

static void pp_reset_compact(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const uint32_t budget = pp_compact_size(pool, c)->budget;

        if (budget == 0)
            continue;
        pool->loaded[c].top = pool->loaded[c].slots;
        pp_fixed_slots(pool, c)->free_slots = budget;
        pp_fixed_slots(pool, c)->lowest = 0;
        pp_fill_bitmap(pp_compact_bits(pool, c), budget);
    }
}

static bool pp_is_compact(const struct protopool *pool)
{
    return PROTOPOOL_CHECK == 0 && pool->store->kind == &pp_compact;
}

/* How many more slots can be allocated. */
static size_t pp_free_compact(const struct protopool *pool, unsigned c)
{
    return pp_compact_size(pool, c)->budget == 0
               ? 0
               : pp_fixed_slots(pool, c)->free_slots + (size_t)(pool->loaded[c].top - pool->loaded[c].slots);
}

static size_t pp_live_compact(const struct protopool *pool)
{
    size_t live = 0;
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        live += pp_compact_size(pool, c)->budget - pp_free_compact(pool, c);
    return live;
}

static void pp_flush_compact(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_magazine *const loaded = &pool->loaded[c];
        if (loaded->top != loaded->slots)
            pp_spill_compact(pool, c, (uint32_t)(loaded->top - loaded->slots));
        loaded->top = loaded->slots;
    }
}

static void pp_each_compact(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    pp_flush_compact(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const struct protopool_slot_size *const size = pp_compact_size(pool, c);
        for (uint32_t w = 0; w < pp_bitmap_words(size->budget); w++) {
            protopool_word live = pp_bits_in_word(size->budget, w) & ~pp_compact_bits(pool, c)[w];
            for (; live != 0; live &= live - 1)
                fn(ctx,
                   pp_fixed_slots(pool, c)->first + ((size_t)w * PP_WORD_BITS + pp_lowest_bit(live)) * size->bytes);
        }
    }
}

static void pp_compact_stats(const struct protopool *pool, struct protopool_slot_stats *by_slot_size,
                             size_t *source_bytes, size_t *system_bytes)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const struct protopool_slot_size *const size = pp_compact_size(pool, c);
        struct protopool_slot_stats *const stats = &by_slot_size[c - 1];
        stats->slot_bytes = size->bytes;
        stats->budget = size->budget;
        stats->live = size->budget - pp_free_compact(pool, c);
        stats->peak = size->budget != 0 ? pp_fixed_slots(pool, c)->peak : 0;
        stats->failures = size->budget != 0 ? pp_fixed_slots(pool, c)->failures : (uintptr_t)pool->loaded[c].slots;
    }
    if (source_bytes != NULL)
        *source_bytes = pool->store->source_bytes;
    if (system_bytes != NULL)
        *system_bytes = pool->store->source_bytes;
}

#if PROTOPOOL_CHECK == 0
/* The bytes before the slots of a slot size with a budget. */
static size_t pp_compact_head_bytes(uint32_t budget)
{
    return pp_round_up(sizeof(struct protopool_fixed_slots)
                       + PROTOPOOL_MIN_(2U * PROTOPOOL_MAGAZINE, budget) * sizeof(void *)
                       + pp_map_words(budget) * sizeof(protopool_word));
}

PROTOPOOL_INLINE bool pp_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                    struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                    const bool *shared, void *memory, size_t bytes)
{
    struct protopool_store *const store = (struct protopool_store *)memory;
    size_t used = (size_t)PROTOPOOL_POOL_TABLES_BYTES(geometry->count);

    pp_clear_pool(pool, loaded, parts, geometry->count);
    if (used > bytes || memory == NULL || (uintptr_t)memory % 8 != 0)
        return false;
    for (unsigned c = 1; c <= geometry->count; c++) {
        const struct protopool_slot_size *const size = &geometry->slot_sizes[c - 1];
        unsigned char *const at = (unsigned char *)memory + used;
        struct protopool_fixed_slots *const fixed = (struct protopool_fixed_slots *)(void *)at;
        const size_t head = pp_compact_head_bytes(size->budget);
        const size_t holders = pp_holder_bytes(shared, c) != 0 ? (size_t)PROTOPOOL_HOLDERS_BYTES(size->budget) : 0;
        const unsigned long long need = head + holders + PROTOPOOL_ROUND_UP_(1ULL * size->bytes * size->budget);

        if (size->budget == 0)
            continue;
        if (need > bytes - used) {
            pp_clear_pool(pool, loaded, parts, geometry->count);
            return false;
        }
        pp_set_array(&loaded[c], (void **)(void *)(fixed + 1), PROTOPOOL_MIN_(2U * PROTOPOOL_MAGAZINE, size->budget));
        if (holders != 0)
            memset(at + head, 0, holders);
        fixed->first = at + head + holders;
        fixed->peak = fixed->failures = 0;
        used += (size_t)need;
    }
    store->geometry = geometry;
    store->kind = &pp_compact;
    store->growth = NULL;
    store->source_bytes = used;
    pool->store = store;
    pool->is_fixed = true;
    pp_reset_compact(pool);
    return true;
}

#else
PROTOPOOL_INLINE bool pp_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                    struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                    const bool *shared, void *memory, size_t bytes)
{
    unsigned long long need = PROTOPOOL_POOL_TABLES_BYTES(geometry->count);
    struct protopool_store *store;
    unsigned char *next;

    pp_clear_pool(pool, loaded, parts, geometry->count);
    for (uint32_t i = 0; i < geometry->count; i++) {
        need += pp_laid_out_bytes(geometry->slot_sizes[i].bytes, geometry->slot_sizes[i].budget,
                                  PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, geometry->slot_sizes[i].budget));
        if (pp_holder_bytes(shared, i + 1) != 0)
            need += PROTOPOOL_HOLDERS_BYTES(geometry->slot_sizes[i].budget);
    }
    if (need > bytes || memory == NULL || (uintptr_t)memory % 8 != 0)
        return false;
    store = pp_lay_out_tables(geometry, memory);
    store->source_bytes = (size_t)need;
    pp_activate_pool(pool, store);
    next = pp_lay_out_parts(store, PROTOPOOL_PARTS(geometry->count));
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        const uint32_t arrays = (uint32_t)PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, budget);
        struct protopool_slabs *const slabs = &store->classes[c].slabs;

        if (budget == 0)
            continue;
        pp_init_slabs(slabs, c, geometry->slot_sizes[c - 1].bytes);
        pp_set_array(&loaded[c],
                     (void **)(void *)(next + sizeof(struct protopool_slab)
                                       + pp_map_words(budget) * sizeof(protopool_word)
                                       + budget * pp_record_bytes(slabs)),
                     PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE));
        (void)pp_ensure_part(pool, c);
        pp_set_array(&pp_class(pool, c)->previous, loaded[c].end, arrays - PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE));
        next = pp_create_counted_slab(store, slabs, shared, budget, arrays * sizeof(void *), next);
    }
    pp_note_store(store, NULL);
    return true;
}
#endif

bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                          struct protopool_pool_class **parts, const struct protopool_geometry *geometry, void *memory,
                          size_t bytes)
{
    return pp_init_fixed(pool, loaded, parts, geometry, NULL, memory, bytes);
}

bool protopool_init_fixed_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                 struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                 const bool *shared, void *memory, size_t bytes)
{
    return pp_init_fixed(pool, loaded, parts, geometry, shared, memory, bytes);
}

/* ---- pool.c ------------------------------------------------------------------------------------------------------ */
/* The life of a pool: init, fini, reset, reserve, flush, trim, each and statistics. */

/* Bytes that the default source has of the system, besides those in use. */
static size_t pp_dirty_bytes(struct protopool_growth *growth)
{
    size_t dirty;

    pp_lock_source(growth);
    dirty = growth->heap.dirty;
    pp_unlock_source(growth);
    return dirty;
}

/* The `release_all` of a growing store. */
static void pp_release_growing(struct protopool_store *store)
{
    if (store->growth->source.give == NULL)
        return;
    pp_array_slabs(store)->reserved = 0;
    pp_release_free_slabs(store, pp_array_slabs(store));
    pp_array_slabs(store)->reserved = SIZE_MAX;
    while (store->growth->spare_count != 0)
        pp_give_highest_spare(store);
}

/* The `trim_source` of a growing store. */
static size_t pp_trim_source(struct protopool_growth *growth, struct protopool_block *given)
{
    size_t fewer;

    pp_lock_source(growth);
    fewer = growth->heap.dirty;
    pp_give_blocks(&growth->source, given);
#ifdef PP_HAS_HEAP
    pp_heap_trim(&growth->heap);
#endif
    fewer -= growth->heap.dirty;
    pp_unlock_source(growth);
    return fewer;
}

/* Collects and returns all free memory, for the source. It leaves out free slots in the magazines of pools. */
static struct protopool_block *pp_collect_free(struct protopool_store *store, struct protopool_depot *depot)
{
    if (depot != NULL) {
        pp_flush_depot_magazines(depot);
        pp_return_empty_arrays(depot);
        if (depot->joined == 0 && store->growth != NULL)
            pp_return_arrays_of_parts(store);
    }
    if (store->growth == NULL)
        return NULL;
    store->growth->calls->release_all(store);
    return pp_take_given(store->growth);
}

/* Fills in the statistics, except the numbers of live slots and the bytes that the source keeps. */
static void pp_store_stats(const struct protopool_store *store, struct protopool_slot_stats *by_slot_size,
                           size_t *source_bytes, size_t *system_bytes)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_store_class *const store_class = &store->classes[c];
        struct protopool_slot_stats *const stats = &by_slot_size[c - 1];
        stats->slot_bytes = store->geometry->slot_sizes[c - 1].bytes;
        stats->budget = store_class->slabs.fixed != NULL ? store->geometry->slot_sizes[c - 1].budget : 0;
        stats->peak = store_class->peak;
        stats->failures = store_class->failures;
    }
    if (source_bytes != NULL)
        *source_bytes = store->source_bytes;
    if (system_bytes != NULL)
        *system_bytes = store->source_bytes;
}

/* Adds to the bytes of the system what the source keeps. The store is not locked. */
static void pp_add_dirty_bytes(const struct protopool_store *store, size_t *system_bytes)
{
    if (system_bytes != NULL && store->growth != NULL)
        *system_bytes += pp_dirty_bytes(store->growth);
}

static bool pp_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                            struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                            const bool *shared, const struct protopool_source *source)
{
    struct protopool_store *store;

    pp_clear_pool(pool, loaded, parts, geometry->count);
    store = pp_create_growing_store(geometry, shared, source);
    if (store == NULL)
        return false;
    pp_note_store(store, NULL);
    pp_activate_pool(pool, store);
    return true;
}

bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                            struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                            const struct protopool_source *source)
{
    return pp_init_growing(pool, loaded, parts, geometry, NULL, source);
}

bool protopool_init_growing_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                   struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                   const bool *shared, const struct protopool_source *source)
{
    return pp_init_growing(pool, loaded, parts, geometry, shared, source);
}

static void pp_leave_depot(struct protopool *pool);

size_t protopool_fini(struct protopool *pool)
{
    uint32_t slot_sizes;
    size_t live = 0;

    if (!pp_start_operation(pool))
        return 0;
    slot_sizes = pool->store->geometry->count;
    if (pp_is_compact(pool)) {
        live = pp_live_compact(pool);
    } else if (pool->depot != NULL) {
        pp_leave_depot(pool);
    } else {
        pp_flush_magazines(pool);
        for (unsigned c = 1; c <= slot_sizes; c++)
            live += pp_live_slots(pool, c);
        pp_report_leaks(pool->store, pool);
        pp_end_store(pool->store);
    }
    pp_clear_pool(pool, pool->loaded, pool->parts, slot_sizes);
    pp_set_state(pool, PROTOPOOL_ENDED_);
    return live;
}

/* Reports an operation that only a pool on its own can do. */
static PROTOPOOL_COLD void pp_report_joined(struct protopool *pool)
{
    pp_finish_operation(pool);
    pp_report_fault_at(PROTOPOOL_FAULT_SHARED, pool, NULL, pp_site_of(pool));
}

void protopool_reset(struct protopool *pool)
{
    if (!pp_start_operation(pool))
        return;
    if (pool->depot != NULL) {
        pp_report_joined(pool);
        return;
    }
    if (pp_is_compact(pool)) {
        pp_reset_compact(pool);
        return;
    }
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;

        pp_note_peak(pool, c);
        pool->loaded[c].top = pool->loaded[c].slots;
        if (pp_has_part(pool, c))
            pp_class(pool, c)->previous.top = pp_class(pool, c)->previous.slots;
        pp_reset_peak(&pool->loaded[c]);
        pp_reset_live(pool->store, c);
        while (slabs->full != NULL) {
            struct protopool_slab *const slab = slabs->full;
            pp_unlink_slab(&slabs->full, slab);
            pp_push_slab(&slabs->partial, slab);
        }
        slabs->free_in_slabs = slabs->slots;
        for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
            next = slab->next;
            pp_mark_all_free(slab);
            pp_reset_slab(pool->store, slabs, slab);
            if (pool->store->growth != NULL)
                pool->store->growth->calls->release(pool->store, slabs, slab);
        }
    }
    pp_finish_operation(pool);
}

/* Adds a slab, with the store locked. If there is room for n more slots already, it sets *is_enough instead. It first raises the
 * number of slots that the store keeps, so that no new slab is released before all are there. If it raises this number, *noted
 * gets it. False if there is no memory. */
static bool pp_reserve_slab(struct protopool *pool, unsigned c, size_t n, size_t *noted, bool *is_enough)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    const size_t live = pp_live_slots(pool, c);

    if (slabs->slot_bytes == 0 || n > (SIZE_MAX - live) / slabs->slot_bytes)
        return false;
    if (slabs->fixed == NULL && pool->store->classes[c].magazine != 0 && !pp_ensure_array(pool, c, &pool->loaded[c]))
        return false;
    if (live + n > slabs->reserved)
        *noted = slabs->reserved = live + n;
    *is_enough = slabs->slots - live >= n;
    return *is_enough || pp_grow_for(pool, slabs);
}

/* The lock is released after each slab: others allocate while a joined pool reserves. */
static bool pp_reserve(struct protopool *pool, unsigned c, size_t n)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    bool is_enough = false, is_good;
    size_t before, noted = 0, added = 0;

    pp_lock_store(pool);
    before = slabs->reserved;
    while ((is_good = pp_reserve_slab(pool, c, n, &noted, &is_enough)) && !is_enough) {
        added++;
        pp_unlock_store(pool);
        pp_lock_store(pool);
    }
    if (!is_good && slabs->reserved == noted)
        slabs->reserved = before;
    for (; !is_good && added != 0; added--) {
        pp_release_free_slab(pool->store, slabs);
        pp_unlock_store(pool);
        pp_lock_store(pool);
    }
    pp_unlock_store(pool);
    return is_good;
}

bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n)
{
    bool done;

    if (!pp_start_operation(pool))
        return false;
    if (pp_is_compact(pool))
        return slot_class == 0 || n == 0 || n <= pp_free_compact(pool, slot_class);
    done = slot_class == 0 || n == 0 || pp_reserve(pool, slot_class, n);
    pp_finish_operation(pool);
    return done;
}

static void pp_flush_pool(struct protopool *pool)
{
    pp_lock_store(pool);
    pp_flush_magazines(pool);
    pp_unlock_store(pool);
}

void protopool_flush(struct protopool *pool)
{
    if (!pp_start_operation(pool))
        return;
    if (pp_is_compact(pool)) {
        pp_flush_compact(pool);
        return;
    }
    pp_flush_pool(pool);
    pp_finish_operation(pool);
}

/* protopool_trim of a growing pool. */
static size_t pp_trim_growing(struct protopool *pool)
{
    struct protopool_store *const store = pool->store;
    struct protopool_block *given;
    size_t bytes;

    pp_lock_store(pool);
    store->growth->is_collecting = true;
    bytes = store->source_bytes;
    pp_flush_magazines(pool);
    given = pp_collect_free(store, pool->depot);
    bytes -= store->source_bytes;
    store->growth->is_collecting = pool->depot != NULL;
    pp_unlock_store(pool);
    return bytes + store->growth->calls->trim_source(store->growth, given);
}

static const struct protopool_growing pp_growing = { .grow = pp_grow,
                                                     .grow_for = pp_grow_after_flush,
                                                     .release = pp_release_idle_slab,
                                                     .give = pp_give_collected,
                                                     .release_all = pp_release_growing,
                                                     .trim = pp_trim_growing,
                                                     .trim_source = pp_trim_source,
                                                     .end = pp_give_store,
                                                     .load_full = pp_load_full_magazine,
                                                     .fetch_full = pp_fetch_full_magazines,
                                                     .keep_full = pp_keep_full_magazine,
                                                     .leave_full = pp_leave_full_magazines,
                                                     .spill_exchange = pp_spill_exchange };

size_t protopool_trim(struct protopool *pool)
{
    size_t given = 0;

    if (!pp_start_operation(pool))
        return 0;
    if (pp_is_compact(pool)) {
        pp_flush_compact(pool);
        return 0;
    }
    if (pool->store->growth != NULL)
        given = pool->store->growth->calls->trim(pool);
    else
        pp_flush_pool(pool);
    pp_finish_operation(pool);
    return given;
}

void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    if (!pp_start_operation(pool))
        return;
    if (pool->depot != NULL) {
        pp_report_joined(pool);
        return;
    }
    if (pp_is_compact(pool)) {
        pp_each_compact(pool, fn, ctx);
        return;
    }
    pp_flush_magazines(pool);
    pp_finish_operation(pool); /* fn may ask for statistics */
    pp_each_in_store(pool->store, fn, ctx);
}

void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size, size_t *source_bytes,
                     size_t *system_bytes)
{
    if (!pp_start_operation(pool))
        return;
    if (pp_is_compact(pool)) {
        pp_compact_stats(pool, by_slot_size, source_bytes, system_bytes);
        return;
    }
    pp_lock_store(pool);
    pp_note_all_peaks(pool);
    pp_store_stats(pool->store, by_slot_size, source_bytes, system_bytes);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        by_slot_size[c - 1].live = pp_exact_live(pool->store, c, pp_live_slots(pool, c));
    pp_unlock_store(pool);
    pp_add_dirty_bytes(pool->store, system_bytes);
    pp_finish_operation(pool);
}

/* ---- prefill.c --------------------------------------------------------------------------------------------------- */
/*
 * Prefill: gives magazines their arrays, fills them, and touches the memory of all free slots.
 * So the first operations of a pool take no longer than later ones.
 */

#define PP_PAGE_BYTES ((size_t)4096) /* no system that maps memory on first use has smaller pages */

/* Writes to each page of a free slot and leaves its bytes as they are. At level 2 that was done when its slab was made. */
static void pp_touch(void *slot, size_t bytes)
{
    volatile unsigned char *const at = (volatile unsigned char *)slot;

    if (PROTOPOOL_CHECK == 2)
        return;
    for (size_t i = 0; i < bytes; i += PP_PAGE_BYTES)
        at[i] = at[i];
    at[bytes - 1] = at[bytes - 1];
}

/* Touches the slots that are free by their bitmap. */
static void pp_touch_slots(unsigned char *first, size_t slot_bytes, const protopool_word *bits, uint32_t words)
{
    for (uint32_t w = 0; w < words; w++)
        for (protopool_word left = bits[w]; left != 0; left &= left - 1)
            pp_touch(first + ((size_t)w * PP_WORD_BITS + pp_lowest_bit(left)) * slot_bytes, slot_bytes);
}

static void pp_touch_free_slots(const struct protopool_slabs *slabs)
{
    for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
        pp_touch_slots(slab->first, slabs->slot_bytes, pp_bitmap(slab), slab->words);
}

/* Touches the slots of a magazine, and the rest of its array. */
static void pp_touch_magazine(const struct protopool_slabs *slabs, const struct protopool_magazine *magazine)
{
    if (!pp_has_array(magazine))
        return;
    for (void **slot = magazine->slots; slot != magazine->top; slot++)
        pp_touch(*slot, slabs->slot_bytes);
    memset(magazine->top, 0, (size_t)(magazine->end - magazine->top) * sizeof *magazine->top);
}

/* Fills the loaded magazine from the slabs that there are, with the lowest address on top. */
static void pp_fill_magazine(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    struct protopool_slabs *const slabs = &store_class->slabs;

    pp_note_peak(pool, c);
    loaded->top += pp_take_from_partial(slabs, loaded->top, (size_t)(loaded->end - loaded->top));
    if (!pp_has_exact_peak(pool) && pp_slots_outside(pool->store, pool->depot, c) > store_class->peak)
        store_class->peak = pp_slots_outside(pool->store, pool->depot, c);
    pp_restart_peak(pool, c);
}

/* Makes sure that a depot's pools find arrays for the full magazines of this many slot sizes. */
static bool pp_prefill_arrays(struct protopool *pool, size_t slot_sizes)
{
    struct protopool_store *const store = pool->store;
    struct protopool_slabs *const arrays = pp_array_slabs(store);

    if (pool->depot == NULL || store->growth == NULL)
        return true;
    while (arrays->free_in_slabs < slot_sizes * PROTOPOOL_DEPOT_MAGAZINES)
        if (!store->growth->calls->grow(store, arrays))
            return false;
    pp_touch_free_slots(arrays);
    return true;
}

/* protopool_prefill, with the store locked. */
static bool pp_prefill(struct protopool *pool)
{
    size_t slot_sizes = 0;

    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_store_class *const store_class = &pool->store->classes[c];

        if (store_class->slabs.slots == 0)
            continue;
        slot_sizes++;
        pp_touch_free_slots(&store_class->slabs);
        if (store_class->magazine != 0 && (!pp_ensure_loaded(pool, c) || !pp_ensure_previous(pool, c)))
            return false;
        pp_touch_magazine(&store_class->slabs, &pool->loaded[c]);
        pp_touch_magazine(&store_class->slabs, &pp_class(pool, c)->previous);
        pp_fill_magazine(pool, c);
    }
    return pp_prefill_arrays(pool, slot_sizes);
}

/* protopool_prefill of a compact pool. */
static void pp_prefill_compact(struct protopool *pool)
{
    pp_flush_compact(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const struct protopool_slot_size *const size = pp_compact_size(pool, c);
        const uint32_t array = (uint32_t)(pool->loaded[c].end - pool->loaded[c].slots);
        struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
        uint32_t count;

        if (size->budget == 0)
            continue;
        count = PROTOPOOL_MIN_(array, fixed->free_slots);
        pp_touch_slots(fixed->first, size->bytes, pp_compact_bits(pool, c), pp_bitmap_words(size->budget));
        memset(pool->loaded[c].slots, 0, array * sizeof(void *));
        pp_refill_compact(pool, c, count);
        if (fixed->peak < size->budget - fixed->free_slots)
            fixed->peak = size->budget - fixed->free_slots; /* it may never ask for more */
    }
}

bool protopool_prefill(struct protopool *pool)
{
    bool done;

    if (!pp_start_operation(pool))
        return false;
    if (pp_is_compact(pool)) {
        pp_prefill_compact(pool);
        return true;
    }
    pp_lock_store(pool);
    done = pp_prefill(pool);
    pp_unlock_store(pool);
    pp_finish_operation(pool);
    return done;
}

/* ---- depot.c ----------------------------------------------------------------------------------------------------- */
/* A depot: a store that joined pools share, and the life of it. */

#ifndef PROTOPOOL_NO_THREADS

static bool pp_init_depot(struct protopool_depot *depot, struct protopool_depot_class *classes, uint32_t slot_sizes)
{
    memset(classes, 0, (slot_sizes + (size_t)1) * sizeof *classes);
    depot->classes = classes;
    depot->joined = 0;
    return PROTOPOOL_LOCK_INIT(&depot->lock);
}

static bool pp_init_growing_depot(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                  const struct protopool_geometry *geometry, const bool *shared,
                                  const struct protopool_source *source)
{
    struct protopool_growth *growth;

    depot->store = pp_create_growing_store(geometry, shared, source);
    if (depot->store == NULL)
        return false;
    depot->store->part_bytes = PP_EXCHANGING_PART_BYTES;
    growth = depot->store->growth;
    if (PROTOPOOL_LOCK_INIT(&growth->source_lock)) {
        if (pp_init_depot(depot, classes, geometry->count)) {
            growth->lock = &depot->lock;
            growth->is_collecting = true;
            pp_note_store(depot->store, &depot->lock);
            return true;
        }
        PROTOPOOL_LOCK_FINI(&growth->source_lock);
    }
    pp_give_store(depot->store);
    depot->store = NULL;
    return false;
}

bool protopool_depot_init(struct protopool_depot *depot, struct protopool_depot_class *classes,
                          const struct protopool_geometry *geometry, const struct protopool_source *source)
{
    return pp_init_growing_depot(depot, classes, geometry, NULL, source);
}

bool protopool_depot_init_shared(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                 const struct protopool_geometry *geometry, const bool *shared,
                                 const struct protopool_source *source)
{
    return pp_init_growing_depot(depot, classes, geometry, shared, source);
}

/* Whether a slab can count the slots of each slot size in a fixed depot for this number of pools. */
static bool pp_can_count(const struct protopool_geometry *geometry, unsigned long long pools)
{
    for (uint32_t i = 0; i < geometry->count; i++)
        if (PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools) > UINT32_MAX)
            return false;
    return true;
}

/* The bytes of this number of arrays of a fixed depot. */
static unsigned long long pp_arrays_bytes(unsigned long long arrays)
{
    return PROTOPOOL_LAID_OUT_(PROTOPOOL_MAGAZINE * sizeof(void *), arrays,
                               pp_map_words((uint32_t)PROTOPOOL_MIN_(arrays, UINT32_MAX)), 0ULL, 0ULL);
}

/* How many parts each pool of a fixed depot may take. */
static uint32_t pp_parts_with_budget(const struct protopool_geometry *geometry)
{
    uint32_t parts = 0, end = 0; /* end: of the slot sizes of the parts so far */

    for (uint32_t i = 0; i < geometry->count; i++) {
        if (geometry->slot_sizes[i].budget != 0 && i >= end) {
            parts++;
            end = i / PROTOPOOL_PART * PROTOPOOL_PART + PROTOPOOL_PART;
        }
    }
    return parts;
}

/* The bytes of a fixed depot for this number of pools. *slots gets those of the slots and their bitmaps. */
static unsigned long long pp_depot_bytes(const struct protopool_geometry *geometry, unsigned long long pools,
                                         unsigned long long *slots)
{
    unsigned long long slot_sizes = 0;

    *slots = 0;
    for (uint32_t i = 0; i < geometry->count; i++) {
        *slots += pp_laid_out_bytes(geometry->slot_sizes[i].bytes,
                                    PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools), 0);
        slot_sizes += geometry->slot_sizes[i].budget != 0;
    }
    return PROTOPOOL_TABLES_BYTES(geometry->count) + *slots
           + PROTOPOOL_DEPOT_PARTS_BYTES(pp_parts_with_budget(geometry), pools)
           + pp_arrays_bytes(2 * slot_sizes * pools);
}

/* The bytes of the counts of holders in such a depot. */
PROTOPOOL_INLINE unsigned long long pp_depot_counts_bytes(const struct protopool_geometry *geometry, const bool *shared,
                                                          unsigned long long pools)
{
    unsigned long long bytes = 0;

    for (uint32_t i = 0; shared != NULL && i < geometry->count; i++)
        bytes += shared[i] ? PROTOPOOL_HOLDERS_BYTES(PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools)) : 0;
    return bytes;
}

PROTOPOOL_INLINE bool pp_init_fixed_depot(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                          const struct protopool_geometry *geometry, const bool *shared, void *memory,
                                          size_t bytes)
{
    unsigned char *next;
    unsigned long long slots, without_arrays, parts, pools = 1;
    struct protopool_store *store;
    uint32_t arrays = 0;

    depot->store = NULL;
    while (pools < 65535
           && pp_depot_bytes(geometry, pools + 1, &slots) + pp_depot_counts_bytes(geometry, shared, pools + 1) <= bytes)
        pools++;
    (void)pp_depot_bytes(geometry, pools, &slots);
    slots += pp_depot_counts_bytes(geometry, shared, pools);
    parts = pools * pp_parts_with_budget(geometry);
    without_arrays = PROTOPOOL_TABLES_BYTES(geometry->count) + slots + PROTOPOOL_DEPOT_PARTS_BYTES(parts, 1);
    if (without_arrays > bytes || memory == NULL || (uintptr_t)memory % 8 != 0 || !pp_can_count(geometry, pools)
        || !pp_init_depot(depot, classes, geometry->count))
        return false;
    store = pp_lay_out_tables(geometry, memory);
    next = pp_lay_out_parts(store, (size_t)parts);
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        if (budget == 0)
            continue;
        store->classes[c].magazine = PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE);
        pp_init_slabs(&store->classes[c].slabs, c, geometry->slot_sizes[c - 1].bytes);
        next = pp_create_counted_slab(store, &store->classes[c].slabs, shared,
                                      (uint32_t)PROTOPOOL_DEPOT_SLOTS_(budget, pools), 0, next);
    }
    while (slots != 0 && without_arrays + pp_arrays_bytes(arrays + 2ULL) <= bytes)
        arrays += 2;
    pp_init_slabs(pp_array_slabs(store), 0, PROTOPOOL_MAGAZINE * sizeof(void *));
    if (arrays != 0)
        (void)pp_create_fixed_slab(store, pp_array_slabs(store), arrays, 0, next);
    else
        pp_array_slabs(store)->slot_bytes = 0;
    depot->store = store;
    pp_note_store(store, &depot->lock);
    store->source_bytes = (size_t)(without_arrays + pp_arrays_bytes(arrays));
    return true;
}

bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                const struct protopool_geometry *geometry, void *memory, size_t bytes)
{
    return pp_init_fixed_depot(depot, classes, geometry, NULL, memory, bytes);
}

bool protopool_depot_init_fixed_shared(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                       const struct protopool_geometry *geometry, const bool *shared, void *memory,
                                       size_t bytes)
{
    return pp_init_fixed_depot(depot, classes, geometry, shared, memory, bytes);
}

bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_pool_class **parts,
                    const struct protopool_geometry *geometry, struct protopool_depot *depot)
{
    pp_clear_pool(pool, loaded, parts, geometry->count);
    if (depot->store == NULL)
        return false;
    pp_activate_pool(pool, depot->store);
    pool->depot = depot;
    pp_lock_depot(depot);
    depot->joined++;
    pp_unlock_depot(depot);
    return true;
}

static void pp_return_array(struct protopool_store *store, struct protopool_magazine *magazine)
{
    void *const array = magazine->slots;
    if (pp_has_array(magazine))
        pp_spill(store, pp_array_slabs(store), &array, 1);
}

/* Gives the parts of a joined pool, whose magazines have no arrays, to pools that use a slot size later. */
static void pp_return_parts(struct protopool *pool)
{
    for (uint32_t i = 0; i < PROTOPOOL_PARTS(pool->store->geometry->count); i++) {
        if (pool->parts[i] != NULL) {
            pool->parts[i]->previous.top = (void **)(void *)pool->store->unused_parts;
            pool->store->unused_parts = pool->parts[i];
            pool->parts[i] = NULL;
        }
    }
}

/* Releases the lock to give to the source what has been collected. The pool still counts as joined, so that the depot does not
 * end meanwhile. */
static void pp_give_before_leaving(struct protopool_depot *depot)
{
    struct protopool_growth *const growth = depot->store->growth;

    growth->leaving++;
    pp_unlock_depot(depot);
    pp_lock_depot(depot);
    growth->leaving--;
}

/* Puts the slots of a joined pool's magazines, and their arrays, back into the store. */
static void pp_leave_depot(struct protopool *pool)
{
    struct protopool_growth *const growth = pool->store->growth;

    pp_lock_store(pool);
    pp_flush_magazines(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        pp_return_array(pool->store, &pool->loaded[c]);
        pp_return_array(pool->store, &pp_class(pool, c)->previous);
    }
    pp_return_parts(pool);
    if (growth != NULL && growth->leaving + 1 == pool->depot->joined)
        pp_flush_depot_magazines(pool->depot); /* no pool is left to fetch them */
    if (growth != NULL && growth->given != NULL)
        pp_give_before_leaving(pool->depot);
    pool->depot->joined--;
    pp_unlock_store(pool);
}

/* Whether a pool is joined. */
static bool pp_is_joined(struct protopool_depot *depot)
{
    bool joined;

    pp_lock_depot(depot);
    joined = depot->joined != 0;
    pp_unlock_depot(depot);
    return joined;
}

/* No pool shares the store any more, so it needs no locks. */
static void pp_end_sharing(struct protopool_store *store)
{
    if (store->growth == NULL)
        return;
    store->growth->lock = NULL;
    store->growth->is_collecting = false;
    PROTOPOOL_LOCK_FINI(&store->growth->source_lock);
}

size_t protopool_depot_fini(struct protopool_depot *depot)
{
    size_t live = 0;

    if (depot->store == NULL) /* its init has failed, or it has ended */
        return 0;
    if (pp_is_joined(depot)) {
        pp_report_fault_at(PROTOPOOL_FAULT_JOINED, depot, NULL, pp_site_of(NULL));
        return SIZE_MAX;
    }
    pp_end_sharing(depot->store);
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        live += pp_slots_outside(depot->store, depot, c);
    pp_flush_depot_magazines(depot);
    pp_report_leaks(depot->store, depot);
    pp_end_store(depot->store);
    depot->store = NULL;
    PROTOPOOL_LOCK_FINI(&depot->lock);
    return live;
}

bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    bool is_alone;

    if (depot->store == NULL)
        return true;
    pp_lock_depot(depot);
    is_alone = depot->joined == 0;
    if (is_alone) {
        pp_flush_depot_magazines(depot);
        pp_each_in_store(depot->store, fn, ctx);
    }
    pp_unlock_depot(depot);
    return is_alone;
}

size_t protopool_depot_trim(struct protopool_depot *depot)
{
    struct protopool_block *given;
    struct protopool_store *store;
    size_t bytes;

    if (depot->store == NULL)
        return 0;
    pp_lock_depot(depot);
    store = depot->store;
    bytes = store->source_bytes;
    given = pp_collect_free(store, depot);
    bytes -= store->source_bytes;
    pp_unlock_depot(depot);
    return store->growth != NULL ? bytes + store->growth->calls->trim_source(store->growth, given) : bytes;
}

void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                           size_t *source_bytes, size_t *system_bytes)
{
    if (depot->store == NULL)
        return;
    pp_lock_depot(depot);
    pp_store_stats(depot->store, by_slot_size, source_bytes, system_bytes);
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        by_slot_size[c - 1].live = pp_exact_live(depot->store, c, pp_slots_outside(depot->store, depot, c));
    pp_unlock_depot(depot);
    pp_add_dirty_bytes(depot->store, system_bytes);
}

#else
/* Without depots, no pool is joined. */
static void pp_leave_depot(struct protopool *pool)
{
    (void)pool;
}
#endif

/* ---- check1.c ---------------------------------------------------------------------------------------------------- */
/*
 * Level 1, for production: a freed message has a tag of its own. The emitted functions set it on free, and look for it on
 * free and on allocation. This part sets it in the slots of a new slab, and looks at spilled slots.
 * The first half is what level 2 has too: whether a pool is alive, and the names of messages in reports.
 */

#if PROTOPOOL_CHECK >= 1
/* Adds to a report what is known of the message and its slot; at level 1 nothing. The store is NULL if it is not known. */
static void pp_describe(const struct protopool_store *store, const void *msg, struct pp_report *report);

PROTOPOOL_COLD void protopool_report_fault(enum protopool_fault code, const struct protopool *pool, const void *pointer)
{
    pp_report_fault_at(code, pool, pointer, pp_site_of(NULL));
}

/* pp_is_alive, for an operation on `msg`, or on the variant of this name. msg and name may be NULL. If its init or join
 * has failed, the pool is not alive, but its use is no fault. */
static bool pp_is_alive_for(const struct protopool *pool, const void *msg, const char *name)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_NOT_ALIVE, .pool = pool, .pointer = msg, .name = name };

    if (PROTOPOOL_LIKELY(pool->alive == PROTOPOOL_ALIVE_))
        return true;
    if (pool->alive == PROTOPOOL_FAILED_)
        return false;
    report.here = pp_site_of(pool);
    if (msg != NULL)
        pp_describe(NULL, msg, &report);
    pp_report_fault(&report);
    return false;
}

static bool pp_is_alive(const struct protopool *pool)
{
    return pp_is_alive_for(pool, NULL, NULL);
}

static void pp_set_state(struct protopool *pool, uint32_t state)
{
    pool->alive = state;
}

static enum protopool_failure pp_failure_of_dead(const struct protopool *pool)
{
    return pool->alive == PROTOPOOL_FAILED_ ? PROTOPOOL_EXHAUSTED : PROTOPOOL_FAULTED;
}

static void pp_set_message_bytes(struct protopool_slabs *slabs, size_t bytes)
{
    slabs->message_bytes = bytes;
}

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_message(const struct pp_report *report)
{
    if (report->readable != NULL)
        (void)report->geometry->messages->print(stderr, report->readable);
    else if (report->name != NULL)
        (void)fprintf(stderr, "%s", report->name);
    if (report->readable != NULL || report->name != NULL)
        (void)fputs(", ", stderr);
}
#endif
#endif

#if PROTOPOOL_CHECK == 1
static void pp_describe(const struct protopool_store *store, const void *msg, struct pp_report *report)
{
    (void)store;
    (void)msg;
    (void)report;
}

static bool pp_start_operation(struct protopool *pool)
{
    return pp_is_alive(pool);
}

static void pp_finish_operation(struct protopool *pool)
{
    (void)pool;
}

static void pp_set_tag(void *slot, const struct protopool_messages *messages, uint32_t tag)
{
    const uint16_t wide = (uint16_t)tag;
    if (messages->tag_bytes == 1)
        *(unsigned char *)slot = (unsigned char)tag;
    else if (messages->tag_bytes == 2)
        memcpy(slot, &wide, sizeof wide);
    else
        memcpy(slot, &tag, sizeof tag);
}

static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab)
{
    slab->owner = slabs;
    pp_reset_slab(store, slabs, slab);
}

static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab)
{
    const struct protopool_messages *const messages = store->geometry->messages;

    if (slabs->slot_class != 0)
        for (uint32_t i = 0; i < slab->slots; i++)
            pp_set_tag(slab->first + i * slabs->slot_bytes, messages, messages->freed_tag);
}

/* Whether the slot, which is in none of these slabs, belongs to another pool, as far as level 1 can know. */
static bool pp_is_of_another_pool(const struct protopool_store *store, const struct protopool_slabs *slabs,
                                  const struct protopool_slab *slab, const void *slot)
{
    if (slabs->fixed == NULL)
        return slab->owner != slabs && slab->slot_class == slabs->slot_class;
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slab *const fixed = store->classes[c].slabs.fixed;
        if (fixed != NULL
            && (uintptr_t)slot - (uintptr_t)fixed->first < fixed->slots * store->classes[c].slabs.slot_bytes)
            return false;
    }
    return true;
}

static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    enum protopool_fault code = PROTOPOOL_FAULT_BAD_TAG;

    if (slab != NULL && slab->owner == slabs && index < slab->slots
        && slab->first + index * slabs->slot_bytes == slot) {
        if ((pp_bitmap(slab)[index / PP_WORD_BITS] >> index % PP_WORD_BITS & 1) == 0)
            return true;
        code = PROTOPOOL_FAULT_DOUBLE_FREE;
    } else if (slab != NULL && pp_is_of_another_pool(store, slabs, slab, slot)) {
        code = PROTOPOOL_FAULT_WRONG_POOL;
    }
    pp_report_fault_at(code, NULL, slot, pp_site_of(NULL));
    return false;
}

bool protopool_serves(const struct protopool *pool, unsigned slot_class, const void *slot, size_t bytes)
{
    const struct protopool_slabs *const slabs = &pool->store->classes[slot_class].slabs;
    return bytes <= slabs->message_bytes && pp_slab_of(slabs, slot)->owner == slabs;
}

static void pp_reset_peak(struct protopool_magazine *magazine)
{
    magazine->lowest = magazine->top;
}

/* For a pool on its own: the number of slots that are outside the store and not in its magazines changes only between two
 * calls of this, and `lowest` says how empty the loaded magazine was in between. */
static void pp_note_peak(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    if (pool->depot == NULL) {
        const size_t lowest = pp_has_array(loaded) ? (size_t)(loaded->lowest - loaded->slots) : 0;
        const size_t live =
            pp_slots_outside(pool->store, NULL, c) - pp_magazine_count(&pp_class(pool, c)->previous) - lowest;
        if (live > store_class->peak)
            store_class->peak = live;
    }
    loaded->lowest = loaded->top;
}

static void pp_restart_peak(struct protopool *pool, unsigned c)
{
    pp_reset_peak(&pool->loaded[c]);
    pp_note_peak(pool, c);
}

static bool pp_has_exact_peak(const struct protopool *pool)
{
    return pool->depot == NULL;
}
#endif

/* ---- check2.c ---------------------------------------------------------------------------------------------------- */
/*
 * Level 2, for debugging: every pointer is looked up before it is used.
 * Each slot has a record outside it: its state, and who allocated and freed it. types.h has the record and the red zones.
 */

#if PROTOPOOL_CHECK == 2
enum { PP_SLOT_UNUSED, PP_SLOT_LIVE, PP_SLOT_FREED, PP_SLOT_UNKNOWN };

/* An allocation checks that the free slot still has PP_FREE_FILL. A free checks the red zones, and PP_FREE_FILL behind a
 * message that is shorter than its slot. */
#define PP_FREE_FILL 0xdb     /* a free slot */
#define PP_RED_ZONE_FILL 0xfd /* between slots */

static struct protopool_slot_record *pp_record_of(struct protopool_slab *slab, uint32_t index)
{
    return (struct protopool_slot_record *)(void *)(pp_bitmap(slab) + pp_map_words(slab->slots)) + index;
}

static size_t pp_zone_bytes(const struct protopool_slabs *slabs)
{
    return slabs->slot_bytes - slabs->message_bytes;
}

static bool pp_is_filled(const unsigned char *bytes, size_t count, unsigned char fill)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != fill)
            return false;
    return true;
}

/* Marks for ASan and valgrind. The bytes of a message are accessible while it is live, and undefined at first. The engine makes
 * other bytes of slots accessible only while it uses them. */
static void pp_mark_inaccessible(const void *at, size_t bytes)
{
#ifdef PP_HAS_ASAN
    __asan_poison_memory_region(at, bytes);
#endif
#ifdef PP_HAS_VALGRIND
    VALGRIND_MAKE_MEM_NOACCESS(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

static void pp_mark_accessible(const void *at, size_t bytes)
{
#ifdef PP_HAS_ASAN
    __asan_unpoison_memory_region(at, bytes);
#endif
#ifdef PP_HAS_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

static void pp_mark_allocated(const struct protopool_store *store, const void *msg, size_t bytes)
{
#ifdef PP_HAS_ASAN
    __asan_unpoison_memory_region(msg, bytes);
#endif
#ifdef PP_HAS_VALGRIND
    VALGRIND_MEMPOOL_ALLOC(store, msg, bytes);
#endif
    (void)store;
    (void)msg;
    (void)bytes;
}

static void pp_mark_freed(const struct protopool_store *store, const void *msg, size_t bytes)
{
#ifdef PP_HAS_VALGRIND
    VALGRIND_MEMPOOL_FREE(store, msg);
#endif
    (void)store;
    pp_mark_inaccessible(msg, bytes);
}

/* The bytes of all slots and red zones of a slab: where they begin, and how many there are. */
static unsigned char *pp_slots_begin(const struct protopool_slab *slab)
{
    return slab->first - PROTOPOOL_RED_ZONE_;
}

static size_t pp_slots_bytes(const struct protopool_slabs *slabs, const struct protopool_slab *slab)
{
    return PROTOPOOL_RED_ZONE_ + slab->slots * slabs->slot_bytes;
}

static size_t pp_record_bytes(const struct protopool_slabs *slabs)
{
    return slabs->slot_class != 0 ? PROTOPOOL_RECORD_BYTES_ : 0;
}

/* Fills slots and red zones. The records are cleared last, because they say which slots were live. */
static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab)
{
    if (slabs->slot_class == 0)
        return;
    pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
    memset(pp_slots_begin(slab), PP_RED_ZONE_FILL, pp_slots_bytes(slabs, slab));
    for (uint32_t i = 0; i < slab->slots; i++) {
        unsigned char *const slot = slab->first + i * slabs->slot_bytes;
        memset(slot, PP_FREE_FILL, slabs->message_bytes);
        if (pp_record_of(slab, i)->state == PP_SLOT_LIVE)
            pp_mark_freed(store, slot, slabs->message_bytes);
    }
    memset(pp_record_of(slab, 0), 0, slab->slots * sizeof(struct protopool_slot_record));
    pp_mark_inaccessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
}

/* The index of the first registered slab above the address. */
static size_t pp_registry_index(const struct protopool_growth *growth, uintptr_t address)
{
    size_t low = 0, high = growth->registered;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)growth->registry[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool pp_slab_has_address(const struct protopool_slab *slab, uintptr_t address)
{
    return address - (uintptr_t)pp_slots_begin(slab) < pp_slots_bytes(slab->owner, slab);
}

/* The slab that has the address in its slots or red zones. NULL if none has. The address is not read. */
static struct protopool_slab *pp_find_slab(const struct protopool_store *store, uintptr_t address)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slabs *const slabs = &store->classes[c].slabs;
        struct protopool_slab *slab = slabs->fixed;
#ifndef PP_HAS_HEAP
        for (slab = slabs->partial; slab != NULL && !pp_slab_has_address(slab, address); slab = slab->next) {
        }
        for (slab = slab == NULL ? slabs->full : slab; slab != NULL && !pp_slab_has_address(slab, address);
             slab = slab->next) {
        }
#endif
        if (slab != NULL && pp_slab_has_address(slab, address))
            return slab;
    }
    if (store->growth != NULL) {
        const size_t at = pp_registry_index(store->growth, address);
        if (at != 0 && pp_slab_has_address(store->growth->registry[at - 1], address))
            return store->growth->registry[at - 1];
    }
    return NULL;
}

static bool pp_has_room_for_slab(struct protopool_store *store, const struct protopool_slabs *slabs)
{
#ifdef PP_HAS_HEAP
    struct protopool_growth *const growth = store->growth;
    const size_t room = growth->registry_room == 0 ? 64 : 2 * growth->registry_room;
    void *registry;

    if (slabs->slot_class == 0 || growth->registered < growth->registry_room)
        return true;
    registry = realloc(growth->registry, room * sizeof growth->registry[0]);
    if (registry == NULL)
        return false;
    growth->registry = (struct protopool_slab **)registry;
    growth->registry_room = room;
#endif
    (void)store;
    (void)slabs;
    return true;
}

static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab)
{
    slab->owner = slabs;
    if (slabs->slot_class == 0)
        return;
#ifdef PP_HAS_HEAP
    if (store->growth != NULL) {
        struct protopool_growth *const growth = store->growth;
        const size_t at = pp_registry_index(growth, (uintptr_t)slab);
        memmove(&growth->registry[at + 1], &growth->registry[at],
                (growth->registered - at) * sizeof growth->registry[0]);
        growth->registry[at] = slab;
        growth->registered++;
    }
#endif
    memset(pp_record_of(slab, 0), 0, slab->slots * sizeof(struct protopool_slot_record));
    pp_reset_slab(store, slabs, slab);
}

static void pp_forget_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                           struct protopool_slab *slab)
{
    if (slabs->slot_class == 0)
        return;
#ifdef PP_HAS_HEAP
    struct protopool_growth *const growth = store->growth;
    const size_t at = pp_registry_index(growth, (uintptr_t)slab);
    growth->registered--;
    memmove(&growth->registry[at - 1], &growth->registry[at],
            (growth->registered + 1 - at) * sizeof growth->registry[0]);
#endif
    (void)store;
    pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
}

/* The list of all stores of the program. Its lock is never ended. */
#ifdef PP_HAS_MUTEX
static pp_mutex pp_stores_lock = PP_MUTEX_INITIALIZER;
#define PP_HAS_STORES() true
#define PP_LOCK_STORES() PP_MUTEX_LOCK(&pp_stores_lock)
#define PP_UNLOCK_STORES() PP_MUTEX_UNLOCK(&pp_stores_lock)
#else
static union protopool_lock pp_stores_lock;
#define PP_LOCK_STORES() PROTOPOOL_LOCK(&pp_stores_lock)
#define PP_UNLOCK_STORES() PROTOPOOL_UNLOCK(&pp_stores_lock)
#ifdef PP_HAS_LOCK_INIT
static bool pp_has_stores_lock;
#define PP_HAS_STORES() (pp_has_stores_lock || (pp_has_stores_lock = PROTOPOOL_LOCK_INIT(&pp_stores_lock)))
#else
#define PP_HAS_STORES() true
#endif
#endif

/* All stores of the program, to distinguish a wrong pool from a foreign pointer. */
static struct protopool_store *pp_all_stores;

/* Locks a store of another pool or depot. False if it may not wait and the lock is held; this very thread may hold it. */
static bool pp_lock_other_store(struct protopool_store *store, bool may_wait)
{
    if (store->lock == NULL)
        return true;
    if (may_wait) {
        PROTOPOOL_LOCK(store->lock);
        return true;
    }
#ifdef PP_HAS_MUTEX
    for (int i = 0; i < 100 * PP_LOCK_TRIES; i++)
        if (PP_MUTEX_TRY(pp_mutex_of(store->lock)))
            return true;
#endif
    return false;
}

/* Looks for the message in the store. Returns the state of its slot, PP_SLOT_UNKNOWN if it has none there, and adds to the
 * report what is known of it. */
static uint32_t pp_describe_slot(const struct protopool_store *store, const void *msg, struct pp_report *report)
{
    const struct protopool_messages *const messages = store->geometry->messages;
    struct protopool_slab *const slab = pp_find_slab(store, (uintptr_t)msg);
    const struct protopool_slot_record *record;
    size_t offset, index;

    if (slab == NULL)
        return PP_SLOT_UNKNOWN;
    offset = (size_t)((uintptr_t)msg - (uintptr_t)slab->first);
    index = offset / slab->owner->slot_bytes;
    if (offset % slab->owner->slot_bytes != 0 || index >= slab->slots)
        return PP_SLOT_UNUSED;
    record = pp_record_of(slab, (uint32_t)index);
    report->geometry = store->geometry;
    report->allocated = record->allocated;
    report->freed = record->freed;
    if (record->state == PP_SLOT_FREED)
        report->name = messages->name_of(record->variant);
    if (record->state == PP_SLOT_LIVE && messages->size_of(msg, record->bytes) == record->bytes)
        report->readable = msg;
    return record->state;
}

/* The same in every store but this one, which may be NULL. */
static uint32_t pp_find_in_other_stores(const struct protopool_store *own, const void *msg, struct pp_report *report,
                                        bool may_wait)
{
    uint32_t state = PP_SLOT_UNKNOWN;

    if (!PP_HAS_STORES())
        return PP_SLOT_UNKNOWN;
    PP_LOCK_STORES();
    for (struct protopool_store *store = pp_all_stores; store != NULL && state == PP_SLOT_UNKNOWN;
         store = store->next_store) {
        if (store == own || !pp_lock_other_store(store, may_wait))
            continue;
        state = pp_describe_slot(store, msg, report);
        if (store->lock != NULL)
            PROTOPOOL_UNLOCK(store->lock);
    }
    PP_UNLOCK_STORES();
    return state;
}

PROTOPOOL_COLD void protopool_report_variant(const void *msg, const char *name, const char *file, int line)
{
    struct pp_report report = {
        .code = PROTOPOOL_FAULT_WRONG_VARIANT, .pointer = msg, .name = name, .here = { file, line }
    };

    if (pp_find_in_other_stores(NULL, msg, &report, false) == PP_SLOT_FREED)
        report.code = PROTOPOOL_FAULT_USE_AFTER_FREE;
    pp_report_fault(&report);
}

static void pp_note_store(struct protopool_store *store, union protopool_lock *lock)
{
    struct protopool_store *at;

    store->lock = lock;
#ifdef PP_HAS_VALGRIND
    VALGRIND_CREATE_MEMPOOL(store, 0, 0);
#endif
    if (!PP_HAS_STORES())
        return;
    PP_LOCK_STORES();
    for (at = pp_all_stores; at != NULL && at != store; at = at->next_store) {
    }
    if (at == NULL) {
        store->next_store = pp_all_stores;
        pp_all_stores = store;
    }
    PP_UNLOCK_STORES();
}

/* Removes the store from the list of all stores. */
static void pp_remove_store(const struct protopool_store *store)
{
    if (!PP_HAS_STORES())
        return;
    PP_LOCK_STORES();
    for (struct protopool_store **at = &pp_all_stores; *at != NULL; at = &(*at)->next_store) {
        if (*at == store) {
            *at = store->next_store;
            break;
        }
    }
    PP_UNLOCK_STORES();
}

static void pp_forget_store(struct protopool_store *store)
{
    pp_remove_store(store);
#ifdef PP_HAS_VALGRIND
    VALGRIND_DESTROY_MEMPOOL(store);
#endif
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slabs *const slabs = &store->classes[c].slabs;
        for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
            pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
        for (struct protopool_slab *slab = slabs->full; slab != NULL; slab = slab->next)
            pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
    }
#ifdef PP_HAS_HEAP
    if (store->growth != NULL)
        free(store->growth->registry);
#endif
}

static void pp_describe(const struct protopool_store *store, const void *msg, struct pp_report *report)
{
    if (store == NULL)
        (void)pp_find_in_other_stores(NULL, msg, report, true);
    else
        (void)pp_describe_slot(store, msg, report);
}

static struct protopool_site pp_site_of(const struct protopool *pool)
{
    const struct protopool_site unknown = { NULL, 0 };
    return pool != NULL ? pool->site : unknown;
}

/*
 * To find two threads in one pool, an operation sets a flag and clears it at its end. If the flag is set already, that is a
 * fault. The atomic exchange is relaxed: it orders nothing, so that ThreadSanitizer still sees the race.
 */
#if defined __GCC_ATOMIC_INT_LOCK_FREE && __GCC_ATOMIC_INT_LOCK_FREE == 2
static uint32_t pp_exchange(uint32_t *at, uint32_t value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
#else
/* Without atomics, this finds an operation that a signal or a task switch has interrupted. */
static uint32_t pp_exchange(uint32_t *at, uint32_t value)
{
    const uint32_t before = *at;
    *at = value;
    return before;
}
#endif

/* pp_start_operation, for an operation on `msg`, or on the variant of this name. msg and name may be NULL. */
static bool pp_start_operation_for(struct protopool *pool, const void *msg, const char *name)
{
    struct pp_report report = {
        .code = PROTOPOOL_FAULT_CONCURRENT, .pool = pool, .pointer = msg, .name = name, .here = pool->site
    };

    if (!pp_is_alive_for(pool, msg, name))
        return false;
    if (pp_exchange(&pool->busy, 1) == 0)
        return true;
    pp_report_fault(&report);
    return false;
}

static bool pp_start_operation(struct protopool *pool)
{
    return pp_start_operation_for(pool, NULL, NULL);
}

static void pp_finish_operation(struct protopool *pool)
{
    (void)pp_exchange(&pool->busy, 0);
}

static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    (void)store;
    (void)slabs;
    (void)slab;
    (void)slot;
    (void)index;
    return true; /* protopool_check_free has looked */
}

static bool pp_has_exact_peak(const struct protopool *pool)
{
    (void)pool;
    return true;
}

static size_t pp_exact_live(const struct protopool_store *store, unsigned c, size_t counted)
{
    (void)counted;
    return store->classes[c].live;
}

static void pp_reset_live(struct protopool_store *store, unsigned c)
{
    store->classes[c].live = 0;
}

#define PP_STILL_HELD UINT32_MAX /* no fault */

/* The fault in freeing the message, which lies in this slab. PP_STILL_HELD if the message has other holders. 0 if neither: then its
 * slot is marked as freed. */
static unsigned pp_find_free_fault(struct protopool_slab *slab, const void *msg, uint32_t variant,
                                   struct pp_report *report)
{
    const struct protopool_slabs *const slabs = slab->owner;
    const struct protopool_messages *const messages = report->geometry->messages;
    const size_t offset = (size_t)((uintptr_t)msg - (uintptr_t)slab->first);
    const size_t index = offset / slabs->slot_bytes;
    const unsigned char *end;
    const unsigned char *const front = (const unsigned char *)msg - PROTOPOOL_RED_ZONE_;
    struct protopool_slot_record *record;
    bool is_sized, is_end_good, is_front_good;

    if (offset % slabs->slot_bytes != 0 || index >= slab->slots)
        return PROTOPOOL_FAULT_INTERIOR;
    record = pp_record_of(slab, (uint32_t)index);
    if (record->state == PP_SLOT_UNUSED)
        return PROTOPOOL_FAULT_FOREIGN;
    report->allocated = record->allocated;
    if (record->state == PP_SLOT_FREED) {
        report->freed = record->freed;
        report->name = messages->name_of(record->variant);
        return PROTOPOOL_FAULT_DOUBLE_FREE;
    }
    is_sized = messages->size_of(msg, record->bytes) == record->bytes;
    report->readable = is_sized ? msg : NULL;
    end = (const unsigned char *)msg + record->bytes;
    pp_mark_accessible(end, slabs->slot_bytes - record->bytes);
    is_end_good = pp_is_filled(end, slabs->message_bytes - record->bytes, PP_FREE_FILL)
                  && pp_is_filled((const unsigned char *)msg + slabs->message_bytes,
                                  pp_zone_bytes(slabs) - PROTOPOOL_RED_ZONE_, PP_RED_ZONE_FILL);
    pp_mark_inaccessible(end, slabs->slot_bytes - record->bytes);
    pp_mark_accessible(front, PROTOPOOL_RED_ZONE_);
    is_front_good = pp_is_filled(front, PROTOPOOL_RED_ZONE_, PP_RED_ZONE_FILL);
    pp_mark_inaccessible(front, PROTOPOOL_RED_ZONE_);
    if (!is_end_good)
        return PROTOPOOL_FAULT_OVERRUN;
    if (!is_front_good)
        return PROTOPOOL_FAULT_UNDERRUN;
    if (!is_sized && messages->has_tail(msg)) {
        report->name = messages->name_of(messages->variant_of(msg));
        return PROTOPOOL_FAULT_WRONG_LENGTH;
    }
    if (!is_sized)
        return PROTOPOOL_FAULT_BAD_TAG;
    if (variant < messages->variants && messages->variant_of(msg) != variant) {
        report->name = messages->name_of(messages->variant_of(msg));
        return PROTOPOOL_FAULT_WRONG_VARIANT;
    }
    if (slabs->holder_bytes != 0 && !pp_remove_holder(pp_count_at(slab->first, index)))
        return PP_STILL_HELD;
    record->state = PP_SLOT_FREED;
    record->freed = report->here;
    record->variant = messages->variant_of(msg);
    return 0;
}

PROTOPOOL_COLD unsigned protopool_check_free_as(struct protopool *pool, const void *msg, uint32_t variant)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_FOREIGN, .pool = pool, .pointer = msg, .here = pool->site };
    struct protopool_slab *slab;
    unsigned code = PROTOPOOL_FAULT_FOREIGN;
    unsigned slot_class = 0;

    if (msg == NULL || !pp_start_operation_for(pool, msg, NULL))
        return 0;
    report.geometry = pool->store->geometry;
    pp_lock_store(pool);
    slab = pp_find_slab(pool->store, (uintptr_t)msg);
    if (slab != NULL) {
        code = pp_find_free_fault(slab, msg, variant, &report);
        slot_class = slab->owner->slot_class;
        pool->store->classes[slot_class].live -= code == 0;
    }
    pp_unlock_store(pool);
    if (slab == NULL && pp_find_in_other_stores(pool->store, msg, &report, true) != PP_SLOT_UNKNOWN)
        code = PROTOPOOL_FAULT_WRONG_POOL;
    if (code == 0)
        return slot_class;
    report.code = (enum protopool_fault)code;
    pp_finish_operation(pool);
    if (code != PP_STILL_HELD)
        pp_report_fault(&report);
    return 0;
}

PROTOPOOL_COLD unsigned protopool_check_free(struct protopool *pool, const void *msg)
{
    return protopool_check_free_as(pool, msg, UINT32_MAX);
}

PROTOPOOL_COLD void protopool_finish_free(struct protopool *pool, unsigned slot_class, void *msg)
{
    const size_t bytes = pool->store->classes[slot_class].slabs.message_bytes;

    pp_mark_accessible(msg, bytes);
    memset(msg, PP_FREE_FILL, bytes);
    pp_mark_freed(pool->store, msg, bytes);
    protopool_put(pool, &pool->loaded[slot_class], slot_class, msg);
    pp_finish_operation(pool);
}

PROTOPOOL_COLD void protopool_discard(struct protopool *pool, unsigned slot_class, void *msg)
{
    struct protopool_slab *slab;
    struct protopool_slot_record *record;

    if (!pp_start_operation_for(pool, msg, NULL))
        return;
    pp_lock_store(pool);
    slab = pp_find_slab(pool->store, (uintptr_t)msg);
    record = pp_record_of(slab, (uint32_t)(((uintptr_t)msg - (uintptr_t)slab->first) / slab->owner->slot_bytes));
    record->state = PP_SLOT_FREED;
    record->freed = pool->site;
    pool->store->classes[slot_class].live--;
    pp_unlock_store(pool);
    protopool_finish_free(pool, slot_class, msg);
}

PROTOPOOL_COLD void *protopool_take_checked(struct protopool *pool, unsigned slot_class, size_t bytes, const char *name)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_WRITTEN_AFTER_FREE, .pool = pool, .here = pool->site };
    struct protopool_slab *slab;
    struct protopool_slot_record *record;
    size_t room;
    void *slot;
    bool is_intact;

    if (pool->alive == PROTOPOOL_FAILED_)
        return protopool_take_slow(pool, slot_class);
    if (!pp_start_operation_for(pool, NULL, name)) {
        pool->failure = PROTOPOOL_FAULTED;
        return NULL;
    }
    slot = protopool_take(pool, &pool->loaded[slot_class], slot_class);
    if (slot == NULL) {
        pp_finish_operation(pool);
        return NULL;
    }
    room = pool->store->classes[slot_class].slabs.message_bytes;
    pp_lock_store(pool);
    slab = pp_find_slab(pool->store, (uintptr_t)slot);
    record = pp_record_of(slab, pp_slot_index(slab->owner, slab, slot));
    pp_mark_accessible(slot, room);
    is_intact = pp_is_filled((const unsigned char *)slot, room, PP_FREE_FILL);
    report.allocated = record->allocated;
    report.freed = record->freed;
    if (record->state == PP_SLOT_FREED)
        report.name = pool->store->geometry->messages->name_of(record->variant);
    if (is_intact) {
        struct protopool_store_class *const store_class = &pool->store->classes[slot_class];
        if (++store_class->live > store_class->peak)
            store_class->peak = store_class->live;
        record->state = PP_SLOT_LIVE;
        record->bytes = bytes;
        record->allocated = pool->site;
        record->freed = pp_site_of(NULL);
    } else {
        memset(slot, PP_FREE_FILL, room);
    }
    pp_mark_inaccessible(slot, room);
    pp_unlock_store(pool);
    if (is_intact) {
        pp_mark_allocated(pool->store, slot, bytes);
        pp_finish_operation(pool);
        return slot;
    }
    protopool_put(pool, &pool->loaded[slot_class], slot_class, slot);
    report.geometry = pool->store->geometry;
    report.pointer = slot;
    pool->failure = PROTOPOOL_FAULTED;
    pp_finish_operation(pool);
    pp_report_fault(&report);
    return NULL;
}
#endif

/* ---- holders.c --------------------------------------------------------------------------------------------------- */
/*
 * Shared messages: hold and release, by the counts of counts.c.
 * Levels 0 and 1 compute where a message's count is; level 2 looks the message up first.
 */

#if PROTOPOOL_CHECK == 2
/* The count of a live message of this store, and what is known of the message; NULL after a fault. The store is locked. */
static pp_count *pp_find_count(struct protopool *pool, const void *msg, struct pp_report *report)
{
    struct protopool_slab *const slab = pp_find_slab(pool->store, (uintptr_t)msg);
    const uint32_t state = pp_describe_slot(pool->store, msg, report);

    if (slab == NULL)
        report->code = PROTOPOOL_FAULT_FOREIGN;
    else if (state == PP_SLOT_LIVE && slab->owner->holder_bytes != 0)
        return pp_count_at(slab->first, pp_slot_index(slab->owner, slab, msg));
    else if (state == PP_SLOT_FREED)
        report->code = PROTOPOOL_FAULT_USE_AFTER_FREE;
    else if (state == PP_SLOT_LIVE)
        report->code = PROTOPOOL_FAULT_WRONG_VARIANT;
    else
        report->code = ((uintptr_t)msg - (uintptr_t)slab->first) % slab->owner->slot_bytes != 0
                           ? PROTOPOOL_FAULT_INTERIOR
                           : PROTOPOOL_FAULT_FOREIGN; /* never allocated */
    return NULL;
}

/* What the functions below do with the count of a message, once it is found. False: a fault, whose code is in the report. */
typedef bool pp_use_count(pp_count *count, struct pp_report *report, size_t *holders);

/* Finds the count of the message and calls `use`. Reports a fault. */
static bool pp_use_count_of(struct protopool *pool, unsigned slot_class, const void *msg, pp_use_count *use,
                            size_t *holders)
{
    struct pp_report report = { .pool = pool, .pointer = msg, .here = pool->site };
    pp_count *count;
    bool is_good;

    (void)slot_class;
    if (!pp_start_operation_for(pool, msg, NULL))
        return false;
    pp_lock_store(pool);
    count = pp_find_count(pool, msg, &report);
    is_good = count != NULL && use(count, &report, holders);
    pp_unlock_store(pool);
    if (!is_good && report.code == PROTOPOOL_FAULT_FOREIGN
        && pp_find_in_other_stores(pool->store, msg, &report, true) != PP_SLOT_UNKNOWN)
        report.code = PROTOPOOL_FAULT_WRONG_POOL;
    pp_finish_operation(pool);
    if (!is_good)
        pp_report_fault(&report);
    return is_good;
}
#else
/* Where the count of the message is. NULL, from level 1, if the message is not in a slot of this class of this pool. */
static pp_count *pp_locate_count(const struct protopool *pool, unsigned c, const void *msg)
{
    const struct protopool_slabs *slabs;
    struct protopool_slab *slab;
    uint32_t index;

    if (pp_is_compact(pool)) {
        unsigned char *const first = pp_fixed_slots(pool, c)->first;
        return pp_count_at(first, (size_t)((const unsigned char *)msg - first) / pp_compact_size(pool, c)->bytes);
    }
    slabs = &pool->store->classes[c].slabs;
    slab = pp_slab_of(slabs, msg);
#if PROTOPOOL_CHECK == 1
    if (slab == NULL || slab->owner != slabs)
        return NULL;
#endif
    index = pp_slot_index(slabs, slab, msg);
#if PROTOPOOL_CHECK == 1
    if (index >= slab->slots || slab->first + index * slabs->slot_bytes != msg)
        return NULL;
#endif
    return pp_count_at(slab->first, index);
}

typedef bool pp_use_count(pp_count *count, struct pp_report *report, size_t *holders);

PROTOPOOL_INLINE bool pp_use_count_of(struct protopool *pool, unsigned slot_class, const void *msg, pp_use_count *use,
                                      size_t *holders)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_WRONG_POOL };
    pp_count *count;
    bool is_good;

#if PROTOPOOL_CHECK == 1
    if (!pp_is_alive_for(pool, msg, NULL))
        return false;
#endif
    count = pp_locate_count(pool, slot_class, msg);
    is_good = PROTOPOOL_CHECK == 0 || count != NULL;
    if (PROTOPOOL_LIKELY(is_good)) {
        PP_LOCK_COUNTS(pool);
        is_good = use(count, &report, holders);
        PP_UNLOCK_COUNTS(pool);
    }
    if (!PROTOPOOL_LIKELY(is_good))
        pp_report_fault_at(report.code, pool, msg, pp_site_of(pool));
    return is_good;
}
#endif

static bool pp_use_to_hold(pp_count *count, struct pp_report *report, size_t *holders)
{
    (void)holders;
    report->code = PROTOPOOL_FAULT_TOO_MANY_HOLDERS;
    return pp_add_holder(count);
}

static bool pp_use_to_release(pp_count *count, struct pp_report *report, size_t *was_last)
{
    (void)report;
    *was_last = pp_remove_holder(count);
    return true;
}

static bool pp_use_to_read(pp_count *count, struct pp_report *report, size_t *holders)
{
    (void)report;
    *holders = pp_read_count(count) + 1;
    return true;
}

bool protopool_hold(struct protopool *pool, unsigned slot_class, const void *msg)
{
    return pp_use_count_of(pool, slot_class, msg, pp_use_to_hold, NULL);
}

bool protopool_release(struct protopool *pool, unsigned slot_class, const void *msg)
{
    size_t was_last = 0;
    return pp_use_count_of(pool, slot_class, msg, pp_use_to_release, &was_last) && was_last != 0;
}

size_t protopool_holders(struct protopool *pool, unsigned slot_class, const void *msg)
{
    size_t holders = 0;
    (void)pp_use_count_of(pool, slot_class, msg, pp_use_to_read, &holders);
    return holders;
}

#if PROTOPOOL_CHECK >= 1
static bool pp_use_to_edit(pp_count *count, struct pp_report *report, size_t *holders)
{
    (void)holders;
    report->code = PROTOPOOL_FAULT_EDIT_OF_SHARED;
    return pp_read_count(count) == 0;
}

bool protopool_may_edit(struct protopool *pool, unsigned slot_class, const void *msg)
{
    return pp_use_count_of(pool, slot_class, msg, pp_use_to_edit, NULL);
}
#endif

static bool pp_may_be_reset(const struct protopool *pool)
{
#if PROTOPOOL_CHECK >= 1
    if (pool->alive != PROTOPOOL_ALIVE_)
        return false;
#endif
    return pool->store != NULL && pool->depot == NULL;
}

static void pp_clear_counts(struct protopool *pool, const bool *shared)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        if (!shared[c - 1])
            continue;
        if (pp_is_compact(pool)) {
            const uint32_t budget = pp_compact_size(pool, c)->budget;
            if (budget != 0)
                memset(pp_count_at(pp_fixed_slots(pool, c)->first, budget - 1), 0, budget * sizeof(pp_count));
        } else {
            const struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
            for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
                pp_clear_holders(slabs, slab);
            for (struct protopool_slab *slab = slabs->full; slab != NULL; slab = slab->next)
                pp_clear_holders(slabs, slab);
        }
    }
}

/* All slots become free, so none keeps a count. A pool that may not be reset keeps them; protopool_reset reports why. */
void protopool_reset_shared(struct protopool *pool, const bool *shared)
{
    if (pp_may_be_reset(pool))
        pp_clear_counts(pool, shared);
    protopool_reset(pool);
}

/* ---- leak.c ------------------------------------------------------------------------------------------------------ */
/* Leaks: what is still live when a pool or depot ends. */

#if PROTOPOOL_CHECK >= 1

#define PP_LEAKS_SHOWN 10U
#define PP_LEAKS_COUNTED 64U /* variants that are counted in one walk */

struct pp_leaks {
    struct protopool_store *store;
    const void *first;
    size_t seen;
    uint32_t variant; /* counts[i] is of variant + i */
    size_t counts[PP_LEAKS_COUNTED];
};

static void pp_print_leak(void *ctx, const void *msg)
{
    struct pp_leaks *const leaks = (struct pp_leaks *)ctx;

    if (leaks->seen++ == 0)
        leaks->first = msg;
#ifndef PROTOPOOL_NO_STDIO
    if (leaks->seen <= PP_LEAKS_SHOWN) {
        struct pp_report report = { .code = PROTOPOOL_FAULT_LEAK, .pointer = msg };
        pp_describe(leaks->store, msg, &report);
        (void)fputs("protopool: leak: ", stderr);
        (void)leaks->store->geometry->messages->print(stderr, msg);
        (void)fprintf(stderr, ", %p", msg);
        pp_print_site("allocated", &report.allocated);
        (void)fputs("\n", stderr);
    }
#endif
}

static void pp_note_leak(void *ctx, const void *msg)
{
    struct pp_leaks *const leaks = (struct pp_leaks *)ctx;
    if (leaks->seen++ == 0)
        leaks->first = msg;
}

#ifndef PROTOPOOL_NO_STDIO
static void pp_count_leak(void *ctx, const void *msg)
{
    struct pp_leaks *const leaks = (struct pp_leaks *)ctx;
    const uint32_t variant = leaks->store->geometry->messages->variant_of(msg);
    if (variant - leaks->variant < PP_LEAKS_COUNTED)
        leaks->counts[variant - leaks->variant]++;
}

static void pp_print_leak_counts(struct protopool_store *store)
{
    const struct protopool_messages *const messages = store->geometry->messages;

    for (uint32_t variant = 0; variant < messages->variants; variant += PP_LEAKS_COUNTED) {
        struct pp_leaks leaks = { store, NULL, 0, variant, { 0 } };
        pp_each_in_store(store, pp_count_leak, &leaks);
        for (uint32_t i = 0; i < PP_LEAKS_COUNTED; i++)
            if (leaks.counts[i] != 0)
                (void)fprintf(stderr, "protopool: leak: %lu of %s\n", (unsigned long)leaks.counts[i],
                              messages->name_of(variant + i));
    }
}
#endif

/* Before the default handler, prints a list: each message with name and content, up to a bound, then counts per variant. */
static void pp_report_leaks(struct protopool_store *store, const void *owner)
{
    struct pp_leaks leaks = { store, NULL, 0, 0, { 0 } };

    pp_each_in_store(store, pp_fault_handler == NULL ? pp_print_leak : pp_note_leak, &leaks);
    if (leaks.seen == 0)
        return;
#ifndef PROTOPOOL_NO_STDIO
    if (pp_fault_handler == NULL)
        pp_print_leak_counts(store);
#endif
    pp_report_fault_at(PROTOPOOL_FAULT_LEAK, owner, leaks.first, pp_site_of(NULL));
}
#endif

/* ---- texts.c ----------------------------------------------------------------------------------------------------- */
/* Lists of texts: counts, writes and validates them. */

size_t protopool_texts_bytes(const char *const *texts, size_t count, size_t width, size_t most_texts, size_t longest,
                             size_t most)
{
    size_t bytes;

    if (count > most_texts || (texts == NULL && count != 0))
        return most + 1;
    bytes = count * width; /* at most `most` */
    for (size_t i = 0; i < count; i++) {
        const size_t length = protopool_text_length(texts[i], longest);
        if (length > longest || length >= most - bytes)
            return most + 1;
        bytes += length + 1;
    }
    return bytes;
}

static void pp_write_offset(unsigned char *at, size_t width, size_t offset)
{
    const uint32_t of_4 = (uint32_t)offset;
    const uint16_t of_2 = (uint16_t)offset;

    if (width == 1)
        *at = (unsigned char)offset;
    else if (width == sizeof of_2)
        memcpy(at, &of_2, sizeof of_2);
    else
        memcpy(at, &of_4, sizeof of_4);
}

void protopool_store_texts(void *to, const char *const *texts, size_t count, size_t width)
{
    unsigned char *const list = (unsigned char *)to;
    size_t end = count * width;

    for (size_t i = 0; i < count; i++) {
        const size_t bytes = protopool_text_length(texts[i], INT32_MAX) + 1;
        pp_write_offset(list + i * width, width, end);
        memcpy(list + end, texts[i], bytes);
        end += bytes;
    }
}

bool protopool_valid_texts(const void *list, size_t bytes, size_t count, size_t width, size_t longest)
{
    const char *const at = (const char *)list;
    size_t end = count * width; /* of the text before */

    if (count > bytes / width)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t most, length;
        if (end >= bytes || protopool_offset(list, width, i) != end)
            return false;
        most = bytes - end - 1 < longest ? bytes - end - 1 : longest;
        length = protopool_text_length(at + end, most);
        if (length > most)
            return false;
        end += length + 1;
    }
    return end == bytes;
}

/* ---- record.c ---------------------------------------------------------------------------------------------------- */
/* Records: reads the fields of a message by its description. For print.c and refusal.c. */

#ifndef _WIN32 /* where bit-fields of several types take more */
static_assert(sizeof(void *) != 8 || sizeof(struct protopool_field) == 56, "a field");
static_assert(sizeof(void *) != 8 || sizeof(struct protopool_record) == 24, "a record");
#endif

/* An unsigned integer of 1, 2, 4 or 8 bytes. */
static uint64_t pp_read_unsigned(const void *at, size_t bytes)
{
    uint8_t of_1;
    uint16_t of_2;
    uint32_t of_4;
    uint64_t of_8 = 0;

    switch (bytes) {
    case 1:
        memcpy(&of_1, at, sizeof of_1);
        return of_1;
    case 2:
        memcpy(&of_2, at, sizeof of_2);
        return of_2;
    case 4:
        memcpy(&of_4, at, sizeof of_4);
        return of_4;
    default:
        memcpy(&of_8, at, sizeof of_8);
        return of_8;
    }
}

/* The sign bit of a number of 1, 2, 4 or 8 bytes. */
static uint64_t pp_sign_bit(size_t bytes)
{
    return bytes == 1   ? UINT64_C(0x80)
           : bytes == 2 ? UINT64_C(0x8000)
           : bytes == 4 ? UINT64_C(0x80000000)
                        : UINT64_C(0x8000000000000000);
}

bool protopool_number_is_absent(const struct protopool_field *field, const void *number)
{
    const uint64_t absent = (uint64_t)field->presence_offset << 32 | field->length_offset;
    const uint64_t bits = pp_read_unsigned(number, field->bytes);
    const uint64_t sign = pp_sign_bit(field->bytes);

    if (field->type != PROTOPOOL_FLOAT)
        return bits == absent;
    if (protopool_is_nan(number, field->bytes))
        return absent == PROTOPOOL_NAN_(field->bytes);
    return bits == absent || ((bits | absent) & ~sign) == 0; /* 0.0 is -0.0 */
}

static uint64_t pp_sign_extended(uint64_t value, size_t bytes)
{
    const uint64_t sign = pp_sign_bit(bytes);
    return (value ^ sign) - sign;
}

/* The bits of an integer that no part has. */
static uint64_t pp_bits_of_no_part(const struct protopool_field *field, uint64_t integer)
{
    for (uint32_t i = 0; i < field->value_count; i++)
        integer &= ~(UINT64_MAX >> (64 - field->parts[i].bits) << field->parts[i].shift);
    return integer;
}

static double pp_read_real(const void *at, size_t bytes)
{
    struct protopool_f16 half;
    float narrow;
    double wide;

    if (bytes == sizeof half) {
        memcpy(&half, at, sizeof half);
        return (double)protopool_float_of(half);
    }
    if (bytes == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}

/* ---- decimal.c --------------------------------------------------------------------------------------------------- */
/* Decimal digits of integers and of floating-point numbers. For print.c. */

#ifndef PROTOPOOL_NO_STDIO

/* Writes the digits before `end`. Returns the first. Does not use printf: that of small C libraries has no 64 bits. */
static char *pp_digits_before(char *end, uint64_t value, bool is_hexadecimal)
{
    do {
        const uint64_t rest = is_hexadecimal ? value >> 4 : value / 10;
        *--end = "0123456789abcdef"[is_hexadecimal ? value & 15 : value - 10 * rest];
        value = rest;
    } while (value != 0);
    return end;
}

#define PP_MOST_DIGITS 17 /* a double needs no more */

/* The value d0.d1... * 10^exponent. */
struct pp_decimal {
    char digits[PP_MOST_DIGITS];
    int count, exponent;
};

#define PP_MOST_TEXT 40 /* of a decimal with all its digits */

/*
 * Reads a positive number that "%.*e" has printed: `count` digits, after the first one a decimal point of any locale, and an
 * exponent. Returns where that begins. NULL if the text is anything else: the printf of small C libraries may lack floating
 * point.
 */
static char *pp_read_decimal(char *text, int count, struct pp_decimal *decimal)
{
    char *at = text, *end;
    int exponent = 0;

    decimal->count = count;
    for (int i = 0; i < count; at++) {
        if (*at >= '0' && *at <= '9')
            decimal->digits[i++] = *at;
        else if (i != 1 || *at == '\0')
            return NULL;
    }
    end = at;
    if (at[0] != 'e' || (at[1] != '+' && at[1] != '-') || at[2] == '\0')
        return NULL;
    for (at += 2; *at >= '0' && *at <= '9' && exponent < 1000; at++)
        exponent = 10 * exponent + *at - '0';
    decimal->exponent = end[1] == '-' ? -exponent : exponent;
    return *at == '\0' ? end : NULL;
}

/* Prints a positive number with `count` digits into a text of PP_MOST_TEXT characters. Returns as pp_read_decimal. */
static char *pp_convert(char *text, double positive, int count, struct pp_decimal *decimal)
{
    text[0] = '\0';
    (void)snprintf(text, PP_MOST_TEXT, "%.*e", count - 1, positive);
    text[PP_MOST_TEXT - 1] = '\0';
    return pp_read_decimal(text, count, decimal);
}

static bool pp_reads_back(const char *text, double positive, bool is_float)
{
    return is_float ? strtof(text, NULL) == (float)positive : strtod(text, NULL) == positive;
}

/* Finds the fewest digits that read back as the same positive number of half precision. False as below. */
static bool pp_find_half(double positive, struct pp_decimal *found)
{
    const uint16_t bits = protopool_f16_of((float)positive).bits;
    char text[PP_MOST_TEXT];

    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        if (pp_convert(text, positive, count, found) == NULL)
            return false;
        if (protopool_f16_of(strtof(text, NULL)).bits == bits)
            return true;
    }
    return false;
}

/* Finds the fewest digits that read back as the same positive number, as the C library rounds it. False if that has no floating
 * point. pp_find_shortest does the same in less time. */
static inline bool pp_try_each_count(double positive, bool is_float, struct pp_decimal *found)
{
    char text[PP_MOST_TEXT];

    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        if (pp_convert(text, positive, count, found) == NULL)
            return false;
        if (pp_reads_back(text, positive, is_float))
            return true;
    }
    return false;
}

#ifdef __OPTIMIZE_SIZE__
#define pp_find_shortest pp_try_each_count
#else
#if defined __GNUC__ && FLT_EVAL_METHOD == 0
static bool pp_library_has_floats(void)
{
    static char known; /* 'y', 'n', or 0: not yet */
    char has = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (has == 0) {
        struct pp_decimal one;
        has = pp_try_each_count(1, false, &one) ? 'y' : 'n';
        __atomic_store_n(&known, has, __ATOMIC_RELAXED);
    }
    return has == 'y';
}

/*
 * Finds at most 15 digits, or 9 of a float, without the C library. False if there are none or in doubt.
 *
 * `number` and `scale` are exact, so their quotient is what strtod returns for these digits. At most one number of 15 digits
 * reads back as this double. Several of 9 digits read back as a float; the nearest is printed. It is in doubt if the number
 * may lie in the middle between two decimals. Its quotient is in doubt if it may lie in the middle between two floats.
 */
static bool pp_find_few(double positive, bool is_float, struct pp_decimal *found)
{
    const double most = is_float ? 1e9 : 1e15;
    double scale = 1;

    if (positive < 1e-4
        || positive >= (is_float ? 16777216 : most)) /* beyond, digits before the point may be left out */
        return false;
    for (int places = 0;; places++) {
        const double scaled = positive * scale + 0.5;
        const int64_t number = (int64_t)scaled; /* less than 10 * most */
        const double above = scaled - (double)number, back = (double)number / scale;
        char text[PP_MOST_TEXT];
        char *const end = text + sizeof text;
        uint64_t bits;

        memcpy(&bits, &back, sizeof bits);
        if (scaled >= most || (is_float && (bits & 0x1fffffff) == 0x10000000))
            return false;
        if (is_float ? (float)back == (float)positive : back == positive) {
            if (is_float && (above < 1e-6 || above > 1 - 1e-6))
                return false;
            found->count = (int)(end - pp_digits_before(end, (uint64_t)number, false));
            found->exponent = found->count - 1 - places;
            memcpy(found->digits, end - found->count, (size_t)found->count);
            return pp_library_has_floats();
        }
        scale *= 10;
    }
}
#else
#define pp_find_few(positive, is_float, found) false
#endif

/* A positive number divided by the distance to the next one. */
static uint64_t pp_significand(double positive, bool is_float)
{
    uint64_t bits;
    uint32_t narrow_bits;

    if (is_float) {
        const float narrow = (float)positive;
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        return narrow_bits >> 23 == 0 ? narrow_bits : (narrow_bits & 0x7fffff) | 0x800000;
    }
    memcpy(&bits, &positive, sizeof bits);
    return bits >> 52 == 0 ? bits : (bits & (UINT64_MAX >> 12)) | (uint64_t)1 << 52;
}

/*
 * Tries the number's 17 digits, rounded to fewer ones, unless the difference is more than half the distance to the next number.
 * Differences are in units of the 17th digit, which is rounded itself.
 */
static bool pp_find_shortest(double positive, bool is_float, struct pp_decimal *found)
{
    const uint64_t too_large = 100000000000000000; /* 10^17 */
    struct pp_decimal exact;
    char text[PP_MOST_TEXT], *end;
    uint64_t number = 0, unit = too_large, rest, distance;

    if (pp_find_few(positive, is_float, found))
        return true;
    end = pp_convert(text, positive, PP_MOST_DIGITS, &exact);
    if (end == NULL || exact.digits[0] == '0')
        return false;
    for (int i = 0; i < PP_MOST_DIGITS; i++)
        number = 10 * number + (uint64_t)(exact.digits[i] - '0');
    distance = number / pp_significand(positive, is_float) + 1;
    rest = number;
    for (int count = 1; count <= PP_MOST_DIGITS; count++) {
        uint64_t rounded;

        unit /= 10;
        rest -= unit * (uint64_t)(exact.digits[count - 1] - '0');
        if (2 * (rest < unit - rest ? rest : unit - rest) > distance)
            continue;
        rounded = number - rest + (2 * rest > unit ? unit : 0);
        if (2 * rest == unit || rounded == too_large) { /* in the middle; or it has a digit more */
            char again[PP_MOST_TEXT];
            if (pp_convert(again, positive, count, found) == NULL)
                return false;
            if (pp_reads_back(again, positive, is_float))
                return true;
            continue;
        }
        found->count = count;
        found->exponent = exact.exponent;
        (void)pp_digits_before(found->digits + PP_MOST_DIGITS, rounded, false);
        text[0] = found->digits[0];
        memcpy(end - (PP_MOST_DIGITS - 1), found->digits + 1, PP_MOST_DIGITS - 1);
        if (pp_reads_back(text, positive, is_float))
            return true;
    }
    return false;
}
#endif
#endif

/* ---- print.c ----------------------------------------------------------------------------------------------------- */
/* Printing values and messages, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

/* Follows the rules of fwrite, or of snprintf for a buffer. */
static void pp_write(struct protopool_printer *to, const char *text, size_t length)
{
    if (to->out != NULL) {
        if (fwrite(text, 1, length, to->out) != length)
            to->written = -1;
    } else {
        const size_t used = to->written > 0 ? (size_t)to->written : 0;
        if (used < to->room) {
            const size_t left = to->room - used - 1;
            const size_t fits = length < left ? length : left;
            memcpy(to->buffer + used, text, fits);
            to->buffer[used + fits] = '\0';
        }
    }
    if (to->written >= 0)
        to->written = length > (size_t)(INT_MAX - to->written) ? INT_MAX : to->written + (int)length;
}

void protopool_print(struct protopool_printer *to, const char *as_it_is)
{
    pp_write(to, as_it_is, strlen(as_it_is));
}

static void pp_print_new_line(struct protopool_printer *to)
{
    protopool_print(to, "\n");
    for (unsigned i = 0; i < to->depth; i++)
        protopool_print(to, "    ");
}

void protopool_print_begin(struct protopool_printer *to, const char *name, const char *bracket)
{
    if (name != NULL) {
        protopool_print(to, name);
        protopool_print(to, " ");
    }
    protopool_print(to, bracket);
    if (name != NULL && !to->is_pretty)
        protopool_print(to, " ");
    to->depth++;
    to->is_first = true;
}

void protopool_print_item(struct protopool_printer *to, const char *name)
{
    if (!to->is_first)
        protopool_print(to, to->is_pretty ? "," : ", ");
    if (to->is_pretty)
        pp_print_new_line(to);
    to->is_first = false;
    if (name != NULL) {
        protopool_print(to, name);
        protopool_print(to, ": ");
    }
}

void protopool_print_end(struct protopool_printer *to, const char *bracket)
{
    to->depth--;
    if (!to->is_pretty) {
        if (*bracket == '}')
            protopool_print(to, " ");
    } else if (!to->is_first) {
        protopool_print(to, ",");
        pp_print_new_line(to);
    }
    protopool_print(to, bracket);
    to->is_first = false;
}

static void pp_print_integer(struct protopool_printer *to, uint64_t value, bool is_hexadecimal)
{
    char text[sizeof "18446744073709551615"];
    char *const end = text + sizeof text;
    const char *const first = pp_digits_before(end, value, is_hexadecimal);
    pp_write(to, first, (size_t)(end - first));
}

void protopool_print_unsigned(struct protopool_printer *to, uint64_t value)
{
    pp_print_integer(to, value, false);
}

void protopool_print_signed(struct protopool_printer *to, int64_t value)
{
    if (value < 0)
        protopool_print(to, "-");
    pp_print_integer(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, false);
}

/* The name of a value; its number if it has none. */
static void pp_print_value(struct protopool_printer *to, const struct protopool_value *values, size_t count,
                           uint64_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].number == number) {
            protopool_print(to, values[i].name);
            return;
        }
    }
    protopool_print_unsigned(to, number);
}

void protopool_print_flags(struct protopool_printer *to, uint64_t value, const struct protopool_value *values,
                           size_t count)
{
    const char *between = "";

    for (size_t i = 0; i < count; i++) {
        if ((value & values[i].number) == 0)
            continue;
        protopool_print(to, between);
        protopool_print(to, values[i].name);
        between = " | ";
        value &= ~values[i].number;
    }
    if (value != 0) {
        protopool_print(to, between);
        protopool_print(to, "0x");
        pp_print_integer(to, value, true);
    } else if (*between == '\0') {
        pp_print_value(to, values, count, 0);
    }
}

void protopool_print_bool(struct protopool_printer *to, bool value)
{
    protopool_print(to, value ? "true" : "false");
}

#define PP_MOST_ESCAPE sizeof "'\\u{10ffff}'"

/* Writes `\u{code}`, or for a byte that is not UTF-8 `\xcode`, before `end`. Returns the first character. */
static char *pp_escape_before(char *end, uint32_t code, bool is_byte)
{
    if (!is_byte)
        *--end = '}';
    end = pp_digits_before(end, code, true);
    if (!is_byte)
        *--end = '{';
    *--end = is_byte ? 'x' : 'u';
    *--end = '\\';
    return end;
}

/* Writes a byte, or an escape for it, before `end`. The quote that surrounds it is escaped too. Returns the first character. */
static char *pp_byte_before(char *end, unsigned char byte, char quote)
{
    char letter = (char)byte;

    if (byte == '\0')
        letter = '0';
    else if (byte == '\t')
        letter = 't';
    else if (byte == '\n')
        letter = 'n';
    else if (byte == '\r')
        letter = 'r';
    else if (byte < 0x20 || byte >= 0x7f)
        return pp_escape_before(end, byte, byte >= 0x80);
    *--end = letter;
    if (byte < 0x20 || letter == '\\' || letter == quote)
        *--end = '\\';
    return end;
}

void protopool_print_char(struct protopool_printer *to, char value)
{
    char text[PP_MOST_ESCAPE];
    char *const end = text + sizeof text - 1;
    char *first = pp_byte_before(end, (unsigned char)value, '\'');

    *end = '\'';
    *--first = '\'';
    pp_write(to, first, (size_t)(end - first) + 1);
}

/* The length of the UTF-8 sequence of two to four bytes that begins here, and its character. 0 if there is none (Unicode 15,
 * table 3-7). */
static size_t pp_utf8_sequence(const unsigned char *bytes, size_t left, uint32_t *character)
{
    static const uint32_t lowest[] = { 0x80, 0x800, 0x10000 };
    const size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;

    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length > left)
        return 0;
    *character = bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (bytes[i] & 0x3fU);
    }
    if (*character < lowest[length - 2] || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return length;
}

/* Whether a character beyond ASCII acts on a terminal: C1 controls and bidirectional controls. */
static bool pp_is_control(uint32_t character)
{
    return character < 0xa0 || character == 0x61c || character == 0x200e || character == 0x200f
           || (character >= 0x2028 && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}

/* How many of the first bytes, at most a word, are printed as they are, for certain: ASCII without controls, quotes, backslashes. */
static inline size_t pp_plain_bytes(const char *at, size_t left)
{
#ifdef __OPTIMIZE_SIZE__
    (void)at;
    (void)left;
    return 0;
#else
    const uint64_t each = UINT64_MAX / 0xff; /* 1 in each byte */
    uint64_t word, found;                    /* in the lowest byte that is not plain, `found` has the highest bit */

    if (left < sizeof word)
        return 0;
    memcpy(&word, at, sizeof word);
    found = word | (word + each) | (word - 0x20 * each);
    found |= ((word ^ '"' * each) - each) | ((word ^ '\\' * each) - each);
    return (found & 0x80 * each) == 0 ? sizeof word : 0;
#endif
}

void protopool_print_text(struct protopool_printer *to, const char *text, size_t length)
{
    const unsigned char *const bytes = (const unsigned char *)text;
    size_t written = 0, at = 0, step;

    protopool_print(to, "\"");
    for (; at < length; at += step) {
        char escape[PP_MOST_ESCAPE];
        char *const end = escape + sizeof escape;
        const char *first = end;
        uint32_t character = 0;

        step = pp_plain_bytes(text + at, length - at);
        if (step != 0)
            continue;
        step = bytes[at] < 0x80 ? 0 : pp_utf8_sequence(bytes + at, length - at, &character);
        if (step == 0) {
            step = 1;
            first = pp_byte_before(end, bytes[at], '"');
        } else if (pp_is_control(character)) {
            first = pp_escape_before(end, character, false);
        }
        if (end - first > 1) {
            pp_write(to, text + written, at - written);
            pp_write(to, first, (size_t)(end - first));
            written = at + step;
        }
    }
    pp_write(to, text + written, length - written);
    protopool_print(to, "\"");
}

/* In Rust's form. */
static void pp_print_decimal(struct protopool_printer *to, const struct pp_decimal *decimal)
{
    const int exponent = decimal->exponent;
    const bool is_long = exponent < -4 || exponent > 15;
    const int whole = is_long ? 1 : exponent < 0 ? 0 : exponent + 1; /* digits before the point */
    const int given = decimal->count < whole ? decimal->count : whole;

    if (whole == 0)
        pp_write(to, "0.000", (size_t)(1 - exponent));
    pp_write(to, decimal->digits, (size_t)given);
    pp_write(to, "000000000000000", (size_t)(whole - given));
    if (whole != 0 && (decimal->count > given || !is_long))
        protopool_print(to, ".");
    pp_write(to, decimal->digits + given, (size_t)(decimal->count - given));
    if (is_long) {
        protopool_print(to, "e");
        protopool_print_signed(to, exponent);
    } else if (decimal->count <= given) {
        protopool_print(to, "0");
    }
}

/* Prints a positive number as C's "%a" does, if the C library cannot print decimals. */
static void pp_print_bits(struct protopool_printer *to, uint64_t bits)
{
    const int exponent = bits >> 52 == 0 ? -1022 : (int)(bits >> 52) - 1023;
    char digit;

    protopool_print(to, bits >> 52 == 0 ? "0x0" : "0x1");
    bits <<= 12;
    if (bits != 0)
        protopool_print(to, ".");
    for (; bits != 0; bits <<= 4) {
        digit = "0123456789abcdef"[bits >> 60];
        pp_write(to, &digit, 1);
    }
    protopool_print(to, exponent < 0 ? "p" : "p+");
    protopool_print_signed(to, exponent);
}

/* bytes: of the number, which is printed with the fewest digits for its precision. */
static void pp_print_number(struct protopool_printer *to, double value, size_t bytes)
{
    struct pp_decimal decimal;
    uint64_t bits;

    static_assert(sizeof bits == sizeof value, "a double is of 64 bits");
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        protopool_print(to, "NaN");
        return;
    }
    if (bits >> 63 != 0)
        protopool_print(to, "-");
    bits &= UINT64_MAX >> 1;
    if (bits == 0 || bits >> 52 == 0x7ff)
        protopool_print(to, bits == 0 ? "0.0" : "inf");
    else if (bytes == sizeof(struct protopool_f16)
                 ? pp_find_half(value < 0 ? -value : value, &decimal)
                 : pp_find_shortest(value < 0 ? -value : value, bytes == sizeof(float), &decimal))
        pp_print_decimal(to, &decimal);
    else
        pp_print_bits(to, bits);
}

void protopool_print_f16(struct protopool_printer *to, struct protopool_f16 value)
{
    pp_print_number(to, (double)protopool_float_of(value), sizeof value);
}

void protopool_print_float(struct protopool_printer *to, float value)
{
    pp_print_number(to, (double)value, sizeof value);
}

void protopool_print_double(struct protopool_printer *to, double value)
{
    pp_print_number(to, value, sizeof value);
}

/* Messages, by their descriptions. */

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record,
                            const unsigned char *at);

/* `{ part: value, ... }`, with the bits of no part in hexadecimal. */
static void pp_print_parts(struct protopool_printer *to, const struct protopool_field *field, uint64_t integer)
{
    const uint64_t left = pp_bits_of_no_part(field, integer);

    protopool_print_begin(to, NULL, to->is_pretty ? "{" : "{ ");
    for (uint32_t i = 0; i < field->value_count; i++) {
        const struct protopool_part *const part = &field->parts[i];
        const uint64_t number = protopool_part_of(part, integer);
        protopool_print_item(to, part->name);
        if (part->type == PROTOPOOL_BOOL)
            protopool_print_bool(to, number != 0);
        else
            pp_print_value(to, part->values, part->value_count, number);
    }
    if (left != 0) {
        protopool_print_item(to, "reserved");
        protopool_print(to, "0x");
        pp_print_integer(to, left, true);
    }
    protopool_print_end(to, "}");
}

static void pp_print_alternative(struct protopool_printer *to, const struct protopool_field *field,
                                 const unsigned char *of);

static void pp_print_element(struct protopool_printer *to, const struct protopool_field *field, const unsigned char *at)
{
    uint64_t bits;

    switch (field->type) {
    case PROTOPOOL_BOOL:
        protopool_print_bool(to, *at != 0);
        return;
    case PROTOPOOL_FLOAT:
        pp_print_number(to, pp_read_real(at, field->bytes), field->bytes);
        return;
    case PROTOPOOL_CHAR:
        protopool_print_char(to, *(const char *)at);
        return;
    case PROTOPOOL_STRUCT:
        pp_print_record(to, field->record, at);
        return;
    case PROTOPOOL_ONE_OF:
        pp_print_alternative(to, field, at - field->offset);
        return;
    case PROTOPOOL_UNSIGNED:
    case PROTOPOOL_SIGNED:
    case PROTOPOOL_ENUM:
    case PROTOPOOL_FLAGS:
    case PROTOPOOL_BITS:
    case PROTOPOOL_TEXT:
    case PROTOPOOL_TEXTS:
    default:
        break;
    }
    bits = pp_read_unsigned(at, field->bytes);
    if (field->type == PROTOPOOL_FLAGS) {
        protopool_print_flags(to, bits, field->values, field->value_count);
        return;
    }
    if (field->type == PROTOPOOL_BITS) {
        pp_print_parts(to, field, bits);
        return;
    }
    if (field->type == PROTOPOOL_SIGNED || field->is_signed)
        bits = pp_sign_extended(bits, field->bytes);
    for (uint32_t i = 0; field->type == PROTOPOOL_ENUM && i < field->value_count; i++) {
        if (field->values[i].number == bits) {
            protopool_print(to, field->values[i].name);
            return;
        }
    }
    if (field->type == PROTOPOOL_SIGNED || field->is_signed)
        protopool_print_signed(to, (int64_t)bits);
    else
        protopool_print_unsigned(to, bits);
}

/* A field that is there. */
static void pp_print_field(struct protopool_printer *to, const struct protopool_record *record,
                           const struct protopool_field *field, const unsigned char *of)
{
    const unsigned char *const at = (const unsigned char *)protopool_field_at(record, field, of);
    const size_t length = protopool_field_length(field, of);

    if (field->type == PROTOPOOL_TEXT) {
        const char *const text = (const char *)at;
        protopool_print_text(to, text,
                             field->length_bytes != 0 ? length : protopool_unpadded_length(text, length, field->pad));
    } else if (field->type == PROTOPOOL_TEXTS) {
        protopool_print_begin(to, NULL, "[");
        for (size_t i = 0; i < length; i++) {
            const char *const text = protopool_field_text(field, at, i);
            protopool_print_item(to, NULL);
            protopool_print_text(to, text, protopool_text_length(text, INT32_MAX));
        }
        protopool_print_end(to, "]");
    } else if (field->is_list) {
        protopool_print_begin(to, NULL, "[");
        for (size_t i = 0; i < length; i++) {
            protopool_print_item(to, NULL);
            pp_print_element(to, field, at + i * field->bytes);
        }
        protopool_print_end(to, "]");
    } else {
        pp_print_element(to, field, at);
    }
}

/* `name(value)` */
static void pp_print_alternative(struct protopool_printer *to, const struct protopool_field *field,
                                 const unsigned char *of)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);

    if (alternative == NULL) {
        protopool_print(to, "None");
        return;
    }
    protopool_print(to, alternative->name);
    protopool_print(to, "(");
    pp_print_field(to, field->record, alternative, of);
    protopool_print(to, ")");
}

static void pp_print_record(struct protopool_printer *to, const struct protopool_record *record,
                            const unsigned char *at)
{
    protopool_print_begin(to, record->name, "{");
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        protopool_print_item(to, field->name);
        if (field->presence_mask == 0) {
            pp_print_field(to, record, field, at);
        } else if (protopool_field_present(field, at)) {
            protopool_print(to, "Some(");
            pp_print_field(to, record, field, at);
            protopool_print(to, ")");
        } else {
            protopool_print(to, "None");
        }
    }
    protopool_print_end(to, "}");
}

void protopool_print_message(struct protopool_printer *to, const struct protopool_record *record, const void *msg)
{
    if (record == NULL)
        protopool_print(to, "<no message>");
    else if (record->field_count == 0)
        protopool_print(to, record->name);
    else
        pp_print_record(to, record, (const unsigned char *)msg);
}

#ifdef PROTOPOOL_TRACE
void protopool_trace_bytes(const char *what, const void *slot, size_t bytes)
{
    printf("%s: %p [", what, slot);
    for (size_t i = 0; i < bytes; i++)
        printf("%s%02x", i == 0 ? "" : ", ", ((const unsigned char *)slot)[i]);
    printf("]\n");
}
#endif
#endif

/* ---- hash.c ------------------------------------------------------------------------------------------------------ */
/* Hashes numbers: the same on every machine. */

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014) over the hash so far and the next 8 bytes. */
static inline uint64_t pp_hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* The last bytes of numbers as one little-endian number: 1 to 7, or 8 on a big-endian machine. `bytes`: of each number. */
static uint64_t pp_gather(const unsigned char *at, size_t bytes, size_t rest)
{
    const size_t swap = protopool_is_little_endian() ? 0 : bytes - 1;
    uint64_t word = 0;

    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)at[i ^ swap] << 8 * i;
    return word;
}

static inline uint64_t pp_hash_numbers(uint64_t hash, const void *numbers, size_t bytes, size_t count)
{
    const unsigned char *at = (const unsigned char *)numbers;
    size_t rest = bytes * count;
    uint64_t word;

    for (; rest >= sizeof word; rest -= sizeof word, at += sizeof word) {
        if (protopool_is_little_endian())
            memcpy(&word, at, sizeof word);
        else
            word = pp_gather(at, bytes, sizeof word);
        hash = pp_hash_word(hash, word);
    }
    return rest != 0 ? pp_hash_word(hash, pp_gather(at, bytes, rest)) : hash;
}

uint64_t protopool_hash_u64(uint64_t hash, uint64_t number)
{
    return pp_hash_word(hash, number);
}

uint64_t protopool_hash_numbers(uint64_t hash, const void *numbers, size_t bytes, size_t count)
{
    return pp_hash_numbers(hash, numbers, bytes, count);
}

uint64_t protopool_hash_list(uint64_t hash, const void *numbers, size_t bytes, size_t count)
{
    return pp_hash_numbers(pp_hash_word(hash, count), numbers, bytes, count);
}

/* ---- refusal.c --------------------------------------------------------------------------------------------------- */
/* Refusals: finds the field for which a constructor returned NULL, and passes it to the program's handler. */

static protopool_refusal_handler *pp_refusal_handler;

protopool_refusal_handler *protopool_set_refusal_handler(protopool_refusal_handler *handler)
{
    protopool_refusal_handler *const previous = pp_refusal_handler;
    pp_refusal_handler = handler;
    return previous;
}

#define PP_NAMES_SHOWN 8U /* an enum with more values is not listed */

/* A search for the field that breaks a rule of the schema: its name, the rule, and the text about it. */
struct pp_search {
    enum protopool_rule rule;
    char path[PROTOPOOL_PATH_BYTES_];
    size_t path_length;
    const struct protopool_range *ranges; /* those of the protocol. At level 0 the fields have only their numbers */
#ifndef PROTOPOOL_NO_STDIO
    struct protopool_printer to;
#endif
};

static void pp_append_to_path(struct pp_search *search, const char *name)
{
    while (*name != '\0' && search->path_length < PROTOPOOL_PATH_BYTES_ - 1)
        search->path[search->path_length++] = *name++;
    search->path[search->path_length] = '\0';
}

static void pp_append_index(struct pp_search *search, size_t index)
{
    char digits[24];
    size_t at = sizeof digits;

    digits[--at] = '\0';
    digits[--at] = ']';
    do {
        digits[--at] = (char)('0' + index % 10);
        index /= 10;
    } while (index != 0);
    digits[--at] = '[';
    pp_append_to_path(search, &digits[at]);
}

static void pp_cut_path(struct pp_search *search, size_t length)
{
    search->path_length = length;
    search->path[length] = '\0';
}

#ifdef PROTOPOOL_NO_STDIO
#define PP_APPEND(search, text) ((void)(search), (void)(text))
#define PP_APPEND_INTEGER(search, number, is_hexadecimal) ((void)(number))
#else
#define PP_APPEND(search, text) protopool_print(&(search)->to, text)
#define PP_APPEND_INTEGER(search, number, is_hexadecimal) pp_print_integer(&(search)->to, number, is_hexadecimal)
#endif

/* Notes that the field at the path breaks a rule. Returns true, for the caller to return. */
static bool pp_note_rule(struct pp_search *search, enum protopool_rule rule)
{
    search->rule = rule;
    PP_APPEND(search, search->path);
    return true;
}

/* Whether a > b. Signed numbers are converted to uint64_t. */
static bool pp_is_more(uint64_t a, uint64_t b, bool is_signed)
{
    const uint64_t flip = (uint64_t)is_signed << 63;
    return (a ^ flip) > (b ^ flip);
}

static void pp_append_number(struct pp_search *search, const struct protopool_field *field, uint64_t number)
{
#ifndef PROTOPOOL_NO_STDIO
    if (field->type == PROTOPOOL_CHAR)
        protopool_print_char(&search->to, (char)number);
    else if (field->type == PROTOPOOL_SIGNED)
        protopool_print_signed(&search->to, (int64_t)number);
    else
        protopool_print_unsigned(&search->to, number);
#endif
    (void)search;
    (void)field;
    (void)number;
}

/* The range of a number or character; NULL: none. */
static inline const struct protopool_range *pp_range_of(const struct pp_search *search,
                                                        const struct protopool_field *field)
{
#if PROTOPOOL_CHECK >= 1
    (void)search;
    return field->range;
#else
    return field->range_number != 0 ? &search->ranges[field->range_number - 1] : NULL;
#endif
}

/* bytes: of the value. The argument for a number of half precision is a float. */
static bool pp_is_out_of_range(struct pp_search *search, const struct protopool_field *field,
                               const struct protopool_range *range, const void *at, size_t bytes)
{
    uint64_t number = 0;
    bool is_signed = field->type == PROTOPOOL_SIGNED;

    if (field->type == PROTOPOOL_FLOAT) {
        const double real = pp_read_real(at, bytes);
        if (real >= range->least.real && real <= range->most.real)
            return false;
        (void)pp_note_rule(search, PROTOPOOL_RULE_RANGE);
#ifndef PROTOPOOL_NO_STDIO
        protopool_print(&search->to, " ");
        pp_print_number(&search->to, real, bytes);
        protopool_print(&search->to, " is not in ");
        pp_print_number(&search->to, range->least.real, field->bytes);
        protopool_print(&search->to, "..");
        pp_print_number(&search->to, range->most.real, field->bytes);
#endif
        return true;
    }
    if (field->type == PROTOPOOL_CHAR) {
        char character;
        memcpy(&character, at, sizeof character);
        number = (uint64_t)character;
        is_signed = true;
    } else {
        number = pp_read_unsigned(at, field->bytes);
        if (is_signed)
            number = pp_sign_extended(number, field->bytes);
    }
    if (!pp_is_more(range->least.number, number, is_signed) && !pp_is_more(number, range->most.number, is_signed))
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_RANGE);
    PP_APPEND(search, " ");
    pp_append_number(search, field, number);
    PP_APPEND(search, " is not in ");
    pp_append_number(search, field, range->least.number);
    PP_APPEND(search, "..");
    pp_append_number(search, field, range->most.number);
    return true;
}

#if PROTOPOOL_CHECK >= 1
/* A number that means that its field is absent, as an argument. */
static bool pp_is_absent_number(struct pp_search *search, const struct protopool_field *field,
                                const struct protopool_argument *argument)
{
    const void *at = argument->at;
    struct protopool_f16 half;
    uint64_t number;

    if (field->presence_mask != PROTOPOOL_BY_NUMBER)
        return false;
    if (argument->bytes > field->bytes) { /* a float, for a number of half precision */
        half = protopool_f16_of((float)pp_read_real(at, argument->bytes));
        at = &half;
    }
    if (!protopool_number_is_absent(field, at))
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_ABSENT);
    PP_APPEND(search, " ");
    number = pp_read_unsigned(at, field->bytes);
#ifndef PROTOPOOL_NO_STDIO
    if (field->type == PROTOPOOL_FLOAT)
        pp_print_number(&search->to, pp_read_real(at, field->bytes), field->bytes);
    else
#endif
        pp_append_number(search, field,
                         field->type == PROTOPOOL_SIGNED ? pp_sign_extended(number, field->bytes) : number);
    PP_APPEND(search, " means absent: pass NULL");
    return true;
}
#endif

static void pp_append_names(struct pp_search *search, const struct protopool_value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count && count <= PP_NAMES_SHOWN; i++) {
        PP_APPEND(search, i == 0 ? ": it has " : ", ");
        PP_APPEND(search, values[i].name);
    }
}

/* bytes: of the value. That of an argument is wider than that of a member. */
static bool pp_is_undeclared(struct pp_search *search, const struct protopool_field *field, const void *at,
                             size_t bytes)
{
    const uint64_t number = pp_read_unsigned(at, bytes);
    const uint64_t extended = pp_sign_extended(number, bytes);
    const bool is_negative = field->is_signed && extended >> 63 != 0;

    for (uint32_t i = 0; i < field->value_count; i++)
        if (field->values[i].number == number || field->values[i].number == extended)
            return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_ENUM);
    PP_APPEND(search, is_negative ? " -" : " ");
    PP_APPEND_INTEGER(search, is_negative ? 0 - extended : number, false);
    PP_APPEND(search, " is not declared");
    pp_append_names(search, field->values, field->value_count);
    return true;
}

/* bits: those that are not declared. */
static bool pp_are_undeclared_bits(struct pp_search *search, uint64_t bits)
{
    if (bits == 0)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_FLAGS);
    PP_APPEND(search, " has bits that are not declared: 0x");
    PP_APPEND_INTEGER(search, bits, true);
    return true;
}

static bool pp_has_undeclared_bits(struct pp_search *search, const struct protopool_field *field, const void *at)
{
    uint64_t bits = pp_read_unsigned(at, field->bytes);

    for (uint32_t i = 0; i < field->value_count; i++)
        bits &= ~field->values[i].number;
    return pp_are_undeclared_bits(search, bits);
}

static bool pp_is_wrong_part(struct pp_search *search, const struct protopool_part *part, uint64_t number)
{
    const bool is_enum = part->type == PROTOPOOL_ENUM;

    if (part->type == PROTOPOOL_BOOL || (!is_enum && number >= part->least && number <= part->most))
        return false;
    for (uint32_t i = 0; i < part->value_count; i++)
        if (part->values[i].number == number)
            return false;
    pp_append_to_path(search, ".");
    pp_append_to_path(search, part->name);
    (void)pp_note_rule(search, is_enum ? PROTOPOOL_RULE_ENUM : PROTOPOOL_RULE_RANGE);
    PP_APPEND(search, " ");
    PP_APPEND_INTEGER(search, number, false);
    if (is_enum) {
        PP_APPEND(search, " is not declared");
        pp_append_names(search, part->values, part->value_count);
    } else {
        PP_APPEND(search, " is not in ");
        PP_APPEND_INTEGER(search, part->least, false);
        PP_APPEND(search, "..");
        PP_APPEND_INTEGER(search, part->most, false);
    }
    return true;
}

static bool pp_has_wrong_parts(struct pp_search *search, const struct protopool_field *field, const void *at)
{
    const uint64_t integer = pp_read_unsigned(at, field->bytes);

    for (uint32_t i = 0; i < field->value_count; i++)
        if (pp_is_wrong_part(search, &field->parts[i], protopool_part_of(&field->parts[i], integer)))
            return true;
    return pp_are_undeclared_bits(search, pp_bits_of_no_part(field, integer));
}

static bool pp_is_too_long(struct pp_search *search, const struct protopool_field *field, size_t length)
{
    if (length <= field->count)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND(search, " has ");
    PP_APPEND_INTEGER(search, length, false);
    PP_APPEND(search, field->type == PROTOPOOL_TEXT ? " characters, at most " : " elements, at most ");
    PP_APPEND_INTEGER(search, field->count, false);
    return true;
}

static bool pp_is_null(struct pp_search *search)
{
    (void)pp_note_rule(search, PROTOPOOL_RULE_NULL);
    PP_APPEND(search, " is NULL");
    return true;
}

static bool pp_is_longer(struct pp_search *search, size_t longest)
{
    (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND(search, " has more than ");
    PP_APPEND_INTEGER(search, longest, false);
    PP_APPEND(search, " characters");
    return true;
}

static bool pp_is_wrong_record(struct pp_search *search, const struct protopool_record *record, const void *from);
static bool pp_is_wrong_alternative(struct pp_search *search, const struct protopool_field *field, const void *from);

static bool pp_is_wrong_element(struct pp_search *search, const struct protopool_field *field, const void *at,
                                size_t bytes)
{
    const struct protopool_range *range;

    switch (field->type) {
    case PROTOPOOL_BOOL:
        if (protopool_is_bool(at))
            return false;
        (void)pp_note_rule(search, PROTOPOOL_RULE_BOOL);
        PP_APPEND(search, " is neither false nor true");
        return true;
    case PROTOPOOL_ENUM:
        return pp_is_undeclared(search, field, at, bytes);
    case PROTOPOOL_FLAGS:
        return pp_has_undeclared_bits(search, field, at);
    case PROTOPOOL_BITS:
        return pp_has_wrong_parts(search, field, at);
    case PROTOPOOL_STRUCT:
        return pp_is_wrong_record(search, field->record, at);
    case PROTOPOOL_ONE_OF:
        return pp_is_wrong_alternative(search, field, (const unsigned char *)at - field->offset);
    case PROTOPOOL_UNSIGNED:
    case PROTOPOOL_SIGNED:
    case PROTOPOOL_FLOAT:
    case PROTOPOOL_CHAR:
        range = pp_range_of(search, field);
        return range != NULL && pp_is_out_of_range(search, field, range, at, bytes);
    case PROTOPOOL_TEXT:
    case PROTOPOOL_TEXTS:
    default:
        return false;
    }
}

/* Whether the field's numbers have no rule, so that none need be looked at: a tail can have very many. */
static bool pp_allows_all(const struct pp_search *search, const struct protopool_field *field)
{
    return (field->type == PROTOPOOL_UNSIGNED || field->type == PROTOPOOL_SIGNED || field->type == PROTOPOOL_FLOAT
            || field->type == PROTOPOOL_CHAR)
           && pp_range_of(search, field) == NULL;
}

static bool pp_has_wrong_element(struct pp_search *search, const struct protopool_field *field, const void *at,
                                 size_t bytes, size_t length)
{
    const size_t path = search->path_length;

    for (size_t i = 0; i < length && !pp_allows_all(search, field); i++) {
        if (field->is_list)
            pp_append_index(search, i);
        if (pp_is_wrong_element(search, field, (const unsigned char *)at + i * bytes, bytes))
            return true;
        pp_cut_path(search, path);
    }
    return false;
}

/* A text in a record has this length and its terminator there. */
static bool pp_is_wrong_text(struct pp_search *search, const struct protopool_field *field, const char *text,
                             size_t length)
{
    const size_t found = protopool_text_length(text, field->count);

    if (found == length)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_TEXT);
    if (found > field->count) {
        PP_APPEND(search, " is not terminated within ");
        PP_APPEND_INTEGER(search, field->count, false);
        PP_APPEND(search, " characters");
    } else {
        PP_APPEND(search, " has ");
        PP_APPEND_INTEGER(search, found, false);
        PP_APPEND(search, " characters, and its length is ");
        PP_APPEND_INTEGER(search, length, false);
    }
    return true;
}

static bool pp_is_wrong_member(struct pp_search *search, const struct protopool_field *field, const void *from)
{
    const unsigned char *const at = (const unsigned char *)from + field->offset;
    size_t length = field->count;

    if (field->is_tail || !protopool_field_present(field, from))
        return false;
    if (field->length_bytes != 0)
        length = (size_t)pp_read_unsigned((const unsigned char *)from + field->length_offset, field->length_bytes);
    if (field->type == PROTOPOOL_TEXT)
        return field->length_bytes != 0 && pp_is_wrong_text(search, field, (const char *)at, length);
    return pp_is_too_long(search, field, length) || pp_has_wrong_element(search, field, at, field->bytes, length);
}

static void pp_append_alternatives(struct pp_search *search, const struct protopool_record *alternatives)
{
    const struct protopool_field *const fields = alternatives->fields;

    for (uint32_t i = 0; fields != NULL && i < alternatives->field_count && alternatives->field_count <= PP_NAMES_SHOWN;
         i++) {
        PP_APPEND(search, i == 0 ? " of " : ", ");
        PP_APPEND(search, fields[i].name);
    }
}

static bool pp_is_wrong_alternative(struct pp_search *search, const struct protopool_field *field, const void *from)
{
    const struct protopool_field *const alternative = protopool_alternative(field, from);

    if (alternative == NULL) {
        (void)pp_note_rule(search, PROTOPOOL_RULE_ONE_OF);
        PP_APPEND(search, " is none");
        pp_append_alternatives(search, field->record);
        return true;
    }
    pp_append_to_path(search, ".");
    pp_append_to_path(search, alternative->name);
    return pp_is_wrong_member(search, alternative, from);
}

static bool pp_is_wrong_record(struct pp_search *search, const struct protopool_record *record, const void *from)
{
    const size_t path = search->path_length;

    for (uint32_t i = 0; i < record->field_count; i++) {
        if (path != 0)
            pp_append_to_path(search, ".");
        pp_append_to_path(search, record->fields[i].name);
        if (pp_is_wrong_member(search, &record->fields[i], from))
            return true;
        pp_cut_path(search, path);
    }
    return false;
}

/* Texts that a constructor gets: none is NULL or too long. */
static bool pp_has_wrong_text(struct pp_search *search, const struct protopool_field *field, const char *const *texts,
                              size_t count)
{
    const size_t path = search->path_length, longest = field->limits->characters;

    if (texts == NULL && count != 0)
        return pp_is_null(search);
    for (size_t i = 0; i < count; i++) {
        pp_append_index(search, i);
        if (texts[i] == NULL)
            return pp_is_null(search);
        if (protopool_text_length(texts[i], longest) > longest)
            return pp_is_longer(search, longest);
        pp_cut_path(search, path);
    }
    return false;
}

static bool pp_is_wrong_tail(struct pp_search *search, const struct protopool_field *field, const void *at,
                             size_t length)
{
    if (pp_is_too_long(search, field, length))
        return true;
    if (field->type == PROTOPOOL_TEXTS)
        return pp_has_wrong_text(search, field, (const char *const *)at, length);
    if (field->type != PROTOPOOL_TEXT)
        return pp_has_wrong_element(search, field, at, field->bytes, length);
    for (size_t i = 0; i < length; i++) {
        if (((const char *)at)[i] != '\0')
            continue;
        (void)pp_note_rule(search, PROTOPOOL_RULE_TEXT);
        PP_APPEND(search, " has a NUL at ");
        PP_APPEND_INTEGER(search, i, false);
        return true;
    }
    return false;
}

#if PROTOPOOL_CHECK >= 1
static bool pp_is_wrong_argument(struct pp_search *search, const struct protopool_field *field,
                                 const struct protopool_argument *argument)
{
    if (argument->at == NULL && field->presence_mask != 0) {
        if (!field->is_tail || argument->length == 0)
            return false;
        (void)pp_note_rule(search, PROTOPOOL_RULE_NULL);
        PP_APPEND(search, " is NULL, and its length is ");
        PP_APPEND_INTEGER(search, argument->length, false);
        return true;
    }
    if (pp_is_absent_number(search, field, argument))
        return true;
    if (field->is_tail)
        return pp_is_wrong_tail(search, field, argument->at, argument->length);
    if (field->type != PROTOPOOL_TEXT)
        return (field->is_list && pp_is_too_long(search, field, argument->length))
               || pp_has_wrong_element(search, field, argument->at, argument->bytes, argument->length);
    if (argument->at == NULL)
        return pp_is_null(search);
    return protopool_text_length((const char *)argument->at, field->count) > field->count
           && pp_is_longer(search, field->count);
}

/* The bytes of a tail of these elements. */
static uint64_t pp_bytes_of(const struct protopool_field *field, const struct protopool_argument *argument)
{
    const char *const *const texts = (const char *const *)argument->at;
    uint64_t bytes = (uint64_t)argument->length * field->bytes + (field->type == PROTOPOOL_TEXT);

    for (size_t i = 0; field->type == PROTOPOOL_TEXTS && i < argument->length; i++)
        bytes += protopool_text_length(texts[i], INT32_MAX) + 1;
    return bytes;
}

/* One argument for each alternative. Of these, one is not NULL; if the field is optional, none need be. */
static bool pp_is_wrong_choice(struct pp_search *search, const struct protopool_field *field,
                               const struct protopool_argument *arguments)
{
    const struct protopool_record *const alternatives = field->record;
    uint32_t given = 0, last = 0;

    for (uint32_t i = 0; i < alternatives->field_count; i++) {
        if (arguments[i].at != NULL) {
            given++;
            last = i;
        }
    }
    if (given > 1 || (given == 0 && field->presence_mask == 0)) {
        (void)pp_note_rule(search, PROTOPOOL_RULE_ONE_OF);
        PP_APPEND(search, given == 0 ? " is none" : " is several");
        pp_append_alternatives(search, alternatives);
        return true;
    }
    if (given == 0)
        return false;
    pp_append_to_path(search, ".");
    pp_append_to_path(search, alternatives->fields[last].name);
    return pp_is_wrong_argument(search, &alternatives->fields[last], &arguments[last]);
}

static uint32_t pp_arguments_of(const struct protopool_field *field)
{
    return field->type == PROTOPOOL_ONE_OF ? field->record->field_count : 1;
}

/* Finds the tail that makes a message too large although no tail alone is too long. arguments: those of all fields, or only
 * those of tails. */
static bool pp_is_too_large(struct pp_search *search, const struct protopool_record *message,
                            const struct protopool_argument *arguments, bool has_all)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct protopool_field *const field = &message->fields[i];
        const struct protopool_argument *const argument = arguments;
        arguments += has_all ? pp_arguments_of(field) : field->is_tail;
        if (!field->is_tail)
            continue;
        end = end == 0 ? field->offset : PROTOPOOL_UP_(end, field->align);
        end += pp_bytes_of(field, argument);
        if (end <= INT32_MAX)
            continue;
        pp_cut_path(search, 0);
        pp_append_to_path(search, field->name);
        (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(search, " makes a message of ");
        PP_APPEND_INTEGER(search, end, false);
        PP_APPEND(search, " bytes, at most ");
        PP_APPEND_INTEGER(search, INT32_MAX, false);
        return true;
    }
    return false;
}

/* Calls the handler with the result of the search. */
static void pp_report_refusal(const struct protopool *pool, const struct protopool_record *message,
                              struct pp_search *search)
{
    struct protopool_refusal refusal = { pool, message->name, search->path, search->rule, NULL, pp_site_of(pool) };

#ifndef PROTOPOOL_NO_STDIO
    refusal.text = search->to.buffer;
#endif
    if (pp_refusal_handler != NULL) {
        pp_refusal_handler(&refusal);
        return;
    }
#if PROTOPOOL_CHECK == 2 && !defined PROTOPOOL_NO_STDIO
    (void)fprintf(stderr, "protopool: refused: %s: %s", refusal.message, refusal.text);
    if (refusal.site.file != NULL)
        (void)fprintf(stderr, ", at %s:%d", refusal.site.file, refusal.site.line);
    (void)fputs("\n", stderr);
#endif
}

/* Starts a search. False if nothing would be done with its result. */
static bool pp_start_search(struct pp_search *search, char *text)
{
    memset(search, 0, sizeof *search);
    text[0] = '\0';
#ifndef PROTOPOOL_NO_STDIO
    search->to.buffer = text;
    search->to.room = PROTOPOOL_TEXT_BYTES_;
#endif
    return pp_refusal_handler != NULL || PROTOPOOL_CHECK == 2;
}

PROTOPOOL_COLD void protopool_explain_new(const struct protopool *pool, const struct protopool_record *message,
                                          const struct protopool_argument *arguments)
{
    const struct protopool_argument *argument = arguments;
    char text[PROTOPOOL_TEXT_BYTES_];
    struct pp_search search;

    if (!pp_start_search(&search, text))
        return;
    for (uint32_t i = 0; i < message->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++) {
        const struct protopool_field *const field = &message->fields[i];
        pp_cut_path(&search, 0);
        pp_append_to_path(&search, field->name);
        if (field->type == PROTOPOOL_ONE_OF)
            (void)pp_is_wrong_choice(&search, field, argument);
        else
            (void)pp_is_wrong_argument(&search, field, argument);
        argument += pp_arguments_of(field);
    }
    if (search.rule == PROTOPOOL_RULE_UNKNOWN)
        (void)pp_is_too_large(&search, message, arguments, true);
    pp_report_refusal(pool, message, &search);
}

PROTOPOOL_COLD void protopool_explain_copy_of(const struct protopool *pool, const struct protopool_record *message,
                                              bool has_tag, const void *from, const struct protopool_argument *tails,
                                              size_t count)
{
    char text[PROTOPOOL_TEXT_BYTES_];
    struct pp_search search;

    if (!pp_start_search(&search, text))
        return;
    if (!has_tag) {
        pp_append_to_path(&search, "tag");
        (void)pp_note_rule(&search, PROTOPOOL_RULE_TAG);
        PP_APPEND(&search, " is not that of ");
        PP_APPEND(&search, message->name);
    } else if (!pp_is_wrong_record(&search, message, from)) {
        size_t tail = 0;
        for (uint32_t i = 0; i < message->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++) {
            if (!message->fields[i].is_tail || tail == count)
                continue;
            pp_cut_path(&search, 0);
            pp_append_to_path(&search, message->fields[i].name);
            (void)pp_is_wrong_argument(&search, &message->fields[i], &tails[tail++]);
        }
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            (void)pp_is_too_large(&search, message, tails, false);
    }
    pp_report_refusal(pool, message, &search);
}

PROTOPOOL_COLD void protopool_explain_copy(const struct protopool *pool, const struct protopool_record *message,
                                           bool has_tag, const void *from, const void *tail, size_t length)
{
    const struct protopool_argument of_tail = { tail, 1, length };
    protopool_explain_copy_of(pool, message, has_tag, from, &of_tail, 1);
}
#endif

/* ---- wire.c ------------------------------------------------------------------------------------------------------ */
/* Wire: what holds no value in a message, the order of bytes, and why received bytes are refused. */

#define PP_FEW 32U /* bytes for which no function is called */

static inline uint64_t pp_word(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Clears at most PP_FEW bytes, or looks whether all of them are 0. What is at the beginning and at the end overlaps. */
PROTOPOOL_INLINE bool pp_blank_few(unsigned char *at, size_t bytes, bool clears)
{
    unsigned char *const end = at + bytes;
    uint32_t first, last;

    if (bytes >= 16) {
        if (!clears)
            return (pp_word(at) | pp_word(at + 8) | pp_word(end - 16) | pp_word(end - 8)) == 0;
        memset(at, 0, 16);
        memset(end - 16, 0, 16);
    } else if (bytes >= 8) {
        if (!clears)
            return (pp_word(at) | pp_word(end - 8)) == 0;
        memset(at, 0, 8);
        memset(end - 8, 0, 8);
    } else if (bytes >= 4) {
        memcpy(&first, at, sizeof first);
        memcpy(&last, end - sizeof last, sizeof last);
        if (!clears)
            return (first | last) == 0;
        memset(at, 0, 4);
        memset(end - 4, 0, 4);
    } else if (bytes != 0) {
        if (!clears)
            return (at[0] | at[bytes / 2] | end[-1]) == 0;
        at[0] = at[bytes / 2] = end[-1] = 0;
    }
    return true;
}

/* The same, of more bytes. */
static bool pp_blank_many(unsigned char *at, size_t bytes, bool clears)
{
    if (!clears)
        return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
    memset(at, 0, bytes);
    return true;
}

PROTOPOOL_INLINE bool pp_blank(unsigned char *at, size_t bytes, bool clears)
{
    return bytes <= PP_FEW ? pp_blank_few(at, bytes, clears) : pp_blank_many(at, bytes, clears);
}

PROTOPOOL_COLD bool protopool_visit_small(const struct protopool_form *form, void *of, bool clears)
{
    const size_t bytes = form->record->bytes;
    uint64_t word = 0;

    if (form->hole_count == 0)
        return true;
    memcpy(&word, of, bytes);
    if (!clears)
        return (word & form->holes->unused) == 0;
    word &= ~form->holes->unused;
    memcpy(of, &word, bytes);
    return true;
}

static bool pp_visit_elements(const struct protopool_form *elements, unsigned char *at, size_t length, bool clears)
{
    const size_t bytes = elements->record->bytes;
    bool is_blank = true;

    for (size_t i = 0; i < length && is_blank; i++, at += bytes)
        is_blank = clears ? (protopool_scrub(elements, at), true) : protopool_is_scrubbed(elements, at);
    return is_blank;
}

/* The field's length. In an invalid message too, at most the elements that there is room for. */
static inline size_t pp_length_of(const struct protopool_field *field, const unsigned char *of)
{
    const unsigned char *const at = of + field->length_offset;
    const uint64_t length = field->length_bytes == 1 ? *at : pp_read_unsigned(at, field->length_bytes);
    return length < field->count ? (size_t)length : field->count;
}

/* An alternative with a length; all such alternatives share one length. NULL: none has a length. */
static const struct protopool_field *pp_with_length(const struct protopool_record *alternatives)
{
    for (uint32_t i = 0; i < alternatives->field_count; i++)
        if (alternatives->fields[i].length_bytes != 0)
            return &alternatives->fields[i];
    return NULL;
}

/* The varying fields of `alternatives` are those that consist of structs. */
static bool pp_visit_one_of(const struct protopool_field *field, const struct protopool_form *alternatives,
                            unsigned char *of, bool clears)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);
    const struct protopool_field *const counted = pp_with_length(field->record);
    unsigned char *const at = of + field->offset;
    size_t length, used;

    PROTOPOOL_ASSUME(alternatives != NULL);
    if ((alternative == NULL || alternative->length_bytes == 0) && counted != NULL
        && !pp_blank(of + counted->length_offset, counted->length_bytes, clears))
        return false;
    if (alternative == NULL)
        return pp_blank(at, field->bytes, clears);
    length = alternative->length_bytes != 0 ? pp_length_of(alternative, of) : alternative->count;
    used = length * alternative->bytes;
    if (!pp_blank(at + used, field->bytes - used, clears))
        return false;
    for (uint32_t i = 0; i < alternatives->varying_count; i++)
        if (&field->record->fields[alternatives->varying[i].number] == alternative)
            return pp_visit_elements(alternatives->varying[i].elements, at, length, clears);
    return true;
}

/* What is behind the used elements of a field, from *at on: so many bytes. Of an absent one also its length, which is looked at here. */
PROTOPOOL_INLINE size_t pp_unused(const struct protopool_field *field, unsigned char *of, unsigned char **at,
                                  bool clears, bool *is_blank)
{
    const size_t terminator = field->type == PROTOPOOL_TEXT && field->length_bytes != 0;
    size_t length = 0;

    if (field->presence_mask != 0 && (of[field->presence_offset] & field->presence_mask) == 0)
        *is_blank = pp_blank_few(of + field->length_offset, field->length_bytes, clears);
    else
        length = field->length_bytes == 0 ? field->count : pp_length_of(field, of);
    *at = of + field->offset + length * field->bytes;
    return (field->count - length) * field->bytes + terminator;
}

static bool pp_visit_field(const struct protopool_field *field, const struct protopool_form *elements,
                           unsigned char *of, bool clears)
{
    unsigned char *const begin = of + field->offset;
    bool is_blank = true;
    unsigned char *at;
    size_t unused;

    if (field->type == PROTOPOOL_ONE_OF)
        return pp_visit_one_of(field, elements, of, clears);
    unused = pp_unused(field, of, &at, clears, &is_blank);
    if (!is_blank || !pp_blank(at, unused, clears))
        return false;
    return elements == NULL || pp_visit_elements(elements, begin, (size_t)(at - begin) / field->bytes, clears);
}

/* The varying fields from this one on. */
static bool pp_visit_fields(const struct protopool_form *form, uint32_t i, unsigned char *of, bool clears)
{
    for (; i < form->varying_count; i++)
        if (!pp_visit_field(&form->record->fields[form->varying[i].number], form->varying[i].elements, of, clears))
            return false;
    return true;
}

/* The bytes of a tail of this length. Those of a list of texts are counted beside its length. */
static inline size_t pp_tail_bytes(const struct protopool_field *tail, const unsigned char *of, size_t length)
{
    if (tail->type == PROTOPOOL_TEXTS)
        return (size_t)pp_read_unsigned(of + tail->extent_offset, tail->bytes);
    return length * tail->bytes + (tail->type == PROTOPOOL_TEXT);
}

/* Where the tail begins if the tail before it, or the struct, ends at `behind`. */
static inline size_t pp_tail_begin(const struct protopool_field *tail, size_t behind)
{
    return tail->align == 0 ? tail->offset : PROTOPOOL_UP_(behind, tail->align);
}

/* The tails, and the other varying fields. An absent text has its terminator, too. */
static bool pp_visit_tails(const struct protopool_form *form, unsigned char *of, bool clears)
{
    size_t behind = form->record->bytes, begin, length;
    bool is_blank = true;

    for (uint32_t i = 0; i < form->tail_count && is_blank; i++) {
        const struct protopool_varying *const tail = &form->varying[i];
        const struct protopool_field *const field = &form->record->fields[tail->number];
        begin = pp_tail_begin(field, behind);
        length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);
        if (begin != behind)
            is_blank = pp_blank(of + behind, begin - behind, clears);
        behind = begin + pp_tail_bytes(field, of, length);
        if (field->type == PROTOPOOL_TEXT)
            is_blank = pp_blank_few(of + behind - 1, 1, clears) && is_blank;
        if (tail->elements != NULL)
            is_blank = is_blank && pp_visit_elements(tail->elements, of + begin, length, clears);
    }
    return is_blank && pp_visit_fields(form, form->tail_count, of, clears);
}

/* Whatever needs a call is left to other functions, at the end: so no registers are saved for what does not. */
PROTOPOOL_INLINE bool pp_visit_varying(const struct protopool_form *form, unsigned char *of, bool clears)
{
    const struct protopool_varying *varying = form->varying;

    if (form->tail_count != 0)
        return pp_visit_tails(form, of, clears);
    for (uint32_t left = form->varying_count; left != 0; left--, varying++) {
        bool is_blank = true;
        unsigned char *at;
        size_t unused;
        if (varying->elements != NULL)
            return pp_visit_fields(form, form->varying_count - left, of, clears);
        unused = pp_unused(&form->record->fields[varying->number], of, &at, clears, &is_blank);
        if (unused > PP_FEW)
            return left == 1 ? is_blank && pp_blank_many(at, unused, clears)
                             : pp_visit_fields(form, form->varying_count - left, of, clears);
        if (!is_blank || !pp_blank_few(at, unused, clears))
            return false;
    }
    return true;
}

void protopool_scrub_varying(const struct protopool_form *form, void *of)
{
    (void)pp_visit_varying(form, (unsigned char *)of, true);
}

bool protopool_is_varying_scrubbed(const struct protopool_form *form, void *of)
{
    return pp_visit_varying(form, (unsigned char *)of, false);
}

/* The order of bytes. */

static void pp_reverse(unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes / 2; i++) {
        const unsigned char byte = at[i];
        at[i] = at[bytes - 1 - i];
        at[bytes - 1 - i] = byte;
    }
}

static uint64_t pp_read_little(const unsigned char *at, size_t bytes)
{
    uint64_t number = 0;

    if (protopool_is_little_endian())
        return pp_read_unsigned(at, bytes);
    for (size_t i = bytes; i-- > 0;)
        number = number << 8 | at[i];
    return number;
}

static void pp_swap_record(const struct protopool_record *record, unsigned char *of);

static void pp_swap_elements(const struct protopool_field *field, unsigned char *at, size_t count)
{
    for (size_t i = 0; i < count && (field->bytes > 1 || field->type == PROTOPOOL_STRUCT); i++) {
        if (field->type == PROTOPOOL_STRUCT)
            pp_swap_record(field->record, at + i * field->bytes);
        else
            pp_reverse(at + i * field->bytes, field->bytes);
    }
}

/* The same for the alternative that is there. */
static void pp_swap_alternative(const struct protopool_field *field, unsigned char *of)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);
    const struct protopool_field *const counted = pp_with_length(field->record);

    if (alternative != NULL)
        pp_swap_elements(alternative, of + field->offset, alternative->count);
    if (counted != NULL)
        pp_reverse(of + counted->length_offset, counted->length_bytes);
}

/* Swaps between big-endian, the order of this machine, and little-endian. Big-endian bit-fields begin at the highest bit. */
static void pp_swap_record(const struct protopool_record *record, unsigned char *of)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        if (field->type == PROTOPOOL_ONE_OF) {
            pp_swap_alternative(field, of);
            continue;
        }
        if (!field->is_tail)
            pp_swap_elements(field, of + field->offset, field->count);
        pp_reverse(of + field->length_offset, field->length_bytes);
        if (field->type == PROTOPOOL_TEXTS)
            pp_reverse(of + field->extent_offset, field->bytes);
        if (field->presence_mask == PROTOPOOL_BIT_(0)) { /* once per byte of bits, at its first bit */
            unsigned char *const bits = of + field->presence_offset;
            unsigned mirrored = 0;
            for (unsigned j = 0; j < 8; j++)
                mirrored |= ((unsigned)*bits >> j & 1U) << (7 - j);
            *bits = (unsigned char)mirrored;
        }
    }
}

/* The same for tails. Their lengths are of this machine. */
static void pp_swap_tails(const struct protopool_form *form, unsigned char *of)
{
    size_t behind = form->record->bytes;

    for (uint32_t i = 0; i < form->tail_count; i++) {
        const struct protopool_field *const field = &form->record->fields[form->varying[i].number];
        const size_t length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);
        const size_t bytes = pp_tail_bytes(field, of, length);
        behind = pp_tail_begin(field, behind);
        pp_swap_elements(field, of + behind,
                         length * field->bytes <= bytes ? length : 0); /* more offsets than bytes: invalid */
        behind += bytes;
    }
}

size_t protopool_encode_any(const struct protopool_form *form, const void *msg, size_t bytes, void *buffer)
{
    memcpy(buffer, msg, bytes);
    (void)protopool_visit_holes(form, (unsigned char *)buffer, true);
    (void)pp_visit_varying(form, (unsigned char *)buffer, true);
    if (!protopool_is_little_endian()) {
        pp_swap_tails(form, (unsigned char *)buffer);
        pp_swap_record(form->record, (unsigned char *)buffer);
        pp_reverse((unsigned char *)buffer, form->tag_bytes);
    }
    return bytes;
}

/* Received bytes. */

/* The bytes of a list of texts. */
static uint64_t pp_extent(const struct protopool_field *field, const unsigned char *of, bool is_little)
{
    const unsigned char *const at = of + field->extent_offset;
    return is_little ? pp_read_little(at, field->bytes) : pp_read_unsigned(at, field->bytes);
}

/* The size of a message whose struct is all there, little-endian or not. 0: the tail at *failed is too long, or makes the message too
 * large. */
static size_t pp_whole(const struct protopool_form *form, const unsigned char *of, bool is_little,
                       const struct protopool_field **failed)
{
    size_t size = form->record->bytes;

    for (uint32_t i = 0; i < form->tail_count; i++) {
        const struct protopool_field *const field = &form->record->fields[form->varying[i].number];
        const unsigned char *const at = of + field->length_offset;
        const uint64_t length =
            is_little ? pp_read_little(at, field->length_bytes) : pp_read_unsigned(at, field->length_bytes);
        uint64_t bytes = length * field->bytes + (field->type == PROTOPOOL_TEXT);
        *failed = field;
        if (length > field->count)
            return 0;
        if (field->type == PROTOPOOL_TEXTS) {
            bytes = pp_extent(field, of, is_little);
            if (bytes > field->limits->bytes)
                return 0;
        }
        size = pp_tail_begin(field, size) + (size_t)bytes;
        if (size > INT32_MAX)
            return 0;
    }
    return size;
}

/* The least bytes that the tails take. */
static size_t pp_least_size(const struct protopool_form *form)
{
    size_t size = form->record->bytes;

    for (uint32_t i = 0; i < form->tail_count; i++) {
        const struct protopool_field *const field = &form->record->fields[form->varying[i].number];
        size = pp_tail_begin(field, size) + (field->type == PROTOPOOL_TEXT);
    }
    return size;
}

static void pp_note(struct protopool_received *result, enum protopool_receipt status, size_t missing)
{
    result->status = status;
    result->used = 0;
    result->missing = missing;
}

void *protopool_note_incomplete(struct protopool_received *result, size_t missing)
{
    pp_note(result, PROTOPOOL_INCOMPLETE, missing);
    return NULL;
}

void *protopool_note_no_memory(struct protopool_received *result)
{
    pp_note(result, PROTOPOOL_NO_MEMORY, 0);
    return NULL;
}

/* Starts a search whose text is the result's. */
static void pp_start_refusal(struct pp_search *search, struct protopool_received *result)
{
    memset(search, 0, sizeof *search);
#ifndef PROTOPOOL_NO_STDIO
    result->text_[0] = '\0';
    search->to.buffer = result->text_;
    search->to.room = sizeof result->text_;
#endif
    (void)result;
}

static void *pp_note_refusal(struct protopool_received *result, const void *pool, const char *message,
                             const struct pp_search *search)
{
    pp_note(result, PROTOPOOL_INVALID, 0);
    memcpy(result->field_, search->path, sizeof result->field_);
    result->refusal.pool = pool;
    result->refusal.message = message;
    result->refusal.field = search->path_length != 0 ? result->field_ : NULL;
    result->refusal.rule = search->rule;
#ifdef PROTOPOOL_NO_STDIO
    result->refusal.text = NULL;
#else
    result->refusal.text = result->text_;
#endif
    result->refusal.site.file = NULL;
    result->refusal.site.line = 0;
    return NULL;
}

PROTOPOOL_COLD void *protopool_note_unknown_tag(struct protopool_received *result, const void *pool, uint32_t tag)
{
    struct pp_search search;

    pp_start_refusal(&search, result);
    (void)pp_note_rule(&search, PROTOPOOL_RULE_TAG);
    PP_APPEND(&search, "no message has the tag ");
    PP_APPEND_INTEGER(&search, tag, false);
    return pp_note_refusal(result, pool, NULL, &search);
}

/* Notes that the tail, with its length, makes the message too large. */
static void pp_refuse_length(struct protopool_received *result, const struct protopool_form *form,
                             const struct protopool_field *tail, const unsigned char *of)
{
    const size_t length = (size_t)pp_read_little(of + tail->length_offset, tail->length_bytes);
    const bool is_texts = tail->type == PROTOPOOL_TEXTS && pp_extent(tail, of, true) > tail->limits->bytes;
    struct pp_search search;

    pp_start_refusal(&search, result);
    pp_append_to_path(&search, tail->name);
    if (!pp_is_too_long(&search, tail, length)) {
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, is_texts ? " has more than " : " makes a message of more than ");
        PP_APPEND_INTEGER(&search, is_texts ? tail->limits->bytes : INT32_MAX, false);
        PP_APPEND(&search, " bytes");
    }
    (void)pp_note_refusal(result, NULL, form->record->name, &search);
}

size_t protopool_measure(const struct protopool_form *form, const void *bytes, size_t count,
                         struct protopool_received *result)
{
    const unsigned char *const at = (const unsigned char *)bytes;
    const struct protopool_field *failed = NULL;
    size_t size;

    if (count < form->record->bytes) {
        (void)protopool_note_incomplete(result, pp_least_size(form) - count);
        return 0;
    }
    size = pp_whole(form, at, true, &failed);
    PROTOPOOL_ASSUME(size != 0 || failed != NULL);
    if (size == 0)
        pp_refuse_length(result, form, failed, at);
    if (size <= count)
        return size;
    (void)protopool_note_incomplete(result, size - count);
    return 0;
}

bool protopool_from_wire(const struct protopool_form *form, void *msg, size_t bytes)
{
    const struct protopool_field *failed;

    if (!protopool_is_little_endian())
        pp_swap_record(form->record, (unsigned char *)msg);
    if (form->tail_count == 0)
        return true;
    if (pp_whole(form, (const unsigned char *)msg, false, &failed) != bytes)
        return false;
    if (!protopool_is_little_endian())
        pp_swap_tails(form, (unsigned char *)msg);
    return true;
}

/* Whether a list of texts in a message is not as constructors write it. */
static bool pp_is_wrong_list(struct pp_search *search, const struct protopool_field *field, const void *list,
                             size_t bytes, size_t count)
{
    const size_t longest = field->limits->characters;

    if (protopool_valid_texts(list, bytes, count, field->bytes, longest))
        return false;
    for (size_t i = 0, end = count * field->bytes; end < bytes && i < count; i++) {
        const char *const text = (const char *)list + end;
        const size_t most = bytes - end - 1 < longest ? bytes - end - 1 : longest;
        const size_t length = protopool_text_length(text, most);
        if (protopool_offset(list, field->bytes, i) != end || length > most) {
            pp_append_index(search, i);
            break;
        }
        end += length + 1;
    }
    (void)pp_note_rule(search, PROTOPOOL_RULE_TEXT);
    PP_APPEND(search, " is not where it must be, or not terminated");
    return true;
}

/* A tail of a message whose lengths are good. */
static bool pp_is_wrong_received_tail(struct pp_search *search, const struct protopool_record *record,
                                      const struct protopool_field *field, const void *msg)
{
    const unsigned char *const of = (const unsigned char *)msg;
    size_t length = (size_t)pp_read_unsigned(of + field->length_offset, field->length_bytes);

    pp_cut_path(search, 0);
    pp_append_to_path(search, field->name);
    if (protopool_field_present(field, msg) && field->type == PROTOPOOL_TEXTS)
        return pp_is_wrong_list(search, field, protopool_field_at(record, field, msg),
                                protopool_field_extent(field, msg), length);
    if (protopool_field_present(field, msg))
        return pp_is_wrong_tail(search, field, protopool_field_at(record, field, msg), length);
    if (length == 0)
        length = pp_tail_bytes(field, of, 0) - (field->type == PROTOPOOL_TEXT);
    if (length == 0)
        return false;
    (void)pp_note_rule(search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND(search, " is absent, and its length is ");
    PP_APPEND_INTEGER(search, length, false);
    return true;
}

/* The first byte that holds no value and is not 0. */
static void pp_find_unscrubbed(struct pp_search *search, const struct protopool_form *form, void *msg)
{
    const struct protopool_record *const record = form->record;
    struct protopool_form part = *form; /* the form up to there */

    for (part.hole_count = 0; part.hole_count < form->hole_count;) {
        part.hole_count++;
        if (protopool_visit_holes(&part, (unsigned char *)msg, false))
            continue;
        (void)pp_note_rule(search, PROTOPOOL_RULE_UNUSED);
        PP_APPEND(search, "the padding in the 8 bytes at ");
        PP_APPEND_INTEGER(search, form->holes[part.hole_count - 1].offset, false);
        PP_APPEND(search, " is not 0");
        return;
    }
    for (part.varying_count = 0; part.varying_count < form->varying_count;) {
        const uint32_t number = form->varying[part.varying_count++].number;
        part.tail_count = part.varying_count < form->tail_count ? (uint16_t)part.varying_count : form->tail_count;
        if (protopool_is_varying_scrubbed(&part, msg))
            continue;
        pp_append_to_path(search, record->fields[number].name);
        (void)pp_note_rule(search, PROTOPOOL_RULE_UNUSED);
        PP_APPEND(search, " has a byte that holds no value and is not 0");
        return;
    }
}

PROTOPOOL_COLD void *protopool_note_invalid(struct protopool_received *result, const void *pool,
                                            const struct protopool_form *form, const struct protopool_range *ranges,
                                            void *msg, bool is_changed)
{
    const struct protopool_record *const record = form->record;
    struct pp_search search;

    pp_start_refusal(&search, result);
    search.ranges = ranges;
    if (is_changed) {
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, "its lengths changed while it was received");
        memset((unsigned char *)msg + form->tag_bytes, 0, record->bytes - form->tag_bytes); /* so that it has a size */
    } else if (!pp_is_wrong_record(&search, record, msg)) {
        for (uint32_t i = 0; i < record->field_count && search.rule == PROTOPOOL_RULE_UNKNOWN; i++)
            if (record->fields[i].is_tail)
                (void)pp_is_wrong_received_tail(&search, record, &record->fields[i], msg);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            pp_cut_path(&search, 0);
        if (search.rule == PROTOPOOL_RULE_UNKNOWN)
            pp_find_unscrubbed(&search, form, msg);
    }
    return pp_note_refusal(result, pool, record->name, &search);
}

/* ---- packed.c ---------------------------------------------------------------------------------------------------- */
/* Packed messages: writes and reads the fields one after the other, as the steps of a record say. */

static const uint8_t pp_packed_bytes[] = { 1, 2, 3, 3, 4, 6, 6, 8 }; /* by enum protopool_packed */

/* The bytes of an element that always has the same; 0 if it does not. */
static size_t pp_element_bytes(const struct protopool_step *step)
{
    if (step->element < sizeof pp_packed_bytes)
        return pp_packed_bytes[step->element];
    return step->element == PROTOPOOL_PACKED_STRUCT && step->of->is_fixed ? step->of->bytes : 0;
}

/* The bytes of the length of a text in a list of texts. */
static size_t pp_text_length_bytes(const struct protopool_field *texts)
{
    return texts->limits->characters <= UINT8_MAX ? 1 : texts->limits->characters <= UINT16_MAX ? 2 : 4;
}

/* Whether a bit says that the field is present. */
static bool pp_has_bit(const struct protopool_field *field)
{
    return field->presence_mask != 0 && field->presence_mask != PROTOPOOL_BY_NUMBER;
}

/* The bit-fields of a byte, from its lowest bit on. Bit-fields begin at the highest bit on a big-endian machine. */
static unsigned char pp_presence_byte(unsigned char byte)
{
    unsigned mirrored = 0;

    if (protopool_is_little_endian())
        return byte;
    for (unsigned i = 0; i < 8; i++)
        mirrored |= ((unsigned)byte >> i & 1U) << (7 - i);
    return (unsigned char)mirrored;
}

/* Numbers in the order of this machine, or in the other one. Compilers know these as one instruction. */

static uint16_t pp_16(const unsigned char *at, bool swaps)
{
    uint16_t number;
    memcpy(&number, at, sizeof number);
    return (uint16_t)(swaps ? number << 8 | number >> 8 : number);
}

static uint32_t pp_swapped_32(uint32_t number)
{
    return number << 24 | (number & 0xff00U) << 8 | (number >> 8 & 0xff00U) | number >> 24;
}

static uint32_t pp_32(const unsigned char *at, bool swaps)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return swaps ? pp_swapped_32(number) : number;
}

static uint64_t pp_64(const unsigned char *at, bool swaps)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return swaps ? (uint64_t)pp_swapped_32((uint32_t)number) << 32 | pp_swapped_32((uint32_t)(number >> 32)) : number;
}

static uint32_t pp_24(const unsigned char *at, bool is_big)
{
    return is_big ? (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]
                  : (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static uint64_t pp_48(const unsigned char *at, bool is_big, bool swaps)
{
    return is_big ? (uint64_t)pp_16(at, swaps) << 32 | pp_32(at + 2, swaps)
                  : (uint64_t)pp_16(at + 4, swaps) << 32 | pp_32(at, swaps);
}

static void pp_put_24(unsigned char *to, uint32_t number, bool is_big)
{
    to[is_big ? 0 : 2] = (unsigned char)(number >> 16);
    to[1] = (unsigned char)(number >> 8);
    to[is_big ? 2 : 0] = (unsigned char)number;
}

static void pp_put_48(unsigned char *to, uint64_t number, bool is_big, bool swaps)
{
    const uint16_t upper = (uint16_t)(number >> 32);
    const uint32_t lower = swaps ? pp_swapped_32((uint32_t)number) : (uint32_t)number;
    const uint16_t swapped = (uint16_t)(swaps ? upper << 8 | upper >> 8 : upper);

    memcpy(to + (is_big ? 0 : 4), &swapped, sizeof swapped);
    memcpy(to + (is_big ? 2 : 0), &lower, sizeof lower);
}

/* The lower bytes of a number. */
static void pp_put_bytes(unsigned char *to, uint64_t number, size_t bytes, bool is_big)
{
    for (size_t i = 0; i < bytes; i++)
        to[is_big ? bytes - 1 - i : i] = (unsigned char)(number >> 8 * i);
}

/* ---- Pack */

struct pp_packer {
    unsigned char *to; /* NULL: bytes are only counted */
    size_t size;
    bool is_big, swaps;
};

static void pp_pack_record(struct pp_packer *out, const struct protopool_packing *packing, const unsigned char *of);

static void pp_pack_number(struct pp_packer *out, uint64_t number, size_t bytes)
{
    if (out->to != NULL)
        pp_put_bytes(out->to + out->size, number, bytes, out->is_big);
    out->size += bytes;
}

/* Packs elements that are no structs. Returns where they end. */
PROTOPOOL_INLINE unsigned char *pp_store(const struct protopool_step *step, unsigned char *to, const unsigned char *at,
                                         size_t count, bool is_big, bool swaps)
{
    switch (step->element) {
    case PROTOPOOL_PACKED_16:
        for (; count != 0; count--, at += 2, to += 2) {
            const uint16_t number = pp_16(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return to;
    case PROTOPOOL_PACKED_32:
        for (; count != 0; count--, at += 4, to += 4) {
            const uint32_t number = pp_32(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return to;
    case PROTOPOOL_PACKED_64:
        for (; count != 0; count--, at += 8, to += 8) {
            const uint64_t number = pp_64(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return to;
    case PROTOPOOL_PACKED_U24:
    case PROTOPOOL_PACKED_I24:
        for (; count != 0; count--, at += 4, to += 3)
            pp_put_24(to, pp_32(at, false), is_big);
        return to;
    case PROTOPOOL_PACKED_U48:
    case PROTOPOOL_PACKED_I48:
        for (; count != 0; count--, at += 8, to += 6)
            pp_put_48(to, pp_64(at, false), is_big, swaps);
        return to;
    default: /* of one byte */
        if (count == 1)
            *to = *at;
        else
            memcpy(to, at, count);
        return to + count;
    }
}

static void pp_pack_elements(struct pp_packer *out, const struct protopool_step *step, const unsigned char *at,
                             size_t count)
{
    const size_t bytes = pp_element_bytes(step);
    unsigned char *to = out->to != NULL ? out->to + out->size : NULL;

    if (step->element == PROTOPOOL_PACKED_STRUCT && (to != NULL || bytes == 0)) {
        for (size_t i = 0; i < count; i++, at += step->of->record->bytes)
            pp_pack_record(out, step->of, at);
        return;
    }
    out->size += count * bytes;
    if (to == NULL)
        return;
    (void)pp_store(step, to, at, count, out->is_big, out->swaps);
}

/* Each text with its length. */
static void pp_pack_texts(struct pp_packer *out, const struct protopool_step *step, const struct protopool_field *field,
                          const unsigned char *at, size_t count)
{
    const size_t length_bytes = pp_text_length_bytes(field);
    const struct protopool_step of_text = { .element = PROTOPOOL_PACKED_8 };

    pp_pack_number(out, count, step->length_bytes);
    for (size_t i = 0; i < count; i++) {
        const char *const text = protopool_field_text(field, at, i);
        const size_t length = protopool_text_length(text, field->limits->characters);
        pp_pack_number(out, length, length_bytes);
        pp_pack_elements(out, &of_text, (const unsigned char *)text, length);
    }
}

/* A field that is present, or an alternative. */
static void pp_pack_value(struct pp_packer *out, const struct protopool_step *step,
                          const struct protopool_record *record, const struct protopool_field *field,
                          const unsigned char *of)
{
    const unsigned char *const at =
        field->is_tail ? (const unsigned char *)protopool_field_at(record, field, of) : of + step->offset;
    const size_t length = field->length_bytes != 0 ? pp_length_of(field, of) : step->count;

    if (step->element == PROTOPOOL_PACKED_TEXTS) {
        pp_pack_texts(out, step, field, at, length);
        return;
    }
    pp_pack_number(out, length, step->length_bytes);
    pp_pack_elements(out, step, at, length);
}

/* Its number, and then the alternative that is there. */
static void pp_pack_one_of(struct pp_packer *out, const struct protopool_step *step,
                           const struct protopool_field *field, const unsigned char *of)
{
    const struct protopool_field *const alternative = protopool_alternative(field, of);
    const size_t index = alternative != NULL ? (size_t)(alternative - field->record->fields) : 0;

    pp_pack_number(out, alternative != NULL ? index + 1 : 0, 1);
    if (alternative != NULL)
        pp_pack_value(out, &step->of->steps[index], field->record, alternative, of);
}

static void pp_pack_presence(struct pp_packer *out, const struct protopool_packing *packing, const unsigned char *of)
{
    for (unsigned bit = 0; bit < packing->presence_bits; bit += 8) {
        const unsigned left = packing->presence_bits - bit, used = left < 8 ? (1U << left) - 1 : 0xffU;
        pp_pack_number(out, pp_presence_byte(of[packing->presence_offset + bit / 8]) & used, 1);
    }
}

static void pp_pack_record(struct pp_packer *out, const struct protopool_packing *packing, const unsigned char *of)
{
    const struct protopool_record *const record = packing->record;

    pp_pack_presence(out, packing, of);
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_step *const step = &packing->steps[i];
        const struct protopool_field *const field = &record->fields[i];
        if (step->is_plain)
            pp_pack_elements(out, step, of + step->offset, step->count);
        else if (step->element == PROTOPOOL_PACKED_ONE_OF)
            pp_pack_one_of(out, step, field, of);
        else if (!pp_has_bit(field) || (of[field->presence_offset] & field->presence_mask) != 0)
            pp_pack_value(out, step, record, field, of);
    }
}

/* The same of a record that always has the same bytes. Returns where they end. */
static unsigned char *pp_pack_fixed(const struct protopool_packing *packing, const unsigned char *of, unsigned char *to,
                                    bool is_big, bool swaps)
{
    const struct protopool_step *step = packing->steps;

    for (uint32_t left = packing->record->field_count; left != 0; left--, step++) {
        const unsigned char *at = of + step->offset;
        if (step->element != PROTOPOOL_PACKED_STRUCT) {
            to = pp_store(step, to, at, step->count, is_big, swaps);
            continue;
        }
        for (uint32_t i = 0; i < step->count; i++, at += step->of->record->bytes)
            to = pp_pack_fixed(step->of, at, to, is_big, swaps);
    }
    return to;
}

size_t protopool_pack(const struct protopool_packing *packing, const void *msg, unsigned char *to, bool is_big)
{
    struct pp_packer out = { .to = to, .is_big = is_big, .swaps = is_big == protopool_is_little_endian() };

    if (packing->is_fixed && to != NULL) {
        (void)pp_pack_fixed(packing, (const unsigned char *)msg, to, is_big, out.swaps);
        return packing->bytes;
    }
    pp_pack_record(&out, packing, (const unsigned char *)msg);
    return out.size;
}

/* ---- Unpack. The same functions measure bytes, and then make a message of them: `of` is NULL if they measure. */

struct pp_unpacker {
    const unsigned char *at, *end;
    size_t behind, room; /* where the tails so far end in the message, and the bytes that it can have */
    size_t missing;      /* if it stops: how many bytes are missing; 0: the bytes are invalid */
    bool is_big, swaps;
    struct pp_search *search; /* NULL, or finds out what is invalid */
};

static bool pp_unpack_record(struct pp_unpacker *in, const struct protopool_packing *packing, unsigned char *of);

/* Whether that many bytes are there. */
static bool pp_has(struct pp_unpacker *in, size_t bytes)
{
    const size_t left = (size_t)(in->end - in->at);

    if (bytes <= left)
        return true;
    in->missing = bytes - left;
    return false;
}

static bool pp_unpack_number(struct pp_unpacker *in, size_t bytes, uint32_t *number)
{
    if (!pp_has(in, bytes))
        return false;
    *number = protopool_packed_tag(in->at, bytes, in->is_big);
    in->at += bytes;
    return true;
}

/* Of an integer of 1, 2, 4 or 8 bytes of this machine. */
static void pp_write_unsigned(unsigned char *to, uint64_t number, size_t bytes)
{
    pp_put_bytes(to, number, bytes, !protopool_is_little_endian());
}

static bool pp_unpack_structs(struct pp_unpacker *in, const struct protopool_step *step, unsigned char *to,
                              size_t count)
{
    const size_t bytes = step->of->record->bytes, path = in->search != NULL ? in->search->path_length : 0;

    for (size_t i = 0; i < count; i++) {
        if (in->search != NULL && (count != 1 || step->count != 1))
            pp_append_index(in->search, i);
        if (!pp_unpack_record(in, step->of, to != NULL ? to + i * bytes : NULL))
            return false;
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    return true;
}

/* Unpacks elements that are no structs. Returns where they end. */
PROTOPOOL_INLINE const unsigned char *pp_load(const struct protopool_step *step, unsigned char *to,
                                              const unsigned char *at, size_t count, bool is_big, bool swaps)
{
    switch (step->element) {
    case PROTOPOOL_PACKED_16:
        for (; count != 0; count--, at += 2, to += 2) {
            const uint16_t number = pp_16(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_32:
        for (; count != 0; count--, at += 4, to += 4) {
            const uint32_t number = pp_32(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_64:
        for (; count != 0; count--, at += 8, to += 8) {
            const uint64_t number = pp_64(at, swaps);
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_U24:
    case PROTOPOOL_PACKED_I24:
        for (; count != 0; count--, at += 3, to += 4) {
            const uint32_t sign = step->element == PROTOPOOL_PACKED_I24 ? UINT32_C(1) << 23 : 0;
            const uint32_t number = (pp_24(at, is_big) ^ sign) - sign;
            memcpy(to, &number, sizeof number);
        }
        return at;
    case PROTOPOOL_PACKED_U48:
    case PROTOPOOL_PACKED_I48:
        for (; count != 0; count--, at += 6, to += 8) {
            const uint64_t sign = step->element == PROTOPOOL_PACKED_I48 ? UINT64_C(1) << 47 : 0;
            const uint64_t number = (pp_48(at, is_big, swaps) ^ sign) - sign;
            memcpy(to, &number, sizeof number);
        }
        return at;
    default: /* of one byte */
        if (count == 1)
            *to = *at;
        else
            memcpy(to, at, count);
        return at + count;
    }
}

/* to: where they lie in the message; NULL: they are only measured. */
static bool pp_unpack_elements(struct pp_unpacker *in, const struct protopool_step *step, unsigned char *to,
                               size_t count)
{
    const size_t bytes = pp_element_bytes(step);
    const unsigned char *at = in->at;

    if (step->element == PROTOPOOL_PACKED_STRUCT && (to != NULL || bytes == 0))
        return pp_unpack_structs(in, step, to, count);
    if (!pp_has(in, count * bytes))
        return false;
    in->at += count * bytes;
    if (to == NULL)
        return true;
    (void)pp_load(step, to, at, count, in->is_big, in->swaps);
    return true;
}

/* The elements that are left of the payload; the last one may be cut off. */
static bool pp_unpack_rest(struct pp_unpacker *in, const struct protopool_step *step, uint32_t *length)
{
    const size_t bytes = pp_element_bytes(step), left = (size_t)(in->end - in->at);
    const size_t path = in->search != NULL ? in->search->path_length : 0;
    struct pp_unpacker ahead = *in;
    size_t count = bytes != 0 ? left / bytes + (left % bytes != 0) : 0;

    for (; bytes == 0 && ahead.at != ahead.end; count++) {
        if (in->search != NULL)
            pp_append_index(in->search, count);
        if (!pp_unpack_record(&ahead, step->of, NULL)) {
            in->missing = ahead.missing;
            return false;
        }
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    *length = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
    return true;
}

/* Returns false. */
static bool pp_refuse_size(struct pp_unpacker *in, const char *what, size_t most)
{
    if (in->search != NULL) {
        (void)pp_note_rule(in->search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(in->search, what);
        PP_APPEND_INTEGER(in->search, most, false);
        PP_APPEND(in->search, " bytes");
    }
    return false;
}

/* Takes bytes of the message for a tail. begin: where they are. False if they make the message too large. */
static bool pp_place_tail(struct pp_unpacker *in, const struct protopool_field *field, size_t bytes, unsigned char *of,
                          size_t *begin)
{
    *begin = pp_tail_begin(field, in->behind);
    if (*begin > in->room || bytes > in->room - *begin)
        return pp_refuse_size(in, " makes a message of more than ", INT32_MAX);
    if (of != NULL)
        memset(of + in->behind, 0, *begin - in->behind);
    in->behind = *begin + bytes;
    return true;
}

/* A text of a list of texts. at: where it goes in a message; NULL: it is only measured. */
static bool pp_unpack_text(struct pp_unpacker *in, const struct protopool_field *field, unsigned char *at,
                           uint32_t length)
{
    const size_t longest = field->limits->characters;

    if (length > longest)
        return in->search != NULL && !pp_is_longer(in->search, longest);
    if (!pp_has(in, length))
        return false;
    if (length >= in->room - in->behind)
        return pp_refuse_size(in, " makes a message of more than ", INT32_MAX);
    if (at != NULL) {
        memcpy(at, in->at, length);
        at[length] = '\0';
    } else if (length != 0 && protopool_text_length((const char *)in->at, length - 1) < length) {
        if (in->search != NULL) {
            (void)pp_note_rule(in->search, PROTOPOOL_RULE_TEXT);
            PP_APPEND(in->search, " has a NUL");
        }
        return false;
    }
    in->at += length;
    in->behind += length + 1;
    return true;
}

static bool pp_unpack_texts(struct pp_unpacker *in, const struct protopool_field *field, unsigned char *of,
                            size_t count)
{
    const size_t path = in->search != NULL ? in->search->path_length : 0;
    size_t begin;
    uint32_t length;

    if (!pp_place_tail(in, field, count * field->bytes, of, &begin))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (in->search != NULL)
            pp_append_index(in->search, i);
        if (of != NULL)
            pp_write_unsigned(of + begin + i * field->bytes, in->behind - begin, field->bytes);
        if (!pp_unpack_number(in, pp_text_length_bytes(field), &length)
            || !pp_unpack_text(in, field, of != NULL ? of + in->behind : NULL, length))
            return false;
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    if (in->behind - begin > field->limits->bytes)
        return pp_refuse_size(in, " has more than ", field->limits->bytes);
    if (of != NULL)
        pp_write_unsigned(of + field->extent_offset, in->behind - begin, field->bytes);
    return true;
}

/* The elements of a tail. A text is terminated; also one that is absent. */
static bool pp_unpack_tail(struct pp_unpacker *in, const struct protopool_step *step,
                           const struct protopool_field *field, unsigned char *of, size_t length)
{
    const bool is_text = field->type == PROTOPOOL_TEXT;
    size_t begin;

    if (!pp_place_tail(in, field, length * field->bytes + is_text, of, &begin))
        return false;
    if (of != NULL && (is_text || step->element == PROTOPOOL_PACKED_STRUCT))
        memset(of + begin, 0, length * field->bytes + is_text);
    return pp_unpack_elements(in, step, of != NULL ? of + begin : NULL, length);
}

/* A field that is present, or an alternative. */
static bool pp_unpack_value(struct pp_unpacker *in, const struct protopool_step *step,
                            const struct protopool_field *field, unsigned char *of)
{
    uint32_t length = step->count;

    if (field->length_bytes != 0) {
        if (!(step->length_bytes != 0 ? pp_unpack_number(in, step->length_bytes, &length)
                                      : pp_unpack_rest(in, step, &length)))
            return false;
        if (length > step->count) {
            if (in->search != NULL)
                (void)pp_is_too_long(in->search, field, length);
            return false;
        }
        if (of != NULL)
            pp_write_unsigned(of + field->length_offset, length, field->length_bytes);
    }
    if (step->element == PROTOPOOL_PACKED_TEXTS)
        return pp_unpack_texts(in, field, of, length);
    if (field->is_tail)
        return pp_unpack_tail(in, step, field, of, length);
    return pp_unpack_elements(in, step, of != NULL ? of + step->offset : NULL, length);
}

static bool pp_unpack_one_of(struct pp_unpacker *in, const struct protopool_step *step,
                             const struct protopool_field *field, unsigned char *of)
{
    uint32_t number;

    if (!pp_unpack_number(in, 1, &number))
        return false;
    if (number > field->record->field_count || (number == 0 && field->presence_mask == 0)) {
        if (in->search != NULL) {
            (void)pp_note_rule(in->search, PROTOPOOL_RULE_ONE_OF);
            PP_APPEND(in->search, " is none");
            pp_append_alternatives(in->search, field->record);
        }
        return false;
    }
    if (of != NULL)
        of[field->presence_offset] = (unsigned char)number;
    if (number == 0)
        return true;
    if (in->search != NULL) {
        pp_append_to_path(in->search, ".");
        pp_append_to_path(in->search, field->record->fields[number - 1].name);
    }
    return pp_unpack_value(in, &step->of->steps[number - 1], &field->record->fields[number - 1], of);
}

/* The presence bits, which are checked, and then those of the message count: the bytes can change. */
static bool pp_unpack_presence(struct pp_unpacker *in, const struct protopool_packing *packing, unsigned char *of)
{
    for (unsigned bit = 0; bit < packing->presence_bits; bit += 8) {
        const unsigned left = packing->presence_bits - bit;
        uint32_t byte;
        if (!pp_unpack_number(in, 1, &byte))
            return false;
        if (left < 8 && byte >> left != 0) {
            if (in->search != NULL) {
                (void)pp_note_rule(in->search, PROTOPOOL_RULE_UNUSED);
                PP_APPEND(in->search, in->search->path_length != 0 ? " has a presence bit of no field that is not 0"
                                                                   : "a presence bit of no field is not 0");
            }
            return false;
        }
        if (of != NULL)
            of[packing->presence_offset + bit / 8] = pp_presence_byte((unsigned char)byte);
    }
    return true;
}

static bool pp_unpack_field(struct pp_unpacker *in, const struct protopool_step *step,
                            const struct protopool_field *field, unsigned char *of, bool is_present)
{
    if (step->element == PROTOPOOL_PACKED_ONE_OF)
        return pp_unpack_one_of(in, step, field, of);
    if (is_present)
        return pp_unpack_value(in, step, field, of);
    return !field->is_tail || pp_unpack_tail(in, step, field, of, 0);
}

static bool pp_unpack_record(struct pp_unpacker *in, const struct protopool_packing *packing, unsigned char *of)
{
    const struct protopool_record *const record = packing->record;
    const unsigned char *const bits = in->at;
    const size_t path = in->search != NULL ? in->search->path_length : 0;
    unsigned bit = 0;

    if (packing->presence_bits != 0 && !pp_unpack_presence(in, packing, of))
        return false;
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_step *const step = &packing->steps[i];
        const struct protopool_field *const field = &record->fields[i];
        bool is_present = true, is_good;
        if (in->search != NULL) {
            if (path != 0)
                pp_append_to_path(in->search, ".");
            pp_append_to_path(in->search, field->name);
        }
        if (step->is_plain) {
            is_good = pp_unpack_elements(in, step, of != NULL ? of + step->offset : NULL, step->count);
        } else {
            if (pp_has_bit(field) && step->element != PROTOPOOL_PACKED_ONE_OF) {
                is_present = of != NULL ? (of[field->presence_offset] & field->presence_mask) != 0
                                        : (bits[bit / 8] >> bit % 8 & 1) != 0;
                bit++;
            }
            is_good = pp_unpack_field(in, step, field, of, is_present);
        }
        if (!is_good)
            return false;
        if (in->search != NULL)
            pp_cut_path(in->search, path);
    }
    return true;
}

static struct pp_unpacker pp_unpacker_of(const struct protopool_packing *packing, const unsigned char *bytes,
                                         size_t count, size_t room, bool is_big)
{
    return (struct pp_unpacker){ .at = bytes,
                                 .end = bytes + count,
                                 .behind = packing->record->bytes,
                                 .room = room,
                                 .is_big = is_big,
                                 .swaps = is_big == protopool_is_little_endian() };
}

/* Looks for what is invalid once more, and notes it. The bytes can have changed meanwhile. */
static PROTOPOOL_COLD void pp_note_invalid_packed(const struct protopool_packing *packing, const unsigned char *bytes,
                                                  size_t count, bool is_big, struct protopool_received *result)
{
    struct pp_unpacker in = pp_unpacker_of(packing, bytes, count, INT32_MAX, is_big);
    struct pp_search search;

    pp_start_refusal(&search, result);
    in.search = &search;
    (void)pp_unpack_record(&in, packing, NULL);
    if (search.rule == PROTOPOOL_RULE_UNKNOWN) {
        pp_cut_path(&search, 0);
        (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
        PP_APPEND(&search, "its lengths changed while it was received");
    }
    (void)pp_note_refusal(result, NULL, packing->record->name, &search);
}

static PROTOPOOL_COLD void pp_note_left_over(const struct protopool_packing *packing, size_t left,
                                             struct protopool_received *result)
{
    struct pp_search search;

    pp_start_refusal(&search, result);
    (void)pp_note_rule(&search, PROTOPOOL_RULE_LENGTH);
    PP_APPEND_INTEGER(&search, left, false);
    PP_APPEND(&search, left == 1 ? " byte is left over" : " bytes are left over");
    (void)pp_note_refusal(result, NULL, packing->record->name, &search);
}

struct protopool_measured protopool_measure_packed(const struct protopool_packing *packing, const unsigned char *bytes,
                                                   size_t count, bool is_big, bool is_alone,
                                                   struct protopool_received *result)
{
    struct pp_unpacker in;
    struct protopool_measured size = { packing->bytes, packing->record->bytes };

    if (count < packing->bytes) {
        (void)protopool_note_incomplete(result, packing->bytes - count);
        return (struct protopool_measured){ 0, 0 };
    }
    if (!packing->is_fixed) {
        in = pp_unpacker_of(packing, bytes, count, INT32_MAX, is_big);
        if (!pp_unpack_record(&in, packing, NULL)) {
            if (in.missing != 0)
                (void)protopool_note_incomplete(result, in.missing);
            else
                pp_note_invalid_packed(packing, bytes, count, is_big, result);
            return (struct protopool_measured){ 0, 0 };
        }
        size = (struct protopool_measured){ (size_t)(in.at - bytes), in.behind };
    }
    if (is_alone && size.used != count) {
        pp_note_left_over(packing, count - size.used, result);
        size.size = 0;
    }
    return size;
}

/* The same of a record that always has the same bytes, which are all there. Returns where they end. */
static const unsigned char *pp_unpack_fixed(const struct protopool_packing *packing, unsigned char *of,
                                            const unsigned char *at, bool is_big, bool swaps)
{
    const struct protopool_step *step = packing->steps;

    for (uint32_t left = packing->record->field_count; left != 0; left--, step++) {
        unsigned char *to = of + step->offset;
        if (step->element != PROTOPOOL_PACKED_STRUCT) {
            at = pp_load(step, to, at, step->count, is_big, swaps);
            continue;
        }
        for (uint32_t i = 0; i < step->count; i++, to += step->of->record->bytes)
            at = pp_unpack_fixed(step->of, to, at, is_big, swaps);
    }
    return at;
}

bool protopool_unpack(const struct protopool_packing *packing, void *msg, const unsigned char *bytes,
                      struct protopool_measured size, bool is_big)
{
    struct pp_unpacker in = pp_unpacker_of(packing, bytes, size.used, size.size, is_big);

    memset(msg, 0, packing->record->bytes);
    if (packing->is_fixed) {
        (void)pp_unpack_fixed(packing, (unsigned char *)msg, bytes, is_big, in.swaps);
        return true;
    }
    return pp_unpack_record(&in, packing, (unsigned char *)msg) && in.at == in.end && in.behind == size.size;
}
