"""How the commands print: for a person, for a pipe, and figures in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import FileObject

from tunesmith.cli import output


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12.3 kB"),
        (999_950, "1.0 MB"),
        (5e12, "5.0 TB"),
    ],
)
def test_sizes_are_said_with_one_decimal_of_their_unit(size_bytes: int, said: str) -> None:
    assert output.size(size_bytes) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")]
)
def test_durations_are_said_in_their_largest_two_units(seconds: float, said: str) -> None:
    assert output.duration(seconds) == said


@given(st.lists(st.floats(-1e6, 1e6), max_size=300), st.integers(1, 40))
def test_a_sparkline_is_as_wide_as_its_values_but_never_wider_than_asked(
    values: list[float], width: int
) -> None:
    assert len(output.sparkline(values, width)) == min(len(values), width)


def test_a_falling_curve_falls_in_the_sparkline() -> None:
    assert output.sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"


def test_rows_for_a_pipe_are_tab_separated_without_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_rows(["ID", "NAME"], [["a", "one\ttwo\nthree"], ["b", None]], empty="nothing")
    assert capsys.readouterr().out == "a\tone two three\nb\t\n"


def test_a_narrow_terminal_breaks_no_id(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    ids = ["ftjob-cBDdjFjLPiKC6t004QGbdcQu", "ft:gpt-4o-mini-2024-07-18:personal:cli:jMP4eyq2"]
    output.print_rows(["ID", "TUNED MODEL"], [ids], empty="nothing")
    assert capsys.readouterr().out.splitlines()[1].split() == ids


def test_no_rows_are_silence_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_rows(["ID"], [], empty="nothing yet")
    assert capsys.readouterr().out == ""


def test_json_keeps_what_a_server_sent_beyond_the_known_fields(capsys: pytest.CaptureFixture[str]) -> None:
    sent = {"id": "file-1", "bytes": 3, "object": "file", "colour": "green"}
    output.print_json([FileObject.construct(**sent)])
    assert json.loads(capsys.readouterr().out) == [sent]
