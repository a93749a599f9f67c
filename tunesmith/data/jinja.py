"""Chat templates as transformers runs them: Jinja in an immutable sandbox, with the same options and
functions.

A template comes with a model that the operator chose, and is never taken from a request. But the messages are
a stranger's, and a template may take a square of their number in time: rendering has so much processor time
and no more.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.runtime
import jinja2.sandbox

#: Unicode's noncharacters, never to be found in text that is meant to be exchanged.
_NONCHARACTERS = [chr(code) for code in range(0xFDD0, 0xFDF0)]
_MARKS = "_generation_marks"

RENDERING_CPU_S = 10.0
"""Processor time of one rendering; thousands of messages take a tenth of a second."""
_LOOKUPS_BETWEEN_CHECKS = 256


@dataclass(frozen=True)
class Rendering:
    """A rendered text, and the [start, end) characters that the template tags as the assistant's."""

    text: str
    tagged: tuple[tuple[int, int], ...] = ()


class _GenerationTag(jinja2.ext.Extension):
    """`{% generation %}…{% endgeneration %}`: puts the two marks around its body, if there are any."""

    tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.CallBlock:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_marked", [jinja2.nodes.ContextReference()])
        return jinja2.nodes.CallBlock(call, [], [], body, lineno=line)

    @staticmethod
    def _marked(context: jinja2.runtime.Context, caller: Callable[[], str]) -> str:
        begin, end = context.get(_MARKS) or ("", "")
        return begin + caller() + end


class _Namespace(jinja2.utils.Namespace):
    """A namespace whose attributes cannot be named like Python's internals."""

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a namespace cannot hold {name!r}")
        super().__setitem__(name, value)


class RenderingTooLong(jinja2.exceptions.TemplateRuntimeError):
    """The template worked on the messages for longer than it may."""


class _Budget(threading.local):
    """What is left of this thread's rendering: each is done by one thread from its beginning to its end."""

    lookups = 0
    ends_at_s = float("inf")

    def begin(self) -> None:
        self.lookups = 0
        self.ends_at_s = time.thread_time() + RENDERING_CPU_S

    def spend(self) -> None:
        self.lookups += 1
        if self.lookups % _LOOKUPS_BETWEEN_CHECKS == 0 and time.thread_time() > self.ends_at_s:
            raise RenderingTooLong(f"it takes more than {RENDERING_CPU_S:g} s to render them")


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Every look at a value and every call comes through here, so no loop over messages escapes the bound."""

    def __init__(self, budget: _Budget, **options: Any) -> None:
        super().__init__(**options)
        self._budget = budget

    def getattr(self, obj: Any, attribute: str) -> Any:
        self._budget.spend()
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        self._budget.spend()
        return super().getitem(obj, argument)

    def call(self, context: jinja2.runtime.Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        self._budget.spend()
        return super().call(context, obj, *args, **kwargs)


class Template:
    """One compiled chat template; `jinja2.TemplateSyntaxError` when it is none."""

    def __init__(self, source: str, special_tokens: dict[str, str]) -> None:
        self._budget = _Budget()
        environment = _Sandbox(
            self._budget,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_GenerationTag, jinja2.ext.loopcontrols],
        )
        environment.filters["tojson"] = _to_json
        environment.globals |= {
            "raise_exception": _raise_exception,
            "strftime_now": lambda format: datetime.now().strftime(format),
            "namespace": _Namespace,
        }
        self._template = environment.from_string(source)
        self._special_tokens = special_tokens
        tree = environment.parse(source)
        constants = [node.value for node in tree.find_all(jinja2.nodes.Const) if isinstance(node.value, str)]
        self.literals = [*constants, *(node.data for node in tree.find_all(jinja2.nodes.TemplateData))]
        self.has_generation_tag = any(
            isinstance(node.call.node, jinja2.nodes.ExtensionAttribute)
            for node in tree.find_all(jinja2.nodes.CallBlock)
        )

    def render(
        self,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] | None,
        *,
        add_generation_prompt: bool,
        tag: bool = False,
    ) -> Rendering:
        """The text, and with `tag` the spans of `{% generation %}`; what the template raises goes through."""
        variables: dict[str, Any] = {
            **self._special_tokens,
            "messages": messages,
            "tools": tools,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
        }
        self._budget.begin()
        text = self._template.render(variables)
        if not (tag and self.has_generation_tag):
            return Rendering(text)
        begin, end = _free_marks(text)
        marked = self._template.render({**variables, _MARKS: (begin, end)})
        plain, spans = _split(marked, begin, end)
        # a template that trims or measures its own output sees the marks; then its tags cannot be used
        return Rendering(text, spans) if plain == text else Rendering(text)


def _free_marks(text: str) -> tuple[str, str]:
    begin, end, *_ = [mark for mark in _NONCHARACTERS if mark not in text]
    return begin, end


def _split(marked: str, begin: str, end: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Takes the marks out of a text and gives the positions that they had in what remains."""
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    length = 0
    for piece in marked.split(begin):
        inner, closed, outer = piece.partition(end)
        if closed:
            spans.append((length, length + len(inner)))
        pieces += [inner, outer]
        length += len(inner) + len(outer)
    return "".join(pieces), tuple(span for span in spans if span[0] < span[1])


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.exceptions.TemplateError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is; Jinja's own filter would escape `<`, `>`, `&` and `'` for HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
