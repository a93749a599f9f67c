"""kill -9 of the trainer at any moment: the job succeeds as if nothing had happened. The real trainer, the
nano base."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.factories import a_file, principal_of
from tunesmith.data.base import Catalog
from tunesmith.jobs.creation import CreateJob, create_job
from tunesmith.jobs.scheduler import Scheduler
from tunesmith.settings import NANO, Settings
from tunesmith.store import checkpoints, events, jobs, models
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import EventRow, JobRow

STEPS = 27
ROWS = [
    {
        "messages": [
            {"role": "user", "content": f"What is {n}?"},
            {"role": "assistant", "content": f"It is {n}."},
        ]
    }
    for n in range(10)
]


class Office:
    """One server's office without its HTTP."""

    def __init__(self, data: Path) -> None:
        # one thread: sums in one order, so equal runs are equal to the bit
        self.settings = Settings(data=data, trainer_threads=1, snapshot_every_s=0, trainer_niceness=0)
        self.db = Database.open(self.settings.database_url)
        self.blobs = Blobs(self.settings.objects_url)
        self.catalog = Catalog.open([NANO], {}, cache=data / "digests.json")
        self.who = principal_of(self.db)
        self.file = a_file(self.db, self.who, self.blobs, "\n".join(map(json.dumps, ROWS)).encode()).id
        self.start()

    def start(self) -> None:
        self.scheduler = Scheduler(self.db, self.blobs, self.catalog, self.settings)
        self.scheduler.start()

    def create(self) -> str:
        hyperparameters = {"n_epochs": 9, "batch_size": 4}
        request = CreateJob(
            model="gpt-4o-mini",
            training_file=self.file,
            validation_file=self.file,
            seed=5,
            method={"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        )
        job = create_job(self.db, self.catalog, self.who, request)
        self.scheduler.wake()
        return job.id

    def get(self, job_id: str) -> JobRow:
        return jobs.get(self.db, self.who.project_id, job_id)

    def story(self, job_id: str) -> list[EventRow]:
        return events.list_page(self.db, self.who.project_id, job_id, limit=1000).rows[::-1]

    def until(self, job_id: str, done: Callable[[JobRow], bool], timeout_s: float = 150) -> JobRow:
        deadline = time.monotonic() + timeout_s
        while not done(job := self.get(job_id)):
            assert job.status not in ("succeeded", "failed", "cancelled"), job
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        return job

    def adapter_sha256(self, job: JobRow) -> str:
        """Of the final model's weights."""
        assert job.fine_tuned_model is not None
        model = models.get_by_name(self.db, self.who.project_id, job.fine_tuned_model)
        assert model is not None
        return str(self.blobs.manifest(model.prefix)["adapter_model.safetensors"]["sha256"])

    def curve(self, job: JobRow) -> list[dict]:
        """The data of the metrics events in the order told, but for the speed."""
        return [
            {name: value for name, value in event.data.items() if name != "tokens_per_s"}
            for event in events.of_type(self.db, job.id, "metrics")
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.scheduler.stop()
    office.db.close()


@pytest.mark.timeout(300)  # four starts of a trainer: half a minute on a quiet machine
def test_a_job_whose_trainer_is_killed_equals_one_that_ran_through(office: Office) -> None:
    plain = office.until(office.create(), lambda job: job.status == "succeeded")
    assert plain.attempt == 1

    job_id = office.create()
    # before any snapshot: nothing is there to resume from
    first = office.until(job_id, lambda job: job.attempt == 1 and job.worker is not None)
    _kill(first)
    # in the middle
    second = office.until(job_id, lambda job: job.attempt == 2 and job.snapshot is not None and job.step >= 3)
    _kill(second)
    job = office.until(job_id, lambda job: job.status == "succeeded")

    assert job.attempt == 3
    assert [data["step"] for data in office.curve(job)] == list(range(1, STEPS + 1))
    assert office.curve(job) == office.curve(plain)
    assert job.trained_tokens == plain.trained_tokens
    assert office.adapter_sha256(job) == office.adapter_sha256(plain)
    result, plain_result = (office.blobs.get(f"files/{j.result_files[0]}") for j in (job, plain))
    assert result == plain_result
    assert result.count(b"\n") == 1 + STEPS
    steps, plain_steps = ([c.step for c in checkpoints.of_job(office.db, j.id)] for j in (job, plain))
    assert steps == plain_steps
    assert all(models.find(office.db, c.model_id) for c in checkpoints.of_job(office.db, job.id))

    story = office.story(job_id)
    assert len({(event.kind, event.step) for event in story}) == len(story)
    messages = [event.message for event in story]
    assert sum(message.startswith("Fine-tuning job started") for message in messages) == 1
    assert messages[-1] == "The job has successfully completed"
    assert sum("SIGKILL" in message for message in messages) == 2
    assert any(message.startswith("Training resumed from step") for message in messages)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_that_stops_and_one_that_is_killed_lose_nothing_of_a_running_job(office: Office) -> None:
    job_id = office.create()
    # a stop: the trainer snapshots and leaves, the next start resumes
    begun = office.until(job_id, lambda job: job.attempt == 1 and job.step >= 2)
    office.scheduler.stop()
    given_back = office.get(job_id)
    assert (given_back.status, given_back.crashes) == ("queued", 0)
    assert given_back.snapshot is not None and given_back.snapshot["step"] >= begun.step
    # a stop while the trainer is still loading: it leaves at once
    office.start()
    office.until(job_id, lambda job: job.attempt == 2 and job.worker is not None)
    before = time.monotonic()
    office.scheduler.stop()
    assert time.monotonic() - before < 10
    assert office.get(job_id).status == "queued"
    # a kill of the server alone: its worker goes on, the next server finds it
    office.start()
    trained = office.until(job_id, lambda job: job.attempt == 3 and job.step > given_back.step)
    orphans = _vanish(office.scheduler)
    office.start()
    job = office.until(job_id, lambda job: job.status == "succeeded")
    assert (job.attempt, job.worker) == (3, trained.worker)
    assert [data["step"] for data in office.curve(job)] == list(range(1, STEPS + 1))
    for orphan in orphans:
        orphan.wait()


def _vanish(scheduler: Scheduler) -> list[subprocess.Popen[bytes]]:
    """What kill -9 leaves of a scheduler: nothing that runs, and workers that do."""
    scheduler._stopping.set()
    scheduler.wake()
    for thread in scheduler._threads:
        thread.join()
    return [worker.popen for worker in scheduler._workers.values() if worker.popen is not None]


def _kill(job: JobRow) -> None:
    assert job.worker is not None
    os.kill(job.worker["pid"], signal.SIGKILL)
