"""What the sweep takes away, and what it leaves for those who are at work beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.factories import a_job
from tunesmith.jobs.sweep import sweep
from tunesmith.store import jobs, projects
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
