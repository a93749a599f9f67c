"""A response while it grows: its output items, and the event that tells of each change.

Whoever feeds it text and calls gets back the events to send, numbered without gaps; who wants no stream
throws them away. Fed again with the stored output, cut as it was cut (`pieces`), it says the same again:
that is how a stored response is replayed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tunesmith import ids
from tunesmith.api.chat.answer import OBFUSCATED_BYTES
from tunesmith.api.http.json_text import quoted

Item = dict[str, Any]


class Growth:
    """The output of one response, and its story."""

    def __init__(self, base: dict[str, Any], *, obfuscated: bool = False) -> None:
        """`base`: the response object as it begins."""
        self.base = base
        self.items: list[Item] = []
        self.pieces: list[list[Any]] = []
        """Of each item, the length of each delta; where it had log-probabilities, with their number."""
        self._noise = ids.random_name(OBFUSCATED_BYTES) if obfuscated else ""
        self._n_events = 0
        self._open: Item | None = None
        self._text: list[str] = []
        self._logprobs: list[dict[str, Any]] = []
        self._delta_head = ""

    # -- from the first event to the last

    def begun(self) -> str:
        """The response is there and being worked on."""
        return self._lifecycle("response.created", self.base) + self._lifecycle(
            "response.in_progress", self.base
        )

    def text(self, delta: str, logprobs: Sequence[dict[str, Any]] = (), *, id: str | None = None) -> str:
        """The message goes on; a new one begins where none is open."""
        events = ""
        if self._open is None or self._open["type"] != "message":
            events = self._end_item("completed") + self._begin_message(id)
        if not delta and not logprobs:
            return events
        self._text.append(delta)
        self._logprobs += logprobs
        self.pieces[-1].append([len(delta), len(logprobs)] if logprobs else len(delta))
        told = json.dumps(logprobs) if logprobs else "[]"
        data = f'"delta":{quoted(delta)},"logprobs":{told}{self._padding(delta)}'
        return f"{events}{self._delta_head}{self._number()},{data}}}\n\n"

    def call(self, name: str, *, id: str | None = None, call_id: str | None = None) -> str:
        """A function call begins."""
        events = self._end_item("completed")
        item: Item = {
            "id": id or ids.new_id("function_call"),
            "type": "function_call",
            "status": "in_progress",
            "arguments": "",
            "call_id": call_id or ids.new_id("call"),
            "name": name,
        }
        return events + self._begin_item(item, "response.function_call_arguments.delta", "")

    def arguments(self, delta: str) -> str:
        """The open call's arguments go on."""
        assert self._open is not None and self._open["type"] == "function_call"
        if not delta:
            return ""
        self._text.append(delta)
        self.pieces[-1].append(len(delta))
        return f'{self._delta_head}{self._number()},"delta":{quoted(delta)}{self._padding(delta)}}}\n\n'

    def refuse(self, refusal: str, *, id: str | None = None) -> str:
        """A message of its own says why the answer is not as it was asked for."""
        item = _message(id)
        part = {"type": "refusal", "refusal": refusal}
        events = self._end_item("completed") + self._begin_item(item, "response.refusal.delta", "")
        events += self._content("response.content_part.added", {"part": {**part, "refusal": ""}})
        events += self._content("response.refusal.delta", {"delta": refusal})
        events += self._content("response.refusal.done", {"refusal": refusal})
        events += self._content("response.content_part.done", {"part": part})
        return events + self._finish_item({**item, "status": "completed", "content": [part]})

    def ended(self, outcome: dict[str, Any]) -> str:
        """No more comes. `outcome` holds what has changed of the response object, its status at least."""
        events = ""
        status = outcome["status"]
        if not self.items and self._open is None and status != "failed":
            events = self._begin_message(None)
        events += self._end_item("completed" if status == "completed" else "incomplete")
        if status == "failed":
            told = {"code": outcome["error"]["code"], "message": outcome["error"]["message"], "param": None}
            events += self._event("error", told)
        return events + self._lifecycle(f"response.{status}", self.response(outcome))

    def response(self, outcome: dict[str, Any]) -> dict[str, Any]:
        """The whole response object."""
        return {**self.base, **outcome, "output": self.items}

    # -- items

    def _begin_message(self, id: str | None) -> str:
        added = self._begin_item(_message(id), "response.output_text.delta", '"content_index":0,')
        return added + self._content("response.content_part.added", {"part": _output_text("", [])})

    def _begin_item(self, item: Item, delta_type: str, place: str) -> str:
        self._open, self._text, self._logprobs = item, [], []
        self.pieces.append([])
        self._delta_head = (
            f'event: {delta_type}\ndata: {{"type":"{delta_type}","item_id":"{item["id"]}",'
            f'"output_index":{len(self.items)},{place}"sequence_number":'
        )
        return self._event("response.output_item.added", {"output_index": len(self.items), "item": item})

    def _end_item(self, status: str) -> str:
        item = self._open
        if item is None:
            return ""
        whole = "".join(self._text)
        if item["type"] == "message":
            part = _output_text(whole, self._logprobs)
            events = self._content("response.output_text.done", {"text": whole, "logprobs": self._logprobs})
            events += self._content("response.content_part.done", {"part": part})
            return events + self._finish_item({**item, "status": status, "content": [part]})
        if _is_json(whole):  # what was cut short came after it
            status = "completed"
        place = {"item_id": item["id"], "output_index": len(self.items)}
        events = self._event("response.function_call_arguments.done", {**place, "arguments": whole})
        return events + self._finish_item({**item, "status": status, "arguments": whole})

    def _finish_item(self, item: Item) -> str:
        self._open = None
        events = self._event("response.output_item.done", {"output_index": len(self.items), "item": item})
        self.items.append(item)
        return events

    # -- events

    def _content(self, kind: str, told: dict[str, Any]) -> str:
        assert self._open is not None
        place = {"item_id": self._open["id"], "output_index": len(self.items), "content_index": 0}
        return self._event(kind, {**place, **told})

    def _lifecycle(self, kind: str, response: dict[str, Any]) -> str:
        return self._event(kind, {"response": response})

    def _event(self, kind: str, told: dict[str, Any]) -> str:
        data = {"type": kind, "sequence_number": self._number(), **told}
        return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"

    def _padding(self, delta: str) -> str:
        if not self._noise:
            return ""
        n_bytes = len(delta) if delta.isascii() else len(delta.encode())
        return f',"obfuscation":"{self._noise[n_bytes % OBFUSCATED_BYTES :]}"'

    def _number(self) -> int:
        number = self._n_events
        self._n_events += 1
        return number


def replay(
    response: dict[str, Any], pieces: Sequence[Sequence[Any]] | None, *, obfuscated: bool = False
) -> Iterator[str]:
    """The events of a response that has ended, in order and as they were streamed; some at a time."""
    unfinished = {**response, "status": "in_progress", "output": [], "usage": None, "error": None}
    unfinished |= {"incomplete_details": None, "completed_at": None}
    growth = Growth(unfinished, obfuscated=obfuscated)
    yield growth.begun()
    for index, item in enumerate(response["output"]):
        cuts = pieces[index] if pieces is not None else None
        part = item["content"][0] if item["type"] == "message" else None
        if part is not None and part["type"] == "refusal":
            yield growth.refuse(part["refusal"], id=item["id"])
        elif part is not None:
            yield growth.text("", id=item["id"])
            for text, logprobs in _cut(part["text"], part["logprobs"], cuts):
                yield growth.text(text, logprobs)
        else:
            yield growth.call(item["name"], id=item["id"], call_id=item["call_id"])
            for text, _ in _cut(item["arguments"], [], cuts):
                yield growth.arguments(text)
    kept = ("status", "usage", "error", "incomplete_details", "completed_at")
    yield growth.ended({key: response[key] for key in kept})


def _cut(
    text: str, logprobs: Sequence[Any], cuts: Sequence[Any] | None
) -> Iterator[tuple[str, Sequence[Any]]]:
    if cuts is None:
        yield text, logprobs
        return
    at = at_logprob = 0
    for cut in cuts:
        length, number = cut if isinstance(cut, list | tuple) else (cut, 0)
        yield text[at : at + length], logprobs[at_logprob : at_logprob + number]
        at, at_logprob = at + length, at_logprob + number


def _message(id: str | None) -> Item:
    return {
        "id": id or ids.new_id("message"),
        "type": "message",
        "status": "in_progress",
        "content": [],
        "role": "assistant",
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _output_text(text: str, logprobs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": text}
