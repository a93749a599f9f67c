"""Cursor pages: `after` names the last object seen, the order is that of coming to be."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from tunesmith.errors import InvalidRequest
from tunesmith.store.rows import Page, from_row

T = TypeVar("T")


def page(
    connection: Connection,
    cls: type[T],
    table: Table,
    within: ColumnElement[bool],
    *,
    shown: ColumnElement[bool] | None = None,
    after: str | None,
    limit: int,
    order: str = "desc",
    before: str | None = None,
) -> Page[T]:
    """At most `limit` rows of `table` behind the object `after`; or, for the way back, right before the
    object `before`, and `has_more` says whether more come before those.

    `within` bounds the list and its cursors (the project, the job): a foreign cursor is as good as an absent
    one. `shown` filters further, but an object that it hides (a deleted one) still serves as a cursor. Raises
    InvalidRequest for an unknown cursor.
    """
    query: Select[Any] = select(table).where(within)
    if shown is not None:
        query = query.where(shown)
    rising = (order == "asc") == (before is None)  # the rows before one are found from there, backwards
    for param, cursor, place in (("after", after, "last"), ("before", before, "first")):
        if cursor is not None:
            seq = connection.execute(select(table.c.seq).where(within, table.c.id == cursor)).scalar()
            if seq is None:
                raise InvalidRequest(
                    f"{param} is {cursor!r}, which is no object of this list; pass the id of the {place} "
                    "object of a page.",
                    param=param,
                )
            query = query.where(table.c.seq > seq if rising else table.c.seq < seq)
    query = query.order_by(table.c.seq.asc() if rising else table.c.seq.desc()).limit(limit + 1)
    rows = [from_row(cls, row) for row in connection.execute(query)]
    shown_rows = rows[:limit] if before is None else rows[:limit][::-1]
    return Page(shown_rows, has_more=len(rows) > limit)
