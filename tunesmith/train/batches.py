"""Which examples make a step, and which parts of a step go through the model at once.

The order is a pure function of seed and epoch, so a resumed run finds its place by counting.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tunesmith.model.packed.row import Row
from tunesmith.train.rows import Pair

AnyExample = TypeVar("AnyExample", Row, Pair)


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
