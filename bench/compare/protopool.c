// SPDX-License-Identifier: Apache-2.0 OR MIT
/* The messages of this project: the emitted calc.h, and a growing pool. */

#include "calc.h"
#include "turn.h"

#include <stdlib.h>
#include <string.h>

static struct calc_pool pool;

void begin(int mixed)
{
    (void)mixed;
    if (!calc_pool_init_growing(&pool, NULL))
        abort();
}

void *make(enum kind kind, uint64_t i)
{
    static const int32_t operands[CALC_MAX_OPERANDS] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    switch (kind) {
    case ADD:
        return calc_new_add(&pool, i, i + 1);
    case NEGATE:
        return calc_new_negate(&pool, (int64_t)i);
    case APPLY:
        return calc_new_apply(&pool, CALC_OPERATION_MULTIPLY, (double)i, 2);
    case SUM:
        return calc_new_sum(&pool, OPERANDS, operands);
    case STORE:
        return calc_new_store(&pool, NAME, (double)i);
    case RECALL:
        return calc_new_recall(&pool, NAME);
    case LOG:
        return calc_new_log(&pool, i, TEXT);
    case QUIT:
        return calc_new_quit(&pool);
    }
    return NULL;
}

uint64_t read_message(const void *it)
{
    const struct calc *const msg = it;

    switch (calc_tag_of(msg)) {
    case CALC_ADD:
        return calc_as_add(msg)->left + calc_as_add(msg)->right;
    case CALC_NEGATE:
        return (uint64_t)calc_as_negate(msg)->value;
    case CALC_APPLY:
        return (uint64_t)(calc_as_apply(msg)->left * calc_as_apply(msg)->right);
    case CALC_SUM:
        return (uint64_t)calc_as_sum(msg)->operands[calc_as_sum(msg)->count - 1];
    case CALC_STORE:
        return (uint64_t)calc_as_store(msg)->value + (unsigned char)calc_as_store(msg)->name[0];
    case CALC_RECALL:
        return (unsigned char)calc_as_recall(msg)->name[0];
    case CALC_LOG:
        return calc_as_log(msg)->time + (unsigned char)calc_as_log(msg)->text[0];
    case CALC_QUIT:
        return 1;
    }
    return 0;
}

void release(void *msg)
{
    calc_free(&pool, msg);
}

const char *mistake(const char *which)
{
    struct calc *const msg = calc_new_store(&pool, NAME, 1);

    if (strcmp(which, "long text") == 0)
        return calc_new_store(&pool, LONG_NAME, 1) == NULL ? "refused" : "not found";
    if (strcmp(which, "wrong number") == 0)
        return calc_new_apply(&pool, (enum calc_operation)WRONG_OPERATION, 1, 2) == NULL ? "refused" : "not found";
    if (strcmp(which, "wrong variant") == 0)
        return calc_as_add(msg)->left != 0 ? "not found" : "";
    if (strcmp(which, "double free") == 0) {
        release(msg);
        release(msg);
        return "not found";
    }
    if (strcmp(which, "leak") == 0)
        return calc_pool_fini(&pool) != 0 ? "found" : "not found";
    return "";
}

size_t encode(const void *msg, unsigned char *buffer, size_t room)
{
    return calc_encode(msg, buffer, room);
}

void *decode(const unsigned char *bytes, size_t count)
{
    struct protopool_received result;
    return calc_receive(&pool, bytes, count, &result);
}

void *copy_valid(const void *msg)
{
    struct calc *const copy = calc_clone(&pool, msg);
    return copy != NULL && calc_validate(copy, calc_size(copy)) ? copy : NULL;
}
