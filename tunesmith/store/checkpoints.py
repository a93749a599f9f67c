"""Rows of checkpoints: a job's adapters at epoch ends, each also a servable model."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete as sql_delete
from sqlalchemy import exists, select
from sqlalchemy import insert as sql_insert

from tunesmith.store import jobs as job_rows
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import CheckpointRow, Page, from_row, values_of
from tunesmith.store.tables import checkpoints, models


def insert(where: Where, row: CheckpointRow) -> None:
    """Adds a checkpoint whose model row stands."""
    with writing(where) as connection:
        connection.execute(sql_insert(checkpoints).values(values_of(row)))


def list_page(
    where: Where, project_id: str, job_id: str, *, after: str | None = None, limit: int = 10
) -> Page[CheckpointRow]:
    """Checkpoints of a job of this project, newest first, without those whose model was deleted. Raises
    NotFound for the job."""
    served = exists().where(models.c.id == checkpoints.c.model_id, models.c.deleted_at.is_(None))
    with reading(where) as connection:
        job_rows.get(connection, project_id, job_id)
        within = checkpoints.c.job_id == job_id
        return page(connection, CheckpointRow, checkpoints, within, shown=served, after=after, limit=limit)


def of_job(where: Where, job_id: str) -> list[CheckpointRow]:
    """All checkpoints of a job, oldest first."""
    with reading(where) as connection:
        query = select(checkpoints).where(checkpoints.c.job_id == job_id).order_by(checkpoints.c.seq)
        return [from_row(CheckpointRow, row) for row in connection.execute(query)]


def delete(where: Where, checkpoint_ids: Iterable[str]) -> None:
    """Removes rows; their models are hidden by the caller."""
    with writing(where) as connection:
        connection.execute(sql_delete(checkpoints).where(checkpoints.c.id.in_(list(checkpoint_ids))))
