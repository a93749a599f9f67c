"""Usage and costs: what was served is what is counted, also when nobody heard it to the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import RunningServer, start_server
from tunesmith import ids
from tunesmith.api.organization import costs as organization_costs
from tunesmith.settings import Price, Settings

HI = [{"role": "user", "content": "Hello!"}]
ENDLESS = {"temperature": 2, "logit_bias": {"0": -100, "1": -100, "2": -100}, "max_tokens": 1900}
DAY_S = 86_400
KINDS = (
    "completions",
    "embeddings",
    "moderations",
    "images",
    "audio_speeches",
    "audio_transcriptions",
    "vector_stores",
    "code_interpreter_sessions",
    "file_search_calls",
    "web_search_calls",
    "decisions",
)


@pytest.fixture
def program(server, admin: OpenAI) -> Iterator[OpenAI]:
    """A client in a project of its own, so that nothing else is counted there."""
    project = admin.admin.organization.projects.create(name=f"usage {ids.random_name(8)}")
    account = admin.admin.organization.projects.service_accounts.create(project.id, name="program")
    assert account.api_key is not None
    with OpenAI(
        base_url=server.base_url,
        api_key=account.api_key.value,
        project=project.id,
        max_retries=0,
        timeout=110,
    ) as client:
        yield client


def today(admin: OpenAI, program: OpenAI, kind: str = "completions", **query: object) -> list:
    """The results of the program's project, of yesterday and today together."""
    assert program.project is not None
    report = getattr(admin.admin.organization.usage, kind)(
        start_time=int(time.time()) - DAY_S, project_ids=[program.project], **query
    )
    return [result for bucket in report.data for result in bucket.results]


def test_whole_answers_and_streams_are_counted_exactly(admin: OpenAI, program: OpenAI) -> None:
    expected = []
    chat = program.chat.completions.create(model="nano", messages=HI, max_tokens=7, n=3)
    assert chat.usage is not None
    expected.append((chat.usage.prompt_tokens, chat.usage.completion_tokens))
    *_, last = program.chat.completions.create(
        model="gpt-4o-mini", messages=HI, max_tokens=7, stream=True, stream_options={"include_usage": True}
    )
    assert last.usage is not None
    expected.append((last.usage.prompt_tokens, last.usage.completion_tokens))
    legacy = program.completions.create(model="nano", prompt=["One", "Two two"], max_tokens=5)
    assert legacy.usage is not None
    expected.append((legacy.usage.prompt_tokens, legacy.usage.completion_tokens))
    response = program.responses.create(model="nano", input="Hi", max_output_tokens=16)
    assert response.usage is not None
    expected.append((response.usage.input_tokens, response.usage.output_tokens))

    (total,) = today(admin, program)
    assert total.num_model_requests == 4
    assert (total.input_tokens, total.output_tokens) == tuple(map(sum, zip(*expected, strict=True)))
    by_model = {result.model: result for result in today(admin, program, group_by=["model"])}
    assert set(by_model) == {"nano", "gpt-4o-mini-2024-07-18"}
    assert by_model["gpt-4o-mini-2024-07-18"].output_tokens == expected[1][1]
    assert today(admin, program, models=["nano"])[0].num_model_requests == 3


def test_a_tuned_model_counts_under_its_own_name(
    admin: OpenAI, client: OpenAI, http: httpx2.Client, tuned_model: str
) -> None:
    def requests() -> int:
        report = admin.admin.organization.usage.completions(
            start_time=int(time.time()) - DAY_S, models=[tuned_model]
        )
        return sum(result.num_model_requests for bucket in report.data for result in bucket.results)  # type: ignore[union-attr]

    before = requests()
    client.chat.completions.create(model=tuned_model, messages=HI, max_tokens=1)
    assert requests() == before + 1


def test_a_stream_that_nobody_heard_to_its_end_counts_what_was_generated(
    admin: OpenAI, program: OpenAI
) -> None:
    stream = program.chat.completions.create(model="nano", messages=HI, stream=True, **ENDLESS)
    chunks = iter(stream)
    for _ in range(20):
        next(chunks)
    stream.close()
    deadline = time.monotonic() + 10
    counted: list = []
    while not counted and time.monotonic() < deadline:
        time.sleep(0.1)
        counted = today(admin, program)
    (total,) = counted
    assert total.num_model_requests == 1
    assert 10 <= total.output_tokens < 1900
    assert total.input_tokens > 0


def test_what_was_refused_counts_nothing(admin: OpenAI, program: OpenAI) -> None:
    for refused in (
        {"model": "nano", "messages": [{"role": "user", "content": "word " * 100_000}]},
        {"model": "absent", "messages": HI},
        {"model": "nano", "messages": HI, "temperature": 9},
    ):
        with pytest.raises(openai.APIStatusError):
            program.chat.completions.create(**refused)  # type: ignore[call-overload]
    assert today(admin, program) == []


def test_a_report_tells_apart_what_it_is_grouped_by(admin: OpenAI, program: OpenAI) -> None:
    program.chat.completions.create(model="nano", messages=HI, max_tokens=1)
    (result,) = today(
        admin,
        program,
        group_by=["project_id", "api_key_id", "model", "batch", "user_id", "service_tier", "api_source"],
    )
    (key,) = admin.admin.organization.projects.api_keys.list(program.project or "")
    assert (result.project_id, result.api_key_id, result.model) == (program.project, key.id, "nano")
    assert (result.batch, result.user_id, result.service_tier) == (False, None, "default")
    assert today(admin, program, api_key_ids=[key.id]) and not today(admin, program, api_key_ids=["key_x"])
    assert today(admin, program, batch=False) and not today(admin, program, batch=True)
    assert not today(admin, program, user_ids=["user_x"])
    (plain,) = today(admin, program)
    assert (plain.project_id, plain.api_key_id, plain.model, plain.batch) == (None, None, None, None)


def test_a_batch_is_counted_as_one(admin: OpenAI, program: OpenAI) -> None:
    body = {"model": "nano", "messages": HI, "max_tokens": 3}
    lines = [
        {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body} for name in "ab"
    ]
    uploaded = program.files.create(
        file=("lines.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch"
    )
    batch = program.batches.create(
        input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    deadline = time.monotonic() + 60
    while batch.completed_at is None and time.monotonic() < deadline:
        time.sleep(0.1)
        batch = program.batches.retrieve(batch.id)
    assert batch.status == "completed"
    (result,) = today(admin, program, batch=True, group_by=["batch"])
    assert (result.batch, result.num_model_requests) == (True, 2)
    assert not today(admin, program, batch=False)


def test_training_is_reported_with_its_tokens_and_its_time_on_the_device(
    http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    report = http.get(
        "/v1/organization/usage/fine_tuning",
        params={"start_time": tuned_job.created_at - 60, "group_by": "model", "bucket_width": "1m"},
    ).json()
    results = [result for bucket in report["data"] for result in bucket["results"]]
    mine = [result for result in results if result["model"] == tuned_job.model]
    assert tuned_job.trained_tokens is not None and tuned_job.finished_at is not None
    assert sum(result["trained_tokens"] for result in mine) >= tuned_job.trained_tokens
    assert sum(result["device_seconds"] for result in mine) > 0
    by_job = http.get(
        "/v1/organization/usage/fine_tuning",
        params={
            "start_time": tuned_job.created_at - 60,
            "group_by": "fine_tuning_job_id",
            "bucket_width": "1m",
        },
    ).json()
    [own] = [
        result
        for bucket in by_job["data"]
        for result in bucket["results"]
        if result["fine_tuning_job_id"] == tuned_job.id
    ]
    assert (own["num_jobs"], own["trained_tokens"], own["model"]) == (1, tuned_job.trained_tokens, None)
    costs = http.get(
        "/v1/organization/costs",
        params={"start_time": tuned_job.created_at, "line_items": f"{tuned_job.model}, training_tokens"},
    ).json()
    assert sum(len(bucket["results"]) for bucket in costs["data"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_usage_answers_the_real_client(admin: OpenAI, program: OpenAI, kind: str) -> None:
    calls = admin.admin.organization.usage
    now = int(time.time())
    page = getattr(calls, kind)(start_time=now - 3 * DAY_S, bucket_width="1d", limit=2)
    assert [bucket.end_time - bucket.start_time for bucket in page.data] == [DAY_S, DAY_S]
    assert page.data[0].start_time <= now - 3 * DAY_S < page.data[0].end_time
    assert page.has_more and page.next_page
    rest = getattr(calls, kind)(start_time=now - 3 * DAY_S, bucket_width="1d", page=page.next_page)
    assert rest.data[0].start_time == page.data[1].end_time
    assert rest.data[-1].start_time <= now < rest.data[-1].end_time
    assert (rest.has_more, rest.next_page) == (False, None)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "start_time"),
        ("start_time=x", "start_time"),
        ("start_time=-1", "start_time"),
        ("start_time=99999999999999", "start_time"),
        ("start_time=10&end_time=10", "end_time"),
        ("start_time=10&bucket_width=1w", "bucket_width"),
        ("start_time=10&bucket_width=1d&limit=32", "limit"),
        ("start_time=10&bucket_width=1h&limit=169", "limit"),
        ("start_time=10&bucket_width=1m&limit=1441", "limit"),
        ("start_time=10&limit=0", "limit"),
        ("start_time=10&group_by=colour", "group_by"),
        ("start_time=10&group_by[]=line_item", "group_by"),
        ("start_time=10&page=2", "page"),
        ("start_time=10&page=page_7", "page"),
        ("start_time=10&page=page_999999999999999999999", "page"),
    ],
)
def test_a_wrong_query_names_the_parameter(http: httpx2.Client, query: str, param: str) -> None:
    answer = http.get(f"/v1/organization/usage/completions?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_costs_come_by_day_project_and_line_item(admin: OpenAI, program: OpenAI) -> None:
    program.chat.completions.create(model="nano", messages=HI, max_tokens=3)
    usage = admin.admin.organization.usage
    page = usage.costs(
        start_time=int(time.time()) - DAY_S,
        project_ids=[program.project or ""],
        group_by=["line_item", "project_id", "api_key_id"],
    )
    results = {result.line_item: result for bucket in page.data for result in bucket.results}  # type: ignore[union-attr]
    assert set(results) == {"nano, input_tokens", "nano, output_tokens"}
    written = results["nano, output_tokens"]
    assert (written.quantity, written.quantity_unit, written.project_id) == (3, "tokens", program.project)  # type: ignore[union-attr]
    assert written.amount.value == 0 and written.amount.currency == "usd"  # type: ignore[union-attr]
    (total,) = [
        result
        for bucket in usage.costs(
            start_time=int(time.time()) - DAY_S, project_ids=[program.project or ""]
        ).data
        for result in bucket.results
    ]
    assert total.line_item is None and total.quantity is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("nano", "nano"),
        ("ft:nano:personal:mine:abc", "nano"),
        ("ft:nano:personal:dear:abc", "ft:nano:personal:dear:abc"),
        ("gpt-4o", "*"),
    ],
)
def test_a_price_is_the_models_own_or_its_bases_or_everybodys(model: str, name: str) -> None:
    prices = {
        "nano": Price(input=1),
        "ft:nano:personal:dear:abc": Price(input=9),
        "*": Price(input=2),
    }
    assert organization_costs.price_of(Settings(prices=prices), model) == prices[name]
    assert organization_costs.price_of(Settings(), model) == Price()


def test_an_amount_is_tokens_and_seconds_times_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    count = SimpleNamespace(input_tokens=3_000_000, cached_tokens=1_000_000, output_tokens=500_000)
    served = SimpleNamespace(bucket=0, project_id="p", key_id="k", model="nano", count=count)
    trained = SimpleNamespace(
        bucket=0, project_id="p", model="nano", trained_tokens=2_000_000, device_s=1800.0
    )
    monkeypatch.setattr(organization_costs.usage, "totals", lambda *_, **__: [served])
    monkeypatch.setattr(organization_costs.usage, "trained", lambda *_, **__: [trained])
    price = Price(input=0.15, cached_input=0.075, output=0.6, training=3)
    office = SimpleNamespace(db=None, settings=Settings(prices={"nano": price}, device_hour_price=4))
    items: Callable = organization_costs._items
    amounts = {item.line_item: item.value for item in items(office, None, SimpleNamespace(api_key_ids=[]))}
    assert amounts == pytest.approx(
        {
            "nano, input_tokens": 0.30,
            "nano, cached_input_tokens": 0.075,
            "nano, output_tokens": 0.30,
            "nano, training_tokens": 6.0,
            "nano, device_seconds": 2.0,
        }
    )


@pytest.mark.slow
def test_counts_outlive_a_kill_but_for_the_last_second_and_a_stop_without_exception(tmp_path) -> None:
    def counted(running: RunningServer) -> int:
        headers = {"authorization": f"Bearer {running.api_key}"}
        report = httpx2.get(
            f"{running.base_url}/organization/usage/completions",
            params={"start_time": int(time.time()) - DAY_S},
            headers=headers,
            timeout=60,
        ).json()
        return sum(r["num_model_requests"] for bucket in report["data"] for r in bucket["results"])

    def chat(running: RunningServer) -> None:
        with OpenAI(base_url=running.base_url, api_key=running.api_key, timeout=110) as client:
            client.chat.completions.create(model="nano", messages=HI, max_tokens=1)

    running = start_server(tmp_path / "data")
    chat(running)
    time.sleep(3)  # the last second and a half, on a slow machine
    running.process.kill()
    running.process.wait()
    running.stop()
    running = start_server(tmp_path / "data")
    assert counted(running) == 1
    chat(running)
    assert running.stop() == 0
    running = start_server(tmp_path / "data")
    assert counted(running) == 2
    running.stop()
