"""What is said to an inference engine and what it says: vLLM's `/v1/completions`, with token ids on both
sides."""

from __future__ import annotations

import json
import sys
from array import array
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tunesmith.errors import EngineUnavailable, InvalidRequest, NotFound, TunesmithError

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One prompt and how to go on from it."""

    prompt_token_ids: Sequence[int]
    adapter_id: str | None = None
    """A loaded adapter; None is the base."""
    max_tokens: int = 16
    """At least 1."""
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    top_k: int = 0
    """0 keeps all tokens."""
    seed: int | None = None
    stop_token_ids: Sequence[int] = ()
    """Tokens that end the answer with `stop`; the base's own end tokens need to be named here too."""
    logprobs: int | None = None
    """None: no log-probabilities. 0: of the chosen token. n: of the n likeliest too."""
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    prompt_logprobs: int | None = None
    """As `logprobs`, for the prompt's tokens; the answer then comes at once instead of token by token."""
    structured: Mapping[str, Any] | None = None
    """What the answer must look like: vLLM's `structured_outputs`, exactly one of `json` (a schema),
    `json_object` (True), `regex`, `choice` (a list of texts), `grammar` (llguidance's Lark dialect) and
    `structural_tag`. None: free text."""
    cache_salt: str | None = None
    """Prompts' beginnings are reused among requests of the same salt: the project's id, so that nobody learns
    from `cached_tokens` what others asked."""
    stream: bool = True
    """False: all outputs come together at the end, cheaper where nobody waits for the first token."""

    def body(self, model: str) -> dict[str, Any]:
        """The JSON of `POST /v1/completions`."""
        body: dict[str, Any] = {
            "model": model,
            "prompt": list(self.prompt_token_ids),
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "stream": self.streamed,
            "return_token_ids": True,
            "ignore_eos": True,
        }
        if self.top_p != 1.0:
            body["top_p"] = self.top_p
        if self.top_k:
            body["top_k"] = self.top_k
        if self.seed is not None:
            body["seed"] = self.seed
        if self.stop_token_ids:
            body["stop_token_ids"] = list(self.stop_token_ids)
        if self.logprobs is not None:
            body["logprobs"] = self.logprobs
            body["return_tokens_as_token_ids"] = True
        if self.presence_penalty:
            body["presence_penalty"] = self.presence_penalty
        if self.frequency_penalty:
            body["frequency_penalty"] = self.frequency_penalty
        if self.logit_bias:
            body["logit_bias"] = {str(token): bias for token, bias in self.logit_bias.items()}
        if self.prompt_logprobs is not None:
            body["prompt_logprobs"] = self.prompt_logprobs
        if self.cache_salt is not None:
            body["cache_salt"] = self.cache_salt
        if self.structured is not None:
            body["structured_outputs"] = dict(self.structured)
        if self.streamed:
            body["stream_options"] = {"include_usage": True}  # says how much of the prompt was cached
        return body

    @property
    def streamed(self) -> bool:
        """Whether tokens come one by one: vLLM gives a prompt's log-probabilities only in a whole answer."""
        return self.stream and self.prompt_logprobs is None


@dataclass(frozen=True, slots=True)
class PromptLogprob:
    """How likely a token of the prompt was, given those before it."""

    token_id: int
    logprob: float
    top_logprobs: list[tuple[int, float]]
    """The likeliest tokens at this place, best first."""


@dataclass(frozen=True, slots=True)
class TokenOutput:
    """One generated token. The last one of an answer has a `finish_reason`; for `stop` it is the stop token
    itself."""

    token_id: int
    logprob: float | None = None
    top_logprobs: list[tuple[int, float]] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    prompt_logprobs: list[PromptLogprob | None] | None = None
    """On the first output, when asked for: one entry per prompt token, None for the first."""
    cached_tokens: int | None = None
    """On the last output: how many of the prompt's tokens the engine had computed before; None where it does
    not say."""


def refusal(status: int, body: bytes) -> TunesmithError:
    """The engine's error object as one of ours. vLLM's `code` is the status, which is not OpenAI's code."""
    try:
        error = json.loads(body)
        error = error.get("error", error)
        message, param, code = str(error["message"]), error.get("param"), error.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        message, param, code = body[:200].decode(errors="replace") or f"HTTP {status}", None, None
    code = code if isinstance(code, str) else None
    if status == 404:
        return NotFound(message, param=param, code=code)
    if 400 <= status < 500 and status != 429:
        return InvalidRequest(message, param=param, code=code)
    return EngineUnavailable(f"The inference engine refused: {message}", headers={"Retry-After": "1"})


def _token_id(name: str) -> int:
    """`token_id:17` -> 17 (what `return_tokens_as_token_ids` makes of a token)."""
    return int(name[9:])


def outputs_of(chunk: dict[str, Any], request: GenerateRequest) -> list[TokenOutput]:
    """The tokens of one streamed chunk, or of one whole answer."""
    if "choices" not in chunk:
        error = chunk.get("error") or {}
        message = str(error.get("message", "The engine failed"))
        if error.get("type") == InvalidRequest.type:  # a grammar that turned out to be too large
            raise InvalidRequest(message, param=error.get("param"))
        raise EngineUnavailable(message, headers={"Retry-After": "1"})
    if not chunk["choices"]:
        return []
    choice = chunk["choices"][0]
    finish_reason = choice.get("finish_reason")
    if finish_reason not in (None, "stop", "length"):
        raise EngineUnavailable(
            f"The engine ended the answer with {finish_reason}", headers={"Retry-After": "1"}
        )
    token_ids = choice.get("token_ids") or []
    if request.logprobs is None:
        outputs = [TokenOutput(token_id) for token_id in token_ids]
    else:
        logprobs = choice["logprobs"]
        n = request.logprobs
        outputs = []
        for i, token_id in enumerate(token_ids):
            top = logprobs["top_logprobs"][i] or {} if n else {}
            likeliest = sorted(((_token_id(name), value) for name, value in top.items()), key=_by_logprob)[:n]
            outputs.append(TokenOutput(token_id, logprobs["token_logprobs"][i], likeliest))
    if finish_reason and outputs:
        outputs[-1] = replace(outputs[-1], finish_reason=finish_reason, cached_tokens=cached_tokens(chunk))
    return outputs


def cached_tokens(chunk: dict[str, Any]) -> int | None:
    """The prompt's cached tokens that a usage object tells of; None where there is none."""
    details = (chunk.get("usage") or {}).get("prompt_tokens_details") or {}
    return details.get("cached_tokens")


def whole_answer(answer: dict[str, Any], request: GenerateRequest) -> list[TokenOutput]:
    outputs = outputs_of(answer, request)
    if request.prompt_logprobs is None or not outputs:
        return outputs
    entries: list[PromptLogprob | None] = []
    for token_id, place in zip(
        request.prompt_token_ids, answer["choices"][0]["prompt_logprobs"], strict=True
    ):
        if place is None:
            entries.append(None)
            continue
        likeliest = sorted(((int(i), p["logprob"]) for i, p in place.items()), key=_by_logprob)
        own = place[str(token_id)]["logprob"]
        entries.append(PromptLogprob(token_id, own, likeliest[: request.prompt_logprobs]))
    outputs[0] = replace(outputs[0], prompt_logprobs=entries)
    return outputs


def vectors_of(body: bytes) -> list[Sequence[float]]:
    """The vectors of an answer of `/v1/embeddings` in base64, in the order of the inputs."""
    vectors: list[Sequence[float]] = []
    for entry in sorted(json.loads(body)["data"], key=lambda entry: entry["index"]):
        vector = array("f", b64decode(entry["embedding"]))
        if sys.byteorder == "big":
            vector.byteswap()
        vectors.append(vector)
    return vectors


def _by_logprob(entry: tuple[int, float]) -> tuple[float, int]:
    return -entry[1], entry[0]
