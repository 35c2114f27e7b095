/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What each program of this folder defines: the eight messages of schema/calc.yaml, in its own way. driver.c calls it.
 * Each fills in every field, and frees as its users do.
 */

#ifndef TURN_H_
#define TURN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kind { ADD, NEGATE, APPLY, SUM, STORE, RECALL, LOG, QUIT };

/* What the fields hold: the name, the text and the number of operands of the i-th message. */
#define NAME "total of May"
#define TEXT "division by zero in line 12 of budget.calc"
#define OPERANDS 8

/* For mistakes. */
#define LONG_NAME "a name that is longer than the 31 characters that a Store has for it"
#define WRONG_OPERATION 99

void begin(int mixed);                  /* before all other calls; mixed: not only Adds */
void *make(enum kind kind, uint64_t i); /* allocates a message and fills in its fields; NULL: no memory */
uint64_t read_message(const void *msg); /* finds out its kind, and reads two fields, or as many as it has */
void release(void *msg);                /* frees it */
const char *mistake(const char *which); /* makes one of the mistakes; returns "refused" or "not found" if it returns */

/* Only of those whose messages can be sent. */
#define SENT __attribute__((weak))
SENT size_t encode(const void *msg, unsigned char *buffer, size_t room);
SENT void *decode(const unsigned char *bytes, size_t count); /* allocates the message; NULL: no memory, or no message */
SENT void *copy_valid(const void *msg);                      /* allocates a copy, and validates it */

#ifdef __cplusplus
}
#endif
#endif
