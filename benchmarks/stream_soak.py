"""Claim: 50 clients that stream chats for two minutes see no error, and the server does not grow.

Each client is the `openai` package's own asynchronous one. It asks again as soon as its stream has ended,
with another length, temperature and seed, on the base or on a tuned model. A stream is good when it ended
with a finish reason and its usage, and nothing was raised. No retries.

    python -m benchmarks.stream_soak [--seconds 120] [--clients 50] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from openai import AsyncOpenAI, OpenAIError

from benchmarks.machine import cpu_name
from benchmarks.results_page import write_section
from benchmarks.serve_throughput import KEY, Server, tuned_models

QUESTIONS = ("What is the capital of France?", "Who wrote Hamlet?", "Write a JSON object with the key name.")


@dataclass
class Tally:
    """What all clients saw together."""

    streams: int = 0
    tokens: int = 0
    first_token_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


async def client(server: Server, models: list[str], until: float, seed: int, tally: Tally) -> None:
    """One client that streams until the time is over."""
    rng = random.Random(seed)
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, timeout=60) as openai:
        while time.monotonic() < until:
            try:
                await _one_stream(openai, rng.choice(models), rng, tally)
            except (OpenAIError, AssertionError) as error:
                tally.errors[f"{type(error).__name__}: {error}"[:200]] += 1


async def _one_stream(openai: AsyncOpenAI, model: str, rng: random.Random, tally: Tally) -> None:
    started, first, finish, usage = time.perf_counter(), 0.0, None, None
    stream = await openai.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": rng.choice(QUESTIONS)}],
        stream=True,
        stream_options={"include_usage": True},
        temperature=rng.choice((0, 1)),
        seed=rng.randrange(1000),
        max_completion_tokens=rng.randint(1, 96),
    )
    async for chunk in stream:
        for choice in chunk.choices:
            first = first or time.perf_counter() - started
            finish = choice.finish_reason or finish
        usage = chunk.usage or usage
    assert finish in ("stop", "length"), f"a stream ended with finish_reason {finish}"
    assert usage is not None, "a stream ended without its usage"
    tally.streams += 1
    tally.tokens += usage.completion_tokens
    tally.first_token_s.append(first)


async def run(n_clients: int, seconds: float) -> tuple[Tally, list[float]]:
    """The tally, and the memory of all server processes in MB at a quarter of the time and at its end."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        try:
            await server.until_ready()
            await tuned_models(server, [])  # one real job
            models = ["gpt-4o-mini"]
            listed = await server.call("GET", "/v1/models")
            models += [model["id"] for model in listed["data"] if model["id"].startswith("ft:")]
            assert len(models) > 1, "no tuned model is listed"
            tally, until = Tally(), time.monotonic() + seconds
            clients = [asyncio.create_task(client(server, models, until, i, tally)) for i in range(n_clients)]
            await asyncio.sleep(seconds / 4)
            memory_mb = [_memory_mb(server)]
            await asyncio.gather(*clients)
            memory_mb.append(_memory_mb(server))
            return tally, memory_mb
        finally:
            server.stop()


def _memory_mb(server: Server) -> float:
    process = psutil.Process(server.process.pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 2**20


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--no-write", action="store_true")
    args = parser.parse_args()
    tally, memory_mb = asyncio.run(run(args.clients, args.seconds))
    first_ms = [1000 * value for value in tally.first_token_s]
    text = "\n".join(
        [
            f"{args.clients} clients for {args.seconds:g} s on nano and a tune of it; {cpu_name()}, "
            f"{datetime.now(UTC):%Y-%m-%d}; `python -m benchmarks.stream_soak`. The clients share the cores.",
            "",
            "| streams | errors | tokens/s | first token p50 / p99 | server memory at 1/4 and at the end |",
            "|---|---|---|---|---|",
            f"| {tally.streams} | {sum(tally.errors.values())} | {tally.tokens / args.seconds:.0f} "
            f"| {statistics.median(first_ms):.0f} / {statistics.quantiles(first_ms, n=100)[98]:.0f} ms "
            f"| {memory_mb[0]:.0f} / {memory_mb[1]:.0f} MB |",
        ]
    )
    print(text)
    for error, count in tally.errors.most_common():
        print(f"{count} x {error}")
    if not args.no_write:
        write_section("stream_soak", "Serving: 50 streams for two minutes, `stream_soak.py`", text)
    raise SystemExit(1 if tally.errors else 0)


if __name__ == "__main__":
    main()
