/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * protopool: a pool that is exact to the byte for messages of a few known sizes. The engine; a protocol's own
 * header, made from its schema, puts names and types on top of it.
 *
 *   pool (one thread's)                            slab (of one slot size)
 *   +------------------------------+              +--------+--------+------+------+------+-------+
 *   | per slot size:               |   refill     | header | bitmap | slot | slot | slot |  ...  |
 *   |   loaded   +-+-+-+-+-+-+-+   | <----------- |        | 1=free |      | live |      |       |
 *   |   magazine |*|*|*|*|*| | | --+-- pop: make  +--------+--------+------+------+------+-------+
 *   |            +-+-+-+-+-+-+-+ <-+-- push: free      ^                | wholly free
 *   |   previous +-+-+-+-+-+-+-+   |                   | new slab       v
 *   |   magazine |*|*|*|*|*|*|*|   | -----------> +----+---------------------------+      +--------+
 *   |            +-+-+-+-+-+-+-+   |   spill      | store: slabs by slot size,     | <--> | source |
 *   +------------------------------+              | spare slabs for any slot size  |      +--------+
 *          ^                                      +--------------------------------+
 *          | exchange of whole magazines                    ^
 *          v                                                | refill, spill, under one lock
 *   +------------------------------------------------------------------------------+
 *   | depot (when threads share a store): per slot size up to 8 full magazines     |
 *   +------------------------------------------------------------------------------+
 *
 * A make pops a pointer from the loaded magazine, a free pushes one; nothing else is touched, in particular not the
 * freed slot. When the loaded magazine runs empty or full it changes places with the previous one, and when that
 * does not help, a whole magazine is refilled from a slab's bitmap, in address order, or spilled into it. The free
 * bitmap lies outside the slots: a slot has no header and no link, and the live messages can be enumerated. A slab that
 * becomes wholly free serves any slot size next; past a bound it goes back to its source. So a write after free cannot
 * corrupt a fixed pool, nor a growing one as long as that slab serves the same slot size; later the bytes can be a bitmap,
 * an array of a magazine, or not the pool's any more. Slabs are Bonwick's (USENIX 1994), magazines and the depot those of
 * Bonwick and Adams (USENIX 2001); unlike theirs, magazines do not change their size.
 *
 * Conventions
 *   Threads     A pool is one thread's at a time. Pools that have joined a depot share its memory: any of their threads
 *               frees what any of them made; a lock is taken once for many makes or frees. A pool on its own takes no
 *               lock. No function may be called in a signal handler or an interrupt, unless the depot's lock keeps
 *               it off (see PROTOPOOL_LOCK) and it has a pool of its own there. After fork, the child has its own copy of a pool
 *               on its own; of a joined pool and of its depot it may use nothing.
 *   Ownership   A pool's memory is the pool's from init to fini. A slot is the caller's from take to put.
 *   Errors      What a caller can meet (no memory, a wrong size) is a false or a NULL, and leaves the pool as it was.
 *               A pool or depot whose init has failed is empty: new returns NULL, fini returns 0.
 *               A caller's bug (a double free, a foreign pointer) is undefined at build level 0.
 *   Moving      A pool points into itself: do not move or copy it once it is initialised.
 *   Units       Sizes are bytes, counts are slots.
 *
 * Where is what. Each part begins with a line of its name.
 *   port.h      Compilers, libraries and C++: what this header includes, and what wraps its C.
 *   settings.h  Settings, one for the whole program: files that disagree do not link.
 *   compiler.h  Attributes, where the compiler has them.
 *   source.h    Where memory comes from, and the slot sizes of a protocol.
 *   types.h     A pool's data: slabs, stores, magazines, depots.
 *   fault.h     Faults: bugs of the caller.
 *   refusal.h   Failures and refusals: why a constructor returned NULL.
 *   fast.h      The inline part of allocate and free, and what the build levels add to it.
 *   pool.h      Pools: init, fini and what lies between.
 *   depot.h     Depots: memory that the pools of several threads share.
 *   text.h      What emitted constructors use for texts and bools.
 *   hash.h      Hashing: the same on every machine.
 *   record.h    Descriptions of messages: for a logger, a diff or a bridge to another format, for any protocol.
 *   print.h     Printing, in the form of Rust's Debug.
 *   message.h   Variants: the functions that are alike for each, as macros that a protocol's header expands.
 */

#ifndef PROTOPOOL_H_
#define PROTOPOOL_H_

/* ---- port.h ------------------------------------------------------------------------------------------------------ */
/* Compilers, libraries and C++: what this header includes, and what wraps its C. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef __cplusplus
#include <stdalign.h>
#include <stdbool.h>
#if !defined static_assert \
    && !(defined __clang__ && __clang_major__ >= 16 && __STDC_VERSION__ > 201710L) /* a keyword there */
#define static_assert _Static_assert
#endif
#endif

/* PROTOPOOL_PORT names a header of yours, quotes included, with settings for the whole program: the lock of an RTOS, say. It
 * must not include this one. */
#ifdef PROTOPOOL_PORT
#include PROTOPOOL_PORT
#endif

/* A freestanding build has no stdio. */
#if defined __STDC_HOSTED__ && __STDC_HOSTED__ == 0 && !defined PROTOPOOL_NO_STDIO
#define PROTOPOOL_NO_STDIO
#endif
#ifndef PROTOPOOL_NO_STDIO
#include <stdio.h>
#endif

/* Around what is C: in C++ it has C's linkage, and casts and NULLs are no reason for a warning there. */
/* clang-format off */
#ifndef __cplusplus
#define PROTOPOOL_BEGIN_C
#define PROTOPOOL_END_C
#elif defined __GNUC__
#ifdef __clang__
#define PROTOPOOL_USELESS_CASTS_
#else
#define PROTOPOOL_USELESS_CASTS_ _Pragma("GCC diagnostic ignored \"-Wuseless-cast\"")
#endif
#define PROTOPOOL_BEGIN_C \
    extern "C" { \
    _Pragma("GCC diagnostic push") \
    _Pragma("GCC diagnostic ignored \"-Wold-style-cast\"") \
    _Pragma("GCC diagnostic ignored \"-Wshadow\"") /* of a struct by a function, as in C */ \
    _Pragma("GCC diagnostic ignored \"-Wzero-as-null-pointer-constant\"") \
    PROTOPOOL_USELESS_CASTS_
#define PROTOPOOL_END_C _Pragma("GCC diagnostic pop") }
#else
#define PROTOPOOL_BEGIN_C extern "C" {
#define PROTOPOOL_END_C }
#endif
/* clang-format on */

/* Behind the name of a struct that has a tail in a pool: C++ does not copy it, since the tail would stay behind. It may be
 * returned and moved, and is laid out as in C. */
#ifdef __cplusplus
struct protopool_uncopied {
    protopool_uncopied() = default;
    protopool_uncopied(protopool_uncopied &&) = default;
    protopool_uncopied &operator=(protopool_uncopied &&) = default;
};
#define PROTOPOOL_UNCOPIED : protopool_uncopied
#else
#define PROTOPOOL_UNCOPIED
#endif

PROTOPOOL_BEGIN_C

/* ---- settings.h -------------------------------------------------------------------------------------------------- */
/*
 * Settings, one for the whole program: files that disagree do not link.
 * Each symbol's name has the version of the interface and the settings in it.
 */

/* The build level. What is found is told as a fault (see below).
 * 0: release. Nothing is checked per operation.
 * 1: checking, for production. A freed message bears a tag of its own, looked for on free and on make.
 * 2: debug. Every pointer is looked up before it is used; red zones, fill patterns, who made and who freed; ASan and
 *    valgrind are told of every make and free. Each make and free takes the depot's lock. */
#ifndef PROTOPOOL_CHECK
#define PROTOPOOL_CHECK 0
#endif
#if PROTOPOOL_CHECK < 0 || PROTOPOOL_CHECK > 2
#error "protopool: PROTOPOOL_CHECK is 0, 1 or 2"
#endif

/* Slots in a magazine, a plain decimal from 1 to 65535. It should exceed the usual burst of makes or frees. */
#ifndef PROTOPOOL_MAGAZINE
#define PROTOPOOL_MAGAZINE 64
#endif

/* PROTOPOOL_NO_STDIO leaves printing out, PROTOPOOL_NO_HEAP the default source: a freestanding build has neither.
 * PROTOPOOL_TRACE prints each allocation and deallocation on standard output. */
#ifdef PROTOPOOL_NO_STDIO
#define PROTOPOOL_STDIO_ _nostdio
#ifdef PROTOPOOL_TRACE
#error "protopool: PROTOPOOL_TRACE prints, which PROTOPOOL_NO_STDIO or a freestanding build leaves out"
#endif
#else
#define PROTOPOOL_STDIO_
#endif

/*
 * A depot's lock is a mutex of pthreads, or yours:
 *
 *   PROTOPOOL_LOCK(lock)        waits for it: of an RTOS a mutex, for interrupts the masking of them (docs/firmware.md)
 *   PROTOPOOL_UNLOCK(lock)
 *   PROTOPOOL_LOCK_INIT(lock)   before its first use: true, or false if there is none to be had; the default fills it with 0
 *   PROTOPOOL_LOCK_FINI(lock)   after its last use; the default does nothing
 *
 * Each gets a pointer to a union protopool_lock, to keep there what it needs. PROTOPOOL_NO_THREADS, which a freestanding build
 * without PROTOPOOL_LOCK implies, leaves depots out: there are none without a lock. Who wants them in a program of one thread
 * defines a lock that does nothing.
 */
#if defined PROTOPOOL_LOCK != defined PROTOPOOL_UNLOCK
#error "protopool: PROTOPOOL_LOCK and PROTOPOOL_UNLOCK are defined together"
#endif
#if (defined PROTOPOOL_LOCK_INIT || defined PROTOPOOL_LOCK_FINI) && !defined PROTOPOOL_LOCK
#error "protopool: PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK_FINI belong to a PROTOPOOL_LOCK"
#endif
#if defined PROTOPOOL_LOCK && defined PROTOPOOL_NO_THREADS
#error "protopool: PROTOPOOL_NO_THREADS leaves depots out, for which alone there is PROTOPOOL_LOCK"
#endif
#if !defined PROTOPOOL_NO_THREADS && !defined PROTOPOOL_LOCK && defined __STDC_HOSTED__ && __STDC_HOSTED__ == 0
#define PROTOPOOL_NO_THREADS
#endif
#ifdef PROTOPOOL_NO_THREADS
#define PROTOPOOL_THREADS_ _nothreads
#else
#define PROTOPOOL_THREADS_
#endif

#ifdef PROTOPOOL_TRACE
#define PROTOPOOL_TRACE_ _trace
#else
#define PROTOPOOL_TRACE_
#endif

/* The version of what the engine, its header and emitted code share. It changes with each change of a layout or of a
 * contract between them: emitted code asks for its own version, and each symbol's name bears it. */
#define PROTOPOOL_ABI 8

/* A name that bears the version and the settings. */
#define PROTOPOOL_PASTE_(name, abi, check, magazine, stdio, threads, trace) \
    name##_abi##abi##_check##check##_magazine##magazine##stdio##threads##trace
#define PROTOPOOL_EXPAND_(name, abi, check, magazine, stdio, threads, trace) \
    PROTOPOOL_PASTE_(name, abi, check, magazine, stdio, threads, trace)
#define PROTOPOOL_NAMED_(name) \
    PROTOPOOL_EXPAND_(name, PROTOPOOL_ABI, PROTOPOOL_CHECK, PROTOPOOL_MAGAZINE, PROTOPOOL_STDIO_, PROTOPOOL_THREADS_, \
                      PROTOPOOL_TRACE_)

#define protopool_init_fixed PROTOPOOL_NAMED_(protopool_init_fixed)
#define protopool_init_growing PROTOPOOL_NAMED_(protopool_init_growing)
#define protopool_fini PROTOPOOL_NAMED_(protopool_fini)
#define protopool_reset PROTOPOOL_NAMED_(protopool_reset)
#define protopool_reserve PROTOPOOL_NAMED_(protopool_reserve)
#define protopool_each PROTOPOOL_NAMED_(protopool_each)
#define protopool_stats PROTOPOOL_NAMED_(protopool_stats)
#define protopool_flush PROTOPOOL_NAMED_(protopool_flush)
#define protopool_trim PROTOPOOL_NAMED_(protopool_trim)
#define protopool_depot_init PROTOPOOL_NAMED_(protopool_depot_init)
#define protopool_depot_init_fixed PROTOPOOL_NAMED_(protopool_depot_init_fixed)
#define protopool_depot_fini PROTOPOOL_NAMED_(protopool_depot_fini)
#define protopool_depot_each PROTOPOOL_NAMED_(protopool_depot_each)
#define protopool_depot_trim PROTOPOOL_NAMED_(protopool_depot_trim)
#define protopool_depot_stats PROTOPOOL_NAMED_(protopool_depot_stats)
#define protopool_join PROTOPOOL_NAMED_(protopool_join)
#define protopool_take_slow PROTOPOOL_NAMED_(protopool_take_slow)
#define protopool_report_fault PROTOPOOL_NAMED_(protopool_report_fault)
#define protopool_serves PROTOPOOL_NAMED_(protopool_serves)
#define protopool_explain_new PROTOPOOL_NAMED_(protopool_explain_new)
#define protopool_explain_copy PROTOPOOL_NAMED_(protopool_explain_copy)
#define protopool_take_checked PROTOPOOL_NAMED_(protopool_take_checked)
#define protopool_report_variant PROTOPOOL_NAMED_(protopool_report_variant)
#define protopool_check_free PROTOPOOL_NAMED_(protopool_check_free)
#define protopool_finish_free PROTOPOOL_NAMED_(protopool_finish_free)
#define protopool_put_slow PROTOPOOL_NAMED_(protopool_put_slow)
#define protopool_set_fault_handler PROTOPOOL_NAMED_(protopool_set_fault_handler)
#define protopool_fault_text PROTOPOOL_NAMED_(protopool_fault_text)
#define protopool_print_begin PROTOPOOL_NAMED_(protopool_print_begin)
#define protopool_print_item PROTOPOOL_NAMED_(protopool_print_item)
#define protopool_print_end PROTOPOOL_NAMED_(protopool_print_end)
#define protopool_print PROTOPOOL_NAMED_(protopool_print)
#define protopool_print_bool PROTOPOOL_NAMED_(protopool_print_bool)
#define protopool_print_unsigned PROTOPOOL_NAMED_(protopool_print_unsigned)
#define protopool_print_signed PROTOPOOL_NAMED_(protopool_print_signed)
#define protopool_print_char PROTOPOOL_NAMED_(protopool_print_char)
#define protopool_print_float PROTOPOOL_NAMED_(protopool_print_float)
#define protopool_print_double PROTOPOOL_NAMED_(protopool_print_double)
#define protopool_print_flags PROTOPOOL_NAMED_(protopool_print_flags)
#define protopool_print_text PROTOPOOL_NAMED_(protopool_print_text)
#define protopool_print_message PROTOPOOL_NAMED_(protopool_print_message)
#define protopool_trace_bytes PROTOPOOL_NAMED_(protopool_trace_bytes)
#define protopool_set_refusal_handler PROTOPOOL_NAMED_(protopool_set_refusal_handler)

/* ---- compiler.h -------------------------------------------------------------------------------------------------- */
/* Attributes, where the compiler has them. */

/* In front of each function and table that other files refer to. A program or a shared library keeps its own engine and
 * protocols to itself, so that two of them in one process do not meet. PROTOPOOL_SHARED exports them
 * from a shared library; a system with other means (dllexport) defines PROTOPOOL_API. */
#ifndef PROTOPOOL_API
#if defined __GNUC__ && defined __ELF__ && !defined PROTOPOOL_SHARED
#define PROTOPOOL_API __attribute__((visibility("hidden")))
#elif defined __GNUC__ && defined __ELF__
#define PROTOPOOL_API __attribute__((visibility("default")))
#else
#define PROTOPOOL_API
#endif
#endif

/* In front of a function whose result says whether it has worked. */
#if defined __cplusplus && __cplusplus >= 201703L
#define PROTOPOOL_NODISCARD [[nodiscard]]
#elif defined __STDC_VERSION__ && __STDC_VERSION__ > 201710L
#define PROTOPOOL_NODISCARD [[nodiscard]]
#elif defined __GNUC__
#define PROTOPOOL_NODISCARD __attribute__((warn_unused_result))
#else
#define PROTOPOOL_NODISCARD
#endif

/* In front of an inline constructor. */
#define PROTOPOOL_ALLOCATES PROTOPOOL_NODISCARD static inline

/* Refers to an object from each file that includes a header: of a file that was compiled with other settings, an older
 * schema or another version, the linker reports an undefined reference that names them. One pointer a file. */
#if defined __GNUC__ && defined __has_attribute
#if __has_attribute(retain) && (defined __linux__ || defined __clang__) /* gcc knows it where the assembler does not */
#define PROTOPOOL_REFER_(name, object) static const void *const name __attribute__((used, retain)) = &(object)
#endif
#endif
#ifndef PROTOPOOL_REFER_
#ifdef __GNUC__
#define PROTOPOOL_REFER_(name, object) static const void *const name __attribute__((used)) = &(object)
#else
#define PROTOPOOL_REFER_(name, object) extern const void *name
#endif
#endif

/* A number as text, for messages. */
#define PROTOPOOL_TEXT_OF_(number) PROTOPOOL_TEXT_(number)
#define PROTOPOOL_TEXT_(text) #text

#if defined __GNUC__
#define PROTOPOOL_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define PROTOPOOL_COLD __attribute__((noinline, cold))
#define PROTOPOOL_APART __attribute__((noinline))
#define PROTOPOOL_INLINE static inline __attribute__((always_inline))
#define PROTOPOOL_ASSUME(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define PROTOPOOL_LIKELY(condition) (condition)
#define PROTOPOOL_COLD
#define PROTOPOOL_APART
#define PROTOPOOL_INLINE static inline
#define PROTOPOOL_ASSUME(condition) ((void)0)
#endif

/* Behind a function's declaration: gcc reports a double free, a use after free and a leak of the messages that it returns (-Wall,
 * -fanalyzer). Such a function cannot be inlined. So what constructors return passes through one, but only where nothing is
 * inlined anyway: without optimisation, and at level 2. PROTOPOOL_NO_ANALYSIS, before a file includes this, leaves it out
 * there. */
#if defined __GNUC__ && __GNUC__ >= 11 && !defined __clang__ && !defined PROTOPOOL_NO_ANALYSIS \
    && (!defined __OPTIMIZE__ || PROTOPOOL_CHECK == 2)
#define PROTOPOOL_ANALYSED_
#define PROTOPOOL_FREED_BY_(free_function) __attribute__((malloc(free_function, 2), warn_unused_result))
#else
#define PROTOPOOL_FREED_BY_(free_function)
#endif

/* Before the constructors of a message that the schema calls deprecated. PROTOPOOL_NO_DEPRECATION, before a file includes
 * this, leaves the warning out there. */
#if defined __GNUC__ && !defined PROTOPOOL_NO_DEPRECATION
#define PROTOPOOL_DEPRECATED(why) __attribute__((deprecated(why)))
#else
#define PROTOPOOL_DEPRECATED(why)
#endif

#if defined __has_attribute
#if __has_attribute(unavailable)
#define PROTOPOOL_UNAVAILABLE_(why) __attribute__((unavailable(why)))
#endif
#endif
#ifndef PROTOPOOL_UNAVAILABLE_
#define PROTOPOOL_UNAVAILABLE_(why)
#endif

/* What lies so many bytes behind the beginning of a message: by its address, since gcc warns of what goes beyond the member
 * from which it got the pointer. */
#define PROTOPOOL_BEHIND_(msg, bytes) ((void *)((uintptr_t)(const void *)(msg) + (bytes)))

/* Clears padding of a message, which no member names. */
#define PROTOPOOL_CLEAR_(msg, offset, bytes) ((void)memset((unsigned char *)(msg) + (offset), 0, (bytes)))

/* A const object as a message that is only read. */
#define PROTOPOOL_UNCONST(pointer) ((void *)(uintptr_t)(pointer))

/* ---- source.h ---------------------------------------------------------------------------------------------------- */
/* Where memory comes from, and the slot sizes of a protocol. */

/* take returns `bytes` bytes aligned to `align` (a power of two), or NULL; give gets back exactly what take gave,
 * with the same bytes and align. A
 * growing pool takes a slab at a time: 16 KiB aligned to 16 KiB, or a small power of two times as much; for slots
 * of several KiB single blocks; and, once, a block for its tables, aligned to 8. give may be NULL: memory is then never
 * given back, and kept for reuse. Both are called by the pool's thread, inside make, free, reserve, reset, flush, trim,
 * each, init and fini. */
struct protopool_source {
    void *(*take)(void *ctx, size_t bytes, size_t align);
    void (*give)(void *ctx, void *memory, size_t bytes, size_t align);
    void *ctx;
};

/* One slot size of a protocol. bytes: 1 to 2^31 - 1; budget: how many a fixed pool holds. */
struct protopool_slot_size {
    uint32_t bytes;
    uint32_t budget;
};

#if PROTOPOOL_CHECK >= 1
/* What the checks know of messages. A message begins with its tag, of tag_bytes bytes; freed_tag marks a freed one. */
struct protopool_messages {
    const char *name;
    uint32_t tag_bytes;
    uint32_t freed_tag;
    uint32_t variants;
    uint32_t (*variant_of)(const void *msg); /* counts from 0; variants: it is none */
    const char *(*name_of)(uint32_t variant);
    size_t (*size_of)(const void *msg, size_t room); /* 0: it is none, or its fixed part is larger than the room */
    bool (*has_tail)(const void *msg);
    int (*print)(void *stream, const void *msg);
};
#endif

/* Slot sizes in ascending order, each once. Slot class c, from 1, is slot_sizes[c - 1]. Slot class 0 is that of
 * what is not allocated: take returns NULL for it and put does nothing. */
struct protopool_geometry {
    const struct protopool_slot_size *slot_sizes;
    uint32_t count;
#if PROTOPOOL_CHECK >= 1
    const struct protopool_messages *messages;
#endif
};

/* Where in the program; file is NULL where that is not known. */
struct protopool_site {
    const char *file;
    int line;
};

#define PROTOPOOL_ROUND_UP_(bytes) (((bytes) + 7ULL) / 8 * 8)

/* ---- types.h ----------------------------------------------------------------------------------------------------- */
/*
 * A pool's data: slabs, stores, magazines, depots. The members are private.
 * Invariants are written above the struct whose members they relate; the tests check them after each step.
 */

#if UINTPTR_MAX > 0xffffffffU
typedef uint64_t protopool_word;
#else
typedef uint32_t protopool_word;
#endif

#define PROTOPOOL_WORD_BITS_ (8 * sizeof(protopool_word))

/* A stack of free slots. slots <= top <= end; all NULL: it has no array. A pointer to the top in place of a count saves
 * make and free a load and an addition each. */
struct protopool_magazine {
    void **top; /* above the last slot */
    void **slots, **end;
#if PROTOPOOL_CHECK == 1
    void **lowest; /* of a loaded magazine: top at its lowest since the peak was last noted */
#endif
};

/*
 * The header of a slab; its bitmap follows. With F(w) for the bits of word w that stand for slots:
 *
 *   bits[w] & ~F(w) == 0
 *   free_words  == number of w with bits[w] != 0
 *   idle_words  == number of w with bits[w] == F(w)
 *   bits[w] == 0 for every w < lowest
 *   the slab is in its class's partial list if free_words > 0, in the full list otherwise
 */
struct protopool_slab {
    struct protopool_slab *next;
    struct protopool_slab *previous;
    unsigned char *first; /* slot 0 */
    uint32_t slots;
    uint32_t words;
    uint32_t free_words;
    uint32_t idle_words;
    uint32_t lowest;
    uint32_t slot_class; /* of its slots; 0: the magazines' arrays */
#if PROTOPOOL_CHECK >= 1
    const struct protopool_slabs *owner;
#endif
};

#if PROTOPOOL_CHECK == 2
/* What is known of a slot, outside it. */
struct protopool_slot_record {
    struct protopool_site allocated;
    struct protopool_site freed;
    size_t bytes; /* what it was made for: at most those of the slot */
    uint32_t state;
    uint32_t variant; /* when it was freed */
};
#define PROTOPOOL_RECORD_BYTES_ sizeof(struct protopool_slot_record)

/* From slot to slot: the message, and a red zone between it and the next. */
#define PROTOPOOL_RED_ZONE_ 8
#define PROTOPOOL_STRIDE_(bytes) (PROTOPOOL_ROUND_UP_(bytes) + 2ULL * PROTOPOOL_RED_ZONE_)
#else
#define PROTOPOOL_RECORD_BYTES_ 0
#define PROTOPOOL_RED_ZONE_ 0
#define PROTOPOOL_STRIDE_(bytes) (bytes)
#endif

/*
 * All slabs of one slot size.
 *
 *   slots    == sum of slab.slots over both lists
 *   free_in_slabs == number of bits set in their bitmaps
 */
struct protopool_slabs {
    struct protopool_slab *partial;
    struct protopool_slab *full;
    struct protopool_slab *fixed; /* the only slab of a fixed pool; NULL in a growing one */
    size_t slot_bytes;            /* from slot to slot */
    size_t slab_bytes;
    uintptr_t mask;        /* a slot's slab is at (slot - slot_offset) & mask */
    uintptr_t slot_offset; /* 0 but for a block of a slot's own: what lies before the slot */
    uint64_t reciprocal;   /* 2^32 / slot_bytes + 1 */
    uint32_t slab_slots;
    uint32_t slot_class; /* 0: the magazines' arrays */
    size_t slots;
    size_t free_in_slabs;
    size_t reserved; /* slots that are kept although their slabs are wholly free */
#if PROTOPOOL_CHECK >= 1
    size_t message_bytes;
#endif
};

/* A slot size in a store. */
struct protopool_store_class {
    struct protopool_slabs slabs;
    uint32_t magazine; /* slots that a magazine of this slot size holds */
    size_t peak;
#if PROTOPOOL_CHECK == 2
    size_t live;
#endif
    size_t failures;
};

/* Wholly free slabs that a growing pool keeps for any slot size, at most; their bytes too are bounded where the source takes
 * memory back. */
#define PROTOPOOL_SPARE_SLABS 64
#define PROTOPOOL_SPARE_BYTES ((size_t)1 << 20)

struct protopool_chunk;

/* The default source: slabs cut from chunks of 1 or 2 MiB, by ascending address. */
struct protopool_heap {
    struct protopool_chunk *chunks;
    size_t count, capacity;
    size_t slabs;        /* of all chunks */
    size_t lowest;       /* every chunk below is full */
    size_t idle;         /* wholly free chunks: at most 1 */
    size_t live;         /* bytes of slabs that are taken */
    size_t dirty;        /* bytes of chunks that are free, and that the system still holds memory for */
    bool system_refuses; /* the system takes nothing back: the memory is locked, say */
};

/* Room for a lock of any system: a pthread_mutex_t, or what PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK put there. */
union protopool_lock {
    alignas(8) unsigned char bytes[64];
    void *pointer;
};

/* What a store that grows has besides. */
struct protopool_growth {
    struct protopool_source source;
    struct protopool_heap heap;              /* if it is the default source */
    uintptr_t spares[PROTOPOOL_SPARE_SLABS]; /* ascending addresses; the low bits are the slab's order */
    uint32_t spare_count;
    size_t spare_bytes;
#if PROTOPOOL_CHECK == 2
    struct protopool_slab **registry; /* every slab of slots, by ascending address */
    size_t registered, registry_room;
#endif
};

/* Slabs of all slot sizes: of one pool, or of a depot. It lies at the beginning of fixed memory, or in a block of the
 * source, with the classes behind it and then what it needs to grow: the pool's tables. */
struct protopool_store {
    const struct protopool_geometry *geometry;
    struct protopool_store_class *classes; /* by slot class; class 0 are the magazines' arrays, slots like others */
    struct protopool_growth *growth;       /* NULL: fixed memory */
    size_t source_bytes;                   /* taken and not given back */
#if PROTOPOOL_CHECK == 2
    struct protopool_store *next_store; /* of the program's */
    union protopool_lock *lock;         /* the depot's; NULL: of a pool on its own */
#endif
};

/* What a pool holds of one slot size besides the loaded magazine. */
struct protopool_pool_class {
    struct protopool_magazine previous;
    uint32_t seen_loaded; /* counts when idle magazines were last looked for: unmoved ones are idle */
    uint32_t seen_previous;
};

/*
 * Of every slot size, summed over the pools of a store, and with in_depot for the slots in the depot's full magazines:
 *
 *   live == slabs.slots - slabs.free_in_slabs - in_depot - what loaded and previous hold
 */
struct protopool {
    struct protopool_magazine *loaded; /* by slot class */
    struct protopool_pool_class *classes;
    struct protopool_magazine *last; /* of loaded: that of the message freed last, whose tag is last_tag */
    uint32_t last_tag;
    uint32_t store_visits;         /* counts calls that went to the store */
    struct protopool_store *store; /* its own or its depot's; NULL: not initialised */
    struct protopool_depot *depot; /* NULL: on its own */
    uint32_t slabs_since_flush;    /* slabs taken since idle magazines were looked for */
    bool is_fixed;                 /* its store never grows */
    uint8_t failure;               /* enum protopool_failure: why a constructor returned NULL last */
#if PROTOPOOL_CHECK >= 1
    uint32_t
        alive; /* PROTOPOOL_ALIVE_ between init or join and fini, PROTOPOOL_FAILED_ where init or join has failed */
#endif
#if PROTOPOOL_CHECK == 2
    struct protopool_site site; /* of the operation that runs */
    uint32_t busy;              /* 1 while one runs */
#endif
};

#define PROTOPOOL_ALIVE_ 0x900dU
#define PROTOPOOL_FAILED_ 0xbadU
#define PROTOPOOL_ENDED_ 0U

/* Full magazines of a slot size that a depot keeps, at most. */
#define PROTOPOOL_DEPOT_MAGAZINES 8

/* Those of one slot size: the arrays of full magazines, and of empty ones to be exchanged for them. */
struct protopool_depot_class {
    uint32_t full_count;
    uint32_t empty_count;
    void **full[PROTOPOOL_DEPOT_MAGAZINES];
    void **empty[PROTOPOOL_DEPOT_MAGAZINES];
};

struct protopool_depot {
    union protopool_lock lock; /* guards what follows, the classes and the store */
    struct protopool_depot_class *classes;
    uint32_t joined;
    struct protopool_store *store; /* NULL: not initialised */
};

struct protopool_slot_stats {
    size_t slot_bytes;
    size_t budget; /* of a fixed pool; 0 in a growing one */
    size_t live;   /* with a depot also the free slots in the magazines of other pools; at level 2 without them */
    size_t
        peak; /* the most that were live at once. Exact at level 2, and at level 1 of a pool on its own. Else an upper
                        bound: of a pool on its own, a quarter above it at most, and less than PROTOPOOL_MAGAZINE; with a
                        depot, the free slots that the magazines of all joined pools held are counted too. */
    size_t failures; /* makes that found no memory */
};

/* ---- fault.h ----------------------------------------------------------------------------------------------------- */
/* Faults: bugs of the caller. */

enum protopool_fault {
    /* at every level */
    PROTOPOOL_FAULT_JOINED = 1, /* "depot ended while a pool is joined" */
    /* from level 1 */
    PROTOPOOL_FAULT_NOT_ALIVE,   /* "pool used before init or after fini" */
    PROTOPOOL_FAULT_DOUBLE_FREE, /* "double free" */
    PROTOPOOL_FAULT_BAD_TAG, /* "bad tag": a message is freed whose tag is no variant's, or is of another slot size */
    PROTOPOOL_FAULT_WRITTEN_AFTER_FREE, /* "use after free (write)": found when the slot is allocated again */
    PROTOPOOL_FAULT_WRONG_VARIANT,      /* "wrong variant": as or edit of a message that is another one */
    PROTOPOOL_FAULT_WRONG_LENGTH,       /* "wrong tail length": not that with which the message was allocated */
    PROTOPOOL_FAULT_LEAK,               /* "leak": a pool or depot ends with live messages */
    /* at level 2 */
    PROTOPOOL_FAULT_FOREIGN,    /* "foreign pointer": freed, and not from any pool */
    PROTOPOOL_FAULT_INTERIOR,   /* "interior pointer": freed, and points into a slot, not to its message */
    PROTOPOOL_FAULT_WRONG_POOL, /* "wrong pool": freed into another pool than its own, with no depot in common */
    PROTOPOOL_FAULT_OVERRUN,    /* "overrun": bytes behind a message were written */
    PROTOPOOL_FAULT_UNDERRUN,   /* "underrun": bytes before a message were written */
    /* from level 1 */
    PROTOPOOL_FAULT_USE_AFTER_FREE, /* "use after free": as or edit of a freed message */
    /* at every level */
    PROTOPOOL_FAULT_SHARED, /* "reset or each of a joined pool": its depot has the messages */
    /* at level 2 */
    PROTOPOOL_FAULT_CONCURRENT /* "concurrent use": two threads are in one pool */
};

/* What is called for a fault: pool is the pool or depot (NULL where none is known), pointer what the fault is about, or
 * NULL; site is never NULL. If it returns, the operation is skipped: free leaves the message, make and as return NULL,
 * fini goes on after a leak. It must not use the pool, whose lock may be held. */
typedef void protopool_fault_handler(enum protopool_fault fault, const void *pool, const void *pointer,
                                     const struct protopool_site *site);

/* Replaces the handler of the whole program; NULL is the default one, which prints a line on stderr and aborts. Returns
 * the previous one, NULL if that was the default. To be called before there are threads. */
PROTOPOOL_API protopool_fault_handler *protopool_set_fault_handler(protopool_fault_handler *handler);

/* The name of the fault, which is in quotes above; never NULL. */
PROTOPOOL_API const char *protopool_fault_text(enum protopool_fault fault);

#if PROTOPOOL_CHECK >= 1
/* Reports a fault of level 1 that emitted code has found. */
PROTOPOOL_API void protopool_report_fault(enum protopool_fault code, const struct protopool *pool, const void *pointer);
#endif

/* ---- refusal.h --------------------------------------------------------------------------------------------------- */
/* Failures and refusals: why a constructor returned NULL. */

/* Why a constructor returned NULL. */
enum protopool_failure {
    PROTOPOOL_NO_FAILURE,
    PROTOPOOL_REFUSED,   /* the schema rules out what it was given */
    PROTOPOOL_EXHAUSTED, /* the pool is full, or its source has no memory */
    PROTOPOOL_FAULTED    /* a fault was reported, and the handler returned */
};

/* The rule of the schema that a value breaks. */
enum protopool_rule {
    PROTOPOOL_RULE_UNKNOWN,
    PROTOPOOL_RULE_RANGE,  /* a number outside of its range */
    PROTOPOOL_RULE_ENUM,   /* a value that the enum does not declare */
    PROTOPOOL_RULE_FLAGS,  /* bits that the flags do not declare */
    PROTOPOOL_RULE_BOOL,   /* neither false nor true */
    PROTOPOOL_RULE_LENGTH, /* a text or list that is too long */
    PROTOPOOL_RULE_TEXT,   /* a text whose terminator is not where its length says */
    PROTOPOOL_RULE_NULL,   /* NULL where a text is required */
    PROTOPOOL_RULE_TAG     /* a struct to copy that bears the tag of another message */
};

/* What a refusal handler gets; all of it is gone when it returns. */
struct protopool_refusal {
    const void *pool;    /* NULL: it was no message of a pool */
    const char *message; /* its name in the schema */
    const char *field;   /* its name there: "load", or "points[2].x" */
    enum protopool_rule rule;
    const char *text;           /* "load 150 is not in 0..100"; NULL with PROTOPOOL_NO_STDIO */
    struct protopool_site site; /* of the constructor; known at level 2, of new and copy */
};

typedef void protopool_refusal_handler(const struct protopool_refusal *refusal);

/* Replaces the handler that the whole program has for refusals; from level 1 a constructor calls it before it returns NULL.
 * NULL is the default one, which at level 2 prints a line on stderr: "protopool: refused: Ping: load 150 is not in
 * 0..100, at a.c:12". A refusal is no fault: it never aborts. Returns the previous one, NULL if that was the default. To be
 * called before there are threads; the handler is called by the thread of the constructor. */
PROTOPOOL_API protopool_refusal_handler *protopool_set_refusal_handler(protopool_refusal_handler *handler);

#if PROTOPOOL_CHECK >= 1
#define PROTOPOOL_EXPLAIN_(call) call
#else
#define PROTOPOOL_EXPLAIN_(call) ((void)0)
#endif

/* ---- fast.h ------------------------------------------------------------------------------------------------------ */
/* The inline part of allocate and free, and what the build levels add to it. */

PROTOPOOL_API void *protopool_take_slow(struct protopool *pool, unsigned slot_class);
PROTOPOOL_API void protopool_put_slow(struct protopool *pool, unsigned slot_class, void *slot);

/* A free slot of the class, whose magazine is given too; NULL if there is none and none can be had. */
static inline void *protopool_take(struct protopool *pool, struct protopool_magazine *loaded, unsigned slot_class)
{
    void **const top = loaded->top;

    if (PROTOPOOL_LIKELY(top != loaded->slots)) {
        void *const slot = top[-1];
        loaded->top = top - 1;
#if PROTOPOOL_CHECK == 1
        if (top - 1 < loaded->lowest)
            loaded->lowest = top - 1;
#endif
        PROTOPOOL_ASSUME(slot != NULL);
        return slot;
    }
    return protopool_take_slow(pool, slot_class);
}

/* Puts back a slot that take returned for this class. */
static inline void protopool_put(struct protopool *pool, struct protopool_magazine *loaded, unsigned slot_class,
                                 void *slot)
{
    void **const top = loaded->top;

    if (PROTOPOOL_LIKELY(top != loaded->end)) {
        *top = slot;
        loaded->top = top + 1;
    } else {
        protopool_put_slow(pool, slot_class, slot);
    }
}

/*
 * The loaded magazine of a slot size, which the next free expects to need again if its message has the same tag. The variant
 * is often that of the free before, and then the address comes from a predicted branch instead of a load of the message: an
 * allocation that follows at once reads the same top by an address that is known early, and a processor that lets it
 * overtake the free's write starts over (Zen 4, a message replaced at random: 4.6 ns instead of 3.1 among ten thousand, 78
 * instead of 49 among a million; bench/).
 */
static inline struct protopool_magazine *protopool_expect(struct protopool *pool, uint32_t tag, unsigned slot_class)
{
    pool->last_tag = tag;
    return pool->last = &pool->loaded[slot_class];
}

/*
 * Which of the slot sizes for messages with a tail serves so many bytes, 1 to 2^31 - 1: the multiples of 16 up to 1 KiB count
 * from 1, then come four to each doubling. The generator's layout has the same rule, and the reasons.
 */
static inline unsigned protopool_tail_index(size_t bytes)
{
    unsigned doubling = 10;

    if (bytes <= 1024)
        return (unsigned)((bytes + 15) / 16);
    bytes--;
#if defined __GNUC__
    doubling = (unsigned)(8 * sizeof(unsigned long)) - 1 - (unsigned)__builtin_clzl((unsigned long)bytes);
#else
    while (bytes >> doubling > 1)
        doubling++;
#endif
    return 64 + 4 * (doubling - 10) + (unsigned)(bytes >> (doubling - 2)) - 3;
}

#if PROTOPOOL_CHECK == 1
/*
 * Whether a live message of so many bytes lies in a slot of the class: its length may have been changed since it was
 * made. A length that leads from a slot of several KiB to a small slot can end in a crash instead: what is asked is the
 * header of the slab that would be the slot's.
 */
PROTOPOOL_API bool protopool_serves(const struct protopool *pool, unsigned slot_class, const void *slot, size_t bytes);
#endif

#if PROTOPOOL_CHECK == 2
/* take, and what level 2 checks and notes; bytes: of the message, at most those of the slot; name: of its variant. */
PROTOPOOL_API void *protopool_take_checked(struct protopool *pool, unsigned slot_class, size_t bytes, const char *name);

/* Reports as or edit of a message of another variant, whose name is NULL if it has none, or of a freed message. */
PROTOPOOL_API void protopool_report_variant(const void *msg, const char *name, const char *file, int line);

/* The slot class of a message that may be freed, which from then on it is; 0 for NULL and for a fault. end_put puts it
 * into the pool. */
PROTOPOOL_API unsigned protopool_check_free(struct protopool *pool, const void *msg);
PROTOPOOL_API void protopool_finish_free(struct protopool *pool, unsigned slot_class, void *msg);
#endif

/* Writes the tag of a message, of tag_bytes bytes, and zeros up to `bytes` bytes, 1, 2, 4 or 8: in one store. */
PROTOPOOL_INLINE void protopool_write_tag(void *msg, uint32_t tag, size_t tag_bytes, size_t bytes)
{
#if defined __BYTE_ORDER__ && defined __ORDER_LITTLE_ENDIAN__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t head = tag;
    (void)tag_bytes;
    memcpy(msg, &head, bytes);
#elif defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    const uint64_t head = (uint64_t)tag << (64 - 8 * tag_bytes);
    memcpy(msg, &head, bytes);
#else
    const uint16_t wide = (uint16_t)tag;
    memset(msg, 0, bytes);
    if (tag_bytes == 1)
        *(unsigned char *)msg = (unsigned char)tag;
    else
        memcpy(msg, &wide, sizeof wide);
#endif
}

/* ---- pool.h ------------------------------------------------------------------------------------------------------ */
/* Pools: init, fini and what lies between. */

#define PROTOPOOL_MIN_(a, b) ((a) < (b) ? (a) : (b))

/* What fixed memory begins with: the tables of a pool or depot with so many slot sizes, those without a budget too. */
#define PROTOPOOL_TABLES_BYTES(slot_sizes) \
    (PROTOPOOL_ROUND_UP_(sizeof(struct protopool_store)) \
     + PROTOPOOL_ROUND_UP_((1ULL + (slot_sizes)) * sizeof(struct protopool_store_class)))

/* What init_fixed needs besides for one slot size: a header, the bitmap, the magazines' arrays and the slots. A constant
 * expression of type unsigned long long; 0 for a budget of 0. */
#define PROTOPOOL_FIXED_BYTES(slot_bytes, budget) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), budget, PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, (budget)), \
                        PROTOPOOL_RECORD_BYTES_)

/* What depot_init_fixed needs besides for one slot size and so many pools, 1 at least: that without the arrays, and the slots
 * that the magazines of the other pools may hold. */
#define PROTOPOOL_DEPOT_BYTES(slot_bytes, budget, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), PROTOPOOL_DEPOT_SLOTS_(budget, pools), 0ULL, \
                        PROTOPOOL_RECORD_BYTES_)

#define PROTOPOOL_DEPOT_SLOTS_(budget, pools) \
    ((budget) + ((pools)-1ULL) * 2 * PROTOPOOL_MIN_(PROTOPOOL_MAGAZINE, (budget)))

/* And, once, the arrays of the magazines of so many pools, for so many slot sizes with a budget. */
#define PROTOPOOL_DEPOT_ARRAYS_BYTES(slot_sizes, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_MAGAZINE * sizeof(void *), (slot_sizes)*2ULL * (pools), 0ULL, 0ULL)

#define PROTOPOOL_LAID_OUT_(slot_bytes, slots, arrays, record_bytes) \
    ((slots) == 0 ? 0ULL \
                  : PROTOPOOL_ROUND_UP_(sizeof(struct protopool_slab) \
                                        + ((slots) + PROTOPOOL_WORD_BITS_ - 1ULL) / PROTOPOOL_WORD_BITS_ \
                                              * sizeof(protopool_word) \
                                        + (arrays) * sizeof(void *) + (slots) * (1ULL * (record_bytes)) \
                                        + ((record_bytes) != 0) * (1ULL * PROTOPOOL_RED_ZONE_)) \
                        + PROTOPOOL_ROUND_UP_((slot_bytes)*1ULL * (slots)))

/* A sum of them as a size_t: SIZE_MAX, which no memory has, where the machine cannot count so far. */
#ifdef __cplusplus
#define PROTOPOOL_SIZE(bytes) static_cast<size_t>(PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#else
#define PROTOPOOL_SIZE(bytes) ((size_t)PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#endif

/* A pool of the geometry's budgets in the caller's memory, aligned to 8; it never grows and never calls a source.
 * loaded and classes have 1 + geometry->count elements. False if the memory is too small or misaligned. */
PROTOPOOL_API bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                        struct protopool_pool_class *classes, const struct protopool_geometry *geometry,
                                        void *memory, size_t bytes);

/* A pool that grows from the source; NULL is the default source. False if the source does not give the tables and the
 * first slab. */
PROTOPOOL_API bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                                          struct protopool_pool_class *classes,
                                          const struct protopool_geometry *geometry,
                                          const struct protopool_source *source);

/* Ends the pool. On its own: gives everything back and returns how many slots were live. Joined: hands its magazines
 * to the depot and returns 0. */
PROTOPOOL_API size_t protopool_fini(struct protopool *pool);

/* Frees all slots at once. Peaks and failures stay. Of a joined pool a fault: it is reported, and nothing is freed. */
PROTOPOOL_API void protopool_reset(struct protopool *pool);

/* Makes sure that n more slots can be taken without asking the source. False if it cannot be had; what was got
 * meanwhile is released again. A growing pool keeps so many from then on: live ones now and n more. With a depot, other pools may
 * take them. */
PROTOPOOL_API bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n);

/* Puts the free slots of its magazines back into their slabs: for a thread that goes idle. */
PROTOPOOL_API void protopool_flush(struct protopool *pool);

/* Gives back all that is free: flushes, also the depot's magazines, and gives the spares and all else to the source, the
 * default source to the system. What the magazines of other pools hold, and what is reserved, stays. Returns how many bytes
 * less the system holds for it (system_bytes, below): 0 of fixed memory. Takes time for each slab that is free. */
PROTOPOOL_API size_t protopool_trim(struct protopool *pool);

/* Calls fn for every live slot, by slot size, in no promised order. fn neither takes from nor puts into this pool. Not
 * for a joined pool: a fault, and it calls nothing. */
PROTOPOOL_API void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx);

/* Fills in an element for each slot size, the bytes taken from the source and not given back (of a fixed pool, those of its
 * memory that it uses), and those that the system holds memory for: the same, and of the default source also what is free
 * and not yet given to the system. Both may be NULL. Of a joined pool, those of its depot. */
PROTOPOOL_API void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size,
                                   size_t *source_bytes, size_t *system_bytes);

/* ---- depot.h ----------------------------------------------------------------------------------------------------- */
/* Depots: memory that the pools of several threads share. */

#ifndef PROTOPOOL_NO_THREADS

/* What joined pools share; classes has 1 + geometry->count elements. The source is called under the depot's lock. False if
 * the source does not give the tables and the first slab, or the system no lock. */
PROTOPOOL_API bool protopool_depot_init(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                        const struct protopool_geometry *geometry,
                                        const struct protopool_source *source);

/* The same in fixed memory, aligned to 8. It serves the largest number of pools, 65535 at most, for which the sum of the
 * three macros above is in it: as long as no more have joined, each budget is guaranteed to all of them together. More
 * may join; where no array is left for a magazine, a pool takes the lock each time. False if the memory does not even
 * do for the budgets, or is misaligned; if a slot size would have 2^32 slots; or if the system gives no lock. */
PROTOPOOL_API bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                              const struct protopool_geometry *geometry, void *memory, size_t bytes);

/* Ends the depot, gives everything back and returns how many slots were live. While a pool is joined it does nothing but
 * report that fault, and returns SIZE_MAX. */
PROTOPOOL_API size_t protopool_depot_fini(struct protopool_depot *depot);

/* As protopool_each, and fn is called under the depot's lock; calls nothing while a pool is joined, and returns false. */
PROTOPOOL_API bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot),
                                        void *ctx);

/* As protopool_trim, for a thread without a pool of it: what joined pools hold in their magazines stays. */
PROTOPOOL_API size_t protopool_depot_trim(struct protopool_depot *depot);

/* As protopool_stats; any thread may call it. */
PROTOPOOL_API void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                                         size_t *source_bytes, size_t *system_bytes);

/* A pool of the depot's memory, for one thread; the geometry is the depot's. False if the depot's init has failed. */
PROTOPOOL_API bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded,
                                  struct protopool_pool_class *classes, const struct protopool_geometry *geometry,
                                  struct protopool_depot *depot);

#endif

/* ---- text.h ------------------------------------------------------------------------------------------------------ */
/* What emitted constructors use for texts and bools. */

/* The text's length, or most + 1 if it is longer; NULL counts as too long. */
static inline size_t protopool_text_length(const char *text, size_t most)
{
    size_t length = 0;
    if (text == NULL)
        return most + 1;
    while (length <= most && text[length] != '\0')
        length++;
    return length;
}

/* Fills `count` characters with the text, `length` <= count long, and then with the pad. */
static inline void protopool_copy_padded(char *to, size_t count, const char *text, size_t length, char pad)
{
    memset(to, pad, count);
    if (length <= count) /* always; the compiler need not guess */
        memcpy(to, text, length);
}

/* How many of `count` characters are left without the padding at their end. */
static inline size_t protopool_unpadded_length(const char *chars, size_t count, char pad)
{
    while (count > 0 && chars[count - 1] == pad)
        count--;
    return count;
}

/* Whether what lies there can be read as a bool: C knows no other values than these, and what came from outside may. */
static inline bool protopool_is_bool(const void *bytes)
{
    static const bool truths[] = { false, true };
    return memcmp(bytes, &truths[0], sizeof truths[0]) == 0 || memcmp(bytes, &truths[1], sizeof truths[1]) == 0;
}

/* ---- hash.h ------------------------------------------------------------------------------------------------------ */
/* Hashing: the same on every machine. */

#define PROTOPOOL_HASH_SEED_ UINT64_C(0x9e3779b97f4a7c15)

/* One step: the finaliser of splitmix64 (Steele, Lea, Flood 2014) over what came before and the value. Not for input that
 * someone chooses in order to collide. */
static inline uint64_t protopool_hash_u64(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) + PROTOPOOL_HASH_SEED_;
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* By representation: 0.0 and -0.0 differ, and a NaN is equal to itself, as they are for `equal`. */
static inline uint64_t protopool_hash_float(uint64_t hash, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return protopool_hash_u64(hash, bits);
}

static inline uint64_t protopool_hash_double(uint64_t hash, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return protopool_hash_u64(hash, bits);
}

static inline uint64_t protopool_hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *const at = (const unsigned char *)bytes;
    for (size_t i = 0; i < count; i += 8) {
        uint64_t value = 0;
        for (size_t j = i; j < count && j < i + 8; j++)
            value |= (uint64_t)at[j] << 8 * (j - i);
        hash = protopool_hash_u64(hash, value);
    }
    return protopool_hash_u64(hash, count);
}

/* ---- record.h ---------------------------------------------------------------------------------------------------- */
/* Descriptions of messages: for a logger, a diff or a bridge to another format, for any protocol. */

enum protopool_type {
    PROTOPOOL_BOOL = 1,
    PROTOPOOL_UNSIGNED,
    PROTOPOOL_SIGNED,
    PROTOPOOL_FLOAT,
    PROTOPOOL_CHAR,
    PROTOPOOL_ENUM,   /* of `bytes` bytes; `values` has its names */
    PROTOPOOL_FLAGS,  /* unsigned; `values` has masks and their names */
    PROTOPOOL_STRUCT, /* `record` describes it */
    PROTOPOOL_TEXT    /* characters: terminated if it has a length, padded to `count` if not */
};

/* A name for a value of an enum (as a negative one converts to uint64_t), or for a bit of flags. */
struct protopool_value {
    const char *name;
    uint64_t number;
};

struct protopool_field {
    const char *name; /* in the schema */
    const char *unit; /* NULL: none */
    enum protopool_type type;
    uint32_t offset;          /* of the first element, in bytes from the beginning of the record */
    uint32_t bytes;           /* of an element */
    uint32_t count;           /* elements that there is room for; 1: it may be no list */
    bool is_list;             /* an array or a list, even of one element */
    bool is_tail;             /* behind the record: of a message in a pool only */
    bool is_signed;           /* of an ENUM: its base has negative values */
    char pad;                 /* of a TEXT without a length: what fills it up */
    uint8_t length_bytes;     /* of the unsigned integer that says how many elements are used; 0: all are */
    uint32_t length_offset;   /* where that is */
    uint8_t presence_mask;    /* the bit that says whether the field is there; 0: it always is */
    uint32_t presence_offset; /* of the byte with that bit */
    const struct protopool_record *record;
    const struct protopool_value *values;
    uint32_t value_count;
#if PROTOPOOL_CHECK >= 1
    const struct protopool_range *range; /* NULL: none */
#endif
};

#if PROTOPOOL_CHECK >= 1
/* Both ends are allowed. number: as it converts to uint64_t; real: of a FLOAT. */
union protopool_bound {
    uint64_t number;
    double real;
};

struct protopool_range {
    union protopool_bound least, most;
};
#define PROTOPOOL_RANGE_(kind, least, most) \
    , .range = &(const struct protopool_range) \
    { \
        { .kind = (least) }, \
        { \
            .kind = (most) \
        } \
    }
#else
#define PROTOPOOL_RANGE_(kind, least, most)
#endif

/* A message or a struct; its fields in the schema's order. */
struct protopool_record {
    const char *name;
    uint32_t bytes;
    uint32_t field_count;
    const struct protopool_field *fields;
};

/* The mask of the n-th of bit-fields of one bit, in its byte. */
#if defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROTOPOOL_BIT_(n) (0x80U >> (n) % 8)
#else
#define PROTOPOOL_BIT_(n) (1U << (n) % 8)
#endif

/* Whether the field is there, in a record that begins at `of`. */
static inline bool protopool_field_present(const struct protopool_field *field, const void *of)
{
    return field->presence_mask == 0
           || (((const unsigned char *)of)[field->presence_offset] & field->presence_mask) != 0;
}

/* How many of its elements are used; an optional one that is absent has none. */
static inline size_t protopool_field_length(const struct protopool_field *field, const void *of)
{
    const unsigned char *const length = (const unsigned char *)of + field->length_offset;
    uint32_t used = field->count;
    uint16_t used16;

    if (!protopool_field_present(field, of))
        return 0;
    if (field->length_bytes == 1) {
        used = *length;
    } else if (field->length_bytes == 2) {
        memcpy(&used16, length, sizeof used16);
        used = used16;
    } else if (field->length_bytes == 4) {
        memcpy(&used, length, sizeof used);
    }
    return used < field->count ? used : field->count;
}

#if PROTOPOOL_CHECK >= 1
/* An argument of a constructor, by field: where its elements are, the bytes of one, and how many there are; of a text only
 * where it is. NULL: the optional field is absent. */
struct protopool_argument {
    const void *at;
    size_t bytes, length;
};

/* Calls the refusal handler for the first field that the schema rules out. The pool is NULL for a message by value. */
PROTOPOOL_API void protopool_explain_new(const struct protopool *pool, const struct protopool_record *message,
                                         const struct protopool_argument *arguments);
/* The same of a struct and, if the message has one, of its tail. */
PROTOPOOL_API void protopool_explain_copy(const struct protopool *pool, const struct protopool_record *message,
                                          bool has_tag, const void *from, const void *tail, size_t length);
#endif

/* ---- print.h ----------------------------------------------------------------------------------------------------- */
/* Printing, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

/* Where to: `out`, or if that is NULL the buffer, of `room` bytes, by the rules of snprintf. */
struct protopool_printer {
    FILE *out;
    char *buffer;
    size_t room;
    int written;    /* characters so far; negative once a write has failed, as fprintf returns */
    bool is_pretty; /* a line for each field and element */
    bool is_first;  /* what is printed next is the first thing in its brackets */
    unsigned depth; /* of brackets */
};

/* `Name { field: value, ... }` and `[value, ...]`: begin (name is NULL for the latter), item before each value, end. */
PROTOPOOL_API void protopool_print_begin(struct protopool_printer *to, const char *name, const char *bracket);
PROTOPOOL_API void protopool_print_item(struct protopool_printer *to, const char *name);
PROTOPOOL_API void protopool_print_end(struct protopool_printer *to, const char *bracket);

PROTOPOOL_API void protopool_print(struct protopool_printer *to, const char *as_it_is);
PROTOPOOL_API void protopool_print_bool(struct protopool_printer *to, bool value);
PROTOPOOL_API void protopool_print_unsigned(struct protopool_printer *to, uint64_t value);
PROTOPOOL_API void protopool_print_signed(struct protopool_printer *to, int64_t value);
PROTOPOOL_API void protopool_print_char(struct protopool_printer *to, char value);
/* The shortest digits that read back as the same number; a decimal point in any locale. Where the C library's printf or
 * strtod has no floating point, the number in hexadecimal, as C's "%a" prints it. */
PROTOPOOL_API void protopool_print_float(struct protopool_printer *to, float value);
PROTOPOOL_API void protopool_print_double(struct protopool_printer *to, double value);
/* The names of the bits, `read | write`, and in hexadecimal those without a name; 0 for none. values: masks. */
PROTOPOOL_API void protopool_print_flags(struct protopool_printer *to, uint64_t value,
                                         const struct protopool_value *values, size_t count);
/* In quotes. UTF-8 passes, but what acts on a terminal or is not UTF-8 is escaped. */
PROTOPOOL_API void protopool_print_text(struct protopool_printer *to, const char *text, size_t length);

/* `Name { field: value, ... }` of a message by its description; "<no message>" if that is NULL. */
PROTOPOOL_API void protopool_print_message(struct protopool_printer *to, const struct protopool_record *record,
                                           const void *msg);

#ifdef PROTOPOOL_TRACE
/* Prints "what: address [bytes in hexadecimal]" on standard output. */
PROTOPOOL_API void protopool_trace_bytes(const char *what, const void *slot, size_t bytes);
#endif
#endif

/* ---- message.h --------------------------------------------------------------------------------------------------- */
/* Variants: the functions that are alike for each, as macros that a protocol's header expands. p: the protocol's prefix; tag:
 * the variant's enumerator. */

/* Whether it is the variant, with nothing else that the schema could rule out. */
#define PROTOPOOL_VALID_(p, variant, tag_of_it) \
    static inline bool p##_valid_##variant(const struct p##_##variant *msg) \
    { \
        return msg->base.tag == tag_of_it || msg->base.tag == 0; \
    }

/* Zeros are its defaults. */
#define PROTOPOOL_DEFAULT_(p, variant, tag_of_it) \
    static inline struct p##_##variant p##_default_##variant(void) \
    { \
        struct p##_##variant msg; \
        memset(&msg, 0, sizeof msg); \
        msg.base.tag = tag_of_it; \
        return msg; \
    }

/* A copy needs no more than its bytes, and zeros between the tag and `head`. */
#define PROTOPOOL_COPY_(p, variant, tag_of_it, slot_class, head) \
    static inline struct p *p##_copy_##variant(struct p##_pool *pool, const struct p##_##variant *from) \
    { \
        return p##_valid_##variant(from) ? p##_copy_(pool, slot_class, tag_of_it, head, &from->base, sizeof *from) : \
                                           p##_refuse_copy_(pool, tag_of_it, &from->base, NULL, 0); \
    }

#define PROTOPOOL_READ_(p, variant, tag_of_it) \
    static inline const struct p##_##variant *p##_as_##variant(const struct p *msg) \
    { \
        return (const struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (const void *)msg : p##_null_()); \
    } \
    static inline const struct p##_##variant *p##_if_##variant(const struct p *msg) \
    { \
        return msg->tag == tag_of_it ? p##_as_##variant(msg) : NULL; \
    }

#define PROTOPOOL_READ_AND_EDIT_(p, variant, tag_of_it) \
    PROTOPOOL_READ_(p, variant, tag_of_it) \
    static inline struct p##_##variant *p##_edit_##variant(struct p *msg) \
    { \
        return (struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (void *)msg : p##_null_()); \
    }

/* A variant without fields: one constant object stands for all its messages. */
#define PROTOPOOL_CONSTANT_(p, variant, tag_of_it) \
    static inline struct p *p##_new_##variant(struct p##_pool *pool) \
    { \
        (void)pool; \
        return (struct p *)PROTOPOOL_UNCONST(&p##_message_##variant##_.base); \
    } \
    static inline struct p *p##_copy_##variant(struct p##_pool *pool, const struct p##_##variant *from) \
    { \
        return p##_valid_##variant(from) ? (struct p *)PROTOPOOL_UNCONST(&p##_message_##variant##_.base) : \
                                           p##_refuse_copy_(pool, tag_of_it, &from->base, NULL, 0); \
    } \
    static inline struct p##_##variant p##_make_##variant(void) \
    { \
        return p##_default_##variant(); \
    }

PROTOPOOL_END_C

#endif /* PROTOPOOL_H_ */
