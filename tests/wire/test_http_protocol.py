"""Raw bytes on a connection: what is no HTTP is refused in the one shape, what is HTTP is understood."""

from __future__ import annotations

import json
import socket

import pytest

from tests.conftest import RunningServer

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
"""What Java's own HTTP client adds to a request, unless it is told to speak HTTP/1.1."""


def answers(server: RunningServer, *pieces: str) -> list[tuple[str, dict]]:
    """Sends the pieces one after another on one connection: status lines and bodies of the answers."""
    host, port = server.root_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        for piece in pieces:
            connection.sendall(piece.encode())
        read, found = connection.makefile("rb"), []
        while status := read.readline().decode().strip():
            size = 0
            while header := read.readline().decode().strip():
                name, _, value = header.partition(": ")
                size = int(value) if name == "content-length" else size
            found.append((status, json.loads(read.read(size))))
    return found


def request(server: RunningServer, method: str, path: str, more: str = "") -> str:
    """A request's head, up to its framing."""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n{more}"


@pytest.mark.parametrize(
    "sent",
    [
        "NONSENSE /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nno colon here\r\n\r\n",
        "POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_the_one_shape(server: RunningServer, sent: str) -> None:
    [(status, body)] = answers(server, sent)
    assert status == "HTTP/1.1 400 Bad Request"
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == "invalid_http_request"


@pytest.mark.parametrize("at_once", [True, False])
def test_an_offer_to_speak_http_2_loses_neither_the_body_nor_the_connection(
    server: RunningServer, at_once: bool
) -> None:
    asked = json.dumps({"model": "nano", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]})
    head = request(server, "POST", "/v1/chat/completions", H2C + "Content-Type: application/json\r\n")
    whole = f"{head}Content-Length: {len(asked)}\r\n\r\n{asked}"
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(asked):x}\r\n{asked}\r\n0\r\n\r\n"
    last = request(server, "GET", "/v1/models/nano", H2C + "Connection: close\r\n\r\n")
    pieces = [whole, chunked, last] if not at_once else [whole + chunked + last]
    found = answers(server, *pieces)
    assert [status for status, _ in found] == ["HTTP/1.1 200 OK"] * 3
    assert [body["object"] for _, body in found] == ["chat.completion", "chat.completion", "model"]


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault_of_ours(server: RunningServer) -> None:
    before = server.stderr.read_text().count('"level": "error"')
    head = request(server, "POST", "/v1/chat/completions", "Content-Type: application/json\r\n")
    [(status, _)] = answers(server, f"{head}Transfer-Encoding: chunked\r\n\r\nno length\r\n")
    assert status == "HTTP/1.1 400 Bad Request"
    assert server.stderr.read_text().count('"level": "error"') == before
