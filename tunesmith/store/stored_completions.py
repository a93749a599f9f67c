"""Chat completions that were asked to be stored, with the messages they answer.

A row is the whole story of one answer; it is kept for a bounded time (`jobs/sweep.py` takes the old ones).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, and_, exists, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store.database import Database, Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import Page, StoredCompletionRow, from_row, values_of
from tunesmith.store.tables import stored_completion_metadata, stored_completions

LIFETIME_S = 30 * 24 * 3600
"""How long a stored completion is kept (OpenAI's bound)."""
_SWEPT_AT_ONCE = 200
"""Rows of one transaction of `sweep`, so that no other writer waits for long."""


def insert(where: Where, row: StoredCompletionRow) -> None:
    """Adds a completion."""
    with writing(where) as connection:
        connection.execute(sql_insert(stored_completions).values(values_of(row)))
        _add_pairs(connection, row.id, row.metadata)


def get(where: Where, project_id: str, completion_id: str) -> StoredCompletionRow:
    """The stored completion of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(stored_completions).where(
                stored_completions.c.id == completion_id,
                stored_completions.c.project_id == project_id,
                _kept(),
            )
        ).first()
    if row is None:
        raise NotFound(
            f"No stored chat completion found with id '{completion_id}'. Only completions created with "
            "'store: true' can be retrieved, for 30 days.",
            param="completion_id",
        )
    return from_row(StoredCompletionRow, row)


def list_page(
    where: Where,
    project_id: str,
    *,
    model: str | None = None,
    metadata: Mapping[str, str] | None = None,
    after: str | None = None,
    limit: int = 20,
    order: str = "asc",
) -> Page[StoredCompletionRow]:
    """Stored completions of this project, oldest first unless `order` is `desc`; `metadata` keeps those that
    have all these pairs."""
    shown = [_kept()]
    if model is not None:
        shown.append(stored_completions.c.model == model)
    for key, value in (metadata or {}).items():
        shown.append(
            exists().where(
                stored_completion_metadata.c.completion_id == stored_completions.c.id,
                stored_completion_metadata.c.key == key,
                stored_completion_metadata.c.value == value,
            )
        )
    with reading(where) as connection:
        return page(
            connection,
            StoredCompletionRow,
            stored_completions,
            stored_completions.c.project_id == project_id,
            shown=and_(*shown),
            after=after,
            limit=limit,
            order=order,
        )


def set_metadata(
    where: Where, project_id: str, completion_id: str, metadata: dict[str, str] | None
) -> StoredCompletionRow:
    """Replaces the metadata. Raises NotFound."""
    with writing(where) as connection:
        get(connection, project_id, completion_id)
        pairs = stored_completion_metadata
        connection.execute(sql_delete(pairs).where(pairs.c.completion_id == completion_id))
        _add_pairs(connection, completion_id, metadata)
        connection.execute(
            update(stored_completions)
            .where(stored_completions.c.id == completion_id)
            .values(metadata=metadata)
        )
        return get(connection, project_id, completion_id)


def delete(where: Where, project_id: str, completion_id: str) -> None:
    """Removes the completion. Raises NotFound, also the second time."""
    with writing(where) as connection:
        get(connection, project_id, completion_id)
        _remove(connection, [completion_id])


def sweep(db: Database) -> None:
    """Removes what is older than it is kept."""
    old = (
        select(stored_completions.c.id)
        .where(stored_completions.c.created_at <= ids.now() - LIFETIME_S)
        .limit(_SWEPT_AT_ONCE)
    )
    while True:
        with db.read() as connection:
            found = list(connection.execute(old).scalars())
        if not found:
            return
        with db.write() as connection:
            _remove(connection, found)


def _remove(connection: Connection, completion_ids: list[str]) -> None:
    pairs = stored_completion_metadata
    connection.execute(sql_delete(pairs).where(pairs.c.completion_id.in_(completion_ids)))
    connection.execute(sql_delete(stored_completions).where(stored_completions.c.id.in_(completion_ids)))


def _add_pairs(connection: Connection, completion_id: str, metadata: Mapping[str, str] | None) -> None:
    pairs = [
        {"completion_id": completion_id, "key": key, "value": value}
        for key, value in (metadata or {}).items()
    ]
    if pairs:
        connection.execute(sql_insert(stored_completion_metadata), pairs)


def _kept() -> ColumnElement[bool]:
    return stored_completions.c.created_at > ids.now() - LIFETIME_S
