"""`pause` and `resume` of fine-tuning jobs through the real client, with the real trainer behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import TUNE_TIMEOUT_S, RunningServer, wait_for_job
from tunesmith.settings import Settings
from tunesmith.store import jobs, models
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database

STEPS = 80


@pytest.fixture(scope="module")
def lenient(server: RunningServer) -> Iterator[OpenAI]:
    """A client as people use it: a strict one refuses `paused`, which OpenAI answers but does not declare."""
    with OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=90) as client:
        yield client


@pytest.fixture(scope="module")
def create(lenient: OpenAI, small_training_file: Path) -> Callable[[], FineTuningJob]:
    """Makes a job of `STEPS` steps; each is the same as the others."""
    with small_training_file.open("rb") as rows:
        file_id = lenient.files.create(file=rows, purpose="fine-tune").id
    hyperparameters = {"n_epochs": STEPS // 4, "batch_size": 3}
    asked: dict[str, Any] = {
        "model": "gpt-4o-mini",
        "training_file": file_id,
        "validation_file": file_id,
        "seed": 11,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    }
    return lambda: lenient.fine_tuning.jobs.create(**asked)


def until(done: Callable[[], Any]) -> Any:
    """What `done` gives once that is something."""
    deadline = time.monotonic() + TUNE_TIMEOUT_S
    while not (found := done()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def newest_step(client: OpenAI, job_id: str) -> int:
    """The step that the newest event tells of, 0 where it tells of something else."""
    told = client.fine_tuning.jobs.list_events(job_id, limit=1).data[0].message
    return int(told.removeprefix("Step ").partition("/")[0]) if told.startswith("Step ") else 0


def story(client: OpenAI, job_id: str) -> list[str]:
    return [event.message for event in client.fine_tuning.jobs.list_events(job_id, limit=100)][::-1]


def adapter_sha256(server: RunningServer, job: FineTuningJob) -> str:
    """Of the tuned model's weights."""
    settings = Settings(data=server.data)
    db = Database.open(settings.database_url)
    row = jobs.find(db, job.id)
    assert row is not None and row.fine_tuned_model is not None
    model = models.get_by_name(db, row.project_id, row.fine_tuned_model)
    db.close()
    assert model is not None
    manifest = Blobs(settings.objects_url).manifest(model.prefix)
    return str(manifest["adapter_model.safetensors"]["sha256"])


def test_a_job_that_was_paused_equals_one_that_ran_through(
    lenient: OpenAI, server: RunningServer, create: Callable[[], FineTuningJob]
) -> None:
    plain = wait_for_job(lenient, create().id)

    job_id = create().id
    until(lambda: newest_step(lenient, job_id) >= 3)
    paused = lenient.fine_tuning.jobs.pause(job_id)
    assert (paused.id, paused.status, paused.finished_at) == (job_id, "paused", None)
    assert paused.to_dict()["estimated_finish"] is None
    until(lambda: story(lenient, job_id)[-1].startswith("Fine-tuning job paused at step"))
    step = int(story(lenient, job_id)[-1].rpartition(" ")[2])
    assert 3 <= step < STEPS, "it was paused on its way"
    assert lenient.fine_tuning.jobs.retrieve(job_id).status == "paused"
    assert next(iter(lenient.fine_tuning.jobs.list(limit=1))).status == "paused"

    assert lenient.fine_tuning.jobs.resume(job_id).status == "queued"
    until(lambda: newest_step(lenient, job_id) > step)
    assert f"Training resumed from step {step}" in story(lenient, job_id)
    for _ in range(2):  # before the worker can have left
        assert lenient.fine_tuning.jobs.pause(job_id).status == "paused"
        assert lenient.fine_tuning.jobs.resume(job_id).status == "queued"
    job = wait_for_job(lenient, job_id)

    told = [message.split(":")[0] for message in story(lenient, job_id) if message.startswith("Step ")]
    assert told == [f"Step {n}/{STEPS}" for n in range(1, STEPS + 1)]
    assert job.trained_tokens == plain.trained_tokens
    result, plain_result = (lenient.files.content(j.result_files[0]).read() for j in (job, plain))
    assert result == plain_result
    assert adapter_sha256(server, job) == adapter_sha256(server, plain)


def test_a_wish_that_does_not_fit_the_state_is_refused(
    lenient: OpenAI, create: Callable[[], FineTuningJob], tuned_job: FineTuningJob
) -> None:
    calls = lenient.fine_tuning.jobs
    job_id = create().id
    until(lambda: calls.retrieve(job_id).status != "validating_files")
    refused = [(calls.resume, job_id, "there is nothing to resume"), (calls.pause, tuned_job.id, "succeeded")]
    for wish, id, sentence in refused:
        with pytest.raises(openai.BadRequestError, match=sentence) as refusal:
            wish(id)
        assert (refusal.value.code, refusal.value.param) == ("invalid_job_state", "fine_tuning_job_id")
    assert calls.pause(job_id).status == "paused"
    with pytest.raises(openai.BadRequestError, match="is already paused; it waits"):
        calls.pause(job_id)
    assert calls.cancel(job_id).status == "cancelled"
    for wish in (calls.pause, calls.resume):
        with pytest.raises(openai.BadRequestError, match="has already been cancelled"):
            wish(job_id)
        with pytest.raises(openai.NotFoundError):
            wish("ftjob-absent")
