/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Level 2, for debugging: every pointer is looked up before it is used.
 * Each slot has a record outside it: its state, and who allocated and freed it.
 */

#if PROTOPOOL_CHECK == 2
enum { NEVER_MADE, LIVE, FREED, ABSENT };

#define FREE_FILL 0xdb     /* a free slot */
#define RED_ZONE_FILL 0xfd /* between slots */

static struct protopool_slot_record *record_of(struct protopool_slab *slab, uint32_t index)
{
    return (struct protopool_slot_record *)(void *)(bitmap(slab) + slab->words) + index;
}

static size_t zone_bytes(const struct protopool_slabs *slabs)
{
    return slabs->slot_bytes - slabs->message_bytes;
}

static bool is_filled(const unsigned char *bytes, size_t count, unsigned char fill)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != fill)
            return false;
    return true;
}

/* What ASan and valgrind are told. A message in hand is undefined at first; all else of a slab's slots is out of bounds
 * but to the engine. */
static void tell_no_access(const void *at, size_t bytes)
{
#ifdef HAS_ASAN
    __asan_poison_memory_region(at, bytes);
#endif
#ifdef HAS_VALGRIND
    VALGRIND_MAKE_MEM_NOACCESS(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

static void tell_defined(const void *at, size_t bytes)
{
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(at, bytes);
#endif
#ifdef HAS_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(at, bytes);
#endif
    (void)at;
    (void)bytes;
}

static void tell_made(const struct protopool_store *store, const void *msg, size_t bytes)
{
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(msg, bytes);
#endif
#ifdef HAS_VALGRIND
    VALGRIND_MEMPOOL_ALLOC(store, msg, bytes);
#endif
    (void)store;
    (void)msg;
    (void)bytes;
}

static void tell_freed(const struct protopool_store *store, const void *msg, size_t bytes)
{
#ifdef HAS_VALGRIND
    VALGRIND_MEMPOOL_FREE(store, msg);
#endif
    (void)store;
    tell_no_access(msg, bytes);
}

/* All bytes that slots and red zones have in the slab. */
static unsigned char *slots_begin(const struct protopool_slab *slab)
{
    return slab->first - PROTOPOOL_RED_ZONE_;
}

static size_t slots_bytes(const struct protopool_slabs *slabs, const struct protopool_slab *slab)
{
    return PROTOPOOL_RED_ZONE_ + slab->slots * slabs->slot_bytes;
}

/* Makes the slots of a slab free and forgets their messages. */
static void retire_slots(struct protopool_store *store, const struct protopool_slabs *slabs,
                         struct protopool_slab *slab, bool is_new)
{
    if (slabs->slot_class == 0)
        return;
    tell_defined(slots_begin(slab), slots_bytes(slabs, slab));
    memset(slots_begin(slab), RED_ZONE_FILL, slots_bytes(slabs, slab));
    for (uint32_t i = 0; i < slab->slots; i++) {
        unsigned char *const slot = slab->first + i * slabs->slot_bytes;
        memset(slot, FREE_FILL, slabs->message_bytes);
#ifdef HAS_VALGRIND
        if (!is_new && record_of(slab, i)->state == LIVE)
            VALGRIND_MEMPOOL_FREE(store, slot);
#endif
        memset(record_of(slab, i), 0, sizeof(struct protopool_slot_record));
    }
    (void)store;
    (void)is_new;
    tell_no_access(slots_begin(slab), slots_bytes(slabs, slab));
}

/* The first registered slab above the address. */
static size_t registry_at(const struct protopool_growth *growth, uintptr_t address)
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

static bool has_address(const struct protopool_slab *slab, uintptr_t address)
{
    return address - (uintptr_t)slots_begin(slab) < slots_bytes(slab->of, slab);
}

/* The slab whose slots or red zones hold the address; NULL if none does. Nothing at the address is read. */
static struct protopool_slab *find_slab(const struct protopool_store *store, uintptr_t address)
{
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slabs *const slabs = &store->shelves[c].slabs;
        struct protopool_slab *slab = slabs->fixed;
#ifndef HAS_HEAP
        for (slab = slabs->partial; slab != NULL && !has_address(slab, address); slab = slab->next) {
        }
        for (slab = slab == NULL ? slabs->full : slab; slab != NULL && !has_address(slab, address); slab = slab->next) {
        }
#endif
        if (slab != NULL && has_address(slab, address))
            return slab;
    }
    if (store->growth != NULL) {
        const size_t at = registry_at(store->growth, address);
        if (at != 0 && has_address(store->growth->registry[at - 1], address))
            return store->growth->registry[at - 1];
    }
    return NULL;
}

/* Enters a slab of a growing store. False if there is no memory for that. */
static bool enter_slab(struct protopool_store *store, struct protopool_slab *slab)
{
#ifdef HAS_HEAP
    struct protopool_growth *const growth = store->growth;
    size_t at;

    if (growth->registered == growth->registry_room) {
        const size_t room = growth->registry_room == 0 ? 64 : 2 * growth->registry_room;
        void *const registry = realloc(growth->registry, room * sizeof growth->registry[0]);
        if (registry == NULL)
            return false;
        growth->registry = (struct protopool_slab **)registry;
        growth->registry_room = room;
    }
    at = registry_at(growth, (uintptr_t)slab);
    memmove(&growth->registry[at + 1], &growth->registry[at], (growth->registered - at) * sizeof growth->registry[0]);
    growth->registry[at] = slab;
    growth->registered++;
#endif
    (void)store;
    (void)slab;
    return true;
}

static void strike_slab(struct protopool_store *store, const struct protopool_slabs *slabs, struct protopool_slab *slab)
{
#ifdef HAS_HEAP
    struct protopool_growth *const growth = store->growth;
    const size_t at = registry_at(growth, (uintptr_t)slab);
    growth->registered--;
    memmove(&growth->registry[at - 1], &growth->registry[at],
            (growth->registered + 1 - at) * sizeof growth->registry[0]);
#endif
    (void)store;
    tell_defined(slots_begin(slab), slots_bytes(slabs, slab));
}
#endif

#if PROTOPOOL_CHECK == 2
/* Every store of the program, to tell a wrong pool from a foreign pointer. */
static struct protopool_store *all_stores;

/* Locks a store of another pool or depot. False if it may not wait and the lock is held, by its own thread even. */
static bool lock_other(struct protopool_store *store, bool may_wait)
{
    if (store->lock == NULL)
        return true;
    if (may_wait) {
        PROTOPOOL_LOCK(store->lock);
        return true;
    }
#ifdef HAS_PTHREAD
    for (int i = 0; i < 100 * LOCK_TRIES; i++)
        if (pthread_mutex_trylock((pthread_mutex_t *)(void *)store->lock) == 0)
            return true;
#endif
    return false;
}

/* Looks for the message in every store but its own: ABSENT, or what is known of its slot, which the report gets too. */
static uint32_t look_elsewhere(const struct protopool_store *own, const void *msg, struct report *report, bool may_wait)
{
    uint32_t state = ABSENT;

    if (!HAS_STORES())
        return false;
    LOCK_STORES();
    for (struct protopool_store *store = all_stores; store != NULL && state == ABSENT; store = store->next_store) {
        struct protopool_slab *slab;
        if (store == own || !lock_other(store, may_wait))
            continue;
        slab = find_slab(store, (uintptr_t)msg);
        if (slab != NULL) {
            const size_t offset = (size_t)((uintptr_t)msg - (uintptr_t)slab->first);
            const size_t index = offset / slab->of->slot_bytes;
            state = NEVER_MADE;
            if (offset % slab->of->slot_bytes == 0 && index < slab->slots) {
                const struct protopool_slot_record *const record = record_of(slab, (uint32_t)index);
                state = record->state;
                report->geometry = store->geometry;
                report->made = record->made;
                report->freed = record->freed;
                if (state == FREED)
                    report->name = store->geometry->messages->name_of(record->variant);
                if (state == LIVE && store->geometry->messages->size_of(msg, record->bytes) == record->bytes)
                    report->readable = msg;
            }
        }
        if (store->lock != NULL)
            PROTOPOOL_UNLOCK(store->lock);
    }
    UNLOCK_STORES();
    return state;
}

PROTOPOOL_COLD void protopool_raise_variant(const void *msg, const char *name, const char *file, int line)
{
    struct report report = {
        PROTOPOOL_FAULT_WRONG_VARIANT, NULL, msg, NULL, NULL, name, nowhere, nowhere, { file, line }
    };

    if (look_elsewhere(NULL, msg, &report, false) == FREED)
        report.code = PROTOPOOL_FAULT_USE_AFTER_FREE;
    fault(&report);
}

static void open_store(struct protopool_store *store, union protopool_lock *lock)
{
    struct protopool_store *at;

    store->lock = lock;
#ifdef HAS_VALGRIND
    VALGRIND_CREATE_MEMPOOL(store, 0, 0);
#endif
    if (!HAS_STORES())
        return;
    LOCK_STORES();
    for (at = all_stores; at != NULL && at != store; at = at->next_store) {
    }
    if (at == NULL) {
        store->next_store = all_stores;
        all_stores = store;
    }
    UNLOCK_STORES();
}

/* Takes the store out of the list. */
static void remove_store(const struct protopool_store *store)
{
    if (!HAS_STORES())
        return;
    LOCK_STORES();
    for (struct protopool_store **at = &all_stores; *at != NULL; at = &(*at)->next_store) {
        if (*at == store) {
            *at = store->next_store;
            break;
        }
    }
    UNLOCK_STORES();
}

static void close_store(struct protopool_store *store)
{
    remove_store(store);
#ifdef HAS_VALGRIND
    VALGRIND_DESTROY_MEMPOOL(store);
#endif
    for (unsigned c = 1; c <= store->geometry->count; c++) {
        const struct protopool_slabs *const slabs = &store->shelves[c].slabs;
        for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
            tell_defined(slots_begin(slab), slots_bytes(slabs, slab));
        for (struct protopool_slab *slab = slabs->full; slab != NULL; slab = slab->next)
            tell_defined(slots_begin(slab), slots_bytes(slabs, slab));
    }
#ifdef HAS_HEAP
    if (store->growth != NULL)
        free(store->growth->registry);
#endif
}

#endif

#if PROTOPOOL_CHECK == 2

/* What is wrong with freeing the message, which find_slab has found there; 0 if nothing is: then it is free. */
static unsigned judge(struct protopool_slab *slab, const void *msg, struct report *report)
{
    const struct protopool_slabs *const slabs = slab->of;
    const struct protopool_messages *const messages = report->geometry->messages;
    const size_t offset = (size_t)((uintptr_t)msg - (uintptr_t)slab->first);
    const size_t index = offset / slabs->slot_bytes;
    const unsigned char *end;
    const unsigned char *const front = (const unsigned char *)msg - PROTOPOOL_RED_ZONE_;
    struct protopool_slot_record *record;
    bool is_sized, is_end_good, is_front_good;

    if (offset % slabs->slot_bytes != 0 || index >= slab->slots)
        return PROTOPOOL_FAULT_INTERIOR;
    record = record_of(slab, (uint32_t)index);
    if (record->state == NEVER_MADE)
        return PROTOPOOL_FAULT_FOREIGN;
    report->made = record->made;
    if (record->state == FREED) {
        report->freed = record->freed;
        report->name = messages->name_of(record->variant);
        return PROTOPOOL_FAULT_DOUBLE_FREE;
    }
    is_sized = messages->size_of(msg, record->bytes) == record->bytes;
    report->readable = is_sized ? msg : NULL;
    end = (const unsigned char *)msg + record->bytes;
    tell_defined(end, slabs->slot_bytes - record->bytes);
    is_end_good = is_filled(end, slabs->message_bytes - record->bytes, FREE_FILL)
                  && is_filled((const unsigned char *)msg + slabs->message_bytes,
                               zone_bytes(slabs) - PROTOPOOL_RED_ZONE_, RED_ZONE_FILL);
    tell_no_access(end, slabs->slot_bytes - record->bytes);
    tell_defined(front, PROTOPOOL_RED_ZONE_);
    is_front_good = is_filled(front, PROTOPOOL_RED_ZONE_, RED_ZONE_FILL);
    tell_no_access(front, PROTOPOOL_RED_ZONE_);
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
    record->state = FREED;
    record->freed = report->here;
    record->variant = messages->variant_of(msg);
    return 0;
}

PROTOPOOL_COLD unsigned protopool_begin_put(struct protopool *pool, const void *msg)
{
    struct report report = { PROTOPOOL_FAULT_FOREIGN, pool, msg, NULL, NULL, NULL, nowhere, nowhere, nowhere };
    struct protopool_slab *slab;
    unsigned code = PROTOPOOL_FAULT_FOREIGN;
    unsigned slot_class = 0;

    if (msg == NULL || !enter_for(pool, msg, NULL))
        return 0;
    report.geometry = pool->store->geometry;
    report.here = pool->site;
    lock_store(pool);
    slab = find_slab(pool->store, (uintptr_t)msg);
    if (slab != NULL) {
        code = judge(slab, msg, &report);
        slot_class = slab->of->slot_class;
        pool->store->shelves[slot_class].live -= code == 0;
    }
    unlock_store(pool);
    if (slab == NULL && look_elsewhere(pool->store, msg, &report, true) != ABSENT)
        code = PROTOPOOL_FAULT_WRONG_POOL;
    if (code == 0)
        return slot_class;
    report.code = (enum protopool_fault)code;
    leave(pool);
    fault(&report);
    return 0;
}

PROTOPOOL_COLD void protopool_end_put(struct protopool *pool, unsigned slot_class, void *msg)
{
    const size_t bytes = pool->store->shelves[slot_class].slabs.message_bytes;

    tell_defined(msg, bytes);
    memset(msg, FREE_FILL, bytes);
    tell_freed(pool->store, msg, bytes);
    protopool_put(pool, &pool->loaded[slot_class], slot_class, msg);
    leave(pool);
}

PROTOPOOL_COLD void *protopool_take_checked(struct protopool *pool, unsigned slot_class, size_t bytes, const char *name)
{
    struct report report = {
        PROTOPOOL_FAULT_WRITTEN_AFTER_FREE, pool, NULL, NULL, NULL, NULL, nowhere, nowhere, nowhere
    };
    struct protopool_slab *slab;
    struct protopool_slot_record *record;
    size_t room;
    void *slot;
    bool is_intact;

    if (pool->alive == PROTOPOOL_FAILED_)
        return protopool_take_slow(pool, slot_class);
    if (!enter_for(pool, NULL, name)) {
        pool->failure = PROTOPOOL_FAULTED;
        return NULL;
    }
    slot = protopool_take(pool, &pool->loaded[slot_class], slot_class);
    if (slot == NULL) {
        leave(pool);
        return NULL;
    }
    room = pool->store->shelves[slot_class].slabs.message_bytes;
    lock_store(pool);
    slab = find_slab(pool->store, (uintptr_t)slot);
    record = record_of(slab, index_of(slab->of, slab, slot));
    tell_defined(slot, room);
    is_intact = is_filled((const unsigned char *)slot, room, FREE_FILL);
    report.made = record->made;
    report.freed = record->freed;
    if (record->state == FREED)
        report.name = pool->store->geometry->messages->name_of(record->variant);
    if (is_intact) {
        struct protopool_shelf *const shelf = &pool->store->shelves[slot_class];
        if (++shelf->live > shelf->peak)
            shelf->peak = shelf->live;
        record->state = LIVE;
        record->bytes = bytes;
        record->made = pool->site;
        record->freed = nowhere;
    } else {
        memset(slot, FREE_FILL, room);
    }
    tell_no_access(slot, room);
    unlock_store(pool);
    if (is_intact) {
        tell_made(pool->store, slot, bytes);
        leave(pool);
        return slot;
    }
    protopool_put(pool, &pool->loaded[slot_class], slot_class, slot);
    report.geometry = pool->store->geometry;
    report.pointer = slot;
    report.here = pool->site;
    pool->failure = PROTOPOOL_FAULTED;
    leave(pool);
    fault(&report);
    return NULL;
}
#endif
