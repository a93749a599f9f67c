"""Preference training: the chosen replies win, the reference is measured once, resumption is exact."""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.train.conftest import CITIES, chat_row, of_kind, run, write_rows
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import InvalidRequest, InvalidTrainingFile, TrainingDiverged
from tunesmith.train import objectives, trainer
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import CheckpointSaved, Finished, SnapshotSaved, Started, StepMetrics, Warned

Make = Callable[..., TrainConfig]


def preference_row(city: str) -> dict[str, Any]:
    return {
        "input": {
            "messages": [
                {"role": "system", "content": "Answer in one sentence."},
                {"role": "user", "content": f"Where is {city}?"},
            ]
        },
        "preferred_output": [{"role": "assistant", "content": f"{city} is where it always was."}],
        "non_preferred_output": [{"role": "assistant", "content": f"No idea, {city}?"}],
    }


@pytest.fixture
def dpo(config: Make, tmp_path: Path) -> Make:
    """A short preference run with a validation file."""
    training_file = write_rows(tmp_path / "pairs.jsonl", [preference_row(city) for city in CITIES[:10]])
    validation_file = write_rows(tmp_path / "valid.jsonl", [preference_row(city) for city in CITIES[10:]])

    def make(**values: Any) -> TrainConfig:
        files = {"training_file": training_file, "validation_file": validation_file}
        return config(**{"method": "dpo", **files, **values})

    return make


def test_the_margin_begins_at_zero_and_the_chosen_replies_win(dpo: Make) -> None:
    events = run(dpo(n_epochs=4))
    steps = of_kind(events, StepMetrics)
    assert steps[0].train_loss == pytest.approx(math.log(2), abs=1e-9)
    assert steps[0].train_reward_margin == 0  # reference and policy are computed alike, to the last bit
    assert steps[-1].train_loss < 0.3
    assert steps[-1].train_reward_accuracy == 1 and steps[-1].train_reward_margin > 1
    assert steps[-1].full_valid_reward_accuracy == 1
    saved = of_kind(events, CheckpointSaved)[-1]
    assert {"train_reward_margin", "full_valid_reward_margin", "full_valid_loss"} <= saved.metrics.keys()


def test_between_events_there_are_signs_of_life_for_each_part(dpo: Make) -> None:
    heard, between = [0], []

    def alive() -> None:
        heard[0] += 1

    for event in trainer.train(dpo(tokens_per_forward=1, n_epochs=1, batch_size=5), alive=alive):
        between.append((type(event), heard[0]))
        heard[0] = 0
    n_valid = len(CITIES[10:])
    signs = [n for kind, n in between if kind is Started]
    assert signs == [10 + n_valid], "each row that is rendered"
    signs = [n for kind, n in between if kind is StepMetrics]
    step = 5 + min(5, n_valid)
    assert signs == [10 + n_valid + step, step + n_valid], "the reference first, the whole validation last"


def test_both_replies_count_as_trained_tokens(dpo: Make) -> None:
    events = run(dpo(n_epochs=2))
    started, finished = of_kind(events, Started)[0], of_kind(events, Finished)[0]
    assert started.n_examples == 10
    assert finished.trained_tokens == 2 * started.tokens_per_epoch


def test_the_reference_is_measured_once_however_many_epochs(
    dpo: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    measure = objectives.with_reference

    def counting(forward: Any, batches: Any, *more: Any) -> Any:
        batches = list(batches)
        measured.append(sum(map(len, batches)))
        return measure(forward, batches, *more)

    monkeypatch.setattr(trainer, "with_reference", counting)
    run(dpo(n_epochs=3))
    assert measured == [10, 2]


def test_a_batch_in_parts_has_the_same_losses(dpo: Make, tmp_path: Path) -> None:
    whole = of_kind(run(dpo(out=tmp_path / "whole")), StepMetrics)
    parts = of_kind(run(dpo(out=tmp_path / "parts", tokens_per_forward=1)), StepMetrics)
    for mine, theirs in zip(parts, whole, strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)


def test_a_resumed_preference_run_goes_on_bit_for_bit(dpo: Make, tmp_path: Path) -> None:
    whole = run(dpo(n_epochs=3))
    request = threading.Event()
    request.set()
    story = trainer.train(dpo(n_epochs=3, out=tmp_path / "stopped"), snapshot_request=request)
    saved = next(event for event in story if isinstance(event, SnapshotSaved))
    story.close()
    resumed = run(dpo(n_epochs=3, out=tmp_path / "resumed", resume_from=saved.folder))
    theirs = of_kind(whole, StepMetrics)[saved.step :]
    for mine, uninterrupted in zip(of_kind(resumed, StepMetrics), theirs, strict=True):
        assert mine.train_loss == uninterrupted.train_loss
        assert mine.train_reward_margin == uninterrupted.train_reward_margin
        assert mine.full_valid_loss == uninterrupted.full_valid_loss
    adapters = [events[-1].folder / "adapter_model.safetensors" for events in (whole, resumed)]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()


def test_an_adapter_that_is_tuned_on_is_the_reference(dpo: Make, config: Make, tmp_path: Path) -> None:
    sft = run(config(out=tmp_path / "sft"))[-1]
    steps = of_kind(run(dpo(init_adapter=sft.folder, out=tmp_path / "dpo")), StepMetrics)
    assert steps[0].train_loss == pytest.approx(math.log(2), abs=1e-9)
    assert steps[-1].train_reward_margin > 0


def test_a_loss_that_is_no_number_ends_in_a_warning_and_a_named_error(dpo: Make) -> None:
    seen = []
    with pytest.raises(TrainingDiverged, match=r"step \d+, at learning rate .*lower the learning rate"):
        for event in trainer.train(dpo(learning_rate=1e30, n_epochs=5)):
            seen.append(event)
    assert isinstance(seen[-1], Warned) and seen[-1].code == "not_finite"


def test_a_reference_that_is_no_number_is_named_by_line_and_not_blamed_on_the_training(
    dpo: Make, base: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    weights = load_file(broken / "model.safetensors")
    (token,) = Tokenizer.load(broken).encode("Z")
    weights["model.embed_tokens.weight"][token] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    rows = [preference_row(city) for city in [*CITIES[:6], "Zagreb", *CITIES[6:9]]]
    training_file = write_rows(tmp_path / "zagreb.jsonl", rows)
    with pytest.raises(TrainingDiverged, match=r"of lines? .*7.* before any training.*broken"):
        run(dpo(base=broken, training_file=training_file))


def test_a_pair_whose_reply_is_cut_away_is_left_out_with_a_warning(dpo: Make, tmp_path: Path) -> None:
    rows = [preference_row(city) for city in CITIES[:10]]
    rows[3]["input"]["messages"][1]["content"] = "Where? " * 60
    events = run(dpo(training_file=write_rows(tmp_path / "long.jsonl", rows), max_length=120))
    assert of_kind(events, Started)[0].n_examples == 9


def test_rows_of_the_other_method_are_refused_by_line(dpo: Make, config: Make, tmp_path: Path) -> None:
    chats = write_rows(tmp_path / "chats.jsonl", [chat_row("Where?", "There.")])
    with pytest.raises(InvalidTrainingFile, match="Line 1 is no preference pair"):
        run(dpo(training_file=chats, validation_file=None))
    with pytest.raises(InvalidTrainingFile, match="Line 1 is a preference pair"):
        run(config(training_file=dpo().training_file))


@pytest.mark.parametrize("beta", [0, -1, 2.5, float("nan")])
def test_an_impossible_beta_is_refused_by_name(dpo: Make, beta: float) -> None:
    with pytest.raises(InvalidRequest, match="beta"):
        dpo(beta=beta)
