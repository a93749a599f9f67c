"""Prompts that begin alike: read once, and nobody's answer changes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infer.conftest import FAMILIES, N_VOCAB, drain, engine_of, generated, plainly, sequence, tiny_model
from tests.infer.make_adapter import random_adapter
from tunesmith.infer.engine import Engine
from tunesmith.infer.sequence import Sequence
from tunesmith.model.adapter import write_adapter

CHANCE = random.Random(3)
SYSTEM = [CHANCE.randrange(3, N_VOCAB) for _ in range(150)]
TURN, OTHER = ([CHANCE.randrange(3, N_VOCAB) for _ in range(n)] for n in (20, 9))


def cached(engine: Engine, prompt: list[int], adapter: Any = None, **params: Any) -> Sequence:
    row = sequence(prompt, adapter, **params)
    drain(engine, [row])
    return row


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_goes_on_where_it_was_and_answers_as_the_stock_class_does(family: str):
    model = tiny_model(family)
    first_answer = plainly(model, SYSTEM, 30)
    second = [*SYSTEM, *first_answer, *TURN]
    expected = plainly(model, second, 12), plainly(model, [*SYSTEM, *OTHER], 12)
    engine = engine_of(model, prefix_pages=64)
    first = cached(engine, SYSTEM, max_tokens=30)
    assert generated(first) == first_answer and first.n_reused == 0
    rows = sequence(second), sequence([*SYSTEM, *OTHER])
    drain(engine, list(rows))
    assert tuple(map(generated, rows)) == expected
    assert [row.n_reused for row in rows] == [128, 128]  # whole pages of 64; 179 of the first were computed


def test_the_same_prompt_many_times_at_once_is_read_once():
    engine = engine_of(tiny_model(), prefix_pages=64, max_step_tokens=512)
    expected = plainly(tiny_model(), SYSTEM, 12)
    rows = [sequence(SYSTEM) for _ in range(6)]
    drain(engine, rows)
    assert [generated(row) for row in rows] == [expected] * 6
    assert [row.n_reused for row in rows] == [0, 128, 128, 128, 128, 128]
    assert engine.counters.prompt_tokens == len(SYSTEM) + 5 * (len(SYSTEM) - 128) - 6
    assert engine.counters.reused_tokens == 5 * 128


def test_adapters_and_salts_have_prefixes_of_their_own(tmp_path: Path):
    model = tiny_model()
    for name in "ab":
        write_adapter(tmp_path / name, random_adapter(model, ord(name)))
    alone = engine_of(tiny_model())
    engine = engine_of(model, prefix_pages=64)
    answers: dict[str | None, list[list[int]]] = {}
    for one in (alone, engine):
        for name in "ab":
            one.runner.adapters.load(name, tmp_path / name)
        for name in (None, "a", "b", "a", "b", None):
            row = cached(one, SYSTEM, one.runner.adapters.get(name) if name else None)
            answers.setdefault(name, []).append(generated(row))
    assert all(answer == same[0] for same in answers.values() for answer in same)
    assert len({tuple(same[0]) for same in answers.values()}) == 3
    n_reused = [cached(engine, SYSTEM, cache_salt=salt).n_reused for salt in ("x", "y", "x", None)]
    assert n_reused == [0, 0, 128, 128]


def test_another_adapter_of_the_same_name_begins_anew(tmp_path: Path):
    model = tiny_model()
    for name in "ab":
        write_adapter(tmp_path / name, random_adapter(model, ord(name)))
    engine = engine_of(model, prefix_pages=64)
    pool = engine.runner.adapters
    pool.load("a", tmp_path / "a")
    before = generated(cached(engine, SYSTEM, pool.get("a")))
    pool.load("a", tmp_path / "b")
    row = cached(engine, SYSTEM, pool.get("a"))
    assert row.n_reused == 0 and generated(row) != before


def test_what_must_be_computed_is(monkeypatch: pytest.MonkeyPatch):
    engine = engine_of(tiny_model(), prefix_pages=64)
    cached(engine, SYSTEM)
    scored = cached(engine, SYSTEM, prompt_logprobs=0)
    assert scored.n_reused == 0 and len(scored.prompt_logprobs) == len(SYSTEM)
    pooled = cached(engine, SYSTEM, max_tokens=0, pooling="mean")
    assert pooled.n_reused == 0 and pooled.finish_reason == "stop"
    assert cached(engine, SYSTEM[:128]).n_reused == 64, "the last token is always computed"
    assert cached(engine, SYSTEM[:129]).n_reused == 128


def test_the_oldest_ends_make_room_first():
    engine = engine_of(tiny_model(), prefix_pages=3)
    cached(engine, SYSTEM)  # two pages
    cached(engine, [*SYSTEM[:64], *OTHER * 10])  # the first of them, and one of its own
    cached(engine, [7, *SYSTEM])  # two more: of the others, the one page that both began with stays
    assert cached(engine, SYSTEM).n_reused == 64
    assert engine.prefixes is not None and engine.prefixes.n_tokens == 3 * 64


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 150), st.integers(1, 60), st.integers(1, 40)), max_size=10
    )
)
def test_any_mixture_of_prompts_answers_as_without(without: Engine, within: Engine, asked: list[Any]):
    texts = [SYSTEM, SYSTEM[:70] + OTHER * 20, OTHER * 30]
    prompts = [texts[i][:n] + TURN[: n_own % 20] + [4] for i, n, n_own, _ in asked]
    answers = []
    for engine in (without, within):
        rows = [sequence(prompt, max_tokens=n) for prompt, (*_, n) in zip(prompts, asked, strict=True)]
        joining = rows[len(rows) // 2 :]

        def join(step: int, engine: Engine = engine, joining: list[Sequence] = joining) -> None:
            if joining:
                engine.scheduler.add(joining.pop(0))

        drain(engine, rows[: len(rows) // 2], join)
        drain(engine, joining)
        answers.append([generated(row) for row in rows])
        assert engine.scheduler.places.n_free == engine.scheduler.places.capacity
    assert answers[0] == answers[1]


@pytest.fixture(scope="module")
def without() -> Engine:
    return engine_of(tiny_model())


@pytest.fixture(scope="module")
def within() -> Engine:
    return engine_of(tiny_model(), prefix_pages=6)
