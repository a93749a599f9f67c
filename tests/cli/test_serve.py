"""Flags become settings: they win over the environment, and a bad one is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from openai import OpenAI

from tunesmith.cli.local_server import LocalServer
from tunesmith.cli.serve import parse_aliases, settings_from
from tunesmith.errors import EngineUnavailable, InvalidRequest


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUNESMITH_PORT", "9001")
    monkeypatch.setenv("TUNESMITH_HOST", "0.0.0.0")

    settings = settings_from({"port": 9002})

    assert (settings.host, settings.port) == ("0.0.0.0", 9002)


def test_a_bad_value_names_the_flag_or_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidRequest, match="--port 'x'"):
        settings_from({"port": "x"})
    monkeypatch.setenv("TUNESMITH_MAX_ATTEMPTS", "few")
    with pytest.raises(InvalidRequest, match="TUNESMITH_MAX_ATTEMPTS 'few'"):
        settings_from({})


def test_aliases_are_name_and_model() -> None:
    assert parse_aliases(["gpt-4o=./llama", "a=b=c"]) == {"gpt-4o": "./llama", "a": "b=c"}


@pytest.mark.parametrize("pair", ["gpt-4o", "=x", "gpt-4o="])
def test_an_alias_without_one_side_says_how_to_write_it(tunesmith, pair: str) -> None:
    ran = tunesmith("serve", "--alias", pair)

    assert ran.exit_code == 1
    assert "NAME=MODEL" in ran.stderr


def test_a_server_of_ones_own_answers_and_a_second_one_on_its_data_says_why_not(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        with OpenAI(base_url=server.base_url, api_key=server.api_key) as client:
            assert "gpt-4o-mini" in [model.id for model in client.models.list()]
        with pytest.raises(EngineUnavailable, match="in use by another server"), LocalServer(tmp_path):
            pass
        process = server.process
        assert process is not None and process.poll() is None
    assert process.returncode == 0
