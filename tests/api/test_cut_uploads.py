"""A key that ends while the row of what it sends is written: a row and its bytes are there together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tunesmith.api.app import create_app
from tunesmith.api.office import Office
from tunesmith.settings import Settings
from tunesmith.store import files, keys, uploads
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal

PATIENCE_S = 60


class Held:
    """A function that begins, and goes on when it may."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real
        self.begun, self.may_go_on, self.ended = (threading.Event() for _ in range(3))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.begun.set()
        self.may_go_on.wait(PATIENCE_S)
        try:
            return self._real(*arguments, **named)
        finally:
            self.ended.set()


async def cut_off(app: Any, held: Held, key_id: str, sending: Any) -> httpx2.Response:
    """The answer to a request whose key ends while `held` is at work; `held` goes on after that."""
    answer = asyncio.ensure_future(sending)
    await asyncio.to_thread(held.begun.wait, PATIENCE_S)
    app.state.doorkeeper.end(lambda principal: principal.key_id == key_id, "This API key has been revoked.")
    response = await answer
    held.may_go_on.set()
    await asyncio.to_thread(held.ended.wait, PATIENCE_S)
    return response


def test_a_file_that_was_cut_off_has_its_bytes_if_it_has_a_row(
    db: Database, who: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(files.insert)
    monkeypatch.setattr(files, "insert", held)
    office = Office(settings=Settings(data=tmp_path), db=db, blobs=Blobs((tmp_path / "objects").as_uri()))
    row, secret = keys.create(db, who.project_id, name="k")

    async def story() -> None:
        app = create_app(office)
        async with client_of(app, secret) as client:
            sending = client.post("/files", data={"purpose": "user_data"}, files={"file": ("a", b"abc")})
            assert (await cut_off(app, held, row.id, sending)).status_code == 401

    asyncio.run(story())
    [file] = files.list_page(db, who.project_id).rows
    assert office.blobs.get(file.object_key) == b"abc"


def test_a_part_that_was_cut_off_has_its_bytes_if_it_has_a_row(
    db: Database, who: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(uploads.add_part)
    monkeypatch.setattr(uploads, "add_part", held)
    office = Office(settings=Settings(data=tmp_path), db=db, blobs=Blobs((tmp_path / "objects").as_uri()))
    row, secret = keys.create(db, who.project_id, name="k")

    async def story() -> str:
        app = create_app(office)
        async with client_of(app, secret) as client:
            asked = {"bytes": 3, "filename": "a.txt", "mime_type": "text/plain", "purpose": "user_data"}
            upload_id: str = (await client.post("/uploads", json=asked)).json()["id"]
            sending = client.post(f"/uploads/{upload_id}/parts", files={"data": ("a", b"abc")})
            assert (await cut_off(app, held, row.id, sending)).status_code == 401
        return upload_id

    [part] = uploads.parts(db, asyncio.run(story())).values()
    assert office.blobs.get(part.object_key) == b"abc"


def client_of(app: Any, secret: str) -> httpx2.AsyncClient:
    """A client of the application itself."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://tests/v1",
        headers={"authorization": f"Bearer {secret}"},
    )
