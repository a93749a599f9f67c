"""What the sweep takes away, and what it leaves for those who are at work beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.factories import a_file, a_job, model_row
from tunesmith import ids
from tunesmith.jobs import control
from tunesmith.jobs.sweep import LOGS_KEPT_S, sweep
from tunesmith.store import files, jobs, models, projects
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


def test_a_file_that_a_batch_makes_again_during_the_sweep_stays(
    db: Database,
    blobs: Blobs,
    who: Principal,
    swept: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_bytes, with_row = ids.new_id("file"), ids.new_id("file")
    for file_id in (with_bytes, with_row):
        blobs.put(f"files/{file_id}", b"of a try that was cut")
        os.utime(tmp_path / "objects" / "files" / file_id, (0, 0))
    known_ids = files.known_ids

    def made_again(db: Database) -> set[str]:
        known = known_ids(db)
        blobs.put(f"files/{with_bytes}", b"of the next try")
        a_file(db, who, id=with_row)
        return known

    monkeypatch.setattr(files, "known_ids", made_again)
    swept()
    assert blobs.exists(f"files/{with_bytes}"), "its row is about to come"
    assert blobs.exists(f"files/{with_row}")


def test_an_adapter_that_was_copied_while_its_model_was_swept_goes(
    db: Database, who: Principal, swept: Callable[[], None], tmp_path: Path
) -> None:
    served = model_row(who, a_job(db, who).id)
    models.insert(db, served)
    adapters = tmp_path / "adapters"
    for name in (served.id, "model-gone", ".model-coming.0"):
        (adapters / name).mkdir(parents=True)
    swept()
    assert {folder.name for folder in adapters.iterdir()} == {served.id, ".model-coming.0"}


def test_logs_go_a_month_after_their_jobs_end(
    db: Database, who: Principal, swept: Callable[[], None], tmp_path: Path
) -> None:
    now = ids.now()
    long_ago = now - round(LOGS_KEPT_S) - 10
    over = a_job(db, who, status="succeeded", finished_at=long_ago)
    recent = a_job(db, who, status="succeeded", finished_at=now)
    live = a_job(db, who, status="paused")
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in (*(f"{job.id}-2" for job in (over, recent, live)), "engine-0"):
        (logs / f"{name}.log").write_text("a line")
        os.utime(logs / f"{name}.log", (long_ago, long_ago))
    swept()
    left = {path.stem for path in logs.iterdir()}
    assert left == {f"{recent.id}-2", f"{live.id}-2", "engine-0"}
