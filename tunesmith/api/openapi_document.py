"""`/openapi.json`: what FastAPI reads off the routes, and what it cannot see there.

The routes read their bodies by themselves (`api/http/json_body.py`), every refusal has one shape
(`api/http/errors.py`), and all calls but two want a key: this adds all three, so that a client made from the
document works. Our own `x-transitions` says which state of a job may follow which.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from tunesmith.api.http.json_body import documented_models
from tunesmith.jobs.states import ALLOWED
from tunesmith.wire.errors import ErrorResponse

_HTTP_METHODS = ("get", "post", "put", "patch", "delete", "head")
_WITHOUT_KEY = ("/health", "/v1/login_codes/{code}")
_REFUSAL = {
    "description": "A refusal, in the one shape that all have.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
}


def describe(app: FastAPI) -> None:
    """Lets `app.openapi()` give the whole document."""
    plain = app.openapi
    whole: dict[str, Any] | None = None

    def openapi() -> dict[str, Any]:
        nonlocal whole
        if whole is None:
            whole = _completed(plain())
        return whole

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, requests = models_json_schema(
        [(model, "validation") for model in documented_models()], ref_template="#/components/schemas/{model}"
    )
    _, answers = models_json_schema(
        [(ErrorResponse, "serialization")], ref_template="#/components/schemas/{model}"
    )
    for name, schema in (requests.get("$defs", {}) | answers["$defs"]).items():
        schemas.setdefault(name, schema)
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own refusals, which no route gives
        schemas.pop(name, None)
    document["x-transitions"] = {state: sorted(following) for state, following in ALLOWED.items()}
    components["securitySchemes"] = {"bearer_auth": {"type": "http", "scheme": "bearer"}}
    for path, item in document["paths"].items():
        for method in item.keys() & set(_HTTP_METHODS):
            operation = item[method]
            operation["responses"].pop("422", None)
            if path not in _WITHOUT_KEY:
                operation["responses"]["4XX"] = _REFUSAL
                operation["security"] = [{"bearer_auth": []}]
    return document
