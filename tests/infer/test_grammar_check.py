"""The process that tries grammars out may die of anything; a good grammar is not blamed for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tunesmith.errors import EngineUnavailable
from tunesmith.infer import grammar_check
from tunesmith.infer.grammar_check import TOO_COSTLY, GrammarChecker
from tunesmith.settings import NANO

GRAMMAR = "start: /a+/"


@pytest.fixture
def checker() -> Iterator[GrammarChecker]:
    one = GrammarChecker(NANO, 4096, [2])
    yield one
    one.close()


def test_a_process_that_was_killed_costs_no_good_grammar_its_answer(checker: GrammarChecker):
    assert checker.check(GRAMMAR) is None
    assert checker._process is not None
    checker._process.kill()  # while it has nothing to do
    checker._process.wait()
    assert checker.check(GRAMMAR) is None
    os.kill(checker._process.pid, signal.SIGSTOP)  # so that it does not answer before it is killed
    found: list[str | None] = []
    asking = threading.Thread(target=lambda: found.append(checker.check(GRAMMAR)))
    asking.start()
    while not checker._lock.locked():
        time.sleep(0.001)
    checker._process.kill()
    asking.join(60)
    assert found == [None]


def acts(monkeypatch: pytest.MonkeyPatch, source: str) -> list[int]:
    """Lets the process do something else; gives the list of those that were started."""
    started: list[int] = []
    real = subprocess.Popen

    def start(_: list[str], **options: int) -> subprocess.Popen[bytes]:
        process = real([sys.executable, "-c", source], **options)  # type: ignore[call-overload]
        started.append(process.pid)
        return process

    monkeypatch.setattr(grammar_check.subprocess, "Popen", start)
    return started


READY = "import os; input(); print('{}', flush=True); input(); "


@pytest.mark.parametrize(
    ("ends_by", "starts"), [("os.kill(os.getpid(), 9)", 2), ("os.abort()", 1), ("raise MemoryError", 1)]
)
def test_a_process_that_dies_in_the_check_is_started_once_more_if_somebody_killed_it(
    checker: GrammarChecker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    ends_by: str,
    starts: int,
):
    started = acts(monkeypatch, READY + ends_by)
    assert checker.check(GRAMMAR) == TOO_COSTLY
    assert len(started) == starts


def test_a_process_that_does_not_start_is_no_fault_of_the_grammar(
    checker: GrammarChecker, monkeypatch: pytest.MonkeyPatch
):
    acts(monkeypatch, "")
    with pytest.raises(EngineUnavailable) as caught:
        checker.check(GRAMMAR)
    assert caught.value.headers["Retry-After"]


def test_no_process_is_started_after_the_end(checker: GrammarChecker, monkeypatch: pytest.MonkeyPatch):
    started = acts(monkeypatch, READY)
    checker.close()
    with pytest.raises(EngineUnavailable):
        checker.check(GRAMMAR)
    assert not started
