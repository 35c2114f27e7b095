// SPDX-License-Identifier: Apache-2.0 OR MIT
/* protobuf-c: calc.proto. A message is a struct that points to the one of its kind; texts and lists are blocks of their own. */

#include "calc.pb-c.h"
#include "turn.h"

#include <stdlib.h>
#include <string.h>

void begin(int mixed)
{
    (void)mixed;
}

void *make(enum kind kind, uint64_t i)
{
    static const int32_t operands[OPERANDS] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    Calc__Message *const msg = malloc(sizeof *msg);

    if (msg == NULL)
        return NULL;
    calc__message__init(msg);
    switch (kind) {
    case ADD:
        msg->add = malloc(sizeof *msg->add);
        if (msg->add == NULL)
            break;
        calc__add__init(msg->add);
        msg->as_case = CALC__MESSAGE__AS_ADD;
        msg->add->left = i;
        msg->add->right = i + 1;
        break;
    case NEGATE:
        msg->negate = malloc(sizeof *msg->negate);
        if (msg->negate == NULL)
            break;
        calc__negate__init(msg->negate);
        msg->as_case = CALC__MESSAGE__AS_NEGATE;
        msg->negate->value = (int64_t)i;
        break;
    case APPLY:
        msg->apply = malloc(sizeof *msg->apply);
        if (msg->apply == NULL)
            break;
        calc__apply__init(msg->apply);
        msg->as_case = CALC__MESSAGE__AS_APPLY;
        msg->apply->operation = CALC__OPERATION__MULTIPLICATION;
        msg->apply->left = (double)i;
        msg->apply->right = 2;
        break;
    case SUM:
        msg->sum = malloc(sizeof *msg->sum);
        if (msg->sum == NULL)
            break;
        calc__sum__init(msg->sum);
        msg->as_case = CALC__MESSAGE__AS_SUM;
        msg->sum->operands = malloc(sizeof operands);
        if (msg->sum->operands == NULL)
            break;
        memcpy(msg->sum->operands, operands, sizeof operands);
        msg->sum->n_operands = OPERANDS;
        break;
    case STORE:
        msg->store = malloc(sizeof *msg->store);
        if (msg->store == NULL)
            break;
        calc__store__init(msg->store);
        msg->as_case = CALC__MESSAGE__AS_STORE;
        msg->store->name = strdup(NAME);
        msg->store->value = (double)i;
        break;
    case RECALL:
        msg->recall = malloc(sizeof *msg->recall);
        if (msg->recall == NULL)
            break;
        calc__recall__init(msg->recall);
        msg->as_case = CALC__MESSAGE__AS_RECALL;
        msg->recall->name = strdup(NAME);
        break;
    case LOG:
        msg->log = malloc(sizeof *msg->log);
        if (msg->log == NULL)
            break;
        calc__log__init(msg->log);
        msg->as_case = CALC__MESSAGE__AS_LOG;
        msg->log->time = i;
        msg->log->text = strdup(TEXT);
        break;
    case QUIT:
        msg->quit = malloc(sizeof *msg->quit);
        if (msg->quit == NULL)
            break;
        calc__quit__init(msg->quit);
        msg->as_case = CALC__MESSAGE__AS_QUIT;
        break;
    }
    return msg;
}

uint64_t read_message(const void *it)
{
    const Calc__Message *const msg = it;

    switch (msg->as_case) {
    case CALC__MESSAGE__AS_ADD:
        return msg->add->left + msg->add->right;
    case CALC__MESSAGE__AS_NEGATE:
        return (uint64_t)msg->negate->value;
    case CALC__MESSAGE__AS_APPLY:
        return (uint64_t)(msg->apply->left * msg->apply->right);
    case CALC__MESSAGE__AS_SUM:
        return (uint64_t)msg->sum->operands[msg->sum->n_operands - 1];
    case CALC__MESSAGE__AS_STORE:
        return (uint64_t)msg->store->value + (unsigned char)msg->store->name[0];
    case CALC__MESSAGE__AS_RECALL:
        return (unsigned char)msg->recall->name[0];
    case CALC__MESSAGE__AS_LOG:
        return msg->log->time + (unsigned char)msg->log->text[0];
    case CALC__MESSAGE__AS_QUIT:
        return 1;
    default:
        return 0;
    }
}

void release(void *msg)
{
    calc__message__free_unpacked(msg, NULL);
}

const char *mistake(const char *which)
{
    Calc__Message *const msg = make(STORE, 1);

    if (strcmp(which, "long text") == 0) {
        free(msg->store->name);
        msg->store->name = strdup(LONG_NAME); /* has room for it */
    }
    if (strcmp(which, "wrong number") == 0) {
        Calc__Message *const apply = make(APPLY, 1);
        apply->apply->operation = (Calc__Operation)WRONG_OPERATION;
    }
    if (strcmp(which, "wrong variant") == 0)
        return msg->add->left != 0 ? "not found" : "";
    if (strcmp(which, "double free") == 0) {
        release(msg);
        release(msg);
    }
    return "not found";
}

size_t encode(const void *msg, unsigned char *buffer, size_t room)
{
    return calc__message__get_packed_size(msg) <= room ? calc__message__pack(msg, buffer) : 0;
}

void *decode(const unsigned char *bytes, size_t count)
{
    return calc__message__unpack(NULL, count, bytes);
}
