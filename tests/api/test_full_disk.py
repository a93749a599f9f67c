"""What a full disk or somebody else's write must not hold up: notes on the side of what was asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.store.factories import a_file
from tunesmith.api.files.inspected import known
from tunesmith.api.office import Office
from tunesmith.data.base import read_base
from tunesmith.errors import StorageFull
from tunesmith.jobs.inspecting import Inspect
from tunesmith.settings import NANO, Settings
from tunesmith.store import file_facts, keys
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal
from tunesmith.store.tables import keys as key_table


@contextmanager
def no_room(**_: object) -> Iterator[None]:
    """A transaction of a database whose disk is full."""
    raise StorageFull("no room")
    yield


def a_key(db: Database, who: Principal) -> str:
    """The secret of a key that was never used: its next use is noted."""
    return keys.create(db, who.project_id, name="k")[1]


def test_a_full_disk_turns_no_key_away(db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = a_key(db, who)
    monkeypatch.setattr(db, "write", no_room)
    assert keys.authenticate(db, secret) is not None


def test_a_key_does_not_wait_for_somebody_elses_write(db: Database, who: Principal, tmp_path: Path) -> None:
    secret = a_key(db, who)
    other = sqlite3.connect(tmp_path / "tunesmith.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert keys.authenticate(db, secret) is not None
    other.execute("ROLLBACK")
    other.close()
    keys.authenticate(db, secret)
    with db.read() as connection:
        used = connection.execute(key_table.select().where(key_table.c.name == "k")).one()
    assert used.last_used_at is not None, "the next time it is noted"


def test_a_full_disk_hides_no_report(
    db: Database, who: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs((tmp_path / "objects").as_uri())
    office = Office(settings=Settings(data=tmp_path), db=db, blobs=blobs)
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    task = Inspect.of(a_file(db, who, blobs, json.dumps(row).encode()), read_base(NANO))
    task.run(blobs, lambda _: None)
    with monkeypatch.context() as patch:
        patch.setattr(db, "write", no_room)
        assert known(office, task) is not None
    known(office, task)
    assert list(file_facts.known(db, [task.file_id], task.look)) == [task.file_id]
