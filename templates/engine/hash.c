/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hashes numbers: the same on every machine. */

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014) over the hash so far and the next 8 bytes. */
static inline uint64_t pp_hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* The last bytes of numbers as one little-endian number: 1 to 7, or 8 on a big-endian machine. `bytes`: of each number. */
static uint64_t pp_gather(const unsigned char *at, size_t bytes, size_t rest)
{
    const size_t swap = protopool_is_little_endian() ? 0 : bytes - 1;
    uint64_t word = 0;

    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)at[i ^ swap] << 8 * i;
    return word;
}

static inline uint64_t pp_hash_numbers(uint64_t hash, const void *numbers, size_t bytes, size_t count)
{
    const unsigned char *at = (const unsigned char *)numbers;
    size_t rest = bytes * count;
    uint64_t word;

    for (; rest >= sizeof word; rest -= sizeof word, at += sizeof word) {
        if (protopool_is_little_endian())
            memcpy(&word, at, sizeof word);
        else
            word = pp_gather(at, bytes, sizeof word);
        hash = pp_hash_word(hash, word);
    }
    return rest != 0 ? pp_hash_word(hash, pp_gather(at, bytes, rest)) : hash;
}

uint64_t protopool_hash_u64(uint64_t hash, uint64_t number)
{
    return pp_hash_word(hash, number);
}

uint64_t protopool_hash_numbers(uint64_t hash, const void *numbers, size_t bytes, size_t count)
{
    return pp_hash_numbers(hash, numbers, bytes, count);
}

uint64_t protopool_hash_list(uint64_t hash, const void *numbers, size_t bytes, size_t count)
{
    return pp_hash_numbers(pp_hash_word(hash, count), numbers, bytes, count);
}
