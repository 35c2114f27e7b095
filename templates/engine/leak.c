/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Leaks: what is still live when a pool or depot ends. */

#if PROTOPOOL_CHECK >= 1

#define LEAKS_SHOWN 10U
#define LEAKS_COUNTED 64U /* variants counted in one walk */

struct leaks {
    struct protopool_store *store;
    const void *first;
    size_t seen;
    uint32_t variant; /* counts[i] is of variant + i */
    size_t counts[LEAKS_COUNTED];
};

static void show_leak(void *ctx, const void *msg)
{
    struct leaks *const leaks = (struct leaks *)ctx;

    if (leaks->seen++ == 0)
        leaks->first = msg;
#ifndef PROTOPOOL_NO_STDIO
    if (leaks->seen <= LEAKS_SHOWN) {
        (void)fputs("protopool: leak: ", stderr);
        (void)leaks->store->geometry->messages->print(stderr, msg);
        (void)fprintf(stderr, ", %p", msg);
#if PROTOPOOL_CHECK == 2
        struct protopool_slab *const slab = find_slab(leaks->store, (uintptr_t)msg);
        print_site("allocated", &record_of(slab, index_of(slab->of, slab, msg))->made);
#endif
        (void)fputs("\n", stderr);
    }
#endif
}

static void find_first_leak(void *ctx, const void *msg)
{
    struct leaks *const leaks = (struct leaks *)ctx;
    if (leaks->seen++ == 0)
        leaks->first = msg;
}

#ifndef PROTOPOOL_NO_STDIO
static void count_leak(void *ctx, const void *msg)
{
    struct leaks *const leaks = (struct leaks *)ctx;
    const uint32_t variant = leaks->store->geometry->messages->variant_of(msg);
    if (variant - leaks->variant < LEAKS_COUNTED)
        leaks->counts[variant - leaks->variant]++;
}

static void print_leak_counts(struct protopool_store *store)
{
    const struct protopool_messages *const messages = store->geometry->messages;

    for (uint32_t variant = 0; variant < messages->variants; variant += LEAKS_COUNTED) {
        struct leaks leaks = { store, NULL, 0, variant, { 0 } };
        each_in_store(store, count_leak, &leaks);
        for (uint32_t i = 0; i < LEAKS_COUNTED; i++)
            if (leaks.counts[i] != 0)
                (void)fprintf(stderr, "protopool: leak: %lu of %s\n", (unsigned long)leaks.counts[i],
                              messages->name_of(variant + i));
    }
}
#endif

/* Reports what is live in a store whose magazines are flushed. The default handler is preceded by a list: each message by
 * name and content, up to a bound, then counts by variant. */
static void report_leaks(struct protopool_store *store, const void *owner)
{
    struct leaks leaks = { store, NULL, 0, 0, { 0 } };

    each_in_store(store, the_handler == NULL ? show_leak : find_first_leak, &leaks);
    if (leaks.seen == 0)
        return;
#ifndef PROTOPOOL_NO_STDIO
    if (the_handler == NULL)
        print_leak_counts(store);
#endif
    simple_fault(PROTOPOOL_FAULT_LEAK, owner, leaks.first);
}
#endif
