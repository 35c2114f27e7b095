/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The life of a pool: init, fini, reset, reserve, flush, trim, each and statistics. */

/* What the system holds memory for. */
static size_t system_bytes_of(const struct protopool_store *store)
{
    return store->source_bytes + (store->growth != NULL ? store->growth->heap.dirty : 0);
}

/* Gives back all that is free and in no pool's magazine. */
static void trim(struct protopool_store *store, struct protopool_depot *depot)
{
    if (depot != NULL) {
        flush_racks(depot);
        return_empty_arrays(depot);
    }
    if (store->growth == NULL || store->growth->source.give == NULL)
        return;
    arrays_of(store)->reserved = 0;
    release_free_slabs(store, arrays_of(store));
    arrays_of(store)->reserved = SIZE_MAX;
    while (store->growth->spare_count != 0)
        give_highest_spare(store);
#ifdef HAS_HEAP
    heap_trim(&store->growth->heap);
#endif
}

/* All but the live counts, which only level 2 keeps. */
static void stats_of_store(const struct protopool_store *store, struct protopool_slot_stats *by_slot_size,
                           size_t *source_bytes, size_t *system_bytes)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_shelf *const shelf = &store->shelves[c];
        struct protopool_slot_stats *const stats = &by_slot_size[c - 1];
        stats->slot_bytes = store->geometry->slot_sizes[c - 1].bytes;
        stats->budget = shelf->slabs.fixed != NULL ? store->geometry->slot_sizes[c - 1].budget : 0;
        stats->peak = shelf->peak;
#if PROTOPOOL_CHECK == 2
        stats->live = shelf->live;
#endif
        stats->failures = shelf->failures;
    }
    if (source_bytes != NULL)
        *source_bytes = store->source_bytes;
    if (system_bytes != NULL)
        *system_bytes = system_bytes_of(store);
}

/* A pool that holds nothing: until open_pool, that of an init or join that has failed. */
static void begin_pool(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                       uint32_t slot_sizes)
{
    memset(pool, 0, sizeof *pool);
    memset(loaded, 0, (slot_sizes + (size_t)1) * sizeof *loaded);
    memset(classes, 0, (slot_sizes + (size_t)1) * sizeof *classes);
    pool->loaded = loaded;
    pool->last = loaded;
    pool->classes = classes;
#if PROTOPOOL_CHECK >= 1
    pool->alive = PROTOPOOL_FAILED_;
#endif
}

static void open_pool(struct protopool *pool, struct protopool_store *store)
{
    pool->store = store;
    pool->is_fixed = store->growth == NULL;
#if PROTOPOOL_CHECK >= 1
    pool->alive = PROTOPOOL_ALIVE_;
#endif
}

bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                          const struct protopool_geometry *geometry, void *memory, size_t bytes)
{
    unsigned long long need = PROTOPOOL_TABLES_BYTES(geometry->count);
    struct protopool_store *store;
    unsigned char *next;

    begin_pool(pool, loaded, classes, geometry->count);
    for (uint32_t i = 0; i < geometry->count; i++)
        need += PROTOPOOL_FIXED_BYTES(geometry->slot_sizes[i].bytes, geometry->slot_sizes[i].budget);
    if (need > bytes || memory == NULL || (uintptr_t)memory % 8 != 0)
        return false;
    store = begin_store(geometry, memory);
    store->source_bytes = (size_t)need;
    next = (unsigned char *)memory + tables_bytes(geometry);
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        const uint32_t arrays = (uint32_t)PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, budget);
        struct protopool_slabs *const slabs = &store->shelves[c].slabs;

        if (budget == 0)
            continue;
        name_slabs(slabs, c, geometry->slot_sizes[c - 1].bytes);
        set_array(&loaded[c],
                  (void **)(void *)(next + sizeof(struct protopool_slab) + words_for(budget) * sizeof(protopool_word)
                                    + budget * record_bytes(slabs)),
                  PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE));
        set_array(&classes[c].previous, loaded[c].end, arrays - PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE));
        next = begin_fixed_slabs(store, slabs, budget, arrays * sizeof(void *), next);
    }
    open_store(store, NULL);
    open_pool(pool, store);
    return true;
}

bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                            const struct protopool_geometry *geometry, const struct protopool_source *source)
{
    struct protopool_store *store;

    begin_pool(pool, loaded, classes, geometry->count);
    store = begin_growing_store(geometry, source);
    if (store == NULL)
        return false;
    open_store(store, NULL);
    open_pool(pool, store);
    return true;
}

static void leave_depot(struct protopool *pool);

size_t protopool_fini(struct protopool *pool)
{
    uint32_t slot_sizes;
    size_t live = 0;

    if (!enter(pool))
        return 0;
    slot_sizes = pool->store->geometry->count;
    if (pool->depot != NULL) {
        leave_depot(pool);
    } else {
        flush(pool);
        for (unsigned c = 1; c <= slot_sizes; c++)
            live += live_of(pool, c);
        report_leaks(pool->store, pool);
        end_store(pool->store);
    }
    begin_pool(pool, pool->loaded, pool->classes, slot_sizes);
#if PROTOPOOL_CHECK >= 1
    pool->alive = 0;
#endif
    return live;
}

/* What only a pool of its own can do, and a joined one began. */
static PROTOPOOL_COLD void shared_fault(struct protopool *pool)
{
    struct report report = { PROTOPOOL_FAULT_SHARED, pool, NULL, NULL, NULL, NULL, nowhere, nowhere, nowhere };

#if PROTOPOOL_CHECK == 2
    report.here = pool->site;
#endif
    leave(pool);
    fault(&report);
}

void protopool_reset(struct protopool *pool)
{
    if (!enter(pool))
        return;
    if (pool->depot != NULL) {
        shared_fault(pool);
        return;
    }
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &pool->store->shelves[c].slabs;

        note_peak(pool, c);
        pool->loaded[c].top = pool->loaded[c].slots;
        pool->classes[c].previous.top = pool->classes[c].previous.slots;
#if PROTOPOOL_CHECK == 1
        pool->loaded[c].lowest = pool->loaded[c].top;
#elif PROTOPOOL_CHECK == 2
        pool->store->shelves[c].live = 0;
#endif
        while (slabs->full != NULL) {
            struct protopool_slab *const slab = slabs->full;
            unlink_slab(&slabs->full, slab);
            push_slab(&slabs->partial, slab);
        }
        slabs->in_slabs = slabs->slots;
        for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
            next = slab->next;
            mark_all_free(slab);
#if PROTOPOOL_CHECK >= 1
            retire_slots(pool->store, slabs, slab, false);
#endif
            if (may_release(pool->store, slabs, slab))
                release_slab(pool->store, slabs, slab);
        }
    }
    leave(pool);
}

/* With the store locked. */
static bool reserve(struct protopool *pool, unsigned c, size_t n)
{
    struct protopool_slabs *const slabs = &pool->store->shelves[c].slabs;
    const size_t live = live_of(pool, c);

    if (slabs->slot_bytes == 0 || n > (SIZE_MAX - live) / slabs->slot_bytes)
        return false;
    if (slabs->fixed == NULL && pool->store->shelves[c].magazine != 0 && !equip(pool, c, &pool->loaded[c]))
        return false;
    while (slabs->slots - live < n) {
        if (!grow(pool, pool->store, slabs)) {
            release_free_slabs(pool->store, slabs);
            return false;
        }
    }
    if (live + n > slabs->reserved)
        slabs->reserved = live + n;
    return true;
}

bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n)
{
    bool done;

    if (!enter(pool))
        return false;
    lock_store(pool);
    done = slot_class == 0 || n == 0 || reserve(pool, slot_class, n);
    unlock_store(pool);
    leave(pool);
    return done;
}

void protopool_flush(struct protopool *pool)
{
    if (!enter(pool))
        return;
    lock_store(pool);
    flush(pool);
    unlock_store(pool);
    leave(pool);
}

size_t protopool_trim(struct protopool *pool)
{
    size_t given;

    if (!enter(pool))
        return 0;
    lock_store(pool);
    given = system_bytes_of(pool->store);
    flush(pool);
    trim(pool->store, pool->depot);
    given -= system_bytes_of(pool->store);
    unlock_store(pool);
    leave(pool);
    return given;
}

void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    if (!enter(pool))
        return;
    if (pool->depot != NULL) {
        shared_fault(pool);
        return;
    }
    flush(pool);
    leave(pool); /* fn may ask for statistics */
    each_in_store(pool->store, fn, ctx);
}

void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size, size_t *source_bytes,
                     size_t *system_bytes)
{
    if (!enter(pool))
        return;
    lock_store(pool);
    note_all_peaks(pool);
    stats_of_store(pool->store, by_slot_size, source_bytes, system_bytes);
#if PROTOPOOL_CHECK < 2
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        by_slot_size[c - 1].live = live_of(pool, c);
#endif
    unlock_store(pool);
    leave(pool);
}
