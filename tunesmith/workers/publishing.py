"""Makes adapters servable and results readable: objects first, then their rows in one transaction with the
job's.

A kill in between leaves objects without rows, which nobody sees and `jobs/sweep.py` removes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from tunesmith import ids
from tunesmith.jobs import messages
from tunesmith.jobs.states import RUNNING, SUCCEEDED, move
from tunesmith.store import checkpoints, files, models
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.jobs import LeaseLost
from tunesmith.store.rows import CheckpointRow, EventRow, FileRow, JobRow, ModelRow
from tunesmith.workers.hold import Hold

#: Checkpoints kept besides the best one.
KEEP_LAST = 3
RESULT_COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")


class Publisher:
    """Publishes what one attempt at a job produces."""

    def __init__(self, db: Database, blobs: Blobs, hold: Hold, job: JobRow, base_name: str) -> None:
        """`base_name`: wire name of the first base, which a tuned model's name begins with."""
        self._db = db
        self._blobs = blobs
        self._hold = hold
        self._job = job
        self._base_name = base_name

    def checkpoint(
        self, step: int, folder: Path, metrics: dict[str, float], before: Iterable[EventRow]
    ) -> None:
        """Publishes the adapter in `folder` as the checkpoint of `step`, after the events `before`.

        One that an earlier attempt has published stays as it is.
        """
        if any(row.step == step for row in checkpoints.of_job(self._db, self._job.id)):
            self._hold.record(before)
            return
        model = self._model(f"{self._name()}:ckpt-step-{step}", step, "checkpoint")
        self._blobs.put_folder(model.prefix, folder)
        row = CheckpointRow(
            id=ids.new_id("checkpoint"),
            job_id=self._job.id,
            model_id=model.id,
            name=model.name,
            step=step,
            metrics={"step": step, **messages.finite(metrics)},
            created_at=ids.now(),
        )

        def rows(connection: Connection) -> None:
            models.insert(connection, model)
            checkpoints.insert(connection, row)
            self._prune(connection)

        self._hold.record([*before, messages.checkpoint(self._job.id, step, model.name)], then=rows)

    def name_of(self, step: int) -> str | None:
        """The wire name of the checkpoint of `step`; None when it is not kept."""
        rows = checkpoints.of_job(self._db, self._job.id)
        return next((row.name for row in rows if row.step == step), None)

    def model(self, step: int, folder: Path, trained_tokens: int, curve: Iterable[EventRow]) -> ModelRow:
        """Publishes the final adapter and the result file, and ends the job as succeeded. Raises
        LeaseLost."""
        job = self._job
        model = self._model(self._name(), step, "tuned")
        self._blobs.put_folder(model.prefix, folder)
        result = self._result_file(curve)
        with self._db.write() as connection:
            models.insert(connection, model)
            files.insert(connection, result)
            done = move(
                connection,
                job.id,
                SUCCEEDED,
                only_from=RUNNING,
                expect_attempt=job.attempt,
                events=[messages.model_created(job.id, model.name), messages.succeeded(job.id)],
                fine_tuned_model=model.name,
                result_files=[result.id],
                trained_tokens=trained_tokens,
                finished_at=max(ids.now(), job.created_at),
                estimated_finish=None,
                snapshot=None,
                step=step,
            )
            if done is None:  # cancelled in the last moment: of the two ends one happens
                raise LeaseLost(f"{job.id} ended otherwise")
        return model

    def _name(self) -> str:
        return (
            f"ft:{self._base_name}:{self._job.organization_id}:{self._job.suffix or ''}:{ids.random_name(8)}"
        )

    def _model(self, name: str, step: int, kind: str) -> ModelRow:
        model_id = ids.new_id("model")
        return ModelRow(
            id=model_id,
            project_id=self._job.project_id,
            name=name,
            base_id=self._job.base_id,
            base_digest=self._job.base_digest,
            base_name=self._base_name,
            job_id=self._job.id,
            step=step,
            kind=kind,
            row_format=self._job.row_format,
            prefix=f"models/{model_id}",
            created_at=ids.now(),
        )

    def _prune(self, connection: Connection) -> None:
        """Keeps the last three checkpoints and the best by validation loss (by training loss without one)."""
        # a row may be younger than those of later steps: a resumed job makes again what it has not kept
        rows = sorted(checkpoints.of_job(connection, self._job.id), key=lambda row: row.step)
        measured = any("full_valid_loss" in row.metrics for row in rows)
        loss = "full_valid_loss" if measured else "train_loss"
        best = min(rows, key=lambda row: row.metrics.get(loss, math.inf))
        gone = [row for row in rows[:-KEEP_LAST] if row.id != best.id]
        checkpoints.delete(connection, [row.id for row in gone])
        for row in gone:
            models.hide(connection, row.model_id)

    def _result_file(self, curve: Iterable[EventRow]) -> FileRow:
        file_id = ids.new_id("file")
        stored = self._blobs.put(f"files/{file_id}", result_csv(curve))
        return FileRow(
            id=file_id,
            project_id=self._job.project_id,
            filename="step_metrics.csv",
            purpose="fine-tune-results",
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            created_at=ids.now(),
        )


def result_csv(curve: Iterable[EventRow]) -> bytes:
    """OpenAI's result file from metrics events, one line a step; absent values are empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(RESULT_COLUMNS)
    for data in sorted((event.data for event in curve), key=lambda data: data["step"]):
        writer.writerow([data["step"], *(_cell(data.get(name)) for name in _SOURCES)])
    return text.getvalue().encode()


_SOURCES = ("train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
