"""Tidying up goes on while jobs wait for validation, and a job waits for room instead of failing."""

from __future__ import annotations

import pytest

from tests.store.factories import a_file, a_job
from tunesmith.data.base import Catalog
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs import validate
from tunesmith.jobs.chores import Chores
from tunesmith.settings import Settings
from tunesmith.store import files, jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal

EXAMPLE = b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n'


@pytest.fixture
def chores(db: Database, blobs: Blobs, catalog: Catalog, settings: Settings) -> Chores:
    return Chores(db, blobs, catalog, settings)


@pytest.mark.parametrize("error", [StorageFull("full"), StoreBusy("away")], ids=lambda e: type(e).__name__)
def test_bytes_go_while_no_job_can_be_moved_on_and_the_job_waits(
    chores: Chores,
    db: Database,
    blobs: Blobs,
    who: Principal,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    deleted = a_file(db, who, blobs, b"x" * 1000)
    files.delete(db, who.project_id, deleted.id)
    job = a_job(db, who, status="validating_files", training_file=a_file(db, who, blobs, EXAMPLE * 20).id)

    def no_room(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as full:
        full.setattr(validate, "move", no_room)
        with pytest.raises(type(error)):
            chores.do()
    assert not blobs.exists(deleted.object_key)
    waiting = jobs.find(db, job.id)
    assert waiting is not None and (waiting.status, waiting.error) == ("validating_files", None)

    chores.do()
    queued = jobs.find(db, job.id)
    assert queued is not None and queued.status == "queued"


def test_a_job_whose_validation_breaks_is_told_and_keeps_nobody_waiting(
    chores: Chores, db: Database, blobs: Blobs, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        a_job(db, who, status="validating_files", training_file=a_file(db, who, blobs, EXAMPLE * 20).id)
        for _ in range(2)
    ]
    plain = validate.validate_job

    def broken(db: Database, *rest: object, **more: object) -> None:
        if made[0] in rest:
            raise AssertionError("ours")
        plain(db, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(validate, "validate_job", broken)
    chores.do()
    ended = [jobs.find(db, job.id) for job in made]
    assert [job.status for job in ended if job is not None] == ["failed", "queued"]
