"""OpenAI's checkpoint permission: which projects of an organization may use a tuned model of another one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tunesmith.wire import limits
from tunesmith.wire.base import Request, Response

ProjectId = Annotated[str, Field(min_length=1, max_length=limits.MAX_PROJECT_ID_CHARS)]


class CreatePermissionsRequest(Request):
    """The body of `POST /fine_tuning/checkpoints/{fine_tuned_model_checkpoint}/permissions`."""

    project_ids: list[ProjectId] = Field(min_length=1, max_length=limits.MAX_PROJECTS_PER_GRANT)


class PermissionObject(Response):
    """One project's leave to use a model."""

    object: Literal["checkpoint.permission"] = "checkpoint.permission"
    id: str
    created_at: int
    project_id: str


class PermissionList(Response):
    """A page of permissions, or those that one request made."""

    object: Literal["list"] = "list"
    data: list[PermissionObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedPermission(Response):
    """The answer to taking a permission away."""

    id: str
    object: Literal["checkpoint.permission"] = "checkpoint.permission"
    deleted: bool = True
