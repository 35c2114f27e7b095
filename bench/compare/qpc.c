// SPDX-License-Identifier: Apache-2.0 OR MIT
/* QP/C: events of its pools. It has up to three block sizes by default; these suit the mix. */

#include "qpc.h"
#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADD_SIG = Q_USER_SIG, NEGATE_SIG, APPLY_SIG, SUM_SIG, STORE_SIG, RECALL_SIG, LOG_SIG, QUIT_SIG };

typedef struct {
    QEvt super;
    uint64_t left, right;
} AddEvt;
typedef struct {
    QEvt super;
    int64_t value;
} NegateEvt;
typedef struct {
    QEvt super;
    unsigned char operation;
    double left, right;
} ApplyEvt;
typedef struct {
    QEvt super;
    unsigned char count;
    int32_t operands[12];
} SumEvt;
typedef struct {
    QEvt super;
    char name[32];
    double value;
} StoreEvt;
typedef struct {
    QEvt super;
    char name[32];
} RecallEvt;
typedef struct {
    QEvt super;
    uint64_t time;
    char text[201];
} LogEvt;

/* Room for a million messages of the mix, or for as many Adds. */
static QF_MPOOL_EL(ApplyEvt) small[1001000];
static QF_MPOOL_EL(SumEvt) middle[251000];
static QF_MPOOL_EL(LogEvt) large[41000];

Q_NORETURN Q_onError(char const *const module, int_t const id)
{
    printf("found: %s:%d\n", module, id);
    fflush(stdout);
    exit(0);
}

void QF_onStartup(void)
{
}

void QF_onCleanup(void)
{
}

void QF_onClockTick(void)
{
}

void begin(int mixed)
{
    QF_init();
    QF_poolInit(small, (mixed ? 710000 : 1001000) * sizeof small[0], sizeof small[0]);
    QF_poolInit(middle, (mixed ? 251000 : 10) * sizeof middle[0], sizeof middle[0]);
    QF_poolInit(large, (mixed ? 41000 : 10) * sizeof large[0], sizeof large[0]);
}

void *make(enum kind kind, uint64_t i)
{
    static const int32_t operands[12] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    switch (kind) {
    case ADD: {
        AddEvt *const msg = Q_NEW(AddEvt, ADD_SIG);
        msg->left = i;
        msg->right = i + 1;
        return msg;
    }
    case NEGATE: {
        NegateEvt *const msg = Q_NEW(NegateEvt, NEGATE_SIG);
        msg->value = (int64_t)i;
        return msg;
    }
    case APPLY: {
        ApplyEvt *const msg = Q_NEW(ApplyEvt, APPLY_SIG);
        msg->operation = 3;
        msg->left = (double)i;
        msg->right = 2;
        return msg;
    }
    case SUM: {
        SumEvt *const msg = Q_NEW(SumEvt, SUM_SIG);
        msg->count = OPERANDS;
        memcpy(msg->operands, operands, sizeof operands);
        return msg;
    }
    case STORE: {
        StoreEvt *const msg = Q_NEW(StoreEvt, STORE_SIG);
        strcpy(msg->name, NAME);
        msg->value = (double)i;
        return msg;
    }
    case RECALL: {
        RecallEvt *const msg = Q_NEW(RecallEvt, RECALL_SIG);
        strcpy(msg->name, NAME);
        return msg;
    }
    case LOG: {
        LogEvt *const msg = Q_NEW(LogEvt, LOG_SIG);
        msg->time = i;
        strcpy(msg->text, TEXT);
        return msg;
    }
    case QUIT: {
        static const QEvt quit = QEVT_INITIALIZER(QUIT_SIG);
        return (void *)(uintptr_t)&quit; /* events without parameters need no memory */
    }
    }
    return NULL;
}

uint64_t read_message(const void *msg)
{
    switch (((const QEvt *)msg)->sig) {
    case ADD_SIG:
        return ((const AddEvt *)msg)->left + ((const AddEvt *)msg)->right;
    case NEGATE_SIG:
        return (uint64_t)((const NegateEvt *)msg)->value;
    case APPLY_SIG:
        return (uint64_t)(((const ApplyEvt *)msg)->left * ((const ApplyEvt *)msg)->right);
    case SUM_SIG:
        return (uint64_t)((const SumEvt *)msg)->operands[((const SumEvt *)msg)->count - 1];
    case STORE_SIG:
        return (uint64_t)((const StoreEvt *)msg)->value + (unsigned char)((const StoreEvt *)msg)->name[0];
    case RECALL_SIG:
        return (unsigned char)((const RecallEvt *)msg)->name[0];
    case LOG_SIG:
        return ((const LogEvt *)msg)->time + (unsigned char)((const LogEvt *)msg)->text[0];
    case QUIT_SIG:
        return 1;
    default:
        return 0;
    }
}

void release(void *msg)
{
    QF_gc((const QEvt *)msg); /* nobody refers to the event, so this frees it */
}

const char *mistake(const char *which)
{
    StoreEvt *const msg = make(STORE, 1);

    if (strcmp(which, "long text") == 0)
        strcpy(msg->name, LONG_NAME);
    if (strcmp(which, "wrong number") == 0)
        ((ApplyEvt *)make(APPLY, 1))->operation = WRONG_OPERATION;
    if (strcmp(which, "wrong variant") == 0)
        return ((const AddEvt *)(const void *)msg)->left != 0 ? "not found" : "";
    if (strcmp(which, "double free") == 0) {
        release(msg);
        release(msg);
    }
    return "not found";
}
