"""Leases: who may train a job, and when nobody does any more.

A claim gives a job the next attempt number, which every write of its worker must carry. A living worker makes
the job's `heartbeat` grow; one that has stood still for `lease_s` on the watcher's monotonic clock has lost
the job. No wall clock takes part, so a clock that jumps takes no job away and keeps none. A standstill counts
only while the watcher itself moves and can write: when the machine was frozen, or somebody held the database,
no heartbeat could grow, and all get a full lease anew.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from typing import Any

from tunesmith import ids
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs import messages
from tunesmith.jobs.states import QUEUED, RUNNING, move
from tunesmith.store import jobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow


def claim(
    db: Database,
    *,
    device: str,
    not_now: Collection[str] = (),
    method: Callable[[JobRow], dict[str, Any]] = lambda job: job.method,
) -> JobRow | None:
    """Gives `device` to the oldest queued job that is not in `not_now`; None when there is none.

    `method`: what the job shows from now on, with numbers for `auto`. Its forecast is of an earlier attempt.
    Whoever asks at the same time gets another job: the change is a compare-and-set. A job whose last worker
    is still leaving waits for it: its snapshot is where the next one begins.
    """
    waiting = jobs.in_state(db, QUEUED)
    for job in waiting:
        if job.id in not_now or job.leaving:
            continue
        claimed = move(
            db,
            job.id,
            RUNNING,
            only_from=QUEUED,
            expect_attempt=job.attempt,
            events=[messages.started(job.id)],
            attempt=job.attempt + 1,
            worker_token=secrets.token_hex(16),
            worker=None,
            device=device,
            device_until=ids.now_s(),
            started_at=job.started_at or ids.now(),
            method=method(job),
            estimated_finish=None,
        )
        if claimed is not None:
            return claimed
    return None


#: Seconds between two looks that are no standstill of the watcher's, however short the lease.
LOOK_S = 1.0


class LeaseWatch:
    """Sees heartbeats stand still."""

    def __init__(self, lease_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.lease_s = lease_s
        self._monotonic = monotonic
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        self._looked_at = monotonic()

    def expired(self, held: Collection[JobRow], write: Callable[[], None] = lambda: None) -> list[JobRow]:
        """Of the jobs that a worker holds now, those whose heartbeat has not moved for `lease_s` since it was
        first seen so.

        `write`: tries an empty write. It is asked at each look for the last third of a lease, which leaves
        workers that waited for the same lock the time to write before they are judged. StoreBusy and
        StorageFull mean that nobody can write.
        """
        now = self._monotonic()
        if now - self._looked_at > max(self.lease_s / 3, LOOK_S):
            self._seen = {}
        self._looked_at = now
        seen = {}
        for job in held:
            beat = (job.attempt, job.heartbeat)
            before = self._seen.get(job.id)
            seen[job.id] = before if before is not None and before[0] == beat else (beat, now)
        self._seen = seen
        quiet_s = {job.id: now - seen[job.id][1] for job in held}
        if any(seconds >= self.lease_s * 2 / 3 for seconds in quiet_s.values()) and not self._writes(write):
            self._seen = {}
            return []
        return [job for job in held if quiet_s[job.id] >= self.lease_s]

    def _writes(self, write: Callable[[], None]) -> bool:
        """Whether a write goes through, and at once."""
        began = self._monotonic()
        try:
            write()
        except (StoreBusy, StorageFull):
            return False
        return self._monotonic() - began < self.lease_s / 15
