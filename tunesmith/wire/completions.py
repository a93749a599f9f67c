"""OpenAI's legacy completions: the request with its limits, and the plain answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tunesmith.wire import limits
from tunesmith.wire.base import LogitBias, Request, Response, Stop, StreamOptions, invalid, wrong_type
from tunesmith.wire.chat import Usage

_PROMPT = "a string, an array of strings, an array of token ids, or an array of arrays of token ids"


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int and item >= 0 for item in value)


def _prompts(value: object) -> list[str | list[int]]:
    """Every form of `prompt` as a list of prompts, each a string or token ids; null is the beginning of a
    text."""
    if value is None:
        return [""]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise wrong_type(_PROMPT, value)
    if not value:
        raise invalid("empty array; give at least one prompt.")
    if _is_ids(value):
        return [value]
    if len(value) > limits.MAX_PROMPTS:
        raise invalid(f"at most {limits.MAX_PROMPTS} prompts are allowed, but got {len(value)}.")
    if all(isinstance(item, str) for item in value) or all(_is_ids(item) for item in value):
        return value
    raise invalid(f"expected {_PROMPT}, without a mixture of them.")


Prompts = Annotated[
    list[str | list[int]],
    BeforeValidator(_prompts),
    WithJsonSchema({
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "array", "items": {"type": "integer"}},
            {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            {"type": "null"},
        ]
    }),
]  # fmt: skip


class CompletionRequest(Request):
    """The body of `POST /completions`."""

    model: str = Field(min_length=1, max_length=512)
    prompt: Prompts

    best_of: int | None = Field(default=None, ge=1, le=limits.MAX_BEST_OF)
    echo: bool | None = None
    logprobs: int | None = Field(default=None, ge=0, le=limits.MAX_COMPLETION_LOGPROBS)
    max_tokens: int | None = Field(default=None, ge=0, le=limits.MAX_COMPLETION_TOKENS)
    n: int | None = Field(default=None, ge=1, le=limits.MAX_CHOICES)
    stop: Stop = []
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: LogitBias = {}
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    """Text after the insertion: refused, no base here was trained to fill in."""
    user: str | None = None

    @model_validator(mode="after")
    def _counts_agree(self) -> CompletionRequest:
        n, best_of = self.n or 1, self.best_of or self.n or 1
        if best_of < n:
            raise invalid(f"'best_of' ({best_of}) must be at least 'n' ({n}).")
        if best_of > n and self.stream:
            raise invalid("'best_of' cannot be streamed: the best answer is known only at the end.")
        if len(self.prompt) * best_of > limits.MAX_CHOICES:
            raise invalid(
                f"{len(self.prompt)} prompts times {best_of} answers are more than the {limits.MAX_CHOICES} "
                "sequences that one request may ask for; send several requests."
            )
        return self


class CompletionLogprobs(Response):
    """Log-probabilities of a text's tokens; the first token of an echoed prompt has none."""

    text_offset: list[int]
    token_logprobs: list[float | None]
    tokens: list[str]
    top_logprobs: list[dict[str, float] | None] | None


class CompletionChoice(Response):
    """One of `n` texts."""

    text: str
    index: int
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length"]


class Completion(Response):
    """The plain answer to a completions request."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage
    system_fingerprint: str
