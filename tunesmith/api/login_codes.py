"""`POST /v1/login_codes/{code}`: a code that the server printed at its start becomes a key, once.

Whoever starts the server opens the console with the link that it prints, and types no key. A code has 128
random bits and ten minutes; of it only the hash is kept, in memory, and what becomes of it is a key of its
own that can be revoked like any other. It needs no key, so failures are bounded; a good code is never refused
for others' failures.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Request, Response

from tunesmith import ids
from tunesmith.api.office import OfficeDep
from tunesmith.errors import NotFound, RateLimited
from tunesmith.store import keys, projects
from tunesmith.wire.login_codes import LoginKey

router = APIRouter(prefix="/v1/login_codes", tags=["server"])

CODE_BYTES = 16
LIFETIME_S = 600.0
MAX_FAILURES = 20
"""Wrong codes of all callers together…"""
FAILURES_PER_S = 60.0
"""…in so many seconds; more are not told whether they are wrong."""
KEY_NAME = "console"
KEY_LIFETIME_S = 30 * 24 * 3600


class LoginCodes:
    """The codes that can still be used."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._until_s: dict[bytes, float] = {}
        self._failures: deque[float] = deque()

    def new(self) -> str:
        """A fresh code."""
        code = secrets.token_urlsafe(CODE_BYTES)
        with self._lock:
            self._until_s[_digest(code)] = self._monotonic() + LIFETIME_S
        return code

    @contextmanager
    def use(self, code: str) -> Iterator[None]:
        """Takes a code, which then is worth nothing any more, unless what it is used for fails.

        Raises NotFound, and RateLimited.
        """
        until_s = self._take(code)
        try:
            yield
        except BaseException:
            with self._lock:
                self._until_s[_digest(code)] = until_s
            raise

    def _take(self, code: str) -> float:
        """The time until which the code would have been good."""
        now_s = self._monotonic()
        with self._lock:
            until_s = self._until_s.pop(_digest(code), 0.0)
            if until_s > now_s:
                return until_s
            while self._failures and self._failures[0] <= now_s - FAILURES_PER_S:
                self._failures.popleft()
            if len(self._failures) >= MAX_FAILURES:
                raise RateLimited(
                    "Too many wrong login codes. Try again in a minute, or sign in with an API key.",
                    headers={"retry-after": str(int(FAILURES_PER_S))},
                )
            self._failures.append(now_s)
        raise NotFound(
            "This login code is not valid: it works once, for ten minutes, on the server that printed it. "
            "Restart the server for a new one, or sign in with an API key.",
            param="code",
            code="invalid_login_code",
        )


@router.post("/{code}", response_model=LoginKey)
def use_login_code(request: Request, office: OfficeDep, code: str) -> Response:
    """Our own: turns the one-time code that the server printed at its start into an admin key.

    Needs no key. The key is called "console", is shown this once, and ends after thirty days.
    """
    request.scope["path"] = "/v1/login_codes/…"  # the log gets no code, not even a wrong one
    codes: LoginCodes = request.app.state.login_codes
    expires_at = ids.now() + KEY_LIFETIME_S
    with codes.use(code), office.db.write() as connection:
        project = projects.first(connection, keys.FIRST_ORGANIZATION)
        key, secret = keys.create(connection, project.id, name=KEY_NAME, is_admin=True, expires_at=expires_at)
    answer = LoginKey(
        id=key.id,
        name=key.name,
        value=secret,
        created_at=key.created_at,
        expires_at=expires_at,
        organization_id=keys.FIRST_ORGANIZATION,
        project_id=project.id,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
