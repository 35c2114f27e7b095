/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Compilers, libraries and C++: what this header includes, and what wraps its C. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef __cplusplus
#include <stdalign.h>
#include <stdbool.h>
#if !defined static_assert \
    && !(defined __clang__ && __clang_major__ >= 16 && __STDC_VERSION__ > 201710L) /* a keyword there */
#define static_assert _Static_assert
#endif
#endif

/* PROTOPOOL_PORT is the name of a header of yours, with its quotes. It has settings for the whole program, for example the
 * lock of an RTOS. It must not include this header. */
#ifdef PROTOPOOL_PORT
#include PROTOPOOL_PORT
#endif

/* A freestanding build has no stdio. */
#if defined __STDC_HOSTED__ && __STDC_HOSTED__ == 0 && !defined PROTOPOOL_NO_STDIO
#define PROTOPOOL_NO_STDIO
#endif
#ifndef PROTOPOOL_NO_STDIO
#include <stdio.h>
#endif

/* Around C code: in C++ it gets C linkage, and its casts and NULLs cause no warnings. */
/* clang-format off */
#ifndef __cplusplus
#define PROTOPOOL_BEGIN_C
#define PROTOPOOL_END_C
#elif defined __GNUC__
#ifdef __clang__
#define PROTOPOOL_USELESS_CASTS_
#else
#define PROTOPOOL_USELESS_CASTS_ _Pragma("GCC diagnostic ignored \"-Wuseless-cast\"")
#endif
#define PROTOPOOL_BEGIN_C \
    extern "C" { \
    _Pragma("GCC diagnostic push") \
    _Pragma("GCC diagnostic ignored \"-Wold-style-cast\"") \
    _Pragma("GCC diagnostic ignored \"-Wshadow\"") /* of a struct by a function, as in C */ \
    _Pragma("GCC diagnostic ignored \"-Wzero-as-null-pointer-constant\"") \
    PROTOPOOL_USELESS_CASTS_
#define PROTOPOOL_END_C _Pragma("GCC diagnostic pop") }
#else
#define PROTOPOOL_BEGIN_C extern "C" {
#define PROTOPOOL_END_C }
#endif
/* clang-format on */

/* After the name of a struct whose message has a tail: C++ does not copy it, because a copy would lack the tail. It can be
 * returned and moved, and its layout is the same as in C. */
#ifdef __cplusplus
struct protopool_uncopied {
    protopool_uncopied() = default;
    protopool_uncopied(protopool_uncopied &&) = default;
    protopool_uncopied &operator=(protopool_uncopied &&) = default;
};
#define PROTOPOOL_UNCOPIED : protopool_uncopied
#else
#define PROTOPOOL_UNCOPIED
#endif

PROTOPOOL_BEGIN_C
