/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Prototypes of hashing, for emitted code. */

/* The hash so far, with one more number. It is not safe against input that is chosen to collide. */
PROTOPOOL_API uint64_t protopool_hash_u64(uint64_t hash, uint64_t number);

/* The same with `count` numbers of 1, 2, 4 or 8 bytes each: on every machine as on a little-endian one. The hash does not depend on
 * what a number is: 0.0 and -0.0 differ, and a NaN is equal to itself. */
PROTOPOOL_API uint64_t protopool_hash_numbers(uint64_t hash, const void *numbers, size_t bytes, size_t count);

/* The same of a list: also with its length. */
PROTOPOOL_API uint64_t protopool_hash_list(uint64_t hash, const void *numbers, size_t bytes, size_t count);
