"""One attempt at one job: here OpenAI's words become torch's, and nowhere else.

A job's row becomes a TrainConfig, the trainer's events become rows. What must be true together is written
together: the snapshot's pointer, the events since, and the heartbeat.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith import ids
from tunesmith.data.base import Base, read_base
from tunesmith.data.hyperparameters import Resolved
from tunesmith.errors import BaseUnavailable, InvalidRequest, JobFailed
from tunesmith.jobs import messages
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.leaving import let_go
from tunesmith.jobs.numbers import explained, method_of, resolved
from tunesmith.jobs.states import SUCCEEDED
from tunesmith.store import events as event_rows
from tunesmith.store import files, models
from tunesmith.store.blobs import Blobs, ObjectCorrupt, ObjectMissing
from tunesmith.store.database import Database
from tunesmith.store.jobs import LeaseLost
from tunesmith.store.rows import EventRow, JobRow
from tunesmith.workers.following import Following
from tunesmith.workers.hold import Hold
from tunesmith.workers.publishing import Publisher
from tunesmith.workers.snapshots import Snapshots

if TYPE_CHECKING:
    from tunesmith.train.config import TrainConfig
    from tunesmith.train.events import TrainEvent

    Train = Callable[..., Iterator[TrainEvent]]

#: Seconds between two writes of metrics; a snapshot or a checkpoint writes at once.
FLUSH_EVERY_S = 0.5
#: Seconds that the trainer gets for a last snapshot when the server stops.
LEAVE_WITHIN_S = 10.0
#: What the story says of a job that goes back to the queue although nobody has paused it.
SERVER_STOPS = "the server stops"


class Attempt:
    """One attempt at one job, from its row to its end."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        job: JobRow,
        hold: Hold,
        environment: WorkerEnvironment,
        *,
        leave: threading.Event,
        train: Train,
    ) -> None:
        """`leave`: set when the worker shall snapshot and go. `train`: `tunesmith.train.trainer.train`."""
        self._db = db
        self._blobs = blobs
        self._job = job
        self._hold = hold
        self._environment = environment
        self._leave = leave
        self._train = train
        self._snapshot_request = threading.Event()
        self._leave_at: float | None = None
        self._snapshots = Snapshots(blobs, job)
        self._pending: list[EventRow] = []
        self._changes: dict[str, Any] = {}
        self._flushed_at = time.monotonic()
        self.has_begun = False
        """Whether a step is done that a snapshot could keep; until then, leaving is beginning again later."""
        self._warnings: dict[str, int] = {}
        self._unpublished: LeaseLost | None = None
        self.following = Following(job, hold, environment.followers)
        """Services that show the job's progress elsewhere; whoever runs the attempt says goodbye to them."""

    def run(self) -> None:
        """Trains to the end, or until told to leave. Raises LeaseLost, and TunesmithError for a failed
        job."""
        base = read_base(self._job.base_path, cache=self._environment.digests)
        if base.digest != self._job.base_digest:
            raise BaseUnavailable(
                f"The base model in {self._job.base_path} is not the one that this job was created "
                "for: its files "
                "have changed since. Create the job again to train on the new ones."
            )
        self._publisher = Publisher(self._db, self._blobs, self._hold, self._job, self._base_name())
        numbers = self._resolve(base)
        self.following.begin(numbers)
        config = self._config(base, numbers)
        try:
            self._follow(self._training(config))
        except InvalidRequest as error:
            if error.param != "resume_from" or config.resume_from is None:
                raise
            # a snapshot of another version: the steps are done again, their events are not told again
            note = messages.note(
                self._job.id, "snapshot", error.message, level="warn", step=self._job.attempt
            )
            self._hold.record([note])
            anew = replace(config, resume_from=None)
            self._follow(self._training(anew))

    def _training(self, config: TrainConfig) -> Iterator[TrainEvent]:
        return self._train(config, snapshot_request=self._snapshot_request, alive=self._hold.progress)

    def _follow(self, training: Iterator[TrainEvent]) -> None:
        """Takes the trainer's events until it has finished or we shall leave."""
        with closing(training):  # type: ignore[type-var]  # a generator: closing it ends the training
            try:
                for event in training:
                    self._hold.progress()
                    self._take(event)
                    if self._hold.lost.is_set():
                        raise LeaseLost(f"{self._job.id} is no longer ours")
                    if self._should_leave(event):
                        self._flush()
                        let_go(self._db, self._job.id, self._job.attempt, why=SERVER_STOPS)
                        return
            except JobFailed:
                self._flush()  # what led to the failure is told before it
                raise
            if self._unpublished is not None:
                raise self._unpublished

    # -- from the row to the trainer ----------------------------------------------------------------------

    def _base_name(self) -> str:
        """The wire name that the tuned model's name begins with: the first base's."""
        if self._job.parent_model_id is None:
            return self._job.model
        parent = models.find(self._db, self._job.parent_model_id)
        if parent is None:
            raise JobFailed(
                f"The model {self._job.model}, from which this job goes on, was deleted.",
                param="model",
                code="model_not_available",
            )
        return parent.base_name

    def _resolve(self, base: Base) -> Resolved:
        """Numbers for `auto`; the row and the events show them from now on."""
        numbers = resolved(self._job, base)
        told = messages.hyperparameters(self._job.id, explained(self._job, numbers))
        self._hold.record([told], method=method_of(self._job, numbers))
        return numbers

    def _config(self, base: Base, numbers: Resolved) -> TrainConfig:
        from tunesmith.train.config import TrainConfig

        work = self._environment.work
        validation = self._job.validation_file
        return TrainConfig(
            base=base.path,
            base_name=self._job.base_id,
            training_file=self._file(self._job.training_file, "training_file", work / "training.jsonl"),
            validation_file=(
                self._file(validation, "validation_file", work / "validation.jsonl") if validation else None
            ),
            out=work / "out",
            method=self._job.requested["type"],
            beta=numbers.beta or TrainConfig.beta,
            n_epochs=numbers.n_epochs,
            batch_size=numbers.batch_size,
            learning_rate=numbers.learning_rate,
            seed=self._job.seed,
            init_adapter=self._parent_adapter(work / "parent"),
            resume_from=self._resume(work / "resume"),
            snapshot_every_s=self._environment.snapshot_every_s,
            device=self._environment.device,
            threads=self._environment.threads,
        )

    def _file(self, file_id: str, param: str, path: Path) -> Path:
        row = files.find(self._db, file_id)
        try:
            if row is None:
                raise ObjectMissing(file_id)
            stored = self._blobs.fetch(row.object_key, path)
        except ObjectMissing as error:
            raise JobFailed(
                f"The {param.replace('_', ' ')} {file_id} is no longer there.",
                param=param,
                code="file_not_found",
            ) from error
        if stored.sha256 != row.sha256:
            raise JobFailed(
                f"The {param.replace('_', ' ')} {file_id} has changed on the disk since its upload; "
                "upload it "
                "again and create a new job.",
                param=param,
                code="file_corrupt",
            )
        return path

    def _parent_adapter(self, folder: Path) -> Path | None:
        """The adapter to go on from; rank, alpha and targets are its own."""
        if self._job.parent_model_id is None:
            return None
        parent = models.find(self._db, self._job.parent_model_id)
        try:
            if parent is None:
                raise ObjectMissing(self._job.parent_model_id)
            self._blobs.fetch_folder(parent.prefix, folder)
        except (ObjectMissing, ObjectCorrupt) as error:
            raise JobFailed(
                f"The adapter of {self._job.model} cannot be read: {error}.",
                param="model",
                code="model_not_available",
            ) from error
        return folder

    def _resume(self, folder: Path) -> Path | None:
        step, problems = self._snapshots.fetch(folder)
        events = [
            messages.note(
                self._job.id, "snapshot", problem, level="warn", step=self._job.attempt * 10 + index
            )
            for index, problem in enumerate(problems)
        ]
        if self._job.attempt > 1:
            events.append(messages.resumed(self._job, step))
        if events:
            self._hold.record(events)
        return folder if step else None

    # -- from the trainer to rows -------------------------------------------------------------------------

    def _take(self, event: TrainEvent) -> None:
        """One event of the trainer becomes rows, now or with the next flush."""
        from tunesmith.train import events as trained

        job_id = self._job.id
        match event:
            case trained.Started():
                self._started(event)
            case trained.Warned():
                self._pending.append(self._warning(event))
            case trained.StepMetrics():
                self.has_begun = True
                self.following.step(event.as_dict())
                self._pending.append(
                    messages.metrics(
                        job_id, step=event.step, total_steps=event.total_steps, values=event.as_dict()
                    )
                )
                self._changes |= {
                    "step": event.step,
                    "total_steps": event.total_steps,
                    "estimated_finish": int(ids.now() + event.seconds_left),
                }
            case trained.SnapshotSaved():
                prefix = self._snapshots.save(event.step, event.folder)
                pointer = {"prefix": prefix, "step": event.step, "trained_tokens": event.trained_tokens}
                self._flush(snapshot=pointer, crashes=0)
                self._snapshots.prune(event.step)
            case trained.CheckpointSaved():
                self._publisher.checkpoint(event.step, event.folder, event.metrics, self._pending)
                self._pending = []
            case trained.Finished():
                self._finish(event)
        if time.monotonic() - self._flushed_at >= FLUSH_EVERY_S:
            self._flush()

    def _started(self, event: Any) -> None:
        text = (
            f"{event.n_examples} training examples, {event.tokens_per_epoch} tokens per epoch, "
            f"{event.supervised_tokens_per_epoch} of them under the loss; {event.total_steps} steps "
            f"on {event.device}"
        )
        data = {
            "n_examples": event.n_examples,
            "n_valid_examples": event.n_valid_examples,
            "tokens_per_epoch": event.tokens_per_epoch,
            "supervised_tokens_per_epoch": event.supervised_tokens_per_epoch,
            "steps_per_epoch": event.steps_per_epoch,
            "total_steps": event.total_steps,
            "device": event.device,
        }
        self._pending.append(messages.note(self._job.id, "data", text, data=data))
        for index, sentence in enumerate(event.notes):
            self._pending.append(messages.note(self._job.id, "note", sentence, step=index))
        self._changes["total_steps"] = event.total_steps
        self._flush()

    def _warning(self, event: Any) -> EventRow:
        """A warning is known by its step where it has one, else by its place among those of its code."""
        count = self._warnings.get(event.code, 0)
        self._warnings[event.code] = count + 1
        step = event.data.get("step", count)
        kind = f"warning_{event.code}"[:64]
        message, data = event.message, {"code": event.code, **event.data}
        if "best" in data and (name := self._publisher.name_of(data["best"]["step"])):
            data["best_checkpoint"] = name
            message = f"{message}: {name}"
        return messages.note(self._job.id, kind, message, level="warn", step=int(step), data=data)

    def _finish(self, event: Any) -> None:
        text = f"Trained on {event.trained_tokens} tokens, {event.supervised_tokens} of them under the loss"
        data = {
            "trained_tokens": event.trained_tokens,
            "supervised_tokens": event.supervised_tokens,
            "seconds": round(event.seconds, 2),
        }
        self._pending.append(messages.note(self._job.id, "tokens", text, data=data))
        self._flush()
        curve = event_rows.of_type(self._db, self._job.id, "metrics")
        self.following.wait_until_open()
        try:
            model = self._publisher.model(event.step, event.folder, event.trained_tokens, curve)
        except LeaseLost as error:
            self._hold.record()  # raises, unless it was paused in the last moment
            self._unpublished = error  # a snapshot of the last step spares whoever resumes it the ones before
            self._snapshot_request.set()
            self._leave.set()
            return
        self.following.end(
            SUCCEEDED, {"fine_tuned_model": model.name, "trained_tokens": event.trained_tokens}
        )

    def _flush(self, **changes: Any) -> None:
        """Everything since the last flush, and `changes`, in one transaction."""
        self._flushed_at = time.monotonic()
        if self._pending or self._changes or changes:
            self._hold.record(self._pending, **{**self._changes, **changes})
            self._pending = []
            self._changes = {}

    # -- leaving ------------------------------------------------------------------------------------------

    def _should_leave(self, event: TrainEvent) -> bool:
        """Once asked to go: at once before a step, else after the snapshot that we ask for; when the server
        stops, also when that takes too long."""
        from tunesmith.train.events import SnapshotSaved, Started

        if not self._leave.is_set():
            return False
        if isinstance(event, (SnapshotSaved, Started)):
            return True
        if self._leave_at is None:
            self._leave_at = time.monotonic() + LEAVE_WITHIN_S
            self._snapshot_request.set()
        return time.monotonic() >= self._leave_at and not self._hold.leaving.is_set()
