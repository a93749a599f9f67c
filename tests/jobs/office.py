"""Schedulers with light workers on one database, and what a test asks of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.jobs.light_worker import stay_file
from tests.store.factories import a_job
from tunesmith.data.base import Catalog
from tunesmith.jobs.scheduler import Scheduler
from tunesmith.settings import Settings
from tunesmith.store import events, jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow, Principal

#: However busy the machine is: this is no measurement.
PATIENCE_S = 60.0
LIGHT = (sys.executable, str(Path(__file__).with_name("light_worker.py")))


class Office:
    """Schedulers on one database, and what a test asks of it."""

    def __init__(
        self, db: Database, blobs: Blobs, catalog: Catalog, who: Principal, settings: Settings
    ) -> None:
        self.db, self.who, self.settings = db, who, settings
        self._parts = (db, blobs, catalog)
        self.running: list[Scheduler] = []

    def start(self, **changes: object) -> Scheduler:
        settings = self.settings.model_copy(update=changes)
        scheduler = Scheduler(*self._parts, settings, program=LIGHT)
        scheduler.start()
        self.running.append(scheduler)
        return scheduler

    def stop(self) -> None:
        for scheduler in self.running:
            scheduler.stop()
        self.running.clear()

    def hold_back(self) -> None:
        """Workers that leave slowly stay until they are let go."""
        stay_file(self.settings.data).touch()

    def let_go(self) -> None:
        """Workers that leave slowly leave now."""
        stay_file(self.settings.data).unlink()

    def job(self, do: str) -> str:
        return a_job(self.db, self.who, metadata={"do": do}).id

    def get(self, job_id: str) -> JobRow:
        return jobs.get(self.db, self.who.project_id, job_id)

    def until(self, job_id: str, *states: str) -> JobRow:
        wait(lambda: self.get(job_id).status in states, lambda: str(self.get(job_id)))
        return self.get(job_id)

    def worker_of(self, job_id: str) -> dict:
        """The identity of the job's worker, once it has told it."""
        wait(lambda: self.get(job_id).worker is not None, lambda: str(self.get(job_id)))
        who = self.get(job_id).worker
        assert who is not None
        return who

    def story(self, job_id: str) -> list[str]:
        rows = events.list_page(self.db, self.who.project_id, job_id, limit=100).rows
        return [event.message for event in rows[::-1]]


def wait(done: Callable[[], bool], what: Callable[[], str] = lambda: "") -> None:
    """Waits for what takes a second on a quiet machine."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def vanish(scheduler: Scheduler) -> list[subprocess.Popen[bytes]]:
    """What kill -9 leaves of a scheduler: nothing that runs, and workers that do."""
    scheduler._stopping.set()
    scheduler.wake()
    for thread in scheduler._threads:
        thread.join()
    return [worker.popen for worker in scheduler._workers.values() if worker.popen is not None]
