"""OpenAI's messages made ready for a chat template: the one place where the two conventions meet.

Training rows and chat requests both pass through `normalise`, so what a model learns is what it is asked.
Works message by message, so that `normalise(messages)[:k] == normalise(messages[:k])`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import InvalidRequest


@dataclass(frozen=True)
class Dialect:
    """What one chat template understands."""

    knows_developer: bool
    """It has a place for the role `developer`; otherwise such messages are rendered as `system`."""
    arguments_as_text: bool
    """It prints a tool call's `arguments` as the JSON text it is given; otherwise it wants the object."""


def normalise(messages: Sequence[Mapping[str, Any]], dialect: Dialect) -> list[dict[str, Any]]:
    """Messages in the shape that chat templates expect; the given ones are left as they are.

    Null values go (transformers drops them too) and null content becomes the empty text, text parts are
    joined, `function_call` becomes `tool_calls`, role `function` becomes `tool`. Raises `InvalidRequest`
    naming the field.
    """
    return [_message(index, message, dialect) for index, message in enumerate(messages)]


def normalise_tools(tools: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Tools for a template: None when there are none, as transformers passes it."""
    return [dict(tool) for tool in tools] if tools else None


def _message(index: int, message: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    role = message["role"]
    kept = {key: value for key, value in message.items() if value is not None and key != "weight"}
    kept["content"] = _text(index, message.get("content"))
    if role == "developer" and not dialect.knows_developer:
        kept["role"] = "system"
    elif role == "function":
        kept["role"] = "tool"
        kept.setdefault("tool_call_id", _call_id(index - 1))
    call = kept.pop("function_call", None)
    if call is not None:
        kept["tool_calls"] = [{"id": _call_id(index), "type": "function", "function": call}]
    calls = kept.pop("tool_calls", None)
    if calls:
        kept["tool_calls"] = [_call(index, number, call, dialect) for number, call in enumerate(calls)]
    return kept


def _text(index: int, content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    texts = []
    for number, part in enumerate(content):
        kind = part.get("type")
        text = part.get("text") if kind == "text" else part.get("refusal") if kind == "refusal" else None
        if not isinstance(text, str):
            field = f"messages[{index}].content[{number}]"
            raise InvalidRequest(
                f"{field} has the type {kind!r}; this server reads text parts alone", param=field
            )
        texts.append(text)
    return "".join(texts)


def _call(index: int, number: int, call: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    arguments = function.get("arguments")
    if isinstance(arguments, str) and not dialect.arguments_as_text:
        try:
            function["arguments"] = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            field = f"messages[{index}].tool_calls[{number}].function.arguments"
            raise InvalidRequest(
                f"{field} is not JSON ({error}); write the arguments as one object", param=field
            ) from error
    return {**call, "function": function}


def _call_id(index: int) -> str:
    # nine letters and digits: the shape that the strictest templates (Mistral's) ask for
    return f"call{index % 100_000:05d}"
