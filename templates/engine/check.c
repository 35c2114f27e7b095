/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What each build level checks before an operation may use a pool.
 * At level 0 that is whether the pool is initialised.
 */

#if PROTOPOOL_CHECK >= 1
PROTOPOOL_COLD void protopool_report_fault(enum protopool_fault code, const struct protopool *pool, const void *pointer)
{
    pp_report_simple_fault(code, pool, pointer);
}

/* Whether the pool may be used. If not, that is reported, with the operation's place and the message as far as they are
 * known. A pool whose init or join has failed has nothing to use, which is no fault. */
static bool pp_is_alive_for(const struct protopool *pool, const void *msg, const char *name)
{
    struct pp_report report = { PROTOPOOL_FAULT_NOT_ALIVE, pool,           msg, NULL, NULL, name, pp_unknown_site,
                                pp_unknown_site,           pp_unknown_site };

    if (PROTOPOOL_LIKELY(pool->alive == PROTOPOOL_ALIVE_))
        return true;
#if PROTOPOOL_CHECK == 2
    report.here = pool->site;
    if (msg != NULL)
        (void)pp_find_in_other_stores(NULL, msg, &report, true);
#endif
    if (pool->alive != PROTOPOOL_FAILED_)
        pp_report_fault(&report);
    return false;
}

static bool pp_is_alive(const struct protopool *pool)
{
    return pp_is_alive_for(pool, NULL, NULL);
}
#else
/* Whether the pool may be used: its init or join has worked, and it has not ended. */
static inline bool pp_is_alive(const struct protopool *pool)
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
static uint32_t pp_exchange(uint32_t *at, uint32_t value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
#else
static uint32_t pp_exchange(uint32_t *at,
                            uint32_t value) /* finds it after an operation that a signal or a task switch cut */
{
    const uint32_t before = *at;
    *at = value;
    return before;
}
#endif

/* Whether the operation may begin; if not, that is reported. */
static bool pp_start_operation_for(struct protopool *pool, const void *msg, const char *name)
{
    struct pp_report report = {
        PROTOPOOL_FAULT_CONCURRENT, pool, msg, NULL, NULL, name, pp_unknown_site, pp_unknown_site, pp_unknown_site
    };

    if (!pp_is_alive_for(pool, msg, name))
        return false;
    if (pp_exchange(&pool->busy, 1) == 0)
        return true;
    report.here = pool->site;
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
#else
static inline bool pp_start_operation(struct protopool *pool)
{
    return pp_is_alive(pool);
}

static inline void pp_finish_operation(struct protopool *pool)
{
    (void)pool;
}
#endif

#if PROTOPOOL_CHECK >= 1
static void pp_mark_slots_free(struct protopool_store *store, const struct protopool_slabs *slabs,
                               struct protopool_slab *slab, bool is_new);
static void pp_report_leaks(struct protopool_store *store, const void *owner);
#endif
#if PROTOPOOL_CHECK == 1
static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index);
#endif
#if PROTOPOOL_CHECK == 2
static bool pp_register_slab(struct protopool_store *store, struct protopool_slab *slab);
static void pp_unregister_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                               struct protopool_slab *slab);
static void pp_register_store(struct protopool_store *store, union protopool_lock *lock);
static void pp_unregister_store(struct protopool_store *store);
#else
static inline void pp_register_store(struct protopool_store *store, union protopool_lock *lock)
{
    (void)store;
    (void)lock;
}

static inline void pp_unregister_store(struct protopool_store *store)
{
    (void)store;
}

#endif

#if PROTOPOOL_CHECK == 0
static inline void pp_report_leaks(struct protopool_store *store, const void *owner)
{
    (void)store;
    (void)owner;
}
#endif
