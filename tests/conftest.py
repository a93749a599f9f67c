"""What all rooms' tests share: one real server process, the real `openai` client, and one small tuned model.

The server is started once per session, on loopback, a free port and a folder of its own, with the nano base.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import hypothesis
import psutil
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.needs import MISSING

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
TUNE_TIMEOUT_S = 120.0
API_KEY = "sk-" + "test" * 8

# several test processes share the cores: a thread of torch's that waits must not keep one from the others
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# how long one example takes says what else the machine does
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@dataclass(frozen=True)
class RunningServer:
    """A server process and how to reach it."""

    base_url: str
    """With `/v1`, as `OPENAI_BASE_URL` has it."""
    api_key: str
    data: Path
    process: subprocess.Popen[bytes]
    stderr: Path
    """Its log, one JSON object a line."""
    start_cpu_s: float
    """Processor time until it answered `/health`."""

    @property
    def root_url(self) -> str:
        """Without `/v1`: where `/health` is."""
        return self.base_url.removesuffix("/v1")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def stop(self) -> int:
        """Ends it as an operator does; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


def start_server(data: Path, *arguments: str, api_key: str = API_KEY, **settings: str) -> RunningServer:
    """Starts `tunesmith serve` on `data`, with environment `settings`, and waits until it listens."""
    data.mkdir(parents=True, exist_ok=True)
    stderr = data.parent / f"{data.name}.stderr"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TUNESMITH_") and name not in ("OPENAI_BASE_URL", "OPENAI_API_KEY")
    }
    environment |= {
        "TUNESMITH_API_KEY": api_key,
        "TUNESMITH_ENGINE_THREADS": "1",
        "TUNESMITH_TRAINER_THREADS": "1",
        "TUNESMITH_ENGINE_START_TIMEOUT_S": "110",  # a busy machine takes its time to load torch
        "TUNESMITH_WEBHOOK_ALLOW_PRIVATE": "true",  # the tests' receivers listen on loopback
        **settings,
    }
    with stderr.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tunesmith.cli", "serve", "--port", "0", "--data", str(data), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    url = _listening_url(process, stderr)
    with urlopen(f"{url}/health", timeout=START_TIMEOUT_S):
        spent = psutil.Process(process.pid).cpu_times()
    return RunningServer(f"{url}/v1", api_key, data, process, stderr, spent.user + spent.system)


def _listening_url(process: subprocess.Popen[bytes], stderr: Path) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + START_TIMEOUT_S
    printed = b""
    while time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.2)[0]:
            piece = os.read(process.stdout.fileno(), 65536)
            printed += piece
            if found := re.search(rb"listens on (http://\S+)", printed):
                return found.group(1).decode()
            if not piece:
                break
    process.kill()
    process.wait()
    process.stdout.close()
    pytest.fail(f"the server did not start:\n{printed.decode()}\n{stderr.read_text()[-4000:]}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fails a test whose program is missing where everything shall be tested."""
    missing = item.stash.get(MISSING, None)
    if missing is not None:
        pytest.fail(missing, pytrace=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of the session."""
    running = start_server(tmp_path_factory.mktemp("server") / "data")
    try:
        yield running
    finally:
        status = running.stop()
    assert status == 0, running.stderr.read_text()[-4000:]


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[OpenAI]:
    """The unmodified client, which checks every answer against OpenAI's own types."""
    with OpenAI(
        base_url=server.base_url,
        api_key=server.api_key,
        max_retries=0,
        timeout=110,
        _strict_response_validation=True,
    ) as openai_client:
        yield openai_client


@pytest.fixture(scope="session")
def small_training_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten short chat rows, enough for a job and over in seconds."""
    colours = ["red", "blue", "green", "pink", "grey", "gold", "black", "white", "brown", "teal"]
    path = tmp_path_factory.mktemp("rows") / "colours.jsonl"
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Say {colour}."},
                {"role": "assistant", "content": f"{colour.upper()}!"},
            ]
        }
        for colour in colours
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="session")
def tuned_job(client: OpenAI, small_training_file: Path) -> FineTuningJob:
    """A job that has succeeded: two epochs over the small file, with a validation file."""
    with small_training_file.open("rb") as rows:
        uploaded = client.files.create(file=rows, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="gpt-4o-mini",
        training_file=uploaded.id,
        validation_file=uploaded.id,
        suffix="colours",
        seed=7,
        metadata={"purpose": "tests"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 5}}},
    )
    return wait_for_job(client, job.id)


@pytest.fixture(scope="session")
def tuned_model(tuned_job: FineTuningJob) -> str:
    """The name of a tuned model that answers."""
    assert tuned_job.fine_tuned_model is not None
    return tuned_job.fine_tuned_model


def wait_for_job(client: OpenAI, job_id: str, status: str = "succeeded") -> FineTuningJob:
    """The job once it has ended, which it must as `status`."""
    deadline = time.monotonic() + TUNE_TIMEOUT_S
    job = client.fine_tuning.jobs.retrieve(job_id)
    while job.finished_at is None and time.monotonic() < deadline:
        time.sleep(0.1)
        job = client.fine_tuning.jobs.retrieve(job_id)
    assert job.status == status, job.error or f"{job_id} is still {job.status} after {TUNE_TIMEOUT_S:g} s"
    return job
