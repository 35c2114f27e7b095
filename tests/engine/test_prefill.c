// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What a prefilled pool does not do any more: it calls no source, causes no page faults, and a fixed pool whose magazines
 * are as large as its budgets never leaves its fast path. Works for any PROTOPOOL_MAGAZINE.
 */

#define _DEFAULT_SOURCE /* for mincore */ // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#include "protopool.c"

#include "support.h"

#include <stdlib.h>

#define CLASSES 4
#define LARGE_CLASS 4 /* of several pages */

enum { MANY = 20000, FEW_LARGE = 10, PAGE = 4096, MOST_BLOCKS = 2000 };

static const struct protopool_slot_size sizes[CLASSES] = {
    { 24, MANY }, { 40, 2 * PROTOPOOL_MAGAZINE }, { 41, 0 }, { 20000, FEW_LARGE }
};
static const struct protopool_geometry geometry = { sizes, CLASSES };

struct handle {
    struct protopool_magazine loaded[1 + CLASSES];
    struct protopool engine;
    struct protopool_pool_class *parts[PROTOPOOL_PARTS(CLASSES)];
};

static struct handle pool, other;
static struct {
    struct protopool_depot engine;
    struct protopool_depot_class classes[1 + CLASSES];
} depot;
static unsigned char *slots[MANY];

static void *take_from(struct handle *from, unsigned c)
{
    return protopool_take(&from->engine, &from->loaded[c], c);
}

static void put_into(struct handle *into, unsigned c, void *slot)
{
    protopool_put(&into->engine, &into->loaded[c], c, slot);
}

/* ---- Memory that has no pages at first ------------------------------------------------------------------------------------- */

static size_t takes;
static struct {
    void *block;
    size_t bytes;
} blocks[MOST_BLOCKS];
static size_t block_count;

static void *take_pages(void *ctx, size_t bytes, size_t align)
{
    const size_t mapped = bytes + align + PAGE;
    unsigned char *const block =
        (unsigned char *)mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)ctx;
    takes++;
    ASSERT(block != MAP_FAILED && block_count < MOST_BLOCKS);
    (void)madvise(block, mapped, MADV_NOHUGEPAGE);
    blocks[block_count].block = block;
    blocks[block_count++].bytes = mapped;
    return block + (align - (uintptr_t)block % align) % align;
}

static const struct protopool_source source = { take_pages, NULL, NULL };

static void unmap_all(void)
{
    while (block_count != 0) {
        block_count--;
        (void)munmap(blocks[block_count].block, blocks[block_count].bytes);
    }
}

static bool has_pages(const void *first, size_t bytes)
{
    for (uintptr_t page = (uintptr_t)first / PAGE * PAGE; page < (uintptr_t)first + bytes; page += PAGE) {
        unsigned char is_there = 0;
        ASSERT(mincore((void *)page, PAGE, &is_there) == 0); // NOLINT(performance-no-int-to-ptr)
        if ((is_there & 1) == 0)
            return false;
    }
    return true;
}

/* Whether all slots of the slot sizes in use, and the arrays of their magazines, are in pages of memory. */
static bool is_touched(const struct handle *handle)
{
    bool touched = true;

    for (unsigned c = 1; c <= CLASSES; c++) {
        const struct protopool_magazine *const magazines[] = { &handle->loaded[c],
                                                               &pp_class(&handle->engine, c)->previous };
        if (pp_is_compact(&handle->engine)) {
            touched = touched
                      && (sizes[c - 1].budget == 0
                          || has_pages(pp_fixed_slots(&handle->engine, c)->first,
                                       (size_t)sizes[c - 1].budget * sizes[c - 1].bytes));
        } else {
            const struct protopool_slabs *const slabs = &handle->engine.store->classes[c].slabs;
            for (const struct protopool_slab *slab = slabs->partial; slab != NULL; slab = slab->next)
                touched = touched && has_pages(slab->first, slab->slots * slabs->slot_bytes);
            for (const struct protopool_slab *slab = slabs->full; slab != NULL; slab = slab->next)
                touched = touched && has_pages(slab->first, slab->slots * slabs->slot_bytes);
        }
        for (size_t i = 0; i < (pp_is_compact(&handle->engine) ? 1 : 2); i++)
            if (pp_has_array(magazines[i]))
                touched = touched
                          && has_pages(magazines[i]->slots,
                                       (size_t)(magazines[i]->end - magazines[i]->slots) * sizeof(void *));
    }
    return touched;
}

/* ---- Fixed pools ---------------------------------------------------------------------------------------------------------- */

static void init_fixed(void)
{
    unsigned long long need = PROTOPOOL_POOL_TABLES_BYTES(CLASSES);

    for (unsigned i = 0; i < CLASSES; i++)
        need += PROTOPOOL_FIXED_BYTES(sizes[i].bytes, sizes[i].budget);
    ck_assert(protopool_init_fixed(&pool.engine, pool.loaded, pool.parts, &geometry, take_pages(NULL, (size_t)need, 8),
                                   (size_t)need));
}

static void *take_aborts(struct protopool *engine, unsigned c)
{
    (void)engine;
    (void)c;
    abort();
}

static void put_aborts(struct protopool *engine, unsigned c, void *slot)
{
    (void)engine;
    (void)c;
    (void)slot;
    abort();
}

START_TEST(prefilled_fixed_pool_never_leaves_its_fast_path)
{
    static const struct protopool_kind fast = { .take = take_aborts, .put = put_aborts };
    enum { BUDGET = 2 * PROTOPOOL_MAGAZINE };

    init_fixed();
    ck_assert(protopool_prefill(&pool.engine));
    pool.engine.store->kind = &fast;
    for (unsigned round = 1; round < 50; round++) {
        for (unsigned c = 2; c <= CLASSES; c += 2) {
            const uint32_t most = c == 2 ? BUDGET : PROTOPOOL_MIN_(FEW_LARGE, 2 * PROTOPOOL_MAGAZINE);
            for (uint32_t i = 0; i < most; i++)
                ASSERT((slots[i] = (unsigned char *)take_from(&pool, c)) != NULL);
            for (uint32_t i = 0; i < most; i++)
                put_into(&pool, c, slots[round % 2 == 0 ? i : most - 1 - i]);
            for (uint32_t i = 0; i < most / 2; i++)
                put_into(&pool, c, take_from(&pool, c));
        }
    }
    pool.engine.store->kind = &pp_compact;
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    unmap_all();
}
END_TEST

START_TEST(prefilled_fixed_pool_has_all_its_pages)
{
    init_fixed();
    for (size_t i = 0; i < MANY / 3; i++) { /* live messages keep what they contain */
        ASSERT((slots[i] = (unsigned char *)take_from(&pool, 1)) != NULL);
        memset(slots[i], (int)i, 24);
    }
    ck_assert(!is_touched(&pool));
    ck_assert(protopool_prefill(&pool.engine));
    ck_assert(is_touched(&pool));
    for (size_t i = 0; i < MANY / 3; i++)
        for (size_t byte = 0; byte < 24; byte++)
            ASSERT(slots[i][byte] == (i & 255));
    for (size_t i = MANY / 3; i < MANY; i++)
        ASSERT((slots[i] = (unsigned char *)take_from(&pool, 1)) != NULL);
    ck_assert_ptr_null(take_from(&pool, 1));
    ck_assert_uint_eq(protopool_fini(&pool.engine), MANY);
    unmap_all();
}
END_TEST

START_TEST(prefilled_magazine_has_the_lowest_address_on_top)
{
    init_fixed();
    ck_assert(protopool_prefill(&pool.engine));
    for (size_t i = 0; i < sizes[1].budget; i++) {
        ASSERT((slots[i] = (unsigned char *)take_from(&pool, 2)) != NULL);
        ck_assert_ptr_eq(slots[i], slots[0] + i * 40);
    }
    ck_assert(protopool_prefill(&pool.engine)); /* nothing is left, and nothing is lost */
    ck_assert_ptr_null(take_from(&pool, 2));
    ck_assert_uint_eq(protopool_fini(&pool.engine), sizes[1].budget);
    unmap_all();
}
END_TEST

/* ---- Growing and joined pools ------------------------------------------------------------------------------------------------ */

START_TEST(prefilled_growing_pool_calls_no_source_and_has_its_pages)
{
    size_t before;

    ck_assert(protopool_init_growing(&pool.engine, pool.loaded, pool.parts, &geometry, &source));
    ck_assert(protopool_prefill(&pool.engine)); /* of what is neither reserved nor used: nothing */
    ck_assert_uint_eq(pool.engine.store->classes[1].slabs.slots, 0);
    ck_assert(protopool_reserve(&pool.engine, 1, MANY));
    ck_assert(protopool_reserve(&pool.engine, LARGE_CLASS, FEW_LARGE));
    put_into(&pool, LARGE_CLASS,
             take_from(&pool, LARGE_CLASS)); /* so its magazine has slots that were not written to */
    ck_assert(!is_touched(&pool));
    ck_assert(protopool_prefill(&pool.engine));
    ck_assert(is_touched(&pool));
    ck_assert_uint_eq(pp_magazine_count(&pool.loaded[1]), PROTOPOOL_MAGAZINE);
    ck_assert(!pp_has_array(&pool.loaded[3]));
    before = takes;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned c = 1; c <= CLASSES; c += 3) {
            const size_t most = c == LARGE_CLASS ? FEW_LARGE : MANY;
            for (size_t i = 0; i < most; i++)
                ASSERT((slots[i] = (unsigned char *)take_from(&pool, c)) != NULL);
            for (size_t i = 0; i < most; i++)
                put_into(&pool, c, slots[i]);
        }
        ck_assert_uint_eq(takes, before);
        ck_assert(is_touched(&pool));
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    unmap_all();
}
END_TEST

START_TEST(prefilled_joined_pools_call_no_source)
{
    const size_t most = MANY - 4 * PROTOPOOL_MAGAZINE; /* each may be left with two magazines */
    size_t before;

    ck_assert(protopool_depot_init(&depot.engine, depot.classes, &geometry, &source));
    ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot.engine));
    ck_assert(protopool_join(&other.engine, other.loaded, other.parts, &geometry, &depot.engine));
    ck_assert(protopool_reserve(&pool.engine, 1, MANY));
    ck_assert(protopool_prefill(&pool.engine));
    ck_assert(protopool_prefill(&other.engine));
    ck_assert(is_touched(&pool) && is_touched(&other));
    ck_assert(has_pages(depot.engine.store, sizeof *depot.engine.store));
    before = takes;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < most; i++)
            ASSERT((slots[i] = (unsigned char *)take_from(&pool, 1)) != NULL);
        for (size_t i = 0; i < most; i++)
            put_into(&other, 1, slots[i]);
        ck_assert_uint_eq(takes, before);
    }
    ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
    ck_assert_uint_eq(protopool_fini(&other.engine), 0);
    ck_assert_uint_eq(protopool_depot_fini(&depot.engine), 0);
    unmap_all();
}
END_TEST

START_TEST(prefill_without_memory_is_told_and_loses_nothing)
{
    const struct protopool_source counted_source = COUNTED_SOURCE;
    bool failed = false;

    for (size_t fail_at = 1; fail_at < 40; fail_at++) {
        memset(&counted, 0, sizeof counted);
        ck_assert(protopool_depot_init(&depot.engine, depot.classes, &geometry, &counted_source));
        ck_assert(protopool_join(&pool.engine, pool.loaded, pool.parts, &geometry, &depot.engine));
        for (unsigned c = 1; c <= CLASSES; c++)
            ck_assert(protopool_reserve(&pool.engine, c, 10));
        counted.fail_at = counted.takes + fail_at;
        failed = !protopool_prefill(&pool.engine) || failed;
        counted.fail_at = 0;
        ck_assert(protopool_prefill(&pool.engine));
        ck_assert_uint_eq(protopool_fini(&pool.engine), 0);
        ck_assert_uint_eq(protopool_depot_fini(&depot.engine), 0);
        ck_assert_uint_eq(counted.bytes, 0);
    }
    if (PROTOPOOL_MAGAZINE >= 64) /* then the first slab of arrays does not suffice */
        ck_assert(failed);
}
END_TEST

START_TEST(peak_after_a_prefill_is_an_upper_bound)
{
    struct protopool_slot_stats stats[CLASSES] = { { 0 } };

    init_fixed();
    ck_assert(protopool_prefill(&pool.engine));
    for (uint32_t i = 0; i < sizes[1].budget; i++)
        ASSERT((slots[i] = (unsigned char *)take_from(&pool, 2)) != NULL);
    protopool_stats(&pool.engine, stats, NULL, NULL);
    ck_assert_uint_eq(stats[1].live, sizes[1].budget);
    ck_assert_uint_eq(stats[1].peak, sizes[1].budget);
    ck_assert_uint_eq(protopool_fini(&pool.engine), sizes[1].budget);
    unmap_all();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("prefill");
    SRunner *const runner = srunner_create(suite);
    int failed;

    test_seconds = 60;
    ADD_TEST(suite, prefilled_fixed_pool_never_leaves_its_fast_path);
    ADD_TEST(suite, prefilled_fixed_pool_has_all_its_pages);
    ADD_TEST(suite, prefilled_magazine_has_the_lowest_address_on_top);
    ADD_TEST(suite, prefilled_growing_pool_calls_no_source_and_has_its_pages);
    ADD_TEST(suite, prefilled_joined_pools_call_no_source);
    ADD_TEST(suite, prefill_without_memory_is_told_and_loses_nothing);
    ADD_TEST(suite, peak_after_a_prefill_is_an_upper_bound);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
