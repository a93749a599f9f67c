"""OpenAI's conversations: requests and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from tunesmith.wire.base import Metadata, Request, Response
from tunesmith.wire.responses_input import Items


class CreateConversationRequest(Request):
    """The body of `POST /conversations`."""

    items: Items | None = None
    metadata: Metadata = None


class UpdateConversationRequest(Request):
    """The body of `POST /conversations/{id}`."""

    metadata: Metadata


class AddItemsRequest(Request):
    """The body of `POST /conversations/{id}/items`."""

    items: Annotated[Items, Field(min_length=1)]


class Conversation(Response):
    """A conversation, without its items."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str]


class DeletedConversation(Response):
    """The answer to a deletion."""

    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True


class AddedItems(Response):
    """The items that were added, with their ids."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str
    last_id: str
    has_more: Literal[False] = False


class ConversationItemList(Response):
    """A page of a conversation's items."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool
