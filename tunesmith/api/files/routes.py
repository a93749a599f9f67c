"""`/v1/files`: upload, list, look at, download, delete.

An upload is streamed into the object store and gets its row afterwards; what it must be is `intake.py`'s.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.files import intake
from tunesmith.api.files.lists import Include, briefs
from tunesmith.api.http.multipart import UploadForm
from tunesmith.api.http.ranges import asked_range
from tunesmith.api.office import OfficeDep
from tunesmith.api.pages import After, Before, Search, refuse_two_cursors
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import files
from tunesmith.store.blobs import ObjectMissing
from tunesmith.store.rows import FileRow
from tunesmith.wire import limits
from tunesmith.wire.files import PURPOSES, UPLOAD_PURPOSES, DeletedFile, FileList, FileObject, ListedFile

router = APIRouter(prefix="/v1/files", tags=["files"])

_ANCHOR, _SECONDS = "expires_after[anchor]", "expires_after[seconds]"

_UPLOAD_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "enum": list(UPLOAD_PURPOSES)},
                        _ANCHOR: {"type": "string", "const": "created_at"},
                        _SECONDS: {
                            "type": "integer",
                            "minimum": limits.MIN_FILE_LIFETIME_S,
                            "maximum": limits.MAX_FILE_LIFETIME_S,
                        },
                    },
                }
            }
        },
    }
}

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_CONTENT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file.", "content": {"application/octet-stream": _BYTES}},
    206: {"description": "The range asked for.", "content": {"application/octet-stream": _BYTES}},
}


@router.post("", response_model=FileObject, openapi_extra=_UPLOAD_SCHEMA)
async def create_file(principal: Caller, office: OfficeDep, request: Request) -> Response:
    """Stores a file, at most 512 MB (purpose `batch`: 200 MB); larger ones come by `/v1/uploads`."""
    upload = _Upload(request)
    file_id = ids.new_id("file")
    key = f"files/{file_id}"
    try:
        stored = await intake.store(office.blobs, key, upload.pieces())
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is left to read it
    row = intake.file_row(
        file_id,
        principal.project_id,
        stored,
        filename=upload.filename,
        purpose=upload.purpose,
        lifetime_s=upload.lifetime_s(),
    )
    await run_in_threadpool(intake.insert_or_delete, office.blobs, key, partial(files.insert, office.db, row))
    return _json(file_object(row))


@router.get("", response_model=FileList)
def list_files(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    after: After = None,
    before: Before = None,
    limit: Annotated[int, Query(ge=1, le=limits.MAX_FILES_PER_PAGE)] = limits.MAX_FILES_PER_PAGE,
    order: Literal["asc", "desc"] = "desc",
    purpose: Annotated[str | None, Query(description="Only files of this purpose.")] = None,
    q: Search = None,
    include: Include = None,
) -> Response:
    """Files of the project, newest first. Without our own `before`, `q` and `include` it is OpenAI's list."""
    refuse_two_cursors(after, before)
    if purpose is not None and purpose not in PURPOSES:
        raise intake.unknown_purpose(purpose, PURPOSES)
    page = files.list_page(
        office.db,
        principal.project_id,
        purpose=purpose,
        text=q,
        after=after,
        before=before,
        limit=limit,
        order=order,
    )
    known = {}
    if include is not None:
        known = briefs(office, request.app.state.inspections, principal.project_id, page.rows)
    data = [ListedFile(**file_object(row).model_dump(), report=known.get(row.id)) for row in page.rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _json(FileList(data=data, has_more=page.has_more, first_id=first, last_id=last))


@router.get("/{file_id}", response_model=FileObject)
def retrieve_file(principal: Caller, office: OfficeDep, file_id: str) -> Response:
    """One file's facts."""
    return _json(file_object(files.get(office.db, principal.project_id, file_id)))


@router.get("/{file_id}/content", response_class=StreamingResponse, responses=_CONTENT_ANSWERS)
def file_content(principal: Caller, office: OfficeDep, request: Request, file_id: str) -> Response:
    """The file's bytes, or the one `Range` of them that is asked for.

    A result file comes as base64 of its CSV, as OpenAI sends it; `Accept: text/csv` gets the CSV itself.
    """
    row = files.get(office.db, principal.project_id, file_id)
    headers = _attachment(row)
    media_type, etag, size_bytes = "application/octet-stream", f'"{row.sha256}"', row.size_bytes
    encoded: bytes | None = None
    try:
        if row.purpose == "fine-tune-results":
            headers["vary"] = "Accept"
            if "text/csv" in request.headers.get("accept", ""):
                media_type = "text/csv; charset=utf-8"
            else:
                encoded = base64.b64encode(office.blobs.get(row.object_key))
                size_bytes, etag = len(encoded), f'"{hashlib.sha256(encoded).hexdigest()}"'
                del headers["content-disposition"]
        asked = asked_range(request.headers, size_bytes, etag)
        start, end = (asked.start, asked.end) if asked else (0, size_bytes)
        pieces: Iterator[bytes] = (
            iter((encoded[start:end],))
            if encoded is not None
            else office.blobs.stream(row.object_key, start, end)
        )
    except ObjectMissing:  # deleted since we looked
        raise NotFound(f"No such File object: {file_id}", param="id") from None
    headers |= {"accept-ranges": "bytes", "etag": etag, "content-length": str(size_bytes)}
    headers |= asked.headers() if asked else {}
    return StreamingResponse(pieces, 206 if asked else 200, headers=headers, media_type=media_type)


@router.delete("/{file_id}", response_model=DeletedFile)
def delete_file(principal: Caller, office: OfficeDep, file_id: str) -> Response:
    """Deletes a file; a job that already accepted it keeps reading it."""
    files.delete(office.db, principal.project_id, file_id)
    return _json(DeletedFile(id=file_id))


def file_object(row: FileRow) -> FileObject:
    """The row as the wire has it."""
    return FileObject(
        id=row.id,
        bytes=row.size_bytes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        filename=row.filename,
        purpose=row.purpose,  # type: ignore[arg-type]
        status="processed",
        status_details=None,
    )


class _Upload:
    """A form judged while it streams by: the purpose, the first bytes, and at the end that nothing is
    missing."""

    def __init__(self, request: Request) -> None:
        self._form = UploadForm(
            request,
            file_field="file",
            fields=("purpose", _ANCHOR, _SECONDS),
            max_file_bytes=limits.MAX_FILE_BYTES,
            too_large="split it, leave out some of it, or send it in parts with POST /v1/uploads",
        )
        self._head = intake.Head()
        self._judged = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file's bytes; raises what is wrong, so that nothing is stored."""
        async for piece in self._form.pieces():
            self._head.add(piece)
            if "purpose" in self._form.fields and self._head.is_full:
                self._judge()
            yield piece
        if not self._form.has_file:
            raise InvalidRequest(
                "Missing required parameter: 'file'. Send it as a file part, with a filename.",
                param="file",
                code="missing_required_parameter",
            )
        self.lifetime_s()
        if not self._form.file_bytes:
            raise InvalidRequest("The file is empty.", param="file", code="empty_file")
        self._judge()

    def _judge(self) -> None:
        if self.purpose == "batch":
            self._form.limit_file(limits.MAX_BATCH_FILE_BYTES, "split it into several batches")
        if not self._judged:
            self._head.judge(self.purpose, self.filename)
            self._judged = True

    @property
    def purpose(self) -> str:
        """What the file is for. Raises InvalidRequest when it is missing or unknown."""
        return intake.checked_purpose(self._form.fields.get("purpose"))

    @property
    def filename(self) -> str:
        """The name that the client gave. Raises InvalidRequest."""
        return intake.checked_filename(self._form.filename or "", param="file")

    def lifetime_s(self) -> int | None:
        """Seconds until the file expires, None where the form says nothing. Raises InvalidRequest."""
        fields = self._form.fields
        anchor, seconds = fields.get(_ANCHOR), fields.get(_SECONDS)
        if anchor is None and seconds is None:
            return None
        if anchor != "created_at":
            raise InvalidRequest(
                f"Invalid '{_ANCHOR}': the only supported value is 'created_at'.", param=_ANCHOR
            )
        low, high = limits.MIN_FILE_LIFETIME_S, limits.MAX_FILE_LIFETIME_S
        if (
            seconds is None
            or not (seconds.isascii() and seconds.isdigit())
            or not low <= int(seconds[:12]) <= high
        ):
            raise InvalidRequest(
                f"Invalid '{_SECONDS}': expected an integer from {low} to {high}.", param=_SECONDS
            )
        return int(seconds)


def _attachment(row: FileRow) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}"}


def _json(body: FileObject | FileList | DeletedFile) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
