"""Claim: the loss of a large vocabulary takes the memory of a few rows of logits, however many targets.

Cross entropy and its gradient at N targets, width 1,024, vocabulary 151,936 (Qwen3's), bf16, each in a
process of its own: ours, chunk by chunk, and torch's from whole logits. The figure is the peak of the
resident set above what the hidden rows and the head take. Under a minute.

    python -m benchmarks.loss_memory [--no-write]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.machine import cpu_name
from benchmarks.results_page import write_section

WIDTH, VOCABULARY = 1024, 151_936
#: Whole logits of more targets do not fit beside everything else on a small machine.
CASES = (("ours", 1024), ("ours", 8192), ("torch, whole logits", 1024))


def measure(way: str, n_targets: int) -> int:
    """Peak MiB above the inputs, in this process."""
    import torch
    import torch.nn.functional as F

    from tunesmith.model.packed.losses import Head, loss_from_hidden

    # filled in place: a passing copy would raise the peak that the figure begins at
    weight = torch.empty(VOCABULARY, WIDTH, dtype=torch.bfloat16).normal_(std=WIDTH**-0.5)
    hidden = torch.empty(n_targets, WIDTH, dtype=torch.bfloat16).normal_().requires_grad_()
    targets = torch.randint(VOCABULARY, (n_targets,))
    loss_from_hidden(hidden[:8].detach().requires_grad_(), Head(weight, None, 1.0, None), targets[:8])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if way == "ours":
        nll = loss_from_hidden(hidden, Head(weight, None, 1.0, None), targets).nll
    else:
        nll = F.cross_entropy((hidden @ weight.t()).float(), targets, reduction="none")
    nll.mean().backward()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10


def main() -> None:
    """Each case in its own process, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-write", action="store_true", help="only print")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        print(measure(*CASES[options.case]))
        return
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu_name()}, torch {version('torch')}. "
        "`python -m benchmarks.loss_memory`",
        "",
        f"Cross entropy with gradient, width {WIDTH:,}, vocabulary {VOCABULARY:,}, bf16: peak memory above "
        "the inputs.",
        "",
        "| way | targets | MiB |",
        "|---|---|---|",
    ]
    for i, (way, n_targets) in enumerate(CASES):
        command = [sys.executable, "-m", "benchmarks.loss_memory", "--case", str(i)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines.append(f"| {way} | {n_targets:,} | {int(printed):,} |")
    print("\n".join(lines))
    if not options.no_write:
        write_section("loss_memory", "Memory of the loss", "\n".join(lines))


if __name__ == "__main__":
    main()
