/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Counts of holders: where the count of a slot is, and how it changes.
 * A count is the number of holders besides the first: it is 0 in a free slot, and for a message that was never held. Slot sizes
 * without shared variants have no counts. The counts of the others lie below the first slot, and that of slot 0 on top.
 */

typedef uint16_t pp_count;

/* This many threads may call hold of a message with the most holders at once: each adds 1 before it subtracts it again. */
#define PP_COUNT_RESERVE (UINT16_MAX - (PROTOPOOL_MOST_HOLDERS - 1U))

static_assert(PP_COUNT_RESERVE >= 32768, "a count does not overflow");
static_assert(sizeof(pp_count) == PROTOPOOL_COUNT_BYTES_, "PROTOPOOL_HOLDERS_BYTES has room for each count");

/* What struct protopool_slabs has as holder_bytes. shared: see holders.h; NULL: no slot size is. */
static uint16_t pp_holder_bytes(const bool *shared, unsigned slot_class)
{
    return shared != NULL && shared[slot_class - 1] ? PROTOPOOL_COUNT_BYTES_ : 0;
}

/* first: slot 0. */
static pp_count *pp_count_at(unsigned char *first, size_t index)
{
    return (pp_count *)(void *)(first - PROTOPOOL_RED_ZONE_) - 1 - index;
}

/* The bytes of the counts of this number of slots. */
static inline size_t pp_counts_bytes(const struct protopool_slabs *slabs, uint32_t slots)
{
    return pp_round_up((size_t)slots * slabs->holder_bytes);
}

/* No slot of the slab has a message with several holders. */
static void pp_clear_holders(const struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    if (slabs->holder_bytes != 0)
        memset(pp_count_at(slab->first, slab->slots - 1), 0, (size_t)slab->slots * sizeof(pp_count));
}

/*
 * The order of memory. A holder that frees releases what it has read; the last one acquires that, whichever way it learns that it
 * is the last. So all reads of the message come before its slot is written again. A new holder needs no order: it has the
 * message from another one. Without atomics, the depot's lock guards the counts.
 */
#if !defined PROTOPOOL_NO_THREADS && defined __GCC_ATOMIC_SHORT_LOCK_FREE && __GCC_ATOMIC_SHORT_LOCK_FREE == 2
#define PP_LOCK_COUNTS(pool) ((void)(pool))
#define PP_UNLOCK_COUNTS(pool) ((void)(pool))

static uint32_t pp_read_count(const pp_count *count)
{
    return __atomic_load_n(count, __ATOMIC_ACQUIRE);
}

/* Returns the count as it was before. So does the next function. */
static uint32_t pp_add_to_count(pp_count *count)
{
    return __atomic_fetch_add(count, (pp_count)1, __ATOMIC_RELAXED);
}

static uint32_t pp_subtract_from_count(pp_count *count)
{
    return __atomic_fetch_sub(count, (pp_count)1, __ATOMIC_ACQ_REL);
}
#else
#define PP_LOCK_COUNTS(pool) pp_lock_store(pool)
#define PP_UNLOCK_COUNTS(pool) pp_unlock_store(pool)

static uint32_t pp_read_count(const pp_count *count)
{
    return *count;
}

static uint32_t pp_add_to_count(pp_count *count)
{
    return (*count)++;
}

static uint32_t pp_subtract_from_count(pp_count *count)
{
    return (*count)--;
}
#endif

/* Removes a holder. True if it was the last one; then the count is that of a free slot. */
static bool pp_remove_holder(pp_count *count)
{
    if (pp_read_count(count) == 0)
        return true;
    if (pp_subtract_from_count(count) != 0)
        return false;
    *count = 0; /* two were the last at the same moment, and this is the later one */
    return true;
}

/* Adds a holder. False if the message has the most holders already. */
static bool pp_add_holder(pp_count *count)
{
    if (PROTOPOOL_LIKELY(pp_add_to_count(count) < PROTOPOOL_MOST_HOLDERS - 1))
        return true;
    (void)pp_subtract_from_count(count);
    return false;
}
