"""A database with one project and its key, for what the API room keeps in memory beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A database of its own, newly made."""
    database = Database.open(f"sqlite:///{tmp_path / 'tunesmith.db'}")
    yield database
    database.close()


@pytest.fixture
def who(db: Database) -> Principal:
    """The holder of the first key."""
    secret = keys.ensure_first_key(db, None)
    assert secret is not None
    principal = keys.authenticate(db, secret)
    assert principal is not None
    return principal
