"""How a worker and its job part while the job has not ended: the job goes back to the queue, or stays paused.

A pause changes the status at once and sets `leaving`: the worker may still record the step in progress and
its snapshot, but it cannot end the job any more, and nobody else gets the job (it may be queued again
already) before the worker has gone. Here `leaving` is taken back: by the worker with its last write, or by
the scheduler when it finds that the process has ended.
"""

from __future__ import annotations

import os

from tunesmith.jobs import messages
from tunesmith.jobs.states import PAUSED, QUEUED, RUNNING, move
from tunesmith.store import events, jobs
from tunesmith.store.database import Database
from tunesmith.store.rows import EventRow, JobRow

#: A worker's exit status when the machine had no room for the job: no fault of the job's, which waits.
TRY_LATER = os.EX_TEMPFAIL


def let_go(
    db: Database, job_id: str, attempt: int, *, why: str, crashes: int | None = None, waits: bool = False
) -> None:
    """The worker of this attempt has gone, or goes with this; changes nothing when it had lost the job.

    `why` ends up in the story where nobody asked for the leaving. `crashes`: the job's new count of lost
    workers, for one that was lost; None when it took its leave. `waits`: the machine had no room for the job;
    however often that is so at one step, the story says it once.
    """
    with db.write() as connection:
        job = jobs.find(connection, job_id)
        if job is None or job.attempt != attempt:
            return
        if job.leaving:
            told = []
            if job.status == PAUSED:
                nth = events.times_told(connection, job_id, "paused") + 1
                told.append(messages.paused(job, nth, None if crashes is None else why))
            jobs.left(connection, job_id, attempt, told)
        elif job.status == RUNNING:
            move(
                connection,
                job_id,
                QUEUED,
                only_from=RUNNING,
                expect_attempt=attempt,
                events=[_waiting(job, why) if waits else messages.interrupted(job, why)],
                worker=None,
                crashes=job.crashes if crashes is None else crashes,
            )


def _waiting(job: JobRow, why: str) -> EventRow:
    step = job.snapshot["step"] if job.snapshot else 0
    text = f"Training waits {messages.place(job)} ({why}) and is tried again"
    return messages.note(
        job.id, "waiting", text, level="warn", step=step, data={"attempt": job.attempt, "resume_step": step}
    )
