"""`/v1/organization/projects/{id}/rate_limits`: what a project may ask of each model in a minute.

A tuned model shares the limits of its base. How limits are kept is `api/rate_limits.py`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Admin
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.organization.projects import answer, ends
from tunesmith.api.pages import After
from tunesmith.api.rate_limits import Limiter
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import projects
from tunesmith.wire import limits
from tunesmith.wire.organization import RateLimitList, RateLimitObject, UpdateRateLimitRequest

router = APIRouter(prefix="/v1/organization/projects/{project_id}/rate_limits", tags=["organization"])

PREFIX = "rl-"
_ELSEWHERE = (
    "max_images_per_1_minute",
    "max_audio_megabytes_per_1_minute",
    "max_requests_per_1_day",
    "batch_1_day_max_input_tokens",
)


@router.get("", response_model=RateLimitList)
def list_project_rate_limits(
    admin: Admin,
    office: OfficeDep,
    request: Request,
    project_id: str,
    after: After = None,
    before: Annotated[str | None, Query(max_length=128, description="Id of the page's end.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=limits.MAX_ROWS_PER_PAGE, description="Objects on this page.")
    ] = 100,
) -> Response:
    """The project's limits, one for each model that is served."""
    projects.get(office.db, admin.organization_id, project_id)
    limiter: Limiter = request.app.state.limiter
    everything = [_shown(limiter, project_id, model) for model in _models(office)]
    ids = [shown.id for shown in everything]
    start = _place(ids, after, "after") + 1 if after is not None else 0
    end = _place(ids, before, "before") if before is not None else len(ids)
    if before is not None and after is None:
        start = max(0, end - limit)
    data = everything[start:end][:limit]
    more = len(everything[start:end]) > limit or (before is not None and after is None and start > 0)
    return answer(RateLimitList(data=data, has_more=more, **ends(data)))


@router.post(
    "/{rate_limit_id:path}",
    response_model=RateLimitObject,
    openapi_extra=documented(UpdateRateLimitRequest),
)
async def update_project_rate_limit(
    admin: Admin,
    office: OfficeDep,
    request: Request,
    project_id: str,
    rate_limit_id: str,
    body: Annotated[UpdateRateLimitRequest, Depends(json_body(UpdateRateLimitRequest))],
) -> Response:
    """Sets a project's limits for one model, from the next request on."""
    for param in _ELSEWHERE:
        if getattr(body, param) is not None:
            raise InvalidRequest(
                f"This server limits requests and tokens a minute; '{param}' would have no effect, so leave "
                "it out.",
                param=param,
                code="unsupported_parameter",
            )
    await run_in_threadpool(projects.get, office.db, admin.organization_id, project_id)
    model = rate_limit_id.removeprefix(PREFIX)
    resolved = office.catalog.resolve(model)
    if not rate_limit_id.startswith(PREFIX) or resolved is None:
        raise NotFound(f"No such rate limit: {rate_limit_id}", param="rate_limit_id")
    changes: dict[str, int] = {}
    if body.max_requests_per_1_minute is not None:
        changes["requests_per_minute"] = body.max_requests_per_1_minute
    if body.max_tokens_per_1_minute is not None:
        changes["tokens_per_minute"] = body.max_tokens_per_1_minute
    row = await run_in_threadpool(
        projects.set_rate_limit,
        office.db,
        admin.organization_id,
        project_id,
        resolved.wire_name,
        **changes,
    )
    limiter: Limiter = request.app.state.limiter
    limiter.changed(row)
    return answer(_shown(limiter, project_id, resolved.wire_name))


def _models(office: Office) -> list[str]:
    """The wire names that requests are counted under, each once."""
    catalog = office.catalog
    resolved = (catalog.resolve(known.wire_name) for known in catalog.names())
    return list(dict.fromkeys(found.wire_name for found in resolved if found is not None))


def _place(ids: list[str], id: str, param: str) -> int:
    if id not in ids:
        raise InvalidRequest(
            f"{param} is {id!r}, which is no object of this list; pass the id of an object of a page.",
            param=param,
        )
    return ids.index(id)


def _shown(limiter: Limiter, project_id: str, model: str) -> RateLimitObject:
    requests, tokens = limiter.limits(project_id, model)
    return RateLimitObject(
        id=PREFIX + model,
        model=model,
        max_requests_per_1_minute=requests,
        max_tokens_per_1_minute=tokens,
    )
