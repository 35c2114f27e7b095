/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Magazines: a pool's stacks of free slots.
 * A magazine has an array of its slot size's capacity, or none.
 */

static bool pp_has_array(const struct protopool_magazine *magazine)
{
    return magazine->slots != magazine->end;
}

static uint32_t pp_magazine_count(const struct protopool_magazine *magazine)
{
    return pp_has_array(magazine) ? (uint32_t)(magazine->top - magazine->slots) : 0;
}

/* Gives the magazine an empty array for so many slots. If the capacity is 0, it has none. */
static void pp_set_array(struct protopool_magazine *magazine, void **slots, uint32_t capacity)
{
    magazine->top = magazine->slots = slots;
    magazine->end = slots + capacity;
    pp_reset_peak(magazine);
}

/* How many slots are neither in slabs nor in the depot's magazines: they are live or in the magazines of pools. */
static size_t pp_slots_outside(const struct protopool_store *store, const struct protopool_depot *depot, unsigned c)
{
    const struct protopool_store_class *const store_class = &store->classes[c];
    const size_t in_depot = depot != NULL ? (size_t)depot->classes[c].full.count * store_class->magazine : 0;
    return store_class->slabs.slots - store_class->slabs.free_in_slabs - in_depot;
}

static void pp_note_all_peaks(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        pp_note_peak(pool, c);
}

/* Puts the slots of a magazine into their slabs. */
static void pp_spill_magazine(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    pp_note_peak(pool, c);
    pp_spill(pool->store, &pool->store->classes[c].slabs, magazine->slots, pp_magazine_count(magazine));
    magazine->top = magazine->slots;
    pp_restart_peak(pool, c);
}

static void pp_spill_exchange(struct protopool *pool, unsigned c);

/* Puts the slots of all magazines of the slot size into their slabs. */
static void pp_spill_class(struct protopool *pool, unsigned c)
{
    pp_spill_magazine(pool, c, &pool->loaded[c]);
    pp_spill_magazine(pool, c, &pool->classes[c].previous);
    pp_spill_exchange(pool, c);
}

static void pp_flush_magazines(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        pp_spill_class(pool, c);
}

/* Gives the magazine an array if it has none. False if there is no memory for it, or if the slot size has no magazines. */
static bool pp_ensure_array(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    struct protopool_slabs *const arrays = pp_array_slabs(pool->store);

    if (pp_has_array(magazine))
        return true;
    if (pool->store->classes[c].magazine == 0) /* large slots, or no budget */
        return false;
    if (arrays->partial == NULL
        && (pool->store->growth == NULL || !pool->store->growth->calls->grow(pool->store, arrays)))
        return false;
    pp_set_array(magazine, (void **)pp_take_one(arrays), pool->store->classes[c].magazine);
    return true;
}

static void pp_swap_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine loaded = pool->loaded[c];
    pool->loaded[c] = pool->classes[c].previous;
    pool->classes[c].previous = loaded;
}
