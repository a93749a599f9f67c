"""Counts the tokens of a large file's rows in several processes, which is nearly all of the work.

Rows go out in batches and come back in their order; a bounded number is under way, so memory is bounded. The
processes leave when the one that started them does; when one of them dies, the count fails.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import connection
from pathlib import Path
from typing import Any

from tunesmith.data.chat_template import Renderer
from tunesmith.data.inspection import Measurement, measure
from tunesmith.data.jsonl import JudgedLine

#: Rows of one batch, and bytes: enough that handing them over costs little.
BATCH_ROWS = 64
BATCH_BYTES = 1024 * 1024
#: Bytes of rows that are under way, at most, unless a single batch has more.
UNDER_WAY_BYTES = 32 * 1024 * 1024
#: Batches under way for each process: one in work, one in reserve.
_AHEAD = 2

_renderer: Renderer
_context_length: int


class Measurers:
    """Processes that measure rows for one base; a context manager."""

    def __init__(self, base_path: Path, context_length: int, n_processes: int) -> None:
        self._n_batches = n_processes * _AHEAD
        # spawned, not forked: the tokenizer's library has threads of its own
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(n_processes, context, _begin, (base_path, context_length))

    def __enter__(self) -> Measurers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, lines: Iterable[JudgedLine]) -> Iterator[tuple[JudgedLine, Measurement | None]]:
        """The lines with what the base makes of the sound ones, in their order.

        Raises BrokenProcessPool when a process has died.
        """
        under_way: deque[tuple[list[JudgedLine], Future[list[Measurement | None]]]] = deque()
        n_bytes = 0
        for batch in _batches(lines):
            under_way.append((batch, self._pool.submit(_measure, [line.row for line in batch])))
            n_bytes += _size_bytes(batch)
            while len(under_way) > self._n_batches or (len(under_way) > 1 and n_bytes > UNDER_WAY_BYTES):
                done, result = under_way.popleft()
                n_bytes -= _size_bytes(done)
                yield from zip(done, result.result(), strict=True)
        for done, result in under_way:
            yield from zip(done, result.result(), strict=True)


def _batches(lines: Iterable[JudgedLine]) -> Iterator[list[JudgedLine]]:
    batch: list[JudgedLine] = []
    n_bytes = 0
    for line in lines:
        batch.append(line)
        n_bytes += line.size_bytes
        if len(batch) == BATCH_ROWS or n_bytes >= BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _size_bytes(batch: list[JudgedLine]) -> int:
    return sum(line.size_bytes for line in batch)


def _begin(base_path: Path, context_length: int) -> None:
    global _renderer, _context_length
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _renderer, _context_length = Renderer.load(base_path), context_length


def _leave_with_parent() -> None:
    """A killed parent tells its children nothing, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _measure(rows: list[dict[str, Any] | None]) -> list[Measurement | None]:
    return [None if row is None else measure(row, _renderer, context_length=_context_length) for row in rows]
