"""The training benchmark's figures: what each trainer did, whether all did the same, how they compare.

A JSON file keeps finished workloads. How they are measured is `train_throughput.py`'s, how they are said
`train_report.py`'s.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.train_process import Step
from benchmarks.train_workloads import Workload, useful_flops

LOSS_TOLERANCE = 5e-4
#: Later losses drift apart by bf16 rounding; DPO's are small differences of long sums.
DRIFT_TOLERANCE = {"supervised": 2e-3, "dpo": 1e-2}

Side = Literal["ours", "lean", "trl"]


@dataclass(frozen=True)
class Variant:
    """One trainer at one setting."""

    side: Side
    setting: str
    arguments: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    at_most: int | None = None
    """Steps; None is the whole file."""
    cached: bool = False
    """The reference's log-probabilities are computed beforehand, outside of its steps."""

    @property
    def name(self) -> str:
        """For tables and as a key."""
        return f"{self.side}: {self.setting}"


@dataclass
class Measured:
    """What one trainer did on one workload."""

    variant: Variant
    steps: list[Step]
    memory_bytes: int
    start_s: float
    """From starting the process to being ready for a step."""
    reference_s: float = 0.0
    """Seconds a step, to be added for the reference; 0 where they are in the steps or not to be counted."""

    @property
    def seconds(self) -> list[float]:
        """Of each step but the first, which warms up."""
        return [step.seconds + self.reference_s for step in self.steps[1:]]

    @property
    def step_s(self) -> float:
        """Median."""
        return statistics.median(self.seconds)

    @property
    def tokens_per_s(self) -> float:
        """Median over steps; rows' tokens as they are, neither shared nor padded."""
        return statistics.median(
            step.n_tokens / s for step, s in zip(self.steps[1:], self.seconds, strict=True)
        )

    def times_faster_than(self, other: Measured) -> float:
        """Median over the steps that both made."""
        return statistics.median(b / a for a, b in zip(self.seconds, other.seconds, strict=False))


@dataclass
class Result:
    """A workload's figures."""

    workload: Workload
    measured: list[Measured]
    sizes: list[list[list[int]]]
    """[tokens, targets] of each sequence of each step."""
    products: dict[str, float]
    """FLOP/s of matrix products, by precision."""
    gaps: float
    """Share of time that other work took a core away, before the measurement."""
    load: float
    """Load average at the end."""
    date: str
    seconds: float
    """Of the whole measurement."""

    def ours(self, setting: str = "as it comes", *, online: bool = False) -> Measured | None:
        """Our run; `online` charges each step its part of the reference, as in a run of one epoch."""
        found = next(
            (m for m in self.measured if m.variant.side == "ours" and m.variant.setting == setting), None
        )
        if found is None or not online:
            return found
        # the first step's time holds the reference of the whole file
        reference_s = max(0.0, found.steps[0].seconds - found.step_s) / self.workload.recipe.n_steps
        return Measured(found.variant, found.steps, found.memory_bytes, found.start_s, reference_s)

    def best(self, side: Side, *, cached: bool = False) -> Measured | None:
        """The fastest setting of a peer."""
        found = [m for m in self.measured if m.variant.side == side and m.variant.cached == cached]
        return min(found, key=lambda m: m.step_s, default=None)

    def flops(self, *, reference: bool) -> float:
        """Useful operations of a step: median over the steps that count."""
        size = self.workload.recipe.size
        return statistics.median(useful_flops(size, step, reference=reference) for step in self.sizes[1:])

    def faults(self) -> list[str]:
        """Where trainers did not do the same work; a benchmark with one of these says nothing."""
        found = []
        method = self.workload.recipe.method
        first = self.measured[0]
        for other in self.measured[1:]:
            who = f"{self.workload.name}, {other.variant.name}, step"
            for i, (mine, theirs) in enumerate(zip(first.steps, other.steps, strict=False), start=1):
                if (mine.n_tokens, mine.n_targets) != (theirs.n_tokens, theirs.n_targets):
                    found.append(
                        f"{who} {i}: {theirs.n_tokens} tokens with {theirs.n_targets} targets, and "
                        f"{mine.n_tokens} with {mine.n_targets} in {first.variant.name}"
                    )
                elif mine.digest != theirs.digest:
                    found.append(f"{who} {i}: other token ids or loss masks than {first.variant.name}")
                tolerance = LOSS_TOLERANCE if i == 1 else DRIFT_TOLERANCE[method]
                if not abs(mine.loss - theirs.loss) <= tolerance:
                    found.append(
                        f"{who} {i}: loss {theirs.loss:.5f}, and {mine.loss:.5f} in {first.variant.name} "
                        f"(tolerance {tolerance:g})"
                    )
        return found


@dataclass(frozen=True)
class Ratio:
    """One comparison of the summary."""

    what: str
    value: float
    floor: float | None = None
    aim: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the floor is reached, if there is one."""
        return self.floor is None or self.value >= self.floor


def ratios(result: Result) -> list[Ratio]:
    """How many times faster we are, with the goals that were set before the trainer was built."""
    name = result.workload.name
    found: list[Ratio] = []

    def add(what: str, mine: Measured | None, peer: Measured | None, *goal: float) -> None:
        if mine is not None and peer is not None:
            label = f"{what} (best: {peer.variant.setting})"
            found.append(Ratio(label, mine.times_faster_than(peer), *goal))

    lean, trl = result.best("lean"), result.best("trl")
    if result.workload.recipe.method == "dpo":
        online, cached = result.ours(online=True), result.ours()
        add("reference included / TRL", online, trl, 7, 8.5)
        add("reference cached / TRL, reference in each step", cached, trl, 10, 11)
        add("reference cached / TRL, reference beforehand", cached, result.best("trl", cached=True))
        add("reference included / lean loop", online, lean, 3.2, 4)
        add("reference cached / lean loop, likewise", cached, result.best("lean", cached=True))
        return found
    goals: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
        "W1": ((8, 10), (3.2, 4)),
        "W2": ((10, 12), (3.2, 4)),
        "W4": ((4.5, 5), (2, 2.5)),
    }
    to_trl, to_lean = goals.get(name, ((), ()))
    add("TRL", result.ours(), trl, *to_trl)
    add("lean loop", result.ours(), lean, *to_lean)
    plain = result.ours("no sharing, no native kernel")
    add("without sharing and native kernel / lean loop", plain, lean, *((1.4,) if name == "W1" else ()))
    return found


class Kept:
    """Finished workloads in a JSON file; those of other code, packages or settings are not taken."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._all: dict[str, Any] = {}
        if path.exists():
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["fingerprint"] == fingerprint:
                self._all = held["workloads"]

    def __contains__(self, name: str) -> bool:
        return name in self._all and not self._all[name]["summary"]["faults"]

    def load(self, workload: Workload, chosen: Sequence[Variant]) -> Result:
        """The figures that `save` wrote for the workload."""
        held = dict(self._all[workload.name])
        by_name = {variant.name: variant for variant in chosen}
        measured = [
            Measured(by_name[m["name"]], [Step(**s) for s in m["steps"]], m["memory_bytes"], m["start_s"])
            for m in held.pop("measured")
        ]
        del held["summary"]
        return Result(workload=workload, measured=measured, **held)

    def save(self, result: Result) -> None:
        """Adds a workload's figures, and in `summary` what follows from them."""
        self._all[result.workload.name] = {
            "measured": [
                {
                    "name": m.variant.name,
                    "steps": [asdict(step) for step in m.steps],
                    "memory_bytes": m.memory_bytes,
                    "start_s": m.start_s,
                }
                for m in result.measured
            ],
            "sizes": result.sizes,
            "products": result.products,
            "gaps": result.gaps,
            "load": result.load,
            "date": result.date,
            "seconds": result.seconds,
            "summary": {
                "ratios": [{**asdict(ratio), "holds": ratio.holds} for ratio in ratios(result)],
                "tokens_per_s": {m.variant.name: m.tokens_per_s for m in result.measured},
                "faults": result.faults(),
            },
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"fingerprint": self._fingerprint, "workloads": self._all}, indent=1)
        partial = self._path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self._path)
