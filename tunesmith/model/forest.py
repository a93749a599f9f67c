"""The layout of a packed row whose examples share their beginnings: a forest of token nodes.

Tokens stand in depth-first order. A node holds the tokens that the same examples share; its rows lie
together, and those of its descendants follow. A token sees its own node up to itself and its ancestors
whole, which is exactly what it would see in its own example. Examples that share nothing are roots
without children: then the row is packed and nothing more. Which examples share what is found by
`packed/planting.py`; attention over the layout is `attention.py`'s.

Shapes: T = tokens in the row, n = nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch


class Node(NamedTuple):
    """Consecutive tokens of the row."""

    start: int
    """First row of its own tokens."""
    end: int
    """Row after its last own token; its descendants' rows begin here."""
    subtree_end: int
    """Row after its last descendant's."""
    parent: int
    """Index of its parent node, -1 for a root."""


class Trunk(NamedTuple):
    """A node with descendants: all rows from `end` to `subtree_end` see all rows from `start` to `end`."""

    keys: torch.Tensor
    """int64 [own tokens]: rows of the node."""
    queries: torch.Tensor
    """int64 [descendants' tokens]: rows that see them."""
    hidden: torch.Tensor | None
    """bool [queries, keys]: what a window hides; None where it hides nothing."""


class Forest:
    """Nodes in preorder, and the true position of each token in its example.

    Nodes [(0, 3, 7, -1), (3, 5, 5, 0), (5, 7, 7, 0)] with positions [0 1 2 3 4 3 4] are two examples of
    five tokens that share their first three.
    """

    def __init__(
        self, nodes: Sequence[Node], positions: torch.Tensor, device: torch.device | str = "cpu"
    ) -> None:
        """`positions`: int64 [T]."""
        assert nodes and all(node.end > node.start for node in nodes)
        self.nodes = list(nodes)
        self.n_tokens = len(positions)
        self.positions = positions.to(device)
        self.own = Segments([node.end - node.start for node in nodes], device)
        """Each node's own tokens, among which attention is plainly causal."""
        self.is_flat = all(node.subtree_end == node.end for node in nodes)
        self._made: dict[Any, Any] = {}

    def cached(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once: every layer of a model attends over the same layout."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @staticmethod
    def flat(lengths: Sequence[int], device: torch.device | str = "cpu") -> Forest:
        """Examples that share nothing: lengths [3, 2] are rows 0..2 and 3..4, positions [0 1 2 0 1]."""
        ends = torch.tensor(lengths).cumsum(0).tolist()
        nodes = [Node(end - n, end, end, -1) for n, end in zip(lengths, ends, strict=True)]
        return Forest(nodes, torch.cat([torch.arange(length) for length in lengths]), device)

    def arrays(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Nodes and positions for the native kernel: int32 [n, 4] and int32 [T]."""
        return self.cached(
            "arrays",
            lambda: (
                torch.tensor(self.nodes, dtype=torch.int32),
                self.positions.to(device="cpu", dtype=torch.int32),
            ),
        )

    def trunks(self, window: int | None) -> list[Trunk]:
        """All nodes with descendants, less what the window hides altogether."""

        def make() -> list[Trunk]:
            found = (self._trunk(node, window) for node in self.nodes if node.subtree_end > node.end)
            return [trunk for trunk in found if trunk is not None]

        return self.cached(("trunks", window), make)

    def _trunk(self, node: Node, window: int | None) -> Trunk | None:
        device = self.positions.device
        keys = torch.arange(node.start, node.end, device=device)
        queries = torch.arange(node.end, node.subtree_end, device=device)
        if window is None:
            return Trunk(keys, queries, None)
        hidden = self.positions[queries][:, None] - self.positions[keys][None, :] >= window
        if hidden.all():
            return None
        return Trunk(keys, queries, hidden if hidden.any() else None)


#: Segments of one group differ in length by at most this factor, which bounds the padding inside the
#: attention.
_LENGTH_RATIO = 1.5


class Segments:
    """Stretches of the row in which attention is plainly causal, and how they fill padded groups.

    Lengths [3, 2] are rows 0..2 and 3..4.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device | str = "cpu") -> None:
        assert lengths and min(lengths) > 0
        self.lengths = list(lengths)
        self.longest = max(lengths)
        self.n_tokens = sum(lengths)
        self.device = torch.device(device)
        self.groups = [
            Group(members, max(self.lengths[i] for i in members)) for members in _alike(self.lengths)
        ]
        self.take: torch.Tensor | None
        self.keep: torch.Tensor | None
        self.take, self.keep = self._padding()
        self._biases: dict[tuple[int, int | None, int, torch.dtype], torch.Tensor] = {}

    def _padding(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Indices into the row and out of the groups; None when the row already is its one group.

        Lengths [3, 2] in one group: take [0 1 2 3 4 3] fills two padded rows of 3, keep [0 1 2 3 4]
        finds the row's tokens among their 6. Padding repeats a segment's first token behind its last,
        where no real token looks.
        """
        if len(self.groups) == 1 and len(set(self.lengths)) == 1:
            return None, None
        starts = [0, *torch.tensor(self.lengths).cumsum(0).tolist()]
        take: list[torch.Tensor] = []
        keep = torch.empty(self.n_tokens, dtype=torch.int64)
        at = 0
        for group in self.groups:
            for i in group.members:
                start, length = starts[i], self.lengths[i]
                take.append(torch.arange(start, start + length))
                take.append(torch.full((group.length - length,), start))
                keep[start : start + length] = torch.arange(at, at + length)
                at += group.length
        return torch.cat(take).to(self.device), keep.to(self.device)

    def bias(self, length: int, window: int | None, repeats: int, dtype: torch.dtype) -> torch.Tensor:
        """0 where a token may look, -inf elsewhere: [1, repeats · length, length], made once per layout."""
        key = (length, window, repeats, dtype)
        if key not in self._biases:
            distance = torch.arange(length)[:, None] - torch.arange(length)[None, :]
            hidden = distance < 0
            if window is not None:
                hidden |= distance >= window
            bias = torch.zeros(length, length, dtype=dtype).masked_fill_(hidden, float("-inf"))
            self._biases[key] = bias.repeat(repeats, 1)[None].to(self.device)
        return self._biases[key]


class Group(NamedTuple):
    """Segments of similar length, attended together as the rows of one padded batch."""

    members: list[int]
    """Indices of the segments."""
    length: int
    """Tokens of the longest."""


def _alike(lengths: list[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if groups and lengths[i] <= _LENGTH_RATIO * lengths[groups[-1][0]]:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [sorted(members) for members in groups]
