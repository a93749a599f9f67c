"""What was used: counts of what was served, by minute, and what training took, by the jobs' ends.

Reports add up; what a token or a second costs is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, null, select, update

from tunesmith.store.database import Where, reading, writing
from tunesmith.store.tables import jobs, projects, usage


@dataclass(frozen=True, slots=True)
class Key:
    """Which counter: the columns that tell one row from another."""

    minute: int
    """Unix seconds of the minute's beginning."""
    project_id: str
    key_id: str
    model: str
    operation: str
    batch: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How much."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    """Those of the input that were read from a cache."""
    output_tokens: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


_KEY = tuple(f.name for f in fields(Key))
_COUNT = tuple(f.name for f in fields(Count))

DIMENSIONS = ("project_id", "key_id", "model", "operation", "batch")
"""What a report can tell apart."""


@dataclass(frozen=True)
class Period:
    """What a report is about: a stretch of time in buckets, and whose use."""

    organization_id: str
    start: int
    """Unix seconds, inclusive."""
    end: int
    """Unix seconds, exclusive."""
    width_s: int
    """Seconds of a bucket; buckets begin at multiples of it."""
    project_ids: Collection[str] = ()
    """Only these; empty for all of the organization."""

    def whose(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition on a table's project."""
        query = select(projects.c.id).where(projects.c.organization_id == self.organization_id)
        if self.project_ids:
            query = query.where(projects.c.id.in_(self.project_ids))
        return column.in_(query)


@dataclass(frozen=True)
class Total:
    """One sum of a report. A dimension that was not asked for is None."""

    bucket: int
    project_id: str | None
    key_id: str | None
    model: str | None
    operation: str | None
    batch: bool | None
    count: Count


@dataclass(frozen=True)
class Trained:
    """What training took: one sum of a report."""

    bucket: int
    project_id: str | None
    model: str | None
    """The base, by its wire name."""
    job_id: str | None
    jobs: int
    trained_tokens: int
    device_s: float


def add(where: Where, counts: Mapping[Key, Count]) -> None:
    """Adds what was counted to what stands there, all of it or nothing."""
    columns = [usage.c[name] for name in _KEY]
    with writing(where) as connection:
        known = {
            Key(*row)
            for row in connection.execute(
                select(*columns).where(usage.c.minute.in_({key.minute for key in counts}))
            )
        }
        new = [
            {name: getattr(part, name) for part, names in ((key, _KEY), (count, _COUNT)) for name in names}
            for key, count in counts.items()
            if key not in known
        ]
        more = [
            {f"the_{name}": getattr(key, name) for name in _KEY}
            | {f"more_{name}": getattr(count, name) for name in _COUNT}
            for key, count in counts.items()
            if key in known
        ]
        if new:
            connection.execute(insert(usage), new)
        if more:
            same = and_(*(usage.c[name] == bindparam(f"the_{name}") for name in _KEY))
            added = {name: usage.c[name] + bindparam(f"more_{name}") for name in _COUNT}
            connection.execute(update(usage).where(same).values(added), more)


def totals(
    where: Where,
    period: Period,
    *,
    by: Sequence[str] = (),
    operation: str | None = None,
    key_ids: Collection[str] = (),
    models: Collection[str] = (),
    batch: bool | None = None,
) -> list[Total]:
    """What was served, by bucket and the dimensions in `by`; empty filters keep everything."""
    condition = [
        usage.c.minute >= period.start - period.start % 60,
        usage.c.minute < period.end,
        period.whose(usage.c.project_id),
    ]
    if operation is not None:
        condition.append(usage.c.operation == operation)
    if key_ids:
        condition.append(usage.c.key_id.in_(key_ids))
    if models:
        condition.append(usage.c.model.in_(models))
    if batch is not None:
        condition.append(usage.c.batch == batch)
    bucket = (usage.c.minute - usage.c.minute % period.width_s).label("bucket")
    dimensions = [usage.c[name] for name in by]
    sums = [func.sum(usage.c[name]).label(name) for name in _COUNT]
    query = (
        select(bucket, *dimensions, *sums)
        .where(*condition)
        .group_by(bucket, *dimensions)
        .order_by(bucket, *dimensions)
    )
    with reading(where) as connection:
        rows = [row._mapping for row in connection.execute(query)]
    return [
        Total(
            bucket=row["bucket"],
            **{name: row[name] if name in by else None for name in DIMENSIONS},
            count=Count(**{name: int(row[name]) for name in _COUNT}),
        )
        for row in rows
    ]


def trained(
    where: Where, period: Period, *, by: Sequence[str] = (), models: Collection[str] = ()
) -> list[Trained]:
    """What the jobs took that ended in the period, however they ended; `by` may hold project_id, model and
    id."""
    condition: list[ColumnElement[bool]] = [
        jobs.c.finished_at >= period.start,
        jobs.c.finished_at < period.end,
        period.whose(jobs.c.project_id),
    ]
    if models:
        condition.append(jobs.c.model.in_(models))
    bucket = (jobs.c.finished_at - jobs.c.finished_at % period.width_s).label("bucket")
    dimensions = [jobs.c[name] for name in by]
    shown: list[ColumnElement[Any]] = [
        (jobs.c[name] if name in by else null()).label(label)
        for name, label in (("project_id", "project_id"), ("model", "model"), ("id", "job_id"))
    ]
    query = (
        select(
            bucket,
            *shown,
            func.count().label("jobs"),
            func.coalesce(func.sum(jobs.c.trained_tokens), 0).label("trained_tokens"),
            func.coalesce(func.sum(jobs.c.device_s), 0.0).label("device_s"),
        )
        .where(*condition)
        .group_by(bucket, *dimensions)
        .order_by(bucket, *dimensions)
    )
    with reading(where) as connection:
        return [Trained(**row._mapping) for row in connection.execute(query)]


def last_used(where: Where, project_id: str, names: Collection[str]) -> int | None:
    """The last minute in which the project asked a model by one of these names; None for never."""
    query = (
        select(usage.c.minute)
        .where(usage.c.project_id == project_id, usage.c.model.in_(names))
        .order_by(usage.c.minute.desc())
        .limit(1)
    )
    with reading(where) as connection:
        return connection.execute(query).scalar()


def tokens_since(where: Where, start: int) -> dict[str, int]:
    """Tokens served since `start`, input and output together, by project."""
    query = (
        select(usage.c.project_id, func.sum(usage.c.input_tokens + usage.c.output_tokens))
        .where(usage.c.minute >= start)
        .group_by(usage.c.project_id)
    )
    with reading(where) as connection:
        return {project_id: int(tokens) for project_id, tokens in connection.execute(query)}
