"""A batch's input file: everything that is wrong with it, and its lines a page at a time.

`examine` reads the whole file once, before any line is asked; `InputReader` then hands out the lines that
have no outcome yet. Both hold one page or one line in memory, never the file. They are synchronous, for
worker threads.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from tunesmith.errors import InvalidRequest
from tunesmith.store.blobs import Blobs, ObjectCorrupt
from tunesmith.wire import limits
from tunesmith.wire.base import json_name
from tunesmith.wire.batches import MODERATIONS

MAX_LINE_BYTES = limits.MAX_JSON_BYTES + 64 * 1024
"""A line is a body that the route would take, and little around it."""
PAGE_BYTES = 128 * 1024
"""What is read of a running batch's input at a time."""
_BREATH_BYTES = 64 * 1024
_BREATH_S = 0.0005
"""Parsing holds the interpreter; after so many bytes it rests for a moment, so that no chat waits for it."""


class Line(NamedTuple):
    """One request of a batch."""

    number: int
    """Its line in the input file, from 1."""
    custom_id: str
    body: bytes
    """What its route gets, as JSON."""


class Fault(NamedTuple):
    """One thing that is wrong with an input file, as the batch object shows it."""

    code: str
    line: int | None
    message: str
    param: str | None = None


@dataclass
class Report:
    """What an input file holds, and all that is wrong with it."""

    n_lines: int = 0
    model: str | None = None
    """The model that every line names."""
    model_line: int | None = None
    faults: list[Fault] = field(default_factory=list)
    """The first ones in full; what comes after them is only counted."""
    n_faults: int = 0

    def add(self, fault: Fault) -> None:
        """Notes a fault."""
        self.n_faults += 1
        if len(self.faults) < limits.MAX_BATCH_FAULTS_SHOWN:
            self.faults.append(fault)

    def errors(self) -> list[dict[str, Any]]:
        """The faults as the batch object lists them, and a last entry that says how many more there are."""
        shown = [fault._asdict() for fault in self.faults]
        more = self.n_faults - len(self.faults)
        if more:
            message = f"There are {more} more faults, which are not listed; these are the first ones."
            shown.append(Fault("more_errors", None, message)._asdict())
        return shown


def examine(chunks: Iterable[bytes], endpoint: str) -> Report:
    """Reads an input file for `endpoint` whole and reports every fault, each with its line."""
    report = Report()
    known: set[bytes] = set()
    n_inputs = since_breath = 0
    for number, text in _lines(chunks):
        since_breath += len(text or b"") + 256
        if since_breath >= _BREATH_BYTES:
            since_breath = 0
            time.sleep(_BREATH_S)
        if text is not None and not text.strip():
            continue
        report.n_lines += 1
        if report.n_lines > limits.MAX_BATCH_LINES:
            message = f"A batch has at most {limits.MAX_BATCH_LINES} requests; split the file into several."
            report.add(Fault("too_many_requests", number, message))
            break
        if text is None:
            message = f"This line is longer than {MAX_LINE_BYTES} bytes; no request may be as long."
            report.add(Fault("line_too_long", number, message))
            continue
        try:
            line = _parsed(text)
        except ValueError as error:
            report.add(Fault("invalid_json_line", number, str(error)))
            continue
        for fault in _faults(line, number, endpoint, report, known):
            report.add(fault)
        if endpoint == "/v1/embeddings":
            n_inputs += _n_inputs(line.get("body"))
    if not report.n_lines:
        report.add(Fault("empty_file", None, "The input file has no lines."))
    if n_inputs > limits.MAX_BATCH_LINES:
        message = (
            f"The requests of this file have {n_inputs} inputs together; a batch of embeddings has at most "
            f"{limits.MAX_BATCH_LINES}. Split the file into several."
        )
        report.add(Fault("too_many_inputs", None, message, "body.input"))
    return report


class InputReader:
    """The lines of an input file that passed, but for those that are `done`; a page at a time, in order."""

    def __init__(self, blobs: Blobs, key: str, size_bytes: int, done: set[int]) -> None:
        self._blobs, self._key, self._size_bytes, self._done = blobs, key, size_bytes, done
        self._offset = 0
        self._number = 0

    def next_page(self) -> list[Line]:
        """Some lines, at least one until there are no more. Raises ObjectMissing, ObjectCorrupt."""
        page: list[Line] = []
        while not page and self._offset < self._size_bytes:
            texts = self._read()
            for text in texts:
                self._number += 1
                if self._number not in self._done and text.strip():
                    line = _parsed(text)
                    body = json.dumps(line["body"], separators=(",", ":")).encode()
                    page.append(Line(self._number, line["custom_id"], body))
        return page

    def _read(self) -> list[bytes]:
        """The next whole lines, as many as a page holds."""
        window = PAGE_BYTES
        while True:
            end = min(self._offset + window, self._size_bytes)
            data = b"".join(self._blobs.stream(self._key, self._offset, end))
            if len(data) != end - self._offset:
                raise ObjectCorrupt(f"{self._key} ends before its {self._size_bytes} bytes")
            cut = data.rfind(b"\n") + 1
            if end == self._size_bytes:
                self._offset = end
                return data.split(b"\n")
            if cut:
                self._offset += cut
                return data[: cut - 1].split(b"\n")
            window *= 4  # this line is longer than a page


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """(number from 1, text) of each line; None for a text that is too long to hold."""
    number, rest, too_long = 1, bytearray(), False
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            rest += chunk[start:end]
            yield number, None if too_long or len(rest) > MAX_LINE_BYTES else bytes(rest)
            number, too_long, start = number + 1, False, end + 1
            rest.clear()
        if not too_long:
            rest += chunk[start:]
            if len(rest) > MAX_LINE_BYTES:
                too_long = True
                rest.clear()
    if rest or too_long:
        yield number, None if too_long else bytes(rest)


def _parsed(text: bytes) -> dict[str, Any]:
    """The object of one line. Raises ValueError with the sentence that says what else it is."""
    try:
        value = json.loads(text.removeprefix(codecs.BOM_UTF8).decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ValueError("This line is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"This line is not valid JSON: {error.msg} (column {error.colno}).") from error
    except RecursionError as error:
        raise ValueError("This line is nested too deeply.") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise ValueError("This line is not valid JSON: a number has too many digits.") from error
    if not isinstance(value, dict):
        raise ValueError(f"Each line must be a JSON object, but this one is {json_name(value)}.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no number", "", 0)


def _faults(
    line: dict[str, Any], number: int, endpoint: str, report: Report, known: set[bytes]
) -> Iterator[Fault]:
    """What is wrong with one line; notes its custom_id and its model."""
    custom_id = line.get("custom_id")
    if not isinstance(custom_id, str):
        yield _missing_or_type(line, number, "custom_id", "a string", custom_id)
    elif not 1 <= len(custom_id) <= limits.MAX_CUSTOM_ID_CHARS:
        message = (
            f"custom_id has {len(custom_id)} characters; it must have 1 to {limits.MAX_CUSTOM_ID_CHARS}."
        )
        yield Fault("invalid_custom_id", number, message, "custom_id")
    else:
        digest = hashlib.blake2b(custom_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in known:
            message = f"The custom_id {_shown(custom_id)} stands on an earlier line; each must be its own."
            yield Fault("duplicate_custom_id", number, message, "custom_id")
        known.add(digest)
    if line.get("method") != "POST":
        message = f"method must be 'POST', but is {_shown(line.get('method'))}."
        yield Fault("invalid_method", number, message, "method")
    if line.get("url") != endpoint:
        message = f"url must be the batch's endpoint '{endpoint}', but is {_shown(line.get('url'))}."
        yield Fault("invalid_url", number, message, "url")
    body = line.get("body")
    if not isinstance(body, dict):
        yield _missing_or_type(line, number, "body", "an object", body)
        return
    model = body.get("model")
    if model is None and endpoint == MODERATIONS:
        pass  # as at its route: the configured one
    elif not isinstance(model, str) or not model:
        yield _missing_or_type(body, number, "body.model", "a string", model)
    elif report.model is None:
        report.model, report.model_line = model, number
    elif model != report.model:
        message = (
            f"body.model is {_shown(model)}, but line {report.model_line} names {_shown(report.model)}; all "
            "lines of a batch ask one model."
        )
        yield Fault("mismatched_model", number, message, "body.model")
    if body.get("stream"):
        message = "A batch does not stream; leave body.stream out."
        yield Fault("stream_not_supported", number, message, "body.stream")
    if body.get("background"):
        message = "A batch's lines are answered in the background as it is; leave body.background out."
        yield Fault("background_not_supported", number, message, "body.background")


def _missing_or_type(where: dict[str, Any], number: int, param: str, expected: str, value: object) -> Fault:
    if param.rpartition(".")[2] not in where:
        return Fault("missing_required_parameter", number, f"Missing required parameter: '{param}'.", param)
    message = f"{param} must be {expected}, but is {_shown(value)}."
    return Fault("invalid_type", number, message, param)


def _shown(value: object) -> str:
    """A value in a sentence, never long enough to be a nuisance."""
    if isinstance(value, dict | list):
        return json_name(value)
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= 100 else text[:99] + "…"


def _n_inputs(body: object) -> int:
    """Texts that one request of embeddings asks for; one list of token ids is one text."""
    asked = body.get("input") if isinstance(body, dict) else None
    return len(asked) if isinstance(asked, list) and asked and not isinstance(asked[0], int) else 1


def check_size(size_bytes: int) -> None:
    """Raises InvalidRequest for a file that is too large to be a batch."""
    if size_bytes > limits.MAX_BATCH_BYTES:
        raise InvalidRequest(
            f"The input file has {size_bytes} bytes; a batch's may have {limits.MAX_BATCH_BYTES}. Split it "
            "into several.",
            param="input_file_id",
            code="file_too_large",
        )
