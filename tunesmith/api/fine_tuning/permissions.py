"""`/v1/fine_tuning/checkpoints/{name}/permissions`: an organization's projects share their tuned models.

Only an admin key may give, see and take permissions, for any model of its organization. What a permission
opens is in `store/models.py`: whoever asks for a model by name finds it there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from tunesmith.api.auth import Admin
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.pages import After, Limit
from tunesmith.errors import NotFound
from tunesmith.store import models, permissions
from tunesmith.store.rows import ModelRow, PermissionRow, Principal
from tunesmith.wire import limits
from tunesmith.wire.permissions import (
    CreatePermissionsRequest,
    DeletedPermission,
    PermissionList,
    PermissionObject,
)

router = APIRouter(prefix="/v1/fine_tuning/checkpoints", tags=["fine-tuning"])

_PATH = "/{fine_tuned_model_checkpoint:path}/permissions"


@router.post(_PATH, response_model=PermissionList, openapi_extra=documented(CreatePermissionsRequest))
async def create_checkpoint_permissions(
    admin: Admin,
    office: OfficeDep,
    fine_tuned_model_checkpoint: str,
    body: Annotated[CreatePermissionsRequest, Depends(json_body(CreatePermissionsRequest))],
) -> Response:
    """Lets other projects of the organization use a tuned model or checkpoint."""
    rows = await run_in_threadpool(_grant, office, admin, fine_tuned_model_checkpoint, body.project_ids)
    return _json(_listed(rows, has_more=False))


@router.get(_PATH, response_model=PermissionList)
def list_checkpoint_permissions(
    admin: Admin,
    office: OfficeDep,
    fine_tuned_model_checkpoint: str,
    project_id: Annotated[
        str | None, Query(max_length=limits.MAX_PROJECT_ID_CHARS, description="Only this project's.")
    ] = None,
    after: After = None,
    limit: Limit = limits.DEFAULT_PERMISSIONS_PER_PAGE,
    order: Annotated[
        Literal["ascending", "descending"], Query(description="By time of creation.")
    ] = "descending",
) -> Response:
    """Who else may use a tuned model or checkpoint."""
    model = _model(office, admin, fine_tuned_model_checkpoint)
    page = permissions.list_page(
        office.db,
        model.id,
        project_id=project_id,
        after=after,
        limit=limit,
        order="asc" if order == "ascending" else "desc",
    )
    return _json(_listed(page.rows, has_more=page.has_more))


@router.delete(_PATH + "/{permission_id}", response_model=DeletedPermission)
def delete_checkpoint_permission(
    admin: Admin, office: OfficeDep, fine_tuned_model_checkpoint: str, permission_id: str
) -> Response:
    """Takes a permission away; the project's next request for the model is a 404."""
    model = _model(office, admin, fine_tuned_model_checkpoint)
    permissions.revoke(office.db, model.id, permission_id)
    return _json(DeletedPermission(id=permission_id))


def _grant(office: Office, admin: Principal, name: str, project_ids: list[str]) -> list[PermissionRow]:
    model = _model(office, admin, name)
    return permissions.grant(office.db, admin.organization_id, model.id, project_ids)


def _model(office: Office, admin: Principal, name: str) -> ModelRow:
    model = models.of_organization(office.db, admin.organization_id, name)
    if model is None:
        raise NotFound(
            f"The checkpoint `{name[:200]}` does not exist or you do not have access to it.",
            param="fine_tuned_model_checkpoint",
            code="model_not_found",
        )
    return model


def _listed(rows: list[PermissionRow], *, has_more: bool) -> PermissionList:
    data = [PermissionObject(id=row.id, created_at=row.created_at, project_id=row.project_id) for row in rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return PermissionList(data=data, first_id=first, last_id=last, has_more=has_more)


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
