/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Half-precision numbers: IEEE 754 binary16, without a compiler's type for them. */

/* The bits of a number. A struct, so that a compiler refuses to compute with the bits. */
struct protopool_f16 {
    uint16_t bits;
};
static_assert(sizeof(struct protopool_f16) == 2 && sizeof(float) == 4, "numbers of 16 and 32 bits");

/* The nearest number of half precision; in the middle between two, the even one. Infinite from 65520. A NaN stays a NaN. */
static inline struct protopool_f16 protopool_f16_of(float number)
{
    struct protopool_f16 half;
    uint32_t bits, sign, result;

    memcpy(&bits, &number, sizeof bits);
    sign = bits >> 16 & 0x8000;
    bits &= UINT32_C(0x7fffffff);
    if (bits > UINT32_C(0x7f800000)) {
        result = 0x7e00 | (bits >> 13 & 0x3ff); /* a quiet NaN */
    } else if (bits >= UINT32_C(0x477ff000)) {
        result = 0x7c00; /* infinite */
    } else if (bits >= UINT32_C(0x38800000)) {
        result = (bits - UINT32_C(0x38000000) + 0xfff + (bits >> 13 & 1)) >> 13;
    } else if (bits > UINT32_C(0x33000000)) { /* subnormal: a multiple of 2^-24 */
        const uint32_t shift = 126 - (bits >> 23), significand = (bits & 0x7fffff) | 0x800000;
        result = (significand + (UINT32_C(1) << (shift - 1)) - 1 + (significand >> shift & 1)) >> shift;
    } else {
        result = 0; /* at most half of the least number */
    }
    half.bits = (uint16_t)(sign | result);
    return half;
}

/* The same number as a float, which holds each number of half precision. */
static inline float protopool_float_of(struct protopool_f16 half)
{
    const uint32_t significand = half.bits & 0x3ffU, exponent = half.bits >> 10 & 0x1fU;
    uint32_t bits = (uint32_t)(half.bits & 0x8000U) << 16;
    float number;

    if (exponent != 0) {
        bits |= (exponent == 31 ? UINT32_C(0x7f800000) : (exponent + 112) << 23) | significand << 13;
    } else if (significand != 0) { /* subnormal: a multiple of 2^-24 */
        uint32_t first = 9;        /* its highest bit */
        while (significand >> first == 0)
            first--;
        bits |= (first + 103) << 23 | (significand << (23 - first) & 0x7fffff);
    }
    memcpy(&number, &bits, sizeof number);
    return number;
}
