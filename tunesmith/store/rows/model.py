"""What training has made, and who else may use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One adapter that can answer: a tuned model, or a checkpoint on the way to one."""

    id: str
    project_id: str
    name: str
    base_id: str
    base_digest: str
    base_name: str
    job_id: str
    step: int
    kind: str
    prefix: str
    """The folder of objects that holds the adapter in PEFT's format: `models/<id>`."""
    created_at: int
    row_format: str | None = None
    """What it was trained on: `chat` or `completion` rows."""


@dataclass(frozen=True, kw_only=True)
class CheckpointRow:
    """OpenAI's checkpoint: the adapter at an epoch's end, servable by name."""

    id: str
    job_id: str
    model_id: str
    name: str
    step: int
    metrics: dict[str, float]
    created_at: int


@dataclass(frozen=True, kw_only=True)
class PermissionRow:
    """One project's leave to use a model of another project of its organization."""

    id: str
    model_id: str
    project_id: str
    """The project that may use it."""
    created_at: int
