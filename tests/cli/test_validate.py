"""`tunesmith validate`: every fault at once, without a server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import write_rows


def chat(*messages: tuple[str, object]) -> str:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in messages]})


def test_ten_different_faults_are_all_told_with_their_lines(tunesmith, tmp_path: Path) -> None:
    good = chat(("user", "Hi"), ("assistant", "Hello."))
    faulty = {
        2: '{"messages": [}',
        3: '["a list"]',
        5: '{"messages": []}',
        6: '{"rows": 1}',
        8: chat(("user", "Hi"), ("assistant", "")),
        9: chat(("user", "Hi"), ("robot", "Hello.")),
        11: chat(("user", "Hi")),
        12: chat(("user", 7), ("assistant", "Hello.")),
        13: '{"messages": [{"content": "Hi"}, {"role": "assistant", "content": "Hello."}]}',
        15: '{"messages": [{"role": "user", "content": "Hi"}, '
        '{"role": "assistant", "content": "Hello.", "weight": 2}]}',
    }
    path = tmp_path / "faulty.jsonl"
    path.write_text("\n".join(faulty.get(line, good) for line in range(1, 21)), encoding="utf-8")

    ran = tunesmith("validate", str(path))

    assert ran.exit_code == 1
    told = [line for line in ran.stdout.splitlines() if line.startswith("Line ")]
    assert [int(line.split(":")[0].removeprefix("Line ")) for line in told] == list(faulty)
    assert all("; " in line for line in told)  # each with its remedy
    assert "20 chat examples, 10 faults" in ran.stdout
    as_json = json.loads(tunesmith("validate", str(path), "--json").stdout)
    assert [fault["line"] for fault in as_json["faults"]] == list(faulty)


def test_more_faults_than_are_shown_are_counted(tunesmith, tmp_path: Path) -> None:
    path = tmp_path / "faulty.jsonl"
    path.write_text("[]\n" * 30)

    out = tunesmith("validate", str(path)).stdout

    assert out.count("Line ") == 20
    assert "and 10 more faults" in out and "30 faults" in out


def test_a_file_without_faults_is_counted_and_its_settings_explained(tunesmith, training_file: Path) -> None:
    ran = tunesmith("validate", str(training_file))

    assert ran.exit_code == 0
    assert "10 chat examples, no faults" in ran.stdout
    report = json.loads(tunesmith("validate", str(training_file), "--json").stdout)
    assert report["ok"] and report["tokens"]["n_examples"] == 10
    epochs = report["hyperparameters"]["n_epochs"]["value"]
    assert f"n_epochs {epochs}: " in ran.stdout
    assert report["trained_tokens"] == report["tokens"]["total"] * epochs


def test_too_few_examples_fail_a_training_file_but_no_validation_file(tunesmith, tmp_path: Path) -> None:
    few = write_rows(tmp_path / "few.jsonl", 3)

    ran = tunesmith("validate", str(few))

    assert ran.exit_code == 1
    assert "at least 10" in ran.stdout
    assert tunesmith("validate", str(few), "--validation").exit_code == 0


def test_rows_longer_than_the_context_are_named(tunesmith, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "long.jsonl", 10)
    with path.open("a", encoding="utf-8") as file:
        file.write(chat(("user", "Hi"), ("assistant", "one two three " * 2000)))

    assert "Warning: line 11 would be cut" in tunesmith("validate", str(path)).stdout


def test_a_base_that_is_not_there_is_named(tunesmith, training_file: Path) -> None:
    ran = tunesmith("validate", str(training_file), "--base-model", "/no/such/base")

    assert ran.exit_code == 1
    assert "/no/such/base" in ran.stderr
