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
    """Each hyperparameter as {value, requested, reason, code, facts}: what a job's events, and its estimate,
    say. The reason is a sentence; its code and facts say the same to programs."""
    kind = job.requested["type"]
    asked = job.requested[kind]["hyperparameters"]
    values = {**method_of(job, numbers)[kind]["hyperparameters"], "learning_rate": numbers.learning_rate}
    return {
        name: {
            "value": value,
            "requested": asked.get(name),
            "reason": numbers.why[name].text,
            "code": numbers.why[name].code,
            "facts": dict(numbers.why[name].facts),
        }
        for name, value in values.items()
    }


def shown_method(job: JobRow, catalog: Catalog) -> dict[str, Any]:
    """The method that the job shows while it runs; as asked when its base is not served here any more, which
    its worker will tell."""
    base = catalog.by_id(job.base_id)
    if base is None or base.digest != job.base_digest or job.n_examples is None:
        return job.method
    return method_of(job, resolved(job, base))
