"""A run over a mixture: its experts learn where that is proved right, are told of where not, and resume."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.families import FAMILIES as SHAPES
from tests.model.tiny_models import tiny_model
from tests.train.conftest import of_kind, run
from tunesmith.model.adapter import read_adapter
from tunesmith.train import trainer
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import SnapshotSaved, StepMetrics

Make = Callable[..., TrainConfig]
UNTOUCHED = "The mixture's experts stay as they are"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_experts_of_a_mixture_learn_and_a_resumed_run_goes_on_bit_for_bit(
    config: Make, tmp_path: Path, dtype: str
) -> None:
    base = tiny_model(tmp_path / "base", "qwen3_moe", dtype=dtype)
    whole = run(config(base=base, dtype=dtype))
    assert not any(UNTOUCHED in note for note in whole[0].notes)
    steps = of_kind(whole, StepMetrics)
    assert steps[-1].train_loss < steps[0].train_loss - 0.5
    experts = [pair for pair in read_adapter(whole[-1].folder).layers.values() if pair.n_experts]
    assert len(experts) == 4 and all(torch.any(pair.lora_B) for pair in experts)

    request = threading.Event()
    story = trainer.train(config(base=base, dtype=dtype, out=tmp_path / "stopped"), snapshot_request=request)
    for event in story:
        if isinstance(event, StepMetrics) and event.step == 4:
            request.set()
        if isinstance(event, SnapshotSaved):
            break
    story.close()
    resumed = run(config(base=base, dtype=dtype, out=tmp_path / "resumed", resume_from=event.folder))
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (resumed[-1].folder / name).read_bytes() == (whole[-1].folder / name).read_bytes()


def test_experts_that_cannot_be_tuned_are_told_of(config: Make, tmp_path: Path) -> None:
    shape = next(s.config for s in SHAPES if s.model_type == "llama4_text")
    base = tiny_model(tmp_path / "base", "llama4_text", **shape)
    events = run(config(base=base, n_epochs=1))
    assert any(UNTOUCHED in note for note in events[0].notes)
