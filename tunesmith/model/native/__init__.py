"""The native CPU kernel: attention over a forest of shared prefixes, compiled on first use.

`load()` gives the kernel, or None where it cannot be had; `reason()` then says why in a sentence, and the
caller takes the plain path. What it computes is `kernel.py`'s, how it is compiled `build.py`'s, and why there
is one at all docs/why/native-kernel.md's.
"""

from __future__ import annotations

import functools
import os

import torch

from tunesmith.model.native.build import Unavailable, library
from tunesmith.model.native.kernel import Kernel

__all__ = ["Kernel", "load", "reason"]


def load() -> Kernel | None:
    """The kernel for this CPU; compiled the first time on a machine, which takes a few seconds."""
    return _loaded()[0]


def reason() -> str:
    """Why `load()` gives None, as a sentence; empty when it gives a kernel."""
    return _loaded()[1]


@functools.cache
def _loaded() -> tuple[Kernel | None, str]:
    if os.environ.get("TUNESMITH_NATIVE", "") == "0":
        return None, "The native kernel is off: TUNESMITH_NATIVE=0."
    try:
        kernel = Kernel(library())
        _check(kernel)
    except Unavailable as why:
        return None, f"There is no native kernel: {why}."
    return kernel, ""


def _check(kernel: Kernel) -> None:
    """Two roots and a child through the kernel and by definition, as a guard against a compiler's mistake."""
    nodes = torch.tensor([[0, 20, 34, -1], [20, 34, 34, 0], [34, 40, 40, -1]], dtype=torch.int32)
    positions = torch.cat([torch.arange(34), torch.arange(6)]).to(torch.int32)
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(40, 2, 16, generator=generator) for _ in range(3))
    hidden = torch.ones(40, 40, dtype=torch.bool).triu(1)
    hidden[34:, :34] = True
    scores = torch.einsum("qhd,khd->hqk", q, k) * 0.25
    expected = torch.einsum("hqk,khd->qhd", scores.masked_fill(hidden, float("-inf")).softmax(-1), v)
    for dtype, tolerance in ((torch.float32, 1e-4), (torch.bfloat16, 5e-2)):
        out, _ = kernel.forward(
            q.to(dtype), k.to(dtype), v.to(dtype), nodes, positions, scale=0.25, num_threads=1
        )
        if not torch.allclose(out.float(), expected, atol=tolerance):
            raise Unavailable(f"compiled here, it computes wrong values in {dtype}")
