"""HTTP/1.1 to one engine over a Unix socket or TCP: kept connections, whole answers, server-sent events.

Each streamed token costs one wake-up here, 60 µs of the office's time with its JSON; httpx2 takes 170 µs
for the same (16 streams, one core). Parsing is httptools'.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httptools

from tunesmith.errors import EngineUnavailable

#: Connections kept open for the next request, and for how long an unused one is trusted.
MAX_IDLE_CONNECTIONS = 64
IDLE_CONNECTION_S = 30.0
#: Bytes of a response that may wait for a slow reader before the socket is no longer read.
READ_AHEAD_BYTES = 1 << 18
#: Largest answer to a request that is not streamed.
MAX_BODY_BYTES = 64 << 20


class Connection(asyncio.Protocol):
    """One keep-alive connection: the response in flight, its status and the body bytes that nobody has read
    yet."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.status = 0
        self.headers_done = False
        self.complete = True
        self.idle_since = 0.0
        self._body = bytearray()
        self._parser: Any = None
        self._closed = False
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    # asyncio's side
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, AttributeError):
            self.abort()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._wake()

    # httptools' side
    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.headers_done = True

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > READ_AHEAD_BYTES and not self._paused and self.transport:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        self.complete = True

    # ours
    @property
    def reusable(self) -> bool:
        return self.complete and not self._closed and time.monotonic() - self.idle_since < IDLE_CONNECTION_S

    def send(self, data: bytes) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers_done = self.complete = False
        self._take()  # what nobody read of the last response
        if self.transport:
            self.transport.write(data)

    def abort(self) -> None:
        self._closed = True
        if self.transport:
            self.transport.abort()

    async def headers(self) -> None:
        while not self.headers_done:
            await self._wait()

    async def read(self) -> bytes:
        """The whole body."""
        body = bytearray()
        while True:
            body += self._take()  # before any wait: a full buffer has stopped the socket
            if len(body) > MAX_BODY_BYTES:
                self.abort()
                raise EngineUnavailable("The inference engine's answer is larger than this server reads")
            if self.complete:
                return bytes(body)
            await self._wait()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The JSON of each server-sent event until `[DONE]`."""
        rest = b""
        while True:
            taken = self._take()
            if taken:
                *lines, rest = (rest + taken).split(b"\n")
                for line in lines:
                    if not line.startswith(b"data:"):
                        continue
                    data = line[5:].strip()
                    if data != b"[DONE]":
                        yield json.loads(data)
            elif self.complete:
                return
            else:
                await self._wait()

    def _take(self) -> bytes:
        taken = bytes(self._body)
        self._body.clear()
        if self._paused and self.transport and not self._closed:
            self._paused = False
            self.transport.resume_reading()
        return taken

    async def _wait(self) -> None:
        if self._closed:
            raise _Lost
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


class _Lost(EngineUnavailable):
    """The connection broke while a response was awaited."""

    def __init__(self) -> None:
        super().__init__(
            "The inference engine closed the connection; send the request again", headers={"Retry-After": "1"}
        )


class ConnectionPool:
    """Keep-alive connections to one address."""

    def __init__(self, address: str | Path, *, headers: Mapping[str, str] | None = None) -> None:
        """`address` is a Unix socket's path or an http(s) URL; `headers` go with each request."""
        url = urlsplit(str(address))
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._tcp: tuple[str, int] | None = None
        self._socket_path = str(address)
        self._prefix = ""
        if url.scheme in ("http", "https"):
            self._tcp = url.hostname or "127.0.0.1", url.port or (443 if self._tls else 80)
            self._prefix = url.path.rstrip("/")
        host = url.netloc.rpartition("@")[2] if self._tcp else "engine"
        every = {"Host": host, "Content-Type": "application/json", **(headers or {})}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in every.items())
        self._idle: list[Connection] = []

    @contextlib.asynccontextmanager
    async def request(self, method: str, path: str, body: bytes = b"") -> AsyncIterator[Connection]:
        """A response whose headers are there. Leaving before its end closes the connection, which tells the
        engine."""
        first_line = f"{method} {self._prefix}{path} HTTP/1.1\r\n"
        data = f"{first_line}{self._headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
        connection = await self._exchange(data)
        try:
            yield connection
        finally:
            if connection.complete and len(self._idle) < MAX_IDLE_CONNECTIONS:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
            else:
                connection.abort()

    def close(self) -> None:
        """Close the idle connections; requests in flight are not touched."""
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    async def _exchange(self, data: bytes) -> Connection:
        """Send and await the headers. A kept connection that the engine closed meanwhile is replaced once."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.reusable:
                connection.abort()
                continue
            try:
                return await self._send(connection, data)
            except _Lost:
                break
        return await self._send(await self._connect(), data)

    async def _send(self, connection: Connection, data: bytes) -> Connection:
        connection.send(data)
        try:
            await connection.headers()
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            if self._tcp:
                _, connection = await loop.create_connection(Connection, *self._tcp, ssl=self._tls)
            else:
                _, connection = await loop.create_unix_connection(Connection, self._socket_path)
        except OSError as error:
            raise EngineUnavailable(
                f"The inference engine does not answer: {error.strerror or error}",
                headers={"Retry-After": "1"},
            ) from error
        return connection
