/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * How large the slabs of a slot size are.
 * A slab wastes at most 1/64 of itself where a slab of any size does; a large slot may get a block of its own.
 */

/* What a slab has for each slot besides its bit. */
static size_t pp_bytes_beside_slot(const struct protopool_slabs *slabs)
{
    return pp_record_bytes(slabs) + slabs->holder_bytes;
}

/* How many slots fit into a slab of `bytes` bytes, besides its header and bitmap. */
static uint32_t pp_slots_per_slab(const struct protopool_slabs *slabs, size_t bytes)
{
    const size_t room = bytes - sizeof(struct protopool_slab);
    size_t slots;

    if (slabs->slot_bytes > room)
        return 0;
    slots = room * 8 / ((slabs->slot_bytes + pp_bytes_beside_slot(slabs)) * 8 + 1);
    while (slots > 0
           && pp_slab_header_bytes(slabs, (uint32_t)slots, pp_counts_bytes(slabs, (uint32_t)slots))
                      + slots * slabs->slot_bytes
                  > bytes)
        slots--;
    return (uint32_t)slots;
}

/* The bytes of a slab that are neither slots nor what each slot has beside it. */
static size_t pp_slab_waste(const struct protopool_slabs *slabs, size_t bytes)
{
    const size_t slots = pp_slots_per_slab(slabs, bytes);
    return bytes - slots * (slabs->slot_bytes + pp_bytes_beside_slot(slabs)) - slots / 8;
}

/*
 * Chooses the smallest slab that wastes at most its 2^-waste_shift. If there is none, large slots get a block each; for
 * others, the slab that wastes least is chosen.
 */
static void pp_shape_slabs(struct protopool_slabs *slabs, unsigned waste_shift)
{
    size_t bytes = PP_SLAB_BYTES;

    for (unsigned order = 0; order < PP_SLAB_ORDERS; order++) {
        const size_t candidate = PP_SLAB_BYTES << order;
        if (pp_slots_per_slab(slabs, candidate) == 0)
            continue;
        if (pp_slab_waste(slabs, candidate) * (bytes / PP_SLAB_BYTES)
                < pp_slab_waste(slabs, bytes) * (candidate / PP_SLAB_BYTES)
            || pp_slots_per_slab(slabs, bytes) == 0)
            bytes = candidate;
        if (pp_slab_waste(slabs, candidate) <= candidate >> waste_shift)
            break;
    }
    if (slabs->slot_bytes >= PP_OWN_BLOCK_MIN_BYTES
        && (pp_slots_per_slab(slabs, bytes) == 0 || pp_slab_waste(slabs, bytes) > bytes >> waste_shift)) {
        slabs->slab_slots = 1;
        slabs->slot_offset = pp_slab_header_bytes(slabs, 1, pp_counts_bytes(slabs, 1));
        slabs->slab_bytes = slabs->slot_offset + slabs->slot_bytes;
        slabs->mask = ~(uintptr_t)0;
        return;
    }
    slabs->slab_slots = pp_slots_per_slab(slabs, bytes);
    slabs->slab_bytes = bytes;
    slabs->mask = ~(uintptr_t)(bytes - 1);
}

/* Whether each slot has a block of its own instead of a place in a slab of many. */
static inline bool pp_has_own_blocks(const struct protopool_slabs *slabs)
{
    return slabs->slot_offset != 0;
}

/* The alignment of a slab, by which the slab of a slot is found. A slot with a block of its own is found by its offset. */
static inline size_t pp_slab_align(const struct protopool_slabs *slabs)
{
    return pp_has_own_blocks(slabs) ? 8 : slabs->slab_bytes;
}
