"""The training benchmark's own plumbing, on a tiny model: the same work for all, or a loud failure.

TRL is not installed for the tests; its part is checked by the benchmark itself, which compares what it
trained on token by token.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import machine
from benchmarks.results_page import write_section
from benchmarks.train_figures import Kept, Measured, Result, Variant, ratios
from benchmarks.train_ours import steps
from benchmarks.train_peers import LeanLoop
from benchmarks.train_process import Step, TrainerProcess
from benchmarks.train_report import table
from benchmarks.train_workloads import WORKLOADS, Recipe, Workload, prepare, useful_flops

# PEFT asks transformers for an old name
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

OURS = Variant("ours", "as it comes", (), cached=True)
LEAN = Variant("lean", "1 at once", ("--micro", "1"))


def tiny(name: str, n_steps: int = 2) -> Workload:
    return WORKLOADS[name].at("t", batch_size=2, n_steps=n_steps)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """W1, prepared."""
    made = tmp_path_factory.mktemp("workload") / "W1"
    prepare(made, tiny("W1"))
    return made


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def result(*measured: Measured, name: str = "W1") -> Result:
    return Result(
        workload=tiny(name, len(measured[0].steps)),
        measured=list(measured),
        sizes=[[[20, 5]]] * len(measured[0].steps),
        products={"bfloat16": 1e12, "float32": 1e11},
        gaps=0.01,
        load=0.5,
        date="2026-01-01",
        seconds=60.0,
    )


def measured(variant: Variant, *made: Step) -> Measured:
    return Measured(variant, list(made), 10**9, 1.0)


def step(seconds: float, loss: float = 7.0, **other: object) -> Step:
    return replace(Step(seconds, loss, 20, 5, "abc"), **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_ours_and_the_lean_loop_train_on_the_same_tokens_with_the_same_losses(
    name: str, tmp_path: Path
) -> None:
    prepare(tmp_path / name, tiny(name))
    ours = list(steps(tmp_path / name, threads=1, options={}))
    lean = list(LeanLoop(tmp_path / name, micro=1).steps())
    assert len(ours) == len(lean) == 2
    for mine, theirs in zip(ours, lean, strict=True):
        assert (mine.digest, mine.n_tokens, mine.n_targets) == (
            theirs.digest,
            theirs.n_tokens,
            theirs.n_targets,
        )
        assert mine.loss == pytest.approx(theirs.loss, abs=2e-3 if name == "W1" else 1e-2)


def test_a_padded_batch_of_the_lean_loop_has_the_loss_of_single_rows(folder: Path) -> None:
    alone, padded = (next(LeanLoop(folder, micro=micro).steps()) for micro in (1, 2))
    assert padded.loss == pytest.approx(alone.loss, abs=5e-4)


def test_a_trainer_in_its_own_process_answers_step_by_step(folder: Path, tmp_path: Path) -> None:
    command = ("benchmarks.train_ours", str(folder), "--threads", "1")
    process = TrainerProcess(command, threads=1, variables={}, log=tmp_path / "log")
    try:
        assert process.step().loss == pytest.approx(7, abs=0.5)
        assert process.step().n_tokens > 0
        assert process.memory_bytes > 100e6
        with pytest.raises(SystemExit, match="ended early"):
            process.step()
    finally:
        process.stop()


def test_rows_are_the_same_on_every_machine_and_as_long_as_promised() -> None:
    w1 = WORKLOADS["W1"]
    assert w1.rows(3) == w1.rows(3)
    system, user, reply = (m["content"].split() for m in w1.rows(1)[0]["messages"])
    assert len(system) == 147 and 15 <= len(user) <= 55 and 29 <= len(reply) <= 149


def test_other_losses_tokens_or_masks_fail_the_benchmark() -> None:
    ours = measured(OURS, step(1.0), step(1.0))
    assert result(ours, measured(LEAN, step(2.0, 7.0004), step(2.0, 7.001))).faults() == []
    for first, says in (
        (step(2.0, 7.001), "loss 7.00100, and 7.00000"),
        (step(2.0, float("nan")), "loss nan"),
        (step(2.0, n_targets=6), "20 tokens with 6 targets"),
        (step(2.0, digest="other"), "other token ids or loss masks"),
    ):
        (fault,) = result(ours, measured(LEAN, first, step(2.0))).faults()
        assert says in fault and "lean: 1 at once, step 1" in fault


def test_ratios_leave_out_the_first_step_and_take_the_best_setting() -> None:
    padded = Variant("lean", "2 at once", ())
    found = result(
        measured(OURS, step(9.0), step(1.0), step(2.0), step(1.0)),
        measured(LEAN, step(1.0), step(4.0), step(8.0), step(4.0)),
        measured(padded, step(1.0), step(5.0), step(9.0), step(5.0)),
    )
    (ratio,) = ratios(found)
    assert ratio.value == 4 and ratio.holds and "1 at once" in ratio.what
    assert "| lean: 2 at once | 5.000 | 4 | 5.00 |" in table(found)


def test_the_reference_is_charged_to_the_steps_of_the_one_epoch_that_computes_it() -> None:
    found = result(measured(OURS, step(5.0), step(1.0), step(1.0), step(1.0)), name="W3")
    online, cached = found.ours(online=True), found.ours()
    assert online is not None and cached is not None
    assert (online.step_s, cached.step_s) == (2.0, 1.0)


def test_finished_workloads_are_kept_unless_they_failed_or_the_code_changed(tmp_path: Path) -> None:
    good = result(measured(OURS, step(1.0), step(1.0)), measured(LEAN, step(2.0), step(3.0)))
    Kept(tmp_path / "kept.json", "one").save(good)
    kept = Kept(tmp_path / "kept.json", "one")
    assert kept.load(good.workload, [OURS, LEAN]) == good
    assert "W1" not in Kept(tmp_path / "kept.json", "two")
    kept.save(result(measured(OURS, step(1.0), step(1.0)), measured(LEAN, step(2.0, 9.0), step(3.0))))
    assert "W1" not in kept


def test_more_threads_than_cpus_are_refused_and_each_gets_a_cpu_of_its_own() -> None:
    n_cpus = len(machine.usable_cpus())
    with pytest.raises(SystemExit, match="fewer --threads"):
        machine.environment(n_cpus + 1)
    places = machine.environment(n_cpus)["OMP_PLACES"].split(",")
    assert len(set(places)) == n_cpus


def test_a_process_whose_threads_are_bound_to_one_core_is_found_out() -> None:
    assert machine.shared_core(1) is None
    if hasattr(os, "sched_getaffinity"):
        assert "share the CPUs" in (machine.shared_core(1000) or "")


def test_useful_operations_grow_by_a_third_or_more_with_a_reference_forward() -> None:
    alone = useful_flops("s", [[280, 90]], reference=False)
    assert 1.3 < useful_flops("s", [[280, 90]], reference=True) / alone < 1.6
    assert useful_flops("s", [[280, 90]] * 2, reference=False) == 2 * alone


def test_a_section_of_the_results_page_replaces_its_last_one_only(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    write_section("one", "One", "old", page=page)
    write_section("two", "Two", "stays", page=page)
    write_section("one", "One", "new", page=page)
    text = page.read_text()
    assert "old" not in text and text.index("new") < text.index("stays")


def test_the_recipe_is_written_down(folder: Path) -> None:
    assert Recipe.read(folder) == tiny("W1").recipe
