"""Claim: on the same data and with the same settings our adapters score the same as TRL's.

Each sample that ships is trained on several times by both, with automatic settings on the base that ships,
and every adapter is scored on rows held out of training. The table has means over the seeds and 95 %
intervals; the run fails where ours is worse than TRL's by more than a margin, or where TRL trained on other
tokens. Finished runs are kept and not made again until what they depend on changes.

    python -m benchmarks.train_quality [--seeds 5] [--tasks marv ...] [--workers 2] [--fresh] [--no-write]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fingerprint import fingerprint, package_version
from benchmarks.machine import cpu_name, usable_cpus
from benchmarks.results_page import write_section
from benchmarks.train_process import ROOT
from benchmarks.train_quality_figures import CONFIDENCE, TASKS, Comparison, Side, compare, faults, table
from benchmarks.train_report import PACKAGES
from tunesmith.data.base import read_base
from tunesmith.settings import NANO

STATE = ROOT / "build" / "benchmarks" / "train_quality.json"
N_SEEDS = 5
_SIDES: tuple[Side, ...] = ("ours", "trl")

#: What the scores of all sides depend on, and what each side's training does.
_SCORING = (
    "benchmarks/train_quality_runs.py",
    "benchmarks/train_quality_scores.py",
    "benchmarks/train_peers.py",
    "recipes/nano/answers.py",
    "tunesmith/evals",
    "tunesmith/assets/samples",
    "tunesmith/data/hyperparameters.py",
    "tunesmith/train/config.py",
)
_TRAINING: dict[Side, tuple[str, ...]] = {
    "base": (),
    "ours": ("tunesmith/data", "tunesmith/model", "tunesmith/train"),
    "trl": ("tunesmith/train/optimizer.py",),  # whose learning rates it is given
}

#: (task, side, seed).
Run = tuple[str, Side, int]


class Kept:
    """Figures of finished runs in a JSON file; those of other weights, code or packages are made again."""

    def __init__(self, path: Path, keys: dict[Side, str]) -> None:
        self._path = path
        self._keys = keys
        self._all: dict[str, dict] = {}
        if path.exists():
            self._all = json.loads(path.read_text(encoding="utf-8"))

    def __contains__(self, run: Run) -> bool:
        return self._all.get(_name(run), {}).get("key") == self._keys[run[1]]

    def __getitem__(self, run: Run) -> dict[str, float]:
        return self._all[_name(run)]["figures"]

    def save(self, run: Run, figures: dict[str, float]) -> None:
        """Adds a run; the file is whole at every moment."""
        self._all[_name(run)] = {"key": self._keys[run[1]], "figures": figures}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._all, indent=1), encoding="utf-8")
        partial.replace(self._path)


def _name(run: Run) -> str:
    return "/".join(map(str, run))


def plan(tasks: Sequence[str], seeds: Sequence[int]) -> list[Run]:
    """Every run of the table, seed by seed, so that one that is broken off has whole seeds."""
    untrained: list[Run] = [(task, "base", 0) for task in tasks]
    return untrained + [(task, side, seed) for seed in seeds for task in tasks for side in _SIDES]


def measure(runs: Sequence[Run], kept: Kept, *, base: Path, workers: int) -> None:
    """Makes the runs in processes of one thread each (the base gains nothing by more) and keeps them."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker) as pool:
        waiting = {pool.submit(_run, run, base): run for run in runs}
        try:
            for n, future in enumerate(as_completed(waiting), start=1):
                run, figures = waiting[future], future.result()
                kept.save(run, figures)
                said = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
                _say(f"{n}/{len(runs)} {_name(run)}: {said}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _prepare_worker() -> None:
    import torch
    from transformers.utils import logging

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: dies with its parent
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _run(run: Run, base: Path) -> dict[str, float]:
    from benchmarks import train_quality_runs

    return train_quality_runs.run(*run, base)


def report(comparisons: Sequence[Comparison], seeds: Sequence[int], digest: str) -> str:
    """The section of RESULTS.md."""
    packages = ", ".join(f"{name} {package_version(name)}" for name in PACKAGES)
    open_rows = [f"{c.figure.task} {c.figure.name}" for c in comparisons if c.verdict == "open"]
    more = f" Open, for which more seeds are needed: {', '.join(open_rows)}." if open_rows else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {cpu_name()} · Python {platform.python_version()}, {packages}\n\n"
        f"`python -m benchmarks.train_quality --seeds {len(seeds)}` · base nano ({digest[:12]}), LoRA of "
        "rank 16 on all linear layers, automatic settings, for both the same: epochs, batch, learning rate "
        "of each step, AdamW, clipping; bf16 with fp32 adapter; starting values and order of the rows by "
        "each trainer's own rule. Token ids and loss masks of every epoch compared. Greedy answers by "
        f"transformers and PEFT, on rows held out of training. Mean over {len(seeds)} seeds ± half of the "
        f"{CONFIDENCE:.0%} interval (Student's t); differences paired by seed. *same*: no part of the "
        "difference's interval lies below minus the margin; *worse*: all of it does; *open*: some of it "
        f"does.{more}\n\n{table(comparisons)}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` sends it twice
    for child in multiprocessing.active_children():
        child.kill()
    sys.exit(143)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help="how many, for both sides")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, help="these only")
    parser.add_argument("--workers", type=int, default=min(2, len(usable_cpus())), help="runs at a time")
    parser.add_argument("--fresh", action="store_true", help="make finished runs again")
    parser.add_argument("--no-write", action="store_true", help="print only, leave RESULTS.md alone")
    parser.add_argument("--json", type=Path, default=STATE, help="file that keeps all figures")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: one seed has no interval")
    if options.workers < 1:
        parser.error("--workers must be at least 1")
    signal.signal(signal.SIGTERM, _stop)
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}

    began = time.perf_counter()
    digest = read_base(NANO).digest
    keys = {
        side: fingerprint((*_SCORING, *sources), PACKAGES, cpu_name(), digest)
        for side, sources in _TRAINING.items()
    }
    if options.fresh:
        options.json.unlink(missing_ok=True)
    kept = Kept(options.json, keys)
    seeds = range(1, options.seeds + 1)
    runs = plan(options.tasks, seeds)
    missing = [run for run in runs if run not in kept]
    _say(f"{len(missing)} of {len(runs)} runs to make; the others are kept in {options.json}")
    if missing:
        with tempfile.TemporaryDirectory(prefix="tunesmith-benchmark-") as folder:
            os.environ["TMPDIR"] = folder  # the workers', so that stopped ones leave nothing behind
            measure(missing, kept, base=NANO, workers=options.workers)
    _say(f"{(time.perf_counter() - began) / 60:.1f} minutes")
    if read_base(NANO).digest != digest:
        raise SystemExit(f"{NANO} changed while its runs were made; run the benchmark again")

    comparisons = compare({run: kept[run] for run in runs}, seeds, options.tasks)
    section = report(comparisons, seeds, digest)
    print(section)
    found = faults(comparisons)
    if found:
        raise SystemExit("Ours is worse than TRL's:\n" + "\n".join(found))
    if set(options.tasks) == set(TASKS) and options.seeds >= N_SEEDS and not options.no_write:
        write_section("train_quality", "Training: the quality table, `train_quality.py`", section)


if __name__ == "__main__":
    main()
