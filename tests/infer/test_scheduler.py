"""Who computes next: queues and integers."""

from __future__ import annotations

import pytest

from tests.infer.conftest import sequence
from tunesmith.infer.kv_cache import TokenPlaces
from tunesmith.infer.scheduler import MOST_STEPS_PASSED_OVER, Chunk, Scheduler
from tunesmith.infer.sequence import Sequence


def scheduler(n_places: int = 1024, **limits: int) -> Scheduler:
    settings = {"max_running": 4, "max_step_tokens": 16, "max_logprob_rows": 8, **limits}
    return Scheduler(TokenPlaces(n_places), **settings)


def run(chunks: list[Chunk]) -> None:
    """What a step does to its sequences, without a model."""
    for chunk in chunks:
        chunk.sequence.n_cached += chunk.n
        if chunk.samples or chunk.sequence.n_cached == len(chunk.sequence.token_ids):
            chunk.sequence.append(7)


def test_prompts_are_read_in_chunks_within_the_budget_and_decoding_goes_on():
    queue = scheduler()
    first, second = sequence([1] * 4), sequence([1] * 30)
    queue.add(first)
    queue.add(second)
    chunks = queue.schedule()
    assert [(c.sequence, c.start, c.n, c.samples) for c in chunks] == [
        (first, 0, 4, True),
        (second, 0, 12, False),
    ]
    run(chunks)
    chunks = queue.schedule()
    assert [(c.sequence, c.start, c.n, c.samples) for c in chunks] == [
        (first, 4, 1, True),
        (second, 12, 15, False),
    ]
    run(chunks)
    assert [(c.start, c.n, c.samples) for c in queue.schedule()] == [(5, 1, True), (27, 3, True)]


def test_a_request_that_does_not_fit_waits_and_is_not_overtaken():
    queue = scheduler(n_places=128)
    large, larger, small = (sequence([1] * 4, max_tokens=n) for n in (60, 90, 5))
    for one in (large, larger, small):
        queue.add(one)
    queue.schedule()
    assert queue.running == [large] and list(queue.waiting) == [larger, small]
    queue.remove(large)
    queue.schedule()
    assert queue.running == [larger] and list(queue.waiting) == [small]


def test_no_more_run_than_may():
    queue = scheduler(max_running=2)
    for _ in range(3):
        queue.add(sequence([1]))
    queue.schedule()
    assert len(queue.running) == 2 and len(queue.waiting) == 1


def test_a_waiting_sequence_can_be_removed_and_one_that_is_gone_too():
    queue = scheduler(max_running=1)
    one, two = sequence([1]), sequence([1])
    queue.add(one)
    queue.add(two)
    queue.schedule()
    for gone in (two, one, one):
        queue.remove(gone)
    assert not queue.has_work and queue.places.n_free == queue.places.capacity


def test_prompts_whose_log_probabilities_are_wanted_come_in_small_chunks():
    queue = scheduler()
    queue.add(sequence([1] * 12, prompt_logprobs=1))
    queue.add(sequence([1] * 12, prompt_logprobs=1))
    assert [chunk.n for chunk in queue.schedule()] == [8]


def test_embeddings_stand_back_for_answers():
    queue = scheduler(max_running=8, n_places=4096)
    texts = [sequence([1] * 10, max_tokens=0, pooling="mean") for _ in range(6)]
    for one in texts:
        queue.add(one)
    answer = sequence([1] * 30, max_tokens=2)
    queue.add(answer)
    chunks = queue.schedule()
    assert [(c.sequence, c.n) for c in chunks] == [(answer, 16)], "the answer's prompt takes the whole budget"
    assert len(queue.running) == 3 and len(queue.embedding) == 4, "a step's worth of texts is admitted"
    run(chunks)
    chunks = queue.schedule()
    assert [(c.sequence, c.n) for c in chunks] == [(answer, 14), (texts[0], 2)]
    run(chunks)
    chunks = queue.schedule()
    assert [(c.sequence, c.n) for c in chunks] == [(answer, 1), (texts[0], 4)], (
        "a fourth of the step beside it"
    )
    queue.remove(answer)
    assert sum(c.n for c in queue.schedule()) == 16, "and all of it alone"


def steps_until_read(queue: Scheduler, text: Sequence, n_answers: int, prompt: int, max_tokens: int) -> int:
    """Steps until a text is read while `n_answers` are always wanted: after one comes another."""
    for _ in range(n_answers):
        queue.add(sequence([1] * prompt, max_tokens=max_tokens))
    queue.add(text)
    for step in range(1, 1000):
        chunks = queue.schedule()
        run([chunk for chunk in chunks if not chunk.sequence.params.embed])
        for chunk in chunks:
            if chunk.sequence.params.embed:
                chunk.sequence.n_cached += chunk.n
                if chunk.sequence.n_cached == chunk.sequence.n_prompt:
                    return step
            elif chunk.sequence.finish_reason:
                queue.remove(chunk.sequence)
                queue.add(sequence([1] * prompt, max_tokens=max_tokens))
    return 1000


@pytest.mark.parametrize(
    ("max_running", "n_answers", "prompt", "max_tokens"),
    [(4, 6, 4, 10), (4, 6, 40, 1), (16, 20, 4, 60)],
    ids=["all seats are taken", "answers' prompts take all of each step", "all places are taken"],
)
def test_embeddings_have_their_turn_while_answers_are_wanted_all_the_time(
    max_running: int, n_answers: int, prompt: int, max_tokens: int
):
    queue = scheduler(max_running=max_running)
    text = sequence([1] * 200, max_tokens=0, pooling="mean")  # it needs a fourth of the places
    steps = steps_until_read(queue, text, n_answers, prompt, max_tokens)
    assert steps < 200 / 4 * (MOST_STEPS_PASSED_OVER + 1) + 100


def test_an_embeddings_turn_costs_answers_a_fourth_of_a_step_at_most():
    queue = scheduler(max_running=16, n_places=4096)
    for _ in range(40):
        queue.add(sequence([1] * 30, max_tokens=1))
    queue.add(sequence([1] * 200, max_tokens=0, pooling="mean"))
    shares = []
    for _ in range(3 * MOST_STEPS_PASSED_OVER):
        chunks = queue.schedule()
        shares.append(sum(chunk.n for chunk in chunks if chunk.sequence.params.embed))
        for chunk in chunks:
            chunk.sequence.n_cached += chunk.n
            if chunk.samples:
                queue.remove(chunk.sequence)
                queue.add(sequence([1] * 30, max_tokens=1))
    assert max(shares) == 4 and sum(1 for share in shares if share) == 2


@pytest.mark.parametrize("pooling", [None, "mean"])
def test_a_thousand_waiting_sequences_are_forgotten_without_a_search(pooling):
    class Counted(Sequence):
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return self is other

        __hash__ = Sequence.__hash__

    queue = scheduler()
    params = sequence([1], pooling=pooling).params
    many = [Counted([1], params) for _ in range(1000)]
    for one in many:
        queue.add(one)
    for one in reversed(many):
        queue.remove(one)
    assert not queue.has_work and Counted.compared < 2000
