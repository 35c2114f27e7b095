/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A depot: a store that joined pools share, and the life of it. */

#ifndef PROTOPOOL_NO_THREADS

static bool pp_init_depot(struct protopool_depot *depot, struct protopool_depot_class *classes, uint32_t slot_sizes)
{
    memset(classes, 0, (slot_sizes + (size_t)1) * sizeof *classes);
    depot->classes = classes;
    depot->joined = 0;
    return PROTOPOOL_LOCK_INIT(&depot->lock);
}

static bool pp_init_growing_depot(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                  const struct protopool_geometry *geometry, const bool *shared,
                                  const struct protopool_source *source)
{
    struct protopool_growth *growth;

    depot->store = pp_create_growing_store(geometry, shared, source);
    if (depot->store == NULL)
        return false;
    depot->store->part_bytes = PP_EXCHANGING_PART_BYTES;
    growth = depot->store->growth;
    if (PROTOPOOL_LOCK_INIT(&growth->source_lock)) {
        if (pp_init_depot(depot, classes, geometry->count)) {
            growth->lock = &depot->lock;
            growth->is_collecting = true;
            pp_note_store(depot->store, &depot->lock);
            return true;
        }
        PROTOPOOL_LOCK_FINI(&growth->source_lock);
    }
    pp_give_store(depot->store);
    depot->store = NULL;
    return false;
}

bool protopool_depot_init(struct protopool_depot *depot, struct protopool_depot_class *classes,
                          const struct protopool_geometry *geometry, const struct protopool_source *source)
{
    return pp_init_growing_depot(depot, classes, geometry, NULL, source);
}

bool protopool_depot_init_shared(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                 const struct protopool_geometry *geometry, const bool *shared,
                                 const struct protopool_source *source)
{
    return pp_init_growing_depot(depot, classes, geometry, shared, source);
}

/* Whether a slab can count the slots of each slot size in a fixed depot for this number of pools. */
static bool pp_can_count(const struct protopool_geometry *geometry, unsigned long long pools)
{
    for (uint32_t i = 0; i < geometry->count; i++)
        if (PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools) > UINT32_MAX)
            return false;
    return true;
}

/* The bytes of this number of arrays of a fixed depot. */
static unsigned long long pp_arrays_bytes(unsigned long long arrays)
{
    return PROTOPOOL_LAID_OUT_(PROTOPOOL_MAGAZINE * sizeof(void *), arrays,
                               pp_map_words((uint32_t)PROTOPOOL_MIN_(arrays, UINT32_MAX)), 0ULL, 0ULL);
}

/* How many parts each pool of a fixed depot may take. */
static uint32_t pp_parts_with_budget(const struct protopool_geometry *geometry)
{
    uint32_t parts = 0, end = 0; /* end: of the slot sizes of the parts so far */

    for (uint32_t i = 0; i < geometry->count; i++) {
        if (geometry->slot_sizes[i].budget != 0 && i >= end) {
            parts++;
            end = i / PROTOPOOL_PART * PROTOPOOL_PART + PROTOPOOL_PART;
        }
    }
    return parts;
}

/* The bytes of a fixed depot for this number of pools. *slots gets those of the slots and their bitmaps. */
static unsigned long long pp_depot_bytes(const struct protopool_geometry *geometry, unsigned long long pools,
                                         unsigned long long *slots)
{
    unsigned long long slot_sizes = 0;

    *slots = 0;
    for (uint32_t i = 0; i < geometry->count; i++) {
        *slots += pp_laid_out_bytes(geometry->slot_sizes[i].bytes,
                                    PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools), 0);
        slot_sizes += geometry->slot_sizes[i].budget != 0;
    }
    return PROTOPOOL_TABLES_BYTES(geometry->count) + *slots
           + PROTOPOOL_DEPOT_PARTS_BYTES(pp_parts_with_budget(geometry), pools)
           + pp_arrays_bytes(2 * slot_sizes * pools);
}

/* The bytes of the counts of holders in such a depot. */
PROTOPOOL_INLINE unsigned long long pp_depot_counts_bytes(const struct protopool_geometry *geometry, const bool *shared,
                                                          unsigned long long pools)
{
    unsigned long long bytes = 0;

    for (uint32_t i = 0; shared != NULL && i < geometry->count; i++)
        bytes += shared[i] ? PROTOPOOL_HOLDERS_BYTES(PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools)) : 0;
    return bytes;
}

PROTOPOOL_INLINE bool pp_init_fixed_depot(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                          const struct protopool_geometry *geometry, const bool *shared, void *memory,
                                          size_t bytes)
{
    unsigned char *next;
    unsigned long long slots, without_arrays, parts, pools = 1;
    struct protopool_store *store;
    uint32_t arrays = 0;

    depot->store = NULL;
    while (pools < 65535
           && pp_depot_bytes(geometry, pools + 1, &slots) + pp_depot_counts_bytes(geometry, shared, pools + 1) <= bytes)
        pools++;
    (void)pp_depot_bytes(geometry, pools, &slots);
    slots += pp_depot_counts_bytes(geometry, shared, pools);
    parts = pools * pp_parts_with_budget(geometry);
    without_arrays = PROTOPOOL_TABLES_BYTES(geometry->count) + slots + PROTOPOOL_DEPOT_PARTS_BYTES(parts, 1);
    if (without_arrays > bytes || memory == NULL || (uintptr_t)memory % 8 != 0 || !pp_can_count(geometry, pools)
        || !pp_init_depot(depot, classes, geometry->count))
        return false;
    store = pp_lay_out_tables(geometry, memory);
    next = pp_lay_out_parts(store, (size_t)parts);
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        if (budget == 0)
            continue;
        store->classes[c].magazine = PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE);
        pp_init_slabs(&store->classes[c].slabs, c, geometry->slot_sizes[c - 1].bytes);
        next = pp_create_counted_slab(store, &store->classes[c].slabs, shared,
                                      (uint32_t)PROTOPOOL_DEPOT_SLOTS_(budget, pools), 0, next);
    }
    while (slots != 0 && without_arrays + pp_arrays_bytes(arrays + 2ULL) <= bytes)
        arrays += 2;
    pp_init_slabs(pp_array_slabs(store), 0, PROTOPOOL_MAGAZINE * sizeof(void *));
    if (arrays != 0)
        (void)pp_create_fixed_slab(store, pp_array_slabs(store), arrays, 0, next);
    else
        pp_array_slabs(store)->slot_bytes = 0;
    depot->store = store;
    pp_note_store(store, &depot->lock);
    store->source_bytes = (size_t)(without_arrays + pp_arrays_bytes(arrays));
    return true;
}

bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                const struct protopool_geometry *geometry, void *memory, size_t bytes)
{
    return pp_init_fixed_depot(depot, classes, geometry, NULL, memory, bytes);
}

bool protopool_depot_init_fixed_shared(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                       const struct protopool_geometry *geometry, const bool *shared, void *memory,
                                       size_t bytes)
{
    return pp_init_fixed_depot(depot, classes, geometry, shared, memory, bytes);
}

bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_pool_class **parts,
                    const struct protopool_geometry *geometry, struct protopool_depot *depot)
{
    pp_clear_pool(pool, loaded, parts, geometry->count);
    if (depot->store == NULL)
        return false;
    pp_activate_pool(pool, depot->store);
    pool->depot = depot;
    pp_lock_depot(depot);
    depot->joined++;
    pp_unlock_depot(depot);
    return true;
}

static void pp_return_array(struct protopool_store *store, struct protopool_magazine *magazine)
{
    void *const array = magazine->slots;
    if (pp_has_array(magazine))
        pp_spill(store, pp_array_slabs(store), &array, 1);
}

/* Gives the parts of a joined pool, whose magazines have no arrays, to pools that use a slot size later. */
static void pp_return_parts(struct protopool *pool)
{
    for (uint32_t i = 0; i < PROTOPOOL_PARTS(pool->store->geometry->count); i++) {
        if (pool->parts[i] != NULL) {
            pool->parts[i]->previous.top = (void **)(void *)pool->store->unused_parts;
            pool->store->unused_parts = pool->parts[i];
            pool->parts[i] = NULL;
        }
    }
}

/* Releases the lock to give to the source what has been collected. The pool still counts as joined, so that the depot does not
 * end meanwhile. */
static void pp_give_before_leaving(struct protopool_depot *depot)
{
    struct protopool_growth *const growth = depot->store->growth;

    growth->leaving++;
    pp_unlock_depot(depot);
    pp_lock_depot(depot);
    growth->leaving--;
}

/* Puts the slots of a joined pool's magazines, and their arrays, back into the store. */
static void pp_leave_depot(struct protopool *pool)
{
    struct protopool_growth *const growth = pool->store->growth;

    pp_lock_store(pool);
    pp_flush_magazines(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        pp_return_array(pool->store, &pool->loaded[c]);
        pp_return_array(pool->store, &pp_class(pool, c)->previous);
    }
    pp_return_parts(pool);
    if (growth != NULL && growth->leaving + 1 == pool->depot->joined)
        pp_flush_depot_magazines(pool->depot); /* no pool is left to fetch them */
    if (growth != NULL && growth->given != NULL)
        pp_give_before_leaving(pool->depot);
    pool->depot->joined--;
    pp_unlock_store(pool);
}

/* Whether a pool is joined. */
static bool pp_is_joined(struct protopool_depot *depot)
{
    bool joined;

    pp_lock_depot(depot);
    joined = depot->joined != 0;
    pp_unlock_depot(depot);
    return joined;
}

/* No pool shares the store any more, so it needs no locks. */
static void pp_end_sharing(struct protopool_store *store)
{
    if (store->growth == NULL)
        return;
    store->growth->lock = NULL;
    store->growth->is_collecting = false;
    PROTOPOOL_LOCK_FINI(&store->growth->source_lock);
}

size_t protopool_depot_fini(struct protopool_depot *depot)
{
    size_t live = 0;

    if (depot->store == NULL) /* its init has failed, or it has ended */
        return 0;
    if (pp_is_joined(depot)) {
        pp_report_fault_at(PROTOPOOL_FAULT_JOINED, depot, NULL, pp_site_of(NULL));
        return SIZE_MAX;
    }
    pp_end_sharing(depot->store);
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        live += pp_slots_outside(depot->store, depot, c);
    pp_flush_depot_magazines(depot);
    pp_report_leaks(depot->store, depot);
    pp_end_store(depot->store);
    depot->store = NULL;
    PROTOPOOL_LOCK_FINI(&depot->lock);
    return live;
}

bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    bool is_alone;

    if (depot->store == NULL)
        return true;
    pp_lock_depot(depot);
    is_alone = depot->joined == 0;
    if (is_alone) {
        pp_flush_depot_magazines(depot);
        pp_each_in_store(depot->store, fn, ctx);
    }
    pp_unlock_depot(depot);
    return is_alone;
}

size_t protopool_depot_trim(struct protopool_depot *depot)
{
    struct protopool_block *given;
    struct protopool_store *store;
    size_t bytes;

    if (depot->store == NULL)
        return 0;
    pp_lock_depot(depot);
    store = depot->store;
    bytes = store->source_bytes;
    given = pp_collect_free(store, depot);
    bytes -= store->source_bytes;
    pp_unlock_depot(depot);
    return store->growth != NULL ? bytes + store->growth->calls->trim_source(store->growth, given) : bytes;
}

void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                           size_t *source_bytes, size_t *system_bytes)
{
    if (depot->store == NULL)
        return;
    pp_lock_depot(depot);
    pp_store_stats(depot->store, by_slot_size, source_bytes, system_bytes);
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        by_slot_size[c - 1].live = pp_exact_live(depot->store, c, pp_slots_outside(depot->store, depot, c));
    pp_unlock_depot(depot);
    pp_add_dirty_bytes(depot->store, system_bytes);
}

#else
/* Without depots, no pool is joined. */
static void pp_leave_depot(struct protopool *pool)
{
    (void)pool;
}
#endif
