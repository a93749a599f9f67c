"""A project's keys while somebody else takes them away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tunesmith.api.app import create_app
from tunesmith.api.office import Office
from tunesmith.settings import Settings
from tunesmith.store import keys, service_accounts
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import KeyRow, Page, Principal


def test_a_list_of_keys_stands_while_one_of_their_owners_is_deleted(
    db: Database, who: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = keys.create(db, who.project_id, name="admin", is_admin=True)
    account = service_accounts.create(db, who.project_id, name="s", role="member")
    keys.create(db, who.project_id, name="k", service_account_id=account.id)
    list_page = keys.list_page

    def then_deleted(*arguments: Any, **named: Any) -> Page[KeyRow]:
        page = list_page(*arguments, **named)
        service_accounts.delete(db, who.project_id, account.id)
        return page

    monkeypatch.setattr(keys, "list_page", then_deleted)
    office = Office(settings=Settings(data=tmp_path), db=db, blobs=Blobs((tmp_path / "objects").as_uri()))

    async def ask() -> httpx2.Response:
        asking = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(create_app(office)), base_url="http://tests/v1"
        )
        async with asking:
            path = f"/organization/projects/{who.project_id}/api_keys"
            return await asking.get(path, headers={"authorization": f"Bearer {admin}"})

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    [key] = answer.json()["data"]
    assert key["owner"]["service_account"]["id"] == account.id
