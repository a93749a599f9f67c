"""uvicorn's HTTP protocol, where it falls short of HTTP and of the one error shape.

What is no HTTP at all (a broken request line, a chunk without a length) reaches no application, and is
refused here. An offer to speak another protocol (Java's own client makes one: `Upgrade: h2c`) is declined as
RFC 9110 has it, by going on in HTTP/1.1; uvicorn would lose such a request's body.
"""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tunesmith import ids
from tunesmith.api.http.errors import error_bytes
from tunesmith.errors import InvalidRequest

MALFORMED = (
    "The request is not valid HTTP: its request line, a header or the framing of its body cannot be read. "
    "Send it with an HTTP client or a library, and look at what a proxy in between makes of it."
)
_FRAMING = (b"content-length", b"transfer-encoding")


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def data_received(self, data: bytes) -> None:
        """The next bytes of a client."""
        self._unset_keepalive_if_required()
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as offer:
                    # the parser takes all that follows the head for the other protocol
                    data = data[offer.args[0] :]
                    self._go_on_behind_the_head()
        except httptools.HttpParserError:
            self.send_400_response(MALFORMED)

    def on_message_complete(self) -> None:
        """The request is whole; one that offers another protocol still has its body to come."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _go_on_behind_the_head(self) -> None:
        """Reads the body of the request whose head has been read, and what comes after it."""
        framing = [b"%b: %b\r\n" % (name, value) for name, value in self.headers if name in _FRAMING]
        self.parser = httptools.HttpRequestParser(_BehindHead(self))
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(framing) + b"\r\n")

    def send_400_response(self, msg: str) -> None:
        """Refuses in OpenAI's shape, and closes the connection."""
        body = error_bytes(InvalidRequest(msg, code="invalid_http_request"))
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-request-id: {ids.new_id('request')}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()


class _BehindHead:
    """Passes on to a protocol what its parser finds, but for the first message's head, which is known."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol = protocol
        self._is_known = True
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if not self._is_known:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_known:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_known:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_known:
            self._protocol.on_headers_complete()
        self._is_known = False
