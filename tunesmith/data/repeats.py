"""Rows that stand in a file twice, and rows that two files share, told by short digests of their content.

Two rows are the same when their JSON is, whatever the order of keys and the white space. They are nearly the
same when their words are: letters and digits in one case, whatever stands between them. A digest has 64 bits:
among ten million rows two different ones are taken for the same once in 370,000 files. Digests come as a
stream that can be read again, and are looked at in parts, so memory is bounded whatever the file.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_RECORD = struct.Struct("<IQQ")
RECORD_BYTES = _RECORD.size
#: In JSON: escapes of control characters, quotes and backslashes, and whatever is no letter and no digit.
_BETWEEN_WORDS = re.compile(r"(?:\\(?:u[0-9a-f]{4}|.)|[\W_])+")

Digests = Callable[[], Iterable[bytes]]
"""Gives the stream of records of a file, in pieces of any size, from its beginning."""

#: Digests that are held at one time.
AT_ONCE = 400_000
#: Lines of one group that are named.
LINES_NAMED = 20


@dataclass(frozen=True)
class Repeats:
    """Groups of the same rows, by their first line."""

    n_groups: int
    n_rows: int
    """Rows that repeat an earlier one."""
    groups: list[list[int]]
    """The lines of the first groups, the first twenty of each."""


@dataclass(frozen=True)
class Overlap:
    """Rows of a file that stand in another file too."""

    n_rows: int
    pairs: list[tuple[int, int]]
    """(line here, first line there) of the first of them."""


def record(line: int, row: Mapping[str, Any]) -> bytes:
    """What is kept of a row."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _RECORD.pack(line, _digest(text), _digest(_BETWEEN_WORDS.sub(" ", text).casefold()))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def repeats(digests: Digests, n_rows: int, *, kept: int) -> Repeats:
    """What a file of `n_rows` holds more than once; `kept` groups are told."""
    n_groups = n_repeats = 0
    groups: list[list[int]] = []
    for part, parts in _parts(n_rows):
        first: dict[int, int] = {}
        again: dict[int, list[int]] = {}
        for line, digest, _ in _records(digests, part, parts):
            if digest not in first:
                first[digest] = line
                continue
            n_repeats += 1
            lines = again.setdefault(digest, [first[digest]])
            if len(lines) < LINES_NAMED:
                lines.append(line)
        n_groups += len(again)
        groups = sorted([*groups, *again.values()])[:kept]
    return Repeats(n_groups, n_repeats, groups)


def near_repeats(digests: Digests, n_rows: int, *, kept: int) -> Repeats:
    """What a file of `n_rows` holds more than once in nearly the same words; of rows that are the same only
    the first counts. `kept` groups are told."""
    n_groups = n_repeats = 0
    groups: list[list[int]] = []
    for part, parts in _parts(n_rows):
        first: dict[int, tuple[int, int]] = {}
        again: dict[int, dict[int, int]] = {}
        for line, exact, words in _records(digests, part, parts, by_words=True):
            first_exact, first_line = first.setdefault(words, (exact, line))
            if exact != first_exact:
                again.setdefault(words, {first_exact: first_line}).setdefault(exact, line)
        n_groups += len(again)
        n_repeats += sum(len(lines) - 1 for lines in again.values())
        named = [list(lines.values())[:LINES_NAMED] for lines in again.values()]
        groups = sorted([*groups, *named])[:kept]
    return Repeats(n_groups, n_repeats, groups)


def overlap(digests: Digests, n_rows: int, others: Digests, *, kept: int) -> Overlap:
    """Which rows of a file stand in `others` too; `kept` of them are told."""
    found = 0
    pairs: list[tuple[int, int]] = []
    for part, parts in _parts(n_rows):
        mine: dict[int, list[int]] = {}
        for line, digest, _ in _records(digests, part, parts):
            mine.setdefault(digest, []).append(line)
        for line, digest, _ in _records(others, part, parts):
            lines = mine.pop(digest, ())  # the first line there takes them all
            found += len(lines)
            pairs += [(one, line) for one in lines]
        pairs = sorted(pairs)[:kept]
    return Overlap(found, pairs)


def _parts(n_rows: int) -> Iterator[tuple[int, int]]:
    parts = max(1, -(-n_rows // AT_ONCE))
    return ((part, parts) for part in range(parts))


def _records(
    digests: Digests, part: int, parts: int, *, by_words: bool = False
) -> Iterator[tuple[int, int, int]]:
    """(line, digest of the row, digest of its words) of one part, split by either digest."""
    rest = b""
    for piece in digests():
        piece = rest + piece if rest else piece
        whole = len(piece) - len(piece) % RECORD_BYTES
        rest = piece[whole:]
        for line, exact, words in _RECORD.iter_unpack(piece[:whole]):
            if (words if by_words else exact) % parts == part:
                yield line, exact, words
