/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * protopool: a pool that is exact to the byte for messages of a few known sizes. The engine; a protocol's own
 * header, made from its schema, puts names and types on top of it.
 *
 *   pool (one thread's)                            slab (of one slot size)
 *   +------------------------------+              +--------+--------+------+------+------+-------+
 *   | per slot size:               |   refill     | header | bitmap | slot | slot | slot |  ...  |
 *   |   loaded   +-+-+-+-+-+-+-+   | <----------- |        | 1=free |      | live |      |       |
 *   |   magazine |*|*|*|*|*| | | --+-- pop: make  +--------+--------+------+------+------+-------+
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
 * A make pops a pointer from the loaded magazine, a free pushes one; nothing else is touched, in particular not the
 * freed slot. When the loaded magazine runs empty or full it changes places with the previous one, and when that
 * does not help, a whole magazine is refilled from a slab's bitmap, in address order, or spilled into it. The free
 * bitmap lies outside the slots: a slot has no header and no link, and the live messages can be enumerated. A slab that
 * becomes wholly free serves any slot size next; past a bound it goes back to its source. So a write after free cannot
 * corrupt a fixed pool, nor a growing one as long as that slab serves the same slot size; later the bytes can be a bitmap,
 * an array of a magazine, or not the pool's any more. Slabs are Bonwick's (USENIX 1994), magazines and the depot those of
 * Bonwick and Adams (USENIX 2001); unlike theirs, magazines do not change their size.
 *
 * Conventions
 *   Threads     A pool is one thread's at a time. Pools that have joined a depot share its memory: any of their threads
 *               frees what any of them made; a lock is taken once for many makes or frees. A pool on its own takes no
 *               lock. No function may be called in a signal handler or an interrupt, unless the depot's lock keeps
 *               it off (see PROTOPOOL_LOCK) and it has a pool of its own there. After fork, the child has its own copy of a pool
 *               on its own; of a joined pool and of its depot it may use nothing.
 *   Ownership   A pool's memory is the pool's from init to fini. A slot is the caller's from take to put.
 *   Errors      What a caller can meet (no memory, a wrong size) is a false or a NULL, and leaves the pool as it was.
 *               A pool or depot whose init has failed is empty: new returns NULL, fini returns 0.
 *               A caller's bug (a double free, a foreign pointer) is undefined at build level 0.
 *   Moving      A pool points into itself: do not move or copy it once it is initialised.
 *   Units       Sizes are bytes, counts are slots.
 *
 * Where is what. Each part begins with a line of its name.
 * @CONTENTS
 */

#ifndef PROTOPOOL_H_
#define PROTOPOOL_H_

/* @PARTS */

PROTOPOOL_END_C

#endif /* PROTOPOOL_H_ */
