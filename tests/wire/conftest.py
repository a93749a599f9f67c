"""Plain HTTP against the live server, for what a client library would hide."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI


@pytest.fixture(scope="session")
def http(server) -> Iterator[httpx2.Client]:
    """Requests relative to the server's root, with its key."""
    headers = {"authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=server.root_url, headers=headers, timeout=90) as plain:
        yield plain


@pytest.fixture
def quiet(server, http: httpx2.Client) -> None:
    """Nothing of an earlier test is at work any more: new files of the server are the test's own."""
    incoming = server.data / "objects" / ".incoming"
    deadline = time.monotonic() + 60
    while True:
        at_work = [
            f"{path}/{row['id']}"
            for path, over in (
                ("/v1/fine_tuning/jobs", ("succeeded", "failed", "cancelled")),
                ("/v1/batches", ("completed", "failed", "expired", "cancelled")),
            )
            for row in http.get(f"{path}?limit=100").json()["data"]
            if row["status"] not in over
        ]
        if not at_work and not any(incoming.iterdir()):
            return
        assert time.monotonic() < deadline, at_work
        for path in at_work:
            http.post(f"{path}/cancel")
        time.sleep(0.1)


@pytest.fixture(scope="session")
def nobody(server) -> Iterator[httpx2.Client]:
    """Requests without a key."""
    with httpx2.Client(base_url=server.root_url, timeout=90) as plain:
        yield plain


@pytest.fixture(scope="session")
def admin(server) -> Iterator[OpenAI]:
    """The client of somebody who manages the organization."""
    with OpenAI(
        base_url=server.base_url,
        api_key="sk-not-used-by-admin-calls",
        admin_api_key=server.api_key,
        max_retries=0,
        _strict_response_validation=True,
    ) as openai_client:
        yield openai_client
