"""Two ways of token rows through a transformers model, with the same losses.

`PackedForward` sends many rows as one without padding. `SingleForward` sends each row alone through the
model's stock attention, and is right for every causal LM. `probe.py` decides which a family gets.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

from tunesmith.model.attention import laid_out, use_forest_attention
from tunesmith.model.fused import fuse, fused_pass
from tunesmith.model.native_attention import native_is_used
from tunesmith.model.packed.losses import Head, TargetLoss, loss_from_hidden, loss_from_logits
from tunesmith.model.packed.packing import pack
from tunesmith.model.packed.row import Row

if TYPE_CHECKING:
    from transformers import PreTrainedModel


#: Rows share when at most this part of their tokens is left. Attention over a forest in plain torch is slower
#: than over rows side by side, so without the native kernel more must be saved.
_WORTH_SHARING = 0.9
_WORTH_SHARING_PLAINLY = 0.65


class Forward(Protocol):
    """One way through the model."""

    tokens_at_once: int
    """Tokens that should go through the model in one call; 0 means one example at a time."""

    def __call__(self, rows: Sequence[Row]) -> TargetLoss:
        """Losses of the rows' targets, in the rows' order."""
        ...


class PackedForward:
    """The rows of a call are packed into one. With a `head` logits are made in chunks, else by the model."""

    def __init__(
        self, model: PreTrainedModel, head: Head | None, *, tokens_per_forward: int, share: bool = False
    ) -> None:
        """`share`: what the rows begin with alike goes through the model once."""
        use_forest_attention(model)
        fuse(model)
        self._model = model
        self._head = head
        worth_it = _WORTH_SHARING if native_is_used(model.device, model.dtype) else _WORTH_SHARING_PLAINLY
        self._share_down_to = worth_it if share else 0.0
        self.tokens_at_once = tokens_per_forward

    def __call__(self, rows: Sequence[Row]) -> TargetLoss:
        packed = pack(rows, self._model.device, share_down_to=self._share_down_to)
        inputs: dict[str, Any] = {
            "input_ids": packed.input_ids,
            "position_ids": packed.position_ids,
            "forest": packed.forest,
            "use_cache": False,
        }
        with laid_out(packed.forest), fused_pass():
            if self._head is None:
                logits = self._model(**inputs, logits_to_keep=packed.source_rows).logits[0]
                return loss_from_logits(logits, packed.targets)
            hidden = _decoder(self._model)(**inputs).last_hidden_state[0]
        return loss_from_hidden(hidden.index_select(0, packed.source_rows), self._head, packed.targets)


class SingleForward:
    """Each example alone, through stock attention."""

    tokens_at_once = 0

    def __init__(self, model: PreTrainedModel, attention: str) -> None:
        model.set_attn_implementation(attention)
        self._model = model
        self._keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters

    def __call__(self, rows: Sequence[Row]) -> TargetLoss:
        losses = [self._one(row) for row in rows]
        return TargetLoss(
            nll=torch.cat([loss.nll for loss in losses]), correct=torch.cat([loss.correct for loss in losses])
        )

    def _one(self, row: Row) -> TargetLoss:
        packed = pack([row], self._model.device)
        if self._keeps_logits:
            logits = self._model(
                input_ids=packed.input_ids, use_cache=False, logits_to_keep=packed.source_rows
            ).logits[0]
        else:
            logits = self._model(input_ids=packed.input_ids, use_cache=False).logits[0, packed.source_rows]
        return loss_from_logits(logits, packed.targets)


def _decoder(model: PreTrainedModel) -> torch.nn.Module:
    decoder = model.get_decoder()
    return decoder if decoder is not model else model.model  # Llama 4 gives itself
