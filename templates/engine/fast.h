/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The inline part of allocate and free, and what the build levels add to it.
 * Its callers know the magazine from the message's tag, and from the length of its tail. So without checks, no slab is looked
 * up here.
 */

PROTOPOOL_API void *protopool_take_slow(struct protopool *pool, unsigned slot_class);
PROTOPOOL_API void protopool_put_slow(struct protopool *pool, const struct protopool_magazine *loaded, void *slot);

/* protopool_take, but not inlined. */
PROTOPOOL_API void *protopool_take_called(struct protopool *pool, unsigned slot_class);

/* Takes a free slot of the class. `loaded` is the pool's loaded magazine for this class. NULL if there is no memory. */
static inline void *protopool_take(struct protopool *pool, struct protopool_magazine *loaded, unsigned slot_class)
{
    void **const top = loaded->top;

    if (PROTOPOOL_LIKELY(top != loaded->slots)) {
        void *const slot = top[-1];
        loaded->top = top - 1;
#if PROTOPOOL_CHECK == 1
        if (top - 1 < loaded->lowest)
            loaded->lowest = top - 1;
#endif
        PROTOPOOL_ASSUME(slot != NULL);
        return slot;
    }
    return protopool_take_slow(pool, slot_class);
}

/* Puts back a slot that take returned for the class of this magazine. */
static inline void protopool_put_into(struct protopool *pool, struct protopool_magazine *loaded, void *slot)
{
    void **const top = loaded->top;

    if (PROTOPOOL_LIKELY(top != loaded->end)) {
        *top = slot;
        loaded->top = top + 1;
    } else {
        protopool_put_slow(pool, loaded, slot);
    }
}

static inline void protopool_put(struct protopool *pool, struct protopool_magazine *loaded, unsigned slot_class,
                                 void *slot)
{
    (void)slot_class;
    protopool_put_into(pool, loaded, slot);
}

/*
 * Notes the tag of the message that is being freed and its loaded magazine, and returns the magazine. The next free expects
 * the same variant, which is often right. Then the address of the magazine comes from a predicted branch, and not from a load
 * of the message. So the address of the top is known early, before an allocation that follows at once reads the top. If the
 * address were late, the processor could let this read overtake the write of the free, and would then have to start over.
 * (Zen 4, a message replaced at random among ten thousand: 4.6 ns without this and 3.1 ns with it; among a million: 78 and
 * 49 ns; bench/.)
 */
static inline struct protopool_magazine *protopool_expect(struct protopool *pool, uint32_t tag,
                                                          struct protopool_magazine *loaded)
{
    pool->last_tag = (uint16_t)tag;
    return pool->last = loaded;
}

/*
 * The index, from 1, of the smallest slot size that holds a message with a tail. bytes: of the whole message, 1 to 2^31 - 1.
 * These slot sizes are the multiples of 16 up to 1 KiB, and then four per doubling. The generator's tail_slots.py has the
 * same rule, and the reasons for it.
 */
static inline unsigned protopool_tail_index(size_t bytes)
{
    unsigned doubling = 10;

    if (bytes <= 1024)
        return (unsigned)((bytes + 15) / 16);
    bytes--;
#if defined __GNUC__
    doubling = (unsigned)(8 * sizeof(unsigned long)) - 1 - (unsigned)__builtin_clzl((unsigned long)bytes);
#else
    while (bytes >> doubling > 1)
        doubling++;
#endif
    return 64 + 4 * (doubling - 10) + (unsigned)(bytes >> (doubling - 2)) - 3;
}

#if PROTOPOOL_CHECK == 1
/*
 * Whether a live message lies in a slot of the class, which is computed from its length `bytes`. It does not if the length has
 * changed since the allocation. This reads the header of the slab that such a slot would have. So if the length has changed
 * from several KiB to a small one, the program can crash here instead.
 */
PROTOPOOL_API bool protopool_serves(const struct protopool *pool, unsigned slot_class, const void *slot, size_t bytes);
#endif

#if PROTOPOOL_CHECK == 2
/* protopool_take, with the checks of level 2. bytes: of the message, at most those of the slot. name: of its variant. */
PROTOPOOL_API void *protopool_take_checked(struct protopool *pool, unsigned slot_class, size_t bytes, const char *name);

/* Reports a call of as or edit for a freed message or for another variant. name: of the variant that msg has; NULL if none. */
PROTOPOOL_API void protopool_report_variant(const void *msg, const char *name, const char *file, int line);

/* Marks the message as freed and returns its slot class. Then protopool_finish_free puts the slot into the pool. Returns 0 for
 * NULL, and after it has reported a message that must not be freed. variant: the number of the variant that the message must
 * be; a number that no variant has allows any. */
PROTOPOOL_API unsigned protopool_check_free(struct protopool *pool, const void *msg);
PROTOPOOL_API unsigned protopool_check_free_as(struct protopool *pool, const void *msg, uint32_t variant);
PROTOPOOL_API void protopool_finish_free(struct protopool *pool, unsigned slot_class, void *msg);

/* Frees a slot that was just taken, whatever it holds. */
PROTOPOOL_API void protopool_discard(struct protopool *pool, unsigned slot_class, void *msg);
#endif

/* Writes the tag of a message, of tag_bytes bytes, and then zeros, `bytes` bytes in all, in one store. bytes: 1, 2, 4 or 8. */
PROTOPOOL_INLINE void protopool_write_tag(void *msg, uint32_t tag, size_t tag_bytes, size_t bytes)
{
#if defined __BYTE_ORDER__ && defined __ORDER_LITTLE_ENDIAN__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t head = tag;
    (void)tag_bytes;
    memcpy(msg, &head, bytes);
#elif defined __BYTE_ORDER__ && defined __ORDER_BIG_ENDIAN__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    const uint64_t head = (uint64_t)tag << (64 - 8 * tag_bytes);
    memcpy(msg, &head, bytes);
#else
    const uint16_t wide = (uint16_t)tag;
    memset(msg, 0, bytes);
    if (tag_bytes == 1)
        *(unsigned char *)msg = (unsigned char)tag;
    else if (tag_bytes == 2)
        memcpy(msg, &wide, sizeof wide);
    else
        memcpy(msg, &tag, sizeof tag);
#endif
}
