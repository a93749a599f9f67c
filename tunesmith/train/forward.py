"""Two ways of a batch through a transformers model, with the same losses.

`PackedForward` sends a part of the batch as one row without padding. `SingleForward` sends each example alone
through the model's stock attention, and is right for every causal LM. `probe.py` decides which a family gets.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

from tunesmith.model.attention import use_packed_attention
from tunesmith.train.batches import pack, split
from tunesmith.train.losses import Head, TargetLoss, loss_from_hidden, loss_from_logits
from tunesmith.train.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Forward(Protocol):
    """One way through the model."""

    def parts(self, rows: Sequence[Row]) -> list[list[Row]]:
        """The pieces of a batch that go through the model at once."""
        ...

    def __call__(self, part: Sequence[Row], coefficient: float) -> TargetLoss:
        """Loss of a part: the sum of `coefficient` · weight · nll over its targets, in the rows' order."""
        ...


class PackedForward:
    """Each part is one packed row. With a `head` logits are made chunk by chunk, else by the model."""

    def __init__(self, model: PreTrainedModel, head: Head | None, *, tokens_per_forward: int) -> None:
        use_packed_attention(model)
        self._model = model
        self._head = head
        self._tokens_per_forward = tokens_per_forward

    def parts(self, rows: Sequence[Row]) -> list[list[Row]]:
        return split(rows, self._tokens_per_forward)

    def __call__(self, part: Sequence[Row], coefficient: float) -> TargetLoss:
        packed = pack(part, self._model.device)
        inputs: dict[str, Any] = {
            "input_ids": packed.input_ids,
            "position_ids": packed.position_ids,
            "segments": packed.segments,
            "use_cache": False,
        }
        coefficients = packed.weights * coefficient
        if self._head is None:
            logits = self._model(**inputs, logits_to_keep=packed.source_rows).logits[0]
            return loss_from_logits(logits, packed.targets, coefficients)
        hidden = _decoder(self._model)(**inputs).last_hidden_state[0]
        return loss_from_hidden(hidden[packed.source_rows], self._head, packed.targets, coefficients)


class SingleForward:
    """Each example alone, through stock attention."""

    def __init__(self, model: PreTrainedModel, attention: str) -> None:
        model.set_attn_implementation(attention)
        self._model = model
        self._keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters

    def parts(self, rows: Sequence[Row]) -> list[list[Row]]:
        return [[row] for row in rows]

    def __call__(self, part: Sequence[Row], coefficient: float) -> TargetLoss:
        losses = [self._one(row, coefficient) for row in part]
        return TargetLoss(
            total=torch.stack([loss.total for loss in losses]).sum(),
            nll=torch.cat([loss.nll for loss in losses]),
            correct=torch.cat([loss.correct for loss in losses]),
        )

    def _one(self, row: Row, coefficient: float) -> TargetLoss:
        packed = pack([row], self._model.device)
        if self._keeps_logits:
            logits = self._model(
                input_ids=packed.input_ids, use_cache=False, logits_to_keep=packed.source_rows
            ).logits[0]
        else:
            logits = self._model(input_ids=packed.input_ids, use_cache=False).logits[0, packed.source_rows]
        return loss_from_logits(logits, packed.targets, packed.weights * coefficient)


def _decoder(model: PreTrainedModel) -> torch.nn.Module:
    decoder = model.get_decoder()
    return decoder if decoder is not model else model.model  # Llama 4 gives itself
