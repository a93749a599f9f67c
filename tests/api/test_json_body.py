"""Bodies that are no good JSON get a sentence that says where and why; bombs are refused at once."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.api.http.json_body import load, parse
from tunesmith.errors import InvalidRequest
from tunesmith.wire.chat import ChatRequest
from tunesmith.wire.fine_tuning import CreateJobRequest

SEED = b'{\n"training_file": "TRAINING_FILE_ID",\n"model": "gpt-3.5-turbo-0613",\n}'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (SEED, "line 3, column 30: there is a comma before the closing '}'; remove it"),
        (b'{"a": [1, 2, ]}', "comma before the closing ']'"),
        (b"", "the body is empty"),
        (b"{'a': 1}", "double quotes"),
        (b'{"a": True}', "lower case"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "too many digits"),
        (b"\xff\xfe{", "byte 0 is not UTF-8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "nested deeper"),
        (b'{"a" 1}', "line 1, column 6"),
    ],
)
def test_bad_json_is_refused_with_its_place_and_reason(body: bytes, words: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidRequest) as refusal:
        load(body)
    assert words in refusal.value.message
    assert time.process_time() - started < 1.0


def test_a_byte_order_mark_is_fine() -> None:
    assert load(b'\xef\xbb\xbf{"a": "\xc3\xa9"}') == {"a": "é"}


def test_many_flat_objects_are_not_taken_for_depth() -> None:
    assert len(load(b"[" + b",".join([b'{"a":[]}'] * 1000) + b"]")) == 1000


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20),
    st.binary(max_size=4),
)
def test_no_body_makes_anything_but_a_value_or_a_refusal(value: object, noise: bytes) -> None:
    body = json.dumps(value).encode() + noise
    try:
        load(body)
    except InvalidRequest as refusal:
        assert refusal.message


def chat(**fields: object) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}).encode()


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"n": 10_000}, "n", "Expected a value <= 128, but got 10000"),
        ({"max_tokens": 10**9}, "max_tokens", "integer above maximum value"),
        (
            {"temperature": 2.5},
            "temperature",
            "decimal above maximum value. Expected a value <= 2, but got 2.5",
        ),
        ({"temperature": "hot"}, "temperature", "expected a decimal, but got a string"),
        ({"top_logprobs": 1_000_000}, "top_logprobs", "<= 20"),
        ({"stop": ["a"] * 5}, "stop", "maximum length 4, but got an array with length 5"),
        ({"stop": ""}, "stop", "may not be empty"),
        ({"stop": [" ", ""]}, "stop", "may not be empty"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "a key is a token id"),
        ({"logit_bias": {"1": 101}}, "logit_bias", "from -100 to 100"),
        ({"messages": []}, "messages", "empty array"),
        (
            {"messages": [{"role": "pirate", "content": "arr"}]},
            "messages[0].role",
            "Supported values are: 'system'",
        ),
        ({"messages": [{"role": "user"}]}, "messages[0]", "needs 'content'"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            "messages[0].content",
            "one of a string or array of objects",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content",
            "reads text only",
        ),
        ({"tempratur": 1}, "tempratur", "Unrecognized request argument supplied: tempratur"),
        ({"metadata": {"k" * 65: "v"}}, "metadata", "1 to 64 characters"),
        ({"seed": 1.5}, "seed", "expected an integer, but got a decimal"),
        ({"presence_penalty": -3}, "presence_penalty", ">= -2"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "pattern"),
    ],
)
def test_a_wrong_field_is_named_with_its_path_and_bound(fields: dict, param: str | None, words: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse(ChatRequest, chat(**fields))
    assert refusal.value.param == param
    assert words in refusal.value.message


def test_what_only_the_server_may_set_is_refused() -> None:
    body = b'{"model": "m", "training_file": "file-1", "status": "succeeded", "organization_id": "o"}'
    with pytest.raises(InvalidRequest, match="Unrecognized request argument supplied: status") as refusal:
        parse(CreateJobRequest, body)
    assert refusal.value.code == "unknown_parameter"


@pytest.mark.parametrize("suffix", ["", "a/b", "../x", "a b", "x" * 65, "naïve", "a\n"])
def test_a_suffix_is_letters_digits_dots_dashes_and_underscores(suffix: str) -> None:
    body = json.dumps({"model": "m", "training_file": "file-1", "suffix": suffix}).encode()
    with pytest.raises(InvalidRequest) as refusal:
        parse(CreateJobRequest, body)
    assert refusal.value.param == "suffix"


def test_tools_keep_their_keys_in_the_order_they_came_in() -> None:
    tool = {"function": {"parameters": {"b": 1, "a": 2}, "name": "f", "description": "d"}, "type": "function"}
    asked = parse(ChatRequest, chat(tools=[tool]))
    assert asked.tools is not None
    assert list(asked.tools[0].raw) == ["function", "type"]
    assert list(asked.tools[0].raw["function"]) == ["parameters", "name", "description"]


def test_an_answer_can_be_sent_back_as_a_message() -> None:
    answer = {
        "role": "assistant",
        "content": "hi",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "tool_calls": None,
    }
    asked = parse(ChatRequest, chat(messages=[{"role": "user", "content": "hi"}, answer]))
    assert asked.messages[1].as_dict() == {"role": "assistant", "content": "hi"}
