"""Numbers for a job's `auto`: what the wire shows once it runs, and what its worker trains with."""

from __future__ import annotations

from typing import Any

from tunesmith.data.base import Base, Catalog
from tunesmith.data.hyperparameters import Resolved, resolve
from tunesmith.store.rows import JobRow


def resolved(job: JobRow, base: Base) -> Resolved:
    """The hyperparameters of a validated job, always the same for the same job."""
    assert job.n_examples is not None, "its files have been validated"
    kind = job.requested["type"]
    asked = job.requested[kind]["hyperparameters"]
    return resolve(asked, n_examples=job.n_examples, base=base, method=kind)


def method_of(job: JobRow, numbers: Resolved) -> dict[str, Any]:
    """The job's method in OpenAI's shape, with numbers."""
    kind = job.requested["type"]
    asked = job.requested[kind]["hyperparameters"]
    return {"type": kind, kind: {"hyperparameters": {name: getattr(numbers, name) for name in asked}}}


def explained(job: JobRow, numbers: Resolved) -> dict[str, dict[str, Any]]:
    """Each hyperparameter as {value, requested, reason}: what a job's events, and its estimate, say."""
    kind = job.requested["type"]
    asked = job.requested[kind]["hyperparameters"]
    shown = {
        name: {"value": value, "requested": asked[name], "reason": numbers.reasons.get(name, "as asked")}
        for name, value in method_of(job, numbers)[kind]["hyperparameters"].items()
    }
    shown["learning_rate"] = {
        "value": numbers.learning_rate,
        "requested": None,
        "reason": numbers.reasons.get("learning_rate", "the base's rate times the multiplier"),
    }
    return shown


def shown_method(job: JobRow, catalog: Catalog) -> dict[str, Any]:
    """The method that the job shows while it runs; as asked when its base is not served here any more, which
    its worker will tell."""
    base = catalog.by_id(job.base_id)
    if base is None or base.digest != job.base_digest or job.n_examples is None:
        return job.method
    return method_of(job, resolved(job, base))
