/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Depots: memory that the pools of several threads share. */

#ifndef PROTOPOOL_NO_THREADS

/* Initialises a depot, whose memory the joined pools share. classes has 1 + geometry->count elements. Its threads call the
 * source as source.h says. False if the source has no memory for the tables and the first slab, or if there is no lock. */
PROTOPOOL_API bool protopool_depot_init(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                        const struct protopool_geometry *geometry,
                                        const struct protopool_source *source);

/* The same in fixed memory, aligned to 8. The sum of the four macros in pool.h says how many pools fit into the memory, at
 * most 65535. While no more pools than that have joined, each budget is guaranteed to all of them together. More pools may
 * join, but a pool that has no array for a magazine takes the lock in each operation. False if the memory is misaligned or
 * too small for one pool, if a slot size would have 2^32 slots, or if the system has no lock. */
PROTOPOOL_API bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                              const struct protopool_geometry *geometry, void *memory, size_t bytes);

/* Ends the depot, gives all memory back and returns how many slots were live. While a pool is joined, this is a fault:
 * it returns SIZE_MAX and releases nothing. */
PROTOPOOL_API size_t protopool_depot_fini(struct protopool_depot *depot);

/* As protopool_each, under the depot's lock. While a pool is joined, it returns false and does not call fn. */
PROTOPOOL_API bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot),
                                        void *ctx);

/* As protopool_trim, for a thread without a joined pool. It does not touch the magazines of joined pools. */
PROTOPOOL_API size_t protopool_depot_trim(struct protopool_depot *depot);

/* As protopool_stats. Any thread may call it. */
PROTOPOOL_API void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                                         size_t *source_bytes, size_t *system_bytes);

/* Initialises a pool that uses the depot's memory, for one thread. Its geometry is the depot's. False if the depot's init has
 * failed. */
PROTOPOOL_API bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded,
                                  struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                  struct protopool_depot *depot);

#endif
