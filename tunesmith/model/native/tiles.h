// Tiles: 32 x 32 blocks, each contiguous in memory, that all matrix products here are made of.
//
//   left   operand of a product, [32 rows][32 depth]
//   right  operand of a product, [32 depth][32 columns]; in bf16 two neighbours in depth stand together,
//          [16 pairs of depth][32 columns][2], as the dot product instructions and AMX want them
//   result [32 rows][32 columns] of float
//
// In float, left and right are the same layout. Rows and columns beyond the data are zero.
#pragma once

#include "vectors.h"

namespace tunesmith {

constexpr int SIDE = 32;
constexpr int TILE = SIDE * SIDE;

inline int tiles_for(int64_t n) { return int((n + SIDE - 1) / SIDE); }

template <class From, class To>
inline void copy(const From* from, To* to, int n) {
    if constexpr (sizeof(From) == sizeof(To))
        std::memcpy(to, from, n * sizeof(To));
    else
        for (int i = 0; i < n; i++) to[i] = to_float(from[i]);
}

// Rows of a matrix [., width] into `tiles_for(width)` left tiles; `n_rows` of 32 exist.
template <class From, class To>
void read_rows(const From* from, int64_t row_stride, int n_rows, int width, To* tiles) {
    for (int first = 0; first < width; first += SIDE, tiles += TILE) {
        int n = width - first < SIDE ? width - first : SIDE;
        if (n_rows < SIDE || n < SIDE) std::memset(tiles, 0, TILE * sizeof(To));
        const From* values = from + first;
        if (n == SIDE)
            for (int row = 0; row < n_rows; row++) copy(values + row * row_stride, tiles + row * SIDE, SIDE);
        else
            for (int row = 0; row < n_rows; row++) copy(values + row * row_stride, tiles + row * SIDE, n);
    }
}

// Result tiles into rows of a matrix [., width], times `factor`.
template <class To>
void write_rows(const float* tiles, float factor, To* to, int64_t row_stride, int n_rows, int width) {
    for (int first = 0; first < width; first += SIDE, tiles += TILE) {
        int n = width - first < SIDE ? width - first : SIDE;
        for (int row = 0; row < n_rows; row++) {
            const float* values = tiles + row * SIDE;
            To* place = to + row * row_stride + first;
#if defined(__AVX512BF16__)
            if constexpr (sizeof(To) == sizeof(bf16)) {
                if (n == SIDE) {
                    floats low = load(values) * factor, high = load(values + LANES) * factor;
                    __m512bh both = _mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
                    std::memcpy(place, &both, sizeof both);
                    continue;
                }
            }
#endif
            for (int i = 0; i < n; i++) round_to(place + i, values[i] * factor);
        }
    }
}

// Words of 32 bits, [16 rows][16] -> [16][16 rows]; strides in words.
inline void transpose_16x16(const uint32_t* from, int from_stride, uint32_t* to, int to_stride) {
#if defined(__AVX512F__)
    __m512i row[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) row[i] = _mm512_loadu_si512(from + i * from_stride);
    // Swaps the off-diagonal blocks of each 2h x 2h block, for h = 8, 4, 2, 1.
#pragma GCC unroll 4
    for (int level = 3; level >= 0; level--) {
        const int h = 1 << level;
        alignas(64) uint32_t upper[16], lower[16];
        for (int lane = 0; lane < 16; lane++) {
            upper[lane] = lane & h ? 16 + lane - h : lane;
            lower[lane] = lane & h ? 16 + lane : lane + h;
        }
        const __m512i take_upper = _mm512_load_si512(upper), take_lower = _mm512_load_si512(lower);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            if (i & h) continue;
            __m512i a = row[i], b = row[i + h];
            row[i] = _mm512_permutex2var_epi32(a, take_upper, b);
            row[i + h] = _mm512_permutex2var_epi32(a, take_lower, b);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + i * to_stride, row[i]);
#else
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) to[j * to_stride + i] = from[i * from_stride + j];
#endif
}

// A tile of floats, [32][32] -> [32][32]. `to` may not be `from`.
inline void transpose(const float* from, float* to) {
    for (int i = 0; i < SIDE; i += 16)
        for (int j = 0; j < SIDE; j += 16)
            transpose_16x16((const uint32_t*)from + i * SIDE + j, SIDE, (uint32_t*)to + j * SIDE + i, SIDE);
}

// The left tile of a matrix M -> the right tile of M's transpose (depth = M's columns).
inline void right_of_transpose(const float* left, float* right) { transpose(left, right); }
inline void right_of_transpose(const bf16* left, bf16* right) {
    for (int i = 0; i < SIDE; i += 16)
        transpose_16x16((const uint32_t*)left + i * (SIDE / 2), SIDE / 2, (uint32_t*)right + i, SIDE);
}

// The left tile of M -> the left tile of M's transpose.
inline void left_of_transpose(const float* left, float* to) { transpose(left, to); }
inline void left_of_transpose(const bf16* left, bf16* to) {
    alignas(64) uint32_t pairs[SIDE / 2 * SIDE];  // row p: (M[i][2p], M[i][2p + 1]) for all i
    right_of_transpose(left, (bf16*)pairs);
    for (int p = 0; p < SIDE / 2; p++)
        for (int i = 0; i < SIDE; i++) {
            to[2 * p * SIDE + i] = bf16(pairs[p * SIDE + i]);
            to[(2 * p + 1) * SIDE + i] = bf16(pairs[p * SIDE + i] >> 16);
        }
}

// The left tile of M -> the right tile of M itself (depth = M's rows).
inline void right_of(const float* left, float* right) { std::memcpy(right, left, TILE * sizeof(float)); }
inline void right_of(const bf16* left, bf16* right) {
    uint32_t* pairs = (uint32_t*)right;
    for (int p = 0; p < SIDE / 2; p++)
        for (int i = 0; i < SIDE; i++)
            pairs[p * SIDE + i] = left[2 * p * SIDE + i] | uint32_t(left[(2 * p + 1) * SIDE + i]) << 16;
}

}  // namespace tunesmith
