/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Shared messages: several holders read a message, and the last one frees it. Only protocols with shared variants use this part. */

/* A message has at most this many holders. */
#define PROTOPOOL_MOST_HOLDERS 32768U

/* The bytes that a fixed pool or depot needs in addition for this number of slots of a size that serves shared messages. */
#define PROTOPOOL_HOLDERS_BYTES(slots) PROTOPOOL_ROUND_UP_((slots)*1ULL * PROTOPOOL_COUNT_BYTES_)
#define PROTOPOOL_COUNT_BYTES_ 2

/* The init functions and reset of a protocol with shared variants. shared: for each slot size, whether messages of that size can
 * have several holders. */
PROTOPOOL_API bool protopool_init_fixed_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                               struct protopool_pool_class **parts,
                                               const struct protopool_geometry *geometry, const bool *shared,
                                               void *memory, size_t bytes);
PROTOPOOL_API bool protopool_init_growing_shared(struct protopool *pool, struct protopool_magazine *loaded,
                                                 struct protopool_pool_class **parts,
                                                 const struct protopool_geometry *geometry, const bool *shared,
                                                 const struct protopool_source *source);
PROTOPOOL_API void protopool_reset_shared(struct protopool *pool, const bool *shared);
#ifndef PROTOPOOL_NO_THREADS
PROTOPOOL_API bool protopool_depot_init_shared(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                               const struct protopool_geometry *geometry, const bool *shared,
                                               const struct protopool_source *source);
PROTOPOOL_API bool protopool_depot_init_fixed_shared(struct protopool_depot *depot,
                                                     struct protopool_depot_class *classes,
                                                     const struct protopool_geometry *geometry, const bool *shared,
                                                     void *memory, size_t bytes);
#endif

/* These take a message in a slot of the class, and the pool that allocated it or another one of the same depot. Several threads
 * may call them for one message, each with its own pool. At level 2, the message is looked up, and the slot class ignored. */

/* Adds a holder. False after a fault: the message has PROTOPOOL_MOST_HOLDERS (at every level), is of another pool (from level
 * 1), or is no live message (at level 2). */
PROTOPOOL_API bool protopool_hold(struct protopool *pool, unsigned slot_class, const void *msg);

/* Removes a holder. True if it was the last one: then the caller frees the message. At level 2, protopool_check_free does this. */
PROTOPOOL_API bool protopool_release(struct protopool *pool, unsigned slot_class, const void *msg);

/* The number of holders, at least 1; 0 after a fault, as for protopool_hold. If it is 1, it stays so until the only holder adds
 * another one. */
PROTOPOOL_API size_t protopool_holders(struct protopool *pool, unsigned slot_class, const void *msg);

#if PROTOPOOL_CHECK >= 1
/* Whether the message has one holder, who may write to it; a fault if not. */
PROTOPOOL_API bool protopool_may_edit(struct protopool *pool, unsigned slot_class, const void *msg);
#endif
