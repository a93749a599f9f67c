"""Attention over a packed row whose examples share nothing, by torch's own kernels.

Examples of similar length form padded groups, each one product; long ones go through torch's fused
kernel. Autograd does the rest. Forests in which something is shared are `shared_attention.py`'s.

Shapes: T = tokens in the packed row, H = query heads, K = key/value heads, D = head width,
N = segments in a group, L = tokens of the group's longest segment.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from tunesmith.model.forest import Forest, Segments
from tunesmith.model.shared_attention import Terms

#: A group's scores [N, H, L, L] are made at once up to this many values (8 MB in bf16), beyond it by
#: torch's fused kernel, whose memory grows with L and not with its square. Measured on 2 AVX512_BF16
#: cores, forward and backward, in ms: 16 segments of 40-79 tokens 4.5 at once, 15 fused; 4 of 400-584
#: 15 and 22; 2 of about 1,800 120 and 58.
_AT_ONCE_VALUES = 4_000_000


def flat_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    forest: Forest,
    terms: Terms,
    sinks: torch.Tensor | None = None,
) -> torch.Tensor:
    """q [T, H, D], k [T, K, D], v [T, K, Dv] -> [T, H, Dv], in a forest of roots only."""
    segments = forest.own
    if segments.take is not None:
        q, k, v = (_Pad.apply(x, segments.take, segments.keep) for x in (q, k, v))
    sizes = [len(group.members) * group.length for group in segments.groups]
    results = []
    for group, *qkv in zip(segments.groups, q.split(sizes), k.split(sizes), v.split(sizes), strict=True):
        # [N, heads, L, D]
        q, k, v = (x.unflatten(0, (len(group.members), group.length)).transpose(1, 2) for x in qkv)
        window = terms.window if terms.window and terms.window < group.length else None
        out = _attend(q, k, v, terms.scale, window, terms.softcap, sinks, segments)
        results.append(out.transpose(1, 2).flatten(0, 1))
    out = results[0] if len(results) == 1 else torch.cat(results)
    return out if segments.keep is None else _Unpad.apply(out, segments.keep)


def _attend(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    scale: float,
    window: int | None,
    softcap: float | None,
    sinks: torch.Tensor | None,
    segments: Segments,
) -> torch.Tensor:
    """Causal attention in a padded batch: q [N, H, L, D], k and v [N, K, L, D] -> [N, H, L, Dv]."""
    n, n_heads, length, _ = q.shape
    small = n * n_heads * length**2 <= _AT_ONCE_VALUES
    if not small and softcap is None and sinks is None and q.shape[-1] == v.shape[-1]:
        seen = None if window is None else segments.bias(length, window, 1, q.dtype)[None]
        grouped = n_heads != k.shape[1]
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=seen, is_causal=seen is None, scale=scale, enable_gqa=grouped
        )
    if not small and n > 1:
        rows = zip(q.split(1), k.split(1), v.split(1), strict=True)
        return torch.cat([_attend(*row, scale, window, softcap, sinks, segments) for row in rows])
    return _attend_at_once(q, k, v, scale, window, softcap, sinks, segments)


def _attend_at_once(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    scale: float,
    window: int | None,
    softcap: float | None,
    sinks: torch.Tensor | None,
    segments: Segments,
) -> torch.Tensor:
    """The same by plain matrix products; a key head's query heads stand below each other, not repeated."""
    n, n_heads, length, _ = q.shape
    n_kv = k.shape[1]
    repeats = n_heads // n_kv
    q = q.reshape(n * n_kv, repeats * length, -1)
    k, v = (x.reshape(n * n_kv, length, -1) for x in (k, v))
    bias = segments.bias(length, window, repeats, q.dtype)
    if softcap is None:
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale)
    else:
        scores = torch.tanh(torch.bmm(q, k.transpose(1, 2)) * (scale / softcap)) * softcap + bias
    if sinks is None:
        attention = scores.softmax(-1)
    else:
        sink = sinks.to(scores.dtype).view(1, n_kv, repeats, 1, 1).expand(n, -1, -1, length, -1)
        scores = torch.cat([scores, sink.reshape(n * n_kv, repeats * length, 1)], dim=-1)
        attention = scores.softmax(-1)[..., :-1]
    return torch.bmm(attention, v).view(n, n_heads, length, -1)


class _Pad(torch.autograd.Function):
    """Row -> padded groups. Backward is a copy: each token has one real place, and padding no gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, take: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        ctx.keep = keep
        return x.index_select(0, take)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return grads[0].index_select(0, ctx.keep), None, None


class _Unpad(torch.autograd.Function):
    """Padded groups -> row; padding gets a gradient of zero."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        ctx.keep, ctx.shape = keep, x.shape
        return x.index_select(0, keep)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        return grads[0].new_zeros(ctx.shape).index_copy_(0, ctx.keep, grads[0]), None
