/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How large the slabs of a slot size are.
 * A slab wastes at most 1/64 of itself where a slab of any size does; a large slot may get a block of its own.
 */

/* How many slots fit a slab: header, bitmap and slots within `bytes`. */
static uint32_t slots_in(const struct protopool_slabs *slabs, size_t bytes)
{
    const size_t room = bytes - sizeof(struct protopool_slab);
    size_t slots;

    if (slabs->slot_bytes > room)
        return 0;
    slots = room * 8 / ((slabs->slot_bytes + record_bytes(slabs)) * 8 + 1);
    while (slots > 0 && header_bytes(slabs, (uint32_t)slots, 0) + slots * slabs->slot_bytes > bytes)
        slots--;
    return (uint32_t)slots;
}

/* What a slab spends on neither slots nor their bits. */
static size_t waste_of(const struct protopool_slabs *slabs, size_t bytes)
{
    const size_t slots = slots_in(slabs, bytes);
    return bytes - slots * (slabs->slot_bytes + record_bytes(slabs)) - slots / 8;
}

/*
 * The smallest slab whose waste is within its share; for large slots a block of their own, if that wastes less than
 * what any slab does; else the slab that wastes least.
 */
static void shape_slabs(struct protopool_slabs *slabs, unsigned waste_shift)
{
    size_t bytes = SLAB_BYTES;

    for (unsigned order = 0; order < SLAB_ORDERS; order++) {
        const size_t candidate = SLAB_BYTES << order;
        if (slots_in(slabs, candidate) == 0)
            continue;
        if (waste_of(slabs, candidate) * (bytes / SLAB_BYTES) < waste_of(slabs, bytes) * (candidate / SLAB_BYTES)
            || slots_in(slabs, bytes) == 0)
            bytes = candidate;
        if (waste_of(slabs, candidate) <= candidate >> waste_shift)
            break;
    }
    if (slabs->slot_bytes >= OWN_MIN_BYTES
        && (slots_in(slabs, bytes) == 0 || waste_of(slabs, bytes) > bytes >> waste_shift)) {
        slabs->slab_slots = 1;
        slabs->back = header_bytes(slabs, 1, 0);
        slabs->slab_bytes = slabs->back + slabs->slot_bytes;
        slabs->mask = ~(uintptr_t)0;
        return;
    }
    slabs->slab_slots = slots_in(slabs, bytes);
    slabs->slab_bytes = bytes;
    slabs->mask = ~(uintptr_t)(bytes - 1);
}

/* Whether each slot has a block of its own. */
static inline bool is_own(const struct protopool_slabs *slabs)
{
    return slabs->back != 0;
}

/* What the source aligns a slab to: the slab of a slot is found by that, but for a block of its own. */
static inline size_t slab_align(const struct protopool_slabs *slabs)
{
    return is_own(slabs) ? 8 : slabs->slab_bytes;
}
