"""What was forecast when a job was created, and what it has taken: our own, not OpenAI's."""

from __future__ import annotations

from typing import Literal

from tunesmith.wire.base import Response
from tunesmith.wire.job_estimate import EstimatedCost, EstimatedSeconds


class Forecast(Response):
    """As the estimate had it at that moment; an event of the job keeps it as `data.forecast`."""

    seconds: EstimatedSeconds
    cost: EstimatedCost | None
    """Null without prices."""
    tokens: int
    """Of all epochs."""
    steps: int


class Taken(Response):
    """What a job has taken by now, over all its attempts; final once it has ended."""

    seconds: float
    """It has held a device: loading, saving and lost attempts too, waiting and pauses not."""
    tokens: int
    """Trained on, as far as the last snapshot while it runs."""
    cost: float | None
    """Null without prices."""
    currency: str


class JobForecast(Response):
    """The answer to `GET /fine_tuning/jobs/{id}/forecast`."""

    object: Literal["fine_tuning.job.forecast"] = "fine_tuning.job.forecast"
    fine_tuning_job_id: str
    made_at: int | None
    """When the forecast was made: at the job's creation. Null when there is none."""
    forecast: Forecast | None
    """Null when nobody had looked at the training file before the job was created."""
    taken: Taken
