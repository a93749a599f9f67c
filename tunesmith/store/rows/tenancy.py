"""Projects, their keys and limits, and whom a request speaks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProjectRow:
    """One project: what files, jobs, models and keys belong to."""

    id: str
    organization_id: str
    name: str
    created_at: int
    archived_at: int | None = None
    external_key_id: str | None = None
    monthly_tokens: int | None = None
    """Tokens that it may have served in a calendar month (UTC); None leaves the server's setting."""


@dataclass(frozen=True, kw_only=True)
class ServiceAccountRow:
    """Who owns a program's key."""

    id: str
    project_id: str
    name: str
    role: str
    created_at: int


@dataclass(frozen=True, kw_only=True)
class KeyRow:
    """One API key without its secret; `hint` is the secret's last characters."""

    id: str
    project_id: str
    name: str
    hint: str
    is_admin: bool
    created_at: int
    last_used_at: int | None = None
    revoked_at: int | None = None
    expires_at: int | None = None
    service_account_id: str | None = None
    """Who owns it; None for admin keys and for the keys of a server's first start."""


@dataclass(frozen=True, kw_only=True)
class RateLimitRow:
    """A project's own limits for one model; None leaves the server's."""

    project_id: str
    model: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whom a request speaks for."""

    key_id: str
    project_id: str
    organization_id: str
    is_admin: bool
