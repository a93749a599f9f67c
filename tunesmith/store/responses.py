"""Stored responses: what each was given and has written, and the conversations that they make.

A response that goes on from another holds its own items alone; the conversation is read along the chain of
`previous_response_id`. So a deleted or expired response is only hidden while a later one stands on it, and
`sweep` removes a conversation from its ends. Whoever goes on from a conversation keeps all of it alive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from tunesmith import ids
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.rows import ResponseRow, from_row, values_of
from tunesmith.store.tables import response_items, responses

LIFETIME_S = 30 * 24 * 3600
"""How long a response can be read, and a conversation be gone on with after its last response."""
MAX_CONVERSATION_ITEMS = 10_000
"""Items of one conversation; beyond it a new one has to be begun."""
_REFRESH_S = 24 * 3600
"""A conversation's lifetime is renewed at most this often."""
_SWEPT_AT_ONCE = 200
_DELETED = 0
"""`expires_at` of a deleted response."""

Item = dict[str, Any]
"""An item as the wire has it, with its `id`."""


def insert(where: Where, row: ResponseRow, *, given: Iterable[Item], written: Iterable[Item]) -> None:
    """Adds a response with the items that its request brought and those that it wrote."""
    items = [(item, False) for item in given] + [(item, True) for item in written]
    with writing(where) as connection:
        connection.execute(sql_insert(responses).values(values_of(row)))
        if items:
            connection.execute(
                sql_insert(response_items),
                [
                    {
                        "id": item["id"],
                        "project_id": row.project_id,
                        "response_id": row.id,
                        "is_output": is_output,
                        "item": item,
                    }
                    for item, is_output in items
                ],
            )
        if row.root_id != row.id:
            stale = and_(
                responses.c.root_id == row.root_id,
                responses.c.expires_at > _DELETED,
                responses.c.expires_at < row.expires_at - _REFRESH_S,
            )
            connection.execute(update(responses).where(stale).values(expires_at=row.expires_at))


def get(where: Where, project_id: str, response_id: str) -> ResponseRow:
    """The response of this project. Raises NotFound."""
    with reading(where) as connection:
        row = _find(connection, project_id, response_id)
    if row is None:
        raise NotFound(f"Response with id '{response_id[:100]}' not found.", param="response_id")
    return row


def written(where: Where, response_id: str) -> list[Item]:
    """The items that a response wrote, in order."""
    with reading(where) as connection:
        query = (
            select(response_items.c.item)
            .where(response_items.c.response_id == response_id, response_items.c.is_output)
            .order_by(response_items.c.seq)
        )
        return list(connection.execute(query).scalars())


def read_by(where: Where, project_id: str, response_id: str) -> list[Item]:
    """All items that a response was asked with, those of the conversation before it included. Raises
    NotFound."""
    with reading(where) as connection:
        row = get(connection, project_id, response_id)
        before = _chain(connection, row.previous_response_id) if row.previous_response_id else []
        query = (
            select(response_items.c.item)
            .where(response_items.c.response_id == response_id, response_items.c.is_output.is_(False))
            .order_by(response_items.c.seq)
        )
        return before + list(connection.execute(query).scalars())


def conversation(where: Where, project_id: str, response_id: str) -> tuple[ResponseRow, list[Item]]:
    """The response to go on from, and all items of its conversation, its own output last.

    Raises InvalidRequest when it is not there, or when the conversation has grown too long.
    """
    with reading(where) as connection:
        row = _find(connection, project_id, response_id)
        if row is None:
            raise InvalidRequest(
                f"Previous response with id '{response_id[:100]}' not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return row, _chain(connection, response_id)


def items(where: Where, project_id: str, item_ids: Collection[str]) -> dict[str, Item]:
    """The stored items of these ids, as they are in responses that can still be read; the others are left
    out."""
    if not item_ids:
        return {}
    with reading(where) as connection:
        query = (
            select(response_items.c.id, response_items.c.item)
            .join(responses, responses.c.id == response_items.c.response_id)
            .where(
                response_items.c.project_id == project_id,
                response_items.c.id.in_(list(item_ids)),
                _shown(),
            )
            .order_by(response_items.c.seq)
        )
        return {item_id: item for item_id, item in connection.execute(query)}


def delete(where: Where, project_id: str, response_id: str) -> None:
    """Hides the response and its items. Raises NotFound, also the second time."""
    with writing(where) as connection:
        get(connection, project_id, response_id)
        hidden = update(responses).where(responses.c.id == response_id).values(expires_at=_DELETED)
        connection.execute(hidden)


def sweep(where: Where) -> int:
    """Removes hidden responses on which no other stands; returns how many.

    Works in small transactions, since others wait for the write lock meanwhile.
    """
    later = responses.alias("later")
    stands = select(literal(1)).where(later.c.previous_response_id == responses.c.id).exists()
    leaves = select(responses.c.id).where(responses.c.expires_at <= ids.now(), ~stands).limit(_SWEPT_AT_ONCE)
    n_removed = 0
    while True:
        with reading(where) as connection:
            gone = list(connection.execute(leaves).scalars())
        if not gone:
            return n_removed
        with writing(where) as connection:
            connection.execute(sql_delete(response_items).where(response_items.c.response_id.in_(gone)))
            connection.execute(sql_delete(responses).where(responses.c.id.in_(gone)))
        n_removed += len(gone)


def _find(connection: Connection, project_id: str, response_id: str) -> ResponseRow | None:
    row = connection.execute(
        select(responses).where(responses.c.id == response_id, responses.c.project_id == project_id, _shown())
    ).first()
    return None if row is None else from_row(ResponseRow, row)


def _chain(connection: Connection, last_id: str) -> list[Item]:
    """The items of a response and of all before it, oldest first."""
    chain = (
        select(responses.c.id, responses.c.previous_response_id, literal(0).label("age"))
        .where(responses.c.id == last_id)
        .cte("chain", recursive=True)
    )
    chain = chain.union_all(
        select(responses.c.id, responses.c.previous_response_id, chain.c.age + 1).where(
            responses.c.id == chain.c.previous_response_id, chain.c.age < MAX_CONVERSATION_ITEMS
        )
    )
    first = connection.execute(
        select(chain.c.id, chain.c.previous_response_id).order_by(chain.c.age.desc()).limit(1)
    ).one()
    if first.previous_response_id is not None:
        raise InvalidRequest(
            f"The conversation before '{last_id}' is no longer whole: '{first.id}' went on from "
            f"'{first.previous_response_id}', which has been deleted. Begin a new conversation.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    belongs = response_items.c.response_id == chain.c.id
    n_items = connection.execute(select(func.count()).select_from(response_items.join(chain, belongs)))
    if n_items.scalar_one() > MAX_CONVERSATION_ITEMS:
        raise InvalidRequest(
            f"The conversation before '{last_id}' has more than {MAX_CONVERSATION_ITEMS} items; begin a new "
            "one, with what matters of it in 'input'.",
            param="previous_response_id",
        )
    query = (
        select(response_items.c.item).join(chain, belongs).order_by(chain.c.age.desc(), response_items.c.seq)
    )
    return list(connection.execute(query).scalars())


def _shown() -> ColumnElement[bool]:
    return responses.c.expires_at > ids.now()
