/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The default source: slabs cut from chunks of malloc.
 * A chunk is 1, 2 or 32 MiB. Free pages beyond a bound go back to the system.
 */

#ifdef PP_HAS_HEAP

/*
 * A slab from malloc would be an aligned block, and malloc would lose half of it. A chunk is a block of malloc and not a
 * mapping, so that leak checkers see the pointers in messages. The C library's header in front of a large block takes a
 * page; so chunks double once. Larger ones would keep more memory (bench/driver.c, phases). A chunk's slabs begin at a
 * multiple of the largest slab, so that a wrong tag or length never makes a free look for a slab outside of the chunk.
 *
 * Where the system has huge pages, a source with many slabs in use takes huge chunks: a page fault costs as much as filling
 * many slots. A huge page becomes resident as a whole when its first slab is used. Slabs are taken at the lowest address, so
 * at most one huge page is partly unused for this reason. The C library has mappings of their own for blocks of this size.
 */
#define PP_CHUNK_MIN ((size_t)64)  /* slabs: 1 MiB */
#define PP_CHUNK_MAX ((size_t)128) /* 2 MiB */
#define PP_LARGEST_SLAB (PP_SLAB_BYTES << (PP_SLAB_ORDERS - 1))
#define PP_PART ((size_t)128) /* slabs: 2 MiB, which are given to the system together */
#define PP_PART_WORDS (PP_PART / 64)
#ifdef PP_HUGE_PAGES
#define PP_CHUNK_HUGE ((size_t)2048) /* slabs: 32 MiB */
#define PP_HUGE_MIN_LIVE \
    ((size_t)64 << 20) /* bytes in use from which chunks are huge: a huge page is at most 1/32 of them */
#endif

/*
 * Free memory between live slabs goes back to the system, page by page, when it exceeds a bound. Then each slab that is given
 * back takes some with it, until half of the bound is left. So a load that swings by less than that half does not call the
 * system, and no slab has much to do. The bound grows with what is live.
 */
#define PP_DIRTY_MIN ((size_t)4 << 20)
#define PP_DIRTY_SHIFT 4                     /* or 1/16 of the live slabs, if that is more */
#define PP_CLEAN_BYTES (2 * PP_LARGEST_SLAB) /* for each slab; more than its own bytes, so that the bound holds */

/* The bitmaps of a chunk lie at the beginning of its block. The C library's header has made that page resident already. */
struct protopool_chunk {
    void *block;
    unsigned char *base; /* its first multiple of pp_chunk_align behind the bitmaps */
    size_t slabs, live;  /* in units of PP_SLAB_BYTES, from base: how many there are, and are taken */
    uint64_t *used;      /* a bit for each unit that is taken */
    uint64_t *dirty;     /* a bit for each unit that is free and still has memory of the system */
    bool is_huge;        /* its parts are huge pages, if the system has enough of them */
};

static_assert(PP_CHUNK_MIN % 64 == 0 && PP_CHUNK_MAX % 64 == 0 && PP_LARGEST_SLAB / PP_SLAB_BYTES < 64,
              "a chunk's bits are whole words, and a slab's are in one");

/* The alignment of the first slab of a chunk with this number of slabs. */
static size_t pp_chunk_align(size_t slabs)
{
    return slabs > PP_CHUNK_MAX ? PP_PART * PP_SLAB_BYTES : PP_LARGEST_SLAB;
}

/* The bytes of the two bitmaps for this number of slabs. */
static size_t pp_chunk_bitmaps(size_t slabs)
{
    return 2 * slabs / 64 * sizeof(uint64_t);
}

/* The bytes of a block that has room for this number of slabs, at any address. */
static size_t pp_chunk_bytes(size_t slabs)
{
    return pp_chunk_bitmaps(slabs) + slabs * PP_SLAB_BYTES + pp_chunk_align(slabs) - 1;
}

static uint64_t pp_run_of(size_t bytes)
{
    return ((uint64_t)1 << bytes / PP_SLAB_BYTES) - 1;
}

/* The index of the first chunk above the address. */
static size_t pp_chunk_above(const struct protopool_heap *heap, uintptr_t address)
{
    size_t low = 0, high = heap->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap->chunks[middle].block <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for one more chunk in the list. False if there is no memory. */
static bool pp_grow_chunks(struct protopool_heap *heap)
{
    const size_t capacity = heap->capacity == 0 ? 16 : 2 * heap->capacity;
    void *chunks;

    if (heap->count < heap->capacity)
        return true;
    chunks = realloc(heap->chunks, capacity * sizeof heap->chunks[0]);
    if (chunks == NULL)
        return false;
    heap->chunks = (struct protopool_chunk *)chunks;
    heap->capacity = capacity;
    return true;
}

static size_t pp_count_bits(uint64_t word)
{
#ifdef __GNUC__
    return (size_t)__builtin_popcountll(word);
#else
    size_t count = 0;
    for (; word != 0; word &= word - 1)
        count++;
    return count;
#endif
}

/* Gives pages to the system. False if it does not take them. */
static bool pp_give_pages(unsigned char *first, size_t bytes)
{
#ifdef PP_FREE_PAGES
    const long page = sysconf(_SC_PAGESIZE);
    return page > 0 && PP_SLAB_BYTES % (size_t)page == 0 && madvise(first, bytes, PP_FREE_PAGES) == 0;
#else
    (void)first;
    (void)bytes;
    return false;
#endif
}

/* Asks the system for huge pages. False if it has none. */
static bool pp_ask_for_huge_pages(unsigned char *first, size_t bytes)
{
#ifdef PP_HUGE_PAGES
    return madvise(first, bytes, PP_HUGE_PAGES) == 0;
#else
    (void)first;
    (void)bytes;
    return false;
#endif
}

/* Gives the free memory of a part of a chunk to the system, run by run. The part begins at this unit. */
static void pp_clean_part(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t part)
{
    const size_t end = PROTOPOOL_MIN_(part + PP_PART, chunk->slabs);
    size_t bit = part;

    while (bit < end && !heap->system_refuses) {
        const size_t first = bit;
        if (chunk->dirty[bit / 64] >> bit % 64 == 0) {
            bit = (bit / 64 + 1) * 64;
            continue;
        }
        while (bit < end && (chunk->dirty[bit / 64] >> bit % 64 & 1) != 0)
            bit++;
        if (bit == first) {
            bit++;
            continue;
        }
        heap->system_refuses = !pp_give_pages(chunk->base + first * PP_SLAB_BYTES, (bit - first) * PP_SLAB_BYTES);
        for (size_t i = first; i < bit && !heap->system_refuses; i++) {
            chunk->dirty[i / 64] &= ~((uint64_t)1 << i % 64);
            heap->dirty -= PP_SLAB_BYTES;
        }
    }
}

static_assert(PP_PART * PP_SLAB_BYTES <= PP_DIRTY_MIN / 2, "one part alone never exceeds half of the bound");

/* Gives free memory to the system until at most this number of bytes is left. It begins at the highest address, because slabs
 * are taken at the lowest. It leaves out the part to which a slab returns just now: slabs would go to the system one by one. */
static void pp_clean_heap(struct protopool_heap *heap, size_t left, const unsigned char *except)
{
    for (size_t i = heap->count; i-- > 0 && heap->dirty > left;) {
        struct protopool_chunk *const chunk = &heap->chunks[i];
        for (size_t part = (chunk->slabs + PP_PART - 1) / PP_PART * PP_PART; part > 0 && heap->dirty > left;) {
            part -= PP_PART;
            if (chunk->base + part * PP_SLAB_BYTES != except)
                pp_clean_part(heap, chunk, part);
            if (heap->system_refuses)
                return;
        }
    }
}

/* Removes a wholly free chunk and frees it. Its pages go to the system before, because malloc may keep them. */
static void pp_remove_chunk(struct protopool_heap *heap, struct protopool_chunk *chunk)
{
    for (size_t part = 0; part < chunk->slabs; part += PP_PART)
        pp_clean_part(heap, chunk, part);
    for (size_t i = 0; i < chunk->slabs / 64; i++)
        heap->dirty -= pp_count_bits(chunk->dirty[i]) * PP_SLAB_BYTES;
    free(chunk->block);
    heap->idle--;
    heap->count--;
    heap->slabs -= chunk->slabs;
    memmove(chunk, chunk + 1, (heap->count - (size_t)(chunk - heap->chunks)) * sizeof *chunk);
}

/* How many slabs the next chunk has. */
static size_t pp_next_chunk(const struct protopool_heap *heap)
{
#ifdef PP_HUGE_PAGES
    if (heap->live >= PP_HUGE_MIN_LIVE && !heap->system_refuses)
        return PP_CHUNK_HUGE;
#endif
    return heap->slabs < PP_CHUNK_MIN ? PP_CHUNK_MIN : PROTOPOOL_MIN_(heap->slabs, PP_CHUNK_MAX);
}

/* Fills in a chunk that is wholly free. */
static void pp_init_chunk(struct protopool_chunk *chunk, void *block, size_t slabs)
{
    const size_t align = pp_chunk_align(slabs);
    unsigned char *const first = (unsigned char *)block + pp_chunk_bitmaps(slabs);

    memset(block, 0, pp_chunk_bitmaps(slabs));
    chunk->block = block;
    chunk->base = first + (align - (uintptr_t)first % align) % align;
    chunk->slabs = slabs;
    chunk->live = 0;
    chunk->used = (uint64_t *)block;
    chunk->dirty = chunk->used + slabs / 64;
    chunk->is_huge = slabs > PP_CHUNK_MAX && pp_ask_for_huge_pages(chunk->base, slabs * PP_SLAB_BYTES);
}

/* Adds a chunk, wholly free. NULL if there is no memory. */
static struct protopool_chunk *pp_add_chunk(struct protopool_heap *heap)
{
    size_t slabs = pp_next_chunk(heap), at;
    struct protopool_chunk *chunk;
    void *block;

    if (!pp_grow_chunks(heap))
        return NULL;
    while ((block = malloc(pp_chunk_bytes(slabs))) == NULL && slabs > PP_CHUNK_MIN)
        slabs = slabs > PP_CHUNK_MAX ? PP_CHUNK_MAX : PP_CHUNK_MIN;
    if (block == NULL)
        return NULL;
    at = pp_chunk_above(heap, (uintptr_t)block);
    chunk = &heap->chunks[at];
    memmove(chunk + 1, chunk, (heap->count - at) * sizeof *chunk);
    pp_init_chunk(chunk, block, slabs);
    heap->count++;
    heap->idle++;
    heap->slabs += slabs;
    if (at < heap->lowest)
        heap->lowest = at;
    return chunk;
}

/* The first unit of the part with this unit. */
static size_t pp_part_of(size_t bit)
{
    return bit / PP_PART * PP_PART;
}

/* Whether all bits of a part are 0. */
static bool pp_is_part_empty(const uint64_t *bits, size_t part)
{
    uint64_t any = 0;

    for (size_t i = 0; i < PP_PART_WORDS; i++)
        any |= bits[part / 64 + i];
    return any == 0;
}

/* Notes that the huge page with this unit becomes resident as a whole, if nothing of it is yet. */
static void pp_touch_huge_page(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bit)
{
    const size_t part = pp_part_of(bit);

    if (!pp_is_part_empty(chunk->used, part) || !pp_is_part_empty(chunk->dirty, part))
        return;
    for (size_t i = 0; i < PP_PART_WORDS; i++)
        chunk->dirty[part / 64 + i] = ~(uint64_t)0;
    heap->dirty += PP_PART * PP_SLAB_BYTES;
}

/* Marks a run of free units as taken, and returns its memory. */
static void *pp_mark_used(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bit, size_t bytes)
{
    const uint64_t run = pp_run_of(bytes) << bit % 64;

    if (chunk->is_huge)
        pp_touch_huge_page(heap, chunk, bit);
    heap->idle -= chunk->live == 0;
    heap->dirty -= pp_count_bits(chunk->dirty[bit / 64] & run) * PP_SLAB_BYTES;
    heap->live += bytes;
    chunk->dirty[bit / 64] &= ~run;
    chunk->used[bit / 64] |= run;
    chunk->live += bytes / PP_SLAB_BYTES;
    return chunk->base + bit * PP_SLAB_BYTES;
}

/* Takes an aligned run of units out of the chunk. NULL if none is free. */
static void *pp_cut_slab(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bytes)
{
    const uint64_t run = pp_run_of(bytes);

    for (size_t w = 0; w < chunk->slabs / 64; w++) {
        if (chunk->used[w] == ~(uint64_t)0)
            continue;
        for (size_t bit = 0; bit < 64; bit += bytes / PP_SLAB_BYTES)
            if ((chunk->used[w] & run << bit) == 0)
                return pp_mark_used(heap, chunk, w * 64 + bit, bytes);
    }
    return NULL;
}

static void *pp_heap_take(void *ctx, size_t bytes, size_t align)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    struct protopool_chunk *chunk;

    if (align != bytes) /* not a slab */
        return malloc(bytes);
    while (heap->lowest < heap->count && heap->chunks[heap->lowest].live == heap->chunks[heap->lowest].slabs)
        heap->lowest++;
    for (size_t i = heap->lowest; i < heap->count; i++) {
        void *const slab = pp_cut_slab(heap, &heap->chunks[i], bytes);
        if (slab != NULL)
            return slab;
    }
    chunk = pp_add_chunk(heap);
    return chunk == NULL ? NULL : pp_cut_slab(heap, chunk, bytes);
}

/* Gives free memory to the system if there is too much. A slab of the part with this unit has been given back; the chunk is NULL
 * if it is gone. A huge page that is wholly free goes first: to give a part of one makes the system divide it. */
static void pp_bound_dirty(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bit)
{
    const size_t most = heap->live >> PP_DIRTY_SHIFT > PP_DIRTY_MIN ? heap->live >> PP_DIRTY_SHIFT : PP_DIRTY_MIN;
    const size_t part = pp_part_of(bit);

    if (chunk != NULL && chunk->is_huge && heap->dirty > most / 2 && pp_is_part_empty(chunk->used, part))
        pp_clean_part(heap, chunk, part);
    heap->is_dirty = heap->dirty > most || (heap->is_dirty && heap->dirty > most / 2);
    if (heap->is_dirty)
        pp_clean_heap(heap, heap->dirty - PROTOPOOL_MIN_(heap->dirty - most / 2, PP_CLEAN_BYTES),
                      chunk != NULL ? chunk->base + part * PP_SLAB_BYTES : NULL);
}

static void pp_heap_give(void *ctx, void *memory, size_t bytes, size_t align)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    const size_t above = pp_chunk_above(heap, (uintptr_t)memory);
    struct protopool_chunk *chunk = above == 0 ? NULL : &heap->chunks[above - 1];
    size_t bit;

    (void)align;
    if (chunk == NULL || (uintptr_t)memory - (uintptr_t)chunk->block >= pp_chunk_bytes(chunk->slabs)) {
        free(memory);
        return;
    }
    bit = (size_t)((unsigned char *)memory - chunk->base) / PP_SLAB_BYTES;
    chunk->used[bit / 64] &= ~(pp_run_of(bytes) << bit % 64);
    chunk->dirty[bit / 64] |= pp_run_of(bytes) << bit % 64;
    chunk->live -= bytes / PP_SLAB_BYTES;
    heap->live -= bytes;
    heap->dirty += bytes;
    if (above - 1 < heap->lowest)
        heap->lowest = above - 1;
    if (chunk->live == 0
        && (heap->idle++ != 0 || chunk->slabs > pp_next_chunk(heap))) { /* keeps at most one, and no larger one */
        pp_remove_chunk(heap, chunk);
        chunk = NULL;
    }
    pp_bound_dirty(heap, chunk, bit);
}

static void pp_heap_trim(struct protopool_heap *heap)
{
    for (size_t i = heap->count; i-- > 0;)
        if (heap->chunks[i].live == 0)
            pp_remove_chunk(heap, &heap->chunks[i]);
    heap->lowest = 0;
    pp_clean_heap(heap, 0, NULL);
}

static void pp_heap_end(struct protopool_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        free(heap->chunks[i].block);
    free(heap->chunks);
    memset(heap, 0, sizeof *heap);
}
#endif
