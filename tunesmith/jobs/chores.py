"""What the scheduler's second thread does: it reads the files of new jobs, and tidies up now and then.

The two do not wait for each other's success: on a full disk no job can be moved on, and tidying up is what
makes room again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tunesmith.data.base import Catalog
from tunesmith.errors import JobFailed, StorageFull, StoreBusy
from tunesmith.jobs import validate
from tunesmith.jobs.ending import fail
from tunesmith.jobs.states import VALIDATING
from tunesmith.jobs.sweep import sweep
from tunesmith.settings import Settings
from tunesmith.store import jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 60.0


class Chores:
    """One round after another, each by `do`."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        catalog: Catalog,
        settings: Settings,
        *,
        stopping: Callable[[], bool] = lambda: False,
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        """`stopping`: whether to leave off. `queued` is called when a job may have come into the queue."""
        self._db = db
        self._blobs = blobs
        self._catalog = catalog
        self._settings = settings
        self._stopping = stopping
        self._queued = queued
        self._next_sweep = 0.0

    def do(self) -> None:
        """Validates what waits for it, then tidies up when it is time, whatever became of the former."""
        try:
            for job in jobs.in_state(self._db, VALIDATING):
                if self._stopping():
                    return
                self._validate(job)
        finally:
            if time.monotonic() >= self._next_sweep and not self._stopping():
                self._next_sweep = time.monotonic() + SWEEP_EVERY_S
                self._sweep()

    def _validate(self, job: JobRow) -> None:
        try:
            validate.validate_job(self._db, self._blobs, self._catalog, job, stopping=self._stopping)
            self._queued()
        except validate.Interrupted:
            return
        except (StoreBusy, StorageFull):
            raise
        except Exception:  # our fault, and the next try would end alike
            log.exception("validation of %s broke", job.id)
            error = JobFailed(
                "The files could not be read because of an error in the server; its log says more. "
                "Create the job again once that is mended.",
                param="training_file",
                code="server_error",
            )
            fail(self._db, job, error, only_from=VALIDATING)

    def _sweep(self) -> None:
        sweep(
            self._db,
            self._blobs,
            adapters=self._settings.adapters_folder,
            work=self._settings.data / "work",
        )
