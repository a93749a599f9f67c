"""The index of a training file: one record of fixed width for each row, in the order of the lines.

With it, the row behind any line is found by halving, and read from the file by its place, so the thousandth
page costs what the first one does. A record is 25 bytes; where the index is kept is its reader's business.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

_RECORD = struct.Struct("<IQIIIB")
RECORD_BYTES = _RECORD.size

FAULTY = 1  # the row has a fault, or the template refuses it
CUT = 2  # it is longer than the context
UNLEARNABLE = 4  # nothing of it is under the loss, so it is left out

Read = Callable[[int, int], bytes]
"""(start, end) -> these bytes of the index."""


@dataclass(frozen=True, slots=True)
class IndexedRow:
    """Where a row is, and what is to be known before it is read."""

    line: int
    """Physical line, from 1."""
    offset_bytes: int
    size_bytes: int
    n_tokens: int
    """After the cut; both replies of a preference row together."""
    n_trained: int
    flags: int

    def packed(self) -> bytes:
        """Its record."""
        return _RECORD.pack(
            self.line, self.offset_bytes, self.size_bytes, self.n_tokens, self.n_trained, self.flags
        )


def page(
    read: Read, size_bytes: int, *, after_line: int = 0, before_line: int | None = None, limit: int
) -> tuple[list[IndexedRow], bool]:
    """At most `limit` rows behind a line, and whether more follow, of an index of `size_bytes`; or, for the
    way back, those right before a line, and whether more come before them."""
    if before_line is not None:
        end = _first_behind(read, size_bytes, before_line - 1) * RECORD_BYTES
        start = max(0, end - (limit + 1) * RECORD_BYTES)
        rows = _rows(read(start, end)) if start < end else []
        return rows[-limit:], len(rows) > limit
    start = _first_behind(read, size_bytes, after_line) * RECORD_BYTES
    end = min(size_bytes, start + (limit + 1) * RECORD_BYTES)
    rows = _rows(read(start, end)) if start < end else []
    return rows[:limit], len(rows) > limit


def _first_behind(read: Read, size_bytes: int, line: int) -> int:
    """Number of the first record whose line is behind this one; that of all records if there is none."""
    low, high = 0, size_bytes // RECORD_BYTES
    while low < high:
        middle = (low + high) // 2
        [row] = _rows(read(middle * RECORD_BYTES, (middle + 1) * RECORD_BYTES))
        low, high = (middle + 1, high) if row.line <= line else (low, middle)
    return low


def _rows(records: bytes) -> list[IndexedRow]:
    return [IndexedRow(*record) for record in _RECORD.iter_unpack(records)]
