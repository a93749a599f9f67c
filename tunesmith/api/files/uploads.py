"""`/v1/uploads`: a file in parts, for what is too large or too fragile to be sent at once.

Parts may come at the same time and in any order; `complete` names the order. The file that comes of it is
like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.files import intake
from tunesmith.api.files.assembly import assemble
from tunesmith.api.files.routes import file_object
from tunesmith.api.http.json_body import documented, json_body, refuse_encoding
from tunesmith.api.http.multipart import UploadForm
from tunesmith.api.office import OfficeDep
from tunesmith.errors import InvalidRequest
from tunesmith.store import uploads
from tunesmith.store.rows import FileRow, PartRow, UploadRow
from tunesmith.wire import limits
from tunesmith.wire.uploads import CompleteUploadRequest, CreateUploadRequest, UploadObject, UploadPartObject

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

ASSEMBLIES = 2
"""Uploads that are put together at the same time; each takes a thread, and all the disk it can get."""

_PART_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {"data": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}

_JSONL_TYPES = {
    "text/jsonl",
    "application/jsonl",
    "application/x-jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
    "application/x-ndjson",
    "application/ndjson",
    "application/json",
    "application/octet-stream",
    "jsonl",
}
"""What clients call JSON lines, for which there is no registered type; any `text/…` will do too."""

_assemblers = anyio.CapacityLimiter(ASSEMBLIES)
_assembling: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
_read_completion = json_body(CompleteUploadRequest)


@router.post("", response_model=UploadObject, openapi_extra=documented(CreateUploadRequest))
async def create_upload(
    principal: Caller,
    office: OfficeDep,
    body: Annotated[CreateUploadRequest, Depends(json_body(CreateUploadRequest))],
) -> Response:
    """Announces a file of at most 8 GB, to be sent within the hour in parts of at most 64 MB."""
    _require_fitting_type(body.mime_type, body.purpose)
    if body.purpose == "batch" and body.bytes > limits.MAX_BATCH_FILE_BYTES:
        raise InvalidRequest(
            f"A file of purpose 'batch' has at most {limits.MAX_BATCH_FILE_BYTES} bytes, but 'bytes' is "
            f"{body.bytes}; split it into several batches.",
            param="bytes",
            code="file_too_large",
        )
    created_at = ids.now()
    row = UploadRow(
        id=ids.new_id("upload"),
        project_id=principal.project_id,
        filename=intake.checked_filename(body.filename, param="filename"),
        purpose=body.purpose,
        mime_type=body.mime_type,
        size_bytes=body.bytes,
        file_lifetime_s=body.expires_after.seconds if body.expires_after else None,
        status=uploads.PENDING,
        created_at=created_at,
        expires_at=created_at + limits.UPLOAD_LIFETIME_S,
    )
    await run_in_threadpool(uploads.insert, office.db, row)
    return _json(upload_object(row))


@router.post("/{upload_id}/parts", response_model=UploadPartObject, openapi_extra=_PART_SCHEMA)
async def add_upload_part(principal: Caller, office: OfficeDep, request: Request, upload_id: str) -> Response:
    """Adds some of the file's bytes. A part that is sent again after a lost answer is another part;
    `complete` names the one to take."""
    refuse_encoding(request)
    upload = await run_in_threadpool(uploads.pending, office.db, principal.project_id, upload_id)
    room = {"max_parts": limits.MAX_PARTS, "max_bytes": upload.size_bytes + limits.MAX_SPARE_PART_BYTES}
    form = UploadForm(
        request,
        file_field="data",
        max_file_bytes=limits.MAX_PART_BYTES,
        too_large="send smaller parts",
        needs_filename=False,
    )
    await run_in_threadpool(uploads.require_room, office.db, upload_id, 0, **room)
    part_id = ids.new_id("part")
    key = f"{upload.prefix}/{part_id}"
    try:
        stored = await intake.store(office.blobs, key, _part_pieces(form))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is left to read it
    row = PartRow(id=part_id, upload_id=upload_id, size_bytes=stored.size_bytes, created_at=ids.now())
    add = partial(uploads.add_part, office.db, principal.project_id, row, **room)
    await run_in_threadpool(intake.insert_or_delete, office.blobs, key, add)
    return _json(UploadPartObject(id=row.id, created_at=row.created_at, upload_id=upload_id))


@router.post(
    "/{upload_id}/complete", response_model=UploadObject, openapi_extra=documented(CompleteUploadRequest)
)
async def complete_upload(principal: Caller, office: OfficeDep, request: Request, upload_id: str) -> Response:
    """Makes a file of the parts named, in their order; they must hold what the upload was created for."""
    refuse_encoding(request)
    await run_in_threadpool(uploads.pending, office.db, principal.project_id, upload_id)
    body = await _read_completion(request)
    # whoever asks again before the answer has come then finds the upload completed, and makes no second copy
    lock = _assembling.setdefault(upload_id, asyncio.Lock())
    async with lock:
        upload, file = await anyio.to_thread.run_sync(
            assemble,
            office.db,
            office.blobs,
            principal.project_id,
            upload_id,
            body.part_ids,
            body.md5,
            limiter=_assemblers,
        )
    return _json(upload_object(upload, file))


@router.post("/{upload_id}/cancel", response_model=UploadObject)
def cancel_upload(principal: Caller, office: OfficeDep, upload_id: str) -> Response:
    """Gives a pending upload up; its parts are removed."""
    row = uploads.cancel(office.db, principal.project_id, upload_id)
    office.blobs.delete_prefix(row.prefix)
    return _json(upload_object(row))


def upload_object(row: UploadRow, file: FileRow | None = None) -> UploadObject:
    """The row as the wire has it."""
    return UploadObject(
        id=row.id,
        bytes=row.size_bytes,
        created_at=row.created_at,
        filename=row.filename,
        purpose=row.purpose,  # type: ignore[arg-type]
        status=row.status,  # type: ignore[arg-type]
        expires_at=row.expires_at,
        file=file_object(file) if file is not None else None,
    )


async def _part_pieces(form: UploadForm) -> AsyncIterator[bytes]:
    async for piece in form.pieces():
        yield piece
    if not form.file_bytes:
        raise InvalidRequest(
            "Missing required parameter: 'data'. Send the bytes of the part as a file part of this name.",
            param="data",
            code="missing_required_parameter",
        )


def _require_fitting_type(mime_type: str, purpose: str) -> None:
    """Raises InvalidRequest for a type that the purpose cannot mean. Clients write these types in many ways,
    so only what is plainly something else is refused."""
    plain = mime_type.partition(";")[0].strip().lower()
    if purpose in ("fine-tune", "batch", "evals"):
        fits, expected = plain in _JSONL_TYPES or plain.startswith("text/"), "'text/jsonl'"
    elif purpose == "vision":
        fits, expected = plain.startswith("image/") or plain == "application/octet-stream", "'image/png'"
    else:
        return
    if not fits:
        raise InvalidRequest(
            f"The MIME type '{mime_type}' does not fit the purpose '{purpose}'; send for example {expected}.",
            param="mime_type",
            code="invalid_value",
        )


def _json(body: UploadObject | UploadPartObject) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
