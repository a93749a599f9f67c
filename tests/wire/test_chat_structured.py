"""`response_format` through the real client: the answer of a model that knows no schema fits one all the
same."""

from __future__ import annotations

import json
from typing import Any, Literal

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel, Field

ASK = [{"role": "user", "content": "Describe a city as JSON."}]
CITY = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["town", "village"]},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 2},
    },
    "required": ["kind", "size", "tags"],
    "additionalProperties": False,
}


def schema_format(schema: dict[str, Any], *, strict: bool | None = True) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": strict}}


class Part(BaseModel):
    word: Literal["red", "blue"]


class Thing(BaseModel):
    parts: list[Part] = Field(max_length=2)
    sure: bool


def test_an_answer_fits_its_schema_whole_and_streamed(client: OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": "nano",
        "messages": ASK,
        "seed": 5,
        "temperature": 1.5,
        "max_tokens": 300,
        "response_format": schema_format(CITY),
    }
    choice = client.chat.completions.create(**asked).choices[0]
    city = json.loads(choice.message.content or "")
    assert list(city) == ["kind", "size", "tags"]
    assert city["kind"] in ("town", "village") and 1 <= city["size"] <= 9 and len(city["tags"]) <= 2
    assert (choice.finish_reason, choice.message.refusal) == ("stop", None)
    chunks = client.chat.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == choice.message.content


def test_the_clients_parse_gives_an_object_of_the_class(client: OpenAI) -> None:
    completion = client.chat.completions.parse(
        model="nano", messages=ASK, response_format=Thing, seed=3, max_tokens=300, temperature=0
    )
    thing = completion.choices[0].message.parsed
    assert isinstance(thing, Thing)


def test_the_clients_stream_helper_parses_as_it_goes(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="nano", messages=ASK, response_format=Thing, seed=3, max_tokens=300, temperature=0
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert isinstance(final.choices[0].message.parsed, Thing)


def test_json_mode_gives_an_object(client: OpenAI) -> None:
    choice = client.chat.completions.create(
        model="nano",
        messages=ASK,
        response_format={"type": "json_object"},
        seed=2,
        max_tokens=400,
        logit_bias={"4090": -100},
    ).choices[0]
    text = choice.message.content or ""
    assert text.startswith("{")
    if choice.finish_reason == "stop":
        assert isinstance(json.loads(text), dict)


def test_json_mode_wants_the_word_in_the_messages(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="must contain the word 'json'") as refusal:
        client.chat.completions.create(
            model="nano",
            messages=[{"role": "user", "content": "Describe a city."}],
            response_format={"type": "json_object"},
        )
    assert refusal.value.param == "messages"


def test_a_schema_that_is_not_strict_is_enforced_as_far_as_a_grammar_can(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 4}, "s": {"not": {"type": "null"}}},
        "required": ["n"],
        "additionalProperties": False,
    }
    choice = client.chat.completions.create(
        model="nano",
        messages=ASK,
        response_format=schema_format(schema, strict=False),
        seed=1,
        max_tokens=300,
    ).choices[0]
    assert choice.finish_reason == "length" or json.loads(choice.message.content or "")["n"] in (3, 4)


def test_an_answer_that_did_not_come_to_its_end_says_so(client: OpenAI) -> None:
    asked = {"model": "nano", "messages": ASK, "response_format": schema_format(CITY), "max_tokens": 3}
    assert client.chat.completions.create(**asked).choices[0].finish_reason == "length"
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model="nano", messages=ASK, response_format=Thing, max_tokens=2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"additionalProperties": True}, "In context=(), 'additionalProperties' is required to be supplied"),
        ({"required": ["kind"]}, "Missing 'size'."),
        ({"type": "array"}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'."),
        (
            {"properties": {"a": {"oneOf": [True]}}, "required": ["a"]},
            "In context=('properties', 'a'), 'oneOf' is not permitted.",
        ),
        ({"type": 5}, "at type: 5 is not valid"),
    ],
)
def test_a_strict_schema_is_refused_in_openais_words(
    client: OpenAI, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(
            model="nano", messages=ASK, response_format=schema_format({**CITY, **change})
        )
    assert refusal.value.param == "response_format"
    message = refusal.value.body["message"]  # type: ignore[index]
    assert message.startswith("Invalid schema for response_format 'city': ") and words in message


@pytest.mark.parametrize(
    ("response_format", "param"),
    [
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema.name"),
        (
            {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}},
            "response_format.json_schema.name",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "strict": True}},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_a_broken_response_format_is_named(client: OpenAI, response_format: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(
            model="nano", messages=ASK, extra_body={"response_format": response_format}
        )
    assert refusal.value.param == param


def test_what_the_engine_cannot_enforce_is_refused_before_a_stream_begins(client: OpenAI) -> None:
    schema = {**CITY, "properties": {**CITY["properties"], "kind": {"type": "string", "pattern": "(?=a)b"}}}
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError, match="Invalid schema for response_format 'city'"):
            client.chat.completions.create(
                model="nano", messages=ASK, response_format=schema_format(schema), stream=stream
            )
