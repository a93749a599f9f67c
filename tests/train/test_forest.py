"""The trie: every example keeps its tokens and positions, and what is shared stands there once."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.model.packed.packing import pack
from tunesmith.model.packed.planting import plant
from tunesmith.model.packed.row import Row


def tokens(*parts: tuple[int, int]) -> torch.Tensor:
    """Stretches of one token each, as (token, length)."""
    return torch.cat([torch.full((length,), token) for token, length in parts])


@st.composite
def examples_that_may_begin_alike(draw: st.DrawFn) -> list[torch.Tensor]:
    stretches = st.tuples(st.integers(1, 3), st.sampled_from([1, 15, 16, 17, 40]))
    return draw(st.lists(st.lists(stretches, min_size=1, max_size=4).map(lambda s: tokens(*s)), min_size=1))


def sees(nodes: list, row: int) -> list[int]:
    """Rows that a row sees, itself the last."""
    at = next(i for i, node in enumerate(nodes) if node.start <= row < node.end)
    path = list(range(nodes[at].start, row + 1))
    while (at := nodes[at].parent) >= 0:
        path = [*range(nodes[at].start, nodes[at].end), *path]
    return path


@given(examples_that_may_begin_alike())
@settings(max_examples=150, deadline=None)
def test_every_example_reads_its_own_tokens_at_its_own_positions(examples: list[torch.Tensor]) -> None:
    planted = plant(examples)
    assert len(planted.rows) == len(examples)
    for example, rows in zip(examples, planted.rows, strict=True):
        assert torch.equal(planted.input_ids[rows], example)
        assert torch.equal(planted.forest.positions[rows], torch.arange(len(example)))
        assert sees(planted.forest.nodes, int(rows[-1])) == rows.tolist()
    assert planted.forest.n_tokens == len(planted.input_ids) <= sum(map(len, examples))
    ends = [(node.start, node.end, node.subtree_end) for node in planted.forest.nodes]
    assert ends == sorted(ends)


def test_a_system_prompt_stands_once_and_branches_under_it() -> None:
    system, question = (1, 50), (2, 30)
    planted = plant(
        [
            tokens(system, question, (3, 5)),
            tokens(system, (4, 9)),
            tokens(system, question, (5, 7)),
            tokens((6, 8)),
        ]
    )
    assert planted.forest.n_tokens == 50 + 30 + 5 + 7 + 9 + 8
    assert [node.parent for node in planted.forest.nodes].count(-1) == 2


def test_a_few_shared_tokens_are_not_worth_a_node() -> None:
    assert plant([tokens((1, 15), (2, 9)), tokens((1, 15), (3, 9))]).forest.is_flat


def test_duplicates_and_rows_that_others_continue_cost_nothing() -> None:
    planted = plant([tokens((1, 40)), tokens((1, 40)), tokens((1, 30)), tokens((1, 40), (2, 3))])
    assert planted.forest.n_tokens == 43


def test_the_layout_is_a_function_of_the_examples_alone() -> None:
    rows = [tokens((1, 20), (i, 5)) for i in range(2, 6)]
    first, again = plant(rows), plant([row.clone() for row in rows])
    assert first.forest.nodes == again.forest.nodes and torch.equal(first.input_ids, again.input_ids)


def test_tokens_after_the_last_target_and_little_sharing_are_left_out() -> None:
    weights = torch.zeros(60)
    weights[40] = 1
    one = Row(tokens((1, 30), (2, 30)), weights, 1)
    other = Row(tokens((1, 30), (3, 30)), weights, 2)
    shared, flat = pack([one, other], share_down_to=0.9), pack([one, other])
    assert shared.input_ids.shape[1] == 30 + 10 + 10 and flat.input_ids.shape[1] == 80
    stranger = Row(torch.arange(100, 500), torch.ones(400).index_fill(0, torch.tensor([0]), 0), 3)
    assert pack([one, other, stranger], share_down_to=0.9).forest.is_flat
