"""Which places of the key/value cache belong to whom: a buddy allocator over one row. Integers only.

A sequence reserves, when it is admitted, a block for its prompt and all tokens that it may generate, so it
can never run out later. Blocks are powers of two and start at multiples of their size (Knowlton, CACM 8(10),
1965): that makes the blocks of one size the rows of a strided view, and attention over a batch needs no
gathering copy. The tensors are `model/cached_attention.py`'s.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

SMALLEST_BLOCK = 64
"""Tokens; below it, splitting further would save nothing."""


class Block(NamedTuple):
    """`size` token places from `start` on."""

    start: int
    size: int


class TokenPlaces:
    """`capacity` token places, handed out in blocks, lowest place first so that the blocks in use stay close
    together.

    A capacity of 192 with a smallest block of 64 is the blocks (0, 128) and (128, 64).
    """

    def __init__(self, capacity: int, smallest: int = SMALLEST_BLOCK) -> None:
        assert capacity >= smallest, "the cache must hold at least one block"
        self.smallest = smallest
        self.capacity = capacity // smallest * smallest
        self.n_free = self.capacity
        self._free: dict[int, list[int]] = {}
        """Starts of the free blocks by size; each list is a heap."""
        self._roots: dict[int, int] = {}
        """Size of the undivided block at each start that has no buddy to merge with."""
        start, size = 0, 1 << (self.capacity.bit_length() - 1)
        while size >= smallest:
            if self.capacity & size:
                self._roots[start] = size
                self._free.setdefault(size, []).append(start)
                start += size
            size >>= 1
        self.largest = max(self._roots.values())

    def block_size(self, n_tokens: int) -> int:
        """The size of the block that holds `n_tokens`."""
        return max(self.smallest, 1 << (n_tokens - 1).bit_length())

    def reserve(self, n_tokens: int) -> Block | None:
        """A block for `n_tokens`, or None while there is none free."""
        wanted = self.block_size(n_tokens)
        sizes = [size for size, starts in self._free.items() if size >= wanted and starts]
        if not sizes:
            return None
        size = min(sizes)
        start = heapq.heappop(self._free[size])
        while size > wanted:  # keep the lower half, give back the upper
            size >>= 1
            heapq.heappush(self._free.setdefault(size, []), start + size)
        self.n_free -= wanted
        return Block(start, wanted)

    def release(self, block: Block) -> None:
        """Give a block back; free neighbours become one again."""
        start, size = block
        self.n_free += size
        while True:
            root = max(place for place in self._roots if place <= start)
            if size == self._roots[root]:
                break
            buddy = root + ((start - root) ^ size)
            neighbours = self._free.get(size, [])
            if buddy not in neighbours:
                break
            neighbours.remove(buddy)
            heapq.heapify(neighbours)
            start, size = min(start, buddy), size * 2
        heapq.heappush(self._free.setdefault(size, []), start)
