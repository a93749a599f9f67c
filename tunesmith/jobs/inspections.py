"""Who looks at training files, and when: small ones at once in a thread, large ones in their own process.

A task is known by its result. Asked for twice it runs once; asked for after its end it does not run at all.
What is under way when the server ends is cut, and done again when somebody asks next time.
"""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from tunesmith.jobs.inspecting import Progress, Task, as_json
from tunesmith.store.blobs import Blobs, ObjectMissing

log = logging.getLogger(__name__)

#: Files up to this size are not worth a process; with larger ones a thread would make chats wait.
IN_THREAD_BYTES = 128 * 1024
PROGRAM = (sys.executable, "-m", "tunesmith.workers.inspection")
#: Seconds for which a task that failed is not tried again.
FAILED_FOR_S = 10.0


class InspectionFailed(Exception):
    """A task ended otherwise than it should: our fault, and the log says more."""


@dataclass
class _Running:
    task: Task
    progress: Progress = field(default_factory=lambda: Progress("waiting"))
    failed_at_s: float | None = None


class Inspections:
    """Runs tasks, one small and one large at a time."""

    def __init__(self, blobs: Blobs, objects_url: str) -> None:
        self._blobs = blobs
        self._objects_url = objects_url
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._queues: dict[bool, queue.SimpleQueue[_Running]] = {}

    def ask(self, task: Task) -> Progress | None:
        """How far a task is, which begins if it has not; None when its result is there.

        Raises InspectionFailed for one that has just failed.
        """
        with self._lock:
            running = self._running.get(task.result)
            if running is not None and running.failed_at_s is None:
                return running.progress
        if self._blobs.exists(task.result):
            return None
        with self._lock:
            running = self._running.get(task.result)
            if running is not None:
                if running.failed_at_s is None:
                    return running.progress
                if time.monotonic() - running.failed_at_s < FAILED_FOR_S:
                    raise InspectionFailed(task.result)
            self._running[task.result] = running = _Running(task)
            self._queue(large=task.size_bytes > IN_THREAD_BYTES).put(running)
            return running.progress

    def progress(self, result: str) -> Progress | None:
        """How far the task with this result is, if it is under way now; asks for nothing."""
        with self._lock:
            running = self._running.get(result)
        return None if running is None or running.failed_at_s is not None else running.progress

    def _queue(self, *, large: bool) -> queue.SimpleQueue[_Running]:
        if large not in self._queues:
            self._queues[large] = queue.SimpleQueue()
            name = f"tunesmith-inspections-{'large' if large else 'small'}"
            threading.Thread(target=self._work, args=(large,), name=name, daemon=True).start()
        return self._queues[large]

    def _work(self, large: bool) -> None:
        while True:
            running = self._queues[large].get()
            try:
                (self._in_process if large else self._here)(running)
            except ObjectMissing:  # deleted meanwhile: whoever asks next is told so by the file's row
                self._forget(running)
            except Exception:  # the thread outlives whatever a file does to it
                log.exception("%s failed", running.task.result)
                running.failed_at_s = time.monotonic()
            else:
                self._forget(running)

    def _forget(self, running: _Running) -> None:
        with self._lock:
            self._running.pop(running.task.result, None)

    def _here(self, running: _Running) -> None:
        def tell(progress: Progress) -> None:
            running.progress = progress

        running.task.run(self._blobs, tell)

    def _in_process(self, running: _Running) -> None:
        """The process tells its progress on its standard output, and leaves when nobody reads that."""
        process = subprocess.Popen(
            [*PROGRAM, self._objects_url, as_json(running.task)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: deque[str] = deque(maxlen=20)
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    running.progress = Progress(**json.loads(line))
                else:
                    said.append(line)
        if process.returncode:
            raise InspectionFailed(f"the process ended with {process.returncode}: {''.join(said)}")
