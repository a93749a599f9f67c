"""A batch's input file: every fault with its line, every line exactly once, and never the whole in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.api.batches import input as batch_input
from tunesmith.api.batches.call import Answer, answered
from tunesmith.api.batches.input import Fault, InputReader, Report, examine
from tunesmith.store.blobs import Blobs
from tunesmith.wire import limits

CHAT = "/v1/chat/completions"


def a_line(custom_id: str = "a", **changes: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": {"model": "nano"}} | changes


def examined(*lines: dict[str, Any] | bytes, endpoint: str = CHAT) -> Report:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return examine([b"\n".join(texts)], endpoint)


def test_a_good_file_has_its_lines_and_its_model() -> None:
    report = examined(a_line("a"), b"", a_line("b"), b"  ")
    assert (report.n_lines, report.model, report.n_faults) == (2, "nano", 0)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault() -> None:
    text = (
        b"\xef\xbb\xbf"
        + json.dumps(a_line("a")).encode()
        + b"\r\n"
        + json.dumps(a_line("b")).encode()
        + b"\r\n"
    )
    report = examine([text], CHAT)
    assert (report.n_lines, report.n_faults) == (2, 0)


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        (b"{", "invalid_json_line", None),
        (b'"text"', "invalid_json_line", None),
        (b"\xff\xfe{}", "invalid_json_line", None),
        (b"[" * 100_000, "invalid_json_line", None),
        (b'{"custom_id": ' + b"9" * 5000 + b"}", "invalid_json_line", None),
        (b'{"custom_id": NaN}', "invalid_json_line", None),
        (a_line(custom_id=7), "invalid_type", "custom_id"),
        (a_line(custom_id=""), "invalid_custom_id", "custom_id"),
        (a_line("x" * 513), "invalid_custom_id", "custom_id"),
        (a_line(method="GET"), "invalid_method", "method"),
        (a_line(url="/v1/embeddings"), "invalid_url", "url"),
        (a_line(url={"deep": [1] * 1000}), "invalid_url", "url"),
        (a_line(body=[]), "invalid_type", "body"),
        (a_line(body={}), "missing_required_parameter", "body.model"),
        (a_line(body={"model": "other"}), "mismatched_model", "body.model"),
        (a_line(body={"model": "nano", "stream": True}), "stream_not_supported", "body.stream"),
        (a_line(body={"model": "nano", "background": True}), "background_not_supported", "body.background"),
        (a_line("first"), "duplicate_custom_id", "custom_id"),
    ],
)
def test_each_fault_is_named_with_its_line(line: Any, code: str, param: str | None) -> None:
    report = examined(a_line("first"), line, a_line("last"))
    assert [(fault.code, fault.line, fault.param) for fault in report.faults] == [(code, 2, param)]
    assert len(report.faults[0].message) < 300


def test_all_faults_of_a_line_are_named_at_once() -> None:
    report = examined({"method": "PUT", "url": "/v1/x"})
    assert [fault.param for fault in report.faults] == ["custom_id", "method", "url", "body"]


def test_many_faults_are_counted_and_the_first_ones_listed() -> None:
    report = examined(*[b"{"] * 250)
    errors = report.errors()
    assert (report.n_faults, len(errors)) == (250, limits.MAX_BATCH_FAULTS_SHOWN + 1)
    assert "150 more" in errors[-1]["message"]


def test_an_empty_file_and_one_of_too_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [fault.code for fault in examined(b"", b" ").faults] == ["empty_file"]
    monkeypatch.setattr(limits, "MAX_BATCH_LINES", 3)
    report = examined(*(a_line(str(n)) for n in range(9)))
    assert [(fault.code, fault.line) for fault in report.faults] == [("too_many_requests", 4)]


def test_inputs_of_embeddings_are_counted_over_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BATCH_LINES", 4)
    url = "/v1/embeddings"
    texts = a_line("a", url=url, body={"model": "nano", "input": ["x", "y", "z"]})
    token_ids = a_line("b", url=url, body={"model": "nano", "input": [1, 2, 3, 4, 5]})
    assert examined(texts, token_ids, endpoint=url).n_faults == 0
    one_more = a_line("c", url=url, body={"model": "nano", "input": "w"})
    report = examined(texts, token_ids, one_more, endpoint=url)
    assert [fault.code for fault in report.faults] == ["too_many_inputs"]


def test_a_line_that_is_too_long_is_named_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * (1 << 20)
        yield b"\n" + json.dumps(a_line("a")).encode()

    monkeypatch.setattr(batch_input, "MAX_LINE_BYTES", 1 << 20)
    tracemalloc.start()
    report = examine(chunks(), CHAT)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(fault.code, fault.line) for fault in report.faults] == [("line_too_long", 1)]
    assert report.n_lines == 2
    assert peak_bytes < 8 << 20


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    return Blobs((tmp_path_factory.mktemp("blobs") / "objects").as_uri())


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 60), max_size=30),
    page_bytes=st.integers(1, 400),
    done=st.sets(st.integers(1, 30)),
    newline=st.sampled_from(["\n", "\r\n", "\n\n"]),
    ends_open=st.booleans(),
)
def test_pages_together_are_the_lines_without_an_outcome(
    blobs: Blobs, sizes: list[int], page_bytes: int, done: set[int], newline: str, ends_open: bool
) -> None:
    lines = [a_line(str(n), body={"model": "nano", "text": "é" * size}) for n, size in enumerate(sizes)]
    text = "".join(json.dumps(line, ensure_ascii=False) + newline for line in lines)
    data = (text.removesuffix(newline) if ends_open else text).encode()
    if not data:
        return
    blobs.put("files/file-a", data)
    report = examine([data[i : i + 7] for i in range(0, len(data), 7)], CHAT)
    assert (report.n_lines, report.n_faults) == (len(lines), 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_input, "PAGE_BYTES", page_bytes)
        reader = InputReader(blobs, "files/file-a", len(data), done)
        read = []
        while page := reader.next_page():
            read += page
    step = 2 if newline == "\n\n" else 1
    numbers = {1 + index * step: line for index, line in enumerate(lines)}
    expected = [(number, line) for number, line in numbers.items() if number not in done]
    assert [(line.number, line.custom_id) for line in read] == [
        (number, line["custom_id"]) for number, line in expected
    ]
    assert [json.loads(line.body) for line in read] == [line["body"] for _, line in expected]


@given(st.binary(max_size=400))
def test_nothing_that_is_uploaded_is_an_exception(data: bytes) -> None:
    assert all(isinstance(fault, Fault) for fault in examine([data], CHAT).faults)


@pytest.mark.parametrize("custom_id", ["plain", 'quo"ted: "body":null', "\ud800"])
@pytest.mark.parametrize("padding", [0, 100_000])
def test_an_answer_is_the_body_of_its_line_however_long_it_is(custom_id: str, padding: int) -> None:
    text = '"usage": {"total_tokens": 1}' + "é" * padding
    usage = {"prompt_tokens": 7, "total_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}
    body = {"choices": [{"text": text}], "usage": usage, "metadata": {"usage": "none"}}
    data, tokens = answered(
        "batch_req_1", custom_id, Answer(200, {"x-request-id": "req_1"}, json.dumps(body).encode())
    )
    assert data.endswith(b"\n") and data.count(b"\n") == 1
    line = json.loads(data)
    assert (line["id"], line["custom_id"], line["error"]) == ("batch_req_1", custom_id, None)
    assert line["response"] == {"status_code": 200, "request_id": "req_1", "body": body}
    assert (tokens.input, tokens.output, tokens.cached) == (7, 2, 0)
