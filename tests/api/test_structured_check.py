"""Answers are held to their schemas, and no schema holds the server up."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tunesmith.api.chat.structured_check import schema_fault, unmet
from tunesmith.api.chat.structured_schema import strict_fault

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"$ref": "#/$defs/size"}},
    "required": ["name", "size"],
    "additionalProperties": False,
    "$defs": {"size": {"type": "integer", "minimum": 1}},
}


def test_an_answer_that_fits_is_not_complained_of() -> None:
    assert unmet(CITY, '{"name": "Köln", "size": 3}') is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": "Köln", "size": 0}', "at size: 0 is less than the minimum of 1"),
        ('{"name": "Köln"}', "'size' is a required property"),
        ('{"name": "Köln", "size": 1, "x": 1}', "Additional properties are not allowed"),
        ('{"name": "Kö', "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(text: str, problem: str) -> None:
    assert problem in (unmet(CITY, text) or "")


def _branching(levels: int) -> dict[str, Any]:
    branches = {
        f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]}
        for i in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**branches, f"d{levels}": {"type": "null"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        _branching(40),
        {"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}},
        {
            "type": "object",
            "properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a+)+$"}},
        },
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
        {"$ref": "http://127.0.0.1:9/schema.json"},
    ],
)
def test_no_schema_takes_long(schema: dict[str, Any]) -> None:
    started = time.process_time()
    unmet(schema, '{"a": "' + "a" * 60 + 'b", "' + "a" * 60 + 'b": 1}')
    assert time.process_time() - started < 2


def test_a_schema_that_is_none_is_named() -> None:
    assert schema_fault(CITY) is None
    assert "at properties.a" in (schema_fault({"properties": {"a": 5}}) or "")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        (
            {"anyOf": [{"type": "object"}]},
            "In context=(), 'anyOf' is not permitted at the top level.",
        ),
        (
            {"properties": {"name": {}, "size": {"type": "string"}}},
            "In context=('properties', 'name'), schema must have a 'type' key.",
        ),
        (
            {"properties": {"name": {"type": "array"}, "size": {"type": "string"}}},
            "In context=('properties', 'name'), array schema missing items.",
        ),
        (
            {
                "properties": {
                    "name": {"$ref": "#/$defs/size", "description": "x"},
                    "size": {"type": "string"},
                }
            },
            "In context=('properties', 'name'), $ref cannot have keywords {'description'}.",
        ),
        (
            {"properties": {"name": {"$ref": "#/$defs/none"}, "size": {"type": "string"}}},
            "In context=('properties', 'name'), reference can only point to definitions defined at the top "
            "level of the schema.",
        ),
        (
            {
                "properties": {
                    "name": {"type": "array", "items": {"type": "object", "properties": {}}},
                    "size": {"type": "string"},
                }
            },
            "In context=('properties', 'name', 'items'), 'additionalProperties' is required to be supplied "
            "and to be false.",
        ),
        (
            {"required": ["name", "size", "more"]},
            "In context=(), 'required' is required to be supplied and to be an array including every key in "
            "properties. Extra required key 'more' supplied.",
        ),
    ],
)
def test_openais_rules_for_strict_schemas_are_told_in_its_words(
    change: dict[str, Any], fault: str | None
) -> None:
    assert strict_fault({**CITY, **change}) == fault


def test_a_strict_schema_has_its_limits() -> None:
    wide = {f"p{i}": {"type": "string"} for i in range(5001)}
    assert "at most 5000 object properties" in (
        strict_fault({**CITY, "properties": wide, "required": list(wide)}) or ""
    )
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(12):
        deep = {
            "type": "object",
            "properties": {"p": deep},
            "required": ["p"],
            "additionalProperties": False,
        }
    assert "levels of nesting" in (strict_fault(deep) or "")
    many = {**CITY, "properties": {"name": {"enum": [f"v{i}" for i in range(1001)]}}, "required": ["name"]}
    assert "at most 1000 enum values" in (strict_fault(many) or "")
