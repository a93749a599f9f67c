"""LoRA on a mixture's experts for a batch whose rows belong to different adapters.

The base's product is computed for all rows of an expert at once, each adapter's for its own rows among them.
Adapters' matrices stay where they were loaded: experts have too many for a copy in every lane. A step in
which no adapter has LoRA on experts goes the way that transformers chose.

Shapes: S = rows, one for each token and expert, I = in_features, O = out_features, R = an adapter's rank,
E = experts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tunesmith.infer.batched_lora import Lanes
from tunesmith.model.experts import (
    ExpertsWeight,
    PlainProduct,
    Routing,
    experts_weights,
    use_routed_experts,
    why_not_tunable,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tunesmith.infer.adapter_pool import LoadedAdapter


class LaneExperts:
    """One weight of a mixture's experts, with the matrices of the adapters in the lanes."""

    def __init__(self, path: str, weight: ExpertsWeight, lanes: Lanes) -> None:
        self.path = path
        self._base = PlainProduct(weight)
        self.shape = self._base.n_experts, self._base.in_features, self._base.out_features
        self._lanes = lanes
        self._in_lane: list[tuple[torch.Tensor, torch.Tensor] | None] = []
        self.resize()

    def resize(self) -> None:
        """Empties all lanes and makes as many as there are now."""
        self._in_lane = [None] * self._lanes.capacity

    def fill(self, lane: int, adapter: LoadedAdapter) -> None:
        """Puts an adapter into a lane."""
        self._in_lane[lane] = adapter.experts.get(self.path)

    @property
    def is_idle(self) -> bool:
        """Whether no row of this step has LoRA here."""
        return not any(self._in_lane[lane] for lane, _, _ in self._lanes.runs if lane >= 0)

    def __call__(self, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Rows x [S, I], sorted by expert -> [S, O]."""
        y = self._base.forward(x, routing)
        for lane, start, end in self._lanes.runs:
            pair = self._in_lane[lane] if lane >= 0 else None
            if pair is not None:
                rows = ((routing.tokens >= start) & (routing.tokens < end)).nonzero()[:, 0]
                y.index_add_(0, rows, _lora(x[rows], routing.experts[rows], *pair))
        return y


def _lora(x: torch.Tensor, experts: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """x [S, I] of rows sorted by expert, a [E, I, R], b [E, R, O] -> [S, O]."""
    numbers, counts = experts.unique_consecutive(return_counts=True)
    parts = x.split(counts.tolist())
    return torch.cat([part @ a[e] @ b[e] for part, e in zip(parts, numbers.tolist(), strict=True)])


def serve_experts(model: PreTrainedModel, lanes: Lanes) -> list[LaneExperts]:
    """Lets the model's experts compute with the adapters in the lanes; none where that is not right."""
    weights = experts_weights(model)
    if not weights or why_not_tunable(model):
        return []
    served = [LaneExperts(path, weight, lanes) for path, weight in weights.items()]
    use_routed_experts(model, {one.path: one for one in served})
    return served
