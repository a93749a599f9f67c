"""Opening, migrating and writing: what is committed stays, what is not never was."""

from __future__ import annotations

import errno
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from tests.store.factories import a_job
from tunesmith.errors import CannotStart, StoreBusy
from tunesmith.store import database, jobs, migrations
from tunesmith.store import projects as project_rows
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal
from tunesmith.store.tables import metadata, projects


def test_a_migrated_database_is_what_the_tables_say(db: Database) -> None:
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_of_a_newer_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tunesmith.db'}"
    db = Database.open(url)
    with db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.close()
    with pytest.raises(CannotStart, match="schema 9999.*newer version"):
        Database.open(url)


def test_what_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "tunesmith.db").write_bytes(b"a poem, not a database" * 100)
    with pytest.raises(CannotStart, match=r"tunesmith\.db cannot be opened"):
        Database.open(f"sqlite:///{tmp_path / 'tunesmith.db'}")


def test_two_threads_may_open_and_migrate_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tunesmith.db'}"
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Database.open(url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_write_that_raises_leaves_nothing(db: Database, who: Principal) -> None:
    with pytest.raises(RuntimeError), db.write() as connection:
        connection.execute(text("DELETE FROM keys"))
        raise RuntimeError
    with db.read() as connection:
        assert connection.execute(select(text("count(*)")).select_from(text("keys"))).scalar() == 1


def test_foreign_keys_are_kept(db: Database, who: Principal) -> None:
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError):
        a_job(db, Principal(key_id="k", project_id="proj_none", organization_id="personal", is_admin=False))


def test_a_reader_is_not_held_up_by_a_writer(db: Database, who: Principal) -> None:
    with db.write() as connection:
        connection.execute(text("UPDATE projects SET name = 'other'"))
        with db.read() as reader:
            assert reader.execute(select(projects.c.name)).scalar() == "default"


def test_a_database_that_stays_locked_answers_that_it_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    db = Database.open(f"sqlite:///{tmp_path / 'tunesmith.db'}")
    other = sqlite3.connect(tmp_path / "tunesmith.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy) as raised, db.write():
        pass
    assert raised.value.status == 503
    assert raised.value.headers == {"Retry-After": "1"}
    other.execute("ROLLBACK")
    other.close()
    with db.write():  # and goes on as if nothing had been
        pass
    db.close()


def test_a_migration_keeps_a_copy_of_the_database_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, newest = of_an_older_version(tmp_path, monkeypatch)
    Database.open(url).close()
    copy = sqlite3.connect(tmp_path / f"tunesmith.db.schema-{newest}")
    assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (newest,)
    copy.close()


def test_without_room_for_the_copy_there_is_no_migration_and_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, newest = of_an_older_version(tmp_path, monkeypatch)
    copy = tmp_path / f"tunesmith.db.schema-{newest}"
    (tmp_path / f"{copy.name}.0.part").write_bytes(b"of a start that was cut")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(migrations.os, "fsync", full)
        with pytest.raises(CannotStart, match="has room for a second copy"):
            Database.open(url)
    assert not copy.exists()
    Database.open(url).close()
    whole = sqlite3.connect(copy)
    assert whole.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    whole.close()
    assert list(tmp_path.glob("*.part")) == []


def test_a_copy_that_sqlite_cannot_make_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, newest = of_an_older_version(tmp_path, monkeypatch)
    monkeypatch.setattr(migrations.secrets, "token_hex", lambda _: "taken")
    (tmp_path / f"tunesmith.db.schema-{newest}.taken.part").write_bytes(b"x" * 9000)
    with pytest.raises(CannotStart, match="cannot be copied"):
        Database.open(url)


def of_an_older_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A database that the next `open` migrates, and its revision."""
    url = f"sqlite:///{folder / 'tunesmith.db'}"
    Database.open(url).close()
    newest = migrations.revisions()[-1]
    monkeypatch.setattr(migrations, "revisions", lambda: [newest, "9999"])
    monkeypatch.setattr(migrations, "_upgrade", lambda connection: None)
    return url, newest


def test_projects_of_an_older_schema_keep_their_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tunesmith.db'}"
    engine = database._engine_for_sqlite(url)
    with engine.connect() as connection, connection.begin():
        migrations._upgrade(connection, "0010")
        connection.execute(text("INSERT INTO organizations VALUES ('personal', 1)"))
        made = (
            "INSERT INTO projects (id, organization_id, name, created_at) VALUES (:id, 'personal', :id, :at)"
        )
        for project_id, at in (("proj_b", 7), ("proj_c", 5), ("proj_a", 7)):
            connection.execute(text(made), {"id": project_id, "at": at})
    engine.dispose()
    db = Database.open(url)
    newest = project_rows.create(db, "personal", "newest").id
    found = [row.id for row in project_rows.list_page(db, "personal").rows]
    db.close()
    assert found == ["proj_c", "proj_a", "proj_b", newest]


def test_a_job_survives_closing_and_opening(tmp_path: Path) -> None:
    from tests.store.factories import principal_of

    url = f"sqlite:///{tmp_path / 'tunesmith.db'}"
    db = Database.open(url)
    who = principal_of(db)
    row = a_job(db, who, metadata={"a": "b"}, result_files=["file-1"])
    db.close()
    again = Database.open(url)
    assert jobs.get(again, who.project_id, row.id) == row
    again.close()
