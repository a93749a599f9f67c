"""`/v1/organization/projects`: make, see, change and archive projects.

An archived project does nothing any more: its keys stop, what they are being answered is cut off, and its
jobs are cancelled, for nobody could end them later. What it made stays stored.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Admin, Doorkeeper
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import OfficeDep
from tunesmith.api.pages import After
from tunesmith.api.rate_limits import Limiter
from tunesmith.errors import InvalidRequest
from tunesmith.jobs import control
from tunesmith.store import projects
from tunesmith.store.rows import ProjectRow
from tunesmith.wire import limits
from tunesmith.wire.base import Response as Body
from tunesmith.wire.organization import (
    CreateProjectRequest,
    ProjectList,
    ProjectObject,
    UpdateProjectRequest,
)

router = APIRouter(prefix="/v1/organization/projects", tags=["organization"])

Limit = Annotated[
    int, Query(ge=1, le=limits.MAX_ORGANIZATION_ROWS_PER_PAGE, description="Objects on this page.")
]


@router.get("", response_model=ProjectList)
def list_projects(
    admin: Admin,
    office: OfficeDep,
    after: After = None,
    limit: Limit = limits.DEFAULT_ORGANIZATION_ROWS_PER_PAGE,
    include_archived: Annotated[bool, Query(description="Archived projects too.")] = False,
) -> Response:
    """The organization's projects, in the order of their making."""
    page = projects.list_page(
        office.db, admin.organization_id, after=after, limit=limit, include_archived=include_archived
    )
    data = [_shown(row) for row in page.rows]
    return answer(ProjectList(data=data, has_more=page.has_more, **ends(data)))


@router.post("", response_model=ProjectObject, openapi_extra=documented(CreateProjectRequest))
async def create_project(
    admin: Admin,
    office: OfficeDep,
    body: Annotated[CreateProjectRequest, Depends(json_body(CreateProjectRequest))],
) -> Response:
    """A new project, empty and without keys."""
    _refuse_residency(geography=body.geography, residency=body.residency)
    row = await run_in_threadpool(
        projects.create,
        office.db,
        admin.organization_id,
        body.name,
        external_key_id=body.external_key_id,
    )
    return answer(_shown(row))


@router.get("/{project_id}", response_model=ProjectObject)
def retrieve_project(admin: Admin, office: OfficeDep, project_id: str) -> Response:
    """One project, archived or not."""
    return answer(_shown(projects.get(office.db, admin.organization_id, project_id)))


@router.post("/{project_id}", response_model=ProjectObject, openapi_extra=documented(UpdateProjectRequest))
async def update_project(
    admin: Admin,
    office: OfficeDep,
    request: Request,
    project_id: str,
    body: Annotated[UpdateProjectRequest, Depends(json_body(UpdateProjectRequest))],
) -> Response:
    """Changes a project's name, external key or monthly quota."""
    _refuse_residency(geography=body.geography)
    changes = body.model_dump(include=body.model_fields_set - {"geography"})
    if changes.get("name", "") is None:
        del changes["name"]
    row = await run_in_threadpool(projects.change, office.db, admin.organization_id, project_id, **changes)
    limiter: Limiter = request.app.state.limiter
    limiter.quota_changed(row.id, row.monthly_tokens)
    return answer(_shown(row))


@router.post("/{project_id}/archive", response_model=ProjectObject)
async def archive_project(admin: Admin, office: OfficeDep, request: Request, project_id: str) -> Response:
    """Ends a project for good, with its keys and its jobs."""
    row = await run_in_threadpool(projects.archive, office.db, admin.organization_id, project_id)
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    doorkeeper.end(lambda principal: principal.project_id == project_id, "This project has been archived.")
    await run_in_threadpool(control.cancel_archived, office.db)
    return answer(_shown(row))


def _refuse_residency(**asked: object) -> None:
    for param, value in asked.items():
        if value is not None:
            raise InvalidRequest(
                f"This server keeps everything in its own data folder; leave '{param}' out.",
                param=param,
                code="unsupported_parameter",
            )


def _shown(row: ProjectRow) -> ProjectObject:
    return ProjectObject(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        archived_at=row.archived_at,
        status="active" if row.archived_at is None else "archived",
        external_key_id=row.external_key_id,
        monthly_tokens=row.monthly_tokens,
    )


def ends(data: list[Any]) -> dict[str, Any]:
    """`first_id` and `last_id` of a page."""
    return {"first_id": data[0].id if data else None, "last_id": data[-1].id if data else None}


def answer(body: Body) -> Response:
    """`body` as the answer."""
    return Response(body.model_dump_json(), media_type="application/json")
