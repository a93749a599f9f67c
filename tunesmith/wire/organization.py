"""OpenAI's projects, their keys, service accounts and rate limits, and admin keys.

Secrets are in the answers that create them and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field

from tunesmith.wire import limits
from tunesmith.wire.base import Request, Response, invalid


def _name(text: str) -> str:
    if text != text.strip():
        raise invalid("a name neither begins nor ends with a space.")
    if not text.isprintable():
        raise invalid("a name holds no control characters.")
    return text


Name = Annotated[str, Field(min_length=1, max_length=limits.MAX_NAME_CHARS), AfterValidator(_name)]
Lifetime = Annotated[int, Field(ge=1, le=limits.MAX_KEY_LIFETIME_S)]
"""Seconds from now."""
PerMinute = Annotated[int, Field(ge=0, le=2**53)]

R = TypeVar("R", bound=Response)


class Listed(Response, Generic[R]):
    """A page of objects."""

    object: Literal["list"] = "list"
    data: list[R]
    first_id: str | None
    last_id: str | None
    has_more: bool


# -- projects -----------------------------------------------------------------------------------------


class CreateProjectRequest(Request):
    """A project to be."""

    name: Name
    external_key_id: str | None = Field(default=None, max_length=limits.MAX_NAME_CHARS)
    geography: str | None = None
    residency: Annotated[object, Field(description="A string or an object; refused here.")] = None


class UpdateProjectRequest(Request):
    """What of a project shall change; what is not named stays."""

    name: Name | None = None
    external_key_id: str | None = Field(default=None, max_length=limits.MAX_NAME_CHARS)
    geography: str | None = None
    monthly_tokens: int | None = Field(default=None, ge=0, le=2**53)
    """Our own key: tokens that the project may use in a calendar month; null leaves the server's setting."""


class ProjectObject(Response):
    """A project."""

    id: str
    object: Literal["organization.project"] = "organization.project"
    name: str
    created_at: int
    archived_at: int | None
    status: Literal["active", "archived"]
    external_key_id: str | None
    monthly_tokens: int | None
    """Our own key."""


# -- keys ---------------------------------------------------------------------------------------------


class ServiceAccountOwner(Response):
    """The service account that owns a key."""

    id: str
    object: Literal["organization.project.service_account"] = "organization.project.service_account"
    name: str
    role: str
    created_at: int


class KeyOwner(Response):
    """Who owns a key: always a service account, for there are no users here."""

    type: Literal["service_account"] = "service_account"
    service_account: ServiceAccountOwner


class ProjectKeyObject(Response):
    """A project's API key, without its secret."""

    id: str
    object: Literal["organization.project.api_key"] = "organization.project.api_key"
    name: str
    redacted_value: str
    created_at: int
    last_used_at: int | None
    expires_at: int | None
    owner: KeyOwner
    owner_project_access: Literal["active"] = "active"


class CreatedProjectKey(ProjectKeyObject):
    """A new API key, with its secret: `value` is shown this once."""

    value: str


class CreateKeyRequest(Request):
    """A key to be."""

    name: Name
    expires_in_seconds: Lifetime | None = None


class UpdateProjectKeyRequest(Request):
    """What of a key shall change."""

    expires_in_seconds: Lifetime | None = None
    scopes: list[str] | None = None


class DeletedProjectKey(Response):
    """The answer to deleting a project's key."""

    id: str
    object: Literal["organization.project.api_key.deleted"] = "organization.project.api_key.deleted"
    deleted: bool = True


class DeletedServiceAccount(Response):
    """The answer to deleting a service account."""

    id: str
    object: Literal["organization.project.service_account.deleted"] = (
        "organization.project.service_account.deleted"
    )
    deleted: bool = True


class DeletedAdminKey(Response):
    """The answer to deleting an admin key."""

    id: str
    object: Literal["organization.admin_api_key.deleted"] = "organization.admin_api_key.deleted"
    deleted: bool = True


# -- service accounts ---------------------------------------------------------------------------------


class CreateServiceAccountRequest(Request):
    """A service account to be, with its first key."""

    name: Name
    create_service_account_only: bool | None = None
    expires_in_seconds: Lifetime | None = None


class UpdateServiceAccountRequest(Request):
    """What of a service account shall change."""

    name: Name | None = None
    role: Literal["member", "owner"] | None = None


class CreateServiceAccountKeyRequest(Request):
    """Another key for a service account."""

    name: Name | None = None
    expires_in_seconds: Lifetime | None = None
    scopes: list[str] | None = None


class ServiceAccountObject(Response):
    """A service account."""

    id: str
    object: Literal["organization.project.service_account"] = "organization.project.service_account"
    name: str
    role: Literal["owner", "member", "none"]
    created_at: int


class ServiceAccountKey(Response):
    """A service account's new key, with its secret: `value` is shown this once."""

    id: str
    object: Literal["organization.project.service_account.api_key"] = (
        "organization.project.service_account.api_key"
    )
    name: str
    value: str
    created_at: int
    expires_at: int | None


class CreatedServiceAccount(Response):
    """A new service account; `api_key` is null where none was asked for."""

    id: str
    object: Literal["organization.project.service_account"] = "organization.project.service_account"
    name: str
    role: Literal["member", "none"]
    created_at: int
    api_key: ServiceAccountKey | None


# -- rate limits --------------------------------------------------------------------------------------


class RateLimitObject(Response):
    """A project's limits for one model."""

    id: str
    object: Literal["project.rate_limit"] = "project.rate_limit"
    model: str
    max_requests_per_1_minute: int
    max_tokens_per_1_minute: int


class UpdateRateLimitRequest(Request):
    """Limits to set; what is not named stays. OpenAI's others have no meaning here and are refused."""

    max_requests_per_1_minute: PerMinute | None = None
    max_tokens_per_1_minute: PerMinute | None = None
    max_images_per_1_minute: int | None = None
    max_audio_megabytes_per_1_minute: int | None = None
    max_requests_per_1_day: int | None = None
    batch_1_day_max_input_tokens: int | None = None


# -- admin keys ---------------------------------------------------------------------------------------


class AdminKeyOwner(Response):
    """Who owns an admin key: whoever operates the server."""

    type: Literal["user"] = "user"
    object: Literal["organization.user"] = "organization.user"
    id: str
    name: str
    created_at: int
    role: Literal["owner"] = "owner"


class AdminKeyObject(Response):
    """An admin key, without its secret."""

    id: str
    object: Literal["organization.admin_api_key"] = "organization.admin_api_key"
    name: str
    redacted_value: str
    created_at: int
    last_used_at: int | None
    expires_at: int | None
    owner: AdminKeyOwner


class CreatedAdminKey(AdminKeyObject):
    """A new admin key, with its secret: `value` is shown this once."""

    value: str


# -- pages -----------------------------------------------------------------------------------------


class ProjectList(Listed[ProjectObject]):
    """A page of projects."""


class ProjectKeyList(Listed[ProjectKeyObject]):
    """A page of a project's keys."""


class ServiceAccountList(Listed[ServiceAccountObject]):
    """A page of a project's service accounts."""


class RateLimitList(Listed[RateLimitObject]):
    """A page of a project's rate limits."""


class AdminKeyList(Listed[AdminKeyObject]):
    """A page of admin keys."""
