"""Writes grammars in llguidance's Lark dialect.

A quoted text and an expression stand for ordinary tokens. A token that was added to the vocabulary
(`<tool_call>`) has no spelling that they could match: it is an item of its own, `<[4090]>` by its id. Here
texts are cut at such tokens, so that whoever writes `<tool_call>\\n{` need not know what the tokenizer makes
of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from llguidance import regex_to_lark

from tunesmith.data.tokenizer import Tokenizer


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a grammar can name but not spell."""

    added: Mapping[str, int]
    """By their texts; without those that end an answer."""
    visible: Sequence[int]
    """The ones of them that a reader sees."""

    @classmethod
    def of(cls, tokenizer: Tokenizer, eos_token_ids: Collection[int]) -> Vocabulary:
        added = {text: id for text, id in tokenizer.added_tokens.items() if id not in eos_token_ids}
        return cls(added, sorted(id for id in added.values() if not tokenizer.is_special(id)))

    def pieces(self, text: str) -> list[str | int]:
        """A text as ordinary text and tokens: `a<tool_call>` -> ["a", 4090]."""
        if not self.added:
            return [text] if text else []
        longest_first = sorted(self.added, key=len, reverse=True)
        parts = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
        return [self.added.get(part, part) for part in parts if part]


class LarkWriter:
    """Collects the rules of one grammar. What its methods give are items for the body of a rule."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._rules: list[str] = []

    def grammar(self, start: str) -> str:
        """The whole grammar, whose answers are `start`."""
        return "\n".join(["%llguidance {}", f"start: {start}", *self._rules]) + "\n"

    def pieces(self, text: str) -> list[str | int]:
        return self._vocabulary.pieces(text)

    def literal(self, text: str) -> str:
        """Exactly this text."""
        return self.joined(self.pieces(text))

    def joined(self, pieces: Sequence[str | int]) -> str:
        items = [f"<[{piece}]>" if isinstance(piece, int) else json.dumps(piece) for piece in pieces]
        return " ".join(items) or '""'

    def rule(self, body: str) -> str:
        """A rule of its own for `body`."""
        return self._add("r", f": {body}")

    def expression(self, regex: str) -> str:
        """A text that a regular expression matches as a whole."""
        return self._add("E", f": /{regex_to_lark(regex, use_ascii='')}/")

    def free_text(self, without: Sequence[str], *, then: str | int | None = None) -> str:
        """Any text that contains none of `without`, up to and with `then` (one of them, or a token), or to
        the end."""
        fenced = {id for text in without for id in self.pieces(text) if isinstance(id, int)}
        visible = [id for id in self._vocabulary.visible if id not in fenced]
        hidden = "|".join(map(_quoted, without))
        some_text = self._add(
            "T", rf": /(.|\n)+/ & ~/(.|\n)*({hidden})(.|\n)*/" if hidden else r": /(.|\n)+/"
        )
        before = f"({some_text}? <[{','.join(map(str, visible))}]>)*" if visible else ""
        if isinstance(then, str):  # ends where `then` first does, so no two lexemes meet inside it
            up_to = self._add("t", rf"[lazy]: /(.|\n)*{_quoted(then)}/")
            return f"{before} {up_to}"
        return f"{before} {some_text}?" + ("" if then is None else f" <[{then}]>")

    def _add(self, letter: str, definition: str) -> str:
        name = f"{letter}_{len(self._rules)}"
        self._rules.append(name + definition)
        return name


def _quoted(text: str) -> str:
    """A text as an expression."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\x{{{ord(c):x}}}" for c in text)
