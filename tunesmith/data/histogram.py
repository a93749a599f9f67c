"""How rows are distributed by length: bars of equal and round width, and quantiles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

#: Bars of a histogram, at most.
MAX_BINS = 40


@dataclass(frozen=True)
class Bin:
    """Values from `low` up to, and not with, `high`."""

    low: int
    high: int
    n_rows: int


def bins(counts: Mapping[int, int]) -> list[Bin]:
    """Bars for values with how often each occurs, from 0 to the largest, empty ones too."""
    if not counts:
        return []
    largest = max(counts)
    width = _round_width((largest + 1) / MAX_BINS)
    heights = [0] * (largest // width + 1)
    for value, n in counts.items():
        heights[value // width] += n
    return [Bin(i * width, (i + 1) * width, n) for i, n in enumerate(heights)]


def quantile(counts: Mapping[int, int], part: float) -> int:
    """The smallest value that at least `part` of all do not exceed; 0 when there is none."""
    below = 0
    wanted = part * sum(counts.values())
    for value in sorted(counts):
        below += counts[value]
        if below >= wanted:
            return value
    return 0


def _round_width(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, … that is no less."""
    if least <= 1:
        return 1
    power = 10 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least)
