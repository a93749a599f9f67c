"""What the reports of an organization share: their query parameters, and pages of buckets of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request

from tunesmith import ids
from tunesmith.errors import InvalidRequest
from tunesmith.store import usage
from tunesmith.wire import limits
from tunesmith.wire.base import Response as Body
from tunesmith.wire.usage import (
    DEFAULT_BUCKETS,
    MAX_BUCKETS,
    WIDTH_S,
    Width,
)

MAX_TIME = 253_402_300_799
"""The last second of the year 9999."""
PAGE_PREFIX = "page_"
FILTERS = ("project_ids", "api_key_ids", "user_ids")
_COLUMNS = {"project_id": "project_id", "api_key_id": "key_id", "model": "model", "batch": "batch"}
"""OpenAI's groups that tell rows here apart, with our columns; by the others everything is one group."""

P = TypeVar("P", bound=Body)


def listed(groups: Iterable[str], *filters: str) -> dict[str, Any]:
    """`openapi_extra`: the parameters that `several` reads."""
    kinds: dict[str, dict[str, Any]] = {"group_by": {"type": "string", "enum": list(groups)}}
    kinds |= {name: {"type": "string"} for name in filters}
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "array", "items": items}}
            for name, items in kinds.items()
        ]
    }


def several(name: str) -> Callable[[Request], list[str]]:
    """A query parameter that may stand several times, as `name=` (curl, Node) or `name[]=` (Python)."""

    def read(request: Request) -> list[str]:
        values = request.query_params.getlist(name) + request.query_params.getlist(f"{name}[]")
        if len(values) > limits.MAX_FILTER_VALUES:
            raise InvalidRequest(
                f"Invalid '{name}': array too long. Expected an array with maximum length "
                f"{limits.MAX_FILTER_VALUES}, but got an array with length {len(values)} instead.",
                param=name,
                code="array_above_max_length",
            )
        return values

    return read


@dataclass(frozen=True)
class Asked:
    """What every report is asked."""

    start_time: int
    end_time: int | None
    page: str | None
    project_ids: list[str]
    api_key_ids: list[str]
    user_ids: list[str]
    group_by: list[str]

    @property
    def by(self) -> list[str]:
        """Our columns to group by."""
        return [column for name, column in _COLUMNS.items() if name in self.group_by]

    def checked(self, groups: Iterable[str]) -> Asked:
        """Itself, when what it groups by is among `groups`. Raises InvalidRequest."""
        groups = tuple(groups)
        for name in self.group_by:
            if name not in groups:
                supported = ", ".join(f"'{group}'" for group in groups)
                raise InvalidRequest(
                    f"Invalid value for 'group_by': '{name[:100]}'. Supported values are: {supported}.",
                    param="group_by",
                    code="invalid_value",
                )
        return self


def asked(
    start_time: Annotated[int, Query(ge=0, le=MAX_TIME, description="Unix seconds, inclusive.")],
    project_ids: Annotated[list[str], Depends(several("project_ids"))],
    api_key_ids: Annotated[list[str], Depends(several("api_key_ids"))],
    user_ids: Annotated[list[str], Depends(several("user_ids"))],
    group_by: Annotated[list[str], Depends(several("group_by"))],
    end_time: Annotated[
        int | None, Query(ge=0, le=MAX_TIME, description="Unix seconds, exclusive; now where it is left out.")
    ] = None,
    page: Annotated[str | None, Query(max_length=64, description="`next_page` of the page before.")] = None,
) -> Asked:
    """The parameters that all reports share."""
    return Asked(start_time, end_time, page, project_ids, api_key_ids, user_ids, group_by)


@dataclass(frozen=True)
class Span:
    """The buckets of one page: from `start`, `n` of them, and whether there are more."""

    start: int
    """The beginning of the first bucket."""
    n: int
    width_s: int
    from_time: int
    """Where the report begins: within the first bucket, or at its beginning."""
    until_time: int
    has_more: bool

    @classmethod
    def of(cls, asked: Asked, width_s: int, limit: int) -> Span:
        """The page that was asked for. Raises InvalidRequest."""
        end = ids.now() if asked.end_time is None else asked.end_time
        if end <= asked.start_time and asked.end_time is not None:
            raise InvalidRequest("Invalid 'end_time': it must be after 'start_time'.", param="end_time")
        first = asked.start_time - asked.start_time % width_s
        start = first
        if asked.page is not None:
            number = asked.page.removeprefix(PAGE_PREFIX)
            if not (asked.page.startswith(PAGE_PREFIX) and number.isascii() and number.isdigit()):
                _refuse_page(asked.page)
            start = int(number)
            if start % width_s or not first <= start <= MAX_TIME:
                _refuse_page(asked.page)
        total = max(0, -(-(end - start) // width_s))
        n = min(total, limit)
        return cls(
            start=start,
            n=n,
            width_s=width_s,
            from_time=max(start, asked.start_time),
            until_time=min(end, start + n * width_s),
            has_more=total > n,
        )

    def period(self, organization_id: str, asked: Asked) -> usage.Period:
        """What to ask the store."""
        return usage.Period(
            organization_id=organization_id,
            start=self.from_time,
            end=self.until_time,
            width_s=self.width_s,
            project_ids=asked.project_ids,
        )

    def paged(self, page: type[P], results: Mapping[int, Sequence[Body]]) -> P:
        """The page with these results by the beginnings of their buckets."""
        after = self.start + self.n * self.width_s
        buckets = [
            {"start_time": at, "end_time": at + self.width_s, "results": results.get(at, [])}
            for at in range(self.start, after, self.width_s)
        ]
        next_page = f"{PAGE_PREFIX}{after}" if self.has_more else None
        return page.model_validate({"data": buckets, "has_more": self.has_more, "next_page": next_page})


def _refuse_page(page: str) -> None:
    raise InvalidRequest(
        f"page is {page!r}, which is no page of this report; pass 'next_page' of the page before, with the "
        "other parameters unchanged.",
        param="page",
    )


def width_and_limit(width: Width, limit: int | None) -> tuple[int, int]:
    """Seconds of a bucket and buckets of a page. Raises InvalidRequest."""
    maximum = MAX_BUCKETS[width]
    if limit is not None and limit > maximum:
        raise InvalidRequest(
            f"Invalid 'limit': integer above maximum value. Expected a value <= {maximum} with bucket_width "
            f"'{width}', but got {limit} instead.",
            param="limit",
            code="integer_above_max_value",
        )
    return WIDTH_S[width], DEFAULT_BUCKETS[width] if limit is None else limit


BucketWidth = Annotated[Width, Query(description="Width of a bucket.")]
BucketLimit = Annotated[
    int | None,
    Query(
        ge=1, le=max(MAX_BUCKETS.values()), description="Buckets of a page: up to 31 days, 168 h, 1440 min."
    ),
]
Models = Annotated[list[str], Depends(several("models"))]
AskedDep = Annotated[Asked, Depends(asked)]
