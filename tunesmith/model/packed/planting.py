"""Finds what the examples of a part share: a trie over their tokens, laid out as a forest.

Fine-tuning rows begin alike: one system prompt over all, one prompt under both replies of a pair, the
turns of one conversation. What is shared goes through the model once. Only the work changes: every
token sees the same tokens at the same positions as in its own example, so losses and gradients differ by
rounding alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from tunesmith.model.forest import Forest, Node

#: Shared tokens below which a node of its own costs more than it saves.
_SHORTEST_SHARED = 16


class Planted(NamedTuple):
    """Sequences laid out together."""

    input_ids: torch.Tensor
    """int64 [T]: the row's tokens, T at most the sequences' total."""
    forest: Forest
    rows: list[torch.Tensor]
    """For each sequence, int64 [its length]: the rows of its tokens."""


def plant(sequences: Sequence[torch.Tensor], device: torch.device | str = "cpu") -> Planted:
    """Lays sequences (int64 [length], none empty) out with their shared beginnings merged.

    The result depends on the sequences and their order only.
    """
    ids = [sequence.numpy() for sequence in sequences]
    # big-endian bytes sort as the numbers do, so sequences that begin alike come to stand together,
    # each behind those that are its own beginning: these need no rows but its first ones
    in_order = sorted(range(len(ids)), key=lambda i: ids[i].astype(">i8").tobytes())
    order: list[int] = []
    within: dict[int, int] = {}
    for i, following in zip(in_order, [*in_order[1:], None], strict=True):
        if following is not None and _common(ids[i], ids[following]) == len(ids[i]):
            within[i] = following
        else:
            order.append(i)
    trie = _Trie(ids, order)
    trie.grow(0, len(order), 0, -1)
    forest = Forest(trie.nodes, torch.from_numpy(np.concatenate(trie.positions)), device)
    rows = {i: np.concatenate(path) for i, path in trie.paths.items()}
    for i in reversed(in_order):
        if i in within:
            rows[i] = rows[within[i]][: len(ids[i])]
    input_ids = torch.from_numpy(np.concatenate(trie.tokens))
    return Planted(
        input_ids.to(device), forest, [torch.from_numpy(rows[i]).to(device) for i in range(len(ids))]
    )


def _common(a: np.ndarray, b: np.ndarray) -> int:
    """Tokens that both begin with."""
    n = min(len(a), len(b))
    differs = a[:n] != b[:n]
    return int(differs.argmax()) if differs.any() else n


class _Trie:
    """Sorted sequences, none the beginning of another, become nodes in depth-first order."""

    def __init__(self, ids: list[np.ndarray], order: list[int]) -> None:
        self._ids, self._order = ids, order
        pairs = zip(order, order[1:], strict=False)
        self._shared = [0, *(_common(ids[one], ids[next_one]) for one, next_one in pairs)]
        """Tokens that each begins with like the one before it."""
        self._n_rows = 0
        self._path: list[np.ndarray] = []
        self.nodes: list[Node] = []
        self.tokens: list[np.ndarray] = []
        self.positions: list[np.ndarray] = []
        self.paths: dict[int, list[np.ndarray]] = {}

    def grow(self, first: int, last: int, depth: int, parent: int) -> None:
        """Sequences order[first:last], of which the first `depth` tokens stand on the path already."""
        start = first
        for j in range(first + 1, last + 1):
            if j == last or self._shared[j] < depth + _SHORTEST_SHARED:
                self._branch(start, j, depth, parent)
                start = j

    def _branch(self, first: int, last: int, depth: int, parent: int) -> None:
        """Sequences that share what is worth a node, or one alone."""
        example = self._order[first]
        end = len(self._ids[example]) if last == first + 1 else min(self._shared[first + 1 : last])
        node = len(self.nodes)
        rows = np.arange(self._n_rows, self._n_rows + end - depth)
        self._n_rows += end - depth
        self.nodes.append(Node(int(rows[0]), self._n_rows, self._n_rows, parent))
        self.tokens.append(self._ids[example][depth:end])
        self.positions.append(np.arange(depth, end))
        self._path.append(rows)
        if last == first + 1:
            self.paths[example] = list(self._path)
        else:
            self.grow(first, last, end, node)
        self._path.pop()
        self.nodes[node] = self.nodes[node]._replace(subtree_end=self._n_rows)
