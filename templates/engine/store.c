/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A store: the slabs of all slot sizes, and how it gets them from its source and gives them back.
 * A slab that becomes wholly free serves any slot size next, or returns to the source.
 */

static void flush_what_is_idle(struct protopool *pool);
static bool is_time_to_flush(struct protopool *pool);

/* NULL too where the source does not align: a slab is found by its alignment. */
static void *take_aligned(const struct protopool_source *source, size_t bytes, size_t align)
{
    void *const memory = source->take(source->ctx, bytes, align);

    if (memory == NULL || (uintptr_t)memory % align == 0)
        return memory;
    if (source->give != NULL)
        source->give(source->ctx, memory, bytes, align);
    return NULL;
}

static void *take_from_source(struct protopool_store *store, size_t bytes, size_t align)
{
    void *const memory = take_aligned(&store->growth->source, bytes, align);

    if (memory != NULL)
        store->source_bytes += bytes;
    return memory;
}

static void give_to_source(struct protopool_store *store, void *memory, size_t bytes, size_t align)
{
    const struct protopool_source *const source = &store->growth->source;

    if (source->give == NULL)
        return;
    store->source_bytes -= bytes;
    source->give(source->ctx, memory, bytes, align);
}

/* The slabs of the magazines' arrays. */
static inline struct protopool_slabs *arrays_of(struct protopool_store *store)
{
    return &store->shelves[0].slabs;
}

static uintptr_t order_of(const struct protopool_slabs *slabs)
{
    uintptr_t order = 0;
    while (SLAB_BYTES << order < slabs->slab_bytes)
        order++;
    return order;
}

/* Takes the spare at index i out of the list. */
static uintptr_t remove_spare(struct protopool_growth *growth, uint32_t i)
{
    const uintptr_t spare = growth->spares[i];

    growth->spare_bytes -= SLAB_BYTES << (spare & (SLAB_BYTES - 1));
    growth->spare_count--;
    for (; i < growth->spare_count; i++)
        growth->spares[i] = growth->spares[i + 1];
    return spare;
}

static void give_highest_spare(struct protopool_store *store)
{
    const uintptr_t spare = remove_spare(store->growth, store->growth->spare_count - 1);
    const uintptr_t order = spare & (SLAB_BYTES - 1);

    give_to_source(store, (void *)(spare - order), SLAB_BYTES << order, SLAB_BYTES << order);
}

/* Whether a slab of so many bytes may be kept besides the spares. */
static bool has_room_for_spare(const struct protopool_growth *growth, size_t bytes)
{
    return growth->spare_count < PROTOPOOL_SPARE_SLABS
           && (growth->source.give == NULL || growth->spare_bytes + bytes <= PROTOPOOL_SPARE_BYTES);
}

/* Keeps a wholly free slab for any slot size. The spares are the lowest addresses, so that what is in use stays
 * together and the rest can leave the source whole. */
static void keep_spare(struct protopool_store *store, struct protopool_slab *slab, uintptr_t order)
{
    struct protopool_growth *const growth = store->growth;
    const uintptr_t spare = (uintptr_t)slab | order;
    uint32_t i;

    while (!has_room_for_spare(growth, SLAB_BYTES << order)) {
        if (growth->spares[growth->spare_count - 1] < spare) {
            give_to_source(store, slab, SLAB_BYTES << order, SLAB_BYTES << order);
            return;
        }
        give_highest_spare(store);
    }
    for (i = growth->spare_count++; i > 0 && growth->spares[i - 1] > spare; i--)
        growth->spares[i] = growth->spares[i - 1];
    growth->spares[i] = spare;
    growth->spare_bytes += SLAB_BYTES << order;
}

/* The spare slab of this order with the lowest address, or NULL. */
static void *take_spare(struct protopool_store *store, uintptr_t order)
{
    for (uint32_t i = 0; i < store->growth->spare_count; i++) {
        if ((store->growth->spares[i] & (SLAB_BYTES - 1)) == order)
            return (void *)(remove_spare(store->growth, i) - order);
    }
    return NULL;
}

/* Whether a slab that is wholly free may leave its class: not if it is reserved, nor if it would be lost. */
static bool may_release(const struct protopool_store *store, const struct protopool_slabs *slabs,
                        const struct protopool_slab *slab)
{
    if (slabs->fixed != NULL || slabs->slots - slab->slots < slabs->reserved)
        return false;
    return store->growth->source.give != NULL
           || (!is_own(slabs) && has_room_for_spare(store->growth, slabs->slab_bytes));
}

/* A slab leaves its class, wholly free. */
static void release_slab(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    unlink_slab(&slabs->partial, slab);
    slabs->slots -= slab->slots;
    slabs->in_slabs -= slab->slots;
#if PROTOPOOL_CHECK == 2
    if (slabs->slot_class != 0)
        strike_slab(store, slabs, slab);
#endif
    if (is_own(slabs))
        give_to_source(store, slab, slabs->slab_bytes, slab_align(slabs));
    else
        keep_spare(store, slab, order_of(slabs));
}

/* Releases the wholly free slabs of a slot size, as far as they may go. */
static void release_free_slabs(struct protopool_store *store, struct protopool_slabs *slabs)
{
    for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
        next = slab->next;
        if (slab->idle_words == slab->words && may_release(store, slabs, slab))
            release_slab(store, slabs, slab);
    }
}

/*
 * Puts slots into their slabs, neighbours of one bitmap word together. A slot that is in its slab already, or whose slab
 * serves another slot size by now, is skipped: at level 0 a double free comes so far, and must not free its neighbours.
 */
static void spill(struct protopool_store *store, struct protopool_slabs *slabs, void *const *slots, uint32_t count)
{
    uint32_t i = 0;

    if (slabs->slot_bytes
        == 0) { /* a fixed pool has none of this size: they are not its slots, or their tags are wrong */
#if PROTOPOOL_CHECK == 1
        for (; i < count; i++)
            simple_fault(PROTOPOOL_FAULT_BAD_TAG, NULL, slots[i]);
#endif
        return;
    }
    slabs->in_slabs += count;
    while (i < count) {
        struct protopool_slab *const slab = slab_of(slabs, slots[i]);
        uint32_t index = index_of(slabs, slab, slots[i]);
        const uint32_t w = index / WORD_BITS;
        protopool_word freed = 0, before;

#if PROTOPOOL_CHECK == 1
        if (!is_sound(store, slabs, slab, slots[i], index)) {
            slabs->in_slabs--;
            i++;
            continue;
        }
#endif
        if (slab->slot_class != slabs->slot_class) {
            slabs->in_slabs--;
            i++;
            continue;
        }

        before = bitmap(slab)[w];
        do {
            const protopool_word bit = (protopool_word)1 << index % WORD_BITS;
            slabs->in_slabs -= ((before | freed) & bit) != 0;
            freed |= bit;
            if (++i == count || slab_of(slabs, slots[i]) != slab || PROTOPOOL_CHECK == 1)
                break;
            index = index_of(slabs, slab, slots[i]);
        } while (index / WORD_BITS == w);
        freed &= ~before;
        if (freed != 0 && put_into_word(slabs, slab, w, freed) && may_release(store, slabs, slab))
            release_slab(store, slabs, slab);
    }
}

/* Makes a slab of memory. False if it cannot be entered in the registry of level 2. */
static bool begin_slab(struct protopool_store *store, struct protopool_slabs *slabs, unsigned char *memory)
{
    struct protopool_slab *const slab = (struct protopool_slab *)(void *)memory;

#if PROTOPOOL_CHECK == 2
    if (slabs->slot_class != 0 && !enter_slab(store, slab)) {
        give_to_source(store, memory, slabs->slab_bytes, slab_align(slabs));
        return false;
    }
#endif
    add_slab(slabs, slab, memory + header_bytes(slabs, slabs->slab_slots, 0), slabs->slab_slots);
#if PROTOPOOL_CHECK >= 1
    retire_slots(store, slabs, slab, true);
#endif
    (void)store;
    return true;
}

/* Another slab for the slot size: a spare one, or from the source. False if there is none. With a pool, idle magazines
 * are spilled before from time to time, which changes any of its magazines. */
static bool grow(struct protopool *pool, struct protopool_store *store, struct protopool_slabs *slabs)
{
    unsigned char *memory;

    if (slabs->fixed != NULL || slabs->slot_bytes == 0)
        return false;
    if (is_own(slabs)) {
        if (pool != NULL && ++pool->slow % IDLE_PERIOD == 0)
            flush_what_is_idle(pool);
        memory = (unsigned char *)take_from_source(store, slabs->slab_bytes, slab_align(slabs));
    } else {
        const uintptr_t order = order_of(slabs);
        memory = (unsigned char *)take_spare(store, order);
        if (memory == NULL && pool != NULL && is_time_to_flush(pool)) {
            flush_what_is_idle(pool);
            memory = (unsigned char *)take_spare(store, order);
        }
        if (memory == NULL && store->growth->source.give == NULL) { /* then not all that is free is among the spares */
            for (unsigned c = 1; c <= store->geometry->count; c++)
                release_free_slabs(store, &store->shelves[c].slabs);
            memory = (unsigned char *)take_spare(store, order);
        }
        if (memory == NULL) {
            while (store->growth->spare_count != 0 && store->growth->source.give != NULL)
                give_highest_spare(store);
            memory = (unsigned char *)take_from_source(store, slabs->slab_bytes, slab_align(slabs));
        }
    }
    if (memory == NULL)
        return false;
    return begin_slab(store, slabs, memory);
}

static size_t tables_bytes(const struct protopool_geometry *geometry)
{
    return PROTOPOOL_SIZE(PROTOPOOL_TABLES_BYTES(geometry->count));
}

/* Begins the tables in this memory, which has room for them. */
static struct protopool_store *begin_store(const struct protopool_geometry *geometry, void *memory)
{
    struct protopool_store *const store = (struct protopool_store *)memory;

    memset(memory, 0, tables_bytes(geometry));
    store->geometry = geometry;
    store->shelves = (struct protopool_shelf *)(void *)((unsigned char *)memory + round_up(sizeof *store));
    store->source_bytes = tables_bytes(geometry);
    return store;
}

/* How many slots a magazine holds, lest those of large slots hold much memory: 0 if the slots are so large that taking a
 * lock and asking the source is little beside filling one. */
static uint32_t magazine_slots(size_t slot_bytes)
{
    const size_t most = MAGAZINE_BYTES / slot_bytes;
    return most < MAGAZINE_MIN ? 0 : (uint32_t)PROTOPOOL_MIN_(most, PROTOPOOL_MAGAZINE);
}

/* Sets what slabs are of: slots of a class, or (0) the magazines' arrays. */
static void name_slabs(struct protopool_slabs *slabs, unsigned slot_class, size_t bytes)
{
    slabs->slot_bytes = slot_class != 0 ? (size_t)PROTOPOOL_STRIDE_(bytes) : bytes;
    slabs->reciprocal = ((uint64_t)1 << 32) / slabs->slot_bytes + 1;
    slabs->slot_class = slot_class;
#if PROTOPOOL_CHECK >= 1
    slabs->message_bytes = bytes;
#endif
}

static void give_list(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    while (slab != NULL) {
        struct protopool_slab *const next = slab->next;
        give_to_source(store, slab, slabs->slab_bytes, slab_align(slabs));
        slab = next;
    }
}

/* Gives everything back, the tables too. */
static void give_all(struct protopool_store *store)
{
    for (unsigned c = 0; c <= store->geometry->count; c++) {
        struct protopool_slabs *const slabs = &store->shelves[c].slabs;
        give_list(store, slabs, slabs->partial);
        give_list(store, slabs, slabs->full);
    }
    while (store->growth->spare_count != 0)
        give_highest_spare(store);
#ifdef HAS_HEAP
    heap_end(&store->growth->heap);
#endif
    give_to_source(store, store, tables_bytes(store->geometry) + sizeof *store->growth, 8);
}

/* The tables of a store that grows, and the first slab of its arrays; NULL if the source does not give that. */
static struct protopool_store *begin_growing_store(const struct protopool_geometry *geometry,
                                                   const struct protopool_source *source)
{
    const size_t tables = tables_bytes(geometry);
    struct protopool_growth growth;
    struct protopool_store *store;
    void *memory;

    memset(&growth, 0, sizeof growth);
    if (source != NULL) {
        growth.source = *source;
    } else {
#ifdef HAS_HEAP
        growth.source.take = heap_take;
        growth.source.give = heap_give;
        growth.source.ctx = &growth.heap;
#endif
    }
    if (growth.source.take == NULL)
        return NULL;
    memory = take_aligned(&growth.source, tables + sizeof growth, 8);
    if (memory == NULL)
        return NULL;
    store = begin_store(geometry, memory);
    store->growth = (struct protopool_growth *)(void *)((unsigned char *)memory + tables);
    store->source_bytes += sizeof growth;
    *store->growth = growth;
    if (source == NULL)
        store->growth->source.ctx = &store->growth->heap;
    for (unsigned c = 1; c <= geometry->count; c++) {
        struct protopool_shelf *const shelf = &store->shelves[c];
        name_slabs(&shelf->slabs, c, geometry->slot_sizes[c - 1].bytes);
        shape_slabs(&shelf->slabs, WASTE_SHIFT);
        shelf->magazine = magazine_slots(geometry->slot_sizes[c - 1].bytes);
    }
    name_slabs(arrays_of(store), 0, PROTOPOOL_MAGAZINE * sizeof(void *));
    shape_slabs(arrays_of(store), ARRAYS_WASTE_SHIFT);
    arrays_of(store)->reserved = SIZE_MAX; /* they are few, and threads come and go */
    if (geometry->count == 0 || grow(NULL, store, arrays_of(store)))
        return store;
    give_all(store);
    return NULL;
}

/* Lays slabs of one slab out in fixed memory, with `room` bytes for the caller before the slots; returns what
 * follows. */
static unsigned char *begin_fixed_slabs(struct protopool_store *store, struct protopool_slabs *slabs, uint32_t slots,
                                        size_t room, unsigned char *memory)
{
    unsigned char *const first = memory + header_bytes(slabs, slots, room);

    slabs->fixed = (struct protopool_slab *)(void *)memory;
    add_slab(slabs, slabs->fixed, first, slots);
#if PROTOPOOL_CHECK >= 1
    retire_slots(store, slabs, slabs->fixed, true);
#endif
    (void)store;
    return first + round_up(slabs->slot_bytes * slots);
}

static void end_store(struct protopool_store *store)
{
    close_store(store);
    if (store->growth != NULL)
        give_all(store);
}

static void each_in_list(const struct protopool_slabs *slabs, struct protopool_slab *slab,
                         void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (; slab != NULL; slab = slab->next) {
        for (uint32_t w = 0; w < slab->words; w++) {
            const unsigned char *const base = slab->first + (size_t)w * WORD_BITS * slabs->slot_bytes;
            for (protopool_word live = all_free(slab, w) & ~bitmap(slab)[w]; live != 0; live &= live - 1)
                fn(ctx, base + lowest_bit(live) * slabs->slot_bytes);
        }
    }
}

/* Nothing is in a magazine: a slot there looks live in the bitmap. */
static void each_in_store(struct protopool_store *store, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        each_in_list(&store->shelves[c].slabs, store->shelves[c].slabs.full, fn, ctx);
        each_in_list(&store->shelves[c].slabs, store->shelves[c].slabs.partial, fn, ctx);
    }
}
