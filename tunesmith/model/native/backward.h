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
        const int64_t n_elements = int64_t(COLUMNS) * (2 * n_width_ + 2 * n_value_ + 6) * TILE + int64_t(wider()) * TILE;
        const int64_t n_floats = int64_t(COLUMNS) * n_width_ * TILE + 6 * TILE;
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

    // A block of keys and a column that sees it, and the scores S^T and dP^T of the two.
    struct Meeting {
        Column* column;
        int keys;
        float *scores, *grad_weights, *slopes;
    };

    // What a block of keys and all its columns add to the gradients: P^T and dS^T of each.
    struct Share {
        Element *weights, *left_slopes, *right_slopes;
        Column* columns[COLUMNS];
        int keys, n;
    };

    struct Scratch {
        Column columns[COLUMNS];
        int n_columns;
        Meeting meetings[2];
        Share shares[2];
        Element* rows;  // as they were read
        float *key_sums, *value_sums;
        bool* touched;

        void divide(Element* elements, float* results, int n_width, int n_value) {
            auto take = [](auto*& from, int n_tiles) {
                auto* taken = from;
                from += int64_t(n_tiles) * TILE;
                return taken;
            };
            for (Meeting& meeting : meetings) {
                meeting.scores = take(results, 1);
                meeting.grad_weights = take(results, 1);
                meeting.slopes = take(results, 1);
            }
            for (Share& share : shares) {
                share.weights = take(elements, COLUMNS);
                share.left_slopes = take(elements, COLUMNS);
                share.right_slopes = take(elements, COLUMNS);
            }
            for (Column& column : columns) {
                column.turned_queries = take(elements, n_width);
                column.queries = take(elements, n_width);
                column.turned_grads = take(elements, n_value);
                column.grads = take(elements, n_value);
                column.grad_queries = take(results, n_width);
            }
            rows = elements;
        }
    };

    int wider() const { return std::max(n_width_, n_value_); }

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
        for (; i + LANES <= n; i += LANES) total += load(a + i) * load(b + i);
        float rest = 0;
        for (; i < n; i++) rest += to_float(a[i]) * to_float(b[i]);
        return sum(total) + rest;
    }

    // `heads_at_once_` query heads of key/value head `kv_head`, `blocks_at_once_` blocks of tokens.
    //
    // Scores of one meeting are computed while those of the one before are differentiated, and shares are
    // added up a meeting after their last part was stored: AMX works beside the vector units, and neither
    // waits for what the other has just written.
    void attend(Scratch& s, int kv_head, int member, int first, int end) {
        s.n_columns = 0;
        for (int block = first; block < std::min(first + blocks_at_once_, end); block++)
            for (int i = member; i < std::min(member + heads_at_once_, call_.group()); i++)
                read_column(s, s.columns[s.n_columns++], kv_head * call_.group() + i, block);
        Meeting *now = &s.meetings[0], *then = &s.meetings[1];
        Share *growing = &s.shares[0], *grown = nullptr;
        growing->n = 0;
        bool more = next_meeting(s, *now, 0, 0);
        score(*now, kv_head);
        while (more) {
            more = next_meeting(s, *then, now->keys, int(now->column - s.columns) + 1);
            if (more) score(*then, kv_head);
            differentiate(*now, *growing);
            if (grown) add_share(s, *grown, kv_head);
            grown = nullptr;
            if (!more || then->keys != now->keys) {
                grown = growing;
                growing = growing == &s.shares[0] ? &s.shares[1] : &s.shares[0];
                growing->n = 0;
            }
            std::swap(now, then);
        }
        add_share(s, *grown, kv_head);
        for (int i = 0; i < s.n_columns; i++) write_queries(s, s.columns[i]);
    }

    // The first meeting from (keys, column) on, in the order of keys, then columns.
    bool next_meeting(Scratch& s, Meeting& meeting, int keys, int column) {
        const int last = s.columns[s.n_columns - 1].block;
        for (; keys <= last; keys++, column = 0)
            for (; column < s.n_columns; column++)
                if (forest_.sight(s.columns[column].block, keys) != NOTHING) {
                    meeting.column = &s.columns[column];
                    meeting.keys = keys;
                    return true;
                }
        return false;
    }

    void score(Meeting& meeting, int kv_head) {
        const Element *left[MAX_TILES], *right[MAX_TILES];
        for (int i = 0; i < n_width_; i++) {
            left[i] = keys_.of(kv_head, meeting.keys) + i * TILE;
            right[i] = meeting.column->turned_queries + i * TILE;
        }
        Core::multiply(meeting.scores, n_width_, left, right, false);
        for (int i = 0; i < n_value_; i++) {
            left[i] = values_.of(kv_head, meeting.keys) + i * TILE;
            right[i] = meeting.column->turned_grads + i * TILE;
        }
        Core::multiply(meeting.grad_weights, n_value_, left, right, false);
    }

    // P^T and dS^T of a meeting, appended to its keys' share.
    void differentiate(Meeting& meeting, Share& share) {
        const Column& column = *meeting.column;
        if (scores_.prepared) scores_.prepare(meeting.scores, meeting.slopes);
        if (forest_.sight(column.block, meeting.keys) == SOME)
            forest_.hide(meeting.scores, column.block, meeting.keys);
        Element *weights = share.weights + share.n * TILE, *lefts = share.left_slopes + share.n * TILE,
                *rights = share.right_slopes + share.n * TILE;
        const bool capped = scores_.softcap > 0;
        for (int v = 0; v < VECTORS; v++) {
            const int at = v * LANES;
            const floats lse = load(column.lse + at), delta = load(column.delta + at);
            for (int row = 0; row < SIDE; row += 2) {
                const int i = row * SIDE + at, j = i + SIDE;
                const floats p = exp2<Core::COARSE>(load(meeting.scores + i) * scores_.factor - lse);
                const floats r = exp2<Core::COARSE>(load(meeting.scores + j) * scores_.factor - lse);
                floats dp = p * (load(meeting.grad_weights + i) - delta);
                floats dr = r * (load(meeting.grad_weights + j) - delta);
                if (capped) dp *= load(meeting.slopes + i), dr *= load(meeting.slopes + j);
                Core::keep_left(weights, row, at, p, r);
                Core::keep_both(lefts, rights, row, at, dp, dr);
            }
        }
        share.keys = meeting.keys;
        share.columns[share.n++] = meeting.column;
    }

    void add_share(Scratch& s, const Share& share, int kv_head) {
        const int n = share.n, keys = share.keys;
        const Element *left[COLUMNS], *right[COLUMNS];
        for (int c = 0; c < n; c++) left[c] = share.weights + c * TILE;
        for (int i = 0; i < n_value_; i++) {
            for (int c = 0; c < n; c++) right[c] = share.columns[c]->grads + i * TILE;
            float* total = s.value_sums + (int64_t(keys) * n_value_ + i) * TILE;
            Core::multiply(total, n, left, right, s.touched[keys]);
        }
        for (int c = 0; c < n; c++) left[c] = share.left_slopes + c * TILE;
        for (int i = 0; i < n_width_; i++) {
            for (int c = 0; c < n; c++) right[c] = share.columns[c]->queries + i * TILE;
            float* total = s.key_sums + (int64_t(keys) * n_width_ + i) * TILE;
            Core::multiply(total, n, left, right, s.touched[keys]);
        }
        s.touched[keys] = true;
        for (int c = 0; c < n; c++) {
            Column& column = *share.columns[c];
            const Element* slopes = share.right_slopes + c * TILE;
            for (int i = 0; i < n_width_; i++) {
                const Element* turned = turned_keys_.of(kv_head, keys) + i * TILE;
                Core::multiply(column.grad_queries + i * TILE, 1, &turned, &slopes, column.started);
            }
            column.started = true;
        }
    }

    void write_queries(Scratch& s, const Column& column) {
        float* turned = s.meetings[0].scores;
        for (int i = 0; i < n_width_; i++) {
            transpose(column.grad_queries + i * TILE, turned);
            write_rows(turned, scores_.scale, call_.grad_q.at<Data>(column.block * SIDE, column.head) + i * SIDE,
                       call_.grad_q.row_stride, rows_in(call_, column.block),
                       std::min(SIDE, call_.width - i * SIDE));
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
