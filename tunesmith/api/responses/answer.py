"""From a chat that has begun to a response: whole, or as a stream of events, and stored at its end."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.chat.routes import Begun
from tunesmith.api.chat.tool_calls import CallBegun, Piece
from tunesmith.api.generation.generation import Generation
from tunesmith.api.generation.logprobs import chat_entries
from tunesmith.api.http.errors import internal_error
from tunesmith.api.responses.events import Growth
from tunesmith.api.responses.request import rewording
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import TokenOutput
from tunesmith.errors import TunesmithError
from tunesmith.store import conversations, responses
from tunesmith.store.database import Database
from tunesmith.store.responses import Item
from tunesmith.store.rows import ResponseRow

log = logging.getLogger("tunesmith.responses")

Step = tuple[list[Piece], list[TokenOutput], str | None]
"""What a delta completes, the tokens that made it, and the finish reason with the last."""


@dataclass(frozen=True)
class Home:
    """Where a response is kept."""

    db: Database
    project_id: str
    given: list[Item]
    """The items that its request brought."""
    root_id: str
    """The first of the responses that it goes on from."""
    conversation_id: str | None
    """The conversation that its items are added to."""


class Answering:
    """One response on its way."""

    def __init__(
        self,
        begun: Begun,
        base: dict[str, Any],
        *,
        home: Home,
        logprobs: bool,
        obfuscated: bool,
        request_id: str,
    ) -> None:
        """`base`: the response object as it begins; its `store` says whether it is kept."""
        self._begun = begun
        self._home = home
        self._growth = Growth(base, obfuscated=obfuscated)
        self._entries = _Logprobs(begun.generation.tokenizer) if logprobs else None
        self._request_id = request_id

    async def whole(self) -> dict[str, Any]:
        """The response object, once it is complete and stored."""
        said: list[str] = []
        entries: list[dict[str, Any]] = []
        finish_reason: str | None = None
        with rewording():
            async with aclosing(self._steps()) as steps:
                async for pieces, tokens, reason in steps:
                    finish_reason = reason or finish_reason
                    for text, piece, found in self._told(pieces, tokens):
                        if piece is None:
                            said.append(text)
                            entries += found
                            continue
                        self._say(said, entries)
                        self._grow(text, piece, found)
        self._say(said, entries)
        self._refuse()
        outcome = self._outcome(finish_reason)
        self._growth.ended(outcome)
        await self._store(outcome, streamed=False)
        return self._growth.response(outcome)

    def _say(self, said: list[str], entries: list[dict[str, Any]]) -> None:
        if said:
            self._growth.text("".join(said), entries.copy())
            said.clear()
            entries.clear()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The stream's events. What fails before the first of them is raised; what fails later is told by
        `error` and `response.failed`."""
        growth = self._growth
        finish_reason: str | None = None
        begun = False
        try:
            with rewording():
                async with aclosing(self._steps()) as steps:
                    async for pieces, tokens, reason in steps:
                        finish_reason = reason or finish_reason
                        events = "" if begun else growth.begun()
                        begun = True
                        for text, piece, found in self._told(pieces, tokens):
                            events += self._grow(text, piece, found)
                        if events:
                            yield events.encode()
            outcome = self._outcome(finish_reason)
            last = self._refuse() + growth.ended(outcome)
            await self._store(outcome, streamed=True)
        except Exception as error:
            if not begun:
                raise
            if not isinstance(error, TunesmithError):
                log.exception("failed in a stream", extra={"request_id": self._request_id})
                error = internal_error(self._request_id)
            code = "invalid_prompt" if error.status < 500 else "server_error"
            outcome = {"status": "failed", "error": {"code": code, "message": error.message}}
            yield growth.ended(outcome).encode()
            return
        yield last.encode()

    # -- from steps to items

    async def _steps(self) -> AsyncGenerator[Step, None]:
        async with aclosing(self._begun.answers.steps()) as steps:
            async for _, pieces, delta in steps:
                yield pieces, list(delta.tokens), delta.finish_reason

    def _told(
        self, pieces: Iterable[Piece], tokens: list[TokenOutput]
    ) -> Iterable[tuple[str, Piece | None, list[dict[str, Any]]]]:
        """Each piece: text (no piece, and its log-probabilities), or a part of a call."""
        if self._entries is not None:
            self._entries.add(tokens)
        for piece in pieces:
            if isinstance(piece, str):
                yield piece, None, self._entries.of(piece) if self._entries is not None else []
            else:
                if self._entries is not None:
                    self._entries.drop()
                yield "", piece, []

    def _grow(self, text: str, piece: Piece | None, entries: list[dict[str, Any]]) -> str:
        if piece is None:
            return self._growth.text(text, entries)
        if isinstance(piece, CallBegun):
            return self._growth.call(piece.name)
        assert not isinstance(piece, str)
        return self._growth.arguments(piece.text)

    def _refuse(self) -> str:
        """What is not as it was asked for says so."""
        refusal = self._begun.answers.choices[0].refusal
        return "" if refusal is None else self._growth.refuse(refusal)

    def _outcome(self, finish_reason: str | None) -> dict[str, Any]:
        cut = finish_reason == "length"
        return {
            "status": "incomplete" if cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "completed_at": None if cut else ids.now(),
            "usage": usage(self._begun.generation),
        }

    async def _store(self, outcome: dict[str, Any], *, streamed: bool) -> None:
        home = self._home
        body = self._growth.response(outcome)
        written = body.pop("output")
        if not body["store"] and home.conversation_id is None:
            return
        row = ResponseRow(
            id=body["id"],
            project_id=home.project_id,
            previous_response_id=body["previous_response_id"],
            root_id=home.root_id,
            body=body,
            pieces=self._growth.pieces if streamed else None,
            created_at=body["created_at"],
            expires_at=body["created_at"] + responses.LIFETIME_S,
        )
        await run_in_threadpool(_keep, home, row, written)


def _keep(home: Home, row: ResponseRow, written: list[Item]) -> None:
    with home.db.write() as connection:
        if home.conversation_id is not None:
            items = [*home.given, *written]
            conversations.add(connection, home.project_id, home.conversation_id, items)
        if row.body["store"]:
            responses.insert(connection, row, given=home.given, written=written)


def usage(generation: Generation) -> dict[str, Any]:
    """Tokens so far, as Responses count them."""
    read, cached, written = generation.counts()
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }


class _Logprobs:
    """Finds the tokens of a text among those that come, by their bytes: a call's tokens are no text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._waiting: deque[tuple[int, TokenOutput]] = deque()
        self._from_end = False

    def add(self, tokens: Iterable[TokenOutput]) -> None:
        """Tokens that have become visible, in text or in calls."""
        for token in tokens:
            hidden = self._tokenizer.is_special(token.token_id)
            n_bytes = 0 if hidden else len(self._tokenizer.token_bytes(token.token_id))
            self._waiting.append((n_bytes, token))

    def of(self, text: str) -> list[dict[str, Any]]:
        """The entries of the tokens that made `text`."""
        missing = len(text.encode())
        found: list[TokenOutput] = []
        while self._waiting and missing > 0:
            n_bytes, token = self._waiting.pop() if self._from_end else self._waiting.popleft()
            found.append(token)
            missing -= n_bytes
        if self._from_end:  # what is left of a call stands before its text
            found.reverse()
            self._waiting.clear()
            self._from_end = False
        return chat_entries(self._tokenizer, found)

    def drop(self) -> None:
        """A call goes on: the tokens so far were its own."""
        self._waiting.clear()
        self._from_end = True
