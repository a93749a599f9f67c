"""Jobs find their devices one after another, and whoever dies, the job goes on. Real processes, no torch."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from tests.jobs.office import Office, vanish, wait
from tests.store.factories import a_file, a_job, model_row
from tunesmith.errors import StorageFull, StoreBusy
from tunesmith.jobs import process
from tunesmith.jobs import scheduler as scheduler_module
from tunesmith.jobs.control import cancel
from tunesmith.jobs.states import RUNNING
from tunesmith.jobs.supervisor import LOG_LIMIT_BYTES, Supervisor
from tunesmith.jobs.sweep import sweep
from tunesmith.store import files, jobs, models
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow, Principal


def test_waiting_jobs_run_one_after_another(office: Office) -> None:
    made = [office.job("succeed") for _ in range(2)]
    office.start()
    ended = [office.until(job_id, "succeeded") for job_id in made]
    assert [job.attempt for job in ended] == [1, 1]
    for job in ended:
        assert office.story(job.id) == ["Fine-tuning job started", "The job has successfully completed"]


def test_a_worker_that_always_crashes_fails_the_job_with_its_last_words(office: Office) -> None:
    job_id = office.job("crash")
    office.start(max_attempts=2)
    job = office.until(job_id, "failed")
    assert job.attempt == 2
    assert job.error is not None and job.error["code"] == "worker_crashed"
    message = job.error["message"] or ""
    assert "2 times in a row" in message and "status 3" in message
    assert "loading 100 %" in message and "50 %" not in message, "a progress bar counts by its last state"
    assert "sk-abcdefghijklmnop" not in message and "\x1b" not in message
    assert office.story(job_id)[-1] == message


def test_a_worker_that_makes_progress_may_crash_more_often(office: Office) -> None:
    job_id = office.job("crash with progress")
    office.start(max_attempts=2)
    job = office.until(job_id, "succeeded")
    assert job.attempt == 4
    assert sum("SIGKILL" in message for message in office.story(job_id)) == 3


def test_a_cancelled_job_s_process_is_gone_soon_even_if_it_is_deaf(office: Office) -> None:
    scheduler = office.start()
    for do in ("wait", "deaf"):
        job_id = office.job(do)
        scheduler.wake()
        who = office.worker_of(job_id)
        cancel(office.db, office.who.project_id, job_id)
        wait(lambda who=who: not process.is_alive(who))
        assert office.get(job_id).status == "cancelled"
        assert office.story(job_id)[-1] == "Fine-tuning job cancelled"


def test_a_job_that_is_cancelled_while_its_worker_loads_frees_the_device_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "CANCEL_GRACE_S", 1000.0)
    job_id, other = office.job("load"), office.job("succeed")
    office.start()
    wait((office.settings.data / "work" / f"{job_id}-1" / "loading").exists)
    cancel(office.db, office.who.project_id, job_id)
    office.until(other, "succeeded")


def test_a_stop_gives_jobs_back_and_the_next_start_takes_them_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "STOP_GRACE_S", 0.5)
    for do in ("wait", "deaf"):
        job_id = office.job(do)
        office.start()
        who = office.worker_of(job_id)
        office.stop()
        assert not process.is_alive(who)
        job = office.get(job_id)
        assert (job.status, job.attempt, job.crashes) == ("queued", 1, 0)
        cancel(office.db, office.who.project_id, job_id)


def test_a_worker_that_outlives_its_server_is_adopted(office: Office) -> None:
    job_id = office.job("wait")
    first = office.start()
    who = office.worker_of(job_id)
    orphans = vanish(first)
    office.running.clear()
    office.start()
    time.sleep(0.4)  # several looks of the scheduler
    job = office.get(job_id)
    assert (job.status, job.attempt, job.worker) == ("running", 1, who)
    other = office.job("succeed")
    time.sleep(0.3)
    assert office.get(other).status == "queued", "the device is taken"
    cancel(office.db, office.who.project_id, job_id)
    office.until(other, "succeeded")
    assert not process.is_alive(who)
    for orphan in orphans:
        orphan.wait()


def test_a_worker_that_died_with_its_server_is_replaced_at_once(office: Office) -> None:
    job_id = office.job("crash once")  # its first worker never gets to crash: it dies with the server
    first = a_job(office.db, office.who, metadata={"do": "wait"}).id
    cancel(office.db, office.who.project_id, first)
    gone = {"host": os.uname().nodename, "pid": os.getpid(), "started": 1, "boot": "an earlier one"}
    from tunesmith.jobs.lease import claim

    claimed = claim(office.db, device="auto")
    assert claimed is not None and claimed.id == job_id
    jobs.record(office.db, job_id, claimed.attempt, running=RUNNING, worker=gone)
    office.start(lease_s=1000)  # nobody waits for its end
    assert office.until(job_id, "succeeded").attempt == 2


def test_a_frozen_worker_loses_its_job_and_its_life(office: Office) -> None:
    job_id = office.job("wait")
    office.start(lease_s=1.5)
    who = office.worker_of(job_id)
    os.kill(who["pid"], signal.SIGSTOP)
    wait(lambda: not process.is_alive(who))
    wait(lambda: office.get(job_id).attempt == 2)
    assert any("no sign of life for 1.5 s" in message for message in office.story(job_id))


def test_a_worker_that_cannot_write_because_nobody_can_keeps_its_job(office: Office) -> None:
    job_id = office.job("wait")
    office.start(lease_s=3.0)
    who = office.worker_of(job_id)
    with office.db.write():  # a backup, or a disk that takes its time
        time.sleep(4.5)
    before = office.get(job_id).heartbeat
    wait(lambda: office.get(job_id).heartbeat > before)
    assert process.is_alive(who)
    assert office.get(job_id).attempt == 1


def test_while_no_row_has_room_no_worker_is_ended_for_its_silence(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = jobs.count_device_time
    refused, full = [], [True]

    def count(*arguments: object) -> None:
        if full[0]:
            refused.append(arguments)
            raise StorageFull("full")
        plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "count_device_time", count)
    job_id = office.job("wait")
    office.start(lease_s=1.5)
    who = office.worker_of(job_id)
    os.kill(who["pid"], signal.SIGSTOP)
    wait(lambda: bool(refused))
    assert process.is_alive(who)
    full[0] = False
    wait(lambda: office.get(job_id).attempt == 2)
    assert not process.is_alive(who)


def test_the_scheduler_outlives_an_absent_database(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    away = [True]
    plain = jobs.in_state

    def in_state(*arguments: object) -> list[JobRow]:
        if away[0]:
            raise StoreBusy("away")
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "in_state", in_state)
    job_id = office.job("succeed")
    scheduler = office.start()
    time.sleep(0.6)
    away[0] = False
    scheduler.wake()
    office.until(job_id, "succeeded")


def test_a_machine_without_room_costs_no_job_a_try(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "NO_ROOM_S", 1000.0)
    job_id, other = office.job("no room once"), office.job("succeed")
    scheduler = office.start(max_attempts=1)
    wait(lambda: any("waits" in message for message in office.story(job_id)))
    job = office.get(job_id)
    assert (job.status, job.crashes) == ("queued", 0)
    time.sleep(0.3)
    assert office.get(other).status == "queued", "it would find no room either"
    scheduler._claims_from = 0.0
    scheduler._not_before.clear()
    assert office.until(job_id, "succeeded").attempt == 2
    office.until(other, "succeeded")


def test_while_no_process_can_be_started_all_wait_and_one_event_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "NO_ROOM_S", 0.05)
    made = [office.job("succeed") for _ in range(2)]
    plain, tries = Supervisor.start, []

    def start(*arguments: object) -> object:
        tries.append(arguments)
        if len(tries) <= 6:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Supervisor, "start", start)
    office.start(max_attempts=2)
    for job_id in made:
        assert office.until(job_id, "succeeded", "failed").status == "succeeded"
    told = [message for message in office.story(made[0]) if "Resource temporarily" in message]
    assert told == [
        "Training waits before its first step (no process could be started: Resource temporarily "
        "unavailable) and is tried again"
    ]


def test_a_log_is_kept_small_while_it_is_written(tmp_path: Path) -> None:
    worker = Supervisor(tmp_path, tmp_path).adopt("ftjob-x", 1, {"pid": 0})
    with open(worker.log, "ab") as writer:
        writer.write(b"x" * (LOG_LIMIT_BYTES + 1))
        writer.flush()
        worker.bound_log()
        writer.write(b"\nthe end")
        writer.flush()
    assert worker.log.stat().st_size < LOG_LIMIT_BYTES / 2
    assert worker.last_lines(1) == "the end"


def test_a_reused_pid_is_a_stranger() -> None:
    me = process.identity(os.getpid())
    assert me is not None and process.is_alive(me)
    assert not process.is_alive({**me, "started": me["started"] + 1})
    assert not process.kill_group({**me, "boot": "another"})


def test_bytes_of_deleted_things_go_when_no_live_job_needs_them(
    db: Database, blobs: Blobs, who: Principal, tmp_path: Path
) -> None:
    file = a_file(db, who, blobs)
    job = a_job(db, who, training_file=file.id)
    model = model_row(who, job.id)
    blobs.put(f"{model.prefix}/manifest.json", b"{}")
    (tmp_path / "adapters" / model.id).mkdir(parents=True)
    models.insert(db, model)
    blobs.put(f"jobs/{job.id}/snapshots/1-5/manifest.json", b"{}")
    files.delete(db, who.project_id, file.id)
    models.delete(db, who.project_id, model.name)

    def swept() -> tuple[bool, bool, bool]:
        sweep(db, blobs, adapters=tmp_path / "adapters", work=tmp_path / "work")
        snapshot = f"jobs/{job.id}/snapshots/1-5/manifest.json"
        return (
            blobs.exists(file.object_key),
            blobs.exists(f"{model.prefix}/manifest.json"),
            blobs.exists(snapshot),
        )

    assert swept() == (True, False, True)
    assert not (tmp_path / "adapters" / model.id).exists()
    cancel(db, who.project_id, job.id)
    assert swept() == (False, False, False)
    assert models.find(db, model.id) is None


def test_objects_without_a_row_go_when_nobody_can_be_writing_it_any_more(
    db: Database, blobs: Blobs, who: Principal, tmp_path: Path
) -> None:
    for key in ("models/model-orphan/adapter_config.json", "files/file-orphan"):
        blobs.put(key, b"{}")
    sweep(db, blobs, adapters=tmp_path, work=tmp_path / "work")
    assert blobs.exists("files/file-orphan")
    for path in (tmp_path / "objects").rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)
    sweep(db, blobs, adapters=tmp_path, work=tmp_path / "work")
    assert not blobs.exists("files/file-orphan")
    assert blobs.folders("models") == []
