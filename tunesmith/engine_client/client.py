"""One engine as an object: generate, load and unload adapters, health."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.engine_client.connection import ConnectionPool
from tunesmith.engine_client.messages import (
    GenerateRequest,
    TokenOutput,
    cached_tokens,
    outputs_of,
    refusal,
    vectors_of,
    whole_answer,
)
from tunesmith.errors import AdapterRefused, EngineUnavailable, NotFound, TunesmithError

EMBEDDINGS_PER_REQUEST = 256
"""Inputs of one request to the engine: bounds its body and its answer."""
HEALTH_TIMEOUT_S = 5.0
"""An engine that has not said by then that it is well is not."""


class EngineClient:
    """One engine and the base that it serves; for any number of concurrent requests in one event loop."""

    def __init__(
        self,
        address: str | Path,
        base_id: str,
        *,
        reload: Callable[[str], Awaitable[None]] | None = None,
        connections: ConnectionPool | None = None,
    ) -> None:
        """`address` is the path of a Unix socket or an http(s) URL. `reload(adapter_id)` is called once when
        the engine does not know the request's adapter, as after a restart; the request is then sent again."""
        self.base_id = base_id
        self._connections = connections or ConnectionPool(address)
        self._reload = reload

    async def generate(self, request: GenerateRequest) -> AsyncIterator[TokenOutput]:
        """The answer's tokens as they come; closing the iterator aborts the request.

        Raises InvalidRequest for what the engine refuses, NotFound for an unknown adapter, EngineUnavailable
        when the engine is not there or dies on the way.
        """
        body = json.dumps(request.body(request.adapter_id or self.base_id)).encode()
        async with contextlib.AsyncExitStack() as stack:
            response = await stack.enter_async_context(
                self._connections.request("POST", "/v1/completions", body)
            )
            if response.status == 404 and request.adapter_id and self._reload:
                await stack.aclose()
                await self._reload(request.adapter_id)
                response = await stack.enter_async_context(
                    self._connections.request("POST", "/v1/completions", body)
                )
            if response.status != 200:
                raise refusal(response.status, await response.read())
            if not request.streamed:
                for output in whole_answer(json.loads(await response.read()), request):
                    yield output
                return
            last: TokenOutput | None = None  # held back for the usage, which follows it at once
            async for event in response.events():
                for output in outputs_of(event, request):
                    if output.finish_reason is None:
                        yield output
                    else:
                        last = output
                if last is not None and event.get("usage"):
                    last = replace(last, cached_tokens=cached_tokens(event))
            if last is None:
                raise EngineUnavailable(
                    "The inference engine stopped in the middle of the answer; send the request again",
                    headers={"Retry-After": "1"},
                )
            yield last

    async def embed(
        self, inputs: Sequence[Sequence[int]], adapter_id: str | None = None
    ) -> list[Sequence[float]]:
        """One unit vector per input of token ids. Refuses and fails as `generate` does."""
        vectors: list[Sequence[float]] = []
        for start in range(0, len(inputs), EMBEDDINGS_PER_REQUEST):
            part = [list(tokens) for tokens in inputs[start : start + EMBEDDINGS_PER_REQUEST]]
            body = {"model": adapter_id or self.base_id, "input": part, "encoding_format": "base64"}
            try:
                answer = await self._call("/v1/embeddings", body)
            except NotFound:
                if adapter_id is None or self._reload is None:
                    raise
                await self._reload(adapter_id)
                answer = await self._call("/v1/embeddings", body)
            vectors += vectors_of(answer)
        return vectors

    async def load_adapter(self, adapter_id: str, folder: str | Path) -> None:
        """Make the adapter in `folder` (PEFT's format) answer to `adapter_id`; an adapter that is there
        already stays.

        Raises AdapterRefused when the folder does not hold an adapter of this base.
        """
        try:
            await self._call("/v1/load_lora_adapter", {"lora_name": adapter_id, "lora_path": str(folder)})
        except EngineUnavailable:
            raise
        except TunesmithError as error:
            if "already been loaded" not in error.message:
                raise AdapterRefused(f"The model's adapter cannot be loaded: {error.message}") from error

    async def unload_adapter(self, adapter_id: str) -> None:
        """Forget the adapter; requests that it is answering end well. One that is not loaded is no error."""
        with contextlib.suppress(NotFound):
            await self._call("/v1/unload_lora_adapter", {"lora_name": adapter_id})

    async def health(self) -> bool:
        """Whether the engine can answer now."""
        return await self.busy_s() is not None

    async def busy_s(self, timeout_s: float = HEALTH_TIMEOUT_S) -> float | None:
        """How long the engine has been computing its present step, 0 where it does not say; None when it is
        not well, or does not answer in time."""
        try:
            async with asyncio.timeout(timeout_s):
                async with self._connections.request("GET", "/health") as response:
                    body = await response.read()
                    if response.status != 200:
                        return None
            return float(json.loads(body)["busy_s"]) if body else 0.0
        except (EngineUnavailable, TimeoutError):
            return None
        except (ValueError, KeyError, TypeError):  # another engine, which says something else
            return 0.0

    async def metrics(self) -> str:
        """The engine's counters in Prometheus' text format."""
        async with self._connections.request("GET", "/metrics") as response:
            return (await response.read()).decode()

    def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()

    async def _call(self, path: str, body: dict[str, Any]) -> bytes:
        async with self._connections.request("POST", path, json.dumps(body).encode()) as response:
            answer = await response.read()
            if response.status != 200:
                raise refusal(response.status, answer)
            return answer
