"""OpenAI's uploads: a file announced, its parts, and the order in which they make the file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tunesmith.wire import limits
from tunesmith.wire.base import Request, Response, invalid
from tunesmith.wire.files import FileObject, UploadPurpose


class ExpiresAfter(Request):
    """How long the file that comes of it shall be kept."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=limits.MIN_FILE_LIFETIME_S, le=limits.MAX_FILE_LIFETIME_S)]


class CreateUploadRequest(Request):
    """Announces a file that will come in parts."""

    bytes: Annotated[int, Field(ge=1, le=limits.MAX_UPLOAD_BYTES)]
    """What the parts will hold together."""
    filename: Annotated[str, Field(min_length=1, max_length=limits.MAX_FILENAME_CHARS)]
    mime_type: Annotated[
        str, Field(min_length=1, max_length=limits.MAX_MIME_TYPE_CHARS, pattern=r"^[\x20-\x7e]*$")
    ]
    purpose: UploadPurpose
    expires_after: ExpiresAfter | None = None


def _md5(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) != 32 or not all(digit in "0123456789abcdefABCDEF" for digit in value):
        raise invalid("expected 32 hexadecimal digits, as md5sum prints them.")
    return value.lower()


class CompleteUploadRequest(Request):
    """Says which parts make the file, in their order."""

    part_ids: Annotated[list[str], Field(min_length=1, max_length=limits.MAX_PARTS)]
    md5: Annotated[str | None, BeforeValidator(_md5)] = None
    """Of the whole file; checked where it is given."""


class UploadObject(Response):
    """An upload. Times are Unix seconds."""

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int
    filename: str
    purpose: UploadPurpose
    status: Literal["pending", "completed", "cancelled", "expired"]
    expires_at: int
    file: FileObject | None
    """What came of it, once it is completed."""


class UploadPartObject(Response):
    """One stored part of an upload."""

    id: str
    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str
