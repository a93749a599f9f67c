"""What a job would take, before it is created: steps, tokens, seconds, memory, and whether it would fail.

Steps and tokens are exact: they are counted by the trainer's own renderer. Seconds come from earlier jobs on
the same weights and kind of device; without any, from the number of parameters and a rough rate, and then the
answer says so. Memory is a rough rate always. Nothing here writes anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tunesmith.data.base import Base
from tunesmith.data.inspection import Summary, Tokens
from tunesmith.data.jsonl import validate
from tunesmith.errors import InvalidTrainingFile
from tunesmith.jobs.devices import Device
from tunesmith.jobs.numbers import explained, resolved
from tunesmith.jobs.validate import require_trainable
from tunesmith.store.blobs import Blobs
from tunesmith.store.rows import FileRow, JobRow
from tunesmith.store.throughput import EarlierRun

#: Earlier jobs that a forecast is made of: those nearest in size.
NEAREST = 8
#: How much faster or slower than any earlier job the next one may be.
_MARGIN = 1.15
_MARGIN_OF_ONE = 1.4
#: Floating-point operations a second that training reaches, (at worst, at best): a thread of a processor
#: without and with matrix units, a small and a large GPU.
_ROUGH_FLOPS = {"cpu": (5e9, 4e11), "gpu": (2e13, 2e14)}
_FLOPS_PER_PARAMETER_AND_TOKEN = 6.0
#: Preference training asks the reference too.
_DPO_FACTOR = 4 / 3
#: Seconds for starting, loading and saving, (at best, at worst), beside the reading of the weights.
_ROUGH_START_S = (3.0, 30.0)
_READ_BYTES_PER_S = 3e8
_BYTES_PER_PARAMETER = 2  # bfloat16
#: Bytes of a process that has loaded torch, (at best, at worst).
_ROUGH_PROCESS_BYTES = {"cpu": (0.5e9, 0.9e9), "gpu": (1.0e9, 2.0e9)}
#: Values of an adapter as part of the base's parameters; each has a gradient and two moments, in float32.
_ADAPTER_PART = (0.005, 0.05)
_BYTES_PER_ADAPTER_VALUE = 16
#: Bytes kept for the backward pass per token, layer and unit of width: with layers computed again, and kept.
_KEPT_PER_UNIT = (4, 60)
_TOKENS_AT_ONCE = 8192
_SHORT_ROW_TOKENS = 64
#: Of a validation file of another kind of rows so much is read for the sentence.
_HEAD_BYTES = 256 * 1024


@dataclass(frozen=True)
class Failure:
    """Why the job would fail after it was created."""

    code: str
    message: str
    param: str | None


@dataclass(frozen=True)
class Doubt:
    """Something worth a second look that stops nothing."""

    code: Literal["warnings", "truncated", "no_target_tokens", "shared_rows"]
    message: str
    param: str
    facts: dict[str, int]


@dataclass(frozen=True)
class Seconds:
    """How long the job would hold a device."""

    low: float
    high: float
    basis: Literal["earlier_jobs", "parameters"]
    n_earlier_jobs: int


@dataclass(frozen=True)
class Memory:
    """What the training would take of the device's memory: a rough rate."""

    device: Device
    low_bytes: int
    high_bytes: int

    @property
    def fits(self) -> bool | None:
        """None where it may or may not."""
        if self.high_bytes <= self.device.free_bytes:
            return True
        return False if self.low_bytes > self.device.free_bytes else None


@dataclass(frozen=True)
class Estimate:
    """What is known of a job that does not exist."""

    hyperparameters: dict[str, dict[str, Any]]
    n_epochs: int
    steps_per_epoch: int
    tokens_per_epoch: int
    trained_per_epoch: int
    seconds: Seconds
    memory: Memory


def failure_of(
    job: JobRow, training: Summary, validation: Summary | None, validation_file: FileRow | None, blobs: Blobs
) -> Failure | None:
    """What the validation, and the trainer after it, would say against the files; None when nothing."""
    try:
        report = training.report("training_file")
        other = None
        if validation is not None and validation_file is not None:
            other = validation.report("validation_file")
            if other.ok and report.format is not None and other.format != report.format:
                head = _whole_lines(blobs, validation_file)
                other = validate([head], role="validation_file", expected_format=report.format)
        require_trainable(report, other, job.requested["type"])
        for summary, param in ((training, "training_file"), (validation, "validation_file")):
            if summary is not None:
                _require_learnable(summary, param)
    except InvalidTrainingFile as error:
        return Failure(error.code or "job_failed", error.message, error.param)
    return None


def _whole_lines(blobs: Blobs, file: FileRow) -> bytes:
    """The beginning of a sound file, to the end of the line that crosses the bound."""
    head = b""
    for piece in blobs.stream(file.object_key):
        head += piece
        end = head.find(b"\n", _HEAD_BYTES)
        if end >= 0:
            return head[: end + 1]
    return head


def _require_learnable(summary: Summary, param: str) -> None:
    """Raises for what only the base's template and context show."""
    if summary.refusals:
        first = summary.refusals[0]
        raise InvalidTrainingFile(f"Line {first.line}: {first.problem}", param=param)
    tokens = summary.tokens
    if tokens is not None and not tokens.n_rows:
        raise InvalidTrainingFile(
            f"No example of the {param.replace('_', ' ')} has a token to learn within "
            f"{tokens.context_length} tokens; shorten the prompts, or give at least one assistant message "
            "weight 1",
            param=param,
        )


def estimate(
    job: JobRow,
    base: Base,
    training: Summary,
    *,
    earlier: Sequence[EarlierRun],
    device: Device,
    threads: int,
) -> Estimate:
    """What the job would take on `device`; `training` has its tokens counted."""
    tokens = training.tokens
    assert tokens is not None, "the file has been counted"
    validated = replace(job, n_examples=training.n_lines)
    numbers = resolved(validated, base)
    method = job.requested["type"]
    total = tokens.total * numbers.n_epochs
    return Estimate(
        hyperparameters=explained(validated, numbers),
        n_epochs=numbers.n_epochs,
        steps_per_epoch=math.ceil(tokens.n_rows / numbers.batch_size),
        tokens_per_epoch=tokens.total,
        trained_per_epoch=tokens.trained,
        seconds=seconds_for(total, base, method, earlier=earlier, device=device, threads=threads),
        memory=_memory_for(base, tokens, numbers.batch_size, device),
    )


def seconds_for(
    n_tokens: int,
    base: Base,
    method: str,
    *,
    earlier: Sequence[EarlierRun],
    device: Device,
    threads: int,
) -> Seconds:
    """How long `n_tokens` would take, from jobs of this method on this kind of device where there are any."""
    alike = [
        run
        for run in earlier
        if run.method == method
        and run.device.startswith("cuda") == (device.kind == "gpu")
        and run.trained_tokens > 0
        and run.training_s > 0
    ]
    if not alike:
        return _rough_seconds(n_tokens, base, method, device, threads)
    alike.sort(key=lambda run: abs(math.log(run.trained_tokens / max(1, n_tokens))))
    nearest = alike[:NEAREST]
    rates = [run.trained_tokens / run.training_s for run in nearest]
    beside = [max(0.0, run.device_s - run.training_s) for run in nearest]
    margin = _MARGIN_OF_ONE if len(nearest) == 1 else _MARGIN
    low = n_tokens / max(rates) + min(beside)
    high = n_tokens / min(rates) + max(beside)
    return Seconds(low / margin, high * margin, "earlier_jobs", len(nearest))


def _rough_seconds(n_tokens: int, base: Base, method: str, device: Device, threads: int) -> Seconds:
    slow, fast = _ROUGH_FLOPS[device.kind]
    units = threads if device.kind == "cpu" else 1
    work = _FLOPS_PER_PARAMETER_AND_TOKEN * base.n_parameters * n_tokens
    work *= _DPO_FACTOR if method == "dpo" else 1
    reading = base.n_parameters * _BYTES_PER_PARAMETER / _READ_BYTES_PER_S
    least, most = _ROUGH_START_S
    return Seconds(work / (fast * units) + least, work / (slow * units) + most + reading, "parameters", 0)


def memory_of(base: Base, device: Device) -> Memory:
    """What training the base takes whatever the data: from one short row to the most tokens of a step."""
    return _memory(base, device, longest=_SHORT_ROW_TOKENS, at_once=_TOKENS_AT_ONCE)


def _memory_for(base: Base, tokens: Tokens, batch_size: int, device: Device) -> Memory:
    longest = min(tokens.longest, tokens.context_length)
    at_once = max(longest, min(_TOKENS_AT_ONCE, batch_size * max(tokens.p95, 1)))
    return _memory(base, device, longest=longest, at_once=at_once)


def _memory(base: Base, device: Device, *, longest: int, at_once: int) -> Memory:
    layers = _n_layers(base)
    low, high = (
        base.n_parameters * _BYTES_PER_PARAMETER
        + part * base.n_parameters * _BYTES_PER_ADAPTER_VALUE
        + process
        + n_tokens * layers * base.hidden_size * kept
        for part, process, n_tokens, kept in zip(
            _ADAPTER_PART,
            _ROUGH_PROCESS_BYTES[device.kind],
            (longest, at_once),
            _KEPT_PER_UNIT,
            strict=True,
        )
    )
    return Memory(device, int(low), int(high))


def _n_layers(base: Base) -> int:
    config = json.loads((base.path / "config.json").read_text(encoding="utf-8"))
    text = config.get("text_config") or config
    named = (text.get(name) for name in ("num_hidden_layers", "n_layer", "num_layers"))
    return next((n for n in named if isinstance(n, int)), 32)


def warnings_of(training: Summary, validation: Summary | None, n_shared: int | None) -> Iterator[Doubt]:
    """What is worth a second look and stops nothing."""
    for summary, param in ((training, "training_file"), (validation, "validation_file")):
        if summary is None:
            continue
        name, n_rows = param.replace("_", " "), summary.n_lines
        if summary.n_warnings:
            text = f"The {name} has {_count(summary.n_warnings, 'warning')}"
            yield Doubt("warnings", text, param, {"n": summary.n_warnings, "n_rows": n_rows})
        tokens = summary.tokens
        if tokens is not None and tokens.n_cut:
            part = 100 * tokens.n_cut / max(1, n_rows)
            text = (
                f"{_count(tokens.n_cut, 'row')} of the {name} ({part:.3g} %) will be cut at "
                f"{tokens.context_length:,} tokens"
            )
            facts = {"n": tokens.n_cut, "n_rows": n_rows, "context_length": tokens.context_length}
            yield Doubt("truncated", text, param, facts)
        if tokens is not None and tokens.n_unlearnable:
            text = (
                f"{_count(tokens.n_unlearnable, 'row')} of the {name} will be left out: no token is under "
                "the loss"
            )
            yield Doubt("no_target_tokens", text, param, {"n": tokens.n_unlearnable, "n_rows": n_rows})
    if n_shared and validation is not None:
        text = (
            f"The validation file shares {_count(n_shared, 'row')} with the training file, so its loss says "
            "less than it seems"
        )
        yield Doubt("shared_rows", text, "validation_file", {"n": n_shared, "n_rows": validation.n_lines})


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
