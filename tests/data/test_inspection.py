"""A file looked at whole: the job's own checks, the trainer's own tokens, whatever the file."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.test_jsonl import CHAT, COMPLETION, PREFERENCE, TOOL_CHAT
from tunesmith.data import repeats, row_index
from tunesmith.data.chat_template import Renderer
from tunesmith.data.examples import from_row
from tunesmith.data.fault_codes import CODES, code_of
from tunesmith.data.histogram import MAX_BINS, bins, quantile
from tunesmith.data.inspection import Inspection, Summary, faults_of_line
from tunesmith.data.jsonl import validate
from tunesmith.data.report import Fault
from tunesmith.data.row_index import CUT, FAULTY, RECORD_BYTES, UNLEARNABLE, IndexedRow
from tunesmith.data.token_runs import replies
from tunesmith.data.tokens import count
from tunesmith.errors import InvalidTrainingFile
from tunesmith.settings import NANO

LINES = [
    json.dumps(CHAT).encode(),
    json.dumps(TOOL_CHAT).encode(),
    json.dumps(COMPLETION).encode(),
    json.dumps(PREFERENCE).encode(),
    b'{"messages": []}',
    b'{"messages": [{"role": "user", "content": "Hi"}]}',
    b"{torn",
    b"[]",
    b"",
    b'{"a": 1, "a": 2}',
    b'{"messages": "x"}',
    b"\xff",
]


def looked_at(content: bytes, *, base: Path = NANO, context_length: int = 2048) -> tuple[list[Any], Summary]:
    inspection = Inspection(Renderer.load(base), context_length)
    rows = [found.row for found in inspection.rows([content])]
    return rows, inspection.summary()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=8), st.booleans())
def test_it_finds_what_a_job_finds_and_each_line_alone_says_the_same(lines: list[bytes], ends: bool) -> None:
    content = b"\n".join(lines) + (b"\n" if ends else b"")
    rows, summary = looked_at(content)
    truth = validate([content], role="training_file")
    assert summary.report("training_file") == truth
    assert Summary.from_dict(json.loads(json.dumps(summary.as_dict()))) == summary
    assert [row.line for row in rows] == [n for n, line in enumerate(lines, 1) if line.strip()]
    for row in rows:
        place = content[row.offset_bytes : row.offset_bytes + row.size_bytes]
        assert place == lines[row.line - 1]
        faults, _, sound = faults_of_line(place, row, summary)
        assert faults == [fault for fault in truth.faults if fault.line == row.line]
        assert (sound is None) == bool(faults)


def test_tokens_are_the_trainers(families: dict[str, Path]) -> None:
    for base in (NANO, families["llama3"], families["mistral-sp"]):
        renderer = Renderer.load(base)
        content = b"".join(json.dumps(CHAT).encode() + b"\n" for _ in range(3))
        rows, summary = looked_at(content, base=base, context_length=30)
        examples = [from_row(CHAT, line) for line in (1, 2, 3)]
        truth = count(examples, renderer, max_length=30)
        assert summary.tokens is not None
        assert summary.tokens.longest == truth.longest
        assert sum(row.n_tokens for row in rows) == truth.total
        assert sum(row.n_trained for row in rows) == truth.supervised
        assert summary.tokens.n_cut == truth.n_truncated
        assert summary.tokens.n_unlearnable == len(truth.unlearnable_lines)


def test_a_row_that_the_template_refuses_is_a_problem_with_its_line(families: dict[str, Path]) -> None:
    content = json.dumps(CHAT).encode() + b"\n" + json.dumps(COMPLETION).encode() + b"\n"
    rows, summary = looked_at(json.dumps(CHAT).encode(), base=families["gemma"])
    [problem] = summary.problems
    assert (problem.line, problem.code) == (1, "template_refuses")
    assert "System role not supported" in problem.message
    assert rows[0].flags == FAULTY and summary.tokens is not None and summary.tokens.n_rows == 0
    assert validate([content], role="training_file").n_faults == 1, "the second kind of row, and no more"


def test_only_some_of_many_problems_are_kept_and_all_are_counted() -> None:
    _, summary = looked_at(b"[]\n" * 3000)
    assert (len(summary.problems), summary.n_faults) == (1000, 3000)


def test_flags_say_what_becomes_of_a_row() -> None:
    never = {"messages": [{"role": "user", "content": "word " * 60}, {"role": "assistant", "content": "Hi"}]}
    rows, _ = looked_at(
        b"\n".join([json.dumps(CHAT).encode(), json.dumps(never).encode()]), context_length=40
    )
    assert [row.flags for row in rows] == [0, CUT | UNLEARNABLE]


# -- codes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{torn", "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a": 1', "invalid_json"),
        (b"[]", "not_an_object"),
        (b"7", "not_an_object"),
        (b"null", "not_an_object"),
        (b"\xff", "not_utf8"),
        (b'{"messages": [], "messages": []}', "duplicate_key"),
        (b'{"a":' * 120 + b"1" + b"}" * 120, "nested_too_deeply"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "half_character"),
        (b"{}", "unknown_row_format"),
        (json.dumps(COMPLETION).encode(), "mixed_row_formats"),
        (b'{"messages": []}', "empty"),
        (b'{"messages": [{"role": "user", "content": "Hi"}]}', "no_assistant_message"),
        (b'{"messages": [{"role": "assistant", "content": "Hi", "weight": 0}]}', "nothing_to_learn"),
        (b'{"messages": [{"role": "assistant", "content": "Hi", "weight": 2}]}', "invalid_weight"),
        (b'{"messages": [{"role": "assistant"}]}', "missing"),
        (b'{"messages": [{"role": "gpt", "content": "Hi"}]}', "invalid_role"),
        (b'{"messages": [{"role": "assistant", "content": 7}]}', "invalid_value"),
        (b'{"messages": [{"role": "assistant", "content": "Hi"}], "x": 1}', "extra_key"),
        (
            b'{"messages": [{"role": "assistant", "content": "Hi"}, '
            b'{"role": "tool", "content": "x", "tool_call_id": "no"}]}',
            "invalid_tool_call_id",
        ),
    ],
)
def test_each_kind_of_fault_has_its_code(line: bytes, code: str) -> None:
    report = validate([json.dumps(CHAT).encode() + b"\n" + line + b"\n{}"], role="training_file")
    assert code_of(next(fault for fault in report.faults if fault.line == 2)) == code


@given(st.none() | st.text(max_size=20), st.text(max_size=40))
def test_every_fault_has_some_code(field: str | None, problem: str) -> None:
    assert code_of(Fault(1, field, problem, "")) in CODES


def test_the_place_of_a_fault_is_told_in_few_words_however_long_the_keys_are() -> None:
    lines = [f'{{"{"k" * 100_000}\\ud800": {{"{"m" * 100_000}": "\\ud800"}}}}'.encode()] * 3
    _, summary = looked_at(b"\n".join(lines))
    assert [code_of(fault) for fault in summary.faults] == ["half_character"] * 3
    assert len(json.dumps(summary.as_dict())) < 5_000


# -- the index, the repeats, the histogram ------------------------------------------------------------


@given(st.sets(st.integers(1, 300)), st.integers(0, 310), st.integers(1, 20))
def test_a_page_of_the_index_is_that_of_the_list(lines: set[int], after: int, limit: int) -> None:
    rows = [IndexedRow(line, line * 10, 9, 3, 1, 0) for line in sorted(lines)]
    index = b"".join(row.packed() for row in rows)
    assert len(index) == RECORD_BYTES * len(rows)
    page, has_more = row_index.page(
        lambda start, end: index[start:end], len(index), after_line=after, limit=limit
    )
    behind = [row for row in rows if row.line > after]
    assert (page, has_more) == (behind[:limit], len(behind) > limit)
    page, has_more = row_index.page(
        lambda start, end: index[start:end], len(index), before_line=after + 1, limit=limit
    )
    before = [row for row in rows if row.line <= after]
    assert (page, has_more) == (before[-limit:], len(before) > limit)


@given(
    st.lists(st.integers(0, 12), max_size=60), st.lists(st.integers(0, 12), max_size=20), st.integers(1, 9)
)
def test_repeats_and_overlaps_are_those_of_the_plain_way(
    ours: list[int], theirs: list[int], at_once: int
) -> None:
    def digests(values: list[int]) -> repeats.Digests:
        records = b"".join(repeats.record(line, {"row": value}) for line, value in enumerate(values, 1))
        return lambda: (records[i : i + 7] for i in range(0, len(records), 7))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "AT_ONCE", at_once)
        found = repeats.repeats(digests(ours), len(ours), kept=5)
        shared = repeats.overlap(digests(ours), len(ours), digests(theirs), kept=5)
    times = Counter(ours)
    groups = [
        [n for n, value in enumerate(ours, 1) if value == one][: repeats.LINES_NAMED]
        for one in dict.fromkeys(ours)
        if times[one] > 1
    ]
    assert found.n_groups == len(groups)
    assert found.n_rows == len(ours) - len(times)
    assert found.groups == sorted(groups)[:5]
    pairs = [(n, theirs.index(value) + 1) for n, value in enumerate(ours, 1) if value in theirs]
    assert (shared.n_rows, shared.pairs) == (len(pairs), pairs[:5])


SPELLINGS = [
    "Hello, world!",
    "hello world",
    "HELLO\nWORLD",
    "hello  -- world",
    "helloworld",
    "hallo welt",
    "Straße",
]


@given(st.lists(st.sampled_from([*SPELLINGS, "STRASSE"]), max_size=30), st.integers(1, 9))
def test_rows_of_nearly_the_same_words_are_told_and_the_same_ones_once(
    texts: list[str], at_once: int
) -> None:
    records = b"".join(repeats.record(line, {"text": text}) for line, text in enumerate(texts, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "AT_ONCE", at_once)
        found = repeats.near_repeats(lambda: [records], len(texts), kept=5)
    alike: dict[tuple[str, ...], list[int]] = {}
    for text in dict.fromkeys(texts):
        words = tuple("".join(c if c.isalnum() else " " for c in text).casefold().split())
        alike.setdefault(words, []).append(texts.index(text) + 1)
    groups = sorted(lines for lines in alike.values() if len(lines) > 1)
    assert found.n_groups == len(groups)
    assert found.n_rows == sum(len(lines) - 1 for lines in groups)
    assert found.groups == groups[:5]


def test_turns_are_messages_and_are_known_before_tokens_are() -> None:
    content = b"\n".join(json.dumps(row).encode() for row in (CHAT, CHAT, {"messages": []}))
    inspection = Inspection(None, 2048)
    assert [found.digest for found in inspection.rows([content])] == [None, None, None]
    summary = inspection.summary()
    assert (summary.tokens, summary.turns.longest) == (None, len(CHAT["messages"]))
    assert summary.turns.total == 2 * len(CHAT["messages"])
    assert sum(bar.n_rows for bar in summary.turns.histogram) == 2
    assert (
        looked_at(json.dumps(PREFERENCE).encode())[1].turns.total == len(PREFERENCE["input"]["messages"]) + 1
    )
    assert looked_at(json.dumps(COMPLETION).encode())[1].turns.total == 2


@given(st.lists(st.integers(0, 100_000), max_size=50))
def test_a_histogram_has_every_row_once_and_few_bars(lengths: list[int]) -> None:
    counts = Counter(lengths)
    bars = bins(counts)
    assert sum(bar.n_rows for bar in bars) == len(lengths) and len(bars) <= MAX_BINS
    for bar in bars:
        assert bar.n_rows == sum(bar.low <= length < bar.high for length in lengths)
    if lengths:
        assert quantile(counts, 0.5) == sorted(lengths)[(len(lengths) + 1) // 2 - 1]


# -- runs of tokens -----------------------------------------------------------------------------------


def test_runs_hold_the_trainers_tokens_for_every_family(families: dict[str, Path]) -> None:
    for name, base in [("nano", NANO), *families.items()]:
        renderer = Renderer.load(base)
        for row in (CHAT, TOOL_CHAT, PREFERENCE, COMPLETION):
            example = from_row(row, 1)
            try:
                truth = renderer.example(example)
            except InvalidTrainingFile:
                continue
            shown = replies(example, renderer, context_length=4096)[0]
            assert (shown.n_tokens, shown.n_trained) == (len(truth.input_ids), truth.n_supervised), name
            pieces = b"".join(run.bytes for run in shown.runs)
            assert pieces == b"".join(map(renderer.tokenizer.token_bytes, truth.input_ids)), name
            trained = [len(run.token_bytes) for run in shown.runs if run.trained]
            assert sum(trained) == truth.n_supervised, name
            assert all(run.role == "assistant" for run in shown.runs if run.trained), name


def test_what_a_user_said_is_the_users_in_every_family(families: dict[str, Path]) -> None:
    row = {"messages": [{"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "Paris."}]}
    for name, base in [("nano", NANO), *families.items()]:
        [reply] = replies(from_row(row, 1), Renderer.load(base), context_length=4096)
        theirs = b"".join(run.bytes for run in reply.runs if run.role == "user")
        assert b"Capital?" in theirs and b"Paris" not in theirs, name


def test_a_base_without_a_template_shows_prompt_and_completion(raw_base: Path) -> None:
    [reply] = replies(from_row(COMPLETION, 1), Renderer.load(raw_base), context_length=4096)
    assert [(run.role, run.trained) for run in reply.runs] == [("user", False), ("assistant", True)]


def test_inspecting_takes_no_more_memory_for_a_larger_file() -> None:
    rng = random.Random(3)
    line = json.dumps(CHAT).encode() + b"\n"
    inspection = Inspection(None, 2048)
    n = sum(1 for _ in inspection.rows(line * rng.randint(50, 60) for _ in range(200)))
    assert n == inspection.summary().n_lines
