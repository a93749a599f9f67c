"""A job asked for again with the same Idempotency-Key is the same job, however it is asked."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI

from tunesmith import ids


@pytest.fixture(scope="module")
def asked(client: OpenAI, small_training_file: Path) -> dict:
    with small_training_file.open("rb") as rows:
        uploaded = client.files.create(file=rows, purpose="fine-tune")
    return {"model": "gpt-4o-mini", "training_file": uploaded.id}


@pytest.fixture
def key() -> dict:
    return {"Idempotency-Key": f"key of {ids.random_name(8)}"}


def test_the_same_request_gives_the_same_job_and_another_one_is_refused(
    client: OpenAI, asked: dict, key: dict
) -> None:
    first = client.fine_tuning.jobs.create(**asked, extra_headers=key)
    second = client.fine_tuning.jobs.create(**asked, extra_headers=key)
    client.fine_tuning.jobs.cancel(first.id)
    third = client.fine_tuning.jobs.create(**asked, extra_headers=key)
    assert first.id == second.id == third.id
    assert third.status == "cancelled", "the answer is the job as it is now"
    with pytest.raises(openai.BadRequestError, match=first.id) as refusal:
        client.fine_tuning.jobs.create(**asked, suffix="other", extra_headers=key)
    assert refusal.value.code == "idempotency_key_reused"
    other = client.fine_tuning.jobs.create(**asked, extra_headers={"Idempotency-Key": ids.random_name(8)})
    client.fine_tuning.jobs.cancel(other.id)
    assert other.id != first.id


def test_the_body_counts_and_not_its_spelling(http: httpx2.Client, asked: dict, key: dict) -> None:
    numbers = {"hyperparameters": {"n_epochs": 2}}
    spellings = [
        json.dumps(asked | {"method": {"type": "supervised", "supervised": numbers}}),
        json.dumps(asked | numbers, indent=3),
        json.dumps(dict(reversed((asked | numbers | {"suffix": None}).items()))),
    ]
    headers = key | {"content-type": "application/json"}
    jobs = [http.post("/v1/fine_tuning/jobs", content=body, headers=headers).json() for body in spellings]
    http.post(f"/v1/fine_tuning/jobs/{jobs[0]['id']}/cancel")
    assert len({job["id"] for job in jobs}) == 1


def test_of_requests_at_the_same_time_one_makes_the_job(client: OpenAI, asked: dict, key: dict) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(
            threads.map(lambda _: client.fine_tuning.jobs.create(**asked, extra_headers=key).id, range(8))
        )
    client.fine_tuning.jobs.cancel(made[0])
    assert len(set(made)) == 1


def test_a_refused_request_uses_up_no_key(client: OpenAI, asked: dict, key: dict) -> None:
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.create(**asked | {"training_file": "file-absent"}, extra_headers=key)
    job = client.fine_tuning.jobs.create(**asked, extra_headers=key)
    client.fine_tuning.jobs.cancel(job.id)


@pytest.mark.parametrize("length", [0, 256])
def test_a_key_has_a_length(http: httpx2.Client, asked: dict, length: int) -> None:
    refusal = http.post("/v1/fine_tuning/jobs", json=asked, headers={"Idempotency-Key": "k" * length})
    assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "Idempotency-Key")
