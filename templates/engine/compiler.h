/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Attributes, where the compiler has them. */

/* Before each function and table that other files use. By default these symbols are hidden, so that a program and its shared
 * libraries can each have an engine and protocols of their own. PROTOPOOL_SHARED exports them from a shared library. For a
 * system with other means (dllexport), define PROTOPOOL_API. */
#ifndef PROTOPOOL_API
#if defined __GNUC__ && defined __ELF__ && !defined PROTOPOOL_SHARED
#define PROTOPOOL_API __attribute__((visibility("hidden")))
#elif defined __GNUC__ && defined __ELF__
#define PROTOPOOL_API __attribute__((visibility("default")))
#else
#define PROTOPOOL_API
#endif
#endif

/* Before a function whose result says whether it succeeded. */
#if defined __cplusplus && __cplusplus >= 201703L
#define PROTOPOOL_NODISCARD [[nodiscard]]
#elif defined __STDC_VERSION__ && __STDC_VERSION__ > 201710L
#define PROTOPOOL_NODISCARD [[nodiscard]]
#elif defined __GNUC__
#define PROTOPOOL_NODISCARD __attribute__((warn_unused_result))
#else
#define PROTOPOOL_NODISCARD
#endif

/* In front of an inline constructor. */
#define PROTOPOOL_ALLOCATES PROTOPOOL_NODISCARD static inline

/* Each file that includes a header refers to an object by this macro. If the file was compiled with other settings, an
 * older schema or another version, the linker reports an undefined reference whose name shows these. It costs one pointer
 * per file. */
#if defined __GNUC__ && defined __has_attribute
#if __has_attribute(retain) && (defined __linux__ || defined __clang__) /* gcc knows it where the assembler does not */
#define PROTOPOOL_REFER_(name, object) static const void *const name __attribute__((used, retain)) = &(object)
#endif
#endif
#ifndef PROTOPOOL_REFER_
#ifdef __GNUC__
#define PROTOPOOL_REFER_(name, object) static const void *const name __attribute__((used)) = &(object)
#else
#define PROTOPOOL_REFER_(name, object) extern const void *name
#endif
#endif

/* A number as text, for messages. */
#define PROTOPOOL_TEXT_OF_(number) PROTOPOOL_TEXT_(number)
#define PROTOPOOL_TEXT_(text) #text

#if defined __GNUC__
#define PROTOPOOL_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define PROTOPOOL_COLD __attribute__((noinline, cold))
#define PROTOPOOL_INLINE static inline __attribute__((always_inline))
#define PROTOPOOL_ASSUME(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define PROTOPOOL_LIKELY(condition) (condition)
#define PROTOPOOL_COLD
#define PROTOPOOL_INLINE static inline
#define PROTOPOOL_ASSUME(condition) ((void)0)
#endif

/* Behind a function's declaration: gcc reports a double free, a use after free and a leak of the messages that it returns
 * (-Wall, -fanalyzer). gcc cannot inline such a function. So constructors pass their result through one only in builds that
 * inline nothing anyway: without optimisation, and at level 2. A file that defines PROTOPOOL_NO_ANALYSIS before it includes
 * this header has no such analysis. */
#if defined __GNUC__ && __GNUC__ >= 11 && !defined __clang__ && !defined PROTOPOOL_NO_ANALYSIS \
    && (!defined __OPTIMIZE__ || PROTOPOOL_CHECK == 2)
#define PROTOPOOL_ANALYSED_
#define PROTOPOOL_FREED_BY_(free_function) __attribute__((malloc(free_function, 2), warn_unused_result))
#else
#define PROTOPOOL_FREED_BY_(free_function)
#endif

/* Before the constructors of a deprecated message. A file that defines PROTOPOOL_NO_DEPRECATION before it
 * includes this header gets no such warning. */
#if defined __GNUC__ && !defined PROTOPOOL_NO_DEPRECATION
#define PROTOPOOL_DEPRECATED(why) __attribute__((deprecated(why)))
#else
#define PROTOPOOL_DEPRECATED(why)
#endif

/* The same behind a member of a struct or an enumerator. */
#if defined __GNUC__ && !defined PROTOPOOL_NO_DEPRECATION
#define PROTOPOOL_DEPRECATED_NAME(why) __attribute__((deprecated(why)))
#else
#define PROTOPOOL_DEPRECATED_NAME(why)
#endif

#if defined __has_attribute
#if __has_attribute(unavailable)
#define PROTOPOOL_UNAVAILABLE_(why) __attribute__((unavailable(why)))
#endif
#endif
#ifndef PROTOPOOL_UNAVAILABLE_
#define PROTOPOOL_UNAVAILABLE_(why)
#endif

/* The address `bytes` bytes after the beginning of a message. It is computed from an integer, because gcc warns about accesses
 * beyond the member from which a pointer comes. */
#define PROTOPOOL_BEHIND_(msg, bytes) ((void *)((uintptr_t)(const void *)(msg) + (bytes)))

/* The bytes, rounded up to a multiple of a power of two. */
#define PROTOPOOL_UP_(bytes, align) (((bytes) + ((align)-1U)) & ~((size_t)(align)-1U))

/* Whether a sum of tails is so large that another one could overflow it. On a 64-bit machine none is. */
#define PROTOPOOL_IS_FULL_(bytes) (SIZE_MAX <= UINT32_MAX && (bytes) > INT32_MAX)

/* Clears padding of a message. */
#define PROTOPOOL_CLEAR_(msg, offset, bytes) ((void)memset((unsigned char *)(msg) + (offset), 0, (bytes)))

/* A const object as a message. It must not be written to. */
#define PROTOPOOL_UNCONST(pointer) ((void *)(uintptr_t)(pointer))
