"""Loss and token accuracy on examples that are never trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from tunesmith.train.forward import Forward
from tunesmith.train.losses import TargetLoss
from tunesmith.train.rows import Row


class Scores(NamedTuple):
    """How well some examples are predicted."""

    loss: float
    """Mean over the target tokens of weight · nll, in nats."""
    accuracy: float
    """Part of the target tokens that were the model's first choice."""


def scores(losses: Iterable[TargetLoss], n_targets: int) -> Scores:
    """Scores of a batch from its parts, whose coefficients were 1 / n_targets; added up in fp64."""
    total = torch.zeros((), dtype=torch.float64)
    correct = 0
    for loss in losses:
        total += loss.total.detach().double().cpu()
        correct += int(loss.correct.sum())
    return Scores(float(total), correct / n_targets)


@torch.no_grad()
def evaluate(forward: Forward, rows: Sequence[Row]) -> Scores:
    """Scores of `rows`, part by part, so that memory does not grow with their number."""
    n_targets = sum(row.n_targets for row in rows)
    return scores((forward(part, 1 / n_targets) for part in forward.parts(rows)), n_targets)


def slice_for_step(rows: Sequence[Row], step: int, size: int) -> list[Row]:
    """At most `size` validation examples for step `step` (from 1), in turns through the whole file."""
    size = min(size, len(rows))
    first = (step - 1) * size
    return [rows[(first + i) % len(rows)] for i in range(size)]
