"""What a list of fine-tuning jobs can be asked beyond OpenAI's own: states, text, the way back, progress.

Without any of it the list is OpenAI's, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from tunesmith.api.pages import Before, Search, refuse_two_cursors
from tunesmith.errors import InvalidRequest
from tunesmith.jobs.states import ALLOWED
from tunesmith.store import metrics
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow
from tunesmith.wire.fine_tuning import Curve, JobObject, JobProgress, ListedJob

CURVE_POINTS = 40


@dataclass(frozen=True)
class AskedList:
    """Our own parameters of the list."""

    before: str | None
    statuses: tuple[str, ...]
    text: str | None
    with_progress: bool

    def filters(self, after: str | None) -> dict[str, Any]:
        """What the store is to be asked. Raises InvalidRequest for two cursors at once."""
        refuse_two_cursors(after, self.before)
        return {"before": self.before, "statuses": self.statuses, "text": self.text}

    def listed(
        self, db: Database, rows: Iterable[JobRow], as_object: Callable[[JobRow], JobObject]
    ) -> list[ListedJob]:
        """The rows as the list has them."""
        return [
            ListedJob(
                **as_object(row).model_dump(),
                progress=progress(db, row) if self.with_progress else None,
            )
            for row in rows
        ]


async def _asked(
    before: Before = None,
    status: Annotated[
        str | None,
        Query(max_length=200, description="Our own: only jobs in this state, or in one of several: `a,b`."),
    ] = None,
    q: Search = None,
    include: Annotated[
        Literal["progress"] | None,
        Query(description="Our own: `progress` adds steps, last losses and a small curve to each job."),
    ] = None,
) -> AskedList:
    statuses = tuple(dict.fromkeys(status.split(","))) if status else ()
    for one in statuses:
        if one not in ALLOWED:
            raise InvalidRequest(
                f"status is {one[:40]!r}, which is no state of a job; use {', '.join(ALLOWED)}.",
                param="status",
            )
    return AskedList(before, statuses, q, include == "progress")


AskedListDep = Annotated[AskedList, Depends(_asked)]


def progress(db: Database, job: JobRow) -> JobProgress:
    """How far a job is, from a few of its metrics events."""
    with db.read() as connection:
        last = metrics.last_step(connection, job.id)
        points = metrics.at_steps(connection, job.id, curve_steps(last)) if last else []
        checkpoint = metrics.last_checkpoint(connection, job.id) if last else {}
    newest = points[-1] if points else {}
    return JobProgress(
        step=job.step,
        total_steps=job.total_steps,
        train_loss=newest.get("train_loss"),
        valid_loss=newest.get("valid_loss"),
        full_valid_loss=newest.get("full_valid_loss", checkpoint.get("full_valid_loss")),
        curve=Curve(
            step=[point["step"] for point in points],
            train_loss=[point.get("train_loss") for point in points],
        ),
    )


def curve_steps(last: int) -> list[int]:
    """At most forty steps from the first to `last`, evenly apart."""
    if last <= CURVE_POINTS:
        return list(range(1, last + 1))
    return [1 + round(i * (last - 1) / (CURVE_POINTS - 1)) for i in range(CURVE_POINTS)]
