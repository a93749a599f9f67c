"""Tunesmith's trainer as a process of the training benchmark: `train(TrainConfig(...))`, step by step.

Steps are timed from the request for the next event to the step's StepMetrics. With dpo the reference's
log-probabilities are computed for the whole file before the first step, and so fall into its time.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.train_process import Step, serve
from benchmarks.train_workloads import LORA_ALPHA, RANK, TARGET_MODULES, MaskedIds, Recipe, rendered

_NEVER_S = 1e9


def steps(folder: Path, *, threads: int, options: dict[str, Any]) -> Iterator[Step]:
    """The steps of one run over a prepared folder; loads everything before the first.

    `options` are TrainConfig's fields that the run is to have otherwise.
    """
    from tunesmith.train.config import TrainConfig
    from tunesmith.train.events import Started, StepMetrics
    from tunesmith.train.trainer import train

    recipe = Recipe.read(folder)
    out = tempfile.TemporaryDirectory(prefix="tunesmith-benchmark-")
    config = TrainConfig(
        base=folder / "base",
        training_file=folder / "rows.jsonl",
        out=Path(out.name),
        method=recipe.method,
        beta=recipe.beta,
        n_epochs=1,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        r=RANK,
        lora_alpha=LORA_ALPHA,
        target_modules=TARGET_MODULES,
        snapshot_every_s=_NEVER_S,
        device="cpu",
        threads=threads,
        warmup_fraction=0.0,
        adam_beta1=recipe.adam_beta1,
        adam_beta2=recipe.adam_beta2,
        adam_epsilon=recipe.adam_epsilon,
        max_grad_norm=recipe.max_grad_norm,
        **options,
    )
    sequences = rendered(folder, recipe.batch_size)
    if recipe.method == "dpo":  # its first step is looked at too, so it must not be the process's first
        for event in train(config):
            if isinstance(event, StepMetrics):
                break
        gc.collect()
    story = train(config)
    started = next(event for event in story if isinstance(event, Started))
    in_file = sum(sum(mask) for batch in sequences for _, mask in batch)
    if started.supervised_tokens_per_epoch != in_file:
        raise SystemExit(f"our run has {started.supervised_tokens_per_epoch} targets, the file {in_file}")
    return _timed(story, sequences, out)


def _timed(story: Iterator[Any], sequences: list[list[MaskedIds]], out: Any) -> Iterator[Step]:
    from tunesmith.train.events import StepMetrics

    n_tokens = 0
    with out:
        while True:
            started = time.perf_counter()
            event = next(story, None)
            seconds = time.perf_counter() - started
            if event is None:
                return
            if not isinstance(event, StepMetrics):
                continue
            step = Step.of(seconds, event.train_loss, sequences[event.step - 1])
            n_tokens += step.n_tokens
            if event.trained_tokens != n_tokens:
                raise SystemExit(
                    f"step {event.step}: our run trained on {event.trained_tokens} tokens so far, and the "
                    f"rows that its seed implies have {n_tokens}"
                )
            yield step


def main() -> None:
    parser = argparse.ArgumentParser(description="A process of train_throughput.py.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--options", type=json.loads, default={})
    chosen = parser.parse_args()
    import torch

    serve(lambda: steps(chosen.folder, threads=chosen.threads, options=chosen.options), torch.get_num_threads)


if __name__ == "__main__":
    main()
