"""Families whose attention cannot be reached are found by numbers, and served the plain way."""

from __future__ import annotations

import copy
from pathlib import Path

import peft
import pytest
import torch
import transformers

from tests.infer.conftest import FAMILIES, SIZES, drain, engine_of, generated, plainly, sequence, tiny_model
from tunesmith.infer.probe import reaches_attention
from tunesmith.model.adapter import write_adapter
from tunesmith.model.cached_attention import CachedAttention
from tunesmith.model.lora import add_lora


@pytest.mark.parametrize("family", FAMILIES)
def test_families_that_use_the_interface_take_the_cached_way(family):
    with torch.inference_mode():
        assert reaches_attention(tiny_model(family)) is None


def falcon() -> transformers.PreTrainedModel:
    settings = {
        key: SIZES[key] for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    }
    torch.manual_seed(0)
    config = transformers.FalconConfig(**settings, alibi=False, bos_token_id=1, eos_token_id=2)
    return transformers.FalconForCausalLM(config).eval()


def mamba() -> transformers.PreTrainedModel:
    torch.manual_seed(0)
    config = transformers.MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2, state_size=8)
    return transformers.MambaForCausalLM(config).eval()


@pytest.mark.parametrize("make", [falcon, mamba])
@pytest.mark.filterwarnings("ignore")  # Mamba tells that its CUDA kernels are absent
def test_families_that_do_not_are_found_and_answer_right_the_plain_way(make):
    model = make()
    with torch.inference_mode():
        reason = reaches_attention(model)
    assert reason is not None
    prompts = [[5, 6, 7, 8], [9, 10, 11]]
    expected = [plainly(model, prompt, 6) for prompt in prompts]
    rows = [sequence(prompt, max_tokens=6) for prompt in prompts]
    drain(engine_of(model, plain=True), rows)
    assert [generated(row) for row in rows] == expected


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks transformers
def test_linear_layers_of_a_class_of_their_own_have_adapters_too(tmp_path: Path):
    model = falcon()  # FalconLinear
    stack = add_lora(copy.deepcopy(model), r=4, lora_alpha=8)
    with torch.no_grad():
        stack.weights.normal_(std=0.2, generator=torch.Generator().manual_seed(1))
    write_adapter(tmp_path / "adapter", stack.state())
    stock = peft.PeftModel.from_pretrained(copy.deepcopy(model), tmp_path / "adapter")
    expected = plainly(stock, [5, 6, 7, 8], 12)
    assert expected != plainly(model, [5, 6, 7, 8], 12)
    engine = engine_of(model, plain=True)
    engine.runner.adapters.load("a", tmp_path / "adapter")
    row = sequence([5, 6, 7, 8], engine.runner.adapters.get("a"), max_tokens=12)
    drain(engine, [row])
    assert generated(row) == expected


def test_a_window_that_is_ignored_is_found(monkeypatch: pytest.MonkeyPatch):
    attend = CachedAttention.attend

    def blind(self, *arguments, **named):
        return attend(self, *arguments, **{**named, "sliding_window": None})

    monkeypatch.setattr(CachedAttention, "attend", blind)
    with torch.inference_mode():
        assert "something else" in str(reaches_attention(tiny_model("Mistral")))


def test_positions_that_depend_on_the_batch_are_not_batched():
    longrope = {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0] * 8,
        "long_factor": [2.0] * 8,
        "original_max_position_embeddings": 64,
    }
    model = tiny_model("Phi3", rope_parameters=longrope, original_max_position_embeddings=64)
    with torch.inference_mode():
        assert "64 tokens" in str(reaches_attention(model, context=256))
        assert reaches_attention(model, context=64) is None
