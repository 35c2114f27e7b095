/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Leaks: what is still live when a pool or depot ends. */

#if PROTOPOOL_CHECK >= 1

#define PP_LEAKS_SHOWN 10U
#define PP_LEAKS_COUNTED 64U /* variants that are counted in one walk */

struct pp_leaks {
    struct protopool_store *store;
    const void *first;
    size_t seen;
    uint32_t variant; /* counts[i] is of variant + i */
    size_t counts[PP_LEAKS_COUNTED];
};

static void pp_print_leak(void *ctx, const void *msg)
{
    struct pp_leaks *const leaks = (struct pp_leaks *)ctx;

    if (leaks->seen++ == 0)
        leaks->first = msg;
#ifndef PROTOPOOL_NO_STDIO
    if (leaks->seen <= PP_LEAKS_SHOWN) {
        struct pp_report report = { .code = PROTOPOOL_FAULT_LEAK, .pointer = msg };
        pp_describe(leaks->store, msg, &report);
        (void)fputs("protopool: leak: ", stderr);
        (void)leaks->store->geometry->messages->print(stderr, msg);
        (void)fprintf(stderr, ", %p", msg);
        pp_print_site("allocated", &report.allocated);
        (void)fputs("\n", stderr);
    }
#endif
}

static void pp_note_leak(void *ctx, const void *msg)
{
    struct pp_leaks *const leaks = (struct pp_leaks *)ctx;
    if (leaks->seen++ == 0)
        leaks->first = msg;
}

#ifndef PROTOPOOL_NO_STDIO
static void pp_count_leak(void *ctx, const void *msg)
{
    struct pp_leaks *const leaks = (struct pp_leaks *)ctx;
    const uint32_t variant = leaks->store->geometry->messages->variant_of(msg);
    if (variant - leaks->variant < PP_LEAKS_COUNTED)
        leaks->counts[variant - leaks->variant]++;
}

static void pp_print_leak_counts(struct protopool_store *store)
{
    const struct protopool_messages *const messages = store->geometry->messages;

    for (uint32_t variant = 0; variant < messages->variants; variant += PP_LEAKS_COUNTED) {
        struct pp_leaks leaks = { store, NULL, 0, variant, { 0 } };
        pp_each_in_store(store, pp_count_leak, &leaks);
        for (uint32_t i = 0; i < PP_LEAKS_COUNTED; i++)
            if (leaks.counts[i] != 0)
                (void)fprintf(stderr, "protopool: leak: %lu of %s\n", (unsigned long)leaks.counts[i],
                              messages->name_of(variant + i));
    }
}
#endif

/* Before the default handler, prints a list: each message with name and content, up to a bound, then counts per variant. */
static void pp_report_leaks(struct protopool_store *store, const void *owner)
{
    struct pp_leaks leaks = { store, NULL, 0, 0, { 0 } };

    pp_each_in_store(store, pp_fault_handler == NULL ? pp_print_leak : pp_note_leak, &leaks);
    if (leaks.seen == 0)
        return;
#ifndef PROTOPOOL_NO_STDIO
    if (pp_fault_handler == NULL)
        pp_print_leak_counts(store);
#endif
    pp_report_fault_at(PROTOPOOL_FAULT_LEAK, owner, leaks.first, pp_site_of(NULL));
}
#endif
