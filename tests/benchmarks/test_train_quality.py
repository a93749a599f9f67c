"""The quality table: its statistics, what it keeps, and our side of a run on the base that ships.

TRL is not installed for the tests; the benchmark itself checks, token by token and step by step, that TRL did
the work that ours did.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.fingerprint import fingerprint
from benchmarks.train_quality import Kept, plan
from benchmarks.train_quality_figures import (
    FIGURES,
    TASKS,
    Comparison,
    Figure,
    Interval,
    compare,
    faults,
    t_quantile,
    table,
)
from benchmarks.train_quality_runs import configuration, train_with_ours, trl_settings
from benchmarks.train_quality_scores import as_chat, held_out_scores, scores
from recipes.nano.answers import Answerer
from tunesmith.evals.samples import Sample, load_sample
from tunesmith.settings import NANO
from tunesmith.train.events import CheckpointSaved
from tunesmith.train.trainer import train

# PEFT asks transformers for an old name
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

VOICE = Figure("marv", "voice", 0.03)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def comparison(difference: Interval, figure: Figure = VOICE, trl: float = 0.9) -> Comparison:
    return Comparison(
        figure,
        base=0.0,
        ours=Interval(trl + difference.mean, 0.1),
        trl=Interval(trl, 0.1),
        difference=difference,
    )


@pytest.mark.parametrize(
    ("degrees", "tabulated"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980)]
)
def test_the_quantiles_of_students_t_are_those_of_the_tables(degrees: int, tabulated: float) -> None:
    assert t_quantile(degrees) == pytest.approx(tabulated, abs=5e-4)


def test_an_interval_is_the_t_interval_of_the_mean() -> None:
    interval = Interval.of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.mean == 3
    assert interval.half == pytest.approx(2.776 * math.sqrt(2.5 / 5), abs=1e-3)
    assert Interval.of([0.9, 0.9]).half == 0
    assert Interval.of([0.9]).half == math.inf


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (0.0, 0.0, "same"),
        (-0.01, 0.02, "same"),
        (0.2, 0.1, "same"),
        (-0.01, 0.05, "open"),
        (-0.05, 0.03, "open"),
        (-0.05, 0.01, "worse"),
        (0.0, math.inf, "open"),
    ],
)
def test_only_an_interval_wholly_beyond_the_margin_is_worse(mean: float, half: float, verdict: str) -> None:
    found = comparison(Interval(mean, half))
    assert found.verdict == verdict
    assert len(faults([found])) == (verdict == "worse")


def test_a_margin_may_be_a_part_of_what_the_peer_reaches() -> None:
    margin = Figure("preferences", "reward margin", 0.1, part_of_peer=True)
    assert comparison(Interval(-0.15, 0.01), margin, trl=2.0).verdict == "same"
    assert comparison(Interval(-0.15, 0.01), margin, trl=1.0).verdict == "worse"
    assert comparison(Interval(-9.0, 0.01), Figure("marv", "held-out loss")).verdict is None


def test_differences_are_paired_by_seed() -> None:
    runs = {("topics", "base", 0): {"label": 0.0, "held-out loss": 9.0}}
    for seed, label in ((1, 0.8), (2, 0.9), (3, 1.0)):
        runs["topics", "trl", seed] = {"label": label, "held-out loss": 0.1, "loss in training": 0.1}
        runs["topics", "ours", seed] = {"label": label - 0.1, "held-out loss": 0.1, "loss in training": 0.1}
    rows = compare(runs, (1, 2, 3), ["topics"])  # type: ignore[arg-type]
    assert [row.figure.name for row in rows] == ["label", "held-out loss", "loss in training"]
    first = rows[0]
    assert first.ours.half == pytest.approx(first.trl.half) and first.trl.half > 0.1
    assert first.difference.mean == pytest.approx(-0.1)
    assert first.difference.half == pytest.approx(0, abs=1e-9)
    assert "ours is 0.800, TRL's 0.900" in faults(rows)[0]
    assert (
        "| topics | label | 0.000 | 0.800 ± 0.248 | 0.900 ± 0.248 | −0.100 ± 0.000 | 0.030 | worse |"
        in table(rows)
    )


def test_finished_runs_are_kept_until_what_their_side_depends_on_changes(tmp_path: Path) -> None:
    runs = plan(["topics"], (1, 2))
    assert runs == [
        ("topics", "base", 0),
        *(("topics", side, seed) for seed in (1, 2) for side in ("ours", "trl")),
    ]
    kept = Kept(tmp_path / "kept.json", {"base": "b", "ours": "o", "trl": "t"})
    for run in runs[:3]:
        kept.save(run, {"label": 0.5})
    again = Kept(tmp_path / "kept.json", {"base": "b", "ours": "other", "trl": "t"})
    assert [run in again for run in runs] == [True, False, True, False, False]
    assert again["topics", "trl", 1] == {"label": 0.5}


def test_a_fingerprint_follows_sources_and_facts() -> None:
    one = fingerprint(["tunesmith/train"], ["torch"], "weights")
    assert one == fingerprint(["tunesmith/train"], ["torch"], "weights")
    assert one != fingerprint(["tunesmith/train"], ["torch"], "other weights")
    assert one != fingerprint(["tunesmith/train/config.py"], ["torch"], "weights")


def test_both_sides_get_the_same_numbers(tmp_path: Path) -> None:
    config = configuration(load_sample("preferences"), NANO, tmp_path, seed=3)
    assert config.method == "dpo"
    theirs = trl_settings(config)
    for name in ("learning_rate", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "seed"):
        assert theirs[name] == getattr(config, name)
    assert theirs["num_train_epochs"] == config.n_epochs
    assert theirs["per_device_train_batch_size"] == config.batch_size
    assert theirs["weight_decay"] == config.weight_decay


def test_a_completion_is_the_answer_to_a_user() -> None:
    assert as_chat({"prompt": "p", "completion": " c"}) == {
        "messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": " c"}]
    }
    assert as_chat({"messages": []}) == {"messages": []}


@pytest.mark.parametrize("task", ["topics", "preferences"])
def test_the_loss_on_held_out_rows_is_what_the_trainer_measures_itself(task: str, tmp_path: Path) -> None:
    sample = load_sample(task)
    config = configuration(sample, NANO, tmp_path, seed=1)
    config = replace(config, n_epochs=1, validation_file=sample.valid)
    (checkpoint,) = (event for event in train(config) if isinstance(event, CheckpointSaved))
    figures = held_out_scores(sample, Answerer(NANO, checkpoint.folder), beta=config.beta)
    measured = checkpoint.metrics
    assert figures["held-out loss"] == pytest.approx(measured["full_valid_loss"], rel=0.03, abs=0.01)
    if task == "preferences":
        assert figures["reward accuracy"] == pytest.approx(measured["full_valid_reward_accuracy"], abs=0.05)
        assert figures["reward margin"] == pytest.approx(measured["full_valid_reward_margin"], rel=0.05)


def test_our_run_leaves_an_adapter_and_its_last_epochs_loss(tmp_path: Path) -> None:
    sample = load_sample("topics")
    tuned = train_with_ours(replace(configuration(sample, NANO, tmp_path, seed=1), n_epochs=2))
    assert (tuned.adapter / "adapter_model.safetensors").exists()
    assert 0 < tuned.last_loss < 1


def test_every_figure_of_the_table_is_one_that_its_task_has(tmp_path: Path) -> None:
    base = Answerer(NANO)
    for task in TASKS:
        folder = shutil.copytree(load_sample(task).folder, tmp_path / task)
        for file in folder.glob("*.jsonl"):
            file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
        named = {figure.name for figure in FIGURES if figure.task == task}
        assert named == {*scores(Sample(task, folder), base, beta=0.1), "loss in training"}
