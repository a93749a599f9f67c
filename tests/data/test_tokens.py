"""Token counts are those of the rows that the trainer sees."""

from __future__ import annotations

import pytest

from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import ChatExample, PreferenceExample
from tunesmith.data.tokens import count
from tunesmith.errors import InvalidTrainingFile
from tunesmith.settings import NANO


def row(line: int, reply: str) -> ChatExample:
    return ChatExample(line, ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": reply}))


def test_counts_are_sums_over_the_cut_rows() -> None:
    renderer = Renderer.load(NANO)
    rows = [row(1, "Ho"), row(3, "Ho " * 50), row(4, "Hey")]
    rendered = [renderer.example(one) for one in rows]
    counts = count(rows, renderer, max_length=20)
    assert counts.n_examples == 3 and counts.longest == len(rendered[1].input_ids) > 20
    assert counts.total == sum(min(20, len(one.input_ids)) for one in rendered)
    assert counts.supervised == sum(one.cut(20).n_supervised for one in rendered)
    assert (counts.n_truncated, counts.truncated_lines, counts.unlearnable_lines) == (1, (3,), ())


def test_a_row_whose_reply_is_cut_off_whole_is_told() -> None:
    counts = count([row(7, "Ho")], Renderer.load(NANO), max_length=5)
    assert counts.unlearnable_lines == (7,) and counts.supervised == 0


def test_both_replies_of_a_preference_row_count() -> None:
    renderer = Renderer.load(NANO)
    question = ({"role": "user", "content": "Hi"},)
    example = PreferenceExample(
        1, question, {"role": "assistant", "content": "Ho"}, {"role": "assistant", "content": "No"}
    )
    both = [len(one.input_ids) for one in renderer.pair(example)]
    assert count([example], renderer, max_length=99).total == sum(both)


def test_a_row_that_the_template_refuses_is_named_by_its_line() -> None:
    broken = ChatExample(
        5, ({"role": "user", "content": [{"type": "image_url"}]}, {"role": "assistant", "content": "x"})
    )
    with pytest.raises(InvalidTrainingFile, match=r"Line 5: messages\[0\]\.content\[0\]"):
        count([row(1, "Ho"), broken], Renderer.load(NANO), max_length=99)


def test_an_empty_file_counts_nothing() -> None:
    assert count([], Renderer.load(NANO), max_length=99).longest == 0
