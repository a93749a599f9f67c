"""The cache's places: blocks never overlap, and what is given back is whole again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.infer.kv_cache import Block, TokenPlaces


@given(
    st.integers(64, 5000),
    st.lists(st.one_of(st.integers(1, 1500), st.none()), max_size=60),
    st.randoms(use_true_random=False),
)
def test_blocks_never_overlap_are_aligned_and_come_back_whole(capacity, steps, random):
    places = TokenPlaces(capacity)
    held: list[Block] = []
    for wanted in steps:
        if wanted is None and held:
            places.release(held.pop(random.randrange(len(held))))
        elif wanted is not None and (block := places.reserve(wanted)) is not None:
            assert block.size >= wanted and block.start % block.size == 0
            assert block.start + block.size <= capacity
            assert all(b.start + b.size <= block.start or block.start + block.size <= b.start for b in held)
            held.append(block)
        assert places.n_free == places.capacity - sum(block.size for block in held)
    for block in held:
        places.release(block)
    assert places.n_free == places.capacity
    assert places.reserve(places.largest) is not None, "free neighbours did not become one again"


def test_the_lowest_place_is_taken_first_so_that_rows_stay_together():
    places = TokenPlaces(1024)
    blocks = [places.reserve(64) for _ in range(4)]
    assert [block.start for block in blocks if block] == [0, 64, 128, 192]
    places.release(Block(64, 64))
    assert places.reserve(10) == Block(64, 64)


def test_a_request_waits_when_nothing_is_free():
    places = TokenPlaces(128)
    block = places.reserve(100)
    assert block is not None and places.reserve(1) is None
    places.release(block)
    assert places.reserve(1) is not None
