/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The life of a pool: init, fini, reset, reserve, flush, trim, each and statistics. */

/* Bytes that the default source has of the system, besides those in use. */
static size_t pp_dirty_bytes(struct protopool_growth *growth)
{
    size_t dirty;

    pp_lock_source(growth);
    dirty = growth->heap.dirty;
    pp_unlock_source(growth);
    return dirty;
}

/* The `release_all` of a growing store. */
static void pp_release_growing(struct protopool_store *store)
{
    if (store->growth->source.give == NULL)
        return;
    pp_array_slabs(store)->reserved = 0;
    pp_release_free_slabs(store, pp_array_slabs(store));
    pp_array_slabs(store)->reserved = SIZE_MAX;
    while (store->growth->spare_count != 0)
        pp_give_highest_spare(store);
}

/* The `trim_source` of a growing store. */
static size_t pp_trim_source(struct protopool_growth *growth, struct protopool_block *given)
{
    size_t fewer;

    pp_lock_source(growth);
    fewer = growth->heap.dirty;
    pp_give_blocks(&growth->source, given);
#ifdef PP_HAS_HEAP
    pp_heap_trim(&growth->heap);
#endif
    fewer -= growth->heap.dirty;
    pp_unlock_source(growth);
    return fewer;
}

/* Collects and returns all free memory, for the source. It leaves out free slots in the magazines of pools. */
static struct protopool_block *pp_collect_free(struct protopool_store *store, struct protopool_depot *depot)
{
    if (depot != NULL) {
        pp_flush_depot_magazines(depot);
        pp_return_empty_arrays(depot);
        if (depot->joined == 0 && store->growth != NULL)
            pp_return_arrays_of_parts(store);
    }
    if (store->growth == NULL)
        return NULL;
    store->growth->calls->release_all(store);
    return pp_take_given(store->growth);
}

/* Fills in the statistics, except the numbers of live slots and the bytes that the source keeps. */
static void pp_store_stats(const struct protopool_store *store, struct protopool_slot_stats *by_slot_size,
                           size_t *source_bytes, size_t *system_bytes)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_store_class *const store_class = &store->classes[c];
        struct protopool_slot_stats *const stats = &by_slot_size[c - 1];
        stats->slot_bytes = store->geometry->slot_sizes[c - 1].bytes;
        stats->budget = store_class->slabs.fixed != NULL ? store->geometry->slot_sizes[c - 1].budget : 0;
        stats->peak = store_class->peak;
        stats->failures = store_class->failures;
    }
    if (source_bytes != NULL)
        *source_bytes = store->source_bytes;
    if (system_bytes != NULL)
        *system_bytes = store->source_bytes;
}

/* Adds to the bytes of the system what the source keeps. The store is not locked. */
static void pp_add_dirty_bytes(const struct protopool_store *store, size_t *system_bytes)
{
    if (system_bytes != NULL && store->growth != NULL)
        *system_bytes += pp_dirty_bytes(store->growth);
}

static bool pp_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                            struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                            const bool *shared, const struct protopool_source *source)
{
    struct protopool_store *store;

    pp_clear_pool(pool, loaded, parts, geometry->count);
    store = pp_create_growing_store(geometry, shared, source);
    if (store == NULL)
        return false;
    pp_note_store(store, NULL);
    pp_activate_pool(pool, store);
    return true;
}

bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                            struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                            const struct protopool_source *source)
{
    return pp_init_growing(pool, loaded, parts, geometry, NULL, source);
}

bool protopool_init_growing_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                   struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                   const bool *shared, const struct protopool_source *source)
{
    return pp_init_growing(pool, loaded, parts, geometry, shared, source);
}

static void pp_leave_depot(struct protopool *pool);

size_t protopool_fini(struct protopool *pool)
{
    uint32_t slot_sizes;
    size_t live = 0;

    if (!pp_start_operation(pool))
        return 0;
    slot_sizes = pool->store->geometry->count;
    if (pp_is_compact(pool)) {
        live = pp_live_compact(pool);
    } else if (pool->depot != NULL) {
        pp_leave_depot(pool);
    } else {
        pp_flush_magazines(pool);
        for (unsigned c = 1; c <= slot_sizes; c++)
            live += pp_live_slots(pool, c);
        pp_report_leaks(pool->store, pool);
        pp_end_store(pool->store);
    }
    pp_clear_pool(pool, pool->loaded, pool->parts, slot_sizes);
    pp_set_state(pool, PROTOPOOL_ENDED_);
    return live;
}

/* Reports an operation that only a pool on its own can do. */
static PROTOPOOL_COLD void pp_report_joined(struct protopool *pool)
{
    pp_finish_operation(pool);
    pp_report_fault_at(PROTOPOOL_FAULT_SHARED, pool, NULL, pp_site_of(pool));
}

void protopool_reset(struct protopool *pool)
{
    if (!pp_start_operation(pool))
        return;
    if (pool->depot != NULL) {
        pp_report_joined(pool);
        return;
    }
    if (pp_is_compact(pool)) {
        pp_reset_compact(pool);
        return;
    }
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;

        pp_note_peak(pool, c);
        pool->loaded[c].top = pool->loaded[c].slots;
        if (pp_has_part(pool, c))
            pp_class(pool, c)->previous.top = pp_class(pool, c)->previous.slots;
        pp_reset_peak(&pool->loaded[c]);
        pp_reset_live(pool->store, c);
        while (slabs->full != NULL) {
            struct protopool_slab *const slab = slabs->full;
            pp_unlink_slab(&slabs->full, slab);
            pp_push_slab(&slabs->partial, slab);
        }
        slabs->free_in_slabs = slabs->slots;
        for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
            next = slab->next;
            pp_mark_all_free(slab);
            pp_reset_slab(pool->store, slabs, slab);
            if (pool->store->growth != NULL)
                pool->store->growth->calls->release(pool->store, slabs, slab);
        }
    }
    pp_finish_operation(pool);
}

/* Adds a slab, with the store locked. If there is room for n more slots already, it sets *is_enough instead. It first raises the
 * number of slots that the store keeps, so that no new slab is released before all are there. If it raises this number, *noted
 * gets it. False if there is no memory. */
static bool pp_reserve_slab(struct protopool *pool, unsigned c, size_t n, size_t *noted, bool *is_enough)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    const size_t live = pp_live_slots(pool, c);

    if (slabs->slot_bytes == 0 || n > (SIZE_MAX - live) / slabs->slot_bytes)
        return false;
    if (slabs->fixed == NULL && pool->store->classes[c].magazine != 0 && !pp_ensure_array(pool, c, &pool->loaded[c]))
        return false;
    if (live + n > slabs->reserved)
        *noted = slabs->reserved = live + n;
    *is_enough = slabs->slots - live >= n;
    return *is_enough || pp_grow_for(pool, slabs);
}

/* The lock is released after each slab: others allocate while a joined pool reserves. */
static bool pp_reserve(struct protopool *pool, unsigned c, size_t n)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    bool is_enough = false, is_good;
    size_t before, noted = 0, added = 0;

    pp_lock_store(pool);
    before = slabs->reserved;
    while ((is_good = pp_reserve_slab(pool, c, n, &noted, &is_enough)) && !is_enough) {
        added++;
        pp_unlock_store(pool);
        pp_lock_store(pool);
    }
    if (!is_good && slabs->reserved == noted)
        slabs->reserved = before;
    for (; !is_good && added != 0; added--) {
        pp_release_free_slab(pool->store, slabs);
        pp_unlock_store(pool);
        pp_lock_store(pool);
    }
    pp_unlock_store(pool);
    return is_good;
}

bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n)
{
    bool done;

    if (!pp_start_operation(pool))
        return false;
    if (pp_is_compact(pool))
        return slot_class == 0 || n == 0 || n <= pp_free_compact(pool, slot_class);
    done = slot_class == 0 || n == 0 || pp_reserve(pool, slot_class, n);
    pp_finish_operation(pool);
    return done;
}

static void pp_flush_pool(struct protopool *pool)
{
    pp_lock_store(pool);
    pp_flush_magazines(pool);
    pp_unlock_store(pool);
}

void protopool_flush(struct protopool *pool)
{
    if (!pp_start_operation(pool))
        return;
    if (pp_is_compact(pool)) {
        pp_flush_compact(pool);
        return;
    }
    pp_flush_pool(pool);
    pp_finish_operation(pool);
}

/* protopool_trim of a growing pool. */
static size_t pp_trim_growing(struct protopool *pool)
{
    struct protopool_store *const store = pool->store;
    struct protopool_block *given;
    size_t bytes;

    pp_lock_store(pool);
    store->growth->is_collecting = true;
    bytes = store->source_bytes;
    pp_flush_magazines(pool);
    given = pp_collect_free(store, pool->depot);
    bytes -= store->source_bytes;
    store->growth->is_collecting = pool->depot != NULL;
    pp_unlock_store(pool);
    return bytes + store->growth->calls->trim_source(store->growth, given);
}

static const struct protopool_growing pp_growing = { .grow = pp_grow,
                                                     .grow_for = pp_grow_after_flush,
                                                     .release = pp_release_idle_slab,
                                                     .give = pp_give_collected,
                                                     .release_all = pp_release_growing,
                                                     .trim = pp_trim_growing,
                                                     .trim_source = pp_trim_source,
                                                     .end = pp_give_store,
                                                     .load_full = pp_load_full_magazine,
                                                     .fetch_full = pp_fetch_full_magazines,
                                                     .keep_full = pp_keep_full_magazine,
                                                     .leave_full = pp_leave_full_magazines,
                                                     .spill_exchange = pp_spill_exchange };

size_t protopool_trim(struct protopool *pool)
{
    size_t given = 0;

    if (!pp_start_operation(pool))
        return 0;
    if (pp_is_compact(pool)) {
        pp_flush_compact(pool);
        return 0;
    }
    if (pool->store->growth != NULL)
        given = pool->store->growth->calls->trim(pool);
    else
        pp_flush_pool(pool);
    pp_finish_operation(pool);
    return given;
}

void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    if (!pp_start_operation(pool))
        return;
    if (pool->depot != NULL) {
        pp_report_joined(pool);
        return;
    }
    if (pp_is_compact(pool)) {
        pp_each_compact(pool, fn, ctx);
        return;
    }
    pp_flush_magazines(pool);
    pp_finish_operation(pool); /* fn may ask for statistics */
    pp_each_in_store(pool->store, fn, ctx);
}

void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size, size_t *source_bytes,
                     size_t *system_bytes)
{
    if (!pp_start_operation(pool))
        return;
    if (pp_is_compact(pool)) {
        pp_compact_stats(pool, by_slot_size, source_bytes, system_bytes);
        return;
    }
    pp_lock_store(pool);
    pp_note_all_peaks(pool);
    pp_store_stats(pool->store, by_slot_size, source_bytes, system_bytes);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        by_slot_size[c - 1].live = pp_exact_live(pool->store, c, pp_live_slots(pool, c));
    pp_unlock_store(pool);
    pp_add_dirty_bytes(pool->store, system_bytes);
    pp_finish_operation(pool);
}
