"""What a run promises: events in order, obeyed seeds, exact resumption, honest counts, whole files."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.model.tiny_models import tiny_model
from tests.train.conftest import CITIES, chat_row, of_kind, run, write_rows
from tunesmith.data import hyperparameters
from tunesmith.data.chat_template import Renderer
from tunesmith.data.jsonl import read_examples
from tunesmith.errors import (
    BaseUnavailable,
    InvalidAdapter,
    InvalidRequest,
    InvalidTrainingFile,
    TrainingDiverged,
)
from tunesmith.model.adapter import read_adapter
from tunesmith.train import trainer
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import (
    CheckpointSaved,
    Finished,
    SnapshotSaved,
    Started,
    StepMetrics,
    TrainEvent,
    Warned,
)

Make = Callable[..., TrainConfig]


def losses(events: list[TrainEvent]) -> list[float]:
    return [event.train_loss for event in of_kind(events, StepMetrics)]


def test_a_run_tells_its_story_in_order_and_the_loss_falls(config: Make) -> None:
    events = run(config(n_epochs=3))
    assert isinstance(events[0], Started) and isinstance(events[-1], Finished)
    steps = of_kind(events, StepMetrics)
    assert [event.step for event in steps] == list(range(1, 10))  # 10 rows, 4 a step: the epoch's third has 2
    assert [event.epoch for event in steps] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert steps[-1].train_loss < steps[0].train_loss - 1
    assert steps[-1].seconds_left == 0 and steps[0].tokens_per_s > 0
    checkpoints = of_kind(events, CheckpointSaved)
    assert [(event.step, event.epoch) for event in checkpoints] == [(3, 1), (6, 2), (9, 3)]
    assert events[-1].folder == checkpoints[-1].folder
    json.dumps([event.as_dict() for event in events], allow_nan=False)


def test_token_counts_are_the_rendered_rows_times_the_epochs(config: Make) -> None:
    made = config()
    rendered = [Renderer.load(made.base).example(e) for e in read_examples(made.training_file)]
    n_tokens = sum(len(r.input_ids) for r in rendered)
    n_targets = sum(sum(w != 0 for w in r.weights) for r in rendered)
    events = run(made)
    assert (events[0].tokens_per_epoch, events[0].supervised_tokens_per_epoch) == (n_tokens, n_targets)
    assert (events[-1].trained_tokens, events[-1].supervised_tokens) == (2 * n_tokens, 2 * n_targets)
    counts = [event.trained_tokens for event in of_kind(events, StepMetrics)]
    assert counts == sorted(set(counts)) and counts[2] == n_tokens


def test_the_same_seed_gives_the_same_losses_and_another_seed_another_order(
    config: Make, tmp_path: Path
) -> None:
    first, again, other = (run(config(seed=seed, out=tmp_path / str(i))) for i, seed in enumerate((5, 5, 6)))
    assert losses(first) == losses(again)
    assert losses(first) != losses(other)
    weights = [(e[-1].folder / "adapter_model.safetensors").read_bytes() for e in (first, again, other)]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_resumed_run_goes_on_bit_for_bit(
    config: Make, tmp_path: Path, dtype: str, validation_file: Path
) -> None:
    whole = run(config(dtype=dtype, validation_file=validation_file))

    request = threading.Event()
    stopped = config(dtype=dtype, validation_file=validation_file, out=tmp_path / "stopped")
    story = trainer.train(stopped, snapshot_request=request)
    for event in story:
        if isinstance(event, StepMetrics) and event.step == 4:  # in the middle of the second epoch
            request.set()
        if isinstance(event, SnapshotSaved):
            break
    story.close()
    assert event.step == 4 and not request.is_set()

    resumed = run(
        config(
            dtype=dtype, validation_file=validation_file, out=tmp_path / "resumed", resume_from=event.folder
        )
    )
    assert resumed[0].resumed_from_step == 4
    for mine, uninterrupted in zip(
        of_kind(resumed, StepMetrics), of_kind(whole, StepMetrics)[4:], strict=True
    ):
        for name in (
            "step",
            "epoch",
            "train_loss",
            "grad_norm",
            "learning_rate",
            "valid_loss",
            "full_valid_loss",
            "trained_tokens",
        ):
            assert getattr(mine, name) == getattr(uninterrupted, name), name
    assert resumed[-1].supervised_tokens == whole[-1].supervised_tokens
    assert resumed[-1].metrics == whole[-1].metrics
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (resumed[-1].folder / name).read_bytes() == (whole[-1].folder / name).read_bytes()


def test_a_snapshot_after_the_last_step_resumes_to_finished(config: Make, tmp_path: Path) -> None:
    events = run(config(snapshot_every_s=0))
    last = of_kind(events, SnapshotSaved)[-1]
    assert last.step == 6 and isinstance(events[-2], SnapshotSaved)
    resumed = run(config(resume_from=last.folder, out=tmp_path / "again"))
    assert [type(event) for event in resumed] == [Started, Finished]
    assert resumed[-1].metrics == events[-1].metrics
    assert read_adapter(resumed[-1].folder).r == 4


def test_whoever_cannot_use_the_result_now_gets_a_snapshot_after_it(config: Make, tmp_path: Path) -> None:
    request = threading.Event()
    kinds = []
    for event in trainer.train(config(), snapshot_request=request):
        kinds.append(type(event))
        if isinstance(event, Finished):
            request.set()
    assert kinds[-2:] == [Finished, SnapshotSaved]
    assert isinstance(event, SnapshotSaved) and event.step == 6 and not request.is_set()
    resumed = run(config(resume_from=event.folder, out=tmp_path / "again"))
    assert [type(event) for event in resumed] == [Started, Finished]


def test_only_the_newest_snapshots_are_kept(config: Make) -> None:
    made = config(snapshot_every_s=0)
    assert [event.step for event in of_kind(run(made), SnapshotSaved)] == [1, 2, 3, 4, 5, 6]
    assert sorted(path.name for path in (made.out / "snapshots").iterdir()) == ["step-5", "step-6"]


def test_a_snapshot_of_another_run_is_refused_by_name(config: Make, tmp_path: Path) -> None:
    folder = of_kind(run(config(snapshot_every_s=0)), SnapshotSaved)[0].folder.parent / "step-5"
    with pytest.raises(InvalidRequest, match=r"learning_rate 0\.01, and this run has 0\.02"):
        run(config(learning_rate=2e-2, resume_from=folder, out=tmp_path / "other"))
    (folder / "run.json").write_text("{")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        run(config(resume_from=folder, out=tmp_path / "other"))


def test_validation_is_measured_each_step_and_in_full_at_each_epoch(
    config: Make, validation_file: Path
) -> None:
    events = run(config(validation_file=validation_file))
    steps = of_kind(events, StepMetrics)
    assert events[0].n_valid_examples == 5
    assert all(
        event.valid_loss is not None and event.valid_mean_token_accuracy is not None for event in steps
    )
    assert [event.full_valid_loss is not None for event in steps] == [False, False, True] * 2
    assert set(of_kind(events, CheckpointSaved)[0].metrics) == {
        "step", "train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy",
        "full_valid_loss", "full_valid_mean_token_accuracy",
    }  # fmt: skip
    assert steps[-1].full_valid_loss < steps[2].full_valid_loss
    assert 0 <= steps[-1].full_valid_mean_token_accuracy <= 1


def test_validation_does_not_change_training(config: Make, validation_file: Path, tmp_path: Path) -> None:
    with_valid = run(config(validation_file=validation_file, out=tmp_path / "a"))
    assert losses(with_valid) == losses(run(config(out=tmp_path / "b")))


def test_metrics_without_a_validation_file_are_left_out(config: Make) -> None:
    finished = run(config())[-1]
    assert set(finished.metrics) == {"step", "train_loss", "train_mean_token_accuracy"}


def test_a_row_longer_than_the_context_is_cut_with_a_warning_that_names_its_line(
    config: Make, tmp_path: Path
) -> None:
    rows = [chat_row("Hi?", "Hello.")] * 9 + [chat_row("Long?", "word " * 80)]
    made = config(training_file=write_rows(tmp_path / "long.jsonl", rows), max_length=50)
    events = run(made)
    assert isinstance(events[0], Warned) and events[0].code == "truncated"
    assert events[0].data["lines"] == [10] and "line 10" in events[0].message
    assert "50 tokens" in events[0].message
    short = len(Renderer.load(made.base).example(next(read_examples(made.training_file))).input_ids)
    assert of_kind(events, Started)[0].tokens_per_epoch == 9 * short + 50


def test_a_row_whose_reply_is_cut_away_is_left_out_with_a_warning(config: Make, tmp_path: Path) -> None:
    rows = [chat_row("Hi?", "Hello.")] * 9 + [chat_row("word " * 80, "Too late.")]
    events = run(config(training_file=write_rows(tmp_path / "long.jsonl", rows), max_length=50))
    assert [event.code for event in of_kind(events, Warned)] == ["truncated", "no_target_tokens"]
    assert of_kind(events, Started)[0].n_examples == 9


def test_a_file_without_any_target_fails_by_name(config: Make, tmp_path: Path) -> None:
    rows = [chat_row("word " * 80, "Too late.")] * 10
    with pytest.raises(InvalidTrainingFile, match="No example .* has a token to learn within 50") as caught:
        run(config(training_file=write_rows(tmp_path / "none.jsonl", rows), max_length=50))
    assert caught.value.param == "training_file"


def test_turns_of_weight_zero_are_read_but_not_learnt(config: Make, tmp_path: Path) -> None:
    """Other words of the same length in a turn of weight 0 leave the number of targets as it is."""
    files = []
    for i, reply in enumerate(("Oslo.", "Rome.")):
        rows = [chat_row("Hi?", reply, "Good bye.", weights=[0, 1])] * 10
        files.append(write_rows(tmp_path / f"{i}.jsonl", rows))
    weighted = write_rows(
        tmp_path / "all.jsonl", [chat_row("Hi?", "Oslo.", "Good bye.", weights=[1, 1])] * 10
    )
    started = [run(config(training_file=f, out=tmp_path / f.stem))[0] for f in (*files, weighted)]
    assert started[0].supervised_tokens_per_epoch < started[2].supervised_tokens_per_epoch
    assert started[0].tokens_per_epoch == started[2].tokens_per_epoch


def test_batch_8_is_batch_8_however_it_is_split(config: Make, tmp_path: Path) -> None:
    whole = run(config(batch_size=8, dtype="float64", out=tmp_path / "whole"))
    split = run(config(batch_size=8, dtype="float64", tokens_per_forward=60, out=tmp_path / "split"))
    assert losses(split) == pytest.approx(losses(whole), rel=1e-9)


def test_closing_the_generator_leaves_whole_files_only(config: Make) -> None:
    made = config(snapshot_every_s=0)
    story = trainer.train(made)
    for event in story:
        if isinstance(event, CheckpointSaved):
            break
    story.close()
    folders = [*(made.out / "checkpoints").iterdir(), *(made.out / "snapshots").iterdir()]
    assert sorted(folder.name for folder in folders) == ["step-1", "step-2", "step-3"]
    for folder in folders:
        read_adapter(folder)


def test_what_a_killed_process_left_half_written_is_swept(config: Make) -> None:
    made = config()
    leftover = made.out / "checkpoints" / ".step-3.999.partial"
    leftover.mkdir(parents=True)
    run(made)
    assert not leftover.exists()


def test_a_tune_of_a_tune_starts_where_the_first_ended_and_inherits_its_shape(
    config: Make, tmp_path: Path
) -> None:
    first = run(config(n_epochs=6, r=2, target_modules=["q_proj", "v_proj"]))
    second = run(config(init_adapter=first[-1].folder, out=tmp_path / "second", learning_rate=1e-4))
    assert losses(second)[0] < losses(first)[0] - 0.5
    adapter = read_adapter(second[-1].folder)
    assert adapter.r == 2
    assert {path.rpartition(".")[2] for path in adapter.layers} == {"q_proj", "v_proj"}


def test_a_tune_of_another_bases_adapter_is_refused_by_name(config: Make, tmp_path: Path) -> None:
    first = run(config(n_epochs=1))
    wider = tiny_model(tmp_path / "wider", intermediate_size=64)
    with pytest.raises(InvalidAdapter, match=r"does not fit the base .*wider: .*_proj has shape"):
        run(config(base=wider, init_adapter=first[-1].folder, out=tmp_path / "second"))


def overtrained(config: Make, tmp_path: Path, **values: Any) -> TrainConfig:
    """The validation file asks the same questions and wants other answers."""
    rows = [chat_row(f"Where is {city}?", f"Nobody ever said, {n}.") for n, city in enumerate(CITIES[:6])]
    validation_file = write_rows(tmp_path / "other.jsonl", rows)
    return config(**{"n_epochs": 12, "validation_file": validation_file, **values})


def test_a_rising_validation_loss_is_told_once_and_names_the_best_checkpoint(
    config: Make, tmp_path: Path
) -> None:
    events = run(overtrained(config, tmp_path))
    (warned,) = of_kind(events, Warned)
    assert warned.code == "validation_loss_rising"
    full = {event.step: event.full_valid_loss for event in of_kind(events, StepMetrics)}
    until = {step: loss for step, loss in full.items() if loss is not None and step <= warned.data["step"]}
    best = min(until, key=until.__getitem__)
    assert warned.data["best"] == {"step": best, "full_valid_loss": until[best]}
    assert f"step {best}" in warned.message and best < warned.data["step"]
    assert until[warned.data["step"]] > until[best] + 0.01
    place = events.index(warned)
    assert isinstance(events[place - 1], CheckpointSaved) and events[place - 1].step == warned.data["step"]


def test_a_resumed_run_remembers_the_best_checkpoint_and_tells_nothing_twice(
    config: Make, tmp_path: Path
) -> None:
    told = of_kind(run(overtrained(config, tmp_path)), Warned)[0].data["step"]
    made = overtrained(config, tmp_path, out=tmp_path / "stopped", snapshot_every_s=0, keep_snapshots=100)
    run(made)
    before, after = (made.out / "snapshots" / f"step-{told - n}" for n in (1, 0))
    again = run(overtrained(config, tmp_path, out=tmp_path / "before", resume_from=before))
    assert [event.data["step"] for event in of_kind(again, Warned)] == [told]
    again = run(overtrained(config, tmp_path, out=tmp_path / "after", resume_from=after))
    assert not of_kind(again, Warned)


def test_a_falling_validation_loss_is_no_news(config: Make, validation_file: Path) -> None:
    assert not of_kind(run(config(validation_file=validation_file)), Warned)


def test_the_rank_is_told_with_its_reason(config: Make, tmp_path: Path) -> None:
    def rank(**values: Any) -> tuple[int, str]:
        events = run(config(n_epochs=1, **values))
        (note,) = [note for note in events[0].notes if note.startswith("LoRA has rank")]
        return read_adapter(events[-1].folder).r, note

    assert rank() == (4, "LoRA has rank 4 (as asked), alpha 8, 3,712 values")
    r, note = rank(r=None, out=tmp_path / "auto")
    assert r == 16 and "(16 suits bases under 50M parameters)" in note
    first = run(config(n_epochs=1, r=2, out=tmp_path / "first"))[-1].folder
    r, note = rank(r=None, init_adapter=first, out=tmp_path / "second")
    assert r == 2 and "(that of the adapter that is tuned on)" in note


def test_the_rank_of_larger_bases_grows_with_the_tokens_under_the_loss(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hyperparameters, "SMALL_BASE_PARAMETERS", 0)
    sizes = {}
    for rows in (10, 400):
        training_file = write_rows(
            tmp_path / f"{rows}.jsonl", [chat_row("Where?", "Far away from here. " * 5)] * rows
        )
        events = run(
            config(r=None, n_epochs=1, batch_size=200, training_file=training_file, out=tmp_path / str(rows))
        )
        adapter = read_adapter(events[-1].folder)
        n_values = sum(pair.lora_A.numel() + pair.lora_B.numel() for pair in adapter.layers.values())
        assert n_values >= events[0].supervised_tokens_per_epoch
        sizes[rows] = adapter.r
    assert sizes == {10: 8, 400: 64}


def test_an_absurd_learning_rate_ends_in_a_warning_and_a_named_error(config: Make) -> None:
    seen = []
    with pytest.raises(TrainingDiverged, match=r"step \d+, at learning rate .*lower the learning rate"):
        for event in trainer.train(config(learning_rate=1e30, n_epochs=5)):
            seen.append(event)
    assert isinstance(seen[-1], Warned) and seen[-1].code == "not_finite"
    assert all(math.isfinite(event.train_loss) for event in of_kind(seen, StepMetrics))
    assert math.isfinite(seen[-1].data["learning_rate"])


def test_an_absent_base_is_named(config: Make, tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="nowhere"):
        run(config(base=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("n_epochs", 0), ("learning_rate", float("nan")), ("dtype", "int8"), ("batch_size", 0)],
)
def test_impossible_settings_are_refused_by_name(config: Make, field: str, value: object) -> None:
    with pytest.raises(InvalidRequest, match=f"{field} is") as caught:
        config(**{field: value})
    assert caught.value.param == field


def test_nothing_happens_before_the_first_event_is_asked_for(config: Make, tmp_path: Path) -> None:
    trainer.train(config(out=tmp_path / "untouched"))
    assert not (tmp_path / "untouched").exists()


def test_a_model_that_cannot_be_packed_trains_one_example_at_a_time(config: Make, tmp_path: Path) -> None:
    events = run(config(base=tiny_model(tmp_path / "bloom", "bloom"), n_epochs=6))
    assert "one example at a time" in events[0].notes[0]
    assert losses(events)[-1] < losses(events)[0]
