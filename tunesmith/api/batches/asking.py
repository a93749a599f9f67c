"""The lines of one batch on their way through their route: which is asked next, and which once more.

A line that fails is tried a few times; a route that says "later" makes the whole batch pause. Outcomes go to
`api/batches/output.py`, and what a single answer means is `api/batches/call.py`'s.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import deque
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from tunesmith import ids
from tunesmith.api.batches.call import LATER, MAX_TRIES, Answer, answered, ask, delay_s
from tunesmith.api.batches.input import InputReader, Line
from tunesmith.api.batches.output import Outcomes
from tunesmith.api.office import Office
from tunesmith.store.rows import BatchRow, Principal

log = logging.getLogger("tunesmith.batches")

MAX_UNAVAILABLE = 120
"""Times that a line may find the engine away, an hour or so; then that is its outcome."""


@dataclass(frozen=True)
class Desk:
    """What the runs of one server share."""

    app: ASGIApp
    office: Office
    slots: asyncio.Semaphore
    """One for each line that may be asked now. First come, first served, and each run waits for one at a
    time: so batches take turns, line by line."""


def principal_of(row: BatchRow) -> Principal:
    """Whom the lines speak for: the key that made the batch, without an admin's powers."""
    return Principal(
        key_id=row.key_id,
        project_id=row.project_id,
        organization_id=row.organization_id,
        is_admin=False,
    )


class Asking:
    """Asks lines through their route, as many at a time as the desk has slots."""

    def __init__(
        self, desk: Desk, row: BatchRow, reader: InputReader, outcomes: Outcomes, gone: asyncio.Event
    ) -> None:
        self._desk, self._row, self._reader, self._outcomes, self._gone = desk, row, reader, outcomes, gone
        self._principal = principal_of(row)
        self._page: deque[Line] = deque()
        self._at_end = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._again: list[tuple[float, int, Line]] = []
        """Lines for another try, with the moment from which on, as a heap."""
        self._tries: dict[int, int] = {}
        """Failed tries of lines whose route fails."""
        self._paused_until_s = 0.0
        self._pauses = 0
        """Pauses in a row since a line last had its outcome."""
        self._n_outcomes = 0
        self._unavailable: dict[int, _Unavailable] = {}
        """Lines that found the engine away."""

    async def all_lines(self) -> None:
        """Returns when every line has its outcome. Raises ObjectMissing, ObjectCorrupt."""
        while True:
            await self._outcomes.room.wait()
            line = await self._next()
            if line is None:
                return
            await self._desk.slots.acquire()
            task = asyncio.create_task(self._answer(line))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def under_way(self) -> None:
        """Waits for the lines that are being asked now."""
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._desk.slots.release()
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a line's task failed", exc_info=error, extra={"batch": self._row.id})

    async def _next(self) -> Line | None:
        """The next line to ask, once it may be asked; None when all have their outcome."""
        while True:
            pause_s = self._paused_until_s - time.monotonic()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            elif self._again and self._again[0][0] <= time.monotonic():
                return heapq.heappop(self._again)[2]
            elif self._page:
                return self._page.popleft()
            elif not self._at_end:
                self._page.extend(await run_in_threadpool(self._reader.next_page))
                self._at_end = not self._page
            elif self._again:
                await asyncio.sleep(max(self._again[0][0] - time.monotonic(), 0.001))
            elif self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            else:
                return None

    async def _answer(self, line: Line) -> None:
        answer = await ask(self._desk.app, self._row.endpoint, line.body, self._principal, self._gone)
        if answer is None:
            return
        now_s = time.monotonic()
        tries = 1 + (self._pauses if answer.status in LATER else self._tries.get(line.number, 0))
        wait_s = None if self._takes_the_engine_away(line, answer) else delay_s(answer, tries)
        if wait_s is None:
            self._tries.pop(line.number, None)
            self._unavailable.pop(line.number, None)
            self._n_outcomes += 1
            self._pauses = 0
            data, tokens = answered(ids.new_id("batch_request"), line.custom_id, answer)
            self._outcomes.add(line.number, data, completed=answer.status < 400, tokens=tokens)
            return
        heapq.heappush(self._again, (now_s + wait_s, line.number, line))
        if answer.status in LATER:  # it is not about this line: the others would hear the same
            if now_s >= self._paused_until_s:
                self._pauses += 1
            self._paused_until_s = max(self._paused_until_s, now_s + wait_s)
        else:
            self._tries[line.number] = tries

    def _takes_the_engine_away(self, line: Line, answer: Answer) -> bool:
        """Whether the engine is away for this line again and again: asking it on would end it for everyone.

        It counts against the line when others were answered since its last try, so an engine that is simply
        away for a while costs no line its answer.
        """
        if answer.status != 503:
            return False
        known = self._unavailable.setdefault(line.number, _Unavailable(self._n_outcomes))
        known.n += 1
        known.n_while_others_were_answered += self._n_outcomes > known.n_outcomes
        known.n_outcomes = self._n_outcomes
        return known.n_while_others_were_answered >= MAX_TRIES or known.n >= MAX_UNAVAILABLE


@dataclass
class _Unavailable:
    """How often a line found the engine away."""

    n_outcomes: int
    """Outcomes of the run at that time."""
    n: int = 0
    n_while_others_were_answered: int = 0
