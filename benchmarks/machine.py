"""What the machine can do and whether it is quiet enough to say: cores, scheduler gaps, matrix products.

Two threads on one core, or a core that other work takes away in slices, make every figure worthless without
any error; so both are looked at before anything is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_GAP_S = 0.0005
_ROOT = Path(__file__).parents[1]


def usable_cpus() -> list[int]:
    """CPUs that this process may run on, one of each physical core before any core's second one."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    cpus = sorted(os.sched_getaffinity(0))
    seen: dict[str, int] = {}
    rank = {}
    for cpu in cpus:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        core = siblings.read_text().strip() if siblings.exists() else str(cpu)
        rank[cpu] = seen[core] = seen.get(core, -1) + 1
    return sorted(cpus, key=lambda cpu: (rank[cpu], cpu))


def environment(threads: int, **more: str) -> dict[str, str]:
    """For a process that computes with torch: `threads` OpenMP threads, each bound to a core of its own.

    They spin while they wait: a sleeping thread wakes up late, by a whole slice of the scheduler's where
    sessions are scheduled as groups. Raises SystemExit where there are fewer CPUs than threads.
    """
    cpus = usable_cpus()
    if len(cpus) < threads:
        raise SystemExit(
            f"{threads} threads need as many CPUs, and this process may use only {cpus} (bound by taskset, "
            "a container, or OMP_PROC_BIND of the program that started it?); give fewer --threads"
        )
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "ACTIVE",
        "OMP_PROC_BIND": "true",
        "OMP_PLACES": ",".join(f"{{{cpu}}}" for cpu in cpus[:threads]),
        **more,
    }


def shared_core(threads: int) -> str | None:
    """A sentence when this process's compute threads are not each on a core of its own; None when they are.

    Call it after torch has computed something large enough to start all its threads.
    """
    tasks = Path("/proc/self/task")
    if threads < 2 or not tasks.exists():
        return None
    masks = []
    for task in tasks.iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("Cpus_allowed_list:"):
                masks.append(line.partition(":")[2].strip())
    bound = {mask for mask in masks if mask.isdigit()}
    if len(bound) >= threads:
        return None
    return f"{threads} threads share the CPUs {', '.join(sorted(bound)) or 'unbound'}"


def scheduler_gaps(threads: int, seconds: float = 2.0) -> float:
    """The largest share of time that one of `threads` busy CPUs was taken away from a process bound to it."""
    command = [sys.executable, "-m", "benchmarks.machine", "gaps", "--seconds", str(seconds), "--cpu"]
    running = [
        subprocess.Popen([*command, str(cpu)], cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        for cpu in usable_cpus()[:threads]
    ]
    return max(float(json.loads(process.communicate()[0])) for process in running)


def _gaps(cpu: int, seconds: float) -> float:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})
    start = last = time.perf_counter()
    lost = 0.0
    while last - start < seconds:
        now = time.perf_counter()
        if now - last > _GAP_S:
            lost += now - last
        last = now
    return lost / (last - start)


def matrix_product_rates(threads: int, shapes: Sequence[tuple[int, int, int]]) -> dict[str, float]:
    """The best median rate over shapes (M, K, N), in FLOP/s, of bf16 and fp32 products in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.machine", "products", "--shapes", json.dumps(shapes)]
    done = subprocess.run(
        command, cwd=_ROOT, env=environment(threads), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def _products(shapes: Sequence[tuple[int, int, int]]) -> dict[str, float]:
    import torch
    import torch.nn.functional as F

    best = {"bfloat16": 0.0, "float32": 0.0}
    for m, k, n in shapes:
        for name in best:
            dtype = getattr(torch, name)
            x, w = torch.randn(m, k).to(dtype), torch.randn(n, k).to(dtype)
            seconds = _median_s(lambda x=x, w=w: F.linear(x, w))  # type: ignore[misc]
            best[name] = max(best[name], 2 * m * k * n / seconds)
    problem = shared_core(torch.get_num_threads())
    if problem:
        raise SystemExit(problem)
    return best


def _median_s(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(11):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[2:])


def peak_memory_bytes() -> int:
    """The largest resident set that this process ever had."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else []:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def cpu_name() -> str:
    """The processor's name as its maker writes it."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Probes of the machine; results are JSON.")
    parser.add_argument("probe", choices=("gaps", "products"))
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--shapes", type=json.loads, default=[])
    options = parser.parse_args()
    result = _gaps(options.cpu, options.seconds) if options.probe == "gaps" else _products(options.shapes)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
