"""What is found out about a training file before any job, and kept beside it: a report, and the index of its
rows.

Each task reads objects and writes objects, its result last, so one that was cut is done again and nobody sees
half of it. The keys begin with the file's id and are swept away with the file. Who runs a task, and where, is
`jobs/inspections.py`'s business.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tunesmith.data import repeats
from tunesmith.data.base import Base
from tunesmith.data.chat_template import Renderer
from tunesmith.data.inspection import Inspection, Summary
from tunesmith.data.repeats import Overlap, Repeats
from tunesmith.data.row_index import CUT, FAULTY, RECORD_BYTES
from tunesmith.jobs.measuring import Measurers
from tunesmith.store.blobs import Blobs, ObjectMissing
from tunesmith.store.growing import Growing
from tunesmith.store.rows import FileRow

#: Part of every key: what an older version wrote is not read as this one's.
VERSION = 2
#: Groups of duplicates, and rows of an overlap, that are told.
KEPT = 100
#: Files above this size are checked first, then counted: the faults are known many times sooner.
CHECK_FIRST_BYTES = 8 * 1024 * 1024
#: Seconds between two words about the progress.
TOLD_EVERY_S = 0.2
_WRITE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Progress:
    """How far a task has come."""

    phase: str
    """`waiting`, `checking` (faults), `counting` (tokens) or `comparing` (with another file)."""
    lines_done: int = 0
    lines_total: int | None = None
    """None while it is not known yet."""


Tell = Callable[[Progress], None]


def look_for(base_digest: str, context_length: int) -> str:
    """The name of a look for this base."""
    return f"{base_digest.removeprefix('sha256:')[:16]}-{context_length}-v{VERSION}"


@dataclass(frozen=True)
class Inspect:
    """Looks at one file for one base."""

    file_id: str
    object_key: str
    size_bytes: int
    base_path: str
    base_digest: str
    context_length: int

    @classmethod
    def of(cls, file: FileRow, base: Base) -> Inspect:
        """The task for this file and base."""
        return cls(
            file.id, file.object_key, file.size_bytes, str(base.path), base.digest, base.context_length
        )

    @property
    def look(self) -> str:
        """For which base, and by which version of this code: what tells two looks at one file apart."""
        return look_for(self.base_digest, self.context_length)

    @property
    def prefix(self) -> str:
        """The folder of what is found."""
        return f"reports/{self.file_id}/{self.look}"

    @property
    def result(self) -> str:
        """The object that is there when all is."""
        return f"{self.prefix}/report"

    @property
    def checked(self) -> str:
        """What is known of a large file before its tokens are counted."""
        return f"{self.prefix}/checked"

    def run(self, blobs: Blobs, tell: Tell, n_processes: int = 1) -> None:
        """Does it, and counts in so many processes. Raises ObjectMissing when the file is gone."""
        n_lines = _count_lines(blobs.stream(self.object_key))
        tell = self._while_it_is_there(blobs, tell)
        if self.size_bytes > CHECK_FIRST_BYTES:
            first = Inspection(None, self.context_length)
            rows = first.rows(blobs.stream(self.object_key))
            for _ in _told(rows, lambda row: row.row.line, tell, "checking", n_lines):
                pass
            blobs.put(self.checked, json.dumps(first.summary().as_dict()).encode())
        inspection = Inspection(Renderer.load(Path(self.base_path)), self.context_length)
        n_digests = 0
        with ExitStack() as stack:
            measured = None
            if n_processes > 1:
                measured = stack.enter_context(
                    Measurers(Path(self.base_path), self.context_length, n_processes)
                )
            written = {
                name: stack.enter_context(_Written(blobs, f"{self.prefix}/{name}"))
                for name in ("rows", "errors", "cut", "digests")
            }
            rows = inspection.rows(blobs.stream(self.object_key), measured)
            for found in _told(rows, lambda row: row.row.line, tell, "counting", n_lines):
                record = found.row.packed()
                written["rows"].add(record)
                if found.row.flags & FAULTY:
                    written["errors"].add(record)
                if found.row.flags & CUT:
                    written["cut"].add(record)
                if found.digest is not None:
                    written["digests"].add(found.digest)
                    n_digests += 1
            for one in written.values():
                one.finish()
        digests = partial(blobs.stream, f"{self.prefix}/digests")
        found_all = {
            "summary": inspection.summary().as_dict(),
            "repeats": asdict(repeats.repeats(digests, n_digests, kept=KEPT)),
            "near_repeats": asdict(repeats.near_repeats(digests, n_digests, kept=KEPT)),
            "n": n_digests,
        }
        blobs.put(self.result, json.dumps(found_all).encode())

    def _while_it_is_there(self, blobs: Blobs, tell: Tell) -> Tell:
        """Nobody waits for what is found out about a deleted file."""

        def checked(progress: Progress) -> None:
            if not blobs.exists(self.object_key):
                raise ObjectMissing(self.object_key)
            tell(progress)

        return checked


@dataclass(frozen=True)
class Compare:
    """Finds the rows of one inspected file that stand in another one too."""

    ours: Inspect
    theirs: Inspect

    @property
    def prefix(self) -> str:
        """The folder of what is found: it goes with our file."""
        return self.ours.prefix

    @property
    def result(self) -> str:
        """The object that is there when all is."""
        return f"{self.prefix}/shared-with-{self.theirs.file_id}"

    @property
    def size_bytes(self) -> int:
        """How much work it is."""
        return (self.ours.size_bytes + self.theirs.size_bytes) // 8  # only digests are read

    def run(self, blobs: Blobs, tell: Tell, n_processes: int = 1) -> None:
        """Does it, in one process. Raises ObjectMissing when either file is gone."""
        tell(Progress("comparing"))
        n_rows = json.loads(blobs.get(self.ours.result))["n"]
        shared = repeats.overlap(
            lambda: blobs.stream(f"{self.ours.prefix}/digests"),
            n_rows,
            lambda: blobs.stream(f"{self.theirs.prefix}/digests"),
            kept=KEPT,
        )
        blobs.put(self.result, json.dumps(asdict(shared)).encode())


Task = Inspect | Compare


def as_json(task: Task) -> str:
    """A task as text, for another process."""
    return json.dumps({"task": type(task).__name__, **asdict(task)})


def from_json(text: str) -> Task:
    """The inverse of `as_json`."""
    value: dict[str, Any] = json.loads(text)
    if value.pop("task") == "Inspect":
        return Inspect(**value)
    return Compare(Inspect(**value["ours"]), Inspect(**value["theirs"]))


@dataclass(frozen=True)
class Inspected:
    """What an `Inspect` has found, or so far: repeats are None while tokens are being counted."""

    summary: Summary
    repeats: Repeats | None
    near_repeats: Repeats | None


def inspected(blobs: Blobs, task: Inspect) -> Inspected | None:
    """What is known of a file, wholly or so far; None when nothing is."""
    try:
        value = json.loads(blobs.get(task.result))
        again, nearly = (Repeats(**value[name]) for name in ("repeats", "near_repeats"))
        return Inspected(Summary.from_dict(value["summary"]), again, nearly)
    except ObjectMissing:
        pass
    try:
        return Inspected(Summary.from_dict(json.loads(blobs.get(task.checked))), None, None)
    except ObjectMissing:
        return None


def shared(blobs: Blobs, task: Compare) -> Overlap:
    """What a `Compare` has found. Raises ObjectMissing."""
    value = json.loads(blobs.get(task.result))
    return Overlap(value["n_rows"], [(here, there) for here, there in value["pairs"]])


class _Written:
    """An object that grows record by record and appears when it is finished."""

    def __init__(self, blobs: Blobs, key: str) -> None:
        self._growing: Growing = blobs.begin(key)
        self._waiting = bytearray()

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._growing.abandon()

    def add(self, record: bytes) -> None:
        self._waiting += record
        if len(self._waiting) >= _WRITE_BYTES:
            self._growing.write(bytes(self._waiting))
            self._waiting.clear()

    def finish(self) -> None:
        self._growing.write(bytes(self._waiting))
        self._growing.finish()


def _count_lines(pieces: Iterator[bytes]) -> int:
    n_lines, ends = 0, True
    for piece in pieces:
        n_lines += piece.count(b"\n")
        ends = piece.endswith(b"\n")
    return n_lines + (not ends)


def _told(
    rows: Iterator[Any], line_of: Callable[[Any], int], tell: Tell, phase: str, n_lines: int
) -> Iterator[Any]:
    """The rows, with a word about the progress now and then."""
    tell(Progress(phase, 0, n_lines))
    due = time.monotonic() + TOLD_EVERY_S
    for row in rows:
        yield row
        if time.monotonic() >= due:
            tell(Progress(phase, line_of(row), n_lines))
            due = time.monotonic() + TOLD_EVERY_S


__all__ = [
    "RECORD_BYTES",
    "Compare",
    "Inspect",
    "Inspected",
    "Progress",
    "Task",
    "as_json",
    "from_json",
    "inspected",
    "look_for",
    "shared",
]
