"""Clients that others wrote, unmodified, each in an environment of its own: one small story for each."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.install import CLIENTS, python_of
from tests.conftest import RunningServer

STORIES = Path(__file__).parent / "stories"


@pytest.mark.slow
@pytest.mark.clients
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_tells_its_story(server: RunningServer, tuned_model: str, tmp_path: Path, name: str) -> None:
    python = python_of(name)
    assert python is not None
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PYTHON"))
    }
    environment |= {
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_BASE": server.base_url,  # LangChain's name for it
        "OPENAI_API_KEY": server.api_key,
        "TUNED_MODEL": tuned_model,
        "HOME": str(tmp_path),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the story needs no internet
    }
    told = subprocess.run(
        [str(python), "-W", "ignore", str(STORIES / f"{name}_story.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-6000:]


@pytest.mark.parametrize("name", CLIENTS)
def test_the_page_of_clients_names_the_tested_version(name: str) -> None:
    page = (STORIES.parents[2] / "docs" / "reference" / "clients.md").read_text()
    rows = [row for row in page.splitlines() if row.startswith("|")]
    pinned = (STORIES.parent / "requirements" / f"{name}.txt").read_text().splitlines()
    package = {
        "agents": "openai-agents",
        "langchain": "langchain-openai",
        "llama_index": "llama-index-llms-openai",
    }.get(name, name)
    (version,) = (line.partition("==")[2] for line in pinned if line.partition("==")[0] == package)
    assert any(f"| {version} |" in row for row in rows), (package, version)
