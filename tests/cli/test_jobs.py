"""`tunesmith jobs`, `models` and `chat` against the live server: one job from its creation to its answer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import write_rows

pytestmark = pytest.mark.usefixtures("against_server")


def test_a_job_is_created_from_a_path_watched_and_its_model_asked_and_deleted(
    tunesmith, training_file: Path, tmp_path: Path
) -> None:
    valid = write_rows(tmp_path / "valid.jsonl", 12)
    ran = tunesmith(
        *("jobs", "create", "--model", "gpt-4o-mini", "--training-file", str(training_file)),
        *("--validation-file", str(valid), "--suffix", "cli", "--seed", "3", "--n-epochs", "2"),
        *("--batch-size", "5", "--learning-rate-multiplier", "0.5", "--watch", "--interval", "0.2"),
    )

    assert ran.exit_code == 0, ran.stderr
    lines = ran.stdout.splitlines()
    job_id, model = lines[0], lines[-1]
    assert f"Uploaded {training_file}" in ran.stderr
    assert any("Step 4/4" in line for line in lines)
    assert model.startswith("ft:gpt-4o-mini-2024-07-18:personal:cli:")

    shown = {cells[0]: cells[1] for cells in tunesmith("jobs", "show", job_id).rows}
    assert (shown["status"], shown["n epochs"], shown["batch size"]) == ("succeeded", "2", "5")
    assert [job_id, "succeeded", "gpt-4o-mini-2024-07-18", model] in [
        cells[:4] for cells in tunesmith("jobs", "list").rows
    ]
    events = tunesmith("jobs", "events", job_id).stdout.splitlines()
    assert events == lines[1:-1]  # what was watched, the oldest first
    newest_two = json.loads(tunesmith("jobs", "events", job_id, "--limit", "2", "--json").stdout)
    assert newest_two[-1]["message"] == "The job has successfully completed"
    assert [cells[0] for cells in tunesmith("jobs", "checkpoints", job_id).rows] == ["4", "2"]

    table = tunesmith("files", "content", "--decode", shown["result files"]).stdout.splitlines()
    assert table[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    assert [line.split(",")[0] for line in table[1:]] == ["1", "2", "3", "4"]

    assert model in [cells[0] for cells in tunesmith("models", "list", "--tuned").rows]
    assert ["id", model] in tunesmith("models", "show", model).rows
    assert tunesmith("chat", "-m", model, "-t", "0", "What is 3 plus 1?").stdout.strip()
    assert tunesmith("models", "delete", model).exit_code == 0
    assert tunesmith("chat", "-m", model, "Hello").exit_code == 1


def test_a_faulty_file_ends_the_watching_with_the_reason(tunesmith, tmp_path: Path) -> None:
    few = write_rows(tmp_path / "few.jsonl", 3)

    ran = tunesmith("jobs", "create", "-m", "gpt-4o-mini", "-f", str(few), "--watch", "--interval", "0.1")

    assert ran.exit_code == 1
    assert "training_file" in ran.stderr and "10" in ran.stderr


def test_a_job_can_be_cancelled_and_watching_it_says_so(tunesmith, training_file: Path) -> None:
    [[job_id]] = tunesmith("jobs", "create", "-m", "gpt-4o-mini", "-f", str(training_file)).rows

    assert tunesmith("jobs", "cancel", job_id).exit_code == 0

    assert tunesmith("jobs", "watch", job_id, "--interval", "0.1").exit_code == 3
    assert json.loads(tunesmith("jobs", "show", job_id, "--json").stdout)["status"] == "cancelled"


def test_a_job_can_be_paused_and_resumed(tunesmith, training_file: Path) -> None:
    [[job_id]] = tunesmith(
        *("jobs", "create", "-m", "gpt-4o-mini", "-f", str(training_file)),
        *("--n-epochs", "50", "--batch-size", "1"),
    ).rows
    while (ran := tunesmith("jobs", "pause", job_id)).exit_code != 0:
        assert "is still validating its files; pause it once it is queued or running" in ran.stderr
        time.sleep(0.05)

    assert ran.stdout.splitlines() == [job_id]
    assert json.loads(tunesmith("jobs", "show", job_id, "--json").stdout)["status"] == "paused"
    again = tunesmith("jobs", "pause", job_id)
    assert again.exit_code == 1 and "is already paused" in again.stderr
    assert json.loads(tunesmith("jobs", "resume", job_id, "--json").stdout)["status"] == "queued"
    assert tunesmith("jobs", "cancel", job_id).exit_code == 0
