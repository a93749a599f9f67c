"""What all messages of the wire share: strict requests, metadata, and fields that take more than one type.

A field that takes several types is checked by a function here rather than by a union, so that an error
names the field as the user wrote it (`stop[1]`), not a branch of a union.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from tunesmith.wire import limits


class Request(BaseModel):
    """A body that a client sends. Unknown keys, and numbers sent as strings, are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Response(BaseModel):
    """A body that the server sends. All keys are always there, null included, but those with `exclude_if`."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def json_name(value: object) -> str:
    """What JSON calls the type of `value`, with its article: `an array`, `a string`."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def wrong_type(expected: str, value: object) -> PydanticCustomError:
    """The error for a value of a type that the field does not take."""
    return PydanticCustomError(
        "invalid_type",
        "expected {expected}, but got {got} instead.",
        {"expected": expected, "got": json_name(value)},
    )


def invalid(problem: str) -> PydanticCustomError:
    """The error for a value that is of the right type and yet not usable; `problem` is the whole sentence."""
    return PydanticCustomError("invalid_value", "{problem}", {"problem": problem})


def _metadata(value: object) -> object:
    if value is None:
        return value
    if not isinstance(value, dict):
        raise wrong_type("an object with string values", value)
    if len(value) > limits.MAX_METADATA_PAIRS:
        raise invalid(f"at most {limits.MAX_METADATA_PAIRS} pairs are allowed, but got {len(value)}.")
    for key, text in value.items():
        if not isinstance(text, str):
            raise invalid(f"the value of {key[:80]!r} must be a string, but is {json_name(text)}.")
        if not 1 <= len(key) <= limits.MAX_METADATA_KEY_CHARS:
            raise invalid(
                f"a key has 1 to {limits.MAX_METADATA_KEY_CHARS} characters, but {key[:80]!r} has {len(key)}."
            )
        if len(text) > limits.MAX_METADATA_VALUE_CHARS:
            raise invalid(
                f"the value of {key!r} has {len(text)} characters; at most "
                f"{limits.MAX_METADATA_VALUE_CHARS} are allowed."
            )
        if "\x00" in key or "\x00" in text:
            raise invalid(f"{key!r} holds a NUL character; remove it.")
    return value


Metadata = Annotated[dict[str, str] | None, BeforeValidator(_metadata)]
"""Up to 16 pairs of a client's own strings."""


def _strings(maximum: int, longest: int) -> Callable[[object], list[str]]:
    def check(value: object) -> list[str]:
        if value is None:
            return []
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list):
            raise wrong_type("a string or an array of strings", value)
        if len(texts) > maximum:
            raise PydanticCustomError(
                "array_above_max_length",
                "array too long. Expected an array with maximum length {maximum}, but got an array "
                "with length {length} "
                "instead.",
                {"maximum": maximum, "length": len(texts)},
            )
        for text in texts:
            if not isinstance(text, str):
                raise wrong_type("a string or an array of strings", value)
            if not text:
                raise invalid("a stop string may not be empty.")
            if len(text) > longest:
                raise invalid(f"a stop string has at most {longest} characters, but one has {len(text)}.")
        return texts

    return check


Stop = Annotated[
    list[str],
    BeforeValidator(_strings(limits.MAX_STOP_STRINGS, limits.MAX_STOP_CHARS)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "maxItems": limits.MAX_STOP_STRINGS},
                {"type": "null"},
            ]
        }
    ),
]
"""Where a generation ends: null, one string, or up to four."""


def _logit_bias(value: object) -> dict[int, float]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type("an object from token ids to numbers", value)
    if len(value) > limits.MAX_LOGIT_BIAS:
        raise invalid(f"at most {limits.MAX_LOGIT_BIAS} tokens may be biased, but got {len(value)}.")
    biases: dict[int, float] = {}
    for key, bias in value.items():
        if not (key.isascii() and key.isdigit() and len(key) < 10):
            raise invalid(f'a key is a token id such as "50256", but got {key[:40]!r}.')
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not -100 <= bias <= 100:
            raise invalid(f"the bias of token {key} must be a number from -100 to 100.")
        biases[int(key)] = float(bias)
    return biases


LogitBias = Annotated[
    dict[int, float],
    BeforeValidator(_logit_bias),
    WithJsonSchema({"type": ["object", "null"], "additionalProperties": {"type": "number"}}),
]
"""Added to a token's logit before sampling, by token id."""


class StreamOptions(Request):
    """What a stream carries besides the text."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    """Whether chunks are padded, so that sizes of encrypted packets do not tell the text; null is true."""
