"""The table of transitions, and what claims and fencing owe to it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.store.factories import a_job, principal_of
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.jobs import messages
from tunesmith.jobs.control import cancel, pause, resume
from tunesmith.jobs.lease import LeaseWatch, claim
from tunesmith.jobs.leaving import let_go
from tunesmith.jobs.states import ALLOWED, LIVE, PAUSED, QUEUED, RUNNING, TERMINAL, move
from tunesmith.store import events, jobs
from tunesmith.store.database import Database
from tunesmith.store.jobs import LeaseLost
from tunesmith.store.rows import Principal


def test_every_state_is_live_or_terminal_and_all_live_ones_can_be_cancelled() -> None:
    assert set(ALLOWED) == LIVE | TERMINAL
    assert {"succeeded", "failed", "cancelled"} == TERMINAL
    assert all("cancelled" in ALLOWED[state] for state in LIVE)
    assert all(following <= set(ALLOWED) for following in ALLOWED.values())


@pytest.mark.parametrize("start", sorted(ALLOWED))
def test_a_job_moves_along_the_table_and_nowhere_else(db: Database, who: Principal, start: str) -> None:
    for to in ALLOWED:
        job = a_job(db, who, status=start)
        moved = move(db, job.id, to, events=[messages.note(job.id, "x", "x")])
        assert (moved is not None) == (to in ALLOWED[start])
        now = jobs.get(db, who.project_id, job.id)
        assert now.status == (to if moved else start)
        told = events.list_page(db, who.project_id, job.id).rows
        assert len(told) == (1 if moved else 0), "an event of a change that did not happen"


def test_many_claimers_get_each_job_once(db: Database, who: Principal) -> None:
    made = [a_job(db, who).id for _ in range(30)]
    claimed: list[str] = []

    def take() -> None:
        while (job := claim(db, device="cpu")) is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(made)
    assert all(job.attempt == 1 for job in jobs.in_state(db, RUNNING))


def test_the_oldest_job_is_claimed_first_unless_it_must_wait(db: Database, who: Principal) -> None:
    first, second = a_job(db, who), a_job(db, who)
    taken = claim(db, device="cpu", not_now={first.id})
    assert taken is not None and taken.id == second.id
    taken = claim(db, device="cpu")
    assert taken is not None and taken.id == first.id
    assert claim(db, device="cpu") is None


def test_a_stale_attempt_writes_nothing(db: Database, who: Principal) -> None:
    job = a_job(db, who)
    old = claim(db, device="cpu")
    assert old is not None
    move(db, job.id, QUEUED, only_from=RUNNING)
    new = claim(db, device="cpu")
    assert new is not None and new.attempt == old.attempt + 1
    with pytest.raises(LeaseLost):
        jobs.record(
            db,
            job.id,
            old.attempt,
            running=RUNNING,
            step=99,
            events=[messages.metrics(job.id, step=99, total_steps=100, values={})],
        )
    assert move(db, job.id, "succeeded", expect_attempt=old.attempt) is None
    assert jobs.get(db, who.project_id, job.id) == new
    assert events.of_type(db, job.id, "metrics") == []


def test_of_racing_ends_exactly_one_happens(db: Database, who: Principal) -> None:
    for _ in range(10):
        job = a_job(db, who)
        running = claim(db, device="cpu")
        assert running is not None and running.id == job.id
        barrier = threading.Barrier(3)
        won: list[str] = []

        def end(to: str, job_id: str = job.id, barrier: threading.Barrier = barrier, won: list = won) -> None:
            barrier.wait()
            told = [messages.note(job_id, "end", to)]
            if move(db, job_id, to, events=told) is not None:
                won.append(to)

        threads = [threading.Thread(target=end, args=(to,)) for to in sorted(TERMINAL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert jobs.get(db, who.project_id, job.id).status == won[0]
        assert [
            e.message for e in events.list_page(db, who.project_id, job.id).rows if e.kind == "end"
        ] == won


def test_cancelling_an_ended_job_is_refused_with_its_state(db: Database, who: Principal) -> None:
    job = a_job(db, who)
    assert cancel(db, who.project_id, job.id).status == "cancelled"
    with pytest.raises(InvalidRequest, match="has already been cancelled"):
        cancel(db, who.project_id, job.id)
    with pytest.raises(NotFound):
        cancel(db, who.project_id, "ftjob-none")


def test_a_lease_ends_when_the_heartbeat_stands_still_whatever_the_wall_clock_does(
    db: Database, who: Principal
) -> None:
    clock = [1000.0]
    watch = LeaseWatch(15, monotonic=lambda: clock[0])
    a_job(db, who)
    job = claim(db, device="cpu")
    assert job is not None

    def expired_after(seconds: float) -> bool:
        for _ in range(10):
            clock[0] += seconds / 10
            expired = watch.expired(jobs.in_state(db, RUNNING))
        return [row.id for row in expired] == [job.id]

    assert watch.expired(jobs.in_state(db, RUNNING)) == []
    assert not expired_after(14)
    jobs.record(db, job.id, job.attempt, running=RUNNING)
    assert watch.expired(jobs.in_state(db, RUNNING)) == []
    assert not expired_after(14.9)
    assert expired_after(0.1)


def _accepted(wish: Callable[[], object]) -> bool:
    try:
        wish()
    except InvalidRequest as refusal:
        assert refusal.code == "invalid_job_state"
        return False
    return True


class JobLife(RuleBasedStateMachine):
    """Claims, losses, zombies, pauses, cancellations and ends in any order: one writer, one end, a story
    without gaps."""

    @initialize()
    def begin(self) -> None:
        memory = Path("/dev/shm")  # thousands of commits: no need to sync them to a disk
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.db = Database.open(f"sqlite:///{self.folder / 'tunesmith.db'}")
        self.who = principal_of(self.db)
        self.job_id = a_job(self.db, self.who).id
        self.attempts = 0
        self.status = QUEUED
        self.leaving = False
        self.steps: dict[int, int] = {}
        """Steps done, by attempt; a new attempt begins where the snapshot is."""
        self.snapshot = 0
        self.told: set[int] = set()

    @rule()
    def claim_it(self) -> None:
        job = claim(self.db, device="cpu")
        assert (job is not None) == (self.status == QUEUED and not self.leaving)
        if job is not None:
            self.attempts += 1
            assert job.attempt == self.attempts
            self.status = RUNNING
            self.steps[self.attempts] = self.snapshot

    @rule(back=st.integers(0, 2), snapshot=st.booleans())
    def some_attempt_trains_a_step(self, back: int, snapshot: bool) -> None:
        attempt = self.attempts - back
        if attempt < 1:
            return
        step = self.steps[attempt] + 1
        event = messages.metrics(self.job_id, step=step, total_steps=99, values={"train_loss": attempt})
        changes = {"snapshot": {"step": step}} if snapshot else {}
        try:
            jobs.record(self.db, self.job_id, attempt, running=RUNNING, events=[event], step=step, **changes)
            written = True
        except LeaseLost:
            written = False
        assert written == ((self.status == RUNNING or self.leaving) and back == 0)
        if written:
            self.steps[attempt] = step
            self.told.add(step)
            if snapshot:
                self.snapshot = step

    @rule()
    def the_worker_is_lost(self) -> None:
        moved = move(self.db, self.job_id, QUEUED, only_from=RUNNING, expect_attempt=self.attempts)
        assert (moved is not None) == (self.status == RUNNING)
        if moved:
            self.status = QUEUED

    @rule()
    def a_person_pauses_it(self) -> None:
        allowed = self.status in (QUEUED, RUNNING)
        assert _accepted(lambda: pause(self.db, self.who.project_id, self.job_id)) == allowed
        if allowed:
            self.leaving = self.leaving or self.status == RUNNING
            self.status = PAUSED

    @rule()
    def a_person_resumes_it(self) -> None:
        allowed = self.status == PAUSED
        assert _accepted(lambda: resume(self.db, self.who.project_id, self.job_id)) == allowed
        if allowed:
            self.status = QUEUED

    @rule(back=st.integers(0, 1), lost=st.booleans())
    def a_worker_goes(self, back: int, lost: bool) -> None:
        let_go(self.db, self.job_id, self.attempts - back, why="test", crashes=1 if lost else None)
        if back == 0 and self.leaving:
            self.leaving = False
        elif back == 0 and self.status == RUNNING:
            self.status = QUEUED

    @rule(to=st.sampled_from(sorted(TERMINAL)), back=st.integers(0, 1))
    def somebody_ends_it(self, to: str, back: int) -> None:
        allowed = to in ALLOWED[self.status] and back == 0
        moved = move(self.db, self.job_id, to, expect_attempt=self.attempts - back)
        assert (moved is not None) == allowed
        if moved:
            self.status = to
            self.leaving = False

    @invariant()
    def the_row_is_as_expected(self) -> None:
        job = jobs.get(self.db, self.who.project_id, self.job_id)
        assert (job.status, job.attempt, job.leaving) == (self.status, self.attempts, self.leaving)

    @invariant()
    def each_step_is_told_once_and_none_is_missing(self) -> None:
        told = [event.step for event in events.of_type(self.db, self.job_id, "metrics")]
        assert sorted(told) == sorted(self.told)
        assert sorted(told) == list(range(1, len(told) + 1))

    def teardown(self) -> None:
        self.db.close()
        shutil.rmtree(self.folder)


TestJobLife = JobLife.TestCase
TestJobLife.settings = hypothesis_settings(max_examples=15, stateful_step_count=20, deadline=None)
