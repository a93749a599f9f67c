"""The stories of this folder need environments of their own, which `make test-all` makes."""

from __future__ import annotations

import pytest

from tests.clients.install import CLIENTS, python_of
from tests.needs import leave_out


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = [client for client in CLIENTS if python_of(client) is None]
    missing = f"no environment for {', '.join(absent)}; run `python -m tests.clients.install`"
    leave_out(config, items, "clients", missing if absent else None)
