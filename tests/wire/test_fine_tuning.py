"""`/v1/fine_tuning/jobs` through the real client."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import RunningServer, start_server, wait_for_job


@pytest.fixture(scope="module")
def training_file(client: OpenAI, small_training_file: Path) -> str:
    with small_training_file.open("rb") as rows:
        return client.files.create(file=rows, purpose="fine-tune").id


def test_a_finished_job_has_all_that_openais_has(tuned_job: FineTuningJob) -> None:
    assert tuned_job.model == "gpt-4o-mini-2024-07-18"
    assert tuned_job.fine_tuned_model is not None
    assert tuned_job.fine_tuned_model.startswith("ft:gpt-4o-mini-2024-07-18:personal:colours:")
    assert tuned_job.organization_id == "personal"
    assert tuned_job.seed == 7
    assert tuned_job.error is None
    assert tuned_job.trained_tokens and tuned_job.trained_tokens > 0
    assert tuned_job.finished_at and tuned_job.finished_at >= tuned_job.created_at
    assert tuned_job.metadata == {"purpose": "tests"}
    assert tuned_job.hyperparameters.n_epochs == 2
    assert tuned_job.hyperparameters.batch_size == 5
    assert isinstance(tuned_job.hyperparameters.learning_rate_multiplier, float)
    assert tuned_job.method and tuned_job.method.supervised
    assert tuned_job.to_dict()["user_provided_suffix"] == "colours"


def test_every_key_is_there_from_the_start_and_auto_stays_until_it_is_resolved(
    http: httpx2.Client, training_file: str
) -> None:
    body = http.post(
        "/v1/fine_tuning/jobs", json={"model": "gpt-4o-mini", "training_file": training_file}
    ).json()
    http.post(f"/v1/fine_tuning/jobs/{body['id']}/cancel")
    assert set(body) == {
        *("id", "object", "created_at", "error", "estimated_finish", "fine_tuned_model", "finished_at"),
        *(
            "hyperparameters",
            "integrations",
            "metadata",
            "method",
            "model",
            "organization_id",
            "result_files",
        ),
        *("seed", "status", "trained_tokens", "training_file", "user_provided_suffix", "validation_file"),
    }
    assert body["status"] == "validating_files"
    for key in ("error", "fine_tuned_model", "finished_at", "trained_tokens", "validation_file"):
        assert body[key] is None
    auto = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
    assert body["hyperparameters"] == auto
    assert body["method"] == {"type": "supervised", "supervised": {"hyperparameters": auto}}


def test_events_tell_the_story_newest_first(client: OpenAI, tuned_job: FineTuningJob) -> None:
    events = list(client.fine_tuning.jobs.list_events(tuned_job.id, limit=3))
    messages = [event.message for event in events][::-1]
    assert messages[0] == f"Created fine-tuning job: {tuned_job.id}"
    assert messages[-1] == "The job has successfully completed"
    assert f"New fine-tuned model created: {tuned_job.fine_tuned_model}" in messages
    metrics = [event for event in events if event.type == "metrics"]
    assert len(metrics) == 4  # ten rows in batches of five, two epochs
    assert {"step", "train_loss", "total_steps"} <= set(metrics[0].data)  # type: ignore[arg-type]
    assert len({event.id for event in events}) == len(events)


def test_checkpoints_are_listed_newest_first_and_page_by_page(
    client: OpenAI, tuned_job: FineTuningJob
) -> None:
    page = client.fine_tuning.jobs.checkpoints.list(tuned_job.id, limit=1)
    assert page.has_more
    checkpoints = list(page)
    assert [checkpoint.step_number for checkpoint in checkpoints] == [4, 2]
    assert checkpoints[0].fine_tuning_job_id == tuned_job.id
    assert checkpoints[0].metrics.full_valid_loss is not None


def test_legacy_hyperparameters_are_understood(client: OpenAI, training_file: str) -> None:
    job = client.fine_tuning.jobs.create(
        model="gpt-4o-mini-2024-07-18", training_file=training_file, hyperparameters={"n_epochs": 2}
    )
    client.fine_tuning.jobs.cancel(job.id)
    assert job.hyperparameters.n_epochs == 2
    assert job.method and job.method.supervised and job.method.supervised.hyperparameters
    assert job.method.supervised.hyperparameters.n_epochs == 2


def test_two_places_for_hyperparameters_must_agree(client: OpenAI, training_file: str) -> None:
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    asked = {"model": "gpt-4o-mini", "training_file": training_file, "method": method}
    with pytest.raises(openai.BadRequestError) as refusal:
        client.fine_tuning.jobs.create(**asked, hyperparameters={"n_epochs": 2})  # type: ignore[arg-type]
    assert refusal.value.param == "hyperparameters.n_epochs"
    job = client.fine_tuning.jobs.create(**asked, hyperparameters={"n_epochs": 3, "batch_size": 2})  # type: ignore[arg-type]
    client.fine_tuning.jobs.cancel(job.id)
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == (3, 2)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": 257}}, "hyperparameters.batch_size"),
        ({"hyperparameters": {"learning_rate_multiplier": 0}}, "hyperparameters.learning_rate_multiplier"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"suffix": "../x"}, "suffix"),
        ({"model": "gpt-7"}, "model"),
        ({"training_file": "file-absent"}, "training_file"),
        ({"validation_file": "file-absent"}, "validation_file"),
        ({"metadata": {str(i): "x" for i in range(17)}}, "metadata"),
        ({"integrations": [{"type": "wandb", "wandb": {}}]}, "integrations[0].wandb.project"),
        ({"integrations": [{"type": "other"}]}, "integrations[0].type"),
        (
            {"integrations": [{"type": "wandb", "wandb": {"project": "p", "key": "k"}}]},
            "integrations[0].wandb.key",
        ),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}] * 2}, "integrations"),
        (
            {"integrations": [{"type": "wandb", "wandb": {"project": f"p{i}"}} for i in range(6)]},
            "integrations",
        ),
        (
            {"integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["t" * 65]}}]},
            "integrations[0].wandb.tags[0]",
        ),
        ({"hyperparameters": {"n_epochs": 2.5}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": "many"}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": True}}, "hyperparameters.batch_size"),
        ({"hyperparameters": {"learning_rate_multiplier": 1e7}}, "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"beta": 0.1}}, "hyperparameters.beta"),
        ({"method": {"type": "reinforcement"}}, "method.type"),
        ({"method": {"type": "rlhf"}}, "method.type"),
        ({"method": {}}, "method.type"),
        ({"method": {"type": "supervised", "dpo": {}}}, "method"),
        (
            {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 2.1}}}},
            "method.dpo.hyperparameters.beta",
        ),
        (
            {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0}}}},
            "method.dpo.hyperparameters.beta",
        ),
        ({"method": {"type": "dpo"}, "hyperparameters": {"n_epochs": 2}}, "hyperparameters"),
        ({"metadata": {"k" * 65: "x"}}, "metadata"),
        ({"metadata": {"k": "x" * 513}}, "metadata"),
        ({"metadata": {"k": 1}}, "metadata"),
        ({"suffix": "s" * 65}, "suffix"),
        ({"seed": 1.5}, "seed"),
        ({"status": "succeeded"}, "status"),
    ],
)
def test_a_job_that_cannot_be_is_refused_and_named(
    client: OpenAI, training_file: str, fields: dict, param: str
) -> None:
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refusal:
        client.fine_tuning.jobs.create(
            **{"model": "gpt-4o-mini", "training_file": training_file} | {"extra_body": fields}
        )  # type: ignore[arg-type]
    assert refusal.value.param == param


def test_jobs_are_found_by_metadata(client: OpenAI, http: httpx2.Client, training_file: str) -> None:
    marked = client.fine_tuning.jobs.create(
        model="nano", training_file=training_file, metadata={"team": "north", "empty": ""}
    )
    plain = client.fine_tuning.jobs.create(model="nano", training_file=training_file)
    for job in (marked, plain):
        client.fine_tuning.jobs.cancel(job.id)
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"team": "north"})] == [marked.id]
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"empty": ""})] == [marked.id]
    assert not list(client.fine_tuning.jobs.list(metadata={"team": "south"}))
    without = [job["id"] for job in http.get("/v1/fine_tuning/jobs?metadata=null").json()["data"]]
    assert plain.id in without and marked.id not in without
    everything = [job.id for job in client.fine_tuning.jobs.list(limit=1)]
    assert everything[:2] == [plain.id, marked.id]


def test_a_job_is_cancelled_once(client: OpenAI, training_file: str) -> None:
    job = client.fine_tuning.jobs.create(model="nano", training_file=training_file)
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.cancel(job.id)


def test_a_finished_job_cannot_be_cancelled(client: OpenAI, tuned_job: FineTuningJob) -> None:
    with pytest.raises(openai.BadRequestError, match="already"):
        client.fine_tuning.jobs.cancel(tuned_job.id)


def test_a_bad_file_fails_the_job_with_line_numbers(client: OpenAI) -> None:
    rows = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n' * 10
    uploaded = client.files.create(file=("bad.jsonl", rows + b'{"messages": 3}\n'), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=uploaded.id)
    job = wait_for_job(client, job.id, "failed")
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_file_format", "training_file")
    assert "Line 11" in job.error.message


def test_a_file_of_another_purpose_is_refused(client: OpenAI) -> None:
    uploaded = client.files.create(file=("x.jsonl", b"{}"), purpose="user_data")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=uploaded.id)
    client.files.delete(uploaded.id)


def test_reinforcement_and_graders_say_what_to_do_instead(client: OpenAI, training_file: str) -> None:
    grader: dict[str, Any] = {
        "type": "string_check",
        "name": "same",
        "input": "{{sample.output_text}}",
        "reference": "{{item.answer}}",
        "operation": "eq",
    }
    graders = client.fine_tuning.alpha.graders
    method: dict[str, Any] = {"type": "reinforcement", "reinforcement": {"grader": grader}}
    instead = "[gG]raders.*'supervised'.*'dpo'"
    with pytest.raises(openai.NotFoundError, match=instead):
        graders.run(grader=grader, model_sample="yes", item={"answer": "yes"})  # type: ignore[arg-type]
    with pytest.raises(openai.NotFoundError, match=instead):
        graders.validate(grader=grader)  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError, match=instead):
        client.fine_tuning.jobs.create(model="nano", training_file=training_file, method=method)  # type: ignore[arg-type]


def test_metadata_filters_that_contradict_each_other_are_refused(http: httpx2.Client) -> None:
    for query in ("metadata=null&metadata[a]=b", "metadata[a]=b&metadata[a]=c", "metadata=x"):
        refusal = http.get(f"/v1/fine_tuning/jobs?{query}")
        assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "metadata")
    assert http.get("/v1/fine_tuning/jobs?metadata[a]=b&metadata[a]=b").status_code == 200


def test_a_running_job_has_numbers_and_a_forecast(http: httpx2.Client, training_file: str) -> None:
    many_steps = {"n_epochs": 50, "batch_size": 1}
    asked = {"model": "gpt-4o-mini", "training_file": training_file, "hyperparameters": many_steps}
    path = f"/v1/fine_tuning/jobs/{http.post('/v1/fine_tuning/jobs', json=asked).json()['id']}"
    deadline = time.monotonic() + 60
    forecasts: set[int] = set()
    while not forecasts and time.monotonic() < deadline:
        job = http.get(path).json()
        assert job["status"] in ("validating_files", "queued", "running"), job
        if job["status"] == "running":
            assert job["hyperparameters"]["n_epochs"] == 50
            assert all(isinstance(value, int | float) for value in job["hyperparameters"].values())
            assert job["method"]["supervised"]["hyperparameters"] == job["hyperparameters"]
            forecasts |= {job["estimated_finish"]} - {None}
        time.sleep(0.02)
    paused = http.post(f"{path}/pause").json()
    http.post(f"{path}/cancel")
    (forecast,) = forecasts
    assert job["created_at"] <= forecast < time.time() + 600
    assert paused["estimated_finish"] is None
    ended = http.get(path).json()
    assert (ended["status"], ended["estimated_finish"]) == ("cancelled", None)
    assert ended["finished_at"] >= ended["created_at"]


def test_everything_is_paged_to_its_end(client: OpenAI, tuned_job: FineTuningJob) -> None:
    jobs, calls = client.fine_tuning.jobs, client.fine_tuning
    for pages, whole in (
        (jobs.list(limit=2), jobs.list(limit=1000)),
        (jobs.list_events(tuned_job.id, limit=2), jobs.list_events(tuned_job.id, limit=1000)),
        (jobs.checkpoints.list(tuned_job.id, limit=1), calls.jobs.checkpoints.list(tuned_job.id)),
    ):
        everything = [row.id for row in whole]  # type: ignore[attr-defined]
        assert [row.id for row in pages] == everything  # type: ignore[attr-defined]
        assert len(everything) == len(set(everything)) > 1
    for path in ("", f"/{tuned_job.id}/events", f"/{tuned_job.id}/checkpoints"):
        with pytest.raises(openai.BadRequestError) as refusal:
            client.get(f"/fine_tuning/jobs{path}", cast_to=object, options={"params": {"after": "absent"}})
        assert refusal.value.param == "after"


def test_a_page_of_checkpoints_names_its_ends(http: httpx2.Client, tuned_job: FineTuningJob) -> None:
    path = f"/v1/fine_tuning/jobs/{tuned_job.id}/checkpoints"
    page = http.get(f"{path}?limit=1").json()
    (first,) = page["data"]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (first["id"], first["id"], True)
    rest = http.get(f"{path}?after={first['id']}").json()
    assert rest["has_more"] is False and rest["last_id"] == rest["data"][-1]["id"]
    assert set(rest["data"][0]) == {
        *("id", "object", "created_at", "fine_tuned_model_checkpoint", "fine_tuning_job_id", "metrics"),
        "step_number",
    }


@pytest.fixture(scope="module")
def followed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server in whose environment there are a stand-in for the package `wandb` and a key."""
    folder = tmp_path_factory.mktemp("followed")
    stand_in = Path(__file__).parents[1] / "workers" / "fake_wandb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(stand_in), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("FAKE_WANDB_CALLS", str(folder / "calls.jsonl"))
        patch.setenv("WANDB_API_KEY", "k" * 40)
        patch.delenv("WANDB_MODE", raising=False)
        running = start_server(folder / "data")
    try:
        yield running
    finally:
        running.stop()


def test_a_job_that_is_followed_says_where(followed_server: RunningServer, small_training_file: Path) -> None:
    with OpenAI(
        base_url=followed_server.base_url,
        api_key=followed_server.api_key,
        timeout=110,
        _strict_response_validation=True,
    ) as client:
        uploaded = client.files.create(file=small_training_file, purpose="fine-tune")
        job = client.fine_tuning.jobs.create(
            model="gpt-4o-mini",
            training_file=uploaded.id,
            hyperparameters={"n_epochs": 1},
            integrations=[{"type": "wandb", "wandb": {"project": "colours", "name": "first", "tags": ["a"]}}],
        )
        job = wait_for_job(client, job.id)
        url = f"https://wandb.example/me/colours/runs/{job.id}"
        assert job.integrations is not None
        assert job.integrations[0].wandb.to_dict() == {
            **{"project": "colours", "name": "first", "tags": ["a"]},
            **{"run_id": job.id, "url": url},
        }
        events = list(client.fine_tuning.jobs.list_events(job.id, limit=100))
        assert any(url in event.message and event.level == "info" for event in events)
        steps = {event.data["step"] for event in events if event.type == "metrics"}  # type: ignore[index]
    written = followed_server.data.parent / "calls.jsonl"
    deadline = time.monotonic() + 60  # the goodbye may come after the job's end
    while '"finish"' not in written.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    calls = [json.loads(line) for line in written.read_text().splitlines()]
    assert {call["step"] for call in calls if call["call"] == "log"} == steps
    assert calls[-1] == {"call": "finish", "exit_code": 0}


METADATA_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(metadata=st.dictionaries(METADATA_TEXT.filter(bool), METADATA_TEXT, min_size=1, max_size=3))
@example(metadata={"a[b]": "c", "[": "]", "k=v": "x&y", "%5B": ""})
def test_any_metadata_finds_the_job_that_has_it(
    client: OpenAI, training_file: str, metadata: dict[str, str]
) -> None:
    job = client.fine_tuning.jobs.create(model="nano", training_file=training_file, metadata=metadata)
    client.fine_tuning.jobs.cancel(job.id)
    assert job.metadata == metadata
    assert next(iter(client.fine_tuning.jobs.list(metadata=metadata, limit=1))).id == job.id
    for key, value in metadata.items():
        found = [row.id for row in client.fine_tuning.jobs.list(metadata={key: value})]
        assert job.id in found
        other = [row.id for row in client.fine_tuning.jobs.list(metadata={key: f"{value}!"})]
        assert job.id not in other
