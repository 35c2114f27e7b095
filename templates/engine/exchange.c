/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The depot's full magazines, exchanged whole between its pools.
 * All functions are called with the depot's lock held.
 */

/* Spills the depot's full magazines of a slot size. Free slots in them can keep an otherwise empty slab from being reused. */
static void pp_flush_depot_class(struct protopool_depot *depot, unsigned c)
{
    struct protopool_store *const store = depot->store;
    struct protopool_depot_class *const depot_class = &depot->classes[c];

    while (depot_class->full_count != 0) {
        void *const array = depot_class->full[--depot_class->full_count];
        pp_spill(store, &store->classes[c].slabs, (void *const *)array, store->classes[c].magazine);
        if (depot_class->empty_count < PROTOPOOL_DEPOT_MAGAZINES)
            depot_class->empty[depot_class->empty_count++] = (void **)array;
        else
            pp_spill(store, pp_array_slabs(store), &array, 1);
    }
}

static void pp_flush_depot_magazines(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        pp_flush_depot_class(depot, c);
}

/* Puts the depot's empty arrays back into their slabs. */
static void pp_return_empty_arrays(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++) {
        struct protopool_depot_class *const depot_class = &depot->classes[c];
        pp_spill(depot->store, pp_array_slabs(depot->store), (void *const *)(void *)depot_class->empty,
                 depot_class->empty_count);
        depot_class->empty_count = 0;
    }
}

/* Exchanges the empty loaded magazine for a full one of the depot. False if the depot has none. */
static bool pp_fetch_full_magazine(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_depot_class *const depot_class = pool->depot != NULL ? &pool->depot->classes[c] : NULL;
    void *const empty = loaded->slots;

    if (depot_class == NULL || depot_class->full_count == 0)
        return false;
    pp_set_array(loaded, depot_class->full[--depot_class->full_count], pool->store->classes[c].magazine);
    loaded->top = loaded->end;
    if (depot_class->empty_count < PROTOPOOL_DEPOT_MAGAZINES)
        depot_class->empty[depot_class->empty_count++] = (void **)empty;
    else
        pp_spill(pool->store, pp_array_slabs(pool->store), &empty, 1);
    return true;
}

/* Leaves the full previous magazine in the depot and gets an empty one for it. False if the depot has no room for it, or
 * there is no array for an empty one. */
static bool pp_leave_full_magazine(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const previous = &pool->classes[c].previous;
    struct protopool_depot_class *const depot_class = pool->depot != NULL ? &pool->depot->classes[c] : NULL;
    struct protopool_magazine empty = { 0 };

    if (depot_class == NULL || depot_class->full_count == PROTOPOOL_DEPOT_MAGAZINES
        || pp_array_slabs(pool->store)->fixed != NULL || previous->top != previous->end)
        return false;
    if (depot_class->empty_count != 0) {
        depot_class->full[depot_class->full_count++] = previous->slots;
        pp_set_array(previous, depot_class->empty[--depot_class->empty_count], pool->store->classes[c].magazine);
        return true;
    }
    if (!pp_ensure_array(pool, c, &empty))
        return false;
    depot_class->full[depot_class->full_count++] = previous->slots;
    *previous = empty;
    return true;
}
