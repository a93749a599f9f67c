"""The server as a process: how it starts, what it costs, how it refuses to start, and how it ends."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest
from openai import APIError, OpenAI

from tests.conftest import RunningServer, start_server


def tunesmith_serve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail."""
    return subprocess.run(
        [sys.executable, "-m", "tunesmith.cli", "serve", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def one_sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """What it said, which is no traceback."""
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    return " ".join((ended.stdout + ended.stderr).split())


def test_the_office_is_small_and_has_neither_torch_nor_the_client_library(server) -> None:
    process = psutil.Process(server.pid)
    assert process.memory_info().rss < 200 * 2**20
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert "libtorch" not in maps


def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_sentence(tunesmith_serve("--data", str(tmp_path), "--port", str(port)))
    assert str(port) in said and "--port" in said


def test_a_data_folder_in_use_is_one_sentence(server) -> None:
    assert "in use" in one_sentence(tunesmith_serve("--data", str(server.data)))


def test_an_absent_base_model_is_one_sentence(tmp_path: Path) -> None:
    said = one_sentence(
        tunesmith_serve("--data", str(tmp_path / "data"), "--base-model", str(tmp_path / "nowhere"))
    )
    assert "nowhere" in said


def test_the_first_key_is_printed_once_and_works(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tunesmith.cli",
        "serve",
        "--port",
        "0",
        "--data",
        str(tmp_path / "data"),
    ]
    printed = []
    for _ in range(2):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            said = ""
            while "listens on" not in said:
                said += process.stdout.readline()
            url = re.search(r"listens on (\S+)", said)
            key = re.search(r"sk-\w+", said)
            assert url
            printed.append(key)
            if key:
                headers = {"authorization": f"Bearer {key.group()}"}
                assert httpx2.get(f"{url.group(1)}/v1/models", headers=headers).status_code == 200
            process.terminate()
            assert process.wait(60) == 0
    assert printed[0] is not None and printed[1] is None


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that a test may end."""
    running = start_server(tmp_path / "data")
    yield running
    running.stop()


def test_a_server_that_is_told_to_stop_ends_its_answers_and_admits_nothing_new(
    own_server: RunningServer,
) -> None:
    running = own_server
    headers = {"authorization": f"Bearer {running.api_key}"}
    pieces: list[bytes] = []
    begun = threading.Event()
    asked = {
        "model": "nano",
        "messages": [{"role": "user", "content": "Hello!"}],
        "stream": True,
        "max_tokens": 600,
        "temperature": 2,
        "logit_bias": {"0": -100, "1": -100, "2": -100},
    }

    def stream() -> None:
        url = f"{running.base_url}/chat/completions"
        with httpx2.stream("POST", url, json=asked, headers=headers, timeout=110) as answer:
            for piece in answer.iter_raw():
                pieces.append(piece)
                begun.set()

    reader = threading.Thread(target=stream)
    with httpx2.Client(headers=headers, timeout=110) as idle:
        assert idle.get(f"{running.base_url}/models").status_code == 200  # a connection that stays open
        reader.start()
        assert begun.wait(110)
        running.process.terminate()
        while (refused := idle.get(f"{running.base_url}/models")).status_code == 200:
            time.sleep(0.02)  # the signal is on its way
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "server_error"
    reader.join(60)
    assert b"".join(pieces).endswith(b"data: [DONE]\n\n")
    assert running.stop() == 0


def test_a_server_that_waits_for_a_base_model_stops_when_it_is_told_to(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_hub:
        running = start_server(
            tmp_path / "data",
            "--base-model",
            "somebody/large",
            HF_ENDPOINT=f"http://127.0.0.1:{silent_hub.getsockname()[1]}",
            HF_HOME=str(tmp_path / "hub"),
            HF_HUB_ETAG_TIMEOUT="110",
            HF_HUB_DOWNLOAD_TIMEOUT="110",
        )
        running.process.terminate()
        try:
            assert running.process.wait(30) == 0
        finally:
            running.stop()


LIBRARIES = (
    "alembic.command, fastapi, jinja2, jsonschema, numpy, obstore, pydantic_settings, sqlalchemy, "
    "standardwebhooks, tokenizers, uvicorn, uvloop"
)


def spent_by_children_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_a_start_costs_little_more_than_the_libraries_that_it_stands_on(tmp_path: Path) -> None:
    """Processor time by that of the imports alone, each at its best of three: how fast and how busy the
    machine is, is not ours."""
    starts, imports = [], []
    for n in range(3):
        before_s = spent_by_children_s()
        subprocess.run([sys.executable, "-c", f"import {LIBRARIES}"], check=True)
        imports.append(spent_by_children_s() - before_s)
        running = start_server(tmp_path / str(n))
        assert running.stop() == 0
        starts.append(running.start_cpu_s)
    assert min(starts) < 2.5 * min(imports), (starts, imports)


def test_an_engine_that_dies_ends_its_streams_with_an_error_and_comes_back(own_server: RunningServer) -> None:
    with OpenAI(base_url=own_server.base_url, api_key=own_server.api_key, timeout=110) as client:
        asked = {"model": "nano", "messages": [{"role": "user", "content": "Hello!"}]}
        stream = client.chat.completions.create(
            **asked, stream=True, temperature=2, logit_bias={"0": -100, "1": -100, "2": -100}
        )
        chunks = iter(stream)
        next(chunks)
        [engine] = [
            child
            for child in psutil.Process(own_server.pid).children()
            if "tunesmith.infer" in child.cmdline()
        ]
        engine.kill()
        with pytest.raises(APIError, match="engine"):
            list(chunks)
        stream.close()
        assert client.chat.completions.create(**asked, max_tokens=2).choices
