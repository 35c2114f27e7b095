/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Level 2, for debugging: every pointer is looked up before it is used.
 * Each slot has a record outside it: its state, and who allocated and freed it. types.h has the record and the red zones.
 */

#if PROTOPOOL_CHECK == 2
enum { PP_SLOT_UNUSED, PP_SLOT_LIVE, PP_SLOT_FREED, PP_SLOT_UNKNOWN };

/* An allocation checks that the free slot still has PP_FREE_FILL. A free checks the red zones, and PP_FREE_FILL behind a
 * message that is shorter than its slot. */
#define PP_FREE_FILL 0xdb     /* a free slot */
#define PP_RED_ZONE_FILL 0xfd /* between slots */

static struct protopool_slot_record *pp_record_of(struct protopool_slab *slab, uint32_t index)
{
    return (struct protopool_slot_record *)(void *)(pp_bitmap(slab) + pp_map_words(slab->slots)) + index;
}

static size_t pp_zone_bytes(const struct protopool_slabs *slabs)
{
    return slabs->slot_bytes - slabs->message_bytes;
}

static bool pp_is_filled(const unsigned char *bytes, size_t count, unsigned char fill)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != fill)
            return false;
    return true;
}

/* Marks for ASan and valgrind. The bytes of a message are accessible while it is live, and undefined at first. The engine makes
 * other bytes of slots accessible only while it uses them. */
static void pp_mark_inaccessible(const void *at, size_t bytes)
{
#ifdef PP_HAS_ASAN
    __asan_poison_memory_region(at, bytes);
#endif
#ifdef PP_HAS_VALGRIND
    VALGRIND_MAKE_MEM_NOACCESS(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

static void pp_mark_accessible(const void *at, size_t bytes)
{
#ifdef PP_HAS_ASAN
    __asan_unpoison_memory_region(at, bytes);
#endif
#ifdef PP_HAS_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

static void pp_mark_allocated(const struct protopool_store *store, const void *msg, size_t bytes)
{
#ifdef PP_HAS_ASAN
    __asan_unpoison_memory_region(msg, bytes);
#endif
#ifdef PP_HAS_VALGRIND
    VALGRIND_MEMPOOL_ALLOC(store, msg, bytes);
#endif
    (void)store;
    (void)msg;
    (void)bytes;
}

static void pp_mark_freed(const struct protopool_store *store, const void *msg, size_t bytes)
{
#ifdef PP_HAS_VALGRIND
    VALGRIND_MEMPOOL_FREE(store, msg);
#endif
    (void)store;
    pp_mark_inaccessible(msg, bytes);
}

/* The bytes of all slots and red zones of a slab: where they begin, and how many there are. */
static unsigned char *pp_slots_begin(const struct protopool_slab *slab)
{
    return slab->first - PROTOPOOL_RED_ZONE_;
}

static size_t pp_slots_bytes(const struct protopool_slabs *slabs, const struct protopool_slab *slab)
{
    return PROTOPOOL_RED_ZONE_ + slab->slots * slabs->slot_bytes;
}

static size_t pp_record_bytes(const struct protopool_slabs *slabs)
{
    return slabs->slot_class != 0 ? PROTOPOOL_RECORD_BYTES_ : 0;
}

/* Fills slots and red zones. The records are cleared last, because they say which slots were live. */
static void pp_reset_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                          struct protopool_slab *slab)
{
    if (slabs->slot_class == 0)
        return;
    pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
    memset(pp_slots_begin(slab), PP_RED_ZONE_FILL, pp_slots_bytes(slabs, slab));
    for (uint32_t i = 0; i < slab->slots; i++) {
        unsigned char *const slot = slab->first + i * slabs->slot_bytes;
        memset(slot, PP_FREE_FILL, slabs->message_bytes);
        if (pp_record_of(slab, i)->state == PP_SLOT_LIVE)
            pp_mark_freed(store, slot, slabs->message_bytes);
    }
    memset(pp_record_of(slab, 0), 0, slab->slots * sizeof(struct protopool_slot_record));
    pp_mark_inaccessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
}

/* The index of the first registered slab above the address. */
static size_t pp_registry_index(const struct protopool_growth *growth, uintptr_t address)
{
    size_t low = 0, high = growth->registered;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)growth->registry[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool pp_slab_has_address(const struct protopool_slab *slab, uintptr_t address)
{
    return address - (uintptr_t)pp_slots_begin(slab) < pp_slots_bytes(slab->owner, slab);
}

/* The slab that has the address in its slots or red zones. NULL if none has. The address is not read. */
static struct protopool_slab *pp_find_slab(const struct protopool_store *store, uintptr_t address)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slabs *const slabs = &store->classes[c].slabs;
        struct protopool_slab *slab = slabs->fixed;
#ifndef PP_HAS_HEAP
        for (slab = slabs->partial; slab != NULL && !pp_slab_has_address(slab, address); slab = slab->next) {
        }
        for (slab = slab == NULL ? slabs->full : slab; slab != NULL && !pp_slab_has_address(slab, address);
             slab = slab->next) {
        }
#endif
        if (slab != NULL && pp_slab_has_address(slab, address))
            return slab;
    }
    if (store->growth != NULL) {
        const size_t at = pp_registry_index(store->growth, address);
        if (at != 0 && pp_slab_has_address(store->growth->registry[at - 1], address))
            return store->growth->registry[at - 1];
    }
    return NULL;
}

static bool pp_has_room_for_slab(struct protopool_store *store, const struct protopool_slabs *slabs)
{
#ifdef PP_HAS_HEAP
    struct protopool_growth *const growth = store->growth;
    const size_t room = growth->registry_room == 0 ? 64 : 2 * growth->registry_room;
    void *registry;

    if (slabs->slot_class == 0 || growth->registered < growth->registry_room)
        return true;
    registry = realloc(growth->registry, room * sizeof growth->registry[0]);
    if (registry == NULL)
        return false;
    growth->registry = (struct protopool_slab **)registry;
    growth->registry_room = room;
#endif
    (void)store;
    (void)slabs;
    return true;
}

static void pp_note_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab)
{
    slab->owner = slabs;
    if (slabs->slot_class == 0)
        return;
#ifdef PP_HAS_HEAP
    if (store->growth != NULL) {
        struct protopool_growth *const growth = store->growth;
        const size_t at = pp_registry_index(growth, (uintptr_t)slab);
        memmove(&growth->registry[at + 1], &growth->registry[at],
                (growth->registered - at) * sizeof growth->registry[0]);
        growth->registry[at] = slab;
        growth->registered++;
    }
#endif
    memset(pp_record_of(slab, 0), 0, slab->slots * sizeof(struct protopool_slot_record));
    pp_reset_slab(store, slabs, slab);
}

static void pp_forget_slab(struct protopool_store *store, const struct protopool_slabs *slabs,
                           struct protopool_slab *slab)
{
    if (slabs->slot_class == 0)
        return;
#ifdef PP_HAS_HEAP
    struct protopool_growth *const growth = store->growth;
    const size_t at = pp_registry_index(growth, (uintptr_t)slab);
    growth->registered--;
    memmove(&growth->registry[at - 1], &growth->registry[at],
            (growth->registered + 1 - at) * sizeof growth->registry[0]);
#endif
    (void)store;
    pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
}

/* The list of all stores of the program. Its lock is never ended. */
#ifdef PP_HAS_MUTEX
static pp_mutex pp_stores_lock = PP_MUTEX_INITIALIZER;
#define PP_HAS_STORES() true
#define PP_LOCK_STORES() PP_MUTEX_LOCK(&pp_stores_lock)
#define PP_UNLOCK_STORES() PP_MUTEX_UNLOCK(&pp_stores_lock)
#else
static union protopool_lock pp_stores_lock;
#define PP_LOCK_STORES() PROTOPOOL_LOCK(&pp_stores_lock)
#define PP_UNLOCK_STORES() PROTOPOOL_UNLOCK(&pp_stores_lock)
#ifdef PP_HAS_LOCK_INIT
static bool pp_has_stores_lock;
#define PP_HAS_STORES() (pp_has_stores_lock || (pp_has_stores_lock = PROTOPOOL_LOCK_INIT(&pp_stores_lock)))
#else
#define PP_HAS_STORES() true
#endif
#endif

/* All stores of the program, to distinguish a wrong pool from a foreign pointer. */
static struct protopool_store *pp_all_stores;

/* Locks a store of another pool or depot. False if it may not wait and the lock is held; this very thread may hold it. */
static bool pp_lock_other_store(struct protopool_store *store, bool may_wait)
{
    if (store->lock == NULL)
        return true;
    if (may_wait) {
        PROTOPOOL_LOCK(store->lock);
        return true;
    }
#ifdef PP_HAS_MUTEX
    for (int i = 0; i < 100 * PP_LOCK_TRIES; i++)
        if (PP_MUTEX_TRY(pp_mutex_of(store->lock)))
            return true;
#endif
    return false;
}

/* Looks for the message in the store. Returns the state of its slot, PP_SLOT_UNKNOWN if it has none there, and adds to the
 * report what is known of it. */
static uint32_t pp_describe_slot(const struct protopool_store *store, const void *msg, struct pp_report *report)
{
    const struct protopool_messages *const messages = store->geometry->messages;
    struct protopool_slab *const slab = pp_find_slab(store, (uintptr_t)msg);
    const struct protopool_slot_record *record;
    size_t offset, index;

    if (slab == NULL)
        return PP_SLOT_UNKNOWN;
    offset = (size_t)((uintptr_t)msg - (uintptr_t)slab->first);
    index = offset / slab->owner->slot_bytes;
    if (offset % slab->owner->slot_bytes != 0 || index >= slab->slots)
        return PP_SLOT_UNUSED;
    record = pp_record_of(slab, (uint32_t)index);
    report->geometry = store->geometry;
    report->allocated = record->allocated;
    report->freed = record->freed;
    if (record->state == PP_SLOT_FREED)
        report->name = messages->name_of(record->variant);
    if (record->state == PP_SLOT_LIVE && messages->size_of(msg, record->bytes) == record->bytes)
        report->readable = msg;
    return record->state;
}

/* The same in every store but this one, which may be NULL. */
static uint32_t pp_find_in_other_stores(const struct protopool_store *own, const void *msg, struct pp_report *report,
                                        bool may_wait)
{
    uint32_t state = PP_SLOT_UNKNOWN;

    if (!PP_HAS_STORES())
        return PP_SLOT_UNKNOWN;
    PP_LOCK_STORES();
    for (struct protopool_store *store = pp_all_stores; store != NULL && state == PP_SLOT_UNKNOWN;
         store = store->next_store) {
        if (store == own || !pp_lock_other_store(store, may_wait))
            continue;
        state = pp_describe_slot(store, msg, report);
        if (store->lock != NULL)
            PROTOPOOL_UNLOCK(store->lock);
    }
    PP_UNLOCK_STORES();
    return state;
}

PROTOPOOL_COLD void protopool_report_variant(const void *msg, const char *name, const char *file, int line)
{
    struct pp_report report = {
        .code = PROTOPOOL_FAULT_WRONG_VARIANT, .pointer = msg, .name = name, .here = { file, line }
    };

    if (pp_find_in_other_stores(NULL, msg, &report, false) == PP_SLOT_FREED)
        report.code = PROTOPOOL_FAULT_USE_AFTER_FREE;
    pp_report_fault(&report);
}

static void pp_note_store(struct protopool_store *store, union protopool_lock *lock)
{
    struct protopool_store *at;

    store->lock = lock;
#ifdef PP_HAS_VALGRIND
    VALGRIND_CREATE_MEMPOOL(store, 0, 0);
#endif
    if (!PP_HAS_STORES())
        return;
    PP_LOCK_STORES();
    for (at = pp_all_stores; at != NULL && at != store; at = at->next_store) {
    }
    if (at == NULL) {
        store->next_store = pp_all_stores;
        pp_all_stores = store;
    }
    PP_UNLOCK_STORES();
}

/* Removes the store from the list of all stores. */
static void pp_remove_store(const struct protopool_store *store)
{
    if (!PP_HAS_STORES())
        return;
    PP_LOCK_STORES();
    for (struct protopool_store **at = &pp_all_stores; *at != NULL; at = &(*at)->next_store) {
        if (*at == store) {
            *at = store->next_store;
            break;
        }
    }
    PP_UNLOCK_STORES();
}

static void pp_forget_store(struct protopool_store *store)
{
    pp_remove_store(store);
#ifdef PP_HAS_VALGRIND
    VALGRIND_DESTROY_MEMPOOL(store);
#endif
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slabs *const slabs = &store->classes[c].slabs;
        for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
            pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
        for (struct protopool_slab *slab = slabs->full; slab != NULL; slab = slab->next)
            pp_mark_accessible(pp_slots_begin(slab), pp_slots_bytes(slabs, slab));
    }
#ifdef PP_HAS_HEAP
    if (store->growth != NULL)
        free(store->growth->registry);
#endif
}

static void pp_describe(const struct protopool_store *store, const void *msg, struct pp_report *report)
{
    if (store == NULL)
        (void)pp_find_in_other_stores(NULL, msg, report, true);
    else
        (void)pp_describe_slot(store, msg, report);
}

static struct protopool_site pp_site_of(const struct protopool *pool)
{
    const struct protopool_site unknown = { NULL, 0 };
    return pool != NULL ? pool->site : unknown;
}

/*
 * To find two threads in one pool, an operation sets a flag and clears it at its end. If the flag is set already, that is a
 * fault. The atomic exchange is relaxed: it orders nothing, so that ThreadSanitizer still sees the race.
 */
#if defined __GCC_ATOMIC_INT_LOCK_FREE && __GCC_ATOMIC_INT_LOCK_FREE == 2
static uint32_t pp_exchange(uint32_t *at, uint32_t value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
#else
/* Without atomics, this finds an operation that a signal or a task switch has interrupted. */
static uint32_t pp_exchange(uint32_t *at, uint32_t value)
{
    const uint32_t before = *at;
    *at = value;
    return before;
}
#endif

/* pp_start_operation, for an operation on `msg`, or on the variant of this name. msg and name may be NULL. */
static bool pp_start_operation_for(struct protopool *pool, const void *msg, const char *name)
{
    struct pp_report report = {
        .code = PROTOPOOL_FAULT_CONCURRENT, .pool = pool, .pointer = msg, .name = name, .here = pool->site
    };

    if (!pp_is_alive_for(pool, msg, name))
        return false;
    if (pp_exchange(&pool->busy, 1) == 0)
        return true;
    pp_report_fault(&report);
    return false;
}

static bool pp_start_operation(struct protopool *pool)
{
    return pp_start_operation_for(pool, NULL, NULL);
}

static void pp_finish_operation(struct protopool *pool)
{
    (void)pp_exchange(&pool->busy, 0);
}

static bool pp_may_spill(const struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, const void *slot, uint32_t index)
{
    (void)store;
    (void)slabs;
    (void)slab;
    (void)slot;
    (void)index;
    return true; /* protopool_check_free has looked */
}

static bool pp_has_exact_peak(const struct protopool *pool)
{
    (void)pool;
    return true;
}

static size_t pp_exact_live(const struct protopool_store *store, unsigned c, size_t counted)
{
    (void)counted;
    return store->classes[c].live;
}

static void pp_reset_live(struct protopool_store *store, unsigned c)
{
    store->classes[c].live = 0;
}

#define PP_STILL_HELD UINT32_MAX /* no fault */

/* The fault in freeing the message, which lies in this slab. PP_STILL_HELD if the message has other holders. 0 if neither: then its
 * slot is marked as freed. */
static unsigned pp_find_free_fault(struct protopool_slab *slab, const void *msg, uint32_t variant,
                                   struct pp_report *report)
{
    const struct protopool_slabs *const slabs = slab->owner;
    const struct protopool_messages *const messages = report->geometry->messages;
    const size_t offset = (size_t)((uintptr_t)msg - (uintptr_t)slab->first);
    const size_t index = offset / slabs->slot_bytes;
    const unsigned char *end;
    const unsigned char *const front = (const unsigned char *)msg - PROTOPOOL_RED_ZONE_;
    struct protopool_slot_record *record;
    bool is_sized, is_end_good, is_front_good;

    if (offset % slabs->slot_bytes != 0 || index >= slab->slots)
        return PROTOPOOL_FAULT_INTERIOR;
    record = pp_record_of(slab, (uint32_t)index);
    if (record->state == PP_SLOT_UNUSED)
        return PROTOPOOL_FAULT_FOREIGN;
    report->allocated = record->allocated;
    if (record->state == PP_SLOT_FREED) {
        report->freed = record->freed;
        report->name = messages->name_of(record->variant);
        return PROTOPOOL_FAULT_DOUBLE_FREE;
    }
    is_sized = messages->size_of(msg, record->bytes) == record->bytes;
    report->readable = is_sized ? msg : NULL;
    end = (const unsigned char *)msg + record->bytes;
    pp_mark_accessible(end, slabs->slot_bytes - record->bytes);
    is_end_good = pp_is_filled(end, slabs->message_bytes - record->bytes, PP_FREE_FILL)
                  && pp_is_filled((const unsigned char *)msg + slabs->message_bytes,
                                  pp_zone_bytes(slabs) - PROTOPOOL_RED_ZONE_, PP_RED_ZONE_FILL);
    pp_mark_inaccessible(end, slabs->slot_bytes - record->bytes);
    pp_mark_accessible(front, PROTOPOOL_RED_ZONE_);
    is_front_good = pp_is_filled(front, PROTOPOOL_RED_ZONE_, PP_RED_ZONE_FILL);
    pp_mark_inaccessible(front, PROTOPOOL_RED_ZONE_);
    if (!is_end_good)
        return PROTOPOOL_FAULT_OVERRUN;
    if (!is_front_good)
        return PROTOPOOL_FAULT_UNDERRUN;
    if (!is_sized && messages->has_tail(msg)) {
        report->name = messages->name_of(messages->variant_of(msg));
        return PROTOPOOL_FAULT_WRONG_LENGTH;
    }
    if (!is_sized)
        return PROTOPOOL_FAULT_BAD_TAG;
    if (variant < messages->variants && messages->variant_of(msg) != variant) {
        report->name = messages->name_of(messages->variant_of(msg));
        return PROTOPOOL_FAULT_WRONG_VARIANT;
    }
    if (slabs->holder_bytes != 0 && !pp_remove_holder(pp_count_at(slab->first, index)))
        return PP_STILL_HELD;
    record->state = PP_SLOT_FREED;
    record->freed = report->here;
    record->variant = messages->variant_of(msg);
    return 0;
}

PROTOPOOL_COLD unsigned protopool_check_free_as(struct protopool *pool, const void *msg, uint32_t variant)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_FOREIGN, .pool = pool, .pointer = msg, .here = pool->site };
    struct protopool_slab *slab;
    unsigned code = PROTOPOOL_FAULT_FOREIGN;
    unsigned slot_class = 0;

    if (msg == NULL || !pp_start_operation_for(pool, msg, NULL))
        return 0;
    report.geometry = pool->store->geometry;
    pp_lock_store(pool);
    slab = pp_find_slab(pool->store, (uintptr_t)msg);
    if (slab != NULL) {
        code = pp_find_free_fault(slab, msg, variant, &report);
        slot_class = slab->owner->slot_class;
        pool->store->classes[slot_class].live -= code == 0;
    }
    pp_unlock_store(pool);
    if (slab == NULL && pp_find_in_other_stores(pool->store, msg, &report, true) != PP_SLOT_UNKNOWN)
        code = PROTOPOOL_FAULT_WRONG_POOL;
    if (code == 0)
        return slot_class;
    report.code = (enum protopool_fault)code;
    pp_finish_operation(pool);
    if (code != PP_STILL_HELD)
        pp_report_fault(&report);
    return 0;
}

PROTOPOOL_COLD unsigned protopool_check_free(struct protopool *pool, const void *msg)
{
    return protopool_check_free_as(pool, msg, UINT32_MAX);
}

PROTOPOOL_COLD void protopool_finish_free(struct protopool *pool, unsigned slot_class, void *msg)
{
    const size_t bytes = pool->store->classes[slot_class].slabs.message_bytes;

    pp_mark_accessible(msg, bytes);
    memset(msg, PP_FREE_FILL, bytes);
    pp_mark_freed(pool->store, msg, bytes);
    protopool_put(pool, &pool->loaded[slot_class], slot_class, msg);
    pp_finish_operation(pool);
}

PROTOPOOL_COLD void protopool_discard(struct protopool *pool, unsigned slot_class, void *msg)
{
    struct protopool_slab *slab;
    struct protopool_slot_record *record;

    if (!pp_start_operation_for(pool, msg, NULL))
        return;
    pp_lock_store(pool);
    slab = pp_find_slab(pool->store, (uintptr_t)msg);
    record = pp_record_of(slab, (uint32_t)(((uintptr_t)msg - (uintptr_t)slab->first) / slab->owner->slot_bytes));
    record->state = PP_SLOT_FREED;
    record->freed = pool->site;
    pool->store->classes[slot_class].live--;
    pp_unlock_store(pool);
    protopool_finish_free(pool, slot_class, msg);
}

PROTOPOOL_COLD void *protopool_take_checked(struct protopool *pool, unsigned slot_class, size_t bytes, const char *name)
{
    struct pp_report report = { .code = PROTOPOOL_FAULT_WRITTEN_AFTER_FREE, .pool = pool, .here = pool->site };
    struct protopool_slab *slab;
    struct protopool_slot_record *record;
    size_t room;
    void *slot;
    bool is_intact;

    if (pool->alive == PROTOPOOL_FAILED_)
        return protopool_take_slow(pool, slot_class);
    if (!pp_start_operation_for(pool, NULL, name)) {
        pool->failure = PROTOPOOL_FAULTED;
        return NULL;
    }
    slot = protopool_take(pool, &pool->loaded[slot_class], slot_class);
    if (slot == NULL) {
        pp_finish_operation(pool);
        return NULL;
    }
    room = pool->store->classes[slot_class].slabs.message_bytes;
    pp_lock_store(pool);
    slab = pp_find_slab(pool->store, (uintptr_t)slot);
    record = pp_record_of(slab, pp_slot_index(slab->owner, slab, slot));
    pp_mark_accessible(slot, room);
    is_intact = pp_is_filled((const unsigned char *)slot, room, PP_FREE_FILL);
    report.allocated = record->allocated;
    report.freed = record->freed;
    if (record->state == PP_SLOT_FREED)
        report.name = pool->store->geometry->messages->name_of(record->variant);
    if (is_intact) {
        struct protopool_store_class *const store_class = &pool->store->classes[slot_class];
        if (++store_class->live > store_class->peak)
            store_class->peak = store_class->live;
        record->state = PP_SLOT_LIVE;
        record->bytes = bytes;
        record->allocated = pool->site;
        record->freed = pp_site_of(NULL);
    } else {
        memset(slot, PP_FREE_FILL, room);
    }
    pp_mark_inaccessible(slot, room);
    pp_unlock_store(pool);
    if (is_intact) {
        pp_mark_allocated(pool->store, slot, bytes);
        pp_finish_operation(pool);
        return slot;
    }
    protopool_put(pool, &pool->loaded[slot_class], slot_class, slot);
    report.geometry = pool->store->geometry;
    report.pointer = slot;
    pool->failure = PROTOPOOL_FAULTED;
    pp_finish_operation(pool);
    pp_report_fault(&report);
    return NULL;
}
#endif
