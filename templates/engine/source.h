/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Where memory comes from, and the slot sizes of a protocol. */

/*
 * take returns `bytes` bytes aligned to `align`, a power of two, or NULL. give gets back exactly what take returned, with the
 * same bytes and align. give may be NULL: then the pool keeps all memory and reuses it.
 *
 * A growing pool takes one block for its tables, aligned to 8, and then slabs: 16 KiB aligned to 16 KiB, or 2, 4, 8 or
 * 16 times as much, aligned to its size. For slots of several KiB it may take a block per slot, aligned to 8. The pool's
 * thread calls both functions, inside new, free, reserve, reset, flush, trim, each, init and fini.
 *
 * A depot calls both functions from the threads of its joined pools, one thread at a time, under a lock that only calls of the
 * source need. Meanwhile, the thread does not hold the depot's own lock: other pools allocate and free. So a source may wait or
 * take long, and needs no lock of its own unless several depots or pools use it. It must not call functions of a pool or a depot
 * that it serves.
 */
struct protopool_source {
    void *(*take)(void *ctx, size_t bytes, size_t align);
    void (*give)(void *ctx, void *memory, size_t bytes, size_t align);
    void *ctx;
};

/* One slot size of a protocol. bytes: 1 to 2^31 - 1, a multiple of the alignment of each message that uses it. The first slot
 * of a slab is aligned to 8. Below level 2, the others follow at this distance. budget: how many slots a fixed pool has. */
struct protopool_slot_size {
    uint32_t bytes;
    uint32_t budget;
};

#if PROTOPOOL_CHECK >= 1
/* What the checks know about messages. A message begins with its tag, of tag_bytes bytes. freed_tag is the tag of a freed
 * message. */
struct protopool_messages {
    const char *name;
    uint32_t tag_bytes;
    uint32_t freed_tag;
    uint32_t variants;
    uint32_t (*variant_of)(const void *msg); /* from 0; `variants` if the tag is that of no variant */
    const char *(*name_of)(uint32_t variant);
    size_t (*size_of)(const void *msg, size_t room); /* 0: no variant, or its fixed part is larger than the room */
    bool (*has_tail)(const void *msg);
    int (*print)(void *stream, const void *msg);
};
#endif

/* Slot sizes in ascending order, each once. Slot class c, from 1, is slot_sizes[c - 1]. Slot class 0 is for messages that are
 * not allocated: take returns NULL for it, and put does nothing. */
struct protopool_geometry {
    const struct protopool_slot_size *slot_sizes;
    uint32_t count;
#if PROTOPOOL_CHECK >= 1
    const struct protopool_messages *messages;
#endif
};

/* A place in the program. file is NULL if the place is unknown. */
struct protopool_site {
    const char *file;
    int line;
};

#define PROTOPOOL_ROUND_UP_(bytes) (((bytes) + 7ULL) / 8 * 8)
