"""Stored responses and their conversations, on a database without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from tunesmith import ids
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import keys, responses
from tunesmith.store.database import Database
from tunesmith.store.rows import ResponseRow
from tunesmith.store.tables import projects, response_items

DAY_S = 24 * 3600


@pytest.fixture
def db(tmp_path: Path):
    database = Database.open(f"sqlite:///{tmp_path / 'tunesmith.db'}")
    keys.ensure_first_key(database, "sk-" + "test" * 8)
    yield database
    database.close()


@pytest.fixture
def project(db: Database) -> str:
    with db.read() as connection:
        return connection.execute(select(projects.c.id)).scalars().first()


def add(db: Database, project: str, previous: ResponseRow | None = None, *, lifetime_s: int = DAY_S):
    response_id = ids.new_id("response")
    row = ResponseRow(
        id=response_id,
        project_id=project,
        previous_response_id=previous.id if previous else None,
        root_id=previous.root_id if previous else response_id,
        body={"id": response_id},
        created_at=ids.now(),
        expires_at=ids.now() + lifetime_s,
    )
    given = [{"id": f"msg_in_{response_id}"}]
    responses.insert(db, row, given=given, written=[{"id": f"msg_out_{response_id}"}])
    return row


def items_left(db: Database) -> int:
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(response_items)).scalar_one()


def test_a_conversation_is_read_along_its_own_branch(db: Database, project: str) -> None:
    first = add(db, project)
    left, right = add(db, project, first), add(db, project, first)
    row, items = responses.conversation(db, project, right.id)
    assert row == right
    assert [item["id"] for item in items] == [
        f"msg_{side}_{response.id}" for response in (first, right) for side in ("in", "out")
    ]
    assert [item["id"] for item in responses.read_by(db, project, left.id)] == [
        f"msg_in_{first.id}", f"msg_out_{first.id}", f"msg_in_{left.id}",
    ]  # fmt: skip


def test_another_project_sees_nothing_of_it(db: Database, project: str) -> None:
    row = add(db, project)
    with pytest.raises(NotFound):
        responses.get(db, "proj_other", row.id)
    with pytest.raises(InvalidRequest):
        responses.conversation(db, "proj_other", row.id)
    assert responses.items(db, "proj_other", [f"msg_in_{row.id}"]) == {}
    with pytest.raises(NotFound):
        responses.delete(db, "proj_other", row.id)


def test_a_deleted_response_is_gone_but_later_ones_keep_what_they_were_told(
    db: Database, project: str
) -> None:
    first = add(db, project)
    second = add(db, project, first)
    responses.delete(db, project, first.id)
    with pytest.raises(NotFound):
        responses.get(db, project, first.id)
    with pytest.raises(NotFound):
        responses.delete(db, project, first.id)
    assert responses.items(db, project, [f"msg_in_{first.id}"]) == {}
    assert responses.sweep(db) == 0
    assert len(responses.conversation(db, project, second.id)[1]) == 4
    responses.delete(db, project, second.id)
    assert responses.sweep(db) == 2
    assert items_left(db) == 0


def test_going_on_keeps_the_whole_conversation_alive(db: Database, project: str) -> None:
    first = add(db, project, lifetime_s=-1)
    alone = add(db, project, lifetime_s=-1)
    add(db, project, first, lifetime_s=30 * DAY_S)
    assert responses.get(db, project, first.id).expires_at > ids.now() + 29 * DAY_S
    with pytest.raises(NotFound):
        responses.get(db, project, alone.id)
    assert responses.sweep(db) == 1
    assert items_left(db) == 4


def test_a_deleted_response_does_not_come_back_when_its_conversation_goes_on(
    db: Database, project: str
) -> None:
    first = add(db, project)
    second = add(db, project, first)
    responses.delete(db, project, first.id)
    add(db, project, second, lifetime_s=30 * DAY_S)
    with pytest.raises(NotFound):
        responses.get(db, project, first.id)


def test_a_conversation_with_a_gap_is_refused_rather_than_shortened(db: Database, project: str) -> None:
    first = add(db, project)
    responses.delete(db, project, first.id)
    assert responses.sweep(db) == 1
    late = add(db, project, first)  # its answer was being written meanwhile
    with pytest.raises(InvalidRequest, match="no longer whole") as refusal:
        responses.conversation(db, project, late.id)
    assert refusal.value.code == "previous_response_not_found"
