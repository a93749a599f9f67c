"""What a person does to a job that is on its way: cancel, pause, resume.

Each is one transaction under the write lock, so of wishes that come at once exactly one happens, and so it is
between a wish and the job's own end. What becomes of a paused job's worker is told in `jobs/leaving.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from sqlalchemy import Connection

from tunesmith import ids
from tunesmith.errors import InvalidRequest
from tunesmith.jobs import messages
from tunesmith.jobs.states import CANCELLED, LIVE, PAUSED, QUEUED, RUNNING, VALIDATING, move
from tunesmith.store import events, jobs
from tunesmith.store.database import Database
from tunesmith.store.queue import n_ahead
from tunesmith.store.rows import JobRow


def cancel(db: Database, project_id: str, job_id: str) -> JobRow:
    """Ends a job that has not ended; its worker notices within a second.

    Raises NotFound, and InvalidRequest when it has ended: of several ends exactly one happens.
    """
    with db.write() as connection:
        job = jobs.get(connection, project_id, job_id)
        changed = move(
            connection,
            job_id,
            CANCELLED,
            events=[messages.cancelled(job_id)],
            finished_at=max(ids.now(), job.created_at),
            estimated_finish=None,
        )
    if changed is None:
        _refuse(job, {}, "only a job that has not ended can be cancelled.")
    return changed


def cancel_archived(db: Database) -> None:
    """Ends the jobs of archived projects, in which nobody can end them any more."""
    for job in jobs.of_archived_projects(db, *LIVE):
        with suppress(InvalidRequest):  # it has ended by itself meanwhile
            cancel(db, job.project_id, job.id)


def pause(db: Database, project_id: str, job_id: str) -> JobRow:
    """Holds a queued job back, and makes the worker of a running one leave after the step in progress.

    The job is `paused` at once: from here on it neither succeeds nor fails until it is resumed, while its
    worker still saves its last snapshot. Raises NotFound, and InvalidRequest in any other state.
    """
    with db.write() as connection:
        job = jobs.get(connection, project_id, job_id)
        if job.status not in (QUEUED, RUNNING):
            _refuse(
                job,
                {
                    VALIDATING: "pause it once it is queued or running, or cancel it now.",
                    PAUSED: f"it waits {messages.place(job)}; resume it to go on, or cancel it.",
                },
                "only a queued or a running job can be paused.",
            )
        leaving = job.leaving or job.status == RUNNING
        tell, kind = (messages.pausing, "pausing") if leaving else (messages.paused, "paused")
        changed = move(
            connection,
            job_id,
            PAUSED,
            only_from=job.status,
            expect_attempt=job.attempt,
            events=[tell(job, _nth(connection, job, kind))],
            leaving=leaving,
        )
    return _sure(changed)


def resume(db: Database, project_id: str, job_id: str) -> JobRow:
    """Queues a paused job, to go on from its last snapshot; a worker that is still leaving is waited for.

    Workers lost before the pause are forgiven. Raises NotFound, and InvalidRequest when it is not paused.
    """
    with db.write() as connection:
        job = jobs.get(connection, project_id, job_id)
        if job.status != PAUSED:
            _refuse(
                job,
                dict.fromkeys(
                    (VALIDATING, QUEUED, RUNNING), "there is nothing to resume: it goes on by itself."
                ),
                "only a paused job can be resumed. Create a new job to train again.",
            )
        changed = move(
            connection,
            job_id,
            QUEUED,
            only_from=PAUSED,
            expect_attempt=job.attempt,
            events=[
                messages.unpaused(
                    job,
                    _nth(connection, job, "unpaused"),
                    n_ahead(connection, running=RUNNING, waiting={QUEUED}, job_id=job.id),
                )
            ],
            crashes=0,
        )
    return _sure(changed)


def _nth(connection: Connection, job: JobRow, kind: str) -> int:
    """Which of the job's events of this kind comes next: a job may be paused again and again."""
    return events.times_told(connection, job.id, kind) + 1


def _sure(changed: JobRow | None) -> JobRow:
    assert changed is not None, "the write lock is held from the look at the job on"
    return changed


def _refuse(job: JobRow, remedies: Mapping[str, str], otherwise: str) -> NoReturn:
    """Raises InvalidRequest with the job's state and what can be done in it."""
    raise InvalidRequest(
        f"Job {job.id} {_IS[job.status]}; {remedies.get(job.status, otherwise)}",
        param="fine_tuning_job_id",
        code="invalid_job_state",
    )


_IS = {
    VALIDATING: "is still validating its files",
    QUEUED: "is queued",
    RUNNING: "is running",
    PAUSED: "is already paused",
    "succeeded": "has already succeeded",
    "failed": "has already failed",
    "cancelled": "has already been cancelled",
}
