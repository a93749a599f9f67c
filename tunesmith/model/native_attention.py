"""Attention over a forest by the native kernel, as one node of autograd.

The kernel itself, how it is built and when there is none is `native/`'s.
"""

from __future__ import annotations

from typing import Any

import torch

from tunesmith.model import native
from tunesmith.model.forest import Forest
from tunesmith.model.shared_attention import Terms


def native_is_used(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether there is a kernel for tensors of this device and type."""
    return device.type == "cpu" and dtype in (torch.bfloat16, torch.float32) and native.load() is not None


def native_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    forest: Forest,
    terms: Terms,
    sinks: torch.Tensor | None = None,
) -> torch.Tensor:
    """q [T, H, D], k [T, K, D], v [T, K, Dv] -> [T, H, Dv], where `native_is_used`.

    `sinks` [H], a logit per head that takes part in the softmax only, are folded in after the kernel:
    given the whole sum of exponentials its backward pass is that of the whole softmax.
    """
    return _NativeAttention.apply(q, k, v, forest, terms, sinks)


class _NativeAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        forest: Forest,
        terms: Terms,
        sinks: torch.Tensor | None,
    ) -> torch.Tensor:
        kernel = native.load()
        assert kernel is not None
        out, lse = kernel.forward(q, k, v, *forest.arrays(), **terms._asdict())
        if sinks is not None:
            merged = torch.logaddexp(lse, sinks.detach().to(lse.dtype)[:, None])
            out = (out * (lse - merged).exp().t()[..., None]).to(out.dtype)
            lse = merged
        ctx.save_for_backward(q, k, v, out, lse)
        ctx.kernel, ctx.forest, ctx.terms = kernel, forest, terms
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, k, v, out, lse = ctx.saved_tensors
        terms: Terms = ctx.terms
        found = ctx.kernel.backward(grads[0], q, k, v, out, lse, *ctx.forest.arrays(), **terms._asdict())
        return *found, None, None, None
