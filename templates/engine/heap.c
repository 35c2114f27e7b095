/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The default source: slabs cut from chunks of malloc.
 * A chunk is 1 or 2 MiB. Free pages beyond a bound go back to the system.
 */

#ifdef PP_HAS_HEAP

/*
 * A slab from malloc would be an aligned block, and malloc would lose half of it. A chunk is a block of malloc and not a
 * mapping, so that leak checkers see the pointers in messages. The C library's header in front of a large block takes a
 * page; so chunks double once. Larger ones would keep more memory (bench/driver.c, phases). A chunk's slabs begin at a
 * multiple of the largest slab, so that a wrong tag or length never makes a free look for a slab outside of the chunk.
 */
#define PP_CHUNK_MIN ((size_t)64)  /* slabs: 1 MiB */
#define PP_CHUNK_MAX ((size_t)128) /* 2 MiB */
#define PP_LARGEST_SLAB (PP_SLAB_BYTES << (PP_SLAB_ORDERS - 1))
#define PP_CHUNK_BYTES(slabs) ((slabs)*PP_SLAB_BYTES + PP_LARGEST_SLAB - 1) /* enough for so many, at any address */

/*
 * Free memory between live slabs goes back to the system, page by page, when it exceeds a bound. Then each slab that is given
 * back takes some with it, until half of the bound is left. So a load that swings by less than that half does not call the
 * system, and no slab has much to do. The bound grows with what is live.
 */
#define PP_DIRTY_MIN ((size_t)4 << 20)
#define PP_DIRTY_SHIFT 4                     /* or 1/16 of the live slabs, if that is more */
#define PP_CLEAN_BYTES (2 * PP_LARGEST_SLAB) /* for each slab; more than its own bytes, so that the bound holds */

struct protopool_chunk {
    void *block;
    unsigned char *base;               /* its first multiple of PP_LARGEST_SLAB */
    size_t slabs, live;                /* in units of PP_SLAB_BYTES, from base: how many there are, and are taken */
    uint64_t used[PP_CHUNK_MAX / 64];  /* a bit for each unit that is taken */
    uint64_t dirty[PP_CHUNK_MAX / 64]; /* a bit for each unit that is free and still has memory of the system */
};

static_assert(PP_CHUNK_MIN % 64 == 0 && PP_CHUNK_MAX % 64 == 0 && PP_LARGEST_SLAB / PP_SLAB_BYTES < 64,
              "a chunk's bits are whole words, and a slab's are in one");

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

/* Gives the free memory of a chunk to the system, run by run. */
static void pp_clean_chunk(struct protopool_heap *heap, struct protopool_chunk *chunk)
{
    size_t bit = 0;

    while (bit < chunk->slabs && !heap->system_refuses) {
        const size_t first = bit;
        if (chunk->dirty[bit / 64] >> bit % 64 == 0) {
            bit = (bit / 64 + 1) * 64;
            continue;
        }
        while (bit < chunk->slabs && (chunk->dirty[bit / 64] >> bit % 64 & 1) != 0)
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

static_assert(PP_CHUNK_MAX * PP_SLAB_BYTES <= PP_DIRTY_MIN / 2, "one chunk alone never exceeds half of the bound");

/* Gives free memory to the system until at most so many bytes are left. It begins at the highest address, because slabs are
 * taken at the lowest. It leaves out the chunk that slabs are given back to just now: they would go to the system one by one. */
static void pp_clean_heap(struct protopool_heap *heap, size_t left, const struct protopool_chunk *except)
{
    for (size_t i = heap->count; i-- > 0 && heap->dirty > left && !heap->system_refuses;)
        if (&heap->chunks[i] != except)
            pp_clean_chunk(heap, &heap->chunks[i]);
}

/* Removes a wholly free chunk and frees it. Its pages go to the system before, because malloc may keep them. */
static void pp_remove_chunk(struct protopool_heap *heap, struct protopool_chunk *chunk)
{
    pp_clean_chunk(heap, chunk);
    for (size_t i = 0; i < PP_CHUNK_MAX / 64; i++)
        heap->dirty -= pp_count_bits(chunk->dirty[i]) * PP_SLAB_BYTES;
    free(chunk->block);
    heap->idle--;
    heap->count--;
    heap->slabs -= chunk->slabs;
    memmove(chunk, chunk + 1, (heap->count - (size_t)(chunk - heap->chunks)) * sizeof *chunk);
}

/* Adds a chunk, wholly free. NULL if there is no memory. */
static struct protopool_chunk *pp_add_chunk(struct protopool_heap *heap)
{
    size_t slabs = heap->slabs < PP_CHUNK_MIN ? PP_CHUNK_MIN : PROTOPOOL_MIN_(heap->slabs, PP_CHUNK_MAX);
    struct protopool_chunk *chunk;
    void *block;
    size_t at;

    if (!pp_grow_chunks(heap))
        return NULL;
    block = malloc(PP_CHUNK_BYTES(slabs));
    if (block == NULL && slabs > PP_CHUNK_MIN) {
        slabs = PP_CHUNK_MIN;
        block = malloc(PP_CHUNK_BYTES(slabs));
    }
    if (block == NULL)
        return NULL;
    at = pp_chunk_above(heap, (uintptr_t)block);
    chunk = &heap->chunks[at];
    memmove(chunk + 1, chunk, (heap->count - at) * sizeof *chunk);
    memset(chunk, 0, sizeof *chunk);
    chunk->block = block;
    chunk->base = (unsigned char *)block + (PP_LARGEST_SLAB - (uintptr_t)block % PP_LARGEST_SLAB) % PP_LARGEST_SLAB;
    chunk->slabs = slabs;
    heap->count++;
    heap->idle++;
    heap->slabs += slabs;
    if (at < heap->lowest)
        heap->lowest = at;
    return chunk;
}

/* Takes an aligned run of units out of the chunk. NULL if none is free. */
static void *pp_cut_slab(struct protopool_heap *heap, struct protopool_chunk *chunk, size_t bytes)
{
    const uint64_t run = pp_run_of(bytes);

    for (size_t bit = 0; bit < chunk->slabs; bit += bytes / PP_SLAB_BYTES) {
        if ((chunk->used[bit / 64] & run << bit % 64) == 0) {
            heap->idle -= chunk->live == 0;
            heap->dirty -= pp_count_bits(chunk->dirty[bit / 64] & run << bit % 64) * PP_SLAB_BYTES;
            heap->live += bytes;
            chunk->dirty[bit / 64] &= ~(run << bit % 64);
            chunk->used[bit / 64] |= run << bit % 64;
            chunk->live += bytes / PP_SLAB_BYTES;
            return chunk->base + bit * PP_SLAB_BYTES;
        }
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

static void pp_heap_give(void *ctx, void *memory, size_t bytes, size_t align)
{
    struct protopool_heap *const heap = (struct protopool_heap *)ctx;
    const size_t above = pp_chunk_above(heap, (uintptr_t)memory);
    struct protopool_chunk *chunk = above == 0 ? NULL : &heap->chunks[above - 1];
    size_t bit, most;

    (void)align;
    if (chunk == NULL || (uintptr_t)memory - (uintptr_t)chunk->block >= PP_CHUNK_BYTES(chunk->slabs)) {
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
    if (chunk->live == 0 && heap->idle++ != 0) { /* at most one idle chunk is kept */
        pp_remove_chunk(heap, chunk);
        chunk = NULL;
    }
    most = heap->live >> PP_DIRTY_SHIFT > PP_DIRTY_MIN ? heap->live >> PP_DIRTY_SHIFT : PP_DIRTY_MIN;
    heap->is_dirty = heap->dirty > most || (heap->is_dirty && heap->dirty > most / 2);
    if (heap->is_dirty)
        pp_clean_heap(heap, heap->dirty - PROTOPOOL_MIN_(heap->dirty - most / 2, PP_CLEAN_BYTES), chunk);
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
