"""OpenAI's Responses: the request with its limits.

Fields that change nothing about the answer (who asks, how it is billed, where it is cached) are accepted.
Fields that would change it and that this server cannot honour are refused by `api/responses/request.py`,
never ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Metadata, Request, StreamOptions, invalid, wrong_type
from tunesmith.wire.chat import Verbatim
from tunesmith.wire.responses_input import Input

Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
"""What an answer may hold besides; of these only log-probabilities come about here."""

_ANY_OBJECT = WithJsonSchema({"type": "object"})
_NAME = r"^[A-Za-z0-9_-]+$"


# -- tools ------------------------------------------------------------------------------------------


class FunctionTool(Verbatim):
    """A function that the model may call; `parameters` is a JSON schema."""

    type: Literal["function"]
    name: str = Field(min_length=1, max_length=64, pattern=_NAME)
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    """Not given, it means true."""
    allowed_callers: list[Literal["direct", "programmatic"]] | None = None
    defer_loading: bool | None = None
    output_schema: dict[str, Any] | None = None
    runs_async: bool | None = Field(default=None, alias="async")


def _tool(value: object) -> Any:
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    kind = value.get("type")
    if isinstance(kind, str) and kind != "function":
        raise invalid(
            f"tools of type {kind[:60]!r} are not available on this server. Declare a function (type "
            "'function') that your program runs when the model calls it."
        )
    return FunctionTool.model_validate(value)


Tool = Annotated[FunctionTool, PlainValidator(_tool), WithJsonSchema(FunctionTool.model_json_schema())]


class NamedTool(Request):
    """The function that the model must call."""

    type: Literal["function"]
    name: str


class AllowedTools(Request):
    """The functions that the model may or must call, of all that are declared."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[NamedTool] = Field(min_length=1, max_length=limits.MAX_TOOLS)


ToolChoice = Literal["none", "auto", "required"] | NamedTool | AllowedTools


def _tool_choice(value: object) -> Any:
    if value is None or value in ("none", "auto", "required"):
        return value
    if not isinstance(value, dict):
        raise invalid("supported values are 'none', 'auto', 'required', or an object that names functions.")
    kind = value.get("type")
    if kind == "function":
        return NamedTool.model_validate(value)
    if kind == "allowed_tools":
        return AllowedTools.model_validate(value)
    raise invalid(
        f"a choice of type {str(kind)[:60]!r} is not available on this server, which has functions alone. "
        "Supported are 'function' and 'allowed_tools'."
    )


# -- text -------------------------------------------------------------------------------------------


class PlainFormat(Request):
    """Text as the model writes it, or any JSON object."""

    type: Literal["text", "json_object"]


class SchemaFormat(Verbatim):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    name: str = Field(min_length=1, max_length=64, pattern=_NAME)
    json_schema: dict[str, Any] = Field(alias="schema")
    description: str | None = None
    strict: bool | None = None


def _format(value: object) -> Any:
    if value is None:
        return PlainFormat(type="text")
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    kind = value.get("type")
    if kind is not None and kind not in ("text", "json_object", "json_schema"):
        raise invalid(f"{str(kind)[:60]!r} is no format; use 'text', 'json_object' or 'json_schema'.")
    return (SchemaFormat if kind == "json_schema" else PlainFormat).model_validate(value)


class TextConfig(Request):
    """How the text of the answer has to be."""

    format: Annotated[PlainFormat | SchemaFormat, PlainValidator(_format), _ANY_OBJECT] = Field(
        default_factory=lambda: PlainFormat(type="text")
    )
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Request):
    """How a model that reasons does it; models here do not, and answer at once."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class _ConversationReference(Request):
    id: str = Field(min_length=1, max_length=limits.MAX_ITEM_ID_CHARS)


def _conversation(value: object) -> str | None:
    if value is None:
        return None
    return _ConversationReference.model_validate({"id": value} if isinstance(value, str) else value).id


# -- requests ---------------------------------------------------------------------------------------


class ConversationFields(Request):
    """What decides the prompt."""

    input: Input = None
    instructions: str | None = None
    previous_response_id: str | None = Field(default=None, max_length=limits.MAX_ITEM_ID_CHARS)
    conversation: Annotated[
        str | None,
        PlainValidator(_conversation),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}),
    ] = None
    """A conversation's id, which may come as `{"id": …}`."""
    tools: list[Tool] | None = Field(default=None, max_length=limits.MAX_TOOLS)
    tool_choice: Annotated[
        ToolChoice | None,
        PlainValidator(_tool_choice),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}),
    ] = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None


class ResponseRequest(ConversationFields):
    """The body of `POST /responses`."""

    model: str = Field(min_length=1, max_length=512)
    max_output_tokens: int | None = Field(
        default=None, ge=limits.MIN_OUTPUT_TOKENS, le=limits.MAX_COMPLETION_TOKENS
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_logprobs: int | None = Field(default=None, ge=0, le=limits.MAX_TOP_LOGPROBS)
    include: list[Include] | None = Field(default=None, max_length=64)

    store: bool | None = None
    metadata: Metadata = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    # What this server does not do: refused with a sentence when asked for.
    background: bool | None = None
    prompt: dict[str, Any] | None = None
    context_management: list[dict[str, Any]] | None = None
    moderation: dict[str, Any] | None = None
    access_programs: dict[str, Any] | None = None
    prompt_cache_options: dict[str, Any] | None = None

    # What changes nothing about the text: accepted.
    image: dict[str, Any] | None = None
    max_tool_calls: int | None = Field(default=None, ge=1)
    """Bounds calls of OpenAI's own tools, of which there are none."""
    prompt_cache_key: str | None = Field(default=None, max_length=512)
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    safety_identifier: str | None = Field(default=None, max_length=512)
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None = None
    user: str | None = Field(default=None, max_length=512)


class InputTokensRequest(ConversationFields):
    """The body of `POST /responses/input_tokens`."""

    model: str = Field(min_length=1, max_length=512)
    personality: str | None = None
