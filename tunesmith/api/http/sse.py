"""Server-sent events, and what a client's leaving does.

A stream costs one task and one watcher however many tokens it has; each piece of bytes goes out as it
comes. Nothing is sent before the first piece, so what fails before it is an ordinary HTTP error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tunesmith.api.http.errors import error_bytes, internal_error
from tunesmith.errors import TunesmithError

log = logging.getLogger("tunesmith.streams")

HEARTBEAT_S = 15.0
"""Seconds of silence after which a comment tells proxies that the connection lives."""
HEARTBEAT = b": waiting\n\n"
DONE = b"data: [DONE]\n\n"

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed the connection before its answer was there."""


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client goes away (then: ClientGone)."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone
    finally:
        await _end(working)
        await _end(leaving)


class EventStream(Response):
    """Sends what `pieces` yields (whole events, as bytes); closes it when the client goes away."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        super().__init__(
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )
        del self.headers["content-length"]
        self._pieces = pieces
        self._started = False
        self._last_sent_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pumping = asyncio.ensure_future(self._pump(scope, send))
        leaving = asyncio.ensure_future(_left(receive))
        loop = asyncio.get_running_loop()
        silent_s = 0.0
        try:
            while True:
                done, _ = await asyncio.wait(
                    {pumping, leaving}, timeout=HEARTBEAT_S - silent_s, return_when=asyncio.FIRST_COMPLETED
                )
                if pumping in done:
                    pumping.result()
                    return
                if leaving in done:
                    return
                silent_s = loop.time() - self._last_sent_s
                if silent_s >= HEARTBEAT_S:
                    await self._send(send, HEARTBEAT)
                    silent_s = 0.0
        finally:
            await _end(pumping)
            await _end(leaving)
            await self._pieces.aclose()

    async def _pump(self, scope: Scope, send: Send) -> None:
        self._last_sent_s = asyncio.get_running_loop().time()
        try:
            async for piece in self._pieces:
                await self._send(send, piece)
        except TunesmithError as error:
            if not self._started:
                raise
            await self._send(send, event(error_bytes(error)))
        except Exception:
            if not self._started:
                raise
            request_id = scope["tunesmith.request_id"]
            log.exception("failed in a stream", extra={"request_id": request_id})
            await self._send(send, event(error_bytes(internal_error(request_id))))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, piece: bytes) -> None:
        if not self._started:
            self._started = True
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._last_sent_s = asyncio.get_running_loop().time()
        await send({"type": "http.response.body", "body": piece, "more_body": True})


def event(data: bytes) -> bytes:
    """One event."""
    return b"data: " + data + b"\n\n"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(task: asyncio.Future[Any]) -> None:
    """Cancels a task that still runs and waits until it has let go of what it held."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # seen here, or already raised
