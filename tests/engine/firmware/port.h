/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * PROTOPOOL_PORT of a machine with interrupts: while the depot's lock is held they are masked. Whether they were before is
 * kept in the lock, so that locks nest.
 */

#ifndef PORT_H_
#define PORT_H_

/* Masks interrupts, and returns whether they were masked already. */
int mask_interrupts(void);
void restore_interrupts(int were_masked);

#ifdef WITHOUT_MASK /* the fault that the test must find */
#define PROTOPOOL_LOCK(lock) ((void)(lock))
#define PROTOPOOL_UNLOCK(lock) ((void)(lock))
#else
#define PROTOPOOL_LOCK(lock) ((lock)->bytes[0] = (unsigned char)mask_interrupts())
#define PROTOPOOL_UNLOCK(lock) restore_interrupts((lock)->bytes[0])
#endif

#endif
