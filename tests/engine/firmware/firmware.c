// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A program as firmware has it: a fixed pool, misuse at level 1, and an interrupt that exchanges messages with the main
 * loop, each with a pool of its own joined to a fixed depot. Prints the same on every machine (host.c, cortex_m3.c); exit
 * status 1 if a message is lost or changed.
 */

#define PROTOPOOL_NO_ANALYSIS /* of what is wrong on purpose */

#include "calc.h"
#include "machine.h"

#include <stdatomic.h>
#include <stdio.h>

#define CHECK(condition) ((condition) ? (void)0 : failed(#condition, __LINE__))

static int failures;

static void failed(const char *condition, int line)
{
    if (failures++ < 10)
        printf("line %d: not so: %s\n", line, condition);
}

/* ---- A fixed pool --------------------------------------------------------------------------------------------------- */

CALC_POOL_STORAGE(memory);
static struct calc_pool pool;

#if PROTOPOOL_CHECK >= 1
static enum protopool_fault last_fault;

static void note_fault(enum protopool_fault fault, const void *of, const void *pointer,
                       const struct protopool_site *site)
{
    (void)of;
    (void)pointer;
    (void)site;
    last_fault = fault;
}

static void misuse(struct calc *msg)
{
    (void)protopool_set_fault_handler(note_fault);
    (void)calc_as_store(msg);
    CHECK(last_fault == PROTOPOOL_FAULT_WRONG_VARIANT);
    calc_free(&pool, msg);
    last_fault = PROTOPOOL_FAULT_JOINED;
    calc_free(&pool, msg);
    CHECK(last_fault == PROTOPOOL_FAULT_DOUBLE_FREE);
    printf("%s\n", protopool_fault_text(last_fault));
    (void)protopool_set_fault_handler(NULL);
}
#endif

static void print(const struct calc *msg)
{
#ifdef PROTOPOOL_NO_STDIO
    (void)msg;
#else
    CHECK(calc_print(stdout, msg) > 0);
    printf("\n");
#endif
}

static void use_a_fixed_pool(void)
{
    static struct calc *msgs[65];
    struct calc *msg;

    CHECK(!calc_pool_init(&pool, memory, sizeof memory - 1));
    CHECK(calc_pool_init(&pool, memory, sizeof memory));
    for (int i = 0; i < 64; i++)
        CHECK((msgs[i] = calc_new_add(&pool, UINT64_MAX, 5000000000)) != NULL);
    print(msgs[63]);
    while ((msg = calc_new_add(&pool, 1, 2)) != NULL) /* other messages of this size share their max_live */
        CHECK(calc_as_add(msg)->right == 2);
    calc_pool_reset(&pool);

    CHECK((msg = calc_new_store(&pool, "one and a half", 1.5)) != NULL);
    print(msg);
    calc_free(&pool, msg);
    CHECK((msg = calc_new_store(&pool, "a tenth", -0.1)) != NULL);
    print(msg);
    calc_free(&pool, msg);
    CHECK((msg = calc_new_store(&pool, "much", 1e300)) != NULL);
    print(msg);
    calc_free(&pool, msg);
    CHECK((msg = calc_new_negate(&pool, INT64_MIN)) != NULL);
    print(msg);
#if PROTOPOOL_CHECK >= 1
    misuse(msg);
#else
    calc_free(&pool, msg);
#endif
    CHECK(calc_pool_fini(&pool) == 0);
}

/* ---- An interrupt and the main loop --------------------------------------------------------------------------------- */

#define MESSAGES 5000U /* each way */
#define RING 16U

/* A queue between the two, written by one side and read by the other. */
struct ring {
    atomic_uint pushed, popped;
    struct calc *msgs[RING];
};

static struct ring to_main, to_interrupt;
CALC_DEPOT_STORAGE(depot_memory, 2);
static struct calc_depot depot;
static struct calc_pool pool_of_main, pool_of_interrupt;
static unsigned interrupts;

/* Allocates the next message and pushes it, if there is room. */
static void push(struct ring *ring, struct calc_pool *from, unsigned end)
{
    const unsigned n = atomic_load_explicit(&ring->pushed, memory_order_relaxed);

    if (n == end || n - atomic_load_explicit(&ring->popped, memory_order_acquire) == RING)
        return;
    ring->msgs[n % RING] = calc_new_add(from, n, ~(uint64_t)n);
    CHECK(ring->msgs[n % RING] != NULL);
    atomic_store_explicit(&ring->pushed, n + 1, memory_order_release);
}

/* Pops a message, if there is one, and frees it. */
static void pop(struct ring *ring, struct calc_pool *into)
{
    const unsigned n = atomic_load_explicit(&ring->popped, memory_order_relaxed);
    struct calc *msg;

    if (n == atomic_load_explicit(&ring->pushed, memory_order_acquire))
        return;
    msg = ring->msgs[n % RING];
    if (msg != NULL) {
        CHECK(calc_tag_of(msg) == CALC_ADD && calc_as_add(msg)->left == n && calc_as_add(msg)->right == ~(uint64_t)n);
        calc_free(into, msg);
    }
    atomic_store_explicit(&ring->popped, n + 1, memory_order_release);
}

/* Both go to the depot as often as they can, with the other in its midst. */
static void visit_the_depot(struct calc_pool *pool_there)
{
    struct calc *const one = calc_new_add(pool_there, 1, 2), *const other = calc_new_add(pool_there, 3, 4);

    CHECK(one != NULL && other != NULL && one != other);
    if (one == NULL || other == NULL)
        return;
    CHECK(calc_as_add(one)->left == 1 && calc_as_add(other)->left == 3);
    calc_free(pool_there, one);
    calc_free(pool_there, other);
    calc_pool_flush(pool_there);
}

static void on_interrupt(void)
{
    interrupts++;
    visit_the_depot(&pool_of_interrupt);
    push(&to_main, &pool_of_interrupt, MESSAGES);
    push(&to_main, &pool_of_interrupt, MESSAGES);
    pop(&to_interrupt, &pool_of_interrupt);
    pop(&to_interrupt, &pool_of_interrupt);
}

static void exchange_with_an_interrupt(void)
{
    CHECK(calc_depot_init_fixed(&depot, depot_memory, sizeof depot_memory));
    CHECK(calc_pool_join(&pool_of_main, &depot));
    CHECK(calc_pool_join(&pool_of_interrupt, &depot));
    start_interrupts(on_interrupt);
    while (failures < 100
           && (atomic_load_explicit(&to_main.popped, memory_order_relaxed) != MESSAGES
               || atomic_load_explicit(&to_interrupt.popped, memory_order_relaxed) != MESSAGES)) {
        push(&to_interrupt, &pool_of_main, MESSAGES);
        pop(&to_main, &pool_of_main);
        visit_the_depot(&pool_of_main);
    }
    stop_interrupts();
    CHECK(interrupts >= MESSAGES / 2);
    CHECK(calc_pool_fini(&pool_of_interrupt) == 0);
    CHECK(calc_pool_fini(&pool_of_main) == 0);
    CHECK(calc_depot_fini(&depot) == 0);
}

int main(void)
{
    use_a_fixed_pool();
    exchange_with_an_interrupt();
    printf("%u messages from an interrupt and as many to it, %d failures\n", MESSAGES, failures);
    return failures != 0;
}
