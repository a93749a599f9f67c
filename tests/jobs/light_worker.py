"""A worker without torch: it holds its job and ends as the job's metadata says, for tests of the
scheduler."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from tunesmith.jobs import messages, process
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.leaving import TRY_LATER, let_go
from tunesmith.jobs.states import RUNNING, SUCCEEDED, move
from tunesmith.store import jobs
from tunesmith.store.database import Database
from tunesmith.workers.hold import Hold


def stay_file(data: Path) -> Path:
    """While it is there, a worker that leaves slowly has not left."""
    return data / "stay"


def main(job_id: str) -> None:
    environment = WorkerEnvironment.read(os.environ)
    db = Database.open(environment.database_url)
    job = jobs.find(db, job_id)
    assert job is not None and job.worker_token == environment.worker_token
    assert environment.work.is_dir()
    assert os.getsid(0) == os.getpid()
    do = (job.metadata or {}).get("do", "succeed")
    if do == "load":
        (environment.work / "loading").touch()
        time.sleep(100)
    leave = threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if do == "deaf" else lambda *_: leave.set())
    with Hold(db, job_id, job.attempt, leave=leave.set, heartbeat_s=0.2) as hold:
        hold.record(worker=process.identity(os.getpid()))
        if do == "crash" or (do == "crash once" and job.attempt == 1):
            print("loading\rloading 50 %\rloading 100 %", file=sys.stderr)
            print("RuntimeError: the token sk-abcdefghijklmnop\x1b[31m is secret", file=sys.stderr)
            sys.exit(3)
        if do == "no room once" and job.attempt == 1:
            sys.exit(TRY_LATER)
        if do == "crash with progress":
            step = (job.snapshot or {"step": 0})["step"] + 1
            if step < 4:
                hold.record(snapshot={"prefix": "x", "step": step, "trained_tokens": step}, crashes=0)
                os.kill(os.getpid(), signal.SIGKILL)
        deadline = time.monotonic() + (100 if do in ("wait", "deaf", "leave slowly") else 0.3)
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if hold.lost.is_set() and do != "deaf":
                return
            if leave.is_set() and do != "deaf":
                if do == "leave slowly":
                    while stay_file(environment.work.parents[1]).exists():
                        time.sleep(0.02)
                    hold.record(snapshot={"prefix": "x", "step": 7, "trained_tokens": 7}, step=7)
                let_go(db, job_id, job.attempt, why="the server stops")
                return
    assert len(jobs.in_state(db, RUNNING)) == 1, "two jobs train at once"
    events = [messages.succeeded(job_id)]
    move(db, job_id, SUCCEEDED, only_from=RUNNING, expect_attempt=job.attempt, events=events)


if __name__ == "__main__":
    main(sys.argv[1])
