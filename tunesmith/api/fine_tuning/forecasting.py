"""A job's forecast, in the words of the wire: for the estimate, and kept with the job when it is created.

What a created job is told is what the server knows without reading its files: when nobody has looked at them
for this base before, there is no forecast.
"""

from __future__ import annotations

from tunesmith.api.office import Office
from tunesmith.api.organization.costs import PER_SECONDS, PER_TOKENS, price_of
from tunesmith.api.server_info import devices
from tunesmith.data.base import Base
from tunesmith.errors import NotFound
from tunesmith.jobs import messages
from tunesmith.jobs.estimate import Estimate, estimate
from tunesmith.jobs.inspecting import Inspect, Inspected, inspected
from tunesmith.jobs.states import SUCCEEDED
from tunesmith.store import files
from tunesmith.store.rows import EventRow, JobRow
from tunesmith.store.throughput import earlier_runs
from tunesmith.wire.job_estimate import EstimatedCost, EstimatedSeconds
from tunesmith.wire.job_forecast import Forecast


def estimated(office: Office, job: JobRow, base: Base, training: Inspected | None) -> Estimate | None:
    """What the job would take; None while its tokens are not counted, and when there are none."""
    if training is None or training.summary.tokens is None or not training.summary.tokens.n_rows:
        return None
    return estimate(
        job,
        base,
        training.summary,
        earlier=earlier_runs(office.db, base.digest, succeeded=SUCCEEDED),
        device=devices.all()[0],
        threads=office.settings.trainer_threads,
    )


def seconds_of(found: Estimate) -> EstimatedSeconds:
    """The time, as the wire has it."""
    seconds = found.seconds
    return EstimatedSeconds(
        low=seconds.low, high=seconds.high, basis=seconds.basis, n_earlier_jobs=seconds.n_earlier_jobs
    )


def cost_of(office: Office, job: JobRow, found: Estimate) -> EstimatedCost | None:
    """By the same prices as the reports of costs; None without prices."""
    tokens = found.tokens_per_epoch * found.n_epochs
    low = spent(office, job, tokens, found.seconds.low)
    high = spent(office, job, tokens, found.seconds.high)
    if low is None or high is None:
        return None
    return EstimatedCost(low=low, high=high, currency=office.settings.currency)


def spent(office: Office, job: JobRow, tokens: int, device_s: float) -> float | None:
    """What so many trained tokens and seconds of a device cost; None without prices."""
    settings = office.settings
    price = price_of(settings, job.model).training
    if not price and not settings.device_hour_price:
        return None
    return tokens * price / PER_TOKENS + device_s * settings.device_hour_price / PER_SECONDS


def at_creation(office: Office, job: JobRow) -> list[EventRow]:
    """The event that keeps a new job's forecast; none when nobody has looked at its training file before, or
    when the job would fail."""
    base = office.catalog.by_id(job.base_id)
    if base is None:
        return []
    try:
        file = files.get(office.db, job.project_id, job.training_file)
    except NotFound:  # creating the job will say so
        return []
    training = inspected(office.blobs, Inspect.of(file, base))
    if training is None or not training.summary.report("training_file").ok or training.summary.n_refusals:
        return []
    found = estimated(office, job, base, training)
    if found is None:
        return []
    forecast = Forecast(
        seconds=seconds_of(found),
        cost=cost_of(office, job, found),
        tokens=found.tokens_per_epoch * found.n_epochs,
        steps=found.steps_per_epoch * found.n_epochs,
    )
    return [messages.forecast(job.id, forecast.model_dump())]
