"""The documentation runs: every python and bash block of these pages, in their order, against a live server.

A page is one session: its blocks share a folder and an environment, its python blocks their variables too.
`console` and `sh` blocks show what a person types at a terminal and are not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "tunesmith" / "assets" / "samples" / "marv"
PAGES = [page for page in (ROOT / "README.md", ROOT / "docs" / "quickstart.md") if page.exists()]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line where the text starts."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 2) for m in _FENCE.finditer(text)]


@pytest.fixture
def session_folder(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the samples lie as in the repository, and `tunesmith` is a command."""
    (tmp_path / "tunesmith").mkdir()
    (tmp_path / "tunesmith" / "assets").symlink_to(ROOT / "tunesmith" / "assets")
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "tunesmith"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tunesmith.cli "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", server.api_key)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def filled_in(text: str, server) -> str:
    """The address and key that a reader puts in place of the page's."""
    return text.replace("http://127.0.0.1:8000/v1", server.base_url).replace("sk-...", server.api_key)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_the_page_runs(page: Path, session_folder: Path, server) -> None:
    if page.name == "README.md":  # it speaks of a file that the reader has; the quickstart makes its own
        rows = (SAMPLE / "train.jsonl").read_text(encoding="utf-8").splitlines()[:10]
        (session_folder / "train.jsonl").write_text("\n".join(rows), encoding="utf-8")
    if any("curl" in block.text for block in blocks(page)) and not shutil.which("curl"):
        pytest.skip("the page's curl commands need curl")
    names: dict[str, object] = {}
    for block in blocks(page):
        text = filled_in(block.text, server)
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + text, str(page), "exec"), names)
        elif block.language == "bash":
            # one shell a block; what a block sets for the next one would surprise a reader too
            ran = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", text], capture_output=True, text=True, timeout=100
            )
            assert ran.returncode == 0, f"{page.name}:{block.line} failed:\n{ran.stdout}{ran.stderr}"
    client = names.get("client")
    if client is not None:
        client.close()  # type: ignore[attr-defined]


def test_every_block_names_its_language() -> None:
    for page in PAGES:
        fences = re.findall(r"^```(\w*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        opening = fences[::2]
        assert set(opening) <= {"python", "bash", "console", "json", "sh"}, page.name
