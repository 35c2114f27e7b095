/* SPDX-License-Identifier: Apache-2.0 OR MIT */
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
