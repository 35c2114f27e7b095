// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The engine, black box and white: it includes protopool.c, so that after each step the invariants of the header can be
 * checked against the pool's structs. Works for any PROTOPOOL_MAGAZINE.
 */

#define _DEFAULT_SOURCE /* for madvise */ // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

static int counted_madvise(void *memory, size_t bytes, int advice);
static int counted_trylock(pthread_mutex_t *mutex);
#define madvise counted_madvise
#define pthread_mutex_trylock counted_trylock
#if defined __x86_64__ || defined __i386__
static void counted_pause(void);
#define HAS_COUNTED_PAUSE 1
#define __builtin_ia32_pause counted_pause // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#endif
#include "protopool.c"
#undef madvise
#undef pthread_mutex_trylock
#undef __builtin_ia32_pause

#include "support.h"

#include <stdlib.h>

#define CLASSES 6
#define LARGE_CLASS 6 /* of slots with a block each */

static const struct protopool_slot_size sizes[CLASSES] = {
    { 1, 3 },
    { 24, 2 * PROTOPOOL_MAGAZINE + 1 },
    { 40, PROTOPOOL_MAGAZINE + 1 },
    { 41, PROTOPOOL_MAGAZINE },
    { 700, 0 },
    { 40960, 1 },
};
static const struct protopool_geometry geometry = { sizes, CLASSES };

struct handle {
    struct protopool_magazine loaded[1 + CLASSES];
    struct protopool engine;
    struct protopool_pool_class *parts[PROTOPOOL_PARTS(CLASSES)];
};

static struct handle pool;

/* What a growing pool takes once, for its tables. */
#define TABLES_BYTES ((size_t)PROTOPOOL_TABLES_BYTES(CLASSES) + sizeof(struct protopool_growth))

static bool all_bytes_are(const void *slot, size_t bytes, int value)
{
    for (size_t i = 0; i < bytes; i++)
        if (((const unsigned char *)slot)[i] != value)
            return false;
    return true;
}

static void *take(unsigned c)
{
    return protopool_take(&pool.engine, &pool.loaded[c], c);
}

static void put(unsigned c, void *slot)
{
    protopool_put(&pool.engine, &pool.loaded[c], c, slot);
}

static const struct protopool_source source = { counted_take, counted_give, NULL };

static bool init_growing(void)
{
    memset(&counted, 0, sizeof counted);
    return protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &source);
}

static unsigned char *fixed_memory;
static size_t fixed_bytes;

static void init_fixed(void)
{
    unsigned long long need = PROTOPOOL_POOL_TABLES_BYTES(CLASSES);
    for (unsigned i = 0; i < CLASSES; i++)
        need += PROTOPOOL_FIXED_BYTES(sizes[i].bytes, sizes[i].budget);
    fixed_bytes = (size_t)need;
    fixed_memory = (unsigned char *)malloc(fixed_bytes + 64);
    ck_assert_ptr_nonnull(fixed_memory);
    memset(fixed_memory, 0x5a, fixed_bytes + 64);
    ck_assert(protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &geometry, fixed_memory + 32, fixed_bytes));
}

static void fini_fixed(size_t live)
{
    ck_assert_uint_eq(protopool_fini(&pool.engine), live);
    ASSERT(all_bytes_are(fixed_memory, 32, 0x5a)); /* nothing around it was written */
    ASSERT(all_bytes_are(fixed_memory + 32 + fixed_bytes, 32, 0x5a));
    free(fixed_memory);
}

/* ---- The header's invariants ------------------------------------------------------------------------------------- */

static uint32_t bits_set(protopool_word word)
{
    uint32_t count = 0;
    for (; word != 0; word &= word - 1)
        count++;
    return count;
}

static void assert_summary_holds(const protopool_word *below, uint32_t slots)
{
    for (size_t words = pp_bitmap_words(slots), above; words > PROTOPOOL_SEARCHED_WORDS_; words = above) {
        const protopool_word *const level = below + words;
        above = (words + PP_WORD_BITS - 1) / PP_WORD_BITS;
        for (size_t bit = 0; bit < above * PP_WORD_BITS; bit++)
            ASSERT((level[bit / PP_WORD_BITS] >> bit % PP_WORD_BITS & 1) == (bit < words && below[bit] != 0));
        below = level;
    }
}

static void assert_slab_holds(const struct protopool_slabs *slabs, struct protopool_slab *slab, bool full,
                              size_t *slots, size_t *free_slots)
{
    uint32_t free_words = 0, idle_words = 0;

    ASSERT((uintptr_t)slab->first % 8 == 0);
    ASSERT(slab->words == pp_bitmap_words(slab->slots));
    for (uint32_t w = 0; w < slab->words; w++) {
        const protopool_word word = pp_bitmap(slab)[w];
        ASSERT((word & ~pp_slot_bits(slab, w)) == 0);
        free_words += word != 0;
        idle_words += word == pp_slot_bits(slab, w);
        *free_slots += bits_set(word);
        if (w < slab->lowest)
            ASSERT(word == 0);
    }
    ASSERT(slab->free_words == free_words);
    ASSERT(slab->idle_words == idle_words);
    assert_summary_holds(pp_bitmap(slab), slab->slots);
    ASSERT(full == (free_words == 0));
    *slots += slab->slots;
    if (slabs->fixed == NULL)
        ASSERT(pp_slab_of(slabs, slab->first) == slab);
}

static void assert_magazine_holds(const struct protopool_slabs *slabs, const struct protopool_magazine *magazine)
{
    ASSERT(magazine->slots <= magazine->top && magazine->top <= magazine->end);
    for (uint32_t i = 0; i < pp_magazine_count(magazine); i++) {
        struct protopool_slab *const slab = pp_slab_of(slabs, magazine->slots[i]);
        const uint32_t index = pp_slot_index(slabs, slab, magazine->slots[i]);
        ASSERT(index < slab->slots);
        ASSERT(slab->first + index * slabs->slot_bytes == magazine->slots[i]);
        ASSERT((pp_bitmap(slab)[index / PP_WORD_BITS] >> index % PP_WORD_BITS & 1) == 0);
    }
}

static void assert_spares_hold(const struct protopool_growth *growth)
{
    size_t bytes = 0;

    if (growth == NULL)
        return;
    for (uint32_t i = 0; i < growth->spare_count; i++) {
        bytes += PP_SLAB_BYTES << growth->spares[i] % PP_SLAB_BYTES;
        ASSERT(i == 0 || growth->spares[i - 1] < growth->spares[i]);
    }
    ASSERT(growth->spare_bytes == bytes);
    ASSERT(growth->source.give == NULL || bytes <= PROTOPOOL_SPARE_BYTES);
}

static void assert_compact_holds(unsigned c)
{
    const struct protopool_slot_size *const size = &pool.engine.store->geometry->slot_sizes[c - 1];
    const struct protopool_fixed_slots *const fixed = pp_fixed_slots(&pool.engine, c);
    const struct protopool_magazine *const loaded = &pool.loaded[c];
    const protopool_word *const bits = pp_compact_bits(&pool.engine, c);
    uint32_t free_slots = 0;

    if (size->budget == 0) {
        ASSERT(loaded->slots == loaded->top && loaded->top == loaded->end);
        return;
    }
    for (uint32_t w = 0; w < pp_bitmap_words(size->budget); w++) {
        ASSERT((bits[w] & ~pp_bits_in_word(size->budget, w)) == 0);
        ASSERT(w >= fixed->lowest || bits[w] == 0);
        free_slots += bits_set(bits[w]);
    }
    ASSERT(free_slots == fixed->free_slots);
    assert_summary_holds(bits, size->budget);
    ASSERT(loaded->slots <= loaded->top && loaded->top <= loaded->end);
    ASSERT(loaded->end - loaded->slots == (ptrdiff_t)PROTOPOOL_MIN_(2 * PROTOPOOL_MAGAZINE, size->budget));
    for (void **slot = loaded->slots; slot != loaded->top; slot++) {
        const size_t index = (size_t)((unsigned char *)*slot - fixed->first) / size->bytes;
        ASSERT(index < size->budget && *slot == fixed->first + index * size->bytes);
        ASSERT((bits[index / PP_WORD_BITS] >> index % PP_WORD_BITS & 1) == 0);
    }
}

static void assert_invariants(void)
{
    for (unsigned c = 1; pp_is_compact(&pool.engine) && c <= CLASSES; c++)
        assert_compact_holds(c);
    if (pp_is_compact(&pool.engine))
        return;
    for (unsigned c = 1; c <= CLASSES; c++) {
        const struct protopool_slabs *const slabs = &pool.engine.store->classes[c].slabs;
        size_t slots = 0, free_slots = 0;
        for (struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
            assert_slab_holds(slabs, slab, false, &slots, &free_slots);
        for (struct protopool_slab *slab = slabs->full; slab != NULL; slab = slab->next)
            assert_slab_holds(slabs, slab, true, &slots, &free_slots);
        ASSERT(slots == slabs->slots);
        ASSERT(free_slots == slabs->free_in_slabs);
        assert_magazine_holds(slabs, &pool.loaded[c]);
        assert_magazine_holds(slabs, &pp_class(&pool.engine, c)->previous);
    }
    assert_spares_hold(pool.engine.store->growth);
}

static size_t live_in(unsigned c)
{
    struct protopool_slot_stats stats[CLASSES] = { { 0 } };
    protopool_stats(&pool.engine, stats, NULL, NULL);
    return stats[c - 1].live;
}

/* ---- One slot -------------------------------------------------------------------------------------------------------- */

START_TEST(class_0_is_never_allocated)
{
    int object = 7;
    ck_assert(init_growing());
    ck_assert_ptr_null(take(0));
    put(0, &object);
    put(0, &object);
    ck_assert_int_eq(object, 7);
    ck_assert(protopool_reserve(&pool.engine, 0, 100));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
}
END_TEST

START_TEST(freed_slot_is_handed_out_again)
{
    ck_assert(init_growing());
    for (unsigned c = 1; c <= CLASSES; c++) {
        void *const slot = take(c);
        ck_assert_ptr_nonnull(slot);
        put(c, slot);
        ck_assert_ptr_eq(take(c), slot);
        assert_invariants();
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), CLASSES);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

START_TEST(fresh_slots_lie_side_by_side)
{
    ck_assert(init_growing());
    for (unsigned c = 1; c <= 4; c++) {
        unsigned char *const first = (unsigned char *)take(c);
        for (size_t i = 1; i < 300; i++)
            ck_assert_ptr_eq(take(c), first + i * sizes[c - 1].bytes);
    }
    assert_invariants();
    ck_assert_uint_eq(protopool_fini(&pool.engine), 4 * (size_t)300);
}
END_TEST

START_TEST(free_touches_no_byte_of_the_slot)
{
    unsigned char *slots[200];
    ck_assert(init_growing());
    for (size_t i = 0; i < 200; i++) {
        slots[i] = (unsigned char *)take(2);
        memset(slots[i], (int)i, 24);
    }
    for (size_t i = 0; i < 200; i++)
        put(2, slots[i]);
    for (size_t i = 0; i < 200; i++)
        ASSERT(all_bytes_are(slots[i], 24, (int)i));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
}
END_TEST

START_TEST(a_slot_size_takes_nothing_before_its_first_make)
{
    size_t bytes;
    ck_assert(init_growing());
    bytes = counted.bytes;
    ck_assert_uint_eq(bytes, TABLES_BYTES + PP_SLAB_BYTES);
    put(2, take(2));
    ck_assert_uint_eq(counted.bytes, bytes + PP_SLAB_BYTES);
    ck_assert(!pp_has_array(&pool.loaded[3]));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
}
END_TEST

START_TEST(a_pool_of_few_live_messages_settles)
{
    size_t takes = 0;

    ck_assert(init_growing());
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned c = 1; c <= CLASSES; c++)
            put(c, take(c));
        if (round == 20)
            takes = counted.takes;
    }
    ck_assert_uint_eq(counted.takes, takes);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
}
END_TEST

/* Gives the slot back once more, by the slow path, as the magazine of a double free does that is spilled. */
static void put_once_more(unsigned c, void *slot)
{
    put(c, slot);
    protopool_flush(&pool.engine);
}

START_TEST(double_free_frees_no_live_neighbour)
{
    enum { SLOTS = 4 * 64 };
    unsigned char *slots[SLOTS];

    for (unsigned batch = 0; batch < 2; batch++) {
        ck_assert(init_growing());
        for (size_t i = 0; i < SLOTS; i++) {
            slots[i] = (unsigned char *)take(2);
            memset(slots[i], (int)i, 24);
        }
        protopool_flush(&pool.engine);
        for (size_t i = 0; i < 64; i++)
            put(2, slots[i]);
        if (batch == 0)
            protopool_flush(&pool.engine);
        for (size_t i = 0; i < 64; i++) /* over and over: each could complete a word */
            put_once_more(2, slots[i]);
        assert_invariants();
        ck_assert_uint_eq(live_in(2), SLOTS - 64);
        ck_assert_uint_eq(pool.engine.store->growth->spare_count, 0);
        for (size_t i = 0; i < SLOTS; i++) { /* what is allocated now lies on nothing that is live */
            unsigned char *const slot = (unsigned char *)take(2);
            memset(slot, 0xee, 24);
        }
        for (size_t i = 64; i < SLOTS; i++)
            ASSERT(all_bytes_are(slots[i], 24, (int)i));
        assert_invariants();
        ck_assert_uint_eq(protopool_fini(&pool.engine), 2 * (size_t)SLOTS - 64);
        ck_assert_uint_eq(counted.bytes, 0);
        ck_assert_uint_eq(counted.aligns, 0);
    }
}
END_TEST

START_TEST(double_free_frees_nothing_of_another_slot_size)
{
    void *once, *slots[64];

    ck_assert(init_growing());
    once = take(2);
    put_once_more(2, once); /* its slab is free, and serves another slot size next */
    for (size_t i = 0; i < 64; i++) {
        slots[i] = take(3);
        memset(slots[i], (int)i, 40);
    }
    ck_assert_ptr_eq(pp_slab_of(&pool.engine.store->classes[3].slabs, slots[0]),
                     pp_slab_of(&pool.engine.store->classes[2].slabs, once));
    put_once_more(2, once);
    ck_assert_uint_eq(live_in(2), 0);
    ck_assert_uint_eq(live_in(3), 64);
    assert_invariants();
    for (size_t i = 0; i < 64; i++)
        ASSERT(all_bytes_are(slots[i], 40, (int)i));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 64);
}
END_TEST

/* ---- Fixed pools ------------------------------------------------------------------------------------------------------ */

START_TEST(fixed_pool_holds_each_budget_to_the_last_slot)
{
    size_t all = 0;
    init_fixed();
    for (unsigned c = 1; c <= CLASSES; c++) {
        for (uint32_t i = 0; i < sizes[c - 1].budget; i++) {
            unsigned char *const slot = (unsigned char *)take(c);
            ck_assert_ptr_nonnull(slot);
            ck_assert(slot >= fixed_memory + 32 && slot + sizes[c - 1].bytes <= fixed_memory + 32 + fixed_bytes);
            memset(slot, 0xff, sizes[c - 1].bytes);
            all++;
        }
        ck_assert_ptr_null(take(c));
        ck_assert_uint_eq(live_in(c), sizes[c - 1].budget);
        assert_invariants();
    }
    fini_fixed(all);
}
END_TEST

START_TEST(fixed_pool_survives_every_order_of_frees)
{
    static void *slots[2 * PROTOPOOL_MAGAZINE + 1];
    const uint32_t budget = sizes[1].budget;
    init_fixed();
    for (uint32_t step = 1; step < 200; step++) {
        if (budget % step == 0 && step != 1)
            continue; /* the step must meet every slot */
        for (uint32_t i = 0; i < budget; i++)
            ASSERT((slots[i] = take(2)) != NULL);
        ck_assert_ptr_null(take(2));
        assert_invariants();
        for (uint32_t i = 0; i < budget; i++)
            put(2, slots[step == 1 ? i : budget - 1 - i]);
        assert_invariants();
        ck_assert_uint_eq(live_in(2), 0);
    }
    fini_fixed(0);
}
END_TEST

START_TEST(writes_after_free_do_not_corrupt_a_fixed_pool)
{
    enum { MOST = 2 * PROTOPOOL_MAGAZINE + 1 };
    static void *slots[MOST];
    const uint32_t budget = sizes[1].budget;

    init_fixed();
    for (unsigned round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < budget; i++)
            ASSERT((slots[i] = take(2)) != NULL);
        for (uint32_t i = 0; i < budget; i++) {
            put(2, slots[i]);
            if (round % 2 == 1 && i % 7 == 0)
                protopool_flush(&pool.engine);
            for (uint32_t j = 0; j <= i; j++) /* all that are free */
                memset(slots[j], (int)(0xff - round), 24);
            assert_invariants();
        }
        ck_assert_uint_eq(live_in(2), 0);
    }
    fini_fixed(0);
}
END_TEST

START_TEST(fixed_pool_never_asks_a_source)
{
    init_fixed();
    ck_assert_ptr_null(take(5)); /* a budget of 0 */
    ck_assert(!protopool_reserve(&pool.engine, 5, 1));
    ck_assert(protopool_reserve(&pool.engine, 1, 3));
    ck_assert(!protopool_reserve(&pool.engine, 1, 4));
    ck_assert_ptr_nonnull(take(1));
    ck_assert(protopool_reserve(&pool.engine, 1, 2));
    ck_assert(!protopool_reserve(&pool.engine, 1, 3));
    fini_fixed(1);
}
END_TEST

START_TEST(slot_put_where_a_fixed_pool_has_no_budget_is_left_alone)
{
    enum { NO_BUDGET = 5 };
    void *slot;

    init_fixed();
    slot = take(2);
    ck_assert_ptr_nonnull(slot);
    put(NO_BUDGET, slot);
    assert_invariants();
    fini_fixed(1);
}
END_TEST

START_TEST(failed_makes_keep_a_depots_arrays)
{
    enum { POOLS = 2, NO_BUDGET = 5 };
    static struct protopool_depot depot;
    static struct protopool_depot_class classes[1 + CLASSES];
    unsigned long long need = PROTOPOOL_TABLES_BYTES(CLASSES) + PROTOPOOL_DEPOT_ARRAYS_BYTES(5, POOLS)
                              + PROTOPOOL_DEPOT_PARTS_BYTES(PROTOPOOL_PARTS(CLASSES), POOLS);
    void *depot_memory;
    size_t arrays;

    for (unsigned i = 0; i < CLASSES; i++)
        need += PROTOPOOL_DEPOT_BYTES(sizes[i].bytes, sizes[i].budget, POOLS);
    depot_memory = malloc((size_t)need);
    ck_assert(protopool_depot_init_fixed(&depot, classes, &geometry, depot_memory, (size_t)need));
    ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot));
    arrays = pp_array_slabs(depot.store)->free_in_slabs;
    for (int i = 0; i < 100; i++)
        ASSERT(take(NO_BUDGET) == NULL);
    ck_assert_uint_eq(pp_array_slabs(depot.store)->free_in_slabs, arrays);
    for (unsigned c = 1; c <= CLASSES; c++) /* so there is a magazine for every other slot size */
        if (c != NO_BUDGET)
            put(c, take(c));
    ck_assert_uint_eq(pp_array_slabs(depot.store)->free_in_slabs, arrays - 5);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(protopool_depot_fini(&depot), 0);
    free(depot_memory);
}
END_TEST

START_TEST(fixed_pool_refuses_memory_that_is_small_or_misaligned)
{
    static alignas(8) unsigned char memory[16];
    const struct protopool_slot_size one[] = { { 8, 1 } };
    const struct protopool_geometry small = { one, 1 };
    const size_t need = PROTOPOOL_SIZE(PROTOPOOL_POOL_TABLES_BYTES(1) + PROTOPOOL_FIXED_BYTES(8, 1));
    unsigned char *const enough = (unsigned char *)malloc(need + 8);

    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &small, memory, sizeof memory));
    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &small, enough, need - 1));
    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &small, enough + 1, need));
    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &small, NULL, need));
    ck_assert(protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &small, enough, need));
    ck_assert_ptr_nonnull(take(1));
    ck_assert_ptr_null(take(1));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 1);
    free(enough);
}
END_TEST

START_TEST(fixed_bytes_do_not_wrap)
{
    const struct protopool_slot_size huge[] = { { 0x7fffffff, 0xffffffff } };
    const struct protopool_geometry geometry_of_it = { huge, 1 };
    static alignas(8) unsigned char memory[64];
    ck_assert(PROTOPOOL_FIXED_BYTES(0x7fffffff, 0xffffffff) > 0x7fffffff00000000ULL - 0xffffffffULL);
    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &geometry_of_it, memory, sizeof memory));
}
END_TEST

/* Around each budget at which a level of the summary begins or gets another word, and for a slab that needs all levels. */
START_TEST(fixed_bytes_count_the_summary)
{
    static const uint64_t budgets[] = { 1,
                                        PP_WORD_BITS,
                                        (uint64_t)128 * PP_WORD_BITS,
                                        (uint64_t)129 * PP_WORD_BITS,
                                        (uint64_t)128 * PP_WORD_BITS * PP_WORD_BITS,
                                        (uint64_t)129 * PP_WORD_BITS * PP_WORD_BITS,
                                        10000000,
                                        UINT32_MAX - 1 };

    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        for (uint64_t budget = budgets[i] - (budgets[i] > 1); budget <= budgets[i] + 1; budget++) {
            const size_t words = (size_t)((budget + PP_WORD_BITS - 1) / PP_WORD_BITS);
            ck_assert_uint_eq(PROTOPOOL_MAP_WORDS_(budget), pp_map_words((uint32_t)budget));
            if (words <= 128)
                ck_assert_uint_eq(PROTOPOOL_MAP_WORDS_(budget), words);
            else
                ck_assert_uint_gt(PROTOPOOL_MAP_WORDS_(budget), words + words / PP_WORD_BITS - 1);
            ck_assert_uint_le(PROTOPOOL_MAP_WORDS_(budget), words + words / (PP_WORD_BITS - 1) + PP_SUMMARY_LEVELS);
        }
    }
}
END_TEST

/* A slot is found by the summary, wherever it is, and the summary is right after each step. */
START_TEST(free_slot_of_a_large_fixed_pool_is_found)
{
    enum { MANY = 129 * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ + 1 };
    const struct protopool_slot_size one[] = { { 1, MANY } };
    const struct protopool_geometry large = { one, 1 };
    const size_t bytes = PROTOPOOL_SIZE(PROTOPOOL_POOL_TABLES_BYTES(1) + PROTOPOOL_FIXED_BYTES(1, MANY));
    unsigned char *const memory = (unsigned char *)malloc(bytes);
    unsigned char *slots;
    uint32_t random = 1;

    ck_assert(protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &large, memory, bytes));
    slots = pp_fixed_slots(&pool.engine, 1)->first;
    ck_assert_ptr_eq(slots + ((size_t)MANY + 7) / 8 * 8, memory + bytes);
    assert_compact_holds(1);
    for (uint32_t i = 0; i < MANY; i++)
        ASSERT(take(1) == slots + i);
    ck_assert_ptr_null(take(1));
    assert_compact_holds(1);
    for (unsigned round = 0; round < 300; round++) {
        const uint32_t burst = 1 + round % (3 * PROTOPOOL_MAGAZINE);
        uint32_t first;
        random = random * 1664525 + 1013904223;
        first = round < 2 ? round * (MANY - burst) : random % (MANY - burst);
        for (uint32_t i = 0; i < burst; i++)
            put(1, slots + first + i);
        protopool_flush(&pool.engine);
        if (round % 10 == 0)
            assert_compact_holds(1);
        for (uint32_t i = 0; i < burst; i++)
            ASSERT(take(1) == slots + first + i);
        ck_assert_ptr_null(take(1));
    }
    assert_compact_holds(1);
    protopool_reset(&pool.engine);
    assert_compact_holds(1);
    ck_assert_uint_eq(pp_fixed_slots(&pool.engine, 1)->free_slots, MANY);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    free(memory);
}
END_TEST

/* At level 0, a double free and a free of a slot of another size are not found. They must not free other slots. */
START_TEST(wrong_frees_do_not_free_other_slots_of_a_fixed_pool)
{
    const struct protopool_slot_size two[] = { { 24, 5 }, { 40, 1 } };
    const struct protopool_geometry small = { two, 2 };
    static alignas(8) unsigned char memory[1024];
    void *slots[5], *foreign;

    ck_assert(protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &small, memory, sizeof memory));
    foreign = take(2);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++)
            ck_assert_ptr_nonnull(slots[i] = take(1));
        ck_assert_ptr_null(take(1));
        for (int i = 0; i < 5; i++)
            put(1, slots[i]);
        put(1, slots[0]); /* into a full magazine */
        put(1, slots[4]);
        protopool_flush(&pool.engine);
        assert_compact_holds(1);
        ck_assert_uint_eq(pp_fixed_slots(&pool.engine, 1)->free_slots, 5);
        ck_assert_ptr_nonnull(slots[0] = take(1));
        put(1, foreign);
        put(1, slots[0]);
        protopool_flush(&pool.engine);
        assert_compact_holds(1);
        ck_assert_uint_eq(pp_fixed_slots(&pool.engine, 1)->free_slots, 5);
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), 1);
}
END_TEST

/* A joined pool has nothing else; a fixed pool's tables are in its memory. */
START_TEST(handle_is_seven_words_for_each_slot_size_and_eight_besides)
{
    ck_assert_uint_le(sizeof(struct handle), (7 * (1 + CLASSES) + 8) * sizeof(void *));
    ck_assert_uint_le(PROTOPOOL_TABLES_BYTES(CLASSES), 128 * (1 + CLASSES) + 32);
    init_fixed();
    ck_assert_ptr_eq(pool.engine.store, fixed_memory + 32);
    ck_assert_ptr_null(pool.engine.store->growth);
    ck_assert_uint_eq(pool.engine.store->source_bytes, fixed_bytes);
    fini_fixed(0);
}
END_TEST

START_TEST(pool_of_no_slot_sizes_works)
{
    const struct protopool_geometry none = { NULL, 0 };
    static alignas(8) unsigned char memory[PROTOPOOL_POOL_TABLES_BYTES(0)];
    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &none, NULL, 0));
    ck_assert(!protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &none, memory, sizeof memory - 1));
    ck_assert(protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &none, memory, sizeof memory));
    ck_assert_ptr_null(take(0));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert(protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &none, NULL));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
}
END_TEST

/* ---- Growing, and the source --------------------------------------------------------------------------------------- */

START_TEST(empty_source_is_seen_by_init)
{
    const struct protopool_source no_take = { NULL, counted_give, NULL };
    for (size_t fail_at = 1; fail_at <= 2; fail_at++) { /* the tables, the first slab */
        memset(&counted, 0, sizeof counted);
        counted.fail_at = fail_at;
        ck_assert(!protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &source));
        ck_assert_uint_eq(counted.bytes, 0);
        ck_assert_uint_eq(counted.aligns, 0);
    }
    ck_assert(!protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &no_take));
}
END_TEST

START_TEST(misaligned_block_is_given_back)
{
    memset(&counted, 0, sizeof counted);
    counted.misalign = 8;
    ck_assert(!protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &source));
    ck_assert_uint_eq(counted.takes, 2); /* 8 is enough for the tables */
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

/* Makes and frees of all sizes, the same each time; false where a make failed. */
static bool work(void)
{
    static void *slots[1 + CLASSES][300];
    bool good = true;
    memset(slots, 0, sizeof slots);
    for (unsigned c = 1; c <= CLASSES; c++)
        for (unsigned i = 0; i < (c == LARGE_CLASS ? 5 : 300); i++) {
            slots[c][i] = take(c);
            good &= slots[c][i] != NULL;
            if (slots[c][i] != NULL)
                memset(slots[c][i], (int)c, sizes[c - 1].bytes);
        }
    assert_invariants();
    for (unsigned i = 0; i < 300; i++)
        for (unsigned c = 1; c <= CLASSES; c++)
            if (slots[c][i] != NULL) {
                ASSERT(all_bytes_are(slots[c][i], sizes[c - 1].bytes, (int)c));
                put(c, slots[c][i]);
            }
    assert_invariants();
    return good;
}

START_TEST(failure_of_any_take_is_met_and_nothing_is_lost)
{
    size_t takes;
    ck_assert(init_growing());
    ck_assert(work());
    takes = counted.takes;
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_gt(takes, 10);
    for (size_t fail_at = 1; fail_at <= takes; fail_at++) {
        memset(&counted, 0, sizeof counted);
        counted.fail_at = fail_at;
        counted.fail_on = _i == 1;
        if (!protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &source)) {
            ck_assert_uint_le(fail_at, 2);
            continue;
        }
        if (_i == 1)
            ck_assert(!work());
        else
            (void)work();
        counted.fail_at = 0;
        ck_assert(work()); /* all is well again */
        ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
        ck_assert_uint_eq(counted.bytes, 0);
        ck_assert_uint_eq(counted.aligns, 0);
    }
}
END_TEST

START_TEST(wholly_free_slab_serves_another_slot_size)
{
    static void *slots[600];
    size_t bytes;
    ck_assert(init_growing());
    for (int i = 0; i < 600; i++)
        slots[i] = take(2);
    put(3, take(3)); /* has its slab and its magazine now */
    bytes = counted.bytes;
    for (int i = 0; i < 600; i++)
        put(2, slots[i]);
    protopool_each(&pool.engine, NULL, NULL); /* spills the magazines, and meets no live slot */
    for (int i = 0; i < 700; i++)
        ck_assert_ptr_nonnull(take(3));
    ck_assert_uint_le(counted.most, bytes + PP_SLAB_BYTES);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 700);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

START_TEST(slabs_past_the_bound_go_back_to_the_source)
{
    enum { MANY = 200000 };
    void **const slots = (void **)malloc(MANY * sizeof *slots);
    ck_assert(init_growing());
    for (int i = 0; i < MANY; i++)
        slots[i] = take(3);
    ck_assert_uint_gt(counted.bytes, (size_t)MANY * 40);
    for (int i = 0; i < MANY; i++)
        put(3, slots[i]);
    ck_assert_uint_le(counted.bytes - TABLES_BYTES,
                      (PROTOPOOL_SPARE_SLABS + 2 + 2 * PROTOPOOL_MAGAZINE / 400 + 2) * PP_SLAB_BYTES);
    ck_assert_uint_le(pool.engine.store->growth->spare_count, PROTOPOOL_SPARE_SLABS);
    assert_invariants();
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
    free(slots);
}
END_TEST

START_TEST(source_without_give_is_never_given_back)
{
    const struct protopool_source keeps = { counted_take, NULL, NULL };
    memset(&counted, 0, sizeof counted);
    /* what it gave stays reachable for the leak checker through nothing: so the tables and one slab, freed here */
    ck_assert(protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &keeps));
    struct protopool_store *const tables = pool.engine.store;
    struct protopool_slab *const arrays = pp_array_slabs(tables)->partial;
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(counted.bytes, TABLES_BYTES + PP_SLAB_BYTES);
    free(arrays);
    free(tables);
}
END_TEST

static unsigned char *arena_next, *arena_end;

static void *arena_take(void *ctx, size_t bytes, size_t align)
{
    unsigned char *const memory = arena_next + (align - (uintptr_t)arena_next % align) % align;
    (void)ctx;
    if (memory > arena_end || bytes > (size_t)(arena_end - memory))
        return NULL;
    arena_next = memory + bytes;
    return memory;
}

START_TEST(source_without_give_lasts_at_constant_demand)
{
    enum { ARENA = 8 << 20, BURST = 40000 };
    const struct protopool_source arena = { arena_take, NULL, NULL };
    static void *slots[BURST];
    unsigned char *const memory = (unsigned char *)malloc(ARENA);
    size_t taken = 0;

    arena_next = memory;
    arena_end = memory + ARENA;
    ck_assert(protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &arena));
    for (int cycle = 0; cycle < 100; cycle++) {
        const unsigned c = cycle % 8 == 7 ? LARGE_CLASS : 2 + (unsigned)cycle % 3;
        const int burst = c == LARGE_CLASS ? 20 : BURST;
        for (int i = 0; i < burst; i++)
            ASSERT((slots[i] = take(c)) != NULL);
        for (int i = 0; i < burst; i++)
            put(c, slots[i]);
        assert_invariants();
        if (cycle == 10)
            taken = (size_t)(arena_next - memory);
    }
    ck_assert_uint_le((size_t)(arena_next - memory), taken + 4 * PP_SLAB_BYTES);
    ck_assert_uint_le(pool.engine.store->source_bytes, taken + 4 * PP_SLAB_BYTES);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    free(memory);
}
END_TEST

START_TEST(default_source_cuts_slabs_from_chunks_and_frees_them)
{
    enum { MANY = 300000 };
    void **const slots = (void **)malloc(MANY * sizeof *slots);
    ck_assert(protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, NULL));
    for (int i = 0; i < MANY; i++)
        ASSERT((slots[i] = take(2 + (unsigned)i % 4)) != NULL);
    ck_assert_uint_gt(pool.engine.store->growth->heap.slabs, 10 * PP_CHUNK_MIN);
    assert_invariants();
    for (int i = 0; i < MANY; i++)
        put(2 + (unsigned)i % 4, slots[i]);
    assert_invariants();
    ck_assert_uint_le(pool.engine.store->growth->heap.idle, 1);
    ck_assert_uint_lt(pool.engine.store->growth->heap.slabs, 8 * PP_CHUNK_MAX);
    ck_assert_uint_le(pool.engine.store->source_bytes, PROTOPOOL_SPARE_BYTES + 16 * PP_SLAB_BYTES);
    ck_assert_ptr_nonnull(take(LARGE_CLASS));
    ck_assert_uint_eq(protopool_fini(&pool.engine), 1);
    free(slots);
}
END_TEST

START_TEST(default_source_gives_every_slab_its_own_memory)
{
    enum { SLABS = 500, ROUNDS = 40 };
    static struct {
        unsigned char *memory;
        size_t bytes;
    } slabs[SLABS];
    struct protopool_heap heap;
    uint32_t random = 1;

    memset(&heap, 0, sizeof heap);
    for (int i = 0; i < ROUNDS * SLABS; i++) { /* one is replaced at random; in the last round, given back */
        const size_t at = i < SLABS ? (size_t)i : (random = random * 1664525 + 1013904223) % SLABS;
        const size_t bytes = PP_SLAB_BYTES << (random >> 8) % PP_SLAB_ORDERS;
        if (slabs[at].memory != NULL) {
            ASSERT(slabs[at].memory[0] == at % 251 && slabs[at].memory[slabs[at].bytes - 1] == at % 251);
            pp_heap_give(&heap, slabs[at].memory, slabs[at].bytes, slabs[at].bytes);
            slabs[at].memory = NULL;
        }
        if (i < (ROUNDS - 1) * SLABS) {
            ASSERT((slabs[at].memory = (unsigned char *)pp_heap_take(&heap, bytes, bytes)) != NULL);
            ASSERT((uintptr_t)slabs[at].memory % bytes == 0);
            slabs[at].bytes = bytes;
            slabs[at].memory[0] = slabs[at].memory[bytes - 1] = (unsigned char)(at % 251);
        }
    }
    for (size_t at = 0; at < SLABS; at++)
        if (slabs[at].memory != NULL)
            pp_heap_give(&heap, slabs[at].memory, slabs[at].bytes, slabs[at].bytes);
    ck_assert_uint_eq(heap.count, 1);
    ck_assert_uint_eq(heap.idle, 1);
    ck_assert_uint_eq(heap.slabs, heap.chunks[0].slabs);
    for (size_t i = 0; i < heap.slabs; i++) /* and none has been lost on the way */
        ck_assert_ptr_nonnull(pp_heap_take(&heap, PP_SLAB_BYTES, PP_SLAB_BYTES));
    ck_assert_uint_eq(heap.count, 1);
    pp_heap_end(&heap);
}
END_TEST

/* ---- What the default source gives back to the system ---------------------------------------------------------------- */

static size_t system_calls;
static bool refuses; /* the system takes nothing back, as of locked memory */

#ifdef PP_FREE_PAGES
static int counted_madvise(void *memory, size_t bytes, int advice)
{
    system_calls++;
    return refuses ? -1 : madvise(memory, bytes, advice);
}

enum { HEAP_SLABS = 2048, LARGE_HEAP_SLABS = 10240 }; /* 32 and 160 MiB */

static void *heap_slabs[LARGE_HEAP_SLABS];
static struct protopool_heap heap;

static void assert_heap_holds(void)
{
    size_t dirty = 0, live = 0, idle = 0, slabs = 0;

    for (size_t i = 0; i < heap.count; i++) {
        const struct protopool_chunk *const chunk = &heap.chunks[i];
        size_t used = 0;
        for (size_t w = 0; w < chunk->slabs / 64; w++) {
            ASSERT((chunk->dirty[w] & chunk->used[w]) == 0);
            dirty += pp_count_bits(chunk->dirty[w]);
            used += pp_count_bits(chunk->used[w]);
        }
        ASSERT(used == chunk->live);
        ASSERT(i == 0 || heap.chunks[i - 1].block < chunk->block);
        live += used;
        idle += used == 0;
        slabs += chunk->slabs;
    }
    ASSERT(heap.dirty == dirty * PP_SLAB_BYTES);
    ASSERT(heap.live == live * PP_SLAB_BYTES);
    ASSERT(heap.idle == idle && idle <= 1);
    ASSERT(heap.slabs == slabs);
}

/* Takes or gives the slabs from..to; counts chunks that come and go as calls of the system too. */
static void take_slabs(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const size_t count = heap.count;
        ASSERT((heap_slabs[i] = pp_heap_take(&heap, PP_SLAB_BYTES, PP_SLAB_BYTES)) != NULL);
        memset(heap_slabs[i], (int)i, 16);
        system_calls += count != heap.count;
    }
}

static void give_slabs(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const size_t count = heap.count, calls = system_calls;
        ASSERT(all_bytes_are(heap_slabs[i], 16, (int)i & 255));
        pp_heap_give(&heap, heap_slabs[i], PP_SLAB_BYTES, PP_SLAB_BYTES);
        system_calls += count != heap.count;
        ASSERT(system_calls - calls <= PP_DIRTY_MIN / PP_SLAB_BYTES); /* no free does much at once */
    }
}

static void shuffle_slabs(uint32_t count)
{
    uint32_t random = 1;
    for (uint32_t i = count - 1; i > 0; i--) {
        const uint32_t j = (random = random * 1664525 + 1013904223) % (i + 1);
        void *const swapped = heap_slabs[i];
        heap_slabs[i] = heap_slabs[j];
        heap_slabs[j] = swapped;
    }
    for (size_t i = 0; i < count; i++)
        memset(heap_slabs[i], (int)i, 16);
}

static void begin_heap(uint32_t slabs, bool is_shuffled)
{
    memset(&heap, 0, sizeof heap);
    take_slabs(0, slabs);
    if (is_shuffled)
        shuffle_slabs(slabs);
    system_calls = 0;
}

START_TEST(free_memory_between_live_slabs_is_bounded)
{
    const uint32_t slabs = _i == 0 ? HEAP_SLABS : LARGE_HEAP_SLABS;

    begin_heap(slabs, true);
    for (size_t left = slabs; left > 0; left -= 64) {
        give_slabs(left - 64, left);
        assert_heap_holds();
        ASSERT(heap.dirty <= PP_DIRTY_MIN || heap.dirty <= heap.live >> PP_DIRTY_SHIFT);
    }
    ck_assert_uint_le(system_calls, slabs); /* at most one for 16 KiB of memory that is given back */
    pp_heap_trim(&heap);
    assert_heap_holds();
    ck_assert_uint_eq(heap.count, 0);
    ck_assert_uint_eq(heap.dirty, 0);
    pp_heap_end(&heap);
}
END_TEST

#ifdef PP_HUGE_PAGES
/* The first slab of a huge page makes all of it resident. That is counted, goes back, and happens to large heaps only. */
START_TEST(large_heap_has_huge_pages)
{
    const size_t few = PP_HUGE_MIN_LIVE / PP_SLAB_BYTES;
    size_t dirty;

    begin_heap((uint32_t)few, false);
    assert_heap_holds();
    for (size_t i = 0; i < heap.count; i++)
        ck_assert(!heap.chunks[i].is_huge && heap.chunks[i].slabs <= PP_CHUNK_MAX);
    while (heap.live / PP_SLAB_BYTES < heap.slabs) /* fill the last small chunk */
        ck_assert_ptr_nonnull(pp_heap_take(&heap, PP_SLAB_BYTES, PP_SLAB_BYTES));
    dirty = heap.dirty;
    take_slabs(few, few + 1);
    assert_heap_holds();
    ck_assert_uint_eq(heap.dirty - dirty, (PP_PART - 1) * PP_SLAB_BYTES);
    ck_assert_uint_eq((uintptr_t)heap_slabs[few] % (PP_PART * PP_SLAB_BYTES), 0);
    take_slabs(few + 1, few + PP_PART); /* these were counted already */
    assert_heap_holds();
    ck_assert_uint_eq(heap.dirty, dirty);
    take_slabs(few + PP_PART, few + PP_PART + 1);
    pp_heap_trim(&heap);
    assert_heap_holds();
    ck_assert_uint_eq(heap.dirty, 0);
    give_slabs(0, few / 2);
    give_slabs(few, few + PP_PART + 1);
    assert_heap_holds();
    for (size_t i = 0; i < heap.count; i++) /* the next chunk would be a small one: no huge one is kept */
        ck_assert(!heap.chunks[i].is_huge);
    pp_heap_end(&heap);
}
END_TEST

/* While whole huge pages become free, the system need not divide the one whose end is unused. */
START_TEST(huge_pages_go_back_as_a_whole)
{
    enum { TAIL = 100, PARTS = 10, FIRST = LARGE_HEAP_SLABS - 2048 }; /* the last chunk */
    const uint64_t *tail = NULL;

    begin_heap(LARGE_HEAP_SLABS - TAIL, false);
    for (size_t i = 0; i < heap.count; i++)
        if (heap.chunks[i].live == PP_CHUNK_HUGE - TAIL)
            tail = &heap.chunks[i].dirty[(PP_CHUNK_HUGE - PP_PART) / 64];
    ck_assert_ptr_nonnull(tail);
    give_slabs(FIRST, FIRST + PARTS * PP_PART);
    assert_heap_holds();
    ck_assert_uint_eq(pp_count_bits(tail[0]) + pp_count_bits(tail[1]), TAIL);
    ck_assert_uint_ge(system_calls, PARTS / 2);
    ck_assert_uint_le(system_calls, PARTS);
    pp_heap_end(&heap);
}
END_TEST
#endif

START_TEST(system_is_called_for_much_memory_at_once)
{
    begin_heap(HEAP_SLABS, false);
    for (size_t i = 0; i < HEAP_SLABS; i += 32) { /* some in each chunk survive */
        const size_t from = _i == 0 ? i : HEAP_SLABS - 32 - i;
        give_slabs(from + 1, from + 32);
    }
    assert_heap_holds();
    ck_assert_uint_le(heap.dirty, PP_DIRTY_MIN);
    ck_assert_uint_le(system_calls, HEAP_SLABS / 16);
    give_slabs(0, 1);
    for (size_t i = 32; i < HEAP_SLABS; i += 32)
        give_slabs(i, i + 1);
    pp_heap_end(&heap);
}
END_TEST

/* A load that swings across the bound, by less than half of it, wherever that lies: the system is called no more. */
START_TEST(load_that_swings_calls_the_system_no_more)
{
    enum { SWING = PP_DIRTY_MIN / 2 / PP_SLAB_BYTES - 8 };
    for (size_t start = HEAP_SLABS; start > HEAP_SLABS / 2; start -= SWING / 3) {
        begin_heap(HEAP_SLABS, _i == 1);
        give_slabs(start, HEAP_SLABS);
        for (int swing = 0; swing < 3; swing++) {
            give_slabs(start - SWING, start);
            take_slabs(start - SWING, start);
        }
        system_calls = 0;
        for (int swing = 0; swing < 50; swing++) {
            give_slabs(start - SWING, start);
            take_slabs(start - SWING, start);
        }
        assert_heap_holds();
        ck_assert_uint_eq(system_calls, 0);
        pp_heap_end(&heap);
    }
}
END_TEST

START_TEST(memory_that_the_system_does_not_take_is_offered_once)
{
    begin_heap(HEAP_SLABS, true);
    refuses = true;
    give_slabs(HEAP_SLABS / 2, HEAP_SLABS);
    assert_heap_holds();
    ck_assert_uint_eq(system_calls, 1);
    ck_assert_uint_eq(heap.dirty, HEAP_SLABS / 2 * PP_SLAB_BYTES);
    give_slabs(0, HEAP_SLABS / 2);
    pp_heap_trim(&heap);
    ck_assert_uint_eq(heap.dirty, 0); /* to malloc, at least */
    pp_heap_end(&heap);
    refuses = false;
}
END_TEST
#endif

START_TEST(trim_gives_back_all_that_is_free)
{
    static void *slots[1 + CLASSES][1000];
    size_t bytes, given;
    struct protopool_slot_stats stats[CLASSES];

    ck_assert(init_growing());
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 1000; i++)
            for (unsigned c = 1; c <= CLASSES; c++)
                slots[c][i] = c == LARGE_CLASS && i >= 10 ? NULL : take(c);
        if (round == 2)
            ck_assert(protopool_reserve(&pool.engine, 2, 5000));
        for (size_t i = 0; i < 1000; i++)
            for (unsigned c = 1; c <= CLASSES; c++)
                if (slots[c][i] != NULL)
                    put(c, slots[c][i]);
        bytes = counted.bytes;
        given = protopool_trim(&pool.engine);
        ck_assert_uint_eq(given, bytes - counted.bytes);
        assert_invariants();
        ck_assert_uint_eq(pool.engine.store->growth->spare_count, 0);
        bytes = TABLES_BYTES + PP_SLAB_BYTES + (size_t)CLASSES * 2 * PROTOPOOL_MAGAZINE * sizeof(void *);
        if (round < 2) /* the tables, and the arrays of magazines in use */
            ck_assert_uint_le(counted.bytes, bytes);
        ck_assert_uint_eq(protopool_trim(&pool.engine), 0);
    }
    ck_assert_uint_ge(pool.engine.store->classes[2].slabs.slots, 5000); /* what is reserved stays */
    protopool_stats(&pool.engine, stats, &bytes, &given);
    ck_assert_uint_eq(bytes, given);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
    init_fixed();
    put(2, take(2));
    ck_assert_uint_eq(protopool_trim(&pool.engine), 0);
    ck_assert_ptr_nonnull(take(2));
    assert_invariants();
    fini_fixed(1);
}
END_TEST

/* How many slots lie elsewhere than behind the slot before. */
static size_t gaps_between(unsigned char *const *slots, size_t count, size_t slot_bytes)
{
    size_t gaps = 0;
    for (size_t i = 1; i < count; i++)
        gaps += (size_t)(slots[i] - slots[i - 1]) != slot_bytes;
    return gaps;
}

/* Whether a cache line, or the other line of a pair that is fetched together, has bytes of both slots. */
static bool shares_lines(const unsigned char *slot, const unsigned char *other, size_t slot_bytes)
{
    return (uintptr_t)slot / PP_PAIR_OF_LINES <= ((uintptr_t)other + slot_bytes - 1) / PP_PAIR_OF_LINES
           && (uintptr_t)other / PP_PAIR_OF_LINES <= ((uintptr_t)slot + slot_bytes - 1) / PP_PAIR_OF_LINES;
}

/* Of two joined pools that allocate in turn, each gets slots that lie side by side, and whole pairs of cache lines. */
START_TEST(joined_pools_do_not_take_slots_in_turn)
{
    static struct {
        struct protopool_depot engine;
        struct protopool_depot_class classes[1 + CLASSES];
    } depot;
    static struct handle other;
    unsigned char *mine[2 * PROTOPOOL_MAGAZINE], *others[2 * PROTOPOOL_MAGAZINE];
    const size_t count = sizeof mine / sizeof mine[0];
    size_t slot_bytes;

    ck_assert(protopool_depot_init(&depot.engine, depot.classes, &geometry, NULL));
    ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot.engine));
    ck_assert(protopool_join(&other.engine, other.loaded, other.parts, &geometry, &depot.engine));
    slot_bytes = depot.engine.store->classes[2].slabs.slot_bytes;
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(mine[i] = (unsigned char *)take(2));
        ck_assert_ptr_nonnull(others[i] = (unsigned char *)protopool_take(&other.engine, &other.loaded[2], 2));
    }
    ck_assert_uint_le(gaps_between(mine, PROTOPOOL_MAGAZINE, slot_bytes), 1);
    ck_assert_uint_le(gaps_between(others, PROTOPOOL_MAGAZINE, slot_bytes), 1);
    for (size_t i = 0; i < count && PROTOPOOL_MAGAZINE >= 32;
         i++) /* fewer slots may have no end of a pair among them */
        for (size_t j = 0; j < count; j++)
            ASSERT(!shares_lines(mine[i], others[j], slot_bytes));
    for (size_t i = 0; i < count; i++) {
        protopool_put(&pool.engine, &pool.loaded[2], 2, mine[i]);
        protopool_put(&other.engine, &other.loaded[2], 2, others[i]);
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(protopool_fini(&other.engine), 0);
    ck_assert_uint_eq(protopool_depot_fini(&depot.engine), 0);
}
END_TEST

/* A pool that frees what another allocates leaves more and more full magazines at once; none if nobody fetches them. */
START_TEST(pool_that_only_frees_leaves_batches_while_they_are_fetched)
{
    static struct {
        struct protopool_depot engine;
        struct protopool_depot_class classes[1 + CLASSES];
    } depot;
    static struct handle other;
    static void *slots[40 * PROTOPOOL_MAGAZINE];

    ck_assert(protopool_depot_init(&depot.engine, depot.classes, &geometry, NULL));
    ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot.engine));
    ck_assert(protopool_join(&other.engine, other.loaded, other.parts, &geometry, &depot.engine));
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        void *const slot = take(2);
        ck_assert_ptr_nonnull(slot);
        protopool_put(&other.engine, &other.loaded[2], 2, slot);
    }
    ck_assert_uint_eq(pp_exchange_of(&other.engine, 2)->batch, PP_BATCH_MAX);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        ck_assert_ptr_nonnull(slots[i] = take(2));
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        protopool_put(&other.engine, &other.loaded[2], 2, slots[i]);
    ck_assert_uint_eq(pp_exchange_of(&other.engine, 2)->batch, 0);
    ck_assert_uint_eq(pp_exchange_count(&other.engine, 2), 0);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(protopool_fini(&other.engine), 0);
    ck_assert_uint_eq(protopool_depot_fini(&depot.engine), 0);
}
END_TEST

/* A pipeline of one slot size: its magazines are in use, and no slot of them goes back to a slab, also when it is the turn of this
 * slot size to be looked at. */
START_TEST(magazines_of_a_pipeline_are_not_taken_for_idle)
{
    static struct {
        struct protopool_depot engine;
        struct protopool_depot_class classes[1 + CLASSES];
    } depot;
    static struct handle other;
    const size_t *free_in_slabs;
    size_t before = 0;

    ck_assert(protopool_depot_init(&depot.engine, depot.classes, &geometry, NULL));
    free_in_slabs = &depot.engine.store->classes[2].slabs.free_in_slabs;
    ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot.engine));
    ck_assert(protopool_join(&other.engine, other.loaded, other.parts, &geometry, &depot.engine));
    for (size_t i = 0; i < (size_t)8 * PP_IDLE_PERIOD * PROTOPOOL_MAGAZINE; i++) {
        void *const slot = take(2);
        ck_assert_ptr_nonnull(slot);
        protopool_put(&other.engine, &other.loaded[2], 2, slot);
        if (i == (size_t)16 * PROTOPOOL_MAGAZINE) /* the magazines have gone round */
            before = *free_in_slabs;
        ASSERT(i < (size_t)16 * PROTOPOOL_MAGAZINE || *free_in_slabs == before);
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(protopool_fini(&other.engine), 0);
    ck_assert_uint_eq(protopool_depot_fini(&depot.engine), 0);
}
END_TEST

static unsigned busy_tries, tries, pauses, most_pauses; /* most: between two tries */

/* The lock is held by another thread during the first tries. */
static int counted_trylock(pthread_mutex_t *mutex)
{
    if (tries++ < busy_tries) {
        pauses = 0;
        return EBUSY;
    }
    return pthread_mutex_trylock(mutex);
}

#ifdef HAS_COUNTED_PAUSE
static void counted_pause(void)
{
    pauses++;
    most_pauses = pauses > most_pauses ? pauses : most_pauses;
}

/* So that threads that wait for the depot's lock do not take its cache line from the thread that holds it. */
START_TEST(waiting_for_the_lock_pauses_longer_and_longer)
{
    union protopool_lock lock;

    ck_assert(PROTOPOOL_LOCK_INIT(&lock));
    for (busy_tries = 0; busy_tries < PP_LOCK_TRIES; busy_tries++) {
        const unsigned expected = busy_tries == 0 ? 0 : busy_tries < 4 ? 1U << (busy_tries - 1) : PP_PAUSES_MAX;
        tries = pauses = most_pauses = 0;
        PROTOPOOL_LOCK(&lock);
        ck_assert_uint_eq(tries, busy_tries + 1);
        ck_assert_uint_eq(pauses, expected); /* since the last try that failed */
        ck_assert_uint_eq(most_pauses, expected);
        PROTOPOOL_UNLOCK(&lock);
    }
    tries = 0;
    PROTOPOOL_LOCK(&lock); /* sleeps until it has the lock */
    ck_assert_uint_eq(tries, PP_LOCK_TRIES);
    PROTOPOOL_UNLOCK(&lock);
    busy_tries = 0;
    PROTOPOOL_LOCK_FINI(&lock);
}
END_TEST
#endif

START_TEST(trim_of_a_depot_without_pools_leaves_its_tables)
{
    static struct {
        struct protopool_depot engine;
        struct protopool_depot_class classes[1 + CLASSES];
    } depot;
    static void *slots[20 * PROTOPOOL_MAGAZINE];
    static struct handle other;

    memset(&counted, 0, sizeof counted);
    ck_assert(protopool_depot_init(&depot.engine, depot.classes, &geometry, &source));
    for (int round = 0; round < 3; round++) {
        ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot.engine));
        ck_assert(protopool_join(&other.engine, other.loaded, other.parts, &geometry, &depot.engine));
        for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
            ck_assert_ptr_nonnull(slots[i] = take(2));
        for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
            protopool_put(&other.engine, &other.loaded[2], 2, slots[i]);
        protopool_flush(&pool.engine); /* where few slots fill a magazine, they may all be of one slab */
        ck_assert_uint_gt(protopool_trim(&other.engine), 0); /* and of the depot's magazines */
        ck_assert_uint_eq(depot.classes[2].full.count + depot.classes[2].empty.count, 0);
        for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
            ck_assert_ptr_nonnull(slots[i] = take(2));
        for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
            protopool_put(&other.engine, &other.loaded[2], 2, slots[i]);
        ck_assert_uint_gt(depot.classes[2].full.count, 0);
        ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
        ck_assert_uint_eq(protopool_fini(&other.engine), 0);
        ck_assert_uint_eq(depot.classes[2].full.count, 0); /* nobody is there to fetch them */
        ck_assert_uint_gt(protopool_depot_trim(&depot.engine), 0);
        ck_assert_uint_eq(counted.bytes, TABLES_BYTES);
        ck_assert_uint_eq(protopool_depot_trim(&depot.engine), 0);
    }
    ck_assert_uint_eq(protopool_depot_fini(&depot.engine), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

START_TEST(large_slots_have_no_magazine)
{
    const struct protopool_slot_size large[] = { { PP_MAGAZINE_BYTES / PP_MAGAZINE_MIN, 0 },
                                                 { PP_MAGAZINE_BYTES / PP_MAGAZINE_MIN + 1, 0 },
                                                 { 64 << 20, 0 } };
    const struct protopool_geometry of_large = { large, 3 };
    void *slots[8];
    size_t before;

    memset(&counted, 0, sizeof counted);
    ck_assert(protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &of_large, &source));
    put(1, take(1));
    before = counted.bytes;
    for (unsigned c = 2; c <= 3; c++) {
        for (size_t i = 0; i < (c == 2 ? 8 : 2); i++)
            ck_assert_ptr_nonnull(slots[i] = take(c));
        for (size_t i = 0; i < (c == 2 ? 8 : 2); i++)
            put(c, slots[i]);
        ck_assert_uint_eq(counted.bytes, before);
    }
    ck_assert(protopool_reserve(&pool.engine, 2, 3));
    before = counted.bytes;
    ck_assert_ptr_nonnull(slots[0] = take(2));
    put(2, slots[0]);
    ck_assert_uint_eq(counted.bytes, before);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

/* ---- Reserve, reset, walk, stats ------------------------------------------------------------------------------------- */

START_TEST(reserved_slots_need_no_source)
{
    size_t takes_bytes;
    ck_assert(init_growing());
    for (unsigned c = 1; c <= CLASSES; c++) {
        const size_t n = c == LARGE_CLASS ? 20 : 5000;
        size_t takes;
        ck_assert(protopool_reserve(&pool.engine, c, n));
        takes = counted.takes;
        for (int round = 0; round < 2; round++) { /* they stay reserved when freed */
            static void *slots[5000];
            for (size_t i = 0; i < n; i++)
                ASSERT((slots[i] = take(c)) != NULL);
            ck_assert_uint_eq(counted.takes, takes);
            for (size_t i = 0; i < n; i++)
                put(c, slots[i]);
            takes = counted.takes; /* a free may have taken the second magazine's array */
        }
        assert_invariants();
    }
    ck_assert(!protopool_reserve(&pool.engine, 2, SIZE_MAX));
    counted.fail_at = counted.takes + 30;
    counted.fail_on = true;
    takes_bytes = counted.bytes;
    ck_assert(!protopool_reserve(&pool.engine, 3, 1000000)); /* and what it got is released, or spare */
    ck_assert_uint_le(counted.bytes, takes_bytes + PROTOPOOL_SPARE_SLABS * PP_SLAB_BYTES);
    ck_assert_uint_eq(pool.engine.store->classes[3].slabs.slots / 1000, 5);
    counted.fail_at = 0;
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

START_TEST(reset_frees_all_at_once)
{
    ck_assert(init_growing());
    for (int round = 0; round < 3; round++) {
        for (unsigned c = 1; c <= CLASSES; c++)
            for (int i = 0; i < (c == LARGE_CLASS ? 3 : 1000); i++)
                ck_assert_ptr_nonnull(take(c));
        protopool_reset(&pool.engine);
        assert_invariants();
        for (unsigned c = 1; c <= CLASSES; c++)
            ck_assert_uint_eq(live_in(c), 0);
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
    init_fixed();
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < sizes[1].budget; i++)
            ck_assert_ptr_nonnull(take(2));
        ck_assert_ptr_null(take(2));
        protopool_reset(&pool.engine);
        assert_invariants();
    }
    fini_fixed(0);
}
END_TEST

static void tick(void *ctx, const void *slot)
{
    unsigned char *const marks = (unsigned char *)ctx;
    uint32_t number;
    memcpy(&number, slot, sizeof number);
    marks[number]++;
}

START_TEST(walk_meets_each_live_slot_once)
{
    static void *slots[5000];
    static unsigned char marks[5000];
    ck_assert(init_growing());
    for (uint32_t i = 0; i < 5000; i++) {
        slots[i] = take(2 + i % 4);
        memcpy(slots[i], &i, sizeof i);
    }
    for (uint32_t i = 0; i < 5000; i += 3)
        put(2 + i % 4, slots[i]);
    protopool_each(&pool.engine, tick, marks);
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert_uint_eq(marks[i], i % 3 != 0);
    assert_invariants();
    ck_assert_uint_eq(protopool_fini(&pool.engine), 5000 - 1667);
}
END_TEST

START_TEST(stats_tell_live_peak_and_failures)
{
    struct protopool_slot_stats stats[CLASSES];
    static void *slots[1000];
    size_t bytes;

    ck_assert(init_growing());
    for (int i = 0; i < 1000; i++)
        slots[i] = take(2);
    for (int i = 0; i < 900; i++)
        put(2, slots[i]);
    protopool_stats(&pool.engine, stats, &bytes, NULL);
    ck_assert_uint_eq(bytes, counted.bytes);
    ck_assert_uint_eq(stats[1].slot_bytes, 24);
    ck_assert_uint_eq(stats[1].budget, 0);
    ck_assert_uint_eq(stats[1].live, 100);
    ck_assert_uint_ge(stats[1].peak, 1000);
    ck_assert_uint_lt(stats[1].peak, 1000 + PROTOPOOL_MAGAZINE);
    ck_assert_uint_eq(stats[0].peak, 0);
    counted.fail_at = counted.takes + 1;
    counted.fail_on = true;
    ck_assert_ptr_null(take(LARGE_CLASS));
    protopool_stats(&pool.engine, stats, NULL, NULL);
    ck_assert_uint_eq(stats[LARGE_CLASS - 1].failures, 1);
    ck_assert_uint_eq(protopool_fini(&pool.engine), 100);
}
END_TEST

START_TEST(peak_of_few_is_close)
{
    struct protopool_slot_stats stats[CLASSES] = { { 0 } };
    for (size_t n = 1; n <= 40; n++) {
        ck_assert(init_growing());
        for (size_t i = 0; i < n; i++)
            ck_assert_ptr_nonnull(take(2));
        protopool_stats(&pool.engine, stats, NULL, NULL);
        ck_assert_uint_ge(stats[1].peak, n);
        ck_assert_uint_le(stats[1].peak, n + n / 4 + 1);
        ck_assert_uint_eq(protopool_fini(&pool.engine), n);
    }
}
END_TEST

/* ---- Trips to the store ------------------------------------------------------------------------------------------------ */

static struct {
    struct protopool_depot depot;
    struct protopool_depot_class classes[1 + CLASSES];
} shared;

static void *held[12 * PROTOPOOL_MAGAZINE];

static void join_new_depot(void)
{
    ck_assert(protopool_depot_init(&shared.depot, shared.classes, &geometry, NULL));
    ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &shared.depot));
}

static void end_depot(void)
{
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(protopool_depot_fini(&shared.depot), 0);
}

/* How often the pool takes the lock of its store while `count` slots are allocated and freed, `rounds` times. */
static uint32_t trips_of_swings(size_t begin, size_t count, int rounds)
{
    const uint32_t before = pool.engine.store_visits;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++)
            ASSERT((held[begin + i] = take(2)) != NULL);
        for (size_t i = 0; i < count; i++)
            put(2, held[begin + count - 1 - i]);
    }
    return pool.engine.store_visits - before;
}

/* With one magazine instead of two, each swing around its edge would be two trips. */
START_TEST(swing_around_a_magazines_edge_stays_in_the_pool)
{
    enum { ROUNDS = 1000 };

    join_new_depot();
    for (size_t live = 0; live <= (size_t)3 * PROTOPOOL_MAGAZINE; live++) { /* so the edge is met at every phase */
        (void)trips_of_swings(live, PROTOPOOL_MAGAZINE, 4);
        for (size_t swing = 1; swing <= PROTOPOOL_MAGAZINE; swing = 2 * swing + 1)
            ck_assert_uint_le(trips_of_swings(live, swing, ROUNDS), 3);
        ASSERT((held[live] = take(2)) != NULL);
    }
    for (size_t live = 0; live <= (size_t)3 * PROTOPOOL_MAGAZINE; live++)
        put(2, held[live]);
    end_depot();
}
END_TEST

/* A swing that empties and fills all magazines: each trip moves a magazine, not a few slots. */
START_TEST(large_swing_takes_a_trip_for_a_magazine)
{
    enum { ROUNDS = 100 };

    join_new_depot();
    for (size_t magazines = 1; magazines <= 11; magazines++) {
        const size_t swing = magazines * PROTOPOOL_MAGAZINE + 1;
        (void)trips_of_swings(0, swing, 4);
        ck_assert_uint_le(trips_of_swings(0, swing, ROUNDS), 2 * magazines * ROUNDS + ROUNDS);
        protopool_flush(&pool.engine); /* to empty, and the first swing refills */
        ck_assert_uint_le(trips_of_swings(0, swing, 1), 2 * magazines + 40);
    }
    end_depot();
}
END_TEST

/* ---- Everything at once ------------------------------------------------------------------------------------------------ */

/* Each slot is filled with its number, and must still hold it when it is freed. */
START_TEST(random_makes_and_frees_keep_every_slot_apart)
{
    enum { MOST = 4000, STEPS = 60000 };
    static struct {
        unsigned c;
        unsigned char *slot;
        unsigned char mark;
    } live[MOST];
    size_t count = 0;

    random_state = 0x9e3779b97f4a7c15U + (uint64_t)_i;
    ck_assert(init_growing());
    for (int step = 0; step < STEPS; step++) {
        const bool grow_now = step / 5000 % 2 == 0;
        if (count < MOST && (count == 0 || random_below(100) < (grow_now ? 65 : 35))) {
            const unsigned c =
                random_below(50) == 0 && count < 500 ? LARGE_CLASS : 1 + (unsigned)random_below(CLASSES - 1);
            live[count].c = c;
            live[count].mark = (unsigned char)step;
            live[count].slot = (unsigned char *)take(c);
            ck_assert_ptr_nonnull(live[count].slot);
            memset(live[count].slot, live[count].mark, sizes[c - 1].bytes);
            count++;
        } else {
            const size_t i = random_below(count);
            ASSERT(all_bytes_are(live[i].slot, sizes[live[i].c - 1].bytes, live[i].mark));
            put(live[i].c, live[i].slot);
            live[i] = live[--count];
        }
        if (step % 500 == 0)
            assert_invariants();
        if (step == STEPS / 2) {
            protopool_reset(&pool.engine);
            count = 0;
        }
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), count);
    ck_assert_uint_eq(counted.bytes, 0);
    ck_assert_uint_eq(counted.aligns, 0);
}
END_TEST

#ifndef PROTOPOOL_NO_STDIO
/* ---- Printing ------------------------------------------------------------------------------------------------------------ */

static char printed[200];
static struct protopool_printer printer;

static void begin_print(void)
{
    memset(printed, 0, sizeof printed);
    printer.out = fmemopen(printed, sizeof printed, "w");
    printer.written = 0;
}

static void assert_printed(const char *expected)
{
    fclose(printer.out);
    ck_assert_str_eq(printed, expected);
    ck_assert_int_eq(printer.written, (int)strlen(expected));
}

START_TEST(numbers_print_in_the_fewest_digits_that_read_back)
{
    static const struct {
        double value;
        const char *text;
    } doubles[] = {
        { 0, "0.0" },
        { -0.0, "-0.0" },
        { 1, "1.0" },
        { -1.5, "-1.5" },
        { 0.1, "0.1" },
        { 1e15, "1000000000000000.0" },
        { 1e16, "1e16" },
        { 1.5e300, "1.5e300" },
        { 1e-5, "1e-5" },
        { 0.00012, "0.00012" },
        { 0.0001, "0.0001" },
        { 123456.789, "123456.789" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 5e-324, "5e-324" },
    };
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        begin_print();
        protopool_print_double(&printer, doubles[i].value);
        assert_printed(doubles[i].text);
    }
    begin_print();
    protopool_print_float(&printer, 0.1F);
    protopool_print(&printer, " ");
    protopool_print_float(&printer, 16777216.0F);
    protopool_print(&printer, " ");
    protopool_print_double(&printer, (double)(float)(1e38F * 10.0F));
    protopool_print(&printer, " ");
    protopool_print_unsigned(&printer, UINT64_MAX);
    protopool_print(&printer, " ");
    protopool_print_signed(&printer, INT64_MIN);
    assert_printed("0.1 16777216.0 inf 18446744073709551615 -9223372036854775808");
}
END_TEST

START_TEST(text_prints_what_is_safe_and_escapes_the_rest)
{
    begin_print();
    protopool_print_text(&printer, "a\"b\\c\n\t\r\0\x1b\x7f", 11);
    assert_printed("\"a\\\"b\\\\c\\n\\t\\r\\0\\u{1b}\\u{7f}\"");
    begin_print();
    protopool_print_text(&printer, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 11);
    assert_printed("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    begin_print(); /* a C1 control, a bidirectional control, a lone byte, an overlong form, a surrogate, a cut end */
    protopool_print_text(&printer, "\xc2\x85 \xe2\x80\xae \xff \xc0\xaf \xed\xa0\x80 \xe2\x82", 18);
    assert_printed("\"\\u{85} \\u{202e} \\xff \\xc0\\xaf \\xed\\xa0\\x80 \\xe2\\x82\"");
    begin_print();
    protopool_print_char(&printer, 'x');
    protopool_print_char(&printer, '\'');
    protopool_print_char(&printer, '\0');
    protopool_print_char(&printer, (char)0xff);
    assert_printed("'x''\\'''\\0''\\xff'");
}
END_TEST

START_TEST(failed_write_is_told)
{
    printer.out = fopen("/dev/full", "w");
    printer.written = 0;
    if (printer.out == NULL)
        return;
    setvbuf(printer.out, NULL, _IONBF, 0);
    protopool_print(&printer, "no room");
    protopool_print(&printer, "still none");
    ck_assert_int_lt(printer.written, 0);
    fclose(printer.out);
}
END_TEST
#endif

int main(void)
{
    Suite *const suite = suite_create("pool");
    SRunner *const runner = srunner_create(suite);
    int failed;

    test_seconds = 300;
    ADD_TEST(suite, class_0_is_never_allocated);
    ADD_TEST(suite, freed_slot_is_handed_out_again);
    ADD_TEST(suite, fresh_slots_lie_side_by_side);
    ADD_TEST(suite, free_touches_no_byte_of_the_slot);
    ADD_TEST(suite, a_slot_size_takes_nothing_before_its_first_make);
    ADD_TEST(suite, a_pool_of_few_live_messages_settles);
    ADD_TEST(suite, double_free_frees_no_live_neighbour);
    ADD_TEST(suite, double_free_frees_nothing_of_another_slot_size);
    ADD_TEST(suite, fixed_pool_holds_each_budget_to_the_last_slot);
    ADD_TEST(suite, fixed_pool_survives_every_order_of_frees);
    ADD_TEST(suite, writes_after_free_do_not_corrupt_a_fixed_pool);
    ADD_TEST(suite, fixed_pool_never_asks_a_source);
    ADD_TEST(suite, fixed_pool_refuses_memory_that_is_small_or_misaligned);
    ADD_TEST(suite, slot_put_where_a_fixed_pool_has_no_budget_is_left_alone);
    ADD_TEST(suite, failed_makes_keep_a_depots_arrays);
    ADD_TEST(suite, fixed_bytes_do_not_wrap);
    ADD_TEST(suite, wrong_frees_do_not_free_other_slots_of_a_fixed_pool);
    ADD_TEST(suite, fixed_bytes_count_the_summary);
    ADD_TEST(suite, free_slot_of_a_large_fixed_pool_is_found);
    ADD_TEST(suite, handle_is_seven_words_for_each_slot_size_and_eight_besides);
    ADD_TEST(suite, pool_of_no_slot_sizes_works);
    ADD_TEST(suite, empty_source_is_seen_by_init);
    ADD_TEST(suite, misaligned_block_is_given_back);
    ADD_LOOP_TEST(suite, failure_of_any_take_is_met_and_nothing_is_lost, 0, 2);
    ADD_TEST(suite, wholly_free_slab_serves_another_slot_size);
    ADD_TEST(suite, slabs_past_the_bound_go_back_to_the_source);
    ADD_TEST(suite, source_without_give_is_never_given_back);
    ADD_TEST(suite, source_without_give_lasts_at_constant_demand);
    ADD_TEST(suite, default_source_cuts_slabs_from_chunks_and_frees_them);
    ADD_TEST(suite, default_source_gives_every_slab_its_own_memory);
#ifdef PP_FREE_PAGES
    ADD_LOOP_TEST(suite, free_memory_between_live_slabs_is_bounded, 0, 2);
#ifdef PP_HUGE_PAGES
    ADD_TEST(suite, large_heap_has_huge_pages);
    ADD_TEST(suite, huge_pages_go_back_as_a_whole);
#endif
    ADD_LOOP_TEST(suite, system_is_called_for_much_memory_at_once, 0, 2);
    ADD_LOOP_TEST(suite, load_that_swings_calls_the_system_no_more, 0, 2);
    ADD_TEST(suite, memory_that_the_system_does_not_take_is_offered_once);
#endif
    ADD_TEST(suite, trim_gives_back_all_that_is_free);
    ADD_TEST(suite, joined_pools_do_not_take_slots_in_turn);
    ADD_TEST(suite, pool_that_only_frees_leaves_batches_while_they_are_fetched);
    ADD_TEST(suite, magazines_of_a_pipeline_are_not_taken_for_idle);
#ifdef HAS_COUNTED_PAUSE
    ADD_TEST(suite, waiting_for_the_lock_pauses_longer_and_longer);
#endif
    ADD_TEST(suite, trim_of_a_depot_without_pools_leaves_its_tables);
    ADD_TEST(suite, large_slots_have_no_magazine);
    ADD_TEST(suite, reserved_slots_need_no_source);
    ADD_TEST(suite, reset_frees_all_at_once);
    ADD_TEST(suite, walk_meets_each_live_slot_once);
    ADD_TEST(suite, stats_tell_live_peak_and_failures);
    ADD_TEST(suite, peak_of_few_is_close);
    ADD_TEST(suite, swing_around_a_magazines_edge_stays_in_the_pool);
    ADD_TEST(suite, large_swing_takes_a_trip_for_a_magazine);
    ADD_LOOP_TEST(suite, random_makes_and_frees_keep_every_slot_apart, 0, 4);
#ifndef PROTOPOOL_NO_STDIO
    ADD_TEST(suite, numbers_print_in_the_fewest_digits_that_read_back);
    ADD_TEST(suite, text_prints_what_is_safe_and_escapes_the_rest);
    ADD_TEST(suite, failed_write_is_told);
#endif

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
