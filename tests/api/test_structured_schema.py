"""A schema without room for unnamed keys: narrower than what was asked for, never another."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.api.chat.structured_schema import tightened

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": ["x", "y"]}, {}])


def _objects(children: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(NAMES, children, max_size=3)
    plain = properties.map(lambda found: {"type": "object", "properties": found})
    more = st.sampled_from([{}, {"additionalProperties": True}, {"minProperties": 1}, {"allOf": [{}]}])
    return st.tuples(plain, more).map(lambda both: both[0] | both[1]) | children.map(
        lambda item: {"type": "array", "items": item}
    )


SCHEMAS = st.recursive(LEAVES, _objects, max_leaves=8)
VALUES = st.recursive(
    st.sampled_from(["x", "z", 3, None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES | st.just("other"), inner, max_size=3),
    max_leaves=8,
)


@given(SCHEMAS, VALUES)
def test_what_fits_the_tightened_schema_fits_the_one_asked_for(schema: dict[str, Any], value: object) -> None:
    if jsonschema.Draft202012Validator(tightened(schema)).is_valid(value):
        assert jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"name": {"type": "string"}}},
        {"$ref": "#/$defs/person", "$defs": {"person": {"properties": {"name": {}}}}},
        {"anyOf": [{"type": "object", "properties": {"name": {}}}, {"type": "null"}]},
    ],
)
def test_a_key_that_is_not_named_no_longer_fits(schema: dict[str, Any]) -> None:
    assert jsonschema.Draft202012Validator(tightened(schema)).is_valid({"name": "Ada"})
    assert jsonschema.Draft202012Validator(schema).is_valid({"name": "Ada", "red": "grass"})
    assert not jsonschema.Draft202012Validator(tightened(schema)).is_valid({"name": "Ada", "red": "grass"})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
        {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
        {"$ref": "#/$defs/x", "properties": {"a": {}}, "$defs": {"x": {"properties": {"b": {}}}}},
    ],
)
def test_a_schema_that_says_itself_what_else_there_is_stays(schema: dict[str, Any]) -> None:
    assert tightened(schema) == schema
