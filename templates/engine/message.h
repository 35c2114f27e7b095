/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Functions that are alike for many variants, as macros that the header of a protocol expands.
 * p: the protocol's prefix. tag_of_it: the variant's enumerator.
 */

/* For a variant whose fields can break no rule of the schema. */
#define PROTOPOOL_VALID_(p, variant, tag_of_it) \
    static inline bool p##_valid_##variant(const struct p##_##variant *msg) \
    { \
        return msg->base.tag == tag_of_it || msg->base.tag == 0; \
    }

/* For a variant whose defaults are zeros. */
#define PROTOPOOL_DEFAULT_(p, variant, tag_of_it) \
    static inline struct p##_##variant p##_default_##variant(void) \
    { \
        struct p##_##variant msg; \
        memset(&msg, 0, sizeof msg); \
        msg.base.tag = tag_of_it; \
        return msg; \
    }

/* For a variant without a tail. The first `head` bytes of a copy are its tag and zeros. */
#define PROTOPOOL_COPY_(p, variant, tag_of_it, slot_class, head) \
    static inline struct p *p##_copy_##variant(struct p##_pool *pool, const struct p##_##variant *from) \
    { \
        return p##_valid_##variant(from) ? p##_copy_(pool, slot_class, tag_of_it, head, &from->base, sizeof *from) \
                                         : p##_refuse_copy_(pool, tag_of_it, &from->base, NULL, 0); \
    }

#define PROTOPOOL_READ_(p, variant, tag_of_it) \
    static inline const struct p##_##variant *p##_as_##variant(const struct p *msg) \
    { \
        return (const struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (const void *)msg : p##_null_()); \
    } \
    static inline const struct p##_##variant *p##_if_##variant(const struct p *msg) \
    { \
        return msg->tag == tag_of_it ? p##_as_##variant(msg) : NULL; \
    }

/* slot_class: 0 for a variant with a tail. It does not call PROTOPOOL_READ_: a variant's name that is also a macro, such as errno, would
 * be expanded on the way. */
#define PROTOPOOL_READ_EDIT_FREE_(p, variant, tag_of_it, slot_class) \
    static inline const struct p##_##variant *p##_as_##variant(const struct p *msg) \
    { \
        return (const struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (const void *)msg : p##_null_()); \
    } \
    static inline const struct p##_##variant *p##_if_##variant(const struct p *msg) \
    { \
        return msg->tag == tag_of_it ? p##_as_##variant(msg) : NULL; \
    } \
    static inline struct p##_##variant *p##_edit_##variant(struct p *msg) \
    { \
        return (struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) ? (void *)msg : p##_null_()); \
    } \
    static inline void p##_free_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        p##_free_as_(pool, msg, tag_of_it, slot_class); \
    }

/* A shared variant. edit takes the pool, because the number of holders lies there. It does not call as: see above. */
#define PROTOPOOL_EDIT_FREE_SHARED_(p, variant, tag_of_it) \
    static inline struct p##_##variant *p##_edit_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        return (struct p##_##variant *)(p##_is_variant_(msg, tag_of_it) && p##_may_edit_(pool, msg) ? (void *)msg \
                                                                                                    : p##_null_()); \
    } \
    static inline void p##_free_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        p##_free_as_shared_(pool, msg, tag_of_it); \
    }

/* A variant without fields: one constant object stands for all its messages. */
#define PROTOPOOL_CONSTANT_(p, variant, tag_of_it) \
    static inline struct p *p##_new_##variant(struct p##_pool *pool) \
    { \
        (void)pool; \
        return (struct p *)PROTOPOOL_UNCONST(&p##_message_##variant##_.base); \
    } \
    static inline struct p *p##_copy_##variant(struct p##_pool *pool, const struct p##_##variant *from) \
    { \
        return p##_valid_##variant(from) ? (struct p *)PROTOPOOL_UNCONST(&p##_message_##variant##_.base) \
                                         : p##_refuse_copy_(pool, tag_of_it, &from->base, NULL, 0); \
    } \
    static inline struct p##_##variant p##_make_##variant(void) \
    { \
        return p##_default_##variant(); \
    } \
    static inline void p##_free_##variant(struct p##_pool *pool, struct p *msg) \
    { \
        p##_free_constant_(pool, msg, tag_of_it); \
    }

/* Clears the padding behind a tail that ends there, before one that is aligned. */
static inline void protopool_clear_gap(void *msg, size_t end, size_t align)
{
    for (; end % align != 0; end++)
        *(unsigned char *)PROTOPOOL_BEHIND_(msg, end) = 0;
}

/* In functions of emitted sources that compare the records `one` and `other`, or hash the record `msg`: fields that lie side by
 * side, and are equal exactly if their bytes are. offset: of the first one. */
#define PROTOPOOL_SAME_BYTES_(offset, bytes) \
    (memcmp(PROTOPOOL_BEHIND_(one, offset), PROTOPOOL_BEHIND_(other, offset), bytes) == 0)
#define PROTOPOOL_HASH_NUMBERS_(offset, bytes, count) \
    hash = protopool_hash_numbers(hash, PROTOPOOL_BEHIND_(msg, offset), bytes, count)
