"""OpenAI's embeddings: the request with its limits, and the answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Request, Response, invalid, wrong_type

_INPUT = "a string, an array of strings, an array of token ids, or an array of arrays of token ids"


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _inputs(value: object) -> list[str | list[int]]:
    """Every form of `input` as a list, each a text or token ids, none empty."""
    if isinstance(value, str):
        inputs: list[str | list[int]] = [value]
    elif not isinstance(value, list):
        raise wrong_type(_INPUT, value)
    elif not value:
        raise invalid("input cannot be an empty array.")
    elif _is_ids(value):
        inputs = [value]
    elif len(value) > limits.MAX_EMBEDDING_INPUTS:
        raise invalid(
            f"at most {limits.MAX_EMBEDDING_INPUTS} inputs are allowed in one request, but got {len(value)}."
        )
    elif all(isinstance(item, str) for item in value) or all(_is_ids(item) for item in value):
        inputs = value
    else:
        raise invalid(f"expected {_INPUT}, without a mixture of them.")
    for index, one in enumerate(inputs):
        if not one:
            which = "input" if isinstance(value, str) else f"input[{index}]"
            raise invalid(f"{which} cannot be an empty {'string' if one == '' else 'array'}.")
    return inputs


_TEXT = {"type": "string", "minLength": 1}
_TOKEN_IDS = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
_SEVERAL = {"type": "array", "minItems": 1, "maxItems": limits.MAX_EMBEDDING_INPUTS}

Inputs = Annotated[
    list[str | list[int]],
    BeforeValidator(_inputs),
    WithJsonSchema(
        {"anyOf": [_TEXT, {**_SEVERAL, "items": _TEXT}, _TOKEN_IDS, {**_SEVERAL, "items": _TOKEN_IDS}]}
    ),
]


class EmbeddingRequest(Request):
    """The body of `POST /embeddings`."""

    model: str = Field(min_length=1, max_length=512)
    input: Inputs

    encoding_format: Literal["float", "base64"] | None = None
    """`base64` is of little-endian float32; the Python client asks for it by itself."""
    dimensions: int | None = Field(default=None, ge=1)
    """The first so many dimensions, as a unit vector again."""
    user: str | None = None


class EmbeddingUsage(Response):
    """Tokens of the inputs."""

    prompt_tokens: int
    total_tokens: int


class Embedding(Response):
    """One input's unit vector."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str
    """Base64 where the request asked for it."""


class EmbeddingList(Response):
    """The answer, in the order of the inputs."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
