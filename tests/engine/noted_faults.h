/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A fault handler that counts, for suites that look at one fault at a time: protopool_set_fault_handler(note). */

#ifndef NOTED_FAULTS_H_
#define NOTED_FAULTS_H_

#include "protopool.h"

static enum protopool_fault noted; /* the last one */
static unsigned faults;

static void note(enum protopool_fault fault, const void *of, const void *pointer, const struct protopool_site *site)
{
    (void)of;
    (void)pointer;
    (void)site;
    noted = fault;
    faults++;
}

#endif
