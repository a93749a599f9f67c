"""Input items of OpenAI's Responses: messages, function calls, their outputs, and references to stored items.

Each item is checked as what its `type` says it is, so an error names the field as the user wrote it
(`input[2].content[0].text`). Items of OpenAI's own tools are refused by name: nothing here runs those.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, TypeAdapter, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Request, invalid, wrong_type

Status = Literal["in_progress", "completed", "incomplete"]

_TEXT_ONLY = ("input_image", "input_file", "input_audio", "computer_screenshot")
_HOSTED = frozenset({
    "file_search_call", "web_search_call", "computer_call", "computer_call_output", "image_generation_call",
    "code_interpreter_call", "local_shell_call", "local_shell_call_output", "shell_call",
    "shell_call_output", "apply_patch_call", "apply_patch_call_output", "mcp_list_tools",
    "mcp_approval_request", "mcp_approval_response", "mcp_call", "custom_tool_call",
    "custom_tool_call_output", "tool_search_call", "tool_search_output", "additional_tools", "program",
    "program_output", "configuration_update", "compaction", "compaction_trigger",
})  # fmt: skip
"""Types of items that only OpenAI's own tools and services make."""


# -- parts of messages ------------------------------------------------------------------------------


class InputText(Request):
    """Text that a message or a function's output holds."""

    type: Literal["input_text"]
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None


class OutputText(Request):
    """Text that the assistant wrote earlier. Its annotations and log-probabilities are not read again."""

    type: Literal["output_text"]
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None
    parsed: Any = None
    """Left over where a client sends back what it had parsed."""


class Refusal(Request):
    """A refusal that the assistant wrote earlier."""

    type: Literal["refusal"]
    refusal: str


Part = InputText | OutputText | Refusal


def _part(value: object, allowed: dict[str, type[Request]]) -> Any:
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    kind = value.get("type")
    if kind in _TEXT_ONLY:
        raise invalid(
            f"a part of type '{kind}' cannot be read: models here read text only. Send parts of type "
            f"'{next(iter(allowed))}'."
        )
    model = allowed.get(kind) if isinstance(kind, str) else None
    if model is None:
        known = " and ".join(f"'{name}'" for name in allowed)
        raise invalid(f"a part of type {str(kind)[:40]!r} does not belong here. Supported are: {known}.")
    return model.model_validate(value)


def _text_or(allowed: dict[str, type[Request]]) -> PlainValidator:
    """A string, or parts of the allowed types."""
    part = Annotated[Any, PlainValidator(lambda value: _part(value, allowed))]
    parts: TypeAdapter[list[Any]] = TypeAdapter(Annotated[list[part], Field(max_length=limits.MAX_MESSAGES)])

    def check(value: object) -> Any:
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            raise wrong_type("one of a string or array of objects", value)
        return parts.validate_python(value)

    return PlainValidator(check)


_PART = {"type": "object", "properties": {"type": {"type": "string"}, "text": {"type": "string"}}}
_CONTENT = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": _PART}]})

Asked = Annotated[str | list[InputText], _text_or({"input_text": InputText}), _CONTENT]
"""What is given to the model: a string, or parts of type `input_text`."""
Answered = Annotated[
    str | list[OutputText | Refusal], _text_or({"output_text": OutputText, "refusal": Refusal}), _CONTENT
]
"""What the model wrote: a string, or parts of type `output_text` and `refusal`."""


# -- items ------------------------------------------------------------------------------------------


class _Item(Request):
    id: str | None = Field(default=None, max_length=limits.MAX_ITEM_ID_CHARS)
    status: Status | None = None


class AskedMessage(_Item):
    """A turn of the user, or of who instructs the model."""

    type: Literal["message"] | None = None
    role: Literal["user", "system", "developer"]
    content: Asked
    phase: str | None = None


class AnsweredMessage(_Item):
    """A turn of the assistant."""

    type: Literal["message"] | None = None
    role: Literal["assistant"]
    content: Answered
    phase: str | None = None


class FunctionCallItem(_Item):
    """A call that the assistant made."""

    type: Literal["function_call"]
    call_id: str = Field(min_length=1, max_length=limits.MAX_ITEM_ID_CHARS)
    name: str = Field(min_length=1, max_length=256)
    arguments: str
    caller: dict[str, Any] | None = None
    created_by: str | None = None
    namespace: None = None
    parsed_arguments: Any = None
    """Left over where a client sends back what it had parsed."""
    runs_async: bool | None = Field(default=None, alias="async")


class FunctionCallOutputItem(_Item):
    """What came of a call."""

    type: Literal["function_call_output"]
    call_id: str = Field(min_length=1, max_length=limits.MAX_ITEM_ID_CHARS)
    output: Asked
    name: str | None = None
    caller: dict[str, Any] | None = None
    created_by: str | None = None
    namespace: None = None


class ReasoningItem(_Item):
    """What another model thought: accepted, and not shown to this one."""

    type: Literal["reasoning"]
    summary: list[Any] | None = None
    content: list[Any] | None = None
    encrypted_content: str | None = None


class ItemReference(Request):
    """A stored item, by its id."""

    type: Literal["item_reference"] | None = None
    id: str = Field(min_length=1, max_length=limits.MAX_ITEM_ID_CHARS)


InputItem = (
    AskedMessage | AnsweredMessage | FunctionCallItem | FunctionCallOutputItem | ReasoningItem | ItemReference
)

_BY_TYPE: dict[str, type[Request]] = {
    "function_call": FunctionCallItem,
    "function_call_output": FunctionCallOutputItem,
    "reasoning": ReasoningItem,
    "item_reference": ItemReference,
}
_ROLES = ("assistant", "developer", "system", "user")


def _item(value: object) -> Any:
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    kind = value.get("type")
    if kind == "message" or (kind is None and "role" in value):
        role = value.get("role")
        if role is not None and role not in _ROLES:
            raise invalid(
                f"a message has one of the roles {', '.join(map(repr, _ROLES))}, but this one has "
                f"{str(role)[:40]!r}."
            )
        return (AnsweredMessage if role == "assistant" else AskedMessage).model_validate(value)
    if kind is None and "id" in value:
        return ItemReference.model_validate(value)
    if isinstance(kind, str) and kind in _HOSTED:
        raise invalid(
            f"items of type '{kind}' come from tools and services of OpenAI that this server does not have. "
            "Leave them out, or write what matters of them as a message."
        )
    model = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if model is None:
        known = ", ".join(f"'{name}'" for name in ("message", *_BY_TYPE))
        raise invalid(f"an item of type {str(kind)[:40]!r} is not known. Supported are: {known}.")
    return model.model_validate(value)


_ITEMS: TypeAdapter[list[Any]] = TypeAdapter(
    Annotated[list[Annotated[Any, PlainValidator(_item)]], Field(max_length=limits.MAX_RESPONSE_INPUT_ITEMS)]
)


def _added(value: object) -> list[InputItem]:
    if not isinstance(value, list):
        raise wrong_type("an array of items", value)
    if len(value) > limits.MAX_CONVERSATION_ITEMS_AT_ONCE:
        raise invalid(
            f"at most {limits.MAX_CONVERSATION_ITEMS_AT_ONCE} items can be added at once, but got "
            f"{len(value)}; add the others after them."
        )
    return _ITEMS.validate_python(value)


Items = Annotated[
    list[InputItem],
    PlainValidator(_added),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "object"},
            "maxItems": limits.MAX_CONVERSATION_ITEMS_AT_ONCE,
        }
    ),
]
"""Items that are added to a conversation."""


def _input(value: object) -> list[InputItem] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return [AskedMessage(role="user", content=value)]
    if not isinstance(value, list):
        raise wrong_type("one of a string or array of items", value)
    return _ITEMS.validate_python(value)


Input = Annotated[
    list[InputItem] | None,
    PlainValidator(_input),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}, {"type": "null"}]}
    ),
]
"""A string, which is the user's message, or a list of items."""
