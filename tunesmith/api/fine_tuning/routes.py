"""`/v1/fine_tuning/jobs`: create, list, look at, cancel, pause, resume; events and checkpoints."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from tunesmith.api.auth import Caller
from tunesmith.api.fine_tuning.forecasting import at_creation
from tunesmith.api.fine_tuning.lists import AskedListDep
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import OfficeDep
from tunesmith.api.pages import After, Limit
from tunesmith.errors import InvalidRequest
from tunesmith.jobs.control import cancel, pause, resume
from tunesmith.jobs.creation import CreateJob, create_job
from tunesmith.jobs.states import RUNNING
from tunesmith.store import checkpoints, events, jobs
from tunesmith.store.rows import CheckpointRow, EventRow, JobRow
from tunesmith.wire import limits
from tunesmith.wire.fine_tuning import (
    CheckpointList,
    CheckpointObject,
    CreateJobRequest,
    EventList,
    EventObject,
    Hyperparameters,
    JobError,
    JobList,
    JobObject,
)

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"])

_METADATA_KEY = re.compile(r"metadata\[(.*)\]", re.DOTALL)


@router.post("", response_model=JobObject, openapi_extra=documented(CreateJobRequest))
async def create_fine_tuning_job(
    principal: Caller,
    office: OfficeDep,
    body: Annotated[CreateJobRequest, Depends(json_body(CreateJobRequest))],
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=limits.MAX_IDEMPOTENCY_KEY_CHARS,
            description="Sent again with the same body within a day: the same job.",
        ),
    ] = None,
) -> Response:
    """Starts fine-tuning; the answer is the job, which begins by validating its files."""
    asked = CreateJob(
        model=body.model,
        training_file=body.training_file,
        validation_file=body.validation_file,
        suffix=body.suffix,
        seed=body.seed,
        method=asked_method(body),
        metadata=body.metadata,
        integrations=[entry.model_dump(exclude_none=True) for entry in body.integrations or []] or None,
        idempotency_key=idempotency_key,
    )
    row = await run_in_threadpool(
        create_job, office.db, office.catalog, principal, asked, foretell=partial(at_creation, office)
    )
    office.scheduler.wake()
    return _json(job_object(row))


@router.get("", response_model=JobList)
def list_fine_tuning_jobs(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    asked: AskedListDep,
    after: After = None,
    limit: Limit = limits.DEFAULT_JOBS_PER_PAGE,
    metadata: Annotated[
        str | None,
        Query(
            description="`metadata[key]=value` keeps jobs with that pair, `metadata=null` jobs without any."
        ),
    ] = None,
) -> Response:
    """Jobs of the project, newest first.

    `before`, `status`, `q` and `include` are our own; without them the list is OpenAI's.
    """
    if metadata not in (None, "null"):
        raise InvalidRequest(
            "Filter with metadata[key]=value, or with metadata=null for jobs without metadata.",
            param="metadata",
        )
    pairs = _metadata_pairs(request.query_params.multi_items())
    if pairs and metadata is not None:
        raise InvalidRequest(
            "metadata=null asks for jobs without metadata, metadata[key]=value for jobs with it; send one of "
            "the two.",
            param="metadata",
        )
    page = jobs.list_page(
        office.db,
        principal.project_id,
        after=after,
        limit=limit,
        metadata=pairs or None,
        without_metadata=metadata == "null",
        **asked.filters(after),
    )
    data = asked.listed(office.db, page.rows, job_object)
    return _json(JobList(data=data, has_more=page.has_more))


@router.get("/{job_id}", response_model=JobObject)
def retrieve_fine_tuning_job(principal: Caller, office: OfficeDep, job_id: str) -> Response:
    """One job as it is now."""
    return _json(job_object(jobs.get(office.db, principal.project_id, job_id)))


@router.post("/{job_id}/cancel", response_model=JobObject)
def cancel_fine_tuning_job(principal: Caller, office: OfficeDep, job_id: str) -> Response:
    """Ends a job that has not ended."""
    row = cancel(office.db, principal.project_id, job_id)
    office.scheduler.wake()
    return _json(job_object(row))


@router.post("/{job_id}/pause", response_model=JobObject)
def pause_fine_tuning_job(principal: Caller, office: OfficeDep, job_id: str) -> Response:
    """Holds a queued job back, or stops a running one after the step in progress, with a snapshot.

    The job is `paused` at once; its device is free once the event "Fine-tuning job paused at step ..." came.
    """
    row = pause(office.db, principal.project_id, job_id)
    office.scheduler.wake()
    return _json(job_object(row))


@router.post("/{job_id}/resume", response_model=JobObject)
def resume_fine_tuning_job(principal: Caller, office: OfficeDep, job_id: str) -> Response:
    """Queues a paused job; it goes on from its last snapshot as if it had never stopped."""
    row = resume(office.db, principal.project_id, job_id)
    office.scheduler.wake()
    return _json(job_object(row))


@router.get("/{job_id}/events", response_model=EventList)
def list_fine_tuning_events(
    principal: Caller,
    office: OfficeDep,
    job_id: str,
    after: After = None,
    limit: Limit = limits.DEFAULT_JOBS_PER_PAGE,
    type: Annotated[
        Literal["message", "metrics"] | None, Query(description="Our own: only events of this type.")
    ] = None,
) -> Response:
    """What happened to a job, newest first. `type` is our own; without it the list is OpenAI's."""
    page = events.list_page(office.db, principal.project_id, job_id, after=after, limit=limit, type=type)
    return _json(EventList(data=[event_object(row) for row in page.rows], has_more=page.has_more))


@router.get("/{job_id}/checkpoints", response_model=CheckpointList)
def list_fine_tuning_job_checkpoints(
    principal: Caller,
    office: OfficeDep,
    job_id: str,
    after: After = None,
    limit: Limit = limits.DEFAULT_CHECKPOINTS_PER_PAGE,
) -> Response:
    """A job's checkpoints, newest first."""
    page = checkpoints.list_page(office.db, principal.project_id, job_id, after=after, limit=limit)
    data = [checkpoint_object(row) for row in page.rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _json(CheckpointList(data=data, has_more=page.has_more, first_id=first, last_id=last))


# -- wire to rows and back --------------------------------------------------------------------------


def asked_method(body: CreateJobRequest) -> dict[str, Any]:
    """The method in OpenAI's shape, with the older top-level `hyperparameters` folded in.

    Raises InvalidRequest when the two places disagree.
    """
    method = body.method
    if method is None:
        legacy = body.hyperparameters or Hyperparameters()
        return {"type": "supervised", "supervised": {"hyperparameters": legacy.as_asked()}}
    if method.type != "supervised":
        if body.hyperparameters is not None:
            raise InvalidRequest(
                "hyperparameters is the older place for settings of supervised fine-tuning; with "
                "method.type "
                f"'{method.type}' put them into method.{method.type}.hyperparameters.",
                param="hyperparameters",
            )
        return method.model_dump(exclude_none=True)
    settings = (method.supervised.hyperparameters if method.supervised else None) or Hyperparameters()
    merged = settings.as_asked()
    for name in body.hyperparameters.model_fields_set if body.hyperparameters else ():
        legacy_value = getattr(body.hyperparameters, name)
        if name in settings.model_fields_set and merged[name] != legacy_value:
            raise InvalidRequest(
                f"hyperparameters.{name} is {legacy_value}, but method.supervised.hyperparameters.{name} is "
                f"{merged[name]}; give one of them, or the same value twice.",
                param=f"hyperparameters.{name}",
            )
        merged[name] = legacy_value
    return {"type": "supervised", "supervised": {"hyperparameters": merged}}


def _metadata_pairs(query: list[tuple[str, str]]) -> dict[str, str]:
    """The pairs of `metadata[key]=value`; an empty value is a value. Raises InvalidRequest."""
    pairs: dict[str, str] = {}
    for name, value in query:
        match = _METADATA_KEY.fullmatch(name)
        if match is None:
            continue
        key = match.group(1)
        if pairs.setdefault(key, value) != value:
            raise InvalidRequest(
                f"metadata[{key[:80]}] is asked to be two values at once; a job has one.", param="metadata"
            )
    if len(pairs) > limits.MAX_METADATA_PAIRS:
        raise InvalidRequest(
            f"At most {limits.MAX_METADATA_PAIRS} metadata pairs are allowed.", param="metadata"
        )
    return pairs


def job_object(row: JobRow) -> JobObject:
    """The row as the wire has it: numbers of the end are null until the end, its forecast unless it runs."""
    ended = row.finished_at is not None
    kind = row.method["type"]
    settings = dict((row.method.get(kind) or {}).get("hyperparameters") or {})
    error = row.error
    return JobObject(
        id=row.id,
        created_at=row.created_at,
        error=JobError(
            code=error["code"] or "job_failed", message=error["message"] or "", param=error.get("param")
        )
        if error
        else None,
        estimated_finish=row.estimated_finish if row.status == RUNNING else None,
        fine_tuned_model=row.fine_tuned_model,
        finished_at=row.finished_at,
        hyperparameters={name: value for name, value in settings.items() if name != "beta"},
        integrations=row.integrations or [],
        metadata=row.metadata,
        method=row.method,
        model=row.model,
        organization_id=row.organization_id,
        result_files=row.result_files,
        seed=row.seed,
        status=row.status,  # type: ignore[arg-type]
        trained_tokens=row.trained_tokens if ended else None,
        training_file=row.training_file,
        user_provided_suffix=row.suffix,
        validation_file=row.validation_file,
    )


def event_object(row: EventRow) -> EventObject:
    """The row as the wire has it."""
    return EventObject(
        id=row.id,
        created_at=row.created_at,
        level=row.level,  # type: ignore[arg-type]
        message=row.message,
        type=row.type,  # type: ignore[arg-type]
        data=row.data,
    )


def checkpoint_object(row: CheckpointRow) -> CheckpointObject:
    """The row as the wire has it."""
    return CheckpointObject(
        id=row.id,
        created_at=row.created_at,
        fine_tuned_model_checkpoint=row.name,
        fine_tuning_job_id=row.job_id,
        metrics={name: value for name, value in row.metrics.items() if value is not None},
        step_number=row.step,
    )


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
