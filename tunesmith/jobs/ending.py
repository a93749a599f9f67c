"""How a job ends as failed: the same for its validation, its worker and the scheduler."""

from __future__ import annotations

from tunesmith import ids
from tunesmith.errors import TunesmithError
from tunesmith.jobs import messages
from tunesmith.jobs.states import FAILED, move
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow


def fail(
    db: Database, job: JobRow, error: TunesmithError, *, only_from: str, attempt: int | None = None
) -> None:
    """Ends a job with an error, unless it has ended or changed hands."""
    code = error.code or "job_failed"
    move(
        db,
        job.id,
        FAILED,
        only_from=only_from,
        expect_attempt=attempt,
        events=[messages.failed(job.id, code=code, message=error.message, param=error.param)],
        error={"code": code, "message": error.message, "param": error.param},
        finished_at=max(ids.now(), job.created_at),
        estimated_finish=None,
    )
