"""Batches and the durable pieces of their outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """A file of requests that are answered in the background."""

    id: str
    project_id: str
    organization_id: str
    key_id: str
    """The key that asked for it; its lines are counted as this key's."""
    status: str
    endpoint: str
    input_file_id: str
    completion_window: str = "24h"
    output_lifetime_s: int | None = None
    """Seconds from their creation until its output files expire; None for never."""
    metadata: dict[str, str] | None = None
    model: str | None = None
    """The one model that all its lines name, once the input has been read."""
    errors: list[dict[str, Any]] | None = None
    """Why it failed: `{"code", "message", "param", "line"}` for each fault."""
    created_at: int
    expires_at: int
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    n_total: int = 0
    n_completed: int = 0
    n_failed: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class BatchSegmentRow:
    """Outcomes of a batch that were written together, and are durable together."""

    batch_id: str
    number: int
    lines: list[int]
    """Line numbers of the input file, from 1."""
    n_completed: int
    n_failed: int

    @property
    def output_key(self) -> str:
        """Where its answers lie, ready for the output file; there when `n_completed` is not 0."""
        return f"batches/{self.batch_id}/{self.number}.output"

    @property
    def error_key(self) -> str:
        """Where its refusals lie, ready for the error file; there when `n_failed` is not 0."""
        return f"batches/{self.batch_id}/{self.number}.errors"
