"""The fleet with real engine processes on nano: start, restart, adapters, and an end with the office."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from safetensors.numpy import save_file

from tunesmith.data.base import Catalog, read_base
from tunesmith.engine_client import EngineClient, GenerateRequest, TokenOutput
from tunesmith.errors import AdapterRefused, EngineUnavailable
from tunesmith.jobs import engines
from tunesmith.jobs.engines import EngineFleet
from tunesmith.settings import NANO, Settings

ROOT = Path(__file__).parents[2]
PROMPT = [40, 41, 42]


@asynccontextmanager
async def running_fleet(data: Path, **settings: float) -> AsyncIterator[EngineFleet]:
    fleet = EngineFleet(
        Settings(data=data, engine_threads=1, **settings), Catalog([read_base(str(NANO))], {})
    )
    fleet.start()
    try:
        yield fleet
    finally:
        await fleet.stop()


@pytest.fixture
def adapter_folder(tmp_path: Path) -> Path:
    """A random adapter in PEFT's format, made without torch, which would take longer than the answers."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    base = json.loads((NANO / "config.json").read_text())
    random = np.random.default_rng(0)
    tensors = {}
    for layer in range(base["num_hidden_layers"]):
        name = f"base_model.model.model.layers.{layer}.mlp.up_proj"
        for half, shape in (("A", (8, base["hidden_size"])), ("B", (base["intermediate_size"], 8))):
            weights = random.normal(scale=0.15, size=shape).astype(np.float32)
            tensors[f"{name}.lora_{half}.weight"] = weights
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["up_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


async def answer(client: EngineClient, **request: object) -> list[TokenOutput]:
    settings: Any = {"max_tokens": 4, "temperature": 0.0, "logprobs": 0, **request}
    asked = GenerateRequest(PROMPT, **settings)
    return [output async for output in client.generate(asked)]


def engine_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "tunesmith.infer" in child.cmdline()]


async def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


def test_a_fleet_answers_serves_adapters_survives_a_kill_and_a_hang_and_leaves_nothing(
    tmp_path: Path, adapter_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "FIRST_BACKOFF_S", 0.1)

    async def story() -> None:
        async with running_fleet(tmp_path, engine_hang_timeout_s=2.0) as fleet:
            base_id = read_base(str(NANO)).id
            assert fleet.state() == "starting"
            plain = await answer(await fleet.client(base_id))
            assert fleet.state() == fleet.state(base_id) == "ready"

            # twenty requests for one new adapter: its folder is fetched once
            fetched: list[int] = []

            def folder() -> Path:
                fetched.append(1)
                return adapter_folder

            def client() -> object:
                return fleet.client(base_id, adapter_id="model-a", adapter_folder=folder)

            clients = await asyncio.gather(*(client() for _ in range(20)))
            assert len(fetched) == 1
            tuned = await answer(clients[0], adapter_id="model-a")
            assert [o.logprob for o in tuned] != pytest.approx([o.logprob for o in plain], abs=1e-3)

            # a damaged adapter is refused, each time anew, and nobody else notices
            for _ in range(2):
                with pytest.raises(AdapterRefused):
                    await fleet.client(base_id, adapter_id="model-b", adapter_folder=lambda: tmp_path)

            # the engine dies between `client()` and the request: the same client finds the next incarnation
            before = clients[0]
            (process,) = engine_processes()
            socket_folder = Path(process.cmdline()[process.cmdline().index("--socket") + 1]).parent
            assert socket_folder.stat().st_mode & 0o777 == 0o700
            process.send_signal(signal.SIGKILL)
            await until(lambda: fleet.state() != "ready")
            await fleet.client(base_id)
            again = await answer(before, adapter_id="model-a")
            assert [o.logprob for o in again] == pytest.approx([o.logprob for o in tuned], abs=1e-3)
            assert len(fetched) == 2

            await fleet.forget("model-a")
            await fleet.forget("never-there")

            # an engine that is well is left alone, one that hangs is killed, and another answers
            (process,) = engine_processes()
            await asyncio.sleep(2.5)
            assert engine_processes() == [process]
            process.send_signal(signal.SIGSTOP)  # it lives, holds its socket and says nothing
            with pytest.raises(EngineUnavailable):
                await asyncio.wait_for(answer(before), 20)
            await until(lambda: fleet.state() != "ready")
            assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
            assert await answer(await fleet.client(base_id)) == plain
            (process,) = engine_processes()
        assert not process.is_running()
        assert not socket_folder.exists()
        with pytest.raises(EngineUnavailable):
            await fleet.client(base_id)

    asyncio.run(story())


def test_a_base_that_is_not_served_is_named(tmp_path: Path) -> None:
    async def story() -> None:
        fleet = EngineFleet(Settings(data=tmp_path), Catalog([read_base(str(NANO))], {}))
        with pytest.raises(EngineUnavailable, match="llama-9") as caught:
            await fleet.client("llama-9")
        assert caught.value.status == 503

    asyncio.run(story())


def test_a_load_that_failed_when_nobody_waited_any_more_is_not_told_to_the_next(
    tmp_path: Path, adapter_folder: Path
) -> None:
    may_fail = threading.Event()

    def away() -> Path:
        may_fail.wait(30)
        raise EngineUnavailable("the object store was away")

    async def story() -> None:
        async with running_fleet(tmp_path) as fleet:
            base_id = read_base(str(NANO)).id
            await fleet.client(base_id)
            asked = asyncio.create_task(fleet.client(base_id, adapter_id="one", adapter_folder=away))
            await asyncio.sleep(0.1)
            asked.cancel()
            may_fail.set()
            await asyncio.sleep(0.1)
            await fleet.client(base_id, adapter_id="one", adapter_folder=lambda: adapter_folder)

    asyncio.run(story())


def test_an_engine_that_takes_too_long_gives_503_with_retry_after(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_fleet(tmp_path, engine_start_timeout_s=0.2) as fleet:
            with pytest.raises(EngineUnavailable, match="starting") as caught:
                await fleet.client(read_base(str(NANO)).id)
            assert "Retry-After" in caught.value.headers

    asyncio.run(story())


OFFICE = """
import asyncio, sys
from pathlib import Path
from tunesmith.data.base import Catalog, read_base
from tunesmith.jobs.engines import EngineFleet
from tunesmith.settings import NANO, Settings

async def main():
    settings = Settings(data=Path(sys.argv[1]), engine_threads=1)
    fleet = EngineFleet(settings, Catalog([read_base(str(NANO))], {}))
    fleet.start()
    await asyncio.sleep(0.3)
    print("torch" in sys.modules, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_an_engine_does_not_outlive_a_killed_office_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    office = subprocess.Popen([sys.executable, "-c", OFFICE, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert office.stdout is not None
    assert office.stdout.readline() == b"False\n", "the office must not load torch"
    (engine,) = psutil.Process(office.pid).children()
    socket_folder = Path(engine.cmdline()[engine.cmdline().index("--socket") + 1]).parent
    os.kill(office.pid, signal.SIGKILL)
    office.wait()
    office.stdout.close()
    engine.wait(timeout=4)  # it still loads, so there is no answer under way to wait for
    assert socket_folder.exists()

    async def next_office() -> None:
        async with running_fleet(tmp_path):
            assert not socket_folder.exists()

    asyncio.run(next_office())
