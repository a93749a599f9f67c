"""Batches of about equal numbers of tokens: windows of examples, sorted by length, cut and shuffled.

A few examples are joined into long rows, so that late positions are trained too. The order follows from the
seed alone; a resumed run skips the batches that it has had.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from recipes.nano.dataset import Stream

WINDOW = 1600  # examples that are sorted together
JOINED = ((0.05, 500), (0.008, 1700))  # share of a window, and the length from which a joined row is full
MAX_ROW = 2048
MAX_SCORES = 6_000_000  # rows x length²: what attention keeps for the backward pass grows with it
NUM_KEPT = 3  # batches of fewer rows are dropped, unless the rows are long


@dataclass
class Batch:
    """ids, marks of learned tokens and of real (not padding) tokens, each (rows, length)."""

    ids: torch.Tensor
    learned: torch.Tensor
    real: torch.Tensor


def _rows(stream: Stream, window: np.ndarray) -> list[list[int]]:
    rows, start = [], 0
    for share, full in JOINED:
        count = int(len(window) * share)
        row: list[int] = []
        length = 0
        for example in window[start : start + count]:
            row.append(int(example))
            length += int(stream.offsets[example + 1] - stream.offsets[example])
            if length > full:
                rows.append(row)
                row, length = [], 0
        rows += [row] if row else []
        start += count
    return rows + [[int(example)] for example in window[start:]]


def _padded(rows: list[tuple[np.ndarray, np.ndarray]]) -> Batch:
    length = -(-max(len(ids) for ids, _ in rows) // 8) * 8 + 1
    ids, learned, real = (np.zeros((len(rows), length), np.int64) for _ in range(3))
    for index, (row_ids, row_learned) in enumerate(rows):
        ids[index, : len(row_ids)], learned[index, : len(row_ids)], real[index, : len(row_ids)] = (
            row_ids,
            row_learned,
            1,
        )
    return Batch(torch.from_numpy(ids), torch.from_numpy(learned), torch.from_numpy(real))


def batches(stream: Stream, tokens_per_batch: int, seed: int) -> Iterator[Batch]:
    """Endless; the stream is read in its own order, and shuffled before it is read again."""
    rng = np.random.default_rng(seed)
    order, position = np.arange(len(stream)), 0
    while True:
        if position + WINDOW > len(stream) and position:
            rng.shuffle(order)
            position = 0
        window = order[position : position + WINDOW]
        position += WINDOW
        rows = []
        for examples in _rows(stream, window):
            spans = [(stream.offsets[e], stream.offsets[e + 1]) for e in examples]
            ids = np.concatenate([stream.ids[a:b] for a, b in spans])[:MAX_ROW]
            learned = np.concatenate([np.r_[0, stream.learned[a + 1 : b]] for a, b in spans])[:MAX_ROW]
            rows.append((ids, learned))
        rows.sort(key=lambda row: len(row[0]))
        cut: list[list[tuple[np.ndarray, np.ndarray]]] = [[]]
        for row in rows:
            count, length = len(cut[-1]) + 1, max(len(row[0]), 16)
            if count > 1 and (count * length > tokens_per_batch or count * length**2 > MAX_SCORES):
                cut.append([])
            cut[-1].append(row)
        whole = [batch for batch in cut if len(batch) > NUM_KEPT or len(batch[0][0]) > 400]
        for index in rng.permutation(len(whole)):
            yield _padded(whole[index])
