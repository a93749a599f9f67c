"""The connections to an engine, over real sockets: what comes at once, what nobody reads, what is cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.engine_client.connection import READ_AHEAD_BYTES, Connection, ConnectionPool
from tunesmith.errors import EngineUnavailable

LARGE = b"x" * (READ_AHEAD_BYTES + 1)


def head(length: int, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode()


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, socket.socket]]:
    """A connection that has sent its request, and the engine's end of it."""
    ours, engine = socket.socketpair()
    _, connection = await asyncio.get_running_loop().create_connection(Connection, sock=ours)
    try:
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        yield connection, engine
    finally:
        connection.abort()
        engine.close()


@given(n_burst=st.integers(0, 2 * len(LARGE)))
def test_a_body_is_read_whole_however_much_of_it_came_with_its_head(n_burst: int) -> None:
    """uvloop hands over what one wake of the socket has, which may fill the buffer before anybody reads."""
    body = LARGE * 2

    async def read() -> bytes:
        async with connected() as (connection, engine), asyncio.timeout(5):
            connection.data_received(head(len(body)) + body[:n_burst])
            await connection.headers()
            rest = asyncio.get_running_loop().run_in_executor(None, engine.sendall, body[n_burst:])
            try:
                return await connection.read()
            finally:
                connection.abort()  # an engine that nobody reads would wait for ever
                with contextlib.suppress(OSError):
                    await rest

    assert asyncio.run(read()) == body


def test_a_connection_serves_the_next_request_when_nobody_read_its_last_answer() -> None:
    async def read() -> bytes:
        async with connected() as (connection, engine), asyncio.timeout(5):
            connection.data_received(head(len(LARGE)) + LARGE)
            assert connection.complete
            connection.send(b"GET / HTTP/1.1\r\n\r\n")
            engine.sendall(head(4) + b"next")
            await connection.headers()
            return await connection.read()

    assert asyncio.run(read()) == b"next"


def test_an_answer_that_is_cut_is_an_error_that_says_to_ask_again() -> None:
    async def read() -> None:
        async with connected() as (connection, engine), asyncio.timeout(5):
            engine.sendall(head(100) + b"the first half")
            engine.shutdown(socket.SHUT_RDWR)
            await connection.headers()
            await connection.read()

    with pytest.raises(EngineUnavailable, match="send the request again"):
        asyncio.run(read())


def test_a_kept_connection_that_the_engine_closed_is_replaced() -> None:
    """The engine answers one request on each connection and closes it without saying so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head(2) + b"ok")
        writer.close()

    async def ask_twice() -> list[bytes]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        pool = ConnectionPool(f"http://{host}:{port}")
        answers = []
        async with server, asyncio.timeout(5):
            for _ in range(2):
                async with pool.request("GET", "/health") as response:
                    answers.append(await response.read())
        pool.close()
        return answers

    assert asyncio.run(ask_twice()) == [b"ok", b"ok"]
