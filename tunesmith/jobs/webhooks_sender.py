"""One attempt at one delivery: an event, signed as Standard Webhooks has it, to a judged address.

What became of it is a value, never an exception; when to try again is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
from standardwebhooks import Webhook

from tunesmith import __version__, ids
from tunesmith.errors import InvalidRequest
from tunesmith.jobs import webhooks_targets
from tunesmith.store.rows import WebhookEndpointRow

log = logging.getLogger("tunesmith.jobs.webhooks")

#: Seconds for one attempt in all: the name, the connection, the request and the head of the answer.
ATTEMPT_TIMEOUT_S = 15.0
#: Seconds for the connection to one address.
CONNECT_TIMEOUT_S = 4.0
#: Addresses of a receiver that are tried one after another when no connection comes about.
MAX_TRIED_ADDRESSES = 3
#: Threads that may wait for name servers; they cannot be interrupted, so they are no one else's.
RESOLVER_THREADS = 16


@dataclass(frozen=True)
class Outcome:
    """What one attempt came to."""

    sentence: str
    status_code: int | None = None
    """None where no HTTP answer came."""
    retry_after_s: int | None = None
    """How long the receiver asks to be left alone."""

    @property
    def ok(self) -> bool:
        """Whether the receiver has taken the event."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it wants no more events, ever."""
        return self.status_code == 410


class Sender:
    """Sends on one event loop. Connections are not kept: the next attempt may go to another address."""

    def __init__(
        self,
        *,
        allow_private: bool,
        tls: ssl.SSLContext | None = None,
        look_up: Callable[..., list[Any]] = socket.getaddrinfo,
    ) -> None:
        """`tls`: whom to trust; by default whom the operating system trusts. `look_up`: the name server."""
        self._allow_private = allow_private
        self._look_up = look_up
        self._resolver = ThreadPoolExecutor(RESOLVER_THREADS, "tunesmith-webhook-names")
        self._http = httpx2.AsyncClient(
            verify=tls or httpx2.create_ssl_context(),
            trust_env=False,  # a proxy would call another address than the one that was judged
            follow_redirects=False,
            timeout=httpx2.Timeout(ATTEMPT_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_keepalive_connections=0),
            # one receiver's cookies are none of another's at the same address
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def close(self) -> None:
        """Ends all connections."""
        await self._http.aclose()
        self._resolver.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, url: str) -> list[webhooks_targets.IPv4 | webhooks_targets.IPv6]:
        """Where `url` may be called now. Raises InvalidRequest, or OSError when nobody knows the name."""
        checked = webhooks_targets.check_url(url, allow_private=self._allow_private)
        return await webhooks_targets.addresses(
            checked, allow_private=self._allow_private, resolver=self._resolver, look_up=self._look_up
        )

    async def send(self, endpoint: WebhookEndpointRow, delivery_id: str, body: str) -> Outcome:
        """Posts `body` to the endpoint, once."""
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                return await self._send(endpoint, delivery_id, body)
        except TimeoutError:
            return Outcome(f"No answer within {ATTEMPT_TIMEOUT_S:g} s.")
        except InvalidRequest as error:
            return Outcome(error.message)
        except httpx2.HTTPError as error:
            return Outcome(f"No answer: {str(error) or type(error).__name__}.")
        except OSError as error:
            return Outcome(f"The host's name cannot be resolved: {error.strerror or error}.")
        except Exception as error:  # an attempt that nobody notes down would be made again at once
            log.exception("an attempt at %s failed in an unforeseen way", delivery_id)
            return Outcome(f"No answer: {type(error).__name__}.")

    async def _send(self, endpoint: WebhookEndpointRow, delivery_id: str, body: str) -> Outcome:
        url = httpx2.URL(endpoint.url)
        found = await self.addresses(endpoint.url)
        for address in found[:MAX_TRIED_ADDRESSES]:
            try:
                return await self._post(url, str(address), headers_of(endpoint, delivery_id, body), body)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                problem = error
        raise problem

    async def _post(self, url: httpx2.URL, address: str, headers: dict[str, str], body: str) -> Outcome:
        name = url.raw_host.decode("ascii")
        request = self._http.build_request(
            "POST",
            url.copy_with(host=address),
            content=body.encode(),
            headers={**headers, "host": url.netloc.decode("ascii")},
            extensions={} if name == address else {"sni_hostname": name.rstrip(".")},
        )
        response = await self._http.send(request, stream=True)
        try:  # the body says nothing that we need, and has no bound
            return _outcome(response)
        finally:
            await response.aclose()


def headers_of(endpoint: WebhookEndpointRow, delivery_id: str, body: str) -> dict[str, str]:
    """The headers that let a receiver know the event for ours, signed at this second."""
    now = ids.now()
    secrets = [endpoint.secret]
    if endpoint.old_secret is not None and now < (endpoint.old_secret_until or 0):
        secrets.append(endpoint.old_secret)
    at = datetime.fromtimestamp(now, UTC)
    return {
        "content-type": "application/json",
        "user-agent": f"Tunesmith/{__version__} (webhooks)",
        "connection": "close",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(Webhook(secret).sign(delivery_id, at, body) for secret in secrets),
    }


def _outcome(response: httpx2.Response) -> Outcome:
    status = response.status_code
    asked = response.headers.get("retry-after", "")
    sentence = f"The receiver answered with status {status}"
    if 300 <= status < 400:
        sentence += "; redirects are not followed, so enter the address that it points to"
    return Outcome(
        f"{sentence}.",
        status_code=status,
        retry_after_s=int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else None,
    )
