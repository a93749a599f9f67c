"""The library's RMSNorm, SwiGLU and rotary embedding against transformers' own layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.gemma2 import modeling_gemma2
from transformers.models.glm4 import modeling_glm4
from transformers.models.llama import modeling_llama

from tests.model.tiny_models import tiny_model
from tunesmith.model import fused, native
from tunesmith.model.base import load_model

pytestmark = pytest.mark.skipif(native.load() is None, reason=native.reason())

DTYPES = [(torch.float32, 2e-6), (torch.bfloat16, 8e-3)]


def both(stock: Any, ours: Any, inputs: list[torch.Tensor], tolerance: float) -> None:
    """Values and gradients of two functions on the same inputs."""
    results = []
    for function in (stock, ours):
        leaves = [x.clone().requires_grad_() for x in inputs]
        out = function(*leaves)
        weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(3)).to(out.dtype)
        (out * weight).sum().backward()
        results.append([out.detach(), *(leaf.grad for leaf in leaves)])
    for theirs, mine in zip(*results, strict=True):
        assert mine.dtype == theirs.dtype and mine.shape == theirs.shape
        difference = (mine.double() - theirs.double()).norm()
        assert float(difference) <= tolerance * float(theirs.double().norm())


def values(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


@pytest.mark.parametrize("dtype, tolerance", DTYPES, ids=["fp32", "bf16"])
def test_rms_norm(dtype: torch.dtype, tolerance: float) -> None:
    norm = modeling_llama.LlamaRMSNorm(64).to(dtype).requires_grad_(False)
    norm.weight.copy_(torch.rand(64) + 0.5)
    stock = norm.forward
    ours = fused._norm_forward(norm, stock, norm.variance_epsilon)
    both(stock, ours, [values(1, 70, 3, 64, dtype=dtype)], tolerance)


@pytest.mark.parametrize("dtype, tolerance", DTYPES, ids=["fp32", "bf16"])
def test_swiglu(dtype: torch.dtype, tolerance: float) -> None:
    gate, up = (values(1, 90, 48, dtype=dtype) + i for i in range(2))
    both(lambda g, u: torch.nn.functional.silu(g) * u, fused._SwiGlu.apply, [gate, up], tolerance)


@pytest.mark.parametrize("dtype, tolerance", DTYPES, ids=["fp32", "bf16"])
@pytest.mark.parametrize("width", [32, 128])
def test_rotary_embedding_of_transposed_heads(width: int, dtype: torch.dtype, tolerance: float) -> None:
    x = values(1, 21, 3, width, dtype=dtype).transpose(1, 2)
    half = values(1, 21, width // 2, dtype=torch.float32)
    cos, sin = (torch.cat([f(half), f(half) * 0.5], -1).to(dtype) for f in (torch.cos, torch.sin))
    both(
        lambda x: modeling_llama.apply_rotary_pos_emb(x, x, cos, sin)[0],
        lambda x: fused._Rotary.apply(x, cos, sin),
        [x],
        tolerance,
    )


def test_layers_of_other_formulas_are_left_alone() -> None:
    assert fused._is_rms_norm(modeling_llama.LlamaRMSNorm(8))
    assert not fused._is_rms_norm(modeling_gemma2.Gemma2RMSNorm(8))
    assert fused._is_rotary(modeling_llama.apply_rotary_pos_emb)
    assert not fused._is_rotary(modeling_glm4.apply_rotary_pos_emb)


def test_a_fused_model_computes_what_it_did_and_others_are_not_touched(tmp_path: Path) -> None:
    base = tiny_model(
        tmp_path / "qwen3", "qwen3", head_dim=32, hidden_size=64, intermediate_size=96, num_attention_heads=2
    )
    model, other = (load_model(base, dtype="float32", device="cpu") for _ in range(2))
    ids = torch.arange(3, 43)[None]
    expected = model(input_ids=ids).logits
    fused.fuse(model)
    with torch.profiler.profile() as profile, fused.fused_pass():
        found = model(input_ids=ids).logits
    torch.testing.assert_close(found, expected)
    names = {event.key for event in profile.key_averages()}
    assert {"_RmsNorm", "_SwiGlu", "_Rotary"} <= names
    with torch.profiler.profile() as profile:
        assert torch.equal(other(input_ids=ids).logits, expected)
    assert not {"_RmsNorm", "_SwiGlu", "_Rotary"} & {event.key for event in profile.key_averages()}
