/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Makes each message of tests/combinations.py, with every optional field there, and prints its size, its hash, what its
 * description says of presence and length, and itself: the same on every machine.
 */

#include "all_bench.h"

#include <inttypes.h>
#include <stdlib.h>

static uint64_t lengths(const struct protopool_record *record, const void *of)
{
    uint64_t sum = record->bytes;
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct protopool_field *const field = &record->fields[i];
        const unsigned char *at = (const unsigned char *)of + field->offset;
        sum = 31 * sum + protopool_field_length(field, of) + protopool_field_present(field, of) + field->is_tail;
        for (size_t j = 0; field->type == PROTOPOOL_STRUCT && j < protopool_field_length(field, of);
             j++, at += field->bytes)
            sum = 31 * sum + lengths(field->record, at);
    }
    return sum;
}

int main(void)
{
    static struct all_pool pool;
    size_t live;

    bench_fill_();
    if (!all_pool_init_growing(&pool, NULL))
        return EXIT_FAILURE;
    for (unsigned variant = 0; variant < BENCH_VARIANTS; variant++) {
        struct all *const msg = bench_make_(&pool, variant, variant);
        struct all *const clone = msg != NULL ? all_clone(&pool, msg) : NULL;
        if (clone == NULL || !all_equal(msg, clone) || all_hash(msg) != all_hash(clone)
            || !all_validate(clone, all_size(clone)) || bench_read_(msg) != bench_read_(clone)) {
            fprintf(stderr, "%s\n", bench_variants_[variant].name);
            return EXIT_FAILURE;
        }
        printf("%zu %016" PRIx64 " %016" PRIx64 " ", all_size(msg), all_hash(msg),
               lengths(all_describe(all_tag_of(msg)), msg));
        all_print(stdout, msg);
        putchar('\n');
        all_free(&pool, clone);
    }
    live = all_pool_fini(&pool);
    return live == BENCH_VARIANTS ? EXIT_SUCCESS : EXIT_FAILURE;
}
