/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Level 1, for production: a freed message has a tag of its own, found again on free and on allocation. */

#if PROTOPOOL_CHECK == 1
static void pp_set_tag(void *slot, const struct protopool_messages *messages, uint32_t tag)
{
    const uint16_t wide = (uint16_t)tag;
    if (messages->tag_bytes == 1)
        *(unsigned char *)slot = (unsigned char)tag;
    else
        memcpy(slot, &wide, sizeof wide);
}

/* Marks the slots of a slab free. */
static void pp_mark_slots_free(struct protopool_store *store, const struct protopool_slabs *slabs,
                               struct protopool_slab *slab, bool is_new)
{
    (void)is_new;
    if (slabs->slot_class != 0)
        for (uint32_t i = 0; i < slab->slots; i++)
            pp_set_tag(slab->first + i * slabs->slot_bytes, store->geometry->messages,
                       store->geometry->messages->freed_tag);
}

/* Whether the slot, which is none of these slabs', is of another pool: as far as that can be known. */
static bool pp_is_of_another_pool(const struct protopool_store *store, const struct protopool_slabs *slabs,
                                  const struct protopool_slab *slab, const void *slot)
{
    if (slabs->fixed == NULL)
        return slab->owner != slabs && slab->slot_class == slabs->slot_class;
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slab *const fixed = store->classes[c].slabs.fixed;
        if (fixed != NULL
            && (uintptr_t)slot - (uintptr_t)fixed->first < fixed->slots * store->classes[c].slabs.slot_bytes)
            return false;
    }
    return true;
}

/* Whether a slot that was freed belongs where its tag sent it. */
static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    enum protopool_fault code = PROTOPOOL_FAULT_BAD_TAG;

    if (slab->owner == slabs && index < slab->slots && slab->first + index * slabs->slot_bytes == slot) {
        if ((pp_bitmap(slab)[index / PP_WORD_BITS] >> index % PP_WORD_BITS & 1) == 0)
            return true;
        code = PROTOPOOL_FAULT_DOUBLE_FREE;
    } else if (pp_is_of_another_pool(store, slabs, slab, slot)) {
        code = PROTOPOOL_FAULT_WRONG_POOL;
    }
    pp_report_simple_fault(code, NULL, slot);
    return false;
}

bool protopool_serves(const struct protopool *pool, unsigned slot_class, const void *slot, size_t bytes)
{
    const struct protopool_slabs *const slabs = &pool->store->classes[slot_class].slabs;
    return bytes <= slabs->message_bytes && pp_slab_of(slabs, slot)->owner == slabs;
}
#endif
