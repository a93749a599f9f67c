"""JSON schemas as grammars. What a schema asks and cannot be enforced is refused, never ignored.

JSON is written on one line, with one space or none after each comma and colon: every way in which models
write it on a line, and no room to write white space for ever.
"""

from __future__ import annotations

import json
from typing import Any

from llguidance import LLMatcher

from tunesmith.infer.complaints import cannot_enforce, refused

OPTIONS: dict[str, Any] = {
    "whitespace_flexible": False,
    "item_separator": ", ?",
    "key_separator": ": ?",
    "coerce_one_of": False,
    "lenient": False,
}
_MAPS = frozenset(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"])
"""Keywords whose value is schemas by name."""
_VALUES = frozenset(["enum", "const", "default", "examples"])
"""Keywords whose value is data."""


def grammar_of(schema: Any) -> str:
    """The grammar of the documents that a schema allows."""
    text = json.dumps(checked(schema))
    try:
        return LLMatcher.grammar_from_json_schema(text, overrides=OPTIONS)  # type: ignore[arg-type]
    except ValueError as error:  # how deep JSON may be nested
        raise cannot_enforce("json", str(error)) from error


def as_item(schema: Any) -> str:
    """A schema as an item of a Lark rule."""
    return "%json " + json.dumps({**checked(schema), "x-guidance": OPTIONS})


def parsed(value: Any, name: str) -> dict[str, Any]:
    """An object, or the JSON text of one, as vLLM takes both."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise refused(f"{name} is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise refused(f"{name} must be an object")
    return value


def checked(value: Any) -> dict[str, Any]:
    """The schema as an object, without options for the grammar's compiler. Raises InvalidRequest."""
    if value is True:
        return {}
    schema = {name: part for name, part in parsed(value, "the schema").items() if name != "x-guidance"}
    _refuse_unenforced(schema)
    return schema


def _refuse_unenforced(schema: Any) -> None:
    """What the compiler accepts and does not hold: it counts the keys written, and one may be written
    twice."""
    if isinstance(schema, list):
        for part in schema:
            _refuse_unenforced(part)
    if not isinstance(schema, dict):
        return
    least = schema.get("minProperties", 0)
    if isinstance(least, int | float) and least > 1:
        raise cannot_enforce(
            "json", "'minProperties' above 1 cannot be enforced; name the keys in 'required'"
        )
    for name, part in schema.items():
        if name in _MAPS and isinstance(part, dict):
            for inner in part.values():
                _refuse_unenforced(inner)
        elif name not in _VALUES:
            _refuse_unenforced(part)
