"""API keys: made here, kept as hashes, recognised again.

A secret has 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess. A project's keys
act in their project; admin keys in every project of their organization.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress

from sqlalchemy import ColumnElement, and_, insert, or_, select, update

from tunesmith import ids
from tunesmith.errors import AuthenticationError, InvalidRequest, NotFound, StorageFull, StoreBusy
from tunesmith.store import projects as project_rows
from tunesmith.store.database import Database, Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import KeyRow, Page, Principal, from_row
from tunesmith.store.tables import keys, projects

#: The first organization; its id is also the organization part of a tuned model's name.
FIRST_ORGANIZATION = "personal"
#: Seconds between two notes that a key was used.
LAST_USED_EVERY_S = 60
#: Seconds that such a note waits for another writer; one that cannot be made holds nobody up.
NOTE_WAIT_S = 0.1


def authenticate(db: Database, secret: str, *, project_id: str | None = None) -> Principal | None:
    """Whom this secret speaks for; None when it is unknown, revoked or expired.

    An admin key speaks for the project that `project_id` names, any other key for its own alone. Raises
    AuthenticationError when the key is good and the project is not.
    """
    digest = _digest(secret)
    with db.read() as connection:
        row = connection.execute(
            select(keys, projects.c.organization_id, projects.c.archived_at)
            .join(projects, projects.c.id == keys.c.project_id)
            .where(keys.c.secret_sha256 == digest, _usable())
        ).first()
        if row is None or not hmac.compare_digest(row.secret_sha256, digest):
            return None
        archived_at = row.archived_at
        if project_id not in (None, row.project_id):
            wanted = None
            if row.is_admin:
                wanted = connection.execute(
                    select(projects).where(
                        projects.c.id == project_id, projects.c.organization_id == row.organization_id
                    )
                ).first()
            if wanted is None:
                raise AuthenticationError(
                    "OpenAI-Project header should match project for API key", code="mismatched_project"
                )
            archived_at = wanted.archived_at
    if archived_at is not None:
        raise project_rows.is_archived(project_id or row.project_id)
    now = ids.now()
    if row.last_used_at is None or abs(now - row.last_used_at) >= LAST_USED_EVERY_S:
        with suppress(StorageFull, StoreBusy), db.write(wait_s=NOTE_WAIT_S) as connection:
            connection.execute(update(keys).where(keys.c.id == row.id).values(last_used_at=now))
    return Principal(
        key_id=row.id,
        project_id=project_id or row.project_id,
        organization_id=row.organization_id,
        is_admin=row.is_admin,
    )


def create(
    where: Where,
    project_id: str,
    *,
    name: str,
    is_admin: bool = False,
    secret: str | None = None,
    service_account_id: str | None = None,
    expires_at: int | None = None,
) -> tuple[KeyRow, str]:
    """A new key and its secret, which is not kept and cannot be read again."""
    kind = "admin-" if is_admin else "svcacct-" if service_account_id else "proj-"
    secret = secret or ids.new_api_key(kind)
    row = KeyRow(
        id=ids.new_id("key"),
        project_id=project_id,
        name=name,
        hint=secret[-4:],
        is_admin=is_admin,
        created_at=ids.now(),
        expires_at=expires_at,
        service_account_id=service_account_id,
    )
    with writing(where) as connection:
        connection.execute(
            insert(keys).values(
                id=row.id,
                project_id=project_id,
                name=name,
                secret_sha256=_digest(secret),
                hint=row.hint,
                is_admin=is_admin,
                created_at=row.created_at,
                expires_at=expires_at,
                service_account_id=service_account_id,
            )
        )
    return row, secret


def get(where: Where, project_id: str, key_id: str) -> KeyRow:
    """A project's own key, expired or not. Raises NotFound for one that is absent, revoked or an admin's."""
    return _get(where, and_(keys.c.project_id == project_id, ~keys.c.is_admin), key_id)


def get_admin(where: Where, organization_id: str, key_id: str) -> KeyRow:
    """An admin key of the organization. Raises NotFound."""
    return _get(where, _admins(organization_id), key_id)


def list_page(where: Where, project_id: str, *, after: str | None = None, limit: int = 20) -> Page[KeyRow]:
    """A project's own keys that have not been revoked, oldest first."""
    return _page(where, and_(keys.c.project_id == project_id, ~keys.c.is_admin), after, limit, "asc")


def list_admin(
    where: Where, organization_id: str, *, after: str | None = None, limit: int = 20, order: str = "asc"
) -> Page[KeyRow]:
    """The organization's admin keys that have not been revoked."""
    return _page(where, _admins(organization_id), after, limit, order)


def set_expiry(where: Where, project_id: str, key_id: str, expires_at: int) -> KeyRow:
    """Sets when a project's key ends. Raises NotFound, and InvalidRequest when it has ended already."""
    with writing(where) as connection:
        row = get(connection, project_id, key_id)
        if row.expires_at is not None and row.expires_at <= ids.now():
            raise InvalidRequest(
                f"API key {key_id} has expired and cannot be changed; make another one.", param="api_key_id"
            )
        connection.execute(update(keys).where(keys.c.id == key_id).values(expires_at=expires_at))
        return get(connection, project_id, key_id)


def revoke(where: Where, key_id: str) -> None:
    """Ends a key; what it already started goes on."""
    with writing(where) as connection:
        connection.execute(
            update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=ids.now())
        )


def revoke_admin(where: Where, organization_id: str, key_id: str) -> None:
    """Ends an admin key. Raises NotFound, and InvalidRequest where no lasting admin key would be left."""
    with writing(where) as connection:
        get_admin(connection, organization_id, key_id)
        another = connection.execute(
            select(keys.c.id)
            .where(_admins(organization_id), _usable(), keys.c.expires_at.is_(None), keys.c.id != key_id)
            .limit(1)
        ).scalar()
        if another is None:
            raise InvalidRequest(
                f"{key_id} is the last admin key that does not expire; without it nobody could manage this "
                "server. Create another one first.",
                param="key_id",
                code="last_admin_key",
            )
        revoke(connection, key_id)


def revoke_all(where: Where, project_id: str, service_account_id: str) -> list[str]:
    """Ends all keys of a service account; returns their ids."""
    owned = and_(
        keys.c.project_id == project_id,
        keys.c.service_account_id == service_account_id,
        keys.c.revoked_at.is_(None),
    )
    with writing(where) as connection:
        found = list(connection.execute(select(keys.c.id).where(owned)).scalars())
        connection.execute(update(keys).where(owned).values(revoked_at=ids.now()))
    return found


def ensure_first_key(db: Database, secret: str | None) -> str | None:
    """Makes the first organization, project and admin key where they are missing.

    A given `secret` becomes a key unless it is one already, on every start. Returns the secret of a key made
    at random, which the caller prints once; None when there was nothing to make up.
    """
    with db.write() as connection:
        project_id = project_rows.first(connection, FIRST_ORGANIZATION).id
        if secret is not None:
            known = connection.execute(
                select(keys.c.id).where(keys.c.secret_sha256 == _digest(secret))
            ).scalar()
            if known is None:
                create(connection, project_id, name="TUNESMITH_API_KEY", is_admin=True, secret=secret)
            return None
        if connection.execute(select(keys.c.id).limit(1)).scalar() is not None:
            return None
        return create(connection, project_id, name="first key", is_admin=True, secret=ids.new_api_key())[1]


def _usable() -> ColumnElement[bool]:
    return and_(keys.c.revoked_at.is_(None), or_(keys.c.expires_at.is_(None), keys.c.expires_at > ids.now()))


def _admins(organization_id: str) -> ColumnElement[bool]:
    theirs = select(projects.c.id).where(projects.c.organization_id == organization_id)
    return and_(keys.c.is_admin, keys.c.project_id.in_(theirs))


def _get(where: Where, within: ColumnElement[bool], key_id: str) -> KeyRow:
    with reading(where) as connection:
        row = connection.execute(
            select(keys).where(within, keys.c.id == key_id, keys.c.revoked_at.is_(None))
        ).first()
    if row is None:
        raise NotFound(f"No such API key: {key_id}", param="key_id")
    return from_row(KeyRow, row)


def _page(
    where: Where, within: ColumnElement[bool], after: str | None, limit: int, order: str
) -> Page[KeyRow]:
    with reading(where) as connection:
        return page(
            connection,
            KeyRow,
            keys,
            within,
            shown=keys.c.revoked_at.is_(None),
            after=after,
            limit=limit,
            order=order,
        )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
