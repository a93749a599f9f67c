"""The metrics events of a job as they lie in the database, for whoever wants many of them at once.

Their JSON is handed on as text: a curve of a hundred thousand steps is parsed in bulk, not row by row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, func, select

from tunesmith.store.database import Database, Where, reading
from tunesmith.store.tables import checkpoints, events

KIND = "metrics"
#: Rows that are in memory at one time, and parsed in one go: what answers beside it waits for milliseconds.
ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Steps:
    """Some steps of a job, in order."""

    data: list[str]
    """JSON text of each step's event."""
    created_at: list[int]


def steps_after(db: Database, job_id: str, after_step: int, *, limit: int) -> Iterator[Steps]:
    """At most `limit` steps behind a step, in pieces."""
    query = (
        select(cast(events.c.data, Text), events.c.created_at)
        .where(events.c.job_id == job_id, events.c.kind == KIND, events.c.step > after_step)
        .order_by(events.c.step)
        .limit(limit)
    )
    with db.read() as connection:
        result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
        for rows in result.partitions():
            data, created_at = zip(*rows, strict=True)
            yield Steps(list(data), list(created_at))


def told(where: Where, job_id: str, kinds: Collection[str]) -> list[tuple[str, dict[str, Any], int]]:
    """(kind, data, created_at) of a job's other events of these kinds, oldest first."""
    query = (
        select(events.c.seq, events.c.kind, events.c.data, events.c.created_at)
        .where(events.c.job_id == job_id, events.c.kind.in_(kinds))
        .order_by(events.c.kind, events.c.step)  # as the index has them: by `seq` all steps would be read
    )
    with reading(where) as connection:
        rows = sorted(connection.execute(query), key=lambda row: row.seq)
    return [(row.kind, row.data, row.created_at) for row in rows]


def at_steps(where: Where, job_id: str, steps: Collection[int]) -> list[dict[str, Any]]:
    """The data of the metrics events of these steps, in order; of those that there are."""
    query = (
        select(events.c.data)
        .where(events.c.job_id == job_id, events.c.kind == KIND, events.c.step.in_(steps))
        .order_by(events.c.step)
    )
    with reading(where) as connection:
        return [row.data for row in connection.execute(query)]


def last_step(where: Where, job_id: str) -> int:
    """The last step that was told, 0 before the first."""
    query = select(func.max(events.c.step)).where(events.c.job_id == job_id, events.c.kind == KIND)
    with reading(where) as connection:
        return int(connection.execute(query).scalar() or 0)


def last_checkpoint(where: Where, job_id: str) -> dict[str, float]:
    """The metrics of the job's last checkpoint; empty before the first."""
    query = (
        select(checkpoints.c.metrics)
        .where(checkpoints.c.job_id == job_id)
        .order_by(checkpoints.c.seq.desc())
        .limit(1)
    )
    with reading(where) as connection:
        row = connection.execute(query).first()
    return {} if row is None else row.metrics
