// What both directions of attention are given, and how a head's keys and values become tiles.
//
// T = tokens of the row, H = query heads, K = key/value heads, D = width of queries and keys, Dv = of values.
#pragma once

#include <cmath>

#include "cores.h"
#include "forest.h"
#include "threads.h"

namespace tunesmith {

constexpr int MAX_TILES = 32;  // of a head's width: up to 1,024
constexpr float LOG2_E = 1.4426950408889634f;
constexpr float LN_2 = 0.6931471805599453f;

// [T, heads, width]; the last dimension is contiguous, strides count elements.
struct Tensor {
    void* data;
    int64_t row_stride, head_stride;

    template <class T>
    T* at(int64_t row, int64_t head) const {
        return static_cast<T*>(data) + row * row_stride + head * head_stride;
    }
};

struct Attention {
    Tensor q, k, v, out;                // [T, H, D], [T, K, D], [T, K, Dv], [T, H, Dv]
    Tensor grad_out, grad_q, grad_k, grad_v;  // backward only
    float* lse;                         // [H, T], natural logarithm of the sum of exp(scores)
    const Node* nodes;
    const int32_t* positions;           // [T]; read only with a window
    int32_t n_nodes, n_tokens, n_heads, n_kv_heads, width, value_width;
    int32_t window;                     // 0: none
    int32_t n_threads;
    int32_t is_bf16, core;
    float scale, softcap;               // softcap 0: none

    int group() const { return n_heads / n_kv_heads; }
    int width_tiles() const { return tiles_for(width); }
    int value_tiles() const { return tiles_for(value_width); }
};

// Scores enter exp2 as score * factor: the scale and log2(e) in one product. With a soft cap (or a scale
// that is not positive, which would turn the maximum around) they are made ready in place before.
struct Scores {
    float scale, softcap, factor;
    bool prepared;

    explicit Scores(const Attention& call)
        : scale(call.scale), softcap(call.softcap), prepared(call.softcap > 0 || !(call.scale > 0)) {
        factor = prepared ? LOG2_E : scale * LOG2_E;
    }

    // In place; with a soft cap, `slope` gets the derivative 1 - tanh^2 where it is wanted.
    void prepare(float* scores, float* slope) const {
        for (int i = 0; i < TILE; i += LANES) {
            if (softcap > 0) {
                const floats t = tanh(load(scores + i) * (scale / softcap));
                store(scores + i, t * softcap);
                if (slope) store(slope + i, 1.f - t * t);
            } else {
                store(scores + i, load(scores + i) * scale);
            }
        }
    }
};

// The tiles of all key/value heads, [K][blocks of tokens][tiles of width].
template <class Element>
struct Tiles {
    int n_blocks, per_block;
    Buffer<Element> buffer;

    Tiles(int n_heads, int n_blocks, int per_block)
        : n_blocks(n_blocks), per_block(per_block), buffer(int64_t(n_heads) * n_blocks * per_block * TILE) {}
    Element* of(int head, int block) const {
        return buffer + (int64_t(head) * n_blocks + block) * per_block * TILE;
    }
};

inline int rows_in(const Attention& call, int block) { return std::min(SIDE, call.n_tokens - block * SIDE); }

}  // namespace tunesmith
