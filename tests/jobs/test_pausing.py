"""Pause and resume: what is refused, which of several wishes happens, and what becomes of the worker. Real
processes, no torch."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.jobs.office import Office, vanish, wait
from tests.store.factories import a_job
from tunesmith.errors import InvalidRequest, NotFound, TunesmithError
from tunesmith.jobs import process
from tunesmith.jobs import scheduler as scheduler_module
from tunesmith.jobs.control import cancel, pause, resume
from tunesmith.jobs.lease import claim
from tunesmith.jobs.leaving import let_go
from tunesmith.jobs.states import RUNNING, TERMINAL, VALIDATING, move
from tunesmith.store import events, jobs
from tunesmith.store.database import Database
from tunesmith.store.jobs import LeaseLost
from tunesmith.store.rows import JobRow, Principal


def _story(db: Database, who: Principal, job_id: str) -> list[str]:
    rows = events.list_page(db, who.project_id, job_id, limit=100).rows
    return [event.message for event in rows[::-1]]


# -- wishes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (VALIDATING, "is still validating its files; pause it once it is queued or running, or cancel it"),
        ("paused", "is already paused; it waits before its first step; resume it to go on, or cancel it"),
        ("succeeded", "has already succeeded; only a queued or a running job can be paused"),
        ("failed", "has already failed; only a queued or a running job can be paused"),
        ("cancelled", "has already been cancelled; only a queued or a running job can be paused"),
    ],
)
def test_a_job_that_cannot_be_paused_says_its_state_and_what_to_do(
    db: Database, who: Principal, state: str, sentence: str
) -> None:
    job = a_job(db, who, status=state)
    with pytest.raises(InvalidRequest, match=sentence) as refusal:
        pause(db, who.project_id, job.id)
    assert (refusal.value.code, refusal.value.param) == ("invalid_job_state", "fine_tuning_job_id")
    assert jobs.get(db, who.project_id, job.id) == job


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (VALIDATING, "is still validating its files; there is nothing to resume"),
        ("queued", "is queued; there is nothing to resume"),
        ("running", "is running; there is nothing to resume"),
        ("succeeded", "has already succeeded; only a paused job can be resumed. Create a new job"),
    ],
)
def test_a_job_that_is_not_paused_cannot_be_resumed(
    db: Database, who: Principal, state: str, sentence: str
) -> None:
    job = a_job(db, who, status=state)
    with pytest.raises(InvalidRequest, match=sentence) as refusal:
        resume(db, who.project_id, job.id)
    assert refusal.value.code == "invalid_job_state"
    assert jobs.get(db, who.project_id, job.id) == job


def test_a_foreign_or_absent_job_is_not_found(db: Database, who: Principal) -> None:
    job = a_job(db, who)
    for wish in (pause, resume):
        with pytest.raises(NotFound):
            wish(db, "proj_other", job.id)


def test_a_queued_job_that_is_paused_is_held_back_until_it_is_resumed(db: Database, who: Principal) -> None:
    held_back, other = a_job(db, who), a_job(db, who)
    for _ in range(2):  # again and again, and told each time
        assert pause(db, who.project_id, held_back.id).status == "paused"
        assert resume(db, who.project_id, held_back.id).status == "queued"
    pause(db, who.project_id, held_back.id)
    taken = claim(db, device="cpu")
    assert taken is not None and taken.id == other.id
    assert claim(db, device="cpu") is None
    resume(db, who.project_id, held_back.id)
    taken = claim(db, device="cpu")
    assert taken is not None and taken.id == held_back.id
    pair = [
        "Fine-tuning job paused before its first step",
        "Fine-tuning job resumed, moving job to queued state",
    ]
    assert _story(db, who, held_back.id) == [*pair * 3, "Fine-tuning job started"]


def test_of_a_pause_a_cancellation_and_the_ends_of_a_worker_the_outcome_is_one(
    db: Database, who: Principal
) -> None:
    for _ in range(10):
        job = a_job(db, who)
        running = claim(db, device="cpu")
        assert running is not None and running.id == job.id
        wishes: dict[str, Callable[[], object]] = {
            "paused": lambda job=job: pause(db, who.project_id, job.id),
            "cancelled": lambda job=job: cancel(db, who.project_id, job.id),
            "succeeded": lambda job=job: move(db, job.id, "succeeded", only_from=RUNNING, expect_attempt=1),
            "failed": lambda job=job: move(db, job.id, "failed", only_from=RUNNING, expect_attempt=1),
        }
        barrier = threading.Barrier(len(wishes))
        won: list[str] = []

        def wish(
            state: str, wishes: dict = wishes, barrier: threading.Barrier = barrier, won: list = won
        ) -> None:
            barrier.wait()
            try:
                happened = wishes[state]()
            except TunesmithError:
                return
            if happened is not None:
                won.append(state)

        threads = [threading.Thread(target=wish, args=(state,)) for state in wishes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = jobs.get(db, who.project_id, job.id)
        # a paused job may still be cancelled: two wishes of a person, one after the other
        assert len(set(won) & TERMINAL) <= 1
        assert set(won) in ({"paused"}, {"paused", "cancelled"}, {"cancelled"}, {"succeeded"}, {"failed"})
        assert now.status == ("cancelled" if "cancelled" in won else won[0])
        assert now.leaving == (now.status == "paused")


def test_of_two_pauses_at_once_one_happens(db: Database, who: Principal) -> None:
    for _ in range(5):
        job = a_job(db, who)
        claim(db, device="cpu")
        barrier = threading.Barrier(2)
        answers: list[str] = []

        def ask(job: JobRow = job, barrier: threading.Barrier = barrier, answers: list = answers) -> None:
            barrier.wait()
            try:
                answers.append(pause(db, who.project_id, job.id).status)
            except InvalidRequest as refusal:
                answers.append(str(refusal.code))

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == ["invalid_job_state", "paused"]
        assert _story(db, who, job.id)[-1] == "Pausing fine-tuning job after the current step"


def test_a_leaving_worker_may_save_but_neither_end_the_job_nor_hold_it_twice(
    db: Database, who: Principal
) -> None:
    job = a_job(db, who)
    claim(db, device="cpu")
    pause(db, who.project_id, job.id)
    snapshot = {"prefix": "x", "step": 5, "trained_tokens": 5}
    assert jobs.record(db, job.id, 1, running=RUNNING, snapshot=snapshot, step=5) is True
    for end in TERMINAL - {"cancelled"}:
        assert move(db, job.id, end, expect_attempt=1) is None
    resume(db, who.project_id, job.id)
    assert claim(db, device="cpu") is None, "its first worker has not left"
    assert jobs.record(db, job.id, 1, running=RUNNING, snapshot={**snapshot, "step": 6}, step=6) is True
    let_go(db, job.id, 1, why="unused")
    with pytest.raises(LeaseLost):
        jobs.record(db, job.id, 1, running=RUNNING)
    again = claim(db, device="cpu")
    assert again is not None and again.attempt == 2
    assert again.snapshot is not None and again.snapshot["step"] == 6
    let_go(db, job.id, 1, why="too late")
    assert jobs.get(db, who.project_id, job.id) == again


def test_cancelled_while_its_worker_leaves_it_accepts_no_more_writes(db: Database, who: Principal) -> None:
    job = a_job(db, who)
    claim(db, device="cpu")
    pause(db, who.project_id, job.id)
    assert not cancel(db, who.project_id, job.id).leaving
    with pytest.raises(LeaseLost):
        jobs.record(db, job.id, 1, running=RUNNING)
    let_go(db, job.id, 1, why="unused")
    assert _story(db, who, job.id)[-1] == "Fine-tuning job cancelled"


# -- workers ----------------------------------------------------------------------------------------------


@pytest.fixture
def paused(office: Office) -> Iterator[Callable[[str], tuple[str, dict]]]:
    """Pauses a job whose worker runs; gives the job's id and its worker's identity."""

    def do(what: str) -> tuple[str, dict]:
        job_id = office.job(what)
        scheduler = office.start()
        who = office.worker_of(job_id)
        assert pause(office.db, office.who.project_id, job_id).status == "paused"
        scheduler.wake()
        return job_id, who

    yield do


def test_a_pause_frees_the_device_once_the_worker_has_saved_and_gone(office: Office, paused) -> None:
    office.hold_back()
    job_id, who = paused("leave slowly")
    other = office.job("succeed")
    time.sleep(0.3)  # several looks of the scheduler
    assert process.is_alive(who) and office.get(other).status == "queued", "it is still leaving"
    office.let_go()
    office.until(other, "succeeded")  # whose worker checks that it is alone
    assert not process.is_alive(who)
    job = office.get(job_id)
    assert (job.status, job.attempt, job.crashes, job.worker, job.leaving) == ("paused", 1, 0, None, False)
    assert job.snapshot is not None and job.snapshot["step"] == 7
    assert office.story(job_id)[-1] == "Fine-tuning job paused at step 7"
    with pytest.raises(InvalidRequest, match="waits at step 7"):
        pause(office.db, office.who.project_id, job_id)


def test_resumed_at_once_it_goes_on_when_the_old_worker_has_gone(office: Office, paused) -> None:
    office.hold_back()
    job_id, who = paused("leave slowly")
    assert resume(office.db, office.who.project_id, job_id).status == "queued"
    office.let_go()
    wait(lambda: office.get(job_id).attempt == 2)
    assert not process.is_alive(who), "two workers at one job"
    job = office.get(job_id)
    assert job.snapshot is not None and job.snapshot["step"] == 7, "what the old worker saved last counts"
    assert office.story(job_id)[1:] == [
        "Pausing fine-tuning job after the current step",
        "Fine-tuning job resumed, moving job to queued state",
    ]
    cancel(office.db, office.who.project_id, job_id)


def test_a_worker_killed_before_its_snapshot_leaves_the_job_paused(office: Office, paused) -> None:
    office.hold_back()
    job_id, who = paused("leave slowly")
    os.kill(who["pid"], signal.SIGKILL)
    wait(lambda: not office.get(job_id).leaving)
    job = office.get(job_id)
    assert (job.status, job.attempt, job.crashes) == ("paused", 1, 0)
    last = office.story(job_id)[-1]
    assert last.startswith("Fine-tuning job paused before its first step (its process was ended by signal 9")


def test_a_worker_that_does_not_listen_is_ended_when_patience_is_over(
    office: Office, paused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "PAUSE_GRACE_S", 0.5)
    job_id, who = paused("deaf")
    wait(lambda: not office.get(job_id).leaving)
    assert not process.is_alive(who)
    assert office.get(job_id).status == "paused"


def test_a_frozen_worker_of_a_paused_job_loses_its_lease(office: Office) -> None:
    job_id = office.job("wait")
    office.start(lease_s=1.5)
    who = office.worker_of(job_id)
    os.kill(who["pid"], signal.SIGSTOP)
    pause(office.db, office.who.project_id, job_id)
    wait(lambda: not office.get(job_id).leaving)
    assert not process.is_alive(who)
    assert office.get(job_id).status == "paused"


def test_a_worker_leaves_a_paused_job_even_while_no_server_lives(office: Office) -> None:
    job_id = office.job("wait")
    scheduler = office.start()
    who = office.worker_of(job_id)
    orphans = vanish(scheduler)
    office.running.clear()
    pause(office.db, office.who.project_id, job_id)
    for orphan in orphans:
        orphan.wait(60)
    assert not process.is_alive(who)
    job = office.get(job_id)
    assert (job.status, job.leaving, job.worker) == ("paused", False, None)
    office.start()
    other = office.job("succeed")
    office.until(other, "succeeded")
    assert office.get(job_id) == job, "the next server leaves it paused"


def test_a_server_killed_with_a_leaving_worker_finds_it_again(office: Office) -> None:
    job_id = office.job("deaf")
    scheduler = office.start()
    who = office.worker_of(job_id)
    pause(office.db, office.who.project_id, job_id)
    orphans = vanish(scheduler)
    office.running.clear()
    other = office.job("succeed")
    office.start()
    time.sleep(0.3)
    assert office.get(other).status == "queued", "the device is taken by the worker of the paused job"
    os.kill(who["pid"], signal.SIGKILL)
    office.until(other, "succeeded")
    job = office.get(job_id)
    assert (job.status, job.leaving) == ("paused", False)
    for orphan in orphans:
        orphan.wait()


def test_a_stop_of_the_server_leaves_a_paused_job_paused(office: Office, paused) -> None:
    job_id, who = paused("leave slowly")
    office.stop()
    assert not process.is_alive(who)
    job = office.get(job_id)
    assert (job.status, job.leaving) == ("paused", False)
    assert job.snapshot is not None and job.snapshot["step"] == 7
