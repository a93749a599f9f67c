"""The runner with a route that does what a test wants: each line once, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import update

from tests.store.factories import a_file, principal_of
from tunesmith import ids
from tunesmith.api.batches import call as batch_call
from tunesmith.api.batches import output as batch_output
from tunesmith.api.batches import runner as batch_runner
from tunesmith.api.batches.runner import BatchRunner
from tunesmith.api.office import Assembly, Office
from tunesmith.errors import StorageFull
from tunesmith.settings import Settings
from tunesmith.store import batches, files
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import BatchRow, Principal
from tunesmith.store.tables import batches as batch_table
from tunesmith.store.tables import projects

ENDPOINT = "/v1/chat/completions"
Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Route:
    """An application with one route: `reply` makes the answer, and `asked` remembers who asked."""

    reply: Callable[[dict[str, Any]], Awaitable[Reply]]
    asked: list[int] = field(default_factory=list)
    principals: set[Principal] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = json.loads(message["body"])
        assert (scope["path"], scope["method"]) == (ENDPOINT, "POST")
        self.asked.append(body["n"])
        self.principals.add(scope["tunesmith.principal"])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        leaving = asyncio.ensure_future(receive())
        replying = asyncio.ensure_future(self.reply(body))
        try:
            await asyncio.wait({leaving, replying}, return_when=asyncio.FIRST_COMPLETED)
            status, headers, data = replying.result() if replying.done() else (499, {}, b"")
        finally:
            self.at_once -= 1
            leaving.cancel()
            replying.cancel()
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        pairs.append((b"x-request-id", f"req_{body['n']}".encode()))
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": data})


async def hello(body: dict[str, Any]) -> Reply:
    """A chat's answer with its usage."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return 200, {}, json.dumps({"text": f"hello {body['n']}", "usage": usage}).encode()


async def never(_body: dict[str, Any]) -> Reply:
    """No answer."""
    await asyncio.Event().wait()
    raise AssertionError


class Bench:
    """An office with one project, and a runner over it that can be started, stopped and lost."""

    def __init__(self, folder: Path) -> None:
        self.db = Database.open(f"sqlite:///{folder / 'tunesmith.db'}")
        self.blobs = Blobs((folder / "objects").as_uri())
        self.who = principal_of(self.db)
        self.office = Office(
            settings=Settings(data=folder, batch_concurrency=4), db=self.db, blobs=self.blobs
        )
        known = SimpleNamespace(wire_name="nano-1", base=None)
        catalog = SimpleNamespace(resolve=lambda name: known if name == "nano" else None, names=list)
        self.office.assembly = cast(Assembly, SimpleNamespace(catalog=catalog))

    def batch(self, n_lines: int, **values: Any) -> BatchRow:
        """A batch of `n_lines` lines, `n` from 1 in each body."""
        rows = [
            {"custom_id": f"line-{n}", "method": "POST", "url": ENDPOINT, "body": {"model": "nano", "n": n}}
            for n in range(1, n_lines + 1)
        ]
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        file = a_file(self.db, self.who, self.blobs, data, purpose="batch")
        row = BatchRow(
            **{
                "id": ids.new_id("batch"),
                "project_id": self.who.project_id,
                "organization_id": self.who.organization_id,
                "key_id": self.who.key_id,
                "status": batches.VALIDATING,
                "endpoint": ENDPOINT,
                "input_file_id": file.id,
                "created_at": ids.now(),
                "expires_at": ids.now() + 86400,
                **values,
            }
        )
        batches.insert(self.db, row)
        return row

    def now(self, row: BatchRow) -> BatchRow:
        """The batch as it is now."""
        return batches.get(self.db, self.who.project_id, row.id)

    async def until(
        self, row: BatchRow, reached: Callable[[BatchRow], bool], runner: BatchRunner
    ) -> BatchRow:
        """The batch once it is as wanted."""
        for _ in range(2000):
            now = self.now(row)
            if reached(now):
                return now
            runner.wake()
            await asyncio.sleep(0.01)
        raise AssertionError(f"still {now}")

    async def ended(self, row: BatchRow, route: Route) -> BatchRow:
        """The batch once a runner has ended it."""
        runner = BatchRunner(route, self.office)
        runner.start()
        try:
            return await self.until(row, lambda now: now.status in batches.TERMINAL, runner)
        finally:
            await runner.stop()

    def lines(self, file_id: str | None) -> dict[str, dict[str, Any]]:
        """A file's lines by custom_id, which must be each its own."""
        if file_id is None:
            return {}
        file = files.get(self.db, self.who.project_id, file_id)
        assert file.purpose == "batch_output"
        rows = [json.loads(line) for line in self.blobs.get(file.object_key).splitlines()]
        assert len({row["custom_id"] for row in rows}) == len(rows) == len({row["id"] for row in rows})
        return {row["custom_id"]: row for row in rows}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(batch_output, "WRITE_EVERY_S", 0.02)
    monkeypatch.setattr(batch_output, "RETRY_S", 0.02)
    monkeypatch.setattr(batch_call, "FIRST_DELAY_S", 0.005)
    monkeypatch.setattr(batch_call, "MAX_DELAY_S", 0.02)
    monkeypatch.setattr(batch_runner, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(batch_runner, "TICK_S", 0.02)
    made = Bench(tmp_path)
    yield made
    made.db.close()


def ids_of(n_lines: int) -> set[str]:
    return {f"line-{n}" for n in range(1, n_lines + 1)}


def test_every_line_is_asked_once_as_the_batchs_key_and_goes_to_the_output(bench: Bench) -> None:
    route = Route(hello)
    row = asyncio.run(bench.ended(bench.batch(30), route))
    assert row.status == batches.COMPLETED
    assert (row.n_total, row.n_completed, row.n_failed, row.model) == (30, 30, 0, "nano-1")
    assert (row.input_tokens, row.output_tokens) == (90, 60)
    assert sorted(route.asked) == list(range(1, 31))
    (principal,) = route.principals
    assert (principal.project_id, principal.key_id) == (row.project_id, row.key_id)
    assert not principal.is_admin
    output = bench.lines(row.output_file_id)
    assert set(output) == ids_of(30)
    first = output["line-1"]
    assert first["response"]["status_code"] == 200
    assert (first["response"]["request_id"], first["error"]) == ("req_1", None)
    assert first["response"]["body"]["text"] == "hello 1"
    assert row.error_file_id is None
    assert bench.blobs.folders("batches") == []


def test_no_more_lines_are_asked_at_once_than_the_setting_allows(bench: Bench) -> None:
    async def slowly(body: dict[str, Any]) -> Reply:
        await asyncio.sleep(0.01)
        return await hello(body)

    route = Route(slowly)
    asyncio.run(bench.ended(bench.batch(20), route))
    assert route.most_at_once == 4


def test_batches_take_turns(bench: Bench) -> None:
    async def slowly(body: dict[str, Any]) -> Reply:
        await asyncio.sleep(0.002)
        return await hello(body)

    order: list[str] = []

    async def story() -> None:
        long, short = bench.batch(200), bench.batch(20)
        runner = BatchRunner(Route(slowly), bench.office)
        runner.start()
        for row in (short, long):
            await bench.until(row, lambda now: now.status == batches.COMPLETED, runner)
            order.append("short" if row is short else "long")
            if row is short:
                assert bench.now(long).status == batches.IN_PROGRESS
        await runner.stop()

    asyncio.run(story())
    assert order == ["short", "long"]


def test_refused_lines_go_to_the_error_file_and_are_asked_once(bench: Bench) -> None:
    async def refuse_some(body: dict[str, Any]) -> Reply:
        if body["n"] % 3 == 0:
            return 400, {}, b'{"error": {"message": "no", "type": "t", "param": null, "code": null}}'
        return await hello(body)

    route = Route(refuse_some)
    row = asyncio.run(bench.ended(bench.batch(9), route))
    assert (row.status, row.n_completed, row.n_failed) == (batches.COMPLETED, 6, 3)
    refused = bench.lines(row.error_file_id)
    assert set(refused) == {"line-3", "line-6", "line-9"}
    assert refused["line-3"]["response"]["status_code"] == 400
    assert refused["line-3"]["response"]["body"]["error"]["message"] == "no"
    assert set(bench.lines(row.output_file_id)) | set(refused) == ids_of(9)
    assert max(Counter(route.asked).values()) == 1


def test_a_route_that_says_later_is_asked_again_until_it_answers(bench: Bench) -> None:
    turned_away: Counter[int] = Counter()

    async def busy(body: dict[str, Any]) -> Reply:
        turned_away[body["n"]] += 1
        if turned_away[body["n"]] <= 6:
            return (429, 503)[body["n"] % 2], {"retry-after": "0"}, b"{}"
        return await hello(body)

    row = asyncio.run(bench.ended(bench.batch(6), Route(busy)))
    assert (row.status, row.n_completed) == (batches.COMPLETED, 6)


def test_a_permanent_refusal_is_not_asked_again(bench: Bench) -> None:
    async def quota(_body: dict[str, Any]) -> Reply:
        return 429, {"x-should-retry": "false"}, b'{"error": {"code": "insufficient_quota"}}'

    route = Route(quota)
    row = asyncio.run(bench.ended(bench.batch(5), route))
    assert (row.status, row.n_completed, row.n_failed) == (batches.COMPLETED, 0, 5)
    assert len(route.asked) == 5
    assert row.output_file_id is None


def test_a_line_whose_route_fails_is_tried_a_few_times_and_holds_up_no_other(bench: Bench) -> None:
    async def broken(body: dict[str, Any]) -> Reply:
        if body["n"] == 2:
            return 500, {}, b'{"error": {"code": null}}'
        if body["n"] == 3:
            raise RuntimeError("a fault of ours")
        return await hello(body)

    route = Route(broken)
    row = asyncio.run(bench.ended(bench.batch(5), route))
    assert (row.status, row.n_completed, row.n_failed) == (batches.COMPLETED, 3, 2)
    assert Counter(route.asked) == {1: 1, 2: 6, 3: 6, 4: 1, 5: 1}
    assert {line["response"]["status_code"] for line in bench.lines(row.error_file_id).values()} == {500}


def test_a_line_that_ends_the_engine_is_given_up_and_the_others_are_answered(bench: Bench) -> None:
    async def fragile(body: dict[str, Any]) -> Reply:
        if body["n"] == 3:
            return 503, {}, b'{"error": {"code": null}}'
        return await hello(body)

    row = asyncio.run(bench.ended(bench.batch(60), Route(fragile)))
    assert (row.status, row.n_completed, row.n_failed) == (batches.COMPLETED, 59, 1)
    assert bench.lines(row.error_file_id)["line-3"]["response"]["status_code"] == 503


def test_a_cancelled_batch_keeps_what_was_answered_and_names_the_rest(bench: Bench) -> None:
    async def five(body: dict[str, Any]) -> Reply:
        return await (hello if body["n"] <= 5 else never)(body)

    async def story() -> BatchRow:
        row = bench.batch(12)
        runner = BatchRunner(Route(five), bench.office)
        runner.start()
        await bench.until(row, lambda now: now.n_completed == 5, runner)
        batches.move(bench.db, row.id, batches.CANCELLING)
        ended = await bench.until(row, lambda now: now.status == batches.CANCELLED, runner)
        await runner.stop()
        return ended

    row = asyncio.run(story())
    assert (row.n_completed, row.n_failed) == (5, 7)
    assert set(bench.lines(row.output_file_id)) == ids_of(5)
    rest = bench.lines(row.error_file_id)
    assert set(rest) == ids_of(12) - ids_of(5)
    assert rest["line-6"]["response"] is None
    assert rest["line-6"]["error"]["code"] == "batch_cancelled"


def test_a_batch_whose_window_is_over_expires_with_what_was_answered(bench: Bench) -> None:
    async def five(body: dict[str, Any]) -> Reply:
        return await (hello if body["n"] <= 5 else never)(body)

    async def story() -> BatchRow:
        row = bench.batch(12)
        runner = BatchRunner(Route(five), bench.office)
        runner.start()
        await bench.until(row, lambda now: now.n_completed == 5, runner)
        with bench.db.write() as connection:
            connection.execute(
                update(batch_table).where(batch_table.c.id == row.id).values(expires_at=ids.now())
            )
        ended = await bench.until(row, lambda now: now.status == batches.EXPIRED, runner)
        await runner.stop()
        return ended

    row = asyncio.run(story())
    assert (row.n_completed, row.n_failed) == (5, 7)
    assert {line["error"]["code"] for line in bench.lines(row.error_file_id).values()} == {"batch_expired"}


def test_a_batch_that_expired_before_it_was_read_has_no_files(bench: Bench) -> None:
    row = asyncio.run(bench.ended(bench.batch(3, expires_at=ids.now() - 1), Route(never)))
    assert (row.status, row.output_file_id, row.error_file_id) == (batches.EXPIRED, None, None)


def test_a_batch_of_an_archived_project_is_cancelled(bench: Bench) -> None:
    async def story() -> BatchRow:
        row = bench.batch(3)
        runner = BatchRunner(Route(never), bench.office)
        runner.start()
        await bench.until(row, lambda now: now.status == batches.IN_PROGRESS, runner)
        with bench.db.write() as connection:
            connection.execute(update(projects).values(archived_at=ids.now()))
        ended = await bench.until(row, lambda now: now.status in batches.TERMINAL, runner)
        await runner.stop()
        return ended

    assert asyncio.run(story()).status == batches.CANCELLED


def test_a_deleted_input_is_read_to_the_end_and_a_lost_one_fails_clearly(bench: Bench) -> None:
    deleted, lost = bench.batch(3), bench.batch(3)
    files.delete(bench.db, bench.who.project_id, deleted.input_file_id)
    bench.blobs.delete(f"files/{lost.input_file_id}")
    assert asyncio.run(bench.ended(deleted, Route(hello))).status == batches.COMPLETED
    row = asyncio.run(bench.ended(lost, Route(hello)))
    assert row.status == batches.FAILED
    assert row.errors is not None and row.errors[0]["code"] == "input_file_not_found"


def test_an_unknown_model_fails_the_whole_batch_with_its_line(bench: Bench) -> None:
    data = json.dumps(
        {"custom_id": "a", "method": "POST", "url": ENDPOINT, "body": {"model": "gpt-0"}}
    ).encode()
    file = a_file(bench.db, bench.who, bench.blobs, b"\n" + data, purpose="batch")
    row = asyncio.run(bench.ended(bench.batch(1, input_file_id=file.id), Route(hello)))
    assert row.status == batches.FAILED
    assert row.errors is not None
    (fault,) = row.errors
    assert (fault["code"], fault["line"], fault["param"]) == ("model_not_found", 2, "body.model")


def test_a_full_disk_makes_answers_wait_and_loses_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_output, "MAX_WAITING_BYTES", 200)
    failures = iter([True] * 5)
    put = bench.blobs.put

    def full(key: str, data: Any) -> Any:
        if key.startswith("batches/") and next(failures, False):
            raise StorageFull("no room")
        return put(key, data)

    monkeypatch.setattr(bench.blobs, "put", full)
    route = Route(hello)
    row = asyncio.run(bench.ended(bench.batch(40), route))
    assert (row.status, row.n_completed) == (batches.COMPLETED, 40)
    assert max(Counter(route.asked).values()) == 1


def test_lines_that_were_all_answered_while_the_disk_is_full_are_asked_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        batch_output, "WRITE_EVERY_S", 1000
    )  # the end of the lines lets the first write begin
    failures = iter([True] * 5)
    put = bench.blobs.put

    def full(key: str, data: Any) -> Any:
        if key.startswith("batches/") and next(failures, False):
            raise StorageFull("no room")
        return put(key, data)

    monkeypatch.setattr(bench.blobs, "put", full)
    route = Route(hello)
    row = asyncio.run(bench.ended(bench.batch(10), route))
    assert (row.status, row.n_completed) == (batches.COMPLETED, 10)
    assert sorted(route.asked) == list(range(1, 11))


def test_a_stop_does_not_wait_for_room_on_the_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Event()
    put = bench.blobs.put

    def full(key: str, data: Any) -> Any:
        if key.startswith("batches/"):
            tried.set()
            raise StorageFull("no room")
        return put(key, data)

    async def story() -> BatchRow:
        row = bench.batch(4)
        runner = BatchRunner(Route(hello), bench.office)
        runner.start()
        await bench.until(row, lambda _: tried.is_set(), runner)
        await asyncio.wait_for(runner.stop(), 60)
        return bench.now(row)

    with monkeypatch.context() as patch:
        patch.setattr(bench.blobs, "put", full)
        row = asyncio.run(story())
    assert (row.status, row.n_completed) == (batches.IN_PROGRESS, 0)
    assert asyncio.run(bench.ended(row, Route(hello))).n_completed == 4


def test_a_runner_that_is_woken_as_it_stops_stops_all_the_same(bench: Bench) -> None:
    async def story() -> None:
        for _ in range(20):
            runner = BatchRunner(Route(hello), bench.office)
            runner.start()
            await asyncio.sleep(0.005)
            runner.wake()
            async with asyncio.timeout(60):
                await runner.stop()

    asyncio.run(story())


def test_a_server_that_drains_asks_nothing_new_and_keeps_what_was_under_way(bench: Bench) -> None:
    async def story() -> tuple[BatchRow, int]:
        release = asyncio.Event()

        async def wait(body: dict[str, Any]) -> Reply:
            await release.wait()
            return await hello(body)

        route = Route(wait)
        row = bench.batch(20)
        runner = BatchRunner(route, bench.office)
        runner.start()
        await bench.until(row, lambda _: len(route.asked) == 4, runner)
        bench.office.draining = True
        runner.wake()
        await asyncio.sleep(0.1)
        release.set()
        await bench.until(row, lambda now: now.n_completed == 4, runner)
        await runner.stop()
        bench.office.draining = False
        return bench.now(row), len(route.asked)

    row, n_asked = asyncio.run(story())
    assert (row.status, row.n_completed, n_asked) == (batches.IN_PROGRESS, 4, 4)
    again = Route(hello)
    row = asyncio.run(bench.ended(row, again))
    assert (row.status, row.n_completed) == (batches.COMPLETED, 20)
    assert len(again.asked) == 16


def test_a_stop_waits_for_no_answer_and_the_next_start_asks_those_lines_again(bench: Bench) -> None:
    async def story() -> BatchRow:
        route = Route(never)
        row = bench.batch(8)
        runner = BatchRunner(route, bench.office)
        runner.start()
        await bench.until(row, lambda _: len(route.asked) == 4, runner)
        await asyncio.wait_for(runner.stop(), 60)
        return row

    row = asyncio.run(bench.ended(asyncio.run(story()), Route(hello)))
    assert (row.status, row.n_completed) == (batches.COMPLETED, 8)
    assert set(bench.lines(row.output_file_id)) == ids_of(8)


class Lost(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("cut", range(1, 12))
def test_wherever_it_is_cut_each_line_is_in_the_output_exactly_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """Every write of objects and rows is a place to die, before it and after it; a new runner goes on."""
    monkeypatch.setattr(batch_output, "SEGMENT_LINES", 8)
    row = bench.batch(24)
    writes = 0

    def dies(real: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes >= cut and not after:
                raise Lost
            done = real(*arguments, **named)
            if writes >= cut:
                raise Lost
            return done

        return call

    async def lose(*, after: bool) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(bench.blobs, "put", dies(bench.blobs.put, after=after))
            for name in ("move", "add_segment", "finish"):
                patch.setattr(batches, name, dies(getattr(batches, name), after=after))
            runner = BatchRunner(Route(hello), bench.office)
            runner.start()
            for _ in range(300):
                if writes >= cut or bench.now(row).status in batches.TERMINAL:
                    break
                await asyncio.sleep(0.01)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0.05)

    for after in (False, True):
        writes = 0
        asyncio.run(lose(after=after))
    ended = asyncio.run(bench.ended(row, Route(hello)))
    assert (ended.status, ended.n_completed, ended.n_failed) == (batches.COMPLETED, 24, 0)
    assert set(bench.lines(ended.output_file_id)) == ids_of(24)
    assert len(files.list_page(bench.db, bench.who.project_id, purpose="batch_output").rows) == 1
    assert bench.blobs.folders("batches") == []
