"""OpenAI's published surface, read off the installed `openai` package, which is made from OpenAI's schema.

Each call of the client becomes an `Operation`: HTTP method, path, the parameters with their types, and the
type of the answer. Tests hold our own `/openapi.json` against it.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from types import ModuleType
from typing import Any, cast

import openai.resources
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

_VERBS = {
    "_get": "GET",
    "_get_api_list": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
}


@dataclass(frozen=True)
class Operation:
    """One call of the published client."""

    name: str
    """As a caller writes it: `fine_tuning.jobs.create`."""
    method: str
    path: str
    """With `/v1`, and `{}` for each part that is an id."""
    path_names: frozenset[str]
    """What the client calls these parts."""
    query: frozenset[str]
    params: type[Any] | None
    """The TypedDict of its parameters; None for a call without."""
    answer: Any
    """The type of the answer: a model, or the model of a list's items."""
    is_list: bool

    @property
    def key(self) -> str:
        """`POST /v1/files`."""
        return f"{self.method} {self.path}"

    def body_schema(self) -> dict[str, Any] | None:
        """JSON schema of the body; None where the call has none, or where a part of it has no JSON form."""
        if self.params is None or self.method not in ("POST", "PUT", "PATCH"):
            return None
        schema = _schema(self.params)
        if schema is None:
            return None
        elsewhere = self.path_names | self.query
        kept = {name: value for name, value in schema["properties"].items() if name not in elsewhere}
        required = [name for name in schema.get("required", ()) if name not in elsewhere]
        return {**schema, "properties": kept, "required": required}

    def field_names(self) -> frozenset[str]:
        """Names of all parameters, also of forms and queries."""
        return frozenset(getattr(self.params, "__annotations__", {})) - self.path_names

    def answer_schema(self) -> dict[str, Any] | None:
        """JSON schema of the answer (of one item for a list)."""
        if not (isinstance(self.answer, type) and issubclass(self.answer, BaseModel)):
            return None
        return _schema(self.answer)


def bare(path: str) -> str:
    """A path with the names of its ids taken out: `/v1/files/{}`."""
    return re.sub(r"\{[^}]*\}", "{}", path)


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Every call of the synchronous client, in the order of their names."""
    found: dict[tuple[str, str, str], Operation] = {}
    for module in _modules():
        for operation in _operations_of(module):
            found.setdefault((operation.method, operation.path, operation.name), operation)
    return tuple(
        sorted(found.values(), key=lambda operation: (operation.path, operation.method, operation.name))
    )


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(openai.resources.__path__, "openai.resources."):
        yield importlib.import_module(info.name)


def _operations_of(module: ModuleType) -> Iterator[Operation]:
    assert module.__file__ is not None
    with open(module.__file__) as source:
        tree = ast.parse(source.read())
    for class_ in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        if class_.name.startswith("Async") or not any(
            "SyncAPIResource" in ast.unparse(b) for b in class_.bases
        ):
            continue
        for function in (node for node in class_.body if isinstance(node, ast.FunctionDef)):
            yield from _operations_in(module, function)


def _operations_in(module: ModuleType, function: ast.FunctionDef) -> Iterator[Operation]:
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr in _VERBS and call.args):
            continue
        path = _path(call.args[0])
        if path is None or "?beta" in path:
            continue
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        page, cast_to = keywords.get("page"), keywords.get("cast_to", keywords.get("model"))
        answer = _evaluated(module, cast_to)
        is_list = page is not None
        yield Operation(
            name=".".join(part for part, _ in groupby([*module.__name__.split(".")[2:], function.name])),
            method=_method(keywords.get("method"), call.func.attr),
            path=f"/v1{bare(path)}",
            path_names=frozenset(re.findall(r"\{([^}]*)\}", path)),
            query=frozenset(_query_names(keywords.get("options"))),
            params=_params(module, function),
            answer=answer,
            is_list=is_list,
        )


def _method(given: ast.expr | None, verb: str) -> str:
    return (
        given.value.upper()
        if isinstance(given, ast.Constant) and isinstance(given.value, str)
        else _VERBS[verb]
    )


def _path(node: ast.expr) -> str | None:
    """The path of a call: a literal, or `path_template("…", …)`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "path_template":
        return _path(node.args[0])
    return None


def _query_names(options: ast.expr | None) -> Iterator[str]:
    for node in ast.walk(options) if options is not None else ():
        if isinstance(node, ast.keyword) and node.arg == "query":
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.Dict):
                    yield from (key.value for key in inner.keys if isinstance(key, ast.Constant))  # type: ignore[misc]


def _params(module: ModuleType, function: ast.FunctionDef) -> type[Any] | None:
    names = [
        ast.unparse(node)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr.endswith(("Params", "ParamsNonStreaming"))
    ]
    if not names:
        return None
    plain = [name for name in names if name.endswith("NonStreaming")] or names
    return cast("type[Any] | None", _evaluated(module, ast.parse(plain[0], mode="eval").body))


def _evaluated(module: ModuleType, node: ast.expr | None) -> Any:
    if node is None:
        return None
    while isinstance(node, ast.Call) and ast.unparse(node.func) == "cast" and len(node.args) == 2:
        node = node.args[1]
    try:
        return eval(ast.unparse(node), vars(module).copy())
    except (NameError, AttributeError, TypeError):
        return None


@functools.cache
def _schema(type_: Any) -> dict[str, Any] | None:
    try:
        return TypeAdapter(type_).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):
        return None
