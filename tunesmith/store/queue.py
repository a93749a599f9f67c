"""How many jobs stand before one: what trains now, and what waits for a device and came to be earlier."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, or_, select

from tunesmith.store.database import Where, reading
from tunesmith.store.tables import jobs


def n_ahead(where: Where, *, running: str, waiting: Collection[str], job_id: str | None = None) -> int:
    """Jobs before this one, of all projects; before a new one if None."""
    waits: ColumnElement[bool] = jobs.c.status.in_(waiting)
    if job_id is not None:
        own = select(jobs.c.seq).where(jobs.c.id == job_id).scalar_subquery()
        waits = and_(waits, jobs.c.seq < own, jobs.c.id != job_id)
    with reading(where) as connection:
        query = select(func.count()).select_from(jobs).where(or_(jobs.c.status == running, waits))
        return int(connection.execute(query).scalar_one())
