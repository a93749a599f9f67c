"""What Responses answer: the response object, its items, lists of them, and counts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tunesmith.wire.base import Response
from tunesmith.wire.responses import ToolChoice

Status = Literal["in_progress", "completed", "incomplete"]


class UrlCitation(Response):
    """Where a model that searches the web has something from."""

    type: Literal["url_citation"]
    start_index: int
    end_index: int
    url: str
    title: str


class OutputTextPart(Response):
    """Text that the model wrote."""

    type: Literal["output_text"]
    annotations: list[UrlCitation]
    """Empty: models here cite nothing."""
    logprobs: list[dict[str, Any]]
    text: str


class RefusalPart(Response):
    """Why the answer is not what was asked for."""

    type: Literal["refusal"]
    refusal: str


class OutputMessage(Response):
    """A message that the model wrote."""

    id: str
    type: Literal["message"]
    status: Status
    content: list[OutputTextPart | RefusalPart]
    role: Literal["assistant"]


class OutputFunctionCall(Response):
    """A call that the model made; `arguments` is JSON text."""

    id: str
    type: Literal["function_call"]
    status: Status
    arguments: str
    call_id: str
    name: str


class ResponseError(Response):
    """Why a response failed."""

    code: Literal["server_error", "invalid_prompt"]
    message: str


class IncompleteDetails(Response):
    """Why a response is not complete."""

    reason: Literal["max_output_tokens"]


class InputTokensDetails(Response):
    """Tokens of the prompt that did not have to be computed again."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(Response):
    """Models here do not reason, so this is 0."""

    reasoning_tokens: int


class ResponseUsage(Response):
    """Tokens read and written."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class ConversationReference(Response):
    """The conversation that a response went on with and added to."""

    id: str


class ResponseObject(Response):
    """A response: the settings it was made with, its state, and its output."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["completed", "failed", "in_progress", "incomplete"]
    background: bool
    completed_at: int | None
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    model: str
    output: list[OutputMessage | OutputFunctionCall]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    reasoning: dict[str, Any]
    safety_identifier: str | None
    service_tier: Literal["default"]
    store: bool
    temperature: float
    text: dict[str, Any]
    tool_choice: ToolChoice
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float
    truncation: Literal["auto", "disabled"]
    usage: ResponseUsage | None
    user: str | None
    metadata: dict[str, str]
    conversation: ConversationReference | None = Field(
        default=None, exclude_if=lambda conversation: conversation is None
    )


class DeletedResponse(Response):
    """The answer to a deletion."""

    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class ItemList(Response):
    """A page of items."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class InputTokens(Response):
    """How many tokens a prompt has."""

    object: Literal["response.input_tokens"] = "response.input_tokens"
    input_tokens: int
