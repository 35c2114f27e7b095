/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * protopool: a pool for messages of a few known sizes, in which each message takes exactly its own bytes.
 *
 * This is the engine. The header of a protocol, generated from its schema, includes it and adds names and types.
 *
 *   pool (one thread's)                            slab (of one slot size)
 *   +------------------------------+              +--------+--------+------+------+------+-------+
 *   | per slot size:               |   refill     | header | bitmap | slot | slot | slot |  ...  |
 *   |   loaded   +-+-+-+-+-+-+-+   | <----------- |        | 1=free |      | live |      |       |
 *   |   magazine |*|*|*|*|*| | | --+-- pop: new   +--------+--------+------+------+------+-------+
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
 * To allocate a message, the pool pops a pointer from the loaded magazine. To free one, it pushes the pointer. Nothing else
 * is touched: the engine does not write to the freed slot. When the loaded magazine is empty or full, the pool exchanges it
 * for the previous one. If the previous one is also empty or full, the pool refills a magazine from a slab's bitmap, in
 * address order, or spills one into it.
 *
 * The bitmap lies outside the slots, so a slot has no header and no link, and the live messages can be enumerated. A slab
 * that becomes wholly free serves any slot size next; beyond a bound it goes back to the source.
 *
 * A write after free cannot corrupt a fixed pool. It cannot corrupt a growing pool while the slab serves the same slot
 * size; later, the bytes can belong to a bitmap, to an array of a magazine, or to another owner.
 *
 * Slabs are Bonwick's (USENIX 1994). Magazines and the depot are those of Bonwick and Adams (USENIX 2001), but magazines
 * do not change their size here.
 *
 * Conventions
 *   Threads     One thread at a time uses a pool. Pools that have joined a depot share its memory: each of their threads
 *               may free what another has allocated. A lock is taken once for many operations. A pool on its own takes
 *               no lock. A signal handler or an interrupt may call these functions only if it has a pool of its own
 *               and the depot's lock masks it (see PROTOPOOL_LOCK). After fork, the child has a copy of each pool
 *               that is on its own; it must not use joined pools and depots.
 *   Ownership   A pool owns its memory from init to fini. The caller owns a message from new to free.
 *   Errors      If something fails that can fail in a correct program (no memory, memory of a wrong size), the function returns
 *               false or NULL and leaves the pool as it was. A pool or depot whose init has failed is empty: new returns
 *               NULL, and fini returns 0. A bug of the caller (a double free, a foreign pointer) is undefined behaviour at
 *               build level 0.
 *   Moving      A pool points into itself: do not move or copy it after init.
 *   Units       Sizes are in bytes, counts in slots.
 *
 * Parts of this file. Each begins with a line that has its name.
 *   port.h      Compilers, libraries and C++: what this header includes, and what wraps its C.
 *   settings.h  Settings, the same for the whole program.
 *   compiler.h  Attributes, where the compiler has them.
 *   source.h    Where memory comes from, and the slot sizes of a protocol.
 *   types.h     A pool's data: slabs, stores, magazines, depots.
 *   fault.h     Faults: bugs of the caller.
 *   refusal.h   Failures and refusals: why a constructor returned NULL.
 *   fast.h      The inline part of allocate and free, and what the build levels add to it.
 *   pool.h      Pools: init, fini and what lies between.
 *   depot.h     Depots: memory that the pools of several threads share.
 *   holders.h   Shared messages: several holders read a message, and the last one frees it.
 *   text.h      What emitted constructors use for texts, bools and NaN.
 *   texts.h     Lists of texts, for emitted code: offsets, then the texts, each terminated.
 *   f16.h       Half-precision numbers: IEEE 754 binary16, without a compiler's type for them.
 *   hash.h      Prototypes of hashing, for emitted code.
 *   record.h    Descriptions of messages: for a logger, a diff or a bridge to another format, for any protocol.
 *   wire.h      Wire: messages as bytes, to send and to receive.
 *   packed.h    Packed messages: the formats of others.
 *   print.h     Printing, in the form of Rust's Debug.
 *   message.h   Functions that are alike for many variants, as macros that the header of a protocol expands.
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

/* PROTOPOOL_PORT is the name of a header of yours, with its quotes. It has settings for the whole program, for example the
 * lock of an RTOS. It must not include this header. */
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

/* Around C code: in C++ it gets C linkage, and its casts and NULLs cause no warnings. */
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

/* After the name of a struct whose message has a tail: C++ does not copy it, because a copy would lack the tail. It can be
 * returned and moved, and its layout is the same as in C. */
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
 * Settings, the same for the whole program.
 * Each symbol's name contains the version of the interface, and the settings that change a layout or inlined code: files that
 * disagree in them do not link.
 */

/* The build level. Bugs that it finds are passed to the fault handler (see below).
 * 0: release. No operation is checked.
 * 1: checking, for production. A freed message gets a reserved tag. Free and allocation test for this tag.
 * 2: debug. Each pointer is looked up before it is used. There are red zones, fill patterns, and the places in the program
 *    that allocated and freed each slot. ASan and valgrind know which slots are live. Each operation takes the depot's
 *    lock. */
#ifndef PROTOPOOL_CHECK
#define PROTOPOOL_CHECK 0
#endif
#if PROTOPOOL_CHECK < 0 || PROTOPOOL_CHECK > 2
#error "protopool: PROTOPOOL_CHECK is 0, 1 or 2"
#endif

/* With PROTOPOOL_NO_INLINE, new, copy and free are calls: less code, more time. It is a setting of a file: files with and without it
 * link. */

/* PROTOPOOL_SCRUB: new, copy and clone set each byte that holds no value to 0, so that no message has old bytes of its slot. It is a
 * setting of a file, too. Without it, scrub does the same for one message, and encode for the bytes that it writes. */

/* PROTOPOOL_FREE_WRITES: at level 0, free writes the tag of a freed message, as at level 1. On some processors a message that another
 * thread allocates next is then faster to write. It is a setting of a file, too. */

/* Slots in a magazine: a plain decimal from 1 to 65535. It should exceed the usual burst of allocations or frees. On a
 * microcontroller (a 32-bit machine without a system that the compiler knows) they are small. */
#ifndef PROTOPOOL_MAGAZINE
#if UINTPTR_MAX > 0xffffffffU || defined __unix__ || defined __APPLE__ || defined _WIN32
#define PROTOPOOL_MAGAZINE 64
#else
#define PROTOPOOL_MAGAZINE 4
#endif
#endif

/* PROTOPOOL_NO_STDIO removes printing, PROTOPOOL_NO_HEAP the default source. A freestanding build has neither.
 * PROTOPOOL_TRACE prints each allocation and each free on standard output. */
#ifdef PROTOPOOL_NO_STDIO
#define PROTOPOOL_STDIO_ _nostdio
#ifdef PROTOPOOL_TRACE
#error "protopool: PROTOPOOL_TRACE prints, but PROTOPOOL_NO_STDIO or a freestanding build removes printing"
#endif
#else
#define PROTOPOOL_STDIO_
#endif

/*
 * A depot's lock is a mutex of pthreads, on Windows an SRW lock, or yours:
 *
 *   PROTOPOOL_LOCK(lock)        waits for the lock: a mutex of the RTOS, or masking interrupts (docs/firmware.md)
 *   PROTOPOOL_UNLOCK(lock)
 *   PROTOPOOL_LOCK_INIT(lock)   before its first use; false if the system has none. The default fills it with zeros
 *   PROTOPOOL_LOCK_FINI(lock)   after its last use. The default does nothing
 *
 * Each gets a pointer to a union protopool_lock, in which it can keep what it needs. PROTOPOOL_NO_THREADS removes depots,
 * which need a lock. A freestanding build without PROTOPOOL_LOCK has no depots either. For depots in a program of one
 * thread, define a lock that does nothing.
 */
#if defined PROTOPOOL_LOCK != defined PROTOPOOL_UNLOCK
#error "protopool: PROTOPOOL_LOCK and PROTOPOOL_UNLOCK are defined together"
#endif
#if (defined PROTOPOOL_LOCK_INIT || defined PROTOPOOL_LOCK_FINI) && !defined PROTOPOOL_LOCK
#error "protopool: PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK_FINI belong to a PROTOPOOL_LOCK"
#endif
#if defined PROTOPOOL_LOCK && defined PROTOPOOL_NO_THREADS
#error "protopool: PROTOPOOL_NO_THREADS removes depots, and only depots use PROTOPOOL_LOCK: define one of them"
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

/* The version of the interface between the engine, this header and emitted code. It changes whenever a layout or a contract
 * between them changes. Emitted code requires its own version, and each symbol's name contains it. */
#define PROTOPOOL_ABI 13

/* The name with the version and the settings. */
#define PROTOPOOL_PASTE_(name, abi, check, magazine, stdio, threads, trace) \
    name##_abi##abi##_check##check##_magazine##magazine##stdio##threads##trace
#define PROTOPOOL_EXPAND_(name, abi, check, magazine, stdio, threads, trace) \
    PROTOPOOL_PASTE_(name, abi, check, magazine, stdio, threads, trace)
#define PROTOPOOL_NAMED_(name) \
    PROTOPOOL_EXPAND_(name, PROTOPOOL_ABI, PROTOPOOL_CHECK, PROTOPOOL_MAGAZINE, PROTOPOOL_STDIO_, PROTOPOOL_THREADS_, \
                      PROTOPOOL_TRACE_)

#define protopool_init_fixed PROTOPOOL_NAMED_(protopool_init_fixed)
#define protopool_init_growing PROTOPOOL_NAMED_(protopool_init_growing)
#define protopool_init_fixed_shared PROTOPOOL_NAMED_(protopool_init_fixed_shared)
#define protopool_init_growing_shared PROTOPOOL_NAMED_(protopool_init_growing_shared)
#define protopool_fini PROTOPOOL_NAMED_(protopool_fini)
#define protopool_reset PROTOPOOL_NAMED_(protopool_reset)
#define protopool_reset_shared PROTOPOOL_NAMED_(protopool_reset_shared)
#define protopool_reserve PROTOPOOL_NAMED_(protopool_reserve)
#define protopool_prefill PROTOPOOL_NAMED_(protopool_prefill)
#define protopool_each PROTOPOOL_NAMED_(protopool_each)
#define protopool_stats PROTOPOOL_NAMED_(protopool_stats)
#define protopool_flush PROTOPOOL_NAMED_(protopool_flush)
#define protopool_trim PROTOPOOL_NAMED_(protopool_trim)
#define protopool_depot_init PROTOPOOL_NAMED_(protopool_depot_init)
#define protopool_depot_init_fixed PROTOPOOL_NAMED_(protopool_depot_init_fixed)
#define protopool_depot_init_shared PROTOPOOL_NAMED_(protopool_depot_init_shared)
#define protopool_depot_init_fixed_shared PROTOPOOL_NAMED_(protopool_depot_init_fixed_shared)
#define protopool_depot_fini PROTOPOOL_NAMED_(protopool_depot_fini)
#define protopool_depot_each PROTOPOOL_NAMED_(protopool_depot_each)
#define protopool_depot_trim PROTOPOOL_NAMED_(protopool_depot_trim)
#define protopool_depot_stats PROTOPOOL_NAMED_(protopool_depot_stats)
#define protopool_join PROTOPOOL_NAMED_(protopool_join)
#define protopool_take_slow PROTOPOOL_NAMED_(protopool_take_slow)
#define protopool_take_called PROTOPOOL_NAMED_(protopool_take_called)
#define protopool_report_fault PROTOPOOL_NAMED_(protopool_report_fault)
#define protopool_serves PROTOPOOL_NAMED_(protopool_serves)
#define protopool_explain_new PROTOPOOL_NAMED_(protopool_explain_new)
#define protopool_explain_copy PROTOPOOL_NAMED_(protopool_explain_copy)
#define protopool_explain_copy_of PROTOPOOL_NAMED_(protopool_explain_copy_of)
#define protopool_take_checked PROTOPOOL_NAMED_(protopool_take_checked)
#define protopool_report_variant PROTOPOOL_NAMED_(protopool_report_variant)
#define protopool_check_free PROTOPOOL_NAMED_(protopool_check_free)
#define protopool_check_free_as PROTOPOOL_NAMED_(protopool_check_free_as)
#define protopool_finish_free PROTOPOOL_NAMED_(protopool_finish_free)
#define protopool_hold PROTOPOOL_NAMED_(protopool_hold)
#define protopool_release PROTOPOOL_NAMED_(protopool_release)
#define protopool_holders PROTOPOOL_NAMED_(protopool_holders)
#define protopool_may_edit PROTOPOOL_NAMED_(protopool_may_edit)
#define protopool_put_slow PROTOPOOL_NAMED_(protopool_put_slow)
#define protopool_set_fault_handler PROTOPOOL_NAMED_(protopool_set_fault_handler)
#define protopool_fault_text PROTOPOOL_NAMED_(protopool_fault_text)
#define protopool_number_is_absent PROTOPOOL_NAMED_(protopool_number_is_absent)
#define protopool_hash_u64 PROTOPOOL_NAMED_(protopool_hash_u64)
#define protopool_hash_numbers PROTOPOOL_NAMED_(protopool_hash_numbers)
#define protopool_hash_list PROTOPOOL_NAMED_(protopool_hash_list)
#define protopool_print_begin PROTOPOOL_NAMED_(protopool_print_begin)
#define protopool_print_item PROTOPOOL_NAMED_(protopool_print_item)
#define protopool_print_end PROTOPOOL_NAMED_(protopool_print_end)
#define protopool_print PROTOPOOL_NAMED_(protopool_print)
#define protopool_print_bool PROTOPOOL_NAMED_(protopool_print_bool)
#define protopool_print_unsigned PROTOPOOL_NAMED_(protopool_print_unsigned)
#define protopool_print_signed PROTOPOOL_NAMED_(protopool_print_signed)
#define protopool_print_char PROTOPOOL_NAMED_(protopool_print_char)
#define protopool_print_f16 PROTOPOOL_NAMED_(protopool_print_f16)
#define protopool_print_float PROTOPOOL_NAMED_(protopool_print_float)
#define protopool_print_double PROTOPOOL_NAMED_(protopool_print_double)
#define protopool_print_flags PROTOPOOL_NAMED_(protopool_print_flags)
#define protopool_print_text PROTOPOOL_NAMED_(protopool_print_text)
#define protopool_print_message PROTOPOOL_NAMED_(protopool_print_message)
#define protopool_trace_bytes PROTOPOOL_NAMED_(protopool_trace_bytes)
#define protopool_set_refusal_handler PROTOPOOL_NAMED_(protopool_set_refusal_handler)
#define protopool_visit_small PROTOPOOL_NAMED_(protopool_visit_small)
#define protopool_scrub_varying PROTOPOOL_NAMED_(protopool_scrub_varying)
#define protopool_store_texts PROTOPOOL_NAMED_(protopool_store_texts)
#define protopool_texts_bytes PROTOPOOL_NAMED_(protopool_texts_bytes)
#define protopool_valid_texts PROTOPOOL_NAMED_(protopool_valid_texts)
#define protopool_is_varying_scrubbed PROTOPOOL_NAMED_(protopool_is_varying_scrubbed)
#define protopool_encode_any PROTOPOOL_NAMED_(protopool_encode_any)
#define protopool_measure PROTOPOOL_NAMED_(protopool_measure)
#define protopool_from_wire PROTOPOOL_NAMED_(protopool_from_wire)
#define protopool_pack PROTOPOOL_NAMED_(protopool_pack)
#define protopool_measure_packed PROTOPOOL_NAMED_(protopool_measure_packed)
#define protopool_unpack PROTOPOOL_NAMED_(protopool_unpack)
#define protopool_note_incomplete PROTOPOOL_NAMED_(protopool_note_incomplete)
#define protopool_note_no_memory PROTOPOOL_NAMED_(protopool_note_no_memory)
#define protopool_note_unknown_tag PROTOPOOL_NAMED_(protopool_note_unknown_tag)
#define protopool_note_invalid PROTOPOOL_NAMED_(protopool_note_invalid)
#define protopool_discard PROTOPOOL_NAMED_(protopool_discard)

/* ---- compiler.h -------------------------------------------------------------------------------------------------- */
/* Attributes, where the compiler has them. */

/* Before each function and table that other files use. By default these symbols are hidden, so that a program and its shared
 * libraries can each have an engine and protocols of their own. PROTOPOOL_SHARED exports them from a shared library. For a
 * system with other means (dllexport), define PROTOPOOL_API. */
#ifndef PROTOPOOL_API
#if defined __GNUC__ && defined __ELF__ && !defined PROTOPOOL_SHARED
#define PROTOPOOL_API __attribute__((visibility("hidden")))
#elif defined __GNUC__ && defined __ELF__
#define PROTOPOOL_API __attribute__((visibility("default")))
#else
#define PROTOPOOL_API
#endif
#endif

/* Before a function whose result says whether it succeeded. */
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

/* Each file that includes a header refers to an object by this macro. If the file was compiled with other settings, an
 * older schema or another version, the linker reports an undefined reference whose name shows these. It costs one pointer
 * per file. */
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
#define PROTOPOOL_INLINE static inline __attribute__((always_inline))
#define PROTOPOOL_ASSUME(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define PROTOPOOL_LIKELY(condition) (condition)
#define PROTOPOOL_COLD
#define PROTOPOOL_INLINE static inline
#define PROTOPOOL_ASSUME(condition) ((void)0)
#endif

/* Behind a function's declaration: gcc reports a double free, a use after free and a leak of the messages that it returns
 * (-Wall, -fanalyzer). gcc cannot inline such a function. So constructors pass their result through one only in builds that
 * inline nothing anyway: without optimisation, and at level 2. A file that defines PROTOPOOL_NO_ANALYSIS before it includes
 * this header has no such analysis. */
#if defined __GNUC__ && __GNUC__ >= 11 && !defined __clang__ && !defined PROTOPOOL_NO_ANALYSIS \
    && (!defined __OPTIMIZE__ || PROTOPOOL_CHECK == 2)
#define PROTOPOOL_ANALYSED_
#define PROTOPOOL_FREED_BY_(free_function) __attribute__((malloc(free_function, 2), warn_unused_result))
#else
#define PROTOPOOL_FREED_BY_(free_function)
#endif

/* Before the constructors of a deprecated message. A file that defines PROTOPOOL_NO_DEPRECATION before it
 * includes this header gets no such warning. */
#if defined __GNUC__ && !defined PROTOPOOL_NO_DEPRECATION
#define PROTOPOOL_DEPRECATED(why) __attribute__((deprecated(why)))
#else
#define PROTOPOOL_DEPRECATED(why)
#endif

/* The same behind a member of a struct or an enumerator. */
#if defined __GNUC__ && !defined PROTOPOOL_NO_DEPRECATION
#define PROTOPOOL_DEPRECATED_NAME(why) __attribute__((deprecated(why)))
#else
#define PROTOPOOL_DEPRECATED_NAME(why)
#endif

#if defined __has_attribute
#if __has_attribute(unavailable)
#define PROTOPOOL_UNAVAILABLE_(why) __attribute__((unavailable(why)))
#endif
#endif
#ifndef PROTOPOOL_UNAVAILABLE_
#define PROTOPOOL_UNAVAILABLE_(why)
#endif

/* The address `bytes` bytes after the beginning of a message. It is computed from an integer, because gcc warns about accesses
 * beyond the member from which a pointer comes. */
#define PROTOPOOL_BEHIND_(msg, bytes) ((void *)((uintptr_t)(const void *)(msg) + (bytes)))

/* The bytes, rounded up to a multiple of a power of two. */
#define PROTOPOOL_UP_(bytes, align) (((bytes) + ((align)-1U)) & ~((size_t)(align)-1U))

/* Whether a sum of tails is so large that another one could overflow it. On a 64-bit machine none is. */
#define PROTOPOOL_IS_FULL_(bytes) (SIZE_MAX <= UINT32_MAX && (bytes) > INT32_MAX)

/* Clears padding of a message. */
#define PROTOPOOL_CLEAR_(msg, offset, bytes) ((void)memset((unsigned char *)(msg) + (offset), 0, (bytes)))

/* A const object as a message. It must not be written to. */
#define PROTOPOOL_UNCONST(pointer) ((void *)(uintptr_t)(pointer))

/* ---- source.h ---------------------------------------------------------------------------------------------------- */
/* Where memory comes from, and the slot sizes of a protocol. */

/*
 * take returns `bytes` bytes aligned to `align`, a power of two, or NULL. give gets back exactly what take returned, with the
 * same bytes and align. give may be NULL: then the pool keeps all memory and reuses it.
 *
 * A growing pool takes one block for its tables, aligned to 8, and then slabs: 16 KiB aligned to 16 KiB, or 2, 4, 8 or
 * 16 times as much, aligned to its size. For slots of several KiB it may take a block per slot, aligned to 8. The pool's
 * thread calls both functions, inside new, free, reserve, reset, flush, trim, each, init and fini.
 *
 * A depot calls both functions from the threads of its joined pools, one thread at a time, under a lock that only calls of the
 * source need. Meanwhile, the thread does not hold the depot's own lock: other pools allocate and free. So a source may wait or
 * take long, and needs no lock of its own unless several depots or pools use it. It must not call functions of a pool or a depot
 * that it serves.
 */
struct protopool_source {
    void *(*take)(void *ctx, size_t bytes, size_t align);
    void (*give)(void *ctx, void *memory, size_t bytes, size_t align);
    void *ctx;
};

/* One slot size of a protocol. bytes: 1 to 2^31 - 1, a multiple of the alignment of each message that uses it. The first slot
 * of a slab is aligned to 8. Below level 2, the others follow at this distance. budget: how many slots a fixed pool has. */
struct protopool_slot_size {
    uint32_t bytes;
    uint32_t budget;
};

#if PROTOPOOL_CHECK >= 1
/* What the checks know about messages. A message begins with its tag, of tag_bytes bytes. freed_tag is the tag of a freed
 * message. */
struct protopool_messages {
    const char *name;
    uint32_t tag_bytes;
    uint32_t freed_tag;
    uint32_t variants;
    uint32_t (*variant_of)(const void *msg); /* from 0; `variants` if the tag is that of no variant */
    const char *(*name_of)(uint32_t variant);
    size_t (*size_of)(const void *msg, size_t room); /* 0: no variant, or its fixed part is larger than the room */
    bool (*has_tail)(const void *msg);
    int (*print)(void *stream, const void *msg);
};
#endif

/* Slot sizes in ascending order, each once. Slot class c, from 1, is slot_sizes[c - 1]. Slot class 0 is for messages that are
 * not allocated: take returns NULL for it, and put does nothing. */
struct protopool_geometry {
    const struct protopool_slot_size *slot_sizes;
    uint32_t count;
#if PROTOPOOL_CHECK >= 1
    const struct protopool_messages *messages;
#endif
};

/* A place in the program. file is NULL if the place is unknown. */
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

/*
 * A stack of free slots.
 *
 *   slots <= top <= end, or all are NULL: it has no array
 *
 * A pointer to the top instead of a count saves a load and an addition in each allocation and each free.
 */
struct protopool_magazine {
    void **top; /* above the last slot */
    void **slots, **end;
#if PROTOPOOL_CHECK == 1
    void **lowest; /* of a loaded magazine: the lowest top since the peak was last noted */
#endif
};

/*
 * The bitmap is the lowest level. A level of at most this many words is searched word by word. If a level is larger, another
 * level lies above it, with a bit for each of its words. All levels above the bitmap are its summary.
 */
#define PROTOPOOL_SEARCHED_WORDS_ 128

/*
 * The header of a slab. Its bitmap follows, and then the levels of its summary. F(w) is the set of bits of word w that stand
 * for slots.
 *
 *   bits[w] & ~F(w) == 0
 *   free_words  == number of w with bits[w] != 0
 *   idle_words  == number of w with bits[w] == F(w)
 *   bits[w] == 0 for every w < lowest
 *   bit w of a level of the summary == (word w of the level below != 0)
 *   the slab is in the partial list of its slot size if free_words > 0, in the full list otherwise
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
    uint32_t slot_class; /* of its slots; 0: its slots are arrays of magazines */
#if PROTOPOOL_CHECK >= 1
    const struct protopool_slabs *owner;
#endif
};

#if PROTOPOOL_CHECK == 2
/* What level 2 knows about a slot. It lies outside the slot. */
struct protopool_slot_record {
    struct protopool_site allocated;
    struct protopool_site freed;
    size_t bytes; /* of its message: at most those of the slot */
    uint32_t state;
    uint32_t variant; /* of the message that was freed last */
};
#define PROTOPOOL_RECORD_BYTES_ sizeof(struct protopool_slot_record)

/* The distance from slot to slot: a message, and the red zone between it and the next. */
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
 *   slots         == sum of slab.slots over both lists
 *   free_in_slabs == number of bits that are set in their bitmaps
 */
struct protopool_slabs {
    struct protopool_slab *partial;
    struct protopool_slab *full;
    struct protopool_slab *fixed; /* the only slab of a fixed pool; NULL in a growing one */
    size_t slot_bytes;            /* from slot to slot */
    size_t slab_bytes;
    uintptr_t mask;        /* a slot's slab is at (slot - slot_offset) & mask */
    uintptr_t slot_offset; /* of the slot, if each slot has a block of its own; otherwise 0 */
    uint64_t reciprocal;   /* 2^32 / slot_bytes, rounded up */
    uint32_t slab_slots;
    uint16_t slot_class;   /* 0: the slots are arrays of magazines */
    uint16_t holder_bytes; /* of a slot's count of holders; 0: its messages cannot be shared */
    size_t slots;
    size_t free_in_slabs;
    size_t reserved; /* at least this many slots are kept, even if their slabs are wholly free */
#if PROTOPOOL_CHECK >= 1
    size_t message_bytes;
#endif
};

/* What a store has per slot size. */
struct protopool_store_class {
    struct protopool_slabs slabs;
    uint32_t magazine; /* capacity of a magazine of this slot size; 0: it has none */
    size_t peak;
#if PROTOPOOL_CHECK == 2
    size_t live;
#endif
    size_t failures;
};

/* At most this many wholly free slabs are kept for any slot size. If the source takes memory back, their bytes are bounded
 * too. */
#define PROTOPOOL_SPARE_SLABS 64
#define PROTOPOOL_SPARE_BYTES ((size_t)1 << 20)

struct protopool_chunk;

/* The default source: slabs cut from chunks of 1, 2 or 32 MiB, by ascending address. */
struct protopool_heap {
    struct protopool_chunk *chunks;
    size_t count, capacity;
    size_t slabs;        /* of all chunks */
    size_t lowest;       /* every chunk below is full */
    size_t idle;         /* wholly free chunks: at most 1 */
    size_t live;         /* bytes of slabs that are taken */
    size_t dirty;        /* bytes of chunks that are free and still have memory of the system */
    bool is_dirty;       /* dirty was more than its bound, and is more than half of it */
    bool system_refuses; /* the system takes no pages back, for example because the memory is locked */
};

/* Room for a lock of any system: a pthread_mutex_t, or what PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK keep in it. */
union protopool_lock {
    alignas(8) unsigned char bytes[64];
    void *pointer;
};

struct protopool;
struct protopool_store;

/*
 * The functions of a kind of store: compact, growing, or with slabs in fixed memory. Only the init of a kind refers to its
 * functions, so that the linker leaves out those of the kinds that a program does not use.
 */
struct protopool_kind {
    void *(*take)(struct protopool *pool, unsigned slot_class);           /* the loaded magazine is empty */
    void (*put)(struct protopool *pool, unsigned slot_class, void *slot); /* the loaded magazine is full */
};

/* Memory on its way back to the source: the beginning of that memory. */
struct protopool_block {
    struct protopool_block *next;
    size_t bytes, align;
};

struct protopool_growth;

/* What only a growing store does. */
struct protopool_growing {
    bool (*grow)(struct protopool_store *store, struct protopool_slabs *slabs);
    bool (*grow_for)(struct protopool *pool, struct protopool_slabs *slabs);
    void (*release)(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab);
    void (*give)(struct protopool_growth *growth, struct protopool_block *given);
    void (*release_all)(struct protopool_store *store); /* all that is free */
    size_t (*trim)(struct protopool *pool);
    size_t (*trim_source)(struct protopool_growth *growth,
                          struct protopool_block *given); /* returns how much less it keeps */
    void (*end)(struct protopool_store *store);
    /* Of a growing depot; the pool has joined it (exchange.c). */
    bool (*load_full)(struct protopool *pool, unsigned slot_class);
    bool (*fetch_full)(struct protopool *pool, unsigned slot_class);
    bool (*keep_full)(struct protopool *pool, unsigned slot_class);
    bool (*leave_full)(struct protopool *pool, unsigned slot_class);
    void (*spill_exchange)(struct protopool *pool, unsigned slot_class);
};

/*
 * What only a growing store has. The depot's lock guards it, but for the source and the heap, which source_lock guards. No
 * thread holds both locks: so pools that need no memory never wait for the source.
 */
struct protopool_growth {
    const struct protopool_growing *calls;
    union protopool_lock *lock; /* the depot's; NULL: of a pool on its own, which needs no locks */
    union protopool_lock source_lock;
    bool is_collecting;            /* memory for the source is collected in `given`; else it is given at once */
    struct protopool_block *given; /* what the thread that holds the depot's lock gives back after it has released it */
    uint32_t leaving;              /* joined pools that have emptied their magazines and are about to leave */
    struct protopool_source source;
    struct protopool_heap heap;              /* if it is the default source */
    uintptr_t spares[PROTOPOOL_SPARE_SLABS]; /* by ascending address; the low bits are the slab's order */
    uint32_t spare_count;
    size_t spare_bytes;
#if PROTOPOOL_CHECK == 2
    struct protopool_slab **registry; /* every slab of slots, by ascending address */
    size_t registered, registry_room;
#endif
};

/* The slabs of all slot sizes, of one pool or of a depot. It lies at the beginning of fixed memory or in a block of the
 * source, followed by its classes and, if it grows, by its struct protopool_growth. Together these are the tables. */
struct protopool_store {
    const struct protopool_geometry *geometry;
    const struct protopool_kind *kind;
    struct protopool_store_class *classes;     /* by slot class; the slots of class 0 are arrays of magazines */
    struct protopool_growth *growth;           /* NULL: fixed memory */
    size_t source_bytes;                       /* taken from the source and not given back */
    struct protopool_pool_class *unused_parts; /* each linked to the next by previous.top */
    unsigned char *new_parts;                  /* parts that no pool had yet, side by side */
    uint32_t new_part_count;
    uint32_t part_bytes;
#if PROTOPOOL_CHECK == 2
    struct protopool_store *next_store; /* in the list of all stores of the program */
    union protopool_lock *lock;         /* the depot's; NULL: the store of a pool on its own */
#endif
};

/* Batches of arrays of magazines of one slot size. The words behind the slots of an array link it to the next of its batch,
 * and the first of a batch to the next batch. */
struct protopool_arrays {
    void **first;
    uint32_t count; /* of all batches */
};

/* What a pool that has joined a growing depot has per slot size that it uses, to exchange several full magazines at once. */
struct protopool_exchange {
    struct protopool_arrays full;  /* a batch of full magazines, fetched from the depot or to be left there */
    struct protopool_arrays empty; /* a batch of empty arrays */
    uint32_t batch;                /* leave this many full magazines at once; 0: one */
};

/* What a compact pool, a fixed pool of level 0, has per slot size with a budget, before the array of the loaded magazine. The
 * bitmap has a bit for each slot that is free and not in the magazine. */
struct protopool_fixed_slots {
    unsigned char *first; /* slot 0 */
    uint32_t free_slots;  /* in the bitmap */
    uint32_t lowest;      /* below it, every word of the bitmap is 0 */
    uint32_t peak;
    uint32_t failures;
};

/* What a pool with slabs has per slot size that it uses, besides the loaded magazine. */
struct protopool_pool_class {
    struct protopool_magazine previous;
    /* The counts at the last look for idle magazines: those that have not changed are idle. */
    uint16_t seen_loaded, seen_previous;
};

/* A part is an array of struct protopool_pool_class, one for each of this number of slot sizes. A pool takes a part when it first
 * uses one of its slot sizes. In a growing depot, the same number of struct protopool_exchange follows. */
#define PROTOPOOL_PART 2
#define PROTOPOOL_PART_BYTES (PROTOPOOL_PART * sizeof(struct protopool_pool_class))
#define PROTOPOOL_PARTS(slot_sizes) (((slot_sizes) + 1) / PROTOPOOL_PART + ((slot_sizes) == 0))

/*
 * in_depot is the number of slots in the depot's full magazines. in_pools is the number of slots in the loaded and previous
 * magazines of all pools of the store. For each slot size:
 *
 *   live == slabs.slots - slabs.free_in_slabs - in_depot - in_pools
 */
struct protopool {
    struct protopool_magazine *loaded;   /* by slot class */
    struct protopool_pool_class **parts; /* by (slot class - 1) / PROTOPOOL_PART; NULL: none of them was used */
    struct protopool_magazine *last;     /* the loaded magazine of the message freed last, whose tag is last_tag */
    uint16_t last_tag;
    uint16_t store_visits;         /* how often an operation went beyond the magazines of its slot size */
    uint16_t growths;              /* how often it took a slab that was not spare */
    bool is_fixed;                 /* its store never grows */
    uint8_t failure;               /* enum protopool_failure: why a constructor last returned NULL */
    struct protopool_store *store; /* its own or its depot's; NULL: not initialised */
    struct protopool_depot *depot; /* NULL: on its own */
#if PROTOPOOL_CHECK >= 1
    uint32_t alive; /* one of the three below; any other value: before init */
#endif
#if PROTOPOOL_CHECK == 2
    struct protopool_site site; /* where the running operation was called */
    uint32_t busy;              /* 1 while an operation runs */
#endif
};

#define PROTOPOOL_ALIVE_ 0x900dU /* between init or join and fini */
#define PROTOPOOL_FAILED_ 0xbadU /* init or join has failed */
#define PROTOPOOL_ENDED_ 0U

/* A depot keeps at most this many full magazines per slot size. */
#define PROTOPOOL_DEPOT_MAGAZINES 8

/* What a depot has per slot size: full magazines, and empty arrays to exchange for them. */
struct protopool_depot_class {
    struct protopool_arrays full;
    struct protopool_arrays empty;
};

struct protopool_depot {
    union protopool_lock lock; /* guards the other members, the classes and the store */
    struct protopool_depot_class *classes;
    uint32_t joined;
    struct protopool_store *store; /* NULL: not initialised */
};

struct protopool_slot_stats {
    size_t slot_bytes;
    size_t budget; /* of a fixed pool; 0 in a growing one */
    /* Live slots. With a depot, below level 2, the free slots in the magazines of other pools are counted too. */
    size_t live;
    /* The most slots that were live at once. It is exact at level 2 and, for a pool on its own, at level 1. Otherwise it is an
     * upper bound: for a pool on its own, at most a quarter too high, and too high by less than PROTOPOOL_MAGAZINE. With a depot,
     * the free slots in the magazines of all joined pools are counted too: each has at most five per slot size. */
    size_t peak;
    size_t failures; /* allocations that found no memory */
};

/* ---- fault.h ----------------------------------------------------------------------------------------------------- */
/* Faults: bugs of the caller. */

enum protopool_fault {
    /* at every level */
    PROTOPOOL_FAULT_JOINED = 1, /* "depot ended while a pool is joined" */
    /* from level 1 */
    PROTOPOOL_FAULT_NOT_ALIVE,          /* "pool used before init or after fini" */
    PROTOPOOL_FAULT_DOUBLE_FREE,        /* "double free" */
    PROTOPOOL_FAULT_BAD_TAG,            /* "bad tag": freed with the tag of no variant, or of another slot size */
    PROTOPOOL_FAULT_WRITTEN_AFTER_FREE, /* "use after free (write)": found when the slot is allocated again */
    PROTOPOOL_FAULT_WRONG_VARIANT,      /* "wrong variant": as, edit or free_X of another variant */
    PROTOPOOL_FAULT_WRONG_LENGTH, /* "wrong tail length": the length has changed since the message was allocated */
    PROTOPOOL_FAULT_LEAK,         /* "leak": a pool or depot ends with live messages */
    /* at level 2 */
    PROTOPOOL_FAULT_FOREIGN,    /* "foreign pointer": freed, but it points to no slot of any pool */
    PROTOPOOL_FAULT_INTERIOR,   /* "interior pointer": freed, but it points into a slot, not to its beginning */
    PROTOPOOL_FAULT_WRONG_POOL, /* "wrong pool": freed into another pool, without a depot in common; also at level 1 */
    PROTOPOOL_FAULT_OVERRUN,    /* "overrun": bytes after a message were written */
    PROTOPOOL_FAULT_UNDERRUN,   /* "underrun": bytes before a message were written */
    /* from level 1 */
    PROTOPOOL_FAULT_USE_AFTER_FREE, /* "use after free": as or edit of a freed message */
    /* at every level */
    PROTOPOOL_FAULT_SHARED, /* "reset or each of a joined pool": its depot has the messages */
    /* at level 2 */
    PROTOPOOL_FAULT_CONCURRENT, /* "concurrent use": two threads are in one pool */
    /* from level 1 */
    PROTOPOOL_FAULT_EDIT_OF_SHARED, /* "edit while shared": edit of a message with several holders */
    /* at every level */
    PROTOPOOL_FAULT_TOO_MANY_HOLDERS, /* "too many holders": hold of a message that has PROTOPOOL_MOST_HOLDERS */
    /* from level 1 */
    PROTOPOOL_FAULT_WRONG_INDEX /* "wrong index": a list of texts does not have as many */
};

/* Called for a fault. pool is the pool or depot, or NULL if it is unknown. pointer is the message or slot, or NULL. site is
 * never NULL. If the handler returns, the operation is skipped: free leaves the message, new and as return NULL, and fini
 * goes on after a leak. The handler must not use the pool: its lock may be held. */
typedef void protopool_fault_handler(enum protopool_fault fault, const void *pool, const void *pointer,
                                     const struct protopool_site *site);

/* Replaces the handler of the whole program and returns the previous one. NULL is the default handler, which prints a line on
 * stderr and aborts. Call it before there are threads. */
PROTOPOOL_API protopool_fault_handler *protopool_set_fault_handler(protopool_fault_handler *handler);

/* The name of the fault, as in quotes above. Never NULL. */
PROTOPOOL_API const char *protopool_fault_text(enum protopool_fault fault);

#if PROTOPOOL_CHECK >= 1
/* For emitted code: reports a fault that emitted code has found at level 1. */
PROTOPOOL_API void protopool_report_fault(enum protopool_fault code, const struct protopool *pool, const void *pointer);
#endif

/* ---- refusal.h --------------------------------------------------------------------------------------------------- */
/* Failures and refusals: why a constructor returned NULL. */

enum protopool_failure {
    PROTOPOOL_NO_FAILURE,
    PROTOPOOL_REFUSED,   /* an argument breaks a rule of the schema */
    PROTOPOOL_EXHAUSTED, /* the pool is full, or its source has no memory */
    PROTOPOOL_FAULTED    /* a fault was reported, and the handler returned */
};

/* The rule of the schema that an argument breaks. */
enum protopool_rule {
    PROTOPOOL_RULE_UNKNOWN,
    PROTOPOOL_RULE_RANGE,  /* a number is out of its range */
    PROTOPOOL_RULE_ENUM,   /* the enum does not declare the value */
    PROTOPOOL_RULE_FLAGS,  /* the flags or the bit field do not declare some of the bits */
    PROTOPOOL_RULE_BOOL,   /* a bool is neither false nor true */
    PROTOPOOL_RULE_LENGTH, /* a text or a list is too long */
    PROTOPOOL_RULE_TEXT,   /* the terminator of a text is not where its length says */
    PROTOPOOL_RULE_NULL,   /* a required text is NULL */
    PROTOPOOL_RULE_TAG,    /* a struct to copy has the tag of another message */
    PROTOPOOL_RULE_ABSENT, /* a number means "absent", which a constructor takes as NULL */
    PROTOPOOL_RULE_UNUSED, /* a received byte that holds no value is not 0 */
    PROTOPOOL_RULE_ONE_OF  /* none or several of a field's alternatives are given */
};

/* What a refusal handler gets. It is valid until the handler returns. */
struct protopool_refusal {
    const void *pool;    /* NULL: the message was constructed by value */
    const char *message; /* its name in the schema */
    const char *field;   /* its name in the schema: "load", or "points[2].x" */
    enum protopool_rule rule;
    const char *text;           /* "load 150 is not in 0..100"; NULL with PROTOPOOL_NO_STDIO */
    struct protopool_site site; /* where new or copy was called; known at level 2 */
};

typedef void protopool_refusal_handler(const struct protopool_refusal *refusal);

/* Replaces the refusal handler of the whole program and returns the previous one. From level 1, a constructor calls it before
 * it returns NULL, in the same thread. NULL is the default handler. At level 2 it prints a line on stderr:
 * "protopool: refused: Ping: load 150 is not in 0..100, at a.c:12". A refusal is not a fault: it never aborts. Call this
 * before there are threads. */
PROTOPOOL_API protopool_refusal_handler *protopool_set_refusal_handler(protopool_refusal_handler *handler);

#if PROTOPOOL_CHECK >= 1
#define PROTOPOOL_EXPLAIN_(call) call
#else
#define PROTOPOOL_EXPLAIN_(call) ((void)0)
#endif

/* ---- fast.h ------------------------------------------------------------------------------------------------------ */
/*
 * The inline part of allocate and free, and what the build levels add to it.
 * Its callers know the magazine from the message's tag, and from the length of its tail. So without checks, no slab is looked
 * up here.
 */

PROTOPOOL_API void *protopool_take_slow(struct protopool *pool, unsigned slot_class);
PROTOPOOL_API void protopool_put_slow(struct protopool *pool, const struct protopool_magazine *loaded, void *slot);

/* protopool_take, but not inlined. */
PROTOPOOL_API void *protopool_take_called(struct protopool *pool, unsigned slot_class);

/* Takes a free slot of the class. `loaded` is the pool's loaded magazine for this class. NULL if there is no memory. */
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

/* Puts back a slot that take returned for the class of this magazine. */
static inline void protopool_put_into(struct protopool *pool, struct protopool_magazine *loaded, void *slot)
{
    void **const top = loaded->top;

    if (PROTOPOOL_LIKELY(top != loaded->end)) {
        *top = slot;
        loaded->top = top + 1;
    } else {
        protopool_put_slow(pool, loaded, slot);
    }
}

static inline void protopool_put(struct protopool *pool, struct protopool_magazine *loaded, unsigned slot_class,
                                 void *slot)
{
    (void)slot_class;
    protopool_put_into(pool, loaded, slot);
}

/*
 * Notes the tag of the message that is being freed and its loaded magazine, and returns the magazine. The next free expects
 * the same variant, which is often right. Then the address of the magazine comes from a predicted branch, and not from a load
 * of the message. So the address of the top is known early, before an allocation that follows at once reads the top. If the
 * address were late, the processor could let this read overtake the write of the free, and would then have to start over.
 * (Zen 4, a message replaced at random among ten thousand: 4.6 ns without this and 3.1 ns with it; among a million: 78 and
 * 49 ns; bench/.)
 */
static inline struct protopool_magazine *protopool_expect(struct protopool *pool, uint32_t tag,
                                                          struct protopool_magazine *loaded)
{
    pool->last_tag = (uint16_t)tag;
    return pool->last = loaded;
}

/*
 * The index, from 1, of the smallest slot size that holds a message with a tail. bytes: of the whole message, 1 to 2^31 - 1.
 * These slot sizes are the multiples of 16 up to 1 KiB, and then four per doubling. The generator's tail_slots.py has the
 * same rule, and the reasons for it.
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
 * Whether a live message lies in a slot of the class, which is computed from its length `bytes`. It does not if the length has
 * changed since the allocation. This reads the header of the slab that such a slot would have. So if the length has changed
 * from several KiB to a small one, the program can crash here instead.
 */
PROTOPOOL_API bool protopool_serves(const struct protopool *pool, unsigned slot_class, const void *slot, size_t bytes);
#endif

#if PROTOPOOL_CHECK == 2
/* protopool_take, with the checks of level 2. bytes: of the message, at most those of the slot. name: of its variant. */
PROTOPOOL_API void *protopool_take_checked(struct protopool *pool, unsigned slot_class, size_t bytes, const char *name);

/* Reports a call of as or edit for a freed message or for another variant. name: of the variant that msg has; NULL if none. */
PROTOPOOL_API void protopool_report_variant(const void *msg, const char *name, const char *file, int line);

/* Marks the message as freed and returns its slot class. Then protopool_finish_free puts the slot into the pool. Returns 0 for
 * NULL, and after it has reported a message that must not be freed. variant: the number of the variant that the message must
 * be; a number that no variant has allows any. */
PROTOPOOL_API unsigned protopool_check_free(struct protopool *pool, const void *msg);
PROTOPOOL_API unsigned protopool_check_free_as(struct protopool *pool, const void *msg, uint32_t variant);
PROTOPOOL_API void protopool_finish_free(struct protopool *pool, unsigned slot_class, void *msg);

/* Frees a slot that was just taken, whatever it holds. */
PROTOPOOL_API void protopool_discard(struct protopool *pool, unsigned slot_class, void *msg);
#endif

/* Writes the tag of a message, of tag_bytes bytes, and then zeros, `bytes` bytes in all, in one store. bytes: 1, 2, 4 or 8. */
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
    else if (tag_bytes == 2)
        memcpy(msg, &wide, sizeof wide);
    else
        memcpy(msg, &tag, sizeof tag);
#endif
}

/* ---- pool.h ------------------------------------------------------------------------------------------------------ */
/* Pools: init, fini and what lies between. */

#define PROTOPOOL_MIN_(a, b) ((a) < (b) ? (a) : (b))

/* The bytes of the tables for this number of slot sizes, whether or not they have a budget. The memory of a fixed depot begins with
 * the tables. */
#define PROTOPOOL_TABLES_BYTES(slot_sizes) \
    (PROTOPOOL_ROUND_UP_(sizeof(struct protopool_store)) \
     + PROTOPOOL_ROUND_UP_((1ULL + (slot_sizes)) * sizeof(struct protopool_store_class)))

/* The bytes that protopool_init_fixed needs for this number of slot sizes, and in addition per slot size: the magazines'
 * arrays, the bitmap and the slots. Constant expressions of type unsigned long long. PROTOPOOL_FIXED_BYTES is 0 for a budget
 * of 0. */
#if PROTOPOOL_CHECK == 0
#define PROTOPOOL_POOL_TABLES_BYTES(slot_sizes) \
    PROTOPOOL_ROUND_UP_(sizeof(struct protopool_store) + 0ULL * (slot_sizes))
#define PROTOPOOL_FIXED_BYTES(slot_bytes, budget) \
    ((budget) == 0 ? 0ULL \
                   : PROTOPOOL_ROUND_UP_(sizeof(struct protopool_fixed_slots) \
                                         + PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, (budget)) * sizeof(void *) \
                                         + PROTOPOOL_MAP_WORDS_(1ULL * (budget)) * sizeof(protopool_word)) \
                         + PROTOPOOL_ROUND_UP_((slot_bytes)*1ULL * (budget)))
#else
#define PROTOPOOL_POOL_TABLES_BYTES(slot_sizes) \
    (PROTOPOOL_TABLES_BYTES(slot_sizes) + PROTOPOOL_DEPOT_PARTS_BYTES(PROTOPOOL_PARTS(slot_sizes), 1))
#define PROTOPOOL_FIXED_BYTES(slot_bytes, budget) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), budget, PROTOPOOL_MAP_WORDS_(1ULL * (budget)), \
                        PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, (budget)), PROTOPOOL_RECORD_BYTES_)
#endif

/* The bytes that protopool_depot_init_fixed needs in addition per slot size, for this number of pools, at least 1. This has no
 * arrays, and more slots than a pool's, because the magazines of the other pools may hold some. */
#define PROTOPOOL_DEPOT_BYTES(slot_bytes, budget, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), PROTOPOOL_DEPOT_SLOTS_(budget, pools), \
                        PROTOPOOL_MAP_WORDS_(1ULL * PROTOPOOL_DEPOT_SLOTS_(budget, pools)), 0ULL, \
                        PROTOPOOL_RECORD_BYTES_)

#define PROTOPOOL_DEPOT_SLOTS_(budget, pools) \
    ((budget) + ((pools)-1ULL) * 2 * PROTOPOOL_MIN_(PROTOPOOL_MAGAZINE, (budget)))

/* The bytes that protopool_depot_init_fixed needs once: the arrays of all magazines, for this number of pools. Only slot
 * sizes with a budget count. */
#define PROTOPOOL_DEPOT_ARRAYS_BYTES(slot_sizes, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_MAGAZINE * sizeof(void *), (slot_sizes)*2ULL * (pools), \
                        PROTOPOOL_MAP_WORDS_((slot_sizes)*2ULL * (pools)), 0ULL, 0ULL)

/* And what each of this number of pools has per slot size, in parts. Only parts of a slot size with a budget count. */
#define PROTOPOOL_DEPOT_PARTS_BYTES(parts, pools) PROTOPOOL_ROUND_UP_((parts)*1ULL * (pools)*PROTOPOOL_PART_BYTES)

#define PROTOPOOL_LAID_OUT_(slot_bytes, slots, map_words, arrays, record_bytes) \
    ((slots) == 0 ? 0ULL \
                  : PROTOPOOL_ROUND_UP_(sizeof(struct protopool_slab) + (map_words) * sizeof(protopool_word) \
                                        + (arrays) * sizeof(void *) + (slots) * (1ULL * (record_bytes)) \
                                        + ((record_bytes) != 0) * (1ULL * PROTOPOOL_RED_ZONE_)) \
                        + PROTOPOOL_ROUND_UP_((slot_bytes)*1ULL * (slots)))

/* The words of a bitmap and of the levels of its summary. A level has a bit for each word of the level below. It exists if the
 * level below has more than PROTOPOOL_SEARCHED_WORDS_ words. covered: the slots that one bit of the level stands for. */
#define PROTOPOOL_MAP_WORDS_(slots) \
    (PROTOPOOL_BITMAP_WORDS_(slots, 1ULL) + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_) \
     + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_) \
     + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_) \
     + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ \
                                         * PROTOPOOL_WORD_BITS_))
#define PROTOPOOL_BITMAP_WORDS_(slots, covered) \
    (((slots) + (covered)*PROTOPOOL_WORD_BITS_ - 1) / ((covered)*PROTOPOOL_WORD_BITS_))
#define PROTOPOOL_LEVEL_WORDS_(slots, covered) \
    ((slots) > (covered)*PROTOPOOL_SEARCHED_WORDS_ ? PROTOPOOL_BITMAP_WORDS_(slots, covered) : 0)

/* A sum of these as a size_t. If a size_t cannot hold the sum: SIZE_MAX, which is more than any memory has. */
#ifdef __cplusplus
#define PROTOPOOL_SIZE(bytes) static_cast<size_t>(PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#else
#define PROTOPOOL_SIZE(bytes) ((size_t)PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#endif

/* Initialises a pool with the geometry's budgets in the caller's memory, aligned to 8. It never grows and never calls a
 * source. loaded has 1 + geometry->count elements, and parts has PROTOPOOL_PARTS(geometry->count). False if the memory is too
 * small or misaligned. */
PROTOPOOL_API bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                        struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                        void *memory, size_t bytes);

/* Initialises a pool that grows from the source. NULL is the default source. False if the source has no memory for the tables
 * and the first slab. */
PROTOPOOL_API bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                                          struct protopool_pool_class **parts,
                                          const struct protopool_geometry *geometry,
                                          const struct protopool_source *source);

/* Ends the pool. A pool on its own gives all memory back; the result is how many slots were live. A joined pool puts the
 * slots in its magazines back into the depot's store; the result is 0. */
PROTOPOOL_API size_t protopool_fini(struct protopool *pool);

/* Frees all slots at once. Peaks and failures stay. For a joined pool this is a fault, and nothing is freed. */
PROTOPOOL_API void protopool_reset(struct protopool *pool);

/* Makes sure that n more slots can be taken without calling the source. False if there is no memory; then it
 * releases what it has already taken. Afterwards, a growing pool keeps room for the slots that were live and for n more. With a
 * depot, other pools may take these slots. */
PROTOPOOL_API bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n);

/* For each slot size that was reserved or used, and each of a fixed pool: gives the magazines their arrays, fills the loaded
 * one, and writes to the memory of all free slots, without a change. Afterwards, as many allocations as there are free slots
 * neither call the source nor cause page faults, until flush, reset or trim. False if there is no memory for an array. In a
 * depot, call it in each pool before the work begins: it holds the lock for as long as the number of free slots requires.
 * At level 0, the peak then counts the free slots in the magazines too. */
PROTOPOOL_API bool protopool_prefill(struct protopool *pool);

/* Puts the free slots of the pool's magazines back into their slabs. Call it before the thread goes idle. */
PROTOPOOL_API void protopool_flush(struct protopool *pool);

/* Gives all free memory back: flushes the pool, spills the depot's full magazines, gives spare slabs to the source, and the
 * default source's free pages to the system. It touches neither the magazines of other pools nor reserved slots. Returns by
 * how much system_bytes (see protopool_stats) fell; 0 for fixed memory. Its time grows with the number of free slabs. */
PROTOPOOL_API size_t protopool_trim(struct protopool *pool);

/* Calls fn for each live slot, by slot size, in no promised order. fn must not take from this pool or put into it. For a
 * joined pool this is a fault, and fn is not called. */
PROTOPOOL_API void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx);

/* Fills in an element per slot size.
 * source_bytes: the bytes taken from the source and not given back; for a fixed pool, the bytes of its memory that it uses.
 * system_bytes: the same, plus the bytes that the default source keeps free. Both pointers may be NULL. For a joined pool, the
 * figures are those of its depot. */
PROTOPOOL_API void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size,
                                   size_t *source_bytes, size_t *system_bytes);

/* ---- depot.h ----------------------------------------------------------------------------------------------------- */
/* Depots: memory that the pools of several threads share. */

#ifndef PROTOPOOL_NO_THREADS

/* Initialises a depot, whose memory the joined pools share. classes has 1 + geometry->count elements. Its threads call the
 * source as source.h says. False if the source has no memory for the tables and the first slab, or if there is no lock. */
PROTOPOOL_API bool protopool_depot_init(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                        const struct protopool_geometry *geometry,
                                        const struct protopool_source *source);

/* The same in fixed memory, aligned to 8. The sum of the four macros in pool.h says how many pools fit into the memory, at
 * most 65535. While no more pools than that have joined, each budget is guaranteed to all of them together. More pools may
 * join, but a pool that has no array for a magazine takes the lock in each operation. False if the memory is misaligned or
 * too small for one pool, if a slot size would have 2^32 slots, or if the system has no lock. */
PROTOPOOL_API bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                              const struct protopool_geometry *geometry, void *memory, size_t bytes);

/* Ends the depot, gives all memory back and returns how many slots were live. While a pool is joined, this is a fault:
 * it returns SIZE_MAX and releases nothing. */
PROTOPOOL_API size_t protopool_depot_fini(struct protopool_depot *depot);

/* As protopool_each, under the depot's lock. While a pool is joined, it returns false and does not call fn. */
PROTOPOOL_API bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot),
                                        void *ctx);

/* As protopool_trim, for a thread without a joined pool. It does not touch the magazines of joined pools. */
PROTOPOOL_API size_t protopool_depot_trim(struct protopool_depot *depot);

/* As protopool_stats. Any thread may call it. */
PROTOPOOL_API void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                                         size_t *source_bytes, size_t *system_bytes);

/* Initialises a pool that uses the depot's memory, for one thread. Its geometry is the depot's. False if the depot's init has
 * failed. */
PROTOPOOL_API bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded,
                                  struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                  struct protopool_depot *depot);

#endif

/* ---- holders.h --------------------------------------------------------------------------------------------------- */
/* Shared messages: several holders read a message, and the last one frees it. Only protocols with shared variants use this part. */

/* A message has at most this many holders. */
#define PROTOPOOL_MOST_HOLDERS 32768U

/* The bytes that a fixed pool or depot needs in addition for this number of slots of a size that serves shared messages. */
#define PROTOPOOL_HOLDERS_BYTES(slots) PROTOPOOL_ROUND_UP_((slots)*1ULL * PROTOPOOL_COUNT_BYTES_)
#define PROTOPOOL_COUNT_BYTES_ 2

/* The init functions and reset of a protocol with shared variants. shared: for each slot size, whether messages of that size can
 * have several holders. */
PROTOPOOL_API bool protopool_init_fixed_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                               struct protopool_pool_class **parts,
                                               const struct protopool_geometry *geometry, const bool *shared,
                                               void *memory, size_t bytes);
PROTOPOOL_API bool protopool_init_growing_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                                 struct protopool_pool_class **parts,
                                                 const struct protopool_geometry *geometry, const bool *shared,
                                                 const struct protopool_source *source);
PROTOPOOL_API void protopool_reset_shared(struct protopool *pool, const bool *shared);
#ifndef PROTOPOOL_NO_THREADS
PROTOPOOL_API bool protopool_depot_init_shared(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                               const struct protopool_geometry *geometry, const bool *shared,
                                               const struct protopool_source *source);
PROTOPOOL_API bool protopool_depot_init_fixed_shared(struct protopool_depot *depot,
                                                     struct protopool_depot_class *classes,
                                                     const struct protopool_geometry *geometry, const bool *shared,
                                                     void *memory, size_t bytes);
#endif

/* These take a message in a slot of the class, and the pool that allocated it or another one of the same depot. Several threads
 * may call them for one message, each with its own pool. At level 2, the message is looked up, and the slot class ignored. */

/* Adds a holder. False after a fault: the message has PROTOPOOL_MOST_HOLDERS (at every level), is of another pool (from level
 * 1), or is no live message (at level 2). */
PROTOPOOL_API bool protopool_hold(struct protopool *pool, unsigned slot_class, const void *msg);

/* Removes a holder. True if it was the last one: then the caller frees the message. At level 2, protopool_check_free does this. */
PROTOPOOL_API bool protopool_release(struct protopool *pool, unsigned slot_class, const void *msg);

/* The number of holders, at least 1; 0 after a fault, as for protopool_hold. If it is 1, it stays so until the only holder adds
 * another one. */
PROTOPOOL_API size_t protopool_holders(struct protopool *pool, unsigned slot_class, const void *msg);

#if PROTOPOOL_CHECK >= 1
/* Whether the message has one holder, who may write to it; a fault if not. */
PROTOPOOL_API bool protopool_may_edit(struct protopool *pool, unsigned slot_class, const void *msg);
#endif

/* ---- text.h ------------------------------------------------------------------------------------------------------ */
/* What emitted constructors use for texts, bools and NaN. */

/* The text's length, or most + 1 if it is longer. By counting: for few characters, this takes less time than a call. */
static inline size_t protopool_count_text(const char *text, size_t most)
{
    size_t length = 0;
    while (length <= most && text[length] != '\0')
        length++;
    return length;
}

/* The text's length, or most + 1 if it is longer or NULL. */
static inline size_t protopool_text_length(const char *text, size_t most)
{
    if (text == NULL)
        return most + 1;
#if defined __OPTIMIZE_SIZE__ || (defined __STDC_HOSTED__ && __STDC_HOSTED__ == 0)
    return protopool_count_text(text, most);
#else
    if (most <= 16) /* a constant where this is inlined */
        return protopool_count_text(text, most);
    if (*text == '\0')
        return 0;
#if defined __GNUC__ && !defined __clang__
    size_t room = most + 1;
    __asm__("" : "+r"(room)); /* a shorter array that ends with NUL is no error, but gcc would warn */
    return __builtin_strnlen(text, room);
#else
    const void *const end = memchr(text, '\0', most + 1);
    return end == NULL ? most + 1 : (size_t)((const char *)end - text);
#endif
#endif
}

/* Fills `count` characters with the text, of length `length` <= count, and then with the pad. */
static inline void protopool_copy_padded(char *to, size_t count, const char *text, size_t length, char pad)
{
    memset(to, pad, count);
    if (length <= count) /* always true: for the compiler */
        memcpy(to, text, length);
}

/* How many of `count` characters are left without the padding at their end. */
static inline size_t protopool_unpadded_length(const char *chars, size_t count, char pad)
{
    while (count > 0 && chars[count - 1] == pad)
        count--;
    return count;
}

/* Whether the byte can be read as a bool. Bytes from outside may have other values than C allows. */
static inline bool protopool_is_bool(const void *bytes)
{
    static const bool truths[] = { false, true };
    return memcmp(bytes, &truths[0], sizeof truths[0]) == 0 || memcmp(bytes, &truths[1], sizeof truths[1]) == 0;
}

/* Whether the number of 2, 4 or 8 bytes is a NaN. By its bits: a compiler may assume that there are none (-ffast-math). */
static inline bool protopool_is_nan(const void *number, size_t bytes)
{
    uint16_t of_2;
    uint32_t of_4;
    uint64_t of_8;

    if (bytes == sizeof of_2) {
        memcpy(&of_2, number, sizeof of_2);
        return (of_2 & 0x7fffU) > 0x7c00U;
    }
    if (bytes == sizeof of_4) {
        memcpy(&of_4, number, sizeof of_4);
        return (of_4 & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000);
    }
    memcpy(&of_8, number, sizeof of_8);
    return (of_8 & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000);
}

/* The bits of the one NaN that constructors store. */
#define PROTOPOOL_NAN_(bytes) \
    ((bytes) == sizeof(uint16_t)   ? UINT64_C(0x7e00) \
     : (bytes) == sizeof(uint32_t) ? UINT64_C(0x7fc00000) \
                                   : UINT64_C(0x7ff8000000000000))

static inline void protopool_store_nan(void *number, size_t bytes)
{
    const uint64_t of_8 = PROTOPOOL_NAN_(bytes);
    const uint32_t of_4 = (uint32_t)of_8;
    const uint16_t of_2 = (uint16_t)of_8;

    if (bytes == sizeof of_2)
        memcpy(number, &of_2, sizeof of_2);
    else if (bytes == sizeof of_4)
        memcpy(number, &of_4, sizeof of_4);
    else
        memcpy(number, &of_8, sizeof of_8);
}

/* ---- texts.h ----------------------------------------------------------------------------------------------------- */
/*
 * Lists of texts, for emitted code: offsets, then the texts, each terminated.
 * The texts are in their order and without gaps. An offset is an unsigned integer of `width` bytes, 1, 2 or 4: the bytes from
 * the first offset to its text.
 */

/* The offset with the index `i`. */
static inline size_t protopool_offset(const void *offsets, size_t width, size_t i)
{
    const unsigned char *const at = (const unsigned char *)offsets + i * width;
    uint32_t of_4;
    uint16_t of_2;

    if (width == 1)
        return *at;
    if (width == sizeof of_2) {
        memcpy(&of_2, at, sizeof of_2);
        return of_2;
    }
    memcpy(&of_4, at, sizeof of_4);
    return of_4;
}

/* Whether the list of `count` elements in the message has an element `i`. If not: a fault from level 1. */
PROTOPOOL_INLINE bool protopool_has_element(const void *msg, size_t i, size_t count)
{
#if PROTOPOOL_CHECK >= 1
    if (!PROTOPOOL_LIKELY(i < count)) {
        protopool_report_fault(PROTOPOOL_FAULT_WRONG_INDEX, NULL, msg);
        return false;
    }
#endif
    (void)msg;
    (void)i;
    (void)count;
    return true;
}

/* The bytes of a list of these texts. most + 1 if that is more than `most`, if there are more than `most_texts`, or if one of them is
 * NULL or has more than `longest` characters. If there are too many, it reads none. */
PROTOPOOL_API size_t protopool_texts_bytes(const char *const *texts, size_t count, size_t width, size_t most_texts,
                                           size_t longest, size_t most);

/* Writes a list of these texts. There are as many bytes as protopool_texts_bytes has returned. */
PROTOPOOL_API void protopool_store_texts(void *to, const char *const *texts, size_t count, size_t width);

/* Whether these bytes are a list of `count` texts, none of which has more than `longest` characters. It may hold any bytes. */
PROTOPOOL_API bool protopool_valid_texts(const void *list, size_t bytes, size_t count, size_t width, size_t longest);

/* ---- f16.h ------------------------------------------------------------------------------------------------------- */
/* Half-precision numbers: IEEE 754 binary16, without a compiler's type for them. */

/* The bits of a number. A struct, so that a compiler refuses to compute with the bits. */
struct protopool_f16 {
    uint16_t bits;
};
static_assert(sizeof(struct protopool_f16) == 2 && sizeof(float) == 4, "numbers of 16 and 32 bits");

/* The nearest number of half precision; in the middle between two, the even one. Infinite from 65520. A NaN stays a NaN. */
static inline struct protopool_f16 protopool_f16_of(float number)
{
    struct protopool_f16 half;
    uint32_t bits, sign, result;

    memcpy(&bits, &number, sizeof bits);
    sign = bits >> 16 & 0x8000;
    bits &= UINT32_C(0x7fffffff);
    if (bits > UINT32_C(0x7f800000)) {
        result = 0x7e00 | (bits >> 13 & 0x3ff); /* a quiet NaN */
    } else if (bits >= UINT32_C(0x477ff000)) {
        result = 0x7c00; /* infinite */
    } else if (bits >= UINT32_C(0x38800000)) {
        result = (bits - UINT32_C(0x38000000) + 0xfff + (bits >> 13 & 1)) >> 13;
    } else if (bits > UINT32_C(0x33000000)) { /* subnormal: a multiple of 2^-24 */
        const uint32_t shift = 126 - (bits >> 23), significand = (bits & 0x7fffff) | 0x800000;
        result = (significand + (UINT32_C(1) << (shift - 1)) - 1 + (significand >> shift & 1)) >> shift;
    } else {
        result = 0; /* at most half of the least number */
    }
    half.bits = (uint16_t)(sign | result);
    return half;
}

/* The same number as a float, which holds each number of half precision. */
static inline float protopool_float_of(struct protopool_f16 half)
{
    const uint32_t significand = half.bits & 0x3ffU, exponent = half.bits >> 10 & 0x1fU;
    uint32_t bits = (uint32_t)(half.bits & 0x8000U) << 16;
    float number;

    if (exponent != 0) {
        bits |= (exponent == 31 ? UINT32_C(0x7f800000) : (exponent + 112) << 23) | significand << 13;
    } else if (significand != 0) { /* subnormal: a multiple of 2^-24 */
        uint32_t first = 9;        /* its highest bit */
        while (significand >> first == 0)
            first--;
        bits |= (first + 103) << 23 | (significand << (23 - first) & 0x7fffff);
    }
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* ---- hash.h ------------------------------------------------------------------------------------------------------ */
/* Prototypes of hashing, for emitted code. */

/* The hash so far, with one more number. It is not safe against input that is chosen to collide. */
PROTOPOOL_API uint64_t protopool_hash_u64(uint64_t hash, uint64_t number);

/* The same with `count` numbers of 1, 2, 4 or 8 bytes each: on every machine as on a little-endian one. The hash does not depend on
 * what a number is: 0.0 and -0.0 differ, and a NaN is equal to itself. */
PROTOPOOL_API uint64_t protopool_hash_numbers(uint64_t hash, const void *numbers, size_t bytes, size_t count);

/* The same of a list: also with its length. */
PROTOPOOL_API uint64_t protopool_hash_list(uint64_t hash, const void *numbers, size_t bytes, size_t count);

/* ---- record.h ---------------------------------------------------------------------------------------------------- */
/* Descriptions of messages: for a logger, a diff or a bridge to another format, for any protocol. */

enum protopool_type {
    PROTOPOOL_BOOL = 1,
    PROTOPOOL_UNSIGNED,
    PROTOPOOL_SIGNED,
    PROTOPOOL_FLOAT, /* of 2 bytes (struct protopool_f16), of 4 or of 8 */
    PROTOPOOL_CHAR,
    PROTOPOOL_ENUM,   /* of `bytes` bytes; `values` has its names */
    PROTOPOOL_FLAGS,  /* unsigned; `values` has masks and their names */
    PROTOPOOL_STRUCT, /* `record` describes it */
    PROTOPOOL_TEXT,   /* characters: terminated if it has a length, padded to `count` if not */
    PROTOPOOL_BITS,   /* unsigned; `parts` has its parts */
    PROTOPOOL_TEXTS,  /* a list of texts, of which protopool_field_text returns one; its elements are offsets */
    PROTOPOOL_ONE_OF  /* one of several alternatives: see protopool_alternative */
};

/* The name of an enum's value, of a bit of flags, or of no bits. number: the value converted to uint64_t, or the mask.
 *
 * If an enum or flags has has_history, `value_count` more elements follow: the history of each value. number: its `since`, as that of
 * a field. name: why it is deprecated; "" if the schema gives no reason; NULL if it is not deprecated. */
struct protopool_value {
    const char *name;
    uint64_t number;
};

/* Some bits of an integer of the type BITS: (integer >> shift) & (2^bits - 1). Parts are in the order of their bits. */
struct protopool_part {
    const char *name;                     /* in the schema */
    const char *unit;                     /* NULL: none */
    const struct protopool_value *values; /* of an ENUM; otherwise NULL */
    uint64_t least, most;                 /* the ends of what is allowed of an UNSIGNED */
    uint16_t value_count;
    uint16_t since;               /* as that of a field */
    enum protopool_type type : 8; /* BOOL, UNSIGNED or ENUM */
    uint8_t shift;
    uint8_t bits;
    bool is_deprecated : 1;
    bool has_history : 1; /* of an ENUM: `values` also has the history of each */
};

struct protopool_range;

/* Of a list of texts: the most bytes of offsets and texts, and the most characters of each text. */
struct protopool_limits {
    uint32_t bytes, characters;
};

/* 56 bytes, where a pointer has 8: a large protocol has thousands of fields. */
struct protopool_field {
    const char *name;                          /* in the schema */
    const char *unit;                          /* NULL: none */
    union {                                    /* by its type; NULL: none */
        const struct protopool_record *record; /* of a STRUCT; of a ONE_OF, its alternatives */
        const struct protopool_value *values;  /* of an ENUM or FLAGS */
        const struct protopool_part *parts;    /* of BITS; `value_count` of them */
        const struct protopool_range *range;   /* of a number or CHAR, from level 1 */
        const struct protopool_limits *limits; /* of TEXTS */
    };
    union {
        uint32_t value_count;
        uint32_t
            range_number; /* of a number or CHAR, at level 0: of its range in the protocol's table, from 1; 0: none */
        uint32_t
            extent_offset; /* of TEXTS: of the integer that counts the bytes of the list; it is as wide as an offset */
    };
    uint32_t offset; /* of the first element, in bytes from the beginning of the record. See protopool_field_at */
    uint32_t bytes;  /* of an element */
    uint32_t count;  /* elements that it has room for; it may be 1 for a list too */
    uint32_t length_offset;   /* of the unsigned integer that counts the used elements; see PROTOPOOL_BY_NUMBER */
    uint32_t presence_offset; /* of the byte whose bit says whether the field is present; see PROTOPOOL_BY_NUMBER */
    enum protopool_type type : 8;
    bool is_list : 1;       /* an array or a list, even of one element */
    bool is_tail : 1;       /* it follows the record; only in a message in a pool */
    bool is_signed : 1;     /* of an ENUM: its base has negative values */
    bool is_deprecated : 1; /* as the schema says */
    bool has_history : 1;   /* of an ENUM or FLAGS: `values` also has the history of each */
    char pad;               /* of a TEXT without a length: the character that fills its unused end */
    uint8_t length_bytes;   /* of the length; 0: all elements are used */
    uint8_t presence_mask;  /* that bit; 0: the field always is present */
    uint8_t align;          /* of a tail behind another: it begins at a multiple of this */
    uint16_t since;         /* the version of the protocol that it is new in; 0: the schema does not say */
};

/* The presence_mask of a number, one value of which means that it is absent. The value has these bits, of the field's size:
 * presence_offset holds the upper 32, length_offset the lower. If the value is a NaN, every NaN means it. */
#define PROTOPOOL_BY_NUMBER 0xffU
#define PROTOPOOL_ABSENT_(bits) \
    .presence_mask = PROTOPOOL_BY_NUMBER, .presence_offset = (uint32_t)((bits) >> 32), \
    .length_offset = (uint32_t)((bits)&UINT32_MAX)

/* The presence_mask of an optional ONE_OF, for the byte that says which alternative is there: none if it is 0. */
#define PROTOPOOL_ONE_OF_MASK_ 0x7fU

/* An end of a range. The end itself is allowed. number: the end, converted to uint64_t. real: the end, for a FLOAT. */
union protopool_bound {
    uint64_t number;
    double real;
};

struct protopool_range {
    union protopool_bound least, most;
};

/* At level 0 only received bytes are looked at for ranges: a program that receives none need not be linked with the table. */
#if PROTOPOOL_CHECK >= 1
#define PROTOPOOL_RANGE_(table, number) .range = &(table)[(number)-1]
#else
#define PROTOPOOL_RANGE_(table, number) .range_number = (number)
#endif

/* A message or a struct; its fields in the schema's order. */
struct protopool_record {
    const char *name;
    uint32_t bytes;
    unsigned field_count : 15;
    unsigned is_deprecated : 1;
    unsigned since : 16; /* as that of a field */
    const struct protopool_field *fields;
};

/* The mask, in its byte, of the n-th bit-field of one bit. */
#if defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROTOPOOL_BIT_(n) (0x80U >> (n) % 8)
#else
#define PROTOPOOL_BIT_(n) (1U << (n) % 8)
#endif

/* Whether the number at `number` means that a field with PROTOPOOL_BY_NUMBER is absent. */
PROTOPOOL_API bool protopool_number_is_absent(const struct protopool_field *field, const void *number);

/* Whether the field is present in the record at `of`. */
static inline bool protopool_field_present(const struct protopool_field *field, const void *of)
{
    if (field->presence_mask == 0)
        return true;
    if (field->presence_mask == PROTOPOOL_BY_NUMBER)
        return !protopool_number_is_absent(field, (const unsigned char *)of + field->offset);
    return (((const unsigned char *)of)[field->presence_offset] & field->presence_mask) != 0;
}

/* The alternative that a ONE_OF has in the record at `of`; NULL: none. It is a field of the same record: its offsets are from `of`, too.
 * field->record->fields are all its alternatives. */
static inline const struct protopool_field *protopool_alternative(const struct protopool_field *field, const void *of)
{
    const unsigned number = ((const unsigned char *)of)[field->presence_offset]; /* from 1 */
    return number == 0 || number > field->record->field_count ? NULL : &field->record->fields[number - 1];
}

/* How many elements of the field are used. 0 if it is absent. */
static inline size_t protopool_field_length(const struct protopool_field *field, const void *of)
{
    const unsigned char *length;
    uint32_t used = field->count;
    uint16_t used16;

    if (!protopool_field_present(field, of))
        return 0;
    if (field->length_bytes == 0)
        return used;
    length = (const unsigned char *)of + field->length_offset;
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

/* The part of an integer of the type BITS. */
static inline uint64_t protopool_part_of(const struct protopool_part *part, uint64_t integer)
{
    return integer >> part->shift & UINT64_MAX >> (64 - part->bits);
}

/* The bytes of a tail in the record at `of`. */
static inline size_t protopool_field_extent(const struct protopool_field *field, const void *of)
{
    if (field->type == PROTOPOOL_TEXTS)
        return protopool_field_present(field, of)
                   ? protopool_offset((const char *)of + field->extent_offset, field->bytes, 0)
                   : 0;
    return protopool_field_length(field, of) * field->bytes + (field->type == PROTOPOOL_TEXT);
}

/* The field's first element in the record at `of`. A tail lies behind the tails before it: its `offset` is right if they are empty.
 * A message from outside must have been validated. */
static inline const void *protopool_field_at(const struct protopool_record *record, const struct protopool_field *field,
                                             const void *of)
{
    size_t at = field->offset, end = 0;

    for (const struct protopool_field *tail = record->fields; field->is_tail && tail <= field; tail++) {
        if (!tail->is_tail)
            continue;
        at = end == 0 ? tail->offset : PROTOPOOL_UP_(end, tail->align);
        end = at + protopool_field_extent(tail, of);
    }
    return (const unsigned char *)of + at;
}

/* The text `i`, from 0, of a field of the type TEXTS, which must have it. at: protopool_field_at. */
static inline const char *protopool_field_text(const struct protopool_field *field, const void *at, size_t i)
{
    return (const char *)at + protopool_offset(at, field->bytes, i);
}

#if PROTOPOOL_CHECK >= 1
/* An argument of a constructor (of a ONE_OF, one for each alternative): its first element, the bytes of an element, and the number
 * of elements. For a text only `at` is used; the elements of TEXTS are pointers to them. at is NULL if the optional field is absent. */
struct protopool_argument {
    const void *at;
    size_t bytes, length;
};

/* Calls the refusal handler for the first field that breaks a rule of the schema. The pool is NULL for a message by value. */
PROTOPOOL_API void protopool_explain_new(const struct protopool *pool, const struct protopool_record *message,
                                         const struct protopool_argument *arguments);
/* The same for a struct and, if the message has one, its tail. */
PROTOPOOL_API void protopool_explain_copy(const struct protopool *pool, const struct protopool_record *message,
                                          bool has_tag, const void *from, const void *tail, size_t length);
/* The same for a struct and `count` tails. */
PROTOPOOL_API void protopool_explain_copy_of(const struct protopool *pool, const struct protopool_record *message,
                                             bool has_tag, const void *from, const struct protopool_argument *tails,
                                             size_t count);
#endif

/* ---- wire.h ------------------------------------------------------------------------------------------------------ */
/*
 * Wire: messages as bytes, to send and to receive. The bytes of a message are its own layout, little-endian, with 0 in each byte that
 * holds no value: padding, what is behind the end of a text or list, and the value of an absent field. They are the same on every
 * machine. Nothing is in front of a message or behind it: one follows the other.
 */

/* What became of received bytes. */
enum protopool_receipt {
    PROTOPOOL_RECEIVED,   /* they begin with a message, which was allocated */
    PROTOPOOL_INCOMPLETE, /* they are the beginning of a message */
    PROTOPOOL_INVALID,    /* no message of the schema begins so */
    PROTOPOOL_NO_MEMORY   /* the pool returned no slot; its failure says why. The same bytes can be received later */
};

#define PROTOPOOL_PATH_BYTES_ 96  /* longer names of fields are cut off */
#define PROTOPOOL_TEXT_BYTES_ 256 /* longer texts, too */

/* What a receive function returns besides the message. The refusal points into this struct: do not copy it. */
struct protopool_received {
    enum protopool_receipt status;
    size_t used;    /* RECEIVED: the bytes of the message. Otherwise 0 */
    size_t missing; /* INCOMPLETE: at least this many more bytes are needed, 1 or more. Otherwise 0 */
    /* INVALID: the broken rule, and the field. message is NULL if no variant has the tag, field if no field is to blame. */
    struct protopool_refusal refusal;
    char field_[PROTOPOOL_PATH_BYTES_];
#ifndef PROTOPOOL_NO_STDIO
    char text_[PROTOPOOL_TEXT_BYTES_];
#endif
};

/* Bits without a value in 8 bytes of a record, or in all bytes of a smaller one: padding, and what no bit-field uses. `unused` is in
 * the byte order of this machine. */
struct protopool_hole {
    uint64_t unused;
    uint32_t offset;
};

/* A field that does not always use all its bytes: it can be absent, has a length or alternatives, or consists of structs with such
 * fields. */
struct protopool_varying {
    const struct protopool_form *elements; /* of the structs, NULL: all their bytes are used; or of the alternatives */
    uint32_t number;                       /* of the field in the record, from 0 */
};

/* A record: where it holds no value. Its holes include those of single structs in it. Of the varying fields, tails come first. */
struct protopool_form {
    const struct protopool_record *record;
    const struct protopool_hole *holes;
    const struct protopool_varying *varying;
    uint16_t varying_count, tail_count;
    uint32_t hole_count : 28;
    uint32_t tag_bytes : 4; /* 0: it is a struct */
};

/* For emitted tables: bytes from the n-th of eight on; the rest of the n-th byte behind its first bit-fields. */
#if defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define PROTOPOOL_PADDING_(n, bytes) (UINT64_MAX >> (64 - 8 * (bytes)) << 8 * (8 - (n) - (bytes)))
#define PROTOPOOL_UNUSED_(n, bits) (UINT64_C(0xff) >> (bits) << 8 * (7 - (n)))
#else
#define PROTOPOOL_PADDING_(n, bytes) (UINT64_MAX >> (64 - 8 * (bytes)) << 8 * (n))
#define PROTOPOOL_UNUSED_(n, bits) ((UINT64_C(0xff) >> (bits) << (bits)) << 8 * (n))
#endif

/* Of a record of less than 8 bytes: clears its hole, or looks whether it is 0. */
PROTOPOOL_API bool protopool_visit_small(const struct protopool_form *form, void *of, bool clears);

/* The same, of a record of 8 bytes or more. */
PROTOPOOL_INLINE bool protopool_visit_words(const struct protopool_form *form, unsigned char *of, bool clears)
{
    const struct protopool_hole *hole = form->holes;
    uint64_t word, used, found = 0;

    for (uint32_t left = form->hole_count; left != 0; left--, hole++) {
        memcpy(&word, of + hole->offset, sizeof word);
        if (!clears) {
            found |= word & hole->unused;
            continue;
        }
        used = word & ~hole->unused;
        memcpy(of + hole->offset, &used, sizeof used);
    }
    return found == 0;
}

/* The same, of any record. */
PROTOPOOL_INLINE bool protopool_visit_holes(const struct protopool_form *form, unsigned char *of, bool clears)
{
    return PROTOPOOL_LIKELY(form->record->bytes >= sizeof(uint64_t)) ? protopool_visit_words(form, of, clears)
                                                                     : protopool_visit_small(form, of, clears);
}

/* The same for varying fields. */
PROTOPOOL_API void protopool_scrub_varying(const struct protopool_form *form, void *of);
PROTOPOOL_API bool protopool_is_varying_scrubbed(const struct protopool_form *form, void *of);

/* Clears what holds no value in a message. It need not be aligned. */
static inline void protopool_scrub(const struct protopool_form *form, void *msg)
{
    (void)protopool_visit_holes(form, (unsigned char *)msg, true);
    if (form->varying_count != 0)
        protopool_scrub_varying(form, msg);
}

/* Whether scrub would change nothing in a valid message. */
static inline bool protopool_is_scrubbed(const struct protopool_form *form, void *msg)
{
    return protopool_visit_holes(form, (unsigned char *)msg, false)
           && (form->varying_count == 0 || protopool_is_varying_scrubbed(form, msg));
}

/* Whether a message lies in memory as it is sent. */
static inline bool protopool_is_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;

    memcpy(&first, &one, sizeof first);
    return first == 1;
}

/* memcpy: inlined for what is short, so that no registers are saved for a call. */
PROTOPOOL_INLINE void protopool_copy(void *to, const void *from, size_t bytes)
{
    if (!PROTOPOOL_LIKELY(bytes - 16 <= 16)) {
        memcpy(to, from, bytes);
        return;
    }
    memcpy(to, from, 16);
    memcpy((unsigned char *)to + bytes - 16, (const unsigned char *)from + bytes - 16, 16); /* the two overlap */
}

/* Writes a message as it is sent: scrubbed, little-endian, not aligned. Returns the number of bytes. */
PROTOPOOL_API size_t protopool_encode_any(const struct protopool_form *form, const void *msg, size_t bytes,
                                          void *buffer);
PROTOPOOL_INLINE size_t protopool_encode(const struct protopool_form *form, const void *msg, size_t bytes, void *buffer)
{
    if (form->varying_count != 0 || bytes - 16 > 16 || !protopool_is_little_endian())
        return protopool_encode_any(form, msg, bytes, buffer);
    protopool_copy(buffer, msg, bytes);
    (void)protopool_visit_words(form, (unsigned char *)buffer, true);
    return bytes;
}

/* The tag at the beginning of the bytes. */
PROTOPOOL_INLINE uint32_t protopool_received_tag(const void *bytes, size_t tag_bytes)
{
    const unsigned char *const at = (const unsigned char *)bytes;
    uint32_t tag = 0;

    for (size_t i = 0; i < tag_bytes; i++)
        tag |= (uint32_t)at[i] << 8 * i;
    return tag;
}

/* The size of the message with which the bytes begin. 0: incomplete or invalid, and noted in the result. */
PROTOPOOL_API size_t protopool_measure(const struct protopool_form *form, const void *bytes, size_t count,
                                       struct protopool_received *result);

/* Changes a copy of received bytes into a message of this machine. False if its lengths have changed since it was measured. */
PROTOPOOL_API bool protopool_from_wire(const struct protopool_form *form, void *msg, size_t bytes);

/* Notes a result, and returns NULL. */
PROTOPOOL_API void *protopool_note_incomplete(struct protopool_received *result, size_t missing);
PROTOPOOL_API void *protopool_note_no_memory(struct protopool_received *result);
PROTOPOOL_API void *protopool_note_unknown_tag(struct protopool_received *result, const void *pool, uint32_t tag);
/* is_changed: its lengths have changed; they are set to 0. Otherwise the message breaks a rule, or a byte without a value is not 0.
 * ranges: the protocol's table. */
PROTOPOOL_API void *protopool_note_invalid(struct protopool_received *result, const void *pool,
                                           const struct protopool_form *form, const struct protopool_range *ranges,
                                           void *msg, bool is_changed);

/* ---- packed.h ---------------------------------------------------------------------------------------------------- */
/*
 * Packed messages: the formats of others. The fields follow each other in the schema's order, without padding, in an order of bytes that
 * the schema chooses. A text or list is sent as its length and the elements that are used, an absent field not at all.
 */

/* How an element is packed: its bits, and whether those of a number of 24 or 48 bits have a sign. */
enum protopool_packed {
    PROTOPOOL_PACKED_8,
    PROTOPOOL_PACKED_16,
    PROTOPOOL_PACKED_U24,
    PROTOPOOL_PACKED_I24,
    PROTOPOOL_PACKED_32,
    PROTOPOOL_PACKED_U48,
    PROTOPOOL_PACKED_I48,
    PROTOPOOL_PACKED_64,
    PROTOPOOL_PACKED_STRUCT, /* of: how it is packed */
    PROTOPOOL_PACKED_ONE_OF, /* of: its alternatives, a step each */
    PROTOPOOL_PACKED_TEXTS
};

/* A field of a record. It has the number of its description. */
struct protopool_step {
    const struct protopool_packing *of;
    uint32_t offset;      /* as that of the description; 0 for a tail */
    uint32_t count;       /* the same */
    uint8_t element;      /* enum protopool_packed */
    uint8_t length_bytes; /* 0 if there is a length: it is what is left of the payload */
    bool is_plain;        /* it always is `count` elements */
};

/* A record. bytes: when packed, at least. */
struct protopool_packing {
    const struct protopool_record *record;
    const struct protopool_step *steps;
    uint32_t bytes;
    uint32_t presence_offset;
    uint16_t presence_bits;
    bool is_fixed; /* it always has these bytes */
};

/* Packs a message, without its tag, and returns the number of its bytes. to: NULL if they are only counted. */
PROTOPOOL_API size_t protopool_pack(const struct protopool_packing *packing, const void *msg, unsigned char *to,
                                    bool is_big);

/* Of a message of any variant; those that always have the same bytes need no look at the message. */
PROTOPOOL_INLINE size_t protopool_packed_size(const struct protopool_packing *packing, const void *msg)
{
    return packing->is_fixed ? packing->bytes : protopool_pack(packing, msg, NULL, false);
}

/* The bytes with which a packed message begins, and those in a message's memory. */
struct protopool_measured {
    size_t used, size;
};

/* The sizes of the message with which the bytes begin. is_alone: all of the bytes must be the message. size is 0 if they are incomplete
 * or invalid, which is noted in the result. */
PROTOPOOL_API struct protopool_measured protopool_measure_packed(const struct protopool_packing *packing,
                                                                 const unsigned char *bytes, size_t count, bool is_big,
                                                                 bool is_alone, struct protopool_received *result);

/* Makes a message of this machine of packed bytes, but for its tag. False if they have changed since they were measured: then lengths
 * in it are wrong. */
PROTOPOOL_API bool protopool_unpack(const struct protopool_packing *packing, void *msg, const unsigned char *bytes,
                                    struct protopool_measured size, bool is_big);

/* A tag of up to 4 bytes. */
PROTOPOOL_INLINE uint32_t protopool_packed_tag(const unsigned char *bytes, size_t tag_bytes, bool is_big)
{
    uint32_t tag = 0;

    for (size_t i = 0; i < tag_bytes; i++)
        tag = tag << 8 | bytes[is_big ? i : tag_bytes - 1 - i];
    return tag;
}

PROTOPOOL_INLINE void protopool_pack_tag(unsigned char *to, uint32_t tag, size_t tag_bytes, bool is_big)
{
    for (size_t i = 0; i < tag_bytes; i++)
        to[is_big ? tag_bytes - 1 - i : i] = (unsigned char)(tag >> 8 * i);
}

/* ---- print.h ----------------------------------------------------------------------------------------------------- */
/* Printing, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

/* Where the output goes: to `out`, or, if that is NULL, into the buffer of `room` bytes, by the rules of snprintf. */
struct protopool_printer {
    FILE *out;
    char *buffer;
    size_t room;
    int written;    /* characters so far; if a write has failed, what fprintf returned: negative */
    bool is_pretty; /* a line for each field and element */
    bool is_first;  /* the next item is the first in its brackets */
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
/* Prints the shortest digits that read back as the same number, with a decimal point in any locale. If the C library's printf
 * or strtod has no floating point, it prints the number in hexadecimal, as C's "%a" does. */
PROTOPOOL_API void protopool_print_f16(struct protopool_printer *to, struct protopool_f16 value);
PROTOPOOL_API void protopool_print_float(struct protopool_printer *to, float value);
PROTOPOOL_API void protopool_print_double(struct protopool_printer *to, double value);
/* Prints the names of the bits, `read | write`, and bits without a name in hexadecimal. If no bit is set: the
 * name of the mask 0, or 0. values: masks. */
PROTOPOOL_API void protopool_print_flags(struct protopool_printer *to, uint64_t value,
                                         const struct protopool_value *values, size_t count);
/* Prints the text in quotes. Bytes that are not UTF-8 and characters that control a terminal are escaped. */
PROTOPOOL_API void protopool_print_text(struct protopool_printer *to, const char *text, size_t length);

/* Prints a message by its description, as `Name { field: value, ... }`. "<no message>" if the description is NULL. */
PROTOPOOL_API void protopool_print_message(struct protopool_printer *to, const struct protopool_record *record,
                                           const void *msg);

#ifdef PROTOPOOL_TRACE
/* Prints "what: address [bytes in hexadecimal]" on standard output. */
PROTOPOOL_API void protopool_trace_bytes(const char *what, const void *slot, size_t bytes);
#endif
#endif

/* ---- message.h --------------------------------------------------------------------------------------------------- */
/*
 * Functions that are alike for many variants, as macros that the header of a protocol expands.
 * p: the protocol's prefix. tag_of_it: the variant's enumerator.
 */

/* For a variant whose fields can break no rule of the schema. */
#define PROTOPOOL_VALID_(p, variant, tag_of_it) \
    static inline bool p##_valid_##variant(const struct p##_##variant *msg) \
    { \
        return msg->base.tag == tag_of_it || msg->base.tag == 0; \
    }

/* For a variant whose defaults are zeros. */
#define PROTOPOOL_DEFAULT_(p, variant, tag_of_it) \
    static inline struct p##_##variant p##_default_##variant(void) \
    { \
        struct p##_##variant msg; \
        memset(&msg, 0, sizeof msg); \
        msg.base.tag = tag_of_it; \
        return msg; \
    }

/* For a variant without a tail. The first `head` bytes of a copy are its tag and zeros. */
#define PROTOPOOL_COPY_(p, variant, tag_of_it, slot_class, head) \
    static inline struct p *p##_copy_##variant(struct p##_pool *pool, const struct p##_##variant *from) \
    { \
        return p##_valid_##variant(from) ? p##_copy_(pool, slot_class, tag_of_it, head, &from->base, sizeof *from) \
                                         : p##_refuse_copy_(pool, tag_of_it, &from->base, NULL, 0); \
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

/* slot_class: 0 for a variant with a tail. It does not call PROTOPOOL_READ_: a variant's name that is also a macro, such as errno, would
 * be expanded on the way. */
#define PROTOPOOL_READ_EDIT_FREE_(p, variant, tag_of_it, slot_class) \
    static inline const struct p##_##variant *p##_as_##variant(const struct p *msg) \
    { \
        return (const struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (const void *)msg : p##_null_()); \
    } \
    static inline const struct p##_##variant *p##_if_##variant(const struct p *msg) \
    { \
        return msg->tag == tag_of_it ? p##_as_##variant(msg) : NULL; \
    } \
    static inline struct p##_##variant *p##_edit_##variant(struct p *msg) \
    { \
        return (struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (void *)msg : p##_null_()); \
    } \
    static inline void p##_free_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        p##_free_as_(pool, msg, tag_of_it, slot_class); \
    }

/* A shared variant. edit takes the pool, because the number of holders lies there. It does not call as: see above. */
#define PROTOPOOL_EDIT_FREE_SHARED_(p, variant, tag_of_it) \
    static inline struct p##_##variant *p##_edit_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        return (struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) && p##_may_edit_(pool, msg) ? (void *)msg \
                                                                                                    : p##_null_()); \
    } \
    static inline void p##_free_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        p##_free_as_shared_(pool, msg, tag_of_it); \
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
        return p##_valid_##variant(from) ? (struct p *)PROTOPOOL_UNCONST(&p##_message_##variant##_.base) \
                                         : p##_refuse_copy_(pool, tag_of_it, &from->base, NULL, 0); \
    } \
    static inline struct p##_##variant p##_make_##variant(void) \
    { \
        return p##_default_##variant(); \
    } \
    static inline void p##_free_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        p##_free_constant_(pool, msg, tag_of_it); \
    }

/* Clears the padding behind a tail that ends there, before one that is aligned. */
static inline void protopool_clear_gap(void *msg, size_t end, size_t align)
{
    for (; end % align != 0; end++)
        *(unsigned char *)PROTOPOOL_BEHIND_(msg, end) = 0;
}

/* In functions of emitted sources that compare the records `one` and `other`, or hash the record `msg`: fields that lie side by
 * side, and are equal exactly if their bytes are. offset: of the first one. */
#define PROTOPOOL_SAME_BYTES_(offset, bytes) \
    (memcmp(PROTOPOOL_BEHIND_(one, offset), PROTOPOOL_BEHIND_(other, offset), bytes) == 0)
#define PROTOPOOL_HASH_NUMBERS_(offset, bytes, count) \
    hash = protopool_hash_numbers(hash, PROTOPOOL_BEHIND_(msg, offset), bytes, count)

PROTOPOOL_END_C

#endif /* PROTOPOOL_H_ */
