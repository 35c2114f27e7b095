/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Pools: init, fini and what lies between. */

#define PROTOPOOL_MIN_(a, b) ((a) < (b) ? (a) : (b))

/* What fixed memory begins with: the tables of a pool or depot with so many slot sizes, those without a budget too. */
#define PROTOPOOL_TABLES_BYTES(slot_sizes) \
    (PROTOPOOL_ROUND_UP_(sizeof(struct protopool_store)) \
     + PROTOPOOL_ROUND_UP_((1ULL + (slot_sizes)) * sizeof(struct protopool_store_class)))

/* What init_fixed needs besides for one slot size: a header, the bitmap, the magazines' arrays and the slots. A constant
 * expression of type unsigned long long; 0 for a budget of 0. */
#define PROTOPOOL_FIXED_BYTES(slot_bytes, budget) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), budget, PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, (budget)), \
                        PROTOPOOL_RECORD_BYTES_)

/* What depot_init_fixed needs besides for one slot size and so many pools, 1 at least: that without the arrays, and the slots
 * that the magazines of the other pools may hold. */
#define PROTOPOOL_DEPOT_BYTES(slot_bytes, budget, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), PROTOPOOL_DEPOT_SLOTS_(budget, pools), 0ULL, \
                        PROTOPOOL_RECORD_BYTES_)

#define PROTOPOOL_DEPOT_SLOTS_(budget, pools) \
    ((budget) + ((pools)-1ULL) * 2 * PROTOPOOL_MIN_(PROTOPOOL_MAGAZINE, (budget)))

/* And, once, the arrays of the magazines of so many pools, for so many slot sizes with a budget. */
#define PROTOPOOL_DEPOT_ARRAYS_BYTES(slot_sizes, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_MAGAZINE * sizeof(void *), (slot_sizes)*2ULL * (pools), 0ULL, 0ULL)

#define PROTOPOOL_LAID_OUT_(slot_bytes, slots, arrays, record_bytes) \
    ((slots) == 0 ? 0ULL \
                  : PROTOPOOL_ROUND_UP_(sizeof(struct protopool_slab) \
                                        + ((slots) + PROTOPOOL_WORD_BITS_ - 1ULL) / PROTOPOOL_WORD_BITS_ \
                                              * sizeof(protopool_word) \
                                        + (arrays) * sizeof(void *) + (slots) * (1ULL * (record_bytes)) \
                                        + ((record_bytes) != 0) * (1ULL * PROTOPOOL_RED_ZONE_)) \
                        + PROTOPOOL_ROUND_UP_((slot_bytes)*1ULL * (slots)))

/* A sum of them as a size_t: SIZE_MAX, which no memory has, where the machine cannot count so far. */
#ifdef __cplusplus
#define PROTOPOOL_SIZE(bytes) static_cast<size_t>(PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#else
#define PROTOPOOL_SIZE(bytes) ((size_t)PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#endif

/* A pool of the geometry's budgets in the caller's memory, aligned to 8; it never grows and never calls a source.
 * loaded and classes have 1 + geometry->count elements. False if the memory is too small or misaligned. */
PROTOPOOL_API bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                        struct protopool_pool_class *classes, const struct protopool_geometry *geometry,
                                        void *memory, size_t bytes);

/* A pool that grows from the source; NULL is the default source. False if the source does not give the tables and the
 * first slab. */
PROTOPOOL_API bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                                          struct protopool_pool_class *classes,
                                          const struct protopool_geometry *geometry,
                                          const struct protopool_source *source);

/* Ends the pool. On its own: gives everything back and returns how many slots were live. Joined: hands its magazines
 * to the depot and returns 0. */
PROTOPOOL_API size_t protopool_fini(struct protopool *pool);

/* Frees all slots at once. Peaks and failures stay. Of a joined pool a fault: it is reported, and nothing is freed. */
PROTOPOOL_API void protopool_reset(struct protopool *pool);

/* Makes sure that n more slots can be taken without asking the source. False if it cannot be had; what was got
 * meanwhile is released again. A growing pool keeps so many from then on: live ones now and n more. With a depot, other pools may
 * take them. */
PROTOPOOL_API bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n);

/* Puts the free slots of its magazines back into their slabs: for a thread that goes idle. */
PROTOPOOL_API void protopool_flush(struct protopool *pool);

/* Gives back all that is free: flushes, also the depot's magazines, and gives the spares and all else to the source, the
 * default source to the system. What the magazines of other pools hold, and what is reserved, stays. Returns how many bytes
 * less the system holds for it (system_bytes, below): 0 of fixed memory. Takes time for each slab that is free. */
PROTOPOOL_API size_t protopool_trim(struct protopool *pool);

/* Calls fn for every live slot, by slot size, in no promised order. fn neither takes from nor puts into this pool. Not
 * for a joined pool: a fault, and it calls nothing. */
PROTOPOOL_API void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx);

/* Fills in an element for each slot size, the bytes taken from the source and not given back (of a fixed pool, those of its
 * memory that it uses), and those that the system holds memory for: the same, and of the default source also what is free
 * and not yet given to the system. Both may be NULL. Of a joined pool, those of its depot. */
PROTOPOOL_API void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size,
                                   size_t *source_bytes, size_t *system_bytes);
