"""A response's request as a chat's, and as the response object repeats it.

The chat decides what can be honoured; its refusals come back in the words of this endpoint (`text.format`,
not `response_format`). Fields that only Responses have and that nothing here does are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from tunesmith.api.http.errors import invalid_request
from tunesmith.api.responses.items import LOGPROBS, Turn
from tunesmith.api.responses.tools import enforce, repeated_tool
from tunesmith.errors import InvalidRequest, TunesmithError
from tunesmith.wire.chat import ChatRequest
from tunesmith.wire.responses import (
    AllowedTools,
    ConversationFields,
    FunctionTool,
    NamedTool,
    ResponseRequest,
    SchemaFormat,
    TextConfig,
)


def check(body: ConversationFields) -> None:
    """Refuses what would change the answer and is not done here, and fields that contradict each other."""
    if body.input is None and body.previous_response_id is None and body.conversation is None:
        raise InvalidRequest(
            "Missing required parameter: 'input'. Give it, or what to go on from: 'previous_response_id' or "
            "'conversation'.",
            param="input",
            code="missing_required_parameter",
        )
    if body.previous_response_id is not None and body.conversation is not None:
        raise InvalidRequest(
            "Mutually exclusive parameters: Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'.",
            param="conversation",
            code="mutually_exclusive_parameters",
        )
    _check_tools(body)
    _check_reasoning(body)
    if isinstance(body, ResponseRequest):
        _check_request(body)


def _check_reasoning(body: ConversationFields) -> None:
    asked = body.reasoning.model_dump(exclude_none=True) if body.reasoning is not None else {}
    for name in ("summary", "generate_summary", "context", "mode"):
        if asked.get(name, "standard") not in ("auto", "standard"):
            raise InvalidRequest(
                f"Unsupported parameter: 'reasoning.{name}' is not supported with this model.",
                param=f"reasoning.{name}",
                code="unsupported_parameter",
            )


def _check_request(body: ResponseRequest) -> None:
    if body.stream_options is not None and not body.stream:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.stream_options is not None and body.stream_options.include_usage is not None:
        raise InvalidRequest(
            "Unrecognized request argument supplied: stream_options.include_usage. The last event carries "
            "the usage in any case.",
            param="stream_options.include_usage",
            code="unknown_parameter",
        )
    if body.background:
        raise _unsupported("background", "Responses are not made in the background here", "stream them")
    if body.prompt is not None:
        raise _unsupported(
            "prompt", "Prompts stored at OpenAI are not known here", "send its text as 'instructions'"
        )
    if body.context_management:
        raise _unsupported(
            "context_management",
            "Conversations are not compacted here",
            "leave it out; 'truncation': 'auto' drops the oldest items where a conversation is too long",
        )
    if body.moderation is not None:
        raise _unsupported(
            "moderation",
            "Responses are not moderated here",
            "leave it out, or send texts to POST /v1/moderations",
        )
    if body.access_programs is not None:
        raise _unsupported("access_programs", "There are no access programs here", "leave it out")
    if (body.prompt_cache_options or {}).get("prewarm"):
        raise _unsupported("prompt_cache_options.prewarm", "There is nothing to warm up here", "leave it out")


def _check_tools(body: ConversationFields) -> None:
    for index, tool in enumerate(body.tools or []):
        where = f"tools[{index}]"
        if tool.defer_loading:
            raise _unsupported(f"{where}.defer_loading", "Tools are not searched here", "leave it out")
        if tool.runs_async:
            raise _unsupported(f"{where}.async", "Calls are not made asynchronously here", "leave it out")
        if tool.allowed_callers is not None and "direct" not in tool.allowed_callers:
            raise _unsupported(
                f"{where}.allowed_callers", "Models here call functions directly", "allow 'direct'"
            )
    if body.tools:
        return
    choice = body.tool_choice
    if choice == "required" or isinstance(choice, NamedTool | AllowedTools):
        raise InvalidRequest(
            "'tool_choice' asks for a call, but no 'tools' are specified.",
            param="tool_choice",
            code="invalid_value",
        )


def _unsupported(param: str, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{problem}; {remedy}.", param=param, code="unsupported_parameter")


# -- as a chat --------------------------------------------------------------------------------------


def with_instructions(body: ConversationFields, turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The messages of the chat: the instructions as the system's, then the turns."""
    messages = [message for turn in turns for message in turn]
    if body.instructions is not None:
        messages.insert(0, {"role": "system", "content": body.instructions})
    return messages


def chat_request(body: ConversationFields, model: str, messages: Sequence[dict[str, Any]]) -> ChatRequest:
    """The chat that writes this response. Raises InvalidRequest in the words of Responses."""
    asked: dict[str, Any] = {"model": model, "messages": messages}
    if body.reasoning is not None:
        asked["reasoning_effort"] = body.reasoning.effort
    if body.tools:
        asked["tools"] = [_chat_tool(tool) for tool in body.tools]
        asked["parallel_tool_calls"] = body.parallel_tool_calls
        asked["tool_choice"] = _chat_choice(body)
    text = body.text or TextConfig()
    asked["verbosity"] = text.verbosity
    if isinstance(text.format, SchemaFormat):
        named = {key: value for key, value in text.format.raw.items() if key != "type"}
        asked["response_format"] = {"type": "json_schema", "json_schema": named}
    elif text.format.type != "text":
        asked["response_format"] = {"type": text.format.type}
    if isinstance(body, ResponseRequest):
        asked |= {
            "max_completion_tokens": body.max_output_tokens,
            "temperature": body.temperature,
            "top_p": body.top_p,
            "stream": body.stream,
        }
        if wants_logprobs(body):
            asked |= {"logprobs": True, "top_logprobs": body.top_logprobs or 0}
    try:
        chat = ChatRequest.model_validate(asked)
    except ValidationError as error:
        raise _reworded(invalid_request(error.errors(include_url=False))) from None
    enforce([tool.function for tool in chat.tools or []], body.tools or [])
    return chat


def wants_logprobs(body: ResponseRequest) -> bool:
    """Whether the answer carries log-probabilities: asked for by `include`, or by a number of them."""
    return LOGPROBS in (body.include or []) or bool(body.top_logprobs)


def _chat_tool(tool: FunctionTool) -> dict[str, Any]:
    kept = ("name", "description", "parameters", "strict")
    function = {key: value for key, value in tool.raw.items() if key in kept and value is not None}
    return {"type": "function", "function": function}


def _chat_choice(body: ConversationFields) -> Any:
    choice = body.tool_choice
    if isinstance(choice, NamedTool):
        return _named(choice)
    if isinstance(choice, AllowedTools):
        allowed = {"mode": choice.mode, "tools": [_named(tool) for tool in choice.tools]}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    return choice


def _named(tool: NamedTool) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool.name}}


# -- the chat's words for fields as the words of this endpoint --------------------------------------

_WORDS = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"messages\[(\d+)\]", r"input (message \1 of the conversation)"),
        (r"the length of the messages|your messages\b", "your input"),
        (r"'messages'", "'input'"),
        (r"\breasoning_effort\b", "reasoning.effort"),
        (r"(?<![.\w])verbosity\b", "text.verbosity"),
        (r"response_format\.json_schema", "text.format"),
        (r"response_format", "text.format"),
        (r"max_completion_tokens", "max_output_tokens"),
        (r"tool_choice\.allowed_tools\.", "tool_choice."),
        (r"tool_choice\.function\.", "tool_choice."),
        (r"(tools\[\d+\])\.function", r"\1"),
    )
]


@contextmanager
def rewording() -> Iterator[None]:
    """Lets refusals of the chat out in the words of Responses."""
    try:
        yield
    except TunesmithError as error:
        raise _reworded(error) from error


def _reworded(error: TunesmithError) -> TunesmithError:
    if error.param is not None and error.param.startswith("messages"):
        error.param = "input"
    for pattern, word in _WORDS:
        error.message = pattern.sub(word, error.message)
        if error.param is not None:
            error.param = pattern.sub(word, error.param)
    return error


# -- as the response repeats it ---------------------------------------------------------------------


def repeated(body: ResponseRequest) -> dict[str, Any]:
    """The settings of the request as the response object shows them, defaults filled in."""
    reasoning = body.reasoning
    return {
        "background": False,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "prompt_cache_key": body.prompt_cache_key,
        "prompt_cache_retention": (body.prompt_cache_retention or "").replace("-", "_") or None,
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "safety_identifier": body.safety_identifier,
        "service_tier": "default",
        "store": body.store is not False,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "text": _repeated_text(body.text or TextConfig()),
        "tool_choice": _repeated_choice(body),
        "tools": [repeated_tool(tool) for tool in body.tools or []],
        "top_logprobs": body.top_logprobs or 0,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": body.truncation or "disabled",
        "user": body.user,
        "metadata": body.metadata or {},
    }


def _repeated_text(text: TextConfig) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": text.format.type}
    if isinstance(text.format, SchemaFormat):
        shown |= {
            "description": text.format.description,
            "name": text.format.name,
            "schema": text.format.json_schema,
            "strict": bool(text.format.strict),
        }
    return {"format": shown, "verbosity": text.verbosity or "medium"}


def _repeated_choice(body: ConversationFields) -> Any:
    choice = body.tool_choice
    return choice.model_dump() if isinstance(choice, NamedTool | AllowedTools) else choice or "auto"
