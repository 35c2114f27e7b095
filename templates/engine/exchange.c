/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Full magazines go from pool to pool through the depot, in batches.
 * A pool that only frees leaves up to PP_BATCH_MAX full magazines at once. So it needs the lock less often, and fewer cache lines
 * that other cores have written.
 * Functions of a depot are called with its lock held.
 */

/* Whether the pool has joined a growing depot. Only such a pool exchanges magazines. */
static bool pp_exchanges(const struct protopool *pool)
{
    return pool->depot != NULL && pool->store->growth != NULL;
}

/* It lies behind the rest of a part. If the pool has no part: an empty element, which nothing writes to. */
static struct protopool_exchange *pp_exchange_of(const struct protopool *pool, unsigned c)
{
    static const struct protopool_exchange nothing;

    return pp_has_part(pool, c)
               ? (struct protopool_exchange *)(void *)(pool->parts[(c - 1) / PROTOPOOL_PART] + PROTOPOOL_PART)
                     + (c - 1) % PROTOPOOL_PART
               : (struct protopool_exchange *)PROTOPOOL_UNCONST(&nothing);
}

/* Adds an array to a batch. */
static void pp_push_array(struct protopool_arrays *batch, void **array)
{
    array[PP_NEXT] = batch->first;
    batch->first = array;
    batch->count++;
}

/* Takes an array from a batch that is not empty. */
static void **pp_pop_array(struct protopool_arrays *batch)
{
    void **const array = batch->first;
    batch->first = (void **)array[PP_NEXT];
    batch->count--;
    return array;
}

/* Moves a batch that is not empty to other batches. */
static void pp_push_batch(struct protopool_arrays *batches, struct protopool_arrays *batch)
{
    batch->first[PP_NEXT_BATCH] = batches->first;
    batch->first[PP_BATCH_COUNT] = (void *)(uintptr_t)batch->count;
    batches->first = batch->first;
    batches->count += batch->count;
    batch->first = NULL;
    batch->count = 0;
}

/* Takes a batch. It is empty if there is none. */
static struct protopool_arrays pp_pop_batch(struct protopool_arrays *batches)
{
    struct protopool_arrays batch = { batches->first, 0 };

    if (batch.first != NULL) {
        batch.count = (uint32_t)(uintptr_t)batch.first[PP_BATCH_COUNT];
        batches->first = (void **)batch.first[PP_NEXT_BATCH];
        batches->count -= batch.count;
    }
    return batch;
}

/* Puts the arrays of a batch back into their slabs. */
static void pp_return_arrays(struct protopool_store *store, struct protopool_arrays *batch)
{
    while (batch->count != 0) {
        void *const array = pp_pop_array(batch);
        pp_spill(store, pp_array_slabs(store), &array, 1);
    }
}

/* Spills the full magazines of a batch, and puts their arrays back. */
static void pp_spill_batch(struct protopool_store *store, unsigned c, struct protopool_arrays *batch)
{
    for (void **array = batch->first; array != NULL; array = (void **)array[PP_NEXT])
        pp_spill(store, &store->classes[c].slabs, array, store->classes[c].magazine);
    pp_return_arrays(store, batch);
}

/* Spills the depot's full magazines of a slot size. Free slots in them can keep an otherwise empty slab from being reused. */
static void pp_flush_depot_class(struct protopool_depot *depot, unsigned c)
{
    while (depot->classes[c].full.count != 0) {
        struct protopool_arrays batch = pp_pop_batch(&depot->classes[c].full);
        pp_spill_batch(depot->store, c, &batch);
    }
}

static void pp_flush_depot_magazines(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++)
        pp_flush_depot_class(depot, c);
}

/* Puts the depot's empty arrays back into their slabs. */
static void pp_return_empty_arrays(struct protopool_depot *depot)
{
    for (unsigned c = 1; c <= depot->store->geometry->count; c++) {
        while (depot->classes[c].empty.count != 0) {
            struct protopool_arrays batch = pp_pop_batch(&depot->classes[c].empty);
            pp_return_arrays(depot->store, &batch);
        }
    }
}

/* Gives the pool's empty arrays to the depot; if that has enough, to their slabs. */
static void pp_leave_empty_arrays(struct protopool *pool, unsigned c)
{
    struct protopool_arrays *const empty = &pp_exchange_of(pool, c)->empty;

    if (empty->count != 0 && pool->depot->classes[c].empty.count + empty->count <= PROTOPOOL_DEPOT_MAGAZINES)
        pp_push_batch(&pool->depot->classes[c].empty, empty);
    else
        pp_return_arrays(pool->store, empty);
}

/* Exchanges the empty loaded magazine for the next full one of the batch that the pool has. False if it has none. */
static bool pp_load_full_magazine(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    void **const empty = loaded->slots;

    if (pp_exchange_of(pool, c)->full.count == 0)
        return false;
    pp_set_array(loaded, pp_pop_array(&pp_exchange_of(pool, c)->full), (uint32_t)(loaded->end - empty));
    loaded->top = loaded->end;
    pp_push_array(&pp_exchange_of(pool, c)->empty, empty);
    return true;
}

/* Fetches a batch of full magazines from the depot and loads one. False if the depot has none. */
static bool pp_fetch_full_magazines(struct protopool *pool, unsigned c)
{
    if (pool->depot->classes[c].full.count == 0 || !pp_ensure_part(pool, c))
        return false;
    pp_exchange_of(pool, c)->batch = 0;
    pp_leave_empty_arrays(pool, c);
    pp_exchange_of(pool, c)->full = pp_pop_batch(&pool->depot->classes[c].full);
    return pp_load_full_magazine(pool, c);
}

/* Adds the full previous magazine to the pool's batch, and takes an empty array for it. */
static void pp_keep_previous(struct protopool *pool, unsigned c)
{
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);
    struct protopool_magazine *const previous = &pp_class(pool, c)->previous;
    const uint32_t capacity = (uint32_t)(previous->end - previous->slots);

    pp_push_array(&exchange->full, previous->slots);
    pp_set_array(previous, pp_pop_array(&exchange->empty), capacity);
}

/* Whether the pool leaves its batch, with the full previous magazine, in the depot. */
static bool pp_is_batch_complete(const struct protopool_exchange *exchange)
{
    return exchange->full.count + 1 >= exchange->batch;
}

/* Empties the full previous magazine without the depot: it becomes part of a batch. False if that is complete, or if there is
 * no empty array. */
static bool pp_keep_full_magazine(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine *const previous = &pp_class(pool, c)->previous;

    if (previous->top != previous->end || pp_exchange_of(pool, c)->empty.count == 0
        || pp_is_batch_complete(pp_exchange_of(pool, c)))
        return false;
    pp_keep_previous(pool, c);
    return true;
}

/* Makes sure that the pool has an empty array: from the depot, or a new one. False if there is no memory. */
static bool pp_ensure_empty_array(struct protopool *pool, unsigned c)
{
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);
    struct protopool_magazine fresh = { 0 };

    if (exchange->empty.count == 0)
        exchange->empty = pp_pop_batch(&pool->depot->classes[c].empty);
    if (exchange->empty.count != 0)
        return true;
    if (!pp_ensure_array(pool, c, &fresh))
        return false;
    pp_push_array(&exchange->empty, fresh.slots);
    return true;
}

/* Spills a full magazine of the pool's batch, if it has one. */
static void pp_spill_of_batch(struct protopool *pool, unsigned c)
{
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);

    if (exchange->full.count != 0) {
        void **const array = pp_pop_array(&exchange->full);
        pp_spill(pool->store, &pool->store->classes[c].slabs, array, pool->store->classes[c].magazine);
        pp_push_array(&exchange->empty, array);
    }
}

/*
 * Empties the full previous magazine: leaves it in the depot with the pool's batch. The more often the pool does so without
 * fetching, the larger its next batch. False if the depot has no room, or there is no array. If it has no room, no pool fetches
 * what this one frees; then the pool keeps no batch either, since its slots would keep slabs from being reused.
 */
static bool pp_leave_full_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine *const previous = &pp_class(pool, c)->previous;
    struct protopool_exchange *const exchange = pp_exchange_of(pool, c);

    if (previous->top != previous->end || !pp_ensure_empty_array(pool, c))
        return false;
    if (pp_is_batch_complete(exchange)) {
        if (pool->depot->classes[c].full.count + exchange->full.count + 1 > PROTOPOOL_DEPOT_MAGAZINES) {
            exchange->batch = 0;
            pp_spill_of_batch(pool, c);
            return false;
        }
        pp_keep_previous(pool, c);
        pp_push_batch(&pool->depot->classes[c].full, &exchange->full);
        exchange->batch = PROTOPOOL_MIN_(exchange->batch == 0 ? 2 : 2 * exchange->batch, PP_BATCH_MAX);
    } else {
        pp_keep_previous(pool, c);
    }
    return true;
}

/* Spills the full magazines that the pool has of a slot size besides the loaded and the previous one. */
static void pp_spill_exchange(struct protopool *pool, unsigned c)
{
    pp_spill_batch(pool->store, c, &pp_exchange_of(pool, c)->full);
    pp_return_arrays(pool->store, &pp_exchange_of(pool, c)->empty);
}

/* How many slots these magazines have. */
static size_t pp_exchange_count(const struct protopool *pool, unsigned c)
{
    return !pp_exchanges(pool) ? 0 : (size_t)pp_exchange_of(pool, c)->full.count * pool->store->classes[c].magazine;
}
