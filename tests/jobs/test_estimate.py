"""Forecasts: from earlier jobs where there are any, rough and marked as such where not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.factories import a_job, principal_of
from tunesmith.data.base import read_base
from tunesmith.jobs import devices, messages
from tunesmith.jobs.devices import Device, Devices, gpus_of
from tunesmith.jobs.estimate import Memory, seconds_for
from tunesmith.jobs.states import FAILED, QUEUED, RUNNING, SUCCEEDED
from tunesmith.settings import NANO
from tunesmith.store import events
from tunesmith.store.database import Database
from tunesmith.store.queue import n_ahead
from tunesmith.store.throughput import EarlierRun, earlier_runs

CPU = Device("cpu", "cpu", "a processor", 8 * 10**9, 4 * 10**9)
GPU = replace(CPU, id="cuda:0", kind="gpu")
RUN = EarlierRun("supervised", "cpu", trained_tokens=10_000, training_s=10.0, device_s=14.0)


def seconds(n_tokens: int, *earlier: EarlierRun, method: str = "supervised", device: Device = CPU):
    return seconds_for(n_tokens, read_base(NANO), method, earlier=earlier, device=device, threads=2)


def test_an_earlier_job_like_this_one_lies_within_the_forecast() -> None:
    found = seconds(10_000, RUN)
    assert (found.basis, found.n_earlier_jobs) == ("earlier_jobs", 1)
    assert found.low < RUN.device_s < found.high


def test_the_nearest_in_size_are_asked() -> None:
    small = [replace(RUN, trained_tokens=100, training_s=10.0)] * 20
    found = seconds(20_000, *small, *[RUN] * 8)
    assert found.n_earlier_jobs == 8 and found.high < 40


def test_only_jobs_of_the_method_and_the_kind_of_device_count() -> None:
    for found in (seconds(1000, RUN, method="dpo"), seconds(1000, RUN, device=GPU), seconds(1000)):
        assert found.basis == "parameters" and 0 < found.low < found.high


def test_a_rough_forecast_grows_with_the_tokens() -> None:
    assert seconds(10**9).low > 10 * seconds(10**7).low


def test_memory_fits_or_does_not_or_nobody_knows() -> None:
    assert Memory(CPU, 1, 4 * 10**9).fits is True
    assert Memory(CPU, 5 * 10**9, 6 * 10**9).fits is False
    assert Memory(CPU, 3 * 10**9, 6 * 10**9).fits is None


def test_earlier_runs_are_read_from_what_jobs_have_told(db: Database) -> None:
    who = principal_of(db)
    told = {"trained_tokens": 300, "supervised_tokens": 100, "seconds": 2.5}
    for status, device in ((SUCCEEDED, "cpu"), (FAILED, "cpu"), (SUCCEEDED, None)):
        job = a_job(db, who, status=status, base_digest="sha256:" + "a" * 64, device_s=4.0)
        with db.write() as connection:
            events.add(connection, job.id, [messages.note(job.id, "tokens", "", data=told)])
            if device:
                events.add(connection, job.id, [messages.note(job.id, "data", "", data={"device": device})])
    [run] = earlier_runs(db, "sha256:" + "a" * 64, succeeded=SUCCEEDED)
    assert run == EarlierRun("supervised", "cpu", 300, 2.5, 4.0)
    assert earlier_runs(db, "sha256:" + "b" * 64, succeeded=SUCCEEDED) == []


def test_the_place_in_the_queue_counts_what_trains_and_what_waits_before(db: Database) -> None:
    who = principal_of(db)
    first, second = (a_job(db, who, status=QUEUED) for _ in range(2))
    a_job(db, who, status=RUNNING)
    a_job(db, who, status=SUCCEEDED)
    places = [
        n_ahead(db, running=RUNNING, waiting={QUEUED}, job_id=job_id)
        for job_id in (first.id, second.id, None)
    ]
    assert places == [1, 2, 3]


def test_gpus_are_what_nvidia_smi_says() -> None:
    said = "0, NVIDIA H200, 143771, 143000\n1, NVIDIA H200, [N/A], 7\nno devices were found\n"
    [gpu] = gpus_of(said)
    assert (gpu.id, gpu.kind, gpu.name) == ("cuda:0", "gpu", "NVIDIA H200")
    assert (gpu.memory_bytes, gpu.free_bytes) == (143771 * 2**20, 143000 * 2**20)


def test_a_driver_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(devices, "PATIENCE_S", 0.01)
    seen = Devices()
    for _ in range(200):  # for as long as it may take, it would be half an hour
        assert [device.kind for device in seen.all()] == ["cpu"]


def test_a_driver_that_once_answers_nonsense_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '\\377'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(devices, "PATIENCE_S", 60)
    monkeypatch.setattr(devices, "FRESH_S", 0)
    seen = Devices()
    assert [device.kind for device in seen.all()] == ["cpu"]
    program.write_text("#!/bin/sh\necho '0, NVIDIA H200, 143771, 143000'\n")
    assert [device.kind for device in seen.all()] == ["gpu", "cpu"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_look_that_breaks_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "PATIENCE_S", 60)
    monkeypatch.setattr(devices, "FRESH_S", 0)
    looks = iter([KeyError("a fault of ours"), [GPU]])

    def look() -> list[Device]:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(devices, "_gpus", look)
    seen = Devices()
    assert [device.kind for device in seen.all()] == ["cpu"]
    assert [device.kind for device in seen.all()] == ["gpu", "cpu"]


def test_this_machine_has_a_device_with_memory() -> None:
    [*_, cpu] = Devices().all()
    assert cpu.kind == "cpu" and cpu.memory_bytes >= cpu.free_bytes > 0
