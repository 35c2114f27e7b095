/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The engine: slabs and their bitmaps, magazines, growing from a source, the default source, printing. The header
 * has the drawing, the conventions and the invariants.
 */

#include "protopool.h"

#if !defined PROTOPOOL_NO_HEAP && (!defined __STDC_HOSTED__ || __STDC_HOSTED__ == 1)
#define HAS_HEAP 1
#endif

#if defined HAS_HEAP || !defined PROTOPOOL_NO_STDIO
#include <stdlib.h>
#endif

#define WORD_BITS ((uint32_t)PROTOPOOL_WORD_BITS_)
#define SLAB_BYTES ((size_t)16384)       /* the smallest slab */
#define SLAB_ORDERS 5U                   /* slabs of SLAB_BYTES << order */
#define WASTE_SHIFT 6                    /* header and tail waste aimed at: less than 1/64 of a slab */
#define ARRAYS_WASTE_SHIFT 3             /* of the slabs of magazines' arrays: there are few */
#define OWN_MIN_BYTES ((size_t)4096)     /* slots of so many bytes may have a block of their own */
#define MAGAZINE_BYTES ((size_t)1 << 18) /* slots that one magazine holds, in bytes, unless it holds MAGAZINE_MIN */
#define MAGAZINE_MIN 4U

static_assert(PROTOPOOL_MAGAZINE >= 1 && PROTOPOOL_MAGAZINE <= 65535, "PROTOPOOL_MAGAZINE is 1 to 65535");
static_assert(sizeof(struct protopool_slab) % sizeof(protopool_word) == 0, "the bitmap follows the header");
static_assert(SLAB_BYTES >= ((size_t)1 << SLAB_ORDERS), "an order fits below a slab's address");

/* ---- Bitmap words ------------------------------------------------------------------------------------------------ */

static inline uint32_t lowest_bit(protopool_word word)
{
#if defined __GNUC__ && UINTPTR_MAX > 0xffffffffU
    return (uint32_t)__builtin_ctzll(word);
#elif defined __GNUC__
    return (uint32_t)__builtin_ctzl(word);
#else
    uint32_t bit = 0;
    while ((word & 1) == 0) {
        word >>= 1;
        bit++;
    }
    return bit;
#endif
}

static inline protopool_word *bitmap(struct protopool_slab *slab)
{
    return (protopool_word *)(void *)(slab + 1);
}

/* F(w): the bits of word w that stand for slots. */
static inline protopool_word all_free(const struct protopool_slab *slab, uint32_t w)
{
    const uint32_t last = slab->slots % WORD_BITS;
    return w + 1 < slab->words || last == 0 ? ~(protopool_word)0 : ((protopool_word)1 << last) - 1;
}

static inline uint32_t words_for(uint32_t slots)
{
    return slots / WORD_BITS + (slots % WORD_BITS != 0);
}

static inline size_t round_up(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

/* Bytes before the first slot of a slab. */
static inline size_t header_bytes(uint32_t slots)
{
    return round_up(sizeof(struct protopool_slab) + words_for(slots) * sizeof(protopool_word));
}

/* ---- One slab ---------------------------------------------------------------------------------------------------- */

static void push_slab(struct protopool_slab **list, struct protopool_slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (*list != NULL)
        (*list)->previous = slab;
    *list = slab;
}

static void unlink_slab(struct protopool_slab **list, struct protopool_slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

static void mark_all_free(struct protopool_slab *slab)
{
    for (uint32_t w = 0; w < slab->words; w++)
        bitmap(slab)[w] = all_free(slab, w);
    slab->free_words = slab->words;
    slab->idle_words = slab->words;
    slab->lowest = 0;
}

/* Adds a slab, its slots all free. */
static void add_slab(struct protopool_slabs *slabs, struct protopool_slab *slab, unsigned char *first, uint32_t slots)
{
    slab->first = first;
    slab->slots = slots;
    slab->words = words_for(slots);
    mark_all_free(slab);
    push_slab(&slabs->partial, slab);
    slabs->slots += slots;
    slabs->in_slabs += slots;
}

static inline struct protopool_slab *slab_of(const struct protopool_slabs *slabs, const void *slot)
{
    if (slabs->fixed != NULL)
        return slabs->fixed;
    return (struct protopool_slab *)(((uintptr_t)slot - slabs->back) & slabs->mask);
}

/*
 * The slot's index. Below 2^31 the quotient by slot_bytes is a product: with r = 2^32 / slot_bytes + d, 0 < d <= 1,
 * offset * r >> 32 is offset / slot_bytes + offset * d / 2^32, whose second term cannot carry an exact quotient
 * into the next integer.
 */
static inline uint32_t index_of(const struct protopool_slabs *slabs, const struct protopool_slab *slab,
                                const void *slot)
{
    const size_t offset = (size_t)((const unsigned char *)slot - slab->first);
    if (PROTOPOOL_LIKELY(offset < ((size_t)1 << 31)))
        return (uint32_t)((offset * slabs->reciprocal) >> 32);
    return (uint32_t)(offset / slabs->slot_bytes);
}

/* Moves up to `most` free slots out of a partial slab, in address order; returns how many. */
static uint32_t take_from_slab(struct protopool_slabs *slabs, struct protopool_slab *slab, void **slots, uint32_t most)
{
    protopool_word *const bits = bitmap(slab);
    uint32_t taken = 0;

    while (taken < most && slab->free_words != 0) {
        uint32_t w = slab->lowest;
        protopool_word word;
        unsigned char *base;

        while (bits[w] == 0)
            w++;
        slab->lowest = w;
        word = bits[w];
        slab->idle_words -= word == all_free(slab, w);
        base = slab->first + (size_t)w * WORD_BITS * slabs->slot_bytes;
        for (; word != 0 && taken < most; word &= word - 1)
            slots[taken++] = base + lowest_bit(word) * slabs->slot_bytes;
        bits[w] = word;
        slab->free_words -= word == 0;
    }
    if (slab->free_words == 0) {
        unlink_slab(&slabs->partial, slab);
        push_slab(&slabs->full, slab);
    }
    slabs->in_slabs -= taken;
    return taken;
}

/* Marks slots of one bitmap word free. True if the slab has become wholly free. */
static bool put_into_word(struct protopool_slabs *slabs, struct protopool_slab *slab, uint32_t w, protopool_word freed)
{
    protopool_word *const word = &bitmap(slab)[w];

    if (*word == 0) {
        if (slab->free_words++ == 0) {
            unlink_slab(&slabs->full, slab);
            push_slab(&slabs->partial, slab);
            slab->lowest = w;
        } else if (w < slab->lowest) {
            slab->lowest = w;
        }
    }
    *word |= freed;
    if (*word != all_free(slab, w))
        return false;
    return ++slab->idle_words == slab->words;
}

/* ---- Geometry of a growing pool's slabs ---------------------------------------------------------------------------- */

/* How many slots fit a slab: header, bitmap and slots within `bytes`. */
static uint32_t slots_in(size_t bytes, size_t slot_bytes)
{
    const size_t room = bytes - sizeof(struct protopool_slab);
    size_t slots = room * 8 / (slot_bytes * 8 + 1);

    while (slots > 0 && header_bytes((uint32_t)slots) + slots * slot_bytes > bytes)
        slots--;
    return (uint32_t)slots;
}

/* What a slab spends on neither slots nor their bits. */
static size_t waste_of(size_t bytes, size_t slot_bytes)
{
    const size_t slots = slots_in(bytes, slot_bytes);
    return bytes - slots * slot_bytes - slots / 8;
}

/*
 * The smallest slab whose waste is within its share; for large slots a block of their own, if that wastes less than
 * what any slab does; else the slab that wastes least.
 */
static void shape_slabs(struct protopool_slabs *slabs, size_t slot_bytes, unsigned waste_shift)
{
    size_t bytes = SLAB_BYTES;

    memset(slabs, 0, sizeof *slabs);
    slabs->slot_bytes = slot_bytes;
    slabs->reciprocal = ((uint64_t)1 << 32) / slot_bytes + 1;
    for (unsigned order = 0; order < SLAB_ORDERS; order++) {
        const size_t candidate = SLAB_BYTES << order;
        if (slots_in(candidate, slot_bytes) == 0)
            continue;
        if (waste_of(candidate, slot_bytes) * (bytes / SLAB_BYTES)
                < waste_of(bytes, slot_bytes) * (candidate / SLAB_BYTES)
            || slots_in(bytes, slot_bytes) == 0)
            bytes = candidate;
        if (waste_of(candidate, slot_bytes) <= candidate >> waste_shift)
            break;
    }
    if (slot_bytes >= OWN_MIN_BYTES
        && (slots_in(bytes, slot_bytes) == 0 || waste_of(bytes, slot_bytes) > bytes >> waste_shift)) {
        slabs->slab_slots = 1;
        slabs->back = header_bytes(1);
        slabs->slab_bytes = slabs->back + slot_bytes;
        slabs->mask = ~(uintptr_t)0;
        return;
    }
    slabs->slab_slots = slots_in(bytes, slot_bytes);
    slabs->slab_bytes = bytes;
    slabs->mask = ~(uintptr_t)(bytes - 1);
}

/* Whether each slot has a block of its own. */
static inline bool is_own(const struct protopool_slabs *slabs)
{
    return slabs->back != 0;
}

/* ---- The store: slabs from and to the source ------------------------------------------------------------------------ */

static void *take_from_source(struct protopool_store *store, size_t bytes, size_t align)
{
    void *memory;

    if (store->source.take == NULL)
        return NULL;
    memory = store->source.take(store->source.ctx, bytes, align);
    if (memory == NULL)
        return NULL;
    if ((uintptr_t)memory % align != 0) { /* no use: a slab is found by its alignment */
        if (store->source.give != NULL)
            store->source.give(store->source.ctx, memory, bytes);
        return NULL;
    }
    store->source_bytes += bytes;
    return memory;
}

static void give_to_source(struct protopool_store *store, void *memory, size_t bytes)
{
    store->source_bytes -= bytes;
    if (store->source.give != NULL)
        store->source.give(store->source.ctx, memory, bytes);
}

static uintptr_t order_of(const struct protopool_slabs *slabs)
{
    uintptr_t order = 0;
    while (SLAB_BYTES << order < slabs->slab_bytes)
        order++;
    return order;
}

/* Takes the spare at index i out of the list. */
static uintptr_t remove_spare(struct protopool_store *store, uint32_t i)
{
    const uintptr_t spare = store->spares[i];

    store->spare_count--;
    for (; i < store->spare_count; i++)
        store->spares[i] = store->spares[i + 1];
    return spare;
}

static void give_highest_spare(struct protopool_store *store)
{
    const uintptr_t spare = remove_spare(store, store->spare_count - 1);
    const uintptr_t order = spare & (SLAB_BYTES - 1);

    give_to_source(store, (void *)(spare - order), SLAB_BYTES << order);
}

/* Keeps a wholly free slab for any slot size. The spares are the lowest addresses, so that what is in use stays
 * together and the rest can leave the source whole. */
static void keep_spare(struct protopool_store *store, struct protopool_slab *slab, uintptr_t order)
{
    const uintptr_t spare = (uintptr_t)slab | order;
    uint32_t i;

    if (store->spare_count == PROTOPOOL_SPARE_SLABS) {
        if (store->spares[PROTOPOOL_SPARE_SLABS - 1] < spare) {
            give_to_source(store, slab, SLAB_BYTES << order);
            return;
        }
        give_highest_spare(store);
    }
    for (i = store->spare_count++; i > 0 && store->spares[i - 1] > spare; i--)
        store->spares[i] = store->spares[i - 1];
    store->spares[i] = spare;
}

/* The spare slab of this order with the lowest address, or NULL. */
static void *take_spare(struct protopool_store *store, uintptr_t order)
{
    for (uint32_t i = 0; i < store->spare_count; i++) {
        if ((store->spares[i] & (SLAB_BYTES - 1)) == order)
            return (void *)(remove_spare(store, i) - order);
    }
    return NULL;
}

/* A slab leaves its class, wholly free. */
static void release_slab(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    unlink_slab(&slabs->partial, slab);
    slabs->slots -= slab->slots;
    slabs->in_slabs -= slab->slots;
    if (is_own(slabs))
        give_to_source(store, slab, slabs->slab_bytes);
    else
        keep_spare(store, slab, order_of(slabs));
}

/* Puts slots into their slabs, neighbours of one bitmap word together. */
static void spill(struct protopool_store *store, struct protopool_slabs *slabs, void *const *slots, uint32_t count)
{
    uint32_t i = 0;

    slabs->in_slabs += count;
    while (i < count) {
        struct protopool_slab *const slab = slab_of(slabs, slots[i]);
        uint32_t index = index_of(slabs, slab, slots[i]);
        const uint32_t w = index / WORD_BITS;
        protopool_word freed = 0;

        do {
            freed |= (protopool_word)1 << index % WORD_BITS;
            if (++i == count || slab_of(slabs, slots[i]) != slab)
                break;
            index = index_of(slabs, slab, slots[i]);
        } while (index / WORD_BITS == w);
        if (put_into_word(slabs, slab, w, freed) && slabs->fixed == NULL
            && slabs->slots - slab->slots >= slabs->reserved)
            release_slab(store, slabs, slab);
    }
}

static void spill_magazine(struct protopool_store *store, struct protopool_slabs *slabs,
                           struct protopool_magazine *magazine)
{
    spill(store, slabs, magazine->slots, magazine->count);
    magazine->count = 0;
}

static void flush(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->geometry->count; c++) {
        spill_magazine(&pool->store, &pool->classes[c].slabs, &pool->loaded[c]);
        spill_magazine(&pool->store, &pool->classes[c].slabs, &pool->classes[c].previous);
    }
}

/*
 * Spills the magazines of slot sizes whose counts have not moved since the pool last grew: what they hold may be the
 * last live slots, so to speak, of slabs that would serve another slot size.
 */
static void flush_idle(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->geometry->count; c++) {
        struct protopool_class *const class_ = &pool->classes[c];
        if (class_->seen_loaded == pool->loaded[c].count && class_->seen_previous == class_->previous.count) {
            spill_magazine(&pool->store, &class_->slabs, &pool->loaded[c]);
            spill_magazine(&pool->store, &class_->slabs, &class_->previous);
        }
        class_->seen_loaded = pool->loaded[c].count;
        class_->seen_previous = class_->previous.count;
    }
}

/* Another slab for the slot size: a spare one, or from the source. False if there is none. */
static bool grow(struct protopool *pool, struct protopool_slabs *slabs)
{
    struct protopool_store *const store = &pool->store;
    unsigned char *memory;

    if (slabs->fixed != NULL || slabs->slot_bytes == 0)
        return false;
    if (is_own(slabs)) {
        flush_idle(pool);
        memory = (unsigned char *)take_from_source(store, slabs->slab_bytes, 8);
    } else {
        const uintptr_t order = order_of(slabs);
        memory = (unsigned char *)take_spare(store, order);
        if (memory == NULL) {
            flush_idle(pool);
            memory = (unsigned char *)take_spare(store, order);
        }
        if (memory == NULL) {
            while (store->spare_count != 0)
                give_highest_spare(store);
            memory = (unsigned char *)take_from_source(store, slabs->slab_bytes, slabs->slab_bytes);
        }
    }
    if (memory == NULL)
        return false;
    add_slab(slabs, (struct protopool_slab *)(void *)memory, memory + header_bytes(slabs->slab_slots),
             slabs->slab_slots);
    return true;
}

/* ---- Magazines -------------------------------------------------------------------------------------------------------- */

static size_t live_of(const struct protopool *pool, unsigned c)
{
    const struct protopool_class *const class_ = &pool->classes[c];
    return class_->slabs.slots - class_->slabs.in_slabs - pool->loaded[c].count - class_->previous.count;
}

static void swap_magazines(struct protopool *pool, unsigned c)
{
    const struct protopool_magazine loaded = pool->loaded[c];
    pool->loaded[c] = pool->classes[c].previous;
    pool->classes[c].previous = loaded;
}

/* Gives a magazine its array. False if there is no memory for it. */
static bool equip(struct protopool *pool, struct protopool_magazine *magazine, size_t slot_bytes)
{
    struct protopool_slabs *const arrays = &pool->store.arrays;
    const size_t most = MAGAZINE_BYTES / slot_bytes;
    void *array = NULL;

    if (arrays->partial == NULL && !grow(pool, arrays))
        return false;
    (void)take_from_slab(arrays, arrays->partial, &array, 1);
    magazine->slots = (void **)array;
    magazine->count = 0;
    magazine->capacity = PROTOPOOL_MAGAZINE;
    if (most < PROTOPOOL_MAGAZINE)
        magazine->capacity = (uint32_t)(most > MAGAZINE_MIN ? most : PROTOPOOL_MIN_(MAGAZINE_MIN, PROTOPOOL_MAGAZINE));
    return true;
}

static void reverse(void **slots, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        void *const slot = slots[i];
        slots[i] = slots[count - 1 - i];
        slots[count - 1 - i] = slot;
    }
}

/*
 * Refills the empty loaded magazine, lowest address on top. It takes a quarter of what is live, so that peaks of
 * small pools are close to the truth and soon a whole magazine at a time; a new slab only for the first slot.
 */
static bool refill(struct protopool *pool, unsigned c)
{
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_slabs *const slabs = &pool->classes[c].slabs;
    const size_t live = live_of(pool, c);
    const uint32_t most = live / 4 < loaded->capacity ? (uint32_t)(live / 4) + (live < 4) : loaded->capacity;

    if (slabs->partial == NULL && !grow(pool, slabs))
        return false;
    while (loaded->count < most && slabs->partial != NULL)
        loaded->count += take_from_slab(slabs, slabs->partial, loaded->slots + loaded->count, most - loaded->count);
    reverse(loaded->slots, loaded->count);
    if (live + loaded->count > pool->classes[c].peak)
        pool->classes[c].peak = live + loaded->count;
    return true;
}

PROTOPOOL_COLD void *protopool_take_slow(struct protopool *pool, unsigned slot_class)
{
    struct protopool_magazine *const loaded = &pool->loaded[slot_class];
    struct protopool_class *const class_ = &pool->classes[slot_class];

    if (slot_class == 0)
        return NULL;
    if (class_->previous.count != 0) {
        swap_magazines(pool, slot_class);
    } else if ((loaded->capacity == 0 && !equip(pool, loaded, class_->slabs.slot_bytes)) || !refill(pool, slot_class)) {
        class_->failures++;
        return NULL;
    }
    return loaded->slots[--loaded->count];
}

PROTOPOOL_COLD void protopool_put_slow(struct protopool *pool, unsigned slot_class, void *slot)
{
    struct protopool_magazine *const loaded = &pool->loaded[slot_class];
    struct protopool_class *const class_ = &pool->classes[slot_class];
    struct protopool_magazine *const previous = &class_->previous;

    if (slot_class == 0)
        return;
    if (previous->capacity == 0 && class_->slabs.fixed == NULL && loaded->capacity != 0)
        (void)equip(pool, previous, class_->slabs.slot_bytes);
    if (previous->capacity == 0) { /* no second magazine to be had: a free never fails */
        spill_magazine(&pool->store, &class_->slabs, loaded);
    } else {
        if (previous->count != 0)
            spill_magazine(&pool->store, &class_->slabs, previous);
        swap_magazines(pool, slot_class);
    }
    if (loaded->capacity != 0)
        loaded->slots[loaded->count++] = slot;
    else
        spill(&pool->store, &class_->slabs, &slot, 1);
}

/* ---- Pools ------------------------------------------------------------------------------------------------------------- */

static void begin(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                  const struct protopool_geometry *geometry)
{
    memset(pool, 0, sizeof *pool);
    memset(loaded, 0, (geometry->count + (size_t)1) * sizeof *loaded);
    memset(classes, 0, (geometry->count + (size_t)1) * sizeof *classes);
    pool->loaded = loaded;
    pool->classes = classes;
    pool->geometry = geometry;
}

/* Lays one slot size out in the caller's memory; returns where the next one begins. */
static unsigned char *begin_fixed_class(struct protopool *pool, unsigned c, unsigned char *memory)
{
    const uint32_t slot_bytes = pool->geometry->slot_sizes[c - 1].bytes;
    const uint32_t budget = pool->geometry->slot_sizes[c - 1].budget;
    struct protopool_slabs *const slabs = &pool->classes[c].slabs;
    struct protopool_magazine *const loaded = &pool->loaded[c];
    struct protopool_magazine *const previous = &pool->classes[c].previous;
    void **const arrays =
        (void **)(void *)(memory + sizeof(struct protopool_slab) + words_for(budget) * sizeof(protopool_word));
    unsigned char *first;

    loaded->slots = arrays;
    loaded->capacity = PROTOPOOL_MIN_(budget, PROTOPOOL_MAGAZINE);
    previous->slots = arrays + loaded->capacity;
    previous->capacity = PROTOPOOL_MIN_(budget - loaded->capacity, PROTOPOOL_MAGAZINE);
    first = memory
            + round_up(sizeof(struct protopool_slab) + words_for(budget) * sizeof(protopool_word)
                       + ((size_t)loaded->capacity + previous->capacity) * sizeof(void *));
    slabs->slot_bytes = slot_bytes;
    slabs->reciprocal = ((uint64_t)1 << 32) / slot_bytes + 1;
    slabs->fixed = (struct protopool_slab *)(void *)memory;
    add_slab(slabs, slabs->fixed, first, budget);
    return first + round_up((size_t)slot_bytes * budget);
}

bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                          const struct protopool_geometry *geometry, void *memory, size_t bytes)
{
    unsigned char *next = (unsigned char *)memory;
    unsigned long long need = 0;

    for (uint32_t i = 0; i < geometry->count; i++)
        need += PROTOPOOL_FIXED_BYTES(geometry->slot_sizes[i].bytes, geometry->slot_sizes[i].budget);
    if (need > bytes || (need != 0 && (memory == NULL || (uintptr_t)memory % 8 != 0)))
        return false;
    begin(pool, loaded, classes, geometry);
    for (unsigned c = 1; c <= geometry->count; c++) {
        classes[c].slabs.slot_bytes = geometry->slot_sizes[c - 1].bytes;
        if (geometry->slot_sizes[c - 1].budget != 0)
            next = begin_fixed_class(pool, c, next);
    }
    pool->store.source_bytes = (size_t)need;
    return true;
}

#ifdef HAS_HEAP
static void *heap_take(void *ctx, size_t bytes, size_t align);
static void heap_give(void *ctx, void *memory, size_t bytes);
static void heap_end(struct protopool_heap *heap);
#endif

bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded, struct protopool_class *classes,
                            const struct protopool_geometry *geometry, const struct protopool_source *source)
{
    begin(pool, loaded, classes, geometry);
    if (source != NULL) {
        pool->store.source = *source;
    } else {
#ifdef HAS_HEAP
        pool->store.source.take = heap_take;
        pool->store.source.give = heap_give;
        pool->store.source.ctx = &pool->store.heap;
#endif
    }
    if (pool->store.source.take == NULL)
        return false;
    for (unsigned c = 1; c <= geometry->count; c++)
        shape_slabs(&classes[c].slabs, geometry->slot_sizes[c - 1].bytes, WASTE_SHIFT);
    shape_slabs(&pool->store.arrays, PROTOPOOL_MAGAZINE * sizeof(void *), ARRAYS_WASTE_SHIFT);
    return geometry->count == 0 || grow(pool, &pool->store.arrays);
}

static void give_list(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab)
{
    while (slab != NULL) {
        struct protopool_slab *const next = slab->next;
        give_to_source(store, slab, slabs->slab_bytes);
        slab = next;
    }
}

static void give_slabs(struct protopool_store *store, struct protopool_slabs *slabs)
{
    if (slabs->fixed == NULL) {
        give_list(store, slabs, slabs->partial);
        give_list(store, slabs, slabs->full);
    }
}

size_t protopool_fini(struct protopool *pool)
{
    struct protopool_store *const store = &pool->store;
    size_t live = 0;

    for (unsigned c = 1; c <= pool->geometry->count; c++) {
        live += live_of(pool, c);
        give_slabs(store, &pool->classes[c].slabs);
    }
    give_slabs(store, &store->arrays);
    while (store->spare_count != 0)
        give_highest_spare(store);
#ifdef HAS_HEAP
    heap_end(&store->heap);
#endif
    begin(pool, pool->loaded, pool->classes, pool->geometry);
    return live;
}

void protopool_reset(struct protopool *pool)
{
    for (unsigned c = 1; c <= pool->geometry->count; c++) {
        struct protopool_slabs *const slabs = &pool->classes[c].slabs;

        pool->loaded[c].count = 0;
        pool->classes[c].previous.count = 0;
        while (slabs->full != NULL) {
            struct protopool_slab *const slab = slabs->full;
            unlink_slab(&slabs->full, slab);
            push_slab(&slabs->partial, slab);
        }
        slabs->in_slabs = slabs->slots;
        for (struct protopool_slab *slab = slabs->partial, *next; slab != NULL; slab = next) {
            next = slab->next;
            mark_all_free(slab);
            if (slabs->fixed == NULL && slabs->slots - slab->slots >= slabs->reserved)
                release_slab(&pool->store, slabs, slab);
        }
    }
}

bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n)
{
    struct protopool_class *const class_ = &pool->classes[slot_class];
    struct protopool_slabs *const slabs = &class_->slabs;
    const size_t live = slot_class == 0 ? 0 : live_of(pool, slot_class);

    if (slot_class == 0 || n == 0)
        return true;
    if (slabs->slot_bytes == 0 || n > (SIZE_MAX - live) / slabs->slot_bytes)
        return false;
    if (slabs->fixed == NULL && pool->loaded[slot_class].capacity == 0
        && !equip(pool, &pool->loaded[slot_class], slabs->slot_bytes))
        return false;
    while (slabs->slots - live < n)
        if (!grow(pool, slabs))
            return false;
    if (live + n > slabs->reserved)
        slabs->reserved = live + n;
    return true;
}

static void each_in_list(const struct protopool_slabs *slabs, struct protopool_slab *slab,
                         void (*fn)(void *ctx, const void *slot), void *ctx)
{
    for (; slab != NULL; slab = slab->next) {
        for (uint32_t w = 0; w < slab->words; w++) {
            const unsigned char *const base = slab->first + (size_t)w * WORD_BITS * slabs->slot_bytes;
            for (protopool_word live = all_free(slab, w) & ~bitmap(slab)[w]; live != 0; live &= live - 1)
                fn(ctx, base + lowest_bit(live) * slabs->slot_bytes);
        }
    }
}

void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx)
{
    flush(pool); /* a slot in a magazine looks live in the bitmap */
    for (unsigned c = 1; c <= pool->geometry->count; c++) {
        each_in_list(&pool->classes[c].slabs, pool->classes[c].slabs.full, fn, ctx);
        each_in_list(&pool->classes[c].slabs, pool->classes[c].slabs.partial, fn, ctx);
    }
}

void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size, size_t *source_bytes)
{
    for (unsigned c = 1; c <= pool->geometry->count; c++) {
        struct protopool_slot_stats *const stats = &by_slot_size[c - 1];
        stats->slot_bytes = pool->geometry->slot_sizes[c - 1].bytes;
        stats->budget = pool->classes[c].slabs.fixed != NULL ? pool->classes[c].slabs.slots : 0;
        stats->live = live_of(pool, c);
        stats->peak = pool->classes[c].peak;
        stats->failures = pool->classes[c].failures;
    }
    if (source_bytes != NULL)
        *source_bytes = pool->store.source_bytes;
}

#ifdef HAS_HEAP
/* ---- The default source: slabs cut from chunks ------------------------------------------------------------------------- */

/*
 * Slabs asked of malloc one by one would cost an aligned block each, half of it lost. Chunks are blocks of malloc and
 * not mappings, so that leak checkers see the pointers that messages hold.
 */
#define CHUNK_BYTES ((size_t)1 << 20)

struct protopool_chunk {
    unsigned char *base;
    uint64_t used; /* a bit for each SLAB_BYTES */
};

static_assert(CHUNK_BYTES / SLAB_BYTES == 64, "a chunk's slabs are the bits of a word");

static void *aligned_block(size_t align, size_t bytes)
{
#ifdef _WIN32
    return _aligned_malloc(bytes, align);
#else
    return aligned_alloc(align, bytes);
#endif
}

static void free_aligned_block(void *block)
{
#ifdef _WIN32
    _aligned_free(block);
#else
    free(block);
#endif
}

static uint64_t run_of(size_t bytes)
{
    return (((uint64_t)1 << bytes / SLAB_BYTES) - 1);
}

/* The index of the first chunk whose base is not below the address. */
static size_t chunk_at(const struct protopool_heap *heap, uintptr_t base)
{
    size_t low = 0, high = heap->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap->chunks[middle].base < base)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Adds a chunk, wholly free, and returns it; NULL if there is no memory. */
static struct protopool_chunk *add_chunk(struct protopool_heap *heap)
{
    unsigned char *base;
    size_t at;

    if (heap->count == heap->capacity) {
        const size_t capacity = heap->capacity == 0 ? 16 : 2 * heap->capacity;
        void *const chunks = realloc(heap->chunks, capacity * sizeof heap->chunks[0]);
        if (chunks == NULL)
            return NULL;
        heap->chunks = (struct protopool_chunk *)chunks;
        heap->capacity = capacity;
    }
    base = (unsigned char *)aligned_block(CHUNK_BYTES, CHUNK_BYTES);
    if (base == NULL)
        return NULL;
    at = chunk_at(heap, (uintptr_t)base);
    memmove(&heap->chunks[at + 1], &heap->chunks[at], (heap->count - at) * sizeof heap->chunks[0]);
    heap->chunks[at].base = base;
    heap->chunks[at].used = 0;
    heap->count++;
    heap->idle++;
    if (at < heap->lowest)
        heap->lowest = at;
    return &heap->chunks[at];
}

/* Cuts an aligned run out of the chunk; NULL if none is free. */
static void *cut(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bytes)
{
    const uint64_t run = run_of(bytes);

    for (size_t bit = 0; bit < 64; bit += bytes / SLAB_BYTES) {
        if ((chunk->used & run << bit) == 0) {
            heap->idle -= chunk->used == 0;
            chunk->used |= run << bit;
            return chunk->base + bit * SLAB_BYTES;
        }
    }
    return NULL;
}

static void *heap_take(void *ctx, size_t bytes, size_t align)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    struct protopool_chunk *chunk;

    if (align != bytes) /* not a slab */
        return malloc(bytes);
    while (heap->lowest < heap->count && heap->chunks[heap->lowest].used == ~(uint64_t)0)
        heap->lowest++;
    for (size_t i = heap->lowest; i < heap->count; i++) {
        void *const slab = cut(heap, &heap->chunks[i], bytes);
        if (slab != NULL)
            return slab;
    }
    chunk = add_chunk(heap);
    return chunk == NULL ? NULL : cut(heap, chunk, bytes);
}

static void heap_give(void *ctx, void *memory, size_t bytes)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    const uintptr_t base = (uintptr_t)memory & ~(uintptr_t)(CHUNK_BYTES - 1);
    const size_t at = chunk_at(heap, base);
    struct protopool_chunk *chunk;

    if (bytes < SLAB_BYTES || (bytes & (bytes - 1)) != 0 || at == heap->count
        || (uintptr_t)heap->chunks[at].base != base) {
        free(memory);
        return;
    }
    chunk = &heap->chunks[at];
    chunk->used &= ~(run_of(bytes) << ((uintptr_t)memory - base) / SLAB_BYTES);
    if (at < heap->lowest)
        heap->lowest = at;
    if (chunk->used != 0 || heap->idle++ == 0)
        return;
    free_aligned_block(chunk->base); /* one idle chunk is kept, not two */
    heap->idle--;
    heap->count--;
    memmove(chunk, chunk + 1, (heap->count - at) * sizeof *chunk);
}

static void heap_end(struct protopool_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        free_aligned_block(heap->chunks[i].base);
    free(heap->chunks);
}
#endif

#ifndef PROTOPOOL_NO_STDIO
/* ---- Printing ------------------------------------------------------------------------------------------------------------ */

static void wrote(struct protopool_printer *to, int result)
{
    if (to->written >= 0)
        to->written = result < 0 ? result : to->written + result;
}

void protopool_print(struct protopool_printer *to, const char *as_it_is)
{
    wrote(to, fprintf(to->out, "%s", as_it_is));
}

void protopool_print_bool(struct protopool_printer *to, bool value)
{
    protopool_print(to, value ? "true" : "false");
}

void protopool_print_unsigned(struct protopool_printer *to, uint64_t value)
{
    wrote(to, fprintf(to->out, "%llu", (unsigned long long)value));
}

void protopool_print_signed(struct protopool_printer *to, int64_t value)
{
    wrote(to, fprintf(to->out, "%lld", (long long)value));
}

/* One byte: itself, or an escape. The quote that surrounds it is escaped too. */
static void print_byte(struct protopool_printer *to, unsigned char byte, char quote)
{
    switch (byte) {
    case '\0':
        protopool_print(to, "\\0");
        return;
    case '\t':
        protopool_print(to, "\\t");
        return;
    case '\n':
        protopool_print(to, "\\n");
        return;
    case '\r':
        protopool_print(to, "\\r");
        return;
    default:
        break;
    }
    if (byte == '\\' || byte == (unsigned char)quote)
        wrote(to, fprintf(to->out, "\\%c", byte));
    else if (byte < 0x20 || byte == 0x7f)
        wrote(to, fprintf(to->out, "\\u{%x}", byte));
    else if (byte < 0x80)
        wrote(to, fprintf(to->out, "%c", byte));
    else
        wrote(to, fprintf(to->out, "\\x%02x", byte));
}

void protopool_print_char(struct protopool_printer *to, char value)
{
    protopool_print(to, "'");
    print_byte(to, (unsigned char)value, '\'');
    protopool_print(to, "'");
}

/* The length of the UTF-8 sequence of two to four bytes that begins here, and its character; 0 if there is none
 * (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *bytes, size_t left, uint32_t *character)
{
    static const uint32_t lowest[] = { 0x80, 0x800, 0x10000 };
    const size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;

    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length > left)
        return 0;
    *character = bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (bytes[i] & 0x3fU);
    }
    if (*character < lowest[length - 2] || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return length;
}

/* Whether a character beyond ASCII acts on a terminal: C1 controls and bidirectional controls. */
static bool is_control(uint32_t character)
{
    return character < 0xa0 || character == 0x61c || character == 0x200e || character == 0x200f
           || (character >= 0x2028 && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}

void protopool_print_text(struct protopool_printer *to, const char *text, size_t length)
{
    const unsigned char *const bytes = (const unsigned char *)text;

    protopool_print(to, "\"");
    for (size_t i = 0; i < length;) {
        uint32_t character = 0;
        const size_t sequence = bytes[i] < 0x80 ? 0 : utf8_sequence(bytes + i, length - i, &character);
        if (sequence == 0)
            print_byte(to, bytes[i], '"');
        else if (is_control(character))
            wrote(to, fprintf(to->out, "\\u{%lx}", (unsigned long)character));
        else
            wrote(to, fprintf(to->out, "%.*s", (int)sequence, text + i));
        i += sequence == 0 ? 1 : sequence;
    }
    protopool_print(to, "\"");
}

/* Digits d0 d1 ... with the value d0.d1... * 10^exponent, in Rust's form. */
static void print_digits(struct protopool_printer *to, const char *digits, int count, int exponent)
{
    if (exponent < -5 || exponent > 15) {
        wrote(to, fprintf(to->out, "%c%s%.*se%d", digits[0], count > 1 ? "." : "", count - 1, digits + 1, exponent));
    } else if (exponent < 0) {
        wrote(to, fprintf(to->out, "0.%.*s%.*s", -exponent - 1, "0000", count, digits));
    } else if (count <= exponent + 1) {
        wrote(to, fprintf(to->out, "%.*s%.*s.0", count, digits, exponent + 1 - count, "000000000000000"));
    } else {
        wrote(to, fprintf(to->out, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1, digits + exponent + 1));
    }
}

static void print_number(struct protopool_printer *to, double value, bool is_float)
{
    char text[40], digits[20] = "";
    int count = 0;

    if (value != value) {
        protopool_print(to, "NaN");
        return;
    }
    for (int precision = 0; precision < 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    if (text[0] == '-')
        protopool_print(to, "-");
    if (strstr(text, "inf") != NULL) {
        protopool_print(to, "inf");
        return;
    }
    for (const char *at = text; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    if (value == 0)
        protopool_print(to, "0.0");
    else
        print_digits(to, digits, count, (int)strtol(strchr(text, 'e') + 1, NULL, 10));
}

void protopool_print_float(struct protopool_printer *to, float value)
{
    print_number(to, (double)value, true);
}

void protopool_print_double(struct protopool_printer *to, double value)
{
    print_number(to, value, false);
}

#ifdef PROTOPOOL_TRACE
void protopool_trace_bytes(const char *what, const void *slot, size_t bytes)
{
    printf("%s: %p [", what, slot);
    for (size_t i = 0; i < bytes; i++)
        printf("%s%02x", i == 0 ? "" : ", ", ((const unsigned char *)slot)[i]);
    printf("]\n");
}
#endif
#endif
