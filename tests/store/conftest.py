"""A fresh database, object store and project for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.factories import principal_of
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database to copy: migrating is tested once, not paid for by each test."""
    path = tmp_path_factory.mktemp("migrated") / "tunesmith.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def db(tmp_path: Path, migrated: Path) -> Iterator[Database]:
    shutil.copy(migrated, tmp_path)
    database = Database.open(f"sqlite:///{tmp_path / 'tunesmith.db'}")
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "objects").as_uri())


@pytest.fixture
def who(db: Database) -> Principal:
    return principal_of(db)
