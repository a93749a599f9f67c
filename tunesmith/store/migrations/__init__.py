"""Brings a database to the newest schema, once, in one transaction, with a backup before.

Alembic runs the steps in `versions/`; it is imported only when there is a step to run, because every
server and worker start passes here.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from tunesmith.errors import CannotStart
from tunesmith.store.growing import sync_folder

_HERE = Path(__file__).parent


def revisions() -> list[str]:
    """All revisions that this Tunesmith knows, oldest first: the numbers of `versions/m0001_….py`."""
    return sorted(path.name[1:5] for path in (_HERE / "versions").glob("m[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> None:
    """Upgrades to the newest revision.

    Raises CannotStart for a database of a newer Tunesmith, and for one that cannot be copied before.
    """
    known = revisions()
    with engine.connect() as connection:
        found = current(connection)
    if found == known[-1]:
        return
    if found is not None:
        if found not in known:
            raise CannotStart(
                f"The database has schema {found}, this Tunesmith knows up to {known[-1]}: it was "
                "written by a "
                "newer version. Install that version, or start on another data folder."
            )
        _back_up(engine, found)
    with (
        engine.connect().execution_options(tunesmith_begin="BEGIN IMMEDIATE") as connection,
        connection.begin(),
    ):
        if current(connection) != known[-1]:  # another process may have been faster
            _upgrade(connection)


def _upgrade(connection: Connection, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _back_up(engine: Engine, found: str) -> None:
    """Copies an embedded database beside itself, whole or not at all; a server database has its own backups.

    Raises CannotStart where there is no room.
    """
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database:
        return
    copy = Path(f"{database}.schema-{found}")
    if copy.exists():
        return
    growing = copy.with_name(f"{copy.name}.{secrets.token_hex(8)}.part")
    connection = engine.raw_connection()  # VACUUM runs outside of transactions, which SQLAlchemy begins
    try:
        connection.cursor().execute("VACUUM INTO ?", (str(growing),))
        with open(growing, "rb") as file:
            os.fsync(file.fileno())
        growing.rename(copy)
        sync_folder(copy.parent)
    except (sqlite3.Error, OSError) as error:
        raise CannotStart(
            f"The database {database} cannot be copied to {copy}, as is done before an upgrade: {error}. "
            "Check that its folder is writable and has room for a second copy."
        ) from error
    finally:
        connection.close()
        for left in copy.parent.glob(f"{copy.name}.*.part"):  # of a start that was cut, or of this one
            left.unlink(missing_ok=True)
