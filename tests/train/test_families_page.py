"""The reference page of families says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.families import FAMILIES, Family
from benchmarks.gradient_check import WAYS, look

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "families.md"
HANDFUL = {"llama", "gemma2", "glm4_moe", "llama4_text", "bloom"}


def rows() -> list[list[str]]:
    """The cells of the table's rows, without its head."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_has_the_families_that_are_checked() -> None:
    assert [tuple(row[:2]) for row in rows()] == [(f.model_type, f.shape) for f in FAMILIES]


def on_the_page(family: Family) -> tuple[str, str]:
    row = next(row for row in rows() if row[:2] == [family.model_type, family.shape])
    return row[2], row[-1]


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.model_type in HANDFUL], ids=lambda f: f.name)
def test_the_page_says_the_way_that_is_taken_and_where_lora_sits(family: Family, tmp_path: Path) -> None:
    found, where = look(family, tmp_path)
    assert on_the_page(family) == (WAYS[found.way], where)


@pytest.mark.slow
def test_the_page_says_it_of_all_families(tmp_path: Path) -> None:
    for i, family in enumerate(FAMILIES):
        found, where = look(family, tmp_path / str(i))
        assert on_the_page(family) == (WAYS[found.way], where), family.name
