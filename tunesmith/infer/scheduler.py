"""Who computes in the next step: queues and integers, no tensors.

Every running sequence that has its prompt behind it advances by one token. What is left of the step's token
budget goes to prompts, in the order of arrival, in chunks. A sequence is admitted when the cache has a block
for all that it may need; until then it waits, and nobody overtakes it.

Embeddings stand back: they are admitted when no answer waits, a step's worth at a time, and while answers run
they get a part of the budget, so that a thousand documents hardly delay anybody's next token. Where answers
leave them nothing for some steps, it is their turn: that part of the next step, a seat and places for it come
first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple, Protocol

from tunesmith.infer.kv_cache import TokenPlaces
from tunesmith.infer.sequence import Sequence

_SHARE_BESIDE_ANSWERS = 4
"""While answers run, embeddings get this part of a step's tokens: one fourth."""
MOST_STEPS_PASSED_OVER = 16
"""Steps without a token for embeddings that want some; then it is their turn."""


class Prefixes(Protocol):
    """What is known of prompts that were read before (`prefix_cache.py`)."""

    def beginning(self, sequence: Sequence) -> Hashable | None:
        """What prompts that begin alike have in common; None where there is nothing to share."""
        ...

    def reuse(self, sequence: Sequence) -> None:
        """Move `n_cached` to behind what is known."""
        ...


class Chunk(NamedTuple):
    """Tokens `start … start + n` of a sequence are computed in this step."""

    sequence: Sequence
    start: int
    n: int

    @property
    def samples(self) -> bool:
        """Whether the chunk reaches the sequence's last token, so that a next one is chosen."""
        return self.start + self.n == len(self.sequence.token_ids) and not self.sequence.params.embed


class Scheduler:
    """Waiting and running sequences."""

    def __init__(
        self,
        places: TokenPlaces,
        *,
        max_running: int,
        max_step_tokens: int,
        max_logprob_rows: int,
        prefixes: Prefixes | None = None,
    ) -> None:
        assert max_step_tokens >= max_running > 0
        self.places = places
        self.waiting: OrderedDict[Sequence, None] = OrderedDict()
        """In the order of arrival; any of many can be removed without a search."""
        self.embedding: OrderedDict[Sequence, None] = OrderedDict()
        """Embeddings that wait."""
        self._n_passed_over = 0
        self.running: list[Sequence] = []
        self.prefixes = prefixes
        self._max_running = max_running
        self._max_step_tokens = max_step_tokens
        self._share_beside_answers = max(1, max_step_tokens // _SHARE_BESIDE_ANSWERS)
        self._max_logprob_rows = max_logprob_rows
        """Prompt tokens of a step whose log-probabilities are wanted; each needs a row of logits."""

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.embedding or self.running)

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence; it must fit into the cache when that is empty."""
        assert sequence.n_reserved <= self.places.largest, "a request that never fits is refused before"
        (self.embedding if sequence.params.embed else self.waiting)[sequence] = None

    def schedule(self) -> list[Chunk]:
        """The next step's chunks, decoding sequences first. Admits what fits."""
        embeddings_first = self._n_passed_over >= MOST_STEPS_PASSED_OVER
        self._admit(embeddings_first)
        chunks: list[Chunk] = []
        prompts: list[Sequence] = []
        for sequence in self.running:
            if sequence.n_cached == len(sequence.token_ids) - 1:
                chunks.append(Chunk(sequence, sequence.n_cached, 1))
            else:
                prompts.append(sequence)
        budget = self._max_step_tokens - len(chunks)
        logprob_rows = self._max_logprob_rows
        prompts.sort(key=lambda sequence: sequence.params.embed != embeddings_first)
        for_embeddings = budget
        if any(not sequence.params.embed for sequence in self.running):
            for_embeddings = self._share_beside_answers
        begun: set[Hashable] = set()
        for sequence in prompts:
            if budget > 0 and self._waits_for_another(sequence, begun):
                continue
            n = min(len(sequence.token_ids) - sequence.n_cached, budget)
            if sequence.params.embed:
                n = min(n, for_embeddings)
                for_embeddings -= n
            if sequence.params.prompt_logprobs is not None:
                n = min(n, logprob_rows)
                logprob_rows -= n
            if n > 0:
                chunks.append(Chunk(sequence, sequence.n_cached, n))
                budget -= n
        wanted = bool(self.embedding) or self._embeddings_run
        passed_over = wanted and not any(chunk.sequence.params.embed for chunk in chunks)
        self._n_passed_over = self._n_passed_over + 1 if passed_over else 0
        return chunks

    def _waits_for_another(self, sequence: Sequence, begun: set[Hashable]) -> bool:
        """Looks up what is known of a prompt that is about to be read; true when this step begins to read
        another one that begins alike, so that the next step will know more."""
        if self.prefixes is None or sequence.n_cached:
            return False
        self.prefixes.reuse(sequence)
        beginning = None if sequence.n_cached else self.prefixes.beginning(sequence)
        if beginning is None:
            return False
        if beginning in begun:
            return True
        begun.add(beginning)
        return False

    @property
    def _embeddings_run(self) -> bool:
        return any(sequence.params.embed for sequence in self.running)

    def _admit(self, embeddings_first: bool) -> None:
        if embeddings_first:
            self._admit_from(self.embedding, self._share_beside_answers)
            if self.embedding and not self._embeddings_run:
                return  # what becomes free is for the first of them
        if self._admit_from(self.waiting):
            self._admit_from(self.embedding, self._max_step_tokens)

    def _admit_from(self, queue: OrderedDict[Sequence, None], most_unread: int | None = None) -> bool:
        """Admit what fits; embeddings while fewer than `most_unread` tokens of theirs are to be read. False
        when there are no places for the next one."""
        unread = sum(len(s.token_ids) - s.n_cached for s in self.running if s.params.embed)
        while queue and len(self.running) < self._max_running:
            if most_unread is not None and unread >= most_unread:
                break
            sequence = next(iter(queue))
            block = self.places.reserve(sequence.n_reserved)
            if block is None:
                return False
            del queue[sequence]
            sequence.block = block
            self.running.append(sequence)
            unread += sequence.n_prompt
        return True

    def remove(self, sequence: Sequence) -> None:
        """Forget a sequence that finished or was aborted; its block is free at once."""
        if sequence.block is not None:
            self.places.release(sequence.block)
            sequence.block = None
            self.running.remove(sequence)
        else:
            (self.embedding if sequence.params.embed else self.waiting).pop(sequence, None)
