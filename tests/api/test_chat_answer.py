"""Chunks as OpenAI sends them, and answers that are never passed off as what they are not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tunesmith.api.chat.answer import Answers, ChatStream
from tunesmith.api.chat.asked import Asked, JsonAnswer
from tunesmith.api.chat.structured import Wanted
from tunesmith.api.chat.tool_choice import Function
from tunesmith.api.chat.tool_format import HERMES
from tunesmith.api.generation.generation import Generation
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import GenerateRequest, TokenOutput
from tunesmith.errors import InvalidRequest
from tunesmith.settings import NANO

TOKENIZER = Tokenizer.load(NANO)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CALL = '<tool_call>\n{"name": "note", "arguments": {"a": 1}}\n</tool_call>'


class Engine:
    """Says what it is told to."""

    def __init__(self, text: str, *, reason: str = "stop", refusal: InvalidRequest | None = None) -> None:
        self._tokens = TOKENIZER.encode(text)
        self._reason = reason
        self._refusal = refusal

    async def generate(self, _request: GenerateRequest) -> AsyncIterator[TokenOutput]:
        if self._refusal is not None:
            raise self._refusal
        for token in self._tokens:
            yield TokenOutput(token)
        yield TokenOutput(TOKENIZER.eos_token_ids[0], finish_reason=self._reason, cached_tokens=3)  # type: ignore[arg-type]


def answers(engine: Engine, wanted: Wanted, *, stops: Sequence[str] = ()) -> Answers:
    generation = Generation(
        client=engine,  # type: ignore[arg-type]
        tokenizer=TOKENIZER,
        requests=[GenerateRequest([1, 2, 3, 4])],
        stops=stops,
        keep_tokens=False,
        prompt_tokens=4,
    )
    return Answers(generation, wanted)


def chunks(engine: Engine, wanted: Wanted, **options: Any) -> list[dict[str, Any]]:
    given: dict[str, Any] = {"logprobs": False, "with_usage": False, "obfuscated": False, **options}
    stream = ChatStream({"id": "chatcmpl-1"}, answers(engine, wanted), **given)

    async def read() -> bytes:
        return b"".join([piece async for piece in stream.pieces()])

    *events, done, end = asyncio.run(read()).decode().split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def free(**asked: Any) -> Wanted:
    return Wanted(Asked(None, **asked), HERMES, None)


def calling(*, strict: bool = False, **asked: Any) -> Wanted:
    function = Function(SCHEMA, strict=strict, param="tools[0].function.parameters")
    return Wanted(Asked([], functions={"note": function}, choice="auto", **asked), HERMES, None)


def test_a_call_begins_with_the_first_chunk_and_its_arguments_follow() -> None:
    first, *rest = [chunk["choices"][0] for chunk in chunks(Engine(CALL), calling())]
    [begun] = first["delta"].pop("tool_calls")
    assert first["delta"] == {"role": "assistant", "content": None, "refusal": None}
    assert begun.pop("id").startswith("call_")
    assert begun == {"index": 0, "type": "function", "function": {"name": "note", "arguments": ""}}
    parts = [chunk["delta"]["tool_calls"][0] for chunk in rest[:-1]]
    assert [set(part) for part in parts] == [{"index", "function"}] * len(parts)
    assert "".join(part["function"]["arguments"] for part in parts) == '{"a": 1}'
    assert rest[-1] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}


def test_words_before_a_call_come_first() -> None:
    deltas = [
        chunk["choices"][0]["delta"] for chunk in chunks(Engine(f"Let me look.\n{CALL}\n{CALL}"), calling())
    ]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(delta.get("content") or "" for delta in deltas) == "Let me look."
    begun = [call["index"] for delta in deltas for call in delta.get("tool_calls", ()) if "id" in call]
    assert begun == [0, 1]


def test_one_call_ends_the_answer() -> None:
    made = answers(Engine(f"{CALL}\n{CALL}"), calling(parallel=False))
    [choice] = asyncio.run(made.collect(logprobs=False))
    assert len(choice.message.tool_calls or []) == 1 and choice.finish_reason == "tool_calls"


def test_chunks_are_padded_to_a_common_length() -> None:
    seen = chunks(Engine("Hello there, how are you today?"), free(), obfuscated=True, with_usage=True)
    assert all("obfuscation" in chunk for chunk in seen)
    texts = [(chunk["choices"][0]["delta"].get("content"), chunk["obfuscation"]) for chunk in seen[1:-2]]
    assert len({(len(text) + len(noise)) % 16 for text, noise in texts}) == 1
    assert "obfuscation" not in chunks(Engine("Hello"), free())[1]


def test_usage_comes_last_and_tells_what_was_cached() -> None:
    *others, last = chunks(Engine("Hello"), free(), with_usage=True)
    assert all(chunk["usage"] is None for chunk in others)
    assert last["choices"] == [] and last["usage"]["prompt_tokens_details"]["cached_tokens"] == 3


@pytest.mark.parametrize("text", ['{"a": "one"}', "Sorry."])
def test_an_answer_that_does_not_fit_its_schema_says_so_itself(text: str) -> None:
    wanted = free(answer=JsonAnswer(SCHEMA, "note", strict=True))
    [choice] = asyncio.run(answers(Engine(text), wanted).collect(logprobs=False))
    assert choice.message.content == text
    assert "does not fit the schema" in (choice.message.refusal or "")
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(Engine(text), wanted)]
    assert deltas[-2] == {"refusal": choice.message.refusal}


def test_a_strict_call_that_does_not_fit_says_so_too() -> None:
    call = CALL.replace("1", '"x"')
    [choice] = asyncio.run(answers(Engine(call), calling(strict=True)).collect(logprobs=False))
    assert "the arguments of note: at a" in (choice.message.refusal or "")
    [loose] = asyncio.run(answers(Engine(call), calling()).collect(logprobs=False))
    assert loose.message.refusal is None


def test_what_was_cut_off_is_not_measured_by_its_schema() -> None:
    wanted = free(answer=JsonAnswer(SCHEMA, "note", strict=True))
    [choice] = asyncio.run(answers(Engine('{"a', reason="length"), wanted).collect(logprobs=False))
    assert (choice.finish_reason, choice.message.refusal) == ("length", None)


def test_what_a_stop_string_has_cut_is_not_measured_either() -> None:
    wanted = free(answer=JsonAnswer(SCHEMA, "note", strict=True))
    [choice] = asyncio.run(answers(Engine('{"a": 1}'), wanted, stops=[":"]).collect(logprobs=False))
    assert (choice.message.content, choice.finish_reason) == ('{"a"', "stop")
    assert choice.message.refusal is None
    [choice] = asyncio.run(answers(Engine(CALL), calling(strict=True), stops=["1"]).collect(logprobs=False))
    [call] = choice.message.tool_calls or []
    assert (call.function.arguments, choice.finish_reason) == ('{"a": ', "stop")
    assert choice.message.refusal is None


def test_without_strict_a_schema_is_a_wish() -> None:
    wanted = free(answer=JsonAnswer(SCHEMA, "note", strict=False))
    [choice] = asyncio.run(answers(Engine('{"a": "one"}'), wanted).collect(logprobs=False))
    assert (choice.message.content, choice.message.refusal) == ('{"a": "one"}', None)


def test_the_engines_refusal_of_a_grammar_names_the_clients_field() -> None:
    refusal = InvalidRequest(
        "The grammar cannot be used: no answer can satisfy it", param="structured_outputs"
    )
    wanted = free(answer=JsonAnswer(SCHEMA, "note", strict=True))
    with pytest.raises(InvalidRequest, match="response_format 'note': no answer can satisfy it") as raised:
        asyncio.run(answers(Engine("", refusal=refusal), wanted).collect(logprobs=False))
    assert raised.value.param == "response_format"
    with pytest.raises(InvalidRequest, match="function 'note'") as raised:
        asyncio.run(answers(Engine("", refusal=refusal), calling(strict=True)).collect(logprobs=False))
    assert raised.value.param == "tools[0].function.parameters"
