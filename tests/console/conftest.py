"""What the console's tests need besides the server: its built files, Node's packages, and a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunningServer, start_server
from tests.needs import leave_out
from tunesmith.api.console import BUILT

CONSOLE = Path(__file__).parents[2] / "console"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
STORY_TIMEOUT_S = 600


def _missing(*, browser: bool) -> str | None:
    """What this machine lacks, in a sentence; None for nothing."""
    if shutil.which("node") is None:
        return "there is no Node.js"
    if not (CONSOLE / "node_modules").is_dir():
        return "the console's packages are not installed; `make console` does it"
    if browser and not (BUILT / "index.html").is_file():
        return "the console is not built; `make console` does it"
    if browser and not Path(CHROMIUM).exists():
        return f"there is no Chromium at {CHROMIUM}"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what this machine cannot run."""
    leave_out(config, items, "console_packages", _missing(browser=False))
    leave_out(config, items, "browser", _missing(browser=True))


def npx(*arguments: str, **environment: str) -> None:
    """Runs a program of the console's packages; its output is the failure's."""
    done = subprocess.run(
        ["npx", "--no-install", *arguments],
        cwd=CONSOLE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=STORY_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def tell(server: RunningServer, out: Path, *stories: str) -> None:
    """Lets Playwright tell stories of `console/test/stories` against a server."""
    npx(
        "playwright",
        "test",
        *stories,
        TUNESMITH_URL=server.root_url,
        TUNESMITH_KEY=server.api_key,
        STORIES_OUT=str(out),
        CHROMIUM=CHROMIUM,
    )


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server on which nobody has done anything yet."""
    running = start_server(tmp_path / "data")
    try:
        yield running
    finally:
        running.stop()
