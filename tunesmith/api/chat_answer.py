"""The assistant's answer: text and tool calls out of deltas, as one object or as a stream of chunks.

A chunk's JSON is put together from prepared pieces; per token there is one string to quote and nothing to
validate.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from tunesmith import ids
from tunesmith.api.choice_text import Delta
from tunesmith.api.generation import Generation
from tunesmith.api.json_text import quoted
from tunesmith.api.logprobs import chat_entries
from tunesmith.api.sse import DONE
from tunesmith.api.tool_calls import Call, ToolCallParser
from tunesmith.engine_client import TokenOutput
from tunesmith.wire.chat import AssistantMessage, CalledFunction, Choice, ChoiceLogprobs, MadeToolCall


class Answers:
    """The choices of one chat request while they grow."""

    def __init__(
        self, generation: Generation, tool_names: frozenset[str], *, legacy: bool, one_call: bool
    ) -> None:
        self.generation = generation
        self.legacy = legacy
        self.one_call = one_call
        self._parsers = [ToolCallParser(tool_names) for _ in generation.requests] if tool_names else []

    async def steps(self) -> AsyncGenerator[tuple[int, list[str | Call], Delta], None]:
        """For each delta: its choice, the text and the calls that it completes, and the delta.

        Where one call is wanted, the choice ends with it.
        """
        ended: set[int] = set()
        async with aclosing(self.generation.deltas()) as deltas:
            async for index, delta in deltas:
                if not self._parsers:
                    yield index, [delta.text] if delta.text else [], delta
                    continue
                if index in ended:
                    continue
                parser = self._parsers[index]
                pieces = parser.add(delta.text)
                if self.one_call and parser.n_calls:
                    pieces = pieces[
                        : 1 + next(i for i, piece in enumerate(pieces) if isinstance(piece, Call))
                    ]
                    delta = delta._replace(finish_reason="stop")
                elif delta.finish_reason is not None:
                    pieces += parser.flush()
                    if self.one_call:
                        pieces = _with_one_call(pieces)
                if delta.finish_reason is not None:
                    ended.add(index)
                    if parser.n_calls:
                        delta = delta._replace(finish_reason="function_call" if self.legacy else "tool_calls")
                yield index, pieces, delta
                if len(ended) == len(self._parsers):
                    return

    async def collect(self, *, logprobs: bool) -> list[Choice]:
        """All choices, finished."""
        n = len(self.generation.requests)
        texts: list[list[str]] = [[] for _ in range(n)]
        calls: list[list[Call]] = [[] for _ in range(n)]
        tokens: list[list[TokenOutput]] = [[] for _ in range(n)]
        reasons = ["stop"] * n
        async with aclosing(self.steps()) as steps:
            async for index, pieces, delta in steps:
                for piece in pieces:
                    if isinstance(piece, Call):
                        calls[index].append(piece)
                    else:
                        texts[index].append(piece)
                tokens[index] += delta.tokens
                reasons[index] = delta.finish_reason or reasons[index]
        entries = [chat_entries(self.generation.tokenizer, kept) for kept in tokens] if logprobs else []
        return [
            Choice(
                index=index,
                message=self._message("".join(texts[index]), calls[index]),
                logprobs=ChoiceLogprobs(content=entries[index]) if logprobs else None,  # type: ignore[arg-type]
                finish_reason=reasons[index],  # type: ignore[arg-type]
            )
            for index in range(n)
        ]

    def _message(self, text: str, calls: list[Call]) -> AssistantMessage:
        if not calls:
            return AssistantMessage(content=text)
        if self.legacy:
            return AssistantMessage(
                content=text or None,
                function_call=CalledFunction(name=calls[0].name, arguments=calls[0].arguments),
            )
        made = [
            MadeToolCall(
                id=ids.new_id("call"), function=CalledFunction(name=call.name, arguments=call.arguments)
            )
            for call in calls
        ]
        return AssistantMessage(content=text or None, tool_calls=made)


class ChatStream:
    """The chunks of one streamed answer."""

    def __init__(self, head: dict[str, Any], answers: Answers, *, logprobs: bool, with_usage: bool) -> None:
        self._answers = answers
        self._logprobs = logprobs
        self._with_usage = with_usage
        head = {**head, "object": "chat.completion.chunk", "service_tier": "default"}
        self._head = (
            "data: " + json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1] + ',"choices":['
        )
        self._tail = '],"usage":null}\n\n' if with_usage else "]}\n\n"

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """One or more whole events at a time; the first of a choice carries its role."""
        greeted: set[int] = set()
        n_calls = [0] * len(self._answers.generation.requests)
        tails = [f'}},"logprobs":null,"finish_reason":null}}{self._tail}'] * len(n_calls)
        heads = [f'{self._head}{{"index":{index},"delta":{{' for index in range(len(n_calls))]
        async with aclosing(self._answers.steps()) as steps:
            async for index, pieces, delta in steps:
                events: list[str] = []
                if index not in greeted:
                    greeted.add(index)
                    events.append(
                        f'{heads[index]}"role":"assistant","content":"","refusal":null{tails[index]}'
                    )
                tail = tails[index]
                if self._logprobs and delta.tokens:
                    tail = f'}},"logprobs":{self._entries(delta.tokens)},"finish_reason":null}}{self._tail}'
                    pieces = pieces or [""]
                for piece in pieces:
                    if isinstance(piece, Call):
                        events.append(f"{heads[index]}{self._call(piece, n_calls[index])}{tail}")
                        n_calls[index] += 1
                    else:
                        events.append(f'{heads[index]}"content":{quoted(piece)}{tail}')
                    tail = tails[index]  # the tokens are told once
                if delta.finish_reason is not None:
                    events.append(
                        f'{heads[index]}}},"logprobs":null,"finish_reason":"{delta.finish_reason}"}}{self._tail}'
                    )
                if events:
                    yield "".join(events).encode()
        usage = self._answers.generation.usage().model_dump_json()
        last = f'{self._head}],"usage":{usage}}}\n\n'.encode() if self._with_usage else b""
        yield last + DONE

    def _entries(self, tokens: Iterable[TokenOutput]) -> str:
        entries = chat_entries(self._answers.generation.tokenizer, tokens)
        return json.dumps({"content": entries, "refusal": None})

    def _call(self, call: Call, number: int) -> str:
        function = f'{{"name":{quoted(call.name)},"arguments":{quoted(call.arguments)}}}'
        if self._answers.legacy:
            return f'"function_call":{function}'
        call_id = ids.new_id("call")
        return f'"tool_calls":[{{"index":{number},"id":"{call_id}","type":"function","function":{function}}}]'


def _with_one_call(pieces: list[str | Call]) -> list[str | Call]:
    calls = [index for index, piece in enumerate(pieces) if isinstance(piece, Call)]
    return pieces[: calls[0] + 1] if calls else pieces
