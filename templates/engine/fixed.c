/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A fixed pool on its own: refilling and spilling its loaded magazine.
 * Its memory has one slab per slot size, and the array of its only magazine. That holds twice PROTOPOOL_MAGAZINE slots, or the
 * whole budget. Nothing here leads to what grows or is shared: a program of fixed pools links nothing of that.
 */

/* The `take` of a fixed pool. The lowest address is on top. */
static void *pp_take_fixed(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    struct protopool_slabs *const slabs = &store_class->slabs;
    const size_t live = slabs->slots - slabs->free_in_slabs, array = (size_t)(loaded->end - loaded->slots);
    const uint32_t most = pp_slots_to_refill(live, PROTOPOOL_MIN_(array, PROTOPOOL_MAGAZINE));
    void *slot = NULL;

    pp_note_peak(pool, c);
    if (slabs->partial != NULL) {
        loaded->top += pp_take_from_slab(slabs, slabs->partial, loaded->top, most);
        pp_reverse(loaded->slots, pp_magazine_count(loaded));
        slot = *--loaded->top;
    } else {
        store_class->failures++;
        pool->failure = PROTOPOOL_EXHAUSTED;
    }
    if (!pp_has_exact_peak(pool) && slabs->slots - slabs->free_in_slabs > store_class->peak)
        store_class->peak = slabs->slots - slabs->free_in_slabs;
    pp_restart_peak(pool, c);
    return slot;
}

/* The `put` of a fixed pool: the slots that were freed first go into the slab, and the others, which are in the processor's
 * cache, stay. */
static void pp_put_fixed(struct protopool *pool, unsigned c, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    const uint32_t count = pp_magazine_count(loaded), spilled = count - count / 2;

    if (count == 0) { /* it has no array: there are no slots of this size */
        pp_spill(pool->store, slabs, &slot, 1);
        return;
    }
    pp_note_peak(pool, c);
    pp_spill(pool->store, slabs, loaded->slots, spilled);
    memcpy(loaded->slots, loaded->slots + spilled, count / 2 * sizeof slot);
    loaded->top = loaded->slots + count / 2;
    *loaded->top++ = slot;
    pp_restart_peak(pool, c);
}

static const struct protopool_kind pp_fixed = { .take = pp_take_fixed, .put = pp_put_fixed };
