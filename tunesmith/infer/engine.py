"""The engine: sequences come in, tokens go out, one step at a time. It knows no HTTP and starts no thread."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from tunesmith.infer.prefix_cache import PrefixCache
from tunesmith.infer.runner import Runner
from tunesmith.infer.sampling import look_up, sample
from tunesmith.infer.scheduler import Chunk, Scheduler
from tunesmith.infer.sequence import FinishReason, Place, Sequence

log = logging.getLogger(__name__)


class Output(NamedTuple):
    """A new token of a sequence, or, without a token, its end: by a failure, or with its vector pooled."""

    sequence: Sequence
    token_id: int | None
    place: Place | None
    finish_reason: FinishReason | None


@dataclass
class Counters:
    """Totals since the start."""

    steps: int = 0
    prompt_tokens: int = 0
    """Computed ones."""
    reused_tokens: int = 0
    """Prompt tokens that needed no computing."""
    generated_tokens: int = 0
    finished: dict[str, int] = field(default_factory=dict)
    busy_s: float = 0.0


class Engine:
    """A scheduler, a model, and the loop's body. One thread owns it."""

    def __init__(self, scheduler: Scheduler, runner: Runner, prefixes: PrefixCache | None = None) -> None:
        self.scheduler = scheduler
        self.runner = runner
        self.prefixes = scheduler.prefixes = prefixes
        self.counters = Counters()

    @torch.inference_mode()
    def step(self) -> list[Output]:
        """Advance every running sequence by one token, and prompts by a chunk. A failure ends the sequences
        that it met, never the engine."""
        started = time.perf_counter()
        chunks = self.scheduler.schedule()
        if not chunks:
            return []
        try:
            logits = self.runner.forward(chunks)
            for chunk, rows in zip(chunks, logits, strict=True):
                chunk.sequence.n_cached += chunk.n
                if chunk.sequence.pool is not None:
                    chunk.sequence.pool.add(rows)
                else:
                    self._score_prompt(chunk, rows)
            sampling = [i for i, chunk in enumerate(chunks) if chunk.samples]
            sequences = [chunks[i].sequence for i in sampling]
            sampled = sample(torch.cat([logits[i][-1:] for i in sampling]), sequences) if sampling else []
        except (
            Exception
        ):  # whatever torch raises: memory, a bug; the requests in this step cannot be answered
            log.exception("a step of %d sequences failed", len(chunks))
            return [self._fail(chunk.sequence) for chunk in chunks]
        for chunk in chunks:  # each prompt's pages as they are read, so that others need not wait for its end
            if self.prefixes is not None and chunk.n > 1 and not chunk.sequence.params.embed:
                self.prefixes.keep(chunk.sequence)
        outputs = [self._embedded(c.sequence) for c in chunks if c.sequence.pool and c.sequence.pool.is_full]
        for sequence, choice in zip(sequences, sampled, strict=True):
            if choice is None:
                outputs.append(self._fail(sequence))
                continue
            sequence.append(choice.token_id)
            if sequence.finish_reason:  # the last token, or a grammar's failure
                if self.prefixes is not None:
                    self.prefixes.keep(sequence)  # a conversation's next turn begins with this one
                self._end(sequence)
            outputs.append(Output(sequence, choice.token_id, choice.place, sequence.finish_reason))
        self.counters.steps += 1
        self.counters.prompt_tokens += sum(c.n for c in chunks) - len(sequences)
        self.counters.reused_tokens += sum(s.n_reused for s in sequences if s.n_generated == 1)
        self.counters.generated_tokens += len(sequences)
        self.counters.busy_s += time.perf_counter() - started
        return outputs

    @torch.inference_mode()  # it clears places of the cache, which are inference tensors
    def abort(self, sequence: Sequence) -> None:
        """Stop a sequence whose reader is gone; its places are free at once."""
        if sequence.finish_reason is None:
            sequence.finish_reason = "abort"
            self.runner.clear(sequence)
            self._end(sequence)

    def _score_prompt(self, chunk: Chunk, rows: torch.Tensor) -> None:
        """Log-probabilities of the prompt's tokens: row i of a chunk speaks about the token after it."""
        sequence, n_top = chunk.sequence, chunk.sequence.params.prompt_logprobs
        if n_top is None or chunk.start >= sequence.n_prompt:
            return
        next_tokens = sequence.token_ids[chunk.start + 1 : chunk.start + chunk.n + 1]
        if next_tokens:
            logprobs = rows[: len(next_tokens)].log_softmax(-1)
            sequence.prompt_logprobs += look_up(logprobs, next_tokens, [n_top] * len(next_tokens))

    def _embedded(self, sequence: Sequence) -> Output:
        """The last of a prompt's hidden states has come."""
        assert sequence.pool is not None
        if not sequence.pool.is_finite:
            return self._fail(sequence)
        sequence.finish_reason = "stop"
        self._end(sequence)
        return Output(sequence, None, None, "stop")

    def _fail(self, sequence: Sequence) -> Output:
        sequence.finish_reason = "error"
        self.runner.clear(sequence)
        self._end(sequence)
        return Output(sequence, None, None, "error")

    def _end(self, sequence: Sequence) -> None:
        assert sequence.finish_reason is not None
        self.scheduler.remove(sequence)
        finished = self.counters.finished
        finished[sequence.finish_reason] = finished.get(sequence.finish_reason, 0) + 1
