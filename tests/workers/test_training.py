"""What a worker makes of the trainer's events, with a scripted trainer: rows, models, and one writer at a
time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import Office
from tunesmith.data.base import Catalog
from tunesmith.errors import BaseUnavailable, InvalidRequest, JobFailed, TrainingDiverged
from tunesmith.jobs.control import cancel
from tunesmith.jobs.lease import claim
from tunesmith.jobs.states import QUEUED, RUNNING, move
from tunesmith.store import checkpoints, files, models
from tunesmith.store.jobs import LeaseLost
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import (
    CheckpointSaved,
    Finished,
    SnapshotSaved,
    Started,
    StepMetrics,
    TrainEvent,
    Warned,
)
from tunesmith.workers.hold import Hold


class Script:
    """A trainer that learns nothing: `total` steps, an epoch each `per_epoch`, a snapshot at each of
    `snapshots`."""

    def __init__(
        self, total: int = 6, per_epoch: int = 2, snapshots: tuple[int, ...] = (), pause_s: float = 0
    ) -> None:
        self.total, self.per_epoch, self.snapshots, self.pause_s = total, per_epoch, snapshots, pause_s
        self.losses = {step: 1 / step for step in range(1, total + 1)}
        self.stop_after: int | None = None
        self.error: Exception | None = None
        self.configs: list[TrainConfig] = []
        self.steps_done: list[int] = []
        self.closed = False
        self.ends_with_snapshot = True
        """Whether it takes a snapshot that is asked for on Finished."""

    def __call__(
        self, config: TrainConfig, *, snapshot_request: threading.Event, **_: Any
    ) -> Iterator[TrainEvent]:
        self.configs.append(config)
        try:
            yield from self._events(config, snapshot_request)
        finally:
            self.closed = True

    def _events(self, config: TrainConfig, snapshot_request: threading.Event) -> Iterator[TrainEvent]:
        begin = 0
        if config.resume_from is not None:
            begin = json.loads((config.resume_from / "run.json").read_text())["step"]
        yield Warned(code="truncated", message="Line 3 was cut", data={"line": 3})
        yield Started(
            n_examples=10,
            n_valid_examples=0,
            steps_per_epoch=self.per_epoch,
            total_steps=self.total,
            tokens_per_epoch=100,
            supervised_tokens_per_epoch=40,
            resumed_from_step=begin or None,
            device="cpu",
            notes=["examples are packed"],
        )
        for step in range(begin + 1, self.total + 1):
            time.sleep(self.pause_s)
            self.steps_done.append(step)
            yield StepMetrics(
                step=step,
                total_steps=self.total,
                epoch=1,
                train_loss=self.losses[step],
                train_mean_token_accuracy=0.5,
                valid_loss=float("nan"),
                learning_rate=1e-3,
                grad_norm=1.0,
                trained_tokens=step * 50,
                tokens_per_s=100.0,
                seconds_left=60.0,
            )
            if self.stop_after == step:
                raise self.error or KeyboardInterrupt
            if step % self.per_epoch == 0:
                folder = self._folder(config.out / "checkpoints" / f"step-{step}", step)
                yield CheckpointSaved(
                    step=step, epoch=1, folder=folder, metrics={"step": step, "train_loss": self.losses[step]}
                )
            if step in self.snapshots or snapshot_request.is_set():
                folder = self._folder(config.out / "snapshots" / f"step-{step}", step)
                snapshot_request.clear()
                yield SnapshotSaved(step=step, folder=folder, trained_tokens=step * 50)
        yield Finished(
            step=self.total,
            folder=self._folder(config.out / "checkpoints" / f"step-{self.total}", self.total),
            trained_tokens=self.total * 50,
            supervised_tokens=120,
            seconds=1.0,
            metrics={},
        )

    def _folder(self, folder: Path, step: int) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps({"step": step}))
        return folder


def test_a_whole_run_becomes_a_model_a_result_file_and_a_story(office: Office) -> None:
    job = office.attempt(Script())
    assert job.status == "succeeded"
    assert job.trained_tokens == 300
    assert (job.step, job.total_steps, job.estimated_finish) == (6, 6, None)
    assert job.fine_tuned_model is not None
    assert job.fine_tuned_model.startswith("ft:gpt-4o-mini-2024-07-18:personal::")
    assert len(job.fine_tuned_model.rpartition(":")[2]) == 8
    model = models.get_by_name(office.db, office.who.project_id, job.fine_tuned_model)
    assert model is not None and model.kind == "tuned"
    assert office.blobs.manifest(model.prefix)
    numbers = job.method["supervised"]["hyperparameters"]
    assert set(numbers) == {"n_epochs", "batch_size", "learning_rate_multiplier"}
    assert all(isinstance(value, int | float) for value in numbers.values())
    assert job.requested["supervised"]["hyperparameters"]["n_epochs"] == "auto"

    result = files.get(office.db, office.who.project_id, job.result_files[0])
    assert (result.purpose, result.filename) == ("fine-tune-results", "step_metrics.csv")
    lines = office.blobs.get(result.object_key).decode().splitlines()
    assert lines[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    assert lines[1:3] == ["1,1,0.5,,", "2,0.5,0.5,,"]

    told = office.story()
    messages = [event.message for event in told]
    order = [
        "Fine-tuning job started",
        "Hyperparameters: n_epochs=20",
        "Step 1/6: training loss=1.00",
        "Checkpoint created at step 2 with Snapshot ID: ft:gpt-4o-mini-2024-07-18:personal::",
        "Step 6/6: training loss=0.17",
        "Checkpoint created at step 6",
        "New fine-tuned model created: ft:gpt-4o-mini-2024-07-18:personal::",
        "The job has successfully completed",
    ]
    places = [next(i for i, message in enumerate(messages) if message.startswith(start)) for start in order]
    assert places == sorted(places)
    metrics = next(event for event in told if event.type == "metrics")
    shown = {"step": 1, "total_steps": 6, "train_loss": 1.0, "train_mean_token_accuracy": 0.5}
    assert shown.items() <= metrics.data.items()
    further = {"epoch", "learning_rate", "grad_norm", "trained_tokens", "tokens_per_s"}
    assert metrics.data.keys() == shown.keys() | further
    resolved = next(event.data for event in told if event.kind == "hyperparameters")["resolved"]
    assert resolved["n_epochs"]["value"] == 20 and resolved["n_epochs"]["requested"] == "auto"
    assert resolved["learning_rate"]["value"] == pytest.approx(6e-3)
    assert any(event.level == "warn" and event.message == "Line 3 was cut" for event in told)
    json.dumps([event.data for event in told], allow_nan=False)


def test_the_last_three_checkpoints_and_the_best_are_kept(office: Office) -> None:
    script = Script(total=6, per_epoch=1)
    script.losses[2] = 0.01
    office.attempt(script)
    kept = checkpoints.of_job(office.db, office.job_id)
    assert [row.step for row in kept] == [2, 4, 5, 6]
    names = models.names(office.db, office.who.project_id)
    assert {row.name for row in kept} < set(names)
    assert all(row.name.endswith(f":ckpt-step-{row.step}") for row in kept)
    assert len(names) == 5
    assert {row.step for row in models.hidden(office.db)} == {1, 3}


def test_checkpoints_that_are_made_again_do_not_push_out_later_ones(office: Office) -> None:
    script = Script(total=6, per_epoch=1, snapshots=(1,))
    script.stop_after = 6
    with pytest.raises(KeyboardInterrupt):
        office.attempt(script)
    assert [row.step for row in checkpoints.of_job(office.db, office.job_id)] == [3, 4, 5]
    move(office.db, office.job_id, QUEUED, only_from=RUNNING)
    again = Script(total=6, per_epoch=1)
    again.stop_after = 3  # it has done step 2 once more
    with pytest.raises(KeyboardInterrupt):
        office.attempt(again)
    assert [row.step for row in checkpoints.of_job(office.db, office.job_id)] == [3, 4, 5]


def test_a_rising_validation_loss_names_the_best_checkpoint(office: Office) -> None:
    def rising(config: TrainConfig, *, snapshot_request: threading.Event, **_: Any) -> Iterator[TrainEvent]:
        for event in Script(total=4, per_epoch=1)(config, snapshot_request=snapshot_request):
            yield event
            if isinstance(event, CheckpointSaved) and event.step == 3:
                best = {"step": 2, "full_valid_loss": 1.0}
                yield Warned(
                    code="validation_loss_rising", message="Rising; step 2", data={"step": 3, "best": best}
                )

    office.attempt(rising)
    name = next(row.name for row in checkpoints.of_job(office.db, office.job_id) if row.step == 2)
    (told,) = [event for event in office.story() if event.kind == "warning_validation_loss_rising"]
    assert (told.level, told.step, told.message) == ("warn", 3, f"Rising; step 2: {name}")
    assert told.data["best_checkpoint"] == name and name.endswith(":ckpt-step-2")


def test_a_checkpoint_whose_validation_gave_no_number_is_not_the_best(office: Office) -> None:
    def measured(config: TrainConfig, *, snapshot_request: threading.Event, **_: Any) -> Iterator[TrainEvent]:
        for event in Script(total=6, per_epoch=1)(config, snapshot_request=snapshot_request):
            if isinstance(event, CheckpointSaved) and event.step != 1:
                event = replace(event, metrics={**event.metrics, "full_valid_loss": 2.0 + event.step})
            yield event

    office.attempt(measured)
    assert [row.step for row in checkpoints.of_job(office.db, office.job_id)] == [2, 4, 5, 6]


def test_a_crash_after_a_snapshot_goes_on_from_there_and_tells_nothing_twice(office: Office) -> None:
    script = Script(snapshots=(1, 2, 3))
    script.stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        office.attempt(script)
    job = office.get()
    assert job.snapshot is not None and job.snapshot["step"] == 3
    stored = [name for name, _ in office.blobs.folders(f"jobs/{job.id}/snapshots")]
    assert stored == ["1-2", "1-3"], "the newest two"
    move(office.db, job.id, QUEUED, only_from=RUNNING)

    again = Script(snapshots=(1, 2, 3))
    assert office.attempt(again).status == "succeeded"
    assert again.steps_done == [4, 5, 6]
    told = office.story()
    assert [event.step for event in told if event.type == "metrics"] == [1, 2, 3, 4, 5, 6]
    assert len([event for event in told if event.kind == "checkpoint"]) == 3
    assert any(event.message == "Training resumed from step 3" for event in told)


def test_a_damaged_snapshot_is_passed_over_for_the_one_before(office: Office) -> None:
    script = Script(snapshots=(1, 2, 3))
    script.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        office.attempt(script)
    (office.folder / "objects" / "jobs" / office.job_id / "snapshots" / "1-3" / "run.json").write_text("{}")
    move(office.db, office.job_id, QUEUED, only_from=RUNNING)
    again = Script()
    assert office.attempt(again).status == "succeeded"
    assert again.steps_done[0] == 3
    assert any("cannot be used" in event.message for event in office.story() if event.level == "warn")


def test_a_snapshot_that_the_trainer_refuses_means_to_begin_anew(office: Office) -> None:
    script = Script(snapshots=(2,))
    script.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        office.attempt(script)
    move(office.db, office.job_id, QUEUED, only_from=RUNNING)
    plain = Script()

    def picky(config: TrainConfig, **more: Any) -> Iterator[TrainEvent]:
        if config.resume_from is not None:
            raise InvalidRequest("snapshot of an older format", param="resume_from")
        yield from plain(config, **more)

    assert office.attempt(picky).status == "succeeded"
    assert plain.steps_done == [1, 2, 3, 4, 5, 6]


def test_a_cancelled_job_stops_within_a_second_and_keeps_its_checkpoints(office: Office) -> None:
    script = Script(total=400, per_epoch=2, pause_s=0.02)

    def cancel_soon() -> None:
        while not checkpoints.of_job(office.db, office.job_id):
            time.sleep(0.02)
        cancel(office.db, office.who.project_id, office.job_id)

    thread = threading.Thread(target=cancel_soon)
    thread.start()
    with pytest.raises(LeaseLost):
        office.attempt(script)
    thread.join()
    job = office.get()
    assert (job.status, job.fine_tuned_model, job.result_files) == ("cancelled", None, [])
    assert script.closed
    assert len(script.steps_done) < 200
    assert checkpoints.of_job(office.db, office.job_id)
    assert office.story()[-1].message == "Fine-tuning job cancelled"


def test_cancelled_in_the_last_moment_means_no_model(office: Office) -> None:
    script = Script(total=2)
    plain = script._events

    def late(config: TrainConfig, request: threading.Event) -> Iterator[TrainEvent]:
        for event in plain(config, request):
            if isinstance(event, Finished):
                cancel(office.db, office.who.project_id, office.job_id)
            yield event

    script._events = late  # type: ignore[method-assign]
    with pytest.raises(LeaseLost):
        office.attempt(script)
    assert models.list_all(office.db, office.who.project_id) == []
    assert files.list_page(office.db, office.who.project_id, purpose="fine-tune-results").rows == []
    assert office.get().status == "cancelled"


def test_a_worker_that_has_lost_its_job_to_another_changes_nothing(office: Office) -> None:
    first = claim(office.db, device="cpu")
    assert first is not None
    move(office.db, first.id, QUEUED, only_from=RUNNING)
    assert office.attempt(Script()).status == "succeeded"
    before = (office.get(), office.story(), models.names(office.db, office.who.project_id))
    with pytest.raises(LeaseLost):
        office.attempt(Script(), job=first)
    assert (office.get(), office.story(), models.names(office.db, office.who.project_id)) == before


def test_a_trainer_that_measures_for_long_shows_its_worker_that_it_lives(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[None] = []
    monkeypatch.setattr(Hold, "progress", lambda _: heard.append(None))

    def measures(config: TrainConfig, *, alive: Callable[[], None], **more: Any) -> Iterator[TrainEvent]:
        for event in Script(total=1)(config, **more):
            before = len(heard)
            alive()
            assert len(heard) == before + 1
            yield event

    assert office.attempt(measures).status == "succeeded"


def test_asked_to_leave_it_snapshots_and_gives_the_job_back(office: Office) -> None:
    script = Script(total=400, pause_s=0.02)

    def ask() -> None:
        while office.get().step < 1:
            time.sleep(0.02)
        office.leave.set()

    thread = threading.Thread(target=ask)
    thread.start()
    job = office.attempt(script)
    thread.join()
    assert (job.status, job.attempt, job.crashes) == ("queued", 1, 0)
    assert job.snapshot is not None and job.snapshot["step"] == script.steps_done[-1]
    assert len(script.steps_done) < 300
    told = [event.step for event in office.story() if event.type == "metrics"]
    assert told == script.steps_done


def test_a_tune_of_a_tune_begins_with_its_adapter_and_keeps_the_first_name(office: Office) -> None:
    parent = office.attempt(Script())
    assert parent.fine_tuned_model is not None
    child_id = office.create(model=parent.fine_tuned_model, suffix="again")
    script = Script()
    child = office.attempt(script)
    assert child.id == child_id and child.status == "succeeded"
    adapter = script.configs[0].init_adapter
    assert adapter is not None and (adapter / "run.json").exists()
    assert (child.fine_tuned_model or "").startswith("ft:gpt-4o-mini-2024-07-18:personal:again:")


def test_a_training_file_with_a_flipped_bit_is_not_trained_on(office: Office) -> None:
    path = office.folder / "objects" / "files" / office.get().training_file
    path.write_bytes(path.read_bytes().replace(b"4", b"5"))
    with pytest.raises(JobFailed, match="has changed on the disk") as raised:
        office.attempt(Script())
    assert (raised.value.param, raised.value.code) == ("training_file", "file_corrupt")


def test_a_base_that_has_changed_since_is_refused(office: Office) -> None:
    cancel(office.db, office.who.project_id, office.job_id)
    office.catalog = Catalog([replace(office.catalog.default, digest="f" * 64)])
    office.create()
    with pytest.raises(BaseUnavailable, match="have changed since"):
        office.attempt(Script())


def test_a_trainer_s_own_error_passes_through_with_what_was_told_before(office: Office) -> None:
    script = Script()
    script.stop_after, script.error = 3, TrainingDiverged("The loss is no finite number in step 4")
    with pytest.raises(TrainingDiverged):
        office.attempt(script)
    assert [event.step for event in office.story() if event.type == "metrics"] == [1, 2, 3]
