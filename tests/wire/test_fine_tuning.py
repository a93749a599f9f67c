"""`/v1/fine_tuning/jobs` through the real client."""

from __future__ import annotations

from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import wait_for_job


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
        ({"method": {"type": "reinforcement"}}, "method"),
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


def test_an_integration_that_is_not_served_says_so_in_the_events(client: OpenAI, training_file: str) -> None:
    job = client.fine_tuning.jobs.create(
        model="nano", training_file=training_file, integrations=[{"type": "wandb", "wandb": {"project": "p"}}]
    )
    client.fine_tuning.jobs.cancel(job.id)
    warnings = [event for event in client.fine_tuning.jobs.list_events(job.id) if event.level == "warn"]
    assert "wandb" in warnings[0].message


def test_a_request_sent_again_with_its_idempotency_key_gives_the_same_job(
    client: OpenAI, training_file: str
) -> None:
    asked = {"model": "gpt-4o-mini", "training_file": training_file}
    again = {"extra_headers": {"Idempotency-Key": f"once-{training_file}"}}
    first = client.fine_tuning.jobs.create(**asked, **again)
    second = client.fine_tuning.jobs.create(**asked, **again)
    client.fine_tuning.jobs.cancel(first.id)
    assert first.id == second.id
    with pytest.raises(openai.BadRequestError, match="another suffix") as refusal:
        client.fine_tuning.jobs.create(**asked, **again, suffix="other")
    assert refusal.value.code == "idempotency_key_reused"
