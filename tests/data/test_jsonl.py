"""Training files, sound and broken: every fault with its line, and never an exception but ours."""

from __future__ import annotations

import copy
import json
import random
import resource
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data import jsonl
from tunesmith.data.examples import ChatExample, CompletionExample, PreferenceExample
from tunesmith.data.jsonl import read_examples, validate
from tunesmith.data.report import Findings, Report
from tunesmith.data.rows import check_row, is_plain_chat
from tunesmith.errors import InvalidTrainingFile

HERE = Path(__file__).parent
ASSISTANT = {"role": "assistant", "content": "Paris."}
CHAT: dict[str, Any] = {
    "messages": [{"role": "system", "content": "Marv"}, {"role": "user", "content": "Capital?"}, ASSISTANT]
}
COMPLETION: dict[str, Any] = {"prompt": "Capital?", "completion": " Paris."}
PREFERENCE: dict[str, Any] = {
    "input": {
        "messages": [{"role": "user", "content": "How cold is it?"}],
        "tools": [],
        "parallel_tool_calls": True,
    },
    "preferred_output": [{"role": "assistant", "content": "Not quite cold, near 68°F."}],
    "non_preferred_output": [{"role": "assistant", "content": "Not particularly."}],
}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "d",
        "parameters": {"type": "object", "properties": {}},
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
}
TOOL_CHAT: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        {"role": "assistant", "content": "Rain."},
    ],
    "tools": [TOOL],
    "parallel_tool_calls": False,
}
LEGACY: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": "{}"}},
        {"role": "function", "name": "get_weather", "content": "Rain"},
        {"role": "assistant", "content": "Rain."},
    ],
    "functions": [TOOL["function"]],
}


def judge(data: bytes, *, chunk: int = 1 << 20, **options: Any) -> Report:
    chunks = (data[i : i + chunk] for i in range(0, len(data), chunk))
    return validate(chunks, **{"role": "training_file", **options})


def file(*rows: Any, good: Any = CHAT, n: int = 12) -> bytes:
    """`rows` at line 4 of a file that is sound otherwise; bytes are taken as they are."""
    lines = [*[good] * 3, *rows, *[good] * (n - 3)]
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


def changed(row: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `row` with the value at a dotted path replaced, or removed where it is `...`."""
    row = copy.deepcopy(row)
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place: Any = row
    for key in way:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return row


# -- rows with one fault each

M = "messages.1."
CHAT_FAULTS: list[tuple[Any, str]] = [
    ({}, 'neither "messages" nor'),
    ({"message": []}, 'rename "message" to "messages"'),
    ({"text": "x"}, 'neither "messages" nor'),
    (changed(CHAT, "messages", None), "messages is null"),
    (changed(CHAT, "messages", "x"), 'messages is "x"'),
    (changed(CHAT, "messages", {}), "messages is an object"),
    (changed(CHAT, "messages", []), "messages is empty"),
    (changed(CHAT, "messages.1", "Hi"), 'messages[1] is "Hi"'),
    (changed(CHAT, "messages.1", None), "messages[1] is null"),
    (changed(CHAT, "messages.1", []), "messages[1] is an empty list"),
    (changed(CHAT, M + "role", ...), "messages[1].role is missing"),
    (changed(CHAT, M + "role", None), "messages[1].role is null"),
    (changed(CHAT, M + "role", "User"), 'messages[1].role is "User"; write "user"'),
    (changed(CHAT, M + "role", "bot"), 'messages[1].role is "bot"; write "assistant"'),
    (changed(CHAT, M + "role", "narrator"), "use one of system, developer, user, assistant, tool"),
    (changed(CHAT, M + "role", 1), "messages[1].role is 1"),
    (changed(CHAT, M + "role", ["user"]), "messages[1].role is a list"),
    (changed(CHAT, "messages.1", {"from": "human", "value": "Hi"}), 'instead of "from" and "value"'),
    (changed(CHAT, M + "content", ...), "messages[1].content is missing"),
    (changed(CHAT, M + "content", None), "messages[1].content is null"),
    (changed(CHAT, M + "content", 5), "messages[1].content is 5"),
    (changed(CHAT, M + "content", {"text": "x"}), "messages[1].content is an object"),
    (changed(CHAT, M + "content", ["x"]), 'messages[1].content[0] is "x"'),
    (changed(CHAT, M + "content", [{"type": "text"}]), "messages[1].content[0].text is missing"),
    (changed(CHAT, M + "content", [{"type": "text", "text": 3}]), "messages[1].content[0].text is 3"),
    (changed(CHAT, M + "content", [{"text": "x"}]), "messages[1].content[0].type is null"),
    (
        changed(CHAT, M + "content", [{"type": "refusal", "refusal": "x"}]),
        'messages[1].content[0].type is "refusal"',
    ),
    (changed(CHAT, M + "content", [{"type": "image_url", "image_url": {}}]), "only text can be learnt"),
    (
        changed(CHAT, "messages.2.content", ""),
        "messages[2].content is empty; give the assistant a reply or remove",
    ),
    (changed(CHAT, "messages.2.content", " \n"), "messages[2].content is empty"),
    (changed(CHAT, "messages.2.content", []), "messages[2].content is empty"),
    (changed(CHAT, "messages.2.content", None), "messages[2].content is null"),
    (changed(CHAT, "messages.2", ...), "messages has no assistant message"),
    (changed(CHAT, "messages.2.weight", 0), "messages has weight 0 on every assistant message"),
    (changed(CHAT, "messages.2.weight", 2), "messages[2].weight is 2"),
    (changed(CHAT, "messages.2.weight", 0.5), "messages[2].weight is 0.5"),
    (changed(CHAT, "messages.2.weight", True), "messages[2].weight is true"),
    (changed(CHAT, "messages.2.weight", "1"), 'messages[2].weight is "1"'),
    (changed(CHAT, M + "weight", 0), 'messages[1] contains an extra key "weight"; only assistant messages'),
    (changed(CHAT, M + "mood", "x"), 'messages[1] contains an extra key "mood"'),
    (changed(CHAT, M + "tool_calls", [CALL]), 'messages[1] contains an extra key "tool_calls"'),
    (changed(CHAT, "messages.2.refusal", "No."), 'messages[2] contains an extra key "refusal"'),
    (changed(CHAT, "id", 7), 'the row contains an extra key "id"'),
    (changed(CHAT, "weight", 1), 'the row contains an extra key "weight"'),
    (changed(CHAT, M + "name", ""), 'messages[1].name is ""'),
    (changed(CHAT, M + "name", "a b"), 'messages[1].name is "a b"'),
    (changed(CHAT, M + "name", "x" * 65), "messages[1].name is"),
    (changed(CHAT, M + "name", 3), "messages[1].name is 3"),
    (changed(CHAT, "tools", {}), "tools is an object"),
    (changed(CHAT, "tools", ["x"]), 'tools[0] is "x"'),
    (changed(CHAT, "tools", [{"function": {"name": "f"}}]), "tools[0].type is missing"),
    (changed(CHAT, "tools", [{"type": "retrieval"}]), 'tools[0].type is "retrieval"'),
    (changed(CHAT, "tools", [{"type": "function"}]), "tools[0].function is missing"),
    (changed(CHAT, "tools", [{"type": "function", "function": []}]), "tools[0].function is an empty list"),
    (changed(CHAT, "tools", [{"type": "function", "function": {}}]), "tools[0].function.name is missing"),
    (
        changed(CHAT, "tools", [{"type": "function", "function": {"name": "a b"}}]),
        'tools[0].function.name is "a b"',
    ),
    (changed(TOOL_CHAT, "tools.0.function.parameters", "x"), 'tools[0].function.parameters is "x"'),
    (changed(TOOL_CHAT, "tools.0.function.description", 3), "tools[0].function.description is 3"),
    (changed(CHAT, "tools", [TOOL, TOOL]), 'tools has "get_weather" 2 times'),
    (changed(TOOL_CHAT, "parallel_tool_calls", "no"), 'parallel_tool_calls is "no"'),
    (changed(TOOL_CHAT, M + "tool_calls", {}), "messages[1].tool_calls is an object"),
    (
        {"messages": [CHAT["messages"][1], {"role": "assistant", "tool_calls": []}]},
        "messages[1].content is missing",
    ),
    (changed(TOOL_CHAT, M + "tool_calls.0", "x"), 'messages[1].tool_calls[0] is "x"'),
    (changed(TOOL_CHAT, M + "tool_calls.0.id", ...), "messages[1].tool_calls[0].id is missing"),
    (
        changed(TOOL_CHAT, M + "tool_calls", [CALL, CALL]),
        'messages[1].tool_calls[1].id is "call_1" a second time',
    ),
    (changed(TOOL_CHAT, M + "tool_calls.0.type", ...), "messages[1].tool_calls[0].type is missing"),
    (changed(TOOL_CHAT, M + "tool_calls.0.type", "tool"), 'messages[1].tool_calls[0].type is "tool"'),
    (changed(TOOL_CHAT, M + "tool_calls.0.function", ...), "messages[1].tool_calls[0].function is missing"),
    (
        changed(TOOL_CHAT, M + "tool_calls.0.function.name", "a.b"),
        'messages[1].tool_calls[0].function.name is "a.b"',
    ),
    (
        changed(TOOL_CHAT, M + "tool_calls.0.function.arguments", {"city": "Paris"}),
        "arguments is an object; write the",
    ),
    (
        changed(TOOL_CHAT, M + "tool_calls.0.function.arguments", "{city}"),
        'arguments is "{city}", which is not JSON',
    ),
    (
        changed(TOOL_CHAT, M + "tool_calls.0.function.arguments", "[1]"),
        'arguments is "[1]", which is no sound JSON object',
    ),
    (changed(TOOL_CHAT, M + "tool_calls.0.function.arguments", ""), 'arguments is "", which is not JSON'),
    (changed(TOOL_CHAT, M + "tool_calls.0.function.arguments", ...), "function.arguments is missing"),
    (changed(TOOL_CHAT, "messages.2.tool_call_id", ...), "messages[2].tool_call_id is missing"),
    (
        changed(TOOL_CHAT, "messages.2.tool_call_id", "call_9"),
        'messages[2].tool_call_id is "call_9", which no',
    ),
    (changed(TOOL_CHAT, "messages.2.content", None), "messages[2].content is null"),
    (changed(LEGACY, "messages.2.name", ...), "messages[2].name is null; name the function"),
    (changed(LEGACY, M + "function_call", "auto"), 'messages[1].function_call is "auto"'),
    (changed(LEGACY, M + "function_call.arguments", 3), "messages[1].function_call.arguments is 3"),
    (changed(LEGACY, M + "tool_calls", [CALL]), "messages[1] has both tool_calls and function_call"),
    (changed(LEGACY, "functions", "x"), 'functions is "x"'),
    (changed(LEGACY, "functions", [3]), "functions[0] is 3"),
    (COMPLETION, "this is a prompt/completion row"),
    (PREFERENCE, "this is a preference row"),
]
COMPLETION_FAULTS: list[tuple[Any, str]] = [
    (changed(COMPLETION, "prompt", ...), "prompt is missing"),
    (changed(COMPLETION, "completion", ...), "completion is missing"),
    (changed(COMPLETION, "prompt", None), "prompt is null"),
    (changed(COMPLETION, "prompt", ["x"]), "prompt is a list"),
    (changed(COMPLETION, "completion", 3), "completion is 3"),
    (changed(COMPLETION, "completion", ""), "completion is empty"),
    (changed(COMPLETION, "label", "x"), 'the row contains an extra key "label"'),
    (CHAT, 'this is a chat row ("messages"), but line 1 has a prompt/completion row'),
]
PREFERENCE_FAULTS: list[tuple[Any, str]] = [
    (changed(PREFERENCE, "input", ...), "input is missing"),
    (changed(PREFERENCE, "input", "x"), 'input is "x"'),
    (changed(PREFERENCE, "input.messages", ...), "input.messages is missing"),
    (changed(PREFERENCE, "input.messages", []), "input.messages is empty"),
    (changed(PREFERENCE, "input.messages.0.role", "human"), "input.messages[0].role is"),
    (changed(PREFERENCE, "input.extra", 1), 'input contains an extra key "extra"'),
    (changed(PREFERENCE, "input.tools", [3]), "input.tools[0] is 3"),
    (changed(PREFERENCE, "preferred_output", ...), "preferred_output is missing"),
    (changed(PREFERENCE, "non_preferred_output", ...), "non_preferred_output is missing"),
    (changed(PREFERENCE, "preferred_output", "Hi"), 'preferred_output is "Hi"'),
    (changed(PREFERENCE, "preferred_output", []), "preferred_output has 0 messages"),
    (changed(PREFERENCE, "preferred_output", [ASSISTANT, ASSISTANT]), "preferred_output has 2 messages"),
    (changed(PREFERENCE, "preferred_output.0.role", "user"), 'preferred_output[0].role is "user"'),
    (changed(PREFERENCE, "preferred_output.0.content", ""), "preferred_output[0].content is empty"),
    (changed(PREFERENCE, "preferred_output", ["x"]), 'preferred_output[0] is "x"'),
    (
        changed(PREFERENCE, "preferred_completion", [ASSISTANT]),
        "preferred_completion is given besides preferred_output",
    ),
    (changed(PREFERENCE, "messages", []), "this is a chat row"),
]
GOOD = json.dumps(CHAT)
LINE_FAULTS: list[tuple[bytes, str]] = [
    (b"[]", "holds a list, not a JSON object"),
    (b'"x"', "holds a string"),
    (b"17", "holds a number"),
    (b"null", "holds null"),
    (b"true", "holds true or false"),
    (b"hello", "not valid JSON"),
    (b"prompt,completion", "not valid JSON"),
    (b"{", "does not end on this line"),
    (GOOD[:50].encode(), "does not end on this line"),
    (GOOD[:-1].encode(), "does not end on this line"),
    (f"{GOOD},".encode(), "more than one JSON value"),
    (f"{GOOD}{GOOD}".encode(), "more than one JSON value"),
    (repr(CHAT).encode(), "single quotes"),
    (GOOD.replace('"Paris."', "None").encode(), "has None"),
    (GOOD.replace('"Paris."', "True").encode(), "has True"),
    (GOOD.replace("}]}", "},]}").encode(), "comma before a closing bracket"),
    (GOOD.replace("Paris.", "Pa\tris").encode(), "raw control character"),
    (GOOD.replace("Paris.", "C:\\\\dir").replace("\\\\", "\\").encode(), "unknown escape"),
    (GOOD.replace('"Paris."', "NaN").encode(), "NaN is no JSON number"),
    (GOOD.replace('"Paris."', "-Infinity").encode(), "-Infinity is no JSON number"),
    (GOOD.replace('"Paris."', "1e999").encode(), "too large a number"),
    (GOOD.replace('"Paris."', "1" * 5000).encode(), "thousands of digits"),
    (b'{"messages": ' + b"[" * 100_000, "nested too deeply"),
    (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nested too deeply"),
    (b'{"a":' * 150 + b"1" + b"}" * 150, "nested deeper than 100 levels"),
    (
        GOOD.replace('"role": "user"', '"role": "user", "role": "user"').encode(),
        'the key "role" stands twice',
    ),
    (GOOD.replace("Paris.", "Paris \\ud83c").encode(), "messages[2].content holds half of a surrogate pair"),
    (
        GOOD.replace("Paris.", "Paris \\udf89 \\ud83c").encode(),
        "messages[2].content holds half of a surrogate pair",
    ),
    (GOOD.replace("Paris.", "é").encode("latin-1"), "0xe9) is not UTF-8"),
    (GOOD.encode("utf-16"), "is not UTF-8"),
    (GOOD.encode("utf-16-le"), "not valid JSON"),
    (b"\xff\xfe\x00", "byte 1 of the line (byte"),
    (b"\x00", "not valid JSON"),
]


@pytest.mark.parametrize(("row", "expected"), CHAT_FAULTS)
def test_a_bad_chat_row_is_told_with_line_and_field(row: Any, expected: str) -> None:
    assert_told(judge(file(row)), expected)


@pytest.mark.parametrize(("row", "expected"), COMPLETION_FAULTS)
def test_a_bad_completion_row_is_told_with_line_and_field(row: Any, expected: str) -> None:
    assert_told(judge(file(row, good=COMPLETION)), expected)


@pytest.mark.parametrize(("row", "expected"), PREFERENCE_FAULTS)
def test_a_bad_preference_row_is_told_with_line_and_field(row: Any, expected: str) -> None:
    assert_told(judge(file(row, good=PREFERENCE)), expected)


@pytest.mark.parametrize(("line", "expected"), LINE_FAULTS)
def test_a_line_that_is_no_object_is_told(line: bytes, expected: str) -> None:
    assert_told(judge(file(line)), expected)


def assert_told(report: Report, expected: str) -> None:
    assert report.n_faults == 1, report.message()
    assert not report.ok and report.code == "invalid_file_format"
    told = str(report.faults[0])
    assert told.startswith("Line 4: ") and expected in told
    assert report.faults[0].remedy


# -- odd but sound files

SOUND: dict[str, bytes] = {
    "plain": file(),
    "a last line break": file() + b"\n",
    "CRLF": file().replace(b"\n", b"\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + file(),
    "blank lines at the end": file() + b"\n\n \r\n\n",
    "spaces around rows": file().replace(b"\n", b"  \n  "),
    "U+2028, U+0085 and form feeds in texts": file(
        changed(CHAT, "messages.2.content", "a\u2028b\u0085c\x0c")
    ),
    "raw U+2028": file(
        json.dumps(changed(CHAT, "messages.2.content", "a\u2028b"), ensure_ascii=False).encode()
    ),
    "a whole surrogate pair": file(GOOD.replace("Paris.", "\\ud83c\\udf89").encode()),
    "a NUL in a text": file(changed(CHAT, "messages.2.content", "a\0b")),
    "a developer": file(changed(CHAT, "messages.0.role", "developer")),
    "a name": file(changed(CHAT, "messages.1.name", "alice_1")),
    "weights": file(changed(CHAT, "messages.2.weight", 1), changed(CHAT, "messages.2.weight", 1.0)),
    "text parts": file(changed(CHAT, "messages.2.content", [{"type": "text", "text": "Hi"}])),
    "tools": file(TOOL_CHAT),
    "functions": file(LEGACY),
    "empty tools": file(changed(CHAT, "tools", [])),
    "null tools": file(changed(CHAT, "tools", None)),
    "a stored reply": file(
        changed(
            CHAT,
            "messages.2",
            {**ASSISTANT, "refusal": None, "annotations": [], "audio": None, "tool_calls": None},
        )
    ),
    "a call as the last message": file(changed(TOOL_CHAT, "messages", TOOL_CHAT["messages"][:2])),
    "the assistant first": file({"messages": [ASSISTANT, *CHAT["messages"]]}),
    "an empty tool answer": file(changed(TOOL_CHAT, "messages.2.content", "")),
    "a reply that repeats a tool": file(
        changed(TOOL_CHAT, "tools", ...), changed(TOOL_CHAT, "parallel_tool_calls", True)
    ),
    "completions": file(good=COMPLETION),
    "an empty prompt": file(changed(COMPLETION, "prompt", ""), good=COMPLETION),
    "preferences": file(good=PREFERENCE),
    "a long text": file(changed(CHAT, "messages.2.content", "x" * 3_000_000)),
    "large numbers in a schema": file(
        changed(TOOL_CHAT, "tools.0.function.parameters", {"maximum": 10**400})
    ),
}


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND.keys())
def test_odd_but_sound_files_pass(data: bytes, tmp_path: Path) -> None:
    report = judge(data)
    assert report.ok and not report.message(), report.message()
    (tmp_path / "f.jsonl").write_bytes(data)
    assert len(list(read_examples(tmp_path / "f.jsonl"))) == report.n_examples


WARNINGS: list[tuple[bytes, str]] = [
    (file(b""), "Line 4: the line is blank and was skipped"),
    (file(b"", b" ", b"\r"), "Line 4: the line (and 2 more) is blank"),
    (file(changed(CHAT, "messages.0.content", "")), "Line 4: messages[0].content is empty"),
    (
        file({"messages": [*CHAT["messages"], CHAT["messages"][1]]}),
        "messages[3] is a user message that nobody",
    ),
    (file(changed(CHAT, "parallel_tool_calls", True)), "parallel_tool_calls has no effect without tools"),
    (
        file(changed(TOOL_CHAT, "messages", [*TOOL_CHAT["messages"][:2], TOOL_CHAT["messages"][3]])),
        'messages[1].tool_calls[0] ("call_1") is never answered',
    ),
    (
        file(
            {**changed(PREFERENCE, "preferred_output", ...), "preferred_completion": [ASSISTANT]},
            good=PREFERENCE,
        ),
        "preferred_completion is an old spelling",
    ),
    (
        file(changed(PREFERENCE, "preferred_output", PREFERENCE["non_preferred_output"]), good=PREFERENCE),
        "preferred_output is the same as non_preferred_output",
    ),
]


@pytest.mark.parametrize(("data", "expected"), WARNINGS)
def test_what_is_probably_not_meant_is_a_warning(data: bytes, expected: str) -> None:
    report = judge(data)
    assert report.ok and report.n_warnings == 1
    assert str(report.warnings[0]).startswith("Line 4: ") and expected in str(report.warnings[0])


# -- whole files


def test_ten_faults_are_ten_lines_in_the_message() -> None:
    report = judge((HERE / "ten_faults.jsonl").read_bytes())
    expected = (HERE / "ten_faults.expected.txt").read_text(encoding="utf-8").splitlines()
    assert [str(fault) for fault in report.faults] == expected and report.n_faults == len(expected) == 10
    head = "The job failed due to a file format error in the training file. "
    assert report.message() == head + "\n".join(expected)


def test_a_torn_last_line_is_called_so_with_and_without_a_line_break() -> None:
    for end in (b"", b"\n", b"\n\n"):
        report = judge(file() + b"\n" + GOOD[:60].encode() + end)
        assert [f.line for f in report.faults] == [13]
        assert "the last line is cut off after 60 characters" in report.message()


def test_one_line_may_have_several_faults() -> None:
    row = {"messages": [{"role": "robot", "content": 3}, {"role": "user", "content": 3, "x": 1}], "y": 2}
    report = judge(file(row))
    assert [(f.line, f.field) for f in report.faults] == [
        (4, "the row"), (4, "messages[0].role"), (4, "messages[1]"), (4, "messages[1].content"),
    ]  # fmt: skip


def test_only_twenty_faults_are_told_and_all_are_counted() -> None:
    report = judge(b"\n".join([b"{}"] * 1000))
    assert report.n_faults == 1000 and len(report.faults) == 20
    assert report.message().count("\n") == 20 and report.message().endswith("\n… and 980 more")


@pytest.mark.parametrize("n", [0, 1, 9])
def test_a_training_file_needs_ten_examples(n: int) -> None:
    report = judge(b"\n".join([GOOD.encode()] * n))
    assert report.code == "invalid_n_examples"
    assert report.message() == f"Training file has {n} example(s), but must have at least 10 examples"


def test_a_validation_file_needs_one_example_of_the_training_files_kind() -> None:
    assert judge(GOOD.encode(), role="validation_file").ok
    assert judge(b"", role="validation_file").message() == (
        "Validation file has 0 example(s), but must have at least 1 example"
    )
    report = judge(GOOD.encode(), role="validation_file", expected_format="completion")
    assert report.message().startswith(
        "The job failed due to a file format error in the validation file. Line 1: "
    )
    assert "but the training file has a prompt/completion row" in report.message()


def test_a_line_too_long_to_keep_is_skipped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 1000)
    report = judge(file(changed(CHAT, "messages.2.content", "x" * 5000), {}), chunk=64)
    assert [f.line for f in report.faults] == [4, 5]
    assert "more than 1,000" in str(report.faults[0])


@settings(max_examples=40)
@given(st.integers(1, 300), st.sampled_from([*SOUND.values(), (HERE / "ten_faults.jsonl").read_bytes()]))
def test_the_size_of_chunks_makes_no_difference(size: int, data: bytes) -> None:
    if len(data) < 100_000:
        assert judge(data, chunk=size) == judge(data)


@settings(deadline=None, max_examples=150)
@given(st.randoms(use_true_random=False))
def test_damaged_files_are_judged_and_never_crash(rng: random.Random) -> None:
    judge_damaged(rng)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_damaged_files_are_judged_and_never_crash() -> None:
    for seed in range(10_000):
        judge_damaged(random.Random(seed))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_gigabyte_is_judged_in_a_minute_and_in_little_memory() -> None:
    row = json.dumps(changed(CHAT, "messages.2.content", "Paris, as ever. " * 20)).encode() + b"\n"
    block = row * 1000
    n = 1_000_000_000 // len(block)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    report = validate(iter([*[block] * n, b"{"]), role="training_file")
    assert [fault.line for fault in report.faults] == [1000 * n + 1]
    assert time.process_time() - start < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kB


def judge_damaged(rng: random.Random) -> None:
    """Damage a file in some places, and judge it."""
    data = bytearray(rng.choice(CORPUS))
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(data) + 1), rng.randrange(40)
        match rng.randrange(4):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[: rng.randrange(len(data) + 1)][-length:]
            case _:
                data[at:at] = rng.choice(
                    [b"\n", b"{", b"}", b"[", b'"', b"\\", b"null", b"\xff", b"\\ud800", b"NaN", b","]
                )
    report = judge(bytes(data), chunk=rng.choice([7, 100, 10_000]))
    assert report.ok == (report.message() == "")
    assert all(1 <= fault.line <= data.count(b"\n") + 1 for fault in report.faults)
    report.message().encode()


CORPUS = [
    file(TOOL_CHAT),
    file(LEGACY),
    file(good=PREFERENCE),
    file(good=COMPLETION),
    (HERE / "ten_faults.jsonl").read_bytes(),
]

KEYS = [
    *(
        "messages",
        "role",
        "content",
        "tools",
        "tool_calls",
        "tool_call_id",
        "id",
        "type",
        "function",
        "name",
        "text",
    ),
    *(
        "arguments",
        "parameters",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "weight",
        "prompt",
        "completion",
    ),
    *("input", "preferred_output", "non_preferred_output"),
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -3,
    0.5,
    10**30,
    "",
    " ",
    "a",
    "user",
    "assistant",
    "tool",
    "function",
    "{}",
]


def any_json(rng: random.Random, depth: int = 5) -> Any:
    """Some JSON value, made of the words that the rules know."""
    kind = rng.randrange(4 if depth else 1)
    if kind == 0:
        return rng.choice(VALUES)
    if kind == 1:
        return [any_json(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): any_json(rng, depth - 1) for _ in range(rng.randrange(6))}


@settings(deadline=None, max_examples=200)
@given(st.randoms(use_true_random=False))
def test_any_json_is_judged_without_an_exception(rng: random.Random) -> None:
    row = {rng.choice(KEYS[:1] + KEYS[-5:]): any_json(rng), "messages": any_json(rng)}
    for good in (CHAT, PREFERENCE):
        assert judge(file(row, {**PREFERENCE, "input": any_json(rng)}, good=good)).n_examples == 14


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant", "tool", "x"]),
            "content": st.sampled_from(["", " ", "a", None]),
        },
        optional={"weight": st.just(0)},
    ),
    max_size=3,
)


@given(MESSAGES)
def test_the_fast_check_accepts_only_what_the_full_check_accepts(messages: list[dict[str, Any]]) -> None:
    if is_plain_chat({"messages": messages}):
        findings = Findings("training_file")
        check_row({"messages": messages}, findings)
        assert findings.n_faults == findings.n_warnings == 0


# -- reading


def test_examples_carry_their_physical_lines(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n" + GOOD.encode() + b"\r\n\n" + json.dumps(LEGACY).encode())
    first, second = read_examples(path)
    assert first == ChatExample(2, tuple(CHAT["messages"]))
    assert isinstance(second, ChatExample) and second.line == 4 and second.tools == (TOOL,)


def test_each_kind_of_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps(COMPLETION))
    assert list(read_examples(path)) == [CompletionExample(1, "Capital?", " Paris.")]
    old = {
        "input": PREFERENCE["input"],
        "preferred_completion": [ASSISTANT],
        "non_preferred_completion": [ASSISTANT],
    }
    path.write_text(json.dumps(old))
    assert list(read_examples(path)) == [
        PreferenceExample(1, tuple(PREFERENCE["input"]["messages"]), ASSISTANT, ASSISTANT)
    ]


def test_reading_a_file_that_did_not_pass_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(file({}))
    with pytest.raises(InvalidTrainingFile, match="Line 4"):
        list(read_examples(path))
