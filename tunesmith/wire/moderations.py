"""OpenAI's moderation request: what a client may ask to be judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Request, invalid, wrong_type


def _input(value: object) -> object:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise wrong_type("a string or an array", value)
    if not 1 <= len(value) <= limits.MAX_MODERATION_INPUTS:
        raise invalid(
            f"an array must have 1 to {limits.MAX_MODERATION_INPUTS} entries, but this one has {len(value)}."
        )
    for entry in value:
        if not isinstance(entry, str) and not (
            isinstance(entry, dict) and entry.get("type") in ("text", "image_url")
        ):
            raise invalid("each entry of an array is a string, or an object of type 'text' or 'image_url'.")
    return value


class ModerationRequest(Request):
    """The body of `POST /moderations`."""

    input: Annotated[
        Any,
        BeforeValidator(_input),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
                ]
            }
        ),
    ]
    model: str | None = Field(default=None, min_length=1, max_length=512)
