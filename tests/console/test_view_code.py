"""The code that the console shows, run as it stands: by a shell, and with OpenAI's own clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import RunningServer
from tests.console.conftest import STORY_TIMEOUT_S, tell
from tests.wire.node.test_node import HERE as NODE

pytestmark = [pytest.mark.browser, pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(STORY_TIMEOUT_S)]

PLACES = {"job", "model", "create", "create-dpo", "chat"}
"""Where the console shows the code of a call; the first run has a program of its own."""
INTERPRETERS = {"py": [sys.executable], "mjs": ["node"], "sh": ["sh", "-e"]}


@pytest.fixture(scope="module")
def programs(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every program that the console shows, each named by its place."""
    folder = tmp_path_factory.mktemp("code")
    tell(server, tmp_path_factory.mktemp("out"), "code.spec.ts", CODE_OUT=str(folder))
    (folder / "node_modules").symlink_to(NODE / "node_modules")
    return folder


@pytest.fixture
def run(server: RunningServer, programs: Path) -> Callable[..., str]:
    """Runs a program and gives what it printed. Whoever copied it has set the key, and nothing else."""

    def run(language: str, text: str) -> str:
        program = programs / f"program.{language}"
        program.write_text(text)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        done = subprocess.run(
            [*INTERPRETERS[language], program.name],
            cwd=programs,
            env=environment | {"OPENAI_API_KEY": server.api_key},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def _get(server: RunningServer, path: str) -> list[dict[str, Any]]:
    headers = {"authorization": f"Bearer {server.api_key}"}
    return httpx2.get(f"{server.base_url}{path}", headers=headers).json()["data"]


def _jobs(server: RunningServer) -> list[dict[str, Any]]:
    """The newest ones."""
    return _get(server, "/fine_tuning/jobs?limit=20")


def test_every_place_that_shows_code_has_left_its_programs(programs: Path) -> None:
    named = {path.stem for path in programs.glob("*.py")} - {"program"}
    assert named == PLACES | {"first-run"}
    for place in named:
        assert {path.suffix for path in programs.glob(f"{place}.*")} >= {".py", ".mjs", ".sh"}


@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_jobs_code_retrieves_the_job(run, programs: Path, language: str) -> None:
    text = (programs / f"job.{language}").read_text()
    printed = run(language, text)
    assert "taken" in printed
    assert "succeeded" in printed


@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_models_code_gets_an_answer(run, programs: Path, language: str) -> None:
    printed = run(language, (programs / f"model.{language}").read_text())
    assert "chat.completion" in printed
    assert "chatcmpl-" in printed


@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_chats_code_asks_what_the_page_would_have_asked(
    run, server: RunningServer, programs: Path, language: str
) -> None:
    asked = json.loads((programs / "chat.json").read_text())
    assert {"messages", "tools", "stop", "seed", "logprobs", "top_logprobs"} <= set(asked)
    assert asked["messages"][0]["content"] == asked["messages"][1]["content"]
    # with `store` the server keeps what it was asked
    opening, stored = {
        "sh": ('"model":', '"store": true, "model":'),
        "py": ("model=", "store=True, model="),
        "mjs": ("model:", "store: true, model:"),
    }[language]
    text = (programs / f"chat.{language}").read_text()
    printed = run(language, text.replace(opening, stored, 1))
    assert "chat.completion" in printed
    [kept] = _get(server, "/chat/completions?order=desc&limit=1")
    for name in ("model", "temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "tools"):
        assert kept[name] == asked[name], name
    messages = _get(server, f"/chat/completions/{kept['id']}/messages")
    assert [message["content"] for message in messages] == [turn["content"] for turn in asked["messages"]]


@pytest.mark.parametrize("language", INTERPRETERS)
@pytest.mark.parametrize("place", ["create", "create-dpo"])
def test_the_request_of_the_dialog_makes_the_job_that_the_dialog_shows(
    run, server: RunningServer, programs: Path, place: str, language: str
) -> None:
    asked = json.loads((programs / f"{place}.json").read_text())
    before = {job["id"] for job in _jobs(server)}
    run(language, (programs / f"{place}.{language}").read_text())
    made = [job for job in _jobs(server) if job["id"] not in before]
    assert len(made) == 1
    for name in ("training_file", "validation_file", "seed"):
        assert made[0][name] == asked[name], name
    assert made[0]["user_provided_suffix"] == asked["suffix"] == "from-code"
    assert made[0]["method"]["type"] == asked["method"]["type"]


@pytest.mark.parametrize("language", INTERPRETERS)
def test_the_first_run_uploads_and_creates(run, server: RunningServer, programs: Path, language: str) -> None:
    text = (programs / f"first-run.{language}").read_text()
    before = {job["id"] for job in _jobs(server)}
    printed = run(language, text)
    made = [job for job in _jobs(server) if job["id"] not in before]
    assert [job["user_provided_suffix"] for job in made] == ["marv"]
    assert made[0]["validation_file"]
    assert made[0]["id"] in printed
