"""The engine's thread, and how it ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tunesmith.infer.loop import EngineThread


class Panic(BaseException):
    """As pyo3's PanicException: no Exception."""


@pytest.mark.parametrize("error", [RuntimeError, Panic, SystemExit])
def test_a_loop_that_breaks_gives_the_engine_up_whatever_broke_it(error: type[BaseException]):
    def step() -> None:
        raise error("broken")

    engine: Any = SimpleNamespace(scheduler=SimpleNamespace(has_work=True, waiting=[]), step=step)
    gave_up: list[bool] = []
    thread = EngineThread(engine, lambda outputs: None, lambda: gave_up.append(True))
    thread.start()
    thread.join(5)
    assert gave_up == [True] and not thread.is_alive()
