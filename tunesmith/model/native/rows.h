// Vectors of floats read from and written to rows in bf16 or fp32, and work spread over rows.
#pragma once

#include <algorithm>

#include "threads.h"
#include "vectors.h"

namespace tunesmith {

inline floats read(const float* p) { return load(p); }
inline floats read(const bf16* p) {
    typedef uint16_t halves __attribute__((vector_size(2 * LANES)));
    typedef uint32_t words __attribute__((vector_size(4 * LANES)));
    halves h;
    std::memcpy(&h, p, sizeof h);
    return (floats)(__builtin_convertvector(h, words) << 16);
}

// Rounds to the nearest, ties to even, as torch does.
inline void write(float* p, floats x) { store(p, x); }
inline void write(bf16* p, floats x) {
#if defined(__AVX512BF16__)
    const __m256bh rounded = _mm512_cvtneps_pbh((__m512)x);
    std::memcpy(p, &rounded, sizeof rounded);
#else
    float lane[LANES];
    store(lane, x);
    for (int i = 0; i < LANES; i++) round_to(p + i, lane[i]);
#endif
}

// What x would be if it had been stored as Data in between.
template <class Data>
floats rounded(floats x) {
    if constexpr (sizeof(Data) == sizeof(float)) {
        return x;
    } else {
        Data stored[LANES];
        write(stored, x);
        return read(stored);
    }
}

// Calls body(first, last) for stretches of rows that together are all of them.
template <class Body>
void over_rows(int64_t n_rows, int64_t row_bytes, int n_threads, Body&& body) {
    const int64_t stretch = std::max<int64_t>(1, (1 << 16) / std::max<int64_t>(1, row_bytes));
    Queue stretches((n_rows + stretch - 1) / stretch);
    in_parallel(n_threads, [&](int) {
        for (int64_t i; stretches.next(i);) body(i * stretch, std::min(n_rows, (i + 1) * stretch));
    });
}

}  // namespace tunesmith
