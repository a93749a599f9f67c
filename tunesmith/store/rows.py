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
class UploadRow:
    """A file that comes in parts."""

    id: str
    project_id: str
    filename: str
    purpose: str
    mime_type: str
    size_bytes: int
    """What the parts must hold together."""
    file_lifetime_s: int | None = None
    """What the client wants to be the file's time, counted from its creation."""
    status: str
    """`pending`, `completed`, `cancelled` or `expired`; a pending one is over at `expires_at` too."""
    created_at: int
    expires_at: int
    file_id: str | None = None

    @property
    def prefix(self) -> str:
        """The folder of objects that holds the parts."""
        return f"uploads/{self.id}"


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """One stored part of an upload."""

    id: str
    upload_id: str
    size_bytes: int
    created_at: int

    @property
    def object_key(self) -> str:
        """Where the bytes lie."""
        return f"uploads/{self.upload_id}/{self.id}"


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
    device_s: float = 0.0
    """Seconds that its workers have held a device, all attempts together."""
    device_until: float | None = None
    """Until when (Unix seconds) `device_s` has been counted."""


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


@dataclass(frozen=True, kw_only=True)
class PermissionRow:
    """One project's leave to use a model of another project of its organization."""

    id: str
    model_id: str
    project_id: str
    """The project that may use it."""
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
    expires_at: int | None = None
    service_account_id: str | None = None
    """Who owns it; None for admin keys and for the keys of a server's first start."""


@dataclass(frozen=True, kw_only=True)
class ProjectRow:
    """One project: what files, jobs, models and keys belong to."""

    id: str
    organization_id: str
    name: str
    created_at: int
    archived_at: int | None = None
    external_key_id: str | None = None
    monthly_tokens: int | None = None
    """Tokens that it may have served in a calendar month (UTC); None leaves the server's setting."""


@dataclass(frozen=True, kw_only=True)
class ServiceAccountRow:
    """Who owns a program's key."""

    id: str
    project_id: str
    name: str
    role: str
    created_at: int


@dataclass(frozen=True, kw_only=True)
class RateLimitRow:
    """A project's own limits for one model; None leaves the server's."""

    project_id: str
    model: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whom a request speaks for."""

    key_id: str
    project_id: str
    organization_id: str
    is_admin: bool


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointRow:
    """Where a project wants to be told of what happens."""

    id: str
    project_id: str
    name: str
    url: str
    event_types: list[str]
    secret: str
    """`whsec_…`: signing needs it as it is, so it cannot be kept as a hash."""
    old_secret: str | None = None
    old_secret_until: int | None = None
    """Until then each delivery is signed with the secret before the last rotation too."""
    created_at: int
    updated_at: int
    last_success_at: int | None = None
    last_failure: str | None = None
    """What the last attempt came to, as long as no success has followed it."""
    disabled_reason: str | None = None
    """Why nothing is delivered here until somebody changes or tests the endpoint."""


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryRow:
    """One event on its way to one endpoint."""

    id: str
    """`webhook-id`: the same at every attempt, so that a receiver can tell a repetition."""
    endpoint_id: str
    event_type: str
    body: str
    created_at: int
    attempts: int = 0
    due_at: int | None = None
    """When to try next; None once it has ended."""
    ended_at: int | None = None
    outcome: str | None = None
    """What the last attempt came to, as a sentence."""


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
