"""The texts of a legacy completion: echoed, ranked, with log-probabilities, as one object or as a
stream of chunks."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from tunesmith import ids
from tunesmith.api.chat.answer import OBFUSCATED_BYTES
from tunesmith.api.generation.choice_text import Delta
from tunesmith.api.generation.generation import Generation
from tunesmith.api.generation.logprobs import CompletionLogprobs
from tunesmith.api.http.json_text import quoted
from tunesmith.api.http.sse import DONE
from tunesmith.engine_client import PromptLogprob, TokenOutput
from tunesmith.wire.chat import Usage
from tunesmith.wire.completions import CompletionChoice


@dataclass(frozen=True)
class Prompt:
    """One prompt of the request."""

    text: str
    token_ids: list[int]
    shown: slice = field(default_factory=lambda: slice(None))
    """Which of the tokens are the text: the others are a template's."""


class Texts:
    """The continuations of one request while they grow: `best_of` for each prompt, of which `n` are
    answered."""

    def __init__(
        self,
        generation: Generation,
        prompts: list[Prompt],
        *,
        n: int,
        best_of: int,
        echo: bool,
        logprobs: int | None,
        nothing_new: bool,
    ) -> None:
        """`nothing_new`: the engine's one token is not wanted, only the echoed prompt."""
        self.generation = generation
        self.prompts = prompts
        self.n = n
        self.best_of = best_of
        self.echo = echo
        self.logprobs = logprobs
        self.nothing_new = nothing_new

    def usage(self) -> Usage:
        """Tokens so far; each prompt counts once."""
        usage = self.generation.usage()
        if self.nothing_new:
            return usage.model_copy(update={"completion_tokens": 0, "total_tokens": usage.prompt_tokens})
        return usage

    def counts(self) -> tuple[int, int, int]:
        """Tokens so far: of the prompts, of those from a cache, of the continuations."""
        prompt, cached, completion = self.generation.counts()
        return prompt, cached, 0 if self.nothing_new else completion

    async def steps(self) -> AsyncGenerator[tuple[int, str, dict[str, Any] | None, Delta], None]:
        """For each delta: its sequence, the text that it adds (the prompt's too, at the start), and
        the log-probabilities."""
        n_sequences = len(self.generation.requests)
        scribes = [
            CompletionLogprobs(self.generation.tokenizer, self.logprobs or 0) for _ in range(n_sequences)
        ]
        begun = [False] * n_sequences
        async with aclosing(self.generation.deltas()) as deltas:
            async for index, delta in deltas:
                if self.nothing_new:
                    delta = Delta("", delta.tokens, "length")
                text = delta.text
                tokens: list[Any] = [] if self.nothing_new else list(delta.tokens)
                if self.echo and not begun[index]:
                    prompt = self.prompts[index // self.best_of]
                    text = prompt.text + text
                    if self.logprobs is not None:
                        tokens = [*self._prompt_tokens(prompt, index), *tokens]
                begun[index] = True
                entries = scribes[index].entries(tokens) if self.logprobs is not None and tokens else None
                yield index, text, entries, delta

    def _prompt_tokens(self, prompt: Prompt, index: int) -> list[PromptLogprob | tuple[int, None]]:
        measured = self.generation.texts[index].prompt_logprobs or []
        return [
            entry if entry is not None else (token_id, None)
            for token_id, entry in zip(prompt.token_ids, measured, strict=True)
        ][prompt.shown]

    async def collect(self) -> list[CompletionChoice]:
        """All choices, finished: of each prompt's sequences the `n` that the model finds likeliest per
        token."""
        n_sequences = len(self.generation.requests)
        texts: list[list[str]] = [[] for _ in range(n_sequences)]
        entries: list[list[dict[str, Any]]] = [[] for _ in range(n_sequences)]
        tokens: list[list[TokenOutput]] = [[] for _ in range(n_sequences)]
        reasons = ["stop"] * n_sequences
        async with aclosing(self.steps()) as steps:
            async for index, text, step_entries, delta in steps:
                texts[index].append(text)
                tokens[index] += delta.tokens
                if step_entries is not None:
                    entries[index].append(step_entries)
                reasons[index] = delta.finish_reason or reasons[index]
        choices: list[CompletionChoice] = []
        for first in range(0, n_sequences, self.best_of):
            sequences = list(range(first, first + self.best_of))
            if self.best_of > self.n:
                sequences.sort(key=lambda at: -_mean_logprob(tokens[at]))
            for index in sequences[: self.n]:
                choices.append(
                    CompletionChoice(
                        text="".join(texts[index]),
                        index=len(choices),
                        logprobs=_joined(entries[index]) if self.logprobs is not None else None,  # type: ignore[arg-type]
                        finish_reason=reasons[index],  # type: ignore[arg-type]
                    )
                )
        return choices


class CompletionStream:
    """The chunks of one streamed answer, put together from prepared pieces."""

    def __init__(self, head: dict[str, Any], texts: Texts, *, with_usage: bool, obfuscated: bool) -> None:
        self._texts = texts
        self._with_usage = with_usage
        self._noise = ids.random_name(OBFUSCATED_BYTES) if obfuscated else ""
        self._head = (
            "data: " + json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1] + ',"choices":['
        )
        self._usage = ',"usage":null' if with_usage else ""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """One event at a time."""
        async with aclosing(self._texts.steps()) as steps:
            async for index, text, entries, delta in steps:
                if not text and entries is None and delta.finish_reason is None:
                    continue
                reason = f'"{delta.finish_reason}"' if delta.finish_reason else "null"
                logprobs = json.dumps(entries) if entries is not None else "null"
                said = quoted(text)
                yield (
                    f'{self._head}{{"text":{said},"index":{index},"logprobs":{logprobs},'
                    f'"finish_reason":{reason}}}]{self._usage}{self._obfuscation(said)}}}\n\n'
                ).encode()
        usage = self._texts.usage().model_dump_json()
        last = f'{self._head}],"usage":{usage}{self._obfuscation("")}}}\n\n' if self._with_usage else ""
        yield last.encode() + DONE

    def _obfuscation(self, said: str) -> str:
        if not self._noise:
            return ""
        n_bytes = len(said) if said.isascii() else len(said.encode())
        return f',"obfuscation":"{self._noise[n_bytes % OBFUSCATED_BYTES :]}"'


def _mean_logprob(tokens: list[TokenOutput]) -> float:
    known = [token.logprob for token in tokens if token.logprob is not None]
    return sum(known) / len(known) if known else 0.0


def _joined(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Log-probabilities of several steps as those of one text."""
    joined: dict[str, Any] = {"text_offset": [], "token_logprobs": [], "tokens": [], "top_logprobs": []}
    for step in entries:
        for name, values in step.items():
            if values is None:
                joined[name] = None
            else:
                joined[name] += values
    return joined
