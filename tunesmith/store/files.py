"""Rows of files. The bytes are objects (`FileRow.object_key`), written before the row.

Deleting hides the row at once; the bytes go when no live job reads them any more (`jobs/sweep.py`), the row a
day later: whoever deletes page by page goes on from a file that is hidden already.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy import (
    delete as sql_delete,
)
from sqlalchemy import (
    insert as sql_insert,
)

from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import FileRow, Page, from_row, values_of
from tunesmith.store.tables import file_facts, files

#: Seconds that a hidden file still serves as a cursor of lists.
KEPT_S = 24 * 3600


def insert(where: Where, row: FileRow) -> None:
    """Adds a file whose bytes are stored."""
    with writing(where) as connection:
        connection.execute(sql_insert(files).values(values_of(row)))


def get(where: Where, project_id: str, file_id: str) -> FileRow:
    """The file of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(files).where(files.c.id == file_id, files.c.project_id == project_id, _shown())
        ).first()
    if row is None:
        raise _not_found(file_id)
    return from_row(FileRow, row)


def list_page(
    where: Where,
    project_id: str,
    *,
    purpose: str | None = None,
    text: str | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = 10_000,
    order: str = "desc",
) -> Page[FileRow]:
    """Files of this project, newest first unless `order` is `asc`; `text` keeps those that have it in their
    name or id, `before` leads back."""
    shown = _shown()
    if text:
        named = or_(*(column.icontains(text, autoescape=True) for column in (files.c.filename, files.c.id)))
        shown = and_(shown, named)
    if purpose is not None:
        shown = and_(shown, files.c.purpose == purpose)
    with reading(where) as connection:
        within = files.c.project_id == project_id
        return page(
            connection,
            FileRow,
            files,
            within,
            shown=shown,
            after=after,
            before=before,
            limit=limit,
            order=order,
        )


def delete(where: Where, project_id: str, file_id: str) -> FileRow:
    """Hides the file. Raises NotFound, also the second time."""
    with writing(where) as connection:
        row = get(connection, project_id, file_id)
        connection.execute(update(files).where(files.c.id == file_id).values(deleted_at=ids.now()))
        return row


def find(where: Where, file_id: str) -> FileRow | None:
    """The file of whatever project, deleted or not while its row stands: for jobs that accepted it."""
    with reading(where) as connection:
        row = connection.execute(select(files).where(files.c.id == file_id)).first()
    return None if row is None else from_row(FileRow, row)


def hidden(where: Where) -> list[FileRow]:
    """Deleted or expired files whose rows still stand."""
    with reading(where) as connection:
        gone = or_(files.c.deleted_at.is_not(None), files.c.expires_at <= ids.now())
        return [from_row(FileRow, row) for row in connection.execute(select(files).where(gone))]


def over(where: Where) -> set[str]:
    """Ids of the hidden files that serve as cursors no longer."""
    with reading(where) as connection:
        until = ids.now() - KEPT_S
        query = select(files.c.id).where(or_(files.c.deleted_at <= until, files.c.expires_at <= until))
        return set(connection.execute(query).scalars())


def known_ids(where: Where) -> set[str]:
    """Ids of all rows, hidden ones too."""
    with reading(where) as connection:
        return set(connection.execute(select(files.c.id)).scalars())


def forget(where: Where, file_id: str) -> None:
    """Removes the row of a hidden file, after its bytes."""
    with writing(where) as connection:
        connection.execute(sql_delete(file_facts).where(file_facts.c.file_id == file_id))
        connection.execute(sql_delete(files).where(files.c.id == file_id))


def used_bytes(where: Where, project_id: str) -> int:
    """Bytes that this project's files take."""
    with reading(where) as connection:
        query = select(func.coalesce(func.sum(files.c.size_bytes), 0)).where(
            files.c.project_id == project_id, _shown()
        )
        return int(connection.execute(query).scalar_one())


def _shown() -> ColumnElement[bool]:
    return and_(
        files.c.deleted_at.is_(None), or_(files.c.expires_at.is_(None), files.c.expires_at > ids.now())
    )


def _not_found(file_id: str) -> NotFound:
    return NotFound(f"No such File object: {file_id}", param="id")
