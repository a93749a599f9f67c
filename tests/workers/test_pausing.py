"""What a worker does when its job is paused: it saves, goes, and the next one begins where it stood."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from tests.workers.conftest import Office
from tests.workers.test_training import Script
from tunesmith.errors import TrainingDiverged
from tunesmith.jobs.control import pause, resume
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.lease import claim
from tunesmith.store import files, models
from tunesmith.store.jobs import LeaseLost
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import Finished, SnapshotSaved, Started, TrainEvent, Warned
from tunesmith.workers import training
from tunesmith.workers.hold import Hold


def when(done: Callable[[], bool], then: Callable[[], object]) -> threading.Thread:
    """Does something as soon as something else is so."""

    def look() -> None:
        while not done():
            time.sleep(0.01)
        then()

    thread = threading.Thread(target=look)
    thread.start()
    return thread


def test_a_paused_job_keeps_each_step_and_goes_on_after_the_last(office: Office) -> None:
    script = Script(total=400, per_epoch=100, pause_s=0.02)
    asking = when(
        lambda: office.get().step >= 1, lambda: pause(office.db, office.who.project_id, office.job_id)
    )
    job = office.attempt(script)
    asking.join()
    assert (job.status, job.attempt, job.crashes, job.leaving, job.worker) == ("paused", 1, 0, False, None)
    last = script.steps_done[-1]
    assert job.snapshot is not None and job.snapshot["step"] == last == job.step
    assert last < 300
    assert office.story()[-1].message == f"Fine-tuning job paused at step {last}"
    assert claim(office.db, device="cpu") is None

    resume(office.db, office.who.project_id, office.job_id)
    office.leave.clear()
    again = Script(total=last + 4, per_epoch=100)
    assert office.attempt(again).status == "succeeded"
    assert again.steps_done == list(range(last + 1, last + 5))
    told = [event.step for event in office.story() if event.type == "metrics"]
    assert told == list(range(1, last + 5))
    assert f"Training resumed from step {last}" in [event.message for event in office.story()]


def paused_when_finished(office: Office, script: Script) -> Script:
    """The script, with a pause between its last step and the publishing of its model."""
    plain = script._events

    def late(config: TrainConfig, request: threading.Event) -> Iterator[TrainEvent]:
        for event in plain(config, request):
            if isinstance(event, Finished):
                pause(office.db, office.who.project_id, office.job_id)
            yield event
        if script.ends_with_snapshot and request.is_set():
            folder = script._folder(config.out / "snapshots" / f"step-{script.total}", script.total)
            yield SnapshotSaved(step=script.total, folder=folder, trained_tokens=script.total * 50)

    script._events = late  # type: ignore[method-assign]
    return script


def test_paused_in_the_last_moment_there_is_no_model_and_no_step_is_done_again(office: Office) -> None:
    job = office.attempt(paused_when_finished(office, Script(total=4, snapshots=(2,))))
    assert (job.status, job.fine_tuned_model, job.leaving) == ("paused", None, False)
    assert models.list_all(office.db, office.who.project_id) == []
    assert files.list_page(office.db, office.who.project_id, purpose="fine-tune-results").rows == []
    assert office.story()[-1].message == "Fine-tuning job paused at step 4"

    resume(office.db, office.who.project_id, office.job_id)
    office.leave.clear()
    again = Script(total=4)
    assert office.attempt(again).status == "succeeded"
    assert again.steps_done == []


def test_a_last_moment_without_a_snapshot_is_done_again(office: Office) -> None:
    script = Script(total=4, snapshots=(2,))
    script.ends_with_snapshot = False
    with pytest.raises(LeaseLost):
        office.attempt(paused_when_finished(office, script))
    job = office.get()
    assert (job.status, job.fine_tuned_model) == ("paused", None)
    assert job.snapshot is not None and job.snapshot["step"] == 2


@pytest.fixture
def worker(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Runs the worker's program in this process with a scripted trainer; gives its exit status."""
    before = signal.getsignal(signal.SIGTERM)

    def run(train: Callable[..., Iterator[Any]], after_claim: Callable[[], object] = lambda: None) -> int:
        job = claim(office.db, device="cpu")
        assert job is not None and job.worker_token is not None
        environment = WorkerEnvironment(
            database_url=office.settings.database_url,
            objects_url=office.settings.objects_url,
            attempt=job.attempt,
            worker_token=job.worker_token,
            work=office.folder / "work" / f"{job.id}-{job.attempt}",
            digests=office.folder / "digests.json",
            threads=1,
            device="cpu",
            snapshot_every_s=0,
            niceness=0,
            followers=office.folder / "wandb",
        )
        environment.work.mkdir(parents=True)
        after_claim()
        monkeypatch.setattr(training, "Hold", partial(Hold, heartbeat_s=0.05))
        monkeypatch.setitem(sys.modules, "tunesmith.train.trainer", SimpleNamespace(train=train))  # no torch
        return training.main([job.id], environment.variables())

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("last_event", [None, Warned, Started])
def test_paused_before_its_first_step_it_goes_at_once(
    office: Office, worker: Callable[..., int], last_event: type | None
) -> None:
    busy = threading.Event()

    def slow(config: TrainConfig, **_: Any) -> Iterator[TrainEvent]:
        if last_event is not None:
            for event in Script()(config, snapshot_request=threading.Event()):
                yield event
                if isinstance(event, last_event):
                    break
        busy.set()
        time.sleep(60)

    asked_at = []

    def ask() -> None:
        asked_at.append(time.monotonic())
        pause(office.db, office.who.project_id, office.job_id)

    asking = when(busy.is_set, ask)
    assert worker(slow) == 0
    assert time.monotonic() - asked_at[0] < 20
    asking.join()
    job = office.get()
    assert (job.status, job.leaving, job.snapshot) == ("paused", False, None)
    assert [event.message for event in office.story()[-2:]] == [
        "Pausing fine-tuning job after the current step",
        "Fine-tuning job paused before its first step",
    ]


def test_paused_before_its_worker_has_begun_nothing_begins(
    office: Office, worker: Callable[..., int]
) -> None:
    script = Script()
    assert worker(script, after_claim=lambda: pause(office.db, office.who.project_id, office.job_id)) == 0
    assert script.configs == []
    assert office.get().status == "paused"


def test_a_step_that_fails_after_the_pause_does_not_fail_the_job(
    office: Office, worker: Callable[..., int]
) -> None:
    script = Script(total=6, snapshots=(2,))
    script.stop_after, script.error = 4, TrainingDiverged("The loss is no finite number in step 5")
    plain = script._events

    def failing(config: TrainConfig, request: threading.Event) -> Iterator[TrainEvent]:
        for event in plain(config, threading.Event()):
            if event.as_dict().get("step") == 4:
                pause(office.db, office.who.project_id, office.job_id)
            yield event

    script._events = failing  # type: ignore[method-assign]
    assert worker(script) == 0
    job = office.get()
    assert (job.status, job.error, job.leaving) == ("paused", None, False)
    assert office.story()[-1].message == (
        "Fine-tuning job paused at step 2 (The loss is no finite number in step 5); steps 3 to 4 will be "
        "trained again"
    )
