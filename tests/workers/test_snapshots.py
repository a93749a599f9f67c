"""Which snapshots of a job are kept, and that of those kept the next attempt can always begin with one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.workers.conftest import Office
from tunesmith.store.rows import JobRow
from tunesmith.workers.snapshots import Snapshots


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a trainer has saved."""
    made = tmp_path / "saved"
    made.mkdir()
    (made / "run.json").write_text("{}")
    return made


class Job:
    """Attempts at a job, whose row points to what was recorded."""

    def __init__(self, office: Office) -> None:
        self._blobs = office.blobs
        self.row = replace(office.get(), attempt=0)

    def attempt(self) -> JobRow:
        self.row = replace(self.row, attempt=self.row.attempt + 1)
        return self.row

    def save(self, step: int, folder: Path) -> None:
        snapshots = Snapshots(self._blobs, self.row)
        prefix = snapshots.save(step, folder)
        self.row = replace(self.row, snapshot={"prefix": prefix, "step": step})
        snapshots.prune(step)

    def die_while_saving(self, step: int) -> None:
        self._blobs.put(f"jobs/{self.row.id}/snapshots/{self.row.attempt}-{step}/run.json", b"{}")

    def kept(self) -> set[str]:
        return {name for name, _ in self._blobs.folders(f"jobs/{self.row.id}/snapshots")}

    def resumes_from(self, folder: Path) -> int:
        return Snapshots(self._blobs, self.row).fetch(folder)[0]


def test_attempts_that_died_while_saving_cost_no_snapshot_of_a_later_one(
    office: Office, folder: Path, tmp_path: Path
) -> None:
    job = Job(office)
    job.attempt()
    job.save(80, folder)
    job.save(100, folder)
    job.die_while_saving(121)
    job.attempt()
    job.die_while_saving(120)
    job.attempt()
    job.save(119, folder)
    assert job.kept() == {"1-100", "3-119"}
    assert job.resumes_from(tmp_path / "resume") == 119


def test_half_a_snapshot_is_none_of_the_two_that_are_kept(office: Office, folder: Path) -> None:
    job = Job(office)
    job.attempt()
    job.save(100, folder)
    job.die_while_saving(110)
    job.attempt()
    job.save(120, folder)
    assert job.kept() == {"1-100", "2-120"}


def test_a_worker_that_has_lost_its_job_takes_nothing_from_its_successor(
    office: Office, folder: Path, tmp_path: Path
) -> None:
    job = Job(office)
    lost = Snapshots(office.blobs, job.attempt())
    job.save(100, folder)
    job.attempt()
    job.save(120, folder)
    lost.prune(100)  # it was frozen between its last record and this
    assert job.kept() == {"1-100", "2-120"}
    assert job.resumes_from(tmp_path / "resume") == 120
