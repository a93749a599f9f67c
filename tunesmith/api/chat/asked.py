"""What a chat request asks for, beyond its messages: which tools may or must be called, and what the answer
has to look like. Fields that depend on each other are checked here, before a model is looked for.

How it is enforced on one base is `api/chat/structured.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.api.chat.structured_check import schema_fault
from tunesmith.api.chat.structured_schema import strict_fault
from tunesmith.api.chat.tool_choice import Choice, Function, chosen, declared
from tunesmith.errors import InvalidRequest
from tunesmith.wire.chat import ChatRequest, Message, ResponseFormat


@dataclass(frozen=True)
class JsonAnswer:
    """The answer is JSON that fits a schema."""

    schema: Mapping[str, Any]
    name: str | None
    """The schema's name; None where any JSON object will do."""
    strict: bool


@dataclass(frozen=True)
class Asked:
    """What a request's fields mean together."""

    tools: list[dict[str, Any]] | None
    """All tools, as the template prints them; None where none may be called."""
    functions: Mapping[str, Function] = field(default_factory=dict)
    """Those that may be called."""
    choice: Choice = "none"
    parallel: bool = True
    """Whether one message may make several calls."""
    legacy: bool = False
    """Asked with `functions`: a call is answered as `function_call`."""
    restricted: bool = False
    """Whether tools are shown that may not be called (`allowed_tools`)."""
    answer: JsonAnswer | None = None


def understood(body: ChatRequest) -> Asked:
    """Checks the fields that depend on each other. Raises InvalidRequest for what this server cannot
    honour."""
    _refuse_unsupported(body)
    _check_together(body)
    _check_turns(body.messages)
    if body.continue_final_message:
        _check_continued(body)
    answer = _answer(body.response_format, body.messages)
    legacy = bool(body.functions)
    if legacy:
        definitions = list(body.functions or [])
        tools: list[dict[str, Any]] = [{"type": "function", "function": item.raw} for item in definitions]
        place, value, param = "functions[{}].parameters", body.function_call, "function_call"
    else:
        definitions = [tool.function for tool in body.tools or []]
        tools = [tool.raw for tool in body.tools or []]
        place, value, param = "tools[{}].function.parameters", body.tool_choice, "tool_choice"
    functions = declared(definitions, place)
    choice, allowed = chosen(value, param, functions)
    if not functions or choice == "none":
        return Asked(None, answer=answer)
    return Asked(
        tools=tools,
        functions={name: function for name, function in functions.items() if name in allowed},
        choice=choice,
        parallel=not legacy and choice != "named" and body.parallel_tool_calls is not False,
        legacy=legacy,
        restricted=len(allowed) < len(functions),
        answer=answer,
    )


# -- fields that depend on each other ---------------------------------------------------------------


def _check_together(body: ChatRequest) -> None:
    if body.stream_options is not None and not body.stream:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.metadata and not body.store:
        raise InvalidRequest(
            "The 'metadata' parameter is only allowed when 'store' is enabled.", param="metadata"
        )
    if body.top_logprobs is not None and not body.logprobs:
        raise InvalidRequest(
            "Invalid 'top_logprobs': it is only allowed when 'logprobs' is true.", param="top_logprobs"
        )
    if (
        None not in (body.max_tokens, body.max_completion_tokens)
        and body.max_tokens != body.max_completion_tokens
    ):
        raise InvalidRequest(
            "'max_tokens' and 'max_completion_tokens' mean the same; give one of them.", param="max_tokens"
        )
    if body.functions and body.tools:
        raise InvalidRequest("Give 'tools' or the older 'functions', not both.", param="functions")
    for name, value, needs, given in (
        ("tool_choice", body.tool_choice, "tools", body.tools),
        ("parallel_tool_calls", body.parallel_tool_calls, "tools", body.tools),
        ("function_call", body.function_call, "functions", body.functions),
    ):
        if value is not None and not given:
            raise InvalidRequest(
                f"Invalid value for '{name}': '{name}' is only allowed when '{needs}' are specified.",
                param=name,
            )


def _check_continued(body: ChatRequest) -> None:
    """Text goes on from where it stopped; a call, or JSON whose form is enforced, begins at its beginning."""
    last = body.messages[-1]
    if last.role != "assistant" or not last.content or last.tool_calls or last.function_call:
        raise InvalidRequest(
            "Invalid 'continue_final_message': the last message must be the assistant's, with the text to go "
            "on from and without calls.",
            param="continue_final_message",
        )
    if body.response_format is not None and body.response_format.type != "text":
        raise InvalidRequest(
            "Invalid 'continue_final_message': an answer whose form is enforced begins anew; leave out "
            "'response_format', or ask again without 'continue_final_message'.",
            param="continue_final_message",
        )


def _check_turns(messages: Sequence[Message]) -> None:
    """Calls and their results belong together: each result answers a call, each call has its result."""
    waiting: dict[str, None] = {}
    answerable: set[str] = set()
    for index, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in answerable:
                raise InvalidRequest(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding message "
                    f"with 'tool_calls', but messages[{index}] answers no call of one.",
                    param=f"messages[{index}].role",
                )
            waiting.pop(message.tool_call_id or "", None)
            continue
        _refuse_unanswered(waiting, f"messages[{index}].role")
        answerable = {call.id for call in message.tool_calls or []}
        waiting = dict.fromkeys(call.id for call in message.tool_calls or [])
    _refuse_unanswered(waiting, "messages")


def _refuse_unanswered(waiting: Mapping[str, None], param: str) -> None:
    if waiting:
        raise InvalidRequest(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(list(waiting)[:8])}",
            param=param,
        )


def _refuse_unsupported(body: ChatRequest) -> None:
    """Fields that would change the answer and that nothing here does: better a refusal than silence."""
    if "audio" in (body.modalities or ()) or body.audio is not None:
        raise _unsupported("modalities", "Models here write text only", "leave out modalities and audio")
    if body.web_search_options is not None:
        raise _unsupported("web_search_options", "This server does not search the web", "leave it out")
    if body.moderation is not None:
        raise _unsupported(
            "moderation",
            "Chats are not moderated here",
            "leave it out, or send texts to POST /v1/moderations",
        )
    if body.reasoning_effort not in (None, "none"):
        raise InvalidRequest(
            "Unsupported parameter: 'reasoning_effort' is not supported with this model.",
            param="reasoning_effort",
            code="unsupported_parameter",
        )
    if body.verbosity not in (None, "medium"):
        raise InvalidRequest(
            f"Unsupported value: 'verbosity' does not support '{body.verbosity}' with this model. "
            "Supported values are: 'medium'.",
            param="verbosity",
            code="unsupported_value",
        )


def _unsupported(param: str, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{problem}; {remedy}.", param=param, code="unsupported_parameter")


# -- the answer's form ------------------------------------------------------------------------------


def _answer(asked: ResponseFormat | None, messages: Sequence[Message]) -> JsonAnswer | None:
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        if not any("json" in (message.content or "").lower() for message in messages):
            raise InvalidRequest(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                "'json_object'.",
                param="messages",
            )
        return JsonAnswer({"type": "object"}, None, strict=False)
    if asked.json_schema is None:
        raise InvalidRequest(
            "Missing required parameter: 'response_format.json_schema'.",
            param="response_format.json_schema",
            code="missing_required_parameter",
        )
    form = asked.json_schema
    if form.schema_ is None:
        if form.strict:
            raise InvalidRequest(
                "Missing required parameter: 'response_format.json_schema.schema'.",
                param="response_format.json_schema.schema",
                code="missing_required_parameter",
            )
        return JsonAnswer({"type": "object"}, form.name, strict=False)
    fault = schema_fault(form.schema_) or (strict_fault(form.schema_) if form.strict else None)
    if fault is not None:
        raise InvalidRequest(
            f"Invalid schema for response_format '{form.name}': {fault}", param="response_format"
        )
    return JsonAnswer(form.schema_, form.name, strict=bool(form.strict))
