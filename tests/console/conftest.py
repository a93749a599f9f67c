"""What the console's tests need besides the server: its built files, Node's packages, and a browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunningServer, start_server
from tests.needs import leave_out
from tunesmith.api.console import BUILT

CONSOLE = Path(__file__).parents[2] / "console"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
STORY_TIMEOUT_S = 1800
"""For a whole file of stories, each of which has a limit of its own; a slow machine shall not fail them."""


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
    """Runs a program of the console's packages; its output is the failure's, and is shown by `pytest -s`."""
    done = subprocess.run(
        ["npx", "--no-install", *arguments],
        cwd=CONSOLE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=STORY_TIMEOUT_S,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def tell(server: RunningServer, out: Path, *stories: str, **environment: str) -> None:
    """Lets Playwright tell stories of `console/test/stories` against a server."""
    npx(
        "playwright",
        "test",
        *stories,
        TUNESMITH_URL=server.root_url,
        TUNESMITH_KEY=server.api_key,
        STORIES_OUT=str(out / "told"),  # which is emptied first: nothing else may be in it
        SERVER_PID=str(server.pid),
        CHROMIUM=CHROMIUM,
        PYTHON=sys.executable,  # which has the official client
        **environment,
    )


class Operator:
    """Whoever runs the server, for stories in which it goes away: does what a story asks by a file's name.

    A file `stop` or `start` in `asked` is obeyed and then removed. The server keeps its address and its data.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.asked = folder / "asked"
        self.asked.mkdir()
        self._data = folder / "data"
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self._arguments = ("--port", str(free.getsockname()[1]), *arguments)
        self.server = start_server(self._data, *self._arguments)
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._leave.wait(0.1):
            for name, act in (("stop", self.server.stop), ("start", self._start)):
                if (self.asked / name).exists():
                    act()
                    (self.asked / name).unlink()

    def _start(self) -> None:
        self.server = start_server(self._data, *self._arguments)

    def go(self) -> None:
        """Ends the work, and the server if it runs."""
        self._leave.set()
        self._thread.join()
        self.server.stop()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """A server that a story may have stopped and started."""
    one = Operator(tmp_path)
    try:
        yield one
    finally:
        one.go()


@pytest.fixture
def dear_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose operator asks money for tokens and for hours."""
    prices = '{"*": {"input": 0.3, "output": 1.2}}'
    running = start_server(
        tmp_path / "data",
        TUNESMITH_PRICES=prices,
        TUNESMITH_DEVICE_HOUR_PRICE="2.5",
        TUNESMITH_CURRENCY="usd",
    )
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server on which nobody has done anything yet."""
    running = start_server(tmp_path / "data")
    try:
        yield running
    finally:
        running.stop()
