"""The link that the server prints at its start: once, for ten minutes, without a key, never in the log."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import tests.conftest as processes
from tests.conftest import RunningServer, start_server
from tunesmith.api.login_codes import LIFETIME_S, MAX_FAILURES, LoginCodes
from tunesmith.errors import NotFound, RateLimited, StoreBusy


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, str]]:
    """A server and all that it printed at its start."""
    printed = b""

    def listening_url(process, stderr: Path) -> str:
        nonlocal printed
        deadline = time.monotonic() + processes.START_TIMEOUT_S
        while b"/console/login#" not in printed or not printed.endswith(b"\n"):
            assert time.monotonic() < deadline, stderr.read_text()
            if select.select([process.stdout], [], [], 0.2)[0]:
                printed += os.read(process.stdout.fileno(), 65536)
        found = re.search(rb"listens on (http://\S+)", printed)
        assert found is not None
        return found[1].decode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_listening_url", listening_url)
        server = start_server(tmp_path_factory.mktemp("login") / "data")
    try:
        yield server, printed.decode()
    finally:
        assert server.stop() == 0


def test_the_printed_link_makes_a_key_once(started: tuple[RunningServer, str]) -> None:
    server, printed = started
    link = re.search(r"http://\S+/console/login#code=(\S+)", printed)
    assert link is not None and link[0].startswith(server.root_url)
    code = link[1]
    assert len(code) >= 22, "128 bits"
    with httpx2.Client(base_url=server.root_url, timeout=60) as nobody:
        wrong = nobody.post(f"/v1/login_codes/{code[::-1]}")
        answer = nobody.post(f"/v1/login_codes/{code}")
        assert answer.status_code == 200, answer.text
        key = answer.json()
        again = nobody.post(f"/v1/login_codes/{code}")
        assert again.status_code == wrong.status_code == 404
        assert again.json() == wrong.json()
        assert again.json()["error"]["code"] == "invalid_login_code"
        assert key["name"] == "console" and key["expires_at"] > time.time() + 86400
        authorized = {"authorization": f"Bearer {key['value']}"}
        assert nobody.get("/v1/models", headers=authorized).status_code == 200
        listed = nobody.get("/v1/organization/admin_api_keys", headers=authorized).json()["data"]
        assert key["id"] in [one["id"] for one in listed] and key["value"] not in str(listed)
    log = server.stderr.read_text()
    assert "/v1/login_codes/" in log
    for secret in (code, code[::-1], key["value"]):
        assert secret not in log


class Clock:
    """A clock that stands still until it is set."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_code_ends_after_ten_minutes() -> None:
    clock = Clock()
    codes = LoginCodes(clock)
    early, late = codes.new(), codes.new()
    clock.now_s += LIFETIME_S - 1
    with codes.use(early):
        clock.now_s += 2
    with pytest.raises(NotFound), codes.use(late):
        pass


def test_a_code_that_could_not_be_turned_into_a_key_is_still_good() -> None:
    codes = LoginCodes(Clock())
    code = codes.new()
    with pytest.raises(StoreBusy), codes.use(code):
        raise StoreBusy("busy")
    with codes.use(code):
        pass
    with pytest.raises(NotFound), codes.use(code):
        pass


def test_many_wrong_codes_are_refused_and_a_good_one_is_not() -> None:
    clock = Clock()
    codes = LoginCodes(clock)
    good = codes.new()
    for _ in range(MAX_FAILURES):
        with pytest.raises(NotFound), codes.use("wrong"):
            pass
    with pytest.raises(RateLimited), codes.use("wrong"):
        pass
    with codes.use(good):
        pass
    clock.now_s += 61
    with pytest.raises(NotFound), codes.use("wrong"):
        pass
