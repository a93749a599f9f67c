"""What every request gets, whatever its route: an id, OpenAI's headers, admission, a log line, its place in
the usage, and an answer even when the server itself fails or the key ends meanwhile.

Plain ASGI, so that a stream passes through without a task or a copy of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith import ids
from tunesmith.api import rate_limits
from tunesmith.api.auth import Doorkeeper
from tunesmith.api.http.errors import error_bytes, error_response, internal_error
from tunesmith.api.metering import Meter, Served
from tunesmith.api.office import Office
from tunesmith.api.rate_limits import Limiter, Ticket
from tunesmith.errors import NotAdmitting, TunesmithError
from tunesmith.store.rows import Principal

log = logging.getLogger("tunesmith.requests")

API_VERSION = b"2020-10-01"
"""OpenAI's own, which its clients have seen for years."""
CLIENT_GONE = 499
PREFLIGHT_S = b"86400"
"""Seconds that a browser remembers what other sites' pages may ask."""


class _HeadAnswered(BaseException):
    """The headers are out; a HEAD request wants no more."""


class Envelope:
    """ASGI middleware around all routes."""

    def __init__(
        self, app: ASGIApp, office: Office, doorkeeper: Doorkeeper, meter: Meter, limiter: Limiter
    ) -> None:
        self.app = app
        self.office = office
        self.doorkeeper = doorkeeper
        self.meter = meter
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = ids.new_id("request")
        scope["tunesmith.request_id"] = request_id
        started = time.perf_counter()
        status = 0
        streams_events = complete = False
        method = scope["method"]
        ticket = Ticket(self.limiter, internal="tunesmith.principal" in scope)

        async def send_with_headers(message: Message) -> None:
            nonlocal status, streams_events, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                streams_events = any(
                    name == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in headers
                )
                headers += self._headers(scope, ticket, request_id, started)
                message = {**message, "headers": headers}
                if method == "HEAD":
                    await send(message)
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    raise _HeadAnswered
            elif not message.get("more_body", False):
                complete = True
            await send(message)

        task = asyncio.current_task()
        assert task is not None
        self.office.in_flight += 1
        if not ticket.internal:
            self.doorkeeper.inside[task] = scope
        token = rate_limits.current.set(ticket)
        try:
            if self.office.draining and scope["path"] != "/health":
                refusal = NotAdmitting(
                    "The server is restarting. Try again in a few seconds.",
                    headers={"retry-after": "5", "connection": "close"},
                )
                await error_response(refusal)(scope, receive, send_with_headers)
            elif method == "OPTIONS" and _is_preflight(scope):
                await Response(status_code=204, headers=_ALLOWED_OF_OTHER_SITES)(
                    scope, receive, send_with_headers
                )
            else:
                if method == "HEAD":  # what GET would say, without its body
                    scope = {**scope, "method": "GET"}
                    if not ticket.internal:
                        self.doorkeeper.inside[task] = scope
                await self.app(scope, receive, send_with_headers)
        except _HeadAnswered:
            pass
        except ClientDisconnect:
            pass  # in the middle of its body: nobody is left to answer
        except asyncio.CancelledError:
            why: TunesmithError | None = scope.get("tunesmith.cut")
            if why is None:
                raise
            task.uncancel()
            if not status:
                await error_response(why)(scope, receive, send_with_headers)
            elif streams_events and not complete:
                event = b"data: " + error_bytes(why) + b"\n\n"
                await send({"type": "http.response.body", "body": event, "more_body": False})
            # whatever else had begun stays incomplete, so the server closes the connection
        except Exception:
            log.exception("failed", extra={"request_id": request_id, "path": scope["path"]})
            if status:
                raise  # the answer has begun; cutting the connection is all that is left
            await error_response(internal_error(request_id))(scope, receive, send_with_headers)
        finally:
            rate_limits.current.reset(token)
            self.office.in_flight -= 1
            if not ticket.internal:
                self.doorkeeper.inside.pop(task, None)
            principal: Principal | None = scope.get("tunesmith.principal")
            if principal is not None:
                tokens = self._count(scope, principal, status, batch=ticket.internal)
                self.limiter.settle(ticket, principal.project_id, tokens)
            log.info(
                "answered" if status else "client went away",
                extra={
                    "request_id": request_id,
                    "method": method,
                    "path": scope["path"],
                    "status": status,
                    "ms": round((time.perf_counter() - started) * 1000, 1),
                    "key_id": principal.key_id if principal else None,
                },
            )

    def _count(self, scope: Scope, principal: Principal, status: int, *, batch: bool) -> int:
        """Counts what was served, also of an answer that was cut short; returns its tokens."""
        served: Served | None = scope.get("tunesmith.served")
        if served is None:
            return 0
        if status >= 400 and status != CLIENT_GONE and not served.tokens()[2]:
            return 0  # refused or failed before anything was generated
        return self.meter.count(principal, served, batch=batch)

    def _headers(
        self, scope: Scope, ticket: Ticket, request_id: str, started: float
    ) -> list[tuple[bytes, bytes]]:
        elapsed_ms = int((time.perf_counter() - started) * 1000)
        headers = [
            (b"x-request-id", request_id.encode()),
            (b"openai-processing-ms", b"%d" % elapsed_ms),
            (b"openai-version", API_VERSION),
            (b"x-content-type-options", b"nosniff"),
            # other sites' pages may ask too: nothing is answered without a key, and cookies mean nothing
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", b"*"),
        ]
        principal: Principal | None = scope.get("tunesmith.principal")
        if principal is not None:
            headers.append((b"openai-organization", principal.organization_id.encode()))
            headers.append((b"openai-project", principal.project_id.encode()))
        if ticket.pair is not None:
            headers += self.limiter.headers(ticket.pair)
        return headers


_ALLOWED_OF_OTHER_SITES = {
    "access-control-allow-methods": "GET, POST, DELETE, HEAD, OPTIONS",
    # `*` does not cover Authorization: it has to be named
    "access-control-allow-headers": "Authorization, *",
    "access-control-max-age": PREFLIGHT_S.decode(),
}


def _is_preflight(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "origin" in headers and "access-control-request-method" in headers
