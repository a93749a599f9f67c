"""The engine's thread: takes requests in, steps while there is work, hands each step's tokens out at once."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from tunesmith.infer.engine import Engine, Output
from tunesmith.infer.sequence import Sequence

log = logging.getLogger(__name__)

MOST_FAILED_STEPS = 10
"""Steps that may fail one after another before the engine gives itself up; a fresh process does better."""


class EngineThread(threading.Thread):
    """Owns an engine. `submit` and `abort` may be called from any thread."""

    def __init__(
        self, engine: Engine, deliver: Callable[[list[Output]], None], gave_up: Callable[[], None]
    ) -> None:
        """`deliver` gets the outputs of each step, in this thread; `gave_up` is called when the thread ends
        by itself."""
        super().__init__(name="engine", daemon=True)
        self.engine = engine
        self._deliver = deliver
        self._gave_up = gave_up
        self._inbox: deque[tuple[Callable[[Sequence], None], Sequence]] = deque()
        self._wake = threading.Event()
        self._stopping = False

    @property
    def n_waiting(self) -> int:
        """Requests that are not admitted yet."""
        return len(self._inbox) + len(self.engine.scheduler.waiting)

    def submit(self, sequence: Sequence) -> None:
        """Queue a sequence."""
        self._inbox.append((self.engine.scheduler.add, sequence))
        self._wake.set()

    def abort(self, sequence: Sequence) -> None:
        """End a sequence before the next step; one that has ended is no error."""
        self._inbox.append((self.engine.abort, sequence))
        self._wake.set()

    def stop(self) -> None:
        """End the thread after the current step."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        try:
            self._run()
        except Exception:
            log.critical("the engine's loop broke", exc_info=True)
        if not self._stopping:
            self._gave_up()

    def _run(self) -> None:
        failed_steps = 0
        while not self._stopping and failed_steps < MOST_FAILED_STEPS:
            while self._inbox:
                what, sequence = self._inbox.popleft()
                what(sequence)
            if not self.engine.scheduler.has_work:
                self._wake.wait()
                self._wake.clear()
                continue
            outputs = self.engine.step()
            if outputs:
                failed = all(output.finish_reason == "error" for output in outputs)
                failed_steps = failed_steps + 1 if failed else 0
                self._deliver(outputs)
        if not self._stopping:
            log.critical("%d steps failed one after another; the engine ends", failed_steps)
