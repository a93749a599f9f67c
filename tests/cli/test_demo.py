"""`tunesmith demo`: how it counts, and (slow) that a newcomer sees a real model change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.cli.demo import Score, score
from tunesmith.evals.samples import Sample

ROOT = Path(__file__).parents[2]


def test_voice_fact_and_both_are_shares_of_the_questions(tmp_path: Path) -> None:
    facts = ["Rome", "Oslo", "Bern", "Lima"]
    rows = [{"messages": [{"role": "user", "content": "?"}], "fact": fact} for fact in facts]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "rule.json").write_text(json.dumps({"phrases": ["obviously"]}))
    answers = ["Rome, obviously.", "Oslo.", "Obviously.", "Quito."]

    assert score(Sample("marv", tmp_path), answers) == Score(voice=0.5, fact=0.5, both=0.25)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_reaches_its_marks_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tunesmith.cli", "demo"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "both at once" in ran.stdout and "tokens/s" in ran.stdout
    assert list(tmp_path.iterdir()) == []
