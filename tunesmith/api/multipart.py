"""An upload's multipart body, read as a stream: fields into a small dictionary, the file out chunk by chunk.

Everything is counted, so that a body of any size costs constant memory.
"""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from tunesmith.api.json_body import refuse_encoding
from tunesmith.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from tunesmith.wire import limits


class UploadForm:
    """The parts of one multipart body, as far as it has been read.

    `next_chunk` drives the reading; `fields` and `filename` fill up meanwhile.
    """

    def __init__(self, request: Request, *, file_field: str, max_file_bytes: int) -> None:
        """Raises UnsupportedMediaType, and PayloadTooLarge when the body says beforehand that it is."""
        refuse_encoding(request)
        header = request.headers.get("content-type", "")
        kind, options = parse_options_header(header)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise UnsupportedMediaType(
                f"Unsupported content type: '{header[:100]}'. Send the file as multipart/form-data, "
                "for example with curl -F file=@data.jsonl -F purpose=fine-tune.",
                code="unsupported_content_type",
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.file_bytes = 0
        self._file_field = file_field
        self._max_file_bytes = max_file_bytes
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > max_file_bytes + limits.MAX_FORM_BYTES:
            raise self._too_large()
        self._body = request.stream()
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

    async def next_chunk(self) -> bytes:
        """The next bytes of the file, empty when the whole body has been read.

        Raises InvalidRequest, PayloadTooLarge, and starlette's ClientDisconnect when the sender goes away.
        """
        while not self._out:
            chunk = await anext(self._body, None)
            if chunk is None:
                break
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InvalidRequest(f"The multipart body cannot be read: {error}.") from None
        if not self._out:
            if not self._complete:
                raise InvalidRequest("The multipart body ends before its closing boundary; send it whole.")
            return b""
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return data

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
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._part_name = _decode(options.get(b"name", b""))
        self._in_file = self._part_name == self._file_field and b"filename" in options
        self._part_value = None if self._in_file else bytearray()
        if self._in_file:
            if self.filename is not None:
                raise InvalidRequest("Send one file per request.", param=self._file_field)
            self.filename = _decode(options[b"filename"])

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
                f"The multipart body has more than {limits.MAX_FORM_BYTES} bytes besides the file "
                "(a file part needs a filename to count as one)."
            )

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"The file is larger than {self._max_file_bytes // 2**20} MB, the most that one file may have; "
            "split it, or leave out examples.",
            param=self._file_field,
            code="file_too_large",
            headers={"connection": "close"},
        )


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
