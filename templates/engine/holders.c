/* SPDX-License-Identifier: Apache-2.0 OR MIT */
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
