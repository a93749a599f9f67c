"""Webhook endpoints, and the outbox of what is still to be delivered to them.

`announce` stands in the transaction that changes a state, so an event exists exactly when the change does.
Delivering is `jobs/webhooks.py`'s; rows here survive whatever becomes of the process that does it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from tunesmith import ids
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import Page, WebhookDeliveryRow, WebhookEndpointRow, from_row, values_of
from tunesmith.store.tables import webhook_deliveries, webhook_endpoints

#: Seconds that the secret before a rotation goes on signing, where the rotation says so.
OLD_SECRET_S = 24 * 3600
#: Seconds that an ended delivery and a deleted endpoint are kept, to look into and to page from.
KEPT_S = 7 * 24 * 3600

_live = webhook_endpoints.c.deleted_at.is_(None)


def announce(
    connection: Connection, project_id: str, event_type: str, object_id: str, *, at: int | None = None
) -> None:
    """Puts an event into the outbox, once for each endpoint of the project that wants its type.

    To be called in the transaction that changes the object's state (at the second `at`); where no endpoint
    wants the type, it writes nothing.
    """
    rows = connection.execute(
        select(webhook_endpoints.c.id, webhook_endpoints.c.event_types).where(
            webhook_endpoints.c.project_id == project_id,
            _live,
            webhook_endpoints.c.disabled_reason.is_(None),
        )
    ).all()
    wanting = [row.id for row in rows if event_type in row.event_types]
    if not wanting:
        return
    now = ids.now()
    body = event_body(event_type, object_id, at=now if at is None else at)
    deliveries = [
        WebhookDeliveryRow(
            id=ids.new_id("webhook_delivery"),
            endpoint_id=endpoint_id,
            event_type=event_type,
            body=body,
            created_at=now,
            due_at=now,
        )
        for endpoint_id in wanting
    ]
    connection.execute(insert(webhook_deliveries), [values_of(row) for row in deliveries])


def event_body(event_type: str, object_id: str, *, at: int) -> str:
    """The event as the receiver reads it, byte for byte the same at every attempt."""
    event = {
        "id": ids.new_id("webhook_event"),
        "object": "event",
        "created_at": at,
        "type": event_type,
        "data": {"id": object_id},
    }
    return json.dumps(event, separators=(",", ":"))


# -- endpoints ----------------------------------------------------------------------------------------


def add(where: Where, row: WebhookEndpointRow, *, at_most: int) -> None:
    """Adds an endpoint. Raises InvalidRequest when the project has `at_most` already."""
    with writing(where) as connection:
        count = connection.execute(
            select(func.count())
            .select_from(webhook_endpoints)
            .where(webhook_endpoints.c.project_id == row.project_id, _live)
        ).scalar_one()
        if count >= at_most:
            raise InvalidRequest(
                f"This project has {count} webhook endpoints, and no more are allowed; delete one that is no "
                "longer needed.",
                code="too_many_webhook_endpoints",
            )
        connection.execute(insert(webhook_endpoints).values(values_of(row)))


def get(where: Where, project_id: str, endpoint_id: str) -> WebhookEndpointRow:
    """The endpoint of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(webhook_endpoints).where(
                webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.project_id == project_id, _live
            )
        ).first()
    if row is None:
        raise NotFound(f"No such webhook endpoint: {endpoint_id}", param="webhook_endpoint_id")
    return from_row(WebhookEndpointRow, row)


def list_page(
    where: Where, project_id: str, *, after: str | None = None, limit: int = 20
) -> Page[WebhookEndpointRow]:
    """Endpoints of this project, newest first."""
    with reading(where) as connection:
        within = webhook_endpoints.c.project_id == project_id
        return page(
            connection, WebhookEndpointRow, webhook_endpoints, within, shown=_live, after=after, limit=limit
        )


def change(where: Where, project_id: str, endpoint_id: str, **changes: Any) -> WebhookEndpointRow:
    """Changes what is named, and lets a disabled endpoint receive again. Raises NotFound.

    `updated_at` advances only where something is different afterwards.
    """
    with writing(where) as connection:
        row = get(connection, project_id, endpoint_id)
        if any(getattr(row, name) != value for name, value in changes.items()):
            changes["updated_at"] = max(ids.now(), row.updated_at)
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == endpoint_id)
            .values(disabled_reason=None, last_failure=None, **changes)
        )
        return get(connection, project_id, endpoint_id)


def rotate_secret(where: Where, project_id: str, endpoint_id: str, *, keep_old: bool) -> WebhookEndpointRow:
    """A fresh secret; the one before goes on signing for a day with `keep_old`, else no longer.

    Raises NotFound.
    """
    with writing(where) as connection:
        row = get(connection, project_id, endpoint_id)
        now = ids.now()
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == endpoint_id)
            .values(
                secret=ids.new_webhook_secret(),
                old_secret=row.secret if keep_old else None,
                old_secret_until=now + OLD_SECRET_S if keep_old else None,
                updated_at=max(now, row.updated_at),
            )
        )
        return get(connection, project_id, endpoint_id)


def remove(where: Where, project_id: str, endpoint_id: str) -> None:
    """Deletes an endpoint, its secrets, and what was still to be delivered to it. Raises NotFound."""
    with writing(where) as connection:
        get(connection, project_id, endpoint_id)
        connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.endpoint_id == endpoint_id))
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == endpoint_id)
            .values(deleted_at=ids.now(), secret="", old_secret=None, old_secret_until=None)
        )


def enable(where: Where, endpoint_id: str) -> None:
    """The endpoint has been seen to receive: whatever failed before is over."""
    with writing(where) as connection:
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == endpoint_id, _live)
            .values(disabled_reason=None, last_failure=None, last_success_at=ids.now())
        )


# -- the outbox ---------------------------------------------------------------------------------------


def endpoints_with_due(where: Where, now: int) -> list[WebhookEndpointRow]:
    """Endpoints for which a delivery is due, the longest waiting first."""
    with reading(where) as connection:
        due = (
            select(webhook_deliveries.c.endpoint_id, func.min(webhook_deliveries.c.due_at).label("first"))
            .where(webhook_deliveries.c.due_at <= now)
            .group_by(webhook_deliveries.c.endpoint_id)
            .subquery()
        )
        query = (
            select(webhook_endpoints)
            .join(due, due.c.endpoint_id == webhook_endpoints.c.id)
            .order_by(due.c.first, webhook_endpoints.c.seq)
        )
        return [from_row(WebhookEndpointRow, row) for row in connection.execute(query)]


def due(
    where: Where, endpoint_id: str, now: int, *, limit: int, but: Collection[str] = ()
) -> list[WebhookDeliveryRow]:
    """Up to `limit` deliveries to one endpoint that are due, the longest waiting first; those in `but` are
    under way."""
    with reading(where) as connection:
        query = (
            select(webhook_deliveries)
            .where(
                webhook_deliveries.c.endpoint_id == endpoint_id,
                webhook_deliveries.c.due_at <= now,
                webhook_deliveries.c.id.not_in(but),
            )
            .order_by(webhook_deliveries.c.due_at, webhook_deliveries.c.seq)
            .limit(limit)
        )
        return [from_row(WebhookDeliveryRow, row) for row in connection.execute(query)]


def delivered(where: Where, delivery: WebhookDeliveryRow, *, outcome: str) -> None:
    """The receiver has the event."""
    with writing(where) as connection:
        _end(connection, delivery, outcome)
        enable(connection, delivery.endpoint_id)


def postponed(where: Where, delivery: WebhookDeliveryRow, *, outcome: str, due_at: int) -> None:
    """An attempt has failed; the next one is due at `due_at`."""
    with writing(where) as connection:
        connection.execute(
            update(webhook_deliveries)
            .where(webhook_deliveries.c.id == delivery.id, webhook_deliveries.c.due_at.is_not(None))
            .values(attempts=webhook_deliveries.c.attempts + 1, due_at=due_at, outcome=outcome)
        )
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == delivery.endpoint_id, _live)
            .values(last_failure=outcome)
        )


def given_up(where: Where, delivery: WebhookDeliveryRow, *, outcome: str, reason: str) -> bool:
    """The last attempt has failed. Disables the endpoint for `reason` when nothing else has come through
    since the event; returns whether it did."""
    with writing(where) as connection:
        _end(connection, delivery, outcome)
        last_success_at = connection.execute(
            select(webhook_endpoints.c.last_success_at).where(
                webhook_endpoints.c.id == delivery.endpoint_id, _live
            )
        ).scalar()
        if last_success_at is not None and last_success_at >= delivery.created_at:
            return False
        return disable(connection, delivery.endpoint_id, reason)


def disable(where: Where, endpoint_id: str, reason: str) -> bool:
    """Nothing more is delivered to the endpoint, nor kept for it, until somebody changes or tests it."""
    with writing(where) as connection:
        changed = connection.execute(
            update(webhook_endpoints)
            .where(
                webhook_endpoints.c.id == endpoint_id, _live, webhook_endpoints.c.disabled_reason.is_(None)
            )
            .values(disabled_reason=reason)
        ).rowcount
        connection.execute(
            update(webhook_deliveries)
            .where(webhook_deliveries.c.endpoint_id == endpoint_id, webhook_deliveries.c.due_at.is_not(None))
            .values(due_at=None, ended_at=ids.now(), outcome=f"Not delivered: {reason}")
        )
    return bool(changed)


def list_deliveries(where: Where, endpoint_id: str) -> list[WebhookDeliveryRow]:
    """All deliveries to an endpoint that are kept, oldest first."""
    with reading(where) as connection:
        query = select(webhook_deliveries).where(webhook_deliveries.c.endpoint_id == endpoint_id)
        return [
            from_row(WebhookDeliveryRow, row)
            for row in connection.execute(query.order_by(webhook_deliveries.c.seq))
        ]


def sweep(where: Where, now: int) -> None:
    """Forgets deliveries that ended, and endpoints that were deleted, long ago."""
    with writing(where) as connection:
        connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.ended_at < now - KEPT_S))
        connection.execute(
            delete(webhook_endpoints).where(
                webhook_endpoints.c.deleted_at < now - KEPT_S,
                webhook_endpoints.c.id.not_in(select(webhook_deliveries.c.endpoint_id)),
            )
        )


def _end(connection: Connection, delivery: WebhookDeliveryRow, outcome: str) -> None:
    connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery.id)
        .values(attempts=webhook_deliveries.c.attempts + 1, due_at=None, ended_at=ids.now(), outcome=outcome)
    )
