"""`/v1/organization/usage/…`: what was served, and what training took, in buckets of time.

OpenAI's kinds that cannot come about here (images, speech…) have their routes and empty buckets, so that a
dashboard that asks for all of them works. `fine_tuning` is a kind of our own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Admin
from tunesmith.api.metering import Meter
from tunesmith.api.office import OfficeDep
from tunesmith.api.organization.buckets import (
    FILTERS,
    Asked,
    AskedDep,
    BucketLimit,
    BucketWidth,
    Models,
    Span,
    listed,
    width_and_limit,
)
from tunesmith.api.organization.projects import answer
from tunesmith.store import usage
from tunesmith.wire.base import Response as Body
from tunesmith.wire.usage import (
    EXTRA_FILTERS,
    GROUPS,
    PAGES,
    TRAINING_GROUPS,
    CompletionsResult,
    EmbeddingsResult,
    FineTuningPage,
    FineTuningResult,
    ModerationsResult,
)

router = APIRouter(prefix="/v1/organization/usage", tags=["organization"])

_JOB_COLUMNS = {"project_id": "project_id", "model": "model", "fine_tuning_job_id": "id"}
_SERVED = ("completions", "embeddings", "moderations")


@router.get(
    "/fine_tuning", response_model=FineTuningPage, openapi_extra=listed(TRAINING_GROUPS, *FILTERS, "models")
)
async def fine_tuning_usage(
    admin: Admin,
    office: OfficeDep,
    query: AskedDep,
    models: Models,
    bucket_width: BucketWidth = "1d",
    limit: BucketLimit = None,
) -> Response:
    """Our own: tokens trained and seconds on a device, by the time at which the jobs ended."""
    span = Span.of(query.checked(TRAINING_GROUPS), *width_and_limit(bucket_width, limit))
    results: dict[int, list[FineTuningResult]] = {}
    if not query.user_ids and not query.api_key_ids:  # jobs belong to a project, not to a key
        for sum in await run_in_threadpool(
            usage.trained,
            office.db,
            span.period(admin.organization_id, query),
            by=[_JOB_COLUMNS[name] for name in TRAINING_GROUPS if name in query.group_by],
            models=models,
        ):
            results.setdefault(sum.bucket, []).append(
                FineTuningResult(
                    num_jobs=sum.jobs,
                    trained_tokens=sum.trained_tokens,
                    device_seconds=round(sum.device_s, 3),
                    project_id=sum.project_id,
                    model=sum.model,
                    fine_tuning_job_id=sum.job_id,
                )
            )
    return answer(span.paged(FineTuningPage, results))


def _report(kind: str) -> Callable[..., Awaitable[Response]]:
    """The route of one of OpenAI's kinds."""

    async def report(
        admin: Admin,
        office: OfficeDep,
        request: Request,
        query: AskedDep,
        models: Models,
        batch: Annotated[bool | None, Query(description="Only batches, or only the others.")] = None,
        bucket_width: BucketWidth = "1d",
        limit: BucketLimit = None,
    ) -> Response:
        span = Span.of(query.checked(GROUPS[kind]), *width_and_limit(bucket_width, limit))
        if kind not in _SERVED or query.user_ids:  # no key belongs to a user
            return answer(span.paged(PAGES[kind], {}))
        meter: Meter = request.app.state.meter
        await meter.flush()
        totals = await run_in_threadpool(
            usage.totals,
            office.db,
            span.period(admin.organization_id, query),
            by=query.by,
            operation=kind,
            key_ids=query.api_key_ids,
            models=models,
            batch=batch if kind == "completions" else None,
        )
        results: dict[int, list[Body]] = {}
        for total in totals:
            results.setdefault(total.bucket, []).append(_result(kind, total, query))
        return answer(span.paged(PAGES[kind], results))

    report.__doc__ = f"Usage of {kind.replace('_', ' ')}" + (
        "." if kind in _SERVED else "; there is none here, so all buckets are empty."
    )
    report.__name__ = f"{kind}_usage"
    return report


for _kind, _groups in GROUPS.items():
    router.add_api_route(
        f"/{_kind}",
        _report(_kind),
        methods=["GET"],
        response_model=PAGES[_kind],
        openapi_extra=listed(_groups, *FILTERS, "models", *EXTRA_FILTERS.get(_kind, ())),
    )


def _result(kind: str, total: usage.Total, query: Asked) -> Body:
    count = total.count
    common = {
        "num_model_requests": count.requests,
        "input_tokens": count.input_tokens,
        "project_id": total.project_id,
        "api_key_id": total.key_id,
        "model": total.model,
    }
    if kind == "embeddings":
        return EmbeddingsResult.model_validate(common)
    if kind == "moderations":
        return ModerationsResult.model_validate(common)
    return CompletionsResult.model_validate(
        common
        | {
            "output_tokens": count.output_tokens,
            "input_cached_tokens": count.cached_tokens,
            "input_uncached_tokens": count.input_tokens - count.cached_tokens,
            "input_text_tokens": count.input_tokens - count.cached_tokens,
            "input_cached_text_tokens": count.cached_tokens,
            "output_text_tokens": count.output_tokens,
            "batch": total.batch,
            "service_tier": "default" if "service_tier" in query.group_by else None,
            "api_source": "unlabeled" if "api_source" in query.group_by else None,
        }
    )
