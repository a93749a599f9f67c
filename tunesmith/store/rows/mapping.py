"""Between a database row and its dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar, cast

from sqlalchemy import Row

T = TypeVar("T")


def from_row(cls: type[T], row: Row[Any]) -> T:
    """The dataclass of a database row; columns that the class does not know stay behind."""
    mapping = cast(Mapping[str, Any], row._mapping)
    return cls(**{f.name: mapping[f.name] for f in fields(cls)})  # type: ignore[arg-type]


def values_of(row: Any) -> dict[str, Any]:
    """Column values of a row dataclass."""
    return asdict(row)
