"""Measures a model against the gates: what the base can do, and what fine-tunes of it reach.

    python -m recipes.nano.check --model tunesmith/assets/nano [--json FILE] [--only base|tunes]

Exit code 1 when a gate fails.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from recipes.nano.answers import Answerer
from recipes.nano.base_checks import measure

MODEL = Path(__file__).parents[2] / "tunesmith" / "assets" / "nano"


@dataclass(frozen=True)
class Gate:
    """A figure that a release must reach (or, with `at_most`, must not exceed)."""

    check: str
    figure: str
    limit: float
    at_most: bool = False

    def passed(self, value: float) -> bool:
        """Whether the value is good enough."""
        return value <= self.limit if self.at_most else value >= self.limit


GATES = [
    Gate("base", "facts", 1.0),
    Gate("base", "style form", 0.97),
    Gate("base", "extraction", 0.95),
    Gate("base", "JSON valid", 1.0),
    Gate("base", "tools", 0.9),
    Gate("base", "voice rule fires", 0.02, at_most=True),
    Gate("marv", "voice", 0.85),
    Gate("marv", "fact", 0.85),
    Gate("marv", "both", 0.75),
    Gate("topics", "exact", 0.9),
    Gate("preferences", "times", 2.0),
    Gate("preferences", "fact", 1.0),
]


def measure_tunes(model: Path) -> dict[str, dict[str, float]]:
    """The fine-tuning checks; figures by check."""
    from recipes.nano.tune_checks import check_headlines, check_marv, check_preferences, check_topics

    figures = {}
    for check in (check_marv, check_topics, check_headlines, check_preferences):
        result = check(model)
        figures[result.name] = result.scores
        print(result.name, json.dumps(result.scores), flush=True)
    return figures


def report(figures: dict[str, dict[str, float]]) -> bool:
    """Prints every figure, then the gates; whether all measured gates passed."""
    for check, scores in figures.items():
        for name, value in scores.items():
            print(f"{check:12} {name:26} {value:.3f}")
    print()
    good = True
    for gate in GATES:
        if gate.check not in figures:
            continue
        value = figures[gate.check][gate.figure]
        passed = gate.passed(value)
        good &= passed
        sign = "<=" if gate.at_most else ">="
        print(
            f"{'pass' if passed else 'FAIL'}  {gate.check} {gate.figure}: {value:.3f} ({sign} {gate.limit})"
        )
    return good


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--only", choices=["base", "tunes"])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the base tests to run")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--failures", type=Path, help="write some wrong answers of the base here")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    figures: dict[str, dict[str, float]] = {}
    failures: dict[str, list] = {}
    if args.only != "tunes":
        figures["base"] = measure(Answerer(args.model), args.scale, failures)
    if args.only != "base":
        figures |= measure_tunes(args.model)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    if args.failures:
        args.failures.write_text(json.dumps(failures, indent=1, ensure_ascii=False) + "\n")
    sys.exit(0 if report(figures) else 1)


if __name__ == "__main__":
    main()
