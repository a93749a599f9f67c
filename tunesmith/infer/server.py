"""The engine's HTTP: vLLM's dialect on a Unix socket. The event loop is here, the steps are in `loop.py`'s
thread.

Tokens cross once per step: the thread hands over all outputs of a step with one wake-up, and each request's
task writes its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from tunesmith.errors import EngineUnavailable, InvalidRequest, NotFound, PayloadTooLarge, TunesmithError
from tunesmith.infer.engine import Engine, Output
from tunesmith.infer.loop import EngineThread
from tunesmith.infer.metrics import exposition
from tunesmith.infer.protocol import MAX_BODY_BYTES, Answer, failure_body, parse, parse_completion
from tunesmith.infer.sequence import Sequence


class LoadAdapter(BaseModel):
    """`POST /v1/load_lora_adapter`."""

    lora_name: str = Field(min_length=1, max_length=256)
    lora_path: str = Field(min_length=1, max_length=4096)
    load_inplace: bool = False


class UnloadAdapter(BaseModel):
    """`POST /v1/unload_lora_adapter`."""

    lora_name: str = Field(min_length=1, max_length=256)


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


class EngineServer:
    """One engine, its thread and its routes."""

    def __init__(
        self,
        engine: Engine,
        *,
        base_id: str,
        n_vocab: int,
        context_length: int,
        eos_token_ids: Collection[int],
        max_waiting: int,
        gave_up: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._adapters = engine.runner.adapters
        self._base_id = base_id
        self._limits: dict[str, Any] = {
            "n_vocab": n_vocab,
            "context_length": context_length,
            "eos_token_ids": eos_token_ids,
        }
        self._max_waiting = max_waiting
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loading: dict[str, asyncio.Lock] = {}
        self.thread = EngineThread(engine, self._deliver, gave_up)

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/v1/completions", self.complete, methods=["POST"]),
                Route("/v1/load_lora_adapter", self.load_adapter, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self.unload_adapter, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/health", self.health),
                Route("/metrics", self.metrics),
            ],
            exception_handlers={TunesmithError: _refuse},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> Any:
        self._loop = asyncio.get_running_loop()
        self.thread.start()
        try:
            yield
        finally:
            self.thread.stop()
            await run_in_threadpool(self.thread.join, 5.0)

    async def complete(self, request: Request) -> Response:
        """`POST /v1/completions`."""
        asked = parse_completion(await _body(request))
        adapter = None
        if asked.model != self._base_id:
            adapter = self._adapters.get(asked.model)
            if adapter is None:
                raise NotFound(
                    f"The model `{asked.model}` does not exist.", param="model", code="model_not_found"
                )
        params = asked.sampling(**self._limits)
        if self.thread.n_waiting >= self._max_waiting:
            raise EngineUnavailable(
                f"{self._max_waiting} requests are waiting for the engine already; try again later",
                headers={"Retry-After": "1"},
            )
        pending = Pending()
        sequence = Sequence(asked.prompt, params, adapter, pending)
        answer = Answer(asked, sequence)
        self.thread.submit(sequence)
        if asked.stream:
            return TokenStream(answer, pending, lambda: self.thread.abort(sequence))
        return await self._whole(request.receive, answer, pending, sequence)

    async def _whole(
        self, receive: Receive, answer: Answer, pending: Pending, sequence: Sequence
    ) -> Response:
        watcher = asyncio.ensure_future(_watch(receive, pending))
        outputs: list[Output] = []
        try:
            while not outputs or outputs[-1].finish_reason is None:
                new = await pending.take()
                if not new:
                    return Response(status_code=499)
                outputs += new
        finally:
            watcher.cancel()
            self.thread.abort(sequence)  # does nothing to one that finished
        if outputs[-1].finish_reason == "error":
            return JSONResponse(failure_body(), 500)
        return Response(answer.whole(outputs), media_type="application/json")

    def _deliver(self, outputs: list[Output]) -> None:
        """The engine's thread hands a step's outputs over."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(_hand_out, outputs)

    async def load_adapter(self, request: Request) -> Response:
        """`POST /v1/load_lora_adapter`: read and checked in a worker thread; a taken name is refused."""
        asked = parse(LoadAdapter, await _body(request))
        if asked.lora_name == self._base_id:
            raise InvalidRequest(f"lora_name {asked.lora_name} is the base's name", param="lora_name")
        lock = self._loading.setdefault(asked.lora_name, asyncio.Lock())
        async with lock:
            try:
                if self._adapters.get(asked.lora_name) and not asked.load_inplace:
                    raise InvalidRequest(
                        f"The lora adapter '{asked.lora_name}' has already been loaded.", param="lora_name"
                    )
                await run_in_threadpool(self._adapters.load, asked.lora_name, Path(asked.lora_path))
            finally:
                self._loading.pop(asked.lora_name, None)
        return PlainTextResponse(f"Success: LoRA adapter '{asked.lora_name}' added successfully.")

    async def unload_adapter(self, request: Request) -> Response:
        """`POST /v1/unload_lora_adapter`."""
        name = parse(UnloadAdapter, await _body(request)).lora_name
        if not self._adapters.unload(name):
            raise NotFound(f"The lora adapter '{name}' cannot be found.", param="lora_name")
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def models(self, _: Request) -> Response:
        """`GET /v1/models`: the base, and the adapters with the base as parent."""
        length = self._limits["context_length"]
        card = {"object": "model", "created": 0, "owned_by": "tunesmith"}
        data: list[dict[str, Any]] = [{"id": self._base_id, **card, "parent": None, "max_model_len": length}]
        data += [{"id": name, **card, "parent": self._base_id} for name in self._adapters.names]
        return JSONResponse({"object": "list", "data": data})

    async def health(self, _: Request) -> Response:
        """`GET /health`: 200 while the engine's thread lives."""
        return Response(status_code=200 if self.thread.is_alive() else 503)

    async def metrics(self, _: Request) -> Response:
        """`GET /metrics`: Prometheus' text format."""
        return PlainTextResponse(exposition(self._engine, self.thread.n_waiting))


class TokenStream(Response):
    """Server-sent events, written as tokens come; the client's leaving aborts within a step."""

    def __init__(self, answer: Answer, pending: Pending, abort: Callable[[], None]) -> None:
        self._answer = answer
        self._pending = pending
        self._abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.ensure_future(_watch(receive, self._pending))
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


def _hand_out(outputs: list[Output]) -> None:
    for output in outputs:
        pending = output.sequence.owner
        assert isinstance(pending, Pending)
        pending.push(output)


async def _watch(receive: Receive, pending: Pending) -> None:
    """Wait for the client to go away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    pending.leave()


async def _body(request: Request) -> bytes:
    body = bytearray()
    with contextlib.suppress(ClientDisconnect):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise PayloadTooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, TunesmithError)
    return Response(
        json.dumps(error.body()),
        status_code=error.status,
        media_type="application/json",
        headers=error.headers,
    )
