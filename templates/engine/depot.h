/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Depots: memory that the pools of several threads share. */

#ifndef PROTOPOOL_NO_THREADS

/* What joined pools share; classes has 1 + geometry->count elements. The source is called under the depot's lock. False if
 * the source does not give the tables and the first slab, or the system no lock. */
PROTOPOOL_API bool protopool_depot_init(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                        const struct protopool_geometry *geometry,
                                        const struct protopool_source *source);

/* The same in fixed memory, aligned to 8. It serves the largest number of pools, 65535 at most, for which the sum of the
 * three macros above is in it: as long as no more have joined, each budget is guaranteed to all of them together. More
 * may join; where no array is left for a magazine, a pool takes the lock each time. False if the memory does not even
 * do for the budgets, or is misaligned; if a slot size would have 2^32 slots; or if the system gives no lock. */
PROTOPOOL_API bool protopool_depot_init_fixed(struct protopool_depot *depot, struct protopool_depot_class *classes,
                                              const struct protopool_geometry *geometry, void *memory, size_t bytes);

/* Ends the depot, gives everything back and returns how many slots were live. While a pool is joined it does nothing but
 * report that fault, and returns SIZE_MAX. */
PROTOPOOL_API size_t protopool_depot_fini(struct protopool_depot *depot);

/* As protopool_each, and fn is called under the depot's lock; calls nothing while a pool is joined, and returns false. */
PROTOPOOL_API bool protopool_depot_each(struct protopool_depot *depot, void (*fn)(void *ctx, const void *slot),
                                        void *ctx);

/* As protopool_trim, for a thread without a pool of it: what joined pools hold in their magazines stays. */
PROTOPOOL_API size_t protopool_depot_trim(struct protopool_depot *depot);

/* As protopool_stats; any thread may call it. */
PROTOPOOL_API void protopool_depot_stats(struct protopool_depot *depot, struct protopool_slot_stats *by_slot_size,
                                         size_t *source_bytes, size_t *system_bytes);

/* A pool of the depot's memory, for one thread; the geometry is the depot's. False if the depot's init has failed. */
PROTOPOOL_API bool protopool_join(struct protopool *pool, struct protopool_magazine *loaded,
                                  struct protopool_pool_class *classes, const struct protopool_geometry *geometry,
                                  struct protopool_depot *depot);

#endif
