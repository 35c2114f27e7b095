/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Faults: bugs of the caller. */

enum protopool_fault {
    /* at every level */
    PROTOPOOL_FAULT_JOINED = 1, /* "depot ended while a pool is joined" */
    /* from level 1 */
    PROTOPOOL_FAULT_NOT_ALIVE,          /* "pool used before init or after fini" */
    PROTOPOOL_FAULT_DOUBLE_FREE,        /* "double free" */
    PROTOPOOL_FAULT_BAD_TAG,            /* "bad tag": freed with the tag of no variant, or of another slot size */
    PROTOPOOL_FAULT_WRITTEN_AFTER_FREE, /* "use after free (write)": found when the slot is allocated again */
    PROTOPOOL_FAULT_WRONG_VARIANT,      /* "wrong variant": as, edit or free_X of another variant */
    PROTOPOOL_FAULT_WRONG_LENGTH, /* "wrong tail length": the length has changed since the message was allocated */
    PROTOPOOL_FAULT_LEAK,         /* "leak": a pool or depot ends with live messages */
    /* at level 2 */
    PROTOPOOL_FAULT_FOREIGN,    /* "foreign pointer": freed, but it points to no slot of any pool */
    PROTOPOOL_FAULT_INTERIOR,   /* "interior pointer": freed, but it points into a slot, not to its beginning */
    PROTOPOOL_FAULT_WRONG_POOL, /* "wrong pool": freed into another pool, without a depot in common; also at level 1 */
    PROTOPOOL_FAULT_OVERRUN,    /* "overrun": bytes after a message were written */
    PROTOPOOL_FAULT_UNDERRUN,   /* "underrun": bytes before a message were written */
    /* from level 1 */
    PROTOPOOL_FAULT_USE_AFTER_FREE, /* "use after free": as or edit of a freed message */
    /* at every level */
    PROTOPOOL_FAULT_SHARED, /* "reset or each of a joined pool": its depot has the messages */
    /* at level 2 */
    PROTOPOOL_FAULT_CONCURRENT, /* "concurrent use": two threads are in one pool */
    /* from level 1 */
    PROTOPOOL_FAULT_EDIT_OF_SHARED, /* "edit while shared": edit of a message with several holders */
    /* at every level */
    PROTOPOOL_FAULT_TOO_MANY_HOLDERS, /* "too many holders": hold of a message that has PROTOPOOL_MOST_HOLDERS */
    /* from level 1 */
    PROTOPOOL_FAULT_WRONG_INDEX /* "wrong index": a list of texts does not have as many */
};

/* Called for a fault. pool is the pool or depot, or NULL if it is unknown. pointer is the message or slot, or NULL. site is
 * never NULL. If the handler returns, the operation is skipped: free leaves the message, new and as return NULL, and fini
 * goes on after a leak. The handler must not use the pool: its lock may be held. */
typedef void protopool_fault_handler(enum protopool_fault fault, const void *pool, const void *pointer,
                                     const struct protopool_site *site);

/* Replaces the handler of the whole program and returns the previous one. NULL is the default handler, which prints a line on
 * stderr and aborts. Call it before there are threads. */
PROTOPOOL_API protopool_fault_handler *protopool_set_fault_handler(protopool_fault_handler *handler);

/* The name of the fault, as in quotes above. Never NULL. */
PROTOPOOL_API const char *protopool_fault_text(enum protopool_fault fault);

#if PROTOPOOL_CHECK >= 1
/* For emitted code: reports a fault that emitted code has found at level 1. */
PROTOPOOL_API void protopool_report_fault(enum protopool_fault code, const struct protopool *pool, const void *pointer);
#endif
