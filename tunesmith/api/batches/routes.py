"""`/v1/batches`: create, list, look at, cancel. Answering the lines is `api/batches/runner.py`'s."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.batches.input import check_size
from tunesmith.api.batches.runner import BatchRunner
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.moderations import model as moderation_model
from tunesmith.api.office import OfficeDep
from tunesmith.api.pages import After
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import batches, files
from tunesmith.store.database import Database
from tunesmith.store.rows import BatchRow
from tunesmith.wire import limits
from tunesmith.wire.batches import (
    MODERATIONS,
    BatchError,
    BatchErrors,
    BatchList,
    BatchObject,
    BatchUsage,
    CreateBatchRequest,
    InputTokensDetails,
    OutputTokensDetails,
    RequestCounts,
)

router = APIRouter(prefix="/v1/batches", tags=["batches"])


@router.post("", response_model=BatchObject, openapi_extra=documented(CreateBatchRequest))
async def create_batch(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[CreateBatchRequest, Depends(json_body(CreateBatchRequest))],
) -> Response:
    """Takes a file of requests; the answer is the batch, which begins by validating the file."""
    if body.endpoint == MODERATIONS and office.settings.moderation_model is None:
        raise moderation_model.not_configured("endpoint")
    created_at = ids.now()
    row = BatchRow(
        id=ids.new_id("batch"),
        project_id=principal.project_id,
        organization_id=principal.organization_id,
        key_id=principal.key_id,
        status=batches.VALIDATING,
        endpoint=body.endpoint,
        input_file_id=body.input_file_id,
        completion_window=body.completion_window,
        output_lifetime_s=body.output_expires_after.seconds if body.output_expires_after else None,
        metadata=body.metadata,
        created_at=created_at,
        expires_at=created_at + limits.BATCH_WINDOW_S,
    )
    await run_in_threadpool(_insert, office.db, row)
    _wake(request)
    return _json(batch_object(row))


@router.get("", response_model=BatchList)
def list_batches(
    principal: Caller,
    office: OfficeDep,
    after: After = None,
    limit: Annotated[
        int, Query(ge=1, le=limits.MAX_BATCHES_PER_PAGE, description="Objects on this page.")
    ] = limits.DEFAULT_BATCHES_PER_PAGE,
) -> Response:
    """Batches of the project, newest first."""
    page = batches.list_page(office.db, principal.project_id, after=after, limit=limit)
    data = [batch_object(row) for row in page.rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _json(BatchList(data=data, has_more=page.has_more, first_id=first, last_id=last))


@router.get("/{batch_id}", response_model=BatchObject)
def retrieve_batch(principal: Caller, office: OfficeDep, batch_id: str) -> Response:
    """One batch as it is now."""
    return _json(batch_object(batches.get(office.db, principal.project_id, batch_id)))


@router.post("/{batch_id}/cancel", response_model=BatchObject)
async def cancel_batch(principal: Caller, office: OfficeDep, request: Request, batch_id: str) -> Response:
    """Stops a batch: it is `cancelling`, moments later `cancelled`, with what was answered in its files."""
    row = await run_in_threadpool(_cancel, office.db, principal.project_id, batch_id)
    _wake(request)
    return _json(batch_object(row))


def _insert(db: Database, row: BatchRow) -> None:
    """Adds the batch, once its input is known to be usable at all. Raises NotFound, InvalidRequest."""
    with db.write() as connection:
        try:
            file = files.get(connection, row.project_id, row.input_file_id)
        except NotFound as error:
            raise NotFound(
                f"input_file_id is {row.input_file_id!r}, and there is no such file in this project; upload "
                "it with purpose 'batch' and pass the id of the answer.",
                param="input_file_id",
            ) from error
        if file.purpose != "batch":
            raise InvalidRequest(
                f"input_file_id {file.id} has the purpose {file.purpose!r}; upload it with purpose 'batch'.",
                param="input_file_id",
                code="invalid_file_purpose",
            )
        check_size(file.size_bytes)
        batches.insert(connection, row)


def _cancel(db: Database, project_id: str, batch_id: str) -> BatchRow:
    """The batch as it is on its way to `cancelled`. Raises NotFound, and InvalidRequest when it has ended."""
    with db.write() as connection:
        row = batches.get(connection, project_id, batch_id)
        if row.status in (batches.CANCELLING, batches.CANCELLED):
            return row
        moved = batches.move(connection, batch_id, batches.CANCELLING)
        if moved is None:
            ended = "every line has been answered" if row.status == batches.FINALIZING else "it has ended"
            raise InvalidRequest(
                f"Cannot cancel a batch with status '{row.status}': {ended}.",
                param="batch_id",
                code="batch_not_cancellable",
            )
        return moved


def _wake(request: Request) -> None:
    runner: BatchRunner = request.app.state.batch_runner
    runner.wake()


def batch_object(row: BatchRow) -> BatchObject:
    """The row as the wire has it."""
    errors = None
    if row.errors:
        errors = BatchErrors(data=[BatchError(**fault) for fault in row.errors])
    return BatchObject(
        id=row.id,
        endpoint=row.endpoint,
        model=row.model,
        errors=errors,
        input_file_id=row.input_file_id,
        completion_window=row.completion_window,
        status=row.status,  # type: ignore[arg-type]
        output_file_id=row.output_file_id,
        error_file_id=row.error_file_id,
        created_at=row.created_at,
        in_progress_at=row.in_progress_at,
        expires_at=row.expires_at,
        finalizing_at=row.finalizing_at,
        completed_at=row.completed_at,
        failed_at=row.failed_at,
        expired_at=row.expired_at,
        cancelling_at=row.cancelling_at,
        cancelled_at=row.cancelled_at,
        request_counts=RequestCounts(total=row.n_total, completed=row.n_completed, failed=row.n_failed),
        usage=BatchUsage(
            input_tokens=row.input_tokens,
            input_tokens_details=InputTokensDetails(cached_tokens=row.cached_tokens),
            output_tokens=row.output_tokens,
            output_tokens_details=OutputTokensDetails(reasoning_tokens=row.reasoning_tokens),
            total_tokens=row.input_tokens + row.output_tokens,
        ),
        metadata=row.metadata,
    )


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
