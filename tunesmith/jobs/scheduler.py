"""The scheduler: one thread that gives devices to jobs and notices lost workers, one for `jobs/chores.py`.

Nothing here is remembered only here. Whatever this process was doing when it was killed, the rows say what
to do next; a worker that lives on is adopted, one that is gone has its job queued again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from tunesmith.data.base import Catalog
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs import process
from tunesmith.jobs.chores import Chores
from tunesmith.jobs.ending import fail
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.last_error import last_error
from tunesmith.jobs.lease import LeaseWatch, claim
from tunesmith.jobs.leaving import TRY_LATER, let_go
from tunesmith.jobs.numbers import shown_method
from tunesmith.jobs.states import CANCELLED, RUNNING, SUCCEEDED, is_held
from tunesmith.jobs.supervisor import PROGRAM, Supervisor, Worker, wait_for
from tunesmith.settings import Settings
from tunesmith.store import jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow

log = logging.getLogger(__name__)

TICK_S = 0.25
#: Seconds that a new process gets for its first sign of life; a busy machine loads libraries slowly.
START_GRACE_S = 120.0
#: Seconds that a worker gets to leave by itself once its job is no longer its own.
CANCEL_GRACE_S = 6.0
#: Seconds that a worker gets once its job has succeeded: for the last news to services that follow it.
SUCCESS_GRACE_S = 20.0
#: Seconds that the worker of a paused job gets for the step in progress and a snapshot; then it is ended.
PAUSE_GRACE_S = 600.0
#: Seconds that workers get at the server's stop to take a snapshot.
STOP_GRACE_S = 15.0
#: Seconds before the second, third, … start after workers lost in a row.
BACKOFF_S = (0.0, 1.0, 4.0, 15.0, 30.0)
#: Seconds without any start after the machine had no room for one: on its disk, or for another process.
NO_ROOM_S = 30.0
#: Automatic starts after the kernel ended a worker for want of memory: the same batch needs the same room.
OUT_OF_MEMORY_RETRIES = 1


class Scheduler:
    """Runs from `start` to `stop`, in threads."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        catalog: Catalog,
        settings: Settings,
        *,
        devices: tuple[str, ...] = ("auto",),
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """`devices`: torch devices that train one job each at a time; `auto` is the GPU if there is one.
        `program`: what a worker runs, before the job's id."""
        self._db = db
        self._blobs = blobs
        self._catalog = catalog
        self._settings = settings
        self._devices = devices
        self._supervisor = Supervisor(settings.data / "logs", settings.data / "work", program)
        self._watch = LeaseWatch(settings.lease_s)
        self._workers: dict[str, Worker] = {}
        self._worker_devices: dict[str, str] = {}
        self._not_before: dict[str, float] = {}
        self._claims_from = 0.0
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._chores_due = threading.Event()
        self._chores = Chores(
            db, blobs, catalog, settings, stopping=self._stopping.is_set, queued=self._wake.set
        )
        self._threads: list[threading.Thread] = []

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Cleans up after an earlier end and begins to work."""
        self._blobs.sweep()
        for name, loop in (("scheduler", self._schedule), ("chores", self._do_chores)):
            thread = threading.Thread(target=loop, name=f"tunesmith-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """There is something new: look now, not at the next tick."""
        self._chores_due.set()
        self._wake.set()

    def stop(self) -> None:
        """Stops; running workers take a snapshot and give their jobs back to the queue."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout=5)
        workers = list(self._workers.values())
        for worker in workers:
            worker.terminate()
        for worker in wait_for(workers, STOP_GRACE_S):
            log.warning("%s did not leave in time and is ended", worker.job_id)
            worker.kill()
        for worker in workers:
            self._give_back(worker)
            worker.clean_up()
        self._workers.clear()

    def _give_back(self, worker: Worker) -> None:
        """Parts a job from a worker that could not do so itself."""
        try:
            let_go(self._db, worker.job_id, worker.attempt, why="the server stops")
        except (StoreBusy, StorageFull):
            log.warning("%s stays as it is in the database; the next start takes it up", worker.job_id)

    # -- the two threads ----------------------------------------------------------------------------------

    def _schedule(self) -> None:
        self._loop(self.tick, self._wake, TICK_S)

    def _do_chores(self) -> None:
        self._loop(self._chores.do, self._chores_due, 1.0)

    def _loop(self, work: Callable[[], None], wake: threading.Event, every_s: float) -> None:
        failures = 0
        while not self._stopping.is_set():
            wake.clear()
            try:
                work()
                failures = 0
            except Exception as error:  # the loop outlives whatever happens in it, an absent database too
                failures += 1
                if isinstance(error, (StoreBusy, StorageFull)):
                    log.warning("the scheduler waits: %s", error)
                else:
                    log.exception("the scheduler goes on after an error")
            wake.wait(every_s if not failures else min(every_s * 2**failures, 10.0))

    def tick(self) -> None:
        """One look at everything that runs and everything that waits."""
        self._look_after_workers()
        held = jobs.held(self._db, RUNNING)
        self._adopt(held)
        for job in self._watch.expired(held, self._write_nothing):
            worker = self._workers.get(job.id)
            if worker is not None and worker.attempt != job.attempt:
                worker = None
            loads = worker is not None and job.worker is None
            if worker is not None and loads and time.monotonic() - worker.started_at < START_GRACE_S:
                continue
            # a row first: where there is no room for it, the worker could not write either, and may be well
            jobs.count_device_time(self._db, job.id, job.attempt)
            if worker is not None:
                log.warning("%s has not moved for %s s; its worker is ended", job.id, self._settings.lease_s)
                worker.kill()
            self._lost(job, f"no sign of life for {self._settings.lease_s:g} s", worker)
        self._start_waiting()

    def _write_nothing(self) -> None:
        with self._db.write():
            pass

    # -- workers ------------------------------------------------------------------------------------------

    def _look_after_workers(self) -> None:
        for job_id, worker in list(self._workers.items()):
            job = jobs.find(self._db, job_id)
            mine = job is not None and is_held(job, worker.attempt)
            if worker.poll():
                if worker.popen is not None and worker.popen.returncode == TRY_LATER:
                    self._postpone(job_id, worker.attempt, "it found a full disk or no database")
                elif mine and job is not None:
                    self._lost(job, worker.ending(), worker)
                self._drop(job_id)
                continue
            worker.bound_log()
            worker.has_begun |= mine and job is not None and job.worker is not None
            if not mine and not worker.has_begun and job is not None and job.status == CANCELLED:
                worker.kill()
            elif not mine:
                # one that has ended its job well says goodbye to whoever followed it
                well = job is not None and job.status == SUCCEEDED
                worker.leave_within(SUCCESS_GRACE_S if well else CANCEL_GRACE_S)
            elif job is not None and job.leaving:
                worker.leave_within(PAUSE_GRACE_S, ask=True)

    def _adopt(self, held: list[JobRow]) -> None:
        """Takes over workers of an earlier server, and mourns those that have ended since."""
        for job in held:
            if job.id in self._workers or job.worker is None or not process.is_here(job.worker):
                continue
            if process.is_alive(job.worker):
                log.info("%s is still being trained by process %s", job.id, job.worker["pid"])
                self._workers[job.id] = self._supervisor.adopt(job.id, job.attempt, job.worker)
                self._worker_devices[job.id] = job.device or self._devices[0]
            else:
                self._lost(job, "its process is gone", None)

    def _lost(self, job: JobRow, why: str, worker: Worker | None) -> None:
        """A worker ended without ending its job: once more, or never again; a paused job waits as before."""
        crashes = job.crashes + 1
        out_of_memory = worker is not None and worker.was_out_of_memory
        allowed = 1 + OUT_OF_MEMORY_RETRIES if out_of_memory else self._settings.max_attempts
        if crashes >= allowed:
            fail(
                self._db,
                job,
                last_error(job, why, worker, crashes, out_of_memory),
                only_from=RUNNING,
                attempt=job.attempt,
            )
        else:
            self._not_before[job.id] = time.monotonic() + BACKOFF_S[min(crashes, len(BACKOFF_S)) - 1]
        # after a failure this finds nothing to do, unless a pause came before it: then there is no failure
        let_go(self._db, job.id, job.attempt, why=why, crashes=crashes)
        log.warning("%s attempt %d: %s", job.id, job.attempt, why)

    def _postpone(self, job_id: str, attempt: int, why: str) -> None:
        """The machine has no room for the job, and hardly for another one: all wait, this one longer, so that
        one that never fits lets others by."""
        now = time.monotonic()
        self._claims_from, self._not_before[job_id] = now + NO_ROOM_S, now + 2 * NO_ROOM_S
        let_go(self._db, job_id, attempt, why=why, waits=True)
        log.warning("%s waits: %s", job_id, why)

    def _drop(self, job_id: str) -> None:
        self._workers.pop(job_id).clean_up()
        self._worker_devices.pop(job_id, None)
        self._chores_due.set()

    def _start_waiting(self) -> None:
        """Gives each free device to a waiting job. A device is free when its last process has really
        ended."""
        now = time.monotonic()
        self._not_before = {job: t for job, t in self._not_before.items() if t > now}
        taken = set(self._worker_devices.values())
        taken |= {job.device for job in jobs.held(self._db, RUNNING) if job.device is not None}
        for device in self._devices:
            if device in taken or time.monotonic() < self._claims_from or self._stopping.is_set():
                continue
            job = claim(
                self._db,
                device=device,
                not_now={*self._not_before, *self._workers},
                method=lambda job: shown_method(job, self._catalog),
            )
            if job is None:
                return
            self._start(job, device)

    def _start(self, job: JobRow, device: str) -> None:
        assert job.worker_token is not None
        environment = WorkerEnvironment(
            database_url=self._settings.database_url,
            objects_url=self._settings.objects_url,
            attempt=job.attempt,
            worker_token=job.worker_token,
            work=self._supervisor.work_folder(job.id, job.attempt),
            digests=self._settings.data / "digests.json",
            threads=self._settings.trainer_threads,
            device=device,
            snapshot_every_s=self._settings.snapshot_every_s,
            niceness=self._settings.trainer_niceness,
            followers=self._settings.data / "wandb",
        )
        try:
            worker = self._supervisor.start(job.id, environment)
        except OSError as error:
            self._postpone(job.id, job.attempt, f"no process could be started: {error.strerror}")
            return
        self._workers[job.id] = worker
        self._worker_devices[job.id] = device
