/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hashing: the same on every machine. */

#define PROTOPOOL_HASH_SEED_ UINT64_C(0x9e3779b97f4a7c15)

/* One step: the finaliser of splitmix64 (Steele, Lea, Flood 2014) over the hash so far and the value. It is not safe against
 * input that is chosen to collide. */
static inline uint64_t protopool_hash_u64(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) + PROTOPOOL_HASH_SEED_;
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* Hashes the bytes, as `equal` compares them: 0.0 and -0.0 differ, and a NaN is equal to itself. */
static inline uint64_t protopool_hash_float(uint64_t hash, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return protopool_hash_u64(hash, bits);
}

static inline uint64_t protopool_hash_double(uint64_t hash, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return protopool_hash_u64(hash, bits);
}

static inline uint64_t protopool_hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *const at = (const unsigned char *)bytes;
    for (size_t i = 0; i < count; i += 8) {
        uint64_t value = 0;
        for (size_t j = i; j < count && j < i + 8; j++)
            value |= (uint64_t)at[j] << 8 * (j - i);
        hash = protopool_hash_u64(hash, value);
    }
    return protopool_hash_u64(hash, count);
}
