"""OpenAI's model object, with one key of ours that says which weights answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunesmith.wire.base import Response
from tunesmith.wire.server import EngineState


class ModelObject(Response):
    """A model that can be named in a request."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    shutdown_date: str | None = None
    served_by: str
    """Our own key: the id of the base model whose weights answer under this name."""


class ModelDetails(Response):
    """Our own: where a model comes from, what it takes, and how it is now."""

    kind: Literal["base", "alias", "tuned", "checkpoint"]
    """An alias is another name of a base."""
    context_length: int | None
    """Tokens; null, like the next two, when the base is not served here any more."""
    n_parameters: int | None
    """Of the base."""
    is_chat: bool | None
    size_bytes: int | None
    """Of the base's files, or of the adapter's; null when they are gone."""
    engine: EngineState
    """Whether the base can answer now."""
    loaded: bool
    """Whether it answers at once; a tuned model that is not is loaded by its next request."""
    last_used_at: int | None
    """When this project last asked it, to the minute; null for never."""
    built_on_it: list[str]
    """Tuned models of this project that were trained on top of it; at most a hundred, newest first."""
    trained_from: str | None = None
    """What its job began from: a base's name, or a tuned model's. Null for a base."""
    fine_tuning_job_id: str | None = None
    """The job that made it; null for a base, and for another project's model."""
    step: int | None = None
    """The job's step that it is of."""
    final_model: str | None = None
    """For a checkpoint: the model that its job ended with, if it is there."""
    deletable: bool = False
    """Whether this project may delete it."""


class DetailedModel(ModelObject):
    """One model."""

    details: ModelDetails | None = Field(default=None, exclude_if=lambda details: details is None)
    """With `include=details` only."""


class ModelList(Response):
    """All models of a project; OpenAI's list has no pages."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


class DeletedModel(Response):
    """The answer to deleting a fine-tuned model."""

    id: str
    object: Literal["model"] = "model"
    deleted: bool = True
