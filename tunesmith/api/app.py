"""The ASGI application: all routes of `/v1`, inside the envelope, with one error shape and one OpenAPI
document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tunesmith import __version__
from tunesmith.api import chat, completions, errors, files, fine_tuning, health, models
from tunesmith.api.auth import Doorkeeper
from tunesmith.api.envelope import Envelope
from tunesmith.api.office import Office
from tunesmith.wire.chat import ChatRequest
from tunesmith.wire.completions import CompletionRequest
from tunesmith.wire.fine_tuning import CreateJobRequest

_REQUESTS: tuple[type[BaseModel], ...] = (ChatRequest, CompletionRequest, CreateJobRequest)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(office: Office, *, lifespan: Lifespan | None = None) -> FastAPI:
    """The application that answers for `office`."""
    app = FastAPI(
        title="Tunesmith",
        version=__version__,
        summary="Fine-tuning with OpenAI's wire format, on open weights.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.office = office
    app.state.doorkeeper = Doorkeeper(office.db)
    for resource in (health, files, fine_tuning, models, chat, completions):
        app.include_router(resource.router)
    errors.install(app)
    app.add_middleware(Envelope, office=office)
    _document_requests(app)
    return app


def _document_requests(app: FastAPI) -> None:
    """Adds the request models, which the routes read by themselves, to `/openapi.json`."""
    plain = app.openapi

    def with_requests() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if _REQUESTS[0].__name__ not in schemas:
            _, found = models_json_schema(
                [(model, "validation") for model in _REQUESTS], ref_template="#/components/schemas/{model}"
            )
            for name, schema in found["$defs"].items():
                schemas.setdefault(name, schema)
        return document

    app.openapi = with_requests  # type: ignore[method-assign]
