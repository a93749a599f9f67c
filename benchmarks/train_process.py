"""Trainers in processes of their own that make one step when told to, so that they can be timed in turns.

Both ends of the pipe are here. The trainer's end: it says when it is ready, then answers each line with a
step. The benchmark's end stops the process (SIGSTOP) between its turns, since its waiting threads spin and
would take a core from whoever is measured.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import environment, peak_memory_bytes, shared_core
from benchmarks.train_workloads import MaskedIds

ROOT = Path(__file__).parents[1]
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True)
class Step:
    """One optimizer step of one trainer."""

    seconds: float
    loss: float
    """Before the step: mean over target tokens, or over pairs; in nats."""
    n_tokens: int
    """Of all sequences, without padding; a pair has two, and its prompt counts twice."""
    n_targets: int
    """Tokens under the loss."""
    digest: str
    """Of all token ids and loss masks, whatever the order of the sequences within the step."""

    @staticmethod
    def of(seconds: float, loss: float, sequences: Sequence[MaskedIds]) -> Step:
        """`sequences`: ids and mask of each, as the trainer computed with them."""
        return Step(
            seconds=seconds,
            loss=loss,
            n_tokens=sum(len(ids) for ids, _ in sequences),
            n_targets=sum(sum(mask) for _, mask in sequences),
            digest=digest_of(sequences),
        )


def digest_of(sequences: Iterable[MaskedIds]) -> str:
    """Of all ids and masks, whatever the order of the sequences."""
    hashes = sorted(hashlib.sha256(json.dumps(one).encode()).hexdigest() for one in sequences)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]


class Turns:
    """The trainer's end."""

    def __init__(self) -> None:
        # libraries print to standard output what they please; the answers get a copy of it to themselves
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)

    def ready(self, **facts: Any) -> None:
        """All is loaded; the next thing is a step."""
        self._say(facts)

    def wait(self) -> bool:
        """Whether another step is wanted."""
        return bool(sys.stdin.readline())

    def answer(self, step: Step, n_threads: int) -> None:
        """Reports a step, and what it showed of the process."""
        self._say({**asdict(step), "memory": peak_memory_bytes(), "problem": shared_core(n_threads)})

    def _say(self, value: Mapping[str, Any]) -> None:
        print(json.dumps(value), file=self._answers, flush=True)


def serve(start: Callable[[], Iterator[Step]], n_threads: Callable[[], int]) -> None:
    """Runs a trainer that is an iterator of steps until its pipe is closed."""
    turns = Turns()
    steps = start()
    turns.ready()
    while turns.wait():
        step = next(steps)
        turns.answer(step, n_threads())


class TrainerProcess:
    """The benchmark's end: a trainer that stands still but for its turns."""

    def __init__(
        self, command: Sequence[str], *, threads: int, variables: Mapping[str, str], log: Path
    ) -> None:
        self.steps: list[Step] = []
        self.memory_bytes = 0
        self._name = " ".join(command)
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment(threads, TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", **variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        started = time.perf_counter()
        self.facts = self._listen()
        self.start_s = time.perf_counter() - started

    def step(self) -> Step:
        """Lets the trainer make its next step."""
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):  # a dead trainer's last words are in its log
            self._process.stdin.write("step\n")
            self._process.stdin.flush()
        answer = self._listen()
        self.memory_bytes = answer.pop("memory")
        problem = answer.pop("problem")
        if problem:
            raise SystemExit(f"{self._name}: {problem}")
        self.steps.append(Step(**answer))
        return self.steps[-1]

    def _listen(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise SystemExit(f"{self._name} ended early; its log ends:\n{self._log.read_text()[-3000:]}")
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
