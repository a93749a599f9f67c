"""Outputs on their way to one client: from the engine's thread to the event loop, and out as events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from tunesmith.infer.engine import Output
from tunesmith.infer.protocol import Answer

Found = TypeVar("Found")


class Pending:
    """The outputs of one request that are not written yet. It belongs to the event loop."""

    def __init__(self) -> None:
        self._outputs: list[Output] = []
        self._waiter: asyncio.Future[None] | None = None
        self.gone = False
        """The client closed its connection."""

    def push(self, output: Output) -> None:
        self._outputs.append(output)
        self._wake()

    def leave(self) -> None:
        self.gone = True
        self._wake()

    async def take(self) -> list[Output]:
        """All outputs since the last call, at least one; none when the client is gone."""
        while not self._outputs and not self.gone:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        outputs, self._outputs = self._outputs, []
        return [] if self.gone else outputs

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


class TokenStream(Response):
    """Server-sent events, written as tokens come; the client's leaving aborts within a step."""

    def __init__(self, answer: Answer, pending: Pending, abort: Callable[[], None]) -> None:
        self._answer = answer
        self._pending = pending
        self._abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.ensure_future(watch(receive, self._pending))
        try:
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            finished = False
            while not finished:
                outputs = await self._pending.take()
                if not outputs:
                    return
                body = b"".join([self._answer.event(output) for output in outputs])
                finished = outputs[-1].finish_reason is not None
                if finished:
                    body += self._answer.last_events()
                message: Message = {"type": "http.response.body", "body": body, "more_body": not finished}
                await send(message)
        finally:
            watcher.cancel()
            self._abort()  # does nothing to one that finished


def hand_out(outputs: list[Output]) -> None:
    """Give each request its own; in the event loop."""
    for output in outputs:
        pending = output.sequence.owner
        assert isinstance(pending, Pending)
        pending.push(output)


async def watch(receive: Receive, pending: Pending) -> None:
    """Wait for the client to go away."""
    await _gone(receive)
    pending.leave()


async def unless_gone(receive: Receive, future: asyncio.Future[Found]) -> Found | None:
    """What a future gives; when the client goes away before, it is cancelled and this is None."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        either: set[asyncio.Future[Any]] = {gone, future}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return future.result() if future.done() else None
    finally:
        gone.cancel()
        future.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
