"""`/v1/chat/completions`: messages in, the assistant's answer out, whole or as a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api import models_lookup
from tunesmith.api.auth import Caller
from tunesmith.api.chat_answer import Answers, ChatStream
from tunesmith.api.generation import Generation, copies, engine_request, tokenised
from tunesmith.api.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.sse import ClientGone, EventStream, unless_gone
from tunesmith.data.chat_template import Renderer
from tunesmith.errors import InvalidRequest
from tunesmith.store.rows import Principal
from tunesmith.wire.chat import ChatCompletion, ChatRequest

router = APIRouter(prefix="/v1/chat", tags=["chat"])

_INLINE_MESSAGES = 64
"""A longer conversation is rendered off the event loop."""


@router.post("/completions", response_model=ChatCompletion, openapi_extra=documented(ChatRequest))
async def create_chat_completion(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[ChatRequest, Depends(json_body(ChatRequest))],
) -> Response:
    """The assistant's next message; a stream of events with `stream: true`."""
    asked = understood(body)
    try:
        generation, model = await unless_gone(request.receive, _prepare(office, principal, body, asked))
        head: dict[str, Any] = {
            "id": ids.new_id("chat"),
            "created": ids.now(),
            "model": model.wire_name,
            "system_fingerprint": model.fingerprint,
        }
        answers = Answers(generation, asked.tool_names, legacy=asked.legacy, one_call=asked.one_call)
        if body.stream:
            with_usage = bool(body.stream_options and body.stream_options.include_usage)
            return EventStream(
                ChatStream(head, answers, logprobs=bool(body.logprobs), with_usage=with_usage).pieces()
            )
        choices = await unless_gone(request.receive, answers.collect(logprobs=bool(body.logprobs)))
    except ClientGone:
        return Response(status_code=499)
    completion = ChatCompletion(choices=choices, usage=generation.usage(), **head)
    return Response(completion.model_dump_json(), media_type="application/json")


async def _prepare(
    office: Office, principal: Principal, body: ChatRequest, asked: Asked
) -> tuple[Generation, models_lookup.FoundModel]:
    """Everything that can be refused before the engine is asked, then the engine."""
    model = await models_lookup.find_async(office, principal, body.model)
    renderer = Renderer.load(model.base.path)
    messages = [message.as_dict() for message in body.messages]
    if len(messages) > _INLINE_MESSAGES:
        text = await run_in_threadpool(renderer.prompt_text, messages, asked.tools)
    else:
        text = renderer.prompt_text(messages, asked.tools)
    prompt = await tokenised(renderer.tokenizer, text, model.base.context_length, raw=False)
    max_tokens = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    engine_asked = engine_request(
        body,
        model,
        renderer.tokenizer,
        prompt=prompt,
        max_tokens=max_tokens,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        stream=bool(body.stream) or asked.one_call,
    )
    client = await models_lookup.engine_for(office, model)
    generation = Generation(
        client=client,
        tokenizer=renderer.tokenizer,
        requests=copies(engine_asked, body.n or 1),
        stops=body.stop,
        keep_tokens=bool(body.logprobs),
        prompt_tokens=len(prompt),
    )
    return generation, model


# -- what the request's fields mean together --------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A request's tools, as the template and the parser want them."""

    tools: list[dict[str, Any]] | None
    tool_names: frozenset[str]
    legacy: bool
    """Asked with `functions`: a call is answered as `function_call`."""
    one_call: bool
    """At most one call is wanted, so the generation ends after it."""


def understood(body: ChatRequest) -> Asked:
    """Checks the fields that depend on each other. Raises InvalidRequest for what this server cannot
    honour."""
    _refuse_unsupported(body)
    if body.stream_options is not None and not body.stream:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
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
    legacy = bool(body.functions)
    if legacy:
        tools: list[dict[str, Any]] = [
            {"type": "function", "function": function.raw} for function in body.functions or []
        ]
        wanted = _choice(body.function_call, "function_call")
    else:
        tools = [tool.raw for tool in body.tools or []]
        wanted = _choice(body.tool_choice, "tool_choice")
        if body.tool_choice is not None and not tools:
            raise InvalidRequest(
                "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice"
            )
    names = [tool["function"]["name"] for tool in tools]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(
            f"The function '{twice}' is defined twice; its name must be its own.", param="tools"
        )
    if not tools or wanted == "none":
        return Asked(None, frozenset(), legacy, False)
    return Asked(tools, frozenset(names), legacy, legacy or body.parallel_tool_calls is False)


def _choice(value: Any, param: str) -> str:
    """`auto` or `none`. Raises InvalidRequest for a call that would have to be enforced."""
    if value is None or value in ("auto", "none"):
        return value or "auto"
    if value == "required" or isinstance(value, dict):
        raise InvalidRequest(
            f"{param} may be 'auto' or 'none'. This server cannot make the model call a function yet; "
            f"leave {param} "
            "out and ask for the call in the messages.",
            param=param,
            code="unsupported_value",
        )
    raise InvalidRequest(
        f"Invalid value for '{param}'. Supported values are: 'none' and 'auto'.",
        param=param,
        code="invalid_value",
    )


def _refuse_unsupported(body: ChatRequest) -> None:
    """Fields that would change the answer and that nothing here does: better a refusal than silence."""
    kind = (body.response_format or {}).get("type", "text")
    if kind in ("json_object", "json_schema"):
        raise _unsupported(
            "response_format",
            f"Output of type '{kind}' is not enforced by this server yet",
            "ask for JSON in the messages",
        )
    if kind != "text":
        raise InvalidRequest(
            "Invalid value for 'response_format.type'. Supported values are: 'text'.",
            param="response_format.type",
        )
    if body.modalities not in (None, ["text"]) or body.audio is not None:
        raise _unsupported("modalities", "Models here write text only", "leave out modalities and audio")
    if body.web_search_options is not None:
        raise _unsupported("web_search_options", "This server does not search the web", "leave it out")
    if body.moderation is not None:
        raise _unsupported("moderation", "This server does not moderate", "leave it out")
    if body.store:
        raise _unsupported("store", "Completions are not stored by this server yet", "leave it out")
    functions = [("tools[{}].function.strict", tool.function) for tool in body.tools or []]
    functions += [("functions[{}].strict", function) for function in body.functions or []]
    for index, (param, function) in enumerate(functions):
        if function.strict:
            raise _unsupported(
                param.format(index),
                "Strict arguments are not enforced by this server yet",
                "leave out 'strict'",
            )


def _unsupported(param: str, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{problem}; {remedy}.", param=param, code="unsupported_parameter")
