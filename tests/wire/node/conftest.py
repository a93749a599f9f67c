"""The stories of this folder need Node and its packages, which `make test` installs where Node is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.needs import leave_out


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = None
    if shutil.which("node") is None:
        missing = "there is no program 'node'; install Node.js 20 or newer"
    elif not (here / "node_modules" / "openai").is_dir():
        missing = "the npm packages are missing; run `npm ci` in tests/wire/node, or `make test`"
    leave_out(config, items, "node", missing)
