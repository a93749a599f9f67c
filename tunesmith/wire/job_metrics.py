"""A job's curve as columns: our own, not OpenAI's."""

from __future__ import annotations

from typing import Literal

from tunesmith.wire.base import Response


class Seam(Response):
    """Where a further attempt went on."""

    step: int
    """The last step that it took over; what comes behind was trained by it."""
    attempt: int
    created_at: int


class JobMetrics(Response):
    """The answer to `GET /fine_tuning/jobs/{id}/metrics`."""

    object: Literal["fine_tuning.job.metrics"] = "fine_tuning.job.metrics"
    fine_tuning_job_id: str
    total_steps: int | None
    steps_per_epoch: int | None
    """Both null until training begins."""
    seams: list[Seam]
    n_steps: int
    """Length of each column."""
    has_more: bool
    """Ask again with `after_step` as the last of `step`."""
    columns: dict[str, list[float | int | None]]
    """By name: `step`, `created_at` (Unix seconds), `epoch`, the metrics of the events, `learning_rate`,
    `grad_norm`, `trained_tokens`, `tokens_per_s`. A column without any value is left out."""
