"""What was served, counted: requests and tokens by minute, project, key, model and operation.

A route that generates says what it serves (`Served`) before it answers; the envelope counts it when the
answer has ended, however it ended. Counts gather in memory and go to the database in one write a second, so
a killed server loses at most the last second's. Reports and prices are made of the database elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.errors import TunesmithError
from tunesmith.store import usage
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal

log = logging.getLogger("tunesmith.metering")

FLUSH_EVERY_S = 1.0
"""Seconds that counts wait in memory; what a killed server loses at most."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one request is served: set as `request.scope["tunesmith.served"]` before the answer begins."""

    operation: str
    """`completions` (chat, legacy completions and responses alike), `embeddings` or `moderations`."""
    model: str
    """The name as the answer has it: a tuned model's own, or the wire name of a base."""
    tokens: Callable[[], tuple[int, int, int]]
    """Tokens so far: of the input, of those from a cache, of the output. Asked when the answer has ended."""


class Meter:
    """Counts what has been served. Lives on the event loop; one per server."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._counts: dict[usage.Key, usage.Count] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._writing = asyncio.Lock()

    def count(self, principal: Principal, served: Served, *, batch: bool) -> int:
        """Counts one request that has ended; returns its tokens, input and output together."""
        input_tokens, cached_tokens, output_tokens = served.tokens()
        now = ids.now()
        key = usage.Key(
            minute=now - now % 60,
            project_id=principal.project_id,
            key_id=principal.key_id,
            model=served.model,
            operation=served.operation,
            batch=batch,
        )
        one = usage.Count(1, input_tokens, cached_tokens, output_tokens)
        known = self._counts.get(key)
        self._counts[key] = one if known is None else known + one
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_soon(), name="metering")
        return input_tokens + output_tokens

    async def flush(self) -> None:
        """Writes all that has been counted until now; keeps it when the database cannot be written now."""
        async with self._writing:  # who comes while another writes waits: then everything is there to read
            counts, self._counts = self._counts, {}
            if not counts:
                return
            try:
                await run_in_threadpool(usage.add, self._db, counts)
            except Exception as error:
                known = isinstance(error, TunesmithError)
                log.warning("usage waits for the database", exc_info=None if known else error)
                for key, count in counts.items():
                    self._counts[key] = self._counts.get(key, usage.Count()) + count

    async def close(self) -> None:
        """Writes the rest, at the server's end."""
        self._closing.set()
        if self._flushing is not None:
            await self._flushing
        await self.flush()

    async def _flush_soon(self) -> None:
        try:
            while self._counts and not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), FLUSH_EVERY_S)
                await self.flush()
        finally:
            self._flushing = None
