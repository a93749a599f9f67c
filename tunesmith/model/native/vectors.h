// Vectors of floats as wide as the CPU has them, and the few functions attention needs on them.
//
// Written with the vector extensions of GCC and Clang, so that one source serves AVX-512, AVX2 and NEON;
// AVX-512 has its own instructions where they save much. What a tile is, tiles.h says.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tunesmith {

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));

using bf16 = uint16_t;  // the upper half of a float's bits

inline floats load(const float* p) {
    floats x;
    std::memcpy(&x, p, sizeof x);
    return x;
}
inline ints load(const int32_t* p) {
    ints x;
    std::memcpy(&x, p, sizeof x);
    return x;
}
// A float's upper half is a bf16.
inline floats load(const bf16* p) {
    typedef bf16 halves __attribute__((vector_size(2 * LANES)));
    halves x;
    std::memcpy(&x, p, sizeof x);
    return (floats)(__builtin_convertvector(x, ints) << 16);
}
inline void store(float* p, floats x) { std::memcpy(p, &x, sizeof x); }
inline floats all(float x) { return x - floats{}; }
inline ints all(int32_t x) { return x - ints{}; }

// A NaN in x stays a NaN, here and in exp2: it must reach the loss, not vanish in a maximum.
inline floats at_least(floats x, floats low) {
#if defined(__AVX512F__)
    return (floats)_mm512_max_ps((__m512)low, (__m512)x);  // the second operand, when either is a NaN
#else
    return x < low ? low : x;
#endif
}
inline floats greater(floats a, floats b) { return at_least(a, b); }

inline bool any(ints truth) {
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)truth, (__m512i)truth) != 0;
#else
    int32_t lane[LANES], found = 0;
    std::memcpy(lane, &truth, sizeof truth);
    for (int i = 0; i < LANES; i++) found |= lane[i];
    return found != 0;
#endif
}

inline float sum(floats x) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)x);
#else
    float total = 0;
    for (int i = 0; i < LANES; i++) total += x[i];
    return total;
#endif
}

// 2^f for f in [0, 1]: polynomials of least relative error (fitted by Lawson's algorithm),
// 7.5e-8 for float results and 2.6e-6 for those that are rounded to bf16 afterwards.
template <bool Coarse>
inline floats exp2_of_fraction(floats f) {
    if constexpr (Coarse) {
        floats p = f * 0.013534167781472206f + 0.052011460065841675f;
        p = p * f + 0.2414427548646927f;
        p = p * f + 0.6930038332939148f;
        return p * f + 1.0000026226043701f;
    } else {
        floats p = f * 0.0018775766948238015f + 0.00898933969438076f;
        p = p * f + 0.05582631751894951f;
        p = p * f + 0.24015361070632935f;
        p = p * f + 0.6931530833244324f;
        return p * f + 0.9999999403953552f;
    }
}

// 2^x; 0 for -infinity and for what would be smaller than the smallest normal float.
template <bool Coarse>
inline floats exp2(floats x) {
#if defined(__AVX512DQ__)
    floats fraction = (floats)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    return (floats)_mm512_scalef_ps((__m512)exp2_of_fraction<Coarse>(fraction), (__m512)x);
#else
    constexpr float ROUNDER = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer, held in the low bits
    floats within = x < all(-125.f) ? all(-125.f) : x;
    within = within > all(127.f) ? all(127.f) : within;
    floats shifted = (within - 0.5f) + ROUNDER;
    floats power = exp2_of_fraction<Coarse>(within - (shifted - ROUNDER));
    power = (floats)((ints)power + ((ints)shifted << 23));
    return x < all(-125.f) ? floats{} : power;
#endif
}

// tanh(x) by expm1(2x) = (2^n - 1) + 2^n (2^f - 1), which keeps small x to full relative precision.
inline floats tanh(floats x) {
    x = x < all(-10.f) ? all(-10.f) : x;
    x = x > all(10.f) ? all(10.f) : x;
    constexpr float ROUNDER = 12582912.f;
    floats y = x * 2.f;
    floats shifted = y * 1.4426950408889634f + ROUNDER;
    floats n = shifted - ROUNDER;
    floats f = y - n * 0.693359375f;  // ln 2 in two parts: the first times n is exact
    f = f + n * 2.12194440e-4f;
    floats p = f * (1.f / 5040.f) + (1.f / 720.f);  // expm1(f) / f, |f| <= ln 2 / 2
    p = p * f + (1.f / 120.f);
    p = p * f + (1.f / 24.f);
    p = p * f + (1.f / 6.f);
    p = p * f + 0.5f;
    p = p * f + 1.f;
    floats power = (floats)((((ints)shifted - 0x4B400000) + 127) << 23);
    floats expm1 = (power - 1.f) + power * (f * p);
    return expm1 / (expm1 + 2.f);
}

inline float to_float(float x) { return x; }
inline float to_float(bf16 x) {
    uint32_t bits = uint32_t(x) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// To the nearest, ties to even, as torch rounds.
inline void round_to(float* to, float x) { *to = x; }
inline void round_to(bf16* to, float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    *to = x == x ? bf16(rounded) : bf16(0x7fc0);
}

}  // namespace tunesmith
