"""Lanes and the adapters in them, where something fails on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.infer.conftest import drain, engine_of, generated, sequence, tiny_model
from tests.infer.make_adapter import random_adapter
from tunesmith.infer.engine import Engine
from tunesmith.model.adapter import write_adapter

PROMPT = [5, 6, 7, 8]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """With nine adapters: one more than there are lanes at first."""
    model = tiny_model()
    for i in range(3):
        write_adapter(tmp_path / str(i), random_adapter(model, i))
    engine = engine_of(model)
    engine.runner.adapters._max_adapters = 9
    for i in range(9):
        engine.runner.adapters.load(f"m{i}", tmp_path / str(i % 3))
    return engine


def ask(engine: Engine, *names: str | None) -> list[tuple[str | None, list[int]]]:
    pool = engine.runner.adapters
    rows = [sequence(PROMPT, pool.get(name) if name else None) for name in names]
    drain(engine, rows)
    return [(row.finish_reason, generated(row)) for row in rows]


def fails_once(monkeypatch: pytest.MonkeyPatch, engine: Engine, method: str) -> None:
    """The second layer's lanes find no memory, one time."""
    group = engine.runner.groups[1]
    works = getattr(group, method)

    def no_memory(*args: Any) -> None:
        monkeypatch.setattr(group, method, works)
        raise MemoryError("no memory")

    monkeypatch.setattr(group, method, no_memory)


def test_lanes_that_could_not_grow_are_filled_again(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    names = [None, *(f"m{i}" for i in range(9))]
    before = [ask(engine, name)[0] for name in names]
    fails_once(monkeypatch, engine, "resize")
    assert {reason for reason, _ in ask(engine, *names)} == {"error"}
    assert engine.runner.lanes.capacity == 8, "what could not be had is not asked of steps that need less"
    assert [ask(engine, name)[0] for name in names] == before
    assert ask(engine, *names) == before


def test_a_lane_that_was_filled_by_half_belongs_to_nobody(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    first, second = ask(engine, "m0")[0], ask(engine, "m1")[0]
    assert first != second
    ask(engine, "m0")
    fails_once(monkeypatch, engine, "fill")
    assert ask(engine, "m1")[0][0] == "error", "m1 takes the lane of m0"
    assert ask(engine, "m0")[0] == first and ask(engine, "m1")[0] == second


def test_a_step_like_the_one_before_a_failed_one_sets_its_lanes_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def first_step(*names: str) -> list[list[int]]:
        rows = [sequence(PROMPT, engine.runner.adapters.get(name), max_tokens=1) for name in names]
        drain(engine, rows)
        return [generated(row) for row in rows]

    expected = first_step("m0", "m1", "m2")
    fails_once(monkeypatch, engine, "fill")
    first_step("m3", "m4", "m5", "m6", "m7", "m8")
    assert first_step("m0", "m1", "m2") == expected
