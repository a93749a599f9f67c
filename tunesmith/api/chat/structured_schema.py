"""OpenAI's rules for a schema with `strict: true`, each violation in OpenAI's words and with its place.

A strict schema says all that an answer may hold: every object lists its properties, requires them all and
allows no others. Which schemas the engine's grammar can enforce is the engine's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.wire import limits

_NOT_PERMITTED = (
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"),
    *("patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties"),
    *("unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems"),
)
_SAYS_TYPE = ("type", "anyOf", "$ref", "enum", "const")
_ANNOTATIONS = frozenset({"title", "examples", "deprecated", "readOnly", "writeOnly", "$comment"})

Path = tuple[str, ...]


def root_fault(schema: Mapping[str, Any]) -> str | None:
    """What is wrong at the top of a schema for a function's arguments or an answer; None if nothing is."""
    kind = schema.get("type")
    if kind != "object":
        shown = "None" if kind is None else kind
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{shown}\"'."
    return None


def strict_fault(schema: Mapping[str, Any]) -> str | None:
    """The first violation of the rules, None if there is none."""
    fault = root_fault(schema)
    if fault is not None:
        return fault
    if "anyOf" in schema:
        return _in((), "'anyOf' is not permitted at the top level.")
    counted = _Counted()
    for path, part, depth in _parts(schema, (), 1):
        fault = counted.add(part, depth) or _part_fault(part, schema)
        if fault is not None:
            return fault if fault.startswith("Expected") else _in(path, fault)
    return None


class _Counted:
    """What OpenAI limits over the whole schema."""

    def __init__(self) -> None:
        self._n_properties = 0
        self._n_enum_values = 0
        self._n_chars = 0

    def add(self, part: Mapping[str, Any], depth: int) -> str | None:
        """Counts one subschema; the sentence for a limit that it passes."""
        properties = part.get("properties")
        names = list(properties) if isinstance(properties, dict) else []
        enum = part.get("enum")
        values = enum if isinstance(enum, list) else []
        texts = [value for value in [*values, part.get("const")] if isinstance(value, str)]
        self._n_properties += len(names)
        self._n_enum_values += len(values)
        self._n_chars += sum(map(len, [*names, *texts, *(part.get("$defs") or ())]))
        n_enum_chars = sum(len(value) for value in values if isinstance(value, str))
        for what, count, limit in (
            ("object properties in total", self._n_properties, limits.MAX_SCHEMA_PROPERTIES),
            ("levels of nesting", depth, limits.MAX_SCHEMA_LEVELS),
            ("enum values in total", self._n_enum_values, limits.MAX_SCHEMA_ENUM_VALUES),
            ("characters of names and values in total", self._n_chars, limits.MAX_SCHEMA_CHARS),
            (
                f"characters in an enum of more than {limits.MANY_ENUM_VALUES} values",
                n_enum_chars if len(values) > limits.MANY_ENUM_VALUES else 0,
                limits.MAX_LONG_ENUM_CHARS,
            ),
        ):
            if count > limit:
                return f"Expected at most {limit} {what}, but got {count}."
        return None


def _part_fault(part: Mapping[str, Any], root: Mapping[str, Any]) -> str | None:
    for keyword in _NOT_PERMITTED:
        if keyword in part:
            return f"'{keyword}' is not permitted."
    reference = part.get("$ref")
    if reference is not None:
        beside = sorted(set(part) - {"$ref"} - _ANNOTATIONS)
        if beside and part is not root:
            return f"$ref cannot have keywords {{{', '.join(map(repr, beside))}}}."
        if not _points_inside(str(reference), root):
            return "reference can only point to definitions defined at the top level of the schema."
        return None
    if not any(keyword in part for keyword in _SAYS_TYPE):
        return "schema must have a 'type' key."
    kinds = part.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "array" in kinds and "items" not in part and "prefixItems" not in part:
        return "array schema missing items."
    return _object_fault(part) if "object" in kinds or "properties" in part else None


def _object_fault(part: Mapping[str, Any]) -> str | None:
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    properties = part.get("properties") or {}
    required = part.get("required")
    if not isinstance(required, list):
        required = []
    for name in properties:
        if name not in required:
            return (
                "'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{name}'."
            )
    for name in required:
        if name not in properties:
            return (
                "'required' is required to be supplied and to be an array including every key in properties. "
                f"Extra required key '{name}' supplied."
            )
    return None


def _parts(
    schema: Mapping[str, Any], path: Path, depth: int
) -> Iterator[tuple[Path, Mapping[str, Any], int]]:
    """The schema and all schemas within it, with their places and the levels of nesting."""
    yield path, schema, depth
    for keyword in ("properties", "$defs", "definitions"):
        children = schema.get(keyword)
        if isinstance(children, dict):
            deeper = depth + 1 if keyword == "properties" else 1
            for name, child in children.items():
                if isinstance(child, dict):
                    here = (
                        deeper
                        if child.get("type") in ("object", "array") or keyword != "properties"
                        else depth
                    )
                    yield from _parts(child, (*path, keyword, name), here)
    items = schema.get("items")
    if isinstance(items, dict):
        yield from _parts(items, (*path, "items"), depth)
    for keyword in ("anyOf", "prefixItems"):
        branches = schema.get(keyword)
        if isinstance(branches, list):
            for index, child in enumerate(branches):
                if isinstance(child, dict):
                    yield from _parts(child, (*path, keyword, str(index)), depth)


def _points_inside(reference: str, root: Any) -> bool:
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return False
    for key in reference[2:].split("/"):
        key = key.replace("~1", "/").replace("~0", "~")
        if not isinstance(root, Mapping) or key not in root:
            return False
        root = root[key]
    return True


def _in(path: Path, fault: str) -> str:
    shown = f"('{path[0]}',)" if len(path) == 1 else f"({', '.join(map(repr, path))})"
    return f"In context={shown}, {fault}"


def tightened(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with no room for keys that it does not name: a small model wanders off into such keys.

    Whatever fits the result fits `schema` too. An object that says itself what else it may hold stays as it
    is, and so does a whole schema in which objects are put together of several parts.
    """
    return schema if _puts_together(schema) else _closed(schema)


_PUTS_TOGETHER = frozenset(
    ("allOf", "not", "if", "dependentSchemas", "dependencies", "unevaluatedProperties")
)
_OTHER_KEYS = frozenset(("additionalProperties", "patternProperties", "propertyNames", "minProperties"))


def _puts_together(part: object) -> bool:
    if isinstance(part, list):
        return any(_puts_together(item) for item in part)
    if not isinstance(part, Mapping):
        return False
    if part.keys() & _PUTS_TOGETHER or ("properties" in part and part.keys() & {"$ref", "anyOf", "oneOf"}):
        return True
    return any(_puts_together(item) for item in part.values())


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    closed = dict(schema)
    for keyword in ("properties", "$defs", "definitions"):
        if isinstance(children := schema.get(keyword), Mapping):
            closed[keyword] = {
                name: _closed(child) if isinstance(child, Mapping) else child
                for name, child in children.items()
            }
    if isinstance(items := schema.get("items"), Mapping):
        closed["items"] = _closed(items)
    for keyword in ("anyOf", "oneOf"):
        if isinstance(branches := schema.get(keyword), list):
            closed[keyword] = [_closed(b) if isinstance(b, Mapping) else b for b in branches]
    if "properties" in schema and not schema.keys() & _OTHER_KEYS:
        closed["additionalProperties"] = False
    return closed
