"""The arithmetic of limits, on a clock that the test turns."""

from __future__ import annotations

import math
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.api.rate_limits import Bucket, Limiter, Ticket, current, duration
from tunesmith.errors import RateLimited
from tunesmith.settings import Settings
from tunesmith.store import usage
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal, RateLimitRow


class Clock:
    """Time that passes when it is told to."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@given(
    limit=st.integers(1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 50)), max_size=60),
)
def test_no_minute_sees_more_than_a_full_bucket_and_what_drained_from_it(
    limit: int, steps: list[tuple[float, int]]
) -> None:
    bucket, now_s = Bucket(limit, 0.0), 0.0
    taken: list[tuple[float, int]] = []
    for pause_s, amount in steps:
        now_s += pause_s
        wait_s = bucket.wait_s(amount, now_s)
        assert math.isinf(wait_s) == (amount > limit)
        if wait_s == 0:
            bucket.take(amount, now_s)
            taken.append((now_s, amount))
        elif amount <= limit:  # and after the wait there is room
            assert bucket.wait_s(amount, now_s + wait_s + 1e-6) == 0
            now_s += wait_s + 1e-6
    for start, _ in taken:
        for end, _ in taken:
            if start <= end:
                within = sum(amount for at, amount in taken if start <= at <= end)
                assert within <= limit * (1 + (end - start) / 60) + 1e-3


@given(amounts=st.lists(st.integers(1, 9), max_size=40))
def test_what_is_given_back_can_be_taken_again(amounts: list[int]) -> None:
    bucket = Bucket(10, 0.0)
    for amount in amounts:
        assert bucket.wait_s(amount, 0.0) == 0
        bucket.take(amount, 0.0)
        bucket.take(-amount, 0.0)
    assert bucket.used(0.0) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.644, "644ms"),
        (0.9999, "1s"),
        (9.816, "9.816s"),
        (20, "20s"),
        (360, "6m0s"),
        (61.5, "1m1.5s"),
        (3661, "1h1m1s"),
    ],
)
def test_a_time_is_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def admit(limiter: Limiter, who: Principal, tokens: int, *, internal: bool = False) -> Ticket:
    ticket = Ticket(limiter, internal=internal)
    limiter.admit(ticket, who, "nano", tokens)
    return ticket


def test_a_refusal_takes_nothing(db: Database, who: Principal) -> None:
    clock = Clock()
    limiter = Limiter(db, Settings(requests_per_minute=2, tokens_per_minute=100), clock=clock)
    with pytest.raises(RateLimited, match="too large"):
        admit(limiter, who, 101)
    admit(limiter, who, 60)
    with pytest.raises(RateLimited, match="Limit 100, Used 60, Requested 60. Please try again in 12s"):
        admit(limiter, who, 60)
    admit(limiter, who, 40)
    with pytest.raises(RateLimited, match="requests per min"):
        admit(limiter, who, 0)
    clock.now_s += 30
    admit(limiter, who, 50)


def test_a_batch_counts_for_the_month_and_not_for_the_minute(db: Database, who: Principal) -> None:
    limiter = Limiter(db, Settings(requests_per_minute=0, tokens_per_minute=0, monthly_tokens=100))
    ticket = admit(limiter, who, 80, internal=True)
    with pytest.raises(RateLimited, match="has used 80 of them"):
        admit(limiter, who, 30, internal=True)
    limiter.settle(ticket, who.project_id, 10)
    ticket = admit(limiter, who, 90, internal=True)
    limiter.settle(ticket, who.project_id, 90)
    with pytest.raises(RateLimited) as refusal:
        admit(limiter, who, 0, internal=True)
    assert refusal.value.code == refusal.value.type == "insufficient_quota"


def test_the_months_use_is_known_after_a_restart_and_forgotten_with_the_month(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    november = 1_795_000_000  # 2026-11-18
    december = 1_796_200_000  # 2026-12-02
    key = usage.Key(november - november % 60, who.project_id, who.key_id, "nano", "completions", False)
    usage.add(db, {key: usage.Count(1, 60, 0, 40)})
    monkeypatch.setattr("time.time", lambda: november + 5)
    limiter = Limiter(db, Settings(monthly_tokens=100))
    with pytest.raises(RateLimited, match="begins on 2026-12-01"):
        admit(limiter, who, 1)
    monkeypatch.setattr("time.time", lambda: december)
    admit(limiter, who, 100)


def test_a_clock_that_jumps_ahead_and_back_forgets_nothing_of_the_month(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    november, december = 1_795_000_000, 1_796_200_000
    monkeypatch.setattr("time.time", lambda: november)
    limiter = Limiter(db, Settings(monthly_tokens=100))
    limiter.settle(admit(limiter, who, 60), who.project_id, 60)
    monkeypatch.setattr("time.time", lambda: december)
    limiter.settle(admit(limiter, who, 100), who.project_id, 100)
    monkeypatch.setattr("time.time", lambda: november + 5)
    with pytest.raises(RateLimited, match="has used 60 of them"):
        admit(limiter, who, 50)
    limiter.settle(admit(limiter, who, 40), who.project_id, 40)


def test_a_limit_that_changes_counts_from_the_next_request_on(db: Database, who: Principal) -> None:
    clock = Clock()
    limiter = Limiter(db, Settings(requests_per_minute=3), clock=clock)
    for _ in range(3):
        admit(limiter, who, 1)
    limiter.changed(RateLimitRow(project_id=who.project_id, model="nano", requests_per_minute=4))
    admit(limiter, who, 1)
    with pytest.raises(RateLimited, match="Limit 4, Used 4"):
        admit(limiter, who, 1)


def test_admission_costs_microseconds(db: Database, who: Principal) -> None:
    limiter = Limiter(db, Settings(requests_per_minute=10**9))

    def once() -> None:
        ticket = admit(limiter, who, 100)
        assert ticket.pair is not None
        limiter.headers(ticket.pair)
        limiter.settle(ticket, who.project_id, 50)

    assert min(timeit.repeat(once, number=100, repeat=5)) / 100 < 200e-6
    assert current.get() is None
