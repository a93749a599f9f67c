"""The first stage of a job: its files are read whole, and it is queued or failed with everything that is
wrong.

It only reads until its last statement, so a kill in between costs nothing but the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tunesmith.data.base import Catalog
from tunesmith.data.examples import Format
from tunesmith.data.jsonl import Report, validate
from tunesmith.data.report import Role
from tunesmith.errors import InvalidTrainingFile, JobFailed
from tunesmith.jobs import messages
from tunesmith.jobs.ending import fail
from tunesmith.jobs.states import QUEUED, RUNNING, VALIDATING, move
from tunesmith.store import files
from tunesmith.store.blobs import Blobs, ObjectMissing
from tunesmith.store.database import Database
from tunesmith.store.queue import n_ahead
from tunesmith.store.rows import EventRow, JobRow


class Interrupted(Exception):
    """The server stops; the validation starts over next time."""


def validate_job(
    db: Database, blobs: Blobs, catalog: Catalog, job: JobRow, *, stopping: Callable[[], bool] = lambda: False
) -> None:
    """Reads both files and moves the job on. Raises Interrupted when `stopping` says so."""
    try:
        training = _report(db, blobs, job.training_file, "training_file", stopping)
        validation = None
        if job.validation_file is not None:
            validation = _report(
                db, blobs, job.validation_file, "validation_file", stopping, expected_format=training.format
            )
        require_trainable(training, validation, job.requested["type"])
    except JobFailed as error:
        fail(db, job, error, only_from=VALIDATING)
        return
    position = n_ahead(db, running=RUNNING, waiting={QUEUED}, job_id=job.id)
    events = [*_notes(job, catalog, training, validation), messages.queued(job.id, position)]
    move(
        db,
        job.id,
        QUEUED,
        only_from=VALIDATING,
        events=events,
        n_examples=training.n_examples,
        row_format=training.format,
        n_valid_examples=validation.n_examples if validation else None,
    )


def _report(
    db: Database,
    blobs: Blobs,
    file_id: str,
    role: Role,
    stopping: Callable[[], bool],
    expected_format: Format | None = None,
) -> Report:
    row = files.find(db, file_id)
    try:
        if row is None:
            raise ObjectMissing(file_id)
        pieces = _until(blobs.stream(row.object_key), stopping)
        return validate(pieces, role=role, expected_format=expected_format)
    except ObjectMissing as error:
        raise InvalidTrainingFile(
            f"The {_name(role)} {file_id} is no longer there; upload it again and create a new job.",
            param=role,
        ) from error


def _until(pieces: Iterator[bytes], stopping: Callable[[], bool]) -> Iterator[bytes]:
    for piece in pieces:
        if stopping():
            raise Interrupted
        yield piece


def require_trainable(training: Report, validation: Report | None, method: str) -> None:
    """Raises InvalidTrainingFile for files that a job of this method cannot train on."""
    _require_good(training, validation)
    _require_rows_of_method(training, method)


def _require_good(training: Report, validation: Report | None) -> None:
    """Raises with everything that is wrong in either file, under the first one that has something wrong."""
    bad = [report for report in (training, validation) if report is not None and not report.ok]
    if bad:
        raise InvalidTrainingFile(
            "\n".join(report.message() for report in bad), param=bad[0].role, code=bad[0].code
        )


def _require_rows_of_method(training: Report, method: str) -> None:
    """The validation file has the training file's rows, so one look is enough."""
    if (training.format == "preference") == (method == "dpo"):
        return
    if method == "dpo":
        kind = "chat rows (messages)" if training.format == "chat" else "prompt and completion"
        text = (
            f"The training file holds {kind}, and the method 'dpo' trains on preference pairs: give it rows "
            "with input, preferred_output and non_preferred_output, or use the method 'supervised'."
        )
    else:
        text = (
            "The training file holds preference pairs (input, preferred_output, non_preferred_output), and "
            "the method 'supervised' trains on chat rows (messages) or on prompt and completion; give it "
            "such rows, or use the method 'dpo'."
        )
    raise InvalidTrainingFile(text, param="training_file")


def _name(role: Role) -> str:
    return role.replace("_", " ")


def _notes(job: JobRow, catalog: Catalog, training: Report, validation: Report | None) -> Iterator[EventRow]:
    base = catalog.by_id(job.base_id)
    if training.format == "completion" and base is not None and base.is_chat:
        yield messages.note(
            job.id,
            "format",
            f"The training file holds prompt and completion rows and {base.id} is a chat model: each "
            "row trains as "
            "a user message and an assistant reply.",
        )
    for report in (training, validation):
        if report is None:
            continue
        for index, warning in enumerate(report.warnings):
            text = f"{_name(report.role).capitalize()}: {warning}"
            data = {"param": report.role, "line": warning.line, "n_warnings": report.n_warnings}
            yield messages.note(job.id, f"warning_{report.role}", text, level="warn", step=index, data=data)
