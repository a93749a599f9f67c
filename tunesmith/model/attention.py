"""Exact attention over a packed row: examples stand one after another, and each sees only itself.

Registered with transformers' AttentionInterface, so that the architectures stay unmodified. No mask
function is registered beside it, so transformers builds no mask; the layout arrives as the keyword
`segments` of the model's forward. Whether a family really routes everything through here is for
`train/probe.py` to find out. The engine's cached attention is `cached_attention.py`'s.

Shapes: T = tokens in the packed row, H = query heads, K = key/value heads, D = head width,
N = segments in a group, L = tokens of the group's longest segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: The name under which transformers knows this attention.
PACKED = "tunesmith_packed"

#: A group's scores [N, H, L, L] are made at once up to this many values (8 MB in bf16), beyond it by
#: torch's fused kernel, whose memory grows with L and not with its square. Measured on 2 AVX512_BF16
#: cores, forward and backward, in ms: 16 segments of 40-79 tokens 4.5 at once, 15 fused; 4 of 400-584
#: 15 and 22; 2 of about 1,800 120 and 58.
_AT_ONCE_VALUES = 4_000_000
#: Segments of one group differ in length by at most this factor, which bounds the padding inside the
#: attention.
_LENGTH_RATIO = 1.5


class Segments:
    """Where the examples of one packed row [1, T] begin and end.

    Lengths [3, 2] are rows 0..2 and 3..4, with positions [0 1 2 0 1]. Every token sees the tokens of its own
    segment up to itself, or the last `window` of them.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device | str = "cpu") -> None:
        assert lengths and min(lengths) > 0
        self.lengths = list(lengths)
        self.longest = max(lengths)
        self.n_tokens = sum(lengths)
        self.device = torch.device(device)
        self.groups = [
            Group(members, max(self.lengths[i] for i in members)) for members in _alike(self.lengths)
        ]
        self.take: torch.Tensor | None
        self.keep: torch.Tensor | None
        self.take, self.keep = self._padding()
        self._biases: dict[tuple[int, int | None, int, torch.dtype], torch.Tensor] = {}

    def positions(self) -> torch.Tensor:
        """Each token's position in its own example: int64 [T]."""
        return torch.cat([torch.arange(length) for length in self.lengths]).to(self.device)

    def _padding(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Indices into the row and out of the groups; None when the row already is its one group.

        Lengths [3, 2] in one group: take [0 1 2 3 4 3] fills two padded rows of 3, keep [0 1 2 3 4]
        finds the row's tokens among their 6. Padding repeats a segment's first token behind its last,
        where no real token looks.
        """
        if len(self.groups) == 1 and len(set(self.lengths)) == 1:
            return None, None
        starts = [0, *torch.tensor(self.lengths).cumsum(0).tolist()]
        take: list[torch.Tensor] = []
        keep = torch.empty(self.n_tokens, dtype=torch.int64)
        at = 0
        for group in self.groups:
            for i in group.members:
                start, length = starts[i], self.lengths[i]
                take.append(torch.arange(start, start + length))
                take.append(torch.full((group.length - length,), start))
                keep[start : start + length] = torch.arange(at, at + length)
                at += group.length
        return torch.cat(take).to(self.device), keep.to(self.device)

    def bias(self, length: int, window: int | None, repeats: int, dtype: torch.dtype) -> torch.Tensor:
        """0 where a token may look, -inf elsewhere: [1, repeats · length, length], made once per layout."""
        key = (length, window, repeats, dtype)
        if key not in self._biases:
            distance = torch.arange(length)[:, None] - torch.arange(length)[None, :]
            hidden = distance < 0
            if window is not None:
                hidden |= distance >= window
            bias = torch.zeros(length, length, dtype=dtype).masked_fill_(hidden, float("-inf"))
            self._biases[key] = bias.repeat(repeats, 1)[None].to(self.device)
        return self._biases[key]


class Group(NamedTuple):
    """Segments of similar length, attended together as the rows of one padded batch."""

    members: list[int]
    """Indices of the segments."""
    length: int
    """Tokens of the longest."""


def _alike(lengths: list[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if groups and lengths[i] <= _LENGTH_RATIO * lengths[groups[-1][0]]:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [sorted(members) for members in groups]


def use_packed_attention(model: PreTrainedModel) -> None:
    """Selects packed attention in a transformers model; every forward then needs `segments=`."""
    from transformers import AttentionInterface

    AttentionInterface.register(PACKED, packed_attention)
    model.set_attn_implementation(PACKED)


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    segments: Segments | None = None,
    **other: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' signature: query [1, H, T, D], key and value [1, K, T, D] -> ([1, T, H, Dv], None).

    `softcap` is Gemma 2's tanh on the scores, `s_aux` GPT-OSS's sink per head. What a model asks for
    beyond these raises NotImplementedError, never a silently wrong result.
    """
    if segments is None:
        raise NotImplementedError("this model does not hand the packed layout down to its attention")
    if attention_mask is not None or other.get("position_bias") is not None:
        raise NotImplementedError("this model adds a mask or bias of its own to the scores")
    if query.shape[0] != 1 or query.shape[2] != segments.n_tokens or key.shape[2] != segments.n_tokens:
        raise NotImplementedError("this model's attention does not see the packed row as it is")
    if dropout:
        raise NotImplementedError("attention dropout is not supported")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (heads[0].transpose(0, 1) for heads in (query, key, value))  # [T, heads, D], views
    if segments.take is not None:
        q, k, v = (_Pad.apply(x, segments.take, segments.keep) for x in (q, k, v))
    sizes = [len(group.members) * group.length for group in segments.groups]
    results = []
    for group, *qkv in zip(segments.groups, q.split(sizes), k.split(sizes), v.split(sizes), strict=True):
        # [N, heads, L, D]
        q, k, v = (x.unflatten(0, (len(group.members), group.length)).transpose(1, 2) for x in qkv)
        window = sliding_window if sliding_window and sliding_window < group.length else None
        out = _attend(q, k, v, scale, window, softcap, s_aux, segments)
        results.append(out.transpose(1, 2).flatten(0, 1))
    out = results[0] if len(results) == 1 else torch.cat(results)
    if segments.keep is not None:
        out = _Unpad.apply(out, segments.keep)
    return out[None], None


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
