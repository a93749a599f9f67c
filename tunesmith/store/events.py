"""A job's story, line by line. (job, kind, step) is unique: who tells a step again is not heard twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, func, insert, select

from tunesmith import ids
from tunesmith.store import jobs as job_rows
from tunesmith.store.database import Where, reading
from tunesmith.store.pages import page
from tunesmith.store.rows import EventRow, Page, from_row, values_of
from tunesmith.store.tables import events


def event(
    job_id: str,
    kind: str,
    message: str,
    *,
    step: int = 0,
    level: str = "info",
    type: str = "message",
    data: dict[str, Any] | None = None,
) -> EventRow:
    """An event that happened now and is not stored yet."""
    return EventRow(
        id=ids.new_id("event"),
        job_id=job_id,
        kind=kind,
        step=step,
        level=level,
        type=type,
        message=message,
        data=data or {},
        created_at=ids.now(),
    )


def add(connection: Connection, job_id: str, rows: Iterable[EventRow]) -> int:
    """Appends the events that are new, in the given order; returns how many were.

    The caller holds the job's row (or the write lock), so nobody adds in between.
    """
    rows = list(rows)
    if not rows:
        return 0
    kinds = {row.kind for row in rows}
    known = {
        (kind, step)
        for kind, step in connection.execute(
            select(events.c.kind, events.c.step).where(
                events.c.job_id == job_id, events.c.kind.in_(kinds), events.c.step.in_({r.step for r in rows})
            )
        )
    }
    new = []
    for row in rows:
        if (row.kind, row.step) not in known:
            known.add((row.kind, row.step))
            new.append(values_of(row))
    if new:
        connection.execute(insert(events), new)
    return len(new)


def times_told(where: Where, job_id: str, kind: str) -> int:
    """How many events of a kind the job has: the next free step of a kind that counts itself."""
    with reading(where) as connection:
        told = select(events.c.step).where(events.c.job_id == job_id, events.c.kind == kind)
        return connection.execute(select(func.count()).select_from(told.subquery())).scalar_one()


def list_page(
    where: Where,
    project_id: str,
    job_id: str,
    *,
    after: str | None = None,
    limit: int = 20,
    type: str | None = None,
) -> Page[EventRow]:
    """Events of a job of this project, newest first; only those of one `type` where it is given. Raises
    NotFound for the job."""
    within, shown = events.c.job_id == job_id, None if type is None else events.c.type == type
    with reading(where) as connection:
        job_rows.get(connection, project_id, job_id)
        return page(connection, EventRow, events, within, shown=shown, after=after, limit=limit)


def of_type(where: Where, job_id: str, type: str) -> list[EventRow]:
    """All events of one type, oldest first: the curve of a job when the type is `metrics`."""
    with reading(where) as connection:
        query = select(events).where(events.c.job_id == job_id, events.c.type == type).order_by(events.c.seq)
        return [from_row(EventRow, row) for row in connection.execute(query)]
