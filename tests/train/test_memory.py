"""A device without room for a step: once more in smaller parts with the same loss, else a named error."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.conftest import of_kind, run
from tunesmith.errors import OutOfMemory
from tunesmith.model.packed.forward import PackedForward
from tunesmith.model.packed.row import Row
from tunesmith.train import trainer
from tunesmith.train.batches import smaller_parts
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import SnapshotSaved, StepMetrics, TrainEvent, Warned

Make = Callable[..., TrainConfig]
CUDA = torch.OutOfMemoryError("CUDA out of memory")
CPU = RuntimeError("DefaultCPUAllocator: can't allocate memory")


@pytest.fixture
def forward_calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Counts the rows of each call of the model in training, of which the given ones find no room."""

    def fail(*calls: int, error: Exception = CUDA) -> list[int]:
        real, seen = PackedForward.__call__, []

        def full(self: PackedForward, rows: Sequence[Row]) -> Any:
            if torch.is_grad_enabled():  # else the probe, or a measurement
                seen.append(len(rows))
                if len(seen) in calls:
                    raise error
            return real(self, rows)

        monkeypatch.setattr(PackedForward, "__call__", full)
        return seen

    return fail


def adapter(events: list[TrainEvent]) -> bytes:
    return (events[-1].folder / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("error", [CUDA, CPU], ids=["cuda", "cpu"])
def test_a_half_done_step_leaves_no_trace_and_is_done_again_in_smaller_parts(
    config: Make, tmp_path: Path, forward_calls: Callable[..., list[int]], dtype: str, error: Exception
) -> None:
    sizes = forward_calls(2, error=error)  # the first part's gradient is there by then
    events = run(config(dtype=dtype, batch_size=5, tokens_per_forward=120))
    (warned,) = of_kind(events, Warned)
    lowered = warned.data["tokens_per_forward"]
    assert warned.code == "smaller_parts" and warned.data["step"] == 1 and lowered < 120
    assert f"{lowered:,} tokens" in warned.message
    assert max(sizes[2:]) < sizes[0]
    smaller = run(config(dtype=dtype, batch_size=5, tokens_per_forward=lowered, out=tmp_path / "smaller"))
    assert adapter(events) == adapter(smaller)
    whole = run(config(dtype=dtype, batch_size=5, out=tmp_path / "whole"))
    tolerance = 1e-3 if dtype == "float32" else 5e-2
    for mine, theirs in zip(of_kind(events, StepMetrics), of_kind(whole, StepMetrics), strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, rel=tolerance)


def test_a_resumed_run_goes_on_with_the_smaller_parts(
    config: Make, tmp_path: Path, forward_calls: Callable[..., list[int]]
) -> None:
    forward_calls(3)  # in step 3
    whole = run(config())
    forward_calls(3)
    request = threading.Event()
    story = trainer.train(config(out=tmp_path / "stopped"), snapshot_request=request)
    for event in story:
        if isinstance(event, StepMetrics) and event.step == 4:
            request.set()
        if isinstance(event, SnapshotSaved):
            break
    story.close()
    resumed = run(config(out=tmp_path / "resumed", resume_from=event.folder))
    assert not of_kind(resumed, Warned)
    assert adapter(resumed) == adapter(whole)


def test_where_the_smaller_parts_find_no_room_either_the_error_says_what_to_lower(
    config: Make, forward_calls: Callable[..., list[int]]
) -> None:
    forward_calls(1, 2)
    seen = []
    with pytest.raises(OutOfMemory, match="no room for a batch of 4 examples of up to .* tokens"):
        for event in trainer.train(config()):
            seen.append(event)
    assert len(of_kind(seen, Warned)) == 1 and not of_kind(seen, StepMetrics)


def test_a_batch_that_cannot_be_split_is_not_tried_again(
    config: Make, forward_calls: Callable[..., list[int]]
) -> None:
    sizes = forward_calls(1)
    with pytest.raises(OutOfMemory, match="gradient_checkpointing, shorten the longest examples"):
        run(config(batch_size=1))
    assert sizes == [1]


def test_a_failed_measurement_is_not_tried_again(
    config: Make, validation_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise CUDA

    monkeypatch.setattr(trainer, "evaluate", full)
    with pytest.raises(OutOfMemory, match="batch of 4 examples"):
        run(config(validation_file=validation_file))


def test_smaller_parts_split_the_largest_part() -> None:
    def row(length: int) -> Row:
        return Row(torch.zeros(length, dtype=torch.int64), torch.ones(length), 1)

    assert smaller_parts([row(30), row(20), row(90)], 8192) == 70
    assert smaller_parts([row(30), row(20), row(90)], 70) == 25
    assert smaller_parts([row(30), row(20), row(90)], 25) is None
    assert smaller_parts([row(30), row(20)], 0) is None


def test_a_run_left_when_the_program_ends_ends_quietly(
    base: Path, training_file: Path, tmp_path: Path
) -> None:
    program = f"""
from pathlib import Path
from tunesmith.train.config import TrainConfig
from tunesmith.train.trainer import train

story = train(TrainConfig(base=Path({str(base)!r}), training_file=Path({str(training_file)!r}),
                          out=Path({str(tmp_path / "left")!r}), n_epochs=2, batch_size=4,
                          learning_rate=1e-2, device="cpu", threads=1))
while type(next(story)).__name__ != "StepMetrics":
    pass
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Exception ignored" not in ended.stderr
