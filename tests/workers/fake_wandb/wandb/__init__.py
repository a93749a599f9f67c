"""Stands in for the package `wandb`: writes each call as a line of JSON to `$FAKE_WANDB_CALLS`.

`$FAKE_WANDB_FAILS` names a call that raises, `$FAKE_WANDB_HANGS` one that returns when the variable is gone.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


class Settings:
    """Takes what the real one takes."""

    def __init__(
        self, *, console: str, silent: bool, disable_git: bool, disable_code: bool, init_timeout: float
    ) -> None:
        self.values = {"console": console, "silent": silent, "init_timeout": init_timeout}


class Summary:
    def __setitem__(self, name: str, value: Any) -> None:
        _called("summary", name=name, value=value)


class Run:
    def __init__(self, folder: Path, url: str | None) -> None:
        self.dir = str(folder / "files")
        self.url = url
        self.summary = Summary()

    def log(self, values: dict[str, float], *, step: int) -> None:
        _called("log", values=values, step=step)

    def mark_preempting(self) -> None:
        _called("mark_preempting")

    def finish(self, *, exit_code: int) -> None:
        _called("finish", exit_code=exit_code)


def init(*, project: str, entity: str | None, id: str, dir: str, settings: Settings, **arguments: Any) -> Run:
    _called("init", project=project, entity=entity, id=id, **arguments)
    offline = os.environ.get("WANDB_MODE") == "offline"
    folder = Path(dir) / "wandb" / f"{'offline-run' if offline else 'run'}-20260101_000000-{id}"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    return Run(folder, None if offline else f"https://wandb.example/{entity or 'me'}/{project}/runs/{id}")


def _called(call: str, **arguments: Any) -> None:
    with Path(os.environ["FAKE_WANDB_CALLS"]).open("a") as calls:
        calls.write(json.dumps({"call": call, **arguments}) + "\n")
    while os.environ.get("FAKE_WANDB_HANGS") == call:
        time.sleep(0.02)
    if os.environ.get("FAKE_WANDB_FAILS") == call:
        raise ValueError(f"the key {os.environ.get('WANDB_API_KEY')} may not {call}")
