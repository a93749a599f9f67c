"""Query parameters that all lists share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from tunesmith.wire import limits

After = Annotated[str | None, Query(max_length=128, description="Id of the last object of the page before.")]
Limit = Annotated[int, Query(ge=1, le=limits.MAX_ROWS_PER_PAGE, description="Objects on this page.")]
