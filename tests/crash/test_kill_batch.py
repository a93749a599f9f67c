"""kill -9 of the server in the middle of a batch, again and again: each line is answered once in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from openai import OpenAI
from openai.types import Batch

from tests.conftest import RunningServer, start_server

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed")


def client_of(server: RunningServer) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key=server.api_key, timeout=110)


def kill(server: RunningServer) -> None:
    """The server is gone between two instructions; its engines end with it."""
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()
    assert server.process.stdout is not None
    server.process.stdout.close()


def restart(server: RunningServer) -> None:
    """The server ends as an operator ends it, and waits for no more than the lines under way."""
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 30


def request(n: int) -> bytes:
    body = {
        "model": "nano",
        "messages": [{"role": "user", "content": f"Say {n}."}],
        "max_tokens": 96,
        "logit_bias": {"0": -100, "1": -100, "2": -100},  # to the last token
        "temperature": 9 if n % 40 == 7 else 0,  # some are refused
    }
    return json.dumps({"custom_id": f"line-{n}", "method": "POST", "url": CHAT, "body": body}).encode()


def once_further(client: OpenAI, batch_id: str, than: int) -> Batch:
    """The batch once more lines than these are answered, or it has ended."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        batch = client.batches.retrieve(batch_id)
        assert batch.request_counts is not None
        if batch.request_counts.completed > than or batch.status in ENDED:
            return batch
        time.sleep(0.05)
    raise AssertionError(f"{batch} stands still")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("n_lines", "ends"),
    [(60, [kill, restart]), pytest.param(300, [kill] * 8, marks=pytest.mark.slow)],
    ids=["twice", "eight times"],
)
def test_a_batch_survives_the_end_of_its_server_and_answers_each_line_once(
    tmp_path: Path, n_lines: int, ends: list
) -> None:
    data = tmp_path / "data"
    randomly = random.Random("kill the batch")
    server = start_server(data)
    try:
        with client_of(server) as client:
            lines = b"\n".join(map(request, range(n_lines)))
            file = client.files.create(file=("requests.jsonl", lines), purpose="batch")
            batch = client.batches.create(
                input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"kept": "yes"}
            )
        time.sleep(randomly.uniform(0.0, 0.3))  # it is being read, or has hardly begun
        n_answered = n_ends = 0
        for end in ends:
            end(server)
            n_ends += 1
            server = start_server(data)
            with client_of(server) as client:
                batch = once_further(client, batch.id, n_answered)
            assert batch.request_counts is not None
            n_answered = batch.request_counts.completed
            if batch.status in ENDED:
                break
            time.sleep(randomly.uniform(0.0, 1.0))
        assert n_ends >= 2, "the batch was over before it could be cut in its middle"
        with client_of(server) as client:
            while batch.status not in ENDED:
                time.sleep(0.1)
                batch = client.batches.retrieve(batch.id)
            assert batch.status == "completed", batch.errors
            assert batch.metadata == {"kept": "yes"}
            assert batch.output_file_id is not None and batch.error_file_id is not None
            output, errors = (
                [json.loads(line) for line in client.files.content(file_id).text.splitlines()]
                for file_id in (batch.output_file_id, batch.error_file_id)
            )
            made = [file.id for file in client.files.list(purpose="batch_output")]
        refused = {f"line-{n}" for n in range(7, n_lines, 40)}
        assert [line for line in errors if line["custom_id"] not in refused] == []
        assert sorted(line["custom_id"] for line in errors) == sorted(refused)
        answered = {f"line-{n}" for n in range(n_lines)} - refused
        assert sorted(line["custom_id"] for line in output) == sorted(answered)
        assert batch.request_counts is not None
        counts = batch.request_counts
        assert (counts.total, counts.completed, counts.failed) == (n_lines, len(output), len(errors))
        assert sorted(made) == sorted([batch.output_file_id, batch.error_file_id])
        deadline = time.monotonic() + 10
        while segments := [path for path in (data / "objects" / "batches").rglob("*") if path.is_file()]:
            assert time.monotonic() < deadline, segments
            time.sleep(0.1)
    finally:
        status = server.stop()
    assert status == 0
    log = [json.loads(line) for line in server.stderr.read_text().splitlines() if line.startswith("{")]
    assert not [line for line in log if line["level"] == "error"]
