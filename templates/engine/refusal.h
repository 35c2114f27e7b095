/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Failures and refusals: why a constructor returned NULL. */

enum protopool_failure {
    PROTOPOOL_NO_FAILURE,
    PROTOPOOL_REFUSED,   /* an argument breaks a rule of the schema */
    PROTOPOOL_EXHAUSTED, /* the pool is full, or its source has no memory */
    PROTOPOOL_FAULTED    /* a fault was reported, and the handler returned */
};

/* The rule of the schema that an argument breaks. */
enum protopool_rule {
    PROTOPOOL_RULE_UNKNOWN,
    PROTOPOOL_RULE_RANGE,  /* a number is out of its range */
    PROTOPOOL_RULE_ENUM,   /* the enum does not declare the value */
    PROTOPOOL_RULE_FLAGS,  /* the flags or the bit field do not declare some of the bits */
    PROTOPOOL_RULE_BOOL,   /* a bool is neither false nor true */
    PROTOPOOL_RULE_LENGTH, /* a text or a list is too long */
    PROTOPOOL_RULE_TEXT,   /* the terminator of a text is not where its length says */
    PROTOPOOL_RULE_NULL,   /* a required text is NULL */
    PROTOPOOL_RULE_TAG,    /* a struct to copy has the tag of another message */
    PROTOPOOL_RULE_ABSENT, /* a number means "absent", which a constructor takes as NULL */
    PROTOPOOL_RULE_UNUSED, /* a received byte that holds no value is not 0 */
    PROTOPOOL_RULE_ONE_OF  /* none or several of a field's alternatives are given */
};

/* What a refusal handler gets. It is valid until the handler returns. */
struct protopool_refusal {
    const void *pool;    /* NULL: the message was constructed by value */
    const char *message; /* its name in the schema */
    const char *field;   /* its name in the schema: "load", or "points[2].x" */
    enum protopool_rule rule;
    const char *text;           /* "load 150 is not in 0..100"; NULL with PROTOPOOL_NO_STDIO */
    struct protopool_site site; /* where new or copy was called; known at level 2 */
};

typedef void protopool_refusal_handler(const struct protopool_refusal *refusal);

/* Replaces the refusal handler of the whole program and returns the previous one. From level 1, a constructor calls it before
 * it returns NULL, in the same thread. NULL is the default handler. At level 2 it prints a line on stderr:
 * "protopool: refused: Ping: load 150 is not in 0..100, at a.c:12". A refusal is not a fault: it never aborts. Call this
 * before there are threads. */
PROTOPOOL_API protopool_refusal_handler *protopool_set_refusal_handler(protopool_refusal_handler *handler);

#if PROTOPOOL_CHECK >= 1
#define PROTOPOOL_EXPLAIN_(call) call
#else
#define PROTOPOOL_EXPLAIN_(call) ((void)0)
#endif
