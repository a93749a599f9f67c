"""What a one-time code is exchanged for: our own, not OpenAI's."""

from __future__ import annotations

from typing import Literal

from tunesmith.wire.base import Response


class LoginKey(Response):
    """The answer to `POST /login_codes/{code}`: an admin key of its own, shown this once."""

    object: Literal["login_key"] = "login_key"
    id: str
    name: str
    value: str
    """The secret."""
    created_at: int
    expires_at: int
    organization_id: str
    project_id: str
