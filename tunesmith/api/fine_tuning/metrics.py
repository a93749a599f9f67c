"""`GET /v1/fine_tuning/jobs/{id}/metrics`: the whole curve of a job in one answer, as columns.

Our own call. The events hold the same numbers, a page of a thousand at a time; here a hundred thousand steps
take less than a second. They are turned from rows into columns piece by piece, so memory is the answer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic_core import from_json, to_json

from tunesmith.api.auth import Caller
from tunesmith.api.office import OfficeDep
from tunesmith.jobs.messages import METRICS, STEP_NUMBERS
from tunesmith.store import jobs, metrics
from tunesmith.wire import limits
from tunesmith.wire.job_metrics import JobMetrics, Seam

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"])

COLUMNS = ("step", *METRICS, *STEP_NUMBERS)
CREATED_AT = "created_at"


@router.get("/{job_id}/metrics", response_model=JobMetrics)
def list_fine_tuning_metrics(
    principal: Caller,
    office: OfficeDep,
    job_id: str,
    after_step: Annotated[int, Query(ge=0, le=2**62, description="Only what comes behind it.")] = 0,
    limit: Annotated[
        int, Query(ge=1, le=limits.MAX_METRIC_STEPS, description="Steps of this answer.")
    ] = limits.MAX_METRIC_STEPS,
) -> Response:
    """Our own: all steps of a job as columns, and where it was resumed."""
    job = jobs.get(office.db, principal.project_id, job_id)
    columns = _Columns()
    for steps in metrics.steps_after(office.db, job.id, after_step, limit=limit + 1):
        columns.add(steps, limit)
    seams, steps_per_epoch = [], None
    for kind, data, created_at in metrics.told(office.db, job.id, ("resumed", "data")):
        if kind == "data":
            steps_per_epoch = data.get("steps_per_epoch")
        else:
            seams.append(Seam(step=data["resume_step"], attempt=data["attempt"], created_at=created_at))
    answer = JobMetrics(
        fine_tuning_job_id=job.id,
        total_steps=job.total_steps,
        steps_per_epoch=steps_per_epoch,
        seams=seams,
        n_steps=columns.n_steps,
        has_more=columns.has_more,
        columns={},
    )
    head = answer.model_dump_json().removesuffix("{}}").encode()
    return Response(b"".join([head, *columns.as_json(), b"}"]), media_type="application/json")


class _Columns:
    """Columns in the making, as JSON already: numbers as text take a fraction of what Python's take."""

    def __init__(self) -> None:
        self.n_steps = 0
        self.has_more = False
        self._pieces: dict[str, list[bytes]] = {}

    def add(self, steps: metrics.Steps, limit: int) -> None:
        """Some further steps; of those behind `limit` it is only told that there are some."""
        n = min(len(steps.data), limit - self.n_steps)
        self.has_more |= n < len(steps.data)
        if not n:
            return
        rows = from_json(f"[{','.join(steps.data[:n])}]")
        for name in COLUMNS:
            self._append(name, [row.get(name) for row in rows], n)
        self._append(CREATED_AT, steps.created_at[:n], n)
        self.n_steps += n

    def _append(self, name: str, values: Sequence[float | int | None], n: int) -> None:
        pieces = self._pieces.get(name)
        if pieces is None:
            if values.count(None) == n:  # nothing to tell, so far
                return
            pieces = self._pieces[name] = [b"null," * self.n_steps] if self.n_steps else []
        pieces.append(to_json(values)[1:-1] + b",")

    def as_json(self) -> list[bytes]:
        """The object of all columns, in pieces."""
        found = [b"{"]
        for name, pieces in self._pieces.items():
            found.append(b'%s"%s":[' % (b"," if len(found) > 1 else b"", name.encode()))
            found += pieces[:-1]
            found += [pieces[-1][:-1], b"]"]
        return [*found, b"}"]
