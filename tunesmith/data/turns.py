"""Where the assistant speaks in a rendered conversation: the character spans that a model is to learn.

Templates that tag their output with `{% generation %}` say it themselves. For all others it follows from
renderings of the conversation's beginnings: a turn starts where the text with the generation prompt ends, and
reaches to the end-of-turn token that the template writes after it. Works on text alone; tokens come later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.jinja import Rendering
from tunesmith.errors import InvalidRequest

Span = tuple[int, int]
Messages = Sequence[dict[str, Any]]
Render = Callable[[Messages, bool], Rendering]
"""(messages, add_generation_prompt) -> text and tagged spans; raises `InvalidRequest`."""


@dataclass(frozen=True)
class Transcript:
    """A conversation as text, ready to be learnt."""

    text: str
    spans: tuple[Span, ...]
    """[start, end) characters of the learnt turns, in order; role headers are outside."""
    prompt: str
    """What serving renders before the last learnt turn; `text` begins with it. Empty if nothing can ask."""


class Turns:
    """The turns of one conversation under one template."""

    def __init__(self, render: Render, messages: Messages, closers: Sequence[str]) -> None:
        """`closers`: spellings of the tokens that may end a turn."""
        self._render = render
        self._messages = messages
        self._closers = sorted(closers, key=len, reverse=True)
        self._texts: dict[tuple[int, bool], str | None] = {}

    def transcript(self, learnt: Sequence[int]) -> Transcript:
        """The text and the spans of the messages `learnt` (indices, ascending, at least one).

        The text is the template's plain rendering. Where that disagrees with the template's own generation
        prompt (templates that open a reasoning block for the reply and drop it from the history), the last
        learnt turn follows the generation prompt instead, since this is what the model will see when it is
        asked.
        """
        last = learnt[-1]
        whole = self._render(self._messages, False)
        prompt = self._prompt(last) or ""
        if whole.text.startswith(prompt):
            return Transcript(whole.text, self._spans(whole, len(self._messages), learnt), prompt)
        reply = self._reply(last)
        if reply is None:
            raise _unclear(last)
        history = Rendering(prompt + reply, self._render(self._messages[:last], True).tagged)
        spans = self._spans(history, last, learnt[:-1])
        end = len(prompt) + self._closed(reply)
        return Transcript(history.text, (*spans, (len(prompt), end)), prompt)

    def _spans(self, rendering: Rendering, n_messages: int, learnt: Sequence[int]) -> tuple[Span, ...]:
        if not learnt:
            return ()
        return self._tagged(rendering, n_messages, learnt) or self._untagged(rendering.text, learnt)

    # -- templates with {% generation %}

    def _tagged(self, rendering: Rendering, n_messages: int, learnt: Sequence[int]) -> tuple[Span, ...]:
        """The tagged spans of the learnt turns; empty when the template does not tag them."""
        tagged = [self._with_closer(rendering.text, span) for span in rendering.tagged]
        speaking = [i for i in range(n_messages) if self._messages[i]["role"] == "assistant"]
        if not tagged or list(learnt) == speaking:
            return tuple(tagged)
        if len(tagged) == len(speaking):
            return tuple(span for i, span in zip(speaking, tagged, strict=True) if i in learnt)
        found: list[Span] = []
        for i in learnt:  # several tags in one turn: count how many there are before and after it
            before = len(self._render(self._messages[:i], False).tagged)
            after = len(self._render(self._messages[: i + 1], False).tagged)
            found += tagged[before:after]
        return tuple(found)

    def _with_closer(self, text: str, span: Span) -> Span:
        """The span, and the end-of-turn token that the tag left out behind it: a model must learn to stop."""
        start, end = span
        if not self._closer_of(text[start:end]):
            end += next((len(closer) for closer in self._closers if text.startswith(closer, end)), 0)
        return start, end

    # -- all other templates

    def _untagged(self, text: str, learnt: Sequence[int]) -> tuple[Span, ...]:
        spans: list[Span] = []
        for i in learnt:
            after = spans[-1][1] if spans else 0
            ways = (self._by_prompt, self._by_reply, self._by_header)
            span = next((found for way in ways if (found := way(text, i, after)) is not None), None)
            if span is None:
                raise _unclear(i)
            spans.append(span)
        return tuple(spans)

    def _by_prompt(self, text: str, i: int, after: int) -> Span | None:
        """The turn follows the generation prompt of the messages before it."""
        prompt, until = self._prompt(i), self._until(i)
        if prompt is None or until is None or not text.startswith(prompt) or len(prompt) < after:
            return None
        start = len(prompt)
        if text.startswith(until) and len(until) > start:
            return start, start + self._closed(until[start:])
        # the template renders a last turn otherwise: take all up to its end-of-turn token
        return self._up_to_closer(text, start, until)

    def _by_reply(self, text: str, i: int, after: int) -> Span | None:
        """The turn reads as it would if it were the last, only the conversation before it does not."""
        reply = self._reply(i) or ""
        reply = reply[: self._closed(reply)]
        start = text.find(reply, after) if self._closer_of(reply) else -1
        return (start, start + len(reply)) if start >= 0 else None

    def _by_header(self, text: str, i: int, after: int) -> Span | None:
        """The turn follows the n-th role header, where there are as many headers as assistant messages."""
        probe = [{"role": "user", "content": "0"}, {"role": "assistant", "content": "0"}]
        before, until = self._render(probe[:1], False).text, self._render(probe, False).text
        header = os.path.commonprefix([self._render(probe[:1], True).text, until])[len(before) :]
        speaking = [k for k, message in enumerate(self._messages) if message["role"] == "assistant"]
        if not until.startswith(before) or not header.strip() or text.count(header) != len(speaking):
            return None
        start = -len(header)
        for _ in range(speaking.index(i) + 1):
            start = text.find(header, start + len(header))
        return self._up_to_closer(text, start + len(header), until) if start >= after else None

    def _up_to_closer(self, text: str, start: int, model: str) -> Span | None:
        """From `start` through the first token of the kind that ends `model`."""
        closer = self._closer_of(model)
        end = text.find(closer, start) if closer else -1
        return (start, end + len(closer)) if end >= 0 else None

    def _reply(self, i: int) -> str | None:
        """What the template writes for message `i` as the last, after its role header; None if unclear."""
        before, prompt, until = self._text(i, False), self._prompt(i), self._until(i)
        if prompt is None or until is None or until.startswith(prompt):
            return None if prompt is None or until is None else until[len(prompt) :]
        # The generation prompt opens something that the reply's own rendering lacks. What they share is the
        # role header; a reply that begins with another character keeps them from sharing more by chance.
        other = self._render([*self._messages[:i], {"role": "assistant", "content": "0"}], False).text
        header = os.path.commonprefix([prompt, until, other])
        return until[len(header) :] if before is not None and header.startswith(before) else None

    def _prompt(self, i: int) -> str | None:
        """The text that asks for message `i`; None if nothing can ask for it, as when it is the first."""
        return self._text(i, True) if i else None

    def _until(self, i: int) -> str | None:
        """The text up to and with message `i`."""
        return self._text(i + 1, False)

    def _text(self, n: int, prompt: bool) -> str | None:
        """The first `n` messages as text; None when the template refuses to stop there."""
        if (n, prompt) not in self._texts:
            try:
                self._texts[n, prompt] = self._render(self._messages[:n], prompt).text
            except InvalidRequest:
                self._texts[n, prompt] = None
        return self._texts[n, prompt]

    def _closed(self, reply: str) -> int:
        """Length of a reply up to its end-of-turn token: white space behind that belongs to the next turn."""
        return len(reply.rstrip()) if self._closer_of(reply) else len(reply)

    def _closer_of(self, text: str) -> str:
        stripped = text.rstrip()
        return next((closer for closer in self._closers if stripped.endswith(closer)), "")


def _unclear(i: int) -> InvalidRequest:
    return InvalidRequest(
        f"messages[{i}] cannot be told from the rest in what the chat template makes of the conversation, "
        "since it renders earlier turns otherwise than the last; mark the assistant's text in it with "
        "{% generation %} and {% endgeneration %}, or split the conversation into rows, one for each reply",
        param=f"messages[{i}]",
    )
