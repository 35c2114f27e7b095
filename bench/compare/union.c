// SPDX-License-Identifier: Apache-2.0 OR MIT
/* A tagged union by hand, and malloc: of the whole union, or, with EXACT, of what the message needs. */

#include "turn.h"

#include <stdlib.h>
#include <string.h>

struct message {
    unsigned char tag;
    union {
        struct {
            uint64_t left, right;
        } add;
        struct {
            int64_t value;
        } negate;
        struct {
            unsigned char operation;
            double left, right;
        } apply;
        struct {
            unsigned char count;
            int32_t operands[12];
        } sum;
        struct {
            char name[32];
            double value;
        } store;
        struct {
            char name[32];
        } recall;
        struct {
            uint64_t time;
            char text[201];
        } log;
    } as;
};

#ifdef EXACT
#define NEW(member) allocate(offsetof(struct message, as) + sizeof((struct message *)0)->as.member)
#define NEW_WITHOUT_FIELDS() allocate(offsetof(struct message, as))
#else
#define NEW(member) allocate(sizeof(struct message))
#define NEW_WITHOUT_FIELDS() allocate(sizeof(struct message))
#endif

static struct message nowhere;

static struct message *allocate(size_t bytes)
{
    struct message *const msg = malloc(bytes);
    return msg != NULL ? msg : &nowhere;
}

void begin(int mixed)
{
    (void)mixed;
}

void *make(enum kind kind, uint64_t i)
{
    static const int32_t operands[12] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct message *msg = NULL;

    switch (kind) {
    case ADD:
        msg = NEW(add);
        msg->as.add.left = i;
        msg->as.add.right = i + 1;
        break;
    case NEGATE:
        msg = NEW(negate);
        msg->as.negate.value = (int64_t)i;
        break;
    case APPLY:
        msg = NEW(apply);
        msg->as.apply.operation = 3;
        msg->as.apply.left = (double)i;
        msg->as.apply.right = 2;
        break;
    case SUM:
        msg = NEW(sum);
        msg->as.sum.count = OPERANDS;
        memcpy(msg->as.sum.operands, operands, sizeof operands);
        break;
    case STORE:
        msg = NEW(store);
        strcpy(msg->as.store.name, NAME);
        msg->as.store.value = (double)i;
        break;
    case RECALL:
        msg = NEW(recall);
        strcpy(msg->as.recall.name, NAME);
        break;
    case LOG:
        msg = NEW(log);
        msg->as.log.time = i;
        strcpy(msg->as.log.text, TEXT);
        break;
    case QUIT:
        msg = NEW_WITHOUT_FIELDS();
        break;
    }
    if (msg == &nowhere)
        return NULL;
    msg->tag = (unsigned char)kind;
    return msg;
}

uint64_t read_message(const void *it)
{
    const struct message *const msg = it;

    switch ((enum kind)msg->tag) {
    case ADD:
        return msg->as.add.left + msg->as.add.right;
    case NEGATE:
        return (uint64_t)msg->as.negate.value;
    case APPLY:
        return (uint64_t)(msg->as.apply.left * msg->as.apply.right);
    case SUM:
        return (uint64_t)msg->as.sum.operands[msg->as.sum.count - 1];
    case STORE:
        return (uint64_t)msg->as.store.value + (unsigned char)msg->as.store.name[0];
    case RECALL:
        return (unsigned char)msg->as.recall.name[0];
    case LOG:
        return msg->as.log.time + (unsigned char)msg->as.log.text[0];
    case QUIT:
        return 1;
    }
    return 0;
}

void release(void *msg)
{
    free(msg);
}

const char *mistake(const char *which)
{
    struct message *const msg = make(STORE, 1);

    if (strcmp(which, "long text") == 0)
        strcpy(msg->as.store.name, LONG_NAME);
    if (strcmp(which, "wrong number") == 0)
        msg->as.apply.operation = WRONG_OPERATION;
    if (strcmp(which, "wrong variant") == 0)
        return msg->as.add.left != 0 ? "not found" : "";
    if (strcmp(which, "double free") == 0) {
        release(msg);
        release(msg);
    }
    return "not found";
}
