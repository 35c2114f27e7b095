/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A depot: a store that joined pools share, and the life of it. */

#ifndef PROTOPOOL_NO_THREADS

static bool begin_depot(struct protopool_depot *depot, struct protopool_rack *racks, uint32_t slot_sizes)
{
    memset(racks, 0, (slot_sizes + (size_t)1) * sizeof *racks);
    depot->racks = racks;
    depot->joined = 0;
    return PROTOPOOL_LOCK_INIT(&depot->lock);
}

bool protopool_depot_init(struct protopool_depot *depot, struct protopool_rack *racks,
                          const struct protopool_geometry *geometry, const struct protopool_source *source)
{
    depot->store = begin_growing_store(geometry, source);
    if (depot->store == NULL)
        return false;
    if (begin_depot(depot, racks, geometry->count)) {
        open_store(depot->store, &depot->lock);
        return true;
    }
    give_all(depot->store);
    depot->store = NULL;
    return false;
}

/* Whether a slab can count the slots of each slot size of a fixed depot for so many pools. */
static bool can_count(const struct protopool_geometry *geometry, unsigned long long pools)
{
    for (uint32_t i = 0; i < geometry->count; i++)
        if (PROTOPOOL_DEPOT_SLOTS_(geometry->slot_sizes[i].budget, pools) > UINT32_MAX)
            return false;
    return true;
}

/* What a fixed depot for so many pools takes; slots tells the part that is neither arrays nor tables. */
static unsigned long long depot_bytes(const struct protopool_geometry *geometry, unsigned long long pools,
                                      unsigned long long *slots)
{
    unsigned long long slot_sizes = 0;

    *slots = 0;
    for (uint32_t i = 0; i < geometry->count; i++) {
        *slots += PROTOPOOL_DEPOT_BYTES(geometry->slot_sizes[i].bytes, geometry->slot_sizes[i].budget, pools);
        slot_sizes += geometry->slot_sizes[i].budget != 0;
    }
    return PROTOPOOL_TABLES_BYTES(geometry->count) + *slots + PROTOPOOL_DEPOT_ARRAYS_BYTES(slot_sizes, pools);
}

bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_rack *racks,
                                const struct protopool_geometry *geometry, void *memory, size_t bytes)
{
    unsigned char *next;
    unsigned long long slots, without_arrays, pools = 1;
    struct protopool_store *store;
    uint32_t arrays = 0;

    depot->store = NULL;
    while (pools < 65535 && depot_bytes(geometry, pools + 1, &slots) <= bytes)
        pools++;
    (void)depot_bytes(geometry, pools, &slots);
    without_arrays = PROTOPOOL_TABLES_BYTES(geometry->count) + slots;
    if (without_arrays > bytes || memory == NULL || (uintptr_t)memory % 8 != 0 || !can_count(geometry, pools)
        || !begin_depot(depot, racks, geometry->count))
        return false;
    store = begin_store(geometry, memory);
    next = (unsigned char *)memory + tables_bytes(geometry);
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        if (budget == 0)
            continue;
        store->shelves[c].magazine = PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE);
        name_slabs(&store->shelves[c].slabs, c, geometry->slot_sizes[c - 1].bytes);
        next = begin_fixed_slabs(store, &store->shelves[c].slabs, (uint32_t)PROTOPOOL_DEPOT_SLOTS_(budget, pools), 0,
                                 next);
    }
    while (slots != 0 && without_arrays + PROTOPOOL_DEPOT_ARRAYS_BYTES(1, arrays / 2 + 1) <= bytes)
        arrays += 2;
    name_slabs(arrays_of(store), 0, PROTOPOOL_MAGAZINE * sizeof(void *));
    if (arrays != 0)
        (void)begin_fixed_slabs(store, arrays_of(store), arrays, 0, next);
    else
        arrays_of(store)->slot_bytes = 0;
    depot->store = store;
    open_store(store, &depot->lock);
    store->source_bytes =
        (size_t)without_arrays + (arrays != 0 ? (size_t)PROTOPOOL_DEPOT_ARRAYS_BYTES(1, arrays / 2) : 0);
    return true;
}

bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                    const struct protopool_geometry *geometry, struct protopool_depot *depot)
{
    begin_pool(pool, loaded, classes, geometry->count);
    if (depot->store == NULL)
        return false;
    open_pool(pool, depot->store);
    pool->depot = depot;
    PROTOPOOL_LOCK(&depot->lock);
    depot->joined++;
    PROTOPOOL_UNLOCK(&depot->lock);
    return true;
}

static void return_array(struct protopool_store *store, struct protopool_magazine *magazine)
{
    void *const array = magazine->slots;
    if (is_equipped(magazine))
        spill(store, arrays_of(store), &array, 1);
}

/* Hands a joined pool's magazines back. */
static void leave_depot(struct protopool *pool)
{
    lock_store(pool);
    flush(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        return_array(pool->store, &pool->loaded[c]);
        return_array(pool->store, &pool->classes[c].previous);
    }
    if (--pool->depot->joined == 0)
        flush_racks(pool->depot); /* nobody is there to fetch them */
    unlock_store(pool);
}

/* Whether a pool is joined. */
static bool is_joined(struct protopool_depot *depot)
{
    bool joined;

    PROTOPOOL_LOCK(&depot->lock);
    joined = depot->joined != 0;
    PROTOPOOL_UNLOCK(&depot->lock);
    return joined;
}

size_t protopool_depot_fini(struct protopool_depot *depot)
{
    size_t live = 0;

    if (depot->store == NULL) /* its init has failed, or it has ended */
        return 0;
    if (is_joined(depot)) {
        simple_fault(PROTOPOOL_FAULT_JOINED, depot, NULL);
        return SIZE_MAX;
    }
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        live += handed_out(depot->store, depot, c);
    flush_racks(depot);
    report_leaks(depot->store, depot);
    end_store(depot->store);
    depot->store = NULL;
    PROTOPOOL_LOCK_FINI(&depot->lock);
    return live;
}

bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    bool is_alone;

    if (depot->store == NULL)
        return true;
    PROTOPOOL_LOCK(&depot->lock);
    is_alone = depot->joined == 0;
    if (is_alone) {
        flush_racks(depot);
        each_in_store(depot->store, fn, ctx);
    }
    PROTOPOOL_UNLOCK(&depot->lock);
    return is_alone;
}

size_t protopool_depot_trim(struct protopool_depot *depot)
{
    size_t given;

    if (depot->store == NULL)
        return 0;
    PROTOPOOL_LOCK(&depot->lock);
    given = system_bytes_of(depot->store);
    trim(depot->store, depot);
    given -= system_bytes_of(depot->store);
    PROTOPOOL_UNLOCK(&depot->lock);
    return given;
}

void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                           size_t *source_bytes, size_t *system_bytes)
{
    if (depot->store == NULL)
        return;
    PROTOPOOL_LOCK(&depot->lock);
    stats_of_store(depot->store, by_slot_size, source_bytes, system_bytes);
#if PROTOPOOL_CHECK < 2
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        by_slot_size[c - 1].live = handed_out(depot->store, depot, c);
#endif
    PROTOPOOL_UNLOCK(&depot->lock);
}

#else
/* There are no joined pools. */
static void leave_depot(struct protopool *pool)
{
    (void)pool;
}
#endif
