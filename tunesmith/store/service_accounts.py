"""Service accounts of a project: who owns the keys that programs use. Their keys are in `store/keys.py`."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import KeyRow, Page, ServiceAccountRow, from_row, values_of
from tunesmith.store.tables import service_accounts


def create(where: Where, project_id: str, *, name: str, role: str) -> ServiceAccountRow:
    """A new service account, which has no key yet."""
    row = ServiceAccountRow(
        id=ids.new_id("service_account"), project_id=project_id, name=name, role=role, created_at=ids.now()
    )
    with writing(where) as connection:
        connection.execute(insert(service_accounts).values(values_of(row)))
    return row


def get(where: Where, project_id: str, service_account_id: str) -> ServiceAccountRow:
    """The service account of this project. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(service_accounts).where(
                service_accounts.c.id == service_account_id,
                service_accounts.c.project_id == project_id,
                service_accounts.c.deleted_at.is_(None),
            )
        ).first()
    if row is None:
        raise NotFound(f"No such service account: {service_account_id}", param="service_account_id")
    return from_row(ServiceAccountRow, row)


def owner(where: Where, key: KeyRow) -> ServiceAccountRow | None:
    """Whose key it is, deleted meanwhile or not; None for a key of nobody."""
    with reading(where) as connection:
        row = connection.execute(
            select(service_accounts).where(service_accounts.c.id == key.service_account_id)
        ).first()
    return None if row is None else from_row(ServiceAccountRow, row)


def list_page(
    where: Where, project_id: str, *, after: str | None = None, limit: int = 20
) -> Page[ServiceAccountRow]:
    """Service accounts of this project, oldest first."""
    with reading(where) as connection:
        return page(
            connection,
            ServiceAccountRow,
            service_accounts,
            service_accounts.c.project_id == project_id,
            shown=service_accounts.c.deleted_at.is_(None),
            after=after,
            limit=limit,
            order="asc",
        )


def change(where: Where, project_id: str, service_account_id: str, **changes: str) -> ServiceAccountRow:
    """Changes its name or role. Raises NotFound."""
    with writing(where) as connection:
        get(connection, project_id, service_account_id)
        if changes:
            connection.execute(
                update(service_accounts).where(service_accounts.c.id == service_account_id).values(changes)
            )
        return get(connection, project_id, service_account_id)


def delete(where: Where, project_id: str, service_account_id: str) -> None:
    """Hides it; its keys are revoked by the caller, in the same transaction. Raises NotFound."""
    with writing(where) as connection:
        get(connection, project_id, service_account_id)
        connection.execute(
            update(service_accounts)
            .where(service_accounts.c.id == service_account_id)
            .values(deleted_at=ids.now())
        )
