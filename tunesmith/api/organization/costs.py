"""`/v1/organization/costs`: usage times the prices of the settings, by day.

A self-hosted server sends no bills: without prices every amount is 0, and the quantities are true all the
same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Admin
from tunesmith.api.metering import Meter
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.organization.buckets import FILTERS, Asked, AskedDep, Span, listed, several
from tunesmith.api.organization.projects import answer
from tunesmith.settings import Price, Settings
from tunesmith.store import usage
from tunesmith.wire.usage import (
    COST_GROUPS,
    DEFAULT_COST_BUCKETS,
    MAX_COST_BUCKETS,
    WIDTH_S,
    Amount,
    CostResult,
    CostsPage,
)

router = APIRouter(prefix="/v1/organization/costs", tags=["organization"])

PER_TOKENS = 1_000_000
PER_SECONDS = 3600.0
Unit = Literal["tokens", "duration_seconds"]


@dataclass(frozen=True)
class Item:
    """One thing that costs something."""

    bucket: int
    project_id: str | None
    key_id: str | None
    line_item: str
    quantity: float
    unit: Unit
    value: float


@router.get("", response_model=CostsPage, openapi_extra=listed(COST_GROUPS, *FILTERS, "line_items"))
async def costs(
    admin: Admin,
    office: OfficeDep,
    request: Request,
    query: AskedDep,
    line_items: Annotated[list[str], Depends(several("line_items"))],
    bucket_width: Annotated[Literal["1d"], Query(description="Width of a bucket.")] = "1d",
    limit: Annotated[
        int, Query(ge=1, le=MAX_COST_BUCKETS, description="Buckets of a page.")
    ] = DEFAULT_COST_BUCKETS,
) -> Response:
    """What was spent each day (UTC)."""
    span = Span.of(query.checked(COST_GROUPS), WIDTH_S[bucket_width], limit)
    if query.user_ids:  # no key belongs to a user
        return answer(span.paged(CostsPage, {}))
    meter: Meter = request.app.state.meter
    await meter.flush()
    period = span.period(admin.organization_id, query)
    items = await run_in_threadpool(lambda: list(_items(office, period, query)))
    sums: dict[tuple[int, str | None, str | None, str | None], list[Item]] = {}
    for item in items:
        if line_items and item.line_item not in line_items:
            continue
        group = (
            item.bucket,
            item.project_id if "project_id" in query.group_by else None,
            item.key_id if "api_key_id" in query.group_by else None,
            item.line_item if "line_item" in query.group_by else None,
        )
        sums.setdefault(group, []).append(item)
    results: dict[int, list[CostResult]] = {}
    for (bucket, project_id, key_id, line_item), together in sums.items():
        results.setdefault(bucket, []).append(
            CostResult(
                amount=Amount(value=sum(item.value for item in together), currency=office.settings.currency),
                line_item=line_item,
                quantity=None if line_item is None else sum(item.quantity for item in together),
                quantity_unit=None if line_item is None else together[0].unit,
                project_id=project_id,
                organization_id=admin.organization_id,
                api_key_id=key_id,
                api_source="unlabeled" if "api_source" in query.group_by else None,
            )
        )
    return answer(span.paged(CostsPage, results))


def _items(office: Office, period: usage.Period, query: Asked) -> Iterator[Item]:
    """Everything that was used, with its price."""
    settings = office.settings
    for total in usage.totals(
        office.db, period, by=("project_id", "key_id", "model"), key_ids=query.api_key_ids
    ):
        model = total.model or ""
        price = price_of(settings, model)
        cached = price.input if price.cached_input is None else price.cached_input
        count = total.count
        for name, tokens, per_million in (
            ("input_tokens", count.input_tokens - count.cached_tokens, price.input),
            ("cached_input_tokens", count.cached_tokens, cached),
            ("output_tokens", count.output_tokens, price.output),
        ):
            if tokens:
                yield Item(
                    total.bucket,
                    total.project_id,
                    total.key_id,
                    f"{model}, {name}",
                    tokens,
                    "tokens",
                    tokens * per_million / PER_TOKENS,
                )
    if query.api_key_ids:  # jobs belong to a project, not to a key
        return
    for trained in usage.trained(office.db, period, by=("project_id", "model")):
        model = trained.model or ""
        if trained.trained_tokens:
            tokens = trained.trained_tokens
            value = tokens * price_of(settings, model).training / PER_TOKENS
            yield Item(
                trained.bucket, trained.project_id, None, f"{model}, training_tokens", tokens, "tokens", value
            )
        if trained.device_s:
            seconds = round(trained.device_s, 3)
            yield Item(
                trained.bucket,
                trained.project_id,
                None,
                f"{model}, device_seconds",
                seconds,
                "duration_seconds",
                seconds * settings.device_hour_price / PER_SECONDS,
            )


def price_of(settings: Settings, model: str) -> Price:
    """A model's price: its own, else its base's, else that of `*`, else nothing."""
    names = [model]
    if model.startswith("ft:"):
        names.append(model.split(":")[1])
    for name in (*names, "*"):
        if name in settings.prices:
            return settings.prices[name]
    return Price()
