"""`tunesmith train` is the trainer: its options, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tunesmith.cli", "train", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_the_trainers_own_help_is_shown() -> None:
    ran = train("--help")

    assert ran.returncode == 0
    assert "--out" in ran.stdout


def test_its_exit_code_and_its_sentence_come_through(tmp_path: Path) -> None:
    ran = train(str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "adapter"))

    assert ran.returncode != 0
    assert "none.jsonl" in ran.stderr
    assert "Traceback" not in ran.stderr
