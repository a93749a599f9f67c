"""The command line as a user runs it: in process and into a pipe, or as a program at a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tunesmith.cli.main import app

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[list[str]]:
        """The tab-separated cells of each line."""
        return [line.split("\t") for line in self.stdout.splitlines()]


@pytest.fixture
def tunesmith() -> Callable[..., Ran]:
    """Runs a command in this process, with stdout in a pipe."""

    def run(*arguments: str, stdin: str | None = None) -> Ran:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def against_server(server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the live server by the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", server.api_key)


@pytest.fixture
def training_file(tmp_path: Path) -> Path:
    """Ten short rows."""
    return write_rows(tmp_path / "train.jsonl", 10)


def write_rows(path: Path, n: int) -> Path:
    """`n` short chat rows."""
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What is {i} plus 1?"},
                {"role": "assistant", "content": f"It is {i + 1}, of course."},
            ]
        }
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class Terminal:
    """A `tunesmith` process whose stdin and stdout are a terminal."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tunesmith.cli", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(theirs)
        self.seen = ""
        self._looked = 0

    def read_until(self, text: str, timeout_s: float = 60.0) -> None:
        """Reads on until `text` has come; the next call looks behind it."""
        deadline = time.monotonic() + timeout_s
        while (found := self.seen.find(text, self._looked)) < 0:
            rest = self.seen[self._looked :]
            assert time.monotonic() < deadline, f"no {text!r} in:\n{rest}"
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._ours, 65536).decode(errors="replace")
                except OSError as end:  # the other side is closed
                    raise AssertionError(f"no {text!r} in:\n{rest}") from end
        self._looked = found + len(text)

    def type(self, line: str) -> None:
        """Types a line and the enter key."""
        os.write(self._ours, line.encode() + b"\n")

    def wait(self) -> int:
        """The exit code; what is still printed is read on, so that the process is not held up."""
        while self.process.poll() is None:
            if select.select([self._ours], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self._ours, 65536).decode(errors="replace")
                except OSError:
                    break
        return self.process.wait(60)

    def close(self) -> None:
        """Ends the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Starts commands at a terminal."""
    started: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        started.append(Terminal(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()
