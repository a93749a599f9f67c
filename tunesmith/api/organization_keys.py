"""`/v1/organization/projects/{id}/api_keys` and `/service_accounts`: a project's keys and who owns them.

OpenAI makes a program's key with its service account. `POST …/api_keys` with a name is our own short way: it
makes both at once. A secret is shown once, in the answer that makes its key. A key that is deleted ends at
once, with whatever it is being answered; jobs and batches that it began are the project's and go on.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.auth import Admin, Doorkeeper
from tunesmith.api.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.organization_projects import Limit, answer, ends
from tunesmith.api.pages import After
from tunesmith.errors import InvalidRequest
from tunesmith.store import keys, projects, service_accounts
from tunesmith.store.rows import KeyRow, Principal, ServiceAccountRow
from tunesmith.wire import limits
from tunesmith.wire.organization import (
    CreatedProjectKey,
    CreatedServiceAccount,
    CreateKeyRequest,
    CreateServiceAccountKeyRequest,
    CreateServiceAccountRequest,
    DeletedProjectKey,
    DeletedServiceAccount,
    KeyOwner,
    ProjectKeyList,
    ProjectKeyObject,
    ServiceAccountKey,
    ServiceAccountList,
    ServiceAccountObject,
    ServiceAccountOwner,
    UpdateProjectKeyRequest,
    UpdateServiceAccountRequest,
)

router = APIRouter(prefix="/v1/organization/projects/{project_id}", tags=["organization"])

REVOKED = "This API key has been revoked."

# -- keys ---------------------------------------------------------------------------------------------


@router.get("/api_keys", response_model=ProjectKeyList)
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


@router.post("/api_keys", response_model=CreatedProjectKey, openapi_extra=documented(CreateKeyRequest))
async def create_project_api_key(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    body: Annotated[CreateKeyRequest, Depends(json_body(CreateKeyRequest))],
) -> Response:
    """Our own: a service account of this name and its key, whose secret is in `value`, this once."""
    account, key, secret = await run_in_threadpool(
        _create, office, admin, project_id, body.name, body.expires_in_seconds
    )
    return answer(CreatedProjectKey(value=secret, **_key_fields(key, account)))


@router.get("/api_keys/{api_key_id}", response_model=ProjectKeyObject)
def retrieve_project_api_key(admin: Admin, office: OfficeDep, project_id: str, api_key_id: str) -> Response:
    """One key of the project, without its secret."""
    projects.get(office.db, admin.organization_id, project_id)
    return answer(_key(office, keys.get(office.db, project_id, api_key_id)))


@router.post(
    "/api_keys/{api_key_id}",
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
    _refuse_scopes(body.scopes)
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


@router.delete("/api_keys/{api_key_id}", response_model=DeletedProjectKey)
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


# -- service accounts ---------------------------------------------------------------------------------


@router.get("/service_accounts", response_model=ServiceAccountList)
def list_project_service_accounts(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    after: After = None,
    limit: Limit = limits.DEFAULT_ORGANIZATION_ROWS_PER_PAGE,
) -> Response:
    """The project's service accounts, oldest first."""
    projects.get(office.db, admin.organization_id, project_id)
    page = service_accounts.list_page(office.db, project_id, after=after, limit=limit)
    data = [_account(row) for row in page.rows]
    return answer(ServiceAccountList(data=data, has_more=page.has_more, **ends(data)))


@router.post(
    "/service_accounts",
    response_model=CreatedServiceAccount,
    openapi_extra=documented(CreateServiceAccountRequest),
)
async def create_project_service_account(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    body: Annotated[CreateServiceAccountRequest, Depends(json_body(CreateServiceAccountRequest))],
) -> Response:
    """A service account and its first key, whose secret is in `api_key.value`, this once."""
    if body.create_service_account_only:
        if body.expires_in_seconds is not None:
            raise InvalidRequest(
                "'expires_in_seconds' is about the first key, and 'create_service_account_only' makes none; "
                "leave one of them out.",
                param="expires_in_seconds",
            )

        def create_alone() -> ServiceAccountRow:
            with office.db.write() as connection:
                projects.change(connection, admin.organization_id, project_id)
                return service_accounts.create(connection, project_id, name=body.name, role="none")

        account, api_key = await run_in_threadpool(create_alone), None
    else:
        account, key, secret = await run_in_threadpool(
            _create, office, admin, project_id, body.name, body.expires_in_seconds
        )
        api_key = _secret(key, secret)
    return answer(
        CreatedServiceAccount(
            id=account.id,
            name=account.name,
            role="none" if account.role == "none" else "member",
            created_at=account.created_at,
            api_key=api_key,
        )
    )


@router.get("/service_accounts/{service_account_id}", response_model=ServiceAccountObject)
def retrieve_project_service_account(
    admin: Admin, office: OfficeDep, project_id: str, service_account_id: str
) -> Response:
    """One service account."""
    projects.get(office.db, admin.organization_id, project_id)
    return answer(_account(service_accounts.get(office.db, project_id, service_account_id)))


@router.post(
    "/service_accounts/{service_account_id}",
    response_model=ServiceAccountObject,
    openapi_extra=documented(UpdateServiceAccountRequest),
)
async def update_project_service_account(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    service_account_id: str,
    body: Annotated[UpdateServiceAccountRequest, Depends(json_body(UpdateServiceAccountRequest))],
) -> Response:
    """Changes its name or role. Both roles may do the same here: what a project's keys may do."""
    changes = body.model_dump(exclude_none=True)

    def change() -> ServiceAccountRow:
        with office.db.write() as connection:
            projects.change(connection, admin.organization_id, project_id)
            return service_accounts.change(connection, project_id, service_account_id, **changes)

    return answer(_account(await run_in_threadpool(change)))


@router.delete("/service_accounts/{service_account_id}", response_model=DeletedServiceAccount)
async def delete_project_service_account(
    admin: Admin, office: OfficeDep, request: Request, project_id: str, service_account_id: str
) -> Response:
    """Deletes a service account and revokes all its keys."""

    def delete() -> list[str]:
        with office.db.write() as connection:
            projects.get(connection, admin.organization_id, project_id)
            service_accounts.delete(connection, project_id, service_account_id)
            return keys.revoke_all(connection, project_id, service_account_id)

    ended = set(await run_in_threadpool(delete))
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    doorkeeper.end(lambda principal: principal.key_id in ended, REVOKED)
    return answer(DeletedServiceAccount(id=service_account_id))


@router.post(
    "/service_accounts/{service_account_id}/api_keys",
    response_model=ServiceAccountKey,
    openapi_extra=documented(CreateServiceAccountKeyRequest),
)
async def create_service_account_api_key(
    admin: Admin,
    office: OfficeDep,
    project_id: str,
    service_account_id: str,
    body: Annotated[CreateServiceAccountKeyRequest, Depends(json_body(CreateServiceAccountKeyRequest))],
) -> Response:
    """Another key for a service account, whose secret is in `value`, this once."""
    _refuse_scopes(body.scopes)

    def create() -> tuple[KeyRow, str]:
        with office.db.write() as connection:
            projects.change(connection, admin.organization_id, project_id)
            account = service_accounts.get(connection, project_id, service_account_id)
            if account.role == "none":  # made without a key: now it takes part
                service_accounts.change(connection, project_id, account.id, role="member")
            return keys.create(
                connection,
                project_id,
                name=body.name or account.name,
                service_account_id=account.id,
                expires_at=_expiry(body.expires_in_seconds),
            )

    return answer(_secret(*await run_in_threadpool(create)))


# -- rows and objects -----------------------------------------------------------------------------------


def _create(
    office: Office, admin: Principal, project_id: str, name: str, lifetime_s: int | None
) -> tuple[ServiceAccountRow, KeyRow, str]:
    with office.db.write() as connection:
        projects.change(connection, admin.organization_id, project_id)  # absent or archived: refused
        account = service_accounts.create(connection, project_id, name=name, role="member")
        key, secret = keys.create(
            connection,
            project_id,
            name=name,
            service_account_id=account.id,
            expires_at=_expiry(lifetime_s),
        )
    return account, key, secret


def _expiry(lifetime_s: int | None) -> int | None:
    return None if lifetime_s is None else ids.now() + lifetime_s


def _refuse_scopes(scopes: list[str] | None) -> None:
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
    account = None
    if row.service_account_id is not None:
        account = service_accounts.get(office.db, row.project_id, row.service_account_id)
    return ProjectKeyObject(**_key_fields(row, account))


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


def _secret(row: KeyRow, secret: str) -> ServiceAccountKey:
    return ServiceAccountKey(
        id=row.id, name=row.name, value=secret, created_at=row.created_at, expires_at=row.expires_at
    )


def _account(row: ServiceAccountRow) -> ServiceAccountObject:
    return ServiceAccountObject.model_validate(
        {"id": row.id, "name": row.name, "role": row.role, "created_at": row.created_at}
    )
