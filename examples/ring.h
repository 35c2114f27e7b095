/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A bounded queue of pointers between two threads: one pushes batches, the other pops them. It is a ring with an index for
 * each side (Lamport 1983). A thread that finds it full or empty waits, which is the back-pressure.
 */

#ifndef RING_H_
#define RING_H_

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#define RING_SLOTS 1024 /* a power of two */
#define RING_SPINS 64

struct ring {
    _Alignas(64) atomic_size_t pushed; /* written by the thread that pushes */
    size_t seen_popped;
    _Alignas(64) atomic_size_t popped; /* written by the thread that pops */
    size_t seen_pushed;
    _Alignas(64) void *slots[RING_SLOTS];
};

static inline void ring_wait(unsigned *turns)
{
    if (++*turns % RING_SPINS == 0)
        (void)sched_yield();
}

/* Waits until there is room for all; count is at most RING_SLOTS. */
static inline void ring_push(struct ring *ring, void *const *items, size_t count)
{
    const size_t at = atomic_load_explicit(&ring->pushed, memory_order_relaxed);
    for (unsigned turns = 0; at + count - ring->seen_popped > RING_SLOTS; ring_wait(&turns))
        ring->seen_popped = atomic_load_explicit(&ring->popped, memory_order_acquire);
    for (size_t i = 0; i < count; i++)
        ring->slots[(at + i) % RING_SLOTS] = items[i];
    atomic_store_explicit(&ring->pushed, at + count, memory_order_release);
}

/* Waits until the ring is not empty. Returns how many it pops, at most `most`. */
static inline size_t ring_pop(struct ring *ring, void **items, size_t most)
{
    const size_t at = atomic_load_explicit(&ring->popped, memory_order_relaxed);
    size_t count;
    for (unsigned turns = 0; ring->seen_pushed == at; ring_wait(&turns))
        ring->seen_pushed = atomic_load_explicit(&ring->pushed, memory_order_acquire);
    count = ring->seen_pushed - at < most ? ring->seen_pushed - at : most;
    for (size_t i = 0; i < count; i++)
        items[i] = ring->slots[(at + i) % RING_SLOTS];
    atomic_store_explicit(&ring->popped, at + count, memory_order_release);
    return count;
}

#endif
