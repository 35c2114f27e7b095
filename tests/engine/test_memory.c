// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What messages cost in memory, at the size of a real day: the mix of ITCH with a million live, a load that shifts from
 * one variant to the next, and the geometry of slabs for every slot size up to 40 KB; and what is left when all is freed.
 * Prints what it measured.
 */

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* for madvise */ // NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#endif
#include "calc.h"
#include "itch.h"
#include "telemetry.h"
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/resource.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { MILLION = 1000000 };

static struct itch_pool pool;
static struct itch *live[MILLION];

/* ---- The mix ------------------------------------------------------------------------------------------------------ */

static const enum itch_tag variants[] = { ITCH_ADD_ORDER,      ITCH_ORDER_DELETE, ITCH_ORDER_REPLACE,
                                          ITCH_ORDER_EXECUTED, ITCH_ORDER_CANCEL, ITCH_ADD_ORDER_MPID,
                                          ITCH_IMBALANCE,      ITCH_TRADE,        ITCH_SYSTEM_EVENT };
enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* Per mille, after the weights of schema/itch.yaml. */
static const uint32_t shares[VARIANTS] = { 411, 386, 95, 50, 20, 15, 11, 10, 2 };

static struct itch *make(enum itch_tag tag)
{
    switch ((int)tag) {
    case ITCH_ADD_ORDER:
        return itch_new_add_order(&pool, 1, 2, 3, 4, 'B', 5, "AAPL", 6);
    case ITCH_ORDER_DELETE:
        return itch_new_order_delete(&pool, 1, 2, 3, 4);
    case ITCH_ORDER_REPLACE:
        return itch_new_order_replace(&pool, 1, 2, 3, 4, 5, 6, 7);
    case ITCH_ORDER_EXECUTED:
        return itch_new_order_executed(&pool, 1, 2, 3, 4, 5, 6);
    case ITCH_ORDER_CANCEL:
        return itch_new_order_cancel(&pool, 1, 2, 3, 4, 5);
    case ITCH_ADD_ORDER_MPID:
        return itch_new_add_order_mpid(&pool, 1, 2, 3, 4, 'B', 5, "AAPL", 6, "ABCD");
    case ITCH_IMBALANCE:
        return itch_new_imbalance(&pool, 1, 2, 3, 4, 5, 'B', "AAPL", 6, 7, 8, 'C', 'D');
    case ITCH_TRADE:
        return itch_new_trade(&pool, 1, 2, 3, 4, 'B', 5, "AAPL", 6, 7);
    case ITCH_SYSTEM_EVENT:
        return itch_new_system_event(&pool, 1, 2, 3, 'O');
    default:
        return NULL;
    }
}

static enum itch_tag pick(void)
{
    uint32_t i = 0;
    for (size_t draw = random_below(1000); draw >= shares[i]; i++)
        draw -= shares[i];
    return variants[i];
}

/* A million messages of the mix; the sum of their sizes. */
static size_t fill_with_the_mix(void)
{
    size_t bytes = 0;
    for (int i = 0; i < MILLION; i++) {
        live[i] = make(pick());
        if (live[i] == NULL)
            ck_abort_msg("no memory");
        bytes += itch_size(live[i]);
    }
    return bytes;
}

START_TEST(mix_takes_little_more_than_its_messages)
{
    double ratio;
    counted.bytes = 0;
    ck_assert(itch_pool_init_growing(&pool, &COUNTED_SOURCE));
    ratio = 1.0 / (double)fill_with_the_mix() * (double)counted.bytes;
    printf("ITCH mix, 1 million live: %.4f bytes of the source for each byte of messages\n", ratio);
    ck_assert_double_le(ratio, 1.015);
    ck_assert_uint_eq(itch_pool_fini(&pool), MILLION);
    ck_assert_uint_eq(counted.bytes, 0);
}
END_TEST

#if !UNDER_ASAN
static size_t resident_bytes(void)
{
    size_t all = 0, resident = 0;
    FILE *const statm = fopen("/proc/self/statm", "r");
    if (statm == NULL)
        return 0;
    ck_assert_int_eq(fscanf(statm, "%zu %zu", &all, &resident), 2);
    (void)fclose(statm);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(resident_memory_agrees)
{
    size_t before;
    double ratio;
    memset(live, 1, sizeof live); /* resident from now on */
    before = resident_bytes();
    ck_assert(itch_pool_init_growing(&pool, NULL));
    ratio = 1.0 / (double)fill_with_the_mix() * (double)(resident_bytes() - before);
    if (before == 0) {
        printf("resident memory: this system does not report it\n");
    } else {
        printf("ITCH mix, 1 million live: %.4f bytes resident for each byte of messages\n", ratio);
        ck_assert_double_le(ratio, 1.02);
    }
    ck_assert_uint_eq(itch_pool_fini(&pool), MILLION);
}
END_TEST

/* ---- What is left when all is freed -------------------------------------------------------------------------------- */

enum { PEAK = 5 * MILLION, SURVIVORS = 59, SEED = 12345 };

static struct calc *many[PEAK];
static struct calc_depot depot;
static struct calc_pool adds;

static double mib(size_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* Bytes resident above what there were; 0 where the system does not report them. */
static size_t resident_above(size_t before)
{
    const size_t now = resident_bytes();
    return now > before ? now - before : 0;
}

static struct calc_pool_stats stats_of_adds(bool is_joined)
{
    struct calc_pool_stats stats;
    if (is_joined)
        calc_depot_stats(&depot, &stats);
    else
        calc_pool_stats(&adds, &stats);
    return stats;
}

/* A pool on its own or a depot whose pools have all ended; all freed, or all but a few; in random order. */
START_TEST(memory_goes_back_to_the_system_when_messages_are_freed)
{
    const bool is_joined = _i % 2 == 1;
    const size_t survivors = _i / 2 == 1 ? SURVIVORS : 0;
    struct calc_pool_stats stats;
    size_t before, left, given;

    memset(many, 1, sizeof many); /* resident from now on */
    before = resident_bytes();
    if (is_joined)
        ck_assert(calc_depot_init(&depot, NULL) && calc_pool_join(&adds, &depot));
    else
        ck_assert(calc_pool_init_growing(&adds, NULL));
    for (size_t i = 0; i < PEAK; i++)
        if ((many[i] = calc_new_add(&adds, i, 1)) == NULL)
            ck_abort_msg("no memory");
    random_state = SEED;
    for (uint32_t i = PEAK - 1; i > 0; i--) {
        const size_t j = random_below(i + 1);
        struct calc *const swapped = many[i];
        many[i] = many[j];
        many[j] = swapped;
    }
    stats = stats_of_adds(is_joined);
    ck_assert_uint_le(resident_above(before), stats.system_bytes + (2 << 20));
    for (size_t i = survivors; i < PEAK; i++)
        calc_free(&adds, many[i]);
    if (is_joined)
        ck_assert_uint_eq(calc_pool_fini(&adds), 0);
    stats = stats_of_adds(is_joined);
    left = resident_above(before);
    given = is_joined ? calc_depot_trim(&depot) : calc_pool_trim(&adds);
    printf(
        "5 million Adds %s, all but %zu freed in random order: %.1f MiB resident, %.1f by the stats; after trim %.1f\n",
        is_joined ? "of a depot without pools" : "of a pool on its own", survivors, mib(left), mib(stats.system_bytes),
        mib(resident_above(before)));
    ck_assert_uint_eq(stats.slot[1].live, survivors);
    ck_assert_uint_le(left, 12 << 20);
    ck_assert_uint_le(left, stats.system_bytes + (1 << 20));
    ck_assert_uint_le(resident_above(before), 2 << 20);
    ck_assert_uint_eq(stats_of_adds(is_joined).system_bytes, stats.system_bytes - given);
    ck_assert_uint_eq(is_joined ? calc_depot_trim(&depot) : calc_pool_trim(&adds), 0);
    for (size_t i = 0; i < survivors; i++)
        ck_assert_uint_eq(calc_as_add(many[i])->right, 1);
    ck_assert_uint_eq(is_joined ? calc_depot_fini(&depot) : calc_pool_fini(&adds), survivors);
}
END_TEST

#if defined __linux__ && defined MADV_HUGEPAGE && SIZE_MAX > 0xffffffffU
static size_t page_faults(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return (size_t)usage.ru_minflt;
}

/* Whether the system has huge pages, and free ones, for a program that asks. */
static bool has_huge_pages(void)
{
    enum { PROBE = 128 << 20, HUGE = 2 << 20 };
    unsigned char *const memory = mmap(NULL, PROBE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const size_t before = page_faults();
    size_t faults;

    ck_assert_ptr_ne(memory, MAP_FAILED);
    (void)madvise(memory, PROBE, MADV_HUGEPAGE);
    for (size_t i = 0; i < PROBE; i += 4096)
        memory[i] = 1;
    faults = page_faults() - before;
    (void)munmap(memory, PROBE);
    return faults <= PROBE / HUGE + 2 * (size_t)HUGE / 4096; /* its ends may lie in parts of a huge page */
}

/* 5 million Adds are 117 MiB: 64 MiB in pages of 4 KiB, and the rest in huge ones. */
START_TEST(growth_takes_few_page_faults)
{
    size_t faults;

    memset(many, 1, sizeof many);
    ck_assert(calc_pool_init_growing(&adds, NULL));
    faults = page_faults();
    for (size_t i = 0; i < PEAK; i++)
        if ((many[i] = calc_new_add(&adds, i, 1)) == NULL)
            ck_abort_msg("no memory");
    faults = page_faults() - faults;
    printf("5 million Adds: %zu page faults\n", faults);
    if (!has_huge_pages())
        printf("this system has no huge pages for us\n");
    else if (sysconf(_SC_PAGESIZE) == 4096)
        ck_assert_uint_le(faults, (64 << 20) / 4096 + 1000);
    ck_assert_uint_eq(calc_pool_fini(&adds), PEAK);
}
END_TEST
#endif

/* After a first peak malloc may have the chunks side by side, and keep what is freed below a block that is in use. */
START_TEST(memory_goes_back_even_if_malloc_would_keep_it)
{
    enum { FEWER = 2 * MILLION, PIN = 100000 };
    void *pins[2] = { NULL, NULL };
    size_t before;

    memset(many, 1, sizeof many);
    before = resident_bytes();
    ck_assert(calc_pool_init_growing(&adds, NULL));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < FEWER; i++)
            if ((many[i] = calc_new_add(&adds, i, 1)) == NULL)
                ck_abort_msg("no memory");
        pins[round] = malloc(PIN);
        for (size_t i = 0; i < FEWER; i++)
            calc_free(&adds, many[i]);
    }
    printf("2 million Adds twice, freed in order below a block of malloc: %.1f MiB resident\n",
           mib(resident_above(before)));
    ck_assert_uint_le(resident_above(before), 12 << 20);
    free(pins[0]);
    free(pins[1]);
    ck_assert_uint_eq(calc_pool_fini(&adds), 0);
}
END_TEST

static struct telemetry_pool tails;
static uint8_t content[64 << 20];

/* Tails of 4 KB to 64 MB, one live at a time, then some: what their magazines and spares keep. */
START_TEST(large_tails_are_not_kept_when_freed)
{
    enum { AT_ONCE = 8, OF_MANY = 1 << 20 };
    struct telemetry_pool_stats stats;
    size_t before;

    memset(content, 1, sizeof content);
    before = resident_bytes();
    ck_assert(telemetry_pool_init_growing(&tails, NULL));
    for (size_t bytes = 4096; bytes <= sizeof content; bytes += bytes / 8) {
        struct telemetry *const msg = telemetry_new_log(&tails, 1, 2, (const char *)content, bytes);
        ck_assert_ptr_nonnull(msg);
        telemetry_free(&tails, msg);
    }
    telemetry_pool_stats(&tails, &stats);
    printf(
        "tails of 4 KB to 64 MB, one live at a time, freed: %.1f MiB of the source, %.1f by the stats, %.1f resident\n",
        mib(stats.source_bytes), mib(stats.system_bytes), mib(resident_above(before)));
    ck_assert_uint_le(stats.system_bytes, 3 << 20);
    ck_assert_uint_le(resident_above(before), 70 << 20); /* glibc keeps up to 64 MiB of freed blocks */
    for (size_t bytes = 4096; bytes <= OF_MANY; bytes += bytes / 8) {
        struct telemetry *msgs[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            ck_assert_ptr_nonnull(msgs[i] = telemetry_new_log(&tails, 1, 2, (const char *)content, bytes));
        for (int i = 0; i < AT_ONCE; i++)
            telemetry_free(&tails, msgs[i]);
    }
    telemetry_pool_stats(&tails, &stats);
    printf("the same to 1 MB, 8 live at a time: %.1f MiB of the source, %.1f by the stats, %.1f resident\n",
           mib(stats.source_bytes), mib(stats.system_bytes), mib(resident_above(before)));
    ck_assert_uint_le(stats.system_bytes, 12 << 20);
    (void)telemetry_pool_trim(&tails);
    telemetry_pool_stats(&tails, &stats);
    printf("after trim: %.1f MiB of the source, %.1f by the stats, %.1f resident\n", mib(stats.source_bytes),
           mib(stats.system_bytes), mib(resident_above(before)));
    ck_assert_uint_le(stats.system_bytes, 1 << 20);
#ifdef __GLIBC__
    (void)malloc_trim(0);
    printf("after malloc_trim too: %.1f MiB resident\n", mib(resident_above(before)));
    ck_assert_uint_le(resident_above(before), 2 << 20);
#endif
    ck_assert_uint_eq(telemetry_pool_fini(&tails), 0);
}
END_TEST
#endif

static void shuffle(void)
{
    for (uint32_t i = MILLION - 1; i > 0; i--) { /* Fisher and Yates; Knuth, algorithm P */
        const size_t j = random_below(i + 1);
        struct itch *const swapped = live[i];
        live[i] = live[j];
        live[j] = swapped;
    }
}

/* Fill one variant, free all, next variant: in order, or in random order. */
START_TEST(memory_follows_a_load_that_shifts)
{
    const bool in_random_order = _i == 1;
    size_t most_live = 0;
    double ratio;

    counted.bytes = counted.most = 0;
    ck_assert(itch_pool_init_growing(&pool, &COUNTED_SOURCE));
    for (int phase = 0; phase < 2 * VARIANTS; phase++) {
        size_t bytes = 0;
        for (int i = 0; i < MILLION; i++) {
            live[i] = make(variants[phase % VARIANTS]);
            if (live[i] == NULL)
                ck_abort_msg("no memory");
            bytes += itch_size(live[i]);
        }
        if (bytes > most_live)
            most_live = bytes;
        if (in_random_order)
            shuffle();
        for (int i = 0; i < MILLION; i++)
            itch_free(&pool, live[i]);
    }
    ratio = (double)counted.most / (double)most_live;
    printf("phase shift, freed in %s order: peak %.4f of the most bytes live\n",
           in_random_order ? "random" : "the same", ratio);
    ck_assert_double_le(ratio, in_random_order ? 1.4 : 1.1);
    ck_assert_uint_lt(counted.bytes, 8 << 20);
    ck_assert_uint_eq(itch_pool_fini(&pool), 0);
}
END_TEST

/* A slab of every slot size: what it spends besides its slots and a bit for each. */
START_TEST(slabs_of_no_slot_size_waste_much)
{
    double worst = 0;
    uint32_t worst_bytes = 0;

    for (uint32_t bytes = 1; bytes <= 40960; bytes++) {
        const struct protopool_slot_size one = { bytes, 0 };
        const struct protopool_geometry geometry = { &one, 1 };
        struct protopool_magazine loaded[2];
        struct protopool_pool_class *parts[PROTOPOOL_PARTS(1)];
        struct protopool engine;
        size_t before, slots;
        double over;

        counted.bytes = 0;
        if (!protopool_init_growing(&engine, loaded, parts, &geometry, &COUNTED_SOURCE))
            ck_abort_msg("no memory");
        before = counted.bytes;
        if (!protopool_reserve(&engine, 1, 1))
            ck_abort_msg("no memory");
        slots = engine.store->classes[1].slabs.slots;
        over = (double)(counted.bytes - before) / ((double)slots * ((double)bytes + 0.125)) - 1;
        if (over > worst) {
            worst = over;
            worst_bytes = bytes;
        }
        if (protopool_fini(&engine) != 0 || counted.bytes != 0)
            ck_abort_msg("slots of %" PRIu32 " bytes leak", bytes);
    }
    printf("slabs of slots of 1 byte to 40 KB: at most %.2f %% besides slots and bits (slots of %" PRIu32 " bytes)\n",
           100 * worst, worst_bytes);
    ck_assert_double_le(worst, 0.02);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("memory");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 600;
    ADD_TEST(suite, mix_takes_little_more_than_its_messages);
#if !UNDER_ASAN
    ADD_TEST(suite, resident_memory_agrees);
    ADD_LOOP_TEST(suite, memory_goes_back_to_the_system_when_messages_are_freed, 0, 4);
#if defined __linux__ && defined MADV_HUGEPAGE && SIZE_MAX > 0xffffffffU
    ADD_TEST(suite, growth_takes_few_page_faults);
#endif
    ADD_TEST(suite, memory_goes_back_even_if_malloc_would_keep_it);
    ADD_TEST(suite, large_tails_are_not_kept_when_freed);
#endif
    ADD_LOOP_TEST(suite, memory_follows_a_load_that_shifts, 0, 2);
    ADD_TEST(suite, slabs_of_no_slot_size_waste_much);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
