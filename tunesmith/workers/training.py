"""The training worker: `python -m tunesmith.workers.training ftjob-…`, started by the scheduler, one per
attempt.

It takes hold of its job, lets `attempt.py` train, and ends so that the row says how it went. An exit status
other than 0 means that the row does not: then the scheduler tries again, for `TRY_LATER` after a while and as
often as it takes. SIGTERM, or a pause that it finds in the row, makes it take a snapshot and go.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping

from tunesmith.errors import StorageFull, StoreBusy, TunesmithError
from tunesmith.jobs import process
from tunesmith.jobs.ending import fail
from tunesmith.jobs.environment import WorkerEnvironment
from tunesmith.jobs.leaving import TRY_LATER, let_go
from tunesmith.jobs.states import CANCELLED, RUNNING
from tunesmith.store import jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.jobs import LeaseLost
from tunesmith.workers.attempt import SERVER_STOPS, Attempt
from tunesmith.workers.full_disk import disk_full_by_name
from tunesmith.workers.hold import Hold

log = logging.getLogger("tunesmith.worker")


class Leaving(BaseException):
    """Asked to go before the first step is done: whatever is being loaded or begun can be dropped."""


def main(arguments: list[str], variables: Mapping[str, str] = os.environ) -> int:
    """Works on the job that the only argument names; returns the exit status."""
    (job_id,) = arguments
    environment = WorkerEnvironment.read(variables)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    leave = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leave.set())
    db = Database.open(environment.database_url)
    job = jobs.find(db, job_id)
    if job is None or (job.status, job.attempt) != (RUNNING, environment.attempt):
        log.info("%s is no longer attempt %d's", job_id, environment.attempt)
        return 0
    if job.worker_token != environment.worker_token:
        log.error("%s has another worker", job_id)
        return 1
    # loading torch can hold this process up for longer than a lease; the scheduler waits for the first sign
    # of life
    from tunesmith.train.trainer import train

    os.nice(environment.niceness)
    blobs = Blobs(environment.objects_url)
    with Hold(
        db, job_id, environment.attempt, abandon=lambda: os._exit(0), leave=_interrupt_main_thread
    ) as hold:
        attempt = Attempt(db, blobs, job, hold, environment, leave=leave, train=train)
        try:
            hold.record(worker=process.identity(os.getpid()))
            _leave_when_asked(attempt, leave)
            with disk_full_by_name():
                attempt.run()
        except Leaving:
            let_go(db, job_id, environment.attempt, why=SERVER_STOPS)
        except LeaseLost as error:
            log.info("stopped: %s", error)
            # paused in the last moment: whatever this was about to be, it is not
            let_go(db, job_id, environment.attempt, why=str(error))
        except (StorageFull, StoreBusy) as error:
            log.warning("%s waits: %s", job_id, error)
            with contextlib.suppress(StorageFull, StoreBusy):  # then the scheduler does it, by our status
                let_go(db, job_id, environment.attempt, why=_what_lacks(error), waits=True)
            return TRY_LATER
        except TunesmithError as error:
            log.error("%s failed: %s", job_id, error)
            fail(db, job, error, only_from=RUNNING, attempt=environment.attempt)
            # no failure when it was paused before: who resumes it will see whether it fails again
            let_go(db, job_id, environment.attempt, why=error.message, crashes=job.crashes)
        finally:
            ended = jobs.find(db, job_id)
            attempt.following.end(ended.status if ended is not None else CANCELLED)
            attempt.following.say_goodbye()
    db.close()
    return 0


def _what_lacks(error: TunesmithError) -> str:
    return "the disk is full" if isinstance(error, StorageFull) else "the database is away"


def _interrupt_main_thread() -> None:
    """Does what SIGTERM does, from any thread; the main thread wakes up for it whatever it waits for."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGTERM)


def _leave_when_asked(attempt: Attempt, leave: threading.Event) -> None:
    """From now on SIGTERM ends a worker without a step of its own at once, and one that trains after a
    snapshot."""

    def asked(*_: object) -> None:
        again = leave.is_set()
        leave.set()
        if not attempt.has_begun and not again:
            raise Leaving

    signal.signal(signal.SIGTERM, asked)
    if leave.is_set():
        raise Leaving


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
