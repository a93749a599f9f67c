"""An upload's multipart body, read as a stream: fields into a small dictionary, the file out piece by piece.

Everything is counted, so that a body of any size costs constant memory, and the time spent waiting is
bounded, so that a sender that only drips does not hold its connection and half a file for ever.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from tunesmith.api.http.json_body import refuse_encoding
from tunesmith.errors import InvalidRequest, PayloadTooLarge, RequestTimeout, UnsupportedMediaType
from tunesmith.wire import limits

PIECE_BYTES = 1024 * 1024
"""About how much of the file comes out at a time."""

_EXTENDED_NAME = re.compile(rb"""filename\*\s*=\s*"?utf-8'[^']*'([^;"\s]+)""", re.IGNORECASE)
"""RFC 5987's form of a filename, which older HTTP libraries use for what is not ASCII."""


@dataclass(frozen=True)
class Pace:
    """How slowly a body may come: each `piece_bytes`, or the rest, within `wait_s` seconds of waiting."""

    piece_bytes: int = limits.BODY_PACE_BYTES
    wait_s: float = limits.BODY_PACE_S


class UploadForm:
    """The parts of one multipart body, as far as it has been read.

    `pieces` drives the reading; `fields` and `filename` fill up meanwhile.
    """

    def __init__(
        self,
        request: Request,
        *,
        file_field: str,
        max_file_bytes: int,
        too_large: str,
        fields: Collection[str] = (),
        needs_filename: bool = True,
        pace: Pace = Pace(),
    ) -> None:
        """`fields`: what may come besides the file. `needs_filename`: whether the file part must have one, as
        browsers and clients send it. `too_large`: what to do about a file over the limit.

        Raises UnsupportedMediaType, and PayloadTooLarge when the body says beforehand that it is.
        """
        refuse_encoding(request)
        header = request.headers.get("content-type", "")
        kind, options = parse_options_header(header)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise UnsupportedMediaType(
                f"Unsupported content type: '{header[:100]}'. Send the file as multipart/form-data, "
                f"for example with curl -F {file_field}=@data.jsonl.",
                code="unsupported_content_type",
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.file_bytes = 0
        self.has_file = False
        self._file_field = file_field
        self._known_fields = fields
        self._needs_filename = needs_filename
        self._max_file_bytes = max_file_bytes
        self._remedy = too_large
        self._pace = pace
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > max_file_bytes + limits.MAX_FORM_BYTES:
            raise self._too_large()
        self._body = request.stream()
        self._waited_s = 0.0
        self._since_paced_bytes = 0
        self._out: list[bytes] = []
        self._parts = 0
        self._form_bytes = 0
        self._headers: dict[bytes, bytes] = {}
        self._header_name = b""
        self._header_value = b""
        self._part_name = ""
        self._part_value: bytearray | None = None
        self._in_file = False
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value_data,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise InvalidRequest(f"The multipart body cannot be read: {error}.") from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file's bytes in pieces of about `PIECE_BYTES`, until the whole body has been read.

        Raises InvalidRequest, PayloadTooLarge, RequestTimeout, and starlette's ClientDisconnect when the
        sender goes away.
        """
        gathered: list[bytes] = []
        gathered_bytes = 0
        while (chunk := await self._receive()) is not None:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InvalidRequest(f"The multipart body cannot be read: {error}.") from None
            gathered += self._out
            gathered_bytes += sum(map(len, self._out))
            self._out.clear()
            if gathered_bytes >= PIECE_BYTES:
                yield b"".join(gathered)
                gathered.clear()
                gathered_bytes = 0
        if not self._complete:
            raise InvalidRequest("The multipart body ends before its closing boundary; send it whole.")
        if gathered:
            yield b"".join(gathered)

    def limit_file(self, max_bytes: int, too_large: str) -> None:
        """From now on the file may have this much. Raises PayloadTooLarge when it has more already."""
        self._max_file_bytes, self._remedy = max_bytes, too_large
        if self.file_bytes > self._max_file_bytes:
            raise self._too_large()

    async def _receive(self) -> bytes | None:
        """The next bytes of the body, None at its end."""
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(self._pace.wait_s - self._waited_s):
                chunk = await anext(self._body, None)
        except TimeoutError:
            raise RequestTimeout(
                f"The body came too slowly: less than {self._pace.piece_bytes} bytes in "
                f"{self._pace.wait_s:g} seconds. Send it over a faster connection, or in smaller parts with "
                "POST /v1/uploads.",
                headers={"connection": "close"},
            ) from None
        self._waited_s += time.monotonic() - began_s
        self._since_paced_bytes += len(chunk or b"")
        if self._since_paced_bytes >= self._pace.piece_bytes:
            self._since_paced_bytes = 0
            self._waited_s = 0.0
        return chunk

    # -- callbacks of the parser --------------------------------------------------------------------

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > limits.MAX_FORM_PARTS:
            raise InvalidRequest(f"The multipart body has more than {limits.MAX_FORM_PARTS} parts.")
        self._headers.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header_name += data[start:end]

    def _header_value_data(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._part_name = _decode(options.get(b"name", b""))
        filename = _filename(disposition, options)
        self._in_file = self._part_name == self._file_field
        self._part_value = None if self._in_file else bytearray()
        if self._in_file:
            if self.has_file:
                raise InvalidRequest("Send one file per request.", param=self._file_field)
            if filename is None and self._needs_filename:
                raise InvalidRequest(
                    f"'{self._file_field}' came without a filename; send it as a file part, for example with "
                    f"curl -F {self._file_field}=@data.jsonl.",
                    param=self._file_field,
                )
            self.has_file = True
            self.filename = filename
        elif self._part_name not in self._known_fields:
            name = self._part_name[:100]
            raise InvalidRequest(
                f"Unrecognized request argument supplied: {name}", param=name, code="unknown_parameter"
            )
        elif self._part_name in self.fields:
            raise InvalidRequest(f"'{self._part_name}' is there twice; send it once.", param=self._part_name)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.file_bytes += end - start
            if self.file_bytes > self._max_file_bytes:
                raise self._too_large()
            self._out.append(data[start:end])
        elif self._part_value is not None:
            self._count(end - start)
            self._part_value += data[start:end]

    def _part_end(self) -> None:
        if self._part_value is not None:
            self.fields[self._part_name] = _decode(bytes(self._part_value))
        self._in_file = False

    def _end(self) -> None:
        self._complete = True

    def _count(self, size: int) -> None:
        self._form_bytes += size
        if self._form_bytes > limits.MAX_FORM_BYTES:
            raise InvalidRequest(
                f"The multipart body has more than {limits.MAX_FORM_BYTES} bytes besides the file."
            )

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"'{self._file_field}' is larger than {self._max_file_bytes // 2**20} MB, the most that it may "
            f"have; {self._remedy}.",
            param=self._file_field,
            code="file_too_large",
            headers={"connection": "close"},
        )


def _filename(disposition: bytes, options: dict[bytes, bytes]) -> str | None:
    extended = _EXTENDED_NAME.search(disposition)
    if extended is not None:
        return unquote(extended.group(1).decode("latin-1"), encoding="utf-8", errors="replace")
    plain = options.get(b"filename")
    return None if plain is None else _decode(plain)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
