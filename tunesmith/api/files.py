"""`/v1/files`: upload, list, look at, download, delete.

An upload is streamed into the object store and gets its row afterwards. Only what is no JSONL at all is
refused here; whether the lines are good examples is the job's judgement.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

import anyio.from_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.multipart import UploadForm
from tunesmith.api.office import OfficeDep
from tunesmith.api.pages import After
from tunesmith.data.jsonl import sniff
from tunesmith.errors import InvalidRequest
from tunesmith.store import files
from tunesmith.store.rows import FileRow
from tunesmith.wire import limits
from tunesmith.wire.files import PURPOSES, UPLOAD_PURPOSES, DeletedFile, FileList, FileObject

router = APIRouter(prefix="/v1/files", tags=["files"])

_SNIFFED_BYTES = 64 * 1024
"""What of a file is looked at before the rest is taken."""

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
                        "expires_after[anchor]": {"type": "string", "const": "created_at"},
                        "expires_after[seconds]": {
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


@router.post("", response_model=FileObject, openapi_extra=_UPLOAD_SCHEMA)
async def create_file(principal: Caller, office: OfficeDep, request: Request) -> Response:
    """Stores a file, at most 512 MB."""
    upload = _Upload(UploadForm(request, file_field="file", max_file_bytes=limits.MAX_FILE_BYTES))
    file_id = ids.new_id("file")
    key = f"files/{file_id}"
    try:
        stored = await run_in_threadpool(office.blobs.put, key, upload.chunks())
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is left to read it
    created_at = ids.now()
    lifetime_s = upload.lifetime_s()
    row = FileRow(
        id=file_id,
        project_id=principal.project_id,
        filename=upload.filename,
        purpose=upload.purpose,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        created_at=created_at,
        expires_at=created_at + lifetime_s if lifetime_s is not None else None,
    )
    try:
        await run_in_threadpool(files.insert, office.db, row)
    except BaseException:
        await run_in_threadpool(office.blobs.delete, key)
        raise
    return _json(file_object(row))


@router.get("", response_model=FileList)
def list_files(
    principal: Caller,
    office: OfficeDep,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=limits.MAX_FILES_PER_PAGE)] = limits.MAX_FILES_PER_PAGE,
    order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> Response:
    """Files of the project, newest first."""
    if purpose is not None and purpose not in PURPOSES:
        raise _unknown_purpose(purpose, PURPOSES)
    page = files.list_page(
        office.db, principal.project_id, purpose=purpose, after=after, limit=limit, order=order
    )
    data = [file_object(row) for row in page.rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _json(FileList(data=data, has_more=page.has_more, first_id=first, last_id=last))


@router.get("/{file_id}", response_model=FileObject)
def retrieve_file(principal: Caller, office: OfficeDep, file_id: str) -> Response:
    """One file's facts."""
    return _json(file_object(files.get(office.db, principal.project_id, file_id)))


@router.get("/{file_id}/content", response_class=StreamingResponse)
def file_content(principal: Caller, office: OfficeDep, request: Request, file_id: str) -> Response:
    """The file's bytes.

    A result file comes as base64 of its CSV, as OpenAI sends it; `Accept: text/csv` gets the CSV itself.
    """
    row = files.get(office.db, principal.project_id, file_id)
    if row.purpose == "fine-tune-results":
        content = office.blobs.get(row.object_key)
        if "text/csv" in request.headers.get("accept", ""):
            return Response(content, media_type="text/csv; charset=utf-8", headers=_attachment(row))
        return Response(base64.b64encode(content), media_type="application/octet-stream")
    return StreamingResponse(
        office.blobs.stream(row.object_key),
        media_type="application/octet-stream",
        headers={**_attachment(row), "content-length": str(row.size_bytes)},
    )


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
    """Judges a form while it streams by: the purpose, the first bytes, and at the end that nothing is
    missing."""

    def __init__(self, form: UploadForm) -> None:
        self._form = form
        self._head = b""
        self._sniffed = False

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes, for a worker thread; raises what is wrong, so that nothing is stored."""
        while chunk := anyio.from_thread.run(self._form.next_chunk):
            if len(self._head) < _SNIFFED_BYTES:
                self._head += chunk[: _SNIFFED_BYTES - len(self._head)]
            if "purpose" in self._form.fields and len(self._head) == _SNIFFED_BYTES:
                self._judge()
            yield chunk
        if self._form.filename is None:
            raise InvalidRequest(
                "Missing required parameter: 'file'. Send it as a file part, with a filename.",
                param="file",
                code="missing_required_parameter",
            )
        self._judge()
        self.lifetime_s()
        if not self._form.file_bytes:
            raise InvalidRequest("The file is empty.", param="file", code="empty_file")

    def _judge(self) -> None:
        if self.purpose == "fine-tune" and not self._sniffed:
            sniff(self._head, self.filename)
            self._sniffed = True

    @property
    def purpose(self) -> str:
        """What the file is for. Raises InvalidRequest when it is missing or unknown."""
        purpose = self._form.fields.get("purpose")
        if purpose is None:
            raise InvalidRequest(
                "Missing required parameter: 'purpose'.", param="purpose", code="missing_required_parameter"
            )
        if purpose not in UPLOAD_PURPOSES:
            raise _unknown_purpose(purpose, UPLOAD_PURPOSES)
        return purpose

    @property
    def filename(self) -> str:
        """The name that the client gave, as data: no path is ever built from it."""
        name = (self._form.filename or "").replace("\x00", "")
        if len(name) > limits.MAX_FILENAME_CHARS:
            raise InvalidRequest(
                f"The filename has {len(name)} characters; at most {limits.MAX_FILENAME_CHARS} are allowed.",
                param="file",
            )
        return name or "file"

    def lifetime_s(self) -> int | None:
        """Seconds until the file expires, None for never. Raises InvalidRequest."""
        fields = self._form.fields
        anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
        if anchor is None and seconds is None:
            return None
        if anchor != "created_at":
            raise InvalidRequest(
                "Invalid 'expires_after[anchor]': the only supported value is 'created_at'.",
                param="expires_after[anchor]",
            )
        low, high = limits.MIN_FILE_LIFETIME_S, limits.MAX_FILE_LIFETIME_S
        if (
            seconds is None
            or not (seconds.isascii() and seconds.isdigit())
            or not low <= int(seconds[:12]) <= high
        ):
            raise InvalidRequest(
                f"Invalid 'expires_after[seconds]': expected an integer from {low} to {high}.",
                param="expires_after[seconds]",
            )
        return int(seconds)


def _unknown_purpose(purpose: str, known: tuple[str, ...]) -> InvalidRequest:
    names = ", ".join(f"'{name}'" for name in known)
    return InvalidRequest(
        f"'{purpose[:60]}' is not one of the supported purposes: {names}.",
        param="purpose",
        code="invalid_value",
    )


def _attachment(row: FileRow) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}"}


def _json(body: FileObject | FileList | DeletedFile) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
