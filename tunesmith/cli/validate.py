"""`tunesmith validate FILE`: what a job would say about a training file, without a server.

For a file without faults also what training on it would mean: its tokens, and the automatic hyperparameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli import output
from tunesmith.cli.serve import settings_from
from tunesmith.errors import InvalidRequest
from tunesmith.settings import NANO

if TYPE_CHECKING:
    from tunesmith.data.report import Report, Role

_CHUNK_BYTES = 1024 * 1024
_KINDS = {"chat": "chat", "completion": "prompt/completion", "preference": "preference"}


def validate(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The JSONL file to judge.")],
    validation: Annotated[
        bool, typer.Option("--validation", help="Judge it as a validation file: one example is enough.")
    ] = False,
    base_model: Annotated[
        str | None,
        typer.Option(help="Count tokens for this base: a folder or hub id.", show_default="the server's"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a training file: every fault with its line and remedy; exit code 1 when there is one.

    A file without faults is counted in tokens; the automatic hyperparameters are shown with their reasons.
    """
    from tunesmith.data.jsonl import validate as judge

    if not path.is_file():
        raise InvalidRequest(f"{path} is no file; name one that exists.")
    role: Role = "validation_file" if validation else "training_file"
    report = judge(_chunks(path), role=role)
    forecast = _forecast(path, report, base_model) if report.ok else None
    if as_json:
        output.print_json(_as_dict(path, report, forecast))
    else:
        _print_report(path, report)
        if forecast:
            _print_forecast(forecast)
    if not report.ok:
        raise typer.Exit(1)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _forecast(path: Path, report: Report, base_model: str | None) -> dict[str, Any]:
    """What training on a faultless file would mean on this base, or on the one that the server would take."""
    from tunesmith.data.base import read_base
    from tunesmith.data.chat_template import Renderer
    from tunesmith.data.hyperparameters import Method, resolve
    from tunesmith.data.jsonl import read_examples
    from tunesmith.data.tokens import count

    base = read_base(base_model or next(iter(settings_from({}).base_model), str(NANO)))
    counts = count(read_examples(path), Renderer.load(base.path), max_length=base.context_length)
    forecast: dict[str, Any] = {
        "base_model": base.id,
        "context_length": base.context_length,
        "tokens": asdict(counts),
        "hyperparameters": None,
    }
    if report.role == "training_file":
        method: Method = "dpo" if report.format == "preference" else "supervised"
        auto = resolve({}, n_examples=report.n_examples, base=base, method=method)
        values = {
            "n_epochs": auto.n_epochs,
            "batch_size": auto.batch_size,
            "learning_rate_multiplier": auto.learning_rate_multiplier,
            "learning_rate": auto.learning_rate,
            **({"beta": auto.beta} if auto.beta is not None else {}),
        }
        forecast["hyperparameters"] = {
            name: {"value": value, "reason": auto.reasons.get(name)} for name, value in values.items()
        }
        forecast["trained_tokens"] = counts.total * auto.n_epochs
    return forecast


def _as_dict(path: Path, report: Report, forecast: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "file": str(path),
        "ok": report.ok,
        "code": report.code,
        "n_examples": report.n_examples,
        "format": report.format,
        "n_faults": report.n_faults,
        "faults": [asdict(fault) for fault in report.faults],
        "n_warnings": report.n_warnings,
        "warnings": [asdict(warning) for warning in report.warnings],
        **(forecast or {}),
    }


def _print_report(path: Path, report: Report) -> None:
    for fault in report.faults:
        print(fault)
    if report.n_faults > len(report.faults):
        print(f"… and {report.n_faults - len(report.faults):,} more faults")
    for warning in report.warnings:
        print(f"Warning: {warning}")
    if report.n_warnings > len(report.warnings):
        print(f"… and {report.n_warnings - len(report.warnings):,} more warnings")
    kind = f"{_KINDS[report.format]} " if report.format else ""
    head = f"{path}: {_count(report.n_examples, kind + 'example')}"
    if report.n_faults:
        print(f"{head}, {_count(report.n_faults, 'fault')}. A job on this file would fail.")
    elif not report.ok:
        print(f"{head}. {report.message()}.")
    else:
        print(f"{head}, no faults.")


def _print_forecast(forecast: dict[str, Any]) -> None:
    tokens = forecast["tokens"]
    print(
        f"On {forecast['base_model']} {tokens['total']:,} tokens, {tokens['supervised']:,} of them to learn; "
        f"the longest example has {tokens['longest']:,} of {forecast['context_length']:,}."
    )
    for key, what in (
        ("truncated_lines", "would be cut at the end of the context"),
        ("unlearnable_lines", "would have nothing left to learn"),
    ):
        if tokens[key]:
            lines = ", ".join(map(str, tokens[key]))
            print(f"Warning: line{'s' if len(tokens[key]) > 1 else ''} {lines} {what}")
    if forecast["hyperparameters"]:
        print(f"An automatic job would train on {forecast['trained_tokens']:,} tokens, with")
        for name, entry in forecast["hyperparameters"].items():
            value = f"{entry['value']:.2g}" if isinstance(entry["value"], float) else str(entry["value"])
            reason = (entry["reason"] or "").removeprefix(f"{value}: ")
            print(f"  {name} {value}" + (f": {reason}" if reason else ""))


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")
