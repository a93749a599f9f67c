"""Token rows laid out as one, without padding.

Packing is exact: positions are those in each row itself, and attention (`model/attention.py`) stays inside
it. What rows share is found by `planting.py`.

Shapes: T = tokens in the packed row, N = targets in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch

from tunesmith.model.forest import Forest
from tunesmith.model.packed.planting import plant
from tunesmith.model.packed.row import Row


class PackedRow(NamedTuple):
    """Examples in one row, each cut before its last target, which is never an input."""

    input_ids: torch.Tensor
    """int64 [1, T]."""
    position_ids: torch.Tensor
    """int64 [1, T]: from 0 in each example."""
    forest: Forest
    """Which rows see which."""
    source_rows: torch.Tensor
    """int64 [N]: the token that predicts each target, by its place in the row."""
    targets: torch.Tensor
    """int64 [N]: token ids to predict, in the rows' order."""


def pack(rows: Sequence[Row], device: torch.device | str = "cpu", *, share_down_to: float = 0.0) -> PackedRow:
    """Lays examples out in one row. What they begin with alike stands there once, if that leaves at most
    `share_down_to` of their tokens; else they stand side by side.

    Ids [7 8 9 2] with weights [0 0 1 1] give inputs [7 8 9], source rows [1 2] and targets [9 2].
    """
    places = [row.target_places for row in rows]
    sequences = [row.input_ids[: int(at[-1])] for row, at in zip(rows, places, strict=True)]
    targets = torch.cat([row.input_ids[at] for row, at in zip(rows, places, strict=True)])
    planted = plant(sequences, device) if share_down_to > 0 else None
    if planted is None or planted.forest.n_tokens > share_down_to * sum(map(len, sequences)):
        lengths = [len(sequence) for sequence in sequences]
        forest, input_ids = Forest.flat(lengths, device), torch.cat(sequences).to(device)
        source_rows = torch.cat([at - 1 + start for at, start in zip(places, _starts(lengths), strict=True)])
    else:
        forest, input_ids = planted.forest, planted.input_ids
        source_rows = torch.cat([own[at - 1] for own, at in zip(planted.rows, places, strict=True)])
    return PackedRow(
        input_ids=input_ids[None],
        position_ids=forest.positions[None],
        forest=forest,
        source_rows=source_rows.to(device),
        targets=targets.to(device),
    )


def _starts(lengths: Sequence[int]) -> list[int]:
    return [0, *itertools.accumulate(lengths)][:-1]
