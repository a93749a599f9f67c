"""What a job would take, before it is created: our own, not OpenAI's."""

from __future__ import annotations

from typing import Literal

from tunesmith.wire.base import Response
from tunesmith.wire.file_report import InspectionProgress


class WouldFail(Response):
    """Why the job would end as `failed`."""

    code: str
    message: str
    param: str | None


class EstimateWarning(Response):
    """Something worth a second look that stops nothing."""

    code: Literal["warnings", "truncated", "no_target_tokens", "shared_rows"]
    message: str
    param: str | None
    facts: dict[str, int]
    """The numbers of the message: `n` of the file's `n_rows`, and for `truncated` the `context_length`."""


class EstimatedTokens(Response):
    """Exact: counted with the model's own tokenizer and template, cut at its context."""

    per_epoch: int
    trained_per_epoch: int
    """Those under the loss."""
    total: int
    """Of all epochs: what the job will show as `trained_tokens`."""
    trained_total: int
    longest: int
    context_length: int
    n_cut: int
    n_without_trained_token: int


class EstimatedSteps(Response):
    """Optimizer steps: exact."""

    per_epoch: int
    total: int


class ExplainedValue(Response):
    """What a hyperparameter becomes, and why."""

    value: float | int
    requested: float | int | str | None
    """Null where it cannot be asked for."""
    reason: str
    code: str
    """The reason for programs: `docs/reference/console-calls.md` lists the codes."""
    facts: dict[str, float | int | str]
    """The numbers of the reason's sentence."""


class EstimatedSeconds(Response):
    """How long the job would hold the device."""

    low: float
    high: float
    basis: Literal["earlier_jobs", "parameters"]
    """`parameters` is a rough rate: no job on this base and kind of device has ended yet."""
    n_earlier_jobs: int


class EstimatedMemory(Response):
    """What the training would take of the device's memory: a rough rate."""

    device: str
    low_bytes: int
    high_bytes: int
    free_bytes: int
    total_bytes: int
    fits: bool | None
    """Null where it may or may not."""


class EstimatedCost(Response):
    """By the server's prices for tokens and device hours."""

    low: float
    high: float
    currency: str


class Queue(Response):
    """When it would begin."""

    n_ahead: int
    """Jobs that train or wait now."""


class JobEstimate(Response):
    """The answer to `POST /fine_tuning/jobs/estimate`."""

    object: Literal["fine_tuning.job.estimate"] = "fine_tuning.job.estimate"
    status: Literal["in_progress", "completed"]
    """Ask again while it is `in_progress`: large files are being read."""
    progress: InspectionProgress | None
    model: str
    """As the job would name it."""
    base: str
    method: Literal["supervised", "dpo"]
    would_fail: WouldFail | None
    """Create would take the request, and the job would fail."""
    warnings: list[EstimateWarning]
    n_examples: int | None
    n_valid_examples: int | None
    hyperparameters: dict[str, ExplainedValue] | None
    tokens: EstimatedTokens | None
    steps: EstimatedSteps | None
    seconds: EstimatedSeconds | None
    memory: EstimatedMemory | None
    cost: EstimatedCost | None
    """Null without prices."""
    queue: Queue
