"""Choosing tokens: distribution, nucleus, penalties, and rows that know nothing of each other."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infer.conftest import sequence
from tunesmith.infer.sampling import sample

LOGITS = [2.0, 1.0, 0.0, -1.0, -30.0]


def draw(n: int, logits: list[float] = LOGITS, **params: object) -> Counter[int]:
    rows = [sequence([0], **{"temperature": 1.0, "seed": i, **params}) for i in range(n)]
    sampled = sample(torch.tensor([logits] * n), rows)
    return Counter(choice.token_id for choice in sampled if choice)


def test_tokens_come_as_often_as_their_probability_says():
    n = 4000
    probabilities = torch.tensor(LOGITS).softmax(-1).tolist()
    for token, p in enumerate(probabilities):
        assert draw(n)[token] == pytest.approx(n * p, abs=5 * math.sqrt(n * p * (1 - p)) + 1)


def test_temperature_sharpens():
    assert draw(500, temperature=0.3)[0] > draw(500, temperature=1.0)[0] > draw(500, temperature=3.0)[0]


def test_top_p_keeps_the_smallest_set_that_reaches_it():
    # 0.64 and 0.24 of the mass: 0.6 needs the first alone, 0.7 the first two
    assert set(draw(300, top_p=0.6)) == {0}
    assert set(draw(300, top_p=0.7)) == {0, 1}
    assert set(draw(300, top_p=1e-9)) == {0}


def test_top_k_keeps_k_tokens():
    assert set(draw(300, top_k=3)) == {0, 1, 2}


def test_a_nucleus_wider_than_the_first_look_is_found():
    flat = [0.0] * 2000
    assert len(draw(1500, flat, top_p=0.999)) > 900


@given(st.lists(st.sampled_from([0.0, 0.7, 1.3]), min_size=2, max_size=6), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_a_row_is_drawn_as_if_it_were_alone(temperatures, seed):
    logits = torch.randn((len(temperatures), 50), generator=torch.Generator().manual_seed(seed))

    def rows():
        return [sequence([0], temperature=t, seed=seed + i, top_p=0.9) for i, t in enumerate(temperatures)]

    together = [choice.token_id for choice in sample(logits.clone(), rows()) if choice]
    alone = [sample(logits[i : i + 1].clone(), [row])[0] for i, row in enumerate(rows())]
    assert together == [choice.token_id for choice in alone if choice]


def test_bias_and_penalties_move_single_tokens():
    assert draw(1, temperature=0.0, logit_bias={3: 100.0}) == Counter({3: 1})
    assert 0 not in draw(200, logit_bias={0: -100.0})
    row = sequence([0], presence_penalty=0.6, frequency_penalty=0.3)
    for token in (0, 0):
        row.append(token)
    # 2.0 - 0.6 - 2 · 0.3 = 0.8 is less than token 1's logit
    (choice,) = sample(torch.tensor([LOGITS]), [row])
    assert choice is not None and choice.token_id == 1


def test_log_probabilities_are_the_models_own():
    (choice,) = sample(torch.tensor([LOGITS]), [sequence([0], logprobs=2, logit_bias={3: 100.0})])
    expected = torch.tensor(LOGITS).log_softmax(-1).tolist()
    assert choice is not None and choice.place is not None
    assert choice.place.logprob == pytest.approx(expected[3])
    assert choice.place.top == [(0, pytest.approx(expected[0])), (1, pytest.approx(expected[1]))]


def test_a_row_that_is_no_number_fails_alone():
    rows = [sequence([0]), sequence([0], temperature=1.0), sequence([0])]
    logits = torch.tensor([LOGITS] * 3)
    logits[1, 2] = float("nan")
    first, second, third = sample(logits, rows)
    assert second is None and first is not None and third is not None
