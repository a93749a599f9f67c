"""Grammars that are not compiled yet: each once, however many wait for it, and projects by turns.

A queue and who waits in it; it compiles nothing and starts no thread. Its owner holds a lock around calls.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunesmith.errors import EngineUnavailable

if TYPE_CHECKING:
    from tunesmith.infer.grammar import Grammar

MAX_QUEUED = 64
"""Grammars that may wait; beyond it new ones are refused."""
MAX_QUEUED_OF_A_PROJECT = 32


@dataclass(eq=False)
class Job:
    """One grammar to compile."""

    key: bytes
    structured: Mapping[str, Any]
    project: str | None
    """Whoever asked first; in whose turn it is compiled."""
    waiters: set[Future[Grammar]] = field(default_factory=set)
    begun: bool = False


class GrammarQueue:
    """Jobs that wait or have begun."""

    def __init__(self) -> None:
        self._jobs: dict[bytes, Job] = {}
        self._turns: OrderedDict[str | None, deque[Job]] = OrderedDict()
        """The jobs that wait, by project; the project whose turn is next stands first."""

    def __len__(self) -> int:
        """Jobs that wait."""
        return sum(len(jobs) for jobs in self._turns.values())

    def join(
        self, key: bytes, structured: Mapping[str, Any], project: str | None, waiter: Future[Grammar]
    ) -> bool:
        """Wait for a grammar; true when it is a new job. Raises EngineUnavailable when too many wait."""
        job = self._jobs.get(key)
        if job is not None:
            job.waiters.add(waiter)
            return False
        if len(self) >= MAX_QUEUED or len(self._turns.get(project, ())) >= MAX_QUEUED_OF_A_PROJECT:
            raise EngineUnavailable(
                "Too many new schemas and grammars are waiting to be compiled; try again later",
                headers={"Retry-After": "2"},
            )
        job = self._jobs[key] = Job(key, structured, project, {waiter})
        self._turns.setdefault(project, deque()).append(job)
        return True

    def begin(self) -> Job | None:
        """The next job; None when none waits."""
        if not self._turns:
            return None
        project, jobs = self._turns.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._turns[project] = jobs
        job.begun = True
        return job

    def end(self, job: Job) -> set[Future[Grammar]]:
        """Forget a job that had begun; gives who waits for it."""
        del self._jobs[job.key]
        return job.waiters

    def leave(self, key: bytes, waiter: Future[Grammar]) -> None:
        """Wait no longer; a job that nobody waits for is forgotten, unless it has begun."""
        job = self._jobs.get(key)
        if job is None or waiter not in job.waiters:
            return
        job.waiters.remove(waiter)
        if not job.waiters and not job.begun:
            del self._jobs[key]
            jobs = self._turns[job.project]
            jobs.remove(job)
            if not jobs:
                del self._turns[job.project]

    def waiters(self) -> list[Future[Grammar]]:
        """Who waits for a job that has not begun."""
        return [waiter for jobs in self._turns.values() for job in jobs for waiter in job.waiters]
