"""Calls are told from text however the text is cut, and nothing the model said is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.api.chat.tool_calls import CallArguments, ToolCallParser, joined
from tunesmith.api.chat.tool_format import CALL_ID, HERMES, PLAIN, CallFormat

WEATHER = '<tool_call>\n{"name": "weather", "arguments": {"city": "Köln"}}\n</tool_call>'
CALLED = ("weather", '{"city": "Köln"}')
LLAMA = CallFormat('{"name": "', '", "parameters": ', None, "}")
MISTRAL = CallFormat(
    '[TOOL_CALLS] [{"name": "',
    '", "arguments": ',
    f', "id": "{CALL_ID}"}}, {{"name": "',
    f', "id": "{CALL_ID}"}}]',
)


def parse(pieces: list[str], form: CallFormat = HERMES) -> list[str | tuple[str, str]]:
    """What comes out, with neighbouring texts and the parts of a call joined."""
    parser = ToolCallParser({"weather"}, form)
    return joined([item for text in pieces for item in parser.add(text)] + parser.flush())


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


def test_a_call_cut_off_before_its_closing_tag_counts() -> None:
    assert parse([WEATHER.removesuffix("</tool_call>")]) == [CALLED]


def test_a_call_cut_off_before_its_arguments_is_shown_as_it_is() -> None:
    assert parse(['<tool_call>\n{"name": "wea']) == ['<tool_call>\n{"name": "wea']


@pytest.mark.parametrize(
    "cut", ["<tool_call>", '<tool_call>\n{"name": "wea', WEATHER[: WEATHER.index("{", 20)]]
)
def test_the_head_of_a_call_for_which_no_tokens_were_left_is_no_text(cut: str) -> None:
    parser = ToolCallParser({"weather"})
    assert parser.add(f"Let me look.\n{cut}") + parser.flush(cut=True) == ["Let me look."]


def test_bare_json_that_is_cut_may_be_the_answer() -> None:
    parser = ToolCallParser({"weather"}, PLAIN)
    assert parser.add('{"na') + parser.flush(cut=True) == ['{"na']


def test_arguments_cut_off_in_the_middle_are_a_call_with_what_there_is() -> None:
    assert parse([WEATHER[: WEATHER.index("ln")]]) == [("weather", '{"city": "Kö')]


def test_arguments_come_as_they_are_written() -> None:
    parser = ToolCallParser({"weather"})
    shown = [piece for char in WEATHER for piece in parser.add(char)] + parser.flush()
    parts = [piece.text for piece in shown if isinstance(piece, CallArguments)]
    assert parts == list('{"city": "Köln"}')


def test_arguments_that_are_a_string_are_passed_on_as_they_are() -> None:
    assert parse(['<tool_call>{"name": "weather", "arguments": "{\\"a\\":1}"}</tool_call>']) == [
        ("weather", '{"a":1}')
    ]


def test_keys_may_stand_in_any_order() -> None:
    assert parse(['<tool_call>{"arguments": {"a": 1}, "name": "weather"}</tool_call>']) == [
        ("weather", '{"a": 1}')
    ]


def test_a_closing_tag_inside_a_string_belongs_to_the_arguments() -> None:
    arguments = '{"text": "</tool_call> \\" }{"}'
    assert parse([f'<tool_call>{{"name":"weather","arguments":{arguments}}}</tool_call>']) == [
        ("weather", arguments)
    ]


def test_a_brace_too_few_ends_the_call_at_its_tag() -> None:
    assert parse(['<tool_call>{"name": "weather", "arguments": {"a": [1}</tool_call>\nDone.']) == [
        ("weather", '{"a": [1}'),
        "\nDone.",
    ]


@pytest.mark.parametrize("form", [LLAMA, PLAIN])
def test_bare_json_is_a_call_at_the_beginning_alone(form: CallFormat) -> None:
    call = '{"name": "weather", "parameters": {"city": "Köln"}}'
    assert parse([f"\n{call}"], form) == [CALLED]
    assert parse([f"So: {call}"], form) == [f"So: {call}"]
    assert parse(['{"name": "launch", "parameters": {}}'], form) == ['{"name": "launch", "parameters": {}}']


def test_json_that_is_no_call_is_not_held_back() -> None:
    parser = ToolCallParser({"weather"}, LLAMA)
    assert parser.add('{"na') == []
    assert parser.add('tion": 1') == ['{"nation": 1']
    assert parser.add("2") == ["2"]


def test_calls_in_a_list_with_ids_are_read_one_by_one() -> None:
    first = '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Köln"}, "id": "abc123XYZ"}'
    second = ', {"name": "weather", "arguments": {}, "id": "abc123XYz"}]'
    assert parse([first + second], MISTRAL) == [CALLED, ("weather", "{}")]
    assert parse([first + "]"], MISTRAL) == [CALLED]


FORMS = [HERMES, PLAIN, LLAMA, MISTRAL]
PARTS = [
    *(
        "hello",
        " ",
        "\n",
        "<tool",
        "_call>",
        "<",
        WEATHER,
        "ü",
        "</tool_call>",
        "[TOOL_CALLS]",
        ' [{"name": "',
    ),
    *(
        '{"name": "',
        "weather",
        '", "arguments": ',
        '", "parameters": ',
        "{",
        "}",
        '"',
        "\\",
        "]",
        ', "id": "x1"}',
    ),
]


@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=10),
    cuts=st.lists(st.integers(0, 300), max_size=20),
    form=st.sampled_from(FORMS),
)
def test_the_cut_into_tokens_changes_nothing(parts: list[str], cuts: list[int], form: CallFormat) -> None:
    text = "".join(parts)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    cut = [text[start:end] for start, end in zip(places, places[1:], strict=False)]
    assert parse(cut, form) == parse([text], form)
    assert parse(list(text), form) == parse([text], form)


@given(
    parts=st.lists(
        st.sampled_from(["hello", " ", "\n", "<tool_c", "<", "ü", "</tool_call>", "}", '{"name', "[TOOL"]),
        max_size=8,
    ),
    form=st.sampled_from(FORMS),
)
def test_text_without_calls_comes_through_unchanged(parts: list[str], form: CallFormat) -> None:
    text = "".join(parts)
    assert "".join(str(piece) for piece in parse(list(text), form)) == text
