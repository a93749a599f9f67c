"""Finds out by numbers which way through a model is exact, before anything is trained.

Some families run packed without an error and are wrong: convolutions and recurrent states carry from
one example into the next, some masks never reach the attention function. So a shrunk model of the same
class, with random fp32 weights, computes the same few targets three ways: shared, packed, and one by one
through transformers' own eager attention. The first that agrees with the last is taken.

Right families differ by less than 1e-6, wrong ones by more than 1e-3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from tunesmith.model.base import quiet_transformers
from tunesmith.model.packed.forward import Forward, PackedForward, SingleForward
from tunesmith.model.packed.losses import head_of
from tunesmith.model.packed.row import Row
from tunesmith.model.twin import VOCABULARY, positions_scaled_beyond, twins

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOLERANCE = 1e-5
#: The probe's examples as pieces of random tokens (name, length): two levels of sharing, one stranger.
#: The longer ones pass the shrunk window and chunk.
_EXAMPLES = (
    (("a", 17), ("b", 18), ("c", 9)),
    (("d", 14),),
    (("a", 17), ("b", 18), ("e", 4)),
    (("a", 17), ("f", 12)),
)


class Finding(NamedTuple):
    """What the probe found out about a class of models."""

    way: Literal["shared", "packed", "single"]
    difference: float | None
    """Relative L2 difference of the losses from the plain way's; None where nothing was right."""
    own_head: bool
    """Whether logits can be made from the head's weights, chunk by chunk."""
    reason: str | None
    """Why a faster way is not taken."""


def choose_forward(
    model: PreTrainedModel, *, tokens_per_forward: int, longest: int, share: bool = True
) -> tuple[Forward, str]:
    """The fastest exact way through `model` for examples of up to `longest` tokens, and a sentence about it.

    Selects the attention in the model; call it before LoRA layers are put in.
    """
    stock = model.config._attn_implementation
    name = type(model).__name__
    with quiet_transformers():
        found = probe(model, longest=longest)
        if found.way == "single":
            return SingleForward(model, stock), f"{name}: one example at a time, because {found.reason}"
        share = share and found.way == "shared"
        head = head_of(model) if found.own_head else None
        forward = PackedForward(model, head, tokens_per_forward=tokens_per_forward, share=share)
    sharing = ", and what they begin with alike is computed once" if share else ""
    return forward, (
        f"{name}: examples are packed without padding{sharing} (probe: difference {found.difference:.0e})"
    )


def probe(model: PreTrainedModel, *, longest: int = 0) -> Finding:
    """Which ways are exact for models of this class and config, with examples of up to `longest` tokens."""
    scaled_beyond = positions_scaled_beyond(model.config)
    if scaled_beyond is not None and longest > scaled_beyond:
        reason = f"its positions are scaled by the longest example, and some pass {scaled_beyond:,} tokens"
        return Finding("single", None, False, reason)
    reason = "no shrunk model of its class can be built to prove packing exact"
    for twin in twins(model):
        try:
            return _compare(twin)
        except Exception as error:  # it cannot run packed; that is an answer
            said = str(error).splitlines() or [type(error).__name__]
            reason = f"it does not run packed ({said[0]})"
    return Finding("single", None, False, reason)


@torch.no_grad()
def _compare(twin: PreTrainedModel) -> Finding:
    rows = _examples()
    expected = SingleForward(twin, "eager")(rows).nll
    head = head_of(twin)
    way: Literal["shared", "packed"]
    worst = None
    for way, share in (("shared", True), ("packed", False)):
        for own_head in (head, None):
            forward = PackedForward(twin, own_head, tokens_per_forward=2**20, share=share)
            difference = float((forward(rows).nll - expected).norm() / expected.norm())
            if difference <= _TOLERANCE:
                return Finding(way, difference, own_head is not None, None)
            worst = worst or difference
    return Finding("single", None, False, f"packed it computes something else (difference {worst:.0e})")


def _examples() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    pieces = {
        name: torch.randint(3, VOCABULARY, (length,), generator=generator)
        for name, length in sorted({piece for example in _EXAMPLES for piece in example})
    }
    rows = []
    for line, example in enumerate(_EXAMPLES, start=1):
        input_ids = torch.cat([pieces[name] for name, _ in example])
        weights = torch.ones(len(input_ids))
        weights[0] = 0
        rows.append(Row(input_ids, weights, line))
    return rows
