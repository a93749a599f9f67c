"""`POST /v1/fine_tuning/jobs/estimate`: the body of create, and what the job would take. Creates nothing.

Our own call. What create refuses is refused here in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Caller
from tunesmith.api.files.inspected import known, report_progress, waited_for
from tunesmith.api.fine_tuning.forecasting import cost_of, estimated, seconds_of
from tunesmith.api.fine_tuning.routes import asked_method
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data.base import Base
from tunesmith.jobs.creation import CreateJob, draft_job, require_files
from tunesmith.jobs.estimate import Estimate, failure_of, warnings_of
from tunesmith.jobs.inspecting import Compare, Inspect, Inspected, Progress, Task, shared
from tunesmith.jobs.states import QUEUED, RUNNING, VALIDATING
from tunesmith.store import files
from tunesmith.store.queue import n_ahead
from tunesmith.store.rows import FileRow, JobRow, Principal
from tunesmith.wire.fine_tuning import CreateJobRequest
from tunesmith.wire.job_estimate import (
    EstimatedMemory,
    EstimatedSteps,
    EstimatedTokens,
    EstimateWarning,
    ExplainedValue,
    JobEstimate,
    Queue,
    WouldFail,
)

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"])


@dataclass(frozen=True)
class _Draft:
    """A job that does not exist, and what has to be found out about its files."""

    job: JobRow
    base: Base
    training: Inspect
    validation_file: FileRow | None
    validation: Inspect | None
    compare: Compare | None

    @property
    def tasks(self) -> list[Task]:
        """What has to be known, in this order."""
        return [task for task in (self.training, self.validation, self.compare) if task is not None]


@router.post("/estimate", response_model=JobEstimate, openapi_extra=documented(CreateJobRequest))
async def estimate_fine_tuning_job(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[CreateJobRequest, Depends(json_body(CreateJobRequest))],
) -> Response:
    """Our own: what a job with this body would take: tokens, steps, seconds, memory, cost. Creates nothing.

    Refuses what create refuses. Ask again while `status` is `in_progress`: large files are being read.
    """
    asked = CreateJob(
        model=body.model,
        training_file=body.training_file,
        validation_file=body.validation_file,
        suffix=body.suffix,
        seed=body.seed,
        method=asked_method(body),
        metadata=body.metadata,
        integrations=[entry.model_dump(exclude_none=True) for entry in body.integrations or []] or None,
    )
    draft = await run_in_threadpool(_draft, office, principal, asked)
    progress = await waited_for(request, *draft.tasks)
    answer = await run_in_threadpool(_answer, office, draft, progress)
    return Response(answer.model_dump_json(), media_type="application/json")


def _draft(office: Office, principal: Principal, asked: CreateJob) -> _Draft:
    """Raises what create would."""
    job, _ = draft_job(office.db, office.catalog, principal, asked)
    require_files(office.db, principal.project_id, asked)
    base = office.catalog.by_id(job.base_id)
    assert base is not None, "the draft was made with it"
    training = Inspect.of(files.get(office.db, principal.project_id, job.training_file), base)
    if job.validation_file is None:
        return _Draft(job, base, training, None, None, None)
    validation_file = files.get(office.db, principal.project_id, job.validation_file)
    validation = Inspect.of(validation_file, base)
    compare = Compare(validation, training)
    return _Draft(job, base, training, validation_file, validation, compare)


def _answer(office: Office, draft: _Draft, progress: Progress | None) -> JobEstimate:
    job = draft.job
    training = known(office, draft.training)
    validation = known(office, draft.validation) if draft.validation is not None else None
    n_shared = None
    if progress is None and draft.compare is not None:
        n_shared = shared(office.blobs, draft.compare).n_rows
    found = estimated(office, job, draft.base, training)
    return JobEstimate(
        status="completed" if progress is None else "in_progress",
        progress=report_progress(progress),
        model=job.model,
        base=job.base_id,
        method=job.requested["type"],
        would_fail=_would_fail(office, draft, training, validation),
        warnings=[
            EstimateWarning(code=one.code, message=one.message, param=one.param, facts=one.facts)
            for one in warnings_of(training.summary, validation.summary if validation else None, n_shared)
        ]
        if training is not None
        else [],
        n_examples=training.summary.n_lines if training else None,
        n_valid_examples=validation.summary.n_lines if validation else None,
        hyperparameters={name: ExplainedValue(**value) for name, value in found.hyperparameters.items()}
        if found
        else None,
        tokens=_tokens(found, training) if found else None,
        steps=EstimatedSteps(per_epoch=found.steps_per_epoch, total=found.steps_per_epoch * found.n_epochs)
        if found
        else None,
        seconds=seconds_of(found) if found else None,
        memory=_memory(found) if found else None,
        cost=cost_of(office, job, found) if found else None,
        queue=Queue(n_ahead=n_ahead(office.db, running=RUNNING, waiting=(QUEUED, VALIDATING))),
    )


def _would_fail(
    office: Office, draft: _Draft, training: Inspected | None, validation: Inspected | None
) -> WouldFail | None:
    if training is None or (draft.validation is not None and validation is None):
        return None
    failure = failure_of(
        draft.job,
        training.summary,
        validation.summary if validation else None,
        draft.validation_file,
        office.blobs,
    )
    return WouldFail(code=failure.code, message=failure.message, param=failure.param) if failure else None


def _tokens(found: Estimate, training: Inspected | None) -> EstimatedTokens | None:
    tokens = training.summary.tokens if training else None
    if tokens is None:
        return None
    return EstimatedTokens(
        per_epoch=found.tokens_per_epoch,
        trained_per_epoch=found.trained_per_epoch,
        total=found.tokens_per_epoch * found.n_epochs,
        trained_total=found.trained_per_epoch * found.n_epochs,
        longest=tokens.longest,
        context_length=tokens.context_length,
        n_cut=tokens.n_cut,
        n_without_trained_token=tokens.n_unlearnable,
    )


def _memory(found: Estimate) -> EstimatedMemory:
    memory = found.memory
    return EstimatedMemory(
        device=memory.device.id,
        low_bytes=memory.low_bytes,
        high_bytes=memory.high_bytes,
        free_bytes=memory.device.free_bytes,
        total_bytes=memory.device.memory_bytes,
        fits=memory.fits,
    )
