"""The assistant's answer: text and tool calls out of deltas, as one object or as a stream of chunks.

A chunk's JSON is put together from prepared pieces; per token there is one string to quote and nothing to
validate.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.chat.structured import Wanted
from tunesmith.api.chat.tool_calls import CallArguments, CallBegun, Piece, ToolCallParser
from tunesmith.api.generation.choice_text import Delta
from tunesmith.api.generation.generation import Generation
from tunesmith.api.generation.logprobs import chat_entries
from tunesmith.api.http.json_text import quoted
from tunesmith.api.http.sse import DONE
from tunesmith.engine_client import TokenOutput
from tunesmith.errors import InvalidRequest
from tunesmith.wire.chat import AssistantMessage, CalledFunction, Choice, ChoiceLogprobs, MadeToolCall

OBFUSCATED_BYTES = 16
"""A streamed piece and its obfuscation together are a multiple of this long, so that the sizes of encrypted
packets do not tell the tokens."""
_RANDOM = ids.random_name(4096)
_INLINE_CHARS = 8 * 1024
"""A longer answer is checked against its schema off the event loop."""


@dataclass
class _Call:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)


@dataclass
class Answer:
    """One choice while it grows."""

    texts: list[str] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    tokens: list[TokenOutput] = field(default_factory=list)
    """Kept for log-probabilities."""
    finish_reason: str = "stop"
    refusal: str | None = None
    """Why a finished answer is not what was asked for, where it had to fit a schema and does not."""

    def add(self, pieces: Iterable[Piece]) -> None:
        """The next pieces of it."""
        for piece in pieces:
            if isinstance(piece, CallBegun):
                self.calls.append(_Call(ids.new_id("call"), piece.name))
            elif isinstance(piece, CallArguments):
                self.calls[-1].arguments.append(piece.text)
            else:
                self.texts.append(piece)

    @property
    def text(self) -> str:
        """What was said besides calls."""
        return "".join(self.texts)

    def called(self) -> list[tuple[str, str]]:
        """The calls as names and JSON texts."""
        return [(call.name, "".join(call.arguments)) for call in self.calls]

    def message(self, *, legacy: bool) -> AssistantMessage:
        """As the wire has it."""
        text = self.text
        if not self.calls:
            return AssistantMessage(content=text, refusal=self.refusal)
        functions = [CalledFunction(name=name, arguments=arguments) for name, arguments in self.called()]
        if legacy:
            return AssistantMessage(content=text or None, refusal=self.refusal, function_call=functions[0])
        made = [
            MadeToolCall(id=call.id, function=function)
            for call, function in zip(self.calls, functions, strict=True)
        ]
        return AssistantMessage(content=text or None, refusal=self.refusal, tool_calls=made)


class Answers:
    """The choices of one chat request while they grow."""

    def __init__(self, generation: Generation, wanted: Wanted) -> None:
        self.generation = generation
        self.wanted = wanted
        self.choices = [Answer() for _ in generation.requests]
        """What there is of each so far; whole once `steps` has ended."""
        self._parsers = (
            [ToolCallParser(wanted.callable_names, wanted.form) for _ in generation.requests]
            if wanted.callable_names
            else []
        )

    @property
    def may_call(self) -> bool:
        """Whether tool calls are told from text, so that the first tokens may show nothing yet."""
        return bool(self._parsers)

    async def steps(self) -> AsyncGenerator[tuple[int, list[Piece], Delta], None]:
        """For each delta: its choice, the text and the parts of calls that it brings, and the delta.

        `choices` has taken them in before they are yielded. Where one call is wanted, the choice ends with
        it. Raises InvalidRequest when the engine cannot enforce what was asked for.
        """
        ended = 0
        done = [False] * len(self.choices)
        try:
            async with aclosing(self.generation.deltas()) as deltas:
                async for index, delta in deltas:
                    if done[index]:
                        continue
                    pieces, delta = self._read(index, delta)
                    answer = self.choices[index]
                    answer.add(pieces)
                    answer.tokens += delta.tokens
                    if delta.finish_reason is not None:
                        done[index] = True
                        ended += 1
                        answer.finish_reason = delta.finish_reason
                        if self.wanted.is_checked and not self._is_cut(index, delta):
                            answer.refusal = await self._unmet(answer)
                    yield index, pieces, delta
                    if ended == len(done):
                        return
        except InvalidRequest as error:
            raise self.wanted.refusal_of(error) from error

    def _read(self, index: int, delta: Delta) -> tuple[list[Piece], Delta]:
        if not self._parsers:
            return [delta.text] if delta.text else [], delta
        parser = self._parsers[index]
        pieces = parser.add(delta.text)
        if self.wanted.ends_after_call and parser.n_ended:
            pieces = _through_first_call(pieces)
            delta = delta._replace(finish_reason="stop")
        elif delta.finish_reason is not None:
            pieces += parser.flush(cut=self._is_cut(index, delta))
            if self.wanted.one_call:
                pieces = _through_first_call(pieces)
        if delta.finish_reason == "stop" and parser.n_begun:
            half = parser.n_ended < parser.n_begun and self._is_cut(index, delta)
            delta = delta._replace(finish_reason="stop" if half else self.wanted.finish_reason)
        return pieces, delta

    def _is_cut(self, index: int, delta: Delta) -> bool:
        """Whether a finished answer is only the beginning of one: by a stop string or for want of tokens."""
        return delta.finish_reason == "length" or self.generation.texts[index].is_cut

    async def _unmet(self, answer: Answer) -> str | None:
        text, calls = answer.text, answer.called()
        if len(text) + sum(len(arguments) for _, arguments in calls) > _INLINE_CHARS:
            return await run_in_threadpool(self.wanted.unmet, text, calls)
        return self.wanted.unmet(text, calls)

    async def finish(self) -> None:
        """Takes all steps."""
        async with aclosing(self.steps()) as steps:
            async for _ in steps:
                pass

    async def collect(self, *, logprobs: bool) -> list[Choice]:
        """All choices, finished."""
        await self.finish()
        return self.finished(logprobs=logprobs)

    def finished(self, *, logprobs: bool) -> list[Choice]:
        """The choices as the wire has them, once `steps` has ended."""
        tokenizer = self.generation.tokenizer
        return [
            Choice(
                index=index,
                message=answer.message(legacy=self.wanted.legacy),
                logprobs=ChoiceLogprobs(content=chat_entries(tokenizer, answer.tokens))  # type: ignore[arg-type]
                if logprobs
                else None,
                finish_reason=answer.finish_reason,  # type: ignore[arg-type]
            )
            for index, answer in enumerate(self.choices)
        ]


class ChatStream:
    """The chunks of one streamed answer."""

    def __init__(
        self,
        head: dict[str, Any],
        answers: Answers,
        *,
        logprobs: bool,
        with_usage: bool,
        obfuscated: bool,
        at_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`at_end` is awaited when all has been generated, before the stream's last event."""
        self._answers = answers
        self._logprobs = logprobs
        self._with_usage = with_usage
        self._at_end = at_end
        head = {**head, "object": "chat.completion.chunk", "service_tier": "default"}
        self._head = (
            "data: " + json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1] + ',"choices":['
        )
        self._usage = ',"usage":null' if with_usage else ""
        start = secrets.randbelow(len(_RANDOM) - OBFUSCATED_BYTES)
        self._noise = _RANDOM[start : start + OBFUSCATED_BYTES] if obfuscated else ""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """One or more whole events at a time; the first of a choice carries its role."""
        answers = self._answers
        greeted: set[int] = set()
        async with aclosing(answers.steps()) as steps:
            async for index, pieces, delta in steps:
                events: list[str] = []
                logprobs = self._entries(delta.tokens) if self._logprobs and delta.tokens else "null"
                if index not in greeted:
                    if not pieces and delta.finish_reason is None and answers.may_call and logprobs == "null":
                        continue  # whether it speaks or calls is told by its first event
                    greeted.add(index)
                    if pieces and isinstance(pieces[0], CallBegun):
                        call = self._delta(index, pieces[0], 0)
                        greeting = f'"role":"assistant","content":null,{call},"refusal":null'
                        events.append(self._event(index, greeting, logprobs, 0))
                        pieces = pieces[1:]
                        logprobs = "null"
                    else:
                        greeting = '"role":"assistant","content":"","refusal":null'
                        events.append(self._event(index, greeting, "null", 0))
                if logprobs != "null":
                    pieces = pieces or [""]
                n_begun = len(answers.choices[index].calls) - sum(
                    isinstance(piece, CallBegun) for piece in pieces
                )
                for piece in pieces:
                    n_begun += isinstance(piece, CallBegun)
                    said = self._delta(index, piece, n_begun - 1)
                    events.append(self._event(index, said, logprobs, _size(said)))
                    logprobs = "null"  # the tokens are told once
                if delta.finish_reason is not None:
                    refusal = answers.choices[index].refusal
                    if refusal is not None:
                        events.append(self._event(index, f'"refusal":{quoted(refusal)}', "null", 0))
                    events.append(self._event(index, "", "null", 0, f'"{delta.finish_reason}"'))
                if events:
                    yield "".join(events).encode()
        if self._at_end is not None:
            await self._at_end()
        last = ""
        if self._with_usage:
            usage = answers.generation.usage().model_dump_json()
            last = f'{self._head}],"usage":{usage}{self._obfuscation(0)}}}\n\n'
        yield last.encode() + DONE

    def _event(self, index: int, delta: str, logprobs: str, n_bytes: int, reason: str = "null") -> str:
        return (
            f'{self._head}{{"index":{index},"delta":{{{delta}}},"logprobs":{logprobs},"finish_reason":{reason}}}]'
            f"{self._usage}{self._obfuscation(n_bytes)}}}\n\n"
        )

    def _obfuscation(self, n_bytes: int) -> str:
        if not self._noise:
            return ""
        return f',"obfuscation":"{self._noise[n_bytes % OBFUSCATED_BYTES :]}"'

    def _entries(self, tokens: Iterable[TokenOutput]) -> str:
        entries = chat_entries(self._answers.generation.tokenizer, tokens)
        return json.dumps({"content": entries, "refusal": None})

    def _delta(self, index: int, piece: Piece, number: int) -> str:
        if isinstance(piece, str):
            return f'"content":{quoted(piece)}'
        legacy = self._answers.wanted.legacy
        if isinstance(piece, CallArguments):
            function = f'{{"arguments":{quoted(piece.text)}}}'
            if legacy:
                return f'"function_call":{function}'
            return f'"tool_calls":[{{"index":{number},"function":{function}}}]'
        function = f'{{"name":{quoted(piece.name)},"arguments":""}}'
        if legacy:
            return f'"function_call":{function}'
        call_id = self._answers.choices[index].calls[number].id
        return f'"tool_calls":[{{"index":{number},"id":"{call_id}","type":"function","function":{function}}}]'


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _through_first_call(pieces: list[Piece]) -> list[Piece]:
    """Without what follows the first call that these pieces begin, or go on with."""
    kept: list[Piece] = []
    in_call = bool(pieces) and isinstance(pieces[0], CallArguments)
    for piece in pieces:
        if in_call and not isinstance(piece, CallArguments):
            break
        in_call = in_call or isinstance(piece, CallBegun)
        kept.append(piece)
    return kept
