"""`tunesmith train` and `python -m tunesmith.train`: fine-tuning without a server.

Validates, resolves what is not given, trains, prints each event as a line, and puts the final adapter
into `--out`, whole. Snapshots and checkpoints lie beside it in `<out>.run/`, from which `--resume` goes
on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from tunesmith.data.base import read_base
from tunesmith.data.hyperparameters import Method, resolve
from tunesmith.data.jsonl import CHUNK_BYTES, validate
from tunesmith.data.report import Report, Role
from tunesmith.errors import InvalidRequest, TunesmithError
from tunesmith.model.whole_folder import whole_folder
from tunesmith.settings import NANO
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import (
    CheckpointSaved,
    Finished,
    SnapshotSaved,
    Started,
    StepMetrics,
    TrainEvent,
    Warned,
)

_ADAPTER_CONFIG = "adapter_config.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0 for a trained adapter, 1 for a sentence on stderr, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except TunesmithError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or options.out}: {error.strerror}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tunesmith.train", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("training_file", type=Path, metavar="data.jsonl")
    add("--out", type=Path, required=True, help="folder for the adapter (PEFT's format)")
    add("--base", default=str(NANO), help="base model: a folder or a hub id (default: the nano model)")
    add("--validation-file", type=Path, help="JSONL file to measure the loss on")
    add("--method", choices=get_args(Method), help="default: dpo for preference pairs, else supervised")
    add("--beta", type=_auto(float), default="auto", help="dpo: pull to the reference (default: auto)")
    add("--n-epochs", type=_auto(int), default="auto", help="passes over the file (default: auto)")
    add("--batch-size", type=_auto(int), default="auto", help="examples per step (default: auto)")
    add(
        "--learning-rate-multiplier",
        type=_auto(float),
        default="auto",
        help="factor on the base's own rate (default: auto, which is 1)",
    )
    add("--learning-rate", type=float, help="absolute peak rate, instead of a multiplier")
    add("--seed", type=int, default=0, help="seed of the order and of the starting values")
    add("--r", type=int, help="rank of LoRA (default: by the size of the file)")
    add("--lora-alpha", type=float, help=f"strength of LoRA (default: {TrainConfig.lora_alpha})")
    add("--target-modules", nargs="+", help="layers that get LoRA (default: all linear)")
    add("--max-length", type=int, help="tokens after which an example is cut (default: the context)")
    add("--init-adapter", type=Path, help="adapter folder to tune further")
    add("--dtype", help=f"precision of the base: bfloat16 or float32 (default: {TrainConfig.dtype})")
    add("--device", help=f"torch device (default: {TrainConfig.device})")
    add("--threads", type=int, help="CPU threads at most (default: torch's choice)")
    add(
        "--gradient-checkpointing",
        action=argparse.BooleanOptionalAction,
        help="compute layers again in the backward pass, to save memory (default: where memory is short)",
    )
    add("--resume", action="store_true", help="go on from the newest snapshot in <out>.run")
    add("--keep-run", action="store_true", help="leave <out>.run with all checkpoints")
    add("--json", action="store_true", help="print each event as a JSON object")
    return parser


def _auto(kind: Callable[[str], float]) -> Callable[[str], float | str]:
    def parse(text: str) -> float | str:
        return text if text == "auto" else kind(text)

    parse.__name__ = f"{kind.__name__} or auto"
    return parse


def _run(options: argparse.Namespace) -> int:
    out: Path = options.out
    is_empty = out.is_dir() and not any(out.iterdir())
    if out.exists() and not is_empty and not (out / _ADAPTER_CONFIG).is_file():
        raise InvalidRequest(f"--out {out} exists and is no adapter; name another folder, or empty it")
    report = _validate(options.training_file, "training_file")
    reports = [report]
    if options.validation_file is not None:
        reports.append(_validate(options.validation_file, "validation_file", like=report))
    for judged in reports:
        for warning in judged.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    if not all(judged.ok for judged in reports):
        print("\n".join(judged.message() for judged in reports if not judged.ok), file=sys.stderr)
        return 1

    config = _config(options, report)
    # read when torch is loaded: threads that wait sleep. Spinning ones made a step 3 to 20 times as
    # long on two cores that had other work too
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from tunesmith.train.trainer import train  # after validation, since torch takes seconds to load

    with _Stop() as stop:
        for event in train(config, snapshot_request=stop.snapshot_request):
            _print(event, as_json=options.json)
            if isinstance(event, SnapshotSaved) and stop.asked:
                print(f"interrupted; --resume goes on after step {event.step}", file=sys.stderr)
                return 130
            if isinstance(event, Finished):
                with whole_folder(out) as partial:
                    shutil.copytree(event.folder, partial, dirs_exist_ok=True)
    if not options.keep_run:
        shutil.rmtree(config.out, ignore_errors=True)
    return 0


class _Stop:
    """Within it SIGINT and SIGTERM ask for a snapshot, after which the command ends; a second ends it."""

    def __init__(self) -> None:
        self.asked = False
        self.snapshot_request = threading.Event()

    def __enter__(self) -> _Stop:
        self._before: dict[int, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True
        self.snapshot_request.set()
        signal.signal(number, self._before[number])


def _validate(path: Path, role: Role, like: Report | None = None) -> Report:
    if not path.is_file():
        raise InvalidRequest(f"There is no file {path}", param=role)
    with path.open("rb") as file:
        chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
        return validate(chunks, role=role, expected_format=like.format if like else None)


def _config(options: argparse.Namespace, report: Report) -> TrainConfig:
    base = read_base(options.base)
    names = ("n_epochs", "batch_size", "learning_rate_multiplier", "beta")
    asked = {name: getattr(options, name) for name in names}
    method: Method = options.method or ("dpo" if report.format == "preference" else "supervised")
    resolved = resolve(asked, n_examples=report.n_examples, base=base, method=method)
    if not options.json:
        for name, reason in resolved.reasons.items():
            if not (name.startswith("learning_rate") and options.learning_rate):
                print(f"{name}: {getattr(resolved, name):.4g} ({reason})")
    run_folder = options.out.parent / f"{options.out.name}.run"
    if not options.resume:
        shutil.rmtree(run_folder, ignore_errors=True)
    # an option that is a field of TrainConfig has its name
    known = {field.name for field in fields(TrainConfig)}
    values = {name: value for name, value in vars(options).items() if name in known and value is not None}
    values |= {
        "base": base.path,
        "out": run_folder,
        "method": method,
        "beta": resolved.beta or TrainConfig.beta,
        "n_epochs": resolved.n_epochs,
        "batch_size": resolved.batch_size,
        "learning_rate": options.learning_rate or resolved.learning_rate,
        "resume_from": _newest_snapshot(run_folder) if options.resume else None,
    }
    return TrainConfig(**values)


def _newest_snapshot(run_folder: Path) -> Path:
    steps = {int(path.name.removeprefix("step-")): path for path in run_folder.glob("snapshots/step-*")}
    if not steps:
        raise InvalidRequest(f"There is no snapshot in {run_folder}; run without --resume")
    return steps[max(steps)]


def _print(event: TrainEvent, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event.as_dict(), allow_nan=False), flush=True)
    elif sentence := _sentence(event):
        print(sentence, flush=True)


def _sentence(event: TrainEvent) -> str:
    match event:
        case Started():
            resumed = f", resumed after step {event.resumed_from_step}" if event.resumed_from_step else ""
            what = (
                f"{event.n_examples:,} examples, {event.tokens_per_epoch:,} tokens per epoch "
                f"({event.supervised_tokens_per_epoch:,} under the loss), {event.total_steps:,} steps on "
                f"{event.device}{resumed}"
            )
            return "\n".join([what, *event.notes])
        case Warned():
            return f"warning: {event.message}"
        case StepMetrics():
            losses = {
                "training": event.train_loss,
                "validation": event.valid_loss,
                "full validation": event.full_valid_loss,
            }
            known = [f"{name} loss={loss:.2f}" for name, loss in losses.items() if loss is not None]
            return (
                f"Step {event.step}/{event.total_steps}: {', '.join(known)} "
                f"({event.tokens_per_s:,.0f} tokens/s, {event.seconds_left:.0f} s left)"
            )
        case CheckpointSaved():
            return f"Epoch {event.epoch} is over: checkpoint at step {event.step}"
        case Finished():
            return (
                f"Finished after {event.seconds:.1f} s: {event.trained_tokens:,} tokens trained on, "
                f"{event.supervised_tokens:,} of them under the loss"
            )
        case _:
            return ""
