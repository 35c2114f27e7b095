// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Visits every state that a fixed pool of level 2 can reach, breadth first. Capacities are 1 to 8 (or up to the argument),
 * 1 to 5 with messages of two lengths, and 1 to 4 with shared messages of up to 3 holders. A state is a copy of all the pool's bytes. In each state it checks that
 *
 *   new returns a slot that is not live, or NULL if all slots are live;
 *   free of a live message succeeds;
 *   free of any other byte, in the memory or around it, is a fault of the right kind and changes no byte of the pool;
 *   the same holds for a live message whose length was changed, or with a write behind its end but within its slot;
 *   a shared message is freed by its last holder, a count of holders is 0 in each free slot, and to hold or to edit anything but
 *   a live message is a fault of the right kind that changes no byte, as is to edit a message with several holders;
 *   the header's invariants hold.
 *
 * Prints how many states and frees there were; exit status 1 for a violation.
 */

#define PROTOPOOL_CHECK 2

#include "protopool.c"

#include <stdio.h>

enum {
    MOST = 8,
    MOST_WITH_TAILS = 5,
    MOST_SHARED = 4,
    MOST_HOLDERS = 3,
    MESSAGE_BYTES = 3,
    SHORT_BYTES = MESSAGE_BYTES - 1,
    TAG = 1,
    FREED_TAG = 255,
    EDGE = 16,
    MOST_STATES = 1 << 19
};

/* With a tail it may be shorter than its slot. */
struct message {
    uint8_t tag;
    uint8_t bytes;
    uint8_t content[MESSAGE_BYTES - 2];
};

static bool has_tails; /* whether messages of both lengths are made */
static bool is_shared; /* whether messages can have several holders */

static uint32_t variant_of(const void *msg)
{
    return ((const struct message *)msg)->tag == TAG ? 0 : 1;
}

static const char *name_of(uint32_t variant)
{
    return variant == 0 ? "message" : "no message";
}

static size_t size_of(const void *msg, size_t room)
{
    const struct message *const message = (const struct message *)msg;
    return room >= SHORT_BYTES && message->tag == TAG ? message->bytes : 0;
}

static bool has_tail(const void *msg)
{
    return ((const struct message *)msg)->tag == TAG;
}

static int print_to(void *stream, const void *msg)
{
    (void)stream;
    (void)msg;
    return 0;
}

static const struct protopool_messages messages = { "closure", 1,       FREED_TAG, 1,       variant_of,
                                                    name_of,   size_of, has_tail,  print_to };
static struct protopool_slot_size slot_sizes[] = { { MESSAGE_BYTES, 0 } };
static const struct protopool_geometry geometry = { slot_sizes, 1, &messages };

/* All that a state is. */
static struct {
    struct protopool engine;
    struct protopool_magazine loaded[2];
    struct protopool_pool_class *parts[PROTOPOOL_PARTS(1)];
    alignas(8) unsigned char memory[1600];
} pool, before;

static size_t used; /* bytes of pool.memory */
static unsigned long violations, frees;

static void violation(const char *what)
{
    if (violations++ == 0)
        printf("violation: %s\n", what);
}

static unsigned faults;
static enum protopool_fault noted;

static void note(enum protopool_fault fault_seen, const void *of, const void *pointer,
                 const struct protopool_site *site)
{
    (void)of;
    (void)pointer;
    (void)site;
    noted = fault_seen;
    faults++;
}

static struct protopool_slab *the_slab(void)
{
    return pool.engine.store->classes[1].slabs.fixed;
}

static unsigned char *slot_at(uint32_t index)
{
    return the_slab()->first + index * pool.engine.store->classes[1].slabs.slot_bytes;
}

static bool is_live(uint32_t index)
{
    return pp_record_of(the_slab(), index)->state == PP_SLOT_LIVE;
}

static uint32_t holders_of(uint32_t index)
{
    return is_shared ? *pp_count_at(the_slab()->first, index) + 1U : 1;
}

static uint32_t count_live(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < the_slab()->slots; i++)
        count += is_live(i);
    return count;
}

/* ---- What must hold in each state ----------------------------------------------------------------------------------- */

static bool is_free_in_slab(uint32_t index)
{
    return (pp_bitmap(the_slab())[index / PP_WORD_BITS] >> index % PP_WORD_BITS & 1) != 0;
}

/* How often the slot stands in a magazine. */
static uint32_t count_in_magazines(uint32_t index)
{
    const struct protopool_magazine *const magazines[] = { &pool.loaded[1], &pp_class(&pool.engine, 1)->previous };
    uint32_t count = 0;
    for (int m = 0; m < 2; m++)
        for (uint32_t i = 0; i < pp_magazine_count(magazines[m]); i++)
            count += magazines[m]->slots[i] == (void *)slot_at(index);
    return count;
}

static void check_state(void)
{
    const struct protopool_slabs *const slabs = &pool.engine.store->classes[1].slabs;
    uint32_t free_in_slabs = 0;

    for (uint32_t i = 0; i < the_slab()->slots; i++) {
        const uint32_t places = is_live(i) + is_free_in_slab(i) + count_in_magazines(i);
        if (places != 1)
            violation("a slot is not in one place");
        free_in_slabs += is_free_in_slab(i);
        if (!is_live(i) && holders_of(i) != 1)
            violation("a free slot has holders");
    }
    if (free_in_slabs != slabs->free_in_slabs)
        violation("free_in_slabs is wrong");
    if (pp_live_slots(&pool.engine, 1) != count_live())
        violation("live is wrong");
    if ((the_slab()->free_words != 0) != (slabs->partial == the_slab())
        || (slabs->full == the_slab()) == (slabs->partial == the_slab()))
        violation("the slab is in the wrong list");
}

/* ---- Frees of every byte ----------------------------------------------------------------------------------------------- */

static enum protopool_fault right_fault(const unsigned char *at)
{
    const uintptr_t begin = (uintptr_t)pp_slots_begin(the_slab());
    const size_t offset = (size_t)((uintptr_t)at - (uintptr_t)the_slab()->first);
    const size_t stride = pool.engine.store->classes[1].slabs.slot_bytes;

    if ((uintptr_t)at < begin
        || (uintptr_t)at >= begin + pp_slots_bytes(&pool.engine.store->classes[1].slabs, the_slab()))
        return PROTOPOOL_FAULT_FOREIGN;
    if ((uintptr_t)at < (uintptr_t)the_slab()->first || offset % stride != 0)
        return PROTOPOOL_FAULT_INTERIOR;
    return pp_record_of(the_slab(), (uint32_t)(offset / stride))->state == PP_SLOT_FREED ? PROTOPOOL_FAULT_DOUBLE_FREE
                                                                                         : PROTOPOOL_FAULT_FOREIGN;
}

static void free_every_other_byte(void)
{
    memcpy(&before, &pool, sizeof pool);
    for (size_t i = 0; i < sizeof pool.memory; i++) {
        unsigned char *const at = pool.memory + i;
        bool is_message = false;
        for (uint32_t slot = 0; slot < the_slab()->slots; slot++)
            is_message |= at == slot_at(slot) && is_live(slot);
        if (is_message || i >= used + EDGE)
            continue;
        faults = 0;
        frees++;
        if (protopool_check_free(&pool.engine, at) != 0 || faults != 1 || noted != right_fault(at))
            violation("a free that is a fault is not reported as one");
    }
    if (memcmp(&before, &pool, sizeof pool) != 0) // NOLINT(bugprone-*,cert-*): to the byte, padding too
        violation("a fault changes the pool");
}

/* ---- Holders ----------------------------------------------------------------------------------------------------------- */

static void expect_no_use(const void *at, enum protopool_fault right)
{
    faults = 0;
    frees++;
    if (protopool_hold(&pool.engine, 1, at) || noted != right || protopool_holders(&pool.engine, 1, at) != 0
        || noted != right || protopool_may_edit(&pool.engine, 1, at) || noted != right || faults != 3)
        violation("what is no live message is held or edited");
}

static void use_every_byte(void)
{
    memcpy(&before, &pool, sizeof pool);
    for (size_t i = 0; i < used + EDGE; i++) {
        const unsigned char *const at = pool.memory + i;
        enum protopool_fault right = right_fault(at);
        uint32_t live = UINT32_MAX;
        for (uint32_t slot = 0; slot < the_slab()->slots; slot++)
            if (at == slot_at(slot) && is_live(slot))
                live = slot;
        if (live == UINT32_MAX) {
            expect_no_use(at, right == PROTOPOOL_FAULT_DOUBLE_FREE ? PROTOPOOL_FAULT_USE_AFTER_FREE : right);
            continue;
        }
        faults = 0;
        if (protopool_holders(&pool.engine, 1, at) != holders_of(live) || faults != 0)
            violation("the number of holders is wrong");
        if (protopool_may_edit(&pool.engine, 1, at) != (holders_of(live) == 1) || faults != (holders_of(live) > 1)
            || (faults != 0 && noted != PROTOPOOL_FAULT_EDIT_OF_SHARED))
            violation("a message with several holders is edited, or one with a single holder is not");
    }
    if (memcmp(&before, &pool, sizeof pool) != 0) // NOLINT(bugprone-*,cert-*): to the byte, padding too
        violation("looking at holders, or a fault, changes the pool");
}

/* ---- All states ---------------------------------------------------------------------------------------------------------- */

static void *queue[MOST_STATES];
static size_t first, last;
static uint64_t seen[2 * (size_t)MOST_STATES];

static uint64_t hash_of_pool(void)
{
    const unsigned char *const bytes = (const unsigned char *)&pool;
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */
    for (size_t i = 0; i < sizeof pool; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3U;
    return hash + (hash == 0);
}

/* What differs between states that behave alike is made the same: counters, and what lies above the magazines' tops. */
static void normalise(void)
{
    struct protopool_magazine *const magazines[] = { &pool.loaded[1], &pp_class(&pool.engine, 1)->previous };
    for (int m = 0; m < 2; m++)
        for (void **above = magazines[m]->top; above != magazines[m]->end; above++)
            *above = NULL;
    pool.engine.store->classes[1].peak = 0;
    pool.engine.store->classes[1].failures = 0;
    pool.engine.store_visits = 0;
    pool.engine.growths = 0;
}

static void enqueue(void)
{
    const uint64_t hash = (normalise(), hash_of_pool());
    size_t i;

    for (i = hash % (2 * (size_t)MOST_STATES); seen[i] != 0; i = (i + 1) % (2 * (size_t)MOST_STATES))
        if (seen[i] == hash)
            return;
    if (last == MOST_STATES) {
        violation("too many states");
        return;
    }
    seen[i] = hash;
    queue[last] = malloc(sizeof pool);
    if (queue[last] == NULL) {
        violation("no memory");
        return;
    }
    memcpy(queue[last++], &pool, sizeof pool);
}

static void try_make(uint8_t bytes)
{
    const uint32_t live = count_live();
    struct message *msg;

    faults = 0;
    msg = (struct message *)protopool_take_checked(&pool.engine, 1, bytes, "message");
    pool.engine.failure = PROTOPOOL_NO_FAILURE; /* no part of the state */
    if ((msg == NULL) != (live == the_slab()->slots) || faults != 0 || count_live() != live + (msg != NULL))
        violation("make");
    if (msg != NULL) {
        memset(msg, TAG, bytes);
        msg->bytes = bytes;
    }
    enqueue();
}

static void expect_fault(struct message *msg, enum protopool_fault fault_seen)
{
    faults = 0;
    frees++;
    if (protopool_check_free(&pool.engine, msg) != 0 || faults != 1 || noted != fault_seen)
        violation("a message of a wrong length, or written behind its end, is freed");
}

/* A live message whose length is another than it was made with, and one with bytes written behind its end. */
static void free_what_was_changed(uint32_t index)
{
    struct message *const msg = (struct message *)(void *)slot_at(index);
    const uint8_t bytes = msg->bytes;

    memcpy(&before, &pool, sizeof pool);
    msg->bytes = bytes == SHORT_BYTES ? MESSAGE_BYTES : SHORT_BYTES;
    expect_fault(msg, PROTOPOOL_FAULT_WRONG_LENGTH);
    msg->bytes = bytes;
    if (bytes == SHORT_BYTES) {
        msg->content[0] = (uint8_t)~PP_FREE_FILL;
        expect_fault(msg, PROTOPOOL_FAULT_OVERRUN);
        msg->content[0] = PP_FREE_FILL;
    }
    if (memcmp(&before, &pool, sizeof pool) != 0) // NOLINT(bugprone-*,cert-*): to the byte, padding too
        violation("a fault changes the pool");
}

static void try_hold(uint32_t index)
{
    const uint32_t holders = holders_of(index);

    faults = 0;
    if (!protopool_hold(&pool.engine, 1, slot_at(index)) || faults != 0 || holders_of(index) != holders + 1)
        violation("hold");
    enqueue();
}

static void try_release(uint32_t index)
{
    const uint32_t live = count_live(), holders = holders_of(index);

    faults = 0;
    frees++;
    if (protopool_check_free(&pool.engine, slot_at(index)) != 0 || faults != 0 || holders_of(index) != holders - 1
        || count_live() != live || !is_live(index))
        violation("a message that others hold is freed, or a holder stays");
    enqueue();
}

static void try_free(uint32_t index)
{
    void *const msg = slot_at(index);
    const uint32_t live = count_live();

    faults = 0;
    frees++;
    if (protopool_check_free(&pool.engine, msg) != 1 || faults != 0)
        violation("a live message cannot be freed");
    else
        protopool_finish_free(&pool.engine, 1, msg);
    if (count_live() + 1 != live)
        violation("free");
    enqueue();
}

static void close_capacity(uint32_t capacity)
{
    const unsigned long frees_before = frees;

    slot_sizes[0].budget = capacity;
    used = (size_t)(PROTOPOOL_POOL_TABLES_BYTES(1) + PROTOPOOL_FIXED_BYTES(MESSAGE_BYTES, capacity)
                    + (is_shared ? PROTOPOOL_HOLDERS_BYTES(capacity) : 0));
    memset(&pool, 0, sizeof pool);
    memset(seen, 0, sizeof seen);
    first = last = 0;
    if (used + EDGE > sizeof pool.memory
        || !protopool_init_fixed_shared(&pool.engine, pool.loaded, pool.parts, &geometry, &is_shared, pool.memory,
                                        used)) {
        violation("no pool");
        return;
    }
    enqueue();
    for (; first < last && violations == 0; first++) {
        memcpy(&pool, queue[first], sizeof pool);
        check_state();
        free_every_other_byte();
        if (is_shared)
            use_every_byte();
        try_make(MESSAGE_BYTES);
        memcpy(&pool, queue[first], sizeof pool);
        if (has_tails)
            try_make(SHORT_BYTES);
        for (uint32_t i = 0; i < capacity; i++) {
            memcpy(&pool, queue[first], sizeof pool);
            if (!is_live(i))
                continue;
            if (holders_of(i) > 1) {
                try_release(i);
            } else {
                free_what_was_changed(i);
                try_free(i);
            }
            memcpy(&pool, queue[first], sizeof pool);
            if (is_shared && holders_of(i) < MOST_HOLDERS)
                try_hold(i);
        }
        memcpy(&pool, queue[first], sizeof pool);
        protopool_flush(&pool.engine);
        enqueue();
        free(queue[first]);
    }
    for (; first < last; first++)
        free(queue[first]);
    printf("capacity %u%s, magazines of %d: %zu states, %lu frees, %lu violations\n", (unsigned)capacity,
           has_tails   ? " with tails"
           : is_shared ? " with holders"
                       : "",
           PROTOPOOL_MAGAZINE, last, frees - frees_before, violations);
    (void)fflush(stdout);
    memset(&pool, 0, sizeof pool);
    pp_all_stores = NULL;
}

int main(int argc, char **argv)
{
    const unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 10) : MOST;

    protopool_set_fault_handler(note);
    for (uint32_t capacity = 1; capacity <= most && violations == 0; capacity++)
        close_capacity(capacity);
    has_tails = true;
    for (uint32_t capacity = 1; capacity <= most && capacity <= MOST_WITH_TAILS && violations == 0; capacity++)
        close_capacity(capacity);
    has_tails = false;
    is_shared = true;
    for (uint32_t capacity = 1; capacity <= most && capacity <= MOST_SHARED && violations == 0; capacity++)
        close_capacity(capacity);
    return violations == 0 ? 0 : 1;
}
