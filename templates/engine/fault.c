/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Faults: bugs of the caller, passed to the program's handler.
 * The default handler prints one line and aborts. If a handler returns, the operation is skipped.
 */

static protopool_fault_handler *pp_fault_handler;

protopool_fault_handler *protopool_set_fault_handler(protopool_fault_handler *handler)
{
    protopool_fault_handler *const previous = pp_fault_handler;
    pp_fault_handler = handler;
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
    case PROTOPOOL_FAULT_EDIT_OF_SHARED:
        return "edit while shared";
    case PROTOPOOL_FAULT_TOO_MANY_HOLDERS:
        return "too many holders";
    case PROTOPOOL_FAULT_WRONG_INDEX:
        return "wrong index";
    }
    return "an unknown fault";
}

static void pp_abort(void)
{
#if defined PP_HOSTED
    abort();
#elif defined __GNUC__
    __builtin_trap();
#else
    for (;;) {
    }
#endif
}

/* A fault and what is known about it. All members but code may be NULL. */
struct pp_report {
    enum protopool_fault code;
    const void *pool;
    const void *pointer;
    const struct protopool_geometry *geometry;
    const void *readable; /* the message, if it is safe to print it */
    const char *name;     /* of its variant, if only that is known */
    struct protopool_site allocated, freed, here;
};

#ifndef PROTOPOOL_NO_STDIO
static void pp_print_site(const char *what, const struct protopool_site *site)
{
    if (site->file != NULL)
        (void)fprintf(stderr, ", %s at %s:%d", what, site->file, site->line);
}

static void pp_print_report(const struct pp_report *report)
{
    (void)fprintf(stderr, "protopool: %s: ", protopool_fault_text(report->code));
    pp_print_message(report);
    (void)fprintf(stderr, "%p", report->pointer != NULL ? report->pointer : report->pool);
    pp_print_site("allocated", &report->allocated);
    pp_print_site("freed", &report->freed);
    pp_print_site("found", &report->here);
    (void)fputs("\n", stderr);
}
#endif

static void pp_report_fault(const struct pp_report *report)
{
    if (pp_fault_handler != NULL) {
        pp_fault_handler(report->code, report->pool, report->pointer, &report->here);
        return;
    }
#ifndef PROTOPOOL_NO_STDIO
    pp_print_report(report);
#endif
    pp_abort();
}

static PROTOPOOL_COLD void pp_report_fault_at(enum protopool_fault code, const void *pool, const void *pointer,
                                              struct protopool_site here)
{
    const struct pp_report report = { .code = code, .pool = pool, .pointer = pointer, .here = here };
    pp_report_fault(&report);
}
