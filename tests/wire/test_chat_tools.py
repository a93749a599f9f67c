"""Tools through the real client: calls that are free, forced, restricted, strict and streamed."""

from __future__ import annotations

import json
from typing import Any, Literal

import httpx2
import openai
import pytest
from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel

from tunesmith.data.tokenizer import Tokenizer
from tunesmith.settings import NANO

ASK = [{"role": "user", "content": "What is the weather in Paris?"}]


def tool(name: str, *, strict: bool | None = None, **properties: Any) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": name,
        "description": f"The {name} of a city",
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }
    if strict is not None:
        function["strict"] = strict
    return {"type": "function", "function": function}


WEATHER = tool("get_weather", city={"type": "string", "maxLength": 12})
TIME = tool("get_time", zone={"type": "string", "enum": ["utc", "local"]})
CALL_TAG = str(Tokenizer.load(NANO).token_id("<tool_call>"))
ENDS = [str(token_id) for token_id in Tokenizer.load(NANO).eos_token_ids]
HELLO = [{"role": "user", "content": "Hello! How are you today?"}]


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named(n) for n in names]}}


@pytest.mark.parametrize(
    ("tool_choice", "names", "reason"),
    [
        ("required", {"get_weather", "get_time"}, "tool_calls"),
        (named("get_time"), {"get_time"}, "stop"),
        (allowed("required", "get_time"), {"get_time"}, "tool_calls"),
    ],
)
def test_a_call_can_be_forced(client: OpenAI, tool_choice: Any, names: set[str], reason: str) -> None:
    asked: dict[str, Any] = {
        "model": "nano",
        "messages": HELLO,  # nothing in it asks for a call
        "tools": [WEATHER, TIME],
        "tool_choice": tool_choice,
        "parallel_tool_calls": False,
        "seed": 4,
        "max_tokens": 120,
    }
    choice = client.chat.completions.create(**asked).choices[0]
    [call] = choice.message.tool_calls or []
    assert call.type == "function" and call.function.name in names
    arguments = json.loads(call.function.arguments)
    assert set(arguments) == ({"zone"} if call.function.name == "get_time" else {"city"})
    assert (choice.finish_reason, choice.message.content) == (reason, None)
    parts = [chunk.choices[0] for chunk in client.chat.completions.create(**asked, stream=True)]
    calls = [part for chunk in parts for part in chunk.delta.tool_calls or []]
    assert (
        "".join(part.function.arguments or "" for part in calls if part.function) == call.function.arguments
    )
    assert parts[-1].finish_reason == reason
    assert parts[0].delta.role == "assistant" and parts[0].delta.content is None


def test_several_calls_at_once_have_indices_and_ids_of_their_own(client: OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": "nano",
        "messages": ASK,
        "tools": [WEATHER],
        "tool_choice": "required",
        "temperature": 0,
        "max_tokens": 70,
        "logit_bias": dict.fromkeys(ENDS, -100),
    }
    choice = client.chat.completions.create(**asked).choices[0]
    calls = choice.message.tool_calls or []
    assert len(calls) > 2 and choice.finish_reason == "length"
    assert len({call.id for call in calls}) == len(calls)
    chunks = list(client.chat.completions.create(**asked, stream=True))
    parts = [part for chunk in chunks for choice in chunk.choices for part in choice.delta.tool_calls or []]
    assert [part.index for part in parts if part.id] == list(range(len(calls)))
    for index, call in enumerate(calls):
        spelt = "".join(p.function.arguments or "" for p in parts if p.index == index and p.function)
        assert call.type == "function" and spelt == call.function.arguments
    single = client.chat.completions.create(**asked | {"parallel_tool_calls": False, "logit_bias": {}})
    assert len(single.choices[0].message.tool_calls or []) == 1


def test_what_is_not_allowed_is_not_called(client: OpenAI) -> None:
    for seed in range(3):
        choice = client.chat.completions.create(
            model="nano",
            messages=ASK,
            tools=[WEATHER, TIME],
            tool_choice=allowed("auto", "get_time"),  # type: ignore[arg-type]
            seed=seed,
            max_tokens=80,
        ).choices[0]
        called = [call.function.name for call in choice.message.tool_calls or [] if call.type == "function"]
        assert "get_weather" not in called


def test_strict_arguments_hold_their_schema_when_the_model_calls_by_itself(client: OpenAI) -> None:
    strict = tool("get_weather", strict=True, city={"type": "string", "enum": ["Rome", "Oslo"]})
    choice = client.chat.completions.create(
        model="nano", messages=ASK, tools=[strict], temperature=0, max_tokens=80
    ).choices[0]
    assert choice.message.tool_calls, f"the base model answered in words: {choice.message.content}"
    [call] = choice.message.tool_calls
    assert call.type == "function" and json.loads(call.function.arguments)["city"] in ("Rome", "Oslo")
    assert choice.finish_reason == "tool_calls"
    words = client.chat.completions.create(
        model="nano", messages=HELLO, tools=[strict], max_tokens=30, logit_bias={CALL_TAG: -100}
    ).choices[0]
    assert words.message.content and not words.message.tool_calls


def test_the_clients_own_function_tools_come_back_parsed(client: OpenAI) -> None:
    class GetColour(BaseModel):
        name: Literal["red", "blue"]

    asked: dict[str, Any] = {
        "model": "nano",
        "messages": HELLO,
        "tools": [pydantic_function_tool(GetColour)],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 200,
    }
    [call] = client.chat.completions.parse(**asked).choices[0].message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, GetColour)
    with client.chat.completions.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        [call] = stream.get_final_completion().choices[0].message.tool_calls or []
    assert "tool_calls.function.arguments.delta" in kinds and "tool_calls.function.arguments.done" in kinds
    assert isinstance(call.function.parsed_arguments, GetColour)


def test_tools_and_a_schema_give_a_call_or_an_answer_that_fits(client: OpenAI) -> None:
    answer = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    for seed in range(4):
        message = (
            client.chat.completions.create(
                model="nano",
                messages=HELLO,
                tools=[WEATHER],
                seed=seed,
                max_tokens=150,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": answer, "strict": True},
                },
            )
            .choices[0]
            .message
        )
        assert message.tool_calls or isinstance(json.loads(message.content or "")["ok"], bool)


def test_a_call_that_is_cut_off_is_a_call_of_what_there_is(client: OpenAI) -> None:
    choice = client.chat.completions.create(
        model="nano",
        messages=HELLO,
        tools=[tool("note", text={"type": "string", "minLength": 60})],
        tool_choice=named("note"),  # type: ignore[arg-type]
        max_tokens=20,
    ).choices[0]
    assert choice.finish_reason == "length"
    [call] = choice.message.tool_calls or []
    assert call.type == "function" and call.function.name == "note"
    with pytest.raises(ValueError, match=r"."):
        json.loads(call.function.arguments)


def test_a_legacy_function_can_be_forced_too(client: OpenAI, http: httpx2.Client) -> None:
    asked: dict[str, Any] = {
        "model": "nano",
        "messages": HELLO,
        "functions": [TIME["function"]],
        "function_call": {"name": "get_time"},
        "seed": 2,
        "max_tokens": 60,
    }
    choice = client.chat.completions.create(**asked).choices[0]
    assert choice.message.function_call and choice.finish_reason == "stop"
    assert json.loads(choice.message.function_call.arguments)["zone"] in ("utc", "local")
    deltas = [c.choices[0].delta.function_call for c in client.chat.completions.create(**asked, stream=True)]
    parts = [delta for delta in deltas if delta]
    assert [part.name for part in parts if part.name] == ["get_time"]
    spelt = "".join(part.arguments or "" for part in parts)
    assert spelt == choice.message.function_call.arguments


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"tool_choice": named("nothing")}, "tool_choice", "Tool choice 'nothing' not found in 'tools'"),
        ({"tool_choice": "sometimes"}, "tool_choice", "Supported values are: 'none', 'auto', and 'required'"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "tool_choice.type", "functions only"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name", "Missing required parameter"),
        ({"tool_choice": allowed("any", "get_time")}, "tool_choice.allowed_tools.mode", "'auto' and"),
        ({"tool_choice": allowed("auto")}, "tool_choice.allowed_tools.tools", "at least one tool"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type", "'function'"),
        ({"tool_choice": ["auto"]}, "tool_choice", "expected one of a string or an object, but got an array"),
        ({"tool_choice": {}}, "tool_choice.type", "Missing required parameter"),
        ({"tool_choice": {**named("get_time"), "mode": "auto"}}, "tool_choice.mode", "Unrecognized"),
        ({"tools": [WEATHER, WEATHER]}, "tools", "defined twice"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]},
            "tools[0].function.parameters",
            "Invalid schema for function 'f': schema must be a JSON Schema of 'type: \"object\"'",
        ),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "strict": True,
                            "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
                        },
                    }
                ]
            },
            "tools[0].function.parameters",
            "In context=(), 'additionalProperties' is required",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    client: OpenAI, fields: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(
            model="nano", messages=ASK, extra_body={"tools": [WEATHER, TIME], **fields}
        )
    assert refusal.value.param == param
    assert words in refusal.value.body["message"]  # type: ignore[index]


def test_calls_and_their_results_belong_together(client: OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}
    asked: dict[str, Any] = {"model": "nano", "tools": [TIME], "max_tokens": 1}
    client.chat.completions.create(messages=[*ASK, calling, result], **asked)
    with pytest.raises(openai.BadRequestError, match=r"did not have response messages: call_1"):
        client.chat.completions.create(messages=[*ASK, calling, *HELLO], **asked)
    with pytest.raises(openai.BadRequestError, match=r"must be a response to a preceding message"):
        client.chat.completions.create(messages=[*ASK, result], **asked)
