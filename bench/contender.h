/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a message is made in. One of these is defined, and the emitted header that is included after this one sees
 * nothing else of it:
 *
 *   BENCH_POOL    the pool; with BENCH_DEPOT a pool on a depot also where there is one thread
 *   BENCH_MALLOC  malloc(sizeof variant) and free of whatever allocator is linked
 *   BENCH_UNION   malloc(sizeof union)
 *   BENCH_SEED    the design of the experiment this project grew from: one mutex, a stack of free blocks of the
 *                 union's size
 *   BENCH_LIST    a list of free slots for each slot size, linked through the slots; for one thread
 *   BENCH_LIMIT   no allocator: the workload says where each message goes
 */

#ifndef CONTENDER_H_
#define CONTENDER_H_

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static inline void bench_die(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(2);
}

/* Memory of the benchmark itself, zeroed and its pages touched: not of the contender, whose calloc might touch them or not,
 * or have larger ones. It is kept. */
static inline void *bench_memory(size_t count, size_t size)
{
    const size_t bytes = count * size + 1;
    void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        bench_die("out of memory");
    memset(memory, 0, bytes);
    return memory;
}

#if defined BENCH_POOL

#elif defined BENCH_MALLOC

#define BENCH_TAKE(bytes, slot_class) malloc(bytes)
#define BENCH_GIVE(msg) free(msg)

#elif defined BENCH_UNION

#define BENCH_TAKE(bytes, slot_class) malloc(BENCH_LARGEST)
#define BENCH_GIVE(msg) free(msg)

#elif defined BENCH_SEED

static struct {
    pthread_mutex_t lock;
    void **blocks;
    size_t count, room;
} bench_stack = { PTHREAD_MUTEX_INITIALIZER, NULL, 0, 0 };

static inline void *bench_take(size_t bytes)
{
    void *block;
    (void)pthread_mutex_lock(&bench_stack.lock);
    block = bench_stack.count != 0 ? bench_stack.blocks[--bench_stack.count] : malloc(bytes);
    (void)pthread_mutex_unlock(&bench_stack.lock);
    return block;
}

static inline void bench_give(void *block)
{
    (void)pthread_mutex_lock(&bench_stack.lock);
    if (bench_stack.count == bench_stack.room) {
        bench_stack.room = 2 * bench_stack.room + 64;
        bench_stack.blocks = (void **)realloc(bench_stack.blocks, bench_stack.room * sizeof bench_stack.blocks[0]);
        if (bench_stack.blocks == NULL)
            bench_die("out of memory");
    }
    bench_stack.blocks[bench_stack.count++] = block;
    (void)pthread_mutex_unlock(&bench_stack.lock);
}

#define BENCH_TAKE(bytes, slot_class) bench_take(BENCH_LARGEST)
#define BENCH_GIVE(msg) bench_give(msg)

#elif defined BENCH_LIST

#define BENCH_CHUNK ((size_t)1 << 16)

struct bench_link {
    struct bench_link *next;
};

static struct {
    struct bench_link *free;
    unsigned char *fresh, *end;
} bench_lists[1 + 65536];

static inline void *bench_fresh(size_t bytes, unsigned slot_class)
{
    const size_t stride =
        (bytes + sizeof(struct bench_link) - 1) / sizeof(struct bench_link) * sizeof(struct bench_link);
    void *slot;

    if (bench_lists[slot_class].fresh == bench_lists[slot_class].end) {
        const size_t chunk = stride > BENCH_CHUNK ? stride : BENCH_CHUNK / stride * stride;
        bench_lists[slot_class].fresh = (unsigned char *)malloc(chunk);
        if (bench_lists[slot_class].fresh == NULL)
            return NULL;
        bench_lists[slot_class].end = bench_lists[slot_class].fresh + chunk;
    }
    slot = bench_lists[slot_class].fresh;
    bench_lists[slot_class].fresh += stride;
    return slot;
}

static inline void *bench_take(size_t bytes, unsigned slot_class)
{
    struct bench_link *const first = bench_lists[slot_class].free;
    if (first == NULL)
        return bench_fresh(bytes, slot_class);
    bench_lists[slot_class].free = first->next;
    return first;
}

static inline void bench_give(void *slot, unsigned slot_class)
{
    struct bench_link *const link = (struct bench_link *)slot;
    link->next = bench_lists[slot_class].free;
    bench_lists[slot_class].free = link;
}

#define BENCH_TAKE(bytes, slot_class) bench_take(bytes, slot_class)
#define BENCH_GIVE(msg) bench_give(msg, bench_class_(msg))

#elif defined BENCH_LIMIT

static _Thread_local void *bench_place;

#define BENCH_TAKE(bytes, slot_class) bench_place
#define BENCH_GIVE(msg) ((void)(msg))

#else
#error "define a contender"
#endif

#include BENCH_PROTOCOL

#endif
