"""Claim: 16 streams over 8 adapters through the whole server are twice as fast as PEFT's mixed batch.

One run starts a real server and, in a process of its own, PEFT's `generate` with `adapter_names`; both answer
the same load on the same cores, in turns. It also measures how fast the server is up, what it weighs, the
first token of a warm chat, and whether idle adapters cost anything. Under five minutes; figures go into
RESULTS.md.

    python -m benchmarks.serve_throughput [--rounds 3] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import cpu_name
from benchmarks.peft_peer import N_ADAPTERS, N_LOADED, N_STREAMS, N_TOKENS, QUESTION, RANK
from benchmarks.results_page import write_section
from tunesmith import ids
from tunesmith.data.base import read_base
from tunesmith.engine_client import ConnectionPool
from tunesmith.settings import NANO, SAMPLES, Settings
from tunesmith.store import models
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database

ROOT = Path(__file__).parents[1]
KEY = "sk-benchmark"


@dataclass
class Figures:
    """Everything that one run measures."""

    ours_tokens_per_s: list[float] = field(default_factory=list)
    ours_first_token_s: list[float] = field(default_factory=list)
    peft_tokens_per_s: dict[str, list[float]] = field(default_factory=dict)
    idle_adapters_tokens_per_s: dict[int, float] = field(default_factory=dict)
    warm_first_token_s: float = 0.0
    one_stream_tokens_per_s: float = 0.0
    health_s: float = 0.0
    engine_ready_s: float = 0.0
    office_mb: float = 0.0
    engine_mb: float = 0.0

    @property
    def ratio(self) -> float:
        """Our median over the better of PEFT's two precisions."""
        return statistics.median(self.ours_tokens_per_s) / max(
            map(statistics.median, self.peft_tokens_per_s.values())
        )


class Server:
    """`tunesmith serve` on a fresh data folder and a free port."""

    def __init__(self, data: Path) -> None:
        self.data = data
        environment = {**os.environ, "TUNESMITH_API_KEY": KEY}
        command = [sys.executable, "-m", "tunesmith.cli", "serve", "--port", "0", "--data", str(data)]
        self.started = time.monotonic()
        self._log = (data.parent / "server.log").open("w+b")
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self._log, stderr=self._log
        )
        self.url = self._wait_for_address()
        self.pool = ConnectionPool(self.url, headers={"Authorization": f"Bearer {KEY}"})

    def _wait_for_address(self) -> str:
        while time.monotonic() < self.started + 60:
            found = re.search(rb"http://127\.0\.0\.1:\d+", (self.data.parent / "server.log").read_bytes())
            if found:
                return found[0].decode()
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise SystemExit("the server did not start: " + (self.data.parent / "server.log").read_text()[-2000:])

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One JSON request; fails loudly."""
        async with self.pool.request(method, path, json.dumps(body).encode() if body else b"") as response:
            answer = await response.read()
            if response.status != 200:
                raise SystemExit(f"{method} {path}: {response.status} {answer[:500].decode()}")
        return json.loads(answer)

    async def until_ready(self) -> tuple[float, float]:
        """Seconds from the start until /health answered, and until the engine was ready."""
        health_s = 0.0
        while True:
            try:
                state = (await self.call("GET", "/health"))["engine"]
                health_s = health_s or time.monotonic() - self.started
                if state == "ready":
                    return health_s, time.monotonic() - self.started
            except Exception:
                if self.process.poll() is not None:
                    raise
            await asyncio.sleep(0.02)

    async def stream(self, model: str, n_tokens: int) -> tuple[int, float, float]:
        """One streamed chat: tokens received, seconds to the first and to the last."""
        body = {
            "model": model,
            "messages": [{"role": "user", "content": QUESTION}],
            "stream": True,
            "temperature": 0,
            "max_completion_tokens": n_tokens,
            "logit_bias": {str(token): -100 for token in read_base(str(NANO)).eos_token_ids},
            "stream_options": {"include_usage": True},
        }
        started = time.perf_counter()
        first, tokens = 0.0, 0
        async with self.pool.request("POST", "/v1/chat/completions", json.dumps(body).encode()) as response:
            if response.status != 200:
                raise SystemExit(f"{model}: {response.status} {(await response.read())[:500].decode()}")
            async for event in response.events():
                if not first and event["choices"] and event["choices"][0]["delta"].get("content"):
                    first = time.perf_counter() - started
                if event.get("usage"):
                    tokens = event["usage"]["completion_tokens"]
        return tokens, first, time.perf_counter() - started

    async def load(self, names: list[str]) -> tuple[float, float]:
        """All streams at once: tokens per second over all, and the median first token in seconds."""
        started = time.perf_counter()
        results = await asyncio.gather(
            *(self.stream(names[i % len(names)], N_TOKENS) for i in range(N_STREAMS))
        )
        seconds = time.perf_counter() - started
        tokens = sum(n for n, _, _ in results)
        assert tokens == N_STREAMS * N_TOKENS, f"{tokens} tokens came"
        return tokens / seconds, statistics.median(first for _, first, _ in results)

    def stop(self) -> None:
        self.pool.close()
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._log.close()


async def tuned_models(server: Server, adapters: list[Path]) -> list[str]:
    """One real job's model, and its row once more for each adapter folder."""
    content = (SAMPLES / "marv" / "train.jsonl").read_bytes()
    boundary = "benchmark-boundary"
    parts = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="train.jsonl"\r\n\r\n'
        ).encode()
        + content
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    upload = ConnectionPool(server.url, headers=headers)
    async with upload.request("POST", "/v1/files", parts) as response:
        file = json.loads(await response.read())
    upload.close()
    job = await server.call(
        "POST",
        "/v1/fine_tuning/jobs",
        {"model": "gpt-4o-mini", "training_file": file["id"], "hyperparameters": {"n_epochs": 1}},
    )
    while job["status"] not in ("succeeded", "failed", "cancelled"):
        await asyncio.sleep(0.5)
        job = await server.call("GET", f"/v1/fine_tuning/jobs/{job['id']}")
    if job["status"] != "succeeded":
        raise SystemExit(f"the job ended as {job['status']}: {job['error']}")
    settings = Settings(data=server.data)
    db = Database.open(settings.database_url)
    blobs = Blobs(settings.objects_url)
    principal_project = db_project(db, job["fine_tuned_model"])
    row = models.get_by_name(db, principal_project, job["fine_tuned_model"])
    assert row is not None
    names = []
    for i, folder in enumerate(adapters):
        model_id = ids.new_id("model")
        copy = replace(row, id=model_id, name=f"{row.name}-{i}", prefix=f"models/{model_id}")
        blobs.put_folder(copy.prefix, folder)
        models.insert(db, copy)
        names.append(copy.name)
    db.close()
    return names


def db_project(db: Database, name: str) -> str:
    """The project that owns the model of this name."""
    from sqlalchemy import select

    from tunesmith.store.tables import models as table

    with db.read() as connection:
        return connection.execute(select(table.c.project_id).where(table.c.name == name)).scalar_one()


class Peft:
    """The peer in a process of its own: PEFT's `generate` with 8 adapters in one padded batch."""

    def __init__(self, adapters: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.peft_peer", "generate", str(adapters)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            # unbound, both threads of a small product can share one core, at a tenth of the speed
            env={**os.environ, "OMP_PROC_BIND": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._ask("ready")

    def _ask(self, question: str) -> dict[str, float]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def measure(self) -> dict[str, float]:
        """Tokens per second by precision and number of threads."""
        return self._ask("go")

    def stop(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


async def measure(folder: Path, rounds: int) -> Figures:
    """The whole run in a temporary folder."""
    figures = Figures()
    adapters = folder / "adapters"
    adapters.mkdir()
    subprocess.run(
        [sys.executable, "-m", "benchmarks.peft_peer", "make-adapters", str(adapters)],
        cwd=ROOT,
        check=True,
    )
    server = Server(folder / "data")
    peft: Peft | None = None
    try:
        figures.health_s, figures.engine_ready_s = await server.until_ready()
        await asyncio.sleep(2)
        figures.office_mb = psutil.Process(server.process.pid).memory_info().rss / 1e6
        await server.stream("gpt-4o-mini", 8)
        firsts = [(await server.stream("gpt-4o-mini", 4))[1] for _ in range(10)]
        figures.warm_first_token_s = statistics.median(firsts)
        tokens, _, seconds = await server.stream("gpt-4o-mini", N_TOKENS)
        figures.one_stream_tokens_per_s = tokens / seconds

        names = await tuned_models(server, [adapters / str(i) for i in range(N_LOADED)])
        loaded = 0
        for n in (1, N_ADAPTERS, N_LOADED):
            for name in names[loaded:n]:
                await server.stream(name, 2)
            loaded = n
            runs = [await server.load(names[:1]) for _ in range(rounds)]
            figures.idle_adapters_tokens_per_s[n] = statistics.median(rate for rate, _ in runs)
            _progress(f"{n} adapters loaded: {figures.idle_adapters_tokens_per_s[n]:,.0f} tok/s")

        peft = await asyncio.to_thread(Peft, adapters)
        await server.load(names[:N_ADAPTERS])
        for _ in range(rounds):
            for dtype, rate in (await asyncio.to_thread(peft.measure)).items():
                figures.peft_tokens_per_s.setdefault(dtype, []).append(rate)
            rate, first = await server.load(names[:N_ADAPTERS])
            figures.ours_tokens_per_s.append(rate)
            figures.ours_first_token_s.append(first)
            last = {name: round(rates[-1]) for name, rates in figures.peft_tokens_per_s.items()}
            _progress(f"ours {rate:,.0f} tok/s, first token {_ms(first)}; PEFT {last}")
        engines = [
            p for p in psutil.Process(server.process.pid).children() if "tunesmith.infer" in p.cmdline()
        ]
        figures.engine_mb = sum(p.memory_info().rss for p in engines) / 1e6
    finally:
        if peft is not None:
            peft.stop()
        server.stop()
    return figures


def report(figures: Figures, command: str) -> str:
    """The section of RESULTS.md."""
    ours = statistics.median(figures.ours_tokens_per_s)
    peft = {name: statistics.median(rates) for name, rates in figures.peft_tokens_per_s.items()}
    idle = " · ".join(f"{n} loaded: {rate:,.0f}" for n, rate in figures.idle_adapters_tokens_per_s.items())
    rows = [
        (f"{N_STREAMS} streams over {N_ADAPTERS} adapters, whole stack", f"{ours:,.0f} tok/s", "–"),
        (
            "the same by PEFT's mixed-batch generate, no server",
            " · ".join(f"{r:,.0f} tok/s {n}" for n, r in peft.items()),
            "–",
        ),
        ("ratio to the better PEFT", f"{figures.ratio:.2f}", "≥ 2"),
        (
            "first token, p50, of those streams",
            _ms(statistics.median(figures.ours_first_token_s)),
            "< 100 ms",
        ),
        ("first token of a warm chat, p50", _ms(figures.warm_first_token_s), "< 100 ms"),
        ("one stream, base", f"{figures.one_stream_tokens_per_s:,.0f} tok/s", "–"),
        (f"{N_STREAMS} streams of one adapter, tok/s", idle, "flat"),
        ("`/health` after start", f"{figures.health_s:.2f} s", "< 2 s"),
        ("engine ready after start", f"{figures.engine_ready_s:.1f} s", "–"),
        ("office process, idle", f"{figures.office_mb:.0f} MB", "< 200 MB"),
        ("engine process, 64 adapters", f"{figures.engine_mb:.0f} MB", "–"),
    ]
    lines = [f"| {what} | {value} | {goal} |" for what, value, goal in rows]
    spread = f"{min(figures.ours_tokens_per_s):,.0f}–{max(figures.ours_tokens_per_s):,.0f}"
    load = f"{os.getloadavg()[0]:.1f}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft", "uvicorn"))
    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d} · {cpu_name()}, {os.cpu_count()} cores · "
            f"Python {platform.python_version()}, {packages}",
            "",
            f"`{command}` · nano, rank {RANK} on all linear layers, {N_TOKENS} tokens a stream, greedy; "
            f"ours {spread} tok/s over {len(figures.ours_tokens_per_s)} rounds in turns with PEFT; "
            f"load average at the end {load}.",
            "",
            "| | measured | goal |",
            "|---|---|---|",
            *lines,
        ]
    )


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of ours and PEFT")
    parser.add_argument("--limit-s", type=float, default=280.0, help="fail a run that takes longer")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tunesmith-benchmark-"))
    try:
        figures = asyncio.run(asyncio.wait_for(measure(folder, options.rounds), options.limit_s))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    section = report(
        figures,
        "python -m benchmarks.serve_throughput" + f" --rounds {options.rounds}" * (options.rounds != 3),
    )
    print(section)
    if not options.no_write:
        write_section("serve_throughput", "Serving: `serve_throughput.py`", section)


if __name__ == "__main__":
    main()
