"""A heartbeat that stands still means a lost worker only where it could have moved."""

from __future__ import annotations

import pytest

from tests.store.factories import job_row
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs.lease import LeaseWatch
from tunesmith.store.rows import JobRow, Principal

LEASE_S = 15.0


class Watched:
    """One running job and its watcher, on a clock of their own."""

    def __init__(self, job: JobRow) -> None:
        self.now = 1000.0
        self._job = job
        self._watch = LeaseWatch(LEASE_S, monotonic=lambda: self.now)
        self.error: Exception | None = None
        """What a write raises now."""
        self.write_s = 0.0
        """How long the next write waits for the lock."""

    def _write(self) -> None:
        self.now += self.write_s
        self.write_s = 0.0
        if self.error is not None:
            raise self.error

    def is_expired_in(self, seconds: float) -> bool:
        """Whether the job has expired by then, looked at four times a second."""
        expired = False
        until = self.now + seconds
        while self.now < until:
            self.now += 0.25
            expired |= bool(self._watch.expired([self._job], self._write))
        return expired


@pytest.fixture
def watched(who: Principal) -> Watched:
    return Watched(job_row(who, status="running", attempt=1))


def test_a_heartbeat_that_stands_still_for_a_lease_is_lost(watched: Watched) -> None:
    assert not watched.is_expired_in(LEASE_S)
    assert watched.is_expired_in(0.25)


def test_a_watcher_that_was_frozen_itself_judges_nobody(watched: Watched) -> None:
    assert not watched.is_expired_in(12)
    watched.now += 60  # the machine stood still, its workers too
    assert not watched.is_expired_in(LEASE_S)
    assert watched.is_expired_in(0.5)


@pytest.mark.parametrize("error", [StoreBusy("locked"), StorageFull("full")], ids=lambda e: type(e).__name__)
def test_while_nobody_can_write_nobody_is_lost(watched: Watched, error: Exception) -> None:
    watched.error = error
    assert not watched.is_expired_in(100)
    watched.error = None
    assert not watched.is_expired_in(4.5), "time for the worker to write"
    assert watched.is_expired_in(LEASE_S)


def test_after_a_lock_that_ended_just_now_a_worker_gets_time_to_write(watched: Watched) -> None:
    assert not watched.is_expired_in(10)
    watched.write_s = 4.9  # the lock was held since the last heartbeat, and 4.9 s more
    assert not watched.is_expired_in(LEASE_S)
    assert watched.is_expired_in(6)
