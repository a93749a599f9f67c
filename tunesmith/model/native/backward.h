// Attention, backward, in one pass over the visible blocks (arXiv:2307.08691, algorithm 2), on transposed
// scores: with S^T [keys][queries], P^T and dS^T are the left operands of dV += P^T dO and dK += dS^T Q as
// they stand, and dS^T is the right operand of dQ^T += K^T dS^T.
//
// lse and out are taken as given; merged with attention sinks beforehand, the same formulas are exact.
// One unit of work is a key/value head and a span of the row's tokens; it writes its own rows of dQ and sums
// dK and dV in memory of its own. Spans are added in their order, and depend on the number of threads alone.
#pragma once

#include <memory>
#include <numeric>

#include "attention.h"

namespace tunesmith {

template <class Core, class Data>
class Backward {
    using Element = typename Core::Element;
    static constexpr int COLUMNS = 4;  // blocks of queries (heads x blocks of tokens) that meet a key at once
    static constexpr int VECTORS = SIDE / LANES;

   public:
    Backward(const Attention& call, const Forest& forest)
        : call_(call), forest_(forest), scores_(call), n_width_(call.width_tiles()),
          n_value_(call.value_tiles()), heads_at_once_(std::min(call.group(), COLUMNS)),
          blocks_at_once_(COLUMNS / heads_at_once_), keys_(call.n_kv_heads, forest.n_blocks, n_width_),
          turned_keys_(call.n_kv_heads, forest.n_blocks, n_width_),
          values_(call.n_kv_heads, forest.n_blocks, n_value_) {
        divide();
    }

    void run() {
        const int n_blocks = forest_.n_blocks, n_spans = int(spans_.size()) - 1, n_kv = call_.n_kv_heads;
        Queue reading(int64_t(n_kv) * n_blocks), attending(int64_t(n_kv) * n_spans),
            writing(n_spans > 1 ? int64_t(n_kv) * n_blocks : 0);
        // With one span per head, sums are written out at once and their memory serves the next head.
        const int n_sums = n_spans > 1 ? n_kv * n_spans : call_.n_threads;
        Tiles<float> key_sums(n_sums, n_blocks, n_width_), value_sums(n_sums, n_blocks, n_value_);
        Buffer<bool> touched(int64_t(n_sums) * n_blocks);
        const int64_t n_elements = int64_t(COLUMNS) * (2 * n_width_ + 2 * n_value_ + 3) * TILE + spare() * TILE;
        const int64_t n_floats = int64_t(COLUMNS) * n_width_ * TILE + 3 * TILE;
        Buffer<Element> elements(call_.n_threads * n_elements);
        Buffer<float> results(call_.n_threads * n_floats);
        Buffer<Scratch> scratches(call_.n_threads);

        in_parallel(call_.n_threads, [&](int) {
            for (int64_t i; reading.next(i);) read(int(i / n_blocks), int(i % n_blocks));
        });
        in_parallel(call_.n_threads, [&](int thread) {
            typename Core::Session session;
            Scratch& s = *new (scratches + thread) Scratch;
            s.divide(elements + thread * n_elements, results + thread * n_floats, n_width_, n_value_);
            for (int64_t i; attending.next(i);) {
                const int head = int(i / n_spans), span = int(i % n_spans);
                const int sums = n_spans > 1 ? int(i) : thread;
                s.key_sums = key_sums.of(sums, 0);
                s.value_sums = value_sums.of(sums, 0);
                s.touched = touched + int64_t(sums) * n_blocks;
                std::fill(s.touched, s.touched + n_blocks, false);
                for (int first = spans_[span]; first < spans_[span + 1]; first += blocks_at_once_)
                    for (int member = 0; member < call_.group(); member += heads_at_once_)
                        attend(s, head, member, first, spans_[span + 1]);
                if (n_spans > 1) continue;
                for (int block = 0; block < n_blocks; block++)
                    write(head, block, key_sums.of(sums, block), value_sums.of(sums, block));
            }
        });
        if (n_spans == 1) return;
        in_parallel(call_.n_threads, [&](int) {
            for (int64_t i; writing.next(i);) {
                const int head = int(i / n_blocks), block = int(i % n_blocks);
                int total = -1;
                for (int sums = head * n_spans; sums < (head + 1) * n_spans; sums++) {
                    if (!*(touched + (int64_t(sums) * n_blocks + block))) continue;
                    if (total < 0) {
                        total = sums;
                        continue;
                    }
                    add(key_sums.of(total, block), key_sums.of(sums, block), n_width_ * TILE);
                    add(value_sums.of(total, block), value_sums.of(sums, block), n_value_ * TILE);
                }
                write(head, block, key_sums.of(total, block), value_sums.of(total, block));
            }
        });
    }

   private:
    // A head's block of 32 tokens as operands: Q^T and dO^T (right tiles, depth = width), Q and dO (right
    // tiles, depth = tokens), lse and delta = rowsum(dO * out), and the growing dQ^T.
    struct Column {
        Element *turned_queries, *queries, *turned_grads, *grads;
        float* grad_queries;
        alignas(64) float lse[SIDE];  // in log2
        alignas(64) float delta[SIDE];
        int head, block;
        bool started;
    };

    struct Scratch {
        Column columns[COLUMNS];
        Element *weights, *left_slopes, *right_slopes, *rows;  // P^T, dS^T, dS^T; rows as they were read
        float *scores, *grad_weights, *slopes;
        float *key_sums, *value_sums;
        bool* touched;

        void divide(Element* elements, float* results, int n_width, int n_value) {
            auto take = [](auto*& from, int n_tiles) {
                auto* taken = from;
                from += int64_t(n_tiles) * TILE;
                return taken;
            };
            for (Column& column : columns) {
                column.turned_queries = take(elements, n_width);
                column.queries = take(elements, n_width);
                column.turned_grads = take(elements, n_value);
                column.grads = take(elements, n_value);
                column.grad_queries = take(results, n_width);
            }
            weights = take(elements, COLUMNS);
            left_slopes = take(elements, COLUMNS);
            right_slopes = take(elements, COLUMNS);
            rows = elements;
            scores = take(results, 1);
            grad_weights = take(results, 1);
            slopes = take(results, 1);
        }
    };

    int spare() const { return std::max(n_width_, n_value_); }

    // Cuts the row into spans of about equal work, so that each thread finds a key/value head or a part of one.
    void divide() {
        const int threads = call_.n_threads, kv = call_.n_kv_heads;
        const int even = threads / std::gcd(threads, kv), enough = 2 * ((threads + kv - 1) / kv);
        const int n_groups = (forest_.n_blocks + blocks_at_once_ - 1) / blocks_at_once_;
        const int n_spans = std::min({even, enough, n_groups});
        spans_.assign(1, 0);
        if (n_spans > 1) {
            std::vector<int64_t> work(n_groups + 1, 0);
            for (int g = 0; g < n_groups; g++) {
                work[g + 1] = work[g];
                const int end = std::min(forest_.n_blocks, (g + 1) * blocks_at_once_);
                for (int block = g * blocks_at_once_; block < end; block++)
                    for (int keys = 0; keys <= block; keys++) work[g + 1] += forest_.sight(block, keys) != NOTHING;
            }
            for (int span = 1; span < n_spans; span++) {
                const auto cut = std::lower_bound(work.begin(), work.end(), work[n_groups] * span / n_spans);
                const int block = int(cut - work.begin()) * blocks_at_once_;
                if (block > spans_.back() && block < forest_.n_blocks) spans_.push_back(block);
            }
        }
        spans_.push_back(forest_.n_blocks);
    }

    void read(int head, int block) {
        const int n_rows = rows_in(call_, block);
        Element* keys = keys_.of(head, block);
        read_rows(call_.k.at<Data>(block * SIDE, head), call_.k.row_stride, n_rows, call_.width, keys);
        for (int i = 0; i < n_width_; i++)
            left_of_transpose(keys + i * TILE, turned_keys_.of(head, block) + i * TILE);
        read_rows(call_.v.at<Data>(block * SIDE, head), call_.v.row_stride, n_rows, call_.value_width,
                  values_.of(head, block));
    }

    void read_column(Scratch& s, Column& column, int head, int block) {
        const int n_rows = rows_in(call_, block), first = block * SIDE;
        column.head = head;
        column.block = block;
        column.started = false;
        read_rows(call_.q.at<Data>(first, head), call_.q.row_stride, n_rows, call_.width, s.rows);
        for (int i = 0; i < n_width_; i++) {
            right_of_transpose(s.rows + i * TILE, column.turned_queries + i * TILE);
            right_of(s.rows + i * TILE, column.queries + i * TILE);
        }
        read_rows(call_.grad_out.at<Data>(first, head), call_.grad_out.row_stride, n_rows, call_.value_width,
                  s.rows);
        for (int i = 0; i < n_value_; i++) {
            right_of_transpose(s.rows + i * TILE, column.turned_grads + i * TILE);
            right_of(s.rows + i * TILE, column.grads + i * TILE);
        }
        for (int i = 0; i < SIDE; i++) {
            // Beyond the row exp2(score - lse) is 0, and with it all that follows.
            column.lse[i] = __builtin_inff();
            column.delta[i] = 0;
            if (i >= n_rows) continue;
            column.lse[i] = call_.lse[int64_t(head) * call_.n_tokens + first + i] * LOG2_E;
            column.delta[i] = dot(call_.grad_out.at<Data>(first + i, head), call_.out.at<Data>(first + i, head),
                                  call_.value_width);
        }
    }

    static float dot(const Data* a, const Data* b, int n) {
        floats total{};
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            alignas(64) float x[LANES], y[LANES];
            for (int j = 0; j < LANES; j++) x[j] = to_float(a[i + j]), y[j] = to_float(b[i + j]);
            total += load(x) * load(y);
        }
        float rest = 0;
        for (; i < n; i++) rest += to_float(a[i]) * to_float(b[i]);
        return sum(total) + rest;
    }

    // `heads_at_once_` query heads of key/value head `kv_head`, `blocks_at_once_` blocks of tokens.
    void attend(Scratch& s, int kv_head, int member, int first, int end) {
        int n_columns = 0;
        const int last = std::min(first + blocks_at_once_, end) - 1;
        for (int block = first; block <= last; block++)
            for (int i = member; i < std::min(member + heads_at_once_, call_.group()); i++)
                read_column(s, s.columns[n_columns++], kv_head * call_.group() + i, block);
        for (int keys = 0; keys <= last; keys++) meet(s, n_columns, kv_head, keys);
        for (int i = 0; i < n_columns; i++) {
            Column& column = s.columns[i];
            for (int j = 0; j < n_width_; j++) {
                transpose(column.grad_queries + j * TILE, s.scores);
                write_rows(s.scores, scores_.scale,
                           call_.grad_q.at<Data>(column.block * SIDE, column.head) + j * SIDE,
                           call_.grad_q.row_stride, rows_in(call_, column.block),
                           std::min(SIDE, call_.width - j * SIDE));
            }
        }
    }

    void meet(Scratch& s, int n_columns, int kv_head, int keys) {
        Column* seeing[COLUMNS];
        int n = 0;
        for (int i = 0; i < n_columns; i++) {
            const Sight sight = forest_.sight(s.columns[i].block, keys);
            if (sight == NOTHING) continue;
            differentiate(s, s.columns[i], n, kv_head, keys, sight);
            seeing[n++] = &s.columns[i];
        }
        if (!n) return;
        const Element *left[COLUMNS], *right[COLUMNS];
        for (int c = 0; c < n; c++) left[c] = s.weights + c * TILE;
        for (int i = 0; i < n_value_; i++) {
            for (int c = 0; c < n; c++) right[c] = seeing[c]->grads + i * TILE;
            float* total = s.value_sums + (int64_t(keys) * n_value_ + i) * TILE;
            Core::multiply(total, n, left, right, s.touched[keys]);
        }
        for (int c = 0; c < n; c++) left[c] = s.left_slopes + c * TILE;
        for (int i = 0; i < n_width_; i++) {
            for (int c = 0; c < n; c++) right[c] = seeing[c]->queries + i * TILE;
            float* total = s.key_sums + (int64_t(keys) * n_width_ + i) * TILE;
            Core::multiply(total, n, left, right, s.touched[keys]);
        }
        s.touched[keys] = true;
        for (int c = 0; c < n; c++) {
            const Element* slopes = s.right_slopes + c * TILE;
            for (int i = 0; i < n_width_; i++) {
                const Element* turned = turned_keys_.of(kv_head, keys) + i * TILE;
                Core::multiply(seeing[c]->grad_queries + i * TILE, 1, &turned, &slopes, seeing[c]->started);
            }
            seeing[c]->started = true;
        }
    }

    // P^T and dS^T of one block of keys and one column, into place n of the scratch.
    void differentiate(Scratch& s, const Column& column, int n, int kv_head, int keys, Sight sight) {
        const Element *left[MAX_TILES], *right[MAX_TILES];
        for (int i = 0; i < n_width_; i++) {
            left[i] = keys_.of(kv_head, keys) + i * TILE;
            right[i] = column.turned_queries + i * TILE;
        }
        Core::multiply(s.scores, n_width_, left, right, false);
        for (int i = 0; i < n_value_; i++) {
            left[i] = values_.of(kv_head, keys) + i * TILE;
            right[i] = column.turned_grads + i * TILE;
        }
        Core::multiply(s.grad_weights, n_value_, left, right, false);
        if (scores_.prepared) scores_.prepare(s.scores, s.slopes);
        if (sight == SOME) forest_.hide(s.scores, column.block, keys);
        Element *weights = s.weights + n * TILE, *lefts = s.left_slopes + n * TILE,
                *rights = s.right_slopes + n * TILE;
        const bool capped = scores_.softcap > 0;
        for (int v = 0; v < VECTORS; v++) {
            const int at = v * LANES;
            const floats lse = load(column.lse + at), delta = load(column.delta + at);
            for (int row = 0; row < SIDE; row += 2) {
                const int i = row * SIDE + at, j = i + SIDE;
                const floats p = exp2<Core::COARSE>(load(s.scores + i) * scores_.factor - lse);
                const floats r = exp2<Core::COARSE>(load(s.scores + j) * scores_.factor - lse);
                floats dp = p * (load(s.grad_weights + i) - delta), dr = r * (load(s.grad_weights + j) - delta);
                if (capped) dp *= load(s.slopes + i), dr *= load(s.slopes + j);
                Core::keep_left(weights, row, at, p, r);
                Core::keep_both(lefts, rights, row, at, dp, dr);
            }
        }
    }

    static void add(float* to, const float* from, int64_t n) {
        for (int64_t i = 0; i < n; i += LANES) store(to + i, load(to + i) + load(from + i));
    }

    void write(int head, int block, const float* key_sum, const float* value_sum) {
        const int n_rows = rows_in(call_, block), first = block * SIDE;
        write_rows(key_sum, scores_.scale, call_.grad_k.at<Data>(first, head), call_.grad_k.row_stride, n_rows,
                   call_.width);
        write_rows(value_sum, 1.f, call_.grad_v.at<Data>(first, head), call_.grad_v.row_stride, n_rows,
                   call_.value_width);
    }

    const Attention& call_;
    const Forest& forest_;
    const Scores scores_;
    const int n_width_, n_value_, heads_at_once_, blocks_at_once_;
    Tiles<Element> keys_, turned_keys_, values_;  // left tiles of K, K^T and V
    std::vector<int> spans_;                      // blocks of tokens: span i is [i], [i + 1]
};

}  // namespace tunesmith
