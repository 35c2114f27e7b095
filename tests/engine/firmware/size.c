// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What calc takes on a small machine, in three programs that differ by SIZE_OF: the messages' bytes alone, a fixed pool, and
 * two pools that share a fixed depot. `make firmware-size` subtracts the first from the others.
 */

#include "calc.h"

#include <stdint.h>

#define MESSAGES 0 /* the bytes of every max_live, and nothing else */
#define POOL 1
#define DEPOT 2
#ifndef SIZE_OF
#define SIZE_OF POOL
#endif

extern unsigned char stack_end[]; /* firmware.ld */

/* What a program would wait for, and what it would do about it. */
static volatile uint32_t input, output;

#if SIZE_OF == MESSAGES
static unsigned char messages[64 * sizeof(struct calc_add) + 32 * sizeof(struct calc_negate)
                              + 64 * sizeof(struct calc_apply) + 16 * sizeof(struct calc_sum)
                              + 32 * sizeof(struct calc_store) + 32 * sizeof(struct calc_recall)
                              + 8 * sizeof(struct calc_log)];

static void run(void)
{
    messages[input]++;
    output = messages[output];
}
#else

#if SIZE_OF == POOL
CALC_POOL_STORAGE(memory);
static struct calc_pool pool;
#else
CALC_DEPOT_STORAGE(memory, 2);
static struct calc_depot depot;
static struct calc_pool pool, other_pool;
#endif

static struct calc *queue[8];

static struct calc *receive(struct calc_pool *from, uint32_t kind)
{
    static const int32_t operands[CALC_MAX_OPERANDS] = { 1, 2, 3 };

    switch (kind) {
    case CALC_ADD:
        return calc_new_add(from, input, input);
    case CALC_NEGATE:
        return calc_new_negate(from, (int32_t)input);
    case CALC_SUM:
        return calc_new_sum(from, 3, operands);
    case CALC_LOG:
        return calc_new_log(from, input, "overrun");
    default:
        return calc_new_quit(from);
    }
}

static void act_on(const struct calc *msg)
{
    switch (calc_tag_of(msg)) {
    case CALC_ADD:
        output = (uint32_t)(calc_as_add(msg)->left + calc_as_add(msg)->right);
        break;
    case CALC_NEGATE:
        output = (uint32_t)-calc_as_negate(msg)->value;
        break;
    case CALC_SUM:
        for (unsigned i = 0; i < calc_as_sum(msg)->count; i++)
            output = (uint32_t)calc_as_sum(msg)->operands[i];
        break;
    case CALC_LOG:
        for (unsigned i = 0; i < calc_as_log(msg)->text_len; i++)
            output = (unsigned char)calc_as_log(msg)->text[i];
        break;
    case CALC_APPLY:
    case CALC_STORE:
    case CALC_RECALL:
    case CALC_QUIT:
        break;
    }
}

static void turn(struct calc_pool *from, struct calc_pool *into)
{
    struct calc **const place = &queue[input % 8];

    if (*place != NULL) {
        act_on(*place);
        calc_free(into, *place);
    }
    *place = receive(from, input);
}

static void run(void)
{
#if SIZE_OF == POOL
    if (calc_pool_init(&pool, memory, sizeof memory))
        for (;;)
            turn(&pool, &pool);
#else
    if (calc_depot_init_fixed(&depot, memory, sizeof memory) && calc_pool_join(&pool, &depot)
        && calc_pool_join(&other_pool, &depot))
        for (;;)
            turn(&pool, &other_pool);
#endif
}
#endif

#if SIZE_OF == DEPOT
int mask_interrupts(void)
{
    uint32_t were_masked;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(were_masked) : : "memory");
    return (int)were_masked;
}

void restore_interrupts(int were_masked)
{
    __asm__ volatile("msr primask, %0" : : "r"(were_masked) : "memory");
}
#endif

static void reset(void)
{
    run();
    for (;;) {
    }
}

struct vectors {
    void *stack;
    void (*reset)(void);
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = { stack_end, reset };
