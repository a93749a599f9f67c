"""`/v1/conversations`: lists of items that responses read and add to, by `conversation` in their requests."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import OfficeDep
from tunesmith.api.responses.items import Included, IncludedPlain, resolved, without_logprobs
from tunesmith.store import conversations
from tunesmith.store.responses import Item
from tunesmith.store.rows import ConversationRow
from tunesmith.wire import limits
from tunesmith.wire.conversations import (
    AddedItems,
    AddItemsRequest,
    Conversation,
    ConversationItemList,
    CreateConversationRequest,
    DeletedConversation,
    UpdateConversationRequest,
)

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])


@router.post("", response_model=Conversation, openapi_extra=documented(CreateConversationRequest))
async def create_conversation(
    principal: Caller,
    office: OfficeDep,
    body: Annotated[CreateConversationRequest, Depends(json_body(CreateConversationRequest))],
) -> Response:
    """A new conversation, with up to twenty items."""
    items = await resolved(office, principal, body.items or [], [], param="items")
    row = ConversationRow(
        id=ids.new_id("conversation"),
        project_id=principal.project_id,
        metadata=body.metadata or {},
        created_at=ids.now(),
    )
    await run_in_threadpool(conversations.insert, office.db, row, items)
    return _conversation(row)


@router.get("/{conversation_id}", response_model=Conversation)
def retrieve_conversation(principal: Caller, office: OfficeDep, conversation_id: str) -> Response:
    """A conversation, without its items."""
    return _conversation(conversations.get(office.db, principal.project_id, conversation_id))


@router.post(
    "/{conversation_id}", response_model=Conversation, openapi_extra=documented(UpdateConversationRequest)
)
async def update_conversation(
    principal: Caller,
    office: OfficeDep,
    conversation_id: str,
    body: Annotated[UpdateConversationRequest, Depends(json_body(UpdateConversationRequest))],
) -> Response:
    """Replaces the metadata."""
    row = await run_in_threadpool(
        conversations.update_metadata, office.db, principal.project_id, conversation_id, body.metadata or {}
    )
    return _conversation(row)


@router.delete("/{conversation_id}", response_model=DeletedConversation)
def delete_conversation(principal: Caller, office: OfficeDep, conversation_id: str) -> Response:
    """Deletes a conversation and its items; responses that read them stay as they are."""
    conversations.delete(office.db, principal.project_id, conversation_id)
    return _json(DeletedConversation(id=conversation_id).model_dump())


@router.post(
    "/{conversation_id}/items",
    response_model=AddedItems,
    openapi_extra=documented(AddItemsRequest),
)
async def create_items(
    principal: Caller,
    office: OfficeDep,
    conversation_id: str,
    body: Annotated[AddItemsRequest, Depends(json_body(AddItemsRequest))],
    include: Included = None,
    include_plain: IncludedPlain = None,
) -> Response:
    """Adds up to twenty items, and answers them with their ids."""
    items = await resolved(office, principal, body.items, [], param="items")
    await run_in_threadpool(conversations.add, office.db, principal.project_id, conversation_id, items)
    data = without_logprobs(items, include or include_plain)
    return _json(AddedItems(data=data, first_id=data[0]["id"], last_id=data[-1]["id"]).model_dump())


@router.get("/{conversation_id}/items", response_model=ConversationItemList)
def list_items(
    principal: Caller,
    office: OfficeDep,
    conversation_id: str,
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=limits.MAX_ITEMS_PER_PAGE)] = limits.DEFAULT_ITEMS_PER_PAGE,
    order: Literal["asc", "desc"] = "desc",
    include: Included = None,
    include_plain: IncludedPlain = None,
) -> Response:
    """The conversation's items, newest first."""
    page = conversations.items_page(
        office.db, principal.project_id, conversation_id, after=after, limit=limit, order=order
    )
    items = without_logprobs([row.item for row in page.rows], include or include_plain)
    return _list(items, has_more=page.has_more)


@router.get("/{conversation_id}/items/{item_id}")
def retrieve_item(
    principal: Caller,
    office: OfficeDep,
    conversation_id: str,
    item_id: str,
    include: Included = None,
    include_plain: IncludedPlain = None,
) -> Response:
    """One item."""
    item = conversations.item(office.db, principal.project_id, conversation_id, item_id)
    return _json(without_logprobs([item], include or include_plain)[0])


@router.delete("/{conversation_id}/items/{item_id}", response_model=Conversation)
def delete_item(principal: Caller, office: OfficeDep, conversation_id: str, item_id: str) -> Response:
    """Takes one item out of the conversation."""
    row = conversations.delete_item(office.db, principal.project_id, conversation_id, item_id)
    return _conversation(row)


def _conversation(row: ConversationRow) -> Response:
    shown = Conversation(id=row.id, created_at=row.created_at, metadata=row.metadata)
    return _json(shown.model_dump())


def _list(items: list[Item], *, has_more: bool) -> Response:
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    shown = ConversationItemList(data=items, first_id=first, last_id=last, has_more=has_more)
    return _json(shown.model_dump())


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), media_type="application/json")
