"""Rows of stored completions: another project sees none of them, and old ones go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.factories import other_principal, principal_of
from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store import stored_completions
from tunesmith.store.database import Database
from tunesmith.store.rows import StoredCompletionRow


def completion(project_id: str) -> StoredCompletionRow:
    return StoredCompletionRow(
        id=ids.new_id("chat"),
        project_id=project_id,
        model="nano",
        body={"choices": []},
        request={},
        messages=[{"role": "user", "content": "Hello"}],
        metadata={"a": "b"},
        created_at=ids.now(),
    )


def test_a_foreign_completion_is_as_good_as_absent(db: Database) -> None:
    mine, theirs = principal_of(db).project_id, other_principal(db).project_id
    row = completion(mine)
    stored_completions.insert(db, row)
    assert stored_completions.get(db, mine, row.id) == row
    for call in (
        lambda: stored_completions.get(db, theirs, row.id),
        lambda: stored_completions.set_metadata(db, theirs, row.id, None),
        lambda: stored_completions.delete(db, theirs, row.id),
    ):
        with pytest.raises(NotFound):
            call()
    assert not stored_completions.list_page(db, theirs).rows


def test_what_is_too_old_is_hidden_and_swept(db: Database) -> None:
    project_id = principal_of(db).project_id
    young = completion(project_id)
    old = replace(completion(project_id), created_at=ids.now() - stored_completions.LIFETIME_S - 1)
    for row in (young, old):
        stored_completions.insert(db, row)
    assert [row.id for row in stored_completions.list_page(db, project_id).rows] == [young.id]
    stored_completions.sweep(db)
    with db.read() as connection:
        left = connection.exec_driver_sql("SELECT completion_id FROM stored_completion_metadata").scalars()
        assert list(left) == [young.id]
    assert stored_completions.get(db, project_id, young.id) == young
