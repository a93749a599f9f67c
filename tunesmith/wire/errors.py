"""OpenAI's error object: the one shape of every refusal."""

from __future__ import annotations

from tunesmith.wire.base import Response


class ErrorObject(Response):
    """What was wrong, where, and what to do."""

    message: str
    type: str
    param: str | None
    """The field of the request that is at fault."""
    code: str | None


class ErrorResponse(Response):
    """The body of every answer from status 400 on."""

    error: ErrorObject
