/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One slab: a header, a bitmap with a 1 for each free slot, and slots of one size.
 * Above a large bitmap lies a summary, so that a free slot is found in the same time in a slab of any size.
 * types.h has the invariants that hold between the header's counts, the bitmap and the summary.
 */

/* The words of an array of a growing store, behind its slots (exchange.c). */
enum { PP_NEXT = PROTOPOOL_MAGAZINE, PP_NEXT_BATCH, PP_BATCH_COUNT, PP_ARRAY_WORDS };

/* Of a growing store. Parts are cut from such arrays too. */
#define PP_ARRAY_BYTES \
    (PP_ARRAY_WORDS * sizeof(void *) > PP_EXCHANGING_PART_BYTES ? PP_ARRAY_WORDS * sizeof(void *) \
                                                                : PP_EXCHANGING_PART_BYTES)
#define PP_EXCHANGING_PART_BYTES (PROTOPOOL_PART_BYTES + PROTOPOOL_PART * sizeof(struct protopool_exchange))

static inline uint32_t pp_lowest_bit(protopool_word word)
{
#if defined __GNUC__ && UINTPTR_MAX > 0xffffffffU
    return (uint32_t)__builtin_ctzll(word);
#elif defined __GNUC__
    return (uint32_t)__builtin_ctzl(word);
#else
    uint32_t bit = 0;
    while ((word & 1) == 0) {
        word >>= 1;
        bit++;
    }
    return bit;
#endif
}

static inline protopool_word *pp_bitmap(struct protopool_slab *slab)
{
    return (protopool_word *)(void *)(slab + 1);
}

static inline uint32_t pp_bitmap_words(uint32_t slots)
{
    return slots / PP_WORD_BITS + (slots % PP_WORD_BITS != 0);
}

/* The bits of word w of a bitmap that stand for its slots. */
static inline protopool_word pp_bits_in_word(uint32_t slots, uint32_t w)
{
    const uint32_t rest = slots - w * PP_WORD_BITS;
    return rest >= PP_WORD_BITS ? ~(protopool_word)0 : ((protopool_word)1 << rest) - 1;
}

/* F(w) of the header's invariants. */
static inline protopool_word pp_slot_bits(const struct protopool_slab *slab, uint32_t w)
{
    return pp_bits_in_word(slab->slots, w);
}

static inline size_t pp_round_up(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

/* The words of the level of the summary above a level with this number of words. */
static inline uint32_t pp_words_above(uint32_t words)
{
    return words <= PROTOPOOL_SEARCHED_WORDS_ ? 0 : pp_bitmap_words(words);
}

/* The words of the bitmap and of all levels of its summary. */
static inline size_t pp_map_words(uint32_t slots)
{
    size_t all = 0;
    for (uint32_t words = pp_bitmap_words(slots); words != 0; words = pp_words_above(words))
        all += words;
    return all;
}

/* The bytes before the first slot of a slab: the header, the bitmap with its summary, at level 2 the records and a red zone,
 * and `room` more bytes for the caller. */
PROTOPOOL_INLINE size_t pp_slab_header_bytes(const struct protopool_slabs *slabs, uint32_t slots, size_t room)
{
    const size_t record = pp_record_bytes(slabs);
    const size_t bytes = pp_round_up(sizeof(struct protopool_slab) + pp_map_words(slots) * sizeof(protopool_word)
                                     + slots * record + room + (size_t)(record != 0) * PROTOPOOL_RED_ZONE_);
    return slabs->slot_class == 0 && slabs->slot_bytes > PROTOPOOL_MAGAZINE * sizeof(void *) ? (bytes + 63) / 64 * 64
                                                                                             : bytes;
}

static void pp_push_slab(struct protopool_slab **list, struct protopool_slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (*list != NULL)
        (*list)->previous = slab;
    *list = slab;
}

static void pp_unlink_slab(struct protopool_slab **list, struct protopool_slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

/* Notes in the levels of the summary, if there are any, whether word w of the bitmap is 0. */
static void pp_update_summary(protopool_word *bits, uint32_t words, uint32_t w)
{
    for (uint32_t above; (above = pp_words_above(words)) != 0; words = above) {
        const bool is_free = bits[w] != 0;
        const protopool_word bit = (protopool_word)1 << w % PP_WORD_BITS;

        bits += words;
        w /= PP_WORD_BITS;
        bits[w] = is_free ? bits[w] | bit : bits[w] & ~bit;
    }
}

static uint32_t pp_search_summary(const protopool_word *bits, uint32_t words, uint32_t w);

/* The first word of a bitmap that is not 0. There is one, and none below w. */
static inline uint32_t pp_first_free_word(const protopool_word *bits, uint32_t words, uint32_t w)
{
    if (words > PROTOPOOL_SEARCHED_WORDS_)
        return pp_search_summary(bits, words, w);
    while (bits[w] == 0)
        w++;
    return w;
}

/* The same with a summary: the level above is searched in the same way. There are at most PP_SUMMARY_LEVELS levels. */
static uint32_t pp_search_summary(const protopool_word *bits, uint32_t words, uint32_t w)
{
    const protopool_word *const above = bits + words;
    w = pp_first_free_word(above, pp_words_above(words), w / PP_WORD_BITS);
    return w * PP_WORD_BITS + pp_lowest_bit(above[w]);
}

/* Fills in a bitmap and its summary: all slots are free. */
static void pp_fill_bitmap(protopool_word *bits, uint32_t slots)
{
    const uint32_t words = pp_bitmap_words(slots);

    for (size_t w = pp_map_words(slots); w > words;)
        bits[--w] = 0;
    for (uint32_t w = 0; w < words; w++) {
        bits[w] = pp_bits_in_word(slots, w);
        pp_update_summary(bits, words, w);
    }
}

static void pp_mark_all_free(struct protopool_slab *slab)
{
    pp_fill_bitmap(pp_bitmap(slab), slab->slots);
    slab->free_words = slab->words;
    slab->idle_words = slab->words;
    slab->lowest = 0;
}

/* Adds a slab. All its slots are free. */
static void pp_add_slab(struct protopool_slabs *slabs, struct protopool_slab *slab, unsigned char *first,
                        uint32_t slots)
{
    slab->slot_class = slabs->slot_class;
    slab->first = first;
    slab->slots = slots;
    slab->words = pp_bitmap_words(slots);
    pp_mark_all_free(slab);
    pp_push_slab(&slabs->partial, slab);
    slabs->slots += slots;
    slabs->free_in_slabs += slots;
}

static inline struct protopool_slab *pp_slab_of(const struct protopool_slabs *slabs, const void *slot)
{
    if (slabs->fixed != NULL)
        return slabs->fixed;
    return (struct protopool_slab *)(((uintptr_t)slot - slabs->slot_offset) & slabs->mask);
}

/* 2^32 / slot_bytes, rounded up. It needs no division of 64 bits, for which small machines have a function. */
static inline uint64_t pp_reciprocal(size_t slot_bytes)
{
    return (uint64_t)(UINT32_MAX / (uint32_t)slot_bytes) + 1;
}

/*
 * offset / slot_bytes. For an offset below 2^31, the quotient is computed by a multiplication. With the reciprocal
 * r = 2^32 / slot_bytes + d, 0 <= d <= 1, offset * r >> 32 is offset / slot_bytes + offset * d / 2^32, rounded down. The second
 * term is too small to reach the next integer.
 */
static inline size_t pp_quotient(size_t offset, size_t slot_bytes, uint64_t reciprocal)
{
    return PROTOPOOL_LIKELY(offset < ((size_t)1 << 31)) ? (size_t)((offset * reciprocal) >> 32) : offset / slot_bytes;
}

static inline uint32_t pp_slot_index(const struct protopool_slabs *slabs, const struct protopool_slab *slab,
                                     const void *slot)
{
    const size_t offset = (size_t)((const unsigned char *)slot - slab->first);
    return (uint32_t)pp_quotient(offset, slabs->slot_bytes, slabs->reciprocal);
}

/* Takes at most `most` slots from a bitmap word that is not 0. Writes them to the places below `end`, the lowest address on top,
 * and returns how many. base: the slot of bit 0. */
static inline uint32_t pp_take_from_word(protopool_word *word, unsigned char *base, size_t slot_bytes, void **end,
                                         uint32_t most)
{
    const uint32_t first = pp_lowest_bit(*word);
    const protopool_word run = *word >> first;
    unsigned char *slot = base + first * slot_bytes;
    uint32_t taken = 0, length;

    if ((run & (run + 1)) != 0) {
        for (; *word != 0 && taken < most; *word &= *word - 1)
            *(end - ++taken) = base + pp_lowest_bit(*word) * slot_bytes;
        return taken;
    }
    length = ~run == 0 ? PP_WORD_BITS : pp_lowest_bit(~run); /* all are neighbours, as in a new slab */
    for (length = PROTOPOOL_MIN_(length, most); taken < length; slot += slot_bytes)
        *(end - ++taken) = slot;
    *word = taken == PP_WORD_BITS ? 0 : run >> taken << taken << first;
    return taken;
}

/* Moves at most `most` free slots out of a partial slab, to the places below `end`: the lowest address is on top. Returns how
 * many. */
static uint32_t pp_take_from_slab(struct protopool_slabs *slabs, struct protopool_slab *slab, void **end, uint32_t most)
{
    protopool_word *const bits = pp_bitmap(slab);
    uint32_t taken = 0;

    while (taken < most && slab->free_words != 0) {
        const uint32_t w = pp_first_free_word(bits, slab->words, slab->lowest);

        slab->lowest = w;
        slab->idle_words -= bits[w] == pp_slot_bits(slab, w);
        taken += pp_take_from_word(&bits[w], slab->first + (size_t)w * PP_WORD_BITS * slabs->slot_bytes,
                                   slabs->slot_bytes, end - taken, most - taken);
        if (bits[w] == 0) {
            slab->free_words--;
            pp_update_summary(bits, slab->words, w);
        }
    }
    if (slab->free_words == 0) {
        pp_unlink_slab(&slabs->partial, slab);
        pp_push_slab(&slabs->full, slab);
    }
    slabs->free_in_slabs -= taken;
    return taken;
}

/* Takes one slot from a partial slab. */
static void *pp_take_one(struct protopool_slabs *slabs)
{
    void *slot = NULL;
    (void)pp_take_from_slab(slabs, slabs->partial, &slot + 1, 1);
    return slot;
}

/* Takes at most `most` slots from the partial slabs, with the lowest address on top. Returns how many. */
static uint32_t pp_take_from_partial(struct protopool_slabs *slabs, void **slots, size_t most)
{
    const uint32_t count = (uint32_t)PROTOPOOL_MIN_(most, slabs->free_in_slabs);

    for (uint32_t left = count; left != 0;)
        left -= pp_take_from_slab(slabs, slabs->partial, slots + left, left);
    return count;
}

/* Marks slots of one bitmap word as free. At least one is given, and none is free yet. True if the slab is now wholly free. */
static bool pp_put_into_word(struct protopool_slabs *slabs, struct protopool_slab *slab, uint32_t w,
                             protopool_word freed)
{
    protopool_word *const word = &pp_bitmap(slab)[w];
    const bool was_full = *word == 0;

    *word |= freed;
    if (was_full) {
        if (slab->free_words++ == 0) {
            pp_unlink_slab(&slabs->full, slab);
            pp_push_slab(&slabs->partial, slab);
            slab->lowest = w;
        } else if (w < slab->lowest) {
            slab->lowest = w;
        }
        pp_update_summary(pp_bitmap(slab), slab->words, w);
    }
    if (*word != pp_slot_bits(slab, w))
        return false;
    return ++slab->idle_words == slab->words;
}
