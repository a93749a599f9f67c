"""`/console`: which files are served, how long they are kept, and what the browser is forbidden."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from tests.conftest import RunningServer
from tunesmith.api import console
from tunesmith.api.http import errors

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Word for word: one more source, or one directive less, opens a door."""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small build, with something beside it that nobody shall get."""
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "samples").mkdir()
    (folder / "index.html").write_text("<!doctype html>the page")
    (folder / "assets" / "index-abc.js").write_text("run()")
    (folder / "assets" / "index-abc.js.gz").write_bytes(b"packed")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(console, "BUILT", folder)
    return folder


async def ask(path: str, **headers: str) -> httpx2.Response:
    """The answer of the console alone, without a server around it."""
    app = FastAPI()
    app.include_router(console.router)
    errors.install(app)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x") as client:
        return await client.send(client.build_request("GET", httpx2.URL(f"http://x{path}"), headers=headers))


def get(path: str, **headers: str) -> httpx2.Response:
    import asyncio

    return asyncio.run(ask(path, **headers))


@pytest.mark.parametrize(
    "path", ["/console", "/console/jobs", "/console/jobs/ftjob-1", "/console/models/ft:a-3.5:b"]
)
def test_every_path_of_the_console_answers_its_one_page_which_is_never_kept(built: Path, path: str) -> None:
    answer = get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>the page")
    assert answer.headers["cache-control"] == "no-store"


def test_a_hashed_file_is_kept_for_a_year_and_sent_packed_to_whoever_takes_it(built: Path) -> None:
    plain = get("/console/assets/index-abc.js", **{"accept-encoding": "identity"})
    assert plain.text == "run()"
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "Accept-Encoding"
    with pytest.raises(httpx2.DecodingError):  # these bytes are no gzip, but they were sent as such
        get("/console/assets/index-abc.js", **{"accept-encoding": "gzip"})


@pytest.mark.parametrize("path", ["/console/assets/gone.js", "/console/samples/none.jsonl"])
def test_a_file_of_another_build_is_not_found_rather_than_the_page(built: Path, path: str) -> None:
    answer = get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"


@pytest.mark.parametrize(
    "path",
    [
        "/console/..%2Fsecret",
        "/console/assets/..%2F..%2F..%2Fsecret",
        "/console/%2Fetc%2Fpasswd",
        "/console/a%00b",
    ],
)
def test_nothing_outside_of_the_build_is_served(built: Path, path: str) -> None:
    answer = get(path)
    assert answer.text == "<!doctype html>the page" or answer.json()["error"]["code"] == "unknown_url"


def test_without_a_build_the_page_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "BUILT", tmp_path / "none")
    answer = get("/console/jobs")
    assert answer.status_code == 404
    assert "make console" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_the_console_needs_no_key_and_forbids_the_browser_everything_but_itself(
    server: RunningServer,
) -> None:
    with httpx2.Client(base_url=server.root_url) as nobody:
        root = nobody.get("/")
        assert (root.status_code, root.headers["location"]) == (307, "/console")
        headers = nobody.get("/console").headers
    assert headers["content-security-policy"] == POLICY
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_the_console_is_no_part_of_the_documented_surface(server: RunningServer) -> None:
    paths = httpx2.get(f"{server.root_url}/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/console")]
