"""A full disk is the machine's trouble: jobs wait for room, with what they have, and fail of nothing."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from safetensors import SafetensorError

from tests.jobs.office import wait
from tests.workers.conftest import Office
from tests.workers.test_training import Script
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.lease import claim
from tunesmith.jobs.leaving import TRY_LATER
from tunesmith.store import jobs
from tunesmith.train import trainer
from tunesmith.workers import training
from tunesmith.workers.hold import Hold


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A worker's `main` takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def work(office: Office) -> int:
    """One attempt, by the worker's own `main`."""
    job = claim(office.db, device="cpu")
    assert job is not None
    environment = WorkerEnvironment(
        database_url=office.settings.database_url,
        objects_url=office.settings.objects_url,
        attempt=job.attempt,
        worker_token=job.worker_token or "",
        work=office.folder / "work" / f"{job.id}-{job.attempt}",
        digests=office.folder / "digests.json",
        threads=1,
        device="cpu",
        snapshot_every_s=0,
        niceness=0,
        followers=office.folder / "wandb",
    )
    return training.main([job.id], environment.variables())


@pytest.mark.parametrize(
    "error",
    [
        StorageFull("The disk that holds the objects is full; make room and try again."),
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_full_disk_sends_a_job_back_to_the_queue_with_its_snapshot(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    script = Script(snapshots=(2,))
    script.stop_after, script.error = 3, error
    monkeypatch.setattr(trainer, "train", script)
    for _ in range(2):
        assert work(office) == TRY_LATER
        job = office.get()
        assert (job.status, job.crashes, job.error) == ("queued", 0, None)
        assert job.snapshot is not None and job.snapshot["step"] == 2
    told = [event.message for event in office.story() if event.kind in ("waiting", "interrupted")]
    assert told == ["Training waits at step 2 (the disk is full) and is tried again"]

    monkeypatch.setattr(trainer, "train", Script())
    assert work(office) == 0
    assert office.get().status == "succeeded"


def test_where_not_even_a_row_has_room_the_exit_status_says_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise StorageFull("The disk that holds the database is full; make room and try again.")

    script = Script()
    script.stop_after, script.error = 1, StorageFull("full")
    monkeypatch.setattr(trainer, "train", script)
    monkeypatch.setattr(training, "let_go", no_room)
    assert work(office) == TRY_LATER
    assert office.get().status == "running", "the scheduler sends it back"


def test_an_error_of_another_kind_still_ends_the_process(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    script.stop_after, script.error = 1, OSError(errno.EIO, "Input/output error")
    monkeypatch.setattr(trainer, "train", script)
    with pytest.raises(OSError, match="Input/output"):
        work(office)


@pytest.mark.parametrize("error", [StorageFull("full"), StoreBusy("away")], ids=lambda e: type(e).__name__)
def test_the_heartbeat_outlives_writes_that_fail(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    job = claim(office.db, device="cpu")
    assert job is not None
    plain, failed = jobs.record, []

    def record(*arguments: Any, **more: Any) -> bool:
        if len(failed) < 2:
            failed.append(arguments)
            raise error
        return plain(*arguments, **more)

    monkeypatch.setattr(jobs, "record", record)
    with Hold(office.db, job.id, job.attempt, heartbeat_s=0.02):
        wait(lambda: office.get().heartbeat >= 3)
    assert len(failed) == 2
