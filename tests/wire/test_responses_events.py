"""The events of a response, and the items of its input: properties that hold for any text and any cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tunesmith.api.responses.events import Growth, replay
from tunesmith.api.responses.items import turns
from tunesmith.errors import InvalidRequest

BASE: dict[str, Any] = {
    "id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "completed_at": None,
    "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "model": "nano",
    "output": [], "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [],
    "top_p": 1.0, "usage": None,
}  # fmt: skip
USAGE = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}
OUTCOMES = {
    "completed": {"status": "completed", "incomplete_details": None, "error": None},
    "incomplete": {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    "failed": {"status": "failed", "error": {"code": "server_error", "message": "The engine died."}},
}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

said = st.tuples(st.just("text"), st.text(max_size=9))
refused = st.tuples(st.just("refuse"), st.text(max_size=9))
called = st.tuples(st.just("call"), st.lists(st.text(max_size=9), max_size=3))


def grown(steps: list[tuple[str, Any]], status: str, *, logprobs: bool) -> tuple[Growth, dict, str]:
    growth = Growth(dict(BASE))
    told = growth.begun()
    for kind, what in steps:
        if kind == "text":
            entry = {"token": what, "logprob": -1.0, "bytes": list(what.encode()), "top_logprobs": []}
            told += growth.text(what, [entry] if logprobs else [])
        elif kind == "refuse":
            told += growth.refuse(what)
        else:
            told += growth.call("look_up")
            for piece in what:
                told += growth.arguments(piece)
    outcome = {"completed_at": 2, "usage": USAGE, "error": None, "incomplete_details": None}
    outcome |= OUTCOMES[status]
    told += growth.ended(outcome)
    return growth, growth.response(outcome), told


def parsed(told: str) -> list[dict[str, Any]]:
    events = []
    for event in told.split("\n\n")[:-1]:
        name, data = event.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


@given(st.lists(said | called | refused, max_size=6), st.sampled_from(sorted(OUTCOMES)), st.booleans())
def test_whatever_is_written_the_events_tell_it_in_openais_shape_and_order(
    steps: list[tuple[str, Any]], status: str, logprobs: bool
) -> None:
    growth, response, told = grown(steps, status, logprobs=logprobs)
    events = parsed(told)
    for event in events:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["type"] == f"response.{status}"
    assert events[-1]["response"] == response
    deltas: dict[int, str] = {}
    for event in events:
        if event["type"].endswith(".delta"):
            deltas[event["output_index"]] = deltas.get(event["output_index"], "") + event["delta"]
    for index, item in enumerate(response["output"]):
        part = item["content"][0] if item["type"] == "message" else {"text": item["arguments"]}
        whole = part["text"] if "text" in part else part["refusal"]
        assert deltas.get(index, "") == whole
    assert len(growth.pieces) == len(response["output"])


@given(st.lists(said | called | refused, max_size=6), st.sampled_from(sorted(OUTCOMES)), st.booleans())
def test_a_replay_says_what_the_stream_said(
    steps: list[tuple[str, Any]], status: str, logprobs: bool
) -> None:
    growth, response, told = grown(steps, status, logprobs=logprobs)
    stored, pieces = json.loads(json.dumps([response, growth.pieces]))
    assert "".join(replay(stored, pieces)) == told


def message(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "id": "msg_1", "role": role, "content": [{"type": kind, "text": text}]}


def call(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "id": "fc_1", "call_id": call_id, "name": "f", "arguments": "{}"}


def output(call_id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "id": "fco_1", "call_id": call_id, "output": f"of {call_id}"}


def roles(items: list[dict[str, Any]]) -> list[str]:
    shown = []
    for turn in turns(items):
        for made in turn:
            calls = "".join("+" + one["id"] for one in made.get("tool_calls", []))
            shown.append(f"{made['role']}{calls}:{made['content']}")
    return shown


def test_what_the_assistant_said_and_called_in_one_breath_is_one_message() -> None:
    items = [message("user", "u"), message("assistant", "a"), call("1"), call("2"), output("1"), output("2")]
    assert roles(items) == ["user:u", "assistant+1+2:a", "tool:of 1", "tool:of 2"]
    assert roles([call("1"), message("assistant", "a"), output("1")]) == ["assistant+1:a", "tool:of 1"]


def test_messages_of_the_assistant_without_calls_stay_apart() -> None:
    items = [message("assistant", "a"), message("assistant", "b")]
    assert roles(items) == ["assistant:a", "assistant:b"]


def test_calls_one_after_the_other_are_turns_of_their_own() -> None:
    items = [call("1"), output("1"), call("2"), output("2"), message("assistant", "a")]
    assert roles(items) == ["assistant+1:None", "tool:of 1", "assistant+2:None", "tool:of 2", "assistant:a"]


def test_an_output_stands_behind_its_call_wherever_it_was_sent() -> None:
    items = [call("1"), message("user", "u"), call("2"), output("2"), output("1")]
    assert roles(items) == ["assistant+1:None", "tool:of 1", "user:u", "assistant+2:None", "tool:of 2"]


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([output("1")], "No tool call found for function call output with call_id 1."),
        ([call("1"), message("user", "u")], "No tool output found for function call 1."),
    ],
)
def test_a_call_and_its_output_need_each_other(items: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem) as refusal:
        turns(items)
    assert refusal.value.param == "input"
