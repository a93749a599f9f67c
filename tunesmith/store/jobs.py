"""Rows of fine-tuning jobs, and the two ways to change one: `transition` (a state) and `record` (a worker's
work).

Both are compare-and-set: they name what they expect, and change nothing when it is no longer so.
Which state may follow which is decided in `jobs/states.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, update
from sqlalchemy import insert as sql_insert

from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store import events as event_rows
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import EventRow, JobRow, Page, from_row, values_of
from tunesmith.store.tables import job_metadata, jobs, models, projects

MAX_BEAT_S = 60.0
"""Seconds between two writes of a worker that count as time on the device; more is a clock that jumped."""


class LeaseLost(Exception):
    """The job is no longer this worker's: cancelled, finished, or given to another attempt."""


def insert(where: Where, row: JobRow, events: Iterable[EventRow] = ()) -> None:
    """Adds a job with its first events."""
    with writing(where) as connection:
        connection.execute(sql_insert(jobs).values(values_of(row)))
        pairs = [{"job_id": row.id, "key": k, "value": v} for k, v in (row.metadata or {}).items()]
        if pairs:
            connection.execute(sql_insert(job_metadata), pairs)
        event_rows.add(connection, row.id, events)


def get(where: Where, project_id: str, job_id: str) -> JobRow:
    """The job of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(jobs).where(jobs.c.id == job_id, jobs.c.project_id == project_id)
        ).first()
    if row is None:
        raise NotFound(
            f"Could not find fine tune: {job_id}", param="fine_tuning_job_id", code="fine_tune_not_found"
        )
    return from_row(JobRow, row)


def find(where: Where, job_id: str) -> JobRow | None:
    """The job of whatever project: for the scheduler and the workers."""
    with reading(where) as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == job_id)).first()
    return None if row is None else from_row(JobRow, row)


def list_page(
    where: Where,
    project_id: str,
    *,
    after: str | None = None,
    limit: int = 20,
    metadata: dict[str, str] | None = None,
    without_metadata: bool = False,
    before: str | None = None,
    statuses: Collection[str] = (),
    text: str | None = None,
) -> Page[JobRow]:
    """Jobs of this project, newest first; `metadata` keeps those that have all these pairs, `statuses` those
    in one of them, `text` those that have it in their id, suffix or a model's name."""
    shown: list[ColumnElement[bool]] = []
    if statuses:
        shown.append(jobs.c.status.in_(statuses))
    if text:
        named = (jobs.c.id, jobs.c.suffix, jobs.c.model, jobs.c.fine_tuned_model)
        shown.append(or_(*(column.icontains(text, autoescape=True) for column in named)))
    for key, value in (metadata or {}).items():
        shown.append(
            exists().where(
                job_metadata.c.job_id == jobs.c.id,
                job_metadata.c.key == key,
                job_metadata.c.value == value,
            )
        )
    if without_metadata:
        shown.append(~exists().where(job_metadata.c.job_id == jobs.c.id))
    with reading(where) as connection:
        within = jobs.c.project_id == project_id
        filters = and_(*shown) if shown else None
        return page(connection, JobRow, jobs, within, shown=filters, after=after, limit=limit, before=before)


def models_made_from(where: Where, project_id: str, names: Collection[str], *, limit: int = 100) -> list[str]:
    """The tuned models of the project's jobs that began from one of these names, newest first; of those that
    are still there."""
    query = (
        select(jobs.c.fine_tuned_model)
        .join(models, models.c.name == jobs.c.fine_tuned_model)
        .where(jobs.c.project_id == project_id, jobs.c.model.in_(names), models.c.deleted_at.is_(None))
        .order_by(jobs.c.seq.desc())
        .limit(limit)
    )
    with reading(where) as connection:
        return list(connection.execute(query).scalars())


def in_state(where: Where, *states: str) -> list[JobRow]:
    """Jobs of all projects in one of these states, oldest first."""
    with reading(where) as connection:
        query = select(jobs).where(jobs.c.status.in_(states)).order_by(jobs.c.seq)
        return [from_row(JobRow, row) for row in connection.execute(query)]


def of_archived_projects(where: Where, *states: str) -> list[JobRow]:
    """Jobs in one of these states whose project is archived."""
    archived = select(projects.c.id).where(projects.c.archived_at.is_not(None))
    with reading(where) as connection:
        query = select(jobs).where(jobs.c.status.in_(states), jobs.c.project_id.in_(archived))
        return [from_row(JobRow, row) for row in connection.execute(query)]


def held(where: Where, running: str) -> list[JobRow]:
    """Jobs whose worker may write, oldest first: in the state `running`, or with a worker that is leaving."""
    with reading(where) as connection:
        query = select(jobs).where(or_(jobs.c.status == running, jobs.c.leaving)).order_by(jobs.c.seq)
        return [from_row(JobRow, row) for row in connection.execute(query)]


def transition(
    where: Where,
    job_id: str,
    to: str,
    *,
    expect: Collection[str],
    expect_attempt: int | None = None,
    events: Iterable[EventRow] = (),
    **changes: Any,
) -> JobRow | None:
    """Moves a job to the state `to` when it is in one of `expect` (and still at that attempt).

    Returns the job as it is now, or None when it was not as expected: then nothing changed.
    """
    condition = and_(jobs.c.id == job_id, jobs.c.status.in_(expect))
    if expect_attempt is not None:
        condition = and_(condition, jobs.c.attempt == expect_attempt)
    with writing(where) as connection:
        changed = connection.execute(update(jobs).where(condition).values(status=to, **changes)).rowcount
        if not changed:
            return None
        event_rows.add(connection, job_id, events)
        return find(connection, job_id)


def record(
    where: Where,
    job_id: str,
    attempt: int,
    *,
    running: str,
    events: Iterable[EventRow] = (),
    **changes: Any,
) -> bool:
    """A worker's write: renews the lease, adds events, changes columns; all of it or nothing.

    Returns whether the worker shall leave. Raises LeaseLost when the job is neither in the state `running` at
    this attempt nor being left by it.
    """
    with writing(where) as connection:
        changed = connection.execute(
            update(jobs)
            .where(
                jobs.c.id == job_id,
                jobs.c.attempt == attempt,
                or_(jobs.c.status == running, jobs.c.leaving),
            )
            .values(
                heartbeat=jobs.c.heartbeat + 1,
                **_device_time(),
                **changes,
            )
        ).rowcount
        if not changed:
            raise LeaseLost(f"{job_id} is no longer attempt {attempt}'s to write")
        event_rows.add(connection, job_id, events)
        return bool(connection.execute(select(jobs.c.leaving).where(jobs.c.id == job_id)).scalar_one())


def count_device_time(where: Where, job_id: str, attempt: int) -> None:
    """Counts the time on the device until now for a worker that does not write; its lease stays as it is."""
    with writing(where) as connection:
        connection.execute(
            update(jobs).where(jobs.c.id == job_id, jobs.c.attempt == attempt).values(**_device_time())
        )


def _device_time() -> dict[str, Any]:
    now_s = ids.now_s()
    since = now_s - jobs.c.device_until
    counted = case((since.between(0, MAX_BEAT_S), since), else_=0.0)
    return {"device_s": jobs.c.device_s + counted, "device_until": now_s}


def left(where: Where, job_id: str, attempt: int, events: Iterable[EventRow] = ()) -> bool:
    """The worker that was leaving has gone: nobody writes to the job now. False when there was none."""
    with writing(where) as connection:
        changed = connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.attempt == attempt, jobs.c.leaving)
            .values(leaving=False, worker=None)
        ).rowcount
        if changed:
            event_rows.add(connection, job_id, events)
    return bool(changed)


def pinned(where: Where, live: Collection[str]) -> set[str]:
    """Ids of files and parent models that jobs in a `live` state still need."""
    with reading(where) as connection:
        query = select(jobs.c.training_file, jobs.c.validation_file, jobs.c.parent_model_id).where(
            jobs.c.status.in_(live)
        )
        return {value for row in connection.execute(query) for value in row if value is not None}
