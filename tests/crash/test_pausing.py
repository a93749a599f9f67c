"""A paused job outlives everything: kill -9 of the server, of its worker, pauses at awkward moments. The real
server, the real trainer."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.conftest import RunningServer, start_server, wait_for_job
from tests.wire.test_pausing import STEPS, adapter_sha256, story, until
from tunesmith.settings import Settings
from tunesmith.store import jobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow


@pytest.fixture
def row(tmp_path: Path) -> Iterator[Callable[[str], JobRow]]:
    """A job as the database has it, whether a server lives or not."""
    opened: list[Database] = []

    def look(job_id: str) -> JobRow:
        if not opened:
            opened.append(Database.open(Settings(data=tmp_path / "data").database_url))
        job = jobs.find(opened[0], job_id)
        assert job is not None
        return job

    yield look
    for db in opened:
        db.close()


@pytest.mark.slow
@pytest.mark.timeout(400)  # two servers and seven workers start
def test_pauses_and_kills_at_awkward_moments_change_no_byte(
    tmp_path: Path, small_training_file: Path, row: Callable[[str], JobRow]
) -> None:
    server, client = _start(tmp_path)
    with small_training_file.open("rb") as rows:
        file_id = client.files.create(file=rows, purpose="fine-tune").id
    hyperparameters = {"n_epochs": STEPS // 4, "batch_size": 3}
    asked: dict[str, Any] = {
        "model": "gpt-4o-mini",
        "training_file": file_id,
        "seed": 11,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    }
    plain = wait_for_job(client, client.fine_tuning.jobs.create(**asked).id)
    job_id = client.fine_tuning.jobs.create(**asked).id

    # while the worker loads: at once
    until(lambda: row(job_id).worker is not None)
    asked_at = time.monotonic()
    assert client.fine_tuning.jobs.pause(job_id).status == "paused"
    until(lambda: not row(job_id).leaving)
    assert time.monotonic() - asked_at < 8
    assert story(client, job_id)[-1] == "Fine-tuning job paused before its first step"
    client.fine_tuning.jobs.resume(job_id)

    # the server is killed right after the request: the worker saves and goes all the same
    until(lambda: row(job_id).attempt == 2 and row(job_id).step >= 3)
    assert client.fine_tuning.jobs.pause(job_id).status == "paused"
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    client.close()
    until(lambda: not row(job_id).leaving)
    left = row(job_id)
    assert (left.status, left.worker, left.crashes) == ("paused", None, 0)
    assert left.snapshot is not None and left.snapshot["step"] == left.step >= 3
    server, client = _start(tmp_path)
    time.sleep(1.5)
    assert row(job_id) == left, "the next server leaves a paused job paused"

    # the worker is killed right after the request: the steps since its last snapshot are done again
    client.fine_tuning.jobs.resume(job_id)
    until(lambda: row(job_id).attempt == 3 and row(job_id).step > left.step)
    worker = row(job_id).worker
    assert worker is not None
    os.kill(worker["pid"], signal.SIGSTOP)  # so that the snapshot cannot be faster
    client.fine_tuning.jobs.pause(job_id)
    os.kill(worker["pid"], signal.SIGKILL)
    until(lambda: not row(job_id).leaving)
    killed = row(job_id)
    assert (killed.status, killed.crashes) == ("paused", 0)
    assert "signal 9" in story(client, job_id)[-1]
    client.fine_tuning.jobs.resume(job_id)

    job = wait_for_job(client, job_id)
    result, plain_result = (client.files.content(j.result_files[0]).read() for j in (job, plain))
    assert result == plain_result
    assert job.trained_tokens == plain.trained_tokens
    assert adapter_sha256(server, job) == adapter_sha256(server, plain)
    told = [message for message in story(client, job_id) if message.startswith("Step ")]
    assert len(told) == len(set(told)) == STEPS
    client.close()
    assert server.stop() == 0


def _start(folder: Path) -> tuple[RunningServer, OpenAI]:
    server = start_server(folder / "data")
    return server, OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=90)
