"""Usage as rows: sums are what was added, whatever the buckets and groups."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.factories import a_job, job_row, other_principal
from tunesmith import ids
from tunesmith.store import jobs, projects, usage
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal

NOW = 1_795_000_000
MINUTE = NOW - NOW % 60


def key(who: Principal, minute: int = MINUTE, **values: object) -> usage.Key:
    return usage.Key(
        **{
            "minute": minute,
            "project_id": who.project_id,
            "key_id": who.key_id,
            "model": "nano",
            "operation": "completions",
            "batch": False,
            **values,
        }  # type: ignore[arg-type]
    )


def period(who: Principal, start: int, end: int, width_s: int = 60, *only: str) -> usage.Period:
    return usage.Period(who.organization_id, start, end, width_s, only)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    added=st.lists(
        st.tuples(
            st.integers(0, 300), st.sampled_from(["nano", "big"]), st.booleans(), st.integers(1, 10**9)
        ),
        max_size=12,
    ),
    width_s=st.sampled_from([60, 3600, 86_400]),
    by=st.lists(st.sampled_from(["model", "batch"]), unique=True),
)
def test_a_report_is_the_sum_of_what_was_added(
    db: Database,
    who: Principal,
    added: list[tuple[int, str, bool, int]],
    width_s: int,
    by: list[str],
) -> None:
    mine = projects.create(db, who.organization_id, ids.random_name(12))
    expected: Counter[tuple[int, str | None, bool | None]] = Counter()
    for minutes, model, batch, tokens in added:
        at = MINUTE + 60 * minutes
        where = key(who, at, project_id=mine.id, model=model, batch=batch)
        usage.add(db, {where: usage.Count(1, tokens, 0, 1)})
        group = (at - at % width_s, model if "model" in by else None, batch if "batch" in by else None)
        expected[group] += tokens
    asked = period(who, MINUTE, MINUTE + 60 * 301, width_s, mine.id)
    found = {
        (total.bucket, total.model, total.batch): total.count.input_tokens
        for total in usage.totals(db, asked, by=by)
    }
    assert found == dict(expected)
    assert sum(total.count.requests for total in usage.totals(db, asked)) == len(added)


def test_the_start_is_in_a_report_and_the_end_is_not(db: Database, who: Principal) -> None:
    for minute in (MINUTE - 60, MINUTE, MINUTE + 60):
        usage.add(db, {key(who, minute): usage.Count(requests=1)})
    (total,) = usage.totals(db, period(who, MINUTE, MINUTE + 60))
    assert (total.bucket, total.count.requests) == (MINUTE, 1)


def test_filters_keep_what_they_name(db: Database, who: Principal) -> None:
    other = other_principal(db)
    for where in (
        key(who),
        key(who, model="big"),
        key(who, operation="embeddings"),
        key(who, batch=True),
        key(other),
    ):
        usage.add(db, {where: usage.Count(requests=1)})

    def requests(*only: str, **filters: object) -> int:
        found = usage.totals(db, period(who, MINUTE, MINUTE + 60, 60, *only), **filters)  # type: ignore[arg-type]
        return sum(total.count.requests for total in found)

    assert requests() == 5
    assert requests(other.project_id) == 1
    assert requests(operation="embeddings") == 1
    assert requests(key_ids=[who.key_id]) == 4
    assert requests(models=["big", "absent"]) == 1
    assert requests(batch=True) == 1
    stranger = Principal(key_id="k", project_id="p", organization_id="org-other", is_admin=True)
    assert usage.totals(db, period(stranger, MINUTE, MINUTE + 60)) == []
    assert usage.trained(db, period(stranger, 0, NOW)) == []


def test_training_counts_by_the_jobs_end_however_it_ended(db: Database, who: Principal) -> None:
    for status, trained, device_s in (("succeeded", 100, 2.0), ("cancelled", None, 1.5), ("running", 7, 9.0)):
        finished = NOW if status != "running" else None
        a_job(db, who, status=status, trained_tokens=trained, device_s=device_s, finished_at=finished)
    a_job(db, who, status="failed", model="other", device_s=4.0, finished_at=NOW)
    asked = period(who, NOW, NOW + 1, 86_400)
    (everything,) = usage.trained(db, asked)
    assert (everything.jobs, everything.trained_tokens, everything.device_s) == (3, 100, 7.5)
    assert everything.model is None and everything.project_id is None
    by_model = {sum.model: sum.device_s for sum in usage.trained(db, asked, by=["model"])}
    assert by_model == {"gpt-4o-mini-2024-07-18": 3.5, "other": 4.0}
    assert usage.trained(db, asked, models=["absent"]) == []
    assert usage.trained(db, period(who, NOW + 1, NOW + 2)) == []


def test_time_on_a_device_is_counted_from_write_to_write_and_no_jump_of_the_clock_counts(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(ids, "now_s", lambda: now_s)
    row = job_row(who, status="running", attempt=1, device_until=now_s)
    jobs.insert(db, row)
    for pause_s in (1.5, 0.5, 10_000.0, -500.0, 2.0):
        now_s += pause_s
        jobs.record(db, row.id, 1, running="running")
    found = jobs.find(db, row.id)
    assert found is not None and found.device_s == pytest.approx(4.0)


def test_the_months_tokens_are_known_by_project(db: Database, who: Principal) -> None:
    other = other_principal(db)
    usage.add(db, {key(who): usage.Count(1, 10, 5, 3), key(other): usage.Count(1, 7, 0, 0)})
    usage.add(db, {key(who, MINUTE - 60): usage.Count(1, 100, 0, 0)})
    assert usage.tokens_since(db, MINUTE) == {who.project_id: 13, other.project_id: 7}
