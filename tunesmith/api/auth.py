"""Who is calling: a bearer key becomes a Principal.

Answers are remembered for a few seconds, so a burst of requests costs one look-up, and a revoked key ends
as fast.
"""

from __future__ import annotations

import hashlib
import time
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.office import OfficeDep
from tunesmith.errors import AuthenticationError
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal

REMEMBER_S = 5.0
"""Seconds that a recognised key is trusted without asking the database again."""
MAX_REMEMBERED = 1024
MAX_KEY_CHARS = 256

MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY). The server printed one at its first start."
)


class Doorkeeper:
    """Recognises keys, with a short memory for those that it knows."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[bytes, tuple[float, Principal]] = {}

    async def recognise(self, secret: str) -> Principal | None:
        """Whom `secret` speaks for, or None."""
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        principal = await run_in_threadpool(keys.authenticate, self._db, secret)
        if principal is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[digest] = (time.monotonic() + REMEMBER_S, principal)
        return principal


async def _caller(request: Request, office: OfficeDep) -> Principal:
    header = request.headers.get("authorization", "")
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise AuthenticationError(MISSING, headers={"www-authenticate": "Bearer"})
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    principal = await doorkeeper.recognise(secret) if len(secret) <= MAX_KEY_CHARS else None
    if principal is None:
        raise AuthenticationError(
            f"Incorrect API key provided: {masked(secret)}. The server printed the first key at its "
            "first start.",
            headers={"www-authenticate": "Bearer"},
        )
    request.scope["tunesmith.principal"] = principal
    return principal


def masked(secret: str) -> str:
    """Enough of a key to tell which one it was, and no more: `sk-…abcd`."""
    shown = "".join(char if char.isascii() and char.isprintable() else "?" for char in secret)
    if len(shown) < 12:
        return "…"
    return f"{shown[:3]}…{shown[-4:]}"


Caller = Annotated[Principal, Depends(_caller)]
