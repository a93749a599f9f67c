"""Every refusal of every route has OpenAI's shape, and every answer OpenAI's headers."""

from __future__ import annotations

import json
import re
import socket

import httpx2
import pytest

from tunesmith.wire import limits

KEYLESS = ("/v1/login_codes/{code}",)
"""Paths that take a secret of their own in place of a key."""
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
    assert response.headers["access-control-allow-origin"] == "*"
    return body["error"]


@pytest.fixture(scope="session")
def routes(http: httpx2.Client) -> list[tuple[str, str]]:
    """Every method and path that the server documents."""
    paths = http.get("/openapi.json").json()["paths"]
    found = [
        (method.upper(), path) for path, methods in paths.items() for method in methods if path not in KEYLESS
    ]
    assert ("POST", "/v1/chat/completions") in found
    return found


def filled(path: str) -> str:
    """The path with ids that nobody has."""
    return re.sub(r"\{(\w+)\}", "absent", path)


def test_every_route_refuses_in_one_shape(routes, http: httpx2.Client, nobody: httpx2.Client) -> None:
    reads_a_body = {
        (method.upper(), path)
        for path, methods in http.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
        if operation.get("requestBody", {}).get("required", False)
    }
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
        if "{" in path and (method, path) not in reads_a_body:
            absent = http.request(method, filled(path))
            assert absent.status_code == 404, (method, path)
            assert "absent" in refusal(absent)["message"]
        if (method, path) in reads_a_body:
            for content in (b"{", b'{"a": 1,}'):
                for content_type in ("text/plain", "application/json"):
                    broken = http.post(filled(path), content=content, headers={"content-type": content_type})
                    allowed = (400, 404, 415) if "{" in path else (400, 415)
                    assert broken.status_code in allowed, (method, path)
                    refusal(broken)
            packed = http.post(filled(path), content=b"x", headers={"content-encoding": "gzip"})
            assert packed.status_code == 415, (method, path)
            assert "uncompressed" in refusal(packed)["message"]
        unknown_method = http.request("PATCH", filled(path))
        assert unknown_method.status_code == 405
        assert refusal(unknown_method)["code"] == "method_not_supported"
        assert method in unknown_method.headers["allow"].split(", "), (method, path)


@pytest.mark.parametrize(
    "path", ["/v1/x", "/v1", "/v2/models", "/v1/files/a/b/c", "/v1/models/", "/v1/%2e%2e/etc"]
)
def test_an_unknown_path_is_named(http: httpx2.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert refusal(answer)["message"]


def test_an_unknown_path_is_named_in_openais_words(http: httpx2.Client) -> None:
    assert refusal(http.get("/v1/x"))["message"] == "Invalid URL (GET /v1/x)"
    assert refusal(http.post("/v1/x/y", json={}))["message"] == "Invalid URL (POST /v1/x/y)"


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


def test_an_answer_names_its_organization_and_project_and_these_are_accepted_back(
    http: httpx2.Client,
) -> None:
    answer = http.get("/v1/models")
    said = {name: answer.headers[name] for name in ("openai-organization", "openai-project")}
    assert said["openai-project"].startswith("proj_")
    assert http.get("/v1/models", headers=said).status_code == 200
    assert http.get("/v1/models", headers=dict.fromkeys(said, "")).status_code == 200
    for name in said:
        other = http.get("/v1/models", headers={name: "other"})
        assert other.status_code == 401
        assert refusal(other)["code"] == f"mismatched_{name.removeprefix('openai-')}"


def test_a_405_lists_all_methods_of_the_path(http: httpx2.Client) -> None:
    assert http.put("/v1/files/file-absent").headers["allow"] == "DELETE, GET, HEAD"
    assert http.get("/v1/completions").headers["allow"] == "POST"


def test_head_says_what_get_would_without_its_body(http: httpx2.Client, client, nobody) -> None:
    uploaded = client.files.create(file=("a.txt", b"abc"), purpose="user_data")
    for path in ("/v1/models", f"/v1/files/{uploaded.id}", f"/v1/files/{uploaded.id}/content", "/health"):
        head, get = http.head(path), http.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers.get("content-length") == get.headers.get("content-length")
        assert head.headers["x-request-id"].startswith("req_")
    assert http.head("/v1/files/file-absent").status_code == 404
    assert http.head("/v1/completions").status_code == 405
    assert nobody.head("/v1/models").status_code == 401
    assert http.get("/v1/models").status_code == 200, "the connection is still good"


def test_a_page_of_another_site_may_ask_with_a_key(nobody: httpx2.Client, http: httpx2.Client) -> None:
    page = {"origin": "https://example.com"}
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    allowed = nobody.options("/v1/chat/completions", headers=page | asks)
    assert allowed.status_code == 204 and allowed.headers["access-control-allow-origin"] == "*"
    assert "POST" in allowed.headers["access-control-allow-methods"]
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    answer = http.get("/v1/models", headers=page)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert nobody.get("/v1/models", headers=page).status_code == 401
    assert http.options("/v1/models").status_code == 405, "no page asks: a method like others"


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
