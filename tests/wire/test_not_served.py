"""Every call of OpenAI's client either has a route here or says why not, in a way that no client repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from openai import NotFoundError, OpenAI

from tests.wire.openai_surface import bare, operations
from tunesmith.api.not_served import TABLE, NotServed


def entries_for(method: str, path: str) -> Iterator[NotServed]:
    """The rows of the table that stand for a call; `path` with `{}` for its ids."""
    for entry in TABLE:
        for route in entry.routes():
            pattern = re.escape(bare(route).replace("{}/{}", "{}"))
            pattern = pattern.removesuffix(r"\{\}") + ".+" if route.endswith("{rest:path}") else pattern
            if method in entry.methods and re.fullmatch(pattern, path):
                yield entry
                break


@pytest.fixture(scope="module")
def served(http: httpx2.Client) -> set[tuple[str, str]]:
    """Every method and path that the server documents, with `{}` for ids."""
    paths = http.get("/openapi.json").json()["paths"]
    return {(method.upper(), bare(path)) for path, methods in paths.items() for method in methods}


def test_every_call_of_the_client_is_served_or_in_the_table(served: set[tuple[str, str]]) -> None:
    calls = {(operation.method, operation.path) for operation in operations()}
    assert len(calls) > 300
    silent = sorted(call for call in calls - served if not any(entries_for(*call)))
    assert silent == []


def test_nothing_is_called_not_served_that_is_served(served: set[tuple[str, str]]) -> None:
    wrong = [call for call in served if any(entries_for(*call))]
    assert wrong == []


def test_every_path_of_the_table_is_one_that_the_client_can_ask() -> None:
    calls = {(operation.method, operation.path) for operation in operations()}
    for entry in TABLE:
        for path in entry.paths:
            alone = NotServed((path,), entry.reason, entry.instead, entry.methods)
            matched = [call for call in calls for route in alone.routes() if _asks(route, call[1])]
            assert matched, path


def _asks(route: str, path: str) -> bool:
    if route.endswith("{rest:path}"):
        return path.startswith(bare(route).removesuffix("{}"))
    return path == bare(route)


def test_each_row_answers_in_the_one_shape_with_a_reason_and_a_way_out(http: httpx2.Client) -> None:
    for entry in TABLE:
        for route in entry.routes():
            path = bare(route).replace("{}", "some-id")
            for method in entry.methods:
                answer = http.request(method, path)
                assert answer.status_code == 404, (method, path)
                error = answer.json()["error"]
                assert error["code"] == "not_served", (method, path)
                assert (error["type"], error["param"]) == ("invalid_request_error", None)
                assert (
                    error["message"]
                    == f"This server does not serve {method} {path}. {entry.reason} {entry.instead}"
                )


def test_each_sentence_is_one(http: httpx2.Client) -> None:
    for entry in TABLE:
        assert entry.reason.endswith(".") and entry.instead.endswith(".")


def test_the_client_raises_once_and_does_not_repeat(server) -> None:
    asked = 0

    def count(_request: httpx2.Request) -> None:
        nonlocal asked
        asked += 1

    with (
        httpx2.Client(event_hooks={"request": [count]}) as plain,
        OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=2, http_client=plain) as client,
        pytest.raises(NotFoundError, match="does not serve POST /v1/images/generations") as raised,
    ):
        client.images.generate(prompt="a lighthouse")
    assert asked == 1
    assert raised.value.code == "not_served"


def test_a_wrong_method_on_a_path_that_is_not_served_is_still_a_wrong_method(http: httpx2.Client) -> None:
    assert http.put("/v1/images/generations", json={}).status_code == 405
