/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What each build level checks before an operation may use a pool.
 * At level 0 that is whether the pool is initialised.
 */

#if PROTOPOOL_CHECK >= 1
PROTOPOOL_COLD void protopool_raise(enum protopool_fault code, const struct protopool *pool, const void *pointer)
{
    simple_fault(code, pool, pointer);
}

/* Whether the pool may be used. If not, that is reported, with the operation's place and the message as far as they are
 * known. A pool whose init or join has failed has nothing to use, which is no fault. */
static bool is_alive_for(const struct protopool *pool, const void *msg, const char *name)
{
    struct report report = { PROTOPOOL_FAULT_NOT_ALIVE, pool, msg, NULL, NULL, name, nowhere, nowhere, nowhere };

    if (PROTOPOOL_LIKELY(pool->alive == PROTOPOOL_ALIVE_))
        return true;
#if PROTOPOOL_CHECK == 2
    report.here = pool->site;
    if (msg != NULL)
        (void)look_elsewhere(NULL, msg, &report, true);
#endif
    if (pool->alive != PROTOPOOL_FAILED_)
        fault(&report);
    return false;
}

static bool is_alive(const struct protopool *pool)
{
    return is_alive_for(pool, NULL, NULL);
}
#else
/* Whether the pool may be used: its init or join has worked, and it has not ended. */
static inline bool is_alive(const struct protopool *pool)
{
    return pool->store != NULL;
}
#endif

#if PROTOPOOL_CHECK == 2
/*
 * Two threads in one pool. An operation sets a flag and clears it at its end; one that finds it set is a fault. Relaxed, so
 * that it orders nothing: ThreadSanitizer sees the threads as they are.
 */
#if defined __GCC_ATOMIC_INT_LOCK_FREE && __GCC_ATOMIC_INT_LOCK_FREE == 2
static uint32_t exchange(uint32_t *at, uint32_t value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
#else
static uint32_t exchange(uint32_t *at,
                         uint32_t value) /* finds it after an operation that a signal or a task switch cut */
{
    const uint32_t before = *at;
    *at = value;
    return before;
}
#endif

/* Whether the operation may begin; if not, that is reported. */
static bool enter_for(struct protopool *pool, const void *msg, const char *name)
{
    struct report report = { PROTOPOOL_FAULT_CONCURRENT, pool, msg, NULL, NULL, name, nowhere, nowhere, nowhere };

    if (!is_alive_for(pool, msg, name))
        return false;
    if (exchange(&pool->busy, 1) == 0)
        return true;
    report.here = pool->site;
    fault(&report);
    return false;
}

static bool enter(struct protopool *pool)
{
    return enter_for(pool, NULL, NULL);
}

static void leave(struct protopool *pool)
{
    (void)exchange(&pool->busy, 0);
}
#else
static inline bool enter(struct protopool *pool)
{
    return is_alive(pool);
}

static inline void leave(struct protopool *pool)
{
    (void)pool;
}
#endif

#if PROTOPOOL_CHECK >= 1
static void retire_slots(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, bool is_new);
static void report_leaks(struct protopool_store *store, const void *owner);
#endif
#if PROTOPOOL_CHECK == 1
static bool is_sound(const struct protopool_store *store, const struct protopool_slabs *slabs,
                     struct protopool_slab *slab, const void *slot, uint32_t index);
#endif
#if PROTOPOOL_CHECK == 2
static bool enter_slab(struct protopool_store *store, struct protopool_slab *slab);
static void strike_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                        struct protopool_slab *slab);
static void open_store(struct protopool_store *store, union protopool_lock *lock);
static void close_store(struct protopool_store *store);
#else
static inline void open_store(struct protopool_store *store, union protopool_lock *lock)
{
    (void)store;
    (void)lock;
}

static inline void close_store(struct protopool_store *store)
{
    (void)store;
}

#endif

#if PROTOPOOL_CHECK == 0
static inline void report_leaks(struct protopool_store *store, const void *owner)
{
    (void)store;
    (void)owner;
}
#endif
