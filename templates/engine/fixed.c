/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A fixed pool on its own.
 * At level 0 it is compact: it has no slabs and one magazine per slot size, and it calls nothing that grows or is shared. So a
 * program of fixed pools links little else than this part. Levels 1 and 2 look slots up in slabs, as for other pools.
 */

/* Empties the pool. Until pp_activate_pool, it is a pool whose init or join has failed. */
static void pp_clear_pool(struct protopool *pool, struct protopool_magazine *loaded,
                          struct protopool_pool_class **parts, uint32_t slot_sizes)
{
    memset(pool, 0, sizeof *pool);
    memset(loaded, 0, (slot_sizes + (size_t)1) * sizeof *loaded);
    pool->loaded = loaded;
    pool->last = loaded;
    pool->parts = parts;
    pp_set_state(pool, PROTOPOOL_FAILED_);
}

static void pp_activate_pool(struct protopool *pool, struct protopool_store *store)
{
    pool->store = store;
    pool->is_fixed = store->growth == NULL;
    memset(pool->parts, 0, (size_t)PROTOPOOL_PARTS(store->geometry->count) * sizeof *pool->parts);
    pp_set_state(pool, PROTOPOOL_ALIVE_);
}

#if PROTOPOOL_CHECK >= 1 || !defined PROTOPOOL_NO_THREADS
/* What the macros for fixed memory compute for this number of slots, with less code. */
static unsigned long long pp_laid_out_bytes(size_t slot_bytes, unsigned long long slots, unsigned long long arrays)
{
    return PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), slots,
                               pp_map_words((uint32_t)PROTOPOOL_MIN_(slots, UINT32_MAX)), arrays,
                               PROTOPOOL_RECORD_BYTES_);
}

/* Lays out this number of parts behind the tables in fixed memory. Returns their end. */
static unsigned char *pp_lay_out_parts(struct protopool_store *store, size_t parts)
{
    store->new_parts = (unsigned char *)store + pp_tables_bytes(store->geometry);
    store->new_part_count = (uint32_t)parts;
    store->part_bytes = PROTOPOOL_PART_BYTES;
    return store->new_parts + (size_t)PROTOPOOL_DEPOT_PARTS_BYTES(parts, 1);
}

/* Makes the only slab of a slot size in fixed memory, with `room` bytes for the caller before the slots. Returns the end of the
 * slab. */
static unsigned char *pp_create_fixed_slab(struct protopool_store *store, struct protopool_slabs *slabs, uint32_t slots,
                                           size_t room, unsigned char *memory)
{
    unsigned char *const first = memory + pp_slab_header_bytes(slabs, slots, room);

    slabs->fixed = (struct protopool_slab *)(void *)memory;
    pp_add_slab(slabs, slabs->fixed, first, slots);
    pp_note_slab(store, slabs, slabs->fixed);
    return first + pp_round_up(slabs->slot_bytes * slots);
}

/* The same with counts of holders, if the slot size has them. */
PROTOPOOL_INLINE unsigned char *pp_create_counted_slab(struct protopool_store *store, struct protopool_slabs *slabs,
                                                       const bool *shared, uint32_t slots, size_t room,
                                                       unsigned char *memory)
{
    if (shared == NULL)
        return pp_create_fixed_slab(store, slabs, slots, room, memory);
    slabs->holder_bytes = pp_holder_bytes(shared, slabs->slot_class);
    memory = pp_create_fixed_slab(store, slabs, slots, room + pp_counts_bytes(slabs, slots), memory);
    pp_clear_holders(slabs, slabs->fixed);
    return memory;
}
#endif

/*
 * The memory of a slot size: its struct protopool_fixed_slots, the array of its magazine, its bitmap with the summary, the
 * counts of holders if its messages can be shared, and the slots. The array has twice PROTOPOOL_MAGAZINE elements, or one for
 * each slot of the budget. When the magazine is empty, the pool refills at most half of it from the bitmap. When it is full, the
 * pool spills the older half.
 * A slot size without a budget takes no memory. The three pointers of its magazine are equal, and count its failures.
 */
static protopool_word *pp_compact_bits(const struct protopool *pool, unsigned c)
{
    return (protopool_word *)(void *)pool->loaded[c].end;
}

/* Only for a slot size with a budget. */
static struct protopool_fixed_slots *pp_fixed_slots(const struct protopool *pool, unsigned c)
{
    return (struct protopool_fixed_slots *)((uintptr_t)pool->loaded[c].slots - sizeof(struct protopool_fixed_slots));
}

static const struct protopool_slot_size *pp_compact_size(const struct protopool *pool, unsigned c)
{
    return &pool->store->geometry->slot_sizes[c - 1];
}

/* Takes this number of slots from the bitmap and puts them onto the empty magazine, the lowest address on top. */
PROTOPOOL_INLINE void pp_refill_compact(struct protopool *pool, unsigned c, uint32_t count)
{
    const struct protopool_slot_size *const size = pp_compact_size(pool, c);
    struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
    const uint32_t words = pp_bitmap_words(size->budget), bytes = size->bytes;
    protopool_word *const bits = pp_compact_bits(pool, c);
    void **const bottom = pool->loaded[c].slots;
    void **at = bottom + count;

    pool->loaded[c].top = at;
    fixed->free_slots -= count;
    while (at != bottom) {
        const uint32_t w = pp_first_free_word(bits, words, fixed->lowest);
        protopool_word word = bits[w];

        for (; word != 0 && at != bottom; word &= word - 1)
            *--at = fixed->first + ((size_t)w * PP_WORD_BITS + pp_lowest_bit(word)) * bytes;
        fixed->lowest = w;
        bits[w] = word;
        if (word == 0)
            pp_update_summary(bits, words, w);
    }
}

/* Puts slots into the bitmap. It skips a slot that is there already, and one that is none of this slot size: at level 0, a
 * double free can come this far. */
static void pp_spill_compact(struct protopool *pool, unsigned c, uint32_t count)
{
    const struct protopool_slot_size *const size = pp_compact_size(pool, c);
    struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
    protopool_word *const bits = pp_compact_bits(pool, c);
    const uint64_t reciprocal = pp_reciprocal(size->bytes);
    void *const *const slots = pool->loaded[c].slots;

    for (uint32_t i = 0; i < count; i++) {
        const size_t offset = (size_t)((unsigned char *)slots[i] - fixed->first);
        const size_t index =
            sizeof offset > 4 ? pp_quotient(offset, size->bytes, reciprocal) : offset / size->bytes; /* less code */
        const uint32_t w = (uint32_t)(index / PP_WORD_BITS);
        const protopool_word bit = (protopool_word)1 << index % PP_WORD_BITS;

        if (index >= size->budget || (bits[w] & bit) != 0)
            continue;
        fixed->free_slots++;
        bits[w] |= bit;
        if (bits[w] == bit) { /* it was 0 */
            fixed->lowest = PROTOPOOL_MIN_(w, fixed->lowest);
            pp_update_summary(bits, pp_bitmap_words(size->budget), w);
        }
    }
}

static void *pp_take_compact(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_fixed_slots *const fixed = pp_fixed_slots(pool, c);
    const uint32_t array = (uint32_t)(loaded->end - loaded->slots);
    uint32_t out, most, count;

    if (array == 0 || fixed->free_slots == 0) {
        if (array == 0)
            pp_set_array(loaded, (void **)((uintptr_t)loaded->slots + 1), 0);
        else
            fixed->failures++;
        pool->failure = PROTOPOOL_EXHAUSTED;
        return NULL;
    }
    out = pp_compact_size(pool, c)->budget - fixed->free_slots;
    most = pp_slots_to_refill(false, out, PROTOPOOL_MIN_(array, PROTOPOOL_MAGAZINE));
    count = PROTOPOOL_MIN_(most, fixed->free_slots);
    pp_refill_compact(pool, c, count);
    if (fixed->peak < out + count)
        fixed->peak = out + count;
    return *--loaded->top;
}

/* The slots that were freed first are spilled. The others, which are in the processor's cache, stay. */
static void pp_put_compact(struct protopool *pool, unsigned c, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    const uint32_t count = (uint32_t)(loaded->end - loaded->slots), kept = count / 2;

    if (count == 0) /* there are no slots of this size: the tags are wrong, or the pool is */
        return;
    pp_spill_compact(pool, c, count - kept);
    memcpy(loaded->slots, loaded->slots + (count - kept), kept * sizeof slot);
    loaded->top = loaded->slots + kept;
    *loaded->top++ = slot;
}

static const struct protopool_kind pp_compact = { .take = pp_take_compact, .put = pp_put_compact };

static void pp_reset_compact(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const uint32_t budget = pp_compact_size(pool, c)->budget;

        if (budget == 0)
            continue;
        pool->loaded[c].top = pool->loaded[c].slots;
        pp_fixed_slots(pool, c)->free_slots = budget;
        pp_fixed_slots(pool, c)->lowest = 0;
        pp_fill_bitmap(pp_compact_bits(pool, c), budget);
    }
}

static bool pp_is_compact(const struct protopool *pool)
{
    return PROTOPOOL_CHECK == 0 && pool->store->kind == &pp_compact;
}

/* How many more slots can be allocated. */
static size_t pp_free_compact(const struct protopool *pool, unsigned c)
{
    return pp_compact_size(pool, c)->budget == 0
               ? 0
               : pp_fixed_slots(pool, c)->free_slots + (size_t)(pool->loaded[c].top - pool->loaded[c].slots);
}

static size_t pp_live_compact(const struct protopool *pool)
{
    size_t live = 0;
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        live += pp_compact_size(pool, c)->budget - pp_free_compact(pool, c);
    return live;
}

static void pp_flush_compact(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_magazine *const loaded = &pool->loaded[c];
        if (loaded->top != loaded->slots)
            pp_spill_compact(pool, c, (uint32_t)(loaded->top - loaded->slots));
        loaded->top = loaded->slots;
    }
}

static void pp_each_compact(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    pp_flush_compact(pool);
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const struct protopool_slot_size *const size = pp_compact_size(pool, c);
        for (uint32_t w = 0; w < pp_bitmap_words(size->budget); w++) {
            protopool_word live = pp_bits_in_word(size->budget, w) & ~pp_compact_bits(pool, c)[w];
            for (; live != 0; live &= live - 1)
                fn(ctx,
                   pp_fixed_slots(pool, c)->first + ((size_t)w * PP_WORD_BITS + pp_lowest_bit(live)) * size->bytes);
        }
    }
}

static void pp_compact_stats(const struct protopool *pool, struct protopool_slot_stats *by_slot_size,
                             size_t *source_bytes, size_t *system_bytes)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        const struct protopool_slot_size *const size = pp_compact_size(pool, c);
        struct protopool_slot_stats *const stats = &by_slot_size[c - 1];
        stats->slot_bytes = size->bytes;
        stats->budget = size->budget;
        stats->live = size->budget - pp_free_compact(pool, c);
        stats->peak = size->budget != 0 ? pp_fixed_slots(pool, c)->peak : 0;
        stats->failures = size->budget != 0 ? pp_fixed_slots(pool, c)->failures : (uintptr_t)pool->loaded[c].slots;
    }
    if (source_bytes != NULL)
        *source_bytes = pool->store->source_bytes;
    if (system_bytes != NULL)
        *system_bytes = pool->store->source_bytes;
}

#if PROTOPOOL_CHECK == 0
/* The bytes before the slots of a slot size with a budget. */
static size_t pp_compact_head_bytes(uint32_t budget)
{
    return pp_round_up(sizeof(struct protopool_fixed_slots)
                       + PROTOPOOL_MIN_(2U * PROTOPOOL_MAGAZINE, budget) * sizeof(void *)
                       + pp_map_words(budget) * sizeof(protopool_word));
}

PROTOPOOL_INLINE bool pp_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                    struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                    const bool *shared, void *memory, size_t bytes)
{
    struct protopool_store *const store = (struct protopool_store *)memory;
    size_t used = (size_t)PROTOPOOL_POOL_TABLES_BYTES(geometry->count);

    pp_clear_pool(pool, loaded, parts, geometry->count);
    if (used > bytes || memory == NULL || (uintptr_t)memory % 8 != 0)
        return false;
    for (unsigned c = 1; c <= geometry->count; c++) {
        const struct protopool_slot_size *const size = &geometry->slot_sizes[c - 1];
        unsigned char *const at = (unsigned char *)memory + used;
        struct protopool_fixed_slots *const fixed = (struct protopool_fixed_slots *)(void *)at;
        const size_t head = pp_compact_head_bytes(size->budget);
        const size_t holders = pp_holder_bytes(shared, c) != 0 ? (size_t)PROTOPOOL_HOLDERS_BYTES(size->budget) : 0;
        const unsigned long long need = head + holders + PROTOPOOL_ROUND_UP_(1ULL * size->bytes * size->budget);

        if (size->budget == 0)
            continue;
        if (need > bytes - used) {
            pp_clear_pool(pool, loaded, parts, geometry->count);
            return false;
        }
        pp_set_array(&loaded[c], (void **)(void *)(fixed + 1), PROTOPOOL_MIN_(2U * PROTOPOOL_MAGAZINE, size->budget));
        if (holders != 0)
            memset(at + head, 0, holders);
        fixed->first = at + head + holders;
        fixed->peak = fixed->failures = 0;
        used += (size_t)need;
    }
    store->geometry = geometry;
    store->kind = &pp_compact;
    store->growth = NULL;
    store->source_bytes = used;
    pool->store = store;
    pool->is_fixed = true;
    pp_reset_compact(pool);
    return true;
}

#else
PROTOPOOL_INLINE bool pp_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                    struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                    const bool *shared, void *memory, size_t bytes)
{
    unsigned long long need = PROTOPOOL_POOL_TABLES_BYTES(geometry->count);
    struct protopool_store *store;
    unsigned char *next;

    pp_clear_pool(pool, loaded, parts, geometry->count);
    for (uint32_t i = 0; i < geometry->count; i++) {
        need += pp_laid_out_bytes(geometry->slot_sizes[i].bytes, geometry->slot_sizes[i].budget,
                                  PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, geometry->slot_sizes[i].budget));
        if (pp_holder_bytes(shared, i + 1) != 0)
            need += PROTOPOOL_HOLDERS_BYTES(geometry->slot_sizes[i].budget);
    }
    if (need > bytes || memory == NULL || (uintptr_t)memory % 8 != 0)
        return false;
    store = pp_lay_out_tables(geometry, memory);
    store->source_bytes = (size_t)need;
    pp_activate_pool(pool, store);
    next = pp_lay_out_parts(store, PROTOPOOL_PARTS(geometry->count));
    for (unsigned c = 1; c <= geometry->count; c++) {
        const uint32_t budget = geometry->slot_sizes[c - 1].budget;
        const uint32_t arrays = (uint32_t)PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, budget);
        struct protopool_slabs *const slabs = &store->classes[c].slabs;

        if (budget == 0)
            continue;
        pp_init_slabs(slabs, c, geometry->slot_sizes[c - 1].bytes);
        pp_set_array(&loaded[c],
                     (void **)(void *)(next + sizeof(struct protopool_slab)
                                       + pp_map_words(budget) * sizeof(protopool_word)
                                       + budget * pp_record_bytes(slabs)),
                     PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE));
        (void)pp_ensure_part(pool, c);
        pp_set_array(&pp_class(pool, c)->previous, loaded[c].end, arrays - PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE));
        next = pp_create_counted_slab(store, slabs, shared, budget, arrays * sizeof(void *), next);
    }
    pp_note_store(store, NULL);
    return true;
}
#endif

bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                          struct protopool_pool_class **parts, const struct protopool_geometry *geometry, void *memory,
                          size_t bytes)
{
    return pp_init_fixed(pool, loaded, parts, geometry, NULL, memory, bytes);
}

bool protopool_init_fixed_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                 struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                 const bool *shared, void *memory, size_t bytes)
{
    return pp_init_fixed(pool, loaded, parts, geometry, shared, memory, bytes);
}
