// Who sees whom in a packed row of shared prefixes, in blocks of 32 tokens.
//
// Tokens stand in depth-first order, so the rows that see key k of node i are one range: from k itself to
// the end of i's subtree. A range per key is all the mask there is; blocks need not fall on node borders.
#pragma once

#include <algorithm>
#include <vector>

#include "tiles.h"

namespace tunesmith {

struct Node {
    int32_t start, end, subtree_end, parent;
};

enum Sight { NOTHING, SOME, EVERYTHING };

class Forest {
   public:
    int n_tokens, n_blocks;
    int window;  // 0: none, or wider than any position

    Forest(int n_tokens, const Node* nodes, int n_nodes, const int32_t* positions, int window)
        : n_tokens(n_tokens), n_blocks(tiles_for(n_tokens)), window(window), seen_until_(n_blocks * SIDE, 0),
          positions_(n_blocks * SIDE, 0), blocks_(n_blocks) {
        for (int i = 0; i < n_nodes; i++)
            std::fill(seen_until_.begin() + nodes[i].start, seen_until_.begin() + nodes[i].end,
                      nodes[i].subtree_end);
        if (window && *std::max_element(positions, positions + n_tokens) < window) this->window = 0;
        if (this->window) std::copy(positions, positions + n_tokens, positions_.begin());
        for (int b = 0; b < n_blocks; b++) {
            const int first = b * SIDE, end = std::min(n_tokens, first + SIDE);
            const auto until = std::minmax_element(&seen_until_[first], &seen_until_[0] + end);
            const auto position = std::minmax_element(&positions_[first], &positions_[0] + end);
            blocks_[b] = {*until.first, *until.second, *position.first, *position.second};
        }
    }

    // Nodes in preorder that cover the row, each subtree within its parent's.
    static bool valid(const Node* nodes, int n_nodes, int n_tokens) {
        int at = 0;
        for (int i = 0; i < n_nodes; i++) {
            const Node& node = nodes[i];
            if (node.start != at || node.end < node.start || node.subtree_end < node.end) return false;
            if (node.subtree_end > n_tokens || node.parent >= i || node.parent < -1) return false;
            if (node.parent >= 0 && node.subtree_end > nodes[node.parent].subtree_end) return false;
            at = node.end;
        }
        return at == n_tokens;
    }

    // What the tokens of block `queries` see of block `keys`.
    Sight sight(int queries, int keys) const {
        const Block &q = blocks_[queries], &k = blocks_[keys];
        const int first = queries * SIDE, last = std::min(n_tokens, first + SIDE) - 1;
        if (keys > queries || k.longest_seen <= first) return NOTHING;
        if (window && q.earliest - k.latest >= window) return NOTHING;
        if (keys == queries || k.shortest_seen <= last) return SOME;
        return window && q.latest - k.earliest >= window ? SOME : EVERYTHING;
    }

    // The first block of keys from `keys` on of which block `queries` sees something; at least queries + 1
    // if there is none.
    int next_seen(int queries, int keys) const {
        while (keys <= queries && sight(queries, keys) == NOTHING) keys++;
        return keys;
    }

    // Scores [32 keys][32 queries]: minus infinity where the query does not see the key.
    void hide(float* scores, int queries, int keys) const {
        int32_t token[SIDE];
        for (int i = 0; i < SIDE; i++) token[i] = queries * SIDE + i;
        for (int n = 0; n < SIDE; n++) {
            const int key = keys * SIDE + n;
            for (int column = 0; column < SIDE; column += LANES) {
                float* place = scores + n * SIDE + column;
                const ints at = load(token + column);
                ints seen = (at >= all(key)) & (at < all(seen_until_[key]));
                if (window)
                    seen &= load(&positions_[queries * SIDE + column]) < all(positions_[key] + window);
                store(place, seen ? load(place) : all(-__builtin_inff()));
            }
        }
    }

   private:
    struct Block {
        int shortest_seen, longest_seen, earliest, latest;
    };
    std::vector<int32_t> seen_until_;  // of each key: the row behind the last that sees it
    std::vector<int32_t> positions_;
    std::vector<Block> blocks_;
};

}  // namespace tunesmith
