"""OpenAI's stored chat completions: what was answered, with how it was asked, and the messages before it."""

from __future__ import annotations

from typing import Any, Literal

from tunesmith.wire.base import Metadata, Request, Response
from tunesmith.wire.chat import ChatCompletion


class UpdateCompletionRequest(Request):
    """The body of `POST /chat/completions/{completion_id}`."""

    metadata: Metadata


class StoredCompletion(ChatCompletion):
    """A completion with `store: true`, and the settings that it was asked with."""

    metadata: dict[str, str]
    request_id: str
    input_user: str | None
    tools: list[dict[str, Any]] | None
    tool_choice: Any
    response_format: dict[str, Any] | None
    seed: int | None
    temperature: float
    top_p: float
    presence_penalty: float
    frequency_penalty: float


class StoredCompletionList(Response):
    """One page of stored completions."""

    object: Literal["list"] = "list"
    data: list[StoredCompletion]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedCompletion(Response):
    """The answer to deleting a stored completion."""

    object: Literal["chat.completion.deleted"] = "chat.completion.deleted"
    id: str
    deleted: bool = True


class StoredMessageList(Response):
    """One page of the messages that a stored completion answers; each as it was sent, with an id."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool
