"""Conversations: lists of items that responses read and add to. They live until somebody deletes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, update
from sqlalchemy import insert as sql_insert

from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.responses import MAX_CONVERSATION_ITEMS, Item
from tunesmith.store.rows import ConversationItemRow, ConversationRow, Page, from_row, values_of
from tunesmith.store.tables import conversation_items, conversations


def insert(where: Where, row: ConversationRow, items: Sequence[Item]) -> None:
    """Adds a conversation with its first items."""
    with writing(where) as connection:
        connection.execute(sql_insert(conversations).values(values_of(row)))
        add(connection, row.project_id, row.id, items)


def get(where: Where, project_id: str, conversation_id: str) -> ConversationRow:
    """The conversation of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(conversations).where(
                conversations.c.id == conversation_id, conversations.c.project_id == project_id
            )
        ).first()
    if row is None:
        raise NotFound(f"Conversation with id '{conversation_id[:100]}' not found.", param="conversation_id")
    return from_row(ConversationRow, row)


def update_metadata(
    where: Where, project_id: str, conversation_id: str, metadata: dict[str, str]
) -> ConversationRow:
    """The conversation with other metadata. Raises NotFound."""
    with writing(where) as connection:
        get(connection, project_id, conversation_id)
        changed = update(conversations).where(conversations.c.id == conversation_id)
        connection.execute(changed.values(metadata=metadata))
        return get(connection, project_id, conversation_id)


def delete(where: Where, project_id: str, conversation_id: str) -> None:
    """Removes the conversation and its items. Raises NotFound."""
    with writing(where) as connection:
        get(connection, project_id, conversation_id)
        connection.execute(
            sql_delete(conversation_items).where(conversation_items.c.conversation_id == conversation_id)
        )
        connection.execute(sql_delete(conversations).where(conversations.c.id == conversation_id))


# -- items ------------------------------------------------------------------------------------------


def add(where: Where, project_id: str, conversation_id: str, items: Iterable[Item]) -> None:
    """Appends items.

    Raises NotFound for the conversation, InvalidRequest for an item that is there already or does not fit any
    more.
    """
    added = [{"id": item["id"], "conversation_id": conversation_id, "item": item} for item in items]
    with writing(where) as connection:
        get(connection, project_id, conversation_id)
        if not added:
            return
        within = conversation_items.c.conversation_id == conversation_id
        wanted = conversation_items.c.id.in_([item["id"] for item in added])
        twice = connection.execute(select(conversation_items.c.id).where(within, wanted)).scalar()
        if twice is not None:
            raise InvalidRequest(
                f"Duplicate item found with id {twice}. Remove duplicate items from your input and try "
                "again.",
                param="items",
            )
        counted = select(func.count()).select_from(conversation_items).where(within)
        if connection.execute(counted).scalar_one() + len(added) > MAX_CONVERSATION_ITEMS:
            raise InvalidRequest(
                f"A conversation has at most {MAX_CONVERSATION_ITEMS} items; delete some, or begin a new "
                "one.",
                param="conversation",
            )
        connection.execute(sql_insert(conversation_items), added)


def items(where: Where, project_id: str, conversation_id: str) -> list[Item]:
    """All items, oldest first. Raises NotFound."""
    with reading(where) as connection:
        get(connection, project_id, conversation_id)
        query = (
            select(conversation_items.c.item)
            .where(conversation_items.c.conversation_id == conversation_id)
            .order_by(conversation_items.c.seq)
        )
        return list(connection.execute(query).scalars())


def items_page(
    where: Where, project_id: str, conversation_id: str, *, after: str | None, limit: int, order: str
) -> Page[ConversationItemRow]:
    """Items, newest first unless `order` is `asc`. Raises NotFound."""
    with reading(where) as connection:
        get(connection, project_id, conversation_id)
        within = conversation_items.c.conversation_id == conversation_id
        return page(
            connection,
            ConversationItemRow,
            conversation_items,
            within,
            after=after,
            limit=limit,
            order=order,
        )


def item(where: Where, project_id: str, conversation_id: str, item_id: str) -> Item:
    """One item. Raises NotFound."""
    with reading(where) as connection:
        get(connection, project_id, conversation_id)
        found: Item | None = connection.execute(
            select(conversation_items.c.item).where(
                conversation_items.c.conversation_id == conversation_id, conversation_items.c.id == item_id
            )
        ).scalar()
    if found is None:
        raise NotFound(f"Item with id '{item_id[:100]}' not found.", param="item_id")
    return found


def delete_item(where: Where, project_id: str, conversation_id: str, item_id: str) -> ConversationRow:
    """Removes one item; returns the conversation. Raises NotFound."""
    with writing(where) as connection:
        item(connection, project_id, conversation_id, item_id)
        connection.execute(
            sql_delete(conversation_items).where(
                conversation_items.c.conversation_id == conversation_id, conversation_items.c.id == item_id
            )
        )
        return get(connection, project_id, conversation_id)


def items_by_id(where: Where, project_id: str, item_ids: Collection[str]) -> dict[str, Item]:
    """The items of these ids in whatever conversation of the project; the others are left out."""
    if not item_ids:
        return {}
    with reading(where) as connection:
        query = (
            select(conversation_items.c.id, conversation_items.c.item)
            .join(conversations, conversations.c.id == conversation_items.c.conversation_id)
            .where(conversations.c.project_id == project_id, conversation_items.c.id.in_(list(item_ids)))
            .order_by(conversation_items.c.seq)
        )
        return {item_id: found for item_id, found in connection.execute(query)}
