/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Magazines: a pool's stacks of free slots.
 * A magazine has an array of its slot size's capacity, or none.
 */

static bool is_equipped(const struct protopool_magazine *magazine)
{
    return magazine->slots != magazine->end;
}

static uint32_t count_of(const struct protopool_magazine *magazine)
{
    return is_equipped(magazine) ? (uint32_t)(magazine->top - magazine->slots) : 0;
}

/* Gives the magazine an empty array for so many slots; 0: it has none. */
static void set_array(struct protopool_magazine *magazine, void **slots, uint32_t capacity)
{
    magazine->top = magazine->slots = slots;
    magazine->end = slots + capacity;
#if PROTOPOOL_CHECK == 1
    magazine->lowest = slots;
#endif
}

/* Slots that are neither in slabs nor in the depot's magazines: the callers', and those in the pools' magazines. */
static size_t handed_out(const struct protopool_store *store, const struct protopool_depot *depot, unsigned c)
{
    const struct protopool_shelf *const shelf = &store->shelves[c];
    const size_t racked = depot != NULL ? (size_t)depot->racks[c].count * shelf->magazine : 0;
    return shelf->slabs.slots - shelf->slabs.in_slabs - racked;
}

/* Notes how many slots of a pool on its own were live at once since the last note, at level 1: what is handed out and is
 * not in the magazines changes only in between, and the loaded magazine knows how empty it was. */
static void note_peak(struct protopool *pool, unsigned c)
{
#if PROTOPOOL_CHECK == 1
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_shelf *const shelf = &pool->store->shelves[c];
    if (pool->depot == NULL) {
        const size_t lowest = is_equipped(loaded) ? (size_t)(loaded->lowest - loaded->slots) : 0;
        const size_t live = handed_out(pool->store, NULL, c) - count_of(&pool->classes[c].previous) - lowest;
        if (live > shelf->peak)
            shelf->peak = live;
    }
    loaded->lowest = loaded->top;
#else
    (void)pool;
    (void)c;
#endif
}

/* The same after the loaded magazine has changed in another way. */
static void restart_peak(struct protopool *pool, unsigned c)
{
#if PROTOPOOL_CHECK == 1
    pool->loaded[c].lowest = pool->loaded[c].top;
#endif
    note_peak(pool, c);
}

static void note_all_peaks(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        note_peak(pool, c);
}

/* Puts a magazine's slots into their slabs. */
static void spill_magazine(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    note_peak(pool, c);
    spill(pool->store, &pool->store->shelves[c].slabs, magazine->slots, count_of(magazine));
    magazine->top = magazine->slots;
    restart_peak(pool, c);
}

static void flush(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        spill_magazine(pool, c, &pool->loaded[c]);
        spill_magazine(pool, c, &pool->classes[c].previous);
    }
}

/* Gives a magazine its array, if it has none yet. False if there is no memory for it, or the slot size has no magazines. */
static bool equip(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    struct protopool_slabs *const arrays = arrays_of(pool->store);
    void *array = NULL;

    if (is_equipped(magazine))
        return true;
    if (pool->store->shelves[c].magazine == 0) /* of large slots, or of a slot size without a budget */
        return false;
    if (arrays->partial == NULL && !grow(NULL, pool->store, arrays)) /* the magazines stay as they are */
        return false;
    (void)take_from_slab(arrays, arrays->partial, &array, 1);
    set_array(magazine, (void **)array, pool->store->shelves[c].magazine);
    return true;
}

static void swap_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine loaded = pool->loaded[c];
    pool->loaded[c] = pool->classes[c].previous;
    pool->classes[c].previous = loaded;
}

static void reverse(void **slots, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        void *const slot = slots[i];
        slots[i] = slots[count - 1 - i];
        slots[count - 1 - i] = slot;
    }
}
