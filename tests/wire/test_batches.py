"""`/v1/batches` through the real client: a file of requests in, a file of answers out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpx2
import pytest
from openai import APIStatusError, BadRequestError, NotFoundError, OpenAI
from openai.types import Batch
from sqlalchemy import insert, update

from tunesmith import ids
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.tables import batches as batch_table
from tunesmith.store.tables import projects

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")

GOOD: dict[str, dict[str, Any]] = {
    CHAT: {"messages": [{"role": "user", "content": "Say red."}], "max_tokens": 6},
    "/v1/completions": {"prompt": "The sky is", "max_tokens": 6},
    "/v1/embeddings": {"input": ["red", "blue"]},
    "/v1/responses": {"input": "Say red.", "max_output_tokens": 16},
}
BAD: dict[str, dict[str, Any]] = {
    CHAT: {"messages": [{"role": "user", "content": "Say red."}], "temperature": 9},
    "/v1/completions": {"prompt": "The sky is", "max_tokens": -1},
    "/v1/embeddings": {"input": []},
    "/v1/responses": {"input": "Say red.", "temperature": 9},
}


def lines_for(
    endpoint: str, bodies: Iterable[dict[str, Any]], model: str = "gpt-4o-mini"
) -> list[dict[str, Any]]:
    return [
        {"custom_id": f"line-{n}", "method": "POST", "url": endpoint, "body": {"model": model, **body}}
        for n, body in enumerate(bodies)
    ]


def uploaded(client: OpenAI, lines: Iterable[dict[str, Any] | bytes]) -> str:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return client.files.create(file=("requests.jsonl", b"\n".join(texts)), purpose="batch").id


def started(
    client: OpenAI, lines: Iterable[dict[str, Any] | bytes], endpoint: str = CHAT, **asked: Any
) -> Batch:
    return client.batches.create(
        input_file_id=uploaded(client, lines), endpoint=endpoint, completion_window="24h", **asked
    )


def ended(client: OpenAI, batch: Batch) -> Batch:
    deadline = time.monotonic() + 100
    while batch.status not in ENDED and time.monotonic() < deadline:
        time.sleep(0.1)
        batch = client.batches.retrieve(batch.id)
    assert batch.status in ENDED, batch
    return batch


def content(client: OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    """A file's lines by custom_id, which must be each its own."""
    assert file_id is not None
    rows = [json.loads(line) for line in client.files.content(file_id).text.splitlines()]
    assert len({row["custom_id"] for row in rows}) == len(rows)
    return {row["custom_id"]: row for row in rows}


@pytest.mark.parametrize("endpoint", list(GOOD))
def test_thirty_lines_are_each_answered_as_their_route_would(
    client: OpenAI, http: httpx2.Client, endpoint: str
) -> None:
    bodies = [BAD[endpoint] if n % 10 == 3 else GOOD[endpoint] for n in range(30)]
    model = "text-embedding-3-small" if endpoint == "/v1/embeddings" else "gpt-4o-mini"
    lines = lines_for(endpoint, bodies, model)
    batch = started(client, lines, endpoint, metadata={"purpose": "tests"})
    assert batch.object == "batch"
    assert batch.endpoint == endpoint
    assert batch.completion_window == "24h"
    assert batch.metadata == {"purpose": "tests"}
    assert batch.expires_at == batch.created_at + 86400
    batch = ended(client, batch)
    assert batch.status == "completed"
    assert batch.errors is None
    assert batch.request_counts is not None
    assert batch.request_counts.model_dump() == {"total": 30, "completed": 27, "failed": 3}
    assert (
        batch.created_at
        <= (batch.in_progress_at or 0)
        <= (batch.finalizing_at or 0)
        <= (batch.completed_at or 0)
    )
    output, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
    assert set(errors) == {"line-3", "line-13", "line-23"}
    assert set(output) == {line["custom_id"] for line in lines} - set(errors)

    alone = http.post(endpoint, json=lines[0]["body"])
    assert set(alone.json()) == set(output["line-0"]["response"]["body"])
    assert batch.model == alone.json()["model"]
    for row in output.values():
        assert row["id"].startswith("batch_req_")
        assert row["error"] is None
        assert row["response"]["status_code"] == 200
        assert row["response"]["request_id"].startswith("req_")
    refused = http.post(endpoint, json=lines[3]["body"])
    for row in errors.values():
        assert (row["response"]["status_code"], row["error"]) == (refused.status_code, None)
        assert row["response"]["body"] == refused.json()
    used = [row["response"]["body"]["usage"] for row in output.values()]
    assert batch.usage is not None
    assert batch.usage.total_tokens == sum(usage["total_tokens"] for usage in used) > 0
    assert batch.usage.input_tokens + batch.usage.output_tokens == batch.usage.total_tokens


def test_the_files_of_a_batch_are_the_projects_and_expire_as_asked(client: OpenAI) -> None:
    lines = lines_for(CHAT, [GOOD[CHAT], BAD[CHAT]])
    batch = started(client, lines, output_expires_after={"anchor": "created_at", "seconds": 7200})
    batch = ended(client, batch)
    for file_id, kind in ((batch.output_file_id, "output"), (batch.error_file_id, "error")):
        assert file_id is not None
        file = client.files.retrieve(file_id)
        assert (file.purpose, file.filename) == ("batch_output", f"{batch.id}_{kind}.jsonl")
        assert file.expires_at == file.created_at + 7200
        assert file.bytes == len(client.files.content(file_id).read())


def test_a_tuned_model_answers_a_batch(client: OpenAI, tuned_model: str) -> None:
    batch = ended(client, started(client, lines_for(CHAT, [GOOD[CHAT]] * 3, tuned_model)))
    assert (batch.status, batch.model) == ("completed", tuned_model)
    assert {row["response"]["body"]["model"] for row in content(client, batch.output_file_id).values()} == {
        tuned_model
    }


def test_a_faulty_file_fails_the_batch_with_every_fault_and_its_line(client: OpenAI) -> None:
    good = lines_for(CHAT, [GOOD[CHAT]] * 3)
    batch = started(client, [good[0], b"{not json", good[0], {**good[1], "url": "/v1/embeddings"}, good[2]])
    batch = ended(client, batch)
    assert batch.status == "failed"
    assert batch.failed_at is not None
    assert (batch.output_file_id, batch.error_file_id) == (None, None)
    assert batch.errors is not None and batch.errors.object == "list"
    found = [(error.line, error.code) for error in batch.errors.data or []]
    assert found == [(2, "invalid_json_line"), (3, "duplicate_custom_id"), (4, "invalid_url")]


def test_a_model_that_is_not_there_fails_the_batch(client: OpenAI) -> None:
    batch = ended(client, started(client, lines_for(CHAT, [GOOD[CHAT]], "gpt-4o-minu")))
    assert batch.status == "failed"
    assert batch.errors is not None and batch.errors.data is not None
    [error] = batch.errors.data
    assert (error.code, error.param, error.line) == ("model_not_found", "body.model", 1)
    assert "gpt-4o-mini" in (error.message or "")


def test_a_running_batch_is_cancelled_and_keeps_what_was_answered(client: OpenAI) -> None:
    long = {**GOOD[CHAT], "max_tokens": 256, "logit_bias": {"0": -100, "1": -100, "2": -100}}
    batch = started(client, lines_for(CHAT, [GOOD[CHAT]] * 8 + [long] * 200))
    deadline = time.monotonic() + 60
    while not (batch.request_counts and batch.request_counts.completed) and time.monotonic() < deadline:
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    asked = client.batches.cancel(batch.id)
    assert asked.status == "cancelling"
    assert asked.cancelling_at is not None
    batch = ended(client, asked)
    assert (batch.status, batch.cancelled_at is not None) == ("cancelled", True)
    assert batch.request_counts is not None
    output, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
    assert (batch.request_counts.completed, batch.request_counts.failed) == (len(output), len(errors))
    assert len(output) + len(errors) == 208
    assert not set(output) & set(errors)
    assert {row["error"]["code"] for row in errors.values()} == {"batch_cancelled"}
    assert client.batches.cancel(batch.id).status == "cancelled"  # asked twice, as a retrying client does


def test_what_has_ended_cannot_be_cancelled(client: OpenAI) -> None:
    batch = ended(client, started(client, lines_for(CHAT, [GOOD[CHAT]])))
    with pytest.raises(BadRequestError, match="Cannot cancel a batch with status 'completed'"):
        client.batches.cancel(batch.id)


def test_a_batch_whose_window_is_over_expires(client: OpenAI, server) -> None:
    long = {**GOOD[CHAT], "max_tokens": 256, "logit_bias": {"0": -100, "1": -100, "2": -100}}
    batch = started(client, lines_for(CHAT, [long] * 200))
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    with db.write() as connection:
        connection.execute(
            update(batch_table).where(batch_table.c.id == batch.id).values(expires_at=ids.now() - 1)
        )
    db.close()
    batch = ended(client, batch)
    assert (batch.status, batch.expired_at is not None) == ("expired", True)


def test_lists_are_newest_first_and_page_to_the_end(client: OpenAI) -> None:
    made = [started(client, lines_for(CHAT, [GOOD[CHAT]])).id for _ in range(3)]
    assert [batch.id for batch in client.batches.list(limit=3).data] == made[::-1]
    seen = [batch.id for batch in client.batches.list(limit=2)]
    assert seen[:3] == made[::-1]
    assert len(set(seen)) == len(seen)
    for batch_id in made:
        ended(client, client.batches.retrieve(batch_id))


def test_a_page_names_its_ends(http: httpx2.Client) -> None:
    page = http.get("/v1/batches?limit=2").json()
    assert page["object"] == "list"
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
    assert http.get("/v1/batches?limit=101").status_code == 400


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"endpoint": "/v1/images/generations"}, "endpoint"),
        ({"endpoint": "/v1/moderations"}, "endpoint"),  # this server has no moderation model
        ({"endpoint": "/v1/nonsense"}, "endpoint"),
        ({"endpoint": 7}, "endpoint"),
        ({"completion_window": "48h"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}}, "output_expires_after.seconds"),
        ({"output_expires_after": {"anchor": "now", "seconds": 7200}}, "output_expires_after.anchor"),
        ({"priority": 1}, "priority"),
        ({"input_file_id": None}, "input_file_id"),
    ],
)
def test_what_a_batch_cannot_be_is_refused_at_once(
    client: OpenAI, http: httpx2.Client, changes: dict[str, Any], param: str
) -> None:
    body = {"input_file_id": "file-absent", "endpoint": CHAT, "completion_window": "24h", **changes}
    answer = http.post("/v1/batches", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


def test_a_file_of_another_purpose_or_none_at_all_is_refused(client: OpenAI, small_training_file) -> None:
    file = client.files.create(file=small_training_file, purpose="fine-tune")
    with pytest.raises(BadRequestError, match="upload it with purpose 'batch'") as raised:
        client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    assert raised.value.code == "invalid_file_purpose"
    with pytest.raises(NotFoundError, match="there is no such file"):
        client.batches.create(input_file_id="file-absent", endpoint=CHAT, completion_window="24h")


def test_an_absent_batch_is_named(client: OpenAI) -> None:
    for call in (client.batches.retrieve, client.batches.cancel):
        with pytest.raises(NotFoundError, match="No batch found with id 'batch_absent'"):
            call("batch_absent")


@pytest.fixture
def stranger(server) -> Iterator[OpenAI]:
    """The client of another project."""
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    project_id = ids.new_id("project")
    with db.write() as connection:
        connection.execute(
            insert(projects).values(
                id=project_id, organization_id=keys.FIRST_ORGANIZATION, name=project_id, created_at=ids.now()
            )
        )
        _, secret = keys.create(connection, project_id, name="stranger")
    db.close()
    with OpenAI(base_url=server.base_url, api_key=secret, max_retries=0) as other:
        yield other


def test_another_projects_batch_and_file_are_as_good_as_absent(client: OpenAI, stranger: OpenAI) -> None:
    batch = started(client, lines_for(CHAT, [GOOD[CHAT]]))
    for call in (stranger.batches.retrieve, stranger.batches.cancel):
        with pytest.raises(NotFoundError, match=f"No batch found with id '{batch.id}'"):
            call(batch.id)
    assert stranger.batches.list().data == []
    with pytest.raises(APIStatusError) as raised:
        stranger.batches.list(after=batch.id)
    assert raised.value.status_code == 400
    with pytest.raises(NotFoundError):
        stranger.batches.create(input_file_id=batch.input_file_id, endpoint=CHAT, completion_window="24h")
    assert ended(client, batch).status == "completed"


def test_deleting_the_input_does_not_stop_a_batch(client: OpenAI) -> None:
    batch = started(client, lines_for(CHAT, [GOOD[CHAT]] * 20))
    client.files.delete(batch.input_file_id)
    assert ended(client, batch).status == "completed"
