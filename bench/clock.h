/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What is measured besides the work: time, page faults, resident memory, and how far two cores are from each other.
 */

#ifndef CLOCK_H_
#define CLOCK_H_

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

/* Nanoseconds of a clock that only goes forward. */
static inline double clock_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

/* The finest clock there is, in units of its own. */
static inline uint64_t clock_ticks(void)
{
#if defined __x86_64__ || defined __i386__
    return __builtin_ia32_rdtsc();
#else
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
#endif
}

static inline double clock_tick_ns(void)
{
    const uint64_t ticks = clock_ticks();
    const double began = clock_now();
    while (clock_now() - began < 2e7) {
    }
    return (clock_now() - began) / (double)(clock_ticks() - ticks);
}

static inline long minor_faults(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* Bytes of this process that are in memory; 0 where the system does not report them. */
static inline size_t resident_bytes(void)
{
    FILE *const file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    size_t kib = 0;

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Rss: %zu", &kib) != 1) {
    }
    (void)fclose(file);
    return kib * 1024;
}

/* Keeps this thread on the n-th of the cores that the program may run on, where the system can. The first call is the
 * main thread's, before there are others. */
static inline void stay_on_core(unsigned n)
{
#ifdef __linux__
    static cpu_set_t allowed;
    cpu_set_t one;
    if (CPU_COUNT(&allowed) == 0 && sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    for (unsigned core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, &allowed) && n-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(core, &one);
            (void)sched_setaffinity(0, sizeof one, &one);
            return;
        }
    }
#else
    (void)n;
#endif
}

/* ---- Two threads meet: they throw a ball to and fro, and know then how long that takes -------------------------- */

enum { BALL_THROWS = 100, BALL_SPINS = 20000 };

struct ball {
    _Alignas(64) atomic_uint throws;
};

static inline void ball_catch(struct ball *ball, unsigned throws)
{
    for (unsigned spins = 1; atomic_load_explicit(&ball->throws, memory_order_acquire) != throws; spins++)
        if (spins % BALL_SPINS == 0)
            (void)sched_yield();
}

/* The one that throws first. Returns nanoseconds to and fro. *throws is this thread's count, 0 at first. */
static inline double ball_meet(struct ball *ball, unsigned *throws, bool is_first)
{
    double began = 0;
    for (unsigned i = 0; i <= BALL_THROWS; i++) {
        if (i == 1)
            began = clock_now(); /* the first throw waits for the other thread */
        if (!is_first)
            ball_catch(ball, *throws + 1);
        atomic_store_explicit(&ball->throws, is_first ? *throws + 1 : *throws + 2, memory_order_release);
        *throws += 2;
        if (is_first)
            ball_catch(ball, *throws);
    }
    return (clock_now() - began) / BALL_THROWS;
}

#endif
