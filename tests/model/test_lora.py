"""LoRA layers: where they sit, how they start, and that they are PEFT's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from benchmarks.families import FAMILIES as SHAPES
from tests.model.tiny_models import tiny_model
from tunesmith.errors import InvalidAdapter, InvalidRequest
from tunesmith.model.base import load_model
from tunesmith.model.lora import add_lora

# PEFT asks transformers for an old name
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "llama")


@pytest.mark.parametrize("family", ["llama", "gemma2", "gpt2", "stablelm"])
def test_all_linear_means_the_layers_that_peft_means(family: str, tmp_path: Path) -> None:
    base = tiny_model(tmp_path / family, family)
    mine = add_lora(load_model(base, dtype="float32"), r=2, lora_alpha=4)
    config = LoraConfig(
        r=2, target_modules="all-linear", fan_in_fan_out=family == "gpt2", task_type="CAUSAL_LM"
    )
    theirs = get_peft_model(load_model(base, dtype="float32"), config)
    names = {
        name.removeprefix("base_model.model.").removesuffix(".lora_A.default.weight")
        for name, _ in theirs.named_parameters()
        if ".lora_A." in name
    }
    assert set(mine.layers) == names


def lora_names(family: str, folder: Path, **config: object) -> set[str]:
    shape = next((s.config for s in SHAPES if s.model_type == family), {})
    model = load_model(tiny_model(folder / family, family, **{**shape, **config}), dtype="float32")
    return {path.rpartition(".")[2] for path in add_lora(model, r=2, lora_alpha=4).layers}


def test_a_class_derived_from_linear_counts_when_it_computes_the_same(tmp_path: Path) -> None:
    assert "query_key_value" in lora_names("falcon", tmp_path)  # FalconLinear
    assert "router" not in lora_names("llama4_text", tmp_path)  # gives scores and logits


def test_a_layer_whose_weight_a_kernel_reads_itself_stays_as_it_is(tmp_path: Path) -> None:
    assert lora_names("mamba2", tmp_path) == {"in_proj"}


def test_a_fresh_adapter_changes_nothing_and_a_seed_means_one_adapter(folder: Path) -> None:
    input_ids = torch.arange(3, 30)[None]
    plain = load_model(folder, dtype="float32")
    expected = plain(input_ids=input_ids).logits
    weights = []
    for seed in (1, 1, 2):
        model = load_model(folder, dtype="float32")
        stack = add_lora(model, r=4, lora_alpha=8)
        stack.initialize(seed)
        assert torch.equal(model(input_ids=input_ids).logits, expected)
        weights.append(stack.weights.detach())
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_starting_values_have_pefts_spread(folder: Path) -> None:
    stack = add_lora(load_model(folder, dtype="float32"), r=64, lora_alpha=8)
    stack.initialize(0)
    layer = stack.layers["model.layers.0.self_attn.q_proj"]
    bound = layer.in_features**-0.5  # uniform in ±bound
    assert layer.lora_A.abs().max() <= bound
    assert layer.lora_A.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert not layer.lora_B.any()


def test_names_choose_layers_and_an_unknown_name_is_refused_with_the_known_ones(folder: Path) -> None:
    stack = add_lora(
        load_model(folder, dtype="float32"), r=2, lora_alpha=4, target_modules=["q_proj", "down_proj"]
    )
    assert len(stack.layers) == 4
    with pytest.raises(InvalidRequest, match="'query'.*q_proj"):
        add_lora(load_model(folder, dtype="float32"), r=2, lora_alpha=4, target_modules=["query"])


def test_a_bf16_base_keeps_fp32_masters(folder: Path) -> None:
    stack = add_lora(load_model(folder, dtype="bfloat16"), r=2, lora_alpha=4)
    stack.initialize(0)
    layer = stack.layers["model.layers.0.mlp.up_proj"]
    assert (
        layer.lora_A.dtype == torch.float32
        and layer(torch.ones(1, 32, dtype=torch.bfloat16)).dtype == torch.bfloat16
    )


def test_an_adapter_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    other = add_lora(
        load_model(tiny_model(tmp_path / "wide", intermediate_size=64), dtype="float32"), r=2, lora_alpha=4
    )
    mine = add_lora(load_model(folder, dtype="float32"), r=2, lora_alpha=4)
    with pytest.raises(
        InvalidAdapter, match=r"gate_proj has shape \[64, 2\] in the adapter and \[48, 2\] in"
    ):
        mine.load(other.state())
    fewer = add_lora(load_model(folder, dtype="float32"), r=2, lora_alpha=4, target_modules=["q_proj"])
    with pytest.raises(InvalidAdapter, match="only one of adapter and model"):
        mine.load(fewer.state())
