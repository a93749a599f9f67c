"""Looks after all batches of one server: begins those that are due, halts those whose state has changed.

The database says what there is to do; the runner only remembers which runs are under way. Nothing is lost
with it: after a crash the next one finds the same rows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from tunesmith import ids
from tunesmith.api.batches.asking import Desk
from tunesmith.api.batches.run import Run
from tunesmith.api.office import Office
from tunesmith.store import batches
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database

log = logging.getLogger("tunesmith.batches")

TICK_S = 1.0
"""Seconds between two looks at batches that are under way."""
IDLE_TICK_S = 15.0
"""The same while there are none; a new one wakes the runner."""
MAX_RUNS = 32
"""Batches under way at one time; each holds a page of its input and a few answers in memory."""
MAX_RUNS_PER_PROJECT = 4
"""So that one project's many batches leave room for others'."""
FIRST_RETRY_S = 2.0
MAX_RETRY_S = 60.0
"""Seconds until a batch whose run failed is begun again: at first, and at most."""
STOP_TIMEOUT_S = 5.0
"""Seconds that runs get to write what they have when the server stops."""


class BatchRunner:
    """Begins and ends runs. One per server, on its event loop."""

    def __init__(self, app: ASGIApp, office: Office) -> None:
        self._app, self._office = app, office
        self._runs: dict[str, tuple[Run, str, asyncio.Task[None]]] = {}
        """By batch: its run, its project, and the task that carries it on."""
        self._failures: dict[str, tuple[int, float]] = {}
        """By batch: how many runs failed in a row, and from when on it is tried again."""
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._desk: Desk | None = None
        self._swept = False
        self._stopping = False

    def start(self) -> None:
        """Begins to look; runs begin once the base models have been read."""
        self._desk = Desk(self._app, self._office, asyncio.Semaphore(self._office.settings.batch_concurrency))
        self._task = asyncio.create_task(self._look_after(), name="batches")

    def wake(self) -> None:
        """Looks at once: a batch was made or cancelled."""
        self._woken.set()

    async def stop(self) -> None:
        """Writes what has been answered and ends; what is being asked is asked again after the next start."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        tasks = {task for _, _, task in self._runs.values()}
        for run, _, _ in self._runs.values():
            run.leave(at_once=True)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)

    async def _look_after(self) -> None:
        while not self._stopping:  # Python 3.11's wait_for swallows a cancel that comes with the wake-up
            self._woken.clear()
            busy = True
            try:
                busy = await self._look()
            except Exception:
                log.exception("the batches could not be looked at")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK_S if busy else IDLE_TICK_S)

    async def _look(self) -> bool:
        """One look at all live batches; whether there is anything to look at again soon."""
        office = self._office
        if office.draining:
            for run, _, _ in self._runs.values():
                run.leave()
            return True
        if office.assembly is None:
            return True
        if not self._swept:
            await run_in_threadpool(_sweep, office.db, office.blobs)
            self._swept = True
        live = await run_in_threadpool(batches.live, office.db)
        per_project = Counter(project_id for _, project_id, _ in self._runs.values())
        now, now_s = ids.now(), time.monotonic()
        for batch in live:
            ends = batch.status == batches.CANCELLING
            if batch.status in (batches.VALIDATING, batches.IN_PROGRESS):
                if batch.is_archived:  # a project that may ask nothing has no lines answered either
                    await run_in_threadpool(batches.move, office.db, batch.id, batches.CANCELLING)
                ends = batch.is_archived or now >= batch.expires_at
            if batch.id in self._runs:
                if ends:
                    self._runs[batch.id][0].halt()
                continue
            if self._failures.get(batch.id, (0, 0.0))[1] > now_s:
                continue
            room = len(self._runs) < MAX_RUNS and per_project[batch.project_id] < MAX_RUNS_PER_PROJECT
            if room or ends:
                self._begin(batch)
                per_project[batch.project_id] += 1
        return bool(live)

    def _begin(self, batch: batches.LiveBatch) -> None:
        assert self._desk is not None
        run = Run(self._desk, batch.id)
        task = asyncio.create_task(run.carry_on(), name=batch.id)
        self._runs[batch.id] = (run, batch.project_id, task)
        task.add_done_callback(lambda task: self._ended(batch.id, task))

    def _ended(self, batch_id: str, task: asyncio.Task[None]) -> None:
        del self._runs[batch_id]
        self._woken.set()
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._failures.pop(batch_id, None)
            return
        failed = self._failures.get(batch_id, (0, 0.0))[0] + 1
        retry_s = min(FIRST_RETRY_S * 2 ** min(failed - 1, 10), MAX_RETRY_S)
        self._failures[batch_id] = (failed, time.monotonic() + retry_s)
        log.error("a batch is begun again later", exc_info=error, extra={"batch": batch_id, "in_s": retry_s})


def _sweep(db: Database, blobs: Blobs) -> None:
    """Removes segments of batches that ended just before the last server did."""
    for batch_id, _ in blobs.folders("batches"):
        row = batches.find(db, batch_id)
        if row is None or row.status in batches.TERMINAL:
            blobs.delete_prefix(f"batches/{batch_id}")
