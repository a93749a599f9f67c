"""Webhooks through the real client: endpoints as in its resources, events as its `unwrap` takes them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.webhooks import WebhookEndpointWithSecret

from tests.conftest import RunningServer, start_server, wait_for_job
from tests.jobs.receiver import Receiver, receiving
from tunesmith.api.app import create_app
from tunesmith.api.office import Office
from tunesmith.settings import Settings
from tunesmith.store import keys
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.wire.webhooks import OTHER_EVENT_TYPES, SENT_EVENT_TYPES

ENDS = ["fine_tuning.job.succeeded", "fine_tuning.job.failed", "fine_tuning.job.cancelled"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def endpoint(client: OpenAI, receiver: Receiver) -> Iterator[WebhookEndpointWithSecret]:
    """An endpoint of the receiver that wants all that is sent."""
    created = client.webhooks.create(name="tests", url=receiver.url, event_types=list(SENT_EVENT_TYPES))  # type: ignore[arg-type]
    yield created
    with suppress(openai.NotFoundError):
        client.webhooks.delete(created.id)


# -- endpoints --------------------------------------------------------------------------------------


def test_an_endpoint_lives_as_the_client_has_it(client: OpenAI, receiver: Receiver) -> None:
    created = client.webhooks.create(
        name="my hook", url=receiver.url, event_types=["batch.failed", "batch.completed", "batch.failed"]
    )
    assert created.id.startswith("whe_") and created.signing_secret.startswith("whsec_")
    assert created.event_types == ["batch.failed", "batch.completed"]
    assert created.signing_secret_hint == f"whsec_...{created.signing_secret[-4:]}"
    assert created.updated_at == created.created_at

    found = client.webhooks.retrieve(created.id)
    assert (found.id, found.name, found.url) == (created.id, "my hook", receiver.url)
    assert created.signing_secret not in found.to_json()

    changed = client.webhooks.update(created.id, name="hers", event_types=["fine_tuning.job.failed"])
    assert (changed.name, changed.event_types) == ("hers", ["fine_tuning.job.failed"])
    assert changed.url == receiver.url and changed.signing_secret_hint == created.signing_secret_hint

    deleted = client.webhooks.delete(created.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (created.id, True, "webhook_endpoint.deleted")
    for gone in (client.webhooks.retrieve, client.webhooks.delete, client.webhooks.rotate_secret):
        with pytest.raises(openai.NotFoundError):
            gone(created.id)


def test_endpoints_are_listed_newest_first_and_page_while_they_are_deleted(
    client: OpenAI, receiver: Receiver
) -> None:
    made = [
        client.webhooks.create(name=f"{number}", url=receiver.url, event_types=["batch.failed"]).id
        for number in range(5)
    ]
    page = client.webhooks.list(limit=2)
    assert [row.id for row in page] and [row.id for row in page.data] == made[:2:-1]
    seen = []
    for row in client.webhooks.list(limit=2):
        if row.id in made:
            client.webhooks.delete(row.id)
            seen.append(row.id)
    assert seen == made[::-1]


def test_the_types_of_events_are_listed(client: OpenAI) -> None:
    assert client.webhooks.event_types.list().data == list(SENT_EVENT_TYPES)
    assert set(ENDS) <= set(SENT_EVENT_TYPES)


def test_a_change_that_changes_nothing_leaves_the_time_of_the_last_change(
    client: OpenAI, endpoint: WebhookEndpointWithSecret
) -> None:
    time.sleep(1.05)
    same = client.webhooks.update(endpoint.id, name=endpoint.name, url=endpoint.url)
    assert same.updated_at == endpoint.updated_at
    client.webhooks.test(endpoint.id, event_type="batch.completed")
    assert client.webhooks.retrieve(endpoint.id).updated_at == endpoint.updated_at
    assert client.webhooks.update(endpoint.id, name="other").updated_at > (endpoint.updated_at or 0)


def test_what_is_wrong_with_an_endpoint_is_said(client: OpenAI, http: httpx2.Client) -> None:
    good = {"name": "a", "url": "https://example.com/hook", "event_types": ["batch.failed"]}
    for wrong, param, word in (
        ({"url": "ftp://example.com/"}, "url", "https://"),
        ({"url": "https://me:secret@example.com/"}, "url", "password"),
        ({"url": "x" * 2049}, "url", "2048"),
        ({"name": ""}, "name", "1"),
        ({"name": "a\x00b"}, "name", "control character"),
        ({"event_types": []}, "event_types", "1"),
        ({"event_types": ["batch.done"]}, "event_types[0]", "'batch.done' is not one of the event types"),
        ({"event_types": ["batch.failed", OTHER_EVENT_TYPES[-1]]}, "event_types[1]", "never happens"),
        ({"active": True}, "active", ""),
    ):
        answer = http.post("/v1/webhook_endpoints", json=good | wrong)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, param), error
        assert word in error["message"], error
    with pytest.raises(openai.BadRequestError, match="at most 100|less than or equal to 100|100"):
        client.webhooks.list(limit=101)


def test_a_fresh_secret_can_be_had_without_a_body(
    http: httpx2.Client, endpoint: WebhookEndpointWithSecret
) -> None:
    answer = http.post(f"/v1/webhook_endpoints/{endpoint.id}/rotate_secret")
    assert answer.status_code == 200
    assert answer.json()["signing_secret"] != endpoint.signing_secret


# -- events -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("event_type", SENT_EVENT_TYPES)
def test_a_test_of_each_type_is_unwrapped(
    client: OpenAI, receiver: Receiver, endpoint: WebhookEndpointWithSecret, event_type: str
) -> None:
    receiver.answers[:] = [418]
    result = client.webhooks.test(endpoint.id, event_type=event_type)  # type: ignore[arg-type]
    assert (result.status_code, result.success, result.webhook_endpoint_id) == (418, True, endpoint.id)
    (came,) = receiver.wait(1)
    event = client.webhooks.unwrap(came.body, came.headers, secret=endpoint.signing_secret)
    assert type(event).__name__.lower() == event_type.replace(".", "").replace("_", "") + "webhookevent"
    assert event.type == event_type
    assert json.loads(came.body)["object"] == "event"


def test_both_secrets_sign_for_a_day_where_the_rotation_says_so(
    client: OpenAI, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    rotated = client.webhooks.rotate_secret(endpoint.id, keep_old_secret_active_for_24_hours=True)
    client.webhooks.test(endpoint.id, event_type="batch.completed")
    again = client.webhooks.rotate_secret(endpoint.id)
    client.webhooks.test(endpoint.id, event_type="batch.completed")
    first, second = receiver.wait(2)
    for secret in (endpoint.signing_secret, rotated.signing_secret):
        client.webhooks.unwrap(first.body, first.headers, secret=secret)
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(second.body, second.headers, secret=secret)
    client.webhooks.unwrap(second.body, second.headers, secret=again.signing_secret)


def test_a_test_that_nobody_answers_is_a_permanent_error(
    http: httpx2.Client, endpoint: WebhookEndpointWithSecret
) -> None:
    path = f"/v1/webhook_endpoints/{endpoint.id}"
    assert http.post(path, json={"url": "http://127.0.0.1:9/"}).status_code == 200
    answer = http.post(f"{path}/test", json={"event_type": "batch.failed"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "webhook_test_failed")
    assert "http://127.0.0.1:9/" in error["message"]


def test_each_end_of_a_job_is_delivered(
    client: OpenAI, receiver: Receiver, endpoint: WebhookEndpointWithSecret, small_training_file: Path
) -> None:
    with small_training_file.open("rb") as rows:
        good = client.files.create(file=rows, purpose="fine-tune").id
    bad = client.files.create(file=("bad.jsonl", b'{"messages": []}\n' * 10), purpose="fine-tune").id

    def create(file_id: str) -> str:
        return client.fine_tuning.jobs.create(
            model="gpt-4o-mini", training_file=file_id, hyperparameters={"n_epochs": 1, "batch_size": 10}
        ).id

    expected = {}
    expected["fine_tuning.job.succeeded"] = create(good)
    cancelled = expected["fine_tuning.job.cancelled"] = create(good)
    client.fine_tuning.jobs.cancel(cancelled)
    expected["fine_tuning.job.failed"] = create(bad)
    assert set(expected) == set(ENDS)
    wait_for_job(client, expected["fine_tuning.job.succeeded"])
    found = {}
    for came in receiver.wait(3):
        event = client.webhooks.unwrap(came.body, came.headers, secret=endpoint.signing_secret)
        found[event.type] = event
    assert {type_: event.data.id for type_, event in found.items()} == expected  # type: ignore[union-attr]
    for type_, job_id in expected.items():
        assert found[type_].created_at == client.fine_tuning.jobs.retrieve(job_id).finished_at


def test_the_end_of_a_batch_is_delivered(
    client: OpenAI, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    chat = {"model": "nano", "messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 4}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat}
    expected = {}
    for end, text in (("batch.completed", json.dumps(line)), ("batch.failed", '{"custom_id": "a"}')):
        lines = client.files.create(file=("lines.jsonl", text.encode()), purpose="batch")
        expected[end] = client.batches.create(
            input_file_id=lines.id, endpoint="/v1/chat/completions", completion_window="24h"
        ).id
    events = [
        client.webhooks.unwrap(came.body, came.headers, secret=endpoint.signing_secret)
        for came in receiver.wait(2, timeout_s=60)
    ]
    assert {event.type: event.data.id for event in events} == expected  # type: ignore[union-attr]


def test_an_endpoint_that_fails_shows_it_until_it_works_again(
    client: OpenAI, http: httpx2.Client, receiver: Receiver, small_training_file: Path
) -> None:
    receiver.answers[:] = [410, 200]
    created = client.webhooks.create(name="gone", url=receiver.url, event_types=["fine_tuning.job.cancelled"])
    with small_training_file.open("rb") as rows:
        file_id = client.files.create(file=rows, purpose="fine-tune").id
    job = client.fine_tuning.jobs.create(model="nano", training_file=file_id)
    client.fine_tuning.jobs.cancel(job.id)
    receiver.wait(1)
    path = f"/v1/webhook_endpoints/{created.id}"
    deadline = time.monotonic() + 10
    while http.get(path).json()["status"] != "disabled":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "410" in http.get(path).json()["status_details"]
    assert client.webhooks.test(created.id, event_type="batch.failed").status_code == 200
    assert (http.get(path).json()["status"], http.get(path).json()["status_details"]) == ("enabled", None)
    client.webhooks.delete(created.id)


def test_what_was_not_delivered_at_kill_9_comes_after_the_next_start(
    tmp_path: Path, receiver: Receiver, small_training_file: Path
) -> None:
    def speaking_to(server: RunningServer) -> OpenAI:
        return OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=60)

    answer = threading.Event()
    receiver.before_answer = lambda: answer.wait(60)
    server = start_server(tmp_path / "data")
    try:
        with speaking_to(server) as client, small_training_file.open("rb") as rows:
            secret = client.webhooks.create(name="a", url=receiver.url, event_types=[ENDS[2]]).signing_secret
            file_id = client.files.create(file=rows, purpose="fine-tune").id
            job = client.fine_tuning.jobs.create(model="nano", training_file=file_id)
            client.fine_tuning.jobs.cancel(job.id)
        receiver.wait(1)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.stop()
    answer.set()
    server = start_server(tmp_path / "data")
    try:
        first, second = receiver.wait(2)
        with speaking_to(server) as client:
            event = client.webhooks.unwrap(second.body, second.headers, secret=secret)
        assert (event.type, event.data.id) == (ENDS[2], job.id)  # type: ignore[union-attr]
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    finally:
        server.stop()


def test_private_targets_are_refused_unless_the_operator_allows_them(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert settings.webhook_allow_private is False
    db = Database.open(settings.database_url)
    office = Office(settings=settings, db=db, blobs=Blobs(settings.objects_url))
    office.webhooks.start()

    async def ask() -> None:
        headers = {"authorization": f"Bearer {keys.ensure_first_key(db, None)}"}
        application = httpx2.ASGITransport(create_app(office))
        async with httpx2.AsyncClient(
            transport=application, base_url="http://tests", headers=headers
        ) as asking:
            path = "/v1/webhook_endpoints"
            body = {"name": "a", "event_types": ["batch.failed"]}
            for url in ("http://example.com/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"):
                refused = await asking.post(path, json=body | {"url": url})
                error = refused.json()["error"]
                assert (refused.status_code, error["param"]) == (400, "url"), error
                assert error["code"] == "invalid_webhook_url"
            good = await asking.post(path, json=body | {"url": "https://1.1.1.1/hook"})
            path += f"/{good.json()['id']}"
            refused = await asking.post(path, json={"url": "https://169.254.169.254/latest/meta-data/"})
            assert refused.status_code == 400 and "link-local" in refused.json()["error"]["message"]
            assert (await asking.get(path)).json()["url"] == "https://1.1.1.1/hook"

    try:
        asyncio.run(ask())
    finally:
        office.webhooks.stop()
        db.close()
