/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Pools: init, fini and what lies between. */

#define PROTOPOOL_MIN_(a, b) ((a) < (b) ? (a) : (b))

/* The bytes of the tables for this number of slot sizes, whether or not they have a budget. The memory of a fixed depot begins with
 * the tables. */
#define PROTOPOOL_TABLES_BYTES(slot_sizes) \
    (PROTOPOOL_ROUND_UP_(sizeof(struct protopool_store)) \
     + PROTOPOOL_ROUND_UP_((1ULL + (slot_sizes)) * sizeof(struct protopool_store_class)))

/* The bytes that protopool_init_fixed needs for this number of slot sizes, and in addition per slot size: the magazines'
 * arrays, the bitmap and the slots. Constant expressions of type unsigned long long. PROTOPOOL_FIXED_BYTES is 0 for a budget
 * of 0. */
#if PROTOPOOL_CHECK == 0
#define PROTOPOOL_POOL_TABLES_BYTES(slot_sizes) \
    PROTOPOOL_ROUND_UP_(sizeof(struct protopool_store) + 0ULL * (slot_sizes))
#define PROTOPOOL_FIXED_BYTES(slot_bytes, budget) \
    ((budget) == 0 ? 0ULL \
                   : PROTOPOOL_ROUND_UP_(sizeof(struct protopool_fixed_slots) \
                                         + PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, (budget)) * sizeof(void *) \
                                         + PROTOPOOL_MAP_WORDS_(1ULL * (budget)) * sizeof(protopool_word)) \
                         + PROTOPOOL_ROUND_UP_((slot_bytes)*1ULL * (budget)))
#else
#define PROTOPOOL_POOL_TABLES_BYTES(slot_sizes) \
    (PROTOPOOL_TABLES_BYTES(slot_sizes) + PROTOPOOL_DEPOT_PARTS_BYTES(PROTOPOOL_PARTS(slot_sizes), 1))
#define PROTOPOOL_FIXED_BYTES(slot_bytes, budget) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), budget, PROTOPOOL_MAP_WORDS_(1ULL * (budget)), \
                        PROTOPOOL_MIN_(2ULL * PROTOPOOL_MAGAZINE, (budget)), PROTOPOOL_RECORD_BYTES_)
#endif

/* The bytes that protopool_depot_init_fixed needs in addition per slot size, for this number of pools, at least 1. This has no
 * arrays, and more slots than a pool's, because the magazines of the other pools may hold some. */
#define PROTOPOOL_DEPOT_BYTES(slot_bytes, budget, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_STRIDE_(slot_bytes), PROTOPOOL_DEPOT_SLOTS_(budget, pools), \
                        PROTOPOOL_MAP_WORDS_(1ULL * PROTOPOOL_DEPOT_SLOTS_(budget, pools)), 0ULL, \
                        PROTOPOOL_RECORD_BYTES_)

#define PROTOPOOL_DEPOT_SLOTS_(budget, pools) \
    ((budget) + ((pools)-1ULL) * 2 * PROTOPOOL_MIN_(PROTOPOOL_MAGAZINE, (budget)))

/* The bytes that protopool_depot_init_fixed needs once: the arrays of all magazines, for this number of pools. Only slot
 * sizes with a budget count. */
#define PROTOPOOL_DEPOT_ARRAYS_BYTES(slot_sizes, pools) \
    PROTOPOOL_LAID_OUT_(PROTOPOOL_MAGAZINE * sizeof(void *), (slot_sizes)*2ULL * (pools), \
                        PROTOPOOL_MAP_WORDS_((slot_sizes)*2ULL * (pools)), 0ULL, 0ULL)

/* And what each of this number of pools has per slot size, in parts. Only parts of a slot size with a budget count. */
#define PROTOPOOL_DEPOT_PARTS_BYTES(parts, pools) PROTOPOOL_ROUND_UP_((parts)*1ULL * (pools)*PROTOPOOL_PART_BYTES)

#define PROTOPOOL_LAID_OUT_(slot_bytes, slots, map_words, arrays, record_bytes) \
    ((slots) == 0 ? 0ULL \
                  : PROTOPOOL_ROUND_UP_(sizeof(struct protopool_slab) + (map_words) * sizeof(protopool_word) \
                                        + (arrays) * sizeof(void *) + (slots) * (1ULL * (record_bytes)) \
                                        + ((record_bytes) != 0) * (1ULL * PROTOPOOL_RED_ZONE_)) \
                        + PROTOPOOL_ROUND_UP_((slot_bytes)*1ULL * (slots)))

/* The words of a bitmap and of the levels of its summary. A level has a bit for each word of the level below. It exists if the
 * level below has more than PROTOPOOL_SEARCHED_WORDS_ words. covered: the slots that one bit of the level stands for. */
#define PROTOPOOL_MAP_WORDS_(slots) \
    (PROTOPOOL_BITMAP_WORDS_(slots, 1ULL) + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_) \
     + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_) \
     + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_) \
     + PROTOPOOL_LEVEL_WORDS_(slots, 1ULL * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ * PROTOPOOL_WORD_BITS_ \
                                         * PROTOPOOL_WORD_BITS_))
#define PROTOPOOL_BITMAP_WORDS_(slots, covered) \
    (((slots) + (covered)*PROTOPOOL_WORD_BITS_ - 1) / ((covered)*PROTOPOOL_WORD_BITS_))
#define PROTOPOOL_LEVEL_WORDS_(slots, covered) \
    ((slots) > (covered)*PROTOPOOL_SEARCHED_WORDS_ ? PROTOPOOL_BITMAP_WORDS_(slots, covered) : 0)

/* A sum of these as a size_t. If a size_t cannot hold the sum: SIZE_MAX, which is more than any memory has. */
#ifdef __cplusplus
#define PROTOPOOL_SIZE(bytes) static_cast<size_t>(PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#else
#define PROTOPOOL_SIZE(bytes) ((size_t)PROTOPOOL_MIN_((bytes), 0ULL + SIZE_MAX))
#endif

/* Initialises a pool with the geometry's budgets in the caller's memory, aligned to 8. It never grows and never calls a
 * source. loaded has 1 + geometry->count elements, and parts has PROTOPOOL_PARTS(geometry->count). False if the memory is too
 * small or misaligned. */
PROTOPOOL_API bool protopool_init_fixed(struct protopool *pool, struct protopool_magazine *loaded,
                                        struct protopool_pool_class **parts, const struct protopool_geometry *geometry,
                                        void *memory, size_t bytes);

/* Initialises a pool that grows from the source. NULL is the default source. False if the source has no memory for the tables
 * and the first slab. */
PROTOPOOL_API bool protopool_init_growing(struct protopool *pool, struct protopool_magazine *loaded,
                                          struct protopool_pool_class **parts,
                                          const struct protopool_geometry *geometry,
                                          const struct protopool_source *source);

/* Ends the pool. A pool on its own gives all memory back; the result is how many slots were live. A joined pool puts the
 * slots in its magazines back into the depot's store; the result is 0. */
PROTOPOOL_API size_t protopool_fini(struct protopool *pool);

/* Frees all slots at once. Peaks and failures stay. For a joined pool this is a fault, and nothing is freed. */
PROTOPOOL_API void protopool_reset(struct protopool *pool);

/* Makes sure that n more slots can be taken without calling the source. False if there is no memory; then it
 * releases what it has already taken. Afterwards, a growing pool keeps room for the slots that were live and for n more. With a
 * depot, other pools may take these slots. */
PROTOPOOL_API bool protopool_reserve(struct protopool *pool, unsigned slot_class, size_t n);

/* For each slot size that was reserved or used, and each of a fixed pool: gives the magazines their arrays, fills the loaded
 * one, and writes to the memory of all free slots, without a change. Afterwards, as many allocations as there are free slots
 * neither call the source nor cause page faults, until flush, reset or trim. False if there is no memory for an array. In a
 * depot, call it in each pool before the work begins: it holds the lock for as long as the number of free slots requires.
 * At level 0, the peak then counts the free slots in the magazines too. */
PROTOPOOL_API bool protopool_prefill(struct protopool *pool);

/* Puts the free slots of the pool's magazines back into their slabs. Call it before the thread goes idle. */
PROTOPOOL_API void protopool_flush(struct protopool *pool);

/* Gives all free memory back: flushes the pool, spills the depot's full magazines, gives spare slabs to the source, and the
 * default source's free pages to the system. It touches neither the magazines of other pools nor reserved slots. Returns by
 * how much system_bytes (see protopool_stats) fell; 0 for fixed memory. Its time grows with the number of free slabs. */
PROTOPOOL_API size_t protopool_trim(struct protopool *pool);

/* Calls fn for each live slot, by slot size, in no promised order. fn must not take from this pool or put into it. For a
 * joined pool this is a fault, and fn is not called. */
PROTOPOOL_API void protopool_each(struct protopool *pool, void (*fn)(void *ctx, const void *slot), void *ctx);

/* Fills in an element per slot size.
 * source_bytes: the bytes taken from the source and not given back; for a fixed pool, the bytes of its memory that it uses.
 * system_bytes: the same, plus the bytes that the default source keeps free. Both pointers may be NULL. For a joined pool, the
 * figures are those of its depot. */
PROTOPOOL_API void protopool_stats(struct protopool *pool, struct protopool_slot_stats *by_slot_size,
                                   size_t *source_bytes, size_t *system_bytes);
