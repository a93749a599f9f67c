"""Webhook endpoints and what is on its way to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointRow:
    """Where a project wants to be told of what happens."""

    id: str
    project_id: str
    name: str
    url: str
    event_types: list[str]
    secret: str
    """`whsec_…`: signing needs it as it is, so it cannot be kept as a hash."""
    old_secret: str | None = None
    old_secret_until: int | None = None
    """Until then each delivery is signed with the secret before the last rotation too."""
    created_at: int
    updated_at: int
    last_success_at: int | None = None
    last_failure: str | None = None
    """What the last attempt came to, as long as no success has followed it."""
    disabled_reason: str | None = None
    """Why nothing is delivered here until somebody changes or tests the endpoint."""


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryRow:
    """One event on its way to one endpoint."""

    id: str
    """`webhook-id`: the same at every attempt, so that a receiver can tell a repetition."""
    endpoint_id: str
    event_type: str
    body: str
    created_at: int
    attempts: int = 0
    due_at: int | None = None
    """When to try next; None once it has ended."""
    ended_at: int | None = None
    outcome: str | None = None
    """What the last attempt came to, as a sentence."""
