"""Training files as JSON lines: what is refused at upload, what fails a job, and the examples of a file that
passed.

`validate` reads any bytes at constant memory and reports every fault with its physical line, counted on `\\n`
bytes alone. A byte order mark, CRLF, blank lines and a missing last newline are fine; blank lines between
rows are skipped with a warning. What a row must hold is in `data.rows`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tunesmith.data.examples import Example, Format, from_row
from tunesmith.data.report import Fault, Findings, Report, Role
from tunesmith.data.rows import check_row, is_plain_chat
from tunesmith.data.sniff import sniff
from tunesmith.data.syntax import syntax_fault
from tunesmith.data.tool_rules import MAX_DEPTH, depth_of
from tunesmith.errors import InvalidTrainingFile

__all__ = ["Fault", "JudgedLine", "Report", "judged", "read_examples", "sniff", "validate"]

#: Bytes that one line may have; longer ones are skipped and told, so that memory stays bounded.
MAX_LINE_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
#: What is told of a place in a row that has long keys.
MAX_KEY_CHARS, MAX_PATH_CHARS = 60, 300
_BOM = b"\xef\xbb\xbf"
#: An escape for one half of a UTF-16 pair; alone it is no character, and no tokenizer takes it.
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}|\\u[dD][c-fC-F][0-9a-fA-F]{2}")


@dataclass(frozen=True)
class _Line:
    number: int
    offset_bytes: int
    """Where it starts in the file."""
    content: bytes
    size_bytes: int
    """More than `content` has when the line was too long to keep."""
    last: bool
    """No line with content follows."""


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """A line that has been judged."""

    number: int
    offset_bytes: int
    size_bytes: int
    row: dict[str, Any] | None
    """None when it has a fault."""


def validate(chunks: Iterable[bytes], *, role: Role, expected_format: Format | None = None) -> Report:
    """Judge a whole file, given as chunks of any size; never raises for what is in it.

    `expected_format`: the kind of rows it must have (for a validation file: the training file's).
    """
    findings = Findings(role)
    findings.format = expected_format
    for _ in judged(chunks, findings):
        pass
    return findings.report()


def judged(
    chunks: Iterable[bytes], findings: Findings, *, first_line: int = 1, offset_bytes: int = 0
) -> Iterator[JudgedLine]:
    """Each line with content, once `findings` has all that is wrong with it.

    `first_line`, `offset_bytes`: where in the file the chunks begin.
    """
    reader = _RowReader(findings)
    for line in _lines(chunks, findings, first_line, offset_bytes):
        findings.line = line.number
        findings.n_examples += 1
        faults_before = findings.n_faults
        row = reader.read(line)
        if row is not None and not (is_plain_chat(row) and findings.format == "chat"):
            check_row(row, findings)
        sound = row if findings.n_faults == faults_before else None
        yield JudgedLine(line.number, line.offset_bytes, line.size_bytes, sound)


def read_examples(path: Path | str) -> Iterator[Example]:
    """The examples of a file that passed `validate`; raises `InvalidTrainingFile` for a line that did not."""
    findings = Findings("training_file")
    reader = _RowReader(findings)
    with Path(path).open("rb") as file:
        for line in _lines(iter(lambda: file.read(CHUNK_BYTES), b""), findings):
            findings.line = line.number
            row = reader.read(line)
            if row is not None:
                check_row(row, findings)
            if findings.n_faults or row is None:
                raise InvalidTrainingFile(findings.report().message(), param="training_file")
            yield from_row(row, line.number)


class _RowReader:
    """Parses lines; what is no JSON object becomes a fault."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._repeated: list[str] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=_no_constant, parse_float=_finite
        )

    def read(self, line: _Line) -> dict[str, Any] | None:
        """The row in a line, or None after a fault was told."""
        fault = self._findings.fault
        if line.size_bytes > MAX_LINE_BYTES:
            fault(
                None,
                f"the line has {line.size_bytes:,} bytes, more than {MAX_LINE_BYTES:,}",
                "split or shorten the row",
            )
            return None
        try:
            text = line.content.decode("utf-8")
        except UnicodeDecodeError as error:
            fault(
                None,
                f"byte {error.start + 1} of the line (byte {line.offset_bytes + error.start + 1} of the "
                f"file, 0x{line.content[error.start]:02x}) is not UTF-8",
                "save the file as UTF-8",
            )
            return None
        self._repeated.clear()
        try:
            row = self._decoder.decode(text)
        except (ValueError, RecursionError) as error:
            fault(None, *syntax_fault(text, error, last=line.last))
            return None
        for key in self._repeated:
            fault(None, f"the key {json.dumps(key[:60])} stands twice in one object", "keep one of the two")
        if not isinstance(row, dict):
            kind = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}.get(
                type(row), "a number"
            )
            fault(None, f"the line holds {kind}, not a JSON object", "write one object per line")
            return None
        many = line.content.count(b"{") + line.content.count(b"[") > MAX_DEPTH
        if many and depth_of(row) > MAX_DEPTH:
            fault(None, f"the line is nested deeper than {MAX_DEPTH} levels", "flatten the row")
            return None
        if _HALF_PAIR.search(line.content) and (broken := _unencodable(row)):
            fault(
                broken,
                "holds half of a surrogate pair (\\ud800 to \\udfff)",
                "write the whole character in UTF-8",
            )
            return None
        return row

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            times = Counter(key for key, _ in pairs)
            self._repeated += [key for key, n in times.items() if n > 1]
        return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value


def _unencodable(row: dict[str, Any]) -> str | None:
    """Path of the first text that cannot be written as UTF-8, cut where keys or depth make it long."""
    waiting: list[tuple[str, Any]] = [("", row)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                return path if len(path) <= MAX_PATH_CHARS else f"{path[:MAX_PATH_CHARS]}…"
        elif isinstance(value, list):
            waiting += [(f"{path}[{i}]", item) for i, item in enumerate(value)][::-1]
        elif isinstance(value, dict):
            for key, item in reversed(value.items()):
                name = key[:MAX_KEY_CHARS].encode(errors="backslashreplace").decode()
                waiting += [(f"{path}.{name}".lstrip("."), item), (f"{path}.{name}".lstrip("."), key)]
    return None


def _lines(
    chunks: Iterable[bytes], findings: Findings, first_line: int = 1, offset_bytes: int = 0
) -> Iterator[_Line]:
    """The lines with content; blank ones before the last of them are told as a warning."""
    held: _Line | None = None
    blank: list[int] = []
    n_blank = 0
    for number, (offset, content, size_bytes) in enumerate(_split(chunks), start=first_line):
        if number == 1:
            content = content.removeprefix(_BOM)
            size_bytes = max(size_bytes, len(content))
        if not content.strip():
            n_blank += 1
            blank = [*blank, number][:1]
            continue
        if held is not None:
            yield held
        if n_blank:
            many = f" (and {n_blank - 1:,} more)" if n_blank > 1 else ""
            findings.warn(
                None, f"the line{many} is blank and was skipped", "nothing has to be done", line=blank[0]
            )
            blank, n_blank = [], 0
        held = _Line(number, offset_bytes + offset, content, size_bytes, last=False)
    if held is not None:
        yield _Line(held.number, held.offset_bytes, held.content, held.size_bytes, last=True)


def _split(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, int]]:
    """(offset, content, size) of each physical line; of one that is too long only the beginning is kept."""
    offset = size = 0
    parts: list[bytes] = []
    for chunk in chunks:
        pieces = chunk.split(b"\n")
        for piece in pieces[:-1]:
            if parts:
                size += len(piece)
                if size <= MAX_LINE_BYTES:
                    parts.append(piece)
                yield offset, b"".join(parts), size
                offset += size + 1
                parts, size = [], 0
            else:
                yield offset, piece, len(piece)
                offset += len(piece) + 1
        if pieces[-1]:
            size += len(pieces[-1])
            if size <= MAX_LINE_BYTES or not parts:
                parts.append(pieces[-1])
    if parts:
        yield offset, b"".join(parts), size
