"""Limits a minute and quotas a month, as clients meet them; the arithmetic is in `tests/api`."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.conftest import RunningServer
from tunesmith import ids

HI = [{"role": "user", "content": "Hello!"}]
WORDY = {"temperature": 2, "logit_bias": {"0": -100, "1": -100, "2": -100}}


@dataclass
class Limited:
    """A project with limits of its own, and a key in it."""

    project_id: str
    key_id: str
    secret: str
    server: RunningServer

    def client(self, **options: object) -> OpenAI:
        """The real client with this key."""
        return OpenAI(base_url=self.server.base_url, api_key=self.secret, timeout=110, **options)  # type: ignore[arg-type]

    def requests_seen(self, status: int) -> int:
        """How many requests with this key the server's log tells of, with this status."""
        lines = self.server.stderr.read_text().splitlines()
        return sum(1 for line in lines if self.key_id in line and json.loads(line).get("status") == status)


@pytest.fixture(scope="module", autouse=True)
def running_engine(client: OpenAI) -> None:
    """The engine answers before anything is measured: buckets drain while it starts."""
    client.chat.completions.create(model="nano", messages=HI, max_tokens=1)


@pytest.fixture
def limited(server, http: httpx2.Client) -> Callable[..., Limited]:
    """Makes such projects: limits of the base `nano`, and what else a project may say."""

    def make(limits: dict[str, int] | None = None, **project: object) -> Limited:
        def post(path: str, body: dict[str, object]) -> dict:
            answer = http.post(f"/v1/organization/projects{path}", json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        id = post("", {"name": f"limited {ids.random_name(8)}"})["id"]
        if project:
            post(f"/{id}", project)
        if limits:
            shown = post(f"/{id}/rate_limits/rl-nano", dict(limits))
            assert limits.items() <= shown.items()
        key = post(f"/{id}/api_keys", {"name": "key"})
        return Limited(id, key["id"], key["value"], server)

    return make


def test_rate_limits_are_listed_and_set_by_the_real_client(
    admin: OpenAI, limited: Callable[..., Limited]
) -> None:
    project_id = limited().project_id
    calls = admin.admin.organization.projects.rate_limits
    everything = list(calls.list_rate_limits(project_id, limit=2))
    assert {"nano", "gpt-4o-mini-2024-07-18"} <= {limit.model for limit in everything}
    assert len({limit.id for limit in everything}) == len(everything)
    assert all(limit.max_requests_per_1_minute >= 100_000 for limit in everything)
    backwards = calls.list_rate_limits(project_id, before=everything[2].id, limit=1)
    assert [limit.id for limit in backwards.data] == [everything[1].id]
    changed = calls.update_rate_limit(
        "rl-gpt-4o-mini-2024-07-18", project_id=project_id, max_requests_per_1_minute=7
    )
    assert (changed.max_requests_per_1_minute, changed.max_tokens_per_1_minute) == (7, 150_000_000)
    assert changed in list(calls.list_rate_limits(project_id))
    with pytest.raises(openai.NotFoundError):
        calls.update_rate_limit("rl-gpt-9", project_id=project_id, max_requests_per_1_minute=7)


def test_a_generation_tells_its_limits_and_what_is_left(limited: Callable[..., Limited]) -> None:
    # so few tokens a minute that a slow answer does not see them all come back
    project = limited({"max_requests_per_1_minute": 10, "max_tokens_per_1_minute": 600})
    with project.client() as client:
        for ask in (
            lambda: client.chat.completions.with_raw_response.create(
                model="nano", messages=HI, max_tokens=50
            ),
            lambda: client.completions.with_raw_response.create(model="nano", prompt="Hello", max_tokens=50),
            lambda: client.responses.with_raw_response.create(model="nano", input="Hi", max_output_tokens=50),
        ):
            headers = ask().headers
            assert headers["x-ratelimit-limit-requests"] == "10"
            assert headers["x-ratelimit-limit-tokens"] == "600"
            assert 0 <= int(headers["x-ratelimit-remaining-requests"]) <= 9
            assert 0 <= int(headers["x-ratelimit-remaining-tokens"]) < 600
            for what in ("requests", "tokens"):
                assert re.fullmatch(r"(\d+m)?\d+(\.\d+)?s|\d+ms", headers[f"x-ratelimit-reset-{what}"]), (
                    headers
                )
        assert "x-ratelimit-limit-requests" not in client.models.with_raw_response.list().headers


def test_a_tuned_model_shares_its_bases_limit_and_other_models_do_not(
    limited: Callable[..., Limited],
) -> None:
    project = limited({"max_requests_per_1_minute": 0})
    with project.client(max_retries=0) as client:
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="nano", messages=HI, max_tokens=1)
        assert client.chat.completions.create(model="gpt-4o-mini", messages=HI, max_tokens=1).choices


def test_requests_beyond_the_limit_get_openais_429(limited: Callable[..., Limited]) -> None:
    project = limited({"max_requests_per_1_minute": 2})
    with project.client(max_retries=0) as client:
        for _ in range(2):
            client.chat.completions.create(model="nano", messages=HI, max_tokens=1)
        with pytest.raises(openai.RateLimitError) as refusal:
            client.chat.completions.create(model="nano", messages=HI, max_tokens=1)
    error = refusal.value
    assert (error.type, error.code, error.param) == ("requests", "rate_limit_exceeded", None)
    assert re.search(
        r"Rate limit reached for nano in organization personal on requests per min \(RPM\): Limit 2, Used 2, "
        r"Requested 1\. Please try again in \d+(\.\d+)?m?s\. ",
        error.message,
    )
    headers = error.response.headers
    assert 1 <= int(headers["retry-after"]) <= 30
    assert 0 < int(headers["retry-after-ms"]) <= 30_000
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers.get("x-should-retry") is None


def test_of_requests_that_come_at_once_exactly_the_limit_passes(limited: Callable[..., Limited]) -> None:
    project = limited({"max_requests_per_1_minute": 5})
    outcomes: list[int] = []
    begun = time.monotonic()

    def ask() -> None:
        with project.client(max_retries=0) as client:
            try:
                client.chat.completions.create(model="nano", messages=HI, max_tokens=1)
                outcomes.append(200)
            except openai.RateLimitError as error:
                outcomes.append(error.status_code)

    asking = [threading.Thread(target=ask) for _ in range(16)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    drained = int((time.monotonic() - begun) * 5 / 60)
    assert len(outcomes) == 16
    assert 5 <= outcomes.count(200) <= 5 + drained


def test_the_client_waits_and_repeats_what_will_pass(limited: Callable[..., Limited]) -> None:
    project = limited({"max_requests_per_1_minute": 20})
    with project.client(max_retries=3) as client:
        for _ in range(60):  # however slow the machine: more at once than drain meanwhile
            client.chat.completions.create(model="nano", messages=HI, max_tokens=1)
            if project.requests_seen(429):
                return
    pytest.fail("no request ever had to wait")


def test_tokens_that_were_asked_for_and_not_used_are_free_again(limited: Callable[..., Limited]) -> None:
    project = limited({"max_tokens_per_1_minute": 600})
    with project.client(max_retries=0) as client:
        for _ in range(3):  # each asks for 500, and gets a few
            client.chat.completions.create(model="nano", messages=HI, max_tokens=500, stop=["e"])


@pytest.mark.parametrize(
    ("limits", "project", "type", "code"),
    [
        ({"max_tokens_per_1_minute": 20}, {}, "tokens", "rate_limit_exceeded"),
        ({"max_requests_per_1_minute": 0}, {}, "requests", "rate_limit_exceeded"),
        ({}, {"monthly_tokens": 20}, "insufficient_quota", "insufficient_quota"),
    ],
    ids=["larger than the limit", "a limit of nothing", "the month's quota"],
)
def test_the_client_never_repeats_what_will_not_pass(
    limited: Callable[..., Limited], limits: dict, project: dict, type: str, code: str
) -> None:
    project_ = limited(limits, **project)
    with project_.client(max_retries=2) as client, pytest.raises(openai.RateLimitError) as refusal:
        client.chat.completions.create(model="nano", messages=HI, max_tokens=100)
    assert (refusal.value.type, refusal.value.code) == (type, code)
    assert refusal.value.response.headers["x-should-retry"] == "false"
    deadline = time.monotonic() + 10
    while not project_.requests_seen(429) and time.monotonic() < deadline:
        time.sleep(0.05)  # the line is written when the answer is out
    assert project_.requests_seen(429) == 1


def test_a_months_quota_is_used_up_by_what_was_served(
    limited: Callable[..., Limited], http: httpx2.Client
) -> None:
    project = limited(monthly_tokens=60)
    with project.client(max_retries=0) as client:
        answer = client.chat.completions.create(model="nano", messages=HI, max_tokens=40, **WORDY)
        assert answer.usage is not None and answer.usage.total_tokens > 40
        with pytest.raises(openai.RateLimitError, match=f"has used {answer.usage.total_tokens} of them"):
            client.chat.completions.create(model="nano", messages=HI, max_tokens=40)
        changed = http.post(f"/v1/organization/projects/{project.project_id}", json={"monthly_tokens": None})
        assert changed.json()["monthly_tokens"] is None
        assert client.chat.completions.create(model="nano", messages=HI, max_tokens=40).choices
