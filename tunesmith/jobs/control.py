"""What a person does to a running job."""

from __future__ import annotations

from tunesmith import ids
from tunesmith.errors import InvalidRequest
from tunesmith.jobs import messages
from tunesmith.jobs.states import CANCELLED, move
from tunesmith.store import jobs
from tunesmith.store.database import Database
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
        raise InvalidRequest(
            f"Job {job_id} has already {_ENDED.get(job.status, job.status)}; only a job that has not "
            "ended can be "
            "cancelled.",
            param="fine_tuning_job_id",
            code="invalid_job_state",
        )
    return changed


_ENDED = {"succeeded": "succeeded", "failed": "failed", "cancelled": "been cancelled"}
