"""Rows as frozen dataclasses: what the rest of the office sees of the database.

A field's name is its column's name. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Row


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """One stored file; its bytes are the object `files/<id>`."""

    id: str
    project_id: str
    filename: str
    purpose: str
    size_bytes: int
    sha256: str
    created_at: int
    expires_at: int | None = None

    @property
    def object_key(self) -> str:
        """Where the bytes lie."""
        return f"files/{self.id}"


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One line of a job's story. (job, kind, step) is unique: a replay writes nothing twice."""

    id: str
    job_id: str
    kind: str
    step: int
    level: str
    type: str
    message: str
    data: dict[str, Any]
    created_at: int


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One fine-tuning job, with what the wire shows and what the scheduler needs."""

    id: str
    project_id: str
    organization_id: str
    status: str
    model: str
    """The wire name of the base, resolved once: `gpt-4o-mini-2024-07-18`."""
    base_id: str
    base_path: str
    base_digest: str
    parent_model_id: str | None = None
    """The tuned model that this job goes on from, if any."""
    training_file: str
    validation_file: str | None = None
    suffix: str | None = None
    seed: int
    requested: dict[str, Any]
    """The method as asked, with `auto`; what a restarted worker resolves again."""
    method: dict[str, Any]
    """The method as the wire shows it: as asked, and with numbers once the job runs."""
    metadata: dict[str, str] | None = None
    integrations: list[dict[str, Any]] | None = None
    n_examples: int | None = None
    row_format: str | None = None
    """What validation found the training rows to be: `chat`, `completion` or `preference`."""
    n_valid_examples: int | None = None
    created_at: int
    started_at: int | None = None
    finished_at: int | None = None
    estimated_finish: int | None = None
    trained_tokens: int | None = None
    fine_tuned_model: str | None = None
    result_files: list[str] = field(default_factory=list)
    error: dict[str, str | None] | None = None
    step: int = 0
    total_steps: int | None = None
    attempt: int = 0
    """Counts the workers that this job has had; fences every write of a worker."""
    crashes: int = 0
    """Workers lost in a row without a new snapshot."""
    heartbeat: int = 0
    """Grows while a worker lives; standing still for `lease_s` means that it does not."""
    worker_token: str | None = None
    worker: dict[str, Any] | None = None
    """Which process: `{"host", "pid", "started", "boot"}`, so that a reused pid is never mistaken for it."""
    device: str | None = None
    snapshot: dict[str, Any] | None = None
    """Where to resume: `{"prefix", "step", "trained_tokens"}`."""
    leaving: bool = False
    """Whether the worker of this attempt has been asked to go and has not gone yet: the job is paused (or
    queued again already), and this worker may still record its last snapshot, but no longer end the job."""


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
class KeyRow:
    """One API key without its secret; `hint` is the secret's last characters."""

    id: str
    project_id: str
    name: str
    hint: str
    is_admin: bool
    created_at: int
    last_used_at: int | None = None
    revoked_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whom a request speaks for."""

    key_id: str
    project_id: str
    organization_id: str
    is_admin: bool


T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, in the order asked for."""

    rows: list[T]
    has_more: bool


def from_row(cls: type[T], row: Row[Any]) -> T:
    """The dataclass of a database row; columns that the class does not know stay behind."""
    mapping = cast(Mapping[str, Any], row._mapping)
    return cls(**{f.name: mapping[f.name] for f in fields(cls)})  # type: ignore[arg-type]


def values_of(row: Any) -> dict[str, Any]:
    """Column values of a row dataclass."""
    return asdict(row)
