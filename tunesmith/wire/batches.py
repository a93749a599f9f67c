"""OpenAI's batch: what a client may ask for, and the batch object."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Metadata, Request, Response, invalid, wrong_type

MODERATIONS = "/v1/moderations"
ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", MODERATIONS)
"""Routes that a batch's lines may ask."""
_ELSEWHERE = ("/v1/images/generations", "/v1/images/edits", "/v1/videos")
"""Routes that OpenAI's batches may ask besides, and that this server does not have."""

Status = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]


def _endpoint(value: object) -> object:
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    if value in ENDPOINTS:
        return value
    known = ", ".join(f"'{endpoint}'" for endpoint in ENDPOINTS)
    if value in _ELSEWHERE:
        raise invalid(f"this server does not serve '{value}'. Supported values are: {known}.")
    raise invalid(f"'{value[:100]}' is no endpoint that a batch can ask. Supported values are: {known}.")


Endpoint = Annotated[
    str, BeforeValidator(_endpoint), WithJsonSchema({"type": "string", "enum": list(ENDPOINTS)})
]


class OutputExpiresAfter(Request):
    """How long the output and error files are kept, counted from their creation."""

    anchor: Literal["created_at"]
    seconds: int = Field(ge=limits.MIN_FILE_LIFETIME_S, le=limits.MAX_FILE_LIFETIME_S)


class CreateBatchRequest(Request):
    """The body of `POST /batches`."""

    input_file_id: str = Field(min_length=1, max_length=128)
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: Metadata = None
    output_expires_after: OutputExpiresAfter | None = None


# -- responses --------------------------------------------------------------------------------------


class BatchError(Response):
    """One fault of a failed batch; `line` counts the input file's lines from 1."""

    code: str
    line: int | None
    message: str
    param: str | None


class BatchErrors(Response):
    """Why a batch failed."""

    object: Literal["list"] = "list"
    data: list[BatchError]


class RequestCounts(Response):
    """Lines of the input, and how many of them are in the output and in the error file."""

    total: int
    completed: int
    failed: int


class InputTokensDetails(Response):
    """Of the input tokens."""

    cached_tokens: int


class OutputTokensDetails(Response):
    """Of the output tokens."""

    reasoning_tokens: int


class BatchUsage(Response):
    """Tokens of all answers so far."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class BatchObject(Response):
    """A batch. Times are Unix seconds; null until they are known."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    model: str | None
    errors: BatchErrors | None
    input_file_id: str
    completion_window: str
    status: Status
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    usage: BatchUsage
    metadata: dict[str, str] | None


class BatchList(Response):
    """A page of batches, newest first."""

    object: Literal["list"] = "list"
    data: list[BatchObject]
    has_more: bool
    first_id: str | None
    last_id: str | None
