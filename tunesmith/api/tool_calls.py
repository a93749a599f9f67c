"""Tool calls in generated text: `<tool_call>{"name": …, "arguments": …}</tool_call>`, the tags of Hermes
and Qwen.

Text comes in pieces; what may be the beginning of a tag is held back. What stands between the tags and is
no call of a declared function remains text, so nothing the model said is lost.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

OPEN = "<tool_call>"
CLOSE = "</tool_call>"


@dataclass(frozen=True)
class Call:
    """One call; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCallParser:
    """Separates calls from the text around them."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._buffer = ""
        self._space = ""
        """White space before the tag that is open: part of the text only if no call follows."""
        self._in_call = False
        self.n_calls = 0

    def add(self, text: str) -> list[str | Call]:
        """The pieces that are now certain: text to show, and calls."""
        self._buffer += text
        pieces: list[str | Call] = []
        while True:
            if self._in_call:
                end = self._buffer.find(CLOSE)
                if end < 0:
                    return pieces
                body, self._buffer = self._buffer[:end], self._buffer[end + len(CLOSE) :]
                self._close(body, CLOSE, pieces)
                continue
            start = self._buffer.find(OPEN)
            if start < 0:
                shown = self._certain()
                if shown:
                    pieces.append(shown)
                return pieces
            before, self._buffer = self._buffer[:start], self._buffer[start + len(OPEN) :]
            shown = before.rstrip()
            self._space = before[len(shown) :]
            if shown:
                pieces.append(shown)
            self._in_call = True

    def flush(self) -> list[str | Call]:
        """What was held back, at the end of the text; a call that only lacks its closing tag counts."""
        pieces: list[str | Call] = []
        if self._in_call:
            body, self._buffer = self._buffer, ""
            self._close(body, "", pieces)
        rest, self._buffer = self._buffer, ""
        if rest.strip() or (rest and not self.n_calls):
            pieces.append(rest)
        return pieces

    def _close(self, body: str, tag: str, pieces: list[str | Call]) -> None:
        call = self._parse(body)
        self._in_call = False
        if call is not None:
            self.n_calls += 1
            pieces.append(call)
        else:
            pieces.append(self._space + OPEN + body + tag)
        self._space = ""

    def _parse(self, body: str) -> Call | None:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if (
            not isinstance(value, dict)
            or not isinstance(value.get("name"), str)
            or value["name"] not in self._names
        ):
            return None
        arguments = value.get("arguments", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        return Call(value["name"], text)

    def _certain(self) -> str:
        """Takes what cannot belong to a tag: all but white space at the end and the beginning of an
        opening tag."""
        keep = len(self._buffer)
        for length in range(min(len(OPEN) - 1, len(self._buffer)), 0, -1):
            if OPEN.startswith(self._buffer[-length:]):
                keep -= length
                break
        shown = self._buffer[:keep].rstrip()
        self._buffer = self._buffer[len(shown) :]
        return shown
