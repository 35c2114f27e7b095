/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The life of a pool: init, fini, reset, reserve, flush, trim, each and statistics. */

/* The bytes for which the system has memory. */
static size_t pp_system_bytes(const struct protopool_store *store)
{
    return store->source_bytes + (store->growth != NULL ? store->growth->heap.dirty : 0);
}

/* The `trim` of a growing store. */
static void pp_trim_growing(struct protopool_store *store)
{
    if (store->growth->source.give == NULL)
        return;
    pp_array_slabs(store)->reserved = 0;
    pp_release_free_slabs(store, pp_array_slabs(store));
    pp_array_slabs(store)->reserved = SIZE_MAX;
    while (store->growth->spare_count != 0)
        pp_give_highest_spare(store);
#ifdef PP_HAS_HEAP
    pp_heap_trim(&store->growth->heap);
#endif
}

static const struct protopool_kind pp_growing = { .take = pp_take_again,
                                                  .put = pp_put_again,
                                                  .grow = pp_grow,
                                                  .grow_for = pp_grow_after_flush,
                                                  .release = pp_release_idle_slab,
                                                  .trim = pp_trim_growing,
                                                  .end = pp_give_store };

/* Gives back all free memory but that in the magazines of pools. */
static void pp_trim_store(struct protopool_store *store, struct protopool_depot *depot)
{
    if (depot != NULL) {
        pp_flush_depot_magazines(depot);
        pp_return_empty_arrays(depot);
    }
    if (store->kind->trim != NULL)
        store->kind->trim(store);
}

/* All but how many slots are live. */
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
        *system_bytes = pp_system_bytes(store);
}

/* Makes the pool one that has nothing. Until pp_activate_pool, it is a pool whose init or join has failed. */
static void pp_clear_pool(struct protopool *pool, struct protopool_magazine *loaded,
                          struct protopool_pool_class *classes, uint32_t slot_sizes)
{
    memset(pool, 0, sizeof *pool);
    memset(loaded, 0, (slot_sizes + (size_t)1) * sizeof *loaded);
    memset(classes, 0, (slot_sizes + (size_t)1) * sizeof *classes);
    pool->loaded = loaded;
    pool->last = loaded;
    pool->classes = classes;
    pp_set_state(pool, PROTOPOOL_FAILED_);
}

static void pp_activate_pool(struct protopool *pool, struct protopool_store *store)
{
    pool->store = store;
    pool->is_fixed = store->growth == NULL;
    pp_set_state(pool, PROTOPOOL_ALIVE_);
}

/* What the macros for fixed memory compute for so many slots, with less code. */
static unsigned long long pp_laid_out_bytes(size_t slot_bytes, unsigned long long slots, unsigned long long arrays)
{
    return PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), slots,
                               pp_map_words((uint32_t)PROTOPOOL_MIN_(slots, UINT32_MAX)), arrays,
                               PROTOPOOL_RECORD_BYTES_);
}

bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                          struct protopool_pool_class *classes, const struct protopool_geometry *geometry, void *memory,
                          size_t bytes)
{
    unsigned long long need = PROTOPOOL_TABLES_BYTES(geometry->count);
    struct protopool_store *store;
    unsigned char *next;

    pp_clear_pool(pool, loaded, classes, geometry->count);
    for (uint32_t i = 0; i < geometry->count; i++)
        need += pp_laid_out_bytes(geometry->slot_sizes[i].bytes, geometry->slot_sizes[i].budget,
                                  PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, geometry->slot_sizes[i].budget));
    if (need > bytes || memory == NULL || (uintptr_t)memory % 8 != 0)
        return false;
    store = pp_lay_out_tables(geometry, &pp_fixed, memory);
    store->source_bytes = (size_t)need;
    next = (unsigned char *)memory + pp_tables_bytes(geometry);
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        const uint32_t arrays = (uint32_t)PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, budget);
        struct protopool_slabs *const slabs = &store->classes[c].slabs;

        if (budget == 0)
            continue;
        pp_init_slabs(slabs, c, geometry->slot_sizes[c - 1].bytes);
        pp_set_array(&loaded[c],
                     (void **)(void *)(next + sizeof(struct protopool_slab)
                                       + pp_map_words(budget) * sizeof(protopool_word)
                                       + budget * pp_record_bytes(slabs)),
                     arrays);
        next = pp_create_fixed_slab(store, slabs, budget, arrays * sizeof(void *), next);
    }
    pp_note_store(store, NULL);
    pp_activate_pool(pool, store);
    return true;
}

bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                            struct protopool_pool_class *classes, const struct protopool_geometry *geometry,
                            const struct protopool_source *source)
{
    struct protopool_store *store;

    pp_clear_pool(pool, loaded, classes, geometry->count);
    store = pp_create_growing_store(geometry, source);
    if (store == NULL)
        return false;
    pp_note_store(store, NULL);
    pp_activate_pool(pool, store);
    return true;
}

static void pp_leave_depot(struct protopool *pool);

size_t protopool_fini(struct protopool *pool)
{
    uint32_t slot_sizes;
    size_t live = 0;

    if (!pp_start_operation(pool))
        return 0;
    slot_sizes = pool->store->geometry->count;
    if (pool->depot != NULL) {
        pp_leave_depot(pool);
    } else {
        pp_flush_magazines(pool);
        for (unsigned c = 1; c <= slot_sizes; c++)
            live += pp_live_slots(pool, c);
        pp_report_leaks(pool->store, pool);
        pp_end_store(pool->store);
    }
    pp_clear_pool(pool, pool->loaded, pool->classes, slot_sizes);
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
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;

        pp_note_peak(pool, c);
        pool->loaded[c].top = pool->loaded[c].slots;
        pool->classes[c].previous.top = pool->classes[c].previous.slots;
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
            if (pool->store->kind->release != NULL)
                pool->store->kind->release(pool->store, slabs, slab);
        }
    }
    pp_finish_operation(pool);
}

/* Adds a slab, with the store locked, unless there is room for n more slots: then *is_enough is set, and what is reserved
 * noted. False if there is no memory. */
static bool pp_reserve_slab(struct protopool *pool, unsigned c, size_t n, bool *is_enough)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    const size_t live = pp_live_slots(pool, c);

    if (slabs->slot_bytes == 0 || n > (SIZE_MAX - live) / slabs->slot_bytes)
        return false;
    if (slabs->fixed == NULL && pool->store->classes[c].magazine != 0 && !pp_ensure_array(pool, c, &pool->loaded[c]))
        return false;
    *is_enough = slabs->slots - live >= n;
    if (!*is_enough)
        return pp_grow_for(pool, slabs);
    if (live + n > slabs->reserved)
        slabs->reserved = live + n;
    return true;
}

/* The lock is released after each slab: a joined pool may reserve while others allocate. */
static bool pp_reserve(struct protopool *pool, unsigned c, size_t n)
{
    bool is_enough = false, is_good;
    size_t added = 0;

    do {
        pp_lock_store(pool);
        is_good = pp_reserve_slab(pool, c, n, &is_enough);
        pp_unlock_store(pool);
        added += is_good && !is_enough;
    } while (is_good && !is_enough);
    for (; !is_good && added != 0; added--) {
        pp_lock_store(pool);
        pp_release_free_slab(pool->store, &pool->store->classes[c].slabs);
        pp_unlock_store(pool);
    }
    return is_good;
}

bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n)
{
    bool done;

    if (!pp_start_operation(pool))
        return false;
    done = slot_class == 0 || n == 0 || pp_reserve(pool, slot_class, n);
    pp_finish_operation(pool);
    return done;
}

void protopool_flush(struct protopool *pool)
{
    if (!pp_start_operation(pool))
        return;
    pp_lock_store(pool);
    pp_flush_magazines(pool);
    pp_unlock_store(pool);
    pp_finish_operation(pool);
}

size_t protopool_trim(struct protopool *pool)
{
    size_t given;

    if (!pp_start_operation(pool))
        return 0;
    pp_lock_store(pool);
    given = pp_system_bytes(pool->store);
    pp_flush_magazines(pool);
    pp_trim_store(pool->store, pool->depot);
    given -= pp_system_bytes(pool->store);
    pp_unlock_store(pool);
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
    pp_flush_magazines(pool);
    pp_finish_operation(pool); /* fn may ask for statistics */
    pp_each_in_store(pool->store, fn, ctx);
}

void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size, size_t *source_bytes,
                     size_t *system_bytes)
{
    if (!pp_start_operation(pool))
        return;
    pp_lock_store(pool);
    pp_note_all_peaks(pool);
    pp_store_stats(pool->store, by_slot_size, source_bytes, system_bytes);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        by_slot_size[c - 1].live = pp_exact_live(pool->store, c, pp_live_slots(pool, c));
    pp_unlock_store(pool);
    pp_finish_operation(pool);
}
