"""The quality table's statistics: means over seeds with t intervals, and what the differences say.

Test rows are fixed, so an interval speaks of what the seed changes: starting values and order.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.95

#: Who trained; `base` is nobody.
Side = Literal["base", "ours", "trl"]
#: The figures of one run, by name.
Figures = Mapping[str, float]
#: (task, side, seed) -> its figures.
Runs = Mapping[tuple[str, Side, int], Figures]
Verdict = Literal["same", "worse", "open"]


@dataclass(frozen=True)
class Figure:
    """A row of the table: one figure of one task."""

    task: str
    name: str
    margin: float | None = None
    """How far ours may lie below TRL's and still count as the same; None where the row only informs."""
    part_of_peer: bool = False
    """The margin is a part of TRL's mean, not an absolute number."""

    def shortfall(self, peer_mean: float) -> float | None:
        """The margin in the figure's own unit."""
        if self.margin is None or not self.part_of_peer:
            return self.margin
        return self.margin * abs(peer_mean)


#: Shares of right answers may differ by 0.03, about one of 40 questions.
SHARE = 0.03
FIGURES = (
    Figure("marv", "voice", SHARE),
    Figure("marv", "fact", SHARE),
    Figure("marv", "both", SHARE),
    Figure("marv", "held-out loss"),
    Figure("marv", "loss in training"),
    Figure("topics", "label", SHARE),
    Figure("topics", "held-out loss"),
    Figure("topics", "loss in training"),
    Figure("headlines", "object", SHARE),
    Figure("headlines", "fields", SHARE),
    Figure("headlines", "held-out loss"),
    Figure("headlines", "loss in training"),
    Figure("preferences", "reward accuracy", SHARE),
    Figure("preferences", "reward margin", 0.1, part_of_peer=True),
    Figure("preferences", "fact", SHARE),
    Figure("preferences", "words"),
    Figure("preferences", "held-out loss"),
    Figure("preferences", "loss in training"),
)
TASKS = tuple(dict.fromkeys(figure.task for figure in FIGURES))


@dataclass(frozen=True)
class Interval:
    """A mean over seeds, and how far its interval reaches to both sides."""

    mean: float
    half: float

    @staticmethod
    def of(values: Sequence[float]) -> Interval:
        """Student's t interval; infinite for a single value."""
        mean = statistics.fmean(values)
        if len(values) < 2:
            return Interval(mean, math.inf)
        error = statistics.stdev(values) / math.sqrt(len(values))
        return Interval(mean, t_quantile(len(values) - 1) * error)


@dataclass(frozen=True)
class Comparison:
    """One row, measured."""

    figure: Figure
    base: float
    ours: Interval
    trl: Interval
    difference: Interval
    """Ours minus TRL's, paired by seed."""

    @property
    def shortfall(self) -> float | None:
        """See `Figure.shortfall`."""
        return self.figure.shortfall(self.trl.mean)

    @property
    def verdict(self) -> Verdict | None:
        """`worse`: the whole interval lies beyond the margin; `same`: none of it does; else `open`.

        None where there is no margin.
        """
        if self.shortfall is None:
            return None
        if self.difference.mean + self.difference.half < -self.shortfall:
            return "worse"
        return "same" if self.difference.mean - self.difference.half >= -self.shortfall else "open"


def compare(runs: Runs, seeds: Sequence[int], tasks: Sequence[str] = TASKS) -> list[Comparison]:
    """Every row of the tasks; `runs` has all runs of these seeds, and each task's untrained one (seed 0)."""
    found = []
    for figure in FIGURES:
        if figure.task not in tasks:
            continue
        ours, trl = (
            [runs[figure.task, side, seed][figure.name] for seed in seeds] for side in ("ours", "trl")
        )
        found.append(
            Comparison(
                figure,
                base=runs[figure.task, "base", 0].get(figure.name, math.nan),
                ours=Interval.of(ours),
                trl=Interval.of(trl),
                difference=Interval.of([a - b for a, b in zip(ours, trl, strict=True)]),
            )
        )
    return found


def faults(comparisons: Sequence[Comparison]) -> list[str]:
    """A sentence for each row in which ours is worse."""
    return [
        f"{c.figure.task}, {c.figure.name}: ours is {_number(c.ours.mean)}, TRL's {_number(c.trl.mean)}; the "
        f"difference {_interval(c.difference)} lies wholly below -{_number(c.shortfall or 0)}"
        for c in comparisons
        if c.verdict == "worse"
    ]


def table(comparisons: Sequence[Comparison]) -> str:
    """Markdown."""
    lines = [
        "| task | figure | untrained | ours | TRL | ours − TRL | margin | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for c in comparisons:
        base = "–" if math.isnan(c.base) else _number(c.base)
        margin = "–" if c.shortfall is None else _number(c.shortfall)
        cells = (c.figure.task, c.figure.name, base, _interval(c.ours), _interval(c.trl))
        difference = _interval(c.difference, signed=True)
        lines.append(f"| {' | '.join(cells)} | {difference} | {margin} | {c.verdict or ''} |")
    return "\n".join(lines)


def _interval(interval: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed and interval.mean > 0 else ""
    return f"{sign}{_number(interval.mean)} ± {_number(interval.half)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "∞"
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def t_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The t for which Student's |T| is at most t with this probability, by bisection."""
    low, high = 0.0, 1.0
    while _within(high, degrees) < confidence:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """P(|T| <= t): Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4."""
    theta = math.atan(t / math.sqrt(degrees))
    odd = degrees % 2
    term = math.cos(theta) if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= (k - 1) / k * math.cos(theta) ** 2
        total += term
    total *= math.sin(theta)
    return 2 / math.pi * (theta + total) if odd else total
