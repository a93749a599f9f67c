"""`/v1/responses` through the real client, on the nano base."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseOutputMessage
from pydantic import BaseModel

from tunesmith.data.chat_template import Renderer
from tunesmith.settings import NANO

GREEDY: dict[str, Any] = {"model": "gpt-4o-mini", "temperature": 0}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather of a city",
    "parameters": SCHEMA,
}
CHAT_WEATHER: Any = {"type": "function", "function": {k: v for k, v in WEATHER.items() if k != "type"}}
RESULT = '{"weather": "sunny", "temperature": 21}'
QUESTION = "What is the weather in Paris?"


def refused(client: OpenAI, **fields: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as refusal:
        client.responses.create(model="nano", extra_body=fields)
    return refusal.value


def chat_text(client: OpenAI, messages: list[Any], **fields: Any) -> tuple[str | None, int]:
    """What a chat answers, and the length of its prompt."""
    completion = client.chat.completions.create(messages=messages, **GREEDY, **fields)
    assert completion.usage is not None
    return completion.choices[0].message.content, completion.usage.prompt_tokens


def events_of(answer: httpx2.Response) -> Iterator[dict[str, Any]]:
    for event in answer.text.split("\n\n")[:-1]:
        name, data = event.split("\n")
        parsed = json.loads(data.removeprefix("data: "))
        assert name == f"event: {parsed['type']}"
        yield parsed


# -- text -------------------------------------------------------------------------------------------


def test_a_string_is_the_users_message(client: OpenAI) -> None:
    response = client.responses.create(input="Hello!", instructions="Be brief.", **GREEDY)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]
    assert response.usage is not None
    assert (response.output_text, response.usage.input_tokens) == chat_text(client, messages)
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    [message] = response.output
    assert response.id.startswith("resp_") and cast(Any, message).id.startswith("msg_")
    assert response.status == message.status == "completed"
    assert response.completed_at is not None and response.completed_at >= response.created_at


def test_the_answer_repeats_the_settings_with_their_defaults(http: httpx2.Client) -> None:
    body = http.post("/v1/responses", json={"model": "gpt-4o-mini", "input": "Hi", "store": False}).json()
    expected: dict[str, Any] = {
        "object": "response", "status": "completed", "background": False, "error": None,
        "incomplete_details": None, "instructions": None, "max_output_tokens": None, "max_tool_calls": None,
        "model": "gpt-4o-mini-2024-07-18", "parallel_tool_calls": True, "previous_response_id": None,
        "prompt_cache_key": None, "reasoning": {"effort": None, "summary": None}, "safety_identifier": None,
        "service_tier": "default", "store": False, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "text": {"format": {"type": "text"}, "verbosity": "medium"}, "top_logprobs": 0, "top_p": 1.0,
        "truncation": "disabled", "user": None, "metadata": {},
    }  # fmt: skip
    assert {key: body[key] for key in expected} == expected
    part = body["output"][0]["content"][0]
    assert (part["type"], part["annotations"], part["logprobs"]) == ("output_text", [], [])


def test_items_make_the_prompt_that_a_chat_makes_of_the_same_conversation(client: OpenAI) -> None:
    items: list[Any] = [
        {"role": "developer", "content": [{"type": "input_text", "text": "You are "},
                                          {"type": "input_text", "text": "a poet."}]},
        {"role": "user", "content": "Hello!"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": "Good day.", "annotations": []}]},
        {"role": "user", "content": "Who are you?"},
    ]  # fmt: skip
    messages = [
        {"role": "developer", "content": "You are a poet."},
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "Who are you?"},
    ]
    response = client.responses.create(input=items, **GREEDY)
    assert response.usage is not None
    assert (response.output_text, response.usage.input_tokens) == chat_text(client, messages)
    counted = client.responses.input_tokens.count(model="gpt-4o-mini", input=items)
    assert counted.input_tokens == response.usage.input_tokens == len(Renderer.load(NANO).prompt(messages))


def test_an_answer_that_is_cut_says_so(client: OpenAI) -> None:
    response = client.responses.create(input="Hello! Who are you?", max_output_tokens=16, **GREEDY)
    assert response.status == "incomplete"
    assert response.incomplete_details and response.incomplete_details.reason == "max_output_tokens"
    assert response.usage and response.usage.output_tokens == 16
    assert cast(ResponseOutputMessage, response.output[-1]).status == "incomplete"
    assert response.completed_at is None


def test_log_probabilities_belong_to_the_text_and_to_nothing_else(client: OpenAI) -> None:
    asked: dict[str, Any] = {"include": ["message.output_text.logprobs"], "top_logprobs": 2, **GREEDY}
    for tools in ([], [WEATHER]):
        response = client.responses.create(input="Hello!", tools=tools, **asked)
        part = cast(ResponseOutputMessage, response.output[0]).content[0]
        assert part.type == "output_text" and part.logprobs
        assert "".join(entry.token for entry in part.logprobs) == part.text
        assert all(len(entry.top_logprobs) == 2 for entry in part.logprobs)
        streamed = ""
        for event in client.responses.create(input="Hello!", tools=tools, stream=True, **asked):
            if event.type == "response.output_text.delta":
                assert event.logprobs
                streamed += "".join(entry.token for entry in event.logprobs)
        assert streamed == part.text
        stored = client.responses.retrieve(response.id)
        assert cast(Any, stored.output[0]).content[0].logprobs == []
        stored = client.responses.retrieve(response.id, include=["message.output_text.logprobs"])
        assert stored == response


# -- streams ----------------------------------------------------------------------------------------


def test_a_stream_tells_the_same_in_openais_order(client: OpenAI, http: httpx2.Client) -> None:
    asked = {**GREEDY, "input": "Hello!"}
    whole = client.responses.create(**asked)
    answer = http.post("/v1/responses", json={**asked, "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "[DONE]" not in answer.text
    events = list(events_of(answer))
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    assert [event["type"] for event in events if event not in deltas] == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.content_part.added", "response.output_text.done", "response.content_part.done",
        "response.output_item.done", "response.completed",
    ]  # fmt: skip
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len(deltas) > 1 and "".join(event["delta"] for event in deltas) == whole.output_text
    assert all(len(event["delta"] + event["obfuscation"]) % 16 == 0 for event in deltas)
    assert events[0]["response"]["status"] == "in_progress" and events[0]["response"]["usage"] is None
    assert whole.usage is not None
    assert events[-1]["response"]["usage"]["total_tokens"] == whole.usage.total_tokens


def test_a_finished_stream_can_be_read_again_from_any_event(client: OpenAI, http: httpx2.Client) -> None:
    plain = {"stream_options": {"include_obfuscation": False}}
    asked = {**GREEDY, "input": QUESTION, "tools": [WEATHER], "stream": True, **plain}
    told = http.post("/v1/responses", json=asked).text
    events = told.split("\n\n")[:-1]
    response_id = json.loads(events[0].split("data: ")[1])["response"]["id"]
    url = f"/v1/responses/{response_id}?stream=true&include_obfuscation=false"
    assert http.get(url).text == told
    assert http.get(f"{url}&starting_after=3").text.split("\n\n")[:-1] == events[4:]
    assert http.get(f"{url}&starting_after=100000").text == ""
    again = client.responses.retrieve(response_id, stream=True, starting_after=1)
    assert [event.sequence_number for event in again] == list(range(2, len(events)))


def test_a_response_that_was_not_streamed_can_be_read_as_a_stream(client: OpenAI) -> None:
    whole = client.responses.create(input="Hello!", **GREEDY)
    *_, last = client.responses.retrieve(whole.id, stream=True)
    assert last.type == "response.completed" and last.response == whole


class City(BaseModel):
    name: str
    inhabitants: int


def test_the_clients_helpers_parse_what_the_model_writes(client: OpenAI) -> None:
    asked: dict[str, Any] = {"input": "Tell me about Paris as JSON.", "text_format": City, **GREEDY}
    parsed = client.responses.parse(**asked)
    assert isinstance(parsed.output_parsed, City)
    assert parsed.text and parsed.text.format and parsed.text.format.type == "json_schema"
    assert parsed.text.format.schema_ == {**City.model_json_schema(), "additionalProperties": False}
    with client.responses.stream(**asked) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_parsed == parsed.output_parsed == City.model_validate_json(deltas)


def test_any_json_object_can_be_asked_for(client: OpenAI) -> None:
    text: Any = {"format": {"type": "json_object"}}
    response = client.responses.create(input="A JSON object about Paris, please.", text=text, **GREEDY)
    assert isinstance(json.loads(response.output_text), dict)
    refusal = refused(client, input="Hello", text=text)
    assert refusal.param == "input" and "json" in refusal.message


# -- functions --------------------------------------------------------------------------------------


def test_a_function_is_called_and_its_output_answered(client: OpenAI) -> None:
    """The loop of the agent frameworks: all items are sent again each time."""
    items: list[Any] = [{"role": "user", "content": QUESTION}]
    response = client.responses.create(input=items, tools=[WEATHER], store=False, **GREEDY)
    [call] = response.output
    assert isinstance(call, ResponseFunctionToolCall)
    assert call.name == "get_weather" and json.loads(call.arguments) == {"city": "Paris"}
    assert call.id and call.id.startswith("fc_") and call.call_id.startswith("call_")
    items += response.output
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": RESULT})
    final = client.responses.create(input=items, tools=[WEATHER], store=False, **GREEDY)
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": call.call_id, "type": "function",
             "function": {"name": call.name, "arguments": call.arguments}}]},
        {"role": "tool", "tool_call_id": call.call_id, "content": RESULT},
    ]  # fmt: skip
    assert final.usage is not None
    expected = chat_text(client, messages, tools=[CHAT_WEATHER])
    assert (final.output_text, final.usage.input_tokens) == expected
    assert "sunny" in final.output_text


def test_the_same_loop_streamed_and_going_on_from_what_is_stored(client: OpenAI) -> None:
    with client.responses.stream(input=QUESTION, tools=[WEATHER], **GREEDY) as stream:
        types = [event.type for event in stream]
        first = stream.get_final_response()
    assert types[2] == "response.output_item.added"
    assert types[-3:] == [
        "response.function_call_arguments.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    assert types.count("response.function_call_arguments.delta") > 1
    call = cast(ResponseFunctionToolCall, first.output[0])
    assert call.status == "completed"
    output: Any = {
        "type": "function_call_output",
        "call_id": call.call_id,
        "output": [{"type": "input_text", "text": RESULT}],
    }
    final = client.responses.create(input=[output], previous_response_id=first.id, tools=[WEATHER], **GREEDY)
    again: list[Any] = [{"role": "user", "content": QUESTION}, call.to_dict(), output]
    assert "sunny" in final.output_text
    assert final.output_text == client.responses.create(input=again, tools=[WEATHER], **GREEDY).output_text
    items = list(client.responses.input_items.list(final.id, order="asc"))
    assert [item.type for item in items] == ["message", "function_call", "function_call_output"]


def test_a_call_can_be_forced_forbidden_and_restricted(client: OpenAI) -> None:
    other = {**WEATHER, "name": "get_time", "description": "The time in a city"}
    named: Any = {"type": "function", "name": "get_time"}
    allowed: Any = {"type": "allowed_tools", "mode": "required", "tools": [named]}
    for choice in (named, allowed):
        response = client.responses.create(
            input="Hello!", tools=[WEATHER, other], tool_choice=choice, max_output_tokens=200, **GREEDY
        )
        call = cast(ResponseFunctionToolCall, response.output[0])
        assert call.name == "get_time" and isinstance(json.loads(call.arguments)["city"], str)
    quiet = client.responses.create(input=QUESTION, tools=[WEATHER], tool_choice="none", **GREEDY)
    assert quiet.output_text
    response = client.responses.create(
        input="Hello!", tools=[WEATHER], tool_choice="required", max_output_tokens=200, **GREEDY
    )
    assert isinstance(response.output[0], ResponseFunctionToolCall)


def test_a_function_is_strict_unless_it_says_otherwise(client: OpenAI, http: httpx2.Client) -> None:
    optional = {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}}}
    free = {"type": "object", "properties": {"any": {"type": "object"}}}
    tools = [
        {"type": "function", "name": "closed", "parameters": optional},
        {"type": "function", "name": "as_it_is", "parameters": optional, "strict": False},
        {"type": "function", "name": "free", "parameters": free},
    ]
    asked = {"model": "nano", "input": "Hi", "tools": tools, "tool_choice": "none"}
    shown = {tool["name"]: tool for tool in http.post("/v1/responses", json=asked).json()["tools"]}
    assert shown["closed"]["strict"] is True
    assert shown["closed"]["parameters"] == {
        **optional, "required": ["city", "unit"], "additionalProperties": False,
    }  # fmt: skip
    assert shown["as_it_is"]["strict"] is False and shown["as_it_is"]["parameters"] == optional
    assert shown["free"]["strict"] is False and shown["free"]["parameters"] == free
    refusal = refused(client, input="Hi", tools=[{**tools[0], "strict": True}])
    assert refusal.param == "tools[0].parameters" and refusal.code == "invalid_function_parameters"


# -- memory -----------------------------------------------------------------------------------------


def test_going_on_brings_the_conversation_but_not_the_instructions(client: OpenAI) -> None:
    first = client.responses.create(input="Hello!", instructions="Be brief.", **GREEDY)
    second = client.responses.create(input="Who are you?", previous_response_id=first.id, **GREEDY)
    messages = [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": first.output_text},
        {"role": "user", "content": "Who are you?"},
    ]
    assert second.usage is not None
    assert (second.output_text, second.usage.input_tokens) == chat_text(client, messages)
    assert second.previous_response_id == first.id and second.instructions is None
    counted = client.responses.input_tokens.count(
        model="nano", input="Who are you?", previous_response_id=first.id
    )
    assert counted.input_tokens == second.usage.input_tokens


def test_a_stored_response_is_read_as_it_was_answered(client: OpenAI, http: httpx2.Client) -> None:
    asked = {**GREEDY, "input": "Hello!", "metadata": {"topic": "greeting"}, "user": "u1"}
    body = http.post("/v1/responses", json=asked).json()
    found = http.get(f"/v1/responses/{body['id']}").json()
    assert found == body and list(found) == list(body)
    assert found["metadata"] == {"topic": "greeting"} and found["user"] == "u1"


def test_what_is_not_stored_is_not_found_and_cannot_be_gone_on_from(client: OpenAI) -> None:
    response = client.responses.create(input="Hello!", store=False, **GREEDY)
    for absent in (response.id, "resp_none"):
        for look in (
            lambda id: client.responses.retrieve(id),
            lambda id: client.responses.delete(id),
            lambda id: client.responses.cancel(id),
            lambda id: client.responses.input_items.list(id),
        ):
            with pytest.raises(openai.NotFoundError, match=f"Response with id '{absent}' not found."):
                look(absent)
        refusal = refused(client, input="Hi", previous_response_id=absent)
        assert (refusal.status_code, refusal.code) == (400, "previous_response_not_found")
        assert refusal.param == "previous_response_id"
    reference = {"type": "item_reference", "id": cast(Any, response.output[0]).id}
    assert refused(client, input=[reference]).status_code == 404


def test_items_can_be_referred_to_by_their_ids(client: OpenAI) -> None:
    first = client.responses.create(input="Hello!", **GREEDY)
    [given] = client.responses.input_items.list(first.id).data
    items: list[Any] = [
        {"type": "item_reference", "id": cast(Any, given).id},
        {"id": cast(Any, first.output[0]).id},
        {"role": "user", "content": "Who are you?"},
    ]
    second = client.responses.create(input=items, **GREEDY)
    chained = client.responses.create(input="Who are you?", previous_response_id=first.id, **GREEDY)
    assert second.output_text == chained.output_text and second.usage == chained.usage
    twice = refused(client, input=items[1:], previous_response_id=first.id)
    assert twice.param == "input" and "Duplicate item found" in twice.message


def test_input_items_come_in_pages_newest_first(client: OpenAI) -> None:
    items: list[Any] = [{"role": "user", "content": str(number)} for number in range(5)]
    response = client.responses.create(input=items, max_output_tokens=16, **GREEDY)
    page = client.responses.input_items.list(response.id, limit=2)
    assert page.has_more and len(page.data) == 2
    numbers = [cast(Any, item).content[0].text for item in page]
    assert numbers == ["4", "3", "2", "1", "0"]
    asc = client.responses.input_items.list(response.id, limit=2, order="asc", after=page.data[1].id)
    assert [cast(Any, item).content[0].text for item in asc.data] == ["4"] and not asc.has_more
    with pytest.raises(openai.BadRequestError) as refusal:
        client.responses.input_items.list(response.id, after="msg_none")
    assert refusal.value.param == "after"


def test_a_deleted_response_is_gone(client: OpenAI, http: httpx2.Client) -> None:
    first = client.responses.create(input="Hello!", **GREEDY)
    second = client.responses.create(input="And now?", previous_response_id=first.id, **GREEDY)
    body = http.delete(f"/v1/responses/{first.id}").json()
    assert body == {"id": first.id, "object": "response", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(first.id)
    assert refused(client, input="Hi", previous_response_id=first.id).code == "previous_response_not_found"
    third = client.responses.create(input="And then?", previous_response_id=second.id, **GREEDY)
    assert len(client.responses.input_items.list(third.id).data) == 5


def test_a_response_that_was_waited_for_cannot_be_cancelled(client: OpenAI) -> None:
    response = client.responses.create(input="Hello!", **GREEDY)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response."):
        client.responses.cancel(response.id)


# -- length -----------------------------------------------------------------------------------------


def test_a_conversation_that_is_too_long_is_refused_or_shortened(client: OpenAI) -> None:
    long = "word " * 3000
    items: list[Any] = [{"role": "user", "content": long}, {"role": "assistant", "content": long}]
    items += [{"role": "user", "content": "Hello!"}]
    refusal = refused(client, input=items)
    assert refusal.code == "context_length_exceeded" and refusal.param == "input"
    assert "messages" not in refusal.message
    short = client.responses.create(input=items[2:], **GREEDY)
    cut = client.responses.create(input=items, truncation="auto", **GREEDY)
    assert cut.output_text == short.output_text and cut.truncation == "auto"
    with_instructions = client.responses.create(
        input=items, truncation="auto", instructions="Be brief.", **GREEDY
    )
    assert with_instructions.usage and short.usage
    assert with_instructions.usage.input_tokens > short.usage.input_tokens
    refusal = refused(client, input=long * 5, truncation="auto")
    assert refusal.code == "context_length_exceeded"


# -- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "input", "missing_required_parameter"),
        ({"input": 3}, "input", "invalid_type"),
        ({"input": "x", "messages": []}, "messages", "unknown_parameter"),
        ({"input": "x", "max_tokens": 20}, "max_tokens", "unknown_parameter"),
        ({"input": "x", "max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({"input": "x", "temperature": 3}, "temperature", None),
        ({"input": "x", "include": ["everything"]}, "include[0]", "invalid_value"),
        ({"input": "x", "background": True}, "background", "unsupported_parameter"),
        ({"input": "x", "conversation": {"id": 3}}, "conversation.id", "invalid_type"),
        ({"input": "x", "conversation": "conv_1", "previous_response_id": "resp_1"}, "conversation",
         "mutually_exclusive_parameters"),
        ({"input": "x", "prompt": {"id": "pmpt_1"}}, "prompt", "unsupported_parameter"),
        ({"input": "x", "moderation": {"model": "m"}}, "moderation", "unsupported_parameter"),
        ({"input": "x", "context_management": [{"type": "compaction"}]}, "context_management",
         "unsupported_parameter"),
        ({"input": "x", "reasoning": {"effort": "low"}}, "reasoning.effort", "unsupported_parameter"),
        ({"input": "x", "reasoning": {"summary": "detailed"}}, "reasoning.summary", "unsupported_parameter"),
        ({"input": "x", "text": {"verbosity": "low"}}, "text.verbosity", "unsupported_value"),
        ({"input": "x", "text": {"format": {"type": "grammar"}}}, "text.format", "invalid_value"),
        ({"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema",
         "missing_required_parameter"),
        ({"input": "x", "text": {"format": {"type": "json_schema", "name": "n", "strict": True,
                                            "schema": {"type": "object", "properties": {"a": {}}}}}},
         "text.format", None),
        ({"input": "x", "stream_options": {}}, "stream_options", None),
        ({"input": "x", "tools": [{"type": "web_search"}]}, "tools[0]", "invalid_value"),
        ({"input": "x", "tools": [{"type": "mcp", "server_label": "s"}]}, "tools[0]", "invalid_value"),
        ({"input": "x", "tools": [WEATHER, WEATHER]}, "tools", None),
        ({"input": "x", "tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"input": "x", "tools": [WEATHER], "tool_choice": {"type": "function", "name": "f"}}, "tool_choice",
         None),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]},
         "input[0].content[0]", "invalid_value"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "u"}]}]},
         "input[0].content[0]", "invalid_value"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0]", "invalid_value"),
        ({"input": [{"role": "user", "content": "x", "name": "n"}]}, "input[0].name", "unknown_parameter"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input[0]", "invalid_value"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input", None),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]}, "input",
         None),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_named(
    client: OpenAI, fields: dict[str, Any], param: str, code: str | None
) -> None:
    refusal = refused(client, **fields)
    assert (refusal.status_code, refusal.param) == (400, param)
    assert refusal.code == code or code is None
    assert "messages[" not in refusal.message and "response_format" not in refusal.message


def test_what_changes_nothing_is_accepted(client: OpenAI) -> None:
    response = client.responses.create(
        input="Hello!",
        service_tier="flex",
        prompt_cache_key="k",
        safety_identifier="s",
        max_tool_calls=3,
        include=["reasoning.encrypted_content", "file_search_call.results"],
        reasoning={"effort": "none"},
        extra_body={"prompt_cache_retention": "24h"},
        **GREEDY,
    )
    assert response.service_tier == "default"
    assert (response.prompt_cache_key, response.safety_identifier) == ("k", "s")
    assert response.max_tool_calls == 3 and response.prompt_cache_retention == "24h"


def test_a_conversation_is_not_compacted(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.responses.compact(model="nano", input="Hello!")
    assert refusal.value.code == "not_served"


def test_a_refusal_before_the_first_event_is_no_stream(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.responses.create(model="gpt-none", input="Hello!", stream=True)
    assert refusal.value.code == "model_not_found"


def test_a_tuned_model_answers_in_responses_too(client: OpenAI, tuned_model: str) -> None:
    asked: dict[str, Any] = {"model": tuned_model, "temperature": 0}
    response: Response = client.responses.create(input="Say red.", **asked)
    completion = client.chat.completions.create(messages=[{"role": "user", "content": "Say red."}], **asked)
    assert response.model == tuned_model
    assert response.output_text == completion.choices[0].message.content
