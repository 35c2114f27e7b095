/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A pool's data: slabs, stores, magazines, depots. The members are private.
 * Invariants are written above the struct whose members they relate; the tests check them after each step.
 */

#if UINTPTR_MAX > 0xffffffffU
typedef uint64_t protopool_word;
#else
typedef uint32_t protopool_word;
#endif

#define PROTOPOOL_WORD_BITS_ (8 * sizeof(protopool_word))

/* A stack of free slots. slots <= top <= end; all NULL: it has no array. A pointer to the top in place of a count saves
 * make and free a load and an addition each. */
struct protopool_magazine {
    void **top; /* above the last slot */
    void **slots, **end;
#if PROTOPOOL_CHECK == 1
    void **lowest; /* of a loaded magazine: top at its lowest since the peak was last noted */
#endif
};

/*
 * The header of a slab; its bitmap follows. With F(w) for the bits of word w that stand for slots:
 *
 *   bits[w] & ~F(w) == 0
 *   free_words  == number of w with bits[w] != 0
 *   idle_words  == number of w with bits[w] == F(w)
 *   bits[w] == 0 for every w < lowest
 *   the slab is in its class's partial list if free_words > 0, in the full list otherwise
 */
struct protopool_slab {
    struct protopool_slab *next;
    struct protopool_slab *previous;
    unsigned char *first; /* slot 0 */
    uint32_t slots;
    uint32_t words;
    uint32_t free_words;
    uint32_t idle_words;
    uint32_t lowest;
    uint32_t slot_class; /* of its slots; 0: the magazines' arrays */
#if PROTOPOOL_CHECK >= 1
    const struct protopool_slabs *owner;
#endif
};

#if PROTOPOOL_CHECK == 2
/* What is known of a slot, outside it. */
struct protopool_slot_record {
    struct protopool_site allocated;
    struct protopool_site freed;
    size_t bytes; /* what it was made for: at most those of the slot */
    uint32_t state;
    uint32_t variant; /* when it was freed */
};
#define PROTOPOOL_RECORD_BYTES_ sizeof(struct protopool_slot_record)

/* From slot to slot: the message, and a red zone between it and the next. */
#define PROTOPOOL_RED_ZONE_ 8
#define PROTOPOOL_STRIDE_(bytes) (PROTOPOOL_ROUND_UP_(bytes) + 2ULL * PROTOPOOL_RED_ZONE_)
#else
#define PROTOPOOL_RECORD_BYTES_ 0
#define PROTOPOOL_RED_ZONE_ 0
#define PROTOPOOL_STRIDE_(bytes) (bytes)
#endif

/*
 * All slabs of one slot size.
 *
 *   slots    == sum of slab.slots over both lists
 *   free_in_slabs == number of bits set in their bitmaps
 */
struct protopool_slabs {
    struct protopool_slab *partial;
    struct protopool_slab *full;
    struct protopool_slab *fixed; /* the only slab of a fixed pool; NULL in a growing one */
    size_t slot_bytes;            /* from slot to slot */
    size_t slab_bytes;
    uintptr_t mask;        /* a slot's slab is at (slot - slot_offset) & mask */
    uintptr_t slot_offset; /* 0 but for a block of a slot's own: what lies before the slot */
    uint64_t reciprocal;   /* 2^32 / slot_bytes + 1 */
    uint32_t slab_slots;
    uint32_t slot_class; /* 0: the magazines' arrays */
    size_t slots;
    size_t free_in_slabs;
    size_t reserved; /* slots that are kept although their slabs are wholly free */
#if PROTOPOOL_CHECK >= 1
    size_t message_bytes;
#endif
};

/* A slot size in a store. */
struct protopool_store_class {
    struct protopool_slabs slabs;
    uint32_t magazine; /* slots that a magazine of this slot size holds */
    size_t peak;
#if PROTOPOOL_CHECK == 2
    size_t live;
#endif
    size_t failures;
};

/* Wholly free slabs that a growing pool keeps for any slot size, at most; their bytes too are bounded where the source takes
 * memory back. */
#define PROTOPOOL_SPARE_SLABS 64
#define PROTOPOOL_SPARE_BYTES ((size_t)1 << 20)

struct protopool_chunk;

/* The default source: slabs cut from chunks of 1 or 2 MiB, by ascending address. */
struct protopool_heap {
    struct protopool_chunk *chunks;
    size_t count, capacity;
    size_t slabs;        /* of all chunks */
    size_t lowest;       /* every chunk below is full */
    size_t idle;         /* wholly free chunks: at most 1 */
    size_t live;         /* bytes of slabs that are taken */
    size_t dirty;        /* bytes of chunks that are free, and that the system still holds memory for */
    bool system_refuses; /* the system takes nothing back: the memory is locked, say */
};

/* Room for a lock of any system: a pthread_mutex_t, or what PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK put there. */
union protopool_lock {
    alignas(8) unsigned char bytes[64];
    void *pointer;
};

/* What a store that grows has besides. */
struct protopool_growth {
    struct protopool_source source;
    struct protopool_heap heap;              /* if it is the default source */
    uintptr_t spares[PROTOPOOL_SPARE_SLABS]; /* ascending addresses; the low bits are the slab's order */
    uint32_t spare_count;
    size_t spare_bytes;
#if PROTOPOOL_CHECK == 2
    struct protopool_slab **registry; /* every slab of slots, by ascending address */
    size_t registered, registry_room;
#endif
};

/* Slabs of all slot sizes: of one pool, or of a depot. It lies at the beginning of fixed memory, or in a block of the
 * source, with the classes behind it and then what it needs to grow: the pool's tables. */
struct protopool_store {
    const struct protopool_geometry *geometry;
    struct protopool_store_class *classes; /* by slot class; class 0 are the magazines' arrays, slots like others */
    struct protopool_growth *growth;       /* NULL: fixed memory */
    size_t source_bytes;                   /* taken and not given back */
#if PROTOPOOL_CHECK == 2
    struct protopool_store *next_store; /* of the program's */
    union protopool_lock *lock;         /* the depot's; NULL: of a pool on its own */
#endif
};

/* What a pool holds of one slot size besides the loaded magazine. */
struct protopool_pool_class {
    struct protopool_magazine previous;
    uint32_t seen_loaded; /* counts when idle magazines were last looked for: unmoved ones are idle */
    uint32_t seen_previous;
};

/*
 * Of every slot size, summed over the pools of a store, and with in_depot for the slots in the depot's full magazines:
 *
 *   live == slabs.slots - slabs.free_in_slabs - in_depot - what loaded and previous hold
 */
struct protopool {
    struct protopool_magazine *loaded; /* by slot class */
    struct protopool_pool_class *classes;
    struct protopool_magazine *last; /* of loaded: that of the message freed last, whose tag is last_tag */
    uint32_t last_tag;
    uint32_t store_visits;         /* counts calls that went to the store */
    struct protopool_store *store; /* its own or its depot's; NULL: not initialised */
    struct protopool_depot *depot; /* NULL: on its own */
    uint32_t slabs_since_flush;    /* slabs taken since idle magazines were looked for */
    bool is_fixed;                 /* its store never grows */
    uint8_t failure;               /* enum protopool_failure: why a constructor returned NULL last */
#if PROTOPOOL_CHECK >= 1
    uint32_t
        alive; /* PROTOPOOL_ALIVE_ between init or join and fini, PROTOPOOL_FAILED_ where init or join has failed */
#endif
#if PROTOPOOL_CHECK == 2
    struct protopool_site site; /* of the operation that runs */
    uint32_t busy;              /* 1 while one runs */
#endif
};

#define PROTOPOOL_ALIVE_ 0x900dU
#define PROTOPOOL_FAILED_ 0xbadU
#define PROTOPOOL_ENDED_ 0U

/* Full magazines of a slot size that a depot keeps, at most. */
#define PROTOPOOL_DEPOT_MAGAZINES 8

/* Those of one slot size: the arrays of full magazines, and of empty ones to be exchanged for them. */
struct protopool_depot_class {
    uint32_t full_count;
    uint32_t empty_count;
    void **full[PROTOPOOL_DEPOT_MAGAZINES];
    void **empty[PROTOPOOL_DEPOT_MAGAZINES];
};

struct protopool_depot {
    union protopool_lock lock; /* guards what follows, the classes and the store */
    struct protopool_depot_class *classes;
    uint32_t joined;
    struct protopool_store *store; /* NULL: not initialised */
};

struct protopool_slot_stats {
    size_t slot_bytes;
    size_t budget; /* of a fixed pool; 0 in a growing one */
    size_t live;   /* with a depot also the free slots in the magazines of other pools; at level 2 without them */
    size_t
        peak; /* the most that were live at once. Exact at level 2, and at level 1 of a pool on its own. Else an upper
                        bound: of a pool on its own, a quarter above it at most, and less than PROTOPOOL_MAGAZINE; with a
                        depot, the free slots that the magazines of all joined pools held are counted too. */
    size_t failures; /* makes that found no memory */
};
