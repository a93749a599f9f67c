"""A webhook receiver on loopback: remembers what came, and answers as the test wants; and rows of endpoints.

`receiver.pem` is a key and a certificate for the name `receiver.example`, for tests alone.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tunesmith import ids
from tunesmith.store import webhooks
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal, WebhookEndpointRow

#: What endpoints want where a test does not say.
EVENT = "fine_tuning.job.succeeded"
CERTIFICATE = Path(__file__).with_name("receiver.pem")


@dataclass(frozen=True)
class Came:
    """One request, and when it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float = field(default_factory=time.monotonic)


@dataclass
class Receiver:
    """What came, and what is answered: statuses in turn, the last one from then on."""

    scheme: str
    port: int
    came: list[Came] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    before_answer: Callable[[], object] = lambda: None
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    def wait(self, count: int, timeout_s: float = 60.0) -> list[Came]:
        """The first `count` requests, once they have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.came) >= count, timeout_s), self.came
            return self.came[:count]


@contextmanager
def receiving(tls: bool = False) -> Iterator[Receiver]:
    """A receiver while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.changed:
                receiver.came.append(Came(self.path, headers, body))
                receiver.changed.notify_all()
                status = receiver.answers[min(len(receiver.came), len(receiver.answers)) - 1]
            receiver.before_answer()
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that went away is part of some tests

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver = Receiver("https" if tls else "http", server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def an_endpoint(db: Database, who: Principal, url: str, **values: object) -> WebhookEndpointRow:
    """A stored endpoint of the project."""
    row = WebhookEndpointRow(
        **{
            "id": ids.new_id("webhook_endpoint"),
            "project_id": who.project_id,
            "name": "tests",
            "url": url,
            "event_types": [EVENT],
            "secret": ids.new_webhook_secret(),
            "created_at": ids.now(),
            "updated_at": ids.now(),
            **values,
        }
    )
    webhooks.add(db, row, at_most=100)
    return row
