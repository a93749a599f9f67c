"""`/v1/organization/projects/{id}/service_accounts`: who owns the keys that programs use, and their keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith.api.auth import Admin, Doorkeeper
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import OfficeDep
from tunesmith.api.organization.keys import REVOKED, create_owned, expiry, refuse_scopes, secret_object
from tunesmith.api.organization.projects import Limit, answer, ends
from tunesmith.api.pages import After
from tunesmith.errors import InvalidRequest
from tunesmith.store import keys, projects, service_accounts
from tunesmith.store.rows import KeyRow, ServiceAccountRow
from tunesmith.wire import limits
from tunesmith.wire.organization import (
    CreatedServiceAccount,
    CreateServiceAccountKeyRequest,
    CreateServiceAccountRequest,
    DeletedServiceAccount,
    ServiceAccountKey,
    ServiceAccountList,
    ServiceAccountObject,
    UpdateServiceAccountRequest,
)

router = APIRouter(prefix="/v1/organization/projects/{project_id}/service_accounts", tags=["organization"])


@router.get("", response_model=ServiceAccountList)
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
    "",
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
            create_owned, office, admin, project_id, body.name, body.expires_in_seconds
        )
        api_key = secret_object(key, secret)
    return answer(
        CreatedServiceAccount(
            id=account.id,
            name=account.name,
            role="none" if account.role == "none" else "member",
            created_at=account.created_at,
            api_key=api_key,
        )
    )


@router.get("/{service_account_id}", response_model=ServiceAccountObject)
def retrieve_project_service_account(
    admin: Admin, office: OfficeDep, project_id: str, service_account_id: str
) -> Response:
    """One service account."""
    projects.get(office.db, admin.organization_id, project_id)
    return answer(_account(service_accounts.get(office.db, project_id, service_account_id)))


@router.post(
    "/{service_account_id}",
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


@router.delete("/{service_account_id}", response_model=DeletedServiceAccount)
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
    "/{service_account_id}/api_keys",
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
    refuse_scopes(body.scopes)

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
                expires_at=expiry(body.expires_in_seconds),
            )

    return answer(secret_object(*await run_in_threadpool(create)))


def _account(row: ServiceAccountRow) -> ServiceAccountObject:
    return ServiceAccountObject.model_validate(
        {"id": row.id, "name": row.name, "role": row.role, "created_at": row.created_at}
    )
