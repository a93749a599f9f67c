"""One run of the quality table: a sample is trained on by ours or by TRL, and the adapter is scored.

Both read every number from one TrainConfig, draw their starting values from PEFT's distribution and shuffle
by rules of their own, from the same seed. TRL is given our learning rate of each step, since transformers'
own warm-up begins with a step at rate 0, a sixteenth of the shortest run. The adapters lie on disk in PEFT's
format and are scored alike, by plain transformers and PEFT.
"""

from __future__ import annotations

import contextlib
import io
import math
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.train_peers import Row, load_tokenizer, trl_trainer
from benchmarks.train_process import digest_of
from benchmarks.train_quality_figures import Side
from benchmarks.train_quality_scores import as_chat, method_of, scores
from benchmarks.train_workloads import LORA_ALPHA, RANK, MaskedIds, rendered_rows
from recipes.nano.answers import Answerer
from tunesmith.data.base import read_base
from tunesmith.data.hyperparameters import resolve
from tunesmith.evals.samples import Sample, load_sample, read_rows
from tunesmith.train.batches import steps_per_epoch
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import Finished, Started, StepMetrics
from tunesmith.train.optimizer import learning_rate_at
from tunesmith.train.trainer import train

_NEVER_S = 1e9


@dataclass(frozen=True)
class Tuned:
    """What a trainer left behind."""

    adapter: Path
    """PEFT folder."""
    last_loss: float
    """Mean over the last epoch's steps of the loss that the trainer reported for them; in nats."""


def run(task: str, side: Side, seed: int, base: Path) -> dict[str, float]:
    """Trains on the sample called `task` (`base`: does not) and scores the result: figures by name."""
    warnings.simplefilter("ignore")
    sample = load_sample(task)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tunesmith-benchmark-") as folder:
        tuned = None
        config = configuration(sample, base, Path(folder), seed)
        if side != "base":
            tuned = (train_with_ours if side == "ours" else train_with_trl)(config)
        trained = time.perf_counter()
        figures = scores(sample, Answerer(base, tuned.adapter if tuned else None), beta=config.beta)
    if tuned is not None:
        figures |= {"loss in training": tuned.last_loss, "seconds of training": trained - started}
    return figures | {"seconds": time.perf_counter() - started}


def configuration(sample: Sample, base: Path, out: Path, seed: int) -> TrainConfig:
    """Automatic settings for the sample."""
    method = method_of(sample)
    n_examples = len(read_rows(sample.train))
    chosen = resolve({}, n_examples=n_examples, base=read_base(base), method=method)
    return TrainConfig(
        method=method,
        beta=chosen.beta or TrainConfig.beta,
        base=base,
        training_file=sample.train,
        out=out,
        n_epochs=chosen.n_epochs,
        batch_size=chosen.batch_size,
        learning_rate=chosen.learning_rate,
        seed=seed,
        r=RANK,
        lora_alpha=LORA_ALPHA,
        device="cpu",
        snapshot_every_s=_NEVER_S,
    )


def train_with_ours(config: TrainConfig) -> Tuned:
    """By `tunesmith.train`. Raises SystemExit when it left out tokens of the file."""
    losses: dict[int, list[float]] = {}
    for event in train(config):
        if isinstance(event, Started):
            in_file = sum(sum(mask) for _, mask in _in_file(config))
            if event.supervised_tokens_per_epoch != in_file:
                raise SystemExit(
                    f"{config.training_file}: our run has {event.supervised_tokens_per_epoch} targets an "
                    f"epoch, the file {in_file}"
                )
        elif isinstance(event, StepMetrics):
            losses.setdefault(event.epoch, []).append(event.train_loss)
        elif isinstance(event, Finished):
            return Tuned(event.folder, statistics.mean(losses[config.n_epochs]))
    raise AssertionError("a run ends with Finished")


def train_with_trl(config: TrainConfig) -> Tuned:
    """By TRL's SFTTrainer or DPOTrainer. Raises SystemExit when it did not do the same work."""
    from peft import LoraConfig
    from transformers import set_seed

    lora = LoraConfig(
        r=config.r,
        lora_alpha=int(config.lora_alpha),
        target_modules=config.target_modules,
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    set_seed(config.seed)  # the adapter is made before the trainer sets its own
    beta = config.beta if config.method == "dpo" else None
    rows = [as_chat(row) for row in read_rows(config.training_file)]
    trainer, collated = trl_trainer(config.base, rows, lora=lora, settings=trl_settings(config), beta=beta)
    if beta is not None:
        end = load_tokenizer(config.base).eos_token_id
        trainer.train_dataset = trainer.train_dataset.map(lambda pair: _without_tail(pair, end))
    n_steps = steps_per_epoch(len(rows), config.batch_size)
    _give_our_rates(trainer, config, n_steps * config.n_epochs)
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    _check_same_work(config, trainer.state.log_history, collated.forwards)
    adapter = config.out / "trl"
    trainer.model.save_pretrained(adapter)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return Tuned(adapter, statistics.mean(losses[-n_steps:]))


def _rate(config: TrainConfig, step: int, total_steps: int, peak: float) -> float:
    return learning_rate_at(step, peak=peak, total_steps=total_steps, warmup_fraction=config.warmup_fraction)


def _give_our_rates(trainer: Any, config: TrainConfig, total_steps: int) -> None:
    trainer.create_optimizer()
    trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
        trainer.optimizer, lambda n_steps_done: _rate(config, n_steps_done + 1, total_steps, 1.0)
    )


def _check_same_work(config: TrainConfig, log: list[dict[str, Any]], forwards: list[list[MaskedIds]]) -> None:
    """Raises SystemExit where an epoch had other sequences, or a step another rate, than in our runs."""
    n_steps = len(forwards) // config.n_epochs
    expected = digest_of(_in_file(config))
    for epoch in range(config.n_epochs):
        of_epoch = forwards[epoch * n_steps : (epoch + 1) * n_steps]
        if digest_of(_up_to_last_target(one) for forward in of_epoch for one in forward) != expected:
            raise SystemExit(
                f"{config.training_file}: in epoch {epoch + 1} TRL trained on other token ids or loss masks"
            )
    rates = [entry["learning_rate"] for entry in log if "loss" in entry]
    for step, rate in enumerate(rates, start=1):
        ours = _rate(config, step, len(rates), config.learning_rate)
        if not math.isclose(rate, ours, rel_tol=1e-6):
            raise SystemExit(
                f"{config.training_file}: step {step} of TRL has the rate {rate:g}, not {ours:g}"
            )


def trl_settings(config: TrainConfig) -> dict[str, Any]:
    """The run's numbers under TRL's names; a batch goes through at once."""
    return {
        "output_dir": str(config.out / "trl-state"),
        "per_device_train_batch_size": config.batch_size,
        "num_train_epochs": config.n_epochs,
        "learning_rate": config.learning_rate,
        "adam_beta1": config.adam_beta1,
        "adam_beta2": config.adam_beta2,
        "adam_epsilon": config.adam_epsilon,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "seed": config.seed,
    }


def _without_tail(pair: Row, end: int) -> Row:
    """TRL's DPO takes what a template writes after the end token, which is never sampled, into the loss."""
    replies = {key: pair[key] for key in ("chosen_ids", "rejected_ids")}
    return {key: ids[: len(ids) - ids[::-1].index(end)] for key, ids in replies.items()}


def _in_file(config: TrainConfig) -> list[MaskedIds]:
    rows = rendered_rows(config.base, config.training_file)
    return [_up_to_last_target(one) for row in rows for one in row]


def _up_to_last_target(sequence: MaskedIds) -> MaskedIds:
    """What comes after is never predicted, nor does anything learnt depend on it."""
    ids, mask = sequence
    n = len(mask) - mask[::-1].index(1)
    return ids[:n], mask[:n]
