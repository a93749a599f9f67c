"""vLLM's `/v1/completions` (names and shapes as in vLLM 0.32), as far as an engine without text needs it.

A request becomes a prompt and `SamplingParams`; tokens become the answer's bytes. What would need text (a
prompt as a string, stop strings, echo) or is not built is refused by name, never ignored.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tunesmith.errors import ContextLengthExceeded, InvalidRequest, TunesmithError
from tunesmith.ids import new_id
from tunesmith.infer.complaints import PARAM
from tunesmith.infer.engine import Output
from tunesmith.infer.sequence import Place, SamplingParams, Sequence

MAX_BODY_BYTES = 16 << 20
MAX_LOGPROBS = 20
MAX_STOP_TOKENS = 1024
MAX_BIASES = 1024
LOWEST_LOGPROB = -9999.0
"""What an impossible token gets, as JSON has no infinity."""

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Model = TypeVar("_Model", bound=BaseModel)
TokenId = Annotated[int, Field(strict=True, ge=0)]

#: What vLLM can and this engine cannot, with the value that means nothing is asked.
_UNSUPPORTED: dict[str, tuple[object, ...]] = {
    "n": (None, 1),
    "best_of": (None, 1),
    "echo": (None, False),
    "suffix": (None, ""),
    "stop": (None, [], ""),
    "use_beam_search": (None, False),
    "min_p": (None, 0, 0.0),
    "min_tokens": (None, 0),
    "repetition_penalty": (None, 1, 1.0),
    "bad_words": (None, []),
    "allowed_token_ids": (None,),
    "logprob_token_ids": (None,),
    "truncate_prompt_tokens": (None,),
    "response_format": (None, {"type": "text"}),
    "prompt_embeds": (None,),
}


class EngineFailed(TunesmithError):
    """The engine could not compute a request; its log says why."""

    status = 500
    type = "server_error"
    code = "engine_failure"


class StreamOptions(BaseModel):
    """What else a stream carries."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """The fields that have an effect here."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(max_length=256)
    prompt: list[TokenId] = Field(min_length=1)
    max_tokens: int = Field(16, ge=1)
    temperature: Annotated[_Finite, Field(ge=0, le=100)] = 1.0
    top_p: Annotated[_Finite, Field(gt=0, le=1)] = 1.0
    top_k: int = Field(0, ge=-1)
    seed: int | None = Field(None, ge=-(2**63), le=2**63 - 1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    stop_token_ids: list[TokenId] = Field(default_factory=list, max_length=MAX_STOP_TOKENS)
    ignore_eos: bool = False
    logprobs: int | None = Field(None, ge=0, le=MAX_LOGPROBS)
    prompt_logprobs: int | None = Field(None, ge=0, le=MAX_LOGPROBS)
    presence_penalty: Annotated[_Finite, Field(ge=-2, le=2)] = 0.0
    frequency_penalty: Annotated[_Finite, Field(ge=-2, le=2)] = 0.0
    logit_bias: dict[int, Annotated[_Finite, Field(ge=-100, le=100)]] = Field(
        default_factory=dict, max_length=MAX_BIASES
    )
    structured_outputs: dict[str, Any] | None = None
    cache_salt: str | None = Field(None, max_length=256)
    return_token_ids: bool = False
    return_tokens_as_token_ids: bool = True

    def sampling(
        self, *, n_vocab: int, context_length: int, eos_token_ids: Collection[int]
    ) -> SamplingParams:
        """How to sample. Raises InvalidRequest for tokens that the model does not have and lengths that do
        not fit."""
        for field, tokens in (("prompt", self.prompt), ("logit_bias", self.logit_bias)):
            strange = next((token for token in tokens if not 0 <= token < n_vocab), None)
            if strange is not None:
                raise InvalidRequest(
                    f"{field} holds token {strange}; the model has tokens 0 to {n_vocab - 1}", param=field
                )
        if len(self.prompt) + self.max_tokens > context_length:
            raise ContextLengthExceeded(
                f"This model's maximum context length is {context_length} tokens. However, you requested "
                f"{len(self.prompt) + self.max_tokens} tokens ({len(self.prompt)} in the prompt, "
                f"{self.max_tokens} in the completion). Please reduce the prompt or the completion.",
                param="prompt",
            )
        stop = frozenset(self.stop_token_ids) | (frozenset() if self.ignore_eos else frozenset(eos_token_ids))
        return SamplingParams(
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=max(self.top_k, 0),
            seed=self.seed,
            stop_token_ids=stop,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            logit_bias=self.logit_bias,
            logprobs=self.logprobs,
            prompt_logprobs=self.prompt_logprobs,
            cache_salt=self.cache_salt,
        )


def parse_completion(body: bytes) -> CompletionRequest:
    """A request from its JSON. Raises InvalidRequest that names the field."""
    request = parse(CompletionRequest, body)
    for field, harmless in _UNSUPPORTED.items():
        value = (request.model_extra or {}).get(field)
        if value not in harmless:
            raise InvalidRequest(f"{field} is not supported by this engine; leave it out", param=field)
    if request.stream and request.prompt_logprobs is not None:
        raise InvalidRequest(
            "prompt_logprobs are not available in a stream; set stream to false", param="prompt_logprobs"
        )
    return request


def parse(model: type[_Model], body: bytes) -> _Model:
    """JSON into a pydantic model. Raises InvalidRequest that names the first wrong field."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if field.startswith("prompt") and first["type"] == "list_type":
            first["msg"] = "a prompt is a list of token ids; text is made and read in the office"
        param = str(first["loc"][0]) if first["loc"] else None
        raise InvalidRequest(f"{field or 'body'}: {first['msg']}", param=param) from None


class Answer:
    """Makes the bytes of one request's answer."""

    def __init__(self, request: CompletionRequest, sequence: Sequence) -> None:
        self._request = request
        self._sequence = sequence
        self._head = {
            "id": new_id("completion"),
            "object": "text_completion",
            "created": int(time.time()),
            "model": request.model,
        }
        # one token without extras is the common case: its bytes are put together by hand
        start = (
            json.dumps(self._head)[:-1].replace("%", "%%")
            + ', "choices": [{"index": 0, "text": "", "logprobs": null, '
        )
        self._plain = (
            f"data: {start}" + '"finish_reason": null, "stop_reason": null, "token_ids": [%d]}]}\n\n'
        )

    def event(self, output: Output) -> bytes:
        """One token as a server-sent event."""
        if output.finish_reason is None and output.place is None:
            return (self._plain % output.token_id).encode()
        if output.finish_reason == "error":
            return b"data: " + json.dumps(self.failure().body()).encode() + b"\n\n"
        choice = self._choice([output], output.finish_reason)
        return b"data: " + json.dumps({**self._head, "choices": [choice]}, allow_nan=False).encode() + b"\n\n"

    def last_events(self) -> bytes:
        """What follows the last token."""
        options, done = self._request.stream_options, b"data: [DONE]\n\n"
        if options is None or not options.include_usage:
            return done
        usage = {**self._head, "choices": [], "usage": self._usage()}
        return b"data: " + json.dumps(usage).encode() + b"\n\n" + done

    def whole(self, outputs: list[Output]) -> bytes:
        """All tokens in one answer."""
        choice = self._choice(outputs, outputs[-1].finish_reason)
        if self._request.prompt_logprobs is not None:
            choice["prompt_logprobs"] = [
                place and _by_token(token, place)
                for token, place in zip(self._request.prompt, self._sequence.prompt_logprobs, strict=True)
            ]
        if self._request.return_token_ids:
            choice["prompt_token_ids"] = self._request.prompt
        return json.dumps(
            {**self._head, "choices": [choice], "usage": self._usage()}, allow_nan=False
        ).encode()

    def failure(self) -> TunesmithError:
        """Why the sequence ended by an error."""
        matcher = self._sequence.matcher
        if matcher is not None and matcher.failure is not None:
            return InvalidRequest(matcher.failure, param=PARAM)
        return EngineFailed("The engine failed while computing this request; other requests are not affected")

    def _choice(self, outputs: list[Output], finish_reason: str | None) -> dict[str, Any]:
        tokens = [output.token_id for output in outputs]
        logprobs = None
        if self._request.logprobs is not None:
            places = [output.place for output in outputs if output.place is not None]
            logprobs = {
                "text_offset": [0] * len(tokens),
                "token_logprobs": [_bounded(place.logprob) for place in places],
                "tokens": [_name(token) for token in tokens],
                "top_logprobs": [
                    {_name(i): _bounded(value) for i, value in (*place.top, (token, place.logprob))}
                    for token, place in zip(tokens, places, strict=True)
                ],
            }
        stop_reason = tokens[-1] if finish_reason == "stop" else None
        return {
            "index": 0,
            "text": "",
            "logprobs": logprobs,
            "finish_reason": finish_reason,
            "stop_reason": stop_reason,
            "token_ids": tokens,
        }

    def _usage(self) -> dict[str, Any]:
        n_prompt, n_new = self._sequence.n_prompt, self._sequence.n_generated
        return {
            "prompt_tokens": n_prompt,
            "completion_tokens": n_new,
            "total_tokens": n_prompt + n_new,
            "prompt_tokens_details": {"cached_tokens": self._sequence.n_reused},
        }


def _name(token_id: int | None) -> str:
    """How a token is called where text would stand (`return_tokens_as_token_ids`)."""
    return f"token_id:{token_id}"


def _by_token(token_id: int, place: Place) -> dict[str, Any]:
    """vLLM's entry of `prompt_logprobs`: the likeliest tokens and the prompt's own, with their ranks where
    known."""
    entry: dict[str, Any] = {
        str(i): {"logprob": _bounded(value), "rank": rank, "decoded_token": None}
        for rank, (i, value) in enumerate(place.top, start=1)
    }
    entry.setdefault(str(token_id), {"logprob": _bounded(place.logprob), "rank": None, "decoded_token": None})
    return entry


def _bounded(logprob: float) -> float:
    return max(logprob, LOWEST_LOGPROB)
