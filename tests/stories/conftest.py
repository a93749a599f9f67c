"""What every story needs: a folder to work in, the environment of an OpenAI script, curl, and patience.

The stories run code steps of documents written for OpenAI, as they stand there. Only the host and the key
(by environment) and the ids are filled in.
"""

from __future__ import annotations

import gc
import json
import os
import shlex
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

JOB_TIMEOUT_S = 300.0


@pytest.fixture(scope="module", autouse=True)
def script_folder(server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder of the story's scripts; `OpenAI()` and curl find our server by the environment."""
    folder = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        patch.setenv("OPENAI_API_KEY", server.api_key)
        patch.chdir(folder)
        yield folder


@pytest.fixture(autouse=True)
def clients_left_open() -> Iterator[None]:
    """The documents' scripts never close their clients; the sockets go here, not in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def write_jsonl(name: str, rows: list[dict[str, Any]]) -> None:
    """One row a line, as the documents ask for."""
    with open(name, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


@pytest.fixture(scope="session")
def jsonl() -> Callable[[str, list[dict[str, Any]]], None]:
    return write_jsonl


@pytest.fixture(scope="session")
def finished() -> Callable[..., FineTuningJob]:
    """Waits for a job as a script does: by asking for it again and again."""

    def wait(job_id: str, status: str = "succeeded") -> FineTuningJob:
        with OpenAI() as client:
            deadline = time.monotonic() + JOB_TIMEOUT_S
            job = client.fine_tuning.jobs.retrieve(job_id)
            while job.finished_at is None and time.monotonic() < deadline:
                time.sleep(0.2)
                job = client.fine_tuning.jobs.retrieve(job_id)
        assert job.status == status, job.error or f"{job_id} is still {job.status}"
        return job

    return wait


@pytest.fixture(scope="session")
def events_of() -> Callable[[str], list[FineTuningJobEvent]]:
    """All events of a job, oldest first."""

    def read(job_id: str) -> list[FineTuningJobEvent]:
        with OpenAI() as client:
            return list(client.fine_tuning.jobs.list_events(job_id, limit=100))[::-1]

    return read


@dataclass(frozen=True)
class Answer:
    """What curl printed, and the HTTP status."""

    status: int
    json: Any


@pytest.fixture(scope="session")
def curl() -> Callable[[str], Answer]:
    """Runs a document's curl command by the shell; where there is no curl, httpx2 does what it says."""

    def run(command: str) -> Answer:
        command = command.replace("https://api.openai.com/v1", os.environ["OPENAI_BASE_URL"])
        if shutil.which("curl"):
            command = command.replace("curl ", "curl --silent --show-error --write-out '\\n%{http_code}' ", 1)
            printed = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
            body, _, status = printed.rpartition("\n")
            return Answer(int(status), json.loads(body))
        return _without_curl(command)

    return run


def _without_curl(command: str) -> Answer:
    words = [os.path.expandvars(word) for word in shlex.split(command.replace("\\\n", " "))]
    url, headers, form, files, data = "", {}, {}, {}, None
    rest = iter(words[1:])
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-F":
            name, _, value = next(rest).partition("=")
            if value.startswith("@"):
                files[name] = (Path(value[1:]).name, Path(value[1:]).read_bytes())
            else:
                form[name] = value
        elif word == "-d":
            data = next(rest)
        else:
            url = word
    if files:
        response = httpx2.post(url, headers=headers, data=form, files=files, timeout=60)
    elif data is not None:
        response = httpx2.post(url, headers=headers, content=data, timeout=60)
    else:
        response = httpx2.get(url, headers=headers, timeout=60)
    return Answer(response.status_code, response.json())
