"""The `openai` package for Node against the live server: each `*.test.mjs` beside this file is one test."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import RunningServer

HERE = Path(__file__).parent


@pytest.mark.node
@pytest.mark.parametrize("story", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_the_client_for_node_tells_its_story(
    server: RunningServer, tuned_model: str, small_training_file: Path, story: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environment |= {
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": server.api_key,
        "TUNED_MODEL": tuned_model,
        "TRAINING_FILE": str(small_training_file),
    }
    told = subprocess.run(
        ["node", "--test", "--test-reporter=tap", story],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_page_of_clients_names_the_tested_version() -> None:
    version = json.loads((HERE / "package.json").read_text())["dependencies"]["openai"]
    page = (HERE.parents[2] / "docs" / "reference" / "clients.md").read_text()
    assert f"| `openai` for Node | {version} |" in page
