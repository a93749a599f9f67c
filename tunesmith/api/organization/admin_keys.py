"""`/v1/organization/admin_api_keys`: keys that manage the organization and act in all its projects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.auth import Admin, Doorkeeper
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import OfficeDep
from tunesmith.api.organization.keys import REVOKED, redacted
from tunesmith.api.organization.projects import Limit, answer, ends
from tunesmith.api.pages import After
from tunesmith.store import keys, projects
from tunesmith.store.rows import KeyRow
from tunesmith.wire import limits
from tunesmith.wire.organization import (
    AdminKeyList,
    AdminKeyObject,
    AdminKeyOwner,
    CreatedAdminKey,
    CreateKeyRequest,
    DeletedAdminKey,
)

router = APIRouter(prefix="/v1/organization/admin_api_keys", tags=["organization"])


@router.get("", response_model=AdminKeyList)
def list_admin_api_keys(
    admin: Admin,
    office: OfficeDep,
    after: After = None,
    limit: Limit = limits.DEFAULT_ORGANIZATION_ROWS_PER_PAGE,
    order: Annotated[Literal["asc", "desc"], Query(description="By time of creation.")] = "asc",
) -> Response:
    """The organization's admin keys."""
    page = keys.list_admin(office.db, admin.organization_id, after=after, limit=limit, order=order)
    data = [AdminKeyObject(**_fields(row)) for row in page.rows]
    return answer(AdminKeyList(data=data, has_more=page.has_more, **ends(data)))


@router.post("", response_model=CreatedAdminKey, openapi_extra=documented(CreateKeyRequest))
async def create_admin_api_key(
    admin: Admin,
    office: OfficeDep,
    body: Annotated[CreateKeyRequest, Depends(json_body(CreateKeyRequest))],
) -> Response:
    """An admin key, whose secret is in `value`, this once."""

    def create() -> tuple[KeyRow, str]:
        lifetime_s = body.expires_in_seconds
        with office.db.write() as connection:
            return keys.create(
                connection,
                projects.first(connection, admin.organization_id).id,
                name=body.name,
                is_admin=True,
                expires_at=None if lifetime_s is None else ids.now() + lifetime_s,
            )

    row, secret = await run_in_threadpool(create)
    return answer(CreatedAdminKey(value=secret, **_fields(row)))


@router.get("/{key_id}", response_model=AdminKeyObject)
def retrieve_admin_api_key(admin: Admin, office: OfficeDep, key_id: str) -> Response:
    """One admin key, without its secret."""
    return answer(AdminKeyObject(**_fields(keys.get_admin(office.db, admin.organization_id, key_id))))


@router.delete("/{key_id}", response_model=DeletedAdminKey)
async def delete_admin_api_key(admin: Admin, office: OfficeDep, request: Request, key_id: str) -> Response:
    """Revokes an admin key; the last one that does not expire stays."""
    await run_in_threadpool(keys.revoke_admin, office.db, admin.organization_id, key_id)
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    doorkeeper.end(lambda principal: principal.key_id == key_id, REVOKED)
    return answer(DeletedAdminKey(id=key_id))


def _fields(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "redacted_value": redacted(row),
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        # whoever operates the server: there are no users beside the holders of admin keys
        "owner": AdminKeyOwner(id=row.id, name=row.name, created_at=row.created_at),
    }
