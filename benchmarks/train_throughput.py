"""Claim: on the same machine, with the same losses, our trainer is several times faster than its peers.

TRL's trainers and a lean transformers + PEFT loop, each at several settings of which the best counts, make
the steps of one run in turns with ours: same base, same starting adapter, same rows in the same order, same
optimizer. Each trainer has a process of its own. The run fails when token ids, loss masks or first losses
differ. All under 25 minutes on two cores; what is finished is kept and not measured again.

    python -m benchmarks.train_throughput [--quick | --only W2 ...] [--fresh] [--no-write]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.fingerprint import fingerprint
from benchmarks.machine import cpu_name, environment, matrix_product_rates, scheduler_gaps
from benchmarks.results_page import write_section
from benchmarks.train_figures import Kept, Measured, Result, Side, Variant
from benchmarks.train_process import ROOT, TrainerProcess
from benchmarks.train_report import PACKAGES, machine_line, report
from benchmarks.train_workloads import SIZES, WORKLOADS, Workload

STATE = ROOT / "build" / "benchmarks" / "train_throughput.json"
QUICK = ("W1", "W3")
_SOURCES = ("tunesmith/data", "tunesmith/model", "tunesmith/train", "benchmarks")


def variants(workload: Workload) -> list[Variant]:
    """Every trainer that a workload is given to."""
    recipe = workload.recipe
    batch = recipe.batch_size
    trl_steps = 3 if workload.name == "W2" else 4

    def ours(setting: str, native: bool = True, **options: Any) -> Variant:
        variables = {} if native else {"TUNESMITH_NATIVE": "0"}
        return Variant("ours", setting, ("--options", json.dumps(options)), variables, cached=True)

    def peer(side: Side, micro: int, cached: bool = False) -> Variant:
        setting = f"{micro} at once" + (f" x {batch // micro}" if micro < batch else "")
        if recipe.method == "dpo":
            setting += ", reference beforehand" if cached else ""
        more = ("--cached",) if cached else ()
        padded_for_nothing = workload.name in ("W2", "W4") and micro > 1
        steps = trl_steps if side == "trl" else 4 if padded_for_nothing else None
        return Variant(side, setting, ("--micro", str(micro), *more), at_most=steps, cached=cached)

    made = [ours("as it comes")]
    if workload.shared_system:
        made.append(ours("no sharing", share_prefixes=False))
    made.append(ours("no native kernel", native=False))
    if workload.shared_system:
        made.append(ours("no sharing, no native kernel", native=False, share_prefixes=False))
    made += [peer("lean", 1), peer("lean", batch)]
    made.append(peer("trl", 1))
    if workload.name not in ("W2", "W4"):  # there padding costs more than it saves
        made.append(peer("trl", batch))
    if recipe.method == "dpo":
        made += [peer("lean", 1, cached=True), peer("trl", 1, cached=True)]
    return made


def measure(workload: Workload, chosen: Sequence[Variant], *, threads: int, work: Path) -> Result:
    """Starts all trainers, warms each up by a step, and lets them make the others in turns."""
    began = time.perf_counter()
    folder = work / workload.name
    gaps = scheduler_gaps(threads)
    products = matrix_product_rates(threads, _product_shapes(workload.recipe.size))
    _say(f"{workload.name}: {workload.what}; {machine_line(gaps, products)}")
    _prepare(folder, workload, threads)
    running: dict[str, TrainerProcess] = {}
    measured: list[Measured] = []
    try:
        for variant in chosen:
            module = "benchmarks.train_ours" if variant.side == "ours" else "benchmarks.train_peers"
            peer = () if variant.side == "ours" else (variant.side,)
            running[variant.name] = TrainerProcess(
                (module, *peer, str(folder), "--threads", str(threads), *variant.arguments),
                threads=threads,
                variables=variant.variables,
                log=work / f"{workload.name} {variant.name}.log".replace(" ", "-"),
            )
        for i in range(workload.recipe.n_steps):
            said = []
            for variant in chosen:
                process = running[variant.name]
                n_steps = variant.at_most or workload.recipe.n_steps
                if i < n_steps:
                    said.append(f"{variant.name} {process.step().seconds:.2f}")
                if i == n_steps - 1:
                    process.stop()  # frees its memory for the others
            _say(f"  step {i + 1}: " + " · ".join(said))
        for variant in chosen:
            process = running[variant.name]
            measured.append(Measured(variant, process.steps, process.memory_bytes, process.start_s))
    finally:
        for process in running.values():
            process.stop()
    return Result(
        workload=workload,
        measured=measured,
        sizes=json.loads((folder / "sizes.json").read_text(encoding="utf-8")),
        products=products,
        gaps=gaps,
        load=os.getloadavg()[0],
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        seconds=time.perf_counter() - began,
    )


def _prepare(folder: Path, workload: Workload, threads: int) -> None:
    """In a process of its own: this one must stay free of torch, whose threads would spin beside others'."""
    recipe = workload.recipe
    command = [sys.executable, "-m", "benchmarks.train_workloads", workload.name, str(folder)]
    command += ["--size", recipe.size, "--batch-size", str(recipe.batch_size)]
    command += ["--n-steps", str(recipe.n_steps)]
    subprocess.run(command, cwd=ROOT, env=environment(threads), check=True)


def _product_shapes(size: str) -> list[tuple[int, int, int]]:
    """The frozen layers' shapes at two row counts that steps have."""
    c = SIZES[size]
    d, ffn = c["hidden_size"], c["intermediate_size"]
    return [shape for m in (2048, 4096) for shape in ((m, d, ffn), (m, ffn, d), (m, d, d))]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help=f"{' and '.join(QUICK)} only, under 8 minutes")
    which.add_argument("--only", nargs="+", choices=WORKLOADS, metavar="W", help="these workloads")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of each trainer")
    parser.add_argument("--fresh", action="store_true", help="measure finished workloads again")
    parser.add_argument("--no-write", action="store_true", help="print only, leave RESULTS.md alone")
    parser.add_argument("--json", type=Path, default=STATE, help="file that keeps all figures")
    parser.add_argument("--size", choices=SIZES, help="another model, to try the benchmark itself")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no stopped trainer is left behind

    names = options.only or (QUICK if options.quick else tuple(WORKLOADS))
    facts = (cpu_name(), options.threads, options.size)
    kept = Kept(options.json, fingerprint(_SOURCES, PACKAGES, *facts))
    results = []
    work = Path(tempfile.mkdtemp(prefix="tunesmith-benchmark-"))
    try:
        for name in names:
            workload = WORKLOADS[name].at(options.size or WORKLOADS[name].recipe.size)
            chosen = variants(workload)
            if name in kept and not options.fresh:
                result = kept.load(workload, chosen)
                _say(f"{name}: figures of {result.date} are kept in {options.json}; --fresh measures again")
            else:
                result = measure(workload, chosen, threads=options.threads, work=work)
                kept.save(result)
                _say(f"{name}: {result.seconds / 60:.1f} minutes")
            results.append(result)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    section = report(results, "python -m benchmarks.train_throughput", options.threads)
    print(section)
    faults = [fault for result in results for fault in result.faults()]
    if faults:
        raise SystemExit("The trainers did not do the same work:\n" + "\n".join(faults))
    whole = set(names) == set(WORKLOADS) and options.size is None
    if whole and not options.no_write:
        write_section("train_throughput", "Training: `train_throughput.py`", section)


if __name__ == "__main__":
    main()
