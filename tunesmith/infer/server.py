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
from starlette.types import Receive

from tunesmith.errors import EngineUnavailable, InvalidRequest, NotFound, PayloadTooLarge, TunesmithError
from tunesmith.infer.adapter_pool import LoadedAdapter
from tunesmith.infer.complaints import PARAM
from tunesmith.infer.delivery import Pending, TokenStream, hand_out, unless_gone, watch
from tunesmith.infer.embedding_protocol import EmbeddingRequest, embeddings_body
from tunesmith.infer.engine import Engine, Output
from tunesmith.infer.grammar import Grammar, Grammars
from tunesmith.infer.loop import EngineThread
from tunesmith.infer.metrics import exposition
from tunesmith.infer.pooling import Pooling
from tunesmith.infer.protocol import (
    MAX_BODY_BYTES,
    Answer,
    EngineFailed,
    parse,
    parse_completion,
)
from tunesmith.infer.sequence import SamplingParams, Sequence

MAX_EMBEDDING_REQUESTS = 64
"""Requests for embeddings, each of up to 2048 inputs, that are computed or wait at one time."""


class LoadAdapter(BaseModel):
    """`POST /v1/load_lora_adapter`."""

    lora_name: str = Field(min_length=1, max_length=256)
    lora_path: str = Field(min_length=1, max_length=4096)
    load_inplace: bool = False


class UnloadAdapter(BaseModel):
    """`POST /v1/unload_lora_adapter`."""

    lora_name: str = Field(min_length=1, max_length=256)


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
        grammars: Grammars | None = None,
        pooling: Pooling | None = "weighted_mean",
    ) -> None:
        """Without `grammars`, structured answers are refused; without `pooling`, embeddings."""
        self._engine = engine
        self._pooling = pooling
        self._n_embedding = 0
        self._grammars = grammars
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
                Route("/v1/embeddings", self.embed, methods=["POST"]),
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
        if self._grammars:
            self._grammars.warm_up()
        try:
            yield
        finally:
            if self._grammars:
                self._grammars.close()
            self.thread.stop()
            await run_in_threadpool(self.thread.join, 5.0)

    async def complete(self, request: Request) -> Response:
        """`POST /v1/completions`."""
        asked = parse_completion(await _body(request))
        adapter = self._adapter(asked.model)
        params = asked.sampling(**self._limits)
        if self.thread.n_waiting >= self._max_waiting:
            raise EngineUnavailable(
                f"{self._max_waiting} requests are waiting for the engine already; try again later",
                headers={"Retry-After": "1"},
            )
        matcher = None
        if asked.structured_outputs is not None:
            grammar = await self._grammar(asked.structured_outputs, asked.cache_salt, request.receive)
            if grammar is None:
                return Response(status_code=499)
            matcher = grammar.begin()
        pending = Pending()
        sequence = Sequence(asked.prompt, params, adapter, pending, matcher)
        answer = Answer(asked, sequence)
        self.thread.submit(sequence)
        if asked.stream:
            return TokenStream(answer, pending, lambda: self.thread.abort(sequence))
        return await self._whole(request.receive, answer, pending, sequence)

    def _adapter(self, model: str) -> LoadedAdapter | None:
        """The adapter of this name, None for the base."""
        if model == self._base_id:
            return None
        adapter = self._adapters.get(model)
        if adapter is None:
            raise NotFound(f"The model `{model}` does not exist.", param="model", code="model_not_found")
        return adapter

    async def embed(self, request: Request) -> Response:
        """`POST /v1/embeddings`."""
        asked = parse(EmbeddingRequest, await _body(request))
        adapter = self._adapter(asked.model)
        asked.check(**self._limits)
        if self._pooling is None:
            raise InvalidRequest("This base's architecture gives no hidden states to make vectors of")
        if self._n_embedding >= MAX_EMBEDDING_REQUESTS:
            raise EngineUnavailable(
                f"{self._n_embedding} requests for embeddings are waiting already; try again later",
                headers={"Retry-After": "1"},
            )
        pending = Pending()
        params = SamplingParams(max_tokens=0, pooling=self._pooling)
        sequences = [Sequence(tokens, params, adapter, pending) for tokens in asked.input]
        watcher = asyncio.ensure_future(watch(request.receive, pending))
        self._n_embedding += 1
        self.thread.submit(*sequences)
        try:
            n_left = len(sequences)
            while n_left:
                outputs = await pending.take()
                if not outputs:
                    return Response(status_code=499)
                if any(output.finish_reason == "error" for output in outputs):
                    raise EngineFailed("The engine failed while computing an embedding; its log says why")
                n_left -= len(outputs)
        finally:
            self._n_embedding -= 1
            watcher.cancel()
            self.thread.abort(*sequences)
        vectors = [sequence.pool.vector() for sequence in sequences if sequence.pool is not None]
        body = await run_in_threadpool(embeddings_body, asked, vectors)
        return Response(body, media_type="application/json")

    async def _grammar(
        self, structured: dict[str, Any], project: str | None, receive: Receive
    ) -> Grammar | None:
        """The grammar that the answer must follow; None when the client left before it was compiled."""
        if self._grammars is None:
            raise InvalidRequest("structured_outputs is not supported by this engine", param=PARAM)
        return await unless_gone(receive, asyncio.wrap_future(self._grammars.compile(structured, project)))

    async def _whole(
        self, receive: Receive, answer: Answer, pending: Pending, sequence: Sequence
    ) -> Response:
        watcher = asyncio.ensure_future(watch(receive, pending))
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
            failure = answer.failure()
            return JSONResponse(failure.body(), failure.status)
        return Response(answer.whole(outputs), media_type="application/json")

    def _deliver(self, outputs: list[Output]) -> None:
        """The engine's thread hands a step's outputs over."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(hand_out, outputs)

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
        """`GET /health`: 200 while the engine's thread lives, and for how long it has been in one step."""
        status = 200 if self.thread.is_alive() else 503
        return JSONResponse({"busy_s": round(self.thread.busy_s, 3)}, status)

    async def metrics(self, _: Request) -> Response:
        """`GET /metrics`: Prometheus' text format."""
        return PlainTextResponse(exposition(self._engine, self.thread.n_waiting))


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
