/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Faults: bugs of the caller, passed to the program's handler.
 * The default handler prints one line and aborts. If a handler returns, the operation is skipped.
 */

static protopool_fault_handler *the_handler;

protopool_fault_handler *protopool_set_fault_handler(protopool_fault_handler *handler)
{
    protopool_fault_handler *const previous = the_handler;
    the_handler = handler;
    return previous;
}

const char *protopool_fault_text(enum protopool_fault fault)
{
    switch (fault) {
    case PROTOPOOL_FAULT_JOINED:
        return "depot ended while a pool is joined";
    case PROTOPOOL_FAULT_NOT_ALIVE:
        return "pool used before init or after fini";
    case PROTOPOOL_FAULT_DOUBLE_FREE:
        return "double free";
    case PROTOPOOL_FAULT_BAD_TAG:
        return "bad tag";
    case PROTOPOOL_FAULT_WRITTEN_AFTER_FREE:
        return "use after free (write)";
    case PROTOPOOL_FAULT_WRONG_VARIANT:
        return "wrong variant";
    case PROTOPOOL_FAULT_WRONG_LENGTH:
        return "wrong tail length";
    case PROTOPOOL_FAULT_LEAK:
        return "leak";
    case PROTOPOOL_FAULT_FOREIGN:
        return "foreign pointer";
    case PROTOPOOL_FAULT_INTERIOR:
        return "interior pointer";
    case PROTOPOOL_FAULT_WRONG_POOL:
        return "wrong pool";
    case PROTOPOOL_FAULT_OVERRUN:
        return "overrun";
    case PROTOPOOL_FAULT_UNDERRUN:
        return "underrun";
    case PROTOPOOL_FAULT_USE_AFTER_FREE:
        return "use after free";
    case PROTOPOOL_FAULT_SHARED:
        return "reset or each of a joined pool";
    case PROTOPOOL_FAULT_CONCURRENT:
        return "concurrent use";
    }
    return "an unknown fault";
}

static const struct protopool_site nowhere = { NULL, 0 };

static void die(void)
{
#if defined HOSTED
    abort();
#elif defined __GNUC__
    __builtin_trap();
#else
    for (;;) {
    }
#endif
}

/* What the default handler prints besides; all but code may be NULL. */
struct report {
    enum protopool_fault code;
    const void *pool;
    const void *pointer;
    const struct protopool_geometry *geometry;
    const void *readable; /* the message, where it is safe to print it */
    const char *name;     /* of its variant, where only that is known */
    struct protopool_site made, freed, here;
};

#ifndef PROTOPOOL_NO_STDIO
static void print_site(const char *what, const struct protopool_site *site)
{
    if (site->file != NULL)
        (void)fprintf(stderr, ", %s at %s:%d", what, site->file, site->line);
}

static void print_report(const struct report *report)
{
    (void)fprintf(stderr, "protopool: %s: ", protopool_fault_text(report->code));
#if PROTOPOOL_CHECK >= 1
    if (report->readable != NULL)
        (void)report->geometry->messages->print(stderr, report->readable);
    else if (report->name != NULL)
        (void)fprintf(stderr, "%s", report->name);
    if (report->readable != NULL || report->name != NULL)
        (void)fputs(", ", stderr);
#endif
    (void)fprintf(stderr, "%p", report->pointer != NULL ? report->pointer : report->pool);
    print_site("allocated", &report->made);
    print_site("freed", &report->freed);
    print_site("found", &report->here);
    (void)fputs("\n", stderr);
}
#endif

static void fault(const struct report *report)
{
    if (the_handler != NULL) {
        the_handler(report->code, report->pool, report->pointer, &report->here);
        return;
    }
#ifndef PROTOPOOL_NO_STDIO
    print_report(report);
#endif
    die();
}

#if PROTOPOOL_CHECK >= 1 || !defined PROTOPOOL_NO_THREADS /* at level 0 only a depot reports */
static PROTOPOOL_COLD void simple_fault(enum protopool_fault code, const void *pool, const void *pointer)
{
    struct report report = { code, pool, pointer, NULL, NULL, NULL, nowhere, nowhere, nowhere };
    fault(&report);
}
#endif

#if PROTOPOOL_CHECK == 2
static uint32_t look_elsewhere(const struct protopool_store *own, const void *msg, struct report *report,
                               bool may_wait);
#endif
