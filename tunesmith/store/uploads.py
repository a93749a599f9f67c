"""Rows of uploads and their parts. The bytes of a part are an object (`PartRow.object_key`), written before
the row.

An upload is pending until it is completed, cancelled or over, and each of these is one guarded transaction:
whatever comes at the same time finds the upload as the first of them left it. The bytes of parts go when
their upload is no longer pending (`jobs/sweep.py`).
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy import insert as sql_insert

from tunesmith import ids
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import files
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.rows import FileRow, PartRow, UploadRow, from_row, values_of
from tunesmith.store.tables import upload_parts, uploads

PENDING = "pending"  # takes parts until it expires
COMPLETED = "completed"  # its parts have become a file
CANCELLED = "cancelled"  # the client gave it up
EXPIRED = "expired"  # its time ran out; a pending upload beyond `expires_at` counts as such already

#: Seconds that a completion which began in time may go on after the upload's end.
COMPLETION_GRACE_S = 900
#: Seconds after its end for which an ended upload still says what became of it.
REMEMBERED_S = 24 * 3600


def insert(where: Where, row: UploadRow) -> None:
    """Adds an upload without parts."""
    with writing(where) as connection:
        connection.execute(sql_insert(uploads).values(values_of(row)))


def get(where: Where, project_id: str, upload_id: str) -> UploadRow:
    """The upload of this project. Raises NotFound."""
    with reading(where) as connection:
        query = select(uploads).where(uploads.c.id == upload_id, uploads.c.project_id == project_id)
        row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"No such Upload object: {upload_id}", param="id")
    return from_row(UploadRow, row)


def pending(where: Where, project_id: str, upload_id: str) -> UploadRow:
    """The upload, which still takes parts. Raises NotFound, or InvalidRequest saying what became of it."""
    row = get(where, project_id, upload_id)
    if row.status == PENDING and row.expires_at > ids.now():
        return row
    raise _over(row)


def add_part(where: Where, project_id: str, part: PartRow, *, max_parts: int, max_bytes: int) -> None:
    """Adds a part whose bytes are stored, to an upload that holds `max_bytes` at most.

    Raises as `pending` does, and InvalidRequest when there is no more room.
    """
    with writing(where) as connection:
        pending(connection, project_id, part.upload_id)
        require_room(connection, part.upload_id, part.size_bytes, max_parts=max_parts, max_bytes=max_bytes)
        connection.execute(sql_insert(upload_parts).values(values_of(part)))


def require_room(where: Where, upload_id: str, more_bytes: int, *, max_parts: int, max_bytes: int) -> None:
    """Raises InvalidRequest when one more part of `more_bytes` is more than the upload may hold."""
    with reading(where) as connection:
        query = select(func.count(), func.coalesce(func.sum(upload_parts.c.size_bytes), 0)).where(
            upload_parts.c.upload_id == upload_id
        )
        n_parts, held_bytes = connection.execute(query).one()
    if n_parts >= max_parts:
        raise InvalidRequest(
            f"{upload_id} has {n_parts} parts, the most that an upload may have; send larger ones.",
            param="data",
        )
    if held_bytes + more_bytes > max_bytes:
        raise InvalidRequest(
            f"The parts of {upload_id} hold {held_bytes} bytes already, and this one is more than its "
            "announced size leaves room for; create another upload.",
            param="data",
        )


def parts(where: Where, upload_id: str) -> dict[str, PartRow]:
    """The parts of an upload by their ids."""
    with reading(where) as connection:
        query = select(upload_parts).where(upload_parts.c.upload_id == upload_id)
        rows = [from_row(PartRow, row) for row in connection.execute(query)]
    return {row.id: row for row in rows}


def complete(where: Where, row: UploadRow, file: FileRow) -> UploadRow:
    """The upload has become `file`, whose bytes are stored: both rows, or neither.

    Raises InvalidRequest when it has been completed, cancelled or swept meanwhile.
    """
    with writing(where) as connection:
        ended = _end(connection, row, COMPLETED, file_id=file.id)
        files.insert(connection, file)
        return ended


def cancel(where: Where, project_id: str, upload_id: str) -> UploadRow:
    """Ends a pending upload. Raises as `pending` does."""
    with writing(where) as connection:
        return _end(connection, pending(connection, project_id, upload_id), CANCELLED)


def expire(where: Where) -> None:
    """Ends pending uploads whose time is over, and that of a completion too."""
    with writing(where) as connection:
        connection.execute(
            update(uploads)
            .where(uploads.c.status == PENDING, uploads.c.expires_at <= ids.now() - COMPLETION_GRACE_S)
            .values(status=EXPIRED)
        )


def pending_ids(where: Where) -> set[str]:
    """Ids of the uploads whose parts are still needed."""
    with reading(where) as connection:
        return set(connection.execute(select(uploads.c.id).where(uploads.c.status == PENDING)).scalars())


def forget(where: Where) -> None:
    """Removes the part rows of ended uploads, and ended uploads that nobody will ask about any more."""
    with writing(where) as connection:
        ended = select(uploads.c.id).where(uploads.c.status != PENDING)
        connection.execute(delete(upload_parts).where(upload_parts.c.upload_id.in_(ended)))
        connection.execute(
            delete(uploads).where(
                uploads.c.status != PENDING, uploads.c.expires_at <= ids.now() - REMEMBERED_S
            )
        )


def _end(connection: Connection, row: UploadRow, status: str, *, file_id: str | None = None) -> UploadRow:
    now = get(connection, row.project_id, row.id)
    if now.status != PENDING:
        raise _over(now)
    connection.execute(update(uploads).where(uploads.c.id == row.id).values(status=status, file_id=file_id))
    return get(connection, row.project_id, row.id)


def _over(row: UploadRow) -> InvalidRequest:
    if row.status == COMPLETED:
        became = f"has been completed already; its file is {row.file_id}"
    elif row.status == CANCELLED:
        became = "has been cancelled; create another one"
    else:
        became = "has expired; create another one and complete it within the hour"
    return InvalidRequest(f"Upload {row.id} {became}.", param="upload_id", code="upload_not_pending")
