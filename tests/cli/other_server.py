"""Another OpenAI-compatible server, plain as the wire format allows: none of our extras, events without data.

It serves one job whose log grows by `events_per_look` with each look, until it ends as `outcome`.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlparse


class OtherServer:
    """`with OtherServer(…) as server:` listens on `server.base_url` until the block ends."""

    def __init__(self, n_events: int = 8, events_per_look: int = 3, outcome: str = "succeeded") -> None:
        self.n_events, self.events_per_look, self.outcome = n_events, events_per_look, outcome
        self.visible = 0
        self.refusals = 0
        """So many looks at the job are answered with 503 first."""
        self.asked: list[tuple[str, Any]] = []
        """Each request's path and query or body."""

    def __enter__(self) -> OtherServer:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlparse(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                owner.asked.append((url.path, query))
                self._send(*owner.get(url.path, query))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                owner.asked.append((self.path, body))
                self._send(200, "".join(f"data: {line}\n\n" for line in owner.stream(body)))

            def _send(self, status: int, body: Any) -> None:
                sent = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                kind = "text/event-stream" if isinstance(body, str) else "application/json"
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(sent)))
                if status == 503:
                    self.send_header("x-should-retry", "false")
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *args: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path.endswith("/events"):
            return 200, self._events(query)
        if self.refusals:
            self.refusals -= 1
            return 503, {
                "error": {"message": "restarting", "type": "server_error", "param": None, "code": None}
            }
        self.visible = min(self.n_events, self.visible + self.events_per_look)
        return 200, self._job()

    def _job(self) -> dict[str, Any]:
        ended = self.visible >= self.n_events
        return {
            "id": "ftjob-1",
            "object": "fine_tuning.job",
            "created_at": 1,
            "status": self.outcome if ended else "running",
            "fine_tuned_model": "ft:x" if ended and self.outcome == "succeeded" else None,
            "error": {"code": "bad", "message": "Line 3 is bad.", "param": "training_file"}
            if ended and self.outcome == "failed"
            else None,
            "model": "x",
            "training_file": "file-1",
            "result_files": [],
            "seed": 1,
            "hyperparameters": {"n_epochs": 1},
            "organization_id": "org",
        }

    def _events(self, query: dict[str, str]) -> dict[str, Any]:
        numbers = list(range(self.visible, 0, -1))
        if "after" in query:
            numbers = [n for n in numbers if n < int(query["after"].removeprefix("ftevent-"))]
        page = numbers[: int(query.get("limit", 20))]
        return {
            "object": "list",
            "has_more": len(page) < len(numbers),
            "data": [
                {
                    "id": f"ftevent-{n}",
                    "object": "fine_tuning.job.event",
                    "created_at": n,
                    "level": "info",
                    "type": "metrics",
                    "data": None,
                    "message": f"Step {n}/{self.n_events}: training loss={1 / n:.2f}",
                }
                for n in page
            ],
        }

    def stream(self, body: dict[str, Any]) -> list[str]:
        """The chunks of an answer that repeats the last message, then a chunk of usage alone."""
        words = body["messages"][-1]["content"].split(" ")
        deltas = [{"role": "assistant"}, *({"content": f"{word} "} for word in words)]
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        return [*(json.dumps({**head, "choices": choice}) for choice in [*choices, []]), "[DONE]"]
