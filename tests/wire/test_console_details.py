"""Our own calls, continued: what lists of files know, messages without steps, forecasts kept with their jobs,
the details of a model, reasons for programs, and large answers that travel compressed."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import RunningServer, wait_for_job
from tests.wire.test_console_calls import (  # noqa: F401 - first_project is a fixture
    GOOD,
    asked,
    chat,
    curve,
    estimated,
    first_project,
    uploaded,
)
from tunesmith.api.app import GZIP_LEAST_BYTES
from tunesmith.data.hyperparameters import REASON_CODES
from tunesmith.jobs import messages
from tunesmith.store.database import Database
from tunesmith.store.events import add as add_events
from tunesmith.store.rows import Principal

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "console-calls.md"


def listed(http: httpx2.Client, file_id: str, **query: str) -> dict[str, Any]:
    answer = http.get("/v1/files", params={"q": file_id, **query})
    assert answer.status_code == 200, answer.text
    [file] = answer.json()["data"]
    return dict(file)


# -- the list of files --------------------------------------------------------------------------------


def test_without_our_parameter_a_list_of_files_has_openais_keys(client: OpenAI, http: httpx2.Client) -> None:
    file_id = uploaded(client, *GOOD)
    asked(http, f"/v1/files/{file_id}/report")
    assert listed(http, file_id) == http.get(f"/v1/files/{file_id}").json()


def test_a_list_tells_what_a_report_has_found_and_nothing_before(client: OpenAI, http: httpx2.Client) -> None:
    file_id = uploaded(client, *GOOD, chat("Hi", ""))
    before = listed(http, file_id, include="report")["report"]
    assert (before["status"], before["n_rows"], before["n_jobs"]) == ("unknown", None, 0)
    report = asked(http, f"/v1/files/{file_id}/report")["report"]
    found = listed(http, file_id, include="report")["report"]
    assert (found["status"], found["format"], found["method"]) == ("completed", "chat", "supervised")
    assert (found["n_problems"], found["code"]) == (1, "invalid_file_format")
    assert [found[name] for name in ("n_rows", "n_warnings", "tokens", "trained_tokens", "n_cut")] == [
        report["n_rows"],
        report["n_warnings"],
        report["tokens"]["total"],
        report["tokens"]["trained"],
        report["tokens"]["n_cut"],
    ]


def test_a_list_tells_how_many_jobs_use_a_file(http: httpx2.Client, tuned_job: FineTuningJob) -> None:
    found = listed(http, tuned_job.training_file, include="report")["report"]
    assert found["n_jobs"] == 1, "training and validation data of one job are one use"


def test_preference_rows_are_known_as_such_and_other_files_have_no_report(
    client: OpenAI, http: httpx2.Client
) -> None:
    pair = {
        "input": {"messages": [{"role": "user", "content": "Cold?"}]},
        "preferred_output": [{"role": "assistant", "content": "Yes."}],
        "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
    }
    file_id = uploaded(client, *[pair] * 10)
    asked(http, f"/v1/files/{file_id}/report")
    found = listed(http, file_id, include="report")["report"]
    assert (found["method"], found["code"]) == ("dpo", None)
    other = client.files.create(file=("a.txt", b"abc"), purpose="user_data").id
    assert "report" not in listed(http, other, include="report")
    refused = http.get("/v1/files", params={"include": "everything"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "include")


# -- events of one type -------------------------------------------------------------------------------


def test_events_of_one_type_are_all_events_of_that_type(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    path = f"/v1/fine_tuning/jobs/{tuned_job.id}/events"
    everything = http.get(path, params={"limit": 100}).json()["data"]
    for kind in ("message", "metrics"):
        only = http.get(path, params={"limit": 100, "type": kind}).json()["data"]
        assert only == [event for event in everything if event["type"] == kind] and only
    refused = http.get(path, params={"type": "steps"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "type")


def test_messages_are_paged_without_the_steps_between_them(
    http: httpx2.Client,
    first_project: tuple[Database, Principal],  # noqa: F811
) -> None:
    db, who = first_project
    job_id = curve(db, who, 3000)
    with db.write() as connection:
        add_events(connection, job_id, [messages.note(job_id, f"n{i}", f"note {i}") for i in range(5)])
    path = f"/v1/fine_tuning/jobs/{job_id}/events"
    query: dict[str, str | int] = {"limit": 2, "type": "message"}
    seen = []
    for _ in range(3):
        page = http.get(path, params=query).json()
        seen += [event["message"] for event in page["data"]]
        query["after"] = page["data"][-1]["id"]
    assert seen == [f"note {i}" for i in (4, 3, 2, 1, 0)] and not page["has_more"]


# -- the forecast of a job ----------------------------------------------------------------------------


def test_a_job_keeps_the_forecast_of_its_creation_beside_what_it_took(
    client: OpenAI, http: httpx2.Client
) -> None:
    body = {
        "training_file": uploaded(client, *GOOD),
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
    }
    foretold = estimated(http, **body)
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", **body)  # type: ignore[arg-type]
    begun = http.get(f"/v1/fine_tuning/jobs/{job.id}/forecast").json()
    assert begun["made_at"] is not None and begun["forecast"]["cost"] is None
    job = wait_for_job(client, job.id)
    told = http.get(f"/v1/fine_tuning/jobs/{job.id}/forecast").json()
    assert told["forecast"] == begun["forecast"]
    assert told["forecast"]["tokens"] == foretold["tokens"]["total"] == told["taken"]["tokens"]
    assert told["forecast"]["tokens"] == job.trained_tokens
    assert told["forecast"]["steps"] == foretold["steps"]["total"]
    assert told["forecast"]["seconds"]["low"] <= told["forecast"]["seconds"]["high"]
    assert 0 < told["taken"]["seconds"] <= job.finished_at - job.created_at + 1  # type: ignore[operator]
    assert told["taken"]["cost"] is None
    kept = [e for e in client.fine_tuning.jobs.list_events(job.id) if e.message.startswith("Forecast: ")]
    assert len(kept) == 1 and kept[0].data == {"forecast": told["forecast"]}


def test_a_job_whose_file_nobody_looked_at_has_no_forecast_and_the_rest_all_the_same(
    client: OpenAI, http: httpx2.Client
) -> None:
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=uploaded(client, *GOOD))
    told = http.get(f"/v1/fine_tuning/jobs/{job.id}/forecast").json()
    client.fine_tuning.jobs.cancel(job.id)
    assert (told["made_at"], told["forecast"]) == (None, None)
    assert told["taken"]["seconds"] >= 0 and told["taken"]["currency"] == "usd"


# -- a model ------------------------------------------------------------------------------------------


def test_a_model_tells_where_it_comes_from_and_whether_it_is_loaded(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob, tuned_model: str
) -> None:
    plain = http.get(f"/v1/models/{tuned_model}").json()
    assert "details" not in plain
    client.chat.completions.create(
        model=tuned_model, messages=[{"role": "user", "content": "Say red."}], max_tokens=2
    )
    deadline = time.monotonic() + 20
    while True:  # what was served is written once a second
        body = http.get(f"/v1/models/{tuned_model}?include=details").json()
        details = body.pop("details")
        if details["last_used_at"] is not None or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert body == plain
    assert (details["kind"], details["loaded"], details["engine"]) == ("tuned", True, "ready")
    assert (details["trained_from"], details["fine_tuning_job_id"]) == (tuned_job.model, tuned_job.id)
    assert details["context_length"] == 2048 and details["size_bytes"] > 1000 and details["deletable"]
    assert time.time() - details["last_used_at"] < 600


def test_a_checkpoint_and_a_base_tell_it_too(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob, tuned_model: str
) -> None:
    first = client.fine_tuning.jobs.checkpoints.list(tuned_job.id).data[-1]
    name = first.fine_tuned_model_checkpoint
    details = http.get(f"/v1/models/{name}?include=details").json()["details"]
    assert (details["kind"], details["step"], details["final_model"]) == ("checkpoint", 2, tuned_model)
    base = http.get("/v1/models/nano?include=details").json()["details"]
    assert (base["kind"], base["deletable"], base["fine_tuning_job_id"]) == ("base", False, None)
    assert tuned_model in base["built_on_it"], "it was made from a name of this base"
    assert http.get("/v1/models/gpt-4o-mini?include=details").json()["details"]["kind"] == "alias"
    refused = http.get("/v1/models/nano?include=all")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "include")


def test_a_base_tells_whether_it_can_be_trained_here(http: httpx2.Client) -> None:
    memory = http.get("/v1/server").json()["bases"][0]["training"]
    assert 0 < memory["low_bytes"] < memory["high_bytes"] and memory["fits"] in (True, None)


# -- reasons for programs -----------------------------------------------------------------------------


def test_reasons_and_warnings_come_with_codes_and_their_numbers(client: OpenAI, http: httpx2.Client) -> None:
    file_id = uploaded(client, *GOOD, chat("Hi", "word " * 3000))
    found = estimated(http, training_file=file_id, validation_file=file_id)
    told = found["hyperparameters"]
    assert {name: value["code"] for name, value in told.items()} == {
        "n_epochs": "small_base_rows",
        "batch_size": "small_base_batch",
        "learning_rate_multiplier": "times_base_rate",
        "learning_rate": "rate_small_base_few_rows",
    }
    assert told["n_epochs"]["facts"] == {"n_examples": 11, "rows": 800}
    by_code = {warning["code"]: warning["facts"] for warning in found["warnings"]}
    assert by_code["truncated"] == {"n": 1, "n_rows": 11, "context_length": 2048}
    assert by_code["shared_rows"] == {"n": 11, "n_rows": 11}


def test_the_reference_page_names_every_code_of_a_reason_and_every_key(http: httpx2.Client) -> None:
    page = REFERENCE.read_text()
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    named = {
        key for name in ("FileBrief", "ModelDetails", "JobForecast") for key in schemas[name]["properties"]
    }
    missing = [name for name in {*named, *REASON_CODES} - {"object"} if f"`{name}`" not in page]
    assert not missing


# -- large answers ------------------------------------------------------------------------------------


def raw(server: RunningServer, path: str, **headers: str) -> httpx2.Response:
    """An answer as it travels: nothing is unpacked."""
    head = {"authorization": f"Bearer {server.api_key}", "accept-encoding": "identity", **headers}
    with (
        httpx2.Client(base_url=server.root_url, timeout=60) as plain,
        plain.stream("GET", path, headers=head) as answer,
    ):
        answer.extensions["body"] = b"".join(answer.iter_raw())
        return answer


def test_a_large_answer_travels_compressed_to_whoever_takes_it(
    server: RunningServer,
    http: httpx2.Client,
    first_project: tuple[Database, Principal],  # noqa: F811
) -> None:
    path = f"/v1/fine_tuning/jobs/{curve(*first_project, 6000)}/metrics"
    plain = raw(server, path)
    packed = raw(server, path, **{"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert len(plain.extensions["body"]) > GZIP_LEAST_BYTES
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert len(packed.extensions["body"]) < len(plain.extensions["body"]) / 2
    assert gzip.decompress(packed.extensions["body"]) == plain.extensions["body"]


def test_small_answers_files_and_their_ranges_travel_as_they_are(
    server: RunningServer, client: OpenAI
) -> None:
    file_id = uploaded(client, *[chat("Say it.", "word " * 50)] * 2000)
    for path, headers in (
        ("/v1/models", {}),
        (f"/v1/files/{file_id}/content", {}),
        (f"/v1/files/{file_id}/content", {"range": "bytes=0-300000"}),
    ):
        answer = raw(server, path, **{"accept-encoding": "gzip", **headers})
        assert "content-encoding" not in answer.headers, path
        assert len(answer.extensions["body"]) == int(answer.headers["content-length"])


def test_a_stream_of_events_is_never_compressed(server: RunningServer) -> None:
    body = {"model": "nano", "messages": [{"role": "user", "content": "Hi"}], "stream": True, "max_tokens": 3}
    head = {"authorization": f"Bearer {server.api_key}", "accept-encoding": "gzip"}
    with (
        httpx2.Client(base_url=server.root_url, timeout=60, headers=head) as plain,
        plain.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        text = b"".join(answer.iter_raw()).decode()
    assert "content-encoding" not in answer.headers and text.rstrip().endswith("data: [DONE]")
    assert json.loads(text.splitlines()[0].removeprefix("data: "))["object"] == "chat.completion.chunk"


@pytest.mark.slow
def test_a_hundred_thousand_steps_are_compressed_while_a_chat_streams_on(
    server: RunningServer,
    http: httpx2.Client,
    first_project: tuple[Database, Principal],  # noqa: F811
) -> None:
    path = f"/v1/fine_tuning/jobs/{curve(*first_project, 100_000)}/metrics"
    began = time.perf_counter()
    packed = raw(server, path, **{"accept-encoding": "gzip"})
    assert time.perf_counter() - began < 5
    assert len(gzip.decompress(packed.extensions["body"])) > 3 * len(packed.extensions["body"])
