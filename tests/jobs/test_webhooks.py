"""The outbox and its deliverer: once announced, an event comes, whoever fails in between."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

from tests.jobs.office import wait
from tests.jobs.receiver import EVENT, Receiver, an_endpoint, receiving
from tests.store.factories import a_job, other_principal
from tunesmith import ids
from tunesmith.errors import InvalidRequest, NotFound, StoreBusy
from tunesmith.jobs import webhooks as deliverer_module
from tunesmith.jobs import webhooks_sender
from tunesmith.jobs.states import CANCELLED, FAILED, PAUSED, RUNNING, SUCCEEDED, move
from tunesmith.jobs.webhooks import GIVE_UP_AFTER_S, Deliverer, doubled, note, pause_s
from tunesmith.jobs.webhooks_sender import Outcome, Sender
from tunesmith.store import webhooks
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal, WebhookDeliveryRow, WebhookEndpointRow


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become milliseconds where a test would have to sit them out."""
    monkeypatch.setattr(deliverer_module, "POLL_S", 0.02)
    monkeypatch.setattr(deliverer_module, "LONGEST_REST_S", 0.02)
    monkeypatch.setattr(deliverer_module, "pause_s", lambda attempts, retry_after_s=None: 0)


def announce(db: Database, who: Principal, object_id: str = "ftjob-1", event: str = EVENT) -> None:
    with db.write() as connection:
        webhooks.announce(connection, who.project_id, event, object_id)


def only(db: Database, endpoint: WebhookEndpointRow) -> WebhookDeliveryRow:
    (delivery,) = webhooks.list_deliveries(db, endpoint.id)
    return delivery


@contextmanager
def delivering(db: Database, sender: Callable[..., Sender] = Sender) -> Iterator[Deliverer]:
    deliverer = Deliverer(db, allow_private=True, sender=sender)
    deliverer.start()
    try:
        yield deliverer
    finally:
        deliverer.stop()


# -- the outbox -------------------------------------------------------------------------------------


def test_an_event_goes_to_each_endpoint_of_the_project_that_wants_it(db: Database, who: Principal) -> None:
    wanting = [an_endpoint(db, who, "https://a.example/"), an_endpoint(db, who, "https://b.example/")]
    others = [
        an_endpoint(db, who, "https://c.example/", event_types=["batch.failed"]),
        an_endpoint(db, who, "https://d.example/", disabled_reason="tests"),
        an_endpoint(db, other_principal(db), "https://e.example/"),
    ]
    announce(db, who)
    bodies = [json.loads(only(db, endpoint).body) for endpoint in wanting]
    assert bodies[0] == bodies[1]
    assert bodies[0] | {"id": "", "created_at": 0} == {
        "id": "",
        "object": "event",
        "created_at": 0,
        "type": EVENT,
        "data": {"id": "ftjob-1"},
    }
    assert all(not webhooks.list_deliveries(db, endpoint.id) for endpoint in others)


def test_an_event_exists_exactly_when_its_change_does(db: Database, who: Principal) -> None:
    endpoint = an_endpoint(db, who, "https://a.example/")
    with pytest.raises(RuntimeError), db.write() as connection:
        webhooks.announce(connection, who.project_id, EVENT, "ftjob-1")
        raise RuntimeError
    assert webhooks.list_deliveries(db, endpoint.id) == []


@pytest.mark.parametrize("end", [SUCCEEDED, FAILED, CANCELLED])
def test_the_end_of_a_job_is_announced_once(db: Database, who: Principal, end: str) -> None:
    endpoint = an_endpoint(db, who, "https://a.example/", event_types=[f"fine_tuning.job.{end}"])
    job = a_job(db, who, status=RUNNING)
    move(db, job.id, PAUSED)
    move(db, job.id, "queued")
    move(db, job.id, RUNNING)
    assert webhooks.list_deliveries(db, endpoint.id) == []
    move(db, job.id, end, finished_at=1_700_000_000)
    assert move(db, job.id, end) is None
    event = json.loads(only(db, endpoint).body)
    assert (event["data"], event["created_at"]) == ({"id": job.id}, 1_700_000_000)


# -- delivering -------------------------------------------------------------------------------------


def test_a_delivered_event_is_what_the_sdk_unwraps(db: Database, who: Principal, receiver: Receiver) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    announce(db, who)
    with delivering(db):
        (came,) = receiver.wait(1)
        wait(lambda: only(db, endpoint).ended_at is not None)
    event = OpenAI(api_key="none").webhooks.unwrap(came.body, came.headers, secret=endpoint.secret)
    assert (type(event).__name__, event.type) == ("FineTuningJobSucceededWebhookEvent", EVENT)
    assert (only(db, endpoint).outcome, only(db, endpoint).attempts) == (
        "The receiver answered with status 200.",
        1,
    )
    assert len(receiver.came) == 1


def test_a_failed_attempt_comes_again_with_the_same_id_and_body(
    db: Database, who: Principal, receiver: Receiver
) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    receiver.answers[:] = [500, 302, 404, 204]
    receiver.headers["location"] = receiver.url
    announce(db, who)
    with delivering(db):
        came = receiver.wait(4)
        wait(lambda: only(db, endpoint).ended_at is not None)
    assert len({(c.headers["webhook-id"], c.body) for c in came}) == 1
    assert came[0].headers["webhook-id"] == only(db, endpoint).id
    assert only(db, endpoint).attempts == 4
    assert webhooks.get(db, who.project_id, endpoint.id).last_failure is None


def test_an_attempt_that_was_killed_is_made_again(db: Database, who: Principal, receiver: Receiver) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    announce(db, who)
    answer = threading.Event()
    receiver.before_answer = partial(answer.wait, 60)
    program = (
        "import sys, time\n"
        "from tunesmith.jobs.webhooks import Deliverer\n"
        "from tunesmith.store.database import Database\n"
        "Deliverer(Database.open(sys.argv[1]), allow_private=True).start()\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(db.engine.url)], cwd=os.getcwd())
    receiver.wait(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    answer.set()
    assert only(db, endpoint).attempts == 0
    with delivering(db):
        first, second = receiver.wait(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_silent_receiver_delays_no_other(
    db: Database, who: Principal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_sender, "ATTEMPT_TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = an_endpoint(db, who, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        for number in range(40):
            announce(db, who, f"ftjob-{number}")
        an_endpoint(db, who, receiver.url)
        not_tried: list[int] = []

        def look() -> None:
            not_tried.append(sum(row.attempts == 0 for row in webhooks.list_deliveries(db, dead.id)))

        receiver.before_answer = look
        with delivering(db):
            announce(db, who)
            receiver.wait(1)
            wait(
                lambda: "within 0.5 s" in str([row.outcome for row in webhooks.list_deliveries(db, dead.id)])
            )
        assert not_tried[0] > 20, "what waits for the silent one is behind what the other gets"


def test_few_attempts_go_to_one_receiver_at_a_time(db: Database, who: Principal, receiver: Receiver) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    now_inside, most = 0, 0
    guard = threading.Lock()

    def count() -> None:
        nonlocal now_inside, most
        with guard:
            now_inside += 1
            most = max(most, now_inside)
        time.sleep(0.05)
        with guard:
            now_inside -= 1

    receiver.before_answer = count
    for number in range(12):
        announce(db, who, f"ftjob-{number}")
    with delivering(db):
        receiver.wait(12)
        wait(lambda: all(row.ended_at for row in webhooks.list_deliveries(db, endpoint.id)))
    assert 1 <= most <= deliverer_module.MAX_IN_FLIGHT_PER_ENDPOINT
    assert len(receiver.came) == 12


def test_an_outcome_that_cannot_be_written_is_not_sent_for_again(
    db: Database, who: Principal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    announce(db, who)
    tries = []

    def full(*_: object) -> None:
        tries.append(1)
        if len(tries) < 5:
            raise StoreBusy("tests")
        note(*_)  # type: ignore[arg-type]

    monkeypatch.setattr(deliverer_module, "note", full)
    with delivering(db):
        wait(lambda: only(db, endpoint).ended_at is not None)
    assert (len(receiver.came), len(tries)) == (1, 5)


def test_a_receiver_that_is_gone_gets_nothing_more(db: Database, who: Principal, receiver: Receiver) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    receiver.answers[:] = [410]
    announce(db, who)
    with delivering(db):
        wait(lambda: only(db, endpoint).ended_at is not None)
        announce(db, who)
        assert "410" in str(webhooks.get(db, who.project_id, endpoint.id).disabled_reason)
        assert len(webhooks.list_deliveries(db, endpoint.id)) == 1
        webhooks.change(db, who.project_id, endpoint.id)  # somebody has looked after it
        receiver.answers[:] = [200]
        announce(db, who)
        receiver.wait(2)


def test_an_attempt_that_fails_in_an_unforeseen_way_counts_as_one(db: Database, who: Principal) -> None:
    class Broken(Sender):
        async def _send(self, *_: object) -> Outcome:
            raise LookupError("tests")

    endpoint = an_endpoint(db, who, "http://127.0.0.1:9/")
    announce(db, who)
    with delivering(db, Broken):
        wait(lambda: only(db, endpoint).attempts >= 2)
    assert only(db, endpoint).outcome == "No answer: LookupError."


# -- when to try again, and when no more ------------------------------------------------------------


@given(st.integers(0, 10**9))
def test_a_wait_has_its_bound_after_however_many_failures(failures: int) -> None:
    assert 0.5 <= doubled(0.5, failures, 60.0) <= 60.0


@given(st.integers(1, 200), st.none() | st.integers(0, 10**6))
def test_pauses_grow_from_seconds_to_hours_and_heed_the_receiver(attempts: int, asked: int | None) -> None:
    pause = pause_s(attempts, asked)
    plain = min(5 * 2.0 ** (attempts - 1), 8 * 3600)
    assert pause >= max(1, plain * 0.75 - 1)
    assert pause <= max(plain * 1.25 + 1, min(asked or 0, 8 * 3600))
    assert pause >= min(asked or 0, 8 * 3600)


def after(db: Database, endpoint: WebhookEndpointRow, outcome: Outcome, *, age_s: int) -> WebhookDeliveryRow:
    """The delivery after an attempt that came to `outcome` at that age."""
    with db.write() as connection:
        table = webhooks.webhook_deliveries
        connection.execute(table.update().values(created_at=ids.now() - age_s))
    note(db, only(db, endpoint), outcome)
    return only(db, endpoint)


def test_the_last_attempt_is_72_hours_after_the_event(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer_module, "pause_s", pause_s)
    endpoint = an_endpoint(db, who, "https://a.example/")
    announce(db, who)
    failed = Outcome("No answer.")
    delivery = after(db, endpoint, failed, age_s=0)
    assert delivery.due_at is not None and 4 <= delivery.due_at - delivery.created_at <= 8
    delivery = after(db, endpoint, failed, age_s=GIVE_UP_AFTER_S - 2)
    assert delivery.due_at == delivery.created_at + GIVE_UP_AFTER_S
    delivery = after(db, endpoint, failed, age_s=GIVE_UP_AFTER_S)
    assert (delivery.due_at, delivery.outcome) == (None, "Given up. No answer.")


def test_an_endpoint_that_took_nothing_for_72_hours_is_disabled_and_says_why(
    db: Database, who: Principal
) -> None:
    endpoint = an_endpoint(db, who, "https://a.example/")
    announce(db, who)
    after(db, endpoint, Outcome("No answer."), age_s=GIVE_UP_AFTER_S)
    reason = webhooks.get(db, who.project_id, endpoint.id).disabled_reason
    assert reason == "No event could be delivered for 72 hours. The last time: No answer."


def test_an_endpoint_that_refuses_one_event_and_takes_others_stays(db: Database, who: Principal) -> None:
    endpoint = an_endpoint(db, who, "https://a.example/")
    announce(db, who)
    webhooks.enable(db, endpoint.id)
    after(db, endpoint, Outcome("No answer."), age_s=GIVE_UP_AFTER_S)
    assert webhooks.get(db, who.project_id, endpoint.id).disabled_reason is None


def test_ended_deliveries_and_deleted_endpoints_are_forgotten_in_time(db: Database, who: Principal) -> None:
    kept, gone = an_endpoint(db, who, "https://a.example/"), an_endpoint(db, who, "https://b.example/")
    announce(db, who)
    note(db, only(db, kept), Outcome("", status_code=200))
    announce(db, who)
    webhooks.remove(db, who.project_id, gone.id)
    webhooks.sweep(db, ids.now())
    assert len(webhooks.list_deliveries(db, kept.id)) == 2
    assert webhooks.list_page(db, who.project_id, after=gone.id).rows == [
        webhooks.get(db, who.project_id, kept.id)
    ]
    webhooks.sweep(db, ids.now() + webhooks.KEPT_S + 10)
    assert [row.ended_at for row in webhooks.list_deliveries(db, kept.id)] == [None]
    with pytest.raises(InvalidRequest):
        webhooks.list_page(db, who.project_id, after=gone.id)


def test_a_deleted_endpoint_takes_its_deliveries_and_secrets_along(db: Database, who: Principal) -> None:
    endpoint = an_endpoint(db, who, "https://a.example/")
    announce(db, who)
    delivery = only(db, endpoint)
    webhooks.remove(db, who.project_id, endpoint.id)
    note(db, delivery, Outcome("No answer."))  # the attempt that was under way
    assert webhooks.list_deliveries(db, endpoint.id) == []
    with db.read() as connection:
        assert endpoint.secret not in str(connection.execute(webhooks.webhook_endpoints.select()).all())
    with pytest.raises(NotFound):
        webhooks.get(db, who.project_id, endpoint.id)
