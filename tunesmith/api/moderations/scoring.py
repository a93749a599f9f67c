"""How likely a model finds each category of a text: its answer is not written but read.

A written answer would take a step of the engine for each of its hundred and more tokens, nearly all of which
are known before. So the engine gets the whole answer as a part of the prompt, at first with every category
false, and tells in one pass how likely `true` and `false` were at each. Where the model would have written
another verdict, what comes after that place is asked again behind the verdicts that it prefers; this ends
with the answer that it would have written itself, token for token. A harmless text takes one pass, another
one mostly two.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tunesmith.api.moderations.prompt import CATEGORIES, answer, messages
from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import ChatExample
from tunesmith.engine_client import EngineClient, GenerateRequest, PromptLogprob, TokenOutput

N_TOP = 5
"""Alternatives that the engine tells at each place; both verdicts of a trained model are among them."""
NEGLIGIBLE = 1e-3
"""A verdict that is not among them and cannot be likelier than this counts as so likely; above it, it is
asked for."""
_CERTAIN_BIAS = 100.0
"""Makes the engine choose a token, so that it tells how likely that was."""


class Place(NamedTuple):
    """Where a verdict begins in an answer's tokens."""

    at: int
    true_id: int
    false_id: int


@dataclass(frozen=True)
class Answer:
    """An answer as tokens, up to the one that tells the last verdict."""

    token_ids: list[int]
    places: list[Place]


class _Verdict(NamedTuple):
    """One category in the answer that says false to all."""

    start: int
    false_ids: list[int]
    true_ids: list[int]


class AnswerForm:
    """The tokens of every answer of one base, as its training has them; use `AnswerForm.load(folder)`."""

    def __init__(self, renderer: Renderer) -> None:
        """Raises InvalidRequest for a base that has no chat template, or one that refuses the messages."""
        nothing = [False] * len(CATEGORIES)
        self._ids = _reply(renderer, nothing)
        self._verdicts = []
        for i in range(len(CATEGORIES)):
            other = _reply(renderer, [*nothing[:i], True, *nothing[i + 1 :]])
            start = len(os.path.commonprefix([self._ids, other]))
            rest, other_rest = self._ids[start:], other[start:]
            n_after = len(os.path.commonprefix([rest[::-1], other_rest[::-1]]))
            n_false, n_true = len(rest) - n_after, len(other_rest) - n_after
            self._verdicts.append(_Verdict(start, rest[:n_false], other_rest[:n_true]))
        self.longest = len(self._ids) + sum(
            max(0, len(one.true_ids) - len(one.false_ids)) for one in self._verdicts
        )

    @staticmethod
    def load(folder: Path) -> AnswerForm:
        """The form of a base folder, made once per process."""
        return _load(folder)

    def answer(self, verdicts: Sequence[bool]) -> Answer:
        """The answer with these verdicts, and where in it they stand."""
        token_ids: list[int] = []
        places = []
        copied = 0
        for known, verdict in zip(self._verdicts, verdicts, strict=True):
            token_ids += self._ids[copied : known.start]
            places.append(Place(len(token_ids), known.true_ids[0], known.false_ids[0]))
            token_ids += known.true_ids if verdict else known.false_ids
            copied = known.start + len(known.false_ids)
        return Answer(token_ids[: places[-1].at + 1], places)


def _reply(renderer: Renderer, verdicts: Sequence[bool]) -> list[int]:
    asked = messages("A message.")
    row = ChatExample(1, (*asked, {"role": "assistant", "content": answer(verdicts)}))
    return renderer.example(row).input_ids[len(renderer.prompt(asked)) :]


@functools.lru_cache(maxsize=16)
def _load(folder: Path) -> AnswerForm:
    return AnswerForm(Renderer.load(folder))


@dataclass(frozen=True)
class Judge:
    """A model that can be asked."""

    client: EngineClient
    adapter_id: str | None
    form: AnswerForm
    cache_salt: str

    async def scores(self, prompt: Sequence[int]) -> list[float]:
        """How likely the model answers `true`, for each category; above one half it does."""
        verdicts = [False] * len(CATEGORIES)
        shares: list[float] = []
        for _ in range(len(CATEGORIES) + 1):  # each pass settles one more verdict at least
            answer = self.form.answer(verdicts)
            tokens = [*prompt, *answer.token_ids]
            asked = GenerateRequest(
                tokens,
                self.adapter_id,
                max_tokens=1,
                temperature=0.0,
                prompt_logprobs=N_TOP,
                cache_salt=self.cache_salt,
                stream=False,
            )
            told = (await self._first(asked)).prompt_logprobs
            assert told is not None, "they were asked for"
            shares = []
            for place in answer.places:
                at = len(prompt) + place.at
                entry = told[at]
                assert entry is not None, "only a prompt's first token has none"
                shares.append(await self._share(tokens[:at], place, entry))
            preferred = [share > 0.5 for share in shares]
            if preferred == verdicts:
                break
            verdicts = preferred
        return shares

    async def _share(self, before: Sequence[int], place: Place, entry: PromptLogprob) -> float:
        """The probability of `true` among both verdicts."""
        known = {**dict(entry.top_logprobs), entry.token_id: entry.logprob}
        for wanted, other in ((place.true_id, place.false_id), (place.false_id, place.true_id)):
            if wanted not in known:
                at_most = min(logprob for _, logprob in entry.top_logprobs)
                known[wanted] = at_most
                if _sigmoid(at_most - known.get(other, at_most)) > NEGLIGIBLE:
                    known[wanted] = await self._logprob(before, wanted)
        return _sigmoid(known[place.true_id] - known[place.false_id])

    async def _logprob(self, before: Sequence[int], token_id: int) -> float:
        """How likely a token is that the engine did not tell of."""
        asked = GenerateRequest(
            before,
            self.adapter_id,
            max_tokens=1,
            temperature=0.0,
            logprobs=0,
            logit_bias={token_id: _CERTAIN_BIAS},
            cache_salt=self.cache_salt,
            stream=False,
        )
        output = await self._first(asked)
        assert output.logprob is not None, "it was asked for"
        return output.logprob if output.token_id == token_id else -math.inf

    async def _first(self, request: GenerateRequest) -> TokenOutput:
        async with aclosing(self.client.generate(request)) as outputs:  # type: ignore[type-var]
            async for output in outputs:
                return output
        raise AssertionError("an answer has one token at least")


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
