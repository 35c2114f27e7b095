/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A store: the slabs of all slot sizes, and how it gets them from its source and gives them back.
 * A slab that becomes wholly free serves any slot size next, or returns to the source.
 */

/* NULL also if the source does not align the memory: slabs are found by their alignment. */
static void *pp_take_aligned(const struct protopool_source *source, size_t bytes, size_t align)
{
    void *const memory = source->take(source->ctx, bytes, align);

    if (memory == NULL || (uintptr_t)memory % align == 0)
        return memory;
    if (source->give != NULL)
        source->give(source->ctx, memory, bytes, align);
    return NULL;
}

static void pp_give_blocks(const struct protopool_source *source, struct protopool_block *given)
{
    while (given != NULL) {
        const struct protopool_block block = *given;
        source->give(source->ctx, given, block.bytes, block.align);
        given = block.next;
    }
}

/* The `give` of a growing store. */
static void pp_give_collected(struct protopool_growth *growth, struct protopool_block *given)
{
    pp_lock_source(growth);
    pp_give_blocks(&growth->source, given);
    pp_unlock_source(growth);
}

/* Takes memory for a depot. It releases the depot's lock meanwhile, so other pools may change whatever the lock guards. Before, it
 * gives the source what was collected for it. */
static void *pp_take_unlocked(struct protopool_growth *growth, size_t bytes, size_t align)
{
    struct protopool_block *const given = pp_take_given(growth);
    void *memory;

    PROTOPOOL_UNLOCK(growth->lock);
    pp_lock_source(growth);
    pp_give_blocks(&growth->source, given);
    memory = pp_take_aligned(&growth->source, bytes, align);
    pp_unlock_source(growth);
    PROTOPOOL_LOCK(growth->lock);
    return memory;
}

static void *pp_take_from_source(struct protopool_store *store, size_t bytes, size_t align)
{
    struct protopool_growth *const growth = store->growth;
    void *const memory =
        growth->lock != NULL ? pp_take_unlocked(growth, bytes, align) : pp_take_aligned(&growth->source, bytes, align);

    if (memory != NULL)
        store->source_bytes += bytes;
    return memory;
}

/* Gives memory back to the source, or collects it to give it back later. */
static void pp_give_to_source(struct protopool_store *store, void *memory, size_t bytes, size_t align)
{
    struct protopool_growth *const growth = store->growth;
    struct protopool_block *const block = (struct protopool_block *)memory;

    if (growth->source.give == NULL)
        return;
    store->source_bytes -= bytes;
    if (!growth->is_collecting) {
        growth->source.give(growth->source.ctx, memory, bytes, align);
        return;
    }
    block->next = growth->given;
    block->bytes = bytes;
    block->align = align;
    growth->given = block;
}

/* The slabs whose slots are arrays of magazines. */
static inline struct protopool_slabs *pp_array_slabs(struct protopool_store *store)
{
    return &store->classes[0].slabs;
}

static uintptr_t pp_slab_order(const struct protopool_slabs *slabs)
{
    uintptr_t order = 0;
    while (PP_SLAB_BYTES << order < slabs->slab_bytes)
        order++;
    return order;
}

/* Removes the spare at index i from the list. */
static uintptr_t pp_remove_spare(struct protopool_growth *growth, uint32_t i)
{
    const uintptr_t spare = growth->spares[i];

    growth->spare_bytes -= PP_SLAB_BYTES << (spare & (PP_SLAB_BYTES - 1));
    growth->spare_count--;
    for (; i < growth->spare_count; i++)
        growth->spares[i] = growth->spares[i + 1];
    return spare;
}

static void pp_give_highest_spare(struct protopool_store *store)
{
    const uintptr_t spare = pp_remove_spare(store->growth, store->growth->spare_count - 1);
    const uintptr_t order = spare & (PP_SLAB_BYTES - 1);

    pp_give_to_source(store, (void *)(spare - order), PP_SLAB_BYTES << order, PP_SLAB_BYTES << order);
}

/* Gives spares back: at least this number of bytes, or all. So the pool grows only if it has no spares. */
static void pp_give_spares(struct protopool_store *store, size_t bytes)
{
    const size_t left = store->growth->spare_bytes > bytes ? store->growth->spare_bytes - bytes : 0;

    while (store->growth->spare_bytes > left)
        pp_give_highest_spare(store);
}

/* Whether another slab, of this number of bytes, may be kept as a spare. */
static bool pp_has_room_for_spare(const struct protopool_growth *growth, size_t bytes)
{
    return growth->spare_count < PROTOPOOL_SPARE_SLABS
           && (growth->source.give == NULL || growth->spare_bytes + bytes <= PROTOPOOL_SPARE_BYTES);
}

/* Keeps a wholly free slab for any slot size, or gives one to the source. The lowest addresses are kept, so that slabs in use
 * stay together and larger parts of the source become free. */
static void pp_keep_spare(struct protopool_store *store, struct protopool_slab *slab, uintptr_t order)
{
    struct protopool_growth *const growth = store->growth;
    const uintptr_t spare = (uintptr_t)slab | order;
    uint32_t i;

    while (!pp_has_room_for_spare(growth, PP_SLAB_BYTES << order)) {
        if (growth->spares[growth->spare_count - 1] < spare) {
            pp_give_to_source(store, slab, PP_SLAB_BYTES << order, PP_SLAB_BYTES << order);
            return;
        }
        pp_give_highest_spare(store);
    }
    for (i = growth->spare_count++; i > 0 && growth->spares[i - 1] > spare; i--)
        growth->spares[i] = growth->spares[i - 1];
    growth->spares[i] = spare;
    growth->spare_bytes += PP_SLAB_BYTES << order;
}

/* Takes the spare slab of this order with the lowest address. NULL if there is none. */
static void *pp_take_spare(struct protopool_store *store, uintptr_t order)
{
    for (uint32_t i = 0; i < store->growth->spare_count; i++) {
        if ((store->growth->spares[i] & (PP_SLAB_BYTES - 1)) == order)
            return (void *)(pp_remove_spare(store->growth, i) - order);
    }
    return NULL;
}

static bool pp_has_spare(const struct protopool_store *store, uintptr_t order)
{
    for (uint32_t i = 0; i < store->growth->spare_count; i++)
        if ((store->growth->spares[i] & (PP_SLAB_BYTES - 1)) == order)
            return true;
    return false;
}

/* Whether a wholly free slab may leave its slot size: not if it is reserved, or if its memory would be lost. */
static bool pp_may_release(const struct protopool_store *store, const struct protopool_slabs *slabs,
                           const struct protopool_slab *slab)
{
    if (slabs->fixed != NULL || slabs->slots - slab->slots < slabs->reserved)
        return false;
    return store->growth->source.give != NULL
           || (!pp_has_own_blocks(slabs) && pp_has_room_for_spare(store->growth, slabs->slab_bytes));
}

/* Removes a wholly free slab from its slot size. */
static void pp_release_slab(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    pp_unlink_slab(&slabs->partial, slab);
    slabs->slots -= slab->slots;
    slabs->free_in_slabs -= slab->slots;
    pp_forget_slab(store, slabs, slab);
    if (pp_has_own_blocks(slabs))
        pp_give_to_source(store, slab, slabs->slab_bytes, pp_slab_align(slabs));
    else
        pp_keep_spare(store, slab, pp_slab_order(slabs));
}

/* The `release` of a growing store: a slab has become wholly free. */
static void pp_release_idle_slab(struct protopool_store *store, struct protopool_slabs *slabs,
                                 struct protopool_slab *slab)
{
    if (pp_may_release(store, slabs, slab))
        pp_release_slab(store, slabs, slab);
}

/* Releases one wholly free slab of a slot size, if there is one. New slabs are first in the list. */
static void pp_release_free_slab(struct protopool_store *store, struct protopool_slabs *slabs)
{
    struct protopool_slab *slab = slabs->partial;

    while (slab != NULL && slab->idle_words != slab->words)
        slab = slab->next;
    if (slab != NULL && store->growth != NULL)
        store->growth->calls->release(store, slabs, slab);
}

/* Releases all wholly free slabs of a slot size that may leave it. */
static void pp_release_free_slabs(struct protopool_store *store, struct protopool_slabs *slabs)
{
    for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
        next = slab->next;
        if (slab->idle_words == slab->words && store->growth != NULL)
            store->growth->calls->release(store, slabs, slab);
    }
}

/*
 * Gathers the bits of the first slots, as long as their bits are in the same bitmap word of this slab. *freed gets the bits.
 * *twice gets the number of slots that are free already. Returns how many slots it has gathered. The next slot is often the
 * neighbour.
 */
static inline uint32_t pp_gather_bits(const struct protopool_slabs *slabs, struct protopool_slab *slab,
                                      void *const *slots, uint32_t count, uint32_t index, protopool_word *freed,
                                      uint32_t *twice)
{
    const uint32_t w = index / PP_WORD_BITS;
    const protopool_word before = pp_bitmap(slab)[w];
    protopool_word bit = (protopool_word)1 << index % PP_WORD_BITS, gathered = 0;
    uint32_t i = 0;

    for (;;) {
        *twice += ((before | gathered) & bit) != 0;
        gathered |= bit;
        if (++i == count || PP_SPILLS_SINGLY)
            break;
        if ((uintptr_t)slots[i] - (uintptr_t)slots[i - 1] == slabs->slot_bytes) {
            bit <<= 1;
            if (bit == 0)
                break;
            continue;
        }
        if (pp_slab_of(slabs, slots[i]) != slab)
            break;
        index = pp_slot_index(slabs, slab, slots[i]);
        if (index / PP_WORD_BITS != w)
            break;
        bit = (protopool_word)1 << index % PP_WORD_BITS;
    }
    *freed = gathered & ~before;
    return i;
}

/*
 * Puts slots into their slabs; neighbours in one bitmap word together. It skips a slot that is in its slab already or whose
 * slab now serves another slot size. At level 0 a double free can come this far; it must not free other slots.
 */
static void pp_spill(struct protopool_store *store, struct protopool_slabs *slabs, void *const *slots, uint32_t count)
{
    uint32_t i = 0;

    if (slabs->slot_bytes == 0) { /* a fixed pool without slots of this size: the tags are wrong, or the pool is */
        for (; i < count; i++)
            (void)pp_may_spill(store, slabs, NULL, slots[i], 0);
        return;
    }
    slabs->free_in_slabs += count;
    while (i < count) {
        struct protopool_slab *const slab = pp_slab_of(slabs, slots[i]);
        const uint32_t index = pp_slot_index(slabs, slab, slots[i]);
        protopool_word freed = 0;
        uint32_t twice = 0;

        if (!pp_may_spill(store, slabs, slab, slots[i], index) || slab->slot_class != slabs->slot_class) {
            slabs->free_in_slabs--;
            i++;
            continue;
        }
        i += pp_gather_bits(slabs, slab, slots + i, count - i, index, &freed, &twice);
        slabs->free_in_slabs -= twice;
        if (freed != 0 && pp_put_into_word(slabs, slab, index / PP_WORD_BITS, freed) && store->growth != NULL)
            store->growth->calls->release(store, slabs, slab);
    }
}

/* Makes a slab of memory, its slots all free. */
static void pp_create_slab(struct protopool_store *store, struct protopool_slabs *slabs, unsigned char *memory)
{
    struct protopool_slab *const slab = (struct protopool_slab *)(void *)memory;
    const size_t counts = pp_counts_bytes(slabs, slabs->slab_slots);

    pp_add_slab(slabs, slab, memory + pp_slab_header_bytes(slabs, slabs->slab_slots, counts), slabs->slab_slots);
    pp_clear_holders(slabs, slab);
    pp_note_slab(store, slabs, slab);
}

/* Whether slabs can be added: not to those of a fixed pool. */
static bool pp_can_grow(const struct protopool_slabs *slabs)
{
    return slabs->fixed == NULL && slabs->slot_bytes != 0;
}

/* Memory for a slab that is not a block of a slot's own: a spare one, or from the source. NULL if there is none. */
static void *pp_take_slab(struct protopool_store *store, const struct protopool_slabs *slabs)
{
    const uintptr_t order = pp_slab_order(slabs);
    void *memory = pp_take_spare(store, order);

    if (memory == NULL
        && store->growth->source.give == NULL) { /* then some wholly free slabs are not among the spares */
        for (unsigned c = 1; c <= store->geometry->count; c++)
            pp_release_free_slabs(store, &store->classes[c].slabs);
        memory = pp_take_spare(store, order);
    }
    if (memory != NULL)
        return memory;
    if (store->growth->source.give != NULL)
        pp_give_spares(store, slabs->slab_bytes);
    return pp_take_from_source(store, slabs->slab_bytes, pp_slab_align(slabs));
}

/* Adds a slab for the slot size. False if there is no memory for it. A depot's lock may be released meanwhile, see
 * pp_take_unlocked. */
static bool pp_grow(struct protopool_store *store, struct protopool_slabs *slabs)
{
    void *memory;

    if (!pp_can_grow(slabs) || !pp_has_room_for_slab(store, slabs))
        return false;
    if (pp_has_own_blocks(slabs))
        memory = pp_take_from_source(store, slabs->slab_bytes, pp_slab_align(slabs));
    else
        memory = pp_take_slab(store, slabs);
    if (memory == NULL)
        return false;
    if (!pp_has_room_for_slab(store, slabs)) { /* other pools have used it meanwhile */
        pp_give_to_source(store, memory, slabs->slab_bytes, pp_slab_align(slabs));
        return false;
    }
    pp_create_slab(store, slabs, (unsigned char *)memory);
    return true;
}

static size_t pp_tables_bytes(const struct protopool_geometry *geometry)
{
    return PROTOPOOL_SIZE(PROTOPOOL_TABLES_BYTES(geometry->count));
}

static const struct protopool_kind pp_with_slabs;

/* Fills in the tables at the beginning of this memory, which has room for them. */
PROTOPOOL_INLINE struct protopool_store *pp_lay_out_tables(const struct protopool_geometry *geometry, void *memory)
{
    struct protopool_store *const store = (struct protopool_store *)memory;

    memset(memory, 0, pp_tables_bytes(geometry));
    store->geometry = geometry;
    store->kind = &pp_with_slabs;
    store->classes = (struct protopool_store_class *)(void *)((unsigned char *)memory + pp_round_up(sizeof *store));
    store->source_bytes = pp_tables_bytes(geometry);
    return store;
}

/* How many slots a magazine holds. Magazines of large slots hold fewer, so that they do not keep much memory. 0 if the slots
 * are so large that to take the lock and to call the source costs little compared with filling a slot. */
static uint32_t pp_magazine_capacity(size_t slot_bytes)
{
    const size_t most = PP_MAGAZINE_BYTES / slot_bytes;
    return most < PP_MAGAZINE_MIN ? 0 : (uint32_t)PROTOPOOL_MIN_(most, PROTOPOOL_MAGAZINE);
}

/* Initialises the slabs of a slot class; of class 0 for arrays of magazines. */
static void pp_init_slabs(struct protopool_slabs *slabs, unsigned slot_class, size_t bytes)
{
    slabs->slot_bytes = slot_class != 0 ? (size_t)PROTOPOOL_STRIDE_(bytes) : bytes;
    slabs->reciprocal = pp_reciprocal(slabs->slot_bytes);
    slabs->slot_class = (uint16_t)slot_class;
    pp_set_message_bytes(slabs, bytes);
}

static void pp_give_slabs(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    while (slab != NULL) {
        struct protopool_slab *const next = slab->next;
        pp_give_to_source(store, slab, slabs->slab_bytes, pp_slab_align(slabs));
        slab = next;
    }
}

/* Gives all memory back, also that of the tables. */
static void pp_give_store(struct protopool_store *store)
{
    for (unsigned c = 0; c <= store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &store->classes[c].slabs;
        pp_give_slabs(store, slabs, slabs->partial);
        pp_give_slabs(store, slabs, slabs->full);
    }
    while (store->growth->spare_count != 0)
        pp_give_highest_spare(store);
#ifdef PP_HAS_HEAP
    pp_heap_end(&store->growth->heap);
#endif
    pp_give_to_source(store, store, pp_tables_bytes(store->geometry) + sizeof *store->growth, 8);
}

static const struct protopool_growing pp_growing;

/* A store that grows: its tables, and the first slab of arrays. shared: see holders.h; NULL: no slot size is. Returns NULL
 * if the source has no memory for them. */
static struct protopool_store *pp_create_growing_store(const struct protopool_geometry *geometry, const bool *shared,
                                                       const struct protopool_source *source)
{
    const size_t tables = pp_tables_bytes(geometry);
    struct protopool_growth growth;
    struct protopool_store *store;
    void *memory;

    memset(&growth, 0, sizeof growth);
    growth.calls = &pp_growing;
    if (source != NULL) {
        growth.source = *source;
    } else {
#ifdef PP_HAS_HEAP
        growth.source.take = pp_heap_take;
        growth.source.give = pp_heap_give;
        growth.source.ctx = &growth.heap;
#endif
    }
    if (growth.source.take == NULL)
        return NULL;
    memory = pp_take_aligned(&growth.source, tables + sizeof growth, 8);
    if (memory == NULL)
        return NULL;
    store = pp_lay_out_tables(geometry, memory);
    store->growth = (struct protopool_growth *)(void *)((unsigned char *)memory + tables);
    store->source_bytes += sizeof growth;
    *store->growth = growth;
    store->part_bytes = PROTOPOOL_PART_BYTES;
    if (source == NULL)
        store->growth->source.ctx = &store->growth->heap;
    for (unsigned c = 1; c <= geometry->count; c++) {
        struct protopool_store_class *const store_class = &store->classes[c];
        pp_init_slabs(&store_class->slabs, c, geometry->slot_sizes[c - 1].bytes);
        store_class->slabs.holder_bytes = pp_holder_bytes(shared, c);
        pp_shape_slabs(&store_class->slabs, PP_WASTE_SHIFT);
        store_class->magazine = pp_magazine_capacity(geometry->slot_sizes[c - 1].bytes);
    }
    pp_init_slabs(pp_array_slabs(store), 0, (PP_ARRAY_BYTES + 63) / 64 * 64);
    pp_shape_slabs(pp_array_slabs(store), PP_ARRAYS_WASTE_SHIFT);
    pp_array_slabs(store)->reserved = SIZE_MAX; /* arrays are few, and threads come and go */
    if (geometry->count == 0 || pp_grow(store, pp_array_slabs(store)))
        return store;
    pp_give_store(store);
    return NULL;
}

static void pp_end_store(struct protopool_store *store)
{
    pp_forget_store(store);
    if (store->growth != NULL)
        store->growth->calls->end(store);
}

static void pp_each_in_list(const struct protopool_slabs *slabs, struct protopool_slab *slab,
                            void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (; slab != NULL; slab = slab->next) {
        for (uint32_t w = 0; w < slab->words; w++) {
            const unsigned char *const base = slab->first + (size_t)w * PP_WORD_BITS * slabs->slot_bytes;
            for (protopool_word live = pp_slot_bits(slab, w) & ~pp_bitmap(slab)[w]; live != 0; live &= live - 1)
                fn(ctx, base + pp_lowest_bit(live) * slabs->slot_bytes);
        }
    }
}

/* Calls fn for each live slot. All magazines are flushed: in the bitmap, a slot in a magazine looks live. */
static void pp_each_in_store(struct protopool_store *store, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        pp_each_in_list(&store->classes[c].slabs, store->classes[c].slabs.full, fn, ctx);
        pp_each_in_list(&store->classes[c].slabs, store->classes[c].slabs.partial, fn, ctx);
    }
}
