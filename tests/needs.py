"""Tests that need a program which not every machine has: left out with one printed line where it is missing.

With `TUNESMITH_TEST_EVERYTHING`, which `.ci/run` and `make test-all` set, these tests fail instead.
"""

from __future__ import annotations

import os

import pytest

EVERYTHING = "TUNESMITH_TEST_EVERYTHING"
MISSING = pytest.StashKey[str]()
"""Why a test cannot run here; `pytest_runtest_setup` of `tests/conftest.py` fails it with this."""


def leave_out(config: pytest.Config, items: list[pytest.Item], marker: str, missing: str | None) -> None:
    """Takes the tests with `marker` out of the run if something is `missing`, which the line says."""
    without = [item for item in items if item.get_closest_marker(marker)]
    if missing is None or not without:
        return
    sentence = f"{len(without)} tests marked '{marker}' are left out: {missing}"
    if os.environ.get(EVERYTHING):
        for item in without:
            item.stash[MISSING] = missing
        return
    items[:] = [item for item in items if item not in without]
    config.hook.pytest_deselected(items=without)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(sentence)
