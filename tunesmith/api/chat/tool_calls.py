"""Tool calls in generated text, told from the words around them while they are being written.

Text comes in pieces; what may be the beginning of a call is held back. Once a call's name stands there and
its arguments begin, it is a call, and the arguments go on as they come. What looks like a call and is none of
a declared function remains text, so nothing that the model said is lost. How calls are written differs from
base to base: `api/chat/tool_format.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tunesmith.api.chat.tool_format import HERMES, CallFormat
from tunesmith.api.chat.tool_patterns import patterns


@dataclass(frozen=True)
class CallBegun:
    """A call of this function; its arguments follow."""

    name: str


@dataclass(frozen=True)
class CallArguments:
    """The next part of the arguments' JSON text, of the call begun last."""

    text: str


Piece = str | CallBegun | CallArguments

_TEXT, _HEAD, _ODD, _ARGUMENTS, _AFTER = range(5)


class ToolCallParser:
    """Separates calls from the text around them."""

    def __init__(self, names: Collection[str], form: CallFormat = HERMES) -> None:
        self._names = frozenset(names)
        self._form = form
        self._marker = form.marker if form.is_marked else ""
        self._end_marker = form.end_marker
        self._head, self._next, self._closing = patterns(form)
        self._state = _TEXT
        self._buffer = ""
        self._space = ""
        """White space before the marker: part of the text only if no call follows."""
        self._spoken = False
        """Whether there has been text, after which bare JSON is no call."""
        self._json = _JsonEnd(self._end_marker)
        self.n_begun = 0
        self.n_ended = 0
        """Calls whose arguments are complete."""

    def add(self, text: str) -> list[Piece]:
        """The pieces that are now certain."""
        self._buffer += text
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def flush(self, *, cut: bool = False) -> list[Piece]:
        """What was held back, at the end of the text; a call that only lacks its closing tag counts.

        Of a text that was `cut` in the head of a call, the head is left out: it is no text that anybody said.
        """
        pieces: list[Piece] = []
        rest, self._buffer = self._buffer, ""
        if self._state in (_HEAD, _ODD):
            unfinished = cut and self._state == _HEAD and bool(self._marker)
            if not self._odd_call(rest, pieces) and not unfinished:
                pieces.append(self._space + self._marker + rest)
        elif self._state == _ARGUMENTS:
            if rest:
                pieces.append(CallArguments(rest))
        else:
            if self._state == _AFTER:
                rest = rest.lstrip("}] \n\t\r")
                if self._end_marker.startswith(rest):
                    rest = ""
            if rest.strip() or (rest and not self.n_begun):
                pieces.append(rest)
        self._state = _TEXT
        return pieces

    # -- one step of each state: whether another may follow at once ---------------------------------

    def _step(self, pieces: list[Piece]) -> bool:
        match self._state:
            case 0:  # _TEXT
                return self._text(pieces) if self._marker else self._bare(pieces)
            case 1:  # _HEAD
                return self._heading(pieces)
            case 2:  # _ODD
                return self._odd(pieces)
            case 3:  # _ARGUMENTS
                return self._in_arguments(pieces)
            case _:
                return self._after(pieces)

    def _text(self, pieces: list[Piece]) -> bool:
        start = self._buffer.find(self._marker)
        if start < 0:
            shown = self._certain()
            if shown:
                pieces.append(shown)
            return False
        before, self._buffer = self._buffer[:start], self._buffer[start + len(self._marker) :]
        shown = before.rstrip()
        self._space = before[len(shown) :]
        if shown:
            pieces.append(shown)
        self._state = _HEAD
        return True

    def _bare(self, pieces: list[Piece]) -> bool:
        """A format without a marker: a call is what the whole answer begins with."""
        if self._spoken or self.n_begun:
            if self._buffer.strip() or self._spoken:
                self._spoken = True
                pieces.append(self._buffer)
                self._buffer = ""
            return False
        rest = self._buffer.lstrip()
        if not rest:
            return False
        self._space = self._buffer[: len(self._buffer) - len(rest)]
        self._buffer = rest
        self._state = _HEAD
        return True

    def _heading(self, pieces: list[Piece]) -> bool:
        name, end, may_grow = self._head.read(self._buffer)
        if name in self._names:
            self._begin(name, end, pieces)
            return True
        if name is None and may_grow:
            return False
        if self._end_marker:
            self._state = _ODD
            return True
        pieces.append(self._space + self._marker + self._buffer)
        self._buffer = self._space = ""
        self._spoken = True
        self._state = _TEXT
        return False

    def _odd(self, pieces: list[Piece]) -> bool:
        """Between the tags stands something unusual: a call with its keys in another order, or no call."""
        end = self._buffer.find(self._end_marker)
        if end < 0:
            return False
        body, self._buffer = self._buffer[:end], self._buffer[end + len(self._end_marker) :]
        if not self._odd_call(body, pieces):
            pieces.append(self._space + self._marker + body + self._end_marker)
        self._space = ""
        self._state = _TEXT
        return True

    def _odd_call(self, body: str, pieces: list[Piece]) -> bool:
        call = _call_in(body, self._names)
        if call is None:
            return False
        self.n_begun += 1
        self.n_ended += 1
        pieces += [CallBegun(call[0]), CallArguments(call[1])]
        return True

    def _begin(self, name: str, end: int, pieces: list[Piece]) -> None:
        self._buffer = self._buffer[end:]
        self._space = ""
        self._json = _JsonEnd(self._end_marker)
        self._state = _ARGUMENTS
        self.n_begun += 1
        pieces.append(CallBegun(name))

    def _in_arguments(self, pieces: list[Piece]) -> bool:
        taken, ended = self._json.take(self._buffer)
        if taken:
            pieces.append(CallArguments(self._buffer[:taken]))
            self._buffer = self._buffer[taken:]
        if ended:
            self.n_ended += 1
            self._state = _AFTER
        return ended

    def _after(self, pieces: list[Piece]) -> bool:
        if self._end_marker:
            end = self._buffer.find(self._end_marker)
            if end >= 0:
                self._buffer = self._buffer[end + len(self._end_marker) :]
                self._state = _TEXT
            return end >= 0
        if self._next is not None:
            name, end, may_grow = self._next.read(self._buffer)
            if name in self._names:
                self._begin(name, end, pieces)
                return True
            if name is None and may_grow:
                return False
        _, end, may_grow = self._closing.read(self._buffer)
        if end < 0 and may_grow:
            return False
        self._buffer = self._buffer[max(end, 0) :]
        self._state = _TEXT
        return True

    def _certain(self) -> str:
        """Takes what cannot belong to a call: all but white space at the end and the beginning of a
        marker."""
        keep = len(self._buffer)
        for length in range(min(len(self._marker) - 1, len(self._buffer)), 0, -1):
            if self._marker.startswith(self._buffer[-length:]):
                keep -= length
                break
        shown = self._buffer[:keep].rstrip()
        self._buffer = self._buffer[len(shown) :]
        return shown


def _call_in(body: str, names: Collection[str]) -> tuple[str, str] | None:
    """Name and arguments of a call that is one JSON object, whatever the order of its keys."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or value["name"] not in names:
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return value["name"], text


class _JsonEnd:
    """Finds the end of a JSON object in a text that comes in pieces, without judging what is in it."""

    _NEXT = re.compile(r'["{}\[\]<]')
    _NEXT_IN_STRING = re.compile(r'["\\]')

    def __init__(self, end_marker: str) -> None:
        self._end_marker = end_marker
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def take(self, text: str) -> tuple[int, bool]:
        """How many characters belong to the object, and whether it has ended with them.

        A broken object ends where the call's closing tag stands outside of its strings.
        """
        at = 0
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (self._NEXT_IN_STRING if self._in_string else self._NEXT).search(text, at)
            if match is None:
                return len(text), False
            char, at = match.group(), match.end()
            if char == "\\":
                self._escaped = True
            elif char == '"':
                self._in_string = not self._in_string
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    return at, True
            elif self._end_marker:
                rest = text[at - 1 :]
                if rest.startswith(self._end_marker):
                    return at - 1, True
                if self._end_marker.startswith(rest):
                    return at - 1, False  # held until more is there
        return len(text), False


def joined(pieces: Sequence[Piece]) -> list[str | tuple[str, str]]:
    """Pieces put together: texts, and calls as (name, arguments)."""
    whole: list[str | tuple[str, str]] = []
    open_call = False
    for piece in pieces:
        last = whole[-1] if whole else None
        if isinstance(piece, CallBegun):
            whole.append((piece.name, ""))
            open_call = True
        elif isinstance(piece, CallArguments):
            assert open_call and isinstance(last, tuple)
            whole[-1] = (last[0], last[1] + piece.text)
        elif isinstance(last, str):
            whole[-1] = last + piece
        else:
            whole.append(piece)
    return whole
