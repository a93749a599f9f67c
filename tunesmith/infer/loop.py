"""The engine's thread: takes requests in, steps while there is work, hands each step's tokens out at once."""

from __future__ import annotations

import logging
import threading
import time
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
        self._inbox: deque[tuple[Callable[[Sequence], None], list[Sequence]]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._busy_since: float | None = None

    @property
    def busy_s(self) -> float:
        """How long the loop has been at what it is doing now: a step, or taking requests in; 0 while it waits
        for work. What grows without end hangs."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def n_waiting(self) -> int:
        """Requests that are not admitted yet."""
        return len(self._inbox) + len(self.engine.scheduler.waiting)

    def submit(self, *sequences: Sequence) -> None:
        """Queue sequences."""
        self._inbox.append((self.engine.scheduler.add, list(sequences)))
        self._wake.set()

    def abort(self, *sequences: Sequence) -> None:
        """End sequences before the next step; one that has ended is no error."""
        self._inbox.append((self.engine.abort, list(sequences)))
        self._wake.set()

    def stop(self) -> None:
        """End the thread after the current step."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        try:
            self._run()
        except BaseException:  # a panic in Rust, say, is no Exception
            log.critical("the engine's loop broke", exc_info=True)
        finally:
            if not self._stopping:
                self._gave_up()

    def _run(self) -> None:
        failed_steps = 0
        while not self._stopping and failed_steps < MOST_FAILED_STEPS:
            self._busy_since = time.monotonic()
            while self._inbox:
                what, sequences = self._inbox.popleft()
                for sequence in sequences:
                    what(sequence)
            if not self.engine.scheduler.has_work:
                self._busy_since = None
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
