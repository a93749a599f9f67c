"""Tries grammars out in a process of its own, which may take too long, eat memory or crash without harm.

Some small grammars take for ever: whether an intersection of regular expressions is empty is found by
construction, and no fuel bounds it. A thread cannot be stopped; a process can. It is started by the first
grammar that is not known yet, kept, and ends with the engine. What passes here is compiled again in the
engine, for the same short time.

`python -m tunesmith.infer.grammar_check` reads JSON lines and writes JSON lines: an empty object when it is
ready, then one for each grammar.
"""

from __future__ import annotations

import contextlib
import json
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tunesmith.errors import EngineUnavailable

CHECK_CPU_S = 2.0
"""Processor time for compiling one grammar and following it for a few tokens."""
CHECK_WALL_S = 30.0
"""The same by the clock, for a process that hangs without computing."""
CHECK_BYTES = 512 << 20
"""Memory for it."""
SLOWEST_MASK_S = 0.1
"""Processor time of one mask."""
FOLLOWED_TOKENS = 12
TOO_COSTLY = "it takes more time or memory than this server gives to one grammar; make it smaller or simpler"
_KILLED = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)
"""Exit statuses that come from outside, not from a limit of its own."""


class GrammarChecker:
    """The engine's side: one process at a time, started when it is needed."""

    def __init__(self, folder: Path, n_vocab: int, eos_token_ids: Sequence[int]) -> None:
        self._head = {"folder": str(folder), "n_vocab": n_vocab, "eos_token_ids": list(eos_token_ids)}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def check(self, grammar: str) -> str | None:
        """What is wrong with a grammar; None when nothing is. A process that somebody killed is started once
        more. Raises EngineUnavailable when none can be had."""
        with self._lock:
            for _ in range(2):
                answer = self._ask(grammar)
                if answer:
                    problem: str | None = json.loads(answer)["problem"]
                    return problem
                if self._end() not in _KILLED:  # the signal of its timer, no memory, or a crash
                    break
            return TOO_COSTLY

    def close(self) -> None:
        """End the process, for good."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
            with self._lock:
                self._end()

    def _ask(self, grammar: str) -> bytes:
        """The process's answer; empty when it died."""
        if self._process is not None and self._process.poll() is not None:
            self._end()  # it died while it had nothing to do
        process = self._process or self._start()
        _send(process.stdin, {"grammar": grammar})
        assert process.stdout is not None
        return process.stdout.readline()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise EngineUnavailable("The engine is stopping; try again later", headers={"Retry-After": "1"})
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "tunesmith.infer.grammar_check"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        _send(process.stdin, self._head)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise EngineUnavailable(
                f"The process that tries grammars out did not start (exit status {self._end()}); "
                "try again later",
                headers={"Retry-After": "1"},
            )
        return process

    def _end(self) -> int | None:
        """Its exit status, as Popen has it."""
        if self._process is None:
            return None
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        status = self._process.wait()
        self._process = None
        return status


def _send(pipe: IO[bytes] | None, message: dict[str, Any]) -> None:
    assert pipe is not None
    with contextlib.suppress(BrokenPipeError):  # it is gone; its answer, which is none, tells so
        pipe.write(json.dumps(message).encode() + b"\n")
        pipe.flush()


def main() -> None:
    """The process."""
    from tunesmith.data.tokenizer import Tokenizer
    from tunesmith.infer.grammar import ll_tokenizer

    head = json.loads(sys.stdin.readline())
    tokenizer = ll_tokenizer(Tokenizer.load(Path(head["folder"])), head["n_vocab"], head["eos_token_ids"])
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + CHECK_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("{}", flush=True)
    for line in sys.stdin:
        # the signals' default is the end of the process, wherever it is
        signal.setitimer(signal.ITIMER_PROF, CHECK_CPU_S)
        signal.setitimer(signal.ITIMER_REAL, CHECK_WALL_S)
        problem = _tried(tokenizer, json.loads(line)["grammar"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps({"problem": problem}), flush=True)


def _tried(tokenizer: Any, grammar: str) -> str | None:
    """Compile, and follow the grammar along random tokens."""
    from llguidance import LLMatcher

    from tunesmith.infer.grammar import parser_limits

    matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=parser_limits())
    chance = random.Random(0)
    for _ in range(FOLLOWED_TOKENS):
        if matcher.is_error():
            break
        started = time.process_time()
        bits = matcher.compute_bitmask()
        if matcher.is_error() or matcher.is_stopped():
            break
        if time.process_time() - started > SLOWEST_MASK_S:
            return TOO_COSTLY
        allowed = [8 * i + k for i, byte in enumerate(bits) if byte for k in range(8) if byte >> k & 1]
        if not allowed:
            return "no answer can satisfy it"
        matcher.consume_token(chance.choice(allowed))
    return str(matcher.get_error()) if matcher.is_error() else None


if __name__ == "__main__":
    main()
