"""An office and one claimed job for each test; the trainer is a scripted generator unless a test says
otherwise."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.factories import a_file, principal_of
from tunesmith.data.base import Catalog
from tunesmith.jobs.creation import CreateJob, create_job
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.lease import claim
from tunesmith.jobs.validate import validate_job
from tunesmith.settings import NANO, Settings
from tunesmith.store import events, jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import EventRow, JobRow
from tunesmith.workers.attempt import Attempt
from tunesmith.workers.hold import Hold

ROW = {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]}


class Office:
    """One job on its way, and attempts at it."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.settings = Settings(data=folder)
        self.folder, self.catalog = folder, catalog
        self.db = Database.open(self.settings.database_url)
        self.blobs = Blobs(self.settings.objects_url)
        self.who = principal_of(self.db)
        self.leave = threading.Event()
        self.hold: Hold | None = None
        self.job_id = self.create()

    def create(self, **asked: Any) -> str:
        """A queued job."""
        data = "\n".join([json.dumps(ROW)] * 10).encode()
        asked = {"training_file": a_file(self.db, self.who, self.blobs, data).id, **asked}
        job = create_job(self.db, self.catalog, self.who, CreateJob(**{"model": "gpt-4o-mini", **asked}))
        validate_job(self.db, self.blobs, self.catalog, job)
        return job.id

    def attempt(self, train: Callable[..., Iterator[Any]], job: JobRow | None = None) -> JobRow:
        """Claims the job, tries it with this trainer in this process, and returns the row afterwards."""
        job = job or claim(self.db, device="cpu")
        assert job is not None
        environment = WorkerEnvironment(
            database_url=self.settings.database_url,
            objects_url=self.settings.objects_url,
            attempt=job.attempt,
            worker_token=job.worker_token or "",
            work=self.folder / "work" / f"{job.id}-{job.attempt}",
            digests=self.folder / "digests.json",
            threads=1,
            device="cpu",
            snapshot_every_s=0,
            niceness=0,
            followers=self.folder / "wandb",
        )
        environment.work.mkdir(parents=True)
        with Hold(self.db, job.id, job.attempt, leave=self.leave.set, heartbeat_s=0.05) as hold:
            self.hold = hold
            attempt = Attempt(self.db, self.blobs, job, hold, environment, leave=self.leave, train=train)
            try:
                attempt.run()
            finally:
                attempt.following.end(self.get(job.id).status)
                attempt.following.say_goodbye()
        return self.get(job.id)

    def get(self, job_id: str | None = None) -> JobRow:
        """The job's row."""
        return jobs.get(self.db, self.who.project_id, job_id or self.job_id)

    def story(self, job_id: str | None = None) -> list[EventRow]:
        """The job's events, oldest first."""
        return events.list_page(self.db, self.who.project_id, job_id or self.job_id, limit=500).rows[::-1]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.open([NANO], {})


@pytest.fixture
def office(tmp_path: Path, catalog: Catalog) -> Iterator[Office]:
    office = Office(tmp_path, catalog)
    yield office
    office.db.close()
