"""One forward pass for the chunks of a step: chunks in, rows of logits out.

`CachedRunner` is the engine's way: one packed row for all sequences, keys and values in a cache, LoRA in
lanes. `PlainRunner` is for families whose attention cannot be reached (`probe.py` finds out): each sequence
alone through the stock classes, from its first token on at every step; slow, and right.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence as Chunks
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from tunesmith.infer.adapter_pool import AdapterPool
from tunesmith.infer.batched_experts import serve_experts
from tunesmith.infer.batched_lora import Lanes, group_linear_layers, transpose_head
from tunesmith.infer.scheduler import Chunk
from tunesmith.infer.sequence import Sequence
from tunesmith.model.cached_attention import CachedAttention, Segment

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FIRST_LANES = 8
FIRST_RANK = 16
_WATCHED_PLACES = 64


class Runner(Protocol):
    """What the engine needs of a model."""

    adapters: AdapterPool

    def forward(self, chunks: Chunks[Chunk]) -> list[torch.Tensor]:
        """For each chunk logits in float32: of all its tokens where prompt log-probabilities are wanted, [n,
        V]; of its last token where it samples, [1, V]; else an empty [0, V]. Where a vector is wanted, the
        last hidden states of all its tokens instead, [n, D]."""
        ...

    def clear(self, sequence: Sequence) -> None:
        """The sequence left something behind that is no number."""
        ...


class CachedRunner:
    """The model over the cache; `forward` sorts the chunks as attention wants them, and the answer back."""

    def __init__(self, model: PreTrainedModel, *, max_adapters: int) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.like = next(model.parameters())
        """Device and precision of what is computed."""
        self.attention = CachedAttention(
            _WATCHED_PLACES, self.device
        )  # resized once a place's bytes are known
        self.attention.install(model)
        self.lanes = Lanes(FIRST_RANK, FIRST_LANES)
        positions, _ = self.attention.begin([Segment(0, _WATCHED_PLACES, 0, 2)])
        watched = {"input_ids": torch.zeros_like(positions), "position_ids": positions, "use_cache": False}
        self.groups = group_linear_layers(model, watched, self.lanes)
        transpose_head(model)
        experts = serve_experts(model, self.lanes)
        self.adapters = AdapterPool(self.groups, self.lanes, max_adapters=max_adapters, experts=experts)
        self._composition: tuple[tuple[object, int], ...] | None = None
        self._hidden = HiddenStates(model)

    def forward(self, chunks: Chunks[Chunk]) -> list[torch.Tensor]:
        order = sorted(range(len(chunks)), key=lambda i: _key(chunks[i]))
        ordered = [chunks[i] for i in order]
        positions, last_rows = self.attention.begin([_segment(chunk) for chunk in ordered])
        token_ids = [t for s, start, n in ordered for t in s.token_ids[start : start + n]]
        self._use_adapters(ordered)
        keep, sizes = _rows_to_keep(ordered, last_rows)
        logits = self.model(
            input_ids=torch.tensor([token_ids], device=self.device),
            position_ids=positions,
            use_cache=False,
            logits_to_keep=keep,
        ).logits[0]
        parts = logits.float().split(sizes)
        answer = [logits] * len(chunks)
        for i, part in zip(order, parts, strict=True):
            answer[i] = part
        hidden = self._hidden.take()
        if any(chunk.sequence.params.embed for chunk in chunks):
            states = wanted(hidden).split([chunk.n for chunk in ordered])
            for i, part in zip(order, states, strict=True):
                if chunks[i].sequence.params.embed:
                    answer[i] = part
        return answer

    def clear(self, sequence: Sequence) -> None:
        if sequence.block is not None:
            self.attention.clear(*sequence.block)

    def _use_adapters(self, chunks: Chunks[Chunk]) -> None:
        """Lanes for this step; the same as before while neither the rows nor their order change."""
        composition = tuple((chunk.sequence.adapter, chunk.n) for chunk in chunks)
        if composition == self._composition:
            return
        self._composition = None
        lanes = self.adapters.place([chunk.sequence.adapter for chunk in chunks])
        self.lanes.use(lanes, [chunk.n for chunk in chunks], self.like)
        self._composition = composition


class PlainRunner:
    """Stock attention, one sequence at a time, nothing kept between steps."""

    def __init__(self, model: PreTrainedModel, *, max_adapters: int) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.like = next(model.parameters())
        """Device and precision of what is computed."""
        self.lanes = Lanes(FIRST_RANK, 1)
        watched = {
            "input_ids": torch.zeros((1, 2), dtype=torch.int64, device=self.device),
            "use_cache": False,
        }
        self.groups = group_linear_layers(model, watched, self.lanes)
        experts = serve_experts(model, self.lanes)
        self.adapters = AdapterPool(self.groups, self.lanes, max_adapters=max_adapters, experts=experts)
        self._hidden = HiddenStates(model)

    def forward(self, chunks: Chunks[Chunk]) -> list[torch.Tensor]:
        answer = []
        for sequence, start, n in chunks:
            end = start + n
            (lane,) = self.adapters.place([sequence.adapter])
            self.lanes.use([lane], [end], self.like)
            input_ids = torch.tensor([sequence.token_ids[:end]], device=self.device)
            logits = self.model(input_ids=input_ids, use_cache=False).logits[0].float()
            hidden = self._hidden.take()
            if sequence.params.embed:
                answer.append(wanted(hidden)[start:end])
                continue
            answer.append(logits[end - _n_rows(Chunk(sequence, start, n)) :])
        return answer

    def clear(self, sequence: Sequence) -> None:
        """Nothing is kept."""


class HiddenStates:
    """The last hidden states of a model's forward pass, caught between its decoder and its head."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._caught: torch.Tensor | None = None
        model.base_model.register_forward_hook(self._catch)

    def _catch(self, _: nn.Module, inputs: Any, output: Any) -> None:
        self._caught = getattr(output, "last_hidden_state", None)

    def take(self) -> torch.Tensor | None:
        """Those of the last pass, [T, D]; None where the model's decoder gives none."""
        caught, self._caught = self._caught, None
        return None if caught is None else caught[0]


def wanted(hidden: torch.Tensor | None) -> torch.Tensor:
    if hidden is None:
        raise NotImplementedError("this family's decoder gives no hidden states")
    return hidden


def keeps_logits(model: nn.Module) -> bool:
    """Whether the model can give the logits of chosen rows only."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def _n_rows(chunk: Chunk) -> int:
    """Rows of logits that a chunk needs."""
    if chunk.sequence.params.prompt_logprobs is not None and chunk.start < chunk.sequence.n_prompt:
        return chunk.n
    return int(chunk.samples)


def _rows_to_keep(chunks: Chunks[Chunk], last_rows: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
    """Rows of the packed row whose logits are needed, and how many for each chunk."""
    sizes = [_n_rows(chunk) for chunk in chunks]
    if all(size == 1 for size in sizes):
        return last_rows, sizes
    keep: list[int] = []
    for last, size in zip(last_rows.tolist(), sizes, strict=True):
        keep.extend(range(last - size + 1, last + 1))
    return torch.tensor(keep, dtype=torch.int64, device=last_rows.device), sizes


def _segment(chunk: Chunk) -> Segment:
    block = chunk.sequence.block
    assert block is not None
    return Segment(block.start, block.size, chunk.start, chunk.n)


def _key(chunk: Chunk) -> tuple[bool, int, int]:
    """Decoding rows first, by size and place of their blocks; then prompts, those of one adapter together."""
    block = chunk.sequence.block
    assert block is not None
    if chunk.n == 1 and chunk.start > 0:
        return False, block.size, block.start
    return True, id(chunk.sequence.adapter), block.start
