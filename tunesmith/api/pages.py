"""Query parameters that all lists share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from tunesmith.errors import InvalidRequest
from tunesmith.wire import limits

After = Annotated[str | None, Query(max_length=128, description="Id of the last object of the page before.")]
Search = Annotated[
    str | None,
    Query(
        max_length=limits.MAX_SEARCH_CHARS, description="Our own: only objects with this text in their names."
    ),
]
Before = Annotated[
    str | None,
    Query(max_length=128, description="Our own: id of the first object of the page behind; the way back."),
]
Limit = Annotated[int, Query(ge=1, le=limits.MAX_ROWS_PER_PAGE, description="Objects on this page.")]


def refuse_two_cursors(after: str | None, before: str | None) -> None:
    """Raises InvalidRequest where a list is asked for both directions at once."""
    if after is not None and before is not None:
        raise InvalidRequest(
            "after asks for the page behind an object, before for the page in front of one; send one of "
            "the two.",
            param="before",
        )
