"""A worker's hold on its job: every write goes through it, and a thread keeps the heartbeat going in between.

Lost hold is lost for good: the job was cancelled, has ended, or is another attempt's. The worker then stops,
and if it cannot, it is ended from here. When the job was paused, the hold lasts until the worker has left.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection

from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs.states import RUNNING
from tunesmith.store import jobs
from tunesmith.store.database import Database
from tunesmith.store.jobs import LeaseLost
from tunesmith.store.rows import EventRow

#: Seconds between signs of life; also how soon a cancellation is noticed.
HEARTBEAT_S = 1.0
#: Seconds for which the database may be away, or have no room, before the worker gives up.
OUTAGE_S = 300.0
#: Seconds without any sign of the trainer after which the worker counts as stuck and stops its heartbeat.
STALL_S = 1800.0
#: Seconds that the training loop gets to notice that the hold is lost.
GRACE_S = 4.0


class Hold:
    """One attempt's hold on one job."""

    def __init__(
        self,
        db: Database,
        job_id: str,
        attempt: int,
        *,
        abandon: Callable[[], None] = lambda: None,
        leave: Callable[[], None] = lambda: None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """`abandon` ends the process when the training loop does not notice that the hold is lost. `leave`
        makes that loop save and go; it is called, from whichever thread, when the job is found paused."""
        self._db = db
        self._job_id = job_id
        self._attempt = attempt
        self._abandon = abandon
        self._leave = leave
        self._heartbeat_s = heartbeat_s
        self._last_write = self._last_progress = time.monotonic()
        self._closed = threading.Event()
        self.lost = threading.Event()
        """Set as soon as a heartbeat finds that the job is no longer ours."""
        self.leaving = threading.Event()
        """Set as soon as a write finds that the job was paused: there is time for a last snapshot."""
        self._thread = threading.Thread(target=self._beat, name="tunesmith-heartbeat", daemon=True)

    def __enter__(self) -> Hold:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def progress(self) -> None:
        """The training loop is alive."""
        self._last_progress = time.monotonic()

    def record(
        self,
        events: Iterable[EventRow] = (),
        *,
        then: Callable[[Connection], None] | None = None,
        **changes: Any,
    ) -> None:
        """Writes events, columns of the job and whatever `then` adds, in one transaction that renews the
        hold.

        Waits out a database that is busy, away or without room. Raises LeaseLost, and then nothing was
        written.
        """
        events = list(events)
        deadline = time.monotonic() + OUTAGE_S
        while True:
            try:
                with self._db.write() as connection:
                    leaving = jobs.record(
                        connection, self._job_id, self._attempt, running=RUNNING, events=events, **changes
                    )
                    if then is not None:
                        then(connection)
                self._last_write = time.monotonic()
                if leaving and not self.leaving.is_set():
                    self.leaving.set()
                    self._leave()
                return
            except LeaseLost:
                self.lost.set()
                raise
            except (StoreBusy, StorageFull):
                if time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.2, 1.0))

    def _beat(self) -> None:
        while not self._closed.wait(self._heartbeat_s):
            now = time.monotonic()
            if now - self._last_progress > STALL_S:
                return
            if now - self._last_write < self._heartbeat_s * 0.8:
                continue
            try:
                self.record()
            except LeaseLost:
                if not self._closed.wait(GRACE_S):
                    self._abandon()
                return
            except (StoreBusy, StorageFull):
                continue
