"""RESULTS.md: one section for each benchmark, put in place of the last run's."""

from __future__ import annotations

from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def write_section(name: str, title: str, text: str, *, page: Path = RESULTS) -> None:
    """Writes the section called `name` (the benchmark's module), without touching the others."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = page.read_text(encoding="utf-8") if page.exists() else "# Benchmark results\n"
    block = f"{begin}\n## {title}\n\n{text}\n{end}"
    if begin in old:
        new = old[: old.index(begin)] + block + old[old.index(end) + len(end) :]
    else:
        new = old.rstrip("\n") + f"\n\n{block}\n"
    page.write_text(new, encoding="utf-8")
