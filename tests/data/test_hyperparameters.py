"""What "auto" resolves to, and that it says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.data.base import Base
from tunesmith.data.hyperparameters import Resolved, rank, resolve


def base(n_parameters: int = 5_500_000, hidden_size: int = 256, model_type: str = "qwen3") -> Base:
    return Base("b", Path("/b"), 2048, n_parameters, hidden_size, model_type, True, (2,), "0" * 64)


BIG = base(8_000_000_000, 4096, "llama")


def auto(n_examples: int, of: Base | None = None, **requested: Any) -> Resolved:
    return resolve(requested, n_examples=n_examples, base=of or base())


@pytest.mark.parametrize(("rows", "epochs"), [(10, 20), (40, 20), (50, 16), (100, 8), (267, 3), (5000, 3)])
def test_a_small_base_takes_800_rows_in_all(rows: int, epochs: int) -> None:
    resolved = auto(rows)
    assert (resolved.n_epochs, resolved.batch_size) == (epochs, 4)
    assert "800" in resolved.reasons["n_epochs"]


@pytest.mark.parametrize(
    ("rows", "rate"),
    [(10, 6e-3), (100, 6e-3), (150, 3e-3), (200, 1.5e-3), (201, 1.5e-3), (9999, 1.5e-3)],
)
def test_a_small_base_learns_fast_and_a_quarter_as_fast_from_many_rows(rows: int, rate: float) -> None:
    resolved = auto(rows)
    assert resolved.learning_rate == pytest.approx(rate) and resolved.learning_rate_multiplier == 1.0
    assert ("interpolated" in resolved.reasons["learning_rate"]) == (100 < rows <= 200)


def test_preference_training_of_a_small_base_is_short() -> None:
    resolved = resolve({}, n_examples=60, base=base(), method="dpo")
    assert (resolved.n_epochs, resolved.batch_size, resolved.learning_rate, resolved.beta) == (
        2,
        8,
        1e-3,
        0.1,
    )


@pytest.mark.parametrize(
    ("rows", "epochs", "batch"),
    [(10, 10, 1), (33, 3, 1), (4, 25, 1), (100, 3, 1), (8333, 3, 17), (10_000, 2, 20), (200_000, 1, 256)],
)
def test_other_bases_follow_the_published_rules(rows: int, epochs: int, batch: int) -> None:
    resolved = auto(rows, BIG)
    assert (resolved.n_epochs, resolved.batch_size) == (epochs, batch)


def test_the_rate_of_other_bases_follows_width_and_family() -> None:
    assert auto(100, BIG).learning_rate == pytest.approx(5e-4 * (2000 / 4096) ** 0.781)
    assert auto(100, base(4 * 10**9, 2560, "qwen3")).learning_rate == pytest.approx(
        5e-4 * (2000 / 2560) ** 0.0775
    )
    other = auto(100, base(4 * 10**9, 4096, "mistral")).learning_rate
    assert auto(100, BIG).learning_rate < other < auto(100, base(4 * 10**9, 4096, "qwen2")).learning_rate


def test_a_run_of_few_steps_takes_a_higher_rate() -> None:
    short, long = auto(100, BIG, n_epochs=1, batch_size=2), auto(100, BIG, n_epochs=1, batch_size=1)
    assert short.learning_rate == pytest.approx(1.5 * long.learning_rate)
    assert "x 1.5 for a run of 50 steps" in short.reasons["learning_rate"]


def test_numbers_are_kept_and_a_multiplier_multiplies() -> None:
    resolved = auto(40, n_epochs=7, batch_size=3, learning_rate_multiplier=0.5)
    assert (resolved.n_epochs, resolved.batch_size, resolved.learning_rate_multiplier) == (7, 3, 0.5)
    assert resolved.learning_rate == pytest.approx(3e-3)
    assert [resolved.reasons[key] for key in ("n_epochs", "batch_size", "learning_rate_multiplier")] == [
        "as asked"
    ] * 3


@pytest.mark.parametrize("requested", [{}, {"n_epochs": "auto"}, {"n_epochs": None, "batch_size": "auto"}])
def test_auto_null_and_absent_are_the_same_and_every_value_has_its_reason(requested: dict[str, Any]) -> None:
    resolved = resolve(requested, n_examples=40, base=base())
    assert resolved == auto(40)
    assert set(resolved.reasons) == {"n_epochs", "batch_size", "learning_rate_multiplier", "learning_rate"}
    assert all(resolved.reasons.values())


@pytest.mark.parametrize(
    ("n_targets", "expected"),
    [(1, 8), (20_000_000, 8), (21_000_001, 16), (42_000_001, 32), (3 * 10**8, 128), (10**9, 128)],
)
def test_the_adapter_has_as_many_values_as_there_are_tokens_to_learn(n_targets: int, expected: int) -> None:
    r, why = rank(n_parameters=8 * 10**9, per_rank=2_625_000, n_targets=n_targets)
    assert r == expected
    assert f"{n_targets:,} tokens under the loss" in why
    assert ("the largest" in why) == (n_targets > 128 * 2_625_000)


def test_a_small_base_has_one_rank_for_all_files() -> None:
    for n_targets in (10, 10**9):
        assert rank(n_parameters=5_500_000, per_rank=20_000, n_targets=n_targets)[0] == 16
