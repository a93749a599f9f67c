"""From a request's settings to the tokens of its choices: what chat and completions share.

Finds the model, checks that the prompt fits, asks the engine once per choice, and hands out text as it grows.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fastapi.concurrency import run_in_threadpool

from tunesmith.api.generation.choice_text import ChoiceText, Delta
from tunesmith.api.models.lookup import FoundModel
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import EngineClient, GenerateRequest
from tunesmith.errors import ContextLengthExceeded, InvalidRequest
from tunesmith.wire import limits
from tunesmith.wire.chat import PromptTokensDetails, Usage

_INLINE_CHARS = 32 * 1024
"""A longer prompt is tokenised off the event loop."""
LEAST_TOP_P = 1e-9
"""What a `top_p` of 0 becomes: the likeliest token alone. Engines take nothing but more than 0."""


class SamplingFields(Protocol):
    """The fields that both kinds of request have, with the same names and limits."""

    temperature: float | None
    top_p: float | None
    seed: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: dict[int, float]
    stop: list[str]


@dataclass
class Generation:
    """The choices of one request, before and while they are generated."""

    client: EngineClient
    tokenizer: Tokenizer
    requests: list[GenerateRequest]
    stops: Sequence[str]
    keep_tokens: bool
    prompt_tokens: int
    shown_tokens: Collection[int] = ()
    """Special tokens that are text here."""
    texts: list[ChoiceText] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = [
            ChoiceText(
                self.tokenizer, self.stops, keep_tokens=self.keep_tokens, shown_tokens=self.shown_tokens
            )
            for _ in self.requests
        ]

    def usage(self) -> Usage:
        """Tokens so far."""
        prompt, cached, completion = self.counts()
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=prompt + completion,
            prompt_tokens_details=PromptTokensDetails(cached_tokens=cached),
        )

    def counts(self) -> tuple[int, int, int]:
        """Tokens of the prompts, of those the ones that the engine had computed before, and tokens so far.

        A prompt with several choices counts once, and as little cached as it was for its first choice.
        """
        cached: dict[int, int] = {}
        for request, text in zip(self.requests, self.texts, strict=True):
            if text.cached_tokens is not None:
                prompt = id(request.prompt_token_ids)
                cached[prompt] = min(text.cached_tokens, cached.get(prompt, text.cached_tokens))
        completion = sum(text.n_tokens for text in self.texts)
        return self.prompt_tokens, sum(cached.values()), completion

    def deltas(self) -> AsyncGenerator[tuple[int, Delta], None]:
        """What becomes visible, with the number of its choice; each choice ends with a finish reason."""
        choices = [self._choice(index) for index in range(len(self.requests))]
        return choices[0] if len(choices) == 1 else _merged(choices)

    async def _choice(self, index: int) -> AsyncGenerator[tuple[int, Delta], None]:
        add = self.texts[index].add
        clock = asyncio.get_running_loop().time
        deadline = clock() + limits.MAX_GENERATION_S
        async with aclosing(self.client.generate(self.requests[index])) as outputs:  # type: ignore[type-var]
            async for output in outputs:
                delta = add(output)
                if clock() > deadline and delta.finish_reason is None:
                    delta = delta._replace(finish_reason="length")
                yield index, delta
                if delta.finish_reason is not None:
                    return


async def _merged(
    choices: list[AsyncGenerator[tuple[int, Delta], None]],
) -> AsyncGenerator[tuple[int, Delta], None]:
    """Several choices as one stream, in the order in which tokens come."""
    queue: asyncio.Queue[tuple[int, Delta] | BaseException | None] = asyncio.Queue(maxsize=4 * len(choices))

    async def drain(choice: AsyncGenerator[tuple[int, Delta], None]) -> None:
        try:
            async with aclosing(choice):
                async for item in choice:
                    await queue.put(item)
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(None)

    tasks = [asyncio.ensure_future(drain(choice)) for choice in choices]
    try:
        running = len(tasks)
        while running:
            item = await queue.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def engine_request(
    fields: SamplingFields,
    model: FoundModel,
    tokenizer: Tokenizer,
    *,
    prompt: Sequence[int],
    max_tokens: int | None,
    logprobs: int | None,
    stream: bool,
    structured: Mapping[str, Any] | None = None,
) -> GenerateRequest:
    """The request to the engine for one prompt; `max_tokens` None takes what the context leaves.

    Raises ContextLengthExceeded, and InvalidRequest for a biased token that the model does not have.
    """
    vocab_size = tokenizer.vocab_size
    for token in fields.logit_bias:
        if token >= vocab_size:
            raise InvalidRequest(
                f"Invalid 'logit_bias': token {token} does not exist; this model's token ids go from "
                f"0 to {vocab_size - 1}.",
                param="logit_bias",
                code="invalid_value",
            )
    room = model.base.context_length - len(prompt)
    if room < 1:
        raise too_long(model.base.context_length, f"{len(prompt)} tokens")
    return GenerateRequest(
        prompt_token_ids=prompt,
        adapter_id=model.adapter.id if model.adapter else None,
        max_tokens=room if max_tokens is None else min(max_tokens, room),
        temperature=1.0 if fields.temperature is None else fields.temperature,
        top_p=1.0 if fields.top_p is None else max(fields.top_p, LEAST_TOP_P),
        seed=fields.seed,
        stop_token_ids=model.base.eos_token_ids,
        logprobs=logprobs,
        presence_penalty=fields.presence_penalty or 0.0,
        frequency_penalty=fields.frequency_penalty or 0.0,
        logit_bias=fields.logit_bias,
        structured=structured,
        cache_salt=model.project_id,
        stream=stream or bool(fields.stop),
    )


def copies(request: GenerateRequest, n: int) -> list[GenerateRequest]:
    """The same request `n` times; with a seed, each copy gets one of its own, so that the answers differ."""
    if request.seed is None:
        return [request] * n
    return [replace(request, seed=(request.seed + i) % 2**63) for i in range(n)]


async def tokenised(tokenizer: Tokenizer, text: str, context_length: int, *, raw: bool) -> list[int]:
    """The ids of a prompt's text; `raw` puts the model's own first token before it.

    A text that cannot fit, however well it tokenises, is refused unread. Raises ContextLengthExceeded.
    """
    encode = tokenizer.encode_raw if raw else tokenizer.encode
    n_bytes = len(text) if text.isascii() else len(text.encode())
    if n_bytes > _INLINE_CHARS:
        at_least = -(-n_bytes // await run_in_threadpool(_longest_token_bytes, tokenizer))
        if at_least > context_length:
            raise too_long(context_length, f"at least {at_least} tokens")
        return await run_in_threadpool(encode, text)
    return encode(text)


@functools.lru_cache(maxsize=16)
def _longest_token_bytes(tokenizer: Tokenizer) -> int:
    """Bytes of the vocabulary's longest token: no text has fewer tokens than its bytes divided by this."""
    return max(len(tokenizer.token_bytes(id)) for id in range(tokenizer.vocab_size)) or 1


def too_long(context_length: int, count: str) -> ContextLengthExceeded:
    """The refusal of a prompt, in OpenAI's words, with both counts."""
    return ContextLengthExceeded(
        f"This model's maximum context length is {context_length} tokens. However, your messages "
        f"resulted in {count}. "
        "Please reduce the length of the messages.",
        param="messages",
    )
