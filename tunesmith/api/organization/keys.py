"""`/v1/organization/projects/{id}/api_keys`: a project's keys.

OpenAI makes a program's key with its service account. `POST …/api_keys` with a name is our own short way: it
makes both at once. A secret is shown once, in the answer that makes its key. A key that is deleted ends at
once, with whatever it is being answered; jobs and batches that it began are the project's and go on. Service
accounts themselves are in service_accounts.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.auth import Admin, Doorkeeper
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.organization.projects import Limit, answer, ends
from tunesmith.api.pages import After
from tunesmith.errors import InvalidRequest
from tunesmith.store import keys, projects, service_accounts
from tunesmith.store.rows import KeyRow, Principal, ServiceAccountRow
from tunesmith.wire import limits
from tunesmith.wire.organization import (
    CreatedProjectKey,
    CreateKeyRequest,
    DeletedProjectKey,
    KeyOwner,
    ProjectKeyList,
    ProjectKeyObject,
    ServiceAccountKey,
    ServiceAccountOwner,
    UpdateProjectKeyRequest,
)

router = APIRouter(prefix="/v1/organization/projects/{project_id}/api_keys", tags=["organization"])

REVOKED = "This API key has been revoked."


@router.get("", response_model=ProjectKeyList)
def list_project_api_keys(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    after: After = None,
    limit: Limit = limits.DEFAULT_ORGANIZATION_ROWS_PER_PAGE,
    owner_project_access: Annotated[
        Literal["active", "inactive", "any"] | None,
        Query(description="By whether the owner may use the project: here every owner may."),
    ] = None,
) -> Response:
    """The project's keys, oldest first."""
    projects.get(office.db, admin.organization_id, project_id)
    if owner_project_access == "inactive":
        return answer(ProjectKeyList(data=[], has_more=False, first_id=None, last_id=None))
    page = keys.list_page(office.db, project_id, after=after, limit=limit)
    data = [_key(office, row) for row in page.rows]
    return answer(ProjectKeyList(data=data, has_more=page.has_more, **ends(data)))


@router.post("", response_model=CreatedProjectKey, openapi_extra=documented(CreateKeyRequest))
async def create_project_api_key(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    body: Annotated[CreateKeyRequest, Depends(json_body(CreateKeyRequest))],
) -> Response:
    """Our own: a service account of this name and its key, whose secret is in `value`, this once."""
    account, key, secret = await run_in_threadpool(
        create_owned, office, admin, project_id, body.name, body.expires_in_seconds
    )
    return answer(CreatedProjectKey(value=secret, **_key_fields(key, account)))


@router.get("/{api_key_id}", response_model=ProjectKeyObject)
def retrieve_project_api_key(admin: Admin, office: OfficeDep, project_id: str, api_key_id: str) -> Response:
    """One key of the project, without its secret."""
    projects.get(office.db, admin.organization_id, project_id)
    return answer(_key(office, keys.get(office.db, project_id, api_key_id)))


@router.post(
    "/{api_key_id}",
    response_model=ProjectKeyObject,
    openapi_extra=documented(UpdateProjectKeyRequest),
)
async def update_project_api_key(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    api_key_id: str,
    body: Annotated[UpdateProjectKeyRequest, Depends(json_body(UpdateProjectKeyRequest))],
) -> Response:
    """Sets when a key expires."""
    refuse_scopes(body.scopes)
    if body.expires_in_seconds is None and body.scopes is None:
        raise InvalidRequest(
            "Missing required parameter: 'expires_in_seconds'.",
            param="expires_in_seconds",
            code="missing_required_parameter",
        )

    def change() -> ProjectKeyObject:
        with office.db.write() as connection:
            projects.change(connection, admin.organization_id, project_id)
            row = keys.get(connection, project_id, api_key_id)
            if body.expires_in_seconds is not None:
                row = keys.set_expiry(connection, project_id, api_key_id, ids.now() + body.expires_in_seconds)
        return _key(office, row)

    return answer(await run_in_threadpool(change))


@router.delete("/{api_key_id}", response_model=DeletedProjectKey)
async def delete_project_api_key(
    admin: Admin, office: OfficeDep, request: Request, project_id: str, api_key_id: str
) -> Response:
    """Revokes a key."""

    def revoke() -> None:
        with office.db.write() as connection:
            projects.get(connection, admin.organization_id, project_id)
            keys.get(connection, project_id, api_key_id)
            keys.revoke(connection, api_key_id)

    await run_in_threadpool(revoke)
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    doorkeeper.end(lambda principal: principal.key_id == api_key_id, REVOKED)
    return answer(DeletedProjectKey(id=api_key_id))


def create_owned(
    office: Office, admin: Principal, project_id: str, name: str, lifetime_s: int | None
) -> tuple[ServiceAccountRow, KeyRow, str]:
    """A service account and its first key, with the secret."""
    with office.db.write() as connection:
        projects.change(connection, admin.organization_id, project_id)  # absent or archived: refused
        account = service_accounts.create(connection, project_id, name=name, role="member")
        key, secret = keys.create(
            connection,
            project_id,
            name=name,
            service_account_id=account.id,
            expires_at=expiry(lifetime_s),
        )
    return account, key, secret


def expiry(lifetime_s: int | None) -> int | None:
    """When a key of this lifetime, made now, ends."""
    return None if lifetime_s is None else ids.now() + lifetime_s


def refuse_scopes(scopes: list[str] | None) -> None:
    """Raises InvalidRequest where a key is asked to do less than all."""
    if scopes:
        raise InvalidRequest(
            "Keys of this server are not restricted to scopes: a project's key may do everything within its "
            "project. Leave 'scopes' out, or make a project of its own for what shall be kept apart.",
            param="scopes",
            code="unsupported_parameter",
        )


def redacted(row: KeyRow) -> str:
    """A key as it may be shown."""
    return f"sk-…{row.hint}"


def _key(office: Office, row: KeyRow) -> ProjectKeyObject:
    return ProjectKeyObject(**_key_fields(row, service_accounts.owner(office.db, row)))


def _key_fields(row: KeyRow, account: ServiceAccountRow | None) -> dict[str, Any]:
    owner = ServiceAccountOwner(
        id=account.id if account else row.id,
        name=account.name if account else row.name,
        role=account.role if account else "member",
        created_at=account.created_at if account else row.created_at,
    )
    return {
        "id": row.id,
        "name": row.name,
        "redacted_value": redacted(row),
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "owner": KeyOwner(service_account=owner),
    }


def secret_object(row: KeyRow, secret: str) -> ServiceAccountKey:
    """A new key with its secret, shown this once."""
    return ServiceAccountKey(
        id=row.id, name=row.name, value=secret, created_at=row.created_at, expires_at=row.expires_at
    )
