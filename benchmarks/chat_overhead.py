"""Claim: a chat costs under 5 ms of the office's own time over what the engine takes for it.

One real server on nano. The same prompt goes to the engine directly, over its socket and as token ids, and to
`/v1/chat/completions`, in turns, whole and streamed; the difference of the medians is what the office adds:
HTTP, the key, the template, the tokenizer, the text of the answer. Under two minutes; figures go into
RESULTS.md.

    python -m benchmarks.chat_overhead [--rounds 200] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import cpu_name
from benchmarks.results_page import write_section
from benchmarks.serve_throughput import Server
from tunesmith.data.base import read_base
from tunesmith.data.chat_template import Renderer
from tunesmith.engine_client import EngineClient, GenerateRequest
from tunesmith.settings import NANO

N_TOKENS = 16
GOAL_MS = 5.0
WARM_UP = 10
"""Requests of each case before any is counted."""
MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is the capital of France, and what is it known for?"},
]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}


@dataclass(frozen=True)
class Case:
    """One kind of request, with what the engine alone is asked for it."""

    name: str
    fields: dict[str, Any]
    stream: bool
    tools: list[dict[str, Any]] | None = None


CASES = [
    Case(f"whole, {N_TOKENS} tokens", {}, stream=False),
    Case(f"streamed, {N_TOKENS} tokens", {"stream": True}, stream=True),
    Case("whole, with a tool", {"tools": [WEATHER]}, stream=False, tools=[WEATHER]),
    Case("whole, with log-probabilities", {"logprobs": True, "top_logprobs": 5}, stream=False),
]


@dataclass(frozen=True)
class Figure:
    """Milliseconds of one case, medians."""

    name: str
    engine_ms: float
    chat_ms: float
    p95_ms: float
    """Of the chat."""
    office_cpu_ms: float
    """Processor time of the office for one chat: what a busy machine cannot stretch."""

    @property
    def own_ms(self) -> float:
        """What the office adds."""
        return self.chat_ms - self.engine_ms


async def measure(folder: Path, rounds: int) -> list[Figure]:
    """All cases on a server of their own."""
    os.environ |= {"TUNESMITH_REQUESTS_PER_MINUTE": "1000000000", "TUNESMITH_TOKENS_PER_MINUTE": "1000000000"}
    server = Server(folder / "data")
    try:
        await server.until_ready()
        engine = EngineClient(_socket(server.process.pid), "nano")
        figures = [await _case(server, engine, case, rounds) for case in CASES]
        engine.close()
        return figures
    finally:
        server.stop()


def _socket(server_pid: int) -> Path:
    """Where the server's engine listens."""
    for process in psutil.Process(server_pid).children():
        arguments = process.cmdline()
        if "tunesmith.infer" in arguments:
            return Path(arguments[arguments.index("--socket") + 1])
    raise SystemExit("the server has no engine")


async def _case(server: Server, engine: EngineClient, case: Case, rounds: int) -> Figure:
    base = read_base(str(NANO))
    endless = dict.fromkeys(base.eos_token_ids, -100.0)
    asked = GenerateRequest(
        Renderer.load(NANO).prompt(MESSAGES, case.tools),
        max_tokens=N_TOKENS,
        temperature=0.0,
        stop_token_ids=base.eos_token_ids,
        logit_bias=endless,
        logprobs=case.fields.get("top_logprobs"),
        stream=case.stream,
    )
    body = {
        "model": "nano",
        "messages": MESSAGES,
        "max_completion_tokens": N_TOKENS,
        "temperature": 0,
        "logit_bias": {str(token): bias for token, bias in endless.items()},
        **case.fields,
    }
    data = json.dumps(body).encode()

    async def alone() -> None:
        n = sum([1 async for _ in engine.generate(asked)])
        assert n == N_TOKENS, f"the engine gave {n} tokens"

    async def chat() -> None:
        async with server.pool.request("POST", "/v1/chat/completions", data) as response:
            answer = await response.read()
            if response.status != 200:
                raise SystemExit(answer[:500].decode())

    times: dict[str, list[float]] = {"engine": [], "chat": []}
    office_cpu_ms: list[float] = []
    for turn in range(rounds + WARM_UP):
        for name, once in (("engine", alone), ("chat", chat)):
            before_ms = _cpu_ms(server.process.pid)
            seconds = await _timed(once)
            if turn >= WARM_UP:
                times[name].append(seconds * 1e3)
                if name == "chat":
                    office_cpu_ms.append(_cpu_ms(server.process.pid) - before_ms)
    return Figure(
        case.name,
        statistics.median(times["engine"]),
        statistics.median(times["chat"]),
        statistics.quantiles(times["chat"], n=20)[-1],
        statistics.median(office_cpu_ms),
    )


def _cpu_ms(pid: int) -> float:
    """Processor time of all threads of a process so far, by the scheduler's own clock."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e6


async def _timed(once: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await once()
    return time.perf_counter() - started


def report(figures: list[Figure], command: str) -> str:
    """The section of RESULTS.md."""
    lines = [
        f"| {figure.name} | {figure.engine_ms:.1f} ms | {figure.chat_ms:.1f} ms | {figure.p95_ms:.1f} ms | "
        f"{figure.own_ms:.1f} ms | {figure.office_cpu_ms:.1f} ms | < {GOAL_MS:g} ms |"
        for figure in figures
    ]
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "fastapi", "uvicorn", "pydantic"))
    return "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d} · {cpu_name()}, {os.cpu_count()} cores · "
            f"Python {platform.python_version()}, {packages}",
            "",
            f"`{command}` · nano, one request at a time, engine and chat in turns; load average at the end "
            f"{os.getloadavg()[0]:.1f}.",
            "",
            "| chat | engine alone, p50 | chat, p50 | chat, p95 | our own, p50 | its processor time | goal |",
            "|---|---|---|---|---|---|---|",
            *lines,
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200, help="requests of each case and side")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tunesmith-benchmark-"))
    try:
        figures = asyncio.run(measure(folder, options.rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    section = report(
        figures,
        "python -m benchmarks.chat_overhead" + f" --rounds {options.rounds}" * (options.rounds != 200),
    )
    print(section)
    if not options.no_write:
        write_section("chat_overhead", "What a chat adds to its engine: `chat_overhead.py`", section)


if __name__ == "__main__":
    main()
