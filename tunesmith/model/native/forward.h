// Attention, forward: one pass over the keys with a running maximum and sum per query (arXiv:1805.02867),
// in blocks as in FlashAttention (arXiv:2205.14135), on transposed scores.
//
// Scores stand as [keys][queries]: maxima, sums and factors of 32 queries are then vectors, and what exp
// leaves is, row pair by row pair, the right operand of out^T += V^T P^T. A column is a query head's block of
// 32 tokens; it writes its own rows of out and lse, and depends on no other.
#pragma once

#include "attention.h"

namespace tunesmith {

template <class Core, class Data>
class Forward {
    using Element = typename Core::Element;
    static constexpr int BATCH = 4;  // blocks of keys whose scores are held at once: 16 KB
    static constexpr int VECTORS = SIDE / LANES;
    // The maximum may lag this far behind (in log2) before sums are scaled down anew: 2^8 is far from
    // overflow, and most rows then never scale.
    static constexpr float LAG = 8.f;

   public:
    Forward(const Attention& call, const Forest& forest)
        : call_(call), forest_(forest), scores_(call), n_width_(call.width_tiles()),
          n_value_(call.value_tiles()), keys_(call.n_kv_heads, forest.n_blocks, n_width_),
          values_(call.n_kv_heads, forest.n_blocks, n_value_) {}

    void run() {
        const int n_blocks = forest_.n_blocks, group = call_.group();
        Queue reading(int64_t(call_.n_kv_heads) * n_blocks);
        Queue attending((int64_t(call_.n_heads) * n_blocks + RUN - 1) / RUN);
        const int64_t n_elements = (n_width_ + n_value_) * TILE + 2 * int64_t(n_width_ + BATCH) * TILE;
        const int64_t n_floats = 2 * int64_t(n_value_ + BATCH) * TILE + TILE;
        Buffer<Element> elements(call_.n_threads * n_elements);
        Buffer<float> results(call_.n_threads * n_floats);
        Buffer<Scratch> scratches(call_.n_threads);
        in_parallel(call_.n_threads, [&](int thread) {
            Element* tiles = elements + thread * n_elements;
            for (int64_t i; reading.next(i);) read(int(i / n_blocks), int(i % n_blocks), tiles);
        });
        in_parallel(call_.n_threads, [&](int thread) {
            [[maybe_unused]] typename Core::Session session;
            Scratch& s = *new (scratches + thread) Scratch;
            s.divide(elements + thread * n_elements, results + thread * n_floats, n_width_, n_value_);
            for (int64_t i; attending.next(i);) {
                s.next = i * RUN;
                s.end = std::min(s.next + RUN, int64_t(call_.n_heads) * n_blocks);
                attend(s, group);
            }
        });
    }

   private:
    static constexpr int RUN = 16;  // columns in a unit of work

    // A query head's block of 32 tokens: its operand and what has been summed up so far.
    struct Column {
        Element* queries;  // Q^T, right tiles
        float* out;        // out^T
        alignas(64) float maximum[SIDE];
        alignas(64) float total[SIDE];
        int head, kv_head, block, next_keys;
        bool started;
    };

    // Up to BATCH blocks of keys that a column sees.
    struct Batch {
        Column* column;
        Element* weights;  // P^T, right tiles
        float* scores;
        floats most[VECTORS];  // the largest score of each query
        int keys[BATCH], n;
        bool last;  // of its column
    };

    struct Scratch {
        Column columns[2];
        Batch batches[2];
        Element* rows;
        float* turned;
        int64_t next, end;  // columns of this unit still to come

        void divide(Element* elements, float* results, int n_width, int n_value) {
            for (int i = 0; i < 2; i++) {
                columns[i].queries = elements, elements += n_width * TILE;
                columns[i].out = results, results += n_value * TILE;
                batches[i].weights = elements, elements += BATCH * TILE;
                batches[i].scores = results, results += BATCH * TILE;
            }
            rows = elements;
            turned = results;
        }
    };

    void read(int head, int block, Element* tiles) {
        const int n_rows = rows_in(call_, block);
        read_rows(call_.k.at<Data>(block * SIDE, head), call_.k.row_stride, n_rows, call_.width,
                  keys_.of(head, block));
        read_rows(call_.v.at<Data>(block * SIDE, head), call_.v.row_stride, n_rows, call_.value_width, tiles);
        for (int i = 0; i < n_value_; i++)
            left_of_transpose(tiles + i * TILE, values_.of(head, block) + i * TILE);
    }

    // The scores of one batch are computed while the batch before it is weighed: AMX works beside the
    // vector units, and what it stores can be loaded only some time later.
    void attend(Scratch& s, int group) {
        Batch *now = &s.batches[0], *then = &s.batches[1];
        Column* spare = &s.columns[0];
        now->column = nullptr;
        bool more = prepare(s, *now, nullptr, spare, group);
        for (int b = 0; b < now->n; b++) score(*now, b);
        for (int b = 0; b < now->n; b++) compare(*now, b);
        while (true) {
            spare = now->column == &s.columns[0] ? &s.columns[1] : &s.columns[0];
            more = prepare(s, *then, now->last ? nullptr : now->column, spare, group);
            if (!more) then->n = 0;
            raise_maximum(*now);
            for (int b = 0; b < std::max(now->n, then->n); b++) {
                if (b < then->n) score(*then, b);
                if (b < now->n) weigh(*now, b);
                if (b < then->n) compare(*then, b);
            }
            sum_up(*now);
            if (now->last) finish(s, *now->column);
            if (!more) return;
            std::swap(now, then);
        }
    }

    // Fills a batch with the next keys of `column`, or the first ones of a new column.
    bool prepare(Scratch& s, Batch& batch, Column* column, Column* spare, int group) {
        if (!column) {
            if (s.next == s.end) return false;
            // Neighbours share their keys: heads of one group, then tokens, then groups.
            const int64_t member = s.next % group, block = s.next / group;
            s.next++;
            column = spare;
            begin(s, *column, int(block / forest_.n_blocks) * group + int(member), int(block % forest_.n_blocks));
        }
        batch.column = column;
        batch.n = 0;
        int& keys = column->next_keys;
        for (; keys <= column->block && batch.n < BATCH; keys = forest_.next_seen(column->block, keys + 1))
            batch.keys[batch.n++] = keys;
        batch.last = keys > column->block;
        for (floats& most : batch.most) most = all(-__builtin_inff());
        return true;
    }

    void begin(Scratch& s, Column& column, int head, int block) {
        column.head = head;
        column.kv_head = head / call_.group();
        column.block = block;
        column.next_keys = forest_.next_seen(block, 0);
        column.started = false;
        for (int i = 0; i < SIDE; i++) column.maximum[i] = -1e30f, column.total[i] = 0;
        read_rows(call_.q.at<Data>(block * SIDE, head), call_.q.row_stride, rows_in(call_, block), call_.width,
                  s.rows);
        for (int i = 0; i < n_width_; i++) right_of_transpose(s.rows + i * TILE, column.queries + i * TILE);
    }

    void score(Batch& batch, int b) {
        const Element *left[MAX_TILES], *right[MAX_TILES];
        for (int i = 0; i < n_width_; i++) {
            left[i] = keys_.of(batch.column->kv_head, batch.keys[b]) + i * TILE;
            right[i] = batch.column->queries + i * TILE;
        }
        Core::multiply(batch.scores + b * TILE, n_width_, left, right, false);
    }

    void compare(Batch& batch, int b) {
        float* scores = batch.scores + b * TILE;
        if (scores_.prepared) scores_.prepare(scores, nullptr);
        if (forest_.sight(batch.column->block, batch.keys[b]) == SOME)
            forest_.hide(scores, batch.column->block, batch.keys[b]);
        for (int v = 0; v < VECTORS; v++) {
            floats even = batch.most[v], odd = even;
            for (int row = 0; row < SIDE; row += 2) {
                even = greater(load(scores + row * SIDE + v * LANES), even);
                odd = greater(load(scores + (row + 1) * SIDE + v * LANES), odd);
            }
            batch.most[v] = greater(even, odd);
        }
    }

    void raise_maximum(Batch& batch) {
        Column& column = *batch.column;
        for (int v = 0; v < VECTORS; v++) {
            const int at = v * LANES;
            const floats most = batch.most[v] * scores_.factor, before = load(column.maximum + at);
            if (!any(most > before + LAG)) continue;
            const floats now = greater(most, before), shrink = exp2<false>(before - now);
            store(column.maximum + at, now);
            store(column.total + at, load(column.total + at) * shrink);
            if (!column.started) continue;
            for (int row = 0; row < n_value_ * SIDE; row++) {
                float* place = column.out + row * SIDE + at;
                store(place, load(place) * shrink);
            }
        }
    }

    // P = exp2(scores - maximum) of one block, and its sum.
    void weigh(Batch& batch, int b) {
        for (int v = 0; v < VECTORS; v++) {
            const int at = v * LANES;
            const floats maximum = load(batch.column->maximum + at);
            floats even{}, odd{};
            for (int row = 0; row < SIDE; row += 2) {
                const float* place = batch.scores + b * TILE + row * SIDE + at;
                const floats first = exp2<Core::COARSE>(load(place) * scores_.factor - maximum);
                const floats second = exp2<Core::COARSE>(load(place + SIDE) * scores_.factor - maximum);
                even += first;
                odd += second;
                Core::keep_right(batch.weights + b * TILE, row, at, first, second);
            }
            float* total = batch.column->total + at;
            store(total, load(total) + (even + odd));
        }
    }

    void sum_up(Batch& batch) {
        Column& column = *batch.column;
        const Element *left[BATCH], *right[BATCH];
        for (int b = 0; b < batch.n; b++) right[b] = batch.weights + b * TILE;
        for (int i = 0; i < n_value_; i++) {
            for (int b = 0; b < batch.n; b++) left[b] = values_.of(column.kv_head, batch.keys[b]) + i * TILE;
            Core::multiply(column.out + i * TILE, batch.n, left, right, column.started);
        }
        column.started = true;
    }

    void finish(Scratch& s, Column& column) {
        const int n_rows = rows_in(call_, column.block), first = column.block * SIDE;
        for (int i = 0; i < n_rows; i++)
            call_.lse[int64_t(column.head) * call_.n_tokens + first + i] =
                column.maximum[i] * LN_2 + std::log(column.total[i]);
        for (int v = 0; v < VECTORS; v++) store(column.total + v * LANES, 1.f / load(column.total + v * LANES));
        for (int i = 0; i < n_value_; i++) {
            float* tile = column.out + i * TILE;
            for (int at = 0; at < TILE; at += LANES)
                store(tile + at, load(tile + at) * load(column.total + at % SIDE));
            transpose(tile, s.turned);
            write_rows(s.turned, 1.f, call_.out.at<Data>(first, column.head) + i * SIDE, call_.out.row_stride,
                       n_rows, std::min(SIDE, call_.value_width - i * SIDE));
        }
    }

    const Attention& call_;
    const Forest& forest_;
    const Scores scores_;
    const int n_width_, n_value_;
    Tiles<Element> keys_, values_;  // left tiles of K and of V^T
};

}  // namespace tunesmith
