"""Who computes next: queues and integers."""

from __future__ import annotations

from tests.infer.conftest import sequence
from tunesmith.infer.kv_cache import TokenPlaces
from tunesmith.infer.scheduler import Chunk, Scheduler


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
