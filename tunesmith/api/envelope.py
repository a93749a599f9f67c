"""What every request gets, whatever its route: an id, OpenAI's headers, admission, a log line, and an
answer even when the server itself fails.

Plain ASGI, so that a stream passes through without a task or a copy of its own.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith import ids
from tunesmith.api.errors import error_response, internal_error
from tunesmith.api.office import Office
from tunesmith.errors import NotAdmitting
from tunesmith.store.rows import Principal

log = logging.getLogger("tunesmith.requests")

API_VERSION = b"2020-10-01"
"""OpenAI's own, which its clients have seen for years."""


class Envelope:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp, office: Office) -> None:
        self.app = app
        self.office = office

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = ids.new_id("request")
        scope["tunesmith.request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                principal: Principal | None = scope.get("tunesmith.principal")
                elapsed_ms = int((time.perf_counter() - started) * 1000)
                headers = list(message["headers"])
                headers += (
                    (b"x-request-id", request_id.encode()),
                    (b"openai-processing-ms", b"%d" % elapsed_ms),
                    (b"openai-version", API_VERSION),
                    (b"x-content-type-options", b"nosniff"),
                )
                if principal is not None:
                    headers.append((b"openai-organization", principal.organization_id.encode()))
                message = {**message, "headers": headers}
            await send(message)

        self.office.in_flight += 1
        try:
            if self.office.draining and scope["path"] != "/health":
                refusal = NotAdmitting(
                    "The server is restarting. Try again in a few seconds.",
                    headers={"retry-after": "5", "connection": "close"},
                )
                await error_response(refusal)(scope, receive, send_with_headers)
            else:
                await self.app(scope, receive, send_with_headers)
        except Exception:
            log.exception("failed", extra={"request_id": request_id, "path": scope["path"]})
            if status:
                raise  # the answer has begun; cutting the connection is all that is left
            await error_response(internal_error(request_id))(scope, receive, send_with_headers)
        finally:
            self.office.in_flight -= 1
            principal = scope.get("tunesmith.principal")
            log.info(
                "answered" if status else "client went away",
                extra={
                    "request_id": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "ms": round((time.perf_counter() - started) * 1000, 1),
                    "key_id": principal.key_id if principal else None,
                },
            )
