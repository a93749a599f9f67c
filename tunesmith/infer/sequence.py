"""One request inside the engine: its prompt, how to sample, and how far it is."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tunesmith.infer.kv_cache import Block
from tunesmith.infer.pooling import Pool, Pooling

if TYPE_CHECKING:
    from tunesmith.infer.adapter_pool import LoadedAdapter
    from tunesmith.infer.grammar import Matcher

FinishReason = Literal["stop", "length", "abort", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How the next tokens are chosen. `server.py` checks the ranges."""

    max_tokens: int
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    top_k: int = 0
    """0 keeps all tokens."""
    seed: int | None = None
    stop_token_ids: frozenset[int] = frozenset()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: dict[int, float] = field(default_factory=dict)
    logprobs: int | None = None
    """None: none. 0: of the chosen token. n: of the n likeliest too."""
    prompt_logprobs: int | None = None
    cache_salt: str | None = None
    """Only sequences of the same salt reuse each other's prompts."""
    pooling: Pooling | None = None
    """How the prompt becomes a vector, where that is wanted and no token; `max_tokens` is then 0."""

    @property
    def embed(self) -> bool:
        return self.pooling is not None

    @property
    def edits_logits(self) -> bool:
        return bool(self.logit_bias or self.presence_penalty or self.frequency_penalty)


@dataclass(frozen=True, slots=True)
class Place:
    """Log-probabilities at one place: of the token that stands there, and of the likeliest, best first."""

    logprob: float
    top: list[tuple[int, float]]


class Sequence:
    """A request's state. It belongs to the engine's thread once it is submitted."""

    __slots__ = (
        "adapter",
        "block",
        "counts",
        "finish_reason",
        "matcher",
        "n_cached",
        "n_kept",
        "n_prompt",
        "n_reused",
        "owner",
        "pool",
        "params",
        "prompt_logprobs",
        "random",
        "token_ids",
    )

    def __init__(
        self,
        prompt_token_ids: list[int],
        params: SamplingParams,
        adapter: LoadedAdapter | None = None,
        owner: object = None,
        matcher: Matcher | None = None,
    ) -> None:
        self.token_ids = list(prompt_token_ids)
        """The prompt, then the generated tokens."""
        self.n_prompt = len(prompt_token_ids)
        self.params = params
        self.adapter = adapter
        self.matcher = matcher
        """Where the answer stands in the grammar that it must follow."""
        self.owner = owner
        """Whoever submitted it; the engine hands it back with each token."""
        self.n_cached = 0
        """Tokens whose keys and values are in the cache."""
        self.n_reused = 0
        """Of those, the ones that an earlier sequence had computed."""
        self.n_kept = 0
        """Of those, the ones that later sequences can reuse."""
        self.block: Block | None = None
        self.random = random.Random(None if params.seed is None else params.seed % 2**64)
        """One number per token, so a seed gives the same answer whatever else is in the batch."""
        self.counts: dict[int, int] = {}
        """How often each token was generated; kept only where penalties need it."""
        self.prompt_logprobs: list[Place | None] = [None]
        self.pool = Pool(self.n_prompt, params.pooling) if params.pooling else None
        """The hidden states so far, where a vector is wanted."""
        self.finish_reason: FinishReason | None = None

    @property
    def n_reserved(self) -> int:
        """Token places that it may need in all."""
        return self.n_prompt + self.params.max_tokens

    @property
    def n_generated(self) -> int:
        return len(self.token_ids) - self.n_prompt

    def append(self, token_id: int) -> None:
        """Take a sampled token, and finish if it was the last."""
        self.token_ids.append(token_id)
        if self.params.presence_penalty or self.params.frequency_penalty:
            self.counts[token_id] = self.counts.get(token_id, 0) + 1
        if self.matcher is not None and not self.matcher.take(token_id):
            self.finish_reason = "error"
        elif token_id in self.params.stop_token_ids or (self.matcher is not None and self.matcher.done):
            self.finish_reason = "stop"
        elif self.n_generated >= self.params.max_tokens:
            self.finish_reason = "length"
