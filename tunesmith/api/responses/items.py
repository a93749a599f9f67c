"""Items of a response's input: as the wire shows them again, and as the messages of a chat.

A conversation is a list of items (plain objects in the wire's form). The chat knows turns: what the assistant
said and the calls it made before anybody answered are one message, and the outputs of those calls follow it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any

from fastapi import Query
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.office import Office
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import conversations, responses
from tunesmith.store.responses import Item
from tunesmith.store.rows import Principal
from tunesmith.wire.responses import Include
from tunesmith.wire.responses_input import (
    AnsweredMessage,
    AskedMessage,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputItem,
    ItemReference,
    OutputText,
    ReasoningItem,
)

Turn = list[dict[str, Any]]
"""Messages of a chat that stand or fall together: one, or an assistant's calls and what came of them."""


Included = Annotated[list[Include] | None, Query(alias="include[]")]
IncludedPlain = Annotated[list[Include] | None, Query(alias="include")]
"""What answers hold besides: OpenAI's client writes `include[]=…`, others repeat `include=…`."""
LOGPROBS = "message.output_text.logprobs"
"""The one thing of `include` that comes about here."""


async def resolved(
    office: Office,
    principal: Principal,
    given: Sequence[InputItem],
    before: Iterable[Item],
    *,
    param: str = "input",
) -> list[Item]:
    """The items that a request brings, each with its id; references become the items they name.

    `before` is the conversation that the request goes on from. Raises NotFound for a reference to nothing,
    InvalidRequest for an item that stands there twice.
    """
    wanted = {item.id for item in given if isinstance(item, ItemReference)}
    stored = {}
    if wanted:
        stored = await run_in_threadpool(_stored, office, principal.project_id, wanted)
    taken = {item["id"] for item in before}
    found: list[Item] = []
    for item in given:
        if isinstance(item, ReasoningItem):
            continue
        if isinstance(item, ItemReference):
            if item.id not in stored:
                raise NotFound(
                    f"Item with id '{item.id}' not found. Items are not persisted when `store` is set to "
                    "false. Try again with `store` set to true, or remove this item from your input.",
                    param=param,
                )
            shown = stored[item.id]
        else:
            shown = _shown(item)
        if shown["id"] in taken:
            raise InvalidRequest(
                f"Duplicate item found with id {shown['id']}. Remove duplicate items from your input and try "
                "again.",
                param=param,
            )
        taken.add(shown["id"])
        found.append(shown)
    return found


def _stored(office: Office, project_id: str, wanted: Collection[str]) -> dict[str, Item]:
    with office.db.read() as connection:
        return {
            **conversations.items_by_id(connection, project_id, wanted),
            **responses.items(connection, project_id, wanted),
        }


def without_logprobs(items: list[Item], include: Sequence[str] | None) -> list[Item]:
    """The items, where log-probabilities are not asked for without them."""
    if LOGPROBS not in (include or ()):
        for item in items:
            if item["type"] == "message":
                for part in item["content"]:
                    if "logprobs" in part:
                        part["logprobs"] = []
    return items


def turns(items: Iterable[Item]) -> list[Turn]:
    """The conversation as a chat has it. Raises InvalidRequest for a call or an output without the other."""
    found: list[Turn] = []
    calls: dict[str, Turn] = {}
    unanswered: dict[str, None] = {}
    speaking: Turn | None = None  # the assistant's turn, as long as nobody has answered
    for item in items:
        if item["type"] == "function_call_output":
            turn = calls.get(item["call_id"])
            if turn is None:
                raise InvalidRequest(
                    f"No tool call found for function call output with call_id {item['call_id']}.",
                    param="input",
                )
            content = _text(item["output"])
            turn.append({"role": "tool", "tool_call_id": item["call_id"], "content": content})
            unanswered.pop(item["call_id"], None)
            speaking = None
            continue
        if item["type"] == "message" and item["role"] != "assistant":
            found.append([{"role": item["role"], "content": _text(item["content"])}])
            speaking = None
            continue
        is_call = item["type"] == "function_call"
        if speaking is None or not (is_call or "tool_calls" in speaking[0]):
            speaking = [{"role": "assistant", "content": None}]
            found.append(speaking)
        message = speaking[0]
        if is_call:
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            message.setdefault("tool_calls", []).append(call)
            calls[item["call_id"]] = speaking
            unanswered[item["call_id"]] = None
        else:
            message["content"] = (message["content"] or "") + _text(item["content"])
    if unanswered:
        raise InvalidRequest(
            f"No tool output found for function call {next(iter(unanswered))}.", param="input"
        )
    return found


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] if "text" in part else part["refusal"] for part in content)


# -- as the wire shows them -------------------------------------------------------------------------


def _shown(item: InputItem) -> Item:
    match item:
        case AskedMessage():
            return {
                "id": _id(item.id, "message"),
                "type": "message",
                "status": "completed",
                "role": item.role,
                "content": [
                    {"type": "input_text", "text": text}
                    for text in (
                        [item.content] if isinstance(item.content, str) else [p.text for p in item.content]
                    )
                ],
            }
        case AnsweredMessage():
            return {
                "id": _id(item.id, "message"),
                "type": "message",
                "status": item.status or "completed",
                "role": "assistant",
                "content": [_output_text(item.content)]
                if isinstance(item.content, str)
                else [
                    _output_text(part.text)
                    if isinstance(part, OutputText)
                    else {"type": "refusal", "refusal": part.refusal}
                    for part in item.content
                ],
            }
        case FunctionCallItem():
            return {
                "id": _id(item.id, "function_call"),
                "type": "function_call",
                "status": item.status or "completed",
                "arguments": item.arguments,
                "call_id": item.call_id,
                "name": item.name,
            }
        case FunctionCallOutputItem():
            return {
                "id": _id(item.id, "function_call_output"),
                "type": "function_call_output",
                "status": item.status or "completed",
                "call_id": item.call_id,
                "output": item.output
                if isinstance(item.output, str)
                else [{"type": "input_text", "text": part.text} for part in item.output],
            }
    raise AssertionError(f"no form for {item!r}")


def _output_text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _id(given: str | None, kind: str) -> str:
    """The client's id where it is of the right kind: the item may be one of ours that comes again."""
    prefix = ids.PREFIXES[kind]
    return given if given and given.startswith(prefix) and given != prefix else ids.new_id(kind)
