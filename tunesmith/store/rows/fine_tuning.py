"""A fine-tuning job and its story."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
