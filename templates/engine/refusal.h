/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Failures and refusals: why a constructor returned NULL. */

/* Why a constructor returned NULL. */
enum protopool_failure {
    PROTOPOOL_NO_FAILURE,
    PROTOPOOL_REFUSED,   /* the schema rules out what it was given */
    PROTOPOOL_EXHAUSTED, /* the pool is full, or its source has no memory */
    PROTOPOOL_FAULTED    /* a fault was reported, and the handler returned */
};

/* The rule of the schema that a value breaks. */
enum protopool_rule {
    PROTOPOOL_RULE_UNKNOWN,
    PROTOPOOL_RULE_RANGE,  /* a number outside of its range */
    PROTOPOOL_RULE_ENUM,   /* a value that the enum does not declare */
    PROTOPOOL_RULE_FLAGS,  /* bits that the flags do not declare */
    PROTOPOOL_RULE_BOOL,   /* neither false nor true */
    PROTOPOOL_RULE_LENGTH, /* a text or list that is too long */
    PROTOPOOL_RULE_TEXT,   /* a text whose terminator is not where its length says */
    PROTOPOOL_RULE_NULL,   /* NULL where a text is required */
    PROTOPOOL_RULE_TAG     /* a struct to copy that bears the tag of another message */
};

/* What a refusal handler gets; all of it is gone when it returns. */
struct protopool_refusal {
    const void *pool;    /* NULL: it was no message of a pool */
    const char *message; /* its name in the schema */
    const char *field;   /* its name there: "load", or "points[2].x" */
    enum protopool_rule rule;
    const char *text;           /* "load 150 is not in 0..100"; NULL with PROTOPOOL_NO_STDIO */
    struct protopool_site site; /* of the constructor; known at level 2, of new and copy */
};

typedef void protopool_refusal_handler(const struct protopool_refusal *refusal);

/* Replaces the handler that the whole program has for refusals; from level 1 a constructor calls it before it returns NULL.
 * NULL is the default one, which at level 2 prints a line on stderr: "protopool: refused: Ping: load 150 is not in
 * 0..100, at a.c:12". A refusal is no fault: it never aborts. Returns the previous one, NULL if that was the default. To be
 * called before there are threads; the handler is called by the thread of the constructor. */
PROTOPOOL_API protopool_refusal_handler *protopool_set_refusal_handler(protopool_refusal_handler *handler);

#if PROTOPOOL_CHECK >= 1
#define PROTOPOOL_EXPLAIN_(call) call
#else
#define PROTOPOOL_EXPLAIN_(call) ((void)0)
#endif
