"""Attention over a key/value cache for many sequences at once, some decoding, some reading their prompts.

The tokens of all sequences stand in one packed row [1, T]. Registered with transformers' AttentionInterface
(and no mask function beside it, so transformers builds none), the function writes the row's keys and values
into the cache and lets each token look at its own sequence's places. No `Cache` subclass is needed, so
architectures stay unmodified. Whether a family really routes everything through here is for `infer/probe.py`
to find out.

Shapes: T = tokens in the packed row, H = query heads, K = key/value heads, D = head width, C = places in the
cache, N = rows of a run (decoding sequences whose blocks lie next to each other), S = size of their blocks, L
= places looked at.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_names = itertools.count()

#: Places of an unused block between two used ones that are computed and thrown away rather than starting
#: another run; a run costs about as much as attention over this many places.
_GAP_PLACES = 1024


class Segment(NamedTuple):
    """Tokens of one sequence in the packed row."""

    block_start: int
    """First place of the sequence in the cache."""
    block_size: int
    n_before: int
    """Tokens of the sequence that are in the cache already."""
    n: int
    """Tokens in the row."""


class Run(NamedTuple):
    """Decoding sequences, one token each, whose blocks are neighbours of one size: one batch of attention."""

    rows: slice
    """Where they stand in the packed row."""
    size: int
    """Places in a block."""
    first: int
    """Number of the first block among blocks of this size."""
    taken: torch.Tensor | None
    """Which of the blocks first, first + 1, … are theirs; None when all are."""
    n_blocks: int
    lengths: list[int]
    """Places that each row looks at, its own token included; 1 for blocks that are not theirs."""


class CachedAttention:
    """The cache of one model and the layout of the current step; call `begin` before each forward."""

    def __init__(self, n_places: int, device: torch.device) -> None:
        self.n_places = n_places
        self.device = device
        self.n_calls = 0
        """Attention calls since the last `begin`; a probe compares it with the number of layers."""
        self._keys: dict[int, torch.Tensor] = {}
        self._values: dict[int, torch.Tensor] = {}

    def install(self, model: PreTrainedModel) -> None:
        """Make a transformers model use this cache from now on."""
        from transformers import AttentionInterface

        name, this = f"tunesmith_cached_{next(_names)}", weakref.ref(self)

        def attend(*arguments: Any, **named: Any) -> tuple[torch.Tensor, None]:
            cache = this()  # transformers' registry lives for ever and must not keep a cache alive
            assert cache is not None
            return cache.attend(*arguments, **named)

        AttentionInterface.register(name, attend)
        model.set_attn_implementation(name)

    def begin(self, segments: Sequence[Segment]) -> tuple[torch.Tensor, torch.Tensor]:
        """Lay out a step; gives the row's position ids [1, T] and, for each segment, the row of its last
        token.

        Decoding segments (n = 1 and something before) must come first, ordered by block size and place.
        """
        self.n_calls = 0
        self._runs, n_decoding = _runs(segments, self.device)
        self._prompts: list[tuple[int, Segment]] = []
        places: list[int] = []
        positions: list[int] = []
        last_rows: list[int] = []
        for i, (start, _, before, n) in enumerate(segments):
            if i >= n_decoding:
                self._prompts.append((len(positions), segments[i]))
            positions.extend(range(before, before + n))
            places.extend(range(start + before, start + before + n))
            last_rows.append(len(positions) - 1)
        self._places = torch.tensor(places, device=self.device)
        self._biases: dict[tuple[int, int | None, torch.dtype], torch.Tensor | None] = {}
        return (
            torch.tensor([positions], device=self.device),
            torch.tensor(last_rows, device=self.device),
        )

    def bytes_per_place(self) -> int:
        """Bytes that one token takes in all layers; known once a forward pass has run."""
        caches = (*self._keys.values(), *self._values.values())
        return sum(cache.shape[0] * cache.shape[2] * cache.element_size() for cache in caches)

    def resize(self, n_places: int) -> None:
        """Another number of places; what was cached is gone."""
        self.n_places = n_places
        self._keys.clear()
        self._values.clear()

    def clear(self, start: int, size: int) -> None:
        """Zero a block that may hold NaN: hidden places still take part in products, and 0 · NaN is NaN."""
        for cache in (*self._keys.values(), *self._values.values()):
            cache[:, start : start + size] = 0

    def read(self, start: int, n: int) -> list[torch.Tensor]:
        """Copies of the keys and the values at `n` places, [K, n, D] each, layer by layer."""
        caches = (self._keys[layer] for layer in self._keys), (self._values[layer] for layer in self._keys)
        return [cache[:, start : start + n].clone() for pair in zip(*caches, strict=True) for cache in pair]

    def write(self, start: int, parts: Sequence[torch.Tensor]) -> None:
        """Put what `read` gave, or several of it one after another, to other places."""
        for layer, key, value in zip(self._keys, parts[::2], parts[1::2], strict=True):
            self._keys[layer][:, start : start + key.shape[1]] = key
            self._values[layer][:, start : start + value.shape[1]] = value

    def attend(
        self,
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
        **other: Any,
    ) -> tuple[torch.Tensor, None]:
        """transformers' attention signature: query [1, H, T, D], key and value [1, K, T, D] -> ([1, T, H,
        Dv], None).

        `softcap` is Gemma 2's tanh on the scores, `s_aux` GPT-OSS's sink per head. What a model asks for
        beyond these raises NotImplementedError, never a silently wrong result.
        """
        if attention_mask is not None or other.get("position_bias") is not None:
            raise NotImplementedError("this model adds a mask or bias of its own to the scores")
        if query.shape[0] != 1 or key.shape[2] != len(self._places) or query.shape[2] != len(self._places):
            raise NotImplementedError("this model's attention does not see the packed row as it is")
        self.n_calls += 1
        layer: int = module.layer_idx  # type: ignore[assignment]
        keys, values = self._store(layer, key[0], value[0])
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        plain = softcap is not None or s_aux is not None or query.shape[-1] != value.shape[-1]
        how = scale, sliding_window, softcap, s_aux, plain
        results = [self._decode(run, query[0], keys, values, *how) for run in self._runs]
        results += [self._prompt(at, s, query[0], keys, values, *how) for at, s in self._prompts]
        return (results[0] if len(results) == 1 else torch.cat(results)).unsqueeze(0), None

    def _store(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the row's keys and values [K, T, D] to their places."""
        if layer not in self._keys:
            self._keys[layer] = zeros((key.shape[0], self.n_places, key.shape[2]), key)
            self._values[layer] = zeros((value.shape[0], self.n_places, value.shape[2]), value)
        keys, values = self._keys[layer], self._values[layer]
        keys.index_copy_(1, self._places, key)
        values.index_copy_(1, self._places, value)
        return keys, values

    def _decode(
        self,
        run: Run,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        scale: float,
        window: int | None,
        softcap: float | None,
        sinks: torch.Tensor | None,
        plain: bool,
    ) -> torch.Tensor:
        """One token of each sequence of a run: [N, H, Dv]."""
        n_heads, n_kv = query.shape[0], keys.shape[0]
        length = max(run.lengths)
        # query heads that share a key head stand as rows below each other: [N, K, H/K, D]
        q = query[:, run.rows].transpose(0, 1).unflatten(1, (n_kv, n_heads // n_kv))
        if run.taken is not None:
            q = q.new_zeros((run.n_blocks, *q.shape[1:])).index_copy_(0, run.taken, q)
        end = (run.first + run.n_blocks) * run.size
        k, v = (
            c[:, run.first * run.size : end]
            .unflatten(1, (run.n_blocks, run.size))[:, :, :length]
            .transpose(0, 1)
            for c in (keys, values)
        )
        bias = self._decode_bias(run, window, q.dtype)
        if plain:
            grouped = sinks if sinks is None else sinks.view(n_kv, n_heads // n_kv, 1)
            out = _attend_plainly(q, k, v, bias, scale, softcap, grouped)
        else:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
        if run.taken is not None:
            out = out.index_select(0, run.taken)
        return out.flatten(1, 2)

    def _decode_bias(self, run: Run, window: int | None, dtype: torch.dtype) -> torch.Tensor | None:
        """0 where a row may look, -inf elsewhere: [N, 1, 1, L]; made once per step."""
        length, shortest = max(run.lengths), min(run.lengths)
        if window is not None and window >= length:
            window = None
        key = run.rows.start, window, dtype
        if key not in self._biases:
            bias = None
            if shortest < length or window is not None:
                lengths = torch.tensor(run.lengths, device=self.device)[:, None]
                place = torch.arange(length, device=self.device)[None, :]
                hidden = place >= lengths
                if window is not None:
                    hidden |= place < lengths - window
                bias = torch.zeros(hidden.shape, dtype=dtype, device=self.device)
                bias = bias.masked_fill_(hidden, float("-inf"))[:, None, None, :]
            self._biases[key] = bias
        return self._biases[key]

    def _prompt(
        self,
        at: int,
        segment: Segment,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        scale: float,
        window: int | None,
        softcap: float | None,
        sinks: torch.Tensor | None,
        plain: bool,
    ) -> torch.Tensor:
        """A chunk of one sequence's prompt: [n, H, Dv]."""
        start, _, before, n = segment
        length = before + n
        q = query[None, :, at : at + n]
        k, v = (c[None, :, start : start + length] for c in (keys, values))
        if window is not None and window >= length:
            window = None
        causal = before == 0 and window is None
        bias = None if causal and not plain else self._prompt_bias(before, n, window, q.dtype)
        n_heads, n_kv = query.shape[0], keys.shape[0]
        if plain:
            q = q.unflatten(1, (n_kv, n_heads // n_kv))
            grouped = sinks if sinks is None else sinks.view(n_kv, n_heads // n_kv, 1, 1)
            out = _attend_plainly(q, k[:, :, None], v[:, :, None], bias, scale, softcap, grouped).flatten(
                1, 2
            )
        else:
            gqa = n_heads != n_kv
            out = F.scaled_dot_product_attention(
                q, k, v, attn_mask=bias, is_causal=bias is None, scale=scale, enable_gqa=gqa
            )
        return out[0].transpose(0, 1)

    def _prompt_bias(self, before: int, n: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        """0 where a token may look, -inf elsewhere: [n, before + n]."""
        distance = (
            torch.arange(before, before + n, device=self.device)[:, None]
            - torch.arange(before + n, device=self.device)[None, :]
        )
        hidden = distance < 0
        if window is not None:
            hidden |= distance >= window
        return torch.zeros(hidden.shape, dtype=dtype, device=self.device).masked_fill_(hidden, float("-inf"))


def _attend_plainly(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    bias: torch.Tensor | None,
    scale: float,
    softcap: float | None,
    sinks: torch.Tensor | None,
) -> torch.Tensor:
    """Attention by plain products, where the fused kernel cannot; q [..., n, D], k and v [..., L, D]."""
    scores = torch.matmul(q, k.transpose(-1, -2)).float() * scale
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if bias is not None:
        scores = scores + bias
    if sinks is not None:  # a score that takes its share of the softmax and looks at nothing
        scores = torch.cat([scores, sinks.float().expand(*scores.shape[:-1], 1)], dim=-1)
    weights = scores.softmax(-1)[..., : k.shape[-2]]
    return torch.matmul(weights.to(v.dtype), v)


def _runs(segments: Sequence[Segment], device: torch.device) -> tuple[list[Run], int]:
    """The runs among the leading decoding segments, and how many of those there are.

    Blocks 0, 1 and 3 of size 64: one run of four blocks, of which [0, 1, 3] are taken.
    """
    runs: list[Run] = []
    n_decoding = 0
    for segment in segments:
        if segment.n != 1 or segment.n_before == 0:
            break
        n_decoding += 1
    i = 0
    while i < n_decoding:
        size, first = segments[i].block_size, segments[i].block_start // segments[i].block_size
        numbers, lengths = [0], [segments[i].n_before + 1]
        j = i + 1
        while j < n_decoding and segments[j].block_size == size:
            number = segments[j].block_start // size - first
            longest = max(*lengths, segments[j].n_before + 1) if lengths else 1
            gap = number - numbers[-1] - 1
            if gap * longest > _GAP_PLACES:
                break
            numbers.append(number)
            lengths += [1] * gap + [segments[j].n_before + 1]
            j += 1
        n_blocks = numbers[-1] + 1
        taken = None if n_blocks == len(numbers) else torch.tensor(numbers, device=device)
        runs.append(Run(slice(i, j), size, first, taken, n_blocks, lengths))
        i = j
    return runs, n_decoding


def zeros(shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """Zeros that take memory only where they are written (calloc) on the CPU; a large cache costs what it
    holds."""
    if like.device.type != "cpu":
        return like.new_zeros(shape)
    n_bytes = like.element_size()
    for dimension in shape:
        n_bytes *= dimension
    return torch.from_numpy(np.zeros(n_bytes, dtype=np.uint8)).view(like.dtype).view(shape)
