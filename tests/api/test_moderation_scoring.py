"""Reading verdicts instead of writing them: a model's scores are those of the answer that it would write."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.api.moderations.prompt import CATEGORIES
from tunesmith.api.moderations.scoring import N_TOP, NEGLIGIBLE, AnswerForm, Judge, Place
from tunesmith.engine_client import EngineClient, GenerateRequest, PromptLogprob, TokenOutput
from tunesmith.settings import NANO

PROMPT = [5, 6, 7]
FORM = AnswerForm.load(NANO)


def places(answer: Sequence[int]) -> list[tuple[Place, list[bool]]]:
    """Where the verdicts of an answer, or of its beginning, stand, each with the verdicts before it."""
    found: list[tuple[Place, list[bool]]] = []
    verdicts: list[bool] = []
    while len(verdicts) < len(CATEGORIES):
        rest = [False] * (len(CATEGORIES) - len(verdicts))
        place = FORM.answer([*verdicts, *rest]).places[len(verdicts)]
        found.append((place, list(verdicts)))
        if place.at >= len(answer):
            break
        verdicts.append(answer[place.at] == place.true_id)
    return found


class Opinion:
    """A model as a table: how likely it finds `true` at each category, given whether the one before was
    `true` and how many were so far; and an engine that tells of it.

    `others` is the log-probability of the likeliest token that is no verdict; more such tokens follow it.
    """

    def __init__(self, table: Sequence[Sequence[float]], others: float = -9.0) -> None:
        self.table = table
        self.others = [(token, others - token) for token in range(N_TOP)]
        self.n_passes = self.n_questions = 0

    def share(self, before: Sequence[bool]) -> float:
        likely = self.table[len(before)]
        return likely[(2 * sum(before) + (bool(before) and before[-1])) % len(likely)]

    def written(self) -> list[float]:
        """The shares on the way of the answer that it writes, verdict after verdict."""
        shares: list[float] = []
        while len(shares) < len(CATEGORIES):
            shares.append(self.share([share > 0.5 for share in shares]))
        return shares

    async def generate(self, request: GenerateRequest) -> AsyncIterator[TokenOutput]:
        tokens = list(request.prompt_token_ids)
        answer = tokens[len(PROMPT) :]
        if request.prompt_logprobs is None:
            self.n_questions += 1
            (token,) = request.logit_bias
            yield TokenOutput(token, self._logprobs(*places(answer)[-1])[token], finish_reason="length")
            return
        self.n_passes += 1
        told: list[PromptLogprob | None] = [None] + [PromptLogprob(1, -1.0, [(1, -1.0)])] * (len(tokens) - 1)
        for place, before in places(answer):
            known = self._logprobs(place, before)
            top = sorted([*known.items(), *self.others], key=lambda one: -one[1])[: request.prompt_logprobs]
            own = answer[place.at]
            told[len(PROMPT) + place.at] = PromptLogprob(own, known[own], top)
        yield TokenOutput(1, finish_reason="length", prompt_logprobs=told)

    def _logprobs(self, place: Place, before: Sequence[bool]) -> dict[int, float]:
        """Of both verdicts at a place."""
        share = self.share(before)
        return {place.true_id: math.log(share), place.false_id: math.log1p(-share)}


def judged(opinion: Opinion) -> list[float]:
    judge = Judge(cast(EngineClient, opinion), None, FORM, "proj_1")
    return asyncio.run(judge.scores(PROMPT))


likely = st.floats(1e-9, 1 - 1e-9).filter(lambda share: abs(share - 0.5) > 1e-3)
tables: Any = st.lists(
    st.lists(likely, min_size=1, max_size=5), min_size=len(CATEGORIES), max_size=len(CATEGORIES)
)


@settings(max_examples=60, deadline=None)
@given(tables, st.floats(-12, -1))
def test_scores_are_those_on_the_way_of_the_models_own_answer(
    table: list[list[float]], others: float
) -> None:
    opinion = Opinion(table, others)
    written = opinion.written()
    assert judged(opinion) == pytest.approx(written, abs=NEGLIGIBLE)
    assert opinion.n_passes <= len(CATEGORIES) + 1


def test_what_is_harmless_takes_one_pass_and_no_question() -> None:
    opinion = Opinion([[0.001]] * len(CATEGORIES))
    assert judged(opinion) == pytest.approx([0.001] * len(CATEGORIES))
    assert (opinion.n_passes, opinion.n_questions) == (1, 0)


def test_what_is_flagged_for_itself_takes_two() -> None:
    opinion = Opinion([[0.9 if name == "violence" else 0.01] for name in CATEGORIES])
    assert [score > 0.5 for score in judged(opinion)] == [name == "violence" for name in CATEGORIES]
    assert opinion.n_passes == 2


def test_a_verdict_that_the_engine_did_not_tell_of_is_asked_for() -> None:
    opinion = Opinion([[0.004]] * len(CATEGORIES), others=-2.0)
    assert judged(opinion) == pytest.approx([0.004] * len(CATEGORIES))
    assert opinion.n_questions > 0
