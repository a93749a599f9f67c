"""Stored chat completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class StoredCompletionRow:
    """One chat completion that was asked to be stored."""

    id: str
    project_id: str
    model: str
    """The wire name that answered."""
    body: dict[str, Any]
    """The completion as the wire had it."""
    request: dict[str, Any]
    """The settings that it was asked with."""
    messages: list[dict[str, Any]]
    """The messages that it answers."""
    metadata: dict[str, str] | None = None
    created_at: int
