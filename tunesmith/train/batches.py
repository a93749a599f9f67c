"""Which examples make a step, and how they stand in one row without padding.

The order is a pure function of seed and epoch, so a resumed run finds its place by counting. Packing is
exact: positions restart with each example, and attention (`model/attention.py`) stays inside it.

Shapes: T = tokens in the packed row, N = targets in it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from tunesmith.model.attention import Segments
from tunesmith.train.rows import Row


class PackedRow(NamedTuple):
    """Examples one after another, each cut before its last target, which is never an input."""

    input_ids: torch.Tensor
    """int64 [1, T]."""
    position_ids: torch.Tensor
    """int64 [1, T]: from 0 in each example."""
    segments: Segments
    """Where the examples begin and end."""
    source_rows: torch.Tensor
    """int64 [N]: the token that predicts each target, by its place in the row."""
    targets: torch.Tensor
    """int64 [N]: token ids to predict."""
    weights: torch.Tensor
    """float32 [N]: loss weights, none of them 0."""


def pack(rows: Sequence[Row], device: torch.device | str = "cpu") -> PackedRow:
    """Lays examples out in one row.

    Ids [7 8 9 2] with weights [0 0 1 1] give inputs [7 8 9], source rows [1 2] and targets [9 2].
    """
    input_ids, source_rows, targets, weights, lengths = [], [], [], [], []
    start = 0
    for row in rows:
        (places,) = row.weights.nonzero(as_tuple=True)
        length = int(places[-1])  # tokens before the last target
        input_ids.append(row.input_ids[:length])
        source_rows.append(places + (start - 1))
        targets.append(row.input_ids[places])
        weights.append(row.weights[places])
        lengths.append(length)
        start += length
    segments = Segments(lengths, device)
    return PackedRow(
        input_ids=torch.cat(input_ids)[None].to(device),
        position_ids=segments.positions()[None],
        segments=segments,
        source_rows=torch.cat(source_rows).to(device),
        targets=torch.cat(targets).to(device),
        weights=torch.cat(weights).to(device),
    )


def epoch_order(n_rows: int, *, seed: int, epoch: int) -> list[int]:
    """A fresh permutation for each epoch (from 1); the same for the same seed on every machine."""
    order = list(range(n_rows))
    random.Random(f"tunesmith epoch order {seed} {epoch}").shuffle(order)
    return order


def steps_per_epoch(n_rows: int, batch_size: int) -> int:
    """Optimizer steps of one epoch; the last may be short."""
    return -(-n_rows // batch_size)


def batches(
    rows: Sequence[Row], *, batch_size: int, seed: int, n_epochs: int, after_step: int = 0
) -> Iterator[tuple[int, int, list[Row]]]:
    """(step, epoch, rows) of every step after `after_step`; steps and epochs count from 1."""
    per_epoch = steps_per_epoch(len(rows), batch_size)
    for epoch in range(after_step // per_epoch + 1, n_epochs + 1):
        order = epoch_order(len(rows), seed=seed, epoch=epoch)
        first = max(after_step - (epoch - 1) * per_epoch, 0)
        for i in range(first, per_epoch):
            chosen = order[i * batch_size : (i + 1) * batch_size]
            yield (epoch - 1) * per_epoch + i + 1, epoch, [rows[j] for j in chosen]


def split(rows: Sequence[Row], max_tokens: int) -> list[list[Row]]:
    """Cuts a batch into parts of at most `max_tokens` tokens; a longer example is a part of its own."""
    parts: list[list[Row]] = []
    room = 0
    for row in rows:
        if not parts or row.n_tokens > room:
            parts.append([])
            room = max_tokens
        parts[-1].append(row)
        room -= row.n_tokens
    return parts
