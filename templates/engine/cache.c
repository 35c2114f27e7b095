/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between a pool's magazines and the store: refilling, spilling, and looking for idle magazines.
 * Functions named from_store or into_store are called with the store locked.
 */

/*
 * Spills the magazines of slot sizes whose counts have not moved since the last look: what they hold may be the
 * last live slots, so to speak, of slabs that would serve another slot size.
 */
static void flush_idle(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {
        struct protopool_class *const class_ = &pool->classes[c];
        if (class_->seen_loaded == count_of(&pool->loaded[c]) && class_->seen_previous == count_of(&class_->previous)) {
            spill_magazine(pool, c, &pool->loaded[c]);
            spill_magazine(pool, c, &class_->previous);
        }
        class_->seen_loaded = count_of(&pool->loaded[c]);
        class_->seen_previous = count_of(&class_->previous);
    }
}

static void flush_what_is_idle(struct protopool *pool)
{
    flush_idle(pool);
    if (pool->depot != NULL)
        flush_racks(pool->depot);
}

/*
 * Whether it is time to look for idle magazines before the store grows. Not each time: a magazine whose count is as
 * before may be in use, and if each slab that falls free were taken for another slot size at once, pools of few live
 * messages would never settle. Between two looks every slot size can get a slab.
 */
static bool is_time_to_flush(struct protopool *pool)
{
    const uint32_t period = pool->store->geometry->count > GROWTHS_MIN ? pool->store->geometry->count : GROWTHS_MIN;

    if (++pool->growths < period)
        return false;
    pool->growths = 0;
    return true;
}

/* Live slots; with a depot also the free ones in the magazines of other pools. */
static size_t live_of(const struct protopool *pool, unsigned c)
{
    return handed_out(pool->store, pool->depot, c) - count_of(&pool->loaded[c]) - count_of(&pool->classes[c].previous);
}

/*
 * Refills the empty loaded magazine from slabs, lowest address on top. It takes a quarter of what is live, so that peaks
 * of small pools are close to the truth and soon a whole magazine at a time; a new slab only for the first slot.
 */
static bool refill(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_slabs *const slabs = &pool->store->shelves[c].slabs;
    const size_t live = live_of(pool, c);
    const size_t capacity = (size_t)(loaded->end - loaded->slots);
    void **const most = live / 4 < capacity ? loaded->slots + live / 4 + (live < 4) : loaded->end;

    if (slabs->partial == NULL && !grow(pool, pool->store, slabs))
        return false;
    while (loaded->top < most && slabs->partial != NULL)
        loaded->top += take_from_slab(slabs, slabs->partial, loaded->top, (uint32_t)(most - loaded->top));
    reverse(loaded->slots, count_of(loaded));
    return true;
}

/* A slot straight from a slab, where there is no magazine. */
static void *take_one(struct protopool *pool, unsigned c)
{
    struct protopool_slabs *const slabs = &pool->store->shelves[c].slabs;
    void *slot = NULL;

    if (slabs->partial != NULL || grow(pool, pool->store, slabs))
        (void)take_from_slab(slabs, slabs->partial, &slot, 1);
    return slot;
}

/*
 * A slot from the depot's magazines or from the slabs. What is handed out peaks only when slabs give: they do when the
 * depot has no magazine, and until they give again, no more can be handed out than then.
 */
static void *take_from_store(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_shelf *const shelf = &pool->store->shelves[c];
    void *slot = NULL;

    if (equip(pool, c, loaded)) {
        if (fetch_full(pool, c))
            return *--loaded->top;
        if (refill(pool, c))
            slot = *--loaded->top;
    } else {
        slot = take_one(pool, c);
    }
    if (slot == NULL)
        shelf->failures++;
    if (PROTOPOOL_CHECK == 0 || (PROTOPOOL_CHECK == 1 && pool->depot != NULL)) {
        const size_t out = handed_out(pool->store, pool->depot, c) - count_of(&pool->classes[c].previous);
        if (out > shelf->peak)
            shelf->peak = out;
    }
    return slot;
}

/* Makes room in the loaded magazine, if it can have an array; puts the slot there or into its slab. */
static void put_into_store(struct protopool *pool, unsigned c, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_magazine *const previous = &pool->classes[c].previous;

    if (!equip(pool, c, loaded)) {
        spill(pool->store, &pool->store->shelves[c].slabs, &slot, 1);
        return;
    }
    if (loaded->top == loaded->end) {
        if (!equip(pool, c, previous)) {
            spill_magazine(pool, c, loaded); /* no second magazine to be had: a free never fails */
        } else {
            if (count_of(previous) != 0 && !leave_full(pool, c))
                spill_magazine(pool, c, previous);
            swap_magazines(pool, c);
        }
    }
    *loaded->top++ = slot;
}

/* A joined pool that only frees never grows, and so looks for idle magazines from time to time. */
static void look_for_idle(struct protopool *pool)
{
    if (pool->depot != NULL && ++pool->slow % IDLE_PERIOD == 0)
        flush_idle(pool);
}

PROTOPOOL_COLD void *protopool_take_slow(struct protopool *pool, unsigned slot_class)
{
    struct protopool_magazine *loaded;
    void *slot;

    if (!is_alive(pool)) { /* of a pool whose init failed no fault */
        pool->failure = PROTOPOOL_EXHAUSTED;
#if PROTOPOOL_CHECK >= 1
        if (pool->alive != PROTOPOOL_FAILED_)
            pool->failure = PROTOPOOL_FAULTED;
#endif
        return NULL;
    }
    if (slot_class == 0)
        return NULL;
    loaded = &pool->loaded[slot_class];
    note_peak(pool, slot_class);
    if (count_of(&pool->classes[slot_class].previous) != 0) {
        swap_magazines(pool, slot_class);
        slot = *--loaded->top;
        restart_peak(pool, slot_class);
        return slot;
    }
    lock_store(pool);
    look_for_idle(pool);
    slot = take_from_store(pool, slot_class);
    restart_peak(pool, slot_class);
    unlock_store(pool);
    if (slot == NULL)
        pool->failure = PROTOPOOL_EXHAUSTED;
    return slot;
}

PROTOPOOL_COLD void protopool_put_slow(struct protopool *pool, unsigned slot_class, void *slot)
{
    struct protopool_magazine *loaded, *previous;

    if (!is_alive(pool) || slot_class == 0)
        return;
    loaded = &pool->loaded[slot_class];
    previous = &pool->classes[slot_class].previous;
    note_peak(pool, slot_class);
    if (is_equipped(previous) && count_of(previous) == 0) {
        swap_magazines(pool, slot_class);
        *loaded->top++ = slot;
        restart_peak(pool, slot_class);
        return;
    }
    lock_store(pool);
    look_for_idle(pool);
    put_into_store(pool, slot_class, slot);
    restart_peak(pool, slot_class);
    unlock_store(pool);
}
