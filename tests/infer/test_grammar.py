"""Structured answers: whatever the model would rather say, what comes out is what was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.infer.conftest import drain, engine_of, generated, sequence, tiny_model
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import InvalidRequest
from tunesmith.infer.engine import Engine
from tunesmith.infer.grammar import Grammars
from tunesmith.infer.grammar_check import CHECK_CPU_S
from tunesmith.infer.sequence import Sequence
from tunesmith.settings import NANO

TOKENIZER = Tokenizer.load(NANO)
EOS = TOKENIZER.eos_token_ids[0]
PROMPT = [300, 301, 302]
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 6}},
    "required": ["city"],
    "additionalProperties": False,
}
PARIS = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
OSLO = PARIS.replace("get_weather", "get").replace("Paris", "Oslo")


@pytest.fixture(scope="module")
def grammars() -> Iterator[Grammars]:
    made = Grammars(NANO, n_vocab=4096, eos_token_ids=[EOS])
    yield made
    made.close()


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Random weights over nano's vocabulary: a model that knows nothing of JSON."""
    return engine_of(tiny_model(vocab_size=4096, max_position_embeddings=1024), n_places=16384)


def asked(grammars: Grammars, structured: dict[str, Any], **params: Any) -> Sequence:
    settings = {"max_tokens": 700, "temperature": 2.0, "stop_token_ids": frozenset([EOS]), **params}
    row = sequence(PROMPT, **settings)
    row.matcher = grammars.compile(structured).result().begin()
    return row


def text(row: Sequence) -> str:
    return TOKENIZER.decode(generated(row), skip_special_tokens=True)


def accepts(grammars: Grammars, structured: dict[str, Any], answer: str) -> bool:
    """Whether an answer could be given: token by token, then the end."""
    matcher = grammars.compile(structured).result().begin()
    return all(matcher.take(id) for id in TOKENIZER.encode(answer)) and matcher.take(EOS) and matcher.done


NAMES = st.sampled_from(["a", "b", "name", "größe", 'q"', "x y"])
LEAVES = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": "number"}),
    st.builds(
        lambda low, n: {"type": "integer", "minimum": low, "maximum": low + n},
        st.integers(-99, 99),
        st.integers(0, 500),
    ),
    st.builds(
        lambda low, n: {"type": "string", "minLength": low, "maxLength": low + n},
        st.integers(0, 4),
        st.integers(0, 4),
    ),
    st.builds(
        lambda values: {"enum": values},
        st.lists(st.sampled_from([1, "a", 'say "é"\n', None, True, {"k": [1]}]), min_size=1, max_size=3),
    ),
    st.just({"type": "string", "pattern": "^[a-c]{2}-[0-9]+$", "maxLength": 8}),
    st.just({"type": "string", "format": "date"}),
    st.just({"type": ["string", "null"], "maxLength": 3}),
)


def _containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(NAMES, inner, max_size=3).flatmap(
        lambda properties: st.builds(
            lambda required: {
                "type": "object",
                "properties": properties,
                "required": sorted(required),
                "additionalProperties": False,
            },
            st.sets(st.sampled_from(sorted(properties))) if properties else st.just(set()),
        )
    )
    arrays = st.builds(
        lambda items, low, n: {"type": "array", "items": items, "minItems": low, "maxItems": low + n},
        inner,
        st.integers(0, 1),
        st.integers(0, 2),
    )
    return st.one_of(
        objects, arrays, st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=3))
    )


SCHEMAS = st.recursive(LEAVES, _containers, max_leaves=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SCHEMAS, min_size=4, max_size=8))
def test_an_answer_parses_and_obeys_its_schema_even_when_the_model_raves(engine, grammars, schemas):
    rows = [asked(grammars, {"json": schema}) for schema in schemas]
    drain(engine, rows)
    for schema, row in zip(schemas, rows, strict=True):
        assert row.finish_reason == "stop", (schema, text(row))
        jsonschema.validate(json.loads(text(row)), schema)
        assert generated(row)[-1] == EOS


def test_rows_with_and_without_a_grammar_share_a_batch(engine, grammars):
    free = [sequence([prompt] * 3, max_tokens=30) for prompt in (310, 311)]
    drain(engine, free)
    beside = [sequence([prompt] * 3, max_tokens=30) for prompt in (310, 311)]
    alone = asked(grammars, {"json": WEATHER}, seed=5)
    drain(engine, [alone])
    again, choice = asked(grammars, {"json": WEATHER}, seed=5), asked(grammars, {"choice": ["yes", "no"]})
    drain(engine, [beside[0], again, choice, beside[1]])
    assert [generated(row) for row in beside] == [generated(row) for row in free]
    assert generated(again) == generated(alone)
    assert text(choice) in ("yes", "no")


def test_log_probabilities_are_the_models_own(engine, grammars):
    model = tiny_model(vocab_size=4096, max_position_embeddings=1024)
    row = asked(grammars, {"choice": ["maybe"]}, logprobs=2)
    outputs = drain(engine, [row])
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor([row.token_ids])).logits[0].log_softmax(-1)
    for i, output in enumerate(outputs, start=row.n_prompt - 1):
        assert output.place.logprob == pytest.approx(float(expected[i, row.token_ids[i + 1]]), abs=1e-3)
        assert [id for id, _ in output.place.top] == expected[i].topk(2).indices.tolist()


def test_biases_and_penalties_choose_among_what_the_grammar_allows(engine, grammars):
    (a,), (b,) = TOKENIZER.encode("a"), TOKENIZER.encode("b")
    for wanted, other in ((a, b), (b, a)):
        bias = {wanted: 100.0, other: -100.0, 500: 100.0}
        row = asked(grammars, {"choice": ["a", "b"]}, logit_bias=bias, frequency_penalty=2.0)
        drain(engine, [row])
        assert generated(row) == [wanted, EOS]


def test_an_answer_that_is_cut_says_so_and_is_a_beginning(engine, grammars):
    row = asked(grammars, {"json": WEATHER}, max_tokens=3)
    drain(engine, [row])
    assert row.finish_reason == "length" and '{"city":'.startswith(text(row)[:8].replace(": ", ":"))


def test_json_has_no_room_for_endless_white_space(grammars):
    assert accepts(grammars, {"json": WEATHER}, '{"city":"Rome"}')
    assert accepts(grammars, {"json": WEATHER}, '{"city": "Rome"}')
    for endless in (
        '{"city":  "Rome"}',
        '{ "city": "Rome"}',
        '{"city": "Rome"}\n',
        ' {"city": "Rome"}',
        "{}",
    ):
        assert not accepts(grammars, {"json": WEATHER}, endless)
    assert accepts(grammars, {"json_object": True}, '{"a": [1, {"b": null}]}')
    assert not accepts(grammars, {"json_object": True}, "[1]")


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1, max_size=4
    )
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_choice_is_made_as_it_was_written(engine, grammars, texts):
    row = asked(grammars, {"choice": texts})
    drain(engine, [row])
    assert text(row) in texts


def test_an_expression_matches_the_whole_answer(engine, grammars):
    for expression in (r"[A-Z]{3}-\d{2}", r"^a|bb$", "(?i)hello/world", "a.c"):
        row = asked(grammars, {"regex": expression})
        drain(engine, [row])
        assert re.fullmatch(expression, text(row)), (expression, text(row))
    assert not accepts(grammars, {"regex": "a.c"}, "a\nc")


def test_a_grammar_names_special_tokens_without_quotes(grammars):
    reason = {"grammar": r'start: <think> /[a-z ]*/ </think> "yes"'}
    assert accepts(grammars, reason, "<think>so be it</think>yes")
    assert not accepts(grammars, reason, "yes")
    assert accepts(grammars, {"grammar": 'root ::= "a" | "b"'}, "b")


def tool(name: str) -> dict[str, Any]:
    return {
        "type": "tag",
        "begin": f'<tool_call>\n{{"name": "{name}", "arguments": ',
        "content": {"type": "json_schema", "json_schema": WEATHER},
        "end": "}\n</tool_call>",
    }


def calls(**flags: bool) -> dict[str, Any]:
    form = {"type": "triggered_tags", "triggers": ["<tool_call>"], "tags": [tool("get_weather"), tool("get")]}
    return {"structural_tag": {"type": "structural_tag", "format": {**form, **flags}}}


@pytest.mark.parametrize(
    ("flags", "allowed", "forbidden"),
    [
        ({}, ["", "Hello.", PARIS, f"Well:\n{OSLO}", f"{PARIS}\n{OSLO}", "<think>a</think>b"], []),
        ({"stop_after_first": True}, ["Hello.", f"So {PARIS}"], [f"{PARIS}\n{OSLO}", f"{PARIS}."]),
        ({"at_least_one": True}, [PARIS, f"{PARIS}\n{OSLO}"], ["", "Hello.", f"Well:\n{OSLO}"]),
        ({"at_least_one": True, "stop_after_first": True}, [PARIS, OSLO], ["Hello.", f"{PARIS}\n{OSLO}"]),
    ],
)
def test_calls_stand_in_free_text_as_often_as_they_may(grammars, flags, allowed, forbidden):
    for answer in allowed:
        assert accepts(grammars, calls(**flags), answer), answer
    broken = [
        PARIS.replace("city", "town"),
        PARIS.replace("get_weather", "rm"),
        "<tool_call>\nwell",
        PARIS[:-12],
    ]
    for answer in forbidden + broken:
        assert not accepts(grammars, calls(**flags), answer), answer


def test_a_tag_cannot_be_spelt_in_other_tokens(grammars):
    spelt = [id for character in "<tool_call>" for id in TOKENIZER.encode(character)]
    matcher = grammars.compile(calls()).result().begin()
    assert TOKENIZER.decode(spelt) == "<tool_call>" and not all(matcher.take(id) for id in spelt)


def test_a_required_call_is_made_by_a_model_that_knows_of_none(engine, grammars):
    row = asked(grammars, calls(at_least_one=True, stop_after_first=True), max_tokens=300)
    drain(engine, [row])
    body = re.fullmatch(r"<tool_call>\n(.*)\n</tool_call>", text(row), re.DOTALL)
    assert body and row.finish_reason == "stop"
    call = json.loads(body[1])
    assert call["name"] in ("get_weather", "get")
    jsonschema.validate(call["arguments"], WEATHER)


def test_tags_alone_with_something_between_them(grammars):
    form = {
        "type": "tags_with_separator",
        "separator": "\n",
        "tags": [tool("get_weather"), tool("get")],
        "at_least_one": True,
    }
    alone = {"structural_tag": {"type": "structural_tag", "format": form}}
    assert accepts(grammars, alone, f"{PARIS}\n{OSLO}\n{PARIS}")
    assert not accepts(grammars, alone, f"{PARIS}{OSLO}") and not accepts(grammars, alone, "")


def test_tags_that_are_no_tokens_and_the_older_spelling(grammars):
    structures = [{"begin": "<function=f>", "schema": WEATHER, "end": "</function>"}]
    older = {"structural_tag": json.dumps({"structures": structures, "triggers": ["<function="]})}
    call = '<function=f>{"city": "Rome"}</function>'
    for answer in ("a <b> c", call, f"a{call} b {call}"):
        assert accepts(grammars, older, answer)
    assert not accepts(grammars, older, "<function=g>{}</function>")


def test_reasoning_before_an_object(grammars):
    reasoning = {"type": "tag", "begin": "<think>", "content": {"type": "any_text"}, "end": "</think>"}
    answer = {"type": "json_schema", "json_schema": WEATHER}
    form = {"type": "sequence", "elements": [reasoning, answer]}
    both = {"structural_tag": {"type": "structural_tag", "format": form}}
    assert accepts(grammars, both, '<think>Hm, {"no"}?</think>{"city": "Rome"}')
    assert not accepts(grammars, both, '{"city": "Rome"}')


@pytest.mark.parametrize(
    ("structured", "says"),
    [
        ({}, "exactly one of"),
        ({"json": {}, "regex": "a"}, "exactly one of"),
        ({"yaml": "a"}, "yaml is not supported"),
        ({"json": "{"}, "no JSON"),
        ({"json": [1]}, "must be an object"),
        ({"json": {"type": "strin"}}, "Invalid type: strin"),
        ({"json": {"not": {"type": "string"}}}, "'not' cannot be enforced"),
        ({"json": {"type": "array", "items": {"uniqueItems": True}}}, "'uniqueItems' cannot be enforced"),
        ({"json": {"if": {}, "then": {}}}, "'if', 'then'"),
        ({"json": {"oneOf": [{"type": "string"}, {"minLength": 1}]}}, "'oneOf'.*'anyOf'"),
        ({"json": {"type": "object", "minProperties": 2}}, "'minProperties'"),
        ({"json": {"allOf": [{"type": "string"}, {"type": "null"}]}}, "Unsatisfiable"),
        ({"json": {"$ref": "http://nowhere/schema"}}, "does not fetch"),
        ({"json": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}}, "no answer can satisfy it"),
        ({"json": {"type": "string", "pattern": r"(?=a)b"}}, "look-around"),
        ({"json_object": False}, "must be true"),
        ({"regex": "("}, "unclosed group"),
        ({"regex": ""}, "not empty"),
        ({"choice": []}, "one at least"),
        ({"grammar": "start: nothing"}, "unknown name"),
        ({"grammar": "start: <nothing>"}, "unknown special token"),
        ({"structural_tag": {"format": {"type": "magic"}}}, "'magic' is not supported"),
        (
            {
                "structural_tag": {
                    "format": {
                        "type": "tag",
                        "begin": "x",
                        "content": {"type": "json_schema", "json_schema": {"not": {}}},
                        "end": "y",
                    }
                }
            },
            "'not' cannot",
        ),
    ],
)
def test_what_cannot_be_enforced_is_refused_by_name(grammars, structured, says):
    with pytest.raises(InvalidRequest, match=says) as caught:
        grammars.compile(structured).result()
    assert caught.value.param == "structured_outputs" and "\n" not in caught.value.message


def _nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "structured",
    [
        {"json": {"type": "string", "allOf": [{"pattern": f".*a.{{{i}}}b.*"} for i in range(5, 25)]}},
        {"regex": "(a{1000}){1000}"},
        {"regex": "(" * 20_000 + "a" + ")" * 20_000},
        {"json": _nested(95)},
        {"json": {"enum": ["x" * 100] * 5000}},
    ],
    ids=["for ever", "memory", "parentheses", "depth", "size"],
)
def test_a_grammar_that_would_take_the_engine_for_itself_is_refused_and_others_go_on(grammars, structured):
    refused = grammars.compile(structured)
    assert isinstance(refused.exception(timeout=20 * CHECK_CPU_S), InvalidRequest)
    assert accepts(grammars, {"choice": ["still here"]}, "still here")


def test_a_grammar_is_compiled_once(grammars):
    schema = {"json": {"type": "object", "properties": {"once": {"type": "null"}}}}
    first = [grammars.compile(schema) for _ in range(20)]
    assert len({id(one.result()) for one in first} | {id(grammars.compile(schema).result())}) == 1
    other = {
        "json": {
            "type": "object",
            "properties": {"b": {}, "a": {}},
            "required": ["a", "b"],
            "additionalProperties": False,
        }
    }
    swapped = json.loads(json.dumps(other).replace('"b": {}, "a": {}', '"a": {}, "b": {}'))
    assert accepts(grammars, other, '{"b":1,"a":2}') and not accepts(grammars, swapped, '{"b":1,"a":2}')
