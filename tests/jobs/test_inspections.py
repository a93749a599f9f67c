"""Looks at files: once for all who ask, in a process where they are large, and gone with the file."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from tests.store.factories import a_file, principal_of
from tunesmith.data.base import Base, read_base
from tunesmith.data.jsonl import JudgedLine
from tunesmith.jobs import inspections as module
from tunesmith.jobs.inspecting import Compare, Inspect, Progress, as_json, from_json, inspected, shared
from tunesmith.jobs.inspections import InspectionFailed, Inspections
from tunesmith.jobs.measuring import Measurers
from tunesmith.jobs.sweep import sweep
from tunesmith.settings import NANO, Settings
from tunesmith.store import files
from tunesmith.store.blobs import Blobs, ObjectMissing
from tunesmith.store.database import Database
from tunesmith.store.rows import FileRow

ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}


@pytest.fixture(scope="module")
def base() -> Base:
    return read_base(NANO)


@pytest.fixture
def looks(settings: Settings, blobs: Blobs) -> Inspections:
    return Inspections(blobs, settings.objects_url)


def stored(db: Database, blobs: Blobs, n_rows: int = 12) -> FileRow:
    data = b"".join(json.dumps(ROW).encode() + b"\n" for _ in range(n_rows))
    return a_file(db, principal_of(db), blobs, data)


def until_done(looks: Inspections, task: Inspect | Compare) -> None:
    deadline = time.monotonic() + 60
    while looks.ask(task) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("in_thread_bytes", [10**9, 0], ids=["thread", "process"])
def test_a_file_is_looked_at_once(
    db: Database,
    blobs: Blobs,
    base: Base,
    looks: Inspections,
    monkeypatch: pytest.MonkeyPatch,
    in_thread_bytes: int,
) -> None:
    monkeypatch.setattr(module, "IN_THREAD_BYTES", in_thread_bytes)
    task = Inspect.of(stored(db, blobs), base)
    assert inspected(blobs, task) is None
    until_done(looks, task)
    found = inspected(blobs, task)
    assert found is not None and found.summary.tokens is not None and found.repeats is not None
    assert found.summary.n_lines == found.summary.tokens.n_rows == 12
    assert (found.repeats.n_groups, found.repeats.n_rows) == (1, 11)
    assert Inspections(blobs, "unused").ask(task) is None, "another server finds it done"
    both = Compare(task, task)
    until_done(looks, both)
    assert shared(blobs, both).n_rows == 12


def test_what_is_found_goes_with_the_file(
    db: Database, blobs: Blobs, base: Base, looks: Inspections, settings: Settings, tmp_path: Path
) -> None:
    file = stored(db, blobs)
    task = Inspect.of(file, base)
    until_done(looks, task)
    for name in ("file-lost", "file-new"):
        blobs.put(f"reports/{name}/x/report", b"{}")
    [lost] = (settings.data / "objects").glob("reports/file-lost/x/report")
    os.utime(lost, (0, 0))
    files.delete(db, file.project_id, file.id)
    sweep(db, blobs, adapters=tmp_path / "adapters", work=tmp_path / "work")
    assert inspected(blobs, task) is None
    assert [name for name, _ in blobs.folders("reports")] == ["file-new"], "its file may just have been made"


def test_a_look_at_a_deleted_file_ends(db: Database, blobs: Blobs, base: Base) -> None:
    file = stored(db, blobs)
    task = Inspect.of(file, base)
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        blobs.delete(file.object_key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunesmith.jobs.inspecting.TOLD_EVERY_S", 0.0)
        with pytest.raises(ObjectMissing):
            task.run(blobs, tell)
    assert [progress.phase for progress in told] == ["counting"]
    assert inspected(blobs, task) is None


def test_a_look_that_fails_says_so_and_is_tried_again_later(
    db: Database, blobs: Blobs, base: Base, looks: Inspections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inspect, "run", lambda *_: 1 / 0)
    task = Inspect.of(stored(db, blobs), base)
    with pytest.raises(InspectionFailed):
        until_done(looks, task)
    monkeypatch.undo()
    monkeypatch.setattr(module, "FAILED_FOR_S", 0.0)
    until_done(looks, task)
    assert inspected(blobs, task) is not None


def test_several_processes_count_what_one_counts(db: Database, blobs: Blobs, base: Base) -> None:
    lines = [json.dumps(ROW).encode(), b"[]", json.dumps({**ROW, "x": 1}).encode(), b""]
    data = b"\n".join(lines * 60 + [json.dumps(ROW).encode()] * 100)
    task = Inspect.of(a_file(db, principal_of(db), blobs, data), base)
    found = []
    for n_processes in (1, 2):
        task.run(blobs, lambda _: None, n_processes)
        found.append((inspected(blobs, task), blobs.get(f"{task.prefix}/rows")))
    assert found[0] == found[1] and found[0][0] is not None


def test_a_count_whose_process_dies_fails_and_waits_for_nobody(base: Base) -> None:
    lines = [JudgedLine(n, 0, 60, ROW) for n in range(1, 1000)]
    with Measurers(base.path, base.context_length, 2) as measured:
        counted = measured(lines)
        next(counted)
        for child in multiprocessing.active_children():
            child.kill()
        with pytest.raises(BrokenProcessPool):
            list(counted)


def test_tasks_travel_as_text(db: Database, blobs: Blobs, base: Base) -> None:
    task = Inspect.of(stored(db, blobs), base)
    for one in (task, Compare(task, task)):
        assert from_json(as_json(one)) == one
