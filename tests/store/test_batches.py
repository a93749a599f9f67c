"""Rows of batches: states move as the table says, outcomes and counts are one, ends announce and clean up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.factories import other_principal
from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store import batches, files
from tunesmith.store.batches import ALLOWED, LIVE, TERMINAL, Tokens
from tunesmith.store.database import Database
from tunesmith.store.rows import BatchRow, BatchSegmentRow, FileRow, Principal


def a_batch(db: Database, who: Principal, **values: Any) -> BatchRow:
    """A stored batch whose lines are being answered."""
    row = BatchRow(
        **{
            "id": ids.new_id("batch"),
            "project_id": who.project_id,
            "organization_id": who.organization_id,
            "key_id": who.key_id,
            "status": batches.IN_PROGRESS,
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file-input",
            "created_at": ids.now(),
            "expires_at": ids.now() + 86400,
            **values,
        }
    )
    batches.insert(db, row)
    return row


def test_a_batch_comes_back_as_it_went_in(db: Database, who: Principal) -> None:
    row = a_batch(
        db, who, metadata={"a": "b"}, errors=[{"code": "x", "line": 1, "message": "m", "param": None}]
    )
    assert batches.get(db, who.project_id, row.id) == row == batches.find(db, row.id)
    assert batches.list_page(db, who.project_id).rows == [row]


def test_another_projects_batch_is_refused_as_an_absent_one(db: Database, who: Principal) -> None:
    row = a_batch(db, other_principal(db))
    for batch_id in (row.id, "batch_absent"):
        with pytest.raises(NotFound, match=f"No batch found with id '{batch_id}'"):
            batches.get(db, who.project_id, batch_id)
    assert batches.list_page(db, who.project_id).rows == []


@pytest.mark.parametrize("state", sorted(ALLOWED))
def test_a_batch_moves_only_as_the_table_allows_and_notes_when(
    db: Database, who: Principal, state: str
) -> None:
    for to in sorted(set(ALLOWED) - {batches.VALIDATING}):
        row = a_batch(db, who, status=state)
        moved = batches.move(db, row.id, to)
        if to in ALLOWED[state]:
            assert moved is not None
            assert (moved.status, getattr(moved, f"{to}_at")) == (to, pytest.approx(ids.now(), abs=5))
        else:
            assert moved is None
            assert batches.find(db, row.id) == row


def test_what_was_cancelled_meanwhile_is_not_moved_on(db: Database, who: Principal) -> None:
    row = a_batch(db, who)
    batches.move(db, row.id, batches.CANCELLING)
    assert batches.move(db, row.id, batches.FINALIZING, expect={batches.IN_PROGRESS}) is None
    made = FileRow(
        id=ids.new_id("file"),
        project_id=who.project_id,
        filename="output.jsonl",
        purpose="batch_output",
        size_bytes=1,
        sha256="0" * 64,
        created_at=ids.now(),
    )
    ended = batches.finish(db, row.id, batches.EXPIRED, expect=batches.IN_PROGRESS, made=[made])
    assert ended is None
    assert files.find(db, made.id) is None


def test_live_batches_are_all_that_have_not_ended_and_their_input_is_pinned(
    db: Database, who: Principal
) -> None:
    rows = {state: a_batch(db, who, status=state, input_file_id=f"file-{state}") for state in ALLOWED}
    assert {batch.id for batch in batches.live(db)} == {rows[state].id for state in LIVE}
    assert batches.pinned(db) == {f"file-{state}" for state in LIVE}
    assert LIVE.isdisjoint(TERMINAL)


def test_a_batch_of_an_archived_project_is_known_as_one(db: Database, who: Principal) -> None:
    from sqlalchemy import update

    from tunesmith.store.tables import projects

    a_batch(db, who)
    assert [batch.is_archived for batch in batches.live(db)] == [False]
    with db.write() as connection:
        connection.execute(update(projects).values(archived_at=1))
    assert [batch.is_archived for batch in batches.live(db)] == [True]


def test_segments_add_up_in_the_batch_and_go_with_its_end(db: Database, who: Principal) -> None:
    row = a_batch(db, who, n_total=4)
    first = BatchSegmentRow(batch_id=row.id, number=1, lines=[1, 3], n_completed=1, n_failed=1)
    second = BatchSegmentRow(batch_id=row.id, number=2, lines=[2], n_completed=1, n_failed=0)
    batches.add_segment(db, first, Tokens(10, 4, 3, 1))
    batches.add_segment(db, second, Tokens(1, 0, 2, 0))
    assert batches.segments(db, row.id) == [first, second]
    now = batches.get(db, who.project_id, row.id)
    assert (now.n_completed, now.n_failed) == (2, 1)
    assert (now.input_tokens, now.cached_tokens, now.output_tokens, now.reasoning_tokens) == (11, 4, 5, 1)
    ended = batches.finish(db, row.id, batches.EXPIRED, expect=batches.IN_PROGRESS, n_unanswered=1)
    assert ended is not None
    assert (ended.status, ended.n_completed, ended.n_failed) == (batches.EXPIRED, 2, 2)
    assert batches.segments(db, row.id) == []


def test_a_segment_is_written_once(db: Database, who: Principal) -> None:
    from sqlalchemy.exc import IntegrityError

    row = a_batch(db, who, n_total=1)
    segment = BatchSegmentRow(batch_id=row.id, number=1, lines=[1], n_completed=1, n_failed=0)
    batches.add_segment(db, segment, Tokens())
    with pytest.raises(IntegrityError):
        batches.add_segment(db, segment, Tokens())
    assert batches.get(db, who.project_id, row.id).n_completed == 1


def test_an_end_is_announced_in_the_same_transaction(db: Database, who: Principal) -> None:
    from tunesmith.store import webhooks
    from tunesmith.store.rows import WebhookEndpointRow

    endpoint = WebhookEndpointRow(
        id=ids.new_id("webhook_endpoint"),
        project_id=who.project_id,
        name="ends",
        url="https://example.com/hook",
        event_types=["batch.completed", "batch.cancelled"],
        secret="whsec_x",
        created_at=ids.now(),
        updated_at=ids.now(),
    )
    webhooks.add(db, endpoint, at_most=9)
    row = a_batch(db, who, status=batches.FINALIZING)
    with pytest.raises(RuntimeError), db.write() as connection:
        batches.finish(connection, row.id, batches.COMPLETED, expect=batches.FINALIZING)
        raise RuntimeError
    assert webhooks.list_deliveries(db, endpoint.id) == []
    batches.finish(db, row.id, batches.COMPLETED, expect=batches.FINALIZING)
    (delivery,) = webhooks.list_deliveries(db, endpoint.id)
    assert delivery.event_type == "batch.completed"
    assert row.id in delivery.body
