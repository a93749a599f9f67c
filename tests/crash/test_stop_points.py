"""Stopped by SIGTERM after any step and resumed in a fresh process, a run ends in the same bytes.

The uninterrupted runs are made in this process, and each once: they need no fresh one to be compared with.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from tests.model.tiny_models import tiny_model
from tests.train.conftest import CITIES, write_rows
from tunesmith.cli.standalone import main
from tunesmith.model import base as model_base
from tunesmith.model import native
from tunesmith.settings import NANO

_RUN = Path(__file__).with_name("stopped_run.py")
_STEPS = 12  # ten rows, three a step, three epochs
_PROMPT = "You are a geographer who knows all places and their ways. Answer in one sentence."


class Kind(NamedTuple):
    """What the bytes of a run may depend on."""

    method: str
    dtype: str
    native: str
    """TUNESMITH_NATIVE."""
    threads: int


def _stops() -> Iterator[tuple[Kind, int]]:
    """Twenty kinds and steps, the same each time; all kinds are among them, the first three differ in all."""
    generator = random.Random("stop points")
    every = [
        Kind(method, dtype, kernel, threads)
        for method in ("supervised", "dpo")
        for dtype in ("float32", "bfloat16")
        for kernel in ("1", "0")
        for threads in (1, 2)
    ]
    first = [
        Kind("supervised", "bfloat16", "1", 2),
        Kind("dpo", "float32", "1", 1),
        Kind("dpo", "bfloat16", "0", 2),
    ]
    rest = [kind for kind in every if kind not in first]
    for kind in [*first, *generator.sample(rest, len(rest)), *generator.sample(every, 4)]:
        yield kind, generator.randrange(1, _STEPS)


class Runs:
    """Runs of the command on one base and two files."""

    def __init__(self, folder: Path, base: Path) -> None:
        self._folder, self._base = folder, base
        chats = [_chat(city, f"{city} is where it was{', as ever' * i}.") for i, city in enumerate(CITIES)]
        pairs = [
            {
                "input": {"messages": chat["messages"][:-1]},
                "preferred_output": chat["messages"][-1:],
                "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
            }
            for chat in chats
        ]
        self._files = {
            "supervised": write_rows(folder / "chats.jsonl", chats[:10]),
            "dpo": write_rows(folder / "pairs.jsonl", pairs[:10]),
        }
        self._whole: dict[Kind, bytes] = {}

    def arguments(self, kind: Kind, name: str) -> list[str]:
        file = str(self._files[kind.method])
        options = {
            "out": self._folder / name,
            "base": self._base,
            "validation-file": file,
            "n-epochs": 3,
            "batch-size": 3,
            "learning-rate": 0.01,
            "seed": 5,
            "dtype": kind.dtype,
            "threads": kind.threads,
        }
        return [file, "--json", *(f"--{option}={value}" for option, value in options.items())]

    def whole(self, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> bytes:
        """The adapter of the uninterrupted run."""
        if kind not in self._whole:
            name = f"whole-{len(self._whole)}"
            threads = torch.get_num_threads()
            with monkeypatch.context() as patch:
                patch.setenv("TUNESMITH_NATIVE", kind.native)
                patch.setattr(model_base, "ONE_THREAD_BELOW", 0)
                native._loaded.cache_clear()
                assert main(self.arguments(kind, name)) == 0
            native._loaded.cache_clear()
            torch.set_num_threads(threads)
            self._whole[kind] = self.adapter(name)
        return self._whole[kind]

    def adapter(self, name: str) -> bytes:
        folder = self._folder / name
        return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))

    def in_a_process(self, kind: Kind, name: str, *options: str, stop: int = 0) -> tuple[int, list[dict]]:
        """Exit status and events of the command in a process of its own, stopped at a step."""
        done = subprocess.run(
            [sys.executable, str(_RUN), str(stop), *self.arguments(kind, name), *options],
            env={**os.environ, "TUNESMITH_NATIVE": kind.native, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
        )
        assert done.returncode in (0, 130), done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def _chat(city: str, reply: str) -> dict:
    texts = {"system": _PROMPT, "user": f"Where is {city}?", "assistant": reply}
    return {"messages": [{"role": role, "content": text} for role, text in texts.items()]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("stops")
    return Runs(folder, tiny_model(folder / "base"))


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        pytest.param(
            kind,
            step,
            id=f"{kind.method}-{kind.dtype}-native{kind.native}-{kind.threads}threads-step{step}",
            # what two threads compute is the same on any day, and on one busy core they take half a minute
            marks=[pytest.mark.slow] if number >= 3 or kind.threads == 2 else [],
        )
        for number, (kind, step) in enumerate(_stops())
    ],
)
def test_a_run_stopped_anywhere_and_resumed_in_a_fresh_process_ends_in_the_same_bytes(
    runs: Runs, kind: Kind, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_and_resume(runs, kind, step, monkeypatch)


@pytest.mark.slow
def test_a_stopped_run_on_nano_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_and_resume(Runs(tmp_path, NANO), Kind("supervised", "bfloat16", "1", 2), 7, monkeypatch)


def _stop_and_resume(runs: Runs, kind: Kind, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = runs.whole(kind, monkeypatch)
    name = f"stopped-{kind.method}-{kind.dtype}-{kind.native}-{kind.threads}-{step}"
    status, events = runs.in_a_process(kind, name, stop=step)
    assert status == 130 and events[-1]["event"] == "SnapshotSaved" and events[-1]["step"] == step
    assert any("native kernel" in note for note in events[0]["notes"]) or kind.native == "0"
    status, events = runs.in_a_process(kind, name, "--resume")
    assert status == 0 and events[0]["resumed_from_step"] == step
    assert runs.adapter(name) == whole
