"""The trainer: one loop over batches, as a generator of events.

It knows nothing of jobs or HTTP. Whoever iterates decides: the command line prints, the worker writes
rows, a test makes a list. To cancel, stop iterating; what lies under `out` is whole at every event.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from tunesmith.errors import TrainingDiverged
from tunesmith.model.adapter import write_adapter
from tunesmith.train.batches import batches
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import (
    CheckpointSaved,
    Finished,
    SnapshotSaved,
    StepMetrics,
    TrainEvent,
    Warned,
)
from tunesmith.train.memory import named_memory_errors, no_room_for_batch, no_room_for_model
from tunesmith.train.progress import Progress
from tunesmith.train.rows import Row
from tunesmith.train.setup import Run, prepare
from tunesmith.train.snapshot import keep_newest, save_snapshot
from tunesmith.train.validation import Scores, evaluate, scores, slice_for_step


def train(config: TrainConfig, *, snapshot_request: threading.Event | None = None) -> Iterator[TrainEvent]:
    """Runs a fine-tuning and yields what happens, ending with Finished.

    Warned comes before Started, and later whenever something is worth knowing. Each step yields
    StepMetrics, each epoch's last step CheckpointSaved after it. SnapshotSaved comes every
    `snapshot_every_s` seconds, and is always the last event of its step. Who sets `snapshot_request`
    (from another thread, or a signal handler) gets one after the step in progress; the request is
    cleared once the snapshot is written.

    Raises BaseUnavailable, InvalidTrainingFile, TrainingDiverged, OutOfMemory, InvalidAdapter
    (`init_adapter`) or InvalidRequest (`resume_from`, `target_modules`). Nothing is done before the
    first `next`.
    """
    with named_memory_errors(lambda: no_room_for_model(config.base, config.device)):
        run = prepare(config)
    yield from run.warnings
    yield run.started()
    with named_memory_errors(lambda: _no_room(run)):
        yield from _steps(run, snapshot_request or threading.Event())


def _steps(run: Run, snapshot_request: threading.Event) -> Iterator[TrainEvent]:
    config = run.config
    progress = Progress(run.tokens_per_epoch * config.n_epochs, run.counters.trained_tokens)
    started_at = perf_counter() - run.counters.seconds
    snapshot_at = perf_counter() + config.snapshot_every_s
    for step, epoch, rows in batches(
        run.rows,
        batch_size=config.batch_size,
        seed=config.seed,
        n_epochs=config.n_epochs,
        after_step=run.counters.step,
    ):
        learning_rate = run.optimizer.learning_rate(step)
        trained = _backward(run, rows)
        grad_norm = run.optimizer.clip()
        if not (math.isfinite(trained.loss) and math.isfinite(grad_norm)):
            yield from _diverge(step, learning_rate, trained.loss)
        run.optimizer.step(step)

        epoch_is_over = step % run.steps_per_epoch == 0
        valid = full_valid = None
        if run.valid_rows:
            valid = evaluate(run.forward, slice_for_step(run.valid_rows, step, config.batch_size))
            if epoch_is_over:
                full_valid = evaluate(run.forward, run.valid_rows)
        n_tokens = sum(row.n_tokens for row in rows)
        progress.add(n_tokens)
        run.counters = replace(
            run.counters,
            step=step,
            trained_tokens=run.counters.trained_tokens + n_tokens,
            supervised_tokens=run.counters.supervised_tokens + sum(row.n_targets for row in rows),
            seconds=perf_counter() - started_at,
        )
        metrics = StepMetrics(
            step=step,
            total_steps=run.total_steps,
            epoch=epoch,
            train_loss=trained.loss,
            train_mean_token_accuracy=trained.accuracy,
            **_validation_metrics("valid", valid),
            **_validation_metrics("full_valid", full_valid),
            learning_rate=learning_rate,
            grad_norm=grad_norm,
            trained_tokens=run.counters.trained_tokens,
            tokens_per_s=progress.tokens_per_s,
            seconds_left=progress.seconds_left,
        )
        yield metrics
        if epoch_is_over:
            yield _checkpoint(run, metrics)
        if snapshot_request.is_set() or perf_counter() >= snapshot_at:
            yield _snapshot(run, snapshot_request)
            snapshot_at = perf_counter() + config.snapshot_every_s
    yield _finish(run, perf_counter() - started_at)


def _backward(run: Run, rows: list[Row]) -> Scores:
    """Adds up the gradient of the mean loss over the batch's target tokens, part by part."""
    n_targets = sum(row.n_targets for row in rows)
    losses = []
    for part in run.forward.parts(rows):
        loss = run.forward(part, 1 / n_targets)
        run.stack.stage()
        loss.total.backward()
        run.stack.collect()
        losses.append(loss._replace(total=loss.total.detach()))
    return scores(losses, n_targets)


def _diverge(step: int, learning_rate: float, loss: float) -> Iterator[Warned]:
    what = "The gradient" if math.isfinite(loss) else "The loss"
    sentence = f"{what} is no finite number in step {step}, at learning rate {learning_rate:.3g}"
    yield Warned(
        code="not_finite",
        message=sentence,
        data={"step": step, "learning_rate": learning_rate},
    )
    raise TrainingDiverged(f"{sentence}; lower the learning rate, and look at the examples for odd rows")


def _validation_metrics(prefix: str, valid: Scores | None) -> dict[str, float | None]:
    """Both values, or None: JSON has no NaN, and a broken validation loss must not end a training."""
    loss, accuracy = valid if valid is not None and math.isfinite(valid.loss) else (None, None)
    return {f"{prefix}_loss": loss, f"{prefix}_mean_token_accuracy": accuracy}


def _checkpoint(run: Run, metrics: StepMetrics) -> CheckpointSaved:
    wanted = [
        f"{part}_{kind}"
        for part in ("train", "valid", "full_valid")
        for kind in ("loss", "mean_token_accuracy")
    ]
    values = {name: getattr(metrics, name) for name in ["step", *wanted]}
    run.counters = replace(run.counters, metrics={k: v for k, v in values.items() if v is not None})
    folder = _write_adapter(run, metrics.step)
    return CheckpointSaved(
        step=metrics.step, epoch=metrics.epoch, folder=folder, metrics=run.counters.metrics or {}
    )


def _write_adapter(run: Run, step: int) -> Path:
    folder = run.config.out / "checkpoints" / f"step-{step}"
    adapter = run.stack.state(run.config.base_name or str(run.config.base))
    write_adapter(folder, adapter, fan_in_fan_out=run.stack.stored_in_out)
    return folder


def _snapshot(run: Run, request: threading.Event) -> SnapshotSaved:
    step = run.counters.step
    parent = run.config.out / "snapshots"
    save_snapshot(
        parent / f"step-{step}",
        counters=run.counters,
        adapter=run.stack.state(),
        moments=run.optimizer.state(),
        identity=run.identity,
    )
    keep_newest(parent, run.config.keep_snapshots)
    request.clear()
    return SnapshotSaved(
        step=step, folder=parent / f"step-{step}", trained_tokens=run.counters.trained_tokens
    )


def _finish(run: Run, seconds: float) -> Finished:
    folder = run.config.out / "checkpoints" / f"step-{run.total_steps}"
    if not folder.is_dir():  # resumed after the last step, into another `out`
        _write_adapter(run, run.total_steps)
    return Finished(
        step=run.total_steps,
        folder=folder,
        trained_tokens=run.counters.trained_tokens,
        supervised_tokens=run.counters.supervised_tokens,
        seconds=seconds,
        metrics=run.counters.metrics or {},
    )


def _no_room(run: Run) -> str:
    return no_room_for_batch(
        batch_size=run.config.batch_size,
        longest=run.longest,
        at_once=run.config.tokens_per_forward,
        model=run.config.base.name,
        device=run.device,
    )
