"""Every refusal in OpenAI's one shape, in OpenAI's words where it has some.

    {"error": {"message", "type", "param", "code"}}

Routes raise TunesmithErrors. What pydantic finds wrong, unknown paths and unexpected exceptions become the
same here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from tunesmith.errors import InvalidRequest, MethodNotAllowed, NotFound, TunesmithError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MORE_SENTENCES = 2
"""Faults of one body that are named besides the first."""


def error_response(error: TunesmithError) -> Response:
    """The answer that carries `error`."""
    headers = {name.lower(): value for name, value in error.headers.items()}
    if error.status in (409, 429) and "retry-after" not in headers:
        headers["x-should-retry"] = "false"  # OpenAI's SDKs repeat these on their own
    return Response(error_bytes(error), error.status, headers, media_type="application/json")


def error_bytes(error: TunesmithError) -> bytes:
    """The JSON body of `error`."""
    return json.dumps(error.body(), ensure_ascii=False).encode("utf-8", "replace")


def internal_error(request_id: str) -> TunesmithError:
    """What a client learns of a fault of ours: that it was ours, and the id to look it up by."""
    error = TunesmithError(
        f"The server had an error while processing your request. Its log has the details under {request_id}."
    )
    error.status, error.type = 500, "server_error"
    return error


def install(app: FastAPI) -> None:
    """Makes `app` answer every error in the one shape; unexpected exceptions are `api/http/envelope.py`'s."""

    @app.exception_handler(TunesmithError)
    async def _ours(_request: Request, error: TunesmithError) -> Response:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def _parameters(_request: Request, error: RequestValidationError) -> Response:
        return error_response(invalid_request(error.errors(), skip=1))

    @app.exception_handler(HTTPException)
    async def _routing(request: Request, error: HTTPException) -> Response:
        target = f"{request.method} {request.url.path[:200]}"
        if error.status_code == 405:
            return error_response(
                MethodNotAllowed(
                    f"Not allowed to {request.method} on {request.url.path[:200]}. "
                    "(HINT: Perhaps you meant to use a different HTTP method?)",
                    code="method_not_supported",
                    headers={"allow": ", ".join(_allowed(request))},
                )
            )
        if error.status_code == 404:
            return error_response(NotFound(f"Invalid URL ({target})", code="unknown_url"))
        refusal = InvalidRequest(str(error.detail))
        refusal.status = error.status_code
        return error_response(refusal)


def _allowed(request: Request) -> list[str]:
    """The methods that this path has among all routes; HEAD is answered wherever GET is."""
    found = [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
    return sorted([*found, "HEAD"] if "GET" in found else found)


# -- what pydantic found ----------------------------------------------------------------------------

Details = Mapping[str, Any]


def path_of(loc: Sequence[int | str]) -> str:
    """`("messages", 0, "role")` as `messages[0].role`."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def invalid_request(details: Sequence[Details], *, skip: int = 0) -> InvalidRequest:
    """What pydantic found, as one error about the first fault that also names the next ones.

    `skip` leading parts of each location (`body`, `query`) are not the user's and are left out.
    """
    sentences = [
        _sentence(detail, path_of(detail["loc"][skip:])) for detail in details[: 1 + _MORE_SENTENCES]
    ]
    first = details[0]
    message, code = sentences[0]
    for sentence, _ in sentences[1:]:
        message += f" Also: {sentence}"
    return InvalidRequest(message, param=path_of(first["loc"][skip:]) or None, code=code)


def _sentence(detail: Details, path: str) -> tuple[str, str | None]:
    """The sentence for one fault, and its code."""
    make = _SENTENCES.get(detail["type"])
    if make is not None:
        return make(path, detail.get("input"), detail.get("ctx") or {})
    return f"Invalid '{path}': {detail['msg']}.", "invalid_value"


def _shown(value: object) -> str:
    """A value in a sentence, never long enough to be a nuisance."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return "a very large integer"
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 100 else text[:99] + "…"


def _bound(
    side: str, word: str, sign: str, key: str
) -> Callable[[str, Any, Mapping[str, Any]], tuple[str, str]]:
    def make(path: str, value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
        kind = "decimal" if isinstance(value, float) else "integer"
        bound = f"{ctx[key]:.15g}" if isinstance(ctx[key], float) else str(ctx[key])
        sentence = (
            f"Invalid '{path}': {kind} {word} value. "
            f"Expected a value {sign} {bound}, but got {_shown(value)} instead."
        )
        return sentence, f"{kind}_{side}_value"

    return make


def _length(
    noun: str, side: str, adjective: str, key: str
) -> Callable[[str, Any, Mapping[str, Any]], tuple[str, str]]:
    kind = {"above_max": "maximum", "below_min": "minimum"}[side]

    def make(path: str, value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
        got = len(value) if hasattr(value, "__len__") else 0
        if not got:
            return (
                f"Invalid '{path}': empty {noun}. Expected {_a(noun)} with minimum length {ctx[key]}, "
                f"but got an empty {noun} instead.",
                f"empty_{noun}",
            )
        return (
            f"Invalid '{path}': {noun} too {adjective}. Expected {_a(noun)} with {kind} length {ctx[key]}, "
            f"but got {_a(noun)} with length {got} instead.",
            f"{noun}_{side}_length",
        )

    return make


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _type(expected: str) -> Callable[[str, Any, Mapping[str, Any]], tuple[str, str]]:
    def make(path: str, value: Any, _ctx: Mapping[str, Any]) -> tuple[str, str]:
        from tunesmith.wire.base import json_name

        return (
            f"Invalid type for '{path}': expected {expected}, but got {json_name(value)} instead.",
            "invalid_type",
        )

    return make


def _choice(path: str, value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
    return (
        f"Invalid value for '{path}': {_shown(value)}. Supported values are: {ctx['expected']}.",
        "invalid_value",
    )


def _pattern(path: str, value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
    return (
        f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern "
        f"'{ctx['pattern']}', but got {_shown(value)} instead.",
        "invalid_value",
    )


def _ours_type(path: str, _value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
    return (
        f"Invalid type for '{path}': expected {ctx['expected']}, but got {ctx['got']} instead.",
        "invalid_type",
    )


def _ours_value(path: str, _value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
    problem = ctx["problem"]
    return (f"Invalid '{path}': {problem}" if path else problem[0].upper() + problem[1:]), "invalid_value"


_SENTENCES: dict[str, Callable[[str, Any, Mapping[str, Any]], tuple[str, str]]] = {
    "missing": lambda path, *_: (f"Missing required parameter: '{path}'.", "missing_required_parameter"),
    "extra_forbidden": lambda path, *_: (
        f"Unrecognized request argument supplied: {path}",
        "unknown_parameter",
    ),
    "greater_than": _bound("below_min", "below minimum", ">", "gt"),
    "greater_than_equal": _bound("below_min", "below minimum", ">=", "ge"),
    "less_than": _bound("above_max", "above maximum", "<", "lt"),
    "less_than_equal": _bound("above_max", "above maximum", "<=", "le"),
    "string_too_long": _length("string", "above_max", "long", "max_length"),
    "string_too_short": _length("string", "below_min", "short", "min_length"),
    "too_long": _length("array", "above_max", "long", "max_length"),
    "too_short": _length("array", "below_min", "short", "min_length"),
    "array_above_max_length": lambda path, _value, ctx: (
        f"Invalid '{path}': array too long. Expected an array with maximum length {ctx['maximum']}, "
        f"but got an array with length {ctx['length']} instead.",
        "array_above_max_length",
    ),
    "string_pattern_mismatch": _pattern,
    "literal_error": _choice,
    "enum": _choice,
    "string_type": _type("a string"),
    "int_type": _type("an integer"),
    "int_parsing": _type("an integer"),
    "int_from_float": _type("an integer"),
    "float_type": _type("a decimal"),
    "float_parsing": _type("a decimal"),
    "bool_type": _type("a boolean"),
    "bool_parsing": _type("a boolean"),
    "list_type": _type("an array"),
    "dict_type": _type("an object"),
    "model_type": _type("an object"),
    "invalid_type": _ours_type,
    "invalid_value": _ours_value,
}
