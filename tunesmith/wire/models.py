"""OpenAI's model object, with one key of ours that says which weights answer."""

from __future__ import annotations

from typing import Literal

from tunesmith.wire.base import Response


class ModelObject(Response):
    """A model that can be named in a request."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    shutdown_date: str | None = None
    served_by: str
    """Our own key: the id of the base model whose weights answer under this name."""


class ModelList(Response):
    """All models of a project; OpenAI's list has no pages."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


class DeletedModel(Response):
    """The answer to deleting a fine-tuned model."""

    id: str
    object: Literal["model"] = "model"
    deleted: bool = True
