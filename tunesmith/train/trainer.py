"""The trainer: one loop over batches, as a generator of events.

It knows nothing of jobs or HTTP. Whoever iterates decides: the command line prints, the worker writes
rows, a test makes a list. To cancel, stop iterating; what lies under `out` is whole at every event.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from tunesmith.errors import OutOfMemory, TrainingDiverged
from tunesmith.model.adapter import write_adapter
from tunesmith.train.batches import batches, smaller_parts
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
from tunesmith.train.objectives import evaluate, scores, slice_for_step, with_reference
from tunesmith.train.progress import Progress
from tunesmith.train.rows import line_names
from tunesmith.train.setup import Run, prepare
from tunesmith.train.snapshot import keep_newest, save_snapshot

#: A validation loss has risen when it is above its best by this part of it and by so many nats: less is
#: noise.
_RISE_PART = 0.02
_RISE_NATS = 0.01


def train(
    config: TrainConfig,
    *,
    snapshot_request: threading.Event | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Iterator[TrainEvent]:
    """Runs a fine-tuning and yields what happens, ending with Finished, and a snapshot if one is asked for
    there.

    Warned comes before Started, and later whenever something is worth knowing. Each step yields
    StepMetrics, each epoch's last step CheckpointSaved after it. SnapshotSaved comes every
    `snapshot_every_s` seconds, and is always the last event of its step. Who sets `snapshot_request`
    (from another thread, or a signal handler) gets one after the step in progress; the request is
    cleared once the snapshot is written. `alive` is called often while a file is rendered, a reference or
    a validation file measured or a step done in parts, which may take an hour without an event.

    Raises BaseUnavailable, InvalidTrainingFile, TrainingDiverged, OutOfMemory, InvalidAdapter
    (`init_adapter`) or InvalidRequest (`resume_from`, `target_modules`). Nothing is done before the
    first `next`.
    """
    with named_memory_errors(lambda: no_room_for_model(config.base, config.device)):
        run = prepare(config, alive)
    yield from run.warnings
    yield run.started()
    with named_memory_errors(lambda: _no_room(run)):
        yield from _steps(run, snapshot_request or threading.Event())


def _steps(run: Run, snapshot_request: threading.Event) -> Iterator[TrainEvent]:
    config = run.config
    progress = Progress(run.tokens_per_epoch * config.n_epochs, run.counters.trained_tokens)
    started_at = perf_counter() - run.counters.seconds
    snapshot_at = perf_counter() + config.snapshot_every_s
    if config.method == "dpo" and config.resume_from is None:  # a snapshot brings the reference along
        _measure_reference(run)
    for step, epoch, batch in batches(
        run.examples,
        batch_size=config.batch_size,
        seed=config.seed,
        n_epochs=config.n_epochs,
        after_step=run.counters.step,
    ):
        learning_rate = run.optimizer.learning_rate(step)
        trained = yield from _backward_with_room(run, step, batch)
        grad_norm = run.optimizer.clip()
        if not all(map(math.isfinite, (grad_norm, *trained.values()))):
            yield from _diverge(step, learning_rate, trained["loss"])
        run.optimizer.step(step)

        measured = {f"train_{name}": value for name, value in trained.items()}
        epoch_is_over = step % run.steps_per_epoch == 0
        if run.valid_examples:
            measured |= _measure(run, "valid", slice_for_step(run.valid_examples, step, config.batch_size))
            if epoch_is_over:
                measured |= _measure(run, "full_valid", run.valid_examples)
        n_tokens = sum(example.n_tokens for example in batch)
        progress.add(n_tokens)
        run.counters = replace(
            run.counters,
            step=step,
            trained_tokens=run.counters.trained_tokens + n_tokens,
            supervised_tokens=run.counters.supervised_tokens + sum(example.n_targets for example in batch),
            seconds=perf_counter() - started_at,
        )
        metrics = StepMetrics(
            step=step,
            total_steps=run.total_steps,
            epoch=epoch,
            **measured,
            learning_rate=learning_rate,
            grad_norm=grad_norm,
            trained_tokens=run.counters.trained_tokens,
            tokens_per_s=progress.tokens_per_s,
            seconds_left=progress.seconds_left,
        )
        if epoch_is_over:
            run.counters = replace(run.counters, metrics={"step": step, **measured})
        yield metrics
        if epoch_is_over:
            yield _checkpoint(run, epoch)
            yield from _watch_validation(run)
        if snapshot_request.is_set() or perf_counter() >= snapshot_at:
            yield _snapshot(run, snapshot_request)
            snapshot_at = perf_counter() + config.snapshot_every_s
    yield _finish(run, perf_counter() - started_at)
    if snapshot_request.is_set():  # asked for on Finished, by whoever cannot use the result now
        yield _snapshot(run, snapshot_request)


def _measure_reference(run: Run) -> None:
    config = run.config
    first_epoch = batches(run.examples, batch_size=config.batch_size, seed=config.seed, n_epochs=1)
    measured = with_reference(run.forward, (batch for _, _, batch in first_epoch), run.alive)
    run.examples = [measured[pair.line] for pair in run.examples]
    broken = [pair.line for pair in run.examples if not all(map(math.isfinite, pair.reference))]
    if broken:
        raise TrainingDiverged(
            f"The reference gives the replies of {line_names(broken)} a probability that is no finite "
            f"number, before any training; check the weights of {config.init_adapter or config.base}, and "
            "what is odd about these lines"
        )
    measured = with_reference(run.forward, [run.valid_examples] if run.valid_examples else [], run.alive)
    run.valid_examples = [measured[pair.line] for pair in run.valid_examples]


def _backward_with_room(
    run: Run, step: int, batch: Sequence[Any]
) -> Generator[Warned, None, dict[str, float]]:
    """`_backward`; where the device has no room for it, once more in smaller parts, with the same loss."""
    try:
        with named_memory_errors(lambda: _no_room(run)):
            return _backward(run, batch)
    except OutOfMemory:
        at_once = smaller_parts(batch, run.forward.tokens_at_once)
        if at_once is None:
            raise
    # only here, where nothing holds the failed pass any more, is its memory free
    if run.stack.weights.is_cuda:
        torch.cuda.empty_cache()
    run.stack.zero_grad()
    run.forward.tokens_at_once = at_once
    run.counters = replace(run.counters, tokens_per_forward=at_once)
    yield Warned(
        code="smaller_parts",
        message=f"The device {run.device} has no room for the batch of step {step} as it was; from now on at "
        f"most {at_once:,} tokens go through the model at once, with the same loss",
        data={"step": step, "tokens_per_forward": at_once},
    )
    return _backward(run, batch)


def _backward(run: Run, batch: Sequence[Any]) -> dict[str, float]:
    """Adds up the gradient of the batch's loss, part by part; gives the batch's metrics."""
    shares = []
    for part in run.objective(run.forward, batch):
        run.stack.stage()
        part.loss.backward()
        run.stack.collect()
        shares.append(part.shares)
        run.alive()
    return scores(shares)


def _measure(run: Run, prefix: str, examples: Sequence[Any]) -> dict[str, float]:
    """Metrics under their prefix; none of them when one is no finite number, since JSON has no NaN and a
    broken validation loss must not end a training."""
    measured = evaluate(run.objective, run.forward, examples, run.alive)
    finite = all(math.isfinite(value) for value in measured.values())
    return {f"{prefix}_{name}": value for name, value in measured.items()} if finite else {}


def _diverge(step: int, learning_rate: float, loss: float) -> Iterator[Warned]:
    what = "The gradient" if math.isfinite(loss) else "The loss"
    sentence = f"{what} is no finite number in step {step}, at learning rate {learning_rate:.3g}"
    yield Warned(
        code="not_finite",
        message=sentence,
        data={"step": step, "learning_rate": learning_rate},
    )
    raise TrainingDiverged(f"{sentence}; lower the learning rate, and look at the examples for odd rows")


def _watch_validation(run: Run) -> Iterator[Warned]:
    """Tells, once in a run, that the loss on the validation file has clearly risen since its best epoch."""
    now = (run.counters.metrics or {}).get("full_valid_loss")
    best = run.counters.best
    if now is None:
        return
    if best is None or now < best["full_valid_loss"]:
        run.counters = replace(run.counters, best={"step": run.counters.step, "full_valid_loss": now})
        return
    lowest = best["full_valid_loss"]
    if now - lowest > max(_RISE_PART * lowest, _RISE_NATS) and not run.counters.rise_told:
        run.counters = replace(run.counters, rise_told=True)
        yield Warned(
            code="validation_loss_rising",
            message=f"The validation loss has risen to {now:.4g} from its lowest, {lowest:.4g}; the best "
            f"checkpoint so far is that of step {best['step']}",
            data={"step": run.counters.step, "full_valid_loss": now, "best": best},
        )


def _checkpoint(run: Run, epoch: int) -> CheckpointSaved:
    step = run.counters.step
    return CheckpointSaved(
        step=step, epoch=epoch, folder=_write_adapter(run, step), metrics=run.counters.metrics or {}
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
        reference=_reference(run),
        identity=run.identity,
    )
    keep_newest(parent, run.config.keep_snapshots)
    request.clear()
    return SnapshotSaved(
        step=step, folder=parent / f"step-{step}", trained_tokens=run.counters.trained_tokens
    )


def _reference(run: Run) -> torch.Tensor | None:
    if run.config.method != "dpo":
        return None
    pairs = [*run.examples, *run.valid_examples]
    return torch.tensor([pair.reference for pair in pairs], dtype=torch.float64)


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
        at_once=run.forward.tokens_at_once,
        recomputes=run.recomputes,
        model=run.config.base.name,
        device=run.device,
    )
