"""One renderer for training and for chat: messages become token ids through the model's own chat template.

Ids are those of transformers' `apply_chat_template`: the text is rendered once and encoded once, without
further special tokens. Loss weights are laid over the tokens by their character offsets, so they never change
an id. One rule stands above that: the prompt that serving would render is a token prefix of the example that
was trained. Where a tokenizer would merge the prompt's last token with the reply's first, the text is encoded
in those two pieces.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2

from tunesmith.data.examples import ChatExample, CompletionExample, Example, PreferenceExample
from tunesmith.data.jinja import Rendering, Template
from tunesmith.data.messages import Dialect, normalise, normalise_tools
from tunesmith.data.templates import DEFAULT, TOOL_USE, read_templates
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.data.turns import Transcript, Turns
from tunesmith.errors import BaseUnavailable, InvalidRequest, InvalidTrainingFile

ROW_CPU_S = 30.0
"""Processor time of all renderings of one training row: a template that does not tag the assistant's text is
rendered again for each reply, so a conversation of thousands of turns takes a square of them."""
MAX_ENDS = 100
"""Messages of a row whose ends are looked for, each by a rendering of its own."""


@dataclass(frozen=True)
class Rendered:
    """One example as tokens."""

    input_ids: list[int]
    weights: list[float]
    """Loss weight of each token as a *target*, same length; 0 for what is only read and for the first."""

    @property
    def n_supervised(self) -> int:
        """Tokens under the loss."""
        return sum(weight > 0 for weight in self.weights)

    def cut(self, max_length: int) -> Rendered:
        """The first `max_length` tokens."""
        if len(self.input_ids) <= max_length:
            return self
        return Rendered(self.input_ids[:max_length], self.weights[:max_length])


@dataclass(frozen=True)
class Layout:
    """One reply's example as tokens, and where each of them stands in the text."""

    rendered: Rendered
    text: str
    offsets: list[tuple[int, int]]
    """[start, end) characters of each token."""
    ends: list[tuple[str, int | None]]
    """Role of each message and the character where it ends; None where the template does not tell, and
    behind the first `MAX_ENDS`."""


class Renderer:
    """A base's tokenizer and chat template; use `Renderer.load(folder)`."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.load(folder)
        self._name = folder.name
        self._templates: dict[str, Template] = {}
        for name, source in read_templates(folder).items():
            try:
                self._templates[name] = Template(source, self.tokenizer.special_tokens)
            except jinja2.TemplateSyntaxError as error:
                raise BaseUnavailable(
                    f"The chat template {name!r} in {folder} is broken: line {error.lineno}: {error.message}"
                ) from error
        self._dialects: dict[str, Dialect] = {}

    @staticmethod
    def load(folder: Path | str) -> Renderer:
        """The renderer of a base folder, read once per process; raises `BaseUnavailable`."""
        return _load(Path(folder).absolute())

    @property
    def is_chat(self) -> bool:
        """Whether there is a chat template; without one only `raw_prompt` and prompt/completion rows work."""
        return bool(self._templates)

    def prompt(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> list[int]:
        """The ids of a conversation up to where the assistant is to speak.

        Raises `InvalidRequest` with the template's own words when it refuses the messages.
        """
        return self.tokenizer.encode(self.prompt_text(messages, tools))

    def prompt_text(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> str:
        """The text whose ids `prompt` gives."""
        name = self._choose(tools)
        return self._render(name, normalise(messages, self._dialect(name)), normalise_tools(tools), True).text

    def raw_prompt(self, text: str) -> list[int]:
        """The ids of a text without a template, as legacy completions take it."""
        return self.tokenizer.encode_raw(text)

    def example(self, example: Example) -> Rendered:
        """The ids and loss weights of a training row; a preference row gives the preferred reply's.

        Raises `InvalidTrainingFile` naming the line that the template refuses.
        """
        with _at(example.line):
            if isinstance(example, PreferenceExample):
                return self._chat(example.chosen())
            if isinstance(example, ChatExample):
                return self._chat(example)
            return self._chat(example.as_chat()) if self.is_chat else self._completion(example)

    def pair(self, example: PreferenceExample) -> tuple[Rendered, Rendered]:
        """The preferred and the other reply, each after the same prompt ids; raises as `example` does."""
        with _at(example.line):
            return self._chat(example.chosen()), self._chat(example.rejected())

    def layouts(self, example: Example) -> tuple[Layout, ...]:
        """What `example` and `pair` render, with the places of its tokens; both replies of a preference row,
        the preferred one first. Raises as they do."""
        with _at(example.line):
            if isinstance(example, PreferenceExample):
                return self._with_ends(example.chosen()), self._with_ends(example.rejected())
            if isinstance(example, ChatExample):
                return (self._with_ends(example),)
            if self.is_chat:
                return (self._with_ends(example.as_chat()),)
            return (self._completion_layout(example),)

    def _with_ends(self, example: ChatExample) -> Layout:
        layout = self._laid_out(example)
        name, tools = self._choose(example.tools), normalise_tools(example.tools)
        messages = normalise(example.messages, self._dialect(name))
        ends: list[tuple[str, int | None]] = []
        for n, message in enumerate(messages, start=1):
            end = None
            if n <= MAX_ENDS:
                with contextlib.suppress(InvalidRequest):  # a template may refuse to stop here
                    beginning = self._render(name, messages[:n], tools, False).text
                    end = len(beginning) if layout.text.startswith(beginning) else None
            ends.append((str(message["role"]), end))
        return replace(layout, ends=ends)

    def _completion_layout(self, example: CompletionExample) -> Layout:
        rendered = self._completion(example)
        n_prompt = len(self.raw_prompt(example.prompt)) if example.prompt else 0
        ends: list[tuple[str, int | None]] = [("user", n_prompt), ("assistant", len(rendered.input_ids))]
        places = [(i, i + 1) for i in range(len(rendered.input_ids))]  # its pieces are encoded apart
        return Layout(rendered, example.prompt + example.completion, places, ends)

    def _completion(self, example: CompletionExample) -> Rendered:
        prompt = self.raw_prompt(example.prompt)
        reply = (
            self.tokenizer.encode_continuation(example.completion)
            if prompt
            else self.raw_prompt(example.completion)
        )
        reply += self.tokenizer.eos_token_ids[:1]
        return _rendered(prompt + reply, [0.0] * len(prompt) + [1.0] * len(reply))

    def _chat(self, example: ChatExample) -> Rendered:
        return self._laid_out(example).rendered

    def _laid_out(self, example: ChatExample) -> Layout:
        name = self._choose(example.tools)
        tools = normalise_tools(example.tools)
        messages = normalise(example.messages, self._dialect(name))
        learnt = [
            i for i, m in enumerate(example.messages) if m["role"] == "assistant" and m.get("weight") != 0
        ]
        if not learnt:
            text = self._render(name, messages, tools, False).text
            ids, offsets = self.tokenizer.encode_with_offsets(text)
            return Layout(_rendered(ids, [0.0] * len(ids)), text, offsets, [])

        def render(part: Sequence[dict[str, Any]], prompt: bool) -> Rendering:
            return self._render(name, part, tools, prompt, tag=True)

        turns = Turns(render, messages, self.tokenizer.special_texts)
        transcript = turns.transcript(learnt)
        self._check_tool_calls(messages, learnt, transcript)
        ids, offsets = self._encode(transcript)
        return Layout(_rendered(ids, _weights(offsets, transcript.spans)), transcript.text, offsets, [])

    def _encode(self, transcript: Transcript) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and character offsets of the text; the prompt's own ids are a prefix of them."""
        ids, offsets = self.tokenizer.encode_with_offsets(transcript.text)
        prompt_ids, prompt_offsets = self.tokenizer.encode_with_offsets(transcript.prompt)
        if ids[: len(prompt_ids)] == prompt_ids:
            return ids, offsets
        cut = len(transcript.prompt)
        reply_ids, reply_offsets = self.tokenizer.encode_continuation_with_offsets(transcript.text[cut:])
        return prompt_ids + reply_ids, prompt_offsets + [
            (start + cut, end + cut) for start, end in reply_offsets
        ]

    def _check_tool_calls(
        self, messages: Sequence[Mapping[str, Any]], learnt: Sequence[int], transcript: Transcript
    ) -> None:
        for i in learnt:
            for call in messages[i].get("tool_calls", ()):
                if call["function"]["name"] not in transcript.text:
                    raise InvalidRequest(
                        f"The chat template of {self._name} leaves out tool calls, so those of messages[{i}] "
                        "cannot be learnt; use a base whose template knows tools",
                        param=f"messages[{i}].tool_calls",
                    )

    def _choose(self, tools: Sequence[Mapping[str, Any]] | None) -> str:
        if not self._templates:
            raise InvalidRequest(
                f"The base model {self._name} has no chat template; use prompt/completion rows and "
                "/v1/completions with it, or choose a chat model",
                param="messages",
            )
        if tools and TOOL_USE in self._templates:
            return TOOL_USE
        return DEFAULT if DEFAULT in self._templates else next(iter(self._templates))

    def _render(
        self,
        name: str,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] | None,
        prompt: bool,
        *,
        tag: bool = False,
    ) -> Rendering:
        if time.thread_time() > _row.ends_at_s:
            raise InvalidRequest(
                f"The chat template of {self._name} takes more than {ROW_CPU_S:g} s of processor time for so "
                "many messages; split the conversation into several rows",
                param="messages",
            )
        try:
            return self._templates[name].render(messages, tools, add_generation_prompt=prompt, tag=tag)
        except Exception as error:  # a template is a program: it may raise anything
            reason = str(error) or type(error).__name__
            raise InvalidRequest(
                f"The chat template of {self._name} does not accept these messages: {reason}",
                param="messages",
            ) from error

    def _dialect(self, name: str) -> Dialect:
        if name not in self._dialects:
            self._dialects[name] = _probe(self._templates[name])
        return self._dialects[name]


class _Row(threading.local):
    """The training row that this thread renders."""

    ends_at_s = float("inf")


_row = _Row()


@contextlib.contextmanager
def _at(line: int) -> Iterator[None]:
    """In a training file it is the line that is wrong, not a request; and a line has so much time."""
    _row.ends_at_s = time.thread_time() + ROW_CPU_S
    try:
        yield
    except InvalidRequest as error:
        raise InvalidTrainingFile(f"Line {line}: {error.message}") from error
    finally:
        _row.ends_at_s = float("inf")


@functools.lru_cache(maxsize=16)
def _load(folder: Path) -> Renderer:
    return Renderer(folder)


def _rendered(ids: list[int], weights: list[float]) -> Rendered:
    return Rendered(
        ids, [0.0, *weights[1:]] if weights else []
    )  # nothing comes before the first token to predict it from


def _weights(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> list[float]:
    """1 for each token that begins within a span; a token that begins in the header before it stays 0."""
    weights = [0.0] * len(offsets)
    remaining = iter(spans)
    span = next(remaining, None)
    for i, (start, _) in enumerate(offsets):
        while span is not None and start >= span[1]:
            span = next(remaining, None)
        if span is not None and start >= span[0]:
            weights[i] = 1.0
    return weights


def _probe(template: Template) -> Dialect:
    """Finds out by trial what a template understands."""

    def shows(needle: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> bool:
        try:
            return needle in template.render(messages, tools, add_generation_prompt=False).text
        except Exception:
            return False

    user = {"role": "user", "content": "question"}
    developer = {"role": "developer", "content": "instruction-7f3a"}
    # a template that prints any role as it comes shows it too, but no model has learnt such a header
    knows_developer = any("developer" in literal for literal in template.literals)
    function = {"name": "lookup", "description": "", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]

    def called_with(arguments: Any) -> list[dict[str, Any]]:
        call = {"id": "call00001", "type": "function", "function": {"name": "lookup", "arguments": arguments}}
        return [user, {"role": "assistant", "content": "", "tool_calls": [call]}]

    verbatim = shows('{"key":1}', called_with('{"key":1}'), tools)
    return Dialect(
        knows_developer=knows_developer and shows("instruction-7f3a", [developer, user]),
        arguments_as_text=verbatim or not shows("key", called_with({"key": 1}), tools),
    )
