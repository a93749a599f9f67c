"""Calls are told from text however the text is cut, and nothing the model said is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.api.tool_calls import Call, ToolCallParser

WEATHER = '<tool_call>\n{"name": "weather", "arguments": {"city": "Köln"}}\n</tool_call>'
CALLED = Call("weather", '{"city": "Köln"}')


def parse(pieces: list[str]) -> list[str | Call]:
    """What comes out, with neighbouring texts joined."""
    parser = ToolCallParser({"weather"})
    out: list[str | Call] = []
    for piece in [item for text in pieces for item in parser.add(text)] + parser.flush():
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out


def test_a_call_after_text_leaves_the_text_without_the_line_break_between() -> None:
    assert parse([f"Let me look.\n{WEATHER}"]) == ["Let me look.", CALLED]


def test_calls_in_a_row_leave_no_white_space_behind() -> None:
    assert parse([f"{WEATHER}\n{WEATHER}\n"]) == [CALLED, CALLED]


def test_a_call_of_a_function_nobody_declared_stays_text() -> None:
    text = 'So:\n<tool_call>\n{"name": "launch", "arguments": {}}\n</tool_call>'
    assert parse([text]) == [text]


def test_a_call_that_is_no_json_stays_text() -> None:
    text = '<tool_call>{"name": "weather", "arguments": </tool_call> sorry'
    assert parse([text]) == [text]


def test_a_call_cut_off_before_its_closing_tag_counts_when_it_is_whole() -> None:
    assert parse([WEATHER.removesuffix("</tool_call>")]) == [CALLED]


def test_a_call_cut_off_in_the_middle_is_shown_as_it_is() -> None:
    assert parse(['<tool_call>\n{"name": "wea']) == ['<tool_call>\n{"name": "wea']


def test_arguments_that_are_a_string_are_passed_on_as_they_are() -> None:
    assert parse(['<tool_call>{"name": "weather", "arguments": "{\\"a\\":1}"}</tool_call>']) == [
        Call("weather", '{"a":1}')
    ]


@given(
    parts=st.lists(
        st.sampled_from(["hello", " ", "\n", "<tool", "_call>", "<", WEATHER, "ü", "</tool_call>"]),
        max_size=8,
    ),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_the_cut_into_tokens_changes_nothing(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    cut = [text[start:end] for start, end in zip(places, places[1:], strict=False)]
    assert parse(cut) == parse([text])


@given(
    parts=st.lists(
        st.sampled_from(["hello", " ", "\n", "<tool_c", "<", "ü", "</tool_call>", "}"]), max_size=8
    )
)
def test_text_without_calls_comes_through_unchanged(parts: list[str]) -> None:
    text = "".join(parts)
    assert "".join(str(piece) for piece in parse(list(text))) == text
