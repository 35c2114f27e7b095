// SPDX-License-Identifier: Apache-2.0 OR MIT
/* nanopb: calc.proto, with the bounds of calc.options. Its struct has room for the largest message; users allocate it. */

#include "calc.pb.h"
#include "turn.h"

#include <pb_decode.h>
#include <pb_encode.h>
#include <stdlib.h>
#include <string.h>

void begin(int mixed)
{
    (void)mixed;
}

void *make(enum kind kind, uint64_t i)
{
    static const int32_t operands[12] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    calc_Message *const msg = malloc(sizeof *msg);

    if (msg == NULL)
        return NULL;
    switch (kind) {
    case ADD:
        msg->which_as = calc_Message_add_tag;
        msg->as.add.left = i;
        msg->as.add.right = i + 1;
        break;
    case NEGATE:
        msg->which_as = calc_Message_negate_tag;
        msg->as.negate.value = (int64_t)i;
        break;
    case APPLY:
        msg->which_as = calc_Message_apply_tag;
        msg->as.apply.operation = calc_Operation_MULTIPLICATION;
        msg->as.apply.left = (double)i;
        msg->as.apply.right = 2;
        break;
    case SUM:
        msg->which_as = calc_Message_sum_tag;
        msg->as.sum.operands_count = OPERANDS;
        memcpy(msg->as.sum.operands, operands, sizeof operands);
        break;
    case STORE:
        msg->which_as = calc_Message_store_tag;
        strcpy(msg->as.store.name, NAME);
        msg->as.store.value = (double)i;
        break;
    case RECALL:
        msg->which_as = calc_Message_recall_tag;
        strcpy(msg->as.recall.name, NAME);
        break;
    case LOG:
        msg->which_as = calc_Message_log_tag;
        msg->as.log.time = i;
        strcpy(msg->as.log.text, TEXT);
        break;
    case QUIT:
        msg->which_as = calc_Message_quit_tag;
        break;
    }
    return msg;
}

uint64_t read_message(const void *it)
{
    const calc_Message *const msg = it;

    switch (msg->which_as) {
    case calc_Message_add_tag:
        return msg->as.add.left + msg->as.add.right;
    case calc_Message_negate_tag:
        return (uint64_t)msg->as.negate.value;
    case calc_Message_apply_tag:
        return (uint64_t)(msg->as.apply.left * msg->as.apply.right);
    case calc_Message_sum_tag:
        return (uint64_t)msg->as.sum.operands[msg->as.sum.operands_count - 1];
    case calc_Message_store_tag:
        return (uint64_t)msg->as.store.value + (unsigned char)msg->as.store.name[0];
    case calc_Message_recall_tag:
        return (unsigned char)msg->as.recall.name[0];
    case calc_Message_log_tag:
        return msg->as.log.time + (unsigned char)msg->as.log.text[0];
    case calc_Message_quit_tag:
        return 1;
    default:
        return 0;
    }
}

void release(void *msg)
{
    free(msg);
}

const char *mistake(const char *which)
{
    calc_Message *const msg = make(STORE, 1);

    if (strcmp(which, "long text") == 0)
        strcpy(msg->as.store.name, LONG_NAME);
    if (strcmp(which, "wrong number") == 0)
        msg->as.apply.operation = (calc_Operation)WRONG_OPERATION;
    if (strcmp(which, "wrong variant") == 0)
        return msg->as.add.left != 0 ? "not found" : "";
    if (strcmp(which, "double free") == 0) {
        release(msg);
        release(msg);
    }
    return "not found";
}

size_t encode(const void *msg, unsigned char *buffer, size_t room)
{
    pb_ostream_t stream = pb_ostream_from_buffer(buffer, room);
    return pb_encode(&stream, calc_Message_fields, msg) ? stream.bytes_written : 0;
}

void *decode(const unsigned char *bytes, size_t count)
{
    pb_istream_t stream = pb_istream_from_buffer(bytes, count);
    calc_Message *const msg = malloc(sizeof *msg);
    if (msg != NULL && pb_decode(&stream, calc_Message_fields, msg))
        return msg;
    free(msg);
    return NULL;
}
