"""Every refusal of every route has OpenAI's shape, and every answer OpenAI's headers."""

from __future__ import annotations

import json
import re
import socket

import httpx2
import pytest

from tunesmith.wire import limits

SHAPE = {"message", "type", "param", "code"}


def refusal(response: httpx2.Response) -> dict:
    """The error object, checked for its shape."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == SHAPE
    assert isinstance(body["error"]["message"], str) and body["error"]["message"]
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["openai-version"] == "2020-10-01"
    assert response.headers["openai-processing-ms"].isdigit()
    return body["error"]


@pytest.fixture(scope="session")
def routes(http: httpx2.Client) -> list[tuple[str, str]]:
    """Every method and path that the server documents."""
    paths = http.get("/openapi.json").json()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert ("POST", "/v1/chat/completions") in found
    return found


def filled(path: str) -> str:
    return (
        path.replace("{file_id}", "file-absent")
        .replace("{job_id}", "ftjob-absent")
        .replace("{model}", "no-such")
    )


def test_every_route_refuses_in_one_shape(routes, http: httpx2.Client, nobody: httpx2.Client) -> None:
    for method, path in routes:
        if path.startswith("/v1"):
            answer = nobody.request(method, filled(path))
            assert answer.status_code == 401, (method, path)
            assert refusal(answer)["code"] == "invalid_api_key"
            wrong = nobody.request(
                method, filled(path), headers={"authorization": "Bearer sk-wrong-wrong-wrong"}
            )
            assert wrong.status_code == 401
            assert "sk-…rong" in refusal(wrong)["message"]
        if "{" in path:
            absent = http.request(method, filled(path))
            assert absent.status_code == 404, (method, path)
            assert "absent" in refusal(absent)["message"] or "no-such" in refusal(absent)["message"]
        if method == "POST" and not path.endswith(("cancel", "pause", "resume")):  # these take no body
            assert http.post(
                path, content=b"{", headers={"content-type": "application/json"}
            ).status_code in (400, 415)
            for content_type in ("text/plain", "application/json"):
                broken = http.post(path, content=b'{"a": 1,}', headers={"content-type": content_type})
                assert 400 <= broken.status_code < 500
                refusal(broken)
            packed = http.post(path, content=b"x", headers={"content-encoding": "gzip"})
            assert packed.status_code == 415
            assert "uncompressed" in refusal(packed)["message"]
        unknown_method = http.request("PATCH", filled(path))
        assert unknown_method.status_code == 405
        assert refusal(unknown_method)["code"] == "method_not_supported"


@pytest.mark.parametrize(
    "path", ["/v1/x", "/v1", "/v2/models", "/v1/files/a/b/c", "/v1/models/", "/v1/%2e%2e/etc"]
)
def test_an_unknown_path_is_named(http: httpx2.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert refusal(answer)["message"]


def test_an_unknown_path_is_named_in_openais_words(http: httpx2.Client) -> None:
    assert refusal(http.get("/v1/x"))["message"] == "Invalid URL (GET /v1/x)"
    assert refusal(http.post("/v1/batches", json={}))["message"] == "Invalid URL (POST /v1/batches)"


def test_a_wrong_method_says_so(http: httpx2.Client) -> None:
    answer = http.put("/v1/models", json={})
    assert answer.status_code == 405
    assert "Not allowed to PUT on /v1/models" in refusal(answer)["message"]


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("after=nope", "after"), ("limit=100000", "limit")],
)
def test_a_wrong_query_is_a_400_that_names_the_parameter(http: httpx2.Client, query: str, param: str) -> None:
    answer = http.get(f"/v1/fine_tuning/jobs?{query}")
    assert answer.status_code == 400
    assert refusal(answer)["param"] == param


def test_successes_carry_the_organization(http: httpx2.Client) -> None:
    answer = http.get("/v1/models")
    assert answer.status_code == 200
    assert answer.headers["openai-organization"] == "personal"
    assert answer.headers["x-request-id"].startswith("req_")


def test_organization_and_project_headers_are_accepted(http: httpx2.Client) -> None:
    answer = http.get("/v1/models", headers={"OpenAI-Organization": "org-x", "OpenAI-Project": "proj-y"})
    assert answer.status_code == 200


def test_health_needs_no_key(nobody: httpx2.Client) -> None:
    body = nobody.get("/health").json()
    assert body["status"] == "ok"
    assert body["engine"] in ("starting", "ready", "down")


def test_the_root_leads_to_the_console(nobody: httpx2.Client) -> None:
    assert nobody.get("/").headers["location"] == "/console"


def test_a_body_that_announces_too_much_is_refused_unread(server) -> None:
    for path, kind in (
        ("/v1/files", "multipart/form-data; boundary=b"),
        ("/v1/chat/completions", "application/json"),
    ):
        host, port = server.root_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n"
                f"Content-Type: {kind}\r\nContent-Length: {10 * 2**30}\r\n\r\n".encode()
            )
            answer = connection.makefile("rb").read()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413")
        assert set(json.loads(body)["error"]) == SHAPE


def test_a_json_body_over_the_bound_is_refused(http: httpx2.Client) -> None:
    answer = http.post(
        "/v1/chat/completions",
        content=iter([b" " * 2**20] * (limits.MAX_JSON_BYTES // 2**20 + 1)),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 413
    assert refusal(answer)["code"] == "request_too_large"


def test_no_route_echoes_a_wrong_key(server, nobody: httpx2.Client) -> None:
    canary = "sk-canary0123456789canary0123456789"
    answer = nobody.get("/v1/models", headers={"authorization": f"Bearer {canary}"})
    assert canary not in answer.text
    assert canary not in server.stderr.read_text()
    assert server.api_key not in server.stderr.read_text()


def test_the_log_is_one_json_object_a_line_whatever_is_asked(server, http: httpx2.Client) -> None:
    http.get("/v1/models/%0a%1b[31mfake")
    for line in server.stderr.read_text().splitlines():
        assert isinstance(json.loads(line), dict)
        assert "\x1b" not in line


def test_the_openapi_document_holds_together(nobody: httpx2.Client) -> None:
    document = nobody.get("/openapi.json").json()
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"], reference
    asked = document["components"]["schemas"]["ChatRequest"]["properties"]
    assert asked["n"]["anyOf"][0]["maximum"] == limits.MAX_CHOICES
