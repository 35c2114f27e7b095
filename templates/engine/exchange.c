/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The depot's full magazines, exchanged whole between its pools.
 * All functions are called with the depot's lock held.
 */

/* Spills the depot's magazines: of slot sizes that nobody makes now, they too keep slabs from serving another. */
static void flush_racks(struct protopool_depot *depot)
{
    struct protopool_store *const store = depot->store;

    for (unsigned c = 1; c <= store->geometry->count; c++) {
        struct protopool_rack *const rack = &depot->racks[c];
        while (rack->count != 0) {
            void *const array = rack->full[--rack->count];
            spill(store, &store->shelves[c].slabs, (void *const *)array, store->shelves[c].magazine);
            if (rack->empty_count < PROTOPOOL_RACK_MAGAZINES)
                rack->empty[rack->empty_count++] = (void **)array;
            else
                spill(store, arrays_of(store), &array, 1);
        }
    }
}

/* Gives the arrays of empty magazines that the depot keeps back to their slabs. */
static void return_empty_arrays(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++) {
        struct protopool_rack *const rack = &depot->racks[c];
        spill(depot->store, arrays_of(depot->store), (void *const *)(void *)rack->empty, rack->empty_count);
        rack->empty_count = 0;
    }
}

/* Changes the empty loaded magazine for a full one of the depot's. False if it has none. */
static bool fetch_full(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_rack *const rack = pool->depot != NULL ? &pool->depot->racks[c] : NULL;
    void *const empty = loaded->slots;

    if (rack == NULL || rack->count == 0)
        return false;
    set_array(loaded, rack->full[--rack->count], pool->store->shelves[c].magazine);
    loaded->top = loaded->end;
    if (rack->empty_count < PROTOPOOL_RACK_MAGAZINES)
        rack->empty[rack->empty_count++] = (void **)empty;
    else
        spill(pool->store, arrays_of(pool->store), &empty, 1);
    return true;
}

/* Changes the full previous magazine for an empty one and leaves it in the depot. False if that is not to be had. */
static bool leave_full(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const previous = &pool->classes[c].previous;
    struct protopool_rack *const rack = pool->depot != NULL ? &pool->depot->racks[c] : NULL;
    struct protopool_magazine empty = { 0 };

    if (rack == NULL || rack->count == PROTOPOOL_RACK_MAGAZINES || arrays_of(pool->store)->fixed != NULL
        || previous->top != previous->end)
        return false;
    if (rack->empty_count != 0) {
        rack->full[rack->count++] = previous->slots;
        set_array(previous, rack->empty[--rack->empty_count], pool->store->shelves[c].magazine);
        return true;
    }
    if (!equip(pool, c, &empty))
        return false;
    rack->full[rack->count++] = previous->slots;
    *previous = empty;
    return true;
}
