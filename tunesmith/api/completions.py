"""`/v1/completions`: the legacy endpoint, text or token ids in, their continuation out, whole or as a stream.

Prompts are taken as they are, without a chat template; only a model that was tuned on prompt and completion
rows over a chat model gets a text as the user's turn, as in its training.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from tunesmith import ids
from tunesmith.api import rate_limits
from tunesmith.api.auth import Caller
from tunesmith.api.completion_answer import CompletionStream, Prompt, Texts
from tunesmith.api.generation.generation import Generation, copies, engine_request, tokenised
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.http.sse import ClientGone, EventStream, unless_gone
from tunesmith.api.metering import Served
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.office import Office, OfficeDep
from tunesmith.data.chat_template import Renderer
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import GenerateRequest
from tunesmith.errors import ContextLengthExceeded, InvalidRequest
from tunesmith.store.rows import Principal
from tunesmith.wire import limits
from tunesmith.wire.completions import Completion, CompletionRequest

router = APIRouter(prefix="/v1/completions", tags=["completions"])


@router.post("", response_model=Completion, openapi_extra=documented(CompletionRequest))
async def create_completion(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[CompletionRequest, Depends(json_body(CompletionRequest))],
) -> Response:
    """The continuation of one or more prompts; a stream of events with `stream: true`."""
    _check(body)
    try:
        texts, model = await unless_gone(request.receive, _prepare(office, principal, body))
        head: dict[str, Any] = {
            "id": ids.new_id("completion"),
            "object": "text_completion",
            "created": ids.now(),
            "model": model.wire_name,
            "system_fingerprint": model.fingerprint,
        }
        request.scope["tunesmith.served"] = Served("completions", model.wire_name, texts.counts)
        if body.stream:
            options = body.stream_options
            stream = CompletionStream(
                head,
                texts,
                with_usage=bool(options and options.include_usage),
                obfuscated=options is None or options.include_obfuscation is not False,
            )
            return EventStream(stream.pieces())
        choices = await unless_gone(request.receive, texts.collect())
    except ClientGone:
        return Response(status_code=499)
    completion = Completion(choices=choices, usage=texts.usage(), **head)
    return Response(completion.model_dump_json(), media_type="application/json")


def _check(body: CompletionRequest) -> None:
    if body.suffix:
        raise InvalidRequest(
            "No model here was trained to fill in text before a suffix; leave 'suffix' out.",
            param="suffix",
            code="unsupported_parameter",
        )
    if body.stream_options is not None and not body.stream:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.max_tokens == 0 and not body.echo:
        raise InvalidRequest(
            "Invalid 'max_tokens': 0 is only useful with 'echo', which returns the prompt.",
            param="max_tokens",
        )


async def _prepare(
    office: Office, principal: Principal, body: CompletionRequest
) -> tuple[Texts, models_lookup.FoundModel]:
    """Everything that can be refused before the engine is asked, then the engine."""
    model = await models_lookup.find_async(office, principal, body.model)
    tokenizer = Tokenizer.load(model.base.path)
    n, best_of = body.n or 1, body.best_of or body.n or 1
    ranked = best_of > n
    logprobs = body.logprobs if body.logprobs is not None else 0 if ranked else None
    max_tokens = limits.DEFAULT_COMPLETION_TOKENS if body.max_tokens is None else body.max_tokens
    prompts: list[Prompt] = []
    requests: list[GenerateRequest] = []
    for asked in body.prompt:
        with _about_the_prompt():
            prompt = await _prompt(asked, tokenizer, model)
            engine_asked = engine_request(
                body,
                model,
                tokenizer,
                prompt=prompt.token_ids,
                # an engine generates at least one; `Texts` drops it where none is wanted
                max_tokens=max(max_tokens, 1),
                logprobs=logprobs,
                stream=bool(body.stream),
            )
        if body.echo and body.logprobs is not None:
            engine_asked = replace(engine_asked, prompt_logprobs=body.logprobs)
        requests += copies(engine_asked, best_of)
        prompts.append(prompt)
    rate_limits.admit(
        principal,
        model.adapter.base_name if model.adapter else model.wire_name,
        input_tokens=sum(len(prompt.token_ids) for prompt in prompts),
        output_tokens=max_tokens * len(requests),
    )
    client = await models_lookup.engine_for(office, model)
    generation = Generation(
        client=client,
        tokenizer=tokenizer,
        requests=requests,
        stops=body.stop,
        keep_tokens=logprobs is not None,
        prompt_tokens=sum(len(prompt.token_ids) for prompt in prompts),
    )
    texts = Texts(
        generation,
        prompts,
        n=n,
        best_of=best_of,
        echo=bool(body.echo),
        logprobs=body.logprobs,
        nothing_new=max_tokens == 0,
    )
    return texts, model


@contextmanager
def _about_the_prompt() -> Iterator[None]:
    """A text that is too long is this endpoint's prompt, not messages."""
    try:
        yield
    except ContextLengthExceeded as error:
        error.param = "prompt"
        error.message = error.message.replace("your messages", "your prompt").replace(
            "the messages", "the prompt"
        )
        raise


async def _prompt(asked: str | list[int], tokenizer: Tokenizer, model: models_lookup.FoundModel) -> Prompt:
    """A prompt with its token ids, which are never none: a model goes on from something."""
    if isinstance(asked, str) and model.prompts_are_user_turns:
        turn = Renderer.load(model.base.path).prompt_text([{"role": "user", "content": asked}])
        token_ids = await tokenised(tokenizer, turn, model.base.context_length, raw=False)
        return Prompt(asked, token_ids, _tokens_of(asked, turn, token_ids, tokenizer))
    if isinstance(asked, str):
        token_ids = await tokenised(tokenizer, asked, model.base.context_length, raw=True)
        return Prompt(asked, token_ids or list(tokenizer.eos_token_ids[:1]) or [0])
    unknown: Any = next((token for token in asked if token >= tokenizer.vocab_size), None)
    if unknown is not None:
        raise InvalidRequest(
            f"Invalid 'prompt': token {str(unknown)[:40]} does not exist; this model's token ids go "
            "from 0 to "
            f"{tokenizer.vocab_size - 1}.",
            param="prompt",
            code="invalid_value",
        )
    return Prompt(tokenizer.decode(asked, skip_special_tokens=False), asked)


def _tokens_of(asked: str, turn: str, token_ids: list[int], tokenizer: Tokenizer) -> slice:
    """Which tokens of the user's turn are the text that was asked, without the template around it."""
    start = len(turn[: max(turn.rfind(asked), 0)].encode())
    end = start + len(asked.encode())
    ends = list(itertools.accumulate(len(tokenizer.token_bytes(token_id)) for token_id in token_ids))
    return slice(bisect.bisect_right(ends, start), bisect.bisect_left(ends, end) + 1 if asked else 0)
