"""Many new grammars at once: bounded, by turns, and only for who still waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from starlette.requests import Request

from tests.infer.conftest import engine_of, tiny_model
from tunesmith.errors import EngineUnavailable, InvalidRequest
from tunesmith.infer import grammar as module
from tunesmith.infer.grammar import Grammar, Grammars
from tunesmith.infer.grammar_queue import MAX_QUEUED, MAX_QUEUED_OF_A_PROJECT
from tunesmith.infer.server import EngineServer
from tunesmith.settings import NANO


class Gate:
    """Stands where grammars are tried out: notes each, and lets it pass when it may."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.problem: str | None = None

    def check(self, text: str) -> str | None:
        self.tried.append(text)
        self.entered.release()
        assert self.opened.wait(30)
        return self.problem

    def close(self) -> None:
        self.opened.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def grammars(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grammars]:
    """One thread; it is busy with a first grammar until the gate is opened."""
    monkeypatch.setattr(module, "_COMPILING_THREADS", 1)
    monkeypatch.setattr(module, "GrammarChecker", lambda *_: gate)
    made = Grammars(NANO, n_vocab=4096, eos_token_ids=[2])
    first = made.compile(asks("first"))
    assert gate.entered.acquire(timeout=30)
    yield made
    made.close()
    if not first.cancelled():
        first.exception(30)


def asks(word: str) -> dict[str, Any]:
    return {"choice": [word]}


def order(gate: Gate) -> list[str]:
    return [text.partition('"')[2].partition('"')[0] for text in gate.tried]


def ask_many(grammars: Grammars, n: int, project: str) -> list[Future[Grammar]]:
    return [grammars.compile(asks(f"{project}{i}"), project) for i in range(n)]


def test_more_new_grammars_than_may_wait_are_told_to_come_again(grammars: Grammars, gate: Gate):
    waiting = ask_many(grammars, MAX_QUEUED_OF_A_PROJECT, "a")
    with pytest.raises(EngineUnavailable) as caught:
        grammars.compile(asks("one more"), "a")
    assert caught.value.headers["Retry-After"]
    again = grammars.compile(asks("a0"), "a")  # it waits already
    waiting += [grammars.compile(asks(f"other{i}"), str(i)) for i in range(MAX_QUEUED - len(waiting))]
    with pytest.raises(EngineUnavailable):
        grammars.compile(asks("one more"), "b")
    gate.opened.set()
    assert again.result(30) is waiting[0].result(30)
    assert all(one.result(30) for one in waiting)
    assert grammars.compile(asks("one more"), "a").result(30)


def test_projects_take_turns(grammars: Grammars, gate: Gate):
    waiting = ask_many(grammars, 4, "a") + ask_many(grammars, 2, "b") + ask_many(grammars, 1, "c")
    gate.opened.set()
    for one in waiting:
        one.result(30)
    assert order(gate) == ["first", "a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_a_grammar_that_nobody_waits_for_any_more_is_not_compiled(grammars: Grammars, gate: Gate):
    left, stays = grammars.compile(asks("x"), "a"), grammars.compile(asks("y"), "a")
    also_left, goes_on = grammars.compile(asks("z"), "a"), grammars.compile(asks("z"), "b")
    assert left.cancel() and also_left.cancel()
    for one in ask_many(grammars, MAX_QUEUED_OF_A_PROJECT - 2, "a"):  # who left takes up no room
        one.cancel()
    gate.opened.set()
    assert stays.result(30) and goes_on.result(30)
    assert order(gate) == ["first", "y", "z"]


def test_a_refusal_is_remembered_and_so_many_of_them(
    grammars: Grammars, gate: Gate, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MAX_REFUSALS", 2)
    gate.problem = "it is bad"
    gate.opened.set()

    def refusal(word: str) -> InvalidRequest:
        with pytest.raises(InvalidRequest) as caught:
            grammars.compile(asks(word)).result(30)
        return caught.value

    first, again = refusal("x"), refusal("x")
    assert order(gate) == ["first", "x"]
    assert first is not again and first.body() == again.body() and first.param == "structured_outputs"
    refusal("y")
    refusal("z")
    refusal("x")
    assert order(gate) == ["first", "x", "y", "z", "x"]


def test_who_waits_at_the_end_is_let_go(grammars: Grammars):
    waiting = grammars.compile(asks("x"))
    grammars.close()
    assert waiting.cancelled()


def test_a_client_that_leaves_takes_its_grammar_out_of_the_queue(grammars: Grammars, gate: Gate):
    server = EngineServer(
        engine_of(tiny_model(vocab_size=4096)),
        grammars=grammars,
        base_id="tiny",
        n_vocab=4096,
        context_length=256,
        eos_token_ids=[2],
        max_waiting=40,
        gave_up=lambda: None,
    )
    body = b'{"model": "tiny", "prompt": [5], "structured_outputs": {"choice": ["x"]}, "cache_salt": "a"}'

    async def story() -> None:
        leaves = asyncio.Event()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await leaves.wait()
            return {"type": "http.disconnect"}

        asking = asyncio.create_task(server.complete(Request({"type": "http"}, receive)))
        while not grammars.n_queued:
            await asyncio.sleep(0)
        leaves.set()
        assert (await asking).status_code == 499
        await asyncio.sleep(0)
        assert not grammars.n_queued

    asyncio.run(story())
    gate.opened.set()
    assert server.thread.n_waiting == 0
    assert order(gate) == ["first"]
