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

/*
 * A stack of free slots.
 *
 *   slots <= top <= end, or all are NULL: it has no array
 *
 * A pointer to the top instead of a count saves a load and an addition in each allocation and each free.
 */
struct protopool_magazine {
    void **top; /* above the last slot */
    void **slots, **end;
#if PROTOPOOL_CHECK == 1
    void **lowest; /* of a loaded magazine: the lowest top since the peak was last noted */
#endif
};

/*
 * The bitmap is the lowest level. A level of at most this many words is searched word by word. If a level is larger, another
 * level lies above it, with a bit for each of its words. All levels above the bitmap are its summary.
 */
#define PROTOPOOL_SEARCHED_WORDS_ 128

/*
 * The header of a slab. Its bitmap follows, and then the levels of its summary. F(w) is the set of bits of word w that stand
 * for slots.
 *
 *   bits[w] & ~F(w) == 0
 *   free_words  == number of w with bits[w] != 0
 *   idle_words  == number of w with bits[w] == F(w)
 *   bits[w] == 0 for every w < lowest
 *   bit w of a level of the summary == (word w of the level below != 0)
 *   the slab is in the partial list of its slot size if free_words > 0, in the full list otherwise
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
    uint32_t slot_class; /* of its slots; 0: its slots are arrays of magazines */
#if PROTOPOOL_CHECK >= 1
    const struct protopool_slabs *owner;
#endif
};

#if PROTOPOOL_CHECK == 2
/* What level 2 knows about a slot. It lies outside the slot. */
struct protopool_slot_record {
    struct protopool_site allocated;
    struct protopool_site freed;
    size_t bytes; /* of its message: at most those of the slot */
    uint32_t state;
    uint32_t variant; /* of the message that was freed last */
};
#define PROTOPOOL_RECORD_BYTES_ sizeof(struct protopool_slot_record)

/* The distance from slot to slot: a message, and the red zone between it and the next. */
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
 *   slots         == sum of slab.slots over both lists
 *   free_in_slabs == number of bits that are set in their bitmaps
 */
struct protopool_slabs {
    struct protopool_slab *partial;
    struct protopool_slab *full;
    struct protopool_slab *fixed; /* the only slab of a fixed pool; NULL in a growing one */
    size_t slot_bytes;            /* from slot to slot */
    size_t slab_bytes;
    uintptr_t mask;        /* a slot's slab is at (slot - slot_offset) & mask */
    uintptr_t slot_offset; /* of the slot, if each slot has a block of its own; otherwise 0 */
    uint64_t reciprocal;   /* 2^32 / slot_bytes, rounded up */
    uint32_t slab_slots;
    uint16_t slot_class;   /* 0: the slots are arrays of magazines */
    uint16_t holder_bytes; /* of a slot's count of holders; 0: its messages cannot be shared */
    size_t slots;
    size_t free_in_slabs;
    size_t reserved; /* at least this many slots are kept, even if their slabs are wholly free */
#if PROTOPOOL_CHECK >= 1
    size_t message_bytes;
#endif
};

/* What a store has per slot size. */
struct protopool_store_class {
    struct protopool_slabs slabs;
    uint32_t magazine; /* capacity of a magazine of this slot size; 0: it has none */
    size_t peak;
#if PROTOPOOL_CHECK == 2
    size_t live;
#endif
    size_t failures;
};

/* At most this many wholly free slabs are kept for any slot size. If the source takes memory back, their bytes are bounded
 * too. */
#define PROTOPOOL_SPARE_SLABS 64
#define PROTOPOOL_SPARE_BYTES ((size_t)1 << 20)

struct protopool_chunk;

/* The default source: slabs cut from chunks of 1, 2 or 32 MiB, by ascending address. */
struct protopool_heap {
    struct protopool_chunk *chunks;
    size_t count, capacity;
    size_t slabs;        /* of all chunks */
    size_t lowest;       /* every chunk below is full */
    size_t idle;         /* wholly free chunks: at most 1 */
    size_t live;         /* bytes of slabs that are taken */
    size_t dirty;        /* bytes of chunks that are free and still have memory of the system */
    bool is_dirty;       /* dirty was more than its bound, and is more than half of it */
    bool system_refuses; /* the system takes no pages back, for example because the memory is locked */
};

/* Room for a lock of any system: a pthread_mutex_t, or what PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK keep in it. */
union protopool_lock {
    alignas(8) unsigned char bytes[64];
    void *pointer;
};

struct protopool;
struct protopool_store;

/*
 * The functions of a kind of store: compact, growing, or with slabs in fixed memory. Only the init of a kind refers to its
 * functions, so that the linker leaves out those of the kinds that a program does not use.
 */
struct protopool_kind {
    void *(*take)(struct protopool *pool, unsigned slot_class);           /* the loaded magazine is empty */
    void (*put)(struct protopool *pool, unsigned slot_class, void *slot); /* the loaded magazine is full */
};

/* Memory on its way back to the source: the beginning of that memory. */
struct protopool_block {
    struct protopool_block *next;
    size_t bytes, align;
};

struct protopool_growth;

/* What only a growing store does. */
struct protopool_growing {
    bool (*grow)(struct protopool_store *store, struct protopool_slabs *slabs);
    bool (*grow_for)(struct protopool *pool, struct protopool_slabs *slabs);
    void (*release)(struct protopool_store *store, struct protopool_slabs *slabs, struct protopool_slab *slab);
    void (*give)(struct protopool_growth *growth, struct protopool_block *given);
    void (*release_all)(struct protopool_store *store); /* all that is free */
    size_t (*trim)(struct protopool *pool);
    size_t (*trim_source)(struct protopool_growth *growth,
                          struct protopool_block *given); /* returns how much less it keeps */
    void (*end)(struct protopool_store *store);
    /* Of a growing depot; the pool has joined it (exchange.c). */
    bool (*load_full)(struct protopool *pool, unsigned slot_class);
    bool (*fetch_full)(struct protopool *pool, unsigned slot_class);
    bool (*keep_full)(struct protopool *pool, unsigned slot_class);
    bool (*leave_full)(struct protopool *pool, unsigned slot_class);
    void (*spill_exchange)(struct protopool *pool, unsigned slot_class);
};

/*
 * What only a growing store has. The depot's lock guards it, but for the source and the heap, which source_lock guards. No
 * thread holds both locks: so pools that need no memory never wait for the source.
 */
struct protopool_growth {
    const struct protopool_growing *calls;
    union protopool_lock *lock; /* the depot's; NULL: of a pool on its own, which needs no locks */
    union protopool_lock source_lock;
    bool is_collecting;            /* memory for the source is collected in `given`; else it is given at once */
    struct protopool_block *given; /* what the thread that holds the depot's lock gives back after it has released it */
    uint32_t leaving;              /* joined pools that have emptied their magazines and are about to leave */
    struct protopool_source source;
    struct protopool_heap heap;              /* if it is the default source */
    uintptr_t spares[PROTOPOOL_SPARE_SLABS]; /* by ascending address; the low bits are the slab's order */
    uint32_t spare_count;
    size_t spare_bytes;
#if PROTOPOOL_CHECK == 2
    struct protopool_slab **registry; /* every slab of slots, by ascending address */
    size_t registered, registry_room;
#endif
};

/* The slabs of all slot sizes, of one pool or of a depot. It lies at the beginning of fixed memory or in a block of the
 * source, followed by its classes and, if it grows, by its struct protopool_growth. Together these are the tables. */
struct protopool_store {
    const struct protopool_geometry *geometry;
    const struct protopool_kind *kind;
    struct protopool_store_class *classes;     /* by slot class; the slots of class 0 are arrays of magazines */
    struct protopool_growth *growth;           /* NULL: fixed memory */
    size_t source_bytes;                       /* taken from the source and not given back */
    struct protopool_pool_class *unused_parts; /* each linked to the next by previous.top */
    unsigned char *new_parts;                  /* parts that no pool had yet, side by side */
    uint32_t new_part_count;
    uint32_t part_bytes;
#if PROTOPOOL_CHECK == 2
    struct protopool_store *next_store; /* in the list of all stores of the program */
    union protopool_lock *lock;         /* the depot's; NULL: the store of a pool on its own */
#endif
};

/* Batches of arrays of magazines of one slot size. The words behind the slots of an array link it to the next of its batch,
 * and the first of a batch to the next batch. */
struct protopool_arrays {
    void **first;
    uint32_t count; /* of all batches */
};

/* What a pool that has joined a growing depot has per slot size that it uses, to exchange several full magazines at once. */
struct protopool_exchange {
    struct protopool_arrays full;  /* a batch of full magazines, fetched from the depot or to be left there */
    struct protopool_arrays empty; /* a batch of empty arrays */
    uint32_t batch;                /* leave this many full magazines at once; 0: one */
};

/* What a compact pool, a fixed pool of level 0, has per slot size with a budget, before the array of the loaded magazine. The
 * bitmap has a bit for each slot that is free and not in the magazine. */
struct protopool_fixed_slots {
    unsigned char *first; /* slot 0 */
    uint32_t free_slots;  /* in the bitmap */
    uint32_t lowest;      /* below it, every word of the bitmap is 0 */
    uint32_t peak;
    uint32_t failures;
};

/* What a pool with slabs has per slot size that it uses, besides the loaded magazine. */
struct protopool_pool_class {
    struct protopool_magazine previous;
    /* The counts at the last look for idle magazines: those that have not changed are idle. */
    uint16_t seen_loaded, seen_previous;
};

/* A part is an array of struct protopool_pool_class, one for each of this number of slot sizes. A pool takes a part when it first
 * uses one of its slot sizes. In a growing depot, the same number of struct protopool_exchange follows. */
#define PROTOPOOL_PART 2
#define PROTOPOOL_PART_BYTES (PROTOPOOL_PART * sizeof(struct protopool_pool_class))
#define PROTOPOOL_PARTS(slot_sizes) (((slot_sizes) + 1) / PROTOPOOL_PART + ((slot_sizes) == 0))

/*
 * in_depot is the number of slots in the depot's full magazines. in_pools is the number of slots in the loaded and previous
 * magazines of all pools of the store. For each slot size:
 *
 *   live == slabs.slots - slabs.free_in_slabs - in_depot - in_pools
 */
struct protopool {
    struct protopool_magazine *loaded;   /* by slot class */
    struct protopool_pool_class **parts; /* by (slot class - 1) / PROTOPOOL_PART; NULL: none of them was used */
    struct protopool_magazine *last;     /* the loaded magazine of the message freed last, whose tag is last_tag */
    uint16_t last_tag;
    uint16_t store_visits;         /* how often an operation went beyond the magazines of its slot size */
    uint16_t growths;              /* how often it took a slab that was not spare */
    bool is_fixed;                 /* its store never grows */
    uint8_t failure;               /* enum protopool_failure: why a constructor last returned NULL */
    struct protopool_store *store; /* its own or its depot's; NULL: not initialised */
    struct protopool_depot *depot; /* NULL: on its own */
#if PROTOPOOL_CHECK >= 1
    uint32_t alive; /* one of the three below; any other value: before init */
#endif
#if PROTOPOOL_CHECK == 2
    struct protopool_site site; /* where the running operation was called */
    uint32_t busy;              /* 1 while an operation runs */
#endif
};

#define PROTOPOOL_ALIVE_ 0x900dU /* between init or join and fini */
#define PROTOPOOL_FAILED_ 0xbadU /* init or join has failed */
#define PROTOPOOL_ENDED_ 0U

/* A depot keeps at most this many full magazines per slot size. */
#define PROTOPOOL_DEPOT_MAGAZINES 8

/* What a depot has per slot size: full magazines, and empty arrays to exchange for them. */
struct protopool_depot_class {
    struct protopool_arrays full;
    struct protopool_arrays empty;
};

struct protopool_depot {
    union protopool_lock lock; /* guards the other members, the classes and the store */
    struct protopool_depot_class *classes;
    uint32_t joined;
    struct protopool_store *store; /* NULL: not initialised */
};

struct protopool_slot_stats {
    size_t slot_bytes;
    size_t budget; /* of a fixed pool; 0 in a growing one */
    /* Live slots. With a depot, below level 2, the free slots in the magazines of other pools are counted too. */
    size_t live;
    /* The most slots that were live at once. It is exact at level 2 and, for a pool on its own, at level 1. Otherwise it is an
     * upper bound: for a pool on its own, at most a quarter too high, and too high by less than PROTOPOOL_MAGAZINE. With a depot,
     * the free slots in the magazines of all joined pools are counted too: each has at most five per slot size. */
    size_t peak;
    size_t failures; /* allocations that found no memory */
};
