/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * protopool: a pool for messages of a few known sizes, in which each message takes exactly its own bytes.
 *
 * This is the engine. The header of a protocol, generated from its schema, includes it and adds names and types.
 *
 *   pool (one thread's)                            slab (of one slot size)
 *   +------------------------------+              +--------+--------+------+------+------+-------+
 *   | per slot size:               |   refill     | header | bitmap | slot | slot | slot |  ...  |
 *   |   loaded   +-+-+-+-+-+-+-+   | <----------- |        | 1=free |      | live |      |       |
 *   |   magazine |*|*|*|*|*| | | --+-- pop: new   +--------+--------+------+------+------+-------+
 *   |            +-+-+-+-+-+-+-+ <-+-- push: free      ^                | wholly free
 *   |   previous +-+-+-+-+-+-+-+   |                   | new slab       v
 *   |   magazine |*|*|*|*|*|*|*|   | -----------> +----+---------------------------+      +--------+
 *   |            +-+-+-+-+-+-+-+   |   spill      | store: slabs by slot size,     | <--> | source |
 *   +------------------------------+              | spare slabs for any slot size  |      +--------+
 *          ^                                      +--------------------------------+
 *          | exchange of whole magazines                    ^
 *          v                                                | refill, spill, under one lock
 *   +------------------------------------------------------------------------------+
 *   | depot (when threads share a store): per slot size up to 8 full magazines     |
 *   +------------------------------------------------------------------------------+
 *
 * To allocate a message, the pool pops a pointer from the loaded magazine. To free one, it pushes the pointer. Nothing else
 * is touched: the engine does not write to the freed slot. When the loaded magazine is empty or full, the pool exchanges it
 * for the previous one. If the previous one is also empty or full, the pool refills a magazine from a slab's bitmap, in
 * address order, or spills one into it.
 *
 * The bitmap lies outside the slots, so a slot has no header and no link, and the live messages can be enumerated. A slab
 * that becomes wholly free serves any slot size next; beyond a bound it goes back to the source.
 *
 * A write after free cannot corrupt a fixed pool. It cannot corrupt a growing pool while the slab serves the same slot
 * size; later, the bytes can belong to a bitmap, to an array of a magazine, or to another owner.
 *
 * Slabs are Bonwick's (USENIX 1994). Magazines and the depot are those of Bonwick and Adams (USENIX 2001), but magazines
 * do not change their size here.
 *
 * Conventions
 *   Threads     One thread at a time uses a pool. Pools that have joined a depot share its memory: each of their threads
 *               may free what another has allocated. A lock is taken once for many operations. A pool on its own takes
 *               no lock. A signal handler or an interrupt may call these functions only if it has a pool of its own
 *               and the depot's lock masks it (see PROTOPOOL_LOCK). After fork, the child has a copy of each pool
 *               that is on its own; it must not use joined pools and depots.
 *   Ownership   A pool owns its memory from init to fini. The caller owns a message from new to free.
 *   Errors      If something fails that can fail in a correct program (no memory, memory of a wrong size), the function returns
 *               false or NULL and leaves the pool as it was. A pool or depot whose init has failed is empty: new returns
 *               NULL, and fini returns 0. A bug of the caller (a double free, a foreign pointer) is undefined behaviour at
 *               build level 0.
 *   Moving      A pool points into itself: do not move or copy it after init.
 *   Units       Sizes are in bytes, counts in slots.
 *
 * Parts of this file. Each begins with a line that has its name.
 * @CONTENTS
 */

#ifndef PROTOPOOL_H_
#define PROTOPOOL_H_

/* @PARTS */

PROTOPOOL_END_C

#endif /* PROTOPOOL_H_ */
