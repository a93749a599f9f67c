"""Worker processes on this machine: starts them, watches them, ends them. What their end means is the
scheduler's.

A worker leads a session of its own, so Ctrl-C at the server does not reach it, and it outlives a server that
is killed: the next server adopts it by its identity in the job's row.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.jobs import process
from tunesmith.jobs.environment import WorkerEnvironment

#: A log beyond this is cut to its last `LOG_TAIL_BYTES`.
LOG_LIMIT_BYTES = 4 << 20
LOG_TAIL_BYTES = 256 << 10
#: What a worker runs; the job's id is its only argument.
PROGRAM = (sys.executable, "-m", "tunesmith.workers.training")
_SECRETS = re.compile(r"\b(sk-|hf_)[A-Za-z0-9_-]{8,}")


@dataclass
class Worker:
    """One worker process, started here or adopted from a server that is gone."""

    job_id: str
    attempt: int
    who: dict[str, Any] | None
    """Its identity; None when it ended before it could be looked at."""
    log: Path
    work: Path
    popen: subprocess.Popen[bytes] | None = None
    """None for an adopted worker, whose exit status nobody can ask."""
    oom_kills_before: int = field(default_factory=process.oom_kills)
    started_at: float = field(default_factory=time.monotonic)
    """Monotonic time of its start, or of its adoption."""
    kill_at: float | None = None
    """Monotonic time at which patience ends."""
    was_asked: bool = False
    """Whether it was asked to leave; a second time would hurry it."""
    has_begun: bool = False
    """Whether it has been seen at its job; before that it loads libraries, and there is nothing to save."""

    def poll(self) -> bool:
        """Whether it has ended."""
        if self.popen is not None:
            return self.popen.poll() is not None
        return self.who is None or not process.is_alive(self.who)

    def terminate(self) -> None:
        """Asks it to snapshot and go."""
        if self.who is not None:
            process.kill_group(self.who, signal.SIGTERM)

    def leave_within(self, patience_s: float, *, ask: bool = False) -> None:
        """Ends a worker that shall go once it has had `patience_s` since the first call.

        `ask`: tells it, once; without that it finds out by its next write.
        """
        if ask and not self.was_asked:
            self.was_asked = True
            self.terminate()
        now = time.monotonic()
        self.kill_at = min(self.kill_at or math.inf, now + patience_s)
        if now >= self.kill_at:
            self.kill()

    def kill(self) -> None:
        """Ends it and its children now; a process that even the kernel cannot end is left behind, fenced."""
        if self.who is not None:
            process.kill_group(self.who)
        if self.popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout=2)

    @property
    def was_out_of_memory(self) -> bool:
        """Whether the kernel probably killed it for want of memory."""
        killed = self.popen is None or self.popen.returncode == -signal.SIGKILL
        return killed and process.oom_kills() > self.oom_kills_before

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.popen.returncode if self.popen is not None else None
        if code is None:
            return "its process is gone"
        if code < 0:
            return f"its process was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"its process ended with status {code}"

    def last_lines(self, count: int = 8) -> str:
        """The end of its log without control characters and secrets, for the job's error."""
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        # a progress bar redraws its line by \r: only its last state counts
        lines = [line.rstrip("\r").rpartition("\r")[2].strip() for line in text.split("\n")]
        clean = ["".join(c for c in line if c.isprintable())[:300] for line in lines]
        return _SECRETS.sub(r"\1…", "\n".join([line for line in clean if line][-count:]))

    def bound_log(self) -> None:
        """Keeps the end of a log that has grown too large; the worker appends, so it goes on at the new
        end."""
        try:
            with open(self.log, "r+b") as file:
                size = file.seek(0, os.SEEK_END)
                if size <= LOG_LIMIT_BYTES:
                    return
                file.seek(size - LOG_TAIL_BYTES)
                tail = file.read()
                file.truncate(0)
                file.seek(0)
                file.write(b"[the beginning was cut]\n" + tail)
        except OSError:
            return

    def clean_up(self) -> None:
        """Removes the attempt's working folder."""
        shutil.rmtree(self.work, ignore_errors=True)


class Supervisor:
    """Starts workers as `python -m tunesmith.workers.training ftjob-…`."""

    def __init__(self, logs: Path, work: Path, program: Sequence[str] = PROGRAM) -> None:
        self.logs = logs
        self.work = work
        self.program = program

    def start(self, job_id: str, environment: WorkerEnvironment) -> Worker:
        """Starts a worker for one attempt. Raises OSError when the system cannot."""
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        worker = self._describe(job_id, environment.attempt)
        variables = {
            # a worker has no use for the server's own secrets
            **{name: value for name, value in os.environ.items() if name != "TUNESMITH_API_KEY"},
            **environment.variables(),
        }
        with open(worker.log, "ab") as log:
            popen = subprocess.Popen(
                [*self.program, job_id],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=variables,
                start_new_session=True,
            )
        worker.popen = popen
        worker.who = process.identity(popen.pid)
        return worker

    def adopt(self, job_id: str, attempt: int, who: dict[str, Any]) -> Worker:
        """Takes over a worker that another server started."""
        worker = self._describe(job_id, attempt)
        worker.who, worker.has_begun = who, True
        return worker

    def work_folder(self, job_id: str, attempt: int) -> Path:
        """The folder of one attempt."""
        return self.work / f"{job_id}-{attempt}"

    def _describe(self, job_id: str, attempt: int) -> Worker:
        return Worker(
            job_id=job_id,
            attempt=attempt,
            who=None,
            log=self.logs / f"{job_id}-{attempt}.log",
            work=self.work_folder(job_id, attempt),
        )


def wait_for(workers: list[Worker], timeout_s: float) -> list[Worker]:
    """Waits for workers to end; returns those that have not."""
    deadline = time.monotonic() + timeout_s
    while (left := [w for w in workers if not w.poll()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
