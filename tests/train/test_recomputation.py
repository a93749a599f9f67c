"""Activation checkpointing: less is kept, and every number is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.model.tiny_models import tiny_model
from tests.train.conftest import of_kind, run
from tests.train.test_exactness import ALIKE, gradients, pairs, stack_with_random_values
from tunesmith.model.base import load_model
from tunesmith.model.packed.forward import Forward, PackedForward, SingleForward
from tunesmith.model.packed.losses import head_of
from tunesmith.model.recomputation import is_needed, recompute_layers
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import Started, Warned
from tunesmith.train.objectives import preferences, with_reference

Make = Callable[..., TrainConfig]

#: The plain ones; GPT-2 and OPT drop out in training mode; StableLM hands no layout down; windows and sinks.
FAMILIES = ["llama", "gpt2", "opt", "stablelm", "gemma2", "gpt_oss"]


def forward_of(model: torch.nn.Module, *, share: bool = True) -> PackedForward:
    return PackedForward(model, head_of(model), tokens_per_forward=70, share=share)


@pytest.mark.parametrize("share", [False, True], ids=["packed", "shared"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_the_same_to_the_last_bit(family: str, share: bool, tmp_path: Path) -> None:
    config = {"word_embed_proj_dim": 32, "ffn_dim": 48, "dropout": 0.5} if family == "opt" else {}
    base = tiny_model(tmp_path / family, family, **config)
    model, stack = stack_with_random_values(base, "float64")
    loss, expected = gradients(forward_of(model, share=share), stack, ALIKE)
    assert recompute_layers(model) == model.config.num_hidden_layers
    again, recomputed = gradients(forward_of(model, share=share), stack, ALIKE)
    assert again == loss
    assert all(torch.equal(recomputed[name], expected[name]) for name in expected)


@pytest.mark.parametrize("family", ["bloom", "falcon"])
def test_rows_alone_through_stock_attention_too(family: str, tmp_path: Path) -> None:
    model, stack = stack_with_random_values(tiny_model(tmp_path / family, family), "float64")
    forward: Forward = SingleForward(model, "eager")
    _, expected = gradients(forward, stack, ALIKE)
    assert recompute_layers(model)
    _, recomputed = gradients(forward, stack, ALIKE)
    assert all(torch.equal(recomputed[name], expected[name]) for name in expected)


def test_preferences_too(base: Path) -> None:
    model, stack = stack_with_random_values(base, "float64")
    forward = forward_of(model)
    batch = list(with_reference(forward, [pairs()]).values())
    _, expected = gradients(forward, stack, batch, preferences(beta=0.3))
    recompute_layers(model)
    _, recomputed = gradients(forward, stack, batch, preferences(beta=0.3))
    assert all(torch.equal(recomputed[name], expected[name]) for name in expected)


def test_each_layer_runs_twice_in_a_step_and_once_in_a_measurement(base: Path) -> None:
    model, stack = stack_with_random_values(base, "float64")
    recompute_layers(model)
    calls = []
    model.model.layers[1].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    forward = PackedForward(model, head_of(model), tokens_per_forward=8192)
    gradients(forward, stack, ALIKE)
    assert len(calls) == 2
    with torch.no_grad():
        forward(ALIKE)
    assert len(calls) == 3


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_run_ends_in_the_same_bytes(config: Make, tmp_path: Path, dtype: str) -> None:
    base = tiny_model(tmp_path / "wide", head_dim=64)  # wide enough for all parts of the native library
    adapters = []
    for on in (False, True):
        events = run(config(base=base, dtype=dtype, gradient_checkpointing=on, out=tmp_path / str(on)))
        adapters.append((events[-1].folder / "adapter_model.safetensors").read_bytes())
        notes = of_kind(events, Started)[0].notes
        assert any("computed again" in note for note in notes) == on
        assert not of_kind(events, Warned)
    assert adapters[0] == adapters[1]


def test_it_is_needed_where_kept_values_would_fill_the_memory(base: Path) -> None:
    model, stack = stack_with_random_values(base, "float32")
    assert not is_needed(model, stack, 1_000)
    assert is_needed(model, stack, 10**10)


def test_a_model_in_evaluation_mode_stays_in_it(base: Path) -> None:
    model = load_model(base, dtype="float32", device="cpu")
    recompute_layers(model)
    assert not any(module.training for module in model.modules())
