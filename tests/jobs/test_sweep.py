"""What the sweep takes away, and what it leaves for those who are at work beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.factories import a_file, a_job
from tunesmith import ids
from tunesmith.jobs import control
from tunesmith.jobs.sweep import sweep
from tunesmith.store import files, jobs, projects
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


@pytest.fixture
def swept(db: Database, blobs: Blobs, tmp_path: Path) -> Callable[[], None]:
    """Does one round."""
    return lambda: sweep(db, blobs, adapters=tmp_path / "adapters", work=tmp_path / "work")


def test_a_job_that_an_archived_project_has_left_is_cancelled(
    db: Database, who: Principal, swept: Callable[[], None]
) -> None:
    over = projects.create(db, who.organization_id, "over")
    left, ended = (
        a_job(db, replace(who, project_id=over.id), status=status) for status in ("queued", "failed")
    )
    other = a_job(db, who)
    projects.archive(db, who.organization_id, over.id)
    swept()
    states = [getattr(jobs.find(db, job.id), "status", None) for job in (left, ended, other)]
    assert states == ["cancelled", "failed", "queued"]


def test_a_swept_file_serves_as_a_cursor_for_a_day(
    db: Database, blobs: Blobs, who: Principal, swept: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = ids.now()
    left, expired, deleted = a_file(db, who), a_file(db, who, blobs, expires_at=now), a_file(db, who, blobs)
    files.delete(db, who.project_id, deleted.id)
    swept()
    assert blobs.folders("files") == []
    for gone in (expired, deleted):
        assert files.list_page(db, who.project_id, after=gone.id).rows == [left]
    monkeypatch.setattr(ids, "now", lambda: now + files.KEPT_S + 10)
    swept()
    assert [files.find(db, file.id) for file in (left, expired, deleted)] == [left, None, None]


def test_a_row_goes_after_its_bytes_also_when_they_were_pinned_for_long(
    db: Database, blobs: Blobs, who: Principal, swept: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_file(db, who, blobs, expires_at=ids.now() - files.KEPT_S)
    job = a_job(db, who, training_file=file.id)
    swept()
    assert files.find(db, file.id) == file and blobs.exists(file.object_key)
    control.cancel(db, who.project_id, job.id)
    swept()
    assert files.find(db, file.id) is None and not blobs.exists(file.object_key)
