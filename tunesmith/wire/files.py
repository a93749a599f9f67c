"""OpenAI's file object, and what an upload may say besides the bytes."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from tunesmith.wire.base import Response
from tunesmith.wire.file_report import InspectionProgress, RowFormat

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


class FileBrief(Response):
    """Our own: what is known of a training file for a base, in a few numbers; `GET /files/{id}/report` has it
    all."""

    status: Literal["unknown", "in_progress", "completed"]
    """`unknown`: nobody has asked for its report yet; then all that a look would find is null."""
    progress: InspectionProgress | None = None
    model: str
    """The base whose tokenizer and template count."""
    format: RowFormat | None = None
    method: Literal["supervised", "dpo"] | None = None
    """What its rows can be used for; null when they have no kind."""
    n_rows: int | None = None
    n_problems: int | None = None
    """What stops a job."""
    n_warnings: int | None = None
    code: str | None = None
    """The code that a job with this training file would fail with; null when it would not."""
    tokens: int | None = None
    """In one epoch."""
    trained_tokens: int | None = None
    """Those of them that are under the loss."""
    n_cut: int | None = None
    """Rows that are longer than the base's context."""
    n_jobs: int
    """Jobs that have it as training or validation data."""


class ListedFile(FileObject):
    """A file of a list."""

    report: FileBrief | None = Field(default=None, exclude_if=lambda report: report is None)
    """With `include=report` only, for files of the purpose `fine-tune`."""


class FileList(Response):
    """A page of files."""

    object: Literal["list"] = "list"
    data: list[ListedFile]
    has_more: bool
    first_id: str | None
    last_id: str | None


class DeletedFile(Response):
    """The answer to deleting a file."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True
