"""The states of a job, and the one table of what may follow what. Every change of state goes through
`move`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tunesmith.store import jobs as job_rows
from tunesmith.store import webhooks
from tunesmith.store.database import Where, writing
from tunesmith.store.rows import EventRow, JobRow

VALIDATING = "validating_files"  # its files are being read, line by line
QUEUED = "queued"  # it waits for a device; or for its next attempt
RUNNING = "running"  # a worker holds the lease and trains
PAUSED = "paused"  # a person stopped it; its snapshot waits, or its worker is about to save it (`leaving`)
SUCCEEDED = "succeeded"  # its model can be asked
FAILED = "failed"  # its error says what to mend
CANCELLED = "cancelled"  # a person ended it

ALLOWED: dict[str, frozenset[str]] = {
    VALIDATING: frozenset({QUEUED, FAILED, CANCELLED}),
    QUEUED: frozenset({RUNNING, PAUSED, CANCELLED}),
    # QUEUED: its worker was lost, or gave it back at the server's stop
    RUNNING: frozenset({QUEUED, PAUSED, SUCCEEDED, FAILED, CANCELLED}),
    # never to an end of its own: who was told `paused` finds nothing else until somebody resumes it
    PAUSED: frozenset({QUEUED, CANCELLED}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
}
LIVE = frozenset(state for state, following in ALLOWED.items() if following)
TERMINAL = frozenset(ALLOWED) - LIVE


def is_held(job: JobRow, attempt: int) -> bool:
    """Whether the worker of this attempt may write to the job."""
    return job.attempt == attempt and (job.status == RUNNING or job.leaving)


def move(
    where: Where,
    job_id: str,
    to: str,
    *,
    only_from: str | None = None,
    expect_attempt: int | None = None,
    events: Iterable[EventRow] = (),
    **changes: Any,
) -> JobRow | None:
    """Moves a job to `to` from any state that allows it (or `only_from` that one), at `expect_attempt` if
    given.

    Returns the job as it is now, or None when it was elsewhere: then nothing changed. An ended job accepts no
    write of anybody, so its end also ends the leave of a worker that was leaving. What ends is announced to
    the project's webhook endpoints.
    """
    if to in TERMINAL:
        changes["leaving"] = False
    allowed = frozenset(state for state, following in ALLOWED.items() if to in following)
    if only_from is not None:
        assert only_from in allowed, f"{only_from} -> {to} is in no row of the table"
        allowed = frozenset({only_from})
    with writing(where) as connection:
        job = job_rows.transition(
            connection, job_id, to, expect=allowed, expect_attempt=expect_attempt, events=events, **changes
        )
        if job is not None and to in TERMINAL:
            webhooks.announce(connection, job.project_id, f"fine_tuning.job.{to}", job.id, at=job.finished_at)
        return job
