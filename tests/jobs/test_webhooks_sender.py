"""One attempt at a delivery: to the address that was judged, signed, in bounded time, and what it came to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from openai import OpenAI

from tests.jobs.receiver import CERTIFICATE, Receiver, an_endpoint, receiving
from tunesmith import ids
from tunesmith.jobs import webhooks_sender
from tunesmith.jobs.webhooks_sender import Outcome, Sender
from tunesmith.store import webhooks
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal, WebhookEndpointRow


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


async def _send(endpoint: WebhookEndpointRow, **how: object) -> Outcome:
    sender = Sender(**{"allow_private": True, **how})
    try:
        return await sender.send(endpoint, "wh_1", "{}")
    finally:
        await sender.close()


def test_an_answer_that_trickles_is_cut(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_sender, "ATTEMPT_TIMEOUT_S", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = an_endpoint(db, who, f"http://127.0.0.1:{listener.getsockname()[1]}/")

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    for byte in b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100:
                        connection.sendall(bytes([byte]))
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        outcome = asyncio.run(_send(endpoint))
        thread.join()
    assert outcome == Outcome("No answer within 0.4 s.")


@pytest.mark.parametrize("cookie", ["session=of-the-first", "größe=ja"])
def test_one_receivers_cookies_are_none_of_anothers(
    db: Database, who: Principal, receiver: Receiver, cookie: str
) -> None:
    receiver.headers["set-cookie"] = cookie
    first = an_endpoint(db, who, f"http://first.example:{receiver.port}/")
    second = an_endpoint(db, who, f"http://second.example:{receiver.port}/")

    async def send() -> list[Outcome]:
        sender = Sender(
            allow_private=True, look_up=names(first_example="127.0.0.1", second_example="127.0.0.1")
        )
        try:
            return [await sender.send(endpoint, "wh_1", "{}") for endpoint in (first, second, first)]
        finally:
            await sender.close()

    assert [outcome.status_code for outcome in asyncio.run(send())] == [200, 200, 200]
    assert not any("cookie" in came.headers for came in receiver.came)


# -- whom we connect to -----------------------------------------------------------------------------


def names(**found: str) -> Callable[..., list]:
    """A name server that knows these names alone, and counts."""

    def look_up(host: bytes, port: None, **_: object) -> list:
        look_up.asked.append(host.decode())  # type: ignore[attr-defined]
        address = found[host.decode().replace(".", "_")]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    look_up.asked = []  # type: ignore[attr-defined]
    return look_up


def test_the_address_that_was_judged_is_the_one_that_is_called(
    db: Database, who: Principal, receiver: Receiver
) -> None:
    endpoint = an_endpoint(db, who, f"http://receiver.example:{receiver.port}/hook?x=1")
    look_up = names(receiver_example="127.0.0.1")
    assert asyncio.run(_send(endpoint, look_up=look_up)).ok
    (came,) = receiver.came
    assert (came.path, came.headers["host"]) == ("/hook?x=1", f"receiver.example:{receiver.port}")
    assert look_up.asked == ["receiver.example"]  # type: ignore[attr-defined]


def test_a_name_that_turns_private_after_its_creation_is_not_called(
    db: Database, who: Principal, receiver: Receiver
) -> None:
    endpoint = an_endpoint(db, who, f"https://receiver.example:{receiver.port}/hook")
    outcome = asyncio.run(_send(endpoint, look_up=names(receiver_example="127.0.0.1"), allow_private=False))
    assert outcome == Outcome(
        "This webhook URL cannot be used: 'receiver.example' resolves to 127.0.0.1, which is a loopback "
        "address."
    )
    assert receiver.came == []


def test_the_certificate_must_be_the_names_own(db: Database, who: Principal) -> None:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    look_up = names(receiver_example="127.0.0.1", other_example="127.0.0.1")
    with receiving(tls=True) as receiver:
        endpoint = an_endpoint(db, who, f"https://receiver.example:{receiver.port}/")
        assert asyncio.run(_send(endpoint, look_up=look_up, tls=trusting)).ok
        other = an_endpoint(db, who, f"https://other.example:{receiver.port}/")
        for target, tls in ((other, trusting), (endpoint, None)):
            outcome = asyncio.run(_send(target, look_up=look_up, tls=tls))
            assert (outcome.ok, "CERTIFICATE_VERIFY_FAILED" in outcome.sentence) == (False, True), outcome
        assert len(receiver.came) == 1


def test_an_environment_with_a_proxy_changes_nothing(
    db: Database, who: Principal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert asyncio.run(_send(an_endpoint(db, who, receiver.url))).ok


def test_each_failure_has_a_sentence(db: Database, who: Principal, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = an_endpoint(db, who, f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert asyncio.run(_send(nobody)).sentence.startswith("No answer: ")

    def unknown(*_: object, **__: object) -> list:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    nowhere = an_endpoint(db, who, "https://nowhere.example/")
    assert asyncio.run(_send(nowhere, look_up=unknown)).sentence == (
        "The host's name cannot be resolved: Name or service not known."
    )
    receiver.answers[:] = [307]
    receiver.headers["location"] = "http://169.254.169.254/"
    outcome = asyncio.run(_send(an_endpoint(db, who, receiver.url)))
    assert (outcome.ok, "redirects are not followed" in outcome.sentence) == (False, True)


def test_how_long_a_receiver_asks_to_be_left_alone_is_read(
    db: Database, who: Principal, receiver: Receiver
) -> None:
    endpoint = an_endpoint(db, who, receiver.url)
    receiver.answers[:] = [503]
    for header, seconds in (("120", 120), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("²", None)):
        receiver.headers["retry-after"] = header.encode("utf-8").decode("latin-1")
        assert asyncio.run(_send(endpoint)).retry_after_s == seconds


# -- secrets ----------------------------------------------------------------------------------------


def signs_with(endpoint: WebhookEndpointRow, secret: str) -> bool:
    headers = webhooks_sender.headers_of(endpoint, "wh_1", "{}")
    try:
        OpenAI(api_key="none").webhooks.verify_signature("{}", headers, secret=secret)
    except Exception:
        return False
    return True


def test_a_rotated_secret_signs_at_once_and_the_old_one_for_a_day_if_asked(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = an_endpoint(db, who, "https://a.example/")
    both = webhooks.rotate_secret(db, who.project_id, first.id, keep_old=True)
    assert both.secret != first.secret
    assert signs_with(both, both.secret) and signs_with(both, first.secret)
    tomorrow = ids.now() + webhooks.OLD_SECRET_S
    monkeypatch.setattr(ids, "now", lambda: tomorrow)
    assert "," in webhooks_sender.headers_of(both, "wh_1", "{}")["webhook-signature"]
    assert " " not in webhooks_sender.headers_of(both, "wh_1", "{}")["webhook-signature"]
    monkeypatch.undo()
    new = webhooks.rotate_secret(db, who.project_id, first.id, keep_old=False)
    assert signs_with(new, new.secret) and not signs_with(new, both.secret)
