"""How fast earlier jobs of a base have trained: what a forecast is made of."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from tunesmith.store.database import Where, reading
from tunesmith.store.tables import events, jobs

#: Jobs that are looked back on.
LOOKED_BACK = 40


@dataclass(frozen=True)
class EarlierRun:
    """What one job took."""

    method: str
    device: str
    """Such as `cpu` or `cuda:0`."""
    trained_tokens: int
    training_s: float
    device_s: float
    """All the time that it held the device: loading, saving and lost attempts too."""


def earlier_runs(where: Where, base_digest: str, *, succeeded: str) -> list[EarlierRun]:
    """The last jobs on these weights that went well, of all projects, newest first."""
    newest = (
        select(jobs.c.id, jobs.c.seq, jobs.c.requested, jobs.c.device_s)
        .where(jobs.c.status == succeeded, jobs.c.base_digest == base_digest)
        .order_by(jobs.c.seq.desc())
        .limit(LOOKED_BACK)
        .subquery()
    )
    query = (
        select(newest.c.id, newest.c.requested, newest.c.device_s, events.c.kind, events.c.data)
        .join(events, events.c.job_id == newest.c.id)
        .where(events.c.kind.in_(("data", "tokens")))
        .order_by(newest.c.seq.desc())
    )
    told: dict[str, dict[str, object]] = {}
    with reading(where) as connection:
        for row in connection.execute(query):
            facts = told.setdefault(row.id, {"method": row.requested["type"], "device_s": row.device_s})
            facts |= row.data
    return [
        EarlierRun(
            method=str(facts["method"]),
            device=str(facts["device"]),
            trained_tokens=int(facts["trained_tokens"]),  # type: ignore[call-overload]
            training_s=float(facts["seconds"]),  # type: ignore[arg-type]
            device_s=float(facts["device_s"]),  # type: ignore[arg-type]
        )
        for facts in told.values()
        if facts.keys() >= {"device", "trained_tokens", "seconds"}
    ]
