"""Who is calling: a bearer key becomes a Principal, in the project that the key or the headers say.

Answers are remembered for a few seconds, so a burst of requests costs one look-up. A key that ends through
this server is forgotten at once, and what it is being answered is cut off.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.office import OfficeDep
from tunesmith.errors import AuthenticationError, PermissionDenied
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal

REMEMBER_S = 5.0
"""Seconds that a recognised key is trusted without asking the database again."""
MAX_REMEMBERED = 1024
MAX_KEY_CHARS = 256
MAX_PROJECT_CHARS = 64

MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY). The server printed one at its first start."
)


class Doorkeeper:
    """Recognises keys, with a short memory for those that it knows, and knows who is inside."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[tuple[bytes, str | None], tuple[float, Principal]] = {}
        self._ended = 0
        self.inside: dict[asyncio.Task[Any], Any] = {}
        """The scopes of requests that are being answered, by the task that answers them."""

    async def recognise(self, secret: str, project_id: str | None = None) -> Principal | None:
        """Whom `secret` speaks for (in `project_id`, for an admin key), or None.

        Raises AuthenticationError for a good key that may not act in the project.
        """
        asked = hashlib.sha256(secret.encode("utf-8", "replace")).digest(), project_id
        known = self._known.get(asked)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        ended = -1
        while ended != self._ended:  # a key that ended while we looked is looked up again
            ended = self._ended
            principal = await run_in_threadpool(keys.authenticate, self._db, secret, project_id=project_id)
        if principal is None:
            self._known.pop(asked, None)
            return None
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[asked] = (time.monotonic() + REMEMBER_S, principal)
        return principal

    def end(self, ends: Callable[[Principal], bool], why: str) -> None:
        """Forgets the keys that have ended and cuts off whatever they are being answered, with `why`.

        The request that asks for it goes on.
        """
        self._ended += 1
        self._known = {asked: known for asked, known in self._known.items() if not ends(known[1])}
        for task, scope in list(self.inside.items()):
            principal: Principal | None = scope.get("tunesmith.principal")
            if principal is not None and ends(principal) and task is not asyncio.current_task():
                scope["tunesmith.cut"] = AuthenticationError(why)
                task.cancel()


async def _caller(request: Request, office: OfficeDep) -> Principal:
    known: Principal | None = request.scope.get("tunesmith.principal")
    if known is not None:  # a request of our own, for a batch; or asked twice
        return known
    header = request.headers.get("authorization", "")
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise AuthenticationError(MISSING, headers={"www-authenticate": "Bearer"})
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    project_id = request.headers.get("openai-project", "")[: MAX_PROJECT_CHARS + 1] or None
    principal = await doorkeeper.recognise(secret, project_id) if len(secret) <= MAX_KEY_CHARS else None
    if principal is None:
        raise AuthenticationError(
            f"Incorrect API key provided: {masked(secret)}. The server printed the first key at its "
            "first start.",
            headers={"www-authenticate": "Bearer"},
        )
    organization = request.headers.get("openai-organization", "")
    if organization and organization != principal.organization_id:
        raise AuthenticationError(
            "OpenAI-Organization header should match organization for API key. This key belongs to "
            f"'{principal.organization_id}'; say so, or leave the header (OPENAI_ORG_ID) out.",
            code="mismatched_organization",
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


async def _admin(principal: Caller) -> Principal:
    if not principal.is_admin:
        raise PermissionDenied(
            "You have insufficient permissions for this operation: it needs an admin key, and this is a "
            "project's. Use the key that the server printed at its first start, or one made with POST "
            "/v1/organization/admin_api_keys.",
            code="insufficient_permissions",
        )
    return principal


Admin = Annotated[Principal, Depends(_admin)]
"""Who may manage the organization: the holder of an admin key."""
