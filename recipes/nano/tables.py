"""Reads the recipe's tables: tables/<name>.txt (rows with a header), tables/<name>.toml (phrases)."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "tables"


@cache
def read_table(name: str) -> list[dict[str, str]]:
    """The rows of tables/<name>.txt; its first line names the columns."""
    header, *lines = (TABLES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [dict(zip(header.split("|"), line.split("|"), strict=True)) for line in lines]


@cache
def read_phrases(name: str) -> dict[str, Any]:
    """The lists of tables/<name>.toml."""
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def common_words() -> list[str]:
    """Everyday English words, most of them frequent."""
    return (TABLES / "common_words.txt").read_text(encoding="utf-8").split()
