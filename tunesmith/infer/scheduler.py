"""Who computes in the next step: queues and integers, no tensors.

Every running sequence that has its prompt behind it advances by one token. What is left of the step's token
budget goes to prompts, in the order of arrival, in chunks. A sequence is admitted when the cache has a block
for all that it may need; until then it waits, and nobody overtakes it.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from tunesmith.infer.kv_cache import TokenPlaces
from tunesmith.infer.sequence import Sequence


class Chunk(NamedTuple):
    """Tokens `start … start + n` of a sequence are computed in this step."""

    sequence: Sequence
    start: int
    n: int

    @property
    def samples(self) -> bool:
        """Whether the chunk reaches the sequence's last token, so that a next one is chosen."""
        return self.start + self.n == len(self.sequence.token_ids)


class Scheduler:
    """Waiting and running sequences."""

    def __init__(
        self, places: TokenPlaces, *, max_running: int, max_step_tokens: int, max_logprob_rows: int
    ) -> None:
        assert max_step_tokens >= max_running > 0
        self.places = places
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self._max_running = max_running
        self._max_step_tokens = max_step_tokens
        self._max_logprob_rows = max_logprob_rows
        """Prompt tokens of a step whose log-probabilities are wanted; each needs a row of logits."""

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.running)

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence; it must fit into the cache when that is empty."""
        assert sequence.n_reserved <= self.places.largest, "a request that never fits is refused before"
        self.waiting.append(sequence)

    def schedule(self) -> list[Chunk]:
        """The next step's chunks, decoding sequences first. Admits what fits."""
        self._admit()
        chunks: list[Chunk] = []
        prompts: list[Sequence] = []
        for sequence in self.running:
            if sequence.n_cached == len(sequence.token_ids) - 1:
                chunks.append(Chunk(sequence, sequence.n_cached, 1))
            else:
                prompts.append(sequence)
        budget = self._max_step_tokens - len(chunks)
        logprob_rows = self._max_logprob_rows
        for sequence in prompts:
            n = min(len(sequence.token_ids) - sequence.n_cached, budget)
            if sequence.params.prompt_logprobs is not None:
                n = min(n, logprob_rows)
                logprob_rows -= n
            if n > 0:
                chunks.append(Chunk(sequence, sequence.n_cached, n))
                budget -= n
        return chunks

    def _admit(self) -> None:
        while self.waiting and len(self.running) < self._max_running:
            block = self.places.reserve(self.waiting[0].n_reserved)
            if block is None:
                return
            sequence = self.waiting.popleft()
            sequence.block = block
            self.running.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Forget a sequence that finished or was aborted; its block is free at once."""
        if sequence.block is not None:
            self.places.release(sequence.block)
            sequence.block = None
            self.running.remove(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)
