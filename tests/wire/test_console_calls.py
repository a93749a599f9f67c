"""Our own calls: what a file holds, what a job would take, whole curves, lists with filters, the server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from sqlalchemy import insert

from tests.conftest import RunningServer, wait_for_job
from tests.store.factories import a_job
from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import from_row
from tunesmith.data.fault_codes import CODES
from tunesmith.data.jsonl import validate
from tunesmith.jobs import messages
from tunesmith.settings import NANO
from tunesmith.store import jobs, keys
from tunesmith.store.database import Database
from tunesmith.store.events import add as add_events
from tunesmith.store.rows import Principal, values_of
from tunesmith.store.tables import events as events_table

WORDS = ("red", "blue", "green", "pink", "grey", "gold", "black", "white", "brown", "teal")


def chat(question: str, reply: str, **message: Any) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": reply, **message},
        ]
    }


GOOD = [chat(f"Say {word}.", f"{word.upper()}!") for word in WORDS]


def jsonl(*rows: Any) -> bytes:
    """Rows as lines; bytes are taken as they are."""
    lines = (row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows)
    return b"".join(line + b"\n" for line in lines)


def uploaded(client: OpenAI, *rows: Any, name: str = "rows.jsonl") -> str:
    return client.files.create(file=(name, jsonl(*rows)), purpose="fine-tune").id


def asked(http: httpx2.Client, path: str, **query: Any) -> dict[str, Any]:
    """The answer of one of our calls, once it is complete."""
    return completed(lambda: http.get(path, params=query))


def completed(ask: Callable[[], httpx2.Response]) -> dict[str, Any]:
    """What is answered once nothing is in progress any more."""
    deadline = time.monotonic() + 100
    while True:
        answer = ask()
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        if body.get("status") != "in_progress":
            return body
        assert time.monotonic() < deadline, body
        time.sleep(0.02)


def estimated(http: httpx2.Client, **body: Any) -> dict[str, Any]:
    asked_for = {"model": "gpt-4o-mini", **body}
    return completed(lambda: http.post("/v1/fine_tuning/jobs/estimate", json=asked_for))


# -- the report of a file -----------------------------------------------------------------------------


def test_every_fault_has_its_line_its_code_and_its_remedy(client: OpenAI, http: httpx2.Client) -> None:
    bad = [
        b"{bad",
        chat("Hi", ""),
        {"messages": [{"role": "human", "content": "Hi"}]},
        {**chat("Hi", "Ho"), "extra": 1},
        [],
    ]
    content = jsonl(*GOOD, *bad)
    file_id = uploaded(client, *GOOD, *bad)
    report = asked(http, f"/v1/files/{file_id}/report")["report"]
    told = [(one["line"], one["path"], one["code"]) for one in report["problems"]]
    assert told == [
        (11, None, "invalid_json"),
        (12, "messages[1].content", "empty"),
        (13, "messages[0].role", "invalid_role"),
        (14, "the row", "extra_key"),
        (15, None, "not_an_object"),
    ]
    assert report["problems"][1]["message"] == "messages[1].content is empty"
    assert report["problems"][1]["hint"] == "give the assistant a reply or remove the message"
    assert (report["n_problems"], report["n_rows"], report["format"]) == (5, 15, "chat")
    truth = validate([content], role="training_file")
    verdict = {"ok": False, "code": truth.code, "message": truth.message()}
    assert report["as_training_file"] == verdict


def test_tokens_are_those_that_a_job_trains_on(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    report = asked(http, f"/v1/files/{tuned_job.training_file}/report")["report"]
    events = client.fine_tuning.jobs.list_events(tuned_job.id, limit=100).data
    told = next(event.data for event in events if "under the loss; " in event.message)
    assert isinstance(told, dict)
    assert report["tokens"]["total"] == told["tokens_per_epoch"]
    assert report["tokens"]["trained"] == told["supervised_tokens_per_epoch"]
    assert sum(one["n_rows"] for one in report["tokens"]["histogram"]) == report["n_rows"] == 10
    assert report["as_training_file"] == {"ok": True, "code": None, "message": None}


def test_a_file_that_is_too_short_to_train_on_may_still_validate(client: OpenAI, http: httpx2.Client) -> None:
    report = asked(http, f"/v1/files/{uploaded(client, *GOOD[:3])}/report")["report"]
    assert report["as_training_file"]["code"] == "invalid_n_examples"
    assert report["as_validation_file"]["ok"] and report["problems"] == []


def test_duplicates_are_told_whatever_their_spelling(client: OpenAI, http: httpx2.Client) -> None:
    respelt = b'{ "messages" : [{"content":"Say red.","role":"user"},{"role":"assistant","content":"RED!"}]}'
    file_id = uploaded(client, *GOOD, respelt, GOOD[3], GOOD[0])
    found = asked(http, f"/v1/files/{file_id}/report")["report"]["duplicates"]
    assert found == {"n_groups": 2, "n_rows": 3, "groups": [[1, 11, 13], [4, 12]]}


def test_near_duplicates_differ_in_case_space_and_punctuation_alone(
    client: OpenAI, http: httpx2.Client
) -> None:
    file_id = uploaded(client, *GOOD, chat("say  red", "Red."), GOOD[0], chat("Say red, now.", "Red."))
    report = asked(http, f"/v1/files/{file_id}/report")["report"]
    assert report["near_duplicates"] == {"n_groups": 1, "n_rows": 1, "groups": [[1, 11]]}
    assert report["duplicates"] == {"n_groups": 1, "n_rows": 1, "groups": [[1, 12]]}


def test_turns_are_counted(client: OpenAI, http: httpx2.Client) -> None:
    long = {"messages": [*GOOD[0]["messages"], *GOOD[1]["messages"]]}
    turns = asked(http, f"/v1/files/{uploaded(client, *GOOD, long)}/report")["report"]["turns"]
    n = len(GOOD[0]["messages"])
    assert (turns["median"], turns["longest"], turns["total"]) == (n, 2 * n, n * (len(GOOD) + 2))
    assert {one["low"]: one["n_rows"] for one in turns["histogram"] if one["n_rows"]} == {n: 10, 2 * n: 1}


def test_rows_that_two_files_share_are_told(client: OpenAI, http: httpx2.Client) -> None:
    training = uploaded(client, *GOOD)
    validation = uploaded(client, chat("New?", "Yes."), GOOD[4], GOOD[9])
    report = asked(http, f"/v1/files/{validation}/report", against=training)["report"]
    shared = [{"line": 2, "against_line": 5}, {"line": 3, "against_line": 10}]
    assert report["overlap"] == {"against": training, "n_rows": 2, "rows": shared}
    assert asked(http, f"/v1/files/{validation}/report")["report"]["overlap"] is None


def test_cut_rows_and_rows_that_teach_nothing_are_counted(client: OpenAI, http: httpx2.Client) -> None:
    long_reply, long_question = chat("Hi", "word " * 3000), chat("word " * 3000, "Hi")
    file_id = uploaded(client, *GOOD, long_reply, long_question)
    tokens = asked(http, f"/v1/files/{file_id}/report")["report"]["tokens"]
    assert tokens["context_length"] == 2048
    assert (tokens["n_cut"], tokens["cut_lines"]) == (2, [11, 12])
    assert (tokens["n_without_trained_token"], tokens["lines_without_trained_token"]) == (1, [12])
    assert tokens["n_rows"] == 11 and tokens["longest"] > 2048
    page = asked(http, f"/v1/files/{file_id}/rows", only="cut")
    assert [row["line"] for row in page["data"]] == [11, 12]
    runs = page["data"][0]["replies"][0]["runs"]
    assert any(run["cut"] for run in runs) and not any(run["cut"] and run["trained"] for run in runs)
    assert page["data"][0]["replies"][0]["n_tokens"] == 2048


def test_a_large_file_says_how_far_it_is_and_names_its_faults_first(
    client: OpenAI, http: httpx2.Client
) -> None:
    rows = jsonl(chat("Say it. " * 500, "Said. " * 30)) * 2500
    assert len(rows) > 8 * 2**20
    content = jsonl(chat("Hi", "")) + rows
    file_id = client.files.create(file=("large.jsonl", content), purpose="fine-tune").id
    deadline = time.monotonic() + 100
    while True:
        body = http.get(f"/v1/files/{file_id}/report").json()
        assert body["status"] == "in_progress", "it was meant to take a while"
        if body["progress"]["phase"] == "counting" and body["progress"]["lines_done"]:
            break
        assert time.monotonic() < deadline, body
        time.sleep(0.02)
    assert body["progress"]["lines_total"] == 2501
    assert body["report"]["tokens"] is None and body["report"]["n_problems"] == 1
    first = http.get(f"/v1/files/{file_id}/rows", params={"limit": 3}).json()
    assert [row["line"] for row in first["data"]] == [1, 2, 3] and first["has_more"]
    assert first["data"][0]["problems"] and first["data"][1]["n_trained"]


def test_only_files_to_train_on_have_a_report(client: OpenAI, http: httpx2.Client) -> None:
    other = client.files.create(file=("a.txt", b"abc"), purpose="user_data").id
    for path in ("report", "rows"):
        refused = http.get(f"/v1/files/{other}/{path}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_file_purpose")
        unknown = http.get(f"/v1/files/{other}/{path}", params={"model": "no-such-model"})
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")


# -- the rows of a file -------------------------------------------------------------------------------


def text_of(runs: list[dict[str, Any]]) -> bytes:
    """The bytes of all runs together."""
    return b"".join(
        base64.b64decode(run["bytes"]) if run["text"] is None else run["text"].encode() for run in runs
    )


def test_rows_are_shown_as_the_trainer_sees_them(client: OpenAI, http: httpx2.Client) -> None:
    row = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "你好?"},
            {"role": "assistant", "content": "Not this.", "weight": 0},
            {"role": "user", "content": "Again"},
            {"role": "assistant", "content": "好!"},
        ]
    }
    file_id = uploaded(client, *GOOD, row)
    page = asked(http, f"/v1/files/{file_id}/rows", after_line=10, boundaries=True)
    [shown] = page["data"]
    [reply] = shown["replies"]
    rendered = Renderer.load(NANO).example(from_row(row, 11))
    assert (shown["n_tokens"], shown["n_trained"]) == (len(rendered.input_ids), rendered.n_supervised)
    runs = reply["runs"]
    tokenizer = Renderer.load(NANO).tokenizer
    assert text_of(runs) == b"".join(map(tokenizer.token_bytes, rendered.input_ids))
    assert [size for run in runs for size in run["token_bytes"]] == [
        len(tokenizer.token_bytes(id)) for id in rendered.input_ids
    ]
    assert sum(run["n_tokens"] for run in runs if run["trained"]) == rendered.n_supervised
    roles = [run["role"] for run in runs]
    assert roles[:5] == ["system", "user", "assistant", "user", "assistant"]
    untrained = next(run for run in runs if run["role"] == "assistant")
    assert "Not this." in untrained["text"] and not untrained["trained"]
    assert "好!" in text_of([run for run in runs if run["trained"]]).decode()


def test_a_preference_row_shows_both_replies(client: OpenAI, http: httpx2.Client) -> None:
    row = {
        "input": {"messages": [{"role": "user", "content": "Cold?"}]},
        "preferred_output": [{"role": "assistant", "content": "Yes."}],
        "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
    }
    page = asked(http, f"/v1/files/{uploaded(client, row)}/rows")
    replies = page["data"][0]["replies"]
    assert [reply["kind"] for reply in replies] == ["preferred", "non_preferred"]
    for reply, words in zip(replies, ("Yes.", "No idea."), strict=True):
        assert words.encode() in text_of([run for run in reply["runs"] if run["trained"]])
    assert page["data"][0]["n_tokens"] == sum(reply["n_tokens"] for reply in replies)


def test_pages_follow_each_other_and_filters_keep_the_lines(client: OpenAI, http: httpx2.Client) -> None:
    file_id = uploaded(client, *GOOD[:4], b"", b"{bad", *GOOD[4:], chat("Hi", ""))
    lines: list[int] = []
    page: dict[str, Any] = {"has_more": True, "last_line": 0}
    while page["has_more"]:
        page = asked(http, f"/v1/files/{file_id}/rows", after_line=page["last_line"], limit=5)
        lines += [row["line"] for row in page["data"]]
    assert lines == [1, 2, 3, 4, 6, *range(7, 14)]
    back: list[int] = []
    page = {"has_more": True, "data": [{"line": 99}]}
    while page["has_more"]:
        page = asked(http, f"/v1/files/{file_id}/rows", before_line=page["data"][0]["line"], limit=5)
        back = [row["line"] for row in page["data"]] + back
    assert back == lines and len(page["data"]) == 2
    assert asked(http, f"/v1/files/{file_id}/rows", before_line=1)["data"] == []
    both = http.get(f"/v1/files/{file_id}/rows", params={"after_line": 1, "before_line": 9})
    assert (both.status_code, both.json()["error"]["param"]) == (400, "before_line")
    wrong = asked(http, f"/v1/files/{file_id}/rows", only="errors")
    assert [(row["line"], row["problems"][0]["code"]) for row in wrong["data"]] == [
        (6, "invalid_json"),
        (13, "empty"),
    ]
    assert wrong["data"][0]["text"] == "{bad" and wrong["data"][0]["replies"] == []


def test_a_row_that_is_too_long_to_show_has_its_faults_all_the_same(
    client: OpenAI, http: httpx2.Client
) -> None:
    file_id = uploaded(client, *GOOD, {**chat("Hi", "x" * 300_000), "x": 1})
    [row] = asked(http, f"/v1/files/{file_id}/rows", only="errors")["data"]
    assert (row["line"], [problem["code"] for problem in row["problems"]]) == (11, ["extra_key"])


# -- the estimate of a job ----------------------------------------------------------------------------


def test_a_forecast_has_the_numbers_that_the_job_then_has(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    files = {"training_file": tuned_job.training_file, "validation_file": tuned_job.training_file}
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 5}}}
    before = client.fine_tuning.jobs.list(limit=1).data[0].id
    found = estimated(http, **files, method=method)
    assert client.fine_tuning.jobs.list(limit=1).data[0].id == before
    assert found["tokens"]["total"] == tuned_job.trained_tokens
    assert found["steps"] == {"per_epoch": 2, "total": 4}
    assert (found["n_examples"], found["n_valid_examples"], found["would_fail"]) == (10, 10, None)
    assert [warning["code"] for warning in found["warnings"]] == ["shared_rows"]
    events = client.fine_tuning.jobs.list_events(tuned_job.id, limit=100).data
    told = next(event.data for event in events if event.message.startswith("Hyperparameters: "))
    assert isinstance(told, dict) and found["hyperparameters"] == told["resolved"]
    assert found["seconds"]["basis"] == "earlier_jobs" and found["seconds"]["n_earlier_jobs"] >= 1
    assert 0 < found["seconds"]["low"] < found["seconds"]["high"] < 600
    assert found["memory"]["fits"] is True and found["cost"] is None
    assert found["queue"]["n_ahead"] >= 0


def test_auto_is_told_with_its_reason(client: OpenAI, http: httpx2.Client) -> None:
    found = estimated(http, training_file=uploaded(client, *GOOD))
    epochs = found["hyperparameters"]["n_epochs"]
    assert epochs["requested"] == "auto" and epochs["value"] == 20 and "10 examples" in epochs["reason"]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "no-such-model"},
        {"training_file": "file-absent"},
        {"method": {"type": "reinforcement", "reinforcement": {}}},
        {"suffix": "no spaces"},
        {"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 0}}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_create_refuses_the_estimate_refuses_alike(
    client: OpenAI, http: httpx2.Client, change: dict[str, Any], tuned_job: FineTuningJob
) -> None:
    body = {"model": "gpt-4o-mini", "training_file": tuned_job.training_file, **change}
    create, forecast = (http.post(f"/v1/fine_tuning/jobs{path}", json=body) for path in ("", "/estimate"))
    assert create.status_code in (400, 404)
    assert (forecast.status_code, forecast.json()) == (create.status_code, create.json())


@pytest.mark.parametrize("kind", ["faults", "too few", "wrong rows", "other rows"])
def test_what_would_fail_a_job_is_told_in_its_words(client: OpenAI, http: httpx2.Client, kind: str) -> None:
    body: dict[str, Any] = {"training_file": uploaded(client, *GOOD)}
    match kind:
        case "faults":
            body["training_file"] = uploaded(client, *GOOD, chat("Hi", ""))
        case "too few":
            body["training_file"] = uploaded(client, *GOOD[:2])
        case "wrong rows":
            body["method"] = {"type": "dpo"}
        case "other rows":
            body["validation_file"] = uploaded(client, {"prompt": "Hi", "completion": "Ho"})
    found = estimated(http, **body)["would_fail"]
    job = wait_for_job(client, client.fine_tuning.jobs.create(model="gpt-4o-mini", **body).id, "failed")
    assert job.error is not None
    assert found == {"code": job.error.code, "message": job.error.message, "param": job.error.param}


def test_no_row_of_a_large_file_is_said_to_be_torn(client: OpenAI, http: httpx2.Client) -> None:
    other = {"prompt": "Hi", "completion": "x" * 300_000}
    files = {"training_file": uploaded(client, *GOOD), "validation_file": uploaded(client, other, other)}
    few = {**files, "validation_file": uploaded(client, {"prompt": "Hi", "completion": "Ho"}, other)}
    for body in (files, few):
        found = estimated(http, **body)["would_fail"]
        assert (found["code"], found["param"]) == ("invalid_file_format", "validation_file"), found
        assert "prompt" in found["message"] and "cut off" not in found["message"], found["message"]


# -- the curve of a job -------------------------------------------------------------------------------


def test_a_curve_comes_whole_as_columns(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    body = http.get(f"/v1/fine_tuning/jobs/{tuned_job.id}/metrics").json()
    events = [e for e in client.fine_tuning.jobs.list_events(tuned_job.id, limit=100) if e.type == "metrics"]
    told = sorted((e.data for e in events), key=lambda data: data["step"])  # type: ignore[index, arg-type, return-value]
    assert body["n_steps"] == len(told) == 4 and not body["has_more"]
    assert body["columns"]["step"] == [1, 2, 3, 4]
    for name, column in body["columns"].items():
        if name != "created_at":
            assert column == [data.get(name) for data in told], name  # type: ignore[union-attr]
    wanted = {"train_loss", "valid_loss", "full_valid_loss", "learning_rate", "grad_norm", "tokens_per_s"}
    assert wanted | {"epoch", "trained_tokens", "created_at"} <= body["columns"].keys()
    assert body["columns"]["full_valid_loss"][0] is None
    assert (body["total_steps"], body["steps_per_epoch"], body["seams"]) == (4, 2, [])
    later = http.get(f"/v1/fine_tuning/jobs/{tuned_job.id}/metrics?after_step=2&limit=1").json()
    assert later["columns"]["step"] == [3] and later["has_more"]
    none = http.get(f"/v1/fine_tuning/jobs/{tuned_job.id}/metrics?after_step=4").json()
    assert (none["n_steps"], none["columns"]) == (0, {})


@pytest.fixture
def first_project(server: RunningServer) -> Iterator[tuple[Database, Principal]]:
    """The server's own database, for what no test has the time to train."""
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    principal = keys.authenticate(db, server.api_key)
    assert principal is not None
    yield db, principal
    db.close()


def curve(db: Database, who: Principal, n_steps: int) -> str:
    """A job with a curve; its id."""
    job = a_job(db, who, status="succeeded", step=n_steps, total_steps=n_steps)
    for start in range(1, n_steps + 1, 5000):
        told = []
        for step in range(start, min(start + 5000, n_steps + 1)):
            values: dict[str, float | None] = {
                "train_loss": 1 / step,
                "learning_rate": 1e-3,
                "grad_norm": 0.1,
            }
            if step % 1000 == 0:
                values["full_valid_loss"] = 2 / step
            told.append(values_of(messages.metrics(job.id, step=step, total_steps=n_steps, values=values)))
        with db.write() as connection:
            connection.execute(insert(events_table), told)
    return job.id


def test_a_resumed_job_has_its_seams_and_a_late_column_is_filled_up(
    http: httpx2.Client, first_project: tuple[Database, Principal]
) -> None:
    db, who = first_project
    job_id = curve(db, who, 1200)
    job = jobs.get(db, who.project_id, job_id)
    with db.write() as connection:
        told = [messages.resumed(replace(job, attempt=attempt), step) for attempt, step in ((2, 400), (3, 0))]
        add_events(connection, job_id, told)
    assert told[0].data == {"attempt": 2, "resume_step": 400, "resumed_from": 400}
    body = http.get(f"/v1/fine_tuning/jobs/{job_id}/metrics").json()
    assert [(seam["step"], seam["attempt"]) for seam in body["seams"]] == [(400, 2), (0, 3)]
    assert {len(column) for column in body["columns"].values()} == {1200}
    late = body["columns"]["full_valid_loss"]
    assert late[999] == 2 / 1000 and late.count(None) == 1199
    progress = http.get(f"/v1/fine_tuning/jobs?include=progress&q={job_id}").json()["data"][0]["progress"]
    steps = progress["curve"]["step"]
    assert len(steps) == 40 and (steps[0], steps[-1]) == (1, 1200)
    assert progress["curve"]["train_loss"] == [1 / step for step in steps]


@pytest.mark.slow
def test_a_hundred_thousand_steps_come_in_one_answer_within_a_second(
    http: httpx2.Client, first_project: tuple[Database, Principal]
) -> None:
    job_id = curve(*first_project, 100_000)
    answers = [http.get(f"/v1/fine_tuning/jobs/{job_id}/metrics") for _ in range(3)]
    assert answers[0].json()["n_steps"] == 100_000 and not answers[0].json()["has_more"]
    assert min(int(answer.headers["openai-processing-ms"]) for answer in answers) < 1000


# -- lists --------------------------------------------------------------------------------------------


def test_without_our_parameters_a_list_is_openais(http: httpx2.Client, tuned_job: FineTuningJob) -> None:
    plain = http.get("/v1/fine_tuning/jobs", params={"limit": 100}).json()["data"]
    assert all("progress" not in job for job in plain)
    assert (
        next(job for job in plain if job["id"] == tuned_job.id).keys()
        == http.get(f"/v1/fine_tuning/jobs/{tuned_job.id}").json().keys()
    )


def test_jobs_are_found_by_state_and_text(http: httpx2.Client, tuned_job: FineTuningJob) -> None:
    def found(**query: Any) -> list[str]:
        answer = http.get("/v1/fine_tuning/jobs", params={"limit": 100, **query})
        assert answer.status_code == 200, answer.text
        return [job["id"] for job in answer.json()["data"]]

    assert tuned_job.id in found(status="succeeded")
    assert tuned_job.id in found(status="failed,succeeded", q="COLOURS")
    assert tuned_job.id not in found(status="running")
    assert found(q=tuned_job.id[-10:]) == [tuned_job.id]
    assert found(q="%") == []
    refused = http.get("/v1/fine_tuning/jobs", params={"status": "done"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "status")


def test_a_page_leads_back_to_newer_ones(client: OpenAI, http: httpx2.Client) -> None:
    file_id = uploaded(client, *GOOD)
    made = [
        client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file_id, suffix="back").id
        for _ in range(5)
    ]
    for job_id in made:
        client.fine_tuning.jobs.cancel(job_id)

    def page(**query: Any) -> tuple[list[str], bool]:
        body = http.get("/v1/fine_tuning/jobs", params={"q": "back", "limit": 2, **query}).json()
        return [job["id"] for job in body["data"]], body["has_more"]

    newest_first = made[::-1]
    assert page() == (newest_first[:2], True)
    assert page(after=newest_first[3]) == (newest_first[4:], False)
    assert page(before=newest_first[4]) == (newest_first[2:4], True)
    assert page(before=newest_first[2]) == (newest_first[:2], False)
    both = http.get("/v1/fine_tuning/jobs", params={"after": made[0], "before": made[1]})
    assert (both.status_code, both.json()["error"]["param"]) == (400, "before")


def test_progress_comes_with_a_list_that_asks_for_it(http: httpx2.Client, tuned_job: FineTuningJob) -> None:
    query = {"include": "progress", "q": tuned_job.id}
    [job] = http.get("/v1/fine_tuning/jobs", params=query).json()["data"]
    columns = http.get(f"/v1/fine_tuning/jobs/{tuned_job.id}/metrics").json()["columns"]
    assert (job["progress"]["step"], job["progress"]["total_steps"]) == (4, 4)
    for name in ("train_loss", "valid_loss", "full_valid_loss"):
        assert job["progress"][name] == columns[name][-1]
    assert job["progress"]["curve"] == {"step": [1, 2, 3, 4], "train_loss": columns["train_loss"]}


def test_a_page_of_files_leads_back_to_newer_ones(client: OpenAI, http: httpx2.Client) -> None:
    newest_first = [uploaded(client, *GOOD, name=f"leads-back-{n}.jsonl") for n in range(5)][::-1]

    def page(**query: Any) -> tuple[list[str], bool]:
        body = http.get("/v1/files", params={"q": "leads-back", "limit": 2, **query}).json()
        return [file["id"] for file in body["data"]], body["has_more"]

    assert page(after=newest_first[1]) == (newest_first[2:4], True)
    assert page(before=newest_first[4]) == (newest_first[2:4], True)
    assert page(before=newest_first[2]) == (newest_first[:2], False)
    assert page(before=newest_first[2], order="asc") == ([newest_first[4], newest_first[3]], False)
    both = http.get("/v1/files", params={"after": newest_first[0], "before": newest_first[1]})
    assert (both.status_code, both.json()["error"]["param"]) == (400, "before")


def test_files_are_found_by_their_names(client: OpenAI, http: httpx2.Client) -> None:
    file_id = uploaded(client, *GOOD, name="Find_me 100%.jsonl")
    for text, is_found in (("find_me", True), ("100%", True), ("f%me", False), (file_id, True)):
        found = http.get("/v1/files", params={"q": text}).json()["data"]
        assert (file_id in [file["id"] for file in found]) == is_found, text


# -- the page -----------------------------------------------------------------------------------------


def test_the_reference_page_names_every_code_and_every_key(http: httpx2.Client) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "console-calls.md").read_text()
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    named = {name for model in ("JobEstimate", "JobMetrics") for name in schemas[model]["properties"]}
    named |= {
        name for model in ("ReportBody", "TokenFacts", "FileRow") for name in schemas[model]["properties"]
    }
    told_elsewhere = {"object", "model", "base", "method", "progress", "n_valid_examples", "n_rows"}
    missing = [name for name in {*named, *CODES} - told_elsewhere if name not in page]
    assert not missing


# -- the server, the events, the states ---------------------------------------------------------------


def test_the_server_says_what_it_is(http: httpx2.Client, server: RunningServer) -> None:
    body = http.get("/v1/server").json()
    assert body["bases"][0]["id"] == "nano" and body["bases"][0]["is_default"]
    assert body["minimum_rows"] == {"training_file": 10, "validation_file": 1}
    assert body["prices"] == {"currency": "usd", "models": {}, "device_hour": 0.0}
    assert body["capabilities"]["methods"] == ["supervised", "dpo"]
    assert body["devices"][0]["memory_bytes"] >= body["devices"][0]["free_bytes"] > 0
    assert str(server.data) not in json.dumps(body) and str(NANO) not in json.dumps(body)


def test_events_say_the_place_in_the_queue(client: OpenAI, tuned_job: FineTuningJob) -> None:
    events = client.fine_tuning.jobs.list_events(tuned_job.id, limit=100).data
    queued = next(event for event in events if event.message.endswith("moving job to queued state"))
    assert isinstance(queued.data, dict) and queued.data["queue_position"] >= 0


def test_the_document_has_the_table_of_states_and_all_our_calls(nobody: httpx2.Client) -> None:
    document = nobody.get("/openapi.json").json()
    assert document["x-transitions"]["paused"] == ["cancelled", "queued"]
    assert document["x-transitions"]["succeeded"] == []
    calls = [
        ("get", "/v1/files/{file_id}/report"),
        ("get", "/v1/files/{file_id}/rows"),
        ("post", "/v1/fine_tuning/jobs/estimate"),
        ("get", "/v1/fine_tuning/jobs/{job_id}/metrics"),
        ("get", "/v1/server"),
        ("post", "/v1/login_codes/{code}"),
    ]
    for method, path in calls:
        operation = document["paths"][path][method]
        assert operation["summary"] and operation["description"].startswith("Our own")
        assert "200" in operation["responses"]
    assert "security" not in document["paths"]["/v1/login_codes/{code}"]["post"]
