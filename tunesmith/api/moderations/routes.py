"""`/v1/moderations`: a verdict on each text, of the model that the server's settings name for it.

Without such a model every request is refused: a verdict that no model stands behind would be worse than none,
since whoever asks acts on it. What the model is asked is `api/moderations/prompt.py`'s, how its answer is
read `api/moderations/scoring.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api import rate_limits
from tunesmith.api.auth import Caller
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.http.sse import ClientGone, unless_gone
from tunesmith.api.metering import Served
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.models.lookup import FoundModel
from tunesmith.api.moderations import model as moderation_model
from tunesmith.api.moderations.prompt import CATEGORIES, disarmed, messages
from tunesmith.api.moderations.scoring import AnswerForm, Judge
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data.chat_template import Renderer
from tunesmith.errors import ContextLengthExceeded, InvalidRequest
from tunesmith.store.rows import Principal
from tunesmith.wire import limits
from tunesmith.wire.moderations import ModerationList, ModerationRequest, ModerationResult

router = APIRouter(prefix="/v1/moderations", tags=["moderations"])

AT_ONCE = 16
"""Texts of one request that the engine has at a time; the others leave room for chats."""


@router.post("", response_model=ModerationList, openapi_extra=documented(ModerationRequest))
async def create_moderation(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[ModerationRequest, Depends(json_body(ModerationRequest))],
) -> Response:
    """Whether texts fall into OpenAI's categories of harm, and how likely the moderation model finds that."""
    try:
        return await unless_gone(request.receive, _answer(office, principal, request, body))
    except ClientGone:
        return Response(status_code=499)


async def _answer(
    office: Office, principal: Principal, request: Request, body: ModerationRequest
) -> Response:
    model = await moderation_model.find(office, principal, body.model)
    form, prompts = await run_in_threadpool(_prompts, body.texts, model)
    n_tokens = sum(len(prompt) + form.longest for prompt in prompts)
    rate_limits.admit(
        principal, model.adapter.base_name if model.adapter else model.wire_name, input_tokens=n_tokens
    )
    client = await models_lookup.engine_for(office, model)
    request.scope["tunesmith.served"] = Served("moderations", model.wire_name, lambda: (n_tokens, 0, 0))
    judge = Judge(client, model.adapter.id if model.adapter else None, form, model.project_id)
    results = [_result(scores) for scores in await _all_scores(judge, prompts)]
    answer = ModerationList(id=ids.new_id("moderation"), model=model.wire_name, results=results)
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _prompts(texts: Sequence[str], model: FoundModel) -> tuple[AnswerForm, list[list[int]]]:
    """The prompt of each text. Raises ContextLengthExceeded and InvalidRequest that name the text."""
    renderer = Renderer.load(model.base.path)
    form = AnswerForm.load(model.base.path)
    n_around = len(renderer.prompt(messages(""))) + form.longest + 1
    room = model.base.context_length - n_around
    prompts: list[list[int]] = []
    n_tokens = 0
    for index, text in enumerate(texts):
        # no text has fewer tokens than its bytes divided by the longest token's
        at_least = -(-len(text.encode()) // renderer.tokenizer.longest_token_bytes)
        if at_least > room:
            raise _too_long(index, room, f"at least {at_least}")
        prompt = renderer.prompt(messages(disarmed(text, renderer.tokenizer)))
        n_text = len(prompt) + form.longest + 1 - n_around
        if n_text > room:
            raise _too_long(index, room, str(n_text))
        n_tokens += n_text
        if n_tokens > limits.MAX_MODERATION_TOKENS:
            raise InvalidRequest(
                f"Invalid 'input': the texts have more than {limits.MAX_MODERATION_TOKENS} tokens together; "
                f"send those from input[{index}] on in another request.",
                param="input",
                code="max_tokens_per_request",
            )
        prompts.append(prompt)
    return form, prompts


def _too_long(index: int, room: int, count: str) -> ContextLengthExceeded:
    return ContextLengthExceeded(
        f"The moderation model's context has room for {room} tokens of a text. However, input[{index}] has "
        f"{count} tokens. Please reduce its length, or send it in pieces.",
        param="input",
    )


async def _all_scores(judge: Judge, prompts: Sequence[Sequence[int]]) -> list[list[float]]:
    """The scores of all texts in their order, some texts at a time."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(prompt: Sequence[int]) -> list[float]:
        async with slots:
            return await judge.scores(prompt)

    tasks = [asyncio.ensure_future(one(prompt)) for prompt in prompts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _result(scores: Sequence[float]) -> ModerationResult:
    return ModerationResult.model_validate(
        {
            "flagged": any(score > 0.5 for score in scores),
            "categories": {name: score > 0.5 for name, score in zip(CATEGORIES, scores, strict=True)},
            "category_scores": dict(zip(CATEGORIES, scores, strict=True)),
            "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
        }
    )
