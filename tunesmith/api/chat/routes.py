"""`POST /v1/chat/completions`: messages in, the assistant's answer out, whole or as a stream.

`begin` is a chat without HTTP: whoever needs one (the responses API) makes a ChatRequest and reads its
answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api import rate_limits
from tunesmith.api.auth import Caller
from tunesmith.api.chat import stored_completions, structured
from tunesmith.api.chat.answer import Answers, ChatStream
from tunesmith.api.chat.asked import Asked, understood
from tunesmith.api.chat.tool_format import call_format, shown_tokens
from tunesmith.api.generation.generation import Generation, copies, engine_request, tokenised
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.http.sse import ClientGone, EventStream, unless_gone
from tunesmith.api.metering import Served
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data.base import Base
from tunesmith.data.chat_template import Renderer
from tunesmith.store.rows import Principal
from tunesmith.wire.chat import ChatCompletion, ChatRequest

router = APIRouter(prefix="/v1/chat", tags=["chat"])

_INLINE_MESSAGES = 64
_INLINE_CHARS = 16 * 1024
_INLINE_TOOLS = 8
"""A longer conversation is rendered off the event loop."""


@router.post("/completions", response_model=ChatCompletion, openapi_extra=documented(ChatRequest))
async def create_chat_completion(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[ChatRequest, Depends(json_body(ChatRequest))],
) -> Response:
    """The assistant's next message; a stream of events with `stream: true`."""
    try:
        begun = await unless_gone(request.receive, begin(office, principal, body))
        request.scope["tunesmith.served"] = Served(
            "completions", begun.model.wire_name, begun.generation.counts
        )

        async def stored() -> None:
            await stored_completions.keep(
                office, principal, request.scope["tunesmith.request_id"], body, begun.completion(body)
            )

        if body.stream:
            options = body.stream_options
            stream = ChatStream(
                begun.head,
                begun.answers,
                logprobs=bool(body.logprobs),
                with_usage=bool(options and options.include_usage),
                obfuscated=options is None or options.include_obfuscation is not False,
                at_end=stored if body.store else None,
            )
            return EventStream(stream.pieces())
        await unless_gone(request.receive, begun.answers.finish())
        if body.store:
            await stored()
    except ClientGone:
        return Response(status_code=499)
    return Response(begun.completion(body).model_dump_json(), media_type="application/json")


@dataclass(frozen=True)
class Begun:
    """A chat that has been checked and rendered; the engine starts when its answers are read."""

    generation: Generation
    model: models_lookup.FoundModel
    asked: Asked
    answers: Answers
    """`await answers.collect(logprobs=...)` gives whole choices, `answers.steps()` their parts."""
    head: dict[str, Any]
    """`id`, `created`, `model` and `system_fingerprint` of the answer."""

    def completion(self, body: ChatRequest) -> ChatCompletion:
        """The answer whole, once its last step has been read."""
        choices = self.answers.finished(logprobs=bool(body.logprobs))
        return ChatCompletion(choices=choices, usage=self.generation.usage(), **self.head)


async def begin(office: Office, principal: Principal, body: ChatRequest) -> Begun:
    """All that can be refused before the engine is asked, and the answers that it will write.

    Raises InvalidRequest, ModelNotFound, ContextLengthExceeded, RateLimited, EngineUnavailable.
    """
    asked = understood(body)
    model = await models_lookup.find_async(office, principal, body.model)
    renderer = Renderer.load(model.base.path)
    prompt = await _prompt(renderer, model.base, body, asked.tools)
    wanted = structured.wanted(asked, call_format(renderer) if asked.functions else None, renderer.tokenizer)
    max_tokens = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    rate_limits.admit(
        principal,
        model.adapter.base_name if model.adapter else model.wire_name,
        input_tokens=len(prompt),
        output_tokens=(max_tokens or 0) * (body.n or 1),
    )
    engine_asked = engine_request(
        body,
        model,
        renderer.tokenizer,
        prompt=prompt,
        max_tokens=max_tokens,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        stream=bool(body.stream) or wanted.ends_after_call,
        structured=wanted.structured,
    )
    generation = Generation(
        client=await models_lookup.engine_for(office, model),
        tokenizer=renderer.tokenizer,
        requests=copies(engine_asked, body.n or 1),
        stops=body.stop,
        keep_tokens=bool(body.logprobs),
        prompt_tokens=len(prompt),
        shown_tokens=shown_tokens(wanted.form, renderer.tokenizer) if asked.functions else (),
    )
    head: dict[str, Any] = {
        "id": ids.new_id("chat"),
        "created": ids.now(),
        "model": model.wire_name,
        "system_fingerprint": model.fingerprint,
    }
    return Begun(generation, model, asked, Answers(generation, wanted), head)


async def _prompt(
    renderer: Renderer, base: Base, body: ChatRequest, tools: list[dict[str, Any]] | None
) -> list[int]:
    """The prompt's ids, as training would have them. A template's run is bounded in time: `data/jinja.py`."""
    turns = [message.as_dict() for message in body.messages]
    begun = turns.pop()["content"] if body.continue_final_message else ""  # the answer so far
    n_chars = sum(len(message.content or "") for message in body.messages)
    if len(turns) > _INLINE_MESSAGES or n_chars > _INLINE_CHARS or len(tools or ()) > _INLINE_TOOLS:
        text = await run_in_threadpool(renderer.prompt_text, turns, tools)
    else:
        text = renderer.prompt_text(turns, tools)
    return await tokenised(renderer.tokenizer, text + begun, base.context_length, raw=False)
