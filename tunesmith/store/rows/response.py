"""Stored responses and conversations; their items are the wire's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ResponseRow:
    """One stored response, without its items."""

    id: str
    project_id: str
    previous_response_id: str | None = None
    root_id: str
    """The first response of the conversation that this one belongs to; its own id if it is the first."""
    body: dict[str, Any]
    """The response object as the wire has it, without `output`."""
    pieces: list[Any] | None = None
    """How the output was cut when it was streamed, so that a replay is cut alike."""
    created_at: int
    expires_at: int
    """From then on it is hidden; 0 once it has been deleted."""


@dataclass(frozen=True, kw_only=True)
class ConversationRow:
    """A conversation that responses go on with, without its items."""

    id: str
    project_id: str
    metadata: dict[str, str]
    created_at: int


@dataclass(frozen=True, kw_only=True)
class ConversationItemRow:
    """One item of a conversation, as the wire has it."""

    id: str
    conversation_id: str
    item: dict[str, Any]
