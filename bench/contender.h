/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a message is made in. One of these is defined, and the emitted header that is included after this one sees
 * nothing else of it:
 *
 *   BENCH_POOL    the pool; with BENCH_DEPOT a pool on a depot also where there is one thread
 *   BENCH_MALLOC  malloc(sizeof variant) and free of whatever allocator is linked. With BENCH_SIZED_FREE=NAME that function
 *                 frees, and is given the size, which follows from the tag or the workload; with BENCH_SDALLOCX, jemalloc's. With BENCH_HEAP or
 *                 BENCH_THEAP each thread has a heap of its own (mimalloc's), with BENCH_ARENA an arena (jemalloc's)
 *   BENCH_UNION   malloc(sizeof union)
 *   BENCH_SEED    the design of the experiment this project grew from: one mutex, a stack of free blocks of the
 *                 union's size
 *   BENCH_LIST    a list of free slots for each slot size, linked through the slots; for one thread
 *   BENCH_LIMIT   no allocator: the workload says where each message goes. With BENCH_WRITE, free writes a byte of the
 *                 message, as most allocators do: then the line belongs to the thread that freed it
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

#if defined BENCH_THEAP || defined BENCH_HEAP
void *mi_heap_new(void);
static _Thread_local void *bench_heap;
#endif

#if defined BENCH_THEAP
void *mi_heap_theap(void *heap);
void *mi_theap_malloc(void *theap, size_t bytes);
#define BENCH_TAKE(bytes) mi_theap_malloc(bench_heap, bytes)
#elif defined BENCH_HEAP
void *mi_heap_malloc(void *heap, size_t bytes);
#define BENCH_TAKE(bytes) mi_heap_malloc(bench_heap, bytes)
#else
#define BENCH_TAKE(bytes) malloc(bytes)
#endif

#if defined BENCH_SDALLOCX
void sdallocx(void *block, size_t bytes, int flags);
#define BENCH_GIVE(msg, bytes) sdallocx(msg, bytes, 0)
#elif defined BENCH_SIZED_FREE
void BENCH_SIZED_FREE(void *block, size_t bytes);
#define BENCH_GIVE(msg, bytes) BENCH_SIZED_FREE(msg, bytes)
#else
#define BENCH_GIVE(msg, bytes) free(msg)
#endif

#ifdef BENCH_ARENA
int mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes);
#endif

#elif defined BENCH_UNION

#define BENCH_TAKE(bytes) malloc(BENCH_LARGEST)
#define BENCH_GIVE(msg, bytes) free(msg)

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

#define BENCH_TAKE(bytes) bench_take(BENCH_LARGEST)
#define BENCH_GIVE(msg, bytes) bench_give(msg)

#elif defined BENCH_LIST

#define BENCH_CHUNK ((size_t)1 << 16)
#define BENCH_LIST_MOST ((size_t)1 << 20) /* bytes of the largest message */

struct bench_link {
    struct bench_link *next;
};

static struct bench_list {
    struct bench_link *free;
    unsigned char *fresh, *end;
} bench_lists[1 + BENCH_LIST_MOST / sizeof(struct bench_link)]; /* by the number of links that fit into a slot */

static inline struct bench_list *bench_list(size_t bytes)
{
    return &bench_lists[(bytes + sizeof(struct bench_link) - 1) / sizeof(struct bench_link)];
}

static inline void *bench_fresh(struct bench_list *list)
{
    const size_t stride = (size_t)(list - bench_lists) * sizeof(struct bench_link);
    void *slot;

    if (list->fresh == list->end) {
        const size_t chunk = stride > BENCH_CHUNK ? stride : BENCH_CHUNK / stride * stride;
        list->fresh = (unsigned char *)malloc(chunk);
        if (list->fresh == NULL)
            return NULL;
        list->end = list->fresh + chunk;
    }
    slot = list->fresh;
    list->fresh += stride;
    return slot;
}

static inline void *bench_take(struct bench_list *list)
{
    struct bench_link *const first = list->free;
    if (first == NULL)
        return bench_fresh(list);
    list->free = first->next;
    return first;
}

static inline void bench_give(void *slot, struct bench_list *list)
{
    struct bench_link *const link = (struct bench_link *)slot;
    link->next = list->free;
    list->free = link;
}

#define BENCH_TAKE(bytes) bench_take(bench_list(bytes))
#define BENCH_GIVE(msg, bytes) bench_give(msg, bench_list(bytes))

#elif defined BENCH_LIMIT

static _Thread_local void *bench_place;

#define BENCH_TAKE(bytes) bench_place
#ifdef BENCH_WRITE
#define BENCH_GIVE(msg, bytes) ((void)(*(volatile unsigned char *)(msg) = 0))
#else
#define BENCH_GIVE(msg, bytes) ((void)(msg))
#endif

#else
#error "define a contender"
#endif

#include BENCH_PROTOCOL

#ifdef BENCH_LIST
_Static_assert(BENCH_LARGEST <= BENCH_LIST_MOST, "the lists do not reach to the largest message");
#endif

/* Each thread calls it before it allocates. */
static inline void bench_begin_thread(void)
{
#if defined BENCH_THEAP
    bench_heap = mi_heap_theap(mi_heap_new());
#elif defined BENCH_HEAP
    bench_heap = mi_heap_new();
#elif defined BENCH_ARENA
    unsigned arena;
    size_t bytes = sizeof arena;
    if (mallctl("arenas.create", &arena, &bytes, NULL, 0) != 0
        || mallctl("thread.arena", NULL, NULL, &arena, sizeof arena) != 0)
        bench_die("no arena");
#endif
#if defined BENCH_THEAP || defined BENCH_HEAP
    if (bench_heap == NULL)
        bench_die("no heap");
#endif
}

#endif
