"""Lets Weights and Biases follow a job that asks for it, from threads of their own.

No step waits for that service and nothing that goes wrong with it goes wrong with the job: steps are queued
and dropped when too many wait, and a failure ends the following with one event. The run's id is the job's, so
a later attempt goes on where this one stood. The package `wandb` is optional and imported only here.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import os
import queue
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.data.hyperparameters import Resolved
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs import messages
from tunesmith.jobs.integrations import what_wandb_misses
from tunesmith.jobs.numbers import method_of
from tunesmith.jobs.states import LIVE, SUCCEEDED
from tunesmith.store.jobs import LeaseLost
from tunesmith.store.rows import EventRow, JobRow
from tunesmith.wire import limits
from tunesmith.workers.hold import Hold

log = logging.getLogger("tunesmith.worker")

#: Steps that may wait for the service; more are dropped.
MAX_WAITING_STEPS = 20_000
#: Seconds that the service gets to open a run.
OPEN_TIMEOUT_S = 90.0
#: Seconds that a job which has trained waits for runs that are still being opened, so that it can tell where.
OPEN_BEFORE_END_S = 5.0
#: Seconds that the worker waits for the last steps to be sent: of a job that went well, and of another one.
GOODBYE_S = 15.0
SHORT_GOODBYE_S = 4.0
_STEP_NUMBERS = ("epoch", "learning_rate", "grad_norm", "trained_tokens", "tokens_per_s")


class Following:
    """All runs that follow one attempt at one job; for most jobs there is none."""

    def __init__(
        self, job: JobRow, hold: Hold, folder: Path, environ: Mapping[str, str] = os.environ
    ) -> None:
        """`folder`: where the package keeps files of runs that are not sent (yet)."""
        self._job = job
        self._hold = hold
        self._folder = folder
        self._environ = environ
        self._integrations = [{**entry} for entry in job.integrations or []]
        self._lock = threading.Lock()
        self._runs: list[_Run] = []
        self._patience_s: float | None = None

    def begin(self, numbers: Resolved) -> None:
        """Opens the runs in the background, or tells what is missing. `numbers`: what the job trains with."""
        if not self._integrations:
            return
        missing = what_wandb_misses(self._environ)
        if missing is not None:
            self.tell(messages.not_followed(self._job.id, missing))
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        config = _config(self._job, numbers)
        for nth, entry in enumerate(self._integrations):
            self._runs.append(_Run(self, self._job, nth, entry["wandb"], self._folder, config, self._environ))

    def step(self, values: Mapping[str, Any]) -> None:
        """One step's metrics, as the trainer told them. Never waits."""
        if self._runs:
            numbers = messages.finite(values)
            for name in _STEP_NUMBERS:
                value = values.get(name)
                if value is not None and math.isfinite(value):
                    numbers[name] = value
            for run in self._runs:
                run.put(_Step(int(values["step"]), numbers))

    def wait_until_open(self) -> None:
        """Gives runs that are being opened a moment, while the job can still tell where they are."""
        deadline = time.monotonic() + OPEN_BEFORE_END_S
        for run in self._runs:
            run.decided.wait(max(0.0, deadline - time.monotonic()))

    def end(self, status: str, summary: Mapping[str, Any] | None = None) -> None:
        """Nothing more comes, and this is the job's status now; only the first call counts."""
        if self._patience_s is not None:
            return
        self._patience_s = GOODBYE_S if status == SUCCEEDED else SHORT_GOODBYE_S
        for run in self._runs:
            run.put(_End(status, dict(summary or {})))

    def say_goodbye(self) -> None:
        """Waits a bounded time until the runs have been sent; to be called after `end`."""
        deadline = time.monotonic() + (self._patience_s or 0.0)
        for run in self._runs:
            run.thread.join(max(0.0, deadline - time.monotonic()))
            if run.thread.is_alive():
                log.warning("Weights and Biases takes too long to say goodbye; its run may look crashed")

    def tell(self, event: EventRow, nth: int | None = None, found: Mapping[str, Any] | None = None) -> None:
        """Adds an event to the job's story, and what was `found` to its `nth` integration, while the job is
        this attempt's."""
        with self._lock, contextlib.suppress(LeaseLost, StoreBusy, StorageFull):
            if nth is None or not found:
                self._hold.record([event])
                return
            entry = self._integrations[nth]
            self._integrations[nth] = {**entry, "wandb": {**entry["wandb"], **found}}
            self._hold.record([event], integrations=self._integrations)


@dataclass(frozen=True)
class _Step:
    step: int
    numbers: dict[str, float]


@dataclass(frozen=True)
class _End:
    status: str
    summary: dict[str, Any]


@dataclass
class _Run:
    """One run of Weights and Biases and the thread that feeds it."""

    following: Following
    job: JobRow
    nth: int
    asked: Mapping[str, Any]
    folder: Path
    config: Mapping[str, Any]
    environ: Mapping[str, str]
    decided: threading.Event = field(default_factory=threading.Event)
    """Set once the run is open, or will not be."""
    waiting: queue.SimpleQueue[_Step | _End] = field(default_factory=queue.SimpleQueue)
    dropped: int = 0
    gave_up: bool = False

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._work, name=f"tunesmith-wandb-{self.nth}", daemon=True)
        self.thread.start()

    def put(self, entry: _Step | _End) -> None:
        """Leaves something for the thread; a step is dropped when too many wait."""
        if self.gave_up:
            return
        if isinstance(entry, _Step) and self.waiting.qsize() >= MAX_WAITING_STEPS:
            self.dropped += 1
            return
        self.waiting.put(entry)

    def _work(self) -> None:
        try:
            run = self._open()
            self.decided.set()
            while isinstance(entry := self.waiting.get(), _Step):
                run.log(entry.numbers, step=entry.step)
            self._close(run, entry)
        except (Exception, SystemExit) as error:  # a library's own reasons, none of which is the job's
            self.gave_up = True
            log.warning("Weights and Biases: %s", error, exc_info=True)
            self.following.tell(
                messages.unfollowed(
                    self.job.id, self.nth, project=self.asked["project"], why=self._why(error)
                )
            )
        finally:
            self.decided.set()

    def _open(self) -> Any:
        wandb = importlib.import_module("wandb")  # optional, and slow to load
        job = self.job
        own_tags = ("openai/finetune", f"openai/{job.model}", f"openai/{job.id}")
        tags = [*(self.asked.get("tags") or ()), *(tag[: limits.MAX_TAG_CHARS] for tag in own_tags)]
        run = wandb.init(
            project=self.asked["project"],
            entity=self.asked.get("entity"),
            name=self.asked.get("name") or job.id,
            id=job.id,
            resume="allow",
            reinit="create_new",
            tags=list(dict.fromkeys(tags)),
            config=dict(self.config),
            dir=self.environ.get("WANDB_DIR") or str(self.folder),
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_git=True,
                disable_code=True,
                init_timeout=OPEN_TIMEOUT_S,
            ),
        )
        url = run.url or None
        found = {"run_id": job.id, **({"url": url} if url else {})}
        event = messages.followed(job.id, self.nth, project=self.asked["project"], url=url)
        self.following.tell(event, self.nth, found)
        return run

    def _close(self, run: Any, end: _End) -> None:
        if self.dropped:
            log.warning("Weights and Biases was too slow for %d steps of %s", self.dropped, self.job.id)
        for name, value in end.summary.items():
            run.summary[name] = value
        if end.status in LIVE:
            run.mark_preempting()  # another attempt will go on with this run
        files, is_sent = Path(run.dir).parent, bool(run.url)
        run.finish(exit_code=0 if end.status == SUCCEEDED else 1)
        if is_sent and files.name.endswith(self.job.id):  # what was not sent stays for `wandb sync`
            shutil.rmtree(files, ignore_errors=True)

    def _why(self, error: BaseException) -> str:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        key = self.environ.get("WANDB_API_KEY")
        return text.replace(key, "…") if key else text


def _config(job: JobRow, numbers: Resolved) -> dict[str, Any]:
    """What the service shows beside the curves."""
    kind = job.requested["type"]
    return {
        "fine_tuning_job_id": job.id,
        "model": job.model,
        "base_model": job.base_id,
        "method": kind,
        "training_file": job.training_file,
        "validation_file": job.validation_file,
        "n_examples": job.n_examples,
        "n_valid_examples": job.n_valid_examples,
        "seed": job.seed,
        "learning_rate": numbers.learning_rate,
        **method_of(job, numbers)[kind]["hyperparameters"],
    }
