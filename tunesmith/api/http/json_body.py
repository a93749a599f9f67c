"""Reads a JSON body and checks it against its model: bounded, strict, and with a sentence for whatever is
wrong.

`Depends(json_body(Model))` gives the route its request; `documented(Model)` says the same to `/openapi.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ValidationError

from tunesmith.api.http.errors import invalid_request
from tunesmith.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from tunesmith.wire import limits

M = TypeVar("M", bound=BaseModel)

_documented: dict[str, type[BaseModel]] = {}

_INLINE_BYTES = 256 * 1024
"""Above this size a body is parsed off the event loop, so that no stream stalls behind it."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def json_body(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the body as `model`. Raises InvalidRequest and its like."""

    async def read(request: Request) -> M:
        refuse_encoding(request)
        content_type = request.headers.get("content-type", "application/json")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType(
                f"Unsupported content type: '{content_type[:100]}'. This API method only accepts "
                "'application/json' "
                "requests; send the header 'Content-Type: application/json'.",
                code="unsupported_content_type",
            )
        body = await _read(request)
        if len(body) > _INLINE_BYTES:
            return await run_in_threadpool(parse, model, body)
        return parse(model, body)

    return read


def documented(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """`openapi_extra` for a route that reads `model`; with `required=False` the body may be absent."""
    _documented[model.__name__] = model
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def documented_models() -> list[type[BaseModel]]:
    """The models that routes read, for the schemas of `/openapi.json`."""
    return list(_documented.values())


def refuse_encoding(request: Request) -> None:
    """Compressed bodies are not read: what they inflate to has no bound."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise UnsupportedMediaType(
            f"Content-Encoding '{encoding[:40]}' is not supported; send the body uncompressed.",
            code="unsupported_content_encoding",
        )


async def _read(request: Request) -> bytes:
    too_large = PayloadTooLarge(
        f"The request body is larger than {limits.MAX_JSON_BYTES} bytes; send less.",
        code="request_too_large",
        headers={"connection": "close"},
    )
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limits.MAX_JSON_BYTES:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.MAX_JSON_BYTES:
            raise too_large
    return bytes(body)


def parse(model: type[M], body: bytes) -> M:
    """`body` as `model`. Raises InvalidRequest with a sentence and the parameter's path."""
    value = load(body)
    if not isinstance(value, dict):
        raise InvalidRequest("The body of your request must be a JSON object.", code="invalid_json")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False)) from None


def load(body: bytes) -> Any:
    """JSON with what the standard leaves to chance refused: NaN, duplicate keys, lone surrogates,
    endless depth."""
    if not body.strip():
        _unparsable("the body is empty")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _unparsable(f"byte {error.start} is not UTF-8")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        _unparsable(_where(text, error))
    except RecursionError:
        _too_deep()
    except ValueError:  # an integer of more digits than Python converts
        _unparsable("a number has too many digits")
    if body.count(b"[") + body.count(b"{") > limits.MAX_JSON_DEPTH and _depth_exceeds(
        value, limits.MAX_JSON_DEPTH
    ):
        _too_deep()
    if _SURROGATE.search(body):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            _unparsable("a string holds half of a surrogate pair (\\ud800 to \\udfff), which is no character")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidRequest(
                    f"The key '{key[:100]}' stands twice in one object of your request; keep one of them.",
                    param=key[:100],
                    code="invalid_json",
                )
            seen.add(key)
    return value


def _constant(name: str) -> NoReturn:
    _unparsable(f"{name} is not JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        _unparsable(f"the number {digits[:40]} is too large")
    return value


def _where(text: str, error: json.JSONDecodeError) -> str:
    """The place and, for what people type most often, the remedy."""
    problem = error.msg[0].lower() + error.msg[1:]
    line, column = error.lineno, error.colno
    before = text[: error.pos].rstrip()
    rest = text[error.pos :].lstrip()
    if before.endswith(",") and rest[:1] in ("}", "]"):
        comma = len(before) - 1
        line, column = text.count("\n", 0, comma) + 1, comma - text.rfind("\n", 0, comma)
        problem = f"there is a comma before the closing '{rest[0]}'; remove it"
    elif rest[:1] == ",":
        after = rest[1:].lstrip()
        if after[:1] in ("}", "]"):
            problem = f"there is a comma before the closing '{after[0]}'; remove it"
    elif rest[:1] == "'":
        problem = "strings stand in double quotes, not in single ones"
    elif rest[:4] in ("True", "None") or rest[:5] == "False":
        problem = "write true, false and null in lower case, as JSON has them"
    return f"line {line}, column {column}: {problem}"


def _unparsable(problem: str) -> NoReturn:
    raise InvalidRequest(f"We could not parse the JSON body of your request: {problem}.", code="invalid_json")


def _too_deep() -> NoReturn:
    raise InvalidRequest(
        f"The JSON body of your request is nested deeper than {limits.MAX_JSON_DEPTH} levels.",
        code="invalid_json",
    )


def _depth_exceeds(value: Any, maximum: int) -> bool:
    level = [value]
    for _ in range(maximum + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
