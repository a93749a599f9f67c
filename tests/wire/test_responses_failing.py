"""Responses whose generation breaks off, on a chat that is made up: no server, no engine."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from tests.wire.test_responses_events import BASE
from tunesmith.api.chat.tool_calls import CallArguments, CallBegun
from tunesmith.api.generation.choice_text import Delta
from tunesmith.api.responses.answer import Answering, Home
from tunesmith.errors import EngineUnavailable, InvalidRequest, TunesmithError
from tunesmith.store import responses


def answering(
    monkeypatch: pytest.MonkeyPatch,
    said: list[Any],
    error: Exception | None = None,
    refusal: str | None = None,
) -> tuple[Answering, list[Any]]:
    """A response whose chat says `said`, then fails with `error` or ends; and what gets stored."""
    stored: list[Any] = []
    monkeypatch.setattr(responses, "insert", lambda db, row, **items: stored.append((row, items)))

    async def steps() -> Any:
        for piece in said:
            yield 0, [piece], Delta("", (), None)
        if error is not None:
            raise error
        yield 0, [], Delta("", (), "stop")

    choice = SimpleNamespace(refusal=refusal)
    begun: Any = SimpleNamespace(
        answers=SimpleNamespace(steps=steps, choices=[choice]),
        generation=SimpleNamespace(tokenizer=None, counts=lambda: (5, 2, 3)),
    )
    base = {**BASE, "previous_response_id": None, "store": True}
    db: Any = SimpleNamespace(write=nullcontext)
    home = Home(db, "proj_1", given=[], root_id="resp_1", conversation_id=None)
    made = Answering(begun, base, home=home, logprobs=False, obfuscated=False, request_id="req_1")
    return made, stored


def streamed(made: Answering) -> list[dict[str, Any]]:
    async def read() -> bytes:
        return b"".join([piece async for piece in made.events()])

    told = asyncio.run(read()).decode()
    return [json.loads(event.split("data: ")[1]) for event in told.split("\n\n")[:-1]]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineUnavailable("The engine died."), "server_error"),
        (InvalidRequest("The grammar is too large."), "invalid_prompt"),
        (ValueError("a secret of ours"), "server_error"),
    ],
)
def test_what_breaks_off_in_a_stream_is_told_as_a_failed_response(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    made, stored = answering(monkeypatch, ["Hello", " there"], error)
    events = streamed(made)
    assert [event["type"] for event in events[-3:]] == [
        "response.output_item.done", "error", "response.failed",
    ]  # fmt: skip
    failed = events[-1]["response"]
    assert failed["status"] == "failed" and failed["error"]["code"] == events[-2]["code"] == code
    assert failed["output"][0]["status"] == "incomplete"
    assert failed["output"][0]["content"][0]["text"] == "Hello there"
    assert "secret" not in failed["error"]["message"]
    assert not stored


def test_what_fails_before_the_first_event_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = answering(monkeypatch, [], EngineUnavailable("The engine died."))
    with pytest.raises(EngineUnavailable):
        streamed(made)
    made, stored = answering(monkeypatch, ["Hello"], InvalidRequest("x", param="response_format"))
    with pytest.raises(TunesmithError) as refusal:
        asyncio.run(made.whole())
    assert refusal.value.param == "text.format" and not stored


def test_a_stream_that_its_reader_leaves_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stored = answering(monkeypatch, ["Hello", " there"])

    async def leave() -> None:
        events = made.events()
        await anext(events)
        await events.aclose()

    asyncio.run(leave())
    assert not stored


def test_a_stream_is_stored_before_its_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stored = answering(
        monkeypatch, ["Hello", CallBegun("f"), CallArguments('{"a":'), CallArguments("1}")]
    )

    async def read() -> None:
        async for piece in made.events():
            assert bool(stored) == (b"response.completed" in piece)

    asyncio.run(read())
    [(row, items)] = stored
    assert row.pieces == [[5], [5, 2]] and "output" not in row.body
    assert [item["type"] for item in items["written"]] == ["message", "function_call"]
    assert row.body["usage"]["input_tokens_details"] == {"cached_tokens": 2, "cache_write_tokens": 0}


def test_an_answer_that_is_not_as_it_was_asked_for_carries_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = answering(monkeypatch, ["{}"], refusal="It does not fit.")
    response = asyncio.run(made.whole())
    assert response["status"] == "completed"
    assert response["output"][-1]["content"] == [{"type": "refusal", "refusal": "It does not fit."}]
    made, _ = answering(monkeypatch, ["{}"], refusal="It does not fit.")
    types = [event["type"] for event in streamed(made)]
    assert "response.refusal.done" in types and types[-1] == "response.completed"
