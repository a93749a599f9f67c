"""What two JSON schemas ask for, place by place: a request or an answer of ours beside OpenAI's.

A `Shape` is what a schema says about one place once its references and alternatives are merged.
`request_gaps` and `answer_gaps` walk both sides together and name each place where a client could tell the
two apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 6
"""Levels of objects that are compared; below are only recursive items."""

Schema = dict[str, Any]


@dataclass
class Shape:
    """One place of a schema with its alternatives merged."""

    types: set[str] = field(default_factory=set)
    values: set[Any] | None = None
    """The only values of strings and numbers that are allowed; None where any is."""
    properties: dict[str, list[Schema]] = field(default_factory=dict)
    required: set[str] | None = None
    """Keys that each alternative requires."""
    items: list[Schema] = field(default_factory=list)
    free_keys: bool = False
    """Whether an object may have keys that the schema does not name."""
    anything: bool = False


class Document:
    """Schemas that refer to each other: an OpenAPI document, or one schema with its `$defs`."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def shape(self, schemas: list[Schema], kinds: set[Any] | None = None) -> Shape:
        """The merged shape of alternatives; with `kinds`, only of objects whose `type` is one of them."""
        merged, objects, closed = Shape(), [], True
        values: set[Any] = set()
        for schema in self._alternatives(schemas, ()):
            if not schema.keys() - {"title", "description", "default", "examples", "deprecated"}:
                merged.anything = True
                continue
            if "const" in schema or "enum" in schema:
                allowed = [schema["const"]] if "const" in schema else schema["enum"]
                merged.types |= {_type_of(value) for value in allowed}
                values |= {value for value in allowed if not isinstance(value, (dict, list))}
                continue
            for type_ in _types(schema):
                merged.types.add(type_)
                if type_ in ("string", "number", "integer"):
                    closed = False
                if type_ == "object":
                    objects.append(schema)
                if type_ == "array":
                    merged.items.append(schema.get("items", {}))
        merged.values = {value for value in values if value is not None} if closed and values else None
        for schema in objects:
            named = self._kinds(schema)
            if kinds is not None and named is not None and not named & kinds:
                continue
            for name, inner in schema.get("properties", {}).items():
                merged.properties.setdefault(name, []).append(inner)
            required = set(schema.get("required", ()))
            merged.required = required if merged.required is None else merged.required & required
            if schema.get("additionalProperties", "properties" not in schema) not in (False, None):
                merged.free_keys = True
        return merged

    def _kinds(self, schema: Schema) -> set[Any] | None:
        """The values of an object's `type`, which tells it from its alternatives; None where it is free."""
        type_ = schema.get("properties", {}).get("type")
        return self.shape([type_]).values if type_ is not None else None

    def kinds(self, schemas: list[Schema]) -> set[Any] | None:
        """The values of `type` over all objects among the alternatives."""
        types = self.shape(schemas).properties.get("type")
        return self.shape(types).values if types else None

    def _alternatives(self, schemas: list[Schema], seen: tuple[str, ...]) -> Iterator[Schema]:
        for schema in schemas:
            if "$ref" in schema:
                if schema["$ref"] not in seen:
                    yield from self._alternatives([self._resolved(schema["$ref"])], (*seen, schema["$ref"]))
            elif "anyOf" in schema or "oneOf" in schema:
                yield from self._alternatives(schema.get("anyOf", schema.get("oneOf")), seen)
            elif "allOf" in schema:
                parts = [next(self._alternatives([part], seen), {}) for part in schema["allOf"]]
                yield {key: value for part in parts for key, value in part.items()}
            else:
                yield schema

    def _resolved(self, reference: str) -> Schema:
        node: Any = self._root
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return node


@dataclass(frozen=True, order=True)
class Gap:
    """One place where the two sides differ."""

    place: str
    """`messages[].audio`."""
    problem: str


def request_gaps(theirs: tuple[Document, Schema], ours: tuple[Document, Schema]) -> list[Gap]:
    """What OpenAI takes and we do not, or takes otherwise."""
    return sorted(set(_request(theirs[0], [theirs[1]], ours[0], [ours[1]], "", 0)))


def _request(
    their: Document, theirs: list[Schema], our: Document, ours: list[Schema], place: str, depth: int
) -> Iterator[Gap]:
    a, b = their.shape(theirs), our.shape(ours)
    if b.anything or depth > MAX_DEPTH:
        return
    if missing := _missing_types(a.types, b.types):
        yield Gap(place, f"does not take {', '.join(sorted(missing))}")
    if b.values is not None:
        if a.values is None:
            if "string" in a.types & b.types:
                yield Gap(place, f"takes only {_listed(b.values)}")
        elif a.values - b.values:
            yield Gap(place, f"does not take {_listed(a.values - b.values)}")
    if "object" in a.types & b.types:
        ours_of, theirs_of = our.kinds(ours), their.kinds(theirs)
        if ours_of is not None and theirs_of is not None:
            if theirs_of - ours_of:
                yield Gap(
                    f"{place}.type" if place else "type", f"does not take {_listed(theirs_of - ours_of)}"
                )
            a = their.shape(theirs, ours_of)
            a.properties.pop("type")
        for name, inner in a.properties.items():
            below = f"{place}.{name}" if place else name
            if name in b.properties:
                yield from _request(their, inner, our, b.properties[name], below, depth + 1)
            elif not b.free_keys:
                yield Gap(below, "is not taken")
        if a.properties and not b.free_keys:
            for name in sorted((b.required or set()) ^ (a.required or set())):
                if name in b.properties and name in a.properties:
                    whose = (
                        "is required by us alone"
                        if name in (b.required or ())
                        else "is required by OpenAI alone"
                    )
                    yield Gap(f"{place}.{name}" if place else name, whose)
    if a.items and b.items:
        yield from _request(their, a.items, our, b.items, f"{place}[]", depth + 1)


def answer_gaps(theirs: tuple[Document, Schema], ours: tuple[Document, Schema]) -> list[Gap]:
    """What a typed client of OpenAI's would not expect in our answer, or would miss in it."""
    return sorted(set(_answer(theirs[0], [theirs[1]], ours[0], [ours[1]], "", 0)))


def _answer(
    their: Document, theirs: list[Schema], our: Document, ours: list[Schema], place: str, depth: int
) -> Iterator[Gap]:
    a, b = their.shape(theirs), our.shape(ours)
    if a.anything or depth > MAX_DEPTH:
        return
    if b.anything:
        yield Gap(place, "may be anything")
        return
    if extra := _missing_types(b.types, a.types):
        yield Gap(place, f"may be {', '.join(sorted(extra))}")
    if a.values is not None and "string" in b.types:
        if b.values is None:
            yield Gap(place, "may be any string")
        elif b.values - a.values:
            yield Gap(place, f"may be {_listed(b.values - a.values)}")
    if "object" in a.types & b.types and a.properties and not (b.free_keys and not b.properties):
        kinds = our.kinds(ours)
        a = their.shape(theirs, kinds) if kinds and their.kinds(theirs) else a
        for name in sorted(set(a.properties) | set(b.properties)):
            below = f"{place}.{name}" if place else name
            if name not in b.properties:
                if name in (a.required or ()):
                    yield Gap(below, "is missing")
            elif name not in a.properties:
                if not a.free_keys:
                    yield Gap(below, "is ours alone")
            else:
                if name in (a.required or ()) and name not in (b.required or ()):
                    yield Gap(below, "may be left out")
                yield from _answer(their, a.properties[name], our, b.properties[name], below, depth + 1)
    if a.items and b.items:
        yield from _answer(their, a.items, our, b.items, f"{place}[]", depth + 1)


def _missing_types(wanted: set[str], offered: set[str]) -> set[str]:
    missing = wanted - offered
    return missing - {"integer"} if "number" in offered else missing


def _types(schema: Schema) -> list[str]:
    given = schema.get("type")
    if given is None:
        return ["object"] if "properties" in schema else ["array"] if "items" in schema else []
    return given if isinstance(given, list) else [given]


def _type_of(value: object) -> str:
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return kinds[type(value)]


def _listed(values: set[Any]) -> str:
    return ", ".join(repr(value) for value in sorted(values, key=str))
