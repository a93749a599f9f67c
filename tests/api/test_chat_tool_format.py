"""A base's way to write calls is read off its template, and the grammars made of it take what it writes and
nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer
from llguidance import TokenizerWrapper as Wrapper

from tests.data import bases
from tunesmith.api.chat.asked import Asked, JsonAnswer
from tunesmith.api.chat.structured import wanted
from tunesmith.api.chat.tool_calls import ToolCallParser, joined
from tunesmith.api.chat.tool_choice import Function
from tunesmith.api.chat.tool_format import HERMES, PLAIN, CallFormat, call_format
from tunesmith.data.chat_template import Renderer
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.settings import NANO

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = Function(CITY, strict=True, param="tools[0].function.parameters")


def test_nano_writes_calls_as_hermes_does() -> None:
    assert call_format(Renderer.load(NANO)) == HERMES


@pytest.fixture(params=["chatml", "llama3", "mistral"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Renderer:
    return Renderer.load(bases.write_base(tmp_path / "base", *bases.TEMPLATES[request.param]))


def _accepts(grammar: str, tokenizer: Tokenizer, text: str) -> bool:
    """Whether the grammar takes the text to its end, by the tokenizer's own tokens."""

    class Tokens:
        eos_token_id = tokenizer.eos_token_ids[0]
        bos_token_id = None
        tokens = [tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)]  # noqa: RUF012
        special_token_ids = [i for i in range(tokenizer.vocab_size) if tokenizer.is_special(i)]  # noqa: RUF012

        def __call__(self, text: str) -> list[int]:
            return tokenizer.encode(text)

    tree = LLTokenizer(Wrapper(Tokens()), eos_token=list(tokenizer.eos_token_ids), slices=[])
    matcher = LLMatcher(tree, grammar)
    assert not matcher.is_error(), matcher.get_error()
    ids = tokenizer.encode(text)
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


def _asked(choice: Any = "required", **fields: Any) -> Asked:
    return Asked(tools=[], functions={"get_weather": WEATHER}, choice=choice, **fields)


def _grammar(asked: Asked, form: CallFormat | None, tokenizer: Tokenizer) -> str:
    structured = wanted(asked, form, tokenizer).structured
    assert structured is not None
    return structured["grammar"]


def _written(renderer: Renderer, n: int) -> str:
    """What the template prints for the assistant's `n` calls."""
    call = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    tools = [{"type": "function", "function": {"name": "get_weather", "description": "", "parameters": CITY}}]
    user = {"role": "user", "content": "Weather?"}
    calls = [{"id": f"abcdefgh{i}", "type": "function", "function": call} for i in range(n)]
    turns = [{"role": "tool", "tool_call_id": c["id"], "content": "sunny"} for c in calls]
    before = renderer.prompt_text([user], tools)
    whole = renderer.prompt_text([user, {"role": "assistant", "tool_calls": calls}, *turns], tools)
    end = renderer.tokenizer.token_bytes(renderer.tokenizer.eos_token_ids[0]).decode()
    return whole[len(before) :].partition(end)[0]


def test_what_a_template_prints_is_what_the_grammar_takes_and_the_parser_reads(base: Renderer) -> None:
    form = call_format(base)
    assert form is not None
    counts = [1] if form.between is None else [1, 2]
    for n in counts:
        text = _written(base, n)
        for grammar in (
            _grammar(_asked(), form, base.tokenizer),
            _grammar(_asked("auto"), form, base.tokenizer),
        ):
            assert _accepts(grammar, base.tokenizer, text)
            assert not _accepts(grammar, base.tokenizer, text.replace("city", "town"))
            assert not _accepts(grammar, base.tokenizer, text.replace("get_weather", "launch"))
        parser = ToolCallParser({"get_weather"}, form)
        assert joined(parser.add(text) + parser.flush()) == [("get_weather", '{"city": "Paris"}')] * n
    if len(counts) == 2:
        single = _grammar(_asked(parallel=False), form, base.tokenizer)
        assert _accepts(single, base.tokenizer, _written(base, 1))
        assert not _accepts(single, base.tokenizer, _written(base, 2))


def test_words_are_free_where_no_call_is_forced(base: Renderer) -> None:
    form = call_format(base)
    assert _accepts(_grammar(_asked("auto"), form, base.tokenizer), base.tokenizer, "Who wrote Romeo?")
    assert not _accepts(_grammar(_asked(), form, base.tokenizer), base.tokenizer, "Who wrote Romeo?")


def test_with_a_schema_the_answer_is_a_call_or_fits(base: Renderer) -> None:
    referring = {
        **CITY,
        "properties": {"city": {"$ref": "#/$defs/name"}},
        "$defs": {"name": {"enum": ["Paris"]}},
    }
    answer = JsonAnswer(referring, "city", strict=True)
    grammar = _grammar(_asked("auto", answer=answer), call_format(base), base.tokenizer)
    assert _accepts(grammar, base.tokenizer, '{"city": "Paris"}')
    assert _accepts(grammar, base.tokenizer, _written(base, 1))
    assert not _accepts(grammar, base.tokenizer, "Paris")


def test_a_template_without_calls_gets_plain_json(tmp_path: Path) -> None:
    renderer = Renderer.load(bases.write_base(tmp_path / "base", *bases.TEMPLATES["gemma"]))
    assert call_format(renderer) is None
    asked = wanted(_asked(), None, renderer.tokenizer)
    assert asked.form == PLAIN and asked.structured is not None
    text = json.dumps({"name": "get_weather", "arguments": {"city": "Paris"}})
    assert _accepts(asked.structured["grammar"], renderer.tokenizer, text)


def test_nothing_is_enforced_where_nothing_is_asked_for() -> None:
    loose = Function(CITY, strict=False, param="")
    asked = Asked(tools=[], functions={"get_weather": loose}, choice="auto")
    assert wanted(asked, HERMES, Tokenizer.load(NANO)).structured is None
    assert wanted(Asked(None), HERMES, Tokenizer.load(NANO)).structured is None
