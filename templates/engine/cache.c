/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Between a pool's magazines and the store: refilling, spilling, and looking for idle magazines.
 * Functions named from_store or into_store are called with the store locked.
 */

/* Spills the magazines of the slot size if their counts have not changed since the last look. Free slots in them can keep an
 * otherwise empty slab from being reused. */
static void pp_flush_if_idle(struct protopool *pool, unsigned c)
{
    struct protopool_pool_class *const pool_class = pp_class(pool, c);

    if (!pp_has_part(pool, c)) { /* it was not used, or there is no memory to note a count */
        pp_spill_magazine(pool, c, &pool->loaded[c]);
        return;
    }
    if (pool_class->seen_loaded == pp_magazine_count(&pool->loaded[c])
        && pool_class->seen_previous == pp_magazine_count(&pool_class->previous)) {
        pp_spill_class(pool, c);
    }
    pool_class->seen_loaded = (uint16_t)pp_magazine_count(&pool->loaded[c]);
    pool_class->seen_previous = (uint16_t)pp_magazine_count(&pool_class->previous);
}

/*
 * The slot class whose turn it is at this visit, or 0 for none. Each slot class has one turn in `period` visits. If there are
 * more slot sizes than that, it has one turn in as many visits as there are slot sizes. So no single call spills the
 * magazines of more than one slot size.
 */
static unsigned pp_turn(const struct protopool *pool, uint32_t visit, uint32_t period)
{
    const uint32_t count = pool->store->geometry->count;
    const uint32_t turn = visit % (count > period ? count : period);
    return turn < count ? turn + 1 : 0;
}

/*
 * The grow_for of a growing store. Before it grows, it looks for idle magazines of one slot size. It does not look at all of
 * them each time: a magazine can be in use although its count has not changed. And if another slot size took each slab as
 * soon as it is free, a pool with few live messages would never settle. Between two looks at a slot size, each other one can
 * get a slab.
 */
static bool pp_grow_after_flush(struct protopool *pool, struct protopool_slabs *slabs)
{
    unsigned idle = 0;

    if (!pp_can_grow(slabs))
        return false;
    if (pp_has_own_blocks(slabs))
        idle = pp_turn(pool, ++pool->store_visits, PP_IDLE_PERIOD);
    else if (!pp_has_spare(pool->store, pp_slab_order(slabs)))
        idle = pp_turn(pool, ++pool->growths, PP_FLUSH_PERIOD_MIN);
    if (idle != 0) {
        pp_flush_if_idle(pool, idle);
        if (pool->depot != NULL)
            pp_flush_depot_class(pool->depot, idle);
    }
    return pp_grow(pool->store, slabs);
}

/* Adds a slab for the slot size. False if there is no memory for it. Before that, idle magazines of some slot size are spilled, so
 * any magazine of the pool may change. */
static bool pp_grow_for(struct protopool *pool, struct protopool_slabs *slabs)
{
    return pool->store->growth != NULL && pool->store->growth->calls->grow_for(pool, slabs);
}

/* Makes sure that the slabs of the slot size have a free slot. False if there is no memory. */
static bool pp_ensure_free_slots(struct protopool *pool, struct protopool_slabs *slabs)
{
    return slabs->partial != NULL || pp_grow_for(pool, slabs)
           || slabs->partial != NULL; /* another pool may have put some back meanwhile */
}

/* How many slots are live. With a depot, free slots in the magazines of other pools are counted too. */
static size_t pp_live_slots(const struct protopool *pool, unsigned c)
{
    return pp_slots_outside(pool->store, pool->depot, c) - pp_magazine_count(&pool->loaded[c])
           - pp_magazine_count(&pp_class(pool, c)->previous) - pp_exchange_count(pool, c);
}

/*
 * How many slots to take from slabs at once. A pool that has joined a growing depot takes about a whole magazine: so
 * neighbouring slots, in the same cache line, belong to one thread. Others take a quarter of the number of live slots, but at
 * most a whole magazine: so the peaks of small pools are nearly exact, and a refill is short.
 */
static uint32_t pp_slots_to_refill(bool is_whole, size_t live, size_t capacity)
{
    return (uint32_t)(!is_whole && live / 4 < capacity ? live / 4 + (live < 4) : capacity);
}

/*
 * Puts the last slots of a refill back if they share a pair of cache lines with the slot behind them, which another pool may
 * take. Puts back at most half of the refill. Keeps all if no slot in that half ends where a pair ends, or if the slots are not
 * neighbours.
 */
static void pp_end_with_lines(struct protopool_store *store, struct protopool_slabs *slabs,
                              struct protopool_magazine *loaded)
{
    void **const slots = loaded->slots; /* the highest first */
    const uint32_t count = pp_magazine_count(loaded);

    for (uint32_t back = 0; back < count - count / 2; back++) {
        const uintptr_t end = (uintptr_t)slots[back] + slabs->slot_bytes;
        if (back != 0 && end != (uintptr_t)slots[back - 1])
            return;
        if (end % PP_PAIR_OF_LINES == 0) {
            pp_spill(store, slabs, slots, back);
            for (uint32_t i = back; i < count; i++)
                slots[i - back] = slots[i];
            loaded->top -= back;
            return;
        }
    }
}

/* Refills the empty loaded magazine from slabs, with the lowest address on top. It takes a new slab only for the first slot. */
static bool pp_refill(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;
    const bool is_whole = pool->depot != NULL && pool->store->growth != NULL;
    const size_t most = pp_slots_to_refill(is_whole, pp_live_slots(pool, c), (size_t)(loaded->end - loaded->slots));

    if (!pp_ensure_free_slots(pool, slabs))
        return false;
    loaded->top += pp_take_from_partial(slabs, loaded->slots, most);
    if (is_whole)
        pp_end_with_lines(pool->store, slabs, loaded);
    return true;
}

/* Takes a slot from a slab, if there is no magazine. NULL if there is no memory. */
static void *pp_take_from_slabs(struct protopool *pool, unsigned c)
{
    struct protopool_slabs *const slabs = &pool->store->classes[c].slabs;

    return pp_ensure_free_slots(pool, slabs) ? pp_take_one(slabs) : NULL;
}

/*
 * Takes a slot from the depot's magazines or from slabs. NULL if there is no memory. The number of slots outside the store
 * can reach a new peak only when slabs give some. They do so when the depot has no full magazine.
 */
static void *pp_take_from_store(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    void *slot = NULL;

    if (pp_ensure_loaded(pool, c)) {
        if (pp_exchanges(pool)
            && (pool->store->growth->calls->load_full(pool, c) || pool->store->growth->calls->fetch_full(pool, c)))
            return *--loaded->top;
        if (pp_refill(pool, c))
            slot = *--loaded->top;
    } else {
        slot = pp_take_from_slabs(pool, c);
    }
    if (slot == NULL)
        store_class->failures++;
    if (!pp_has_exact_peak(pool)) {
        const size_t out =
            pp_slots_outside(pool->store, pool->depot, c) - pp_magazine_count(&pp_class(pool, c)->previous);
        if (out > store_class->peak)
            store_class->peak = out;
    }
    return slot;
}

/* Makes room in the loaded magazine and puts the slot there; into its slab, if the magazine can have no array. */
static void pp_put_into_store(struct protopool *pool, unsigned c, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];

    if (!pp_ensure_loaded(pool, c)) {
        pp_spill(pool->store, &pool->store->classes[c].slabs, &slot, 1);
        return;
    }
    if (loaded->top == loaded->end) {
        if (!pp_ensure_previous(pool, c)) {
            pp_spill_magazine(pool, c, loaded); /* there is no second array, and a free never fails */
        } else {
            struct protopool_magazine *const previous = &pp_class(pool, c)->previous;
            if (pp_magazine_count(previous) != 0
                && !(pp_exchanges(pool) && pool->store->growth->calls->leave_full(pool, c)))
                pp_spill_magazine(pool, c, previous);
            pp_swap_magazines(pool, c);
        }
    }
    PROTOPOOL_ASSUME(loaded->top != NULL); /* both have arrays */
    *loaded->top++ = slot;
}

/* The slot class whose idle magazines a joined pool looks for now; 0: none. A pool that only frees never grows, so it looks here.
 * It leaves out class c, which is in use, although its counts are often the same at such a moment. */
static unsigned pp_class_to_look_at(struct protopool *pool, unsigned c)
{
    const unsigned turn = pool->depot != NULL ? pp_turn(pool, ++pool->store_visits, PP_IDLE_PERIOD) : 0;
    return turn != c ? turn : 0;
}

/* The `take` of a store with slabs. */
static void *pp_take_with_slabs(struct protopool *pool, unsigned slot_class)
{
    struct protopool_magazine *const loaded = &pool->loaded[slot_class];
    void *slot;
    unsigned idle;

    pp_note_peak(pool, slot_class);
    if (pp_magazine_count(&pp_class(pool, slot_class)->previous) != 0) {
        pp_swap_magazines(pool, slot_class);
        slot = *--loaded->top;
        pp_restart_peak(pool, slot_class);
        return slot;
    }
    idle = pp_class_to_look_at(pool, slot_class);
    if (idle == 0 && pp_exchanges(pool) && pool->store->growth->calls->load_full(pool, slot_class))
        return *--loaded->top;
    pp_lock_store(pool);
    if (idle != 0)
        pp_flush_if_idle(pool, idle);
    slot = pp_take_from_store(pool, slot_class);
    pp_restart_peak(pool, slot_class);
    pp_unlock_store(pool);
    if (slot == NULL)
        pool->failure = PROTOPOOL_EXHAUSTED;
    return slot;
}

/* The `put` of a store with slabs. */
static void pp_put_with_slabs(struct protopool *pool, unsigned slot_class, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[slot_class];
    struct protopool_magazine *const previous = &pp_class(pool, slot_class)->previous;
    unsigned idle;

    pp_note_peak(pool, slot_class);
    if (pp_has_array(previous) && pp_magazine_count(previous) == 0) {
        pp_swap_magazines(pool, slot_class);
        *loaded->top++ = slot;
        pp_restart_peak(pool, slot_class);
        return;
    }
    idle = pp_class_to_look_at(pool, slot_class);
    if (idle == 0 && pp_exchanges(pool) && pool->store->growth->calls->keep_full(pool, slot_class)) {
        pp_swap_magazines(pool, slot_class);
        *loaded->top++ = slot;
        return;
    }
    pp_lock_store(pool);
    if (idle != 0)
        pp_flush_if_idle(pool, idle);
    pp_put_into_store(pool, slot_class, slot);
    pp_restart_peak(pool, slot_class);
    pp_unlock_store(pool);
}

static const struct protopool_kind pp_with_slabs = { .take = pp_take_with_slabs, .put = pp_put_with_slabs };

PROTOPOOL_COLD void *protopool_take_slow(struct protopool *pool, unsigned slot_class)
{
    if (!pp_is_alive(pool)) {
        pool->failure = (uint8_t)pp_failure_of_dead(pool);
        return NULL;
    }
    return slot_class != 0 ? pool->store->kind->take(pool, slot_class) : NULL;
}

PROTOPOOL_COLD void protopool_put_slow(struct protopool *pool, const struct protopool_magazine *loaded, void *slot)
{
    const unsigned slot_class = pool->loaded != NULL ? (unsigned)(loaded - pool->loaded) : 0;

    if (pp_is_alive(pool) && slot_class != 0)
        pool->store->kind->put(pool, slot_class, slot);
}

void *protopool_take_called(struct protopool *pool, unsigned slot_class)
{
    return pool->loaded != NULL ? protopool_take(pool, &pool->loaded[slot_class], slot_class)
                                : protopool_take_slow(pool, slot_class);
}
