"""OpenAI's moderations: what a client may ask to be judged, and the verdicts."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Request, Response, invalid, wrong_type

T = TypeVar("T")

_INPUT = "a string, an array of strings, or an array of objects of type 'text'"


def _texts(value: object) -> list[str]:
    """Every form of `input` as a list of texts; the parts of a message are one text."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise wrong_type(_INPUT, value)
    if not 1 <= len(value) <= limits.MAX_MODERATION_INPUTS:
        raise invalid(
            f"an array must have 1 to {limits.MAX_MODERATION_INPUTS} entries, but this one has {len(value)}."
        )
    if all(isinstance(entry, str) for entry in value):
        return value
    if any(isinstance(entry, str) for entry in value):
        raise invalid(f"expected {_INPUT}, without a mixture of them.")
    return ["\n".join(_part(entry, index) for index, entry in enumerate(value))]


def _part(entry: object, index: int) -> str:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or kind not in ("text", "image_url"):
        raise invalid(f"input[{index}] is no string, and no object of type 'text' either.")
    if kind == "image_url":
        raise invalid(
            f"input[{index}] is an image, and this server's moderation model reads text only; leave it out."
        )
    if not isinstance(entry.get("text"), str):
        raise invalid(f"input[{index}].text must be a string.")
    if strange := next((key for key in entry if key not in ("type", "text")), None):
        raise invalid(f"input[{index}] has the unknown key {strange[:40]!r}.")
    return entry["text"]


_PART = {
    "type": "object",
    "properties": {"type": {"type": "string", "enum": ["text"]}, "text": {"type": "string"}},
    "required": ["type", "text"],
}
_SEVERAL = {"type": "array", "minItems": 1, "maxItems": limits.MAX_MODERATION_INPUTS}


class ModerationRequest(Request):
    """The body of `POST /moderations`."""

    input: Annotated[
        Any,
        BeforeValidator(_texts),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string"},
                    {**_SEVERAL, "items": {"type": "string"}},
                    {**_SEVERAL, "items": _PART},
                ]
            }
        ),
    ]
    model: str | None = Field(default=None, min_length=1, max_length=512)
    """The configured model, or one of OpenAI's names for it."""

    @property
    def texts(self) -> list[str]:
        """What is to be judged, one text for each result."""
        texts: list[str] = self.input
        return texts


class ByCategory(Response, Generic[T]):
    """One value for each of OpenAI's categories."""

    harassment: T
    harassment_threatening: T = Field(alias="harassment/threatening")
    hate: T
    hate_threatening: T = Field(alias="hate/threatening")
    illicit: T
    illicit_violent: T = Field(alias="illicit/violent")
    self_harm: T = Field(alias="self-harm")
    self_harm_instructions: T = Field(alias="self-harm/instructions")
    self_harm_intent: T = Field(alias="self-harm/intent")
    sexual: T
    sexual_minors: T = Field(alias="sexual/minors")
    violence: T
    violence_graphic: T = Field(alias="violence/graphic")


class ModerationCategories(ByCategory[bool]):
    """Whether a text falls into a category."""


class ModerationScores(ByCategory[float]):
    """How likely that is, from 0 to 1."""


class ModerationInputTypes(ByCategory[list[Literal["text"]]]):
    """What a category was judged by."""


class ModerationResult(Response):
    """The verdict on one input."""

    flagged: bool
    """Whether it falls into any category."""
    categories: ModerationCategories
    category_scores: ModerationScores
    category_applied_input_types: ModerationInputTypes


class ModerationList(Response):
    """The verdicts, in the order of the inputs."""

    id: str
    model: str
    """The model that judged: the configured one's name, whatever the request called it."""
    results: list[ModerationResult]
