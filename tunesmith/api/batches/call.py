"""One line of a batch through its route: an ASGI call into the application itself, as whoever made the batch.

The route cannot tell it from a client's request, so validation, limits, metering and the log are the route's
own. Whether an answer is worth another try follows the rule of OpenAI's clients.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from tunesmith.api.http.errors import error_bytes, internal_error
from tunesmith.store.batches import Tokens
from tunesmith.store.rows import Principal

log = logging.getLogger("tunesmith.batches")

MAX_TRIES = 6
"""Tries of a line whose route fails."""
LATER = frozenset({429, 503, 507})
"""Answers that only say "later": the line is asked again until the batch's window ends."""
FIRST_DELAY_S = 0.5
MAX_DELAY_S = 30.0
PARSED_BYTES = 64 * 1024
"""A longer answer (many embeddings) goes into the output as it is: parsing it would hold up every chat."""
MAX_HINTED_DELAY_S = 300.0
"""A longer `Retry-After` is cut to this, so that a batch notices when its project may go on."""


@dataclass(frozen=True)
class Answer:
    """What a route answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        """The id under which the log has it."""
        return self.headers.get("x-request-id", "")


async def ask(
    app: ASGIApp, endpoint: str, body: bytes, principal: Principal, gone: asyncio.Event
) -> Answer | None:
    """The route's whole answer to `body`; None when `gone` was set before the answer was there."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": endpoint,
        "raw_path": endpoint.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"host", b"batch"),
        ],
        "client": None,
        "server": None,
        "tunesmith.principal": principal,
    }
    unread = [body]
    status = 0
    headers: dict[str, str] = {}
    pieces: list[bytes] = []

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            for name, value in message["headers"]:
                headers[name.decode("latin-1")] = value.decode("latin-1")
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception:  # the answer had begun: a client would have seen the connection break
        log.exception("a batch's line failed", extra={"path": endpoint})
        request_id = headers.get("x-request-id", "")
        return Answer(500, headers, error_bytes(internal_error(request_id)))
    if gone.is_set() and status in (0, 499):
        return None
    return Answer(status, headers, b"".join(pieces))


def delay_s(answer: Answer, tries: int) -> float | None:
    """Seconds until the line is worth another try, after `tries` of them; None when this answer stands."""
    if answer.headers.get("x-should-retry") == "false":
        return None
    if answer.status not in LATER and (answer.status < 500 or tries >= MAX_TRIES):
        return None
    backoff = min(FIRST_DELAY_S * 2 ** min(tries - 1, 16), MAX_DELAY_S) * random.uniform(0.75, 1.0)
    try:
        hinted = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return backoff
    return max(backoff, min(hinted, MAX_HINTED_DELAY_S))


# -- what an answer is in the output ------------------------------------------------------------------


def answered(batch_request_id: str, custom_id: str, answer: Answer) -> tuple[bytes, Tokens]:
    """The line of the output or error file for an answer, and the tokens that it used."""
    response: dict[str, Any] = {"status_code": answer.status, "request_id": answer.request_id, "body": None}
    line = {"id": batch_request_id, "custom_id": custom_id, "response": response, "error": None}
    if len(answer.body) > PARSED_BYTES and b"\n" not in answer.body:
        before, _, after = _line(line).partition(b'"body":null')
        return before + b'"body":' + answer.body + after, tokens_of(_usage_within(answer.body))
    try:
        response["body"] = json.loads(answer.body)
    except ValueError:
        response["body"] = answer.body.decode("utf-8", "replace")
    return _line(line), tokens_of(response["body"])


def unanswered(batch_request_id: str, custom_id: str, code: str, message: str) -> bytes:
    """The line of the error file for a request that was never asked."""
    error = {"code": code, "message": message}
    return _line({"id": batch_request_id, "custom_id": custom_id, "response": None, "error": error})


def _line(value: dict[str, Any]) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair in a custom_id goes back as it came
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _usage_within(body: bytes) -> dict[str, Any]:
    """`{"usage": ...}` of an answer that is not parsed as a whole."""
    key, end = b'"usage":', len(body)
    # a quote inside a JSON string is escaped, so these bytes are a key wherever they stand
    while (end := body.rfind(key, 0, end)) >= 0:
        try:
            text = body[end + len(key) : end + 4096].decode("utf-8", "replace")
            found, _ = json.JSONDecoder().raw_decode(text.lstrip())
        except ValueError:
            continue
        if isinstance(found, dict) and "total_tokens" in found:
            return {"usage": found}
    return {}


def tokens_of(body: Any) -> Tokens:
    """What an answer of any of the routes says in its `usage`."""
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return Tokens()

    def count(*names: str) -> int:
        for name in names:
            value: Any = usage
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if isinstance(value, int):
                return value
        return 0

    return Tokens(
        input=count("prompt_tokens", "input_tokens"),
        cached=count("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
        output=count("completion_tokens", "output_tokens"),
        reasoning=count(
            "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"
        ),
    )
