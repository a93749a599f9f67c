"""One row of a training file as a value: a chat, a prompt with its completion, or a choice between two
replies.

Rows come here only after `data.jsonl.validate` has passed the file, so nothing is checked twice. How a row
becomes tokens is `data.chat_template`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Format = Literal["chat", "completion", "preference"]
Message = Mapping[str, Any]


@dataclass(frozen=True)
class ChatExample:
    """A conversation; every assistant message is learnt unless its `weight` is 0."""

    line: int
    """Physical line in the file, from 1."""
    messages: tuple[Message, ...]
    """As in the file: OpenAI's message objects."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Function tools offered to the assistant; legacy `functions` are among them."""


@dataclass(frozen=True)
class CompletionExample:
    """A text and its continuation (OpenAI's legacy format)."""

    line: int
    """Physical line in the file, from 1."""
    prompt: str
    completion: str

    def as_chat(self) -> ChatExample:
        """The same row for a chat model: the prompt is the user's message, the completion the reply."""
        messages = (
            {"role": "user", "content": self.prompt},
            {"role": "assistant", "content": self.completion},
        )
        return ChatExample(self.line, messages)


@dataclass(frozen=True)
class PreferenceExample:
    """A conversation with two replies to it, one of which people preferred."""

    line: int
    """Physical line in the file, from 1."""
    messages: tuple[Message, ...]
    """The conversation before the reply."""
    preferred: Message
    non_preferred: Message
    tools: tuple[Mapping[str, Any], ...] = ()

    def chosen(self) -> ChatExample:
        """The conversation with the preferred reply, which alone bears weight."""
        return self._with(self.preferred)

    def rejected(self) -> ChatExample:
        """The conversation with the other reply, which alone bears weight."""
        return self._with(self.non_preferred)

    def _with(self, reply: Message) -> ChatExample:
        context = ({**m, "weight": 0} if m["role"] == "assistant" else m for m in self.messages)
        return ChatExample(self.line, (*context, {**reply, "weight": 1}), self.tools)


Example = ChatExample | CompletionExample | PreferenceExample

CHAT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
COMPLETION_KEYS = frozenset({"prompt", "completion"})
PREFERENCE_KEYS = frozenset(
    {"input", "preferred_output", "non_preferred_output", "preferred_completion", "non_preferred_completion"}
)


def row_format(row: Mapping[str, Any]) -> Format | None:
    """Which kind of row this is, judged by its keys; None when it is none of the three."""
    if "messages" in row:
        return "chat"
    if "input" in row or not PREFERENCE_KEYS.isdisjoint(row):
        return "preference"
    return None if COMPLETION_KEYS.isdisjoint(row) else "completion"


def n_turns(row: Mapping[str, Any]) -> int:
    """Messages of a row that passed validation; of a preference row one reply counts."""
    match row_format(row):
        case "completion":
            return 2
        case "preference":
            return len(row["input"]["messages"]) + 1
        case _:
            return len(row["messages"])


def from_row(row: Mapping[str, Any], line: int) -> Example:
    """The example in a row that passed validation."""
    match row_format(row):
        case "completion":
            return CompletionExample(line, row["prompt"], row["completion"])
        case "preference":
            given = row["input"]
            preferred = row.get("preferred_output") or row["preferred_completion"]
            non_preferred = row.get("non_preferred_output") or row["non_preferred_completion"]
            return PreferenceExample(
                line, tuple(given["messages"]), preferred[0], non_preferred[0], _tools(given)
            )
        case _:
            return ChatExample(line, tuple(row["messages"]), _tools(row))


def _tools(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    functions = ({"type": "function", "function": function} for function in row.get("functions") or ())
    return (*(row.get("tools") or ()), *functions)
