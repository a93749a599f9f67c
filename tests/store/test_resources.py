"""Files, jobs, models, checkpoints, events and keys: round trips, lists, and whose they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.factories import a_file, a_job, job_row, model_row, other_principal
from tunesmith import ids
from tunesmith.errors import InvalidRequest, ModelNotFound, NotFound
from tunesmith.store import checkpoints, events, files, jobs, keys, models
from tunesmith.store.database import Database
from tunesmith.store.rows import CheckpointRow, Principal


def test_a_deleted_file_is_gone_for_its_project_and_stays_findable_for_jobs(
    db: Database, who: Principal
) -> None:
    row = a_file(db, who)
    assert files.get(db, who.project_id, row.id) == row
    assert files.used_bytes(db, who.project_id) == row.size_bytes
    files.delete(db, who.project_id, row.id)
    with pytest.raises(NotFound, match=f"No such File object: {row.id}"):
        files.get(db, who.project_id, row.id)
    with pytest.raises(NotFound):
        files.delete(db, who.project_id, row.id)
    assert files.list_page(db, who.project_id).rows == []
    assert files.find(db, row.id) == row
    assert [hidden.id for hidden in files.hidden(db)] == [row.id]


def test_an_expired_file_is_as_good_as_deleted(db: Database, who: Principal) -> None:
    row = a_file(db, who, expires_at=ids.now() - 1)
    with pytest.raises(NotFound):
        files.get(db, who.project_id, row.id)
    assert [hidden.id for hidden in files.hidden(db)] == [row.id]


def test_a_foreign_object_answers_exactly_like_an_absent_one(db: Database, who: Principal) -> None:
    other = other_principal(db)
    file, job = a_file(db, other), a_job(db, other)
    reads = [
        (lambda id: files.get(db, who.project_id, id), file.id),
        (lambda id: files.delete(db, who.project_id, id), file.id),
        (lambda id: jobs.get(db, who.project_id, id), job.id),
        (lambda id: events.list_page(db, who.project_id, id), job.id),
        (lambda id: checkpoints.list_page(db, who.project_id, id), job.id),
    ]
    for read, foreign in reads:
        bodies = []
        for id in (foreign, "absent"):
            with pytest.raises(NotFound) as raised:
                read(id)
            bodies.append(str(raised.value.body()).replace(id, "ID"))
        assert bodies[0] == bodies[1]
    with pytest.raises(InvalidRequest, match="after is"):
        files.list_page(db, who.project_id, after=file.id)
    with pytest.raises(InvalidRequest, match="after is"):
        jobs.list_page(db, who.project_id, after=job.id)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(0, 12),
    limit=st.integers(1, 5),
    order=st.sampled_from(["asc", "desc"]),
    drop=st.integers(0, 11),
)
def test_pages_together_are_the_whole_list_in_order(
    db: Database, who: Principal, n: int, limit: int, order: str, drop: int
) -> None:
    someone = other_principal(db)
    made = [a_file(db, someone).id for _ in range(n)]
    if drop < n:  # deleting in the middle of paging loses nobody else's place
        files.delete(db, someone.project_id, made[drop])
    expected = [id for index, id in enumerate(made) if index != drop]
    seen: list[str] = []
    after = None
    while True:
        page = files.list_page(db, someone.project_id, after=after, limit=limit, order=order)
        assert len(page.rows) <= limit
        seen += [row.id for row in page.rows]
        if not page.has_more:
            break
        after = seen[-1]
    assert seen == (expected if order == "asc" else expected[::-1])


def test_a_deleted_file_still_serves_as_a_cursor(db: Database, who: Principal) -> None:
    first, second, third = (a_file(db, who).id for _ in range(3))
    files.delete(db, who.project_id, second)
    assert [row.id for row in files.list_page(db, who.project_id, after=second).rows] == [first]
    assert [row.id for row in files.list_page(db, who.project_id, after=second, order="asc").rows] == [third]


def test_files_are_listed_by_purpose(db: Database, who: Principal) -> None:
    result = a_file(db, who, purpose="fine-tune-results")
    a_file(db, who)
    page = files.list_page(db, who.project_id, purpose="fine-tune-results")
    assert [row.id for row in page.rows] == [result.id]


def test_jobs_are_found_by_all_their_metadata(db: Database, who: Principal) -> None:
    both = a_job(db, who, metadata={"team": "a b", "run": ""})
    team = a_job(db, who, metadata={"team": "a b"})
    none = a_job(db, who)

    def found(**query: object) -> list[str]:
        return [row.id for row in jobs.list_page(db, who.project_id, **query).rows]  # type: ignore[arg-type]

    assert found() == [none.id, team.id, both.id]
    assert found(metadata={"team": "a b"}) == [team.id, both.id]
    assert found(metadata={"team": "a b", "run": ""}) == [both.id]
    assert found(metadata={"team": "a"}) == []
    assert found(without_metadata=True) == [none.id]


def test_an_event_told_twice_is_heard_once(db: Database, who: Principal) -> None:
    job = job_row(who)
    jobs.insert(db, job, [events.event(job.id, "created", "first")])
    with db.write() as connection:
        told = [events.event(job.id, "metrics", f"step {n}", step=n, type="metrics") for n in (1, 2, 2)]
        assert events.add(connection, job.id, told) == 2
        again = [events.event(job.id, "metrics", f"again {n}", step=n, type="metrics") for n in (2, 3)]
        assert events.add(connection, job.id, again) == 1
    page = events.list_page(db, who.project_id, job.id, limit=2)
    assert [row.message for row in page.rows] == ["again 3", "step 2"]
    assert page.has_more
    rest = events.list_page(db, who.project_id, job.id, after=page.rows[-1].id)
    assert [row.message for row in rest.rows] == ["step 1", "first"]
    assert [row.step for row in events.of_type(db, job.id, "metrics")] == [1, 2, 3]


def test_a_deleted_model_is_gone_by_name(db: Database, who: Principal) -> None:
    job = a_job(db, who)
    tuned, checkpoint = model_row(who, job.id), model_row(who, job.id, kind="checkpoint")
    for row in (tuned, checkpoint):
        models.insert(db, row)
    assert models.get_by_name(db, who.project_id, tuned.name) == tuned
    assert models.get_by_name(db, other_principal(db).project_id, tuned.name) is None
    assert models.list_all(db, who.project_id) == [tuned]
    assert models.names(db, who.project_id) == [checkpoint.name, tuned.name]
    assert models.delete(db, who.project_id, tuned.name) == tuned
    assert models.get_by_name(db, who.project_id, tuned.name) is None
    with pytest.raises(ModelNotFound):
        models.delete(db, who.project_id, tuned.name)
    assert models.hidden(db) == [tuned]


def test_checkpoints_are_listed_newest_first_and_leave_with_their_model(db: Database, who: Principal) -> None:
    job = a_job(db, who)
    for step in (1, 2):
        model = model_row(who, job.id, kind="checkpoint", step=step)
        models.insert(db, model)
        row = CheckpointRow(
            id=ids.new_id("checkpoint"),
            job_id=job.id,
            model_id=model.id,
            name=model.name,
            step=step,
            metrics={"step": step, "train_loss": 0.5},
            created_at=ids.now(),
        )
        checkpoints.insert(db, row)
    assert [c.step for c in checkpoints.list_page(db, who.project_id, job.id).rows] == [2, 1]
    models.forget(db, row.model_id)
    assert [c.step for c in checkpoints.of_job(db, job.id)] == [1]


def test_a_key_is_recognised_until_it_is_revoked(db: Database, who: Principal) -> None:
    row, secret = keys.create(db, who.project_id, name="ci")
    principal = keys.authenticate(db, secret)
    assert principal == replace(who, key_id=row.id, is_admin=False)
    keys.revoke(db, row.id)
    assert keys.authenticate(db, secret) is None
    assert keys.authenticate(db, "sk-wrong") is None


def test_no_secret_is_kept(db: Database, who: Principal) -> None:
    row, secret = keys.create(db, who.project_id, name="ci")
    assert secret.encode() not in b"".join(p.read_bytes() for p in _files_of(db))
    assert row.hint == secret[-4:]


def test_the_first_key_is_made_once_and_a_given_one_is_taken(db: Database) -> None:
    first = keys.ensure_first_key(db, None)
    assert first is not None and first.startswith("sk-")
    assert keys.ensure_first_key(db, None) is None
    assert keys.ensure_first_key(db, "sk-mine") is None
    assert keys.ensure_first_key(db, "sk-mine") is None
    mine, made = keys.authenticate(db, "sk-mine"), keys.authenticate(db, first)
    assert mine is not None and made is not None
    assert mine.project_id == made.project_id
    assert mine.is_admin and mine.organization_id == "personal"


def test_last_use_is_noted_at_most_once_a_minute(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, secret = keys.create(db, who.project_id, name="ci")
    start = ids.now()
    for after_s in (0, 30, 59, 61):
        monkeypatch.setattr(ids, "now", lambda now=start + after_s: now)
        keys.authenticate(db, secret)
        used = next(k.last_used_at for k in keys.list_page(db, who.project_id).rows if k.id == row.id)
        assert used == start + (61 if after_s == 61 else 0)


def _files_of(db: Database) -> list:
    from pathlib import Path

    folder = Path(str(db.engine.url.database)).parent
    return [path for path in folder.iterdir() if path.is_file()]
