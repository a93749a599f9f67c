"""A fresh office for each test: database, objects, project; the nano base's catalog is read once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.office import Office
from tests.store.factories import principal_of
from tunesmith.data.base import Catalog
from tunesmith.jobs import scheduler as scheduler_module
from tunesmith.settings import NANO, Settings
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, lease_s=15, trainer_threads=1)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database to copy: migrating is tested once, not paid for by each test."""
    path = tmp_path_factory.mktemp("migrated") / "tunesmith.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def db(settings: Settings, migrated: Path) -> Iterator[Database]:
    shutil.copy(migrated, settings.data)
    database = Database.open(settings.database_url)
    yield database
    database.close()


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.objects_url)


@pytest.fixture
def who(db: Database) -> Principal:
    return principal_of(db)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.open([NANO], {"my-model": "nano"})


@pytest.fixture
def office(
    db: Database,
    blobs: Blobs,
    catalog: Catalog,
    who: Principal,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    monkeypatch.setattr(scheduler_module, "BACKOFF_S", (0.0,))
    monkeypatch.setattr(scheduler_module, "CANCEL_GRACE_S", 0.5)
    monkeypatch.setattr(scheduler_module, "TICK_S", 0.05)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]))
    office = Office(db, blobs, catalog, who, settings)
    yield office
    office.stop()
