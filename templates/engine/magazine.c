/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Magazines: a pool's stacks of free slots.
 * A magazine has an array of its slot size's capacity, or none. The loaded magazines are in the struct of the pool. All other
 * data per slot size are in parts. A pool takes a part from its store when it first uses one of the part's slot sizes: a
 * protocol can have many more slot sizes than a pool uses.
 */

static bool pp_has_part(const struct protopool *pool, unsigned c)
{
    return pool->parts[(c - 1) / PROTOPOOL_PART] != NULL;
}

/* The pool's data of the slot size. If the pool has no part for it: an empty element, which nothing writes to. */
static struct protopool_pool_class *pp_class(const struct protopool *pool, unsigned c)
{
    static const struct protopool_pool_class nothing;

    return pp_has_part(pool, c) ? &pool->parts[(c - 1) / PROTOPOOL_PART][(c - 1) % PROTOPOOL_PART]
                                : (struct protopool_pool_class *)PROTOPOOL_UNCONST(&nothing);
}

static bool pp_has_array(const struct protopool_magazine *magazine)
{
    return magazine->slots != magazine->end;
}

static uint32_t pp_magazine_count(const struct protopool_magazine *magazine)
{
    return pp_has_array(magazine) ? (uint32_t)(magazine->top - magazine->slots) : 0;
}

/* Gives the magazine an empty array for `capacity` slots. If that is 0, it has none. */
static void pp_set_array(struct protopool_magazine *magazine, void **slots, uint32_t capacity)
{
    magazine->top = magazine->slots = slots;
    magazine->end = slots + capacity;
    pp_reset_peak(magazine);
}

/* How many slots are neither in slabs nor in the depot's magazines: they are live or in the magazines of pools. */
static size_t pp_slots_outside(const struct protopool_store *store, const struct protopool_depot *depot, unsigned c)
{
    const struct protopool_store_class *const store_class = &store->classes[c];
    const size_t in_depot = depot != NULL ? (size_t)depot->classes[c].full.count * store_class->magazine : 0;
    return store_class->slabs.slots - store_class->slabs.free_in_slabs - in_depot;
}

static void pp_note_all_peaks(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        pp_note_peak(pool, c);
}

/* Puts the slots of a magazine into their slabs. */
static void pp_spill_magazine(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    pp_note_peak(pool, c);
    pp_spill(pool->store, &pool->store->classes[c].slabs, magazine->slots, pp_magazine_count(magazine));
    magazine->top = magazine->slots;
    pp_restart_peak(pool, c);
}

static bool pp_exchanges(const struct protopool *pool);

/* Puts the slots of all magazines of the slot size into their slabs. */
static void pp_spill_class(struct protopool *pool, unsigned c)
{
    pp_spill_magazine(pool, c, &pool->loaded[c]);
    if (!pp_has_part(pool, c))
        return;
    pp_spill_magazine(pool, c, &pp_class(pool, c)->previous);
    if (pp_exchanges(pool))
        pool->store->growth->calls->spill_exchange(pool, c);
}

static void pp_flush_magazines(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->store->geometry->count; c++)
        pp_spill_class(pool, c);
}

/* An array of the slabs of arrays. NULL if there is no memory. Other pools of a depot may change the store meanwhile: so a pool
 * gets its arrays first, and then exchanges magazines. */
static void **pp_take_array(struct protopool_store *store)
{
    struct protopool_slabs *const arrays = pp_array_slabs(store);

    return arrays->partial != NULL || (store->growth != NULL && store->growth->calls->grow(store, arrays))
                   || arrays->partial != NULL /* another pool may have put some back meanwhile */
               ? (void **)pp_take_one(arrays)
               : NULL;
}

/* Gives the magazine an array if it has none. False if there is no memory for it, or if the slot size has no magazines. */
static bool pp_ensure_array(struct protopool *pool, unsigned c, struct protopool_magazine *magazine)
{
    void **array;

    if (pp_has_array(magazine))
        return true;
    if (pool->store->classes[c].magazine == 0) /* large slots, or no budget */
        return false;
    array = pp_take_array(pool->store);
    if (array != NULL)
        pp_set_array(magazine, array, pool->store->classes[c].magazine);
    return array != NULL;
}

static bool pp_has_free_part(const struct protopool_store *store)
{
    return store->unused_parts != NULL || store->new_part_count != 0;
}

/* Parts of fixed memory are there from the beginning. A growing store cuts them from an array. False if there is no memory. */
static bool pp_add_parts(struct protopool_store *store)
{
    void *const array = store->growth != NULL ? pp_take_array(store) : NULL;

    if (pp_has_free_part(store)) { /* another pool has added some meanwhile */
        if (array != NULL)
            pp_spill(store, pp_array_slabs(store), &array, 1);
        return true;
    }
    if (array == NULL)
        return false;
    store->new_parts = (unsigned char *)array;
    store->new_part_count = (uint32_t)pp_array_slabs(store)->slot_bytes / store->part_bytes;
    return true;
}

/* An empty part. NULL if there is no memory. */
static struct protopool_pool_class *pp_take_part(struct protopool_store *store)
{
    struct protopool_pool_class *part;

    if (!pp_has_free_part(store) && !pp_add_parts(store))
        return NULL;
    part = store->unused_parts;
    if (part != NULL) {
        store->unused_parts = (struct protopool_pool_class *)(void *)part->previous.top;
    } else {
        part = (struct protopool_pool_class *)(void *)store->new_parts;
        store->new_parts += store->part_bytes;
        store->new_part_count--;
    }
    return (struct protopool_pool_class *)memset(part, 0, store->part_bytes);
}

/* Gives the pool its part for the slot size. False if there is no memory. */
static bool pp_ensure_part(struct protopool *pool, unsigned c)
{
    if (!pp_has_part(pool, c))
        pool->parts[(c - 1) / PROTOPOOL_PART] = pp_take_part(pool->store);
    return pp_has_part(pool, c);
}

/* Whether an array begins with this part. */
static bool pp_begins_array(struct protopool_store *store, const struct protopool_pool_class *part)
{
    const struct protopool_slabs *const arrays = pp_array_slabs(store);
    const struct protopool_slab *const slab = pp_slab_of(arrays, part);

    return (size_t)((const unsigned char *)part - slab->first) % arrays->slot_bytes == 0;
}

/* Puts the arrays that parts are cut from back into their slabs, when no pool has a part. */
static void pp_return_arrays_of_parts(struct protopool_store *store)
{
    struct protopool_pool_class *part = store->unused_parts, *first_parts = NULL, *next;

    for (; part != NULL; part = next) {
        next = (struct protopool_pool_class *)(void *)part->previous.top;
        if (pp_begins_array(store, part)) {
            part->previous.top = (void **)(void *)first_parts;
            first_parts = part;
        }
    }
    for (part = first_parts; part != NULL; part = next) {
        void *const array = part;
        next = (struct protopool_pool_class *)(void *)part->previous.top;
        pp_spill(store, pp_array_slabs(store), &array, 1);
    }
    store->unused_parts = NULL;
    store->new_part_count = 0;
}

/* pp_ensure_array for the loaded magazine, which needs no part. */
static bool pp_ensure_loaded(struct protopool *pool, unsigned c)
{
    if (pp_has_array(&pool->loaded[c]))
        return true;
    if (!pp_ensure_array(pool, c, &pool->loaded[c]))
        return false;
    (void)pp_ensure_part(pool, c);
    return true;
}

/* pp_ensure_array for the previous magazine. */
static bool pp_ensure_previous(struct protopool *pool, unsigned c)
{
    return pp_ensure_part(pool, c) && pp_ensure_array(pool, c, &pp_class(pool, c)->previous);
}

static void pp_swap_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine loaded = pool->loaded[c];
    pool->loaded[c] = pp_class(pool, c)->previous;
    pp_class(pool, c)->previous = loaded;
}
