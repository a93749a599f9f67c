"""`/console`: the built files of the web console, under the strictest headers a browser knows.

The console is a client like any other: nothing of it is here but its files. `make console` builds them into
`assets/console`; until then the page says so. Files whose names carry a hash are cached for a year, all
else is asked for anew; every other path is the console's own and answers its one page.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from tunesmith.errors import NotFound

router = APIRouter(include_in_schema=False)

BUILT = Path(__file__).parents[1] / "assets" / "console"
HASHED = "assets"
"""The folder of the files whose names carry a hash of their content."""
FOLDERS = (HASHED, "samples")
"""Where only files are, no pages."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_NEVER = "no-store"
_ASK_FIRST = "no-cache"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tunesmith: the console is not built</title>
<h1>The console is not built here</h1>
<p>In the folder of Tunesmith's sources, with Node.js 20.19 or newer:
<pre>make console</pre>
<p>Then load this page again; the server need not be restarted.
<p>Everything else works without it: the OpenAI SDK with this server's <code>/v1</code>, and the
<code>tunesmith</code> command.
</html>
"""


@router.get("/console")
@router.get("/console/{path:path}")
def console(request: Request, path: str = "") -> Response:
    """A built file, or the one page that all of the console's own paths share."""
    page = BUILT / "index.html"
    if not page.is_file():
        return HTMLResponse(_NOT_BUILT, status_code=404, headers=HEADERS | {"cache-control": _NEVER})
    file = _built_file(path)
    if file is None and path.partition("/")[0] in FOLDERS:  # an asset of another build, not a page
        raise NotFound(f"Invalid URL (GET /console/{path[:200]})", code="unknown_url")
    if file is None or file == page:
        return _answer(request, page, _NEVER)
    hashed = path.startswith(f"{HASHED}/")
    return _answer(request, file, _FOR_A_YEAR if hashed else _ASK_FIRST)


def _built_file(path: str) -> Path | None:
    """The built file at `path`; None where there is none, whatever the path tries."""
    try:
        file = (BUILT / path).resolve()
        return file if file.is_relative_to(BUILT.resolve()) and file.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def _answer(request: Request, file: Path, cache_control: str) -> Response:
    """The file, or what the build has compressed of it."""
    headers = HEADERS | {"cache-control": cache_control, "vary": "Accept-Encoding"}
    packed = file.with_name(file.name + ".gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        headers["content-encoding"] = "gzip"
    else:
        packed = file
    media_type = _MEDIA_TYPES.get(file.suffix, "application/octet-stream")
    return FileResponse(packed, media_type=media_type, headers=headers)
