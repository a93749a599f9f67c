"""What a user does wrong, or finds wrong, is one sentence on stderr and exit code 1."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    return url


def test_no_server_says_how_to_start_one(tunesmith, nobody: str) -> None:
    ran = tunesmith("files", "list")

    assert ran.exit_code == 1
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1
    assert nobody in ran.stderr and "tunesmith serve" in ran.stderr


def test_a_missing_key_says_which_variable_to_set(
    tunesmith, against_server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    ran = tunesmith("models", "list")

    assert ran.exit_code == 1
    assert "set OPENAI_API_KEY" in ran.stderr


def test_a_wrong_key_says_where_it_came_from(
    tunesmith, against_server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")

    ran = tunesmith("models", "list")

    assert ran.exit_code == 1
    assert "OPENAI_API_KEY" in ran.stderr and "Error code" not in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("files", "show", "file-none"),
        ("files", "content", "file-none"),
        ("files", "delete", "file-none"),
        ("jobs", "show", "ftjob-none"),
        ("jobs", "watch", "ftjob-none"),
        ("jobs", "cancel", "ftjob-none"),
        ("jobs", "events", "ftjob-none"),
        ("jobs", "checkpoints", "ftjob-none"),
        ("models", "show", "none"),
        ("models", "delete", "none"),
        ("chat", "-m", "none", "Hello"),
        ("jobs", "create", "-m", "none", "-f", "file-none"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_the_servers_own_sentence(tunesmith, against_server, arguments: tuple) -> None:
    ran = tunesmith(*arguments)

    assert ran.exit_code == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("Error: ") and "none" in ran.stderr and "{" not in ran.stderr


@pytest.mark.parametrize("command", [("files", "upload"), ("jobs", "create", "-m", "x", "-f")])
def test_a_path_that_is_not_there_is_named(tunesmith, command: tuple, tmp_path: Path) -> None:
    ran = tunesmith(*command, str(tmp_path / "none.jsonl"))

    assert ran.exit_code == 1
    assert "none.jsonl" in ran.stderr


def test_a_setting_that_is_no_number_is_named(tunesmith, training_file: Path) -> None:
    ran = tunesmith("jobs", "create", "-m", "x", "-f", str(training_file), "--n-epochs", "many")

    assert ran.exit_code == 1
    assert "--n-epochs many" in ran.stderr
