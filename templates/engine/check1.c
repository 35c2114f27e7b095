/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Level 1, for production: a freed message has a tag of its own. The emitted functions set it on free, and look for it on
 * free and on allocation. This part sets it in the slots of a new slab, and looks at spilled slots.
 * The first half is what level 2 has too: whether a pool is alive, and the names of messages in reports.
 */

#if PROTOPOOL_CHECK >= 1
/* Adds to a report what is known of the message and its slot; at level 1 nothing. The store is NULL if it is not known. */
static void pp_describe(const struct protopool_store *store, const void *msg, struct pp_report *report);

PROTOPOOL_COLD void protopool_report_fault(enum protopool_fault code, const struct protopool *pool, const void *pointer)
{
    pp_report_fault_at(code, pool, pointer, pp_site_of(NULL));
}

/* pp_is_alive, for an operation on `msg`, or on the variant of this name. msg and name may be NULL. If its init or join
 * has failed, the pool is not alive, but its use is no fault. */
static bool pp_is_alive_for(const struct protopool *pool, const void *msg, const char *name)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_NOT_ALIVE, .pool = pool, .pointer = msg, .name = name };

    if (PROTOPOOL_LIKELY(pool->alive == PROTOPOOL_ALIVE_))
        return true;
    if (pool->alive == PROTOPOOL_FAILED_)
        return false;
    report.here = pp_site_of(pool);
    if (msg != NULL)
        pp_describe(NULL, msg, &report);
    pp_report_fault(&report);
    return false;
}

static bool pp_is_alive(const struct protopool *pool)
{
    return pp_is_alive_for(pool, NULL, NULL);
}

static void pp_set_state(struct protopool *pool, uint32_t state)
{
    pool->alive = state;
}

static enum protopool_failure pp_failure_of_dead(const struct protopool *pool)
{
    return pool->alive == PROTOPOOL_FAILED_ ? PROTOPOOL_EXHAUSTED : PROTOPOOL_FAULTED;
}

static void pp_set_message_bytes(struct protopool_slabs *slabs, size_t bytes)
{
    slabs->message_bytes = bytes;
}

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_message(const struct pp_report *report)
{
    if (report->readable != NULL)
        (void)report->geometry->messages->print(stderr, report->readable);
    else if (report->name != NULL)
        (void)fprintf(stderr, "%s", report->name);
    if (report->readable != NULL || report->name != NULL)
        (void)fputs(", ", stderr);
}
#endif
#endif

#if PROTOPOOL_CHECK == 1
static void pp_describe(const struct protopool_store *store, const void *msg, struct pp_report *report)
{
    (void)store;
    (void)msg;
    (void)report;
}

static bool pp_start_operation(struct protopool *pool)
{
    return pp_is_alive(pool);
}

static void pp_finish_operation(struct protopool *pool)
{
    (void)pool;
}

static void pp_set_tag(void *slot, const struct protopool_messages *messages, uint32_t tag)
{
    const uint16_t wide = (uint16_t)tag;
    if (messages->tag_bytes == 1)
        *(unsigned char *)slot = (unsigned char)tag;
    else if (messages->tag_bytes == 2)
        memcpy(slot, &wide, sizeof wide);
    else
        memcpy(slot, &tag, sizeof tag);
}

static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab)
{
    slab->owner = slabs;
    pp_reset_slab(store, slabs, slab);
}

static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab)
{
    const struct protopool_messages *const messages = store->geometry->messages;

    if (slabs->slot_class != 0)
        for (uint32_t i = 0; i < slab->slots; i++)
            pp_set_tag(slab->first + i * slabs->slot_bytes, messages, messages->freed_tag);
}

/* Whether the slot, which is in none of these slabs, belongs to another pool, as far as level 1 can know. */
static bool pp_is_of_another_pool(const struct protopool_store *store, const struct protopool_slabs *slabs,
                                  const struct protopool_slab *slab, const void *slot)
{
    if (slabs->fixed == NULL)
        return slab->owner != slabs && slab->slot_class == slabs->slot_class;
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slab *const fixed = store->classes[c].slabs.fixed;
        if (fixed != NULL
            && (uintptr_t)slot - (uintptr_t)fixed->first < fixed->slots * store->classes[c].slabs.slot_bytes)
            return false;
    }
    return true;
}

static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    enum protopool_fault code = PROTOPOOL_FAULT_BAD_TAG;

    if (slab != NULL && slab->owner == slabs && index < slab->slots
        && slab->first + index * slabs->slot_bytes == slot) {
        if ((pp_bitmap(slab)[index / PP_WORD_BITS] >> index % PP_WORD_BITS & 1) == 0)
            return true;
        code = PROTOPOOL_FAULT_DOUBLE_FREE;
    } else if (slab != NULL && pp_is_of_another_pool(store, slabs, slab, slot)) {
        code = PROTOPOOL_FAULT_WRONG_POOL;
    }
    pp_report_fault_at(code, NULL, slot, pp_site_of(NULL));
    return false;
}

bool protopool_serves(const struct protopool *pool, unsigned slot_class, const void *slot, size_t bytes)
{
    const struct protopool_slabs *const slabs = &pool->store->classes[slot_class].slabs;
    return bytes <= slabs->message_bytes && pp_slab_of(slabs, slot)->owner == slabs;
}

static void pp_reset_peak(struct protopool_magazine *magazine)
{
    magazine->lowest = magazine->top;
}

/* For a pool on its own: the number of slots that are outside the store and not in its magazines changes only between two
 * calls of this, and `lowest` says how empty the loaded magazine was in between. */
static void pp_note_peak(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_store_class *const store_class = &pool->store->classes[c];
    if (pool->depot == NULL) {
        const size_t lowest = pp_has_array(loaded) ? (size_t)(loaded->lowest - loaded->slots) : 0;
        const size_t live =
            pp_slots_outside(pool->store, NULL, c) - pp_magazine_count(&pp_class(pool, c)->previous) - lowest;
        if (live > store_class->peak)
            store_class->peak = live;
    }
    loaded->lowest = loaded->top;
}

static void pp_restart_peak(struct protopool *pool, unsigned c)
{
    pp_reset_peak(&pool->loaded[c]);
    pp_note_peak(pool, c);
}

static bool pp_has_exact_peak(const struct protopool *pool)
{
    return pool->depot == NULL;
}
#endif
