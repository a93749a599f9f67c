"""The database: opens it, migrates it, and hands out connections for reading and for writing.

All that is particular to SQLite stands in `_engine_for_sqlite`; the rest is portable SQL. A write transaction
takes the write lock at its start, so it never fails half way because of another writer: waiting happens
before the first statement, with bounded retries.
"""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from tunesmith.errors import CannotStart, StorageFull, StoreBusy
from tunesmith.store.migrations import migrate

#: Seconds that SQLite itself waits for the write lock, per try.
BUSY_TIMEOUT_S = 5.0
#: Tries of beginning a write before the caller gets StoreBusy.
BEGIN_TRIES = 3


class Database:
    """A migrated database. Threads share it; processes open it each for themselves."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Database:
        """Opens and migrates.

        Raises CannotStart when the database cannot be opened, or was written by a newer Tunesmith.
        """
        if make_url(url).get_backend_name() == "sqlite":
            engine = _engine_for_sqlite(url)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        try:
            migrate(engine)
        except DBAPIError as error:
            raise CannotStart(
                f"The database {make_url(url).render_as_string()} cannot be opened: {error.orig}. "
                "Check that its folder exists, is writable and has room."
            ) from error
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state; changes are thrown away."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, wait_s: float | None = None) -> Iterator[Connection]:
        """A transaction that holds the write lock; commits at the end, or nothing of it happened.

        With `wait_s` there is one try, which waits so long for another writer of SQLite. Raises StoreBusy
        when the lock cannot be had, StorageFull when the disk is full.
        """
        with _translated():
            connection = self._begin(wait_s)
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                connection.close()

    def _begin(self, wait_s: float | None) -> Connection:
        options: dict[str, Any] = {"tunesmith_begin": "BEGIN IMMEDIATE"}
        if wait_s is not None:
            options["tunesmith_wait_s"] = wait_s
        for remaining in reversed(range(BEGIN_TRIES if wait_s is None else 1)):
            connection = self.engine.connect().execution_options(**options)
            try:
                connection.begin()
                return connection
            except OperationalError as error:
                connection.close()
                if not _is_busy(error) or not remaining:
                    raise
                time.sleep(random.uniform(0.01, 0.1))
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Closes the pooled connections."""
        self.engine.dispose()


Where = Database | Connection


def reading(where: Where) -> AbstractContextManager[Connection]:
    """A read connection of a Database, or the connection itself."""
    return where.read() if isinstance(where, Database) else nullcontext(where)


def writing(where: Where) -> AbstractContextManager[Connection]:
    """A write transaction of a Database, or the running one itself."""
    return where.write() if isinstance(where, Database) else nullcontext(where)


def _engine_for_sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        pool_size=8,
        max_overflow=56,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where sqlite3 guesses
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # an acknowledged commit outlives a power cut
            "foreign_keys = ON",
            "wal_autocheckpoint = 1000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        wait_s = options.get("tunesmith_wait_s", BUSY_TIMEOUT_S)
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(wait_s * 1000)}")
        connection.exec_driver_sql(options.get("tunesmith_begin", "BEGIN"))

    return engine


def _is_busy(error: DBAPIError) -> bool:
    text = str(error.orig)
    return "locked" in text or "busy" in text or error.connection_invalidated


@contextmanager
def _translated() -> Iterator[None]:
    """Turns the driver's words for "busy" and "full" into ours."""
    try:
        yield
    except DBAPIError as error:
        text = str(error.orig)
        if "disk is full" in text or getattr(error.orig, "errno", None) == errno.ENOSPC:
            raise StorageFull("The disk that holds the database is full; make room and try again.") from error
        if isinstance(error, OperationalError) and _is_busy(error):
            raise StoreBusy("The database is busy; try again in a moment.") from error
        raise
