/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Prefill: gives magazines their arrays, fills them, and touches the memory of all free slots.
 * So the first operations of a pool take no longer than later ones.
 */

#define PP_PAGE_BYTES ((size_t)4096) /* no system that maps memory on first use has smaller pages */

/* Writes to each page of a free slot and leaves its bytes as they are. At level 2 that was done when its slab was made. */
static void pp_touch(void *slot, size_t bytes)
{
    volatile unsigned char *const at = (volatile unsigned char *)slot;

    if (PROTOPOOL_CHECK == 2)
        return;
    for (size_t i = 0; i < bytes; i += PP_PAGE_BYTES)
        at[i] = at[i];
    at[bytes - 1] = at[bytes - 1];
}

/* Touches the slots that are free by their bitmap. */
static void pp_touch_slots(unsigned char *first, size_t slot_bytes, const protopool_word *bits, uint32_t words)
{
    for (uint32_t w = 0; w < words; w++)
        for (protopool_word left = bits[w]; left != 0; left &= left - 1)
            pp_touch(first + ((size_t)w * PP_WORD_BITS + pp_lowest_bit(left)) * slot_bytes, slot_bytes);
}

static void pp_touch_free_slots(const struct protopool_slabs *slabs)
{
    for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
        pp_touch_slots(slab->first, slabs->slot_bytes, pp_bitmap(slab), slab->words);
}

/* Touches the slots of a magazine, and the rest of its array. */
static void pp_touch_magazine(const struct protopool_slabs *slabs, const struct protopool_magazine *magazine)
{
    if (!pp_has_array(magazine))
        return;
    for (void **slot = magazine->slots; slot != magazine->top; slot++)
        pp_touch(*slot, slabs->slot_bytes);
    memset(magazine->top, 0, (size_t)(magazine->end - magazine->top) * sizeof *magazine->top);
}

/* Fills the loaded magazine from the slabs that there are, with the lowest address on top. */
static void pp_fill_magazine(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    struct protopool_slabs *const slabs = &store_class->slabs;

    pp_note_peak(pool, c);
    loaded->top += pp_take_from_partial(slabs, loaded->top, (size_t)(loaded->end - loaded->top));
    if (!pp_has_exact_peak(pool) && pp_slots_outside(pool->store, pool->depot, c) > store_class->peak)
        store_class->peak = pp_slots_outside(pool->store, pool->depot, c);
    pp_restart_peak(pool, c);
}

/* Makes sure that a depot's pools find arrays for the full magazines of this many slot sizes. */
static bool pp_prefill_arrays(struct protopool *pool, size_t slot_sizes)
{
    struct protopool_store *const store = pool->store;
    struct protopool_slabs *const arrays = pp_array_slabs(store);

    if (pool->depot == NULL || store->growth == NULL)
        return true;
    while (arrays->free_in_slabs < slot_sizes * PROTOPOOL_DEPOT_MAGAZINES)
        if (!store->growth->calls->grow(store, arrays))
            return false;
    pp_touch_free_slots(arrays);
    return true;
}

/* protopool_prefill, with the store locked. */
static bool pp_prefill(struct protopool *pool)
{
    size_t slot_sizes = 0;

    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_store_class *const store_class = &pool->store->classes[c];

        if (store_class->slabs.slots == 0)
            continue;
        slot_sizes++;
        pp_touch_free_slots(&store_class->slabs);
        if (store_class->magazine != 0 && (!pp_ensure_loaded(pool, c) || !pp_ensure_previous(pool, c)))
            return false;
        pp_touch_magazine(&store_class->slabs, &pool->loaded[c]);
        pp_touch_magazine(&store_class->slabs, &pp_class(pool, c)->previous);
        pp_fill_magazine(pool, c);
    }
    return pp_prefill_arrays(pool, slot_sizes);
}

/* protopool_prefill of a compact pool. */
static void pp_prefill_compact(struct protopool *pool)
{
    pp_flush_compact(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const struct protopool_slot_size *const size = pp_compact_size(pool, c);
        const uint32_t array = (uint32_t)(pool->loaded[c].end - pool->loaded[c].slots);
        struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
        uint32_t count;

        if (size->budget == 0)
            continue;
        count = PROTOPOOL_MIN_(array, fixed->free_slots);
        pp_touch_slots(fixed->first, size->bytes, pp_compact_bits(pool, c), pp_bitmap_words(size->budget));
        memset(pool->loaded[c].slots, 0, array * sizeof(void *));
        pp_refill_compact(pool, c, count);
        if (fixed->peak < size->budget - fixed->free_slots)
            fixed->peak = size->budget - fixed->free_slots; /* it may never ask for more */
    }
}

bool protopool_prefill(struct protopool *pool)
{
    bool done;

    if (!pp_start_operation(pool))
        return false;
    if (pp_is_compact(pool)) {
        pp_prefill_compact(pool);
        return true;
    }
    pp_lock_store(pool);
    done = pp_prefill(pool);
    pp_unlock_store(pool);
    pp_finish_operation(pool);
    return done;
}
