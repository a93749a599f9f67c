"""Uploads: parts that become one file, or nothing, whatever happens on the way."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from tests.store.factories import a_file, a_job, other_principal
from tunesmith import ids
from tunesmith.api.files.assembly import assemble
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.jobs.sweep import sweep
from tunesmith.store import files, uploads
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import PartRow, Principal, UploadRow
from tunesmith.store.tables import uploads as upload_table

ROOM: dict[str, int] = {"max_parts": 100, "max_bytes": 10_000}


def an_upload(db: Database, who: Principal, size_bytes: int, **values: Any) -> UploadRow:
    """A stored upload without parts."""
    row = UploadRow(
        **{
            "id": ids.new_id("upload"),
            "project_id": who.project_id,
            "filename": "a.bin",
            "purpose": "user_data",
            "mime_type": "text/plain",
            "size_bytes": size_bytes,
            "status": uploads.PENDING,
            "created_at": ids.now(),
            "expires_at": ids.now() + 3600,
            **values,
        }
    )
    uploads.insert(db, row)
    return row


def a_part(db: Database, blobs: Blobs, upload: UploadRow, data: bytes) -> str:
    """A stored part of an upload."""
    part = PartRow(id=ids.new_id("part"), upload_id=upload.id, size_bytes=len(data), created_at=ids.now())
    blobs.put(part.object_key, data)
    uploads.add_part(db, upload.project_id, part, **ROOM)
    return part.id


def tidy_up(db: Database, blobs: Blobs, tmp_path: Path) -> None:
    """One round of the sweep."""
    sweep(db, blobs, adapters=tmp_path / "adapters", work=tmp_path / "work")


def objects_of(tmp_path: Path) -> list[str]:
    """Everything that lies in the object store, unfinished writes too."""
    root = tmp_path / "objects"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(min_size=1, max_size=400),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    shuffle=st.randoms(use_true_random=False),
)
def test_any_split_sent_in_any_order_gives_the_same_bytes(
    db: Database, blobs: Blobs, who: Principal, data: bytes, cuts: list[int], shuffle: random.Random
) -> None:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    upload = an_upload(db, who, len(data))
    order = list(range(len(pieces)))
    shuffle.shuffle(order)
    part_ids = {index: a_part(db, blobs, upload, pieces[index]) for index in order}
    right = [part_ids[index] for index in range(len(pieces))]
    md5 = hashlib.md5(data).hexdigest()

    if b"".join(pieces[index] for index in order) != data:
        with pytest.raises(InvalidRequest, match="MD5"):
            assemble(db, blobs, who.project_id, upload.id, [part_ids[index] for index in order], md5)
    completed, file = assemble(db, blobs, who.project_id, upload.id, right, md5)
    assert (completed.status, completed.file_id) == ("completed", file.id)
    assert blobs.get(file.object_key) == data
    assert (file.size_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert files.get(db, who.project_id, file.id) == file
    assert upload.id not in [name for name, _ in blobs.folders("uploads")]


@pytest.mark.parametrize("point", ["while it reads", "before the rows", "before the parts are removed"])
def test_an_assembly_killed_anywhere_leaves_the_upload_pending_or_the_file_whole(
    db: Database, blobs: Blobs, who: Principal, tmp_path: Path, point: str
) -> None:
    upload = an_upload(db, who, 6)
    part_ids = [a_part(db, blobs, upload, piece) for piece in (b"abc", b"def")]
    program = """
import os, signal, sys
from tunesmith.api.files import assembly
from tunesmith.store import uploads
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
point, database, objects, project, upload, *parts = sys.argv[1:]
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "while it reads":
    stream = Blobs.stream
    Blobs.stream = lambda self, key: die() if key.endswith(parts[1]) else stream(self, key)
elif point == "before the rows":
    uploads.complete = die
else:
    Blobs.delete_prefix = die
assembly.assemble(Database.open(database), Blobs(objects), project, upload, parts, None)
"""
    url = f"sqlite:///{tmp_path / 'tunesmith.db'}"
    command = [sys.executable, "-c", program, point, url, blobs.url, who.project_id, upload.id, *part_ids]
    assert subprocess.run(command).returncode == -9
    tidy_up(db, blobs, tmp_path)
    if point == "before the parts are removed":
        after = uploads.get(db, who.project_id, upload.id)
        assert after.status == "completed" and after.file_id is not None
        file = files.get(db, who.project_id, after.file_id)
    else:
        assert uploads.pending(db, who.project_id, upload.id) == upload
        assert files.list_page(db, who.project_id).rows == []
        _, file = assemble(db, blobs, who.project_id, upload.id, part_ids, None)
    assert blobs.get(file.object_key) == b"abcdef"
    assert not any(name.startswith(("uploads/", ".incoming/")) for name in objects_of(tmp_path))


def test_whoever_ends_an_upload_first_has_ended_it(
    db: Database, blobs: Blobs, who: Principal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upload = an_upload(db, who, 3)
    part_id = a_part(db, blobs, upload, b"abc")
    complete = uploads.complete

    def cancelled_just_before(*arguments: Any) -> UploadRow:
        uploads.cancel(db, who.project_id, upload.id)
        return complete(*arguments)

    monkeypatch.setattr(uploads, "complete", cancelled_just_before)
    with pytest.raises(InvalidRequest, match="has been cancelled"):
        assemble(db, blobs, who.project_id, upload.id, [part_id], None)
    assert files.list_page(db, who.project_id).rows == []
    assert objects_of(tmp_path) == [f"uploads/{upload.id}/{part_id}"]
    tidy_up(db, blobs, tmp_path)
    assert objects_of(tmp_path) == []


def test_parts_that_go_while_they_are_read_are_explained_by_what_ended_the_upload(
    db: Database, blobs: Blobs, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = an_upload(db, who, 3)
    part_id = a_part(db, blobs, upload, b"abc")
    stream = blobs.stream

    def gone(key: str) -> Any:
        uploads.cancel(db, who.project_id, upload.id)
        blobs.delete_prefix(upload.prefix)
        return stream(key)

    monkeypatch.setattr(blobs, "stream", gone)
    with pytest.raises(InvalidRequest, match="has been cancelled"):
        assemble(db, blobs, who.project_id, upload.id, [part_id], None)


def test_an_expired_upload_takes_nothing_and_its_parts_are_swept_when_no_completion_can_need_them(
    db: Database, blobs: Blobs, who: Principal, tmp_path: Path
) -> None:
    upload = an_upload(db, who, 3)
    part_id = a_part(db, blobs, upload, b"abc")

    def expired_for(seconds: int) -> None:
        with db.write() as connection:
            connection.execute(update(upload_table).values(expires_at=ids.now() - seconds))

    expired_for(1)
    for act in (
        lambda: a_part(db, blobs, upload, b"more"),
        lambda: assemble(db, blobs, who.project_id, upload.id, [part_id], None),
        lambda: uploads.cancel(db, who.project_id, upload.id),
    ):
        with pytest.raises(InvalidRequest, match="has expired"):
            act()
    tidy_up(db, blobs, tmp_path)
    assert blobs.exists(f"uploads/{upload.id}/{part_id}")
    expired_for(uploads.COMPLETION_GRACE_S + 1)
    tidy_up(db, blobs, tmp_path)
    assert objects_of(tmp_path) == []
    assert uploads.get(db, who.project_id, upload.id).status == "expired"
    assert uploads.parts(db, upload.id) == {}
    expired_for(uploads.REMEMBERED_S + 1)
    tidy_up(db, blobs, tmp_path)
    with pytest.raises(NotFound):
        uploads.get(db, who.project_id, upload.id)


def test_a_foreign_upload_is_as_good_as_absent(db: Database, blobs: Blobs, who: Principal) -> None:
    foreign = an_upload(db, other_principal(db), 3)
    for act in (uploads.get, uploads.pending, uploads.cancel):
        with pytest.raises(NotFound, match=f"No such Upload object: {foreign.id}"):
            act(db, who.project_id, foreign.id)


def test_parts_have_a_bound_in_number_and_in_bytes(db: Database, blobs: Blobs, who: Principal) -> None:
    upload = an_upload(db, who, 10)
    a_part(db, blobs, upload, b"abc")
    with pytest.raises(InvalidRequest, match="has 1 parts"):
        uploads.require_room(db, upload.id, 1, max_parts=1, max_bytes=100)
    with pytest.raises(InvalidRequest, match="hold 3 bytes already"):
        uploads.require_room(db, upload.id, 8, max_parts=2, max_bytes=10)
    uploads.require_room(db, upload.id, 7, max_parts=2, max_bytes=10)


def test_the_bytes_of_a_deleted_or_expired_file_stay_until_no_job_needs_them(
    db: Database, blobs: Blobs, who: Principal, tmp_path: Path
) -> None:
    deleted = a_file(db, who, blobs)
    expired = a_file(db, who, blobs, expires_at=ids.now() - 1)
    a_file(db, who, blobs, expires_at=ids.now() - 1)  # nobody needs this one
    job = a_job(db, who, training_file=deleted.id, validation_file=expired.id)
    files.delete(db, who.project_id, deleted.id)
    tidy_up(db, blobs, tmp_path)
    assert objects_of(tmp_path) == sorted([deleted.object_key, expired.object_key])
    with db.write() as connection:
        from tunesmith.store.tables import jobs

        connection.execute(update(jobs).where(jobs.c.id == job.id).values(status="cancelled"))
    tidy_up(db, blobs, tmp_path)
    assert objects_of(tmp_path) == []
