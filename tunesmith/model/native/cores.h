// Three ways to multiply tiles: plain floats, the bf16 dot products of AVX-512, and AMX.
//
// A core is a type with
//   Element            what operands are made of
//   multiply           result (+)= sum over i of left[i] x right[i]
//   keep_right         two rows of float vectors, as part of a right tile
//   keep_left          the same, as part of a left tile; keep_both: as part of one each
//   Session            lives while a thread uses the core
// Which cores the compiler and this CPU have is decided when the library is built and loaded.
#pragma once

#include "tiles.h"

namespace tunesmith {

// Floats on any CPU. Tiles from bf16 tensors are widened when they are read.
struct FloatCore {
    using Element = float;
    static constexpr bool COARSE = false;
    struct Session {};

    static void multiply(float* result, int n, const float* const* left, const float* const* right,
                         bool accumulate) {
        constexpr int ROWS = LANES == 8 ? 4 : 8;  // AVX2 has 16 registers, the others 32
        constexpr int COLUMNS = 2;                // vectors
        for (int row = 0; row < SIDE; row += ROWS)
            for (int column = 0; column < SIDE; column += COLUMNS * LANES) {
                float* place = result + row * SIDE + column;
                floats total[ROWS][COLUMNS];
                for (int r = 0; r < ROWS; r++)
                    for (int c = 0; c < COLUMNS; c++)
                        total[r][c] = accumulate ? load(place + r * SIDE + c * LANES) : floats{};
                for (int i = 0; i < n; i++) {
                    const float *a = left[i] + row * SIDE, *b = right[i] + column;
                    for (int k = 0; k < SIDE; k++) {
                        floats values[COLUMNS];
                        for (int c = 0; c < COLUMNS; c++) values[c] = load(b + k * SIDE + c * LANES);
#pragma GCC unroll 8
                        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
                            for (int c = 0; c < COLUMNS; c++) total[r][c] += values[c] * a[r * SIDE + k];
                    }
                }
                for (int r = 0; r < ROWS; r++)
                    for (int c = 0; c < COLUMNS; c++) store(place + r * SIDE + c * LANES, total[r][c]);
            }
    }

    static void keep_left(float* tile, int row, int column, floats first, floats second) {
        store(tile + row * SIDE + column, first);
        store(tile + (row + 1) * SIDE + column, second);
    }
    static void keep_right(float* tile, int row, int column, floats first, floats second) {
        keep_left(tile, row, column, first, second);
    }
    static void keep_both(float* left, float* right, int row, int column, floats first, floats second) {
        keep_left(left, row, column, first, second);
        keep_left(right, row, column, first, second);
    }
};

#if defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#define TUNESMITH_HAS_DOT_CORE 1

// VDPBF16PS: pairs of bf16, summed in float.
struct DotCore {
    using Element = bf16;
    static constexpr bool COARSE = true;
    struct Session {};

    static void multiply(float* result, int n, const bf16* const* left, const bf16* const* right,
                         bool accumulate) {
        constexpr int ROWS = 8;
        for (int row = 0; row < SIDE; row += ROWS) {
            float* place = result + row * SIDE;
            __m512 total[ROWS][2];
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++)
                for (int c = 0; c < 2; c++)
                    total[r][c] = accumulate ? _mm512_loadu_ps(place + r * SIDE + c * 16) : _mm512_setzero_ps();
            for (int i = 0; i < n; i++) {
                const uint32_t *a = (const uint32_t*)left[i] + row * (SIDE / 2), *b = (const uint32_t*)right[i];
                for (int k = 0; k < SIDE / 2; k++) {
                    const __m512bh low = (__m512bh)_mm512_loadu_si512(b + k * SIDE);
                    const __m512bh high = (__m512bh)_mm512_loadu_si512(b + k * SIDE + 16);
#pragma GCC unroll 8
                    for (int r = 0; r < ROWS; r++) {
                        const __m512bh value = (__m512bh)_mm512_set1_epi32(int(a[r * (SIDE / 2) + k]));
                        total[r][0] = _mm512_dpbf16_ps(total[r][0], value, low);
                        total[r][1] = _mm512_dpbf16_ps(total[r][1], value, high);
                    }
                }
            }
            for (int r = 0; r < ROWS; r++)
                for (int c = 0; c < 2; c++) _mm512_storeu_ps(place + r * SIDE + c * 16, total[r][c]);
        }
    }

    static void keep_left(bf16* tile, int row, int column, floats first, floats second) {
        keep_left(tile, row, column, _mm512_cvtne2ps_pbh((__m512)second, (__m512)first));
    }
    static void keep_right(bf16* tile, int row, int column, floats first, floats second) {
        keep_right(tile, row, column, _mm512_cvtne2ps_pbh((__m512)second, (__m512)first));
    }
    static void keep_both(bf16* left, bf16* right, int row, int column, floats first, floats second) {
        const __m512bh rows = _mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
        keep_left(left, row, column, rows);
        keep_right(right, row, column, rows);
    }

   private:
    static void keep_left(bf16* tile, int row, int column, __m512bh rows) {
        _mm256_storeu_si256((__m256i*)(tile + row * SIDE + column), _mm512_castsi512_si256((__m512i)rows));
        _mm256_storeu_si256((__m256i*)(tile + (row + 1) * SIDE + column),
                            _mm512_extracti64x4_epi64((__m512i)rows, 1));
    }
    static void keep_right(bf16* tile, int row, int column, __m512bh rows) {
        const __m512i interleaved = _mm512_set_epi16(  // first[0], second[0], first[1], ...
            31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
            18, 2, 17, 1, 16, 0);
        _mm512_storeu_si512((uint32_t*)tile + row / 2 * SIDE + column,
                            _mm512_permutexvar_epi16(interleaved, (__m512i)rows));
    }
};
#endif

#if defined(TUNESMITH_HAS_DOT_CORE) && defined(__AMX_BF16__) && defined(__linux__)
#define TUNESMITH_HAS_AMX_CORE 1

struct AmxConfig {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
// Constant data, not a variable on the stack: GCC takes the instruction that reads it to read 8 bytes only, and
// would leave the others out.
alignas(64) inline constexpr AmxConfig AMX_CONFIG;

// AMX: eight registers of 16 x 64 bytes; a result tile takes four, its operands two and two.
struct AmxCore : DotCore {
    struct Session {
        Session() { _tile_loadconfig(&AMX_CONFIG); }
        ~Session() { _tile_release(); }
        Session(const Session&) = delete;
    };

    static void multiply(float* result, int n, const bf16* const* left, const bf16* const* right,
                         bool accumulate) {
        constexpr int ROW_BYTES = SIDE * sizeof(float);
        // The compiler does not see that tile loads read memory.
        asm volatile("" ::: "memory");
        if (accumulate) {
            _tile_loadd(0, result, ROW_BYTES);
            _tile_loadd(1, result + 16, ROW_BYTES);
            _tile_loadd(2, result + 16 * SIDE, ROW_BYTES);
            _tile_loadd(3, result + 16 * SIDE + 16, ROW_BYTES);
        } else {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
        }
        for (int i = 0; i < n; i++) {
            _tile_loadd(4, left[i], SIDE * sizeof(bf16));
            _tile_loadd(6, right[i], 2 * SIDE * sizeof(bf16));
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, right[i] + SIDE, 2 * SIDE * sizeof(bf16));
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, left[i] + 16 * SIDE, SIDE * sizeof(bf16));
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(0, result, ROW_BYTES);
        _tile_stored(1, result + 16, ROW_BYTES);
        _tile_stored(2, result + 16 * SIDE, ROW_BYTES);
        _tile_stored(3, result + 16 * SIDE + 16, ROW_BYTES);
        asm volatile("" ::: "memory");
    }
};
#endif

}  // namespace tunesmith
