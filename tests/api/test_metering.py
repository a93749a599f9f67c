"""The meter: what is counted is written soon, once, and kept while the database is away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from tunesmith.api import metering
from tunesmith.api.metering import Meter, Served
from tunesmith.errors import StoreBusy
from tunesmith.store import usage
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


def written(db: Database, who: Principal) -> usage.Count:
    found = usage.totals(db, usage.Period(who.organization_id, 0, 2**40, 86_400))
    total = usage.Count()
    for one in found:
        total = total + one.count
    return total


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


SERVED = Served("completions", "nano", lambda: (10, 4, 5))


def test_counts_are_added_up_and_written_within_the_interval(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "FLUSH_EVERY_S", 0.02)
    writes: list[int] = []
    add = usage.add
    monkeypatch.setattr(usage, "add", lambda db, counts: (writes.append(len(counts)), add(db, counts)))

    async def story() -> None:
        meter = Meter(db)
        for _ in range(100):
            assert meter.count(who, SERVED, batch=False) == 15
        await until(lambda: written(db, who) == usage.Count(100, 1000, 400, 500))
        assert sum(writes) <= 2, "one row, or two over a minute's end"
        meter.count(who, SERVED, batch=False)
        await until(lambda: written(db, who).requests == 101)

    asyncio.run(story())


def test_closing_writes_the_rest_at_once(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "FLUSH_EVERY_S", 1000)

    async def story() -> None:
        meter = Meter(db)
        meter.count(who, SERVED, batch=True)
        await asyncio.sleep(0)
        await asyncio.wait_for(meter.close(), 60)

    asyncio.run(story())
    assert written(db, who).requests == 1


def test_what_cannot_be_written_now_is_written_later_and_once(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = usage.add

    def busy(*_: object) -> None:
        raise StoreBusy("The database is busy.")

    async def story() -> None:
        meter = Meter(db)
        meter.count(who, SERVED, batch=False)
        monkeypatch.setattr(usage, "add", busy)
        await meter.flush()
        meter.count(who, SERVED, batch=False)
        monkeypatch.setattr(usage, "add", add)
        await meter.close()

    asyncio.run(story())
    assert written(db, who) == usage.Count(2, 20, 8, 10)


def test_who_asks_for_the_counts_waits_for_a_write_under_way(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = usage.add
    writing = threading.Event()

    def slow(*arguments) -> None:
        writing.set()
        time.sleep(0.2)
        add(*arguments)

    monkeypatch.setattr(usage, "add", slow)

    async def story() -> None:
        meter = Meter(db)
        meter.count(who, SERVED, batch=False)
        first = asyncio.create_task(meter.flush())
        await until(writing.is_set)
        await meter.flush()
        assert written(db, who).requests == 1
        await first
        await meter.close()

    asyncio.run(story())
