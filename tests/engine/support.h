// SPDX-License-Identifier: Apache-2.0 OR MIT
/* What the engine's suites share: an assertion for loops, a case per test, a source that counts and fails, random numbers,
 * settings. Each suite has a main, which adds its tests; make/rules.mk lists the suites. */

#ifndef SUPPORT_H_
#define SUPPORT_H_

#include "protopool.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

/* For loops: Check writes the place of each ck_assert into a file, of this one only if it fails. */
#define ASSERT(condition) \
    do { \
        if (!(condition)) \
            ck_abort_msg("%s", #condition); \
    } while (0)

/* What a suite sets before it adds its tests. */
static double test_seconds = 4;  /* a test that takes longer fails */
static void (*test_setup)(void); /* called before each test */

/* Each test is a Check case of its own, of the same name: CK_RUN_CASE=name runs it alone. */
static inline TCase *case_of(Suite *suite, const char *name)
{
    TCase *const one = tcase_create(name);
    tcase_set_timeout(one, test_seconds);
    tcase_add_checked_fixture(one, test_setup, NULL);
    suite_add_tcase(suite, one);
    return one;
}

#define ADD_TEST(suite, test) tcase_add_test(case_of(suite, #test), test)
#define ADD_SIGNAL_TEST(suite, test, signal) tcase_add_test_raise_signal(case_of(suite, #test), test, signal)
#define ADD_LOOP_TEST(suite, test, first, end) tcase_add_loop_test(case_of(suite, #test), test, first, end)

/* What the counted source knows. To begin with another count, fill it with zeros. */
static struct {
    size_t takes;
    size_t bytes, most; /* taken and not given back: now, and at most */
    size_t aligns;      /* the sum of the aligns of the blocks that are taken */
    size_t fail_at;     /* the number of the take that fails, from 1; 0: none */
    bool fail_on;       /* and all takes after it fail */
    size_t misalign;    /* added to each address */
} counted;

static inline void *counted_take(void *ctx, size_t bytes, size_t align)
{
    unsigned char *memory;

    (void)ctx;
    counted.takes++;
    if (counted.fail_at != 0
        && (counted.takes == counted.fail_at || (counted.fail_on && counted.takes > counted.fail_at)))
        return NULL;
    memory = (unsigned char *)aligned_alloc(align, (bytes + 2 * align - 1) / align * align);
    ASSERT(memory != NULL);
    memset(memory, 0xa5, bytes); /* recycled memory is not zero */
    counted.bytes += bytes;
    counted.aligns += align;
    if (counted.bytes > counted.most)
        counted.most = counted.bytes;
    return memory + counted.misalign;
}

static inline void counted_give(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    counted.bytes -= bytes;
    counted.aligns -= align;
    free((unsigned char *)memory - counted.misalign);
}

#define COUNTED_SOURCE ((const struct protopool_source){ counted_take, counted_give, NULL })

/* xorshift64 (Marsaglia 2003); the state is not 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t random_state = 88172645463325252U; /* of random_below */

static inline size_t random_below(size_t bound)
{
    return (size_t)(next_random(&random_state) % bound);
}

static inline uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *const text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

#endif
