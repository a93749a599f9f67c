"""LoRA on a mixture's experts: exact in any precision, only where it is proved, chosen by names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeExperts

from tests.model.tiny_models import tiny_model
from tunesmith.errors import InvalidRequest
from tunesmith.model.base import load_model
from tunesmith.model.experts import ROUTED, experts_weights, why_not_tunable
from tunesmith.model.lora import add_lora, parameters_per_rank

MIXTURES = ["qwen3_moe", "gpt_oss"]
INPUT_IDS = torch.arange(3, 60)[None]


def mixture(folder: Path, family: str = "qwen3_moe", dtype: str = "float32", **config: object):
    return load_model(tiny_model(folder / family, family, **config), dtype=dtype, device="cpu")


@pytest.mark.parametrize("family", MIXTURES)
def test_gradients_are_those_of_the_stock_experts_with_merged_weights(family: str, tmp_path: Path) -> None:
    """In fp64, for all matrices, biases, interleaved and transposed weights, and the input's gradient."""
    model = mixture(tmp_path, family, "float64")
    experts = model.model.layers[0].mlp.experts
    (up_path, up), (down_path, down) = list(experts_weights(model).items())[:2]
    generator = torch.Generator().manual_seed(1)
    index = torch.tensor([[0, 3], [3, 1], [0, 1], [1, 0], [3, 0]])  # expert 2 has nothing to do
    weights = torch.rand(5, 2, generator=generator, dtype=torch.float64)
    x = torch.randn(5, 32, generator=generator, dtype=torch.float64)
    grad = torch.randn(5, 32, generator=generator, dtype=torch.float64)
    stack = add_lora(model, r=3, lora_alpha=6, target_modules=[up_path, down_path])
    with torch.no_grad():
        stack.weights.normal_(std=0.3, generator=generator)

    mine = x.clone().requires_grad_()
    got = experts(mine, index, weights)
    stack.stage()
    got.backward(grad)
    stack.collect()

    model.set_experts_implementation("eager")
    theirs, leaves = x.clone().requires_grad_(), {}
    for path, weight in ((up_path, up), (down_path, down)):
        a, b = (
            m.detach().clone().requires_grad_()
            for m in (stack.layers[path].lora_A, stack.layers[path].lora_B)
        )
        leaves[path] = a, b
        change = 2.0 * b @ a
        frozen = getattr(experts, weight.name)
        delattr(experts, weight.name)
        setattr(experts, weight.name, frozen + (change.mT if experts.is_transposed else change))
    expected = experts(theirs, index, weights)
    expected.backward(grad)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-12, atol=1e-12)
    for path, (a, b) in leaves.items():
        layer = stack.layers[path]
        torch.testing.assert_close(layer.lora_A_grad, a.grad, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(layer.lora_B_grad, b.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", MIXTURES)
def test_a_bf16_mixture_computes_in_bf16(family: str, tmp_path: Path) -> None:
    logits = []
    for dtype in ("float32", "bfloat16"):
        model = mixture(tmp_path, family, dtype)
        stack = add_lora(model, r=4, lora_alpha=8)
        with torch.no_grad():
            stack.weights.normal_(std=0.1, generator=torch.Generator().manual_seed(0))
        stack.refresh()
        assert stack.compute.dtype == model.dtype and stack.weights.dtype == torch.float32
        logits.append(model(input_ids=INPUT_IDS).logits.float().detach())
    assert float((logits[0] - logits[1]).norm() / logits[0].norm()) < 0.1


def test_all_linear_means_experts_too_and_counts_them(tmp_path: Path) -> None:
    model = mixture(tmp_path)
    per_rank = parameters_per_rank(model)
    stack = add_lora(model, r=2, lora_alpha=4)
    assert stack.weights.numel() == 2 * per_rank
    assert {path.rpartition(".")[2] for path in stack.layers} == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"
    }  # fmt: skip
    assert stack.layers["model.layers.1.mlp.experts.down_proj"].n_experts == 4


def test_a_name_means_experts_only_when_it_says_whose_it_is(tmp_path: Path) -> None:
    config = {"mlp_only_layers": [0]}
    bare = add_lora(mixture(tmp_path, **config), r=2, lora_alpha=4, target_modules=["down_proj"])
    assert list(bare.layers) == ["model.layers.0.mlp.down_proj"]
    whose = add_lora(mixture(tmp_path, **config), r=2, lora_alpha=4, target_modules=["experts.down_proj"])
    assert list(whose.layers) == ["model.layers.1.mlp.experts.down_proj"]
    with pytest.raises(InvalidRequest, match="'experts.w1'.*q_proj.*experts.down_proj"):
        add_lora(mixture(tmp_path, **config), r=2, lora_alpha=4, target_modules=["experts.w1"])


def test_experts_that_compute_something_else_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = mixture(tmp_path)
    monkeypatch.setattr(Qwen3MoeExperts, "_apply_gate", lambda self, gate_up: gate_up.chunk(2, dim=-1)[0])
    assert "something else" in str(why_not_tunable(model))
    with pytest.raises(InvalidRequest, match="cannot be tuned: its experts compute something else"):
        add_lora(model, r=2, lora_alpha=4, target_modules=["experts.down_proj"])
    stack = add_lora(model, r=2, lora_alpha=4)
    assert not any(layer.n_experts for layer in stack.layers.values())
    assert model.config._experts_implementation != ROUTED


def test_dense_layers_before_the_mixture_do_not_hide_it_from_the_proof(tmp_path: Path) -> None:
    shape = {
        "num_hidden_layers": 4,
        "first_k_dense_replace": 3,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "n_group": 1,
        "topk_group": 1,
        "moe_intermediate_size": 16,
    }
    model = mixture(tmp_path, "glm4_moe", **shape)
    assert why_not_tunable(model) is None
    assert [path for path in experts_weights(model) if "layers.3" in path]
