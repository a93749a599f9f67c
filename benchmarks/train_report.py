"""The training benchmark's figures in Markdown."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Iterator, Sequence

from benchmarks.fingerprint import package_version
from benchmarks.machine import cpu_name
from benchmarks.train_figures import Measured, Result, ratios

#: Share of a core's time that other work may take before the figures are called noisy.
QUIET = 0.05
PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")


def table(result: Result) -> str:
    """The figures of a workload in Markdown."""
    recipe = result.workload.recipe
    n_tokens = statistics.mean(step.n_tokens for step in result.measured[0].steps[1:])
    lines = [
        f"**{result.workload.name}**: {result.workload.what}, model {recipe.size}, {n_tokens:,.0f} tokens a "
        f"step; {machine_line(result.gaps, result.products)}; load at the end {result.load:.1f}",
        "",
        "| trainer | s a step | tokens/s | ours is faster by | share of peak | peak memory |",
        "|---|---|---|---|---|---|",
        *(_line(result, *row) for row in _rows(result)),
    ]
    return "\n".join(lines)


def _rows(result: Result) -> Iterator[tuple[str, Measured, Measured | None, bool]]:
    """(name, figures, ours to compare with, whether a reference is among its work)."""
    for m in result.measured:
        if result.workload.recipe.method != "dpo":
            yield m.variant.name, m, result.ours(), False
        elif m.variant.side == "ours":
            online = result.ours(m.variant.setting, online=True)
            assert online is not None
            yield f"{m.variant.name}, reference included", online, result.ours(online=True), True
            yield f"{m.variant.name}, reference cached", m, result.ours(), False
        else:
            yield m.variant.name, m, result.ours(online=not m.variant.cached), not m.variant.cached


def _line(result: Result, name: str, m: Measured, ours: Measured | None, reference: bool) -> str:
    share = result.flops(reference=reference) / m.step_s / result.products["bfloat16"]
    faster = "–" if ours is None or ours.variant == m.variant else f"{ours.times_faster_than(m):.2f}"
    return (
        f"| {name} | {m.step_s:.3f} | {m.tokens_per_s:,.0f} | {faster} | {share:.0%} | "
        f"{m.memory_bytes / 1e9:.2f} GB |"
    )


def summary(results: Sequence[Result]) -> str:
    """All ratios beside their goals."""
    lines = ["| | times faster | at least | aim |", "|---|---|---|---|"]
    for result in results:
        for ratio in ratios(result):
            floor, aim = ("–" if goal is None else f"{goal:g}" for goal in (ratio.floor, ratio.aim))
            missed = "" if ratio.holds else " (missed)"
            lines.append(
                f"| {result.workload.name} / {ratio.what} | {ratio.value:.2f}{missed} | {floor} | {aim} |"
            )
    return "\n".join(lines)


def report(results: Sequence[Result], command: str, threads: int) -> str:
    """The section of RESULTS.md."""
    packages = ", ".join(f"{name} {package_version(name)}" for name in PACKAGES)
    dates = sorted({result.date for result in results})
    noisy = [result.workload.name for result in results if result.gaps > QUIET]
    warning = (
        f"\n\nThe machine was not quiet: other work took more than {QUIET:.0%} of a core's time before "
        f"{', '.join(noisy)}."
        if noisy
        else ""
    )
    head = (
        f"{' to '.join(dict.fromkeys([dates[0], dates[-1]]))} · {cpu_name()}, threads: {threads} · "
        f"Python {platform.python_version()}, {packages}\n\n"
        f"`{command}` · random Qwen3 weights in bf16, LoRA of rank 16 on all linear layers, AdamW; medians "
        "of the steps after the first, each trainer in its own process, all in turns on the same batches; "
        "token ids, loss masks and losses compared. Share of peak: operations of the unshared, unpadded step "
        f"over time and the machine's own bf16 product rate; sharing can pass 100 %.{warning}"
    )
    return "\n\n".join([head, summary(results), *(table(result) for result in results)])


def machine_line(gaps: float, products: dict[str, float]) -> str:
    rates = ", ".join(f"{rate / 1e9:,.0f} GFLOP/s {name}" for name, rate in products.items())
    return f"products {rates}, scheduler gaps {gaps:.1%}"
