"""Which examples make a step, and how they stand in one row without padding.

The order is a pure function of seed and epoch, so a resumed run finds its place by counting. Packing is
exact: positions are those in the example, and attention (`model/attention.py`) stays inside it.

Shapes: T = tokens in the packed row, N = targets in it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import torch

from tunesmith.model.forest import Forest
from tunesmith.train.forest import plant
from tunesmith.train.rows import Pair, Row

AnyExample = TypeVar("AnyExample", Row, Pair)


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


def epoch_order(n_rows: int, *, seed: int, epoch: int) -> list[int]:
    """A fresh permutation for each epoch (from 1); the same for the same seed on every machine."""
    order = list(range(n_rows))
    random.Random(f"tunesmith epoch order {seed} {epoch}").shuffle(order)
    return order


def steps_per_epoch(n_rows: int, batch_size: int) -> int:
    """Optimizer steps of one epoch; the last may be short."""
    return -(-n_rows // batch_size)


def batches(
    examples: Sequence[AnyExample], *, batch_size: int, seed: int, n_epochs: int, after_step: int = 0
) -> Iterator[tuple[int, int, list[AnyExample]]]:
    """(step, epoch, examples) of every step after `after_step`; steps and epochs count from 1."""
    per_epoch = steps_per_epoch(len(examples), batch_size)
    for epoch in range(after_step // per_epoch + 1, n_epochs + 1):
        order = epoch_order(len(examples), seed=seed, epoch=epoch)
        first = max(after_step - (epoch - 1) * per_epoch, 0)
        for i in range(first, per_epoch):
            chosen = order[i * batch_size : (i + 1) * batch_size]
            yield (epoch - 1) * per_epoch + i + 1, epoch, [examples[j] for j in chosen]


def split(examples: Sequence[AnyExample], max_tokens: int) -> list[list[AnyExample]]:
    """Cuts a batch into parts of at most `max_tokens` tokens; a longer example is a part of its own."""
    parts: list[list[AnyExample]] = []
    room = 0
    for example in examples:
        if not parts or example.n_tokens > room:
            parts.append([])
            room = max_tokens
        parts[-1].append(example)
        room -= example.n_tokens
    return parts


def smaller_parts(examples: Sequence[AnyExample], max_tokens: int) -> int | None:
    """A `max_tokens` at which the largest part of `split` falls apart; None when no part has two examples."""
    parts = [part for part in split(examples, max_tokens) if len(part) > 1]
    largest = max((sum(example.n_tokens for example in part) for part in parts), default=None)
    return None if largest is None else largest // 2
