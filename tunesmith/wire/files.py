"""OpenAI's file object, and what an upload may say besides the bytes."""

from __future__ import annotations

from typing import Literal, get_args

from tunesmith.wire.base import Response

UploadPurpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
"""What a client may upload a file for."""
Purpose = Literal[
    "assistants",
    "assistants_output",
    "batch",
    "batch_output",
    "fine-tune",
    "fine-tune-results",
    "vision",
    "user_data",
    "evals",
]
"""What a file can be for; the `_output` and `-results` kinds are written by the server."""

UPLOAD_PURPOSES: tuple[str, ...] = get_args(UploadPurpose)
PURPOSES: tuple[str, ...] = get_args(Purpose)


class FileObject(Response):
    """A stored file. Times are Unix seconds."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: Purpose
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None


class FileList(Response):
    """A page of files."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    has_more: bool
    first_id: str | None
    last_id: str | None


class DeletedFile(Response):
    """The answer to deleting a file."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True
