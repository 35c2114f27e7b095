/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The hooks of the build levels: what a level adds to each step of the allocator.
 * The allocator calls each hook at every level. At level 0 they are empty, and defined below; check1.c and check2.c define
 * those of levels 1 and 2.
 */

struct pp_report;

/* Operations. A pool may be used if its init or join has succeeded and it has not ended. If it may not, pp_is_alive reports that.
 * pp_start_operation also marks the pool as busy until pp_finish_operation. */
static bool pp_is_alive(const struct protopool *pool);
static bool pp_start_operation(struct protopool *pool);
static void pp_finish_operation(struct protopool *pool);
static void pp_set_state(struct protopool *pool, uint32_t state);

/* Why nothing is allocated from a pool that is not alive. */
static enum protopool_failure pp_failure_of_dead(const struct protopool *pool);

/* Where the program called the operation that runs. The pool may be NULL. */
static struct protopool_site pp_site_of(const struct protopool *pool);

/* Stores. pp_note_store is called before a store's first use, pp_forget_store before its memory is given back. */
static void pp_note_store(struct protopool_store *store, union protopool_lock *lock);
static void pp_forget_store(struct protopool_store *store);

/* Slabs. pp_has_room_for_slab is called before memory is taken for a slab: false if the level cannot note another one.
 * pp_note_slab is called for a new slab, pp_reset_slab when all slots of a slab become free at once, and pp_forget_slab
 * before a slab goes to another slot size or to the source. */
static size_t pp_record_bytes(const struct protopool_slabs *slabs);
static void pp_set_message_bytes(struct protopool_slabs *slabs, size_t bytes);
static bool pp_has_room_for_slab(struct protopool_store *store, const struct protopool_slabs *slabs);
static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab);
static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab);
static void pp_forget_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                           struct protopool_slab *slab);

/* Whether the slot may return to the slab at this index; if not, that is reported. The slab is NULL if a fixed pool has no
 * slots of this size. Where PP_SPILLS_SINGLY is true, each slot returns before the next one is asked for. */
static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index);
#define PP_SPILLS_SINGLY (PROTOPOOL_CHECK == 1)

/* Peaks. pp_note_peak is called before a pool's magazines of a slot size change in another way than by the inline take and
 * put, pp_restart_peak afterwards. pp_has_exact_peak says whether the level counts the peak by itself. */
static void pp_reset_peak(struct protopool_magazine *magazine);
static void pp_note_peak(struct protopool *pool, unsigned c);
static void pp_restart_peak(struct protopool *pool, unsigned c);
static bool pp_has_exact_peak(const struct protopool *pool);

/* How many slots are live: `counted`, unless the level counts them one by one. */
static size_t pp_exact_live(const struct protopool_store *store, unsigned c, size_t counted);
static void pp_reset_live(struct protopool_store *store, unsigned c);

/* Reports what is live in a store whose magazines are flushed. The owner is the pool or the depot that ends. */
static void pp_report_leaks(struct protopool_store *store, const void *owner);

#ifndef PROTOPOOL_NO_STDIO
/* Prints the message that a report is about, as far as it is known, and a comma. */
static void pp_print_message(const struct pp_report *report);
#endif

#if PROTOPOOL_CHECK == 0
static bool pp_is_alive(const struct protopool *pool)
{
    return pool->store != NULL;
}

static bool pp_start_operation(struct protopool *pool)
{
    return pp_is_alive(pool);
}

static void pp_finish_operation(struct protopool *pool)
{
    (void)pool;
}

static void pp_set_state(struct protopool *pool, uint32_t state)
{
    (void)pool;
    (void)state;
}

static enum protopool_failure pp_failure_of_dead(const struct protopool *pool)
{
    (void)pool;
    return PROTOPOOL_EXHAUSTED;
}

static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    (void)store;
    (void)slabs;
    (void)slab;
    (void)slot;
    (void)index;
    return true;
}

static void pp_set_message_bytes(struct protopool_slabs *slabs, size_t bytes)
{
    (void)slabs;
    (void)bytes;
}

static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab)
{
    (void)store;
    (void)slabs;
    (void)slab;
}

static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab)
{
    (void)store;
    (void)slabs;
    (void)slab;
}

static bool pp_has_exact_peak(const struct protopool *pool)
{
    (void)pool;
    return false;
}

static void pp_report_leaks(struct protopool_store *store, const void *owner)
{
    (void)store;
    (void)owner;
}

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_message(const struct pp_report *report)
{
    (void)report;
}
#endif
#endif

#if PROTOPOOL_CHECK != 1
static void pp_reset_peak(struct protopool_magazine *magazine)
{
    (void)magazine;
}

static void pp_note_peak(struct protopool *pool, unsigned c)
{
    (void)pool;
    (void)c;
}

static void pp_restart_peak(struct protopool *pool, unsigned c)
{
    (void)pool;
    (void)c;
}
#endif

#if PROTOPOOL_CHECK != 2
static struct protopool_site pp_site_of(const struct protopool *pool)
{
    const struct protopool_site unknown = { NULL, 0 };
    (void)pool;
    return unknown;
}

static void pp_note_store(struct protopool_store *store, union protopool_lock *lock)
{
    (void)store;
    (void)lock;
}

static void pp_forget_store(struct protopool_store *store)
{
    (void)store;
}

static size_t pp_record_bytes(const struct protopool_slabs *slabs)
{
    (void)slabs;
    return 0;
}

static bool pp_has_room_for_slab(struct protopool_store *store, const struct protopool_slabs *slabs)
{
    (void)store;
    (void)slabs;
    return true;
}

static void pp_forget_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                           struct protopool_slab *slab)
{
    (void)store;
    (void)slabs;
    (void)slab;
}

static size_t pp_exact_live(const struct protopool_store *store, unsigned c, size_t counted)
{
    (void)store;
    (void)c;
    return counted;
}

static void pp_reset_live(struct protopool_store *store, unsigned c)
{
    (void)store;
    (void)c;
}
#endif
