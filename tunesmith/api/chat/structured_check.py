"""Whether a finished answer fits its JSON schema: asked after the engine has enforced what its grammar can.

Both the schema and the answer are strangers' work, so a check is bounded: no reference leaves the schema, no
pattern is run (Python's matcher has no bound, and the engine has enforced patterns already), and a schema
that branches without end is given up.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import referencing
import referencing.exceptions
from jsonschema.exceptions import (  # type: ignore[import-untyped]
    SchemaError,
    ValidationError,
    best_match,
)

MAX_STEPS = 20_000
"""Subschemas that one check enters; beyond that it is no check any more."""
_steps_left: ContextVar[int] = ContextVar("steps left")


class _Endless(Exception):
    """The schema branches without end."""


def schema_fault(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a schema as such, as a sentence; None if nothing is."""
    return _schema_fault(json.dumps(schema, ensure_ascii=False))


@functools.lru_cache(maxsize=256)
def _schema_fault(serialised: str) -> str | None:
    try:
        # without format checks: what is a regular expression here is the engine's to say
        _Checker.check_schema(json.loads(serialised), format_checker=None)
    except SchemaError as error:
        return f"{_where(error)}{_short(error.message)}."
    except RecursionError:
        return "it is nested too deeply."
    return None


def unmet(schema: Mapping[str, Any], text: str) -> str | None:
    """Why `text` is no JSON that fits `schema`; None if it does."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as broken:
        return f"it is no JSON ({broken})"
    token = _steps_left.set(MAX_STEPS)
    try:
        checker = _Checker(_without_dialects(schema), registry=referencing.Registry())
        error = best_match(checker.iter_errors(value))
    except (_Endless, RecursionError):
        return "its schema is too complex to check it against"
    except referencing.exceptions.Unresolvable as unresolvable:
        return f"its schema refers to {_short(str(unresolvable.ref))}, which is not in it"
    finally:
        _steps_left.reset(token)
    return None if error is None else f"{_where(error)}{_short(error.message)}"


def _where(error: ValidationError | SchemaError) -> str:
    place = error.json_path.removeprefix("$").removeprefix(".")
    return f"at {place}: " if place else ""


def _short(message: str) -> str:
    return message if len(message) <= 200 else message[:199] + "…"


def _without_dialects(schema: Any) -> Any:
    """`$schema` inside a schema would bring the library's own, unbounded keywords back."""
    if isinstance(schema, Mapping):
        return {
            key: _without_dialects(value)
            for key, value in schema.items()
            if not (key == "$schema" and isinstance(value, str))
        }
    return [_without_dialects(value) for value in schema] if isinstance(schema, list) else schema


# -- jsonschema, bounded ----------------------------------------------------------------------------

_KEYWORDS = jsonschema.Draft202012Validator.VALIDATORS
_APPLICATORS = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "items", "prefixItems", "contains"}
    | {"properties", "additionalProperties", "propertyNames", "dependentSchemas"}
)
_PATTERNS = frozenset({"pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems"})


def _counted(keyword: str) -> Any:
    original = _KEYWORDS[keyword]

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if keyword == "additionalProperties" and "patternProperties" in schema:
            return  # which keys it is about, patterns would have to tell
        _spend(1)
        yield from original(validator, value, instance, schema) or ()

    return check


def _spend(steps: int) -> None:
    _steps_left.set(_steps_left.get() - steps)
    if _steps_left.get() < 0:
        raise _Endless


def _enum(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    _spend(1 + len(value) // 64)
    yield from _KEYWORDS["enum"](validator, value, instance, schema) or ()


def _unique_items(_validator: Any, value: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    # the library's own way takes a square of the items' number
    if value and isinstance(instance, list):
        different = {json.dumps(item, sort_keys=True) for item in instance}
        if len(different) < len(instance):
            yield ValidationError("the array has non-unique elements")


def _unchecked(*_: Any) -> Iterator[ValidationError]:
    return iter(())


_Checker = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {name: _counted(name) for name in _APPLICATORS}
    | dict.fromkeys(_PATTERNS, _unchecked)
    | {"enum": _enum, "uniqueItems": _unique_items},
)
