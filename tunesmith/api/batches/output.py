"""What becomes of a batch's answers: gathered for a moment, written together, and at the end made into files.

A segment is durable once its row is (`store/batches.py`). An output file is its segments one after the other,
written under an id that belongs to the batch, so that making it again after a crash makes the same file.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.batches.call import unanswered
from tunesmith.api.batches.input import InputReader
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.store import batches
from tunesmith.store.batches import Tokens
from tunesmith.store.blobs import Blobs, ObjectCorrupt, ObjectMissing
from tunesmith.store.database import Database
from tunesmith.store.rows import BatchRow, BatchSegmentRow, FileRow

log = logging.getLogger("tunesmith.batches")

WRITE_EVERY_S = 2.0
"""Seconds that an answer waits for others before it is written; what a killed server has to ask again."""
SEGMENT_LINES = 256
"""So many answers are written at once, without waiting for more."""
MAX_WAITING_BYTES = 8 * 1024 * 1024
"""With so many bytes unwritten, no further line is asked."""
RETRY_S = 2.0
"""Seconds until a write that found the disk full or the database busy is tried again."""


@dataclass
class _Waiting:
    """Answers that are not durable yet."""

    lines: list[int] = field(default_factory=list)
    output: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    tokens: Tokens = Tokens()
    size_bytes: int = 0


class Outcomes:
    """The outcomes of one batch: `add` them as they come while `write` runs; `complete` lets it end once all
    are written, `close` at its next try."""

    def __init__(
        self, db: Database, blobs: Blobs, batch_id: str, segments: Sequence[BatchSegmentRow]
    ) -> None:
        self._db, self._blobs, self._batch_id = db, blobs, batch_id
        self._number = max((segment.number for segment in segments), default=0) + 1
        self._waiting = _Waiting()
        self._some, self._many = asyncio.Event(), asyncio.Event()
        self._complete = False
        self._closing = False
        self.room = asyncio.Event()
        """Cleared while further answers would only pile up."""
        self.room.set()

    def add(self, number: int, data: bytes, *, completed: bool, tokens: Tokens) -> None:
        """Takes the outcome of the line `number`: a line of the output file, or of the error file."""
        waiting = self._waiting
        waiting.lines.append(number)
        (waiting.output if completed else waiting.errors).append(data)
        waiting.tokens += tokens
        waiting.size_bytes += len(data)
        self._some.set()
        if waiting.size_bytes >= MAX_WAITING_BYTES:
            self.room.clear()
        if len(waiting.lines) >= SEGMENT_LINES or not self.room.is_set():
            self._many.set()

    def complete(self) -> None:
        """Nothing more will be added, and all of it shall be written, however long the disk is full."""
        self._complete = True
        self._some.set()
        self._many.set()

    def close(self) -> None:
        """Nothing more will be added, and what cannot be written at once is dropped."""
        self._closing = True
        self.complete()

    async def write(self) -> None:
        """Writes what is added until `complete` or `close`, then the rest. Waits while the disk is full,
        unless closing."""
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._many.wait(), WRITE_EVERY_S)
            try:
                await self._write_segment()
            except (StorageFull, StoreBusy) as error:
                if self._closing:
                    raise
                log.warning("answers wait", extra={"batch": self._batch_id, "problem": error.message})
                self.room.clear()
                await asyncio.sleep(RETRY_S)
                continue
            if self._complete and not self._waiting.lines:
                return

    async def _write_segment(self) -> None:
        waiting = self._waiting
        self._waiting = _Waiting()
        if not self._complete:
            self._some.clear()
            self._many.clear()
        if not waiting.lines:
            return
        segment = BatchSegmentRow(
            batch_id=self._batch_id,
            number=self._number,
            lines=waiting.lines,
            n_completed=len(waiting.output),
            n_failed=len(waiting.errors),
        )
        try:
            await run_in_threadpool(self._store, segment, waiting)
        except BaseException:
            newer, self._waiting = self._waiting, waiting
            waiting.lines += newer.lines
            waiting.output += newer.output
            waiting.errors += newer.errors
            waiting.tokens += newer.tokens
            waiting.size_bytes += newer.size_bytes
            self._some.set()
            raise
        self._number += 1
        if self._waiting.size_bytes < MAX_WAITING_BYTES:
            self.room.set()

    def _store(self, segment: BatchSegmentRow, waiting: _Waiting) -> None:
        if waiting.output:
            self._blobs.put(segment.output_key, waiting.output)
        if waiting.errors:
            self._blobs.put(segment.error_key, waiting.errors)
        batches.add_segment(self._db, segment, waiting.tokens)


# -- the files of the end -------------------------------------------------------------------------------

WHY_UNANSWERED = {
    batches.EXPIRED: (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
    batches.CANCELLED: ("batch_cancelled", "This request was not executed before the batch was cancelled."),
}
"""What the error file says of lines without an outcome, by the state in which the batch ends."""


def finish(
    db: Database,
    blobs: Blobs,
    row: BatchRow,
    to: str,
    *,
    input_file: FileRow | None,
    errors: list[dict[str, object]] | None = None,
) -> BatchRow | None:
    """Makes the files of a batch and ends it in the state `to`; None when its state is another by now.

    Lines without an outcome go to the error file where the input still tells them. Raises ObjectMissing when
    a segment's bytes are gone.
    """
    segments = batches.segments(db, row.id)
    done = {number for segment in segments for number in segment.lines}
    left = _Left()
    rest: Iterable[bytes] = ()
    if to in WHY_UNANSWERED and input_file is not None and row.n_total > len(done):
        reader = InputReader(blobs, input_file.object_key, input_file.size_bytes, done)
        rest = left.lines(reader, *WHY_UNANSWERED[to])
    answers = [segment.output_key for segment in segments if segment.n_completed]
    refusals = [segment.error_key for segment in segments if segment.n_failed]
    output = _file(blobs, row, "output", _chained(blobs, answers))
    error = _file(blobs, row, "error", _chained(blobs, refusals, rest))
    ended = batches.finish(
        db,
        row.id,
        to,
        expect=row.status,
        made=[file for file in (output, error) if file is not None],
        n_unanswered=left.n_lines,
        output_file_id=output and output.id,
        error_file_id=error and error.id,
        errors=errors,
    )
    if ended is not None:
        blobs.delete_prefix(f"batches/{row.id}")
    return ended


class _Left:
    """Lines that were never asked, as the error file has them; counts them as they go by."""

    def __init__(self) -> None:
        self.n_lines = 0

    def lines(self, reader: InputReader, code: str, message: str) -> Iterator[bytes]:
        try:
            while page := reader.next_page():
                for line in page:
                    self.n_lines += 1
                    yield unanswered(ids.new_id("batch_request"), line.custom_id, code, message)
        except (ObjectMissing, ObjectCorrupt) as error:
            log.warning("lines without an outcome cannot be listed", extra={"problem": str(error)})


def _file(blobs: Blobs, row: BatchRow, kind: str, data: Iterator[bytes]) -> FileRow | None:
    """Stores a file of the batch; None when there is nothing to store."""
    first = next(data, None)
    if first is None:
        return None
    file_id = ids.derived_id("file", row.id, kind)
    stored = blobs.put(f"files/{file_id}", itertools.chain([first], data))
    now = ids.now()
    return FileRow(
        id=file_id,
        project_id=row.project_id,
        filename=f"{row.id}_{kind}.jsonl",
        purpose="batch_output",
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        created_at=now,
        expires_at=None if row.output_lifetime_s is None else now + row.output_lifetime_s,
    )


def _chained(blobs: Blobs, keys: Sequence[str], rest: Iterable[bytes] = ()) -> Iterator[bytes]:
    for key in keys:
        yield from blobs.stream(key)
    yield from rest
