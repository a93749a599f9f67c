"""API keys: made here, kept as hashes, recognised again.

A secret has 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import Connection, insert, select, update

from tunesmith import ids
from tunesmith.store.database import Database, Where, reading, writing
from tunesmith.store.rows import KeyRow, Principal, from_row
from tunesmith.store.tables import keys, organizations, projects

#: The first organization; its id is also the organization part of a tuned model's name.
FIRST_ORGANIZATION = "personal"
FIRST_PROJECT = "default"
#: Seconds between two notes that a key was used.
LAST_USED_EVERY_S = 60


def authenticate(db: Database, secret: str) -> Principal | None:
    """Whom this secret speaks for; None when it is unknown or revoked."""
    digest = _digest(secret)
    with db.read() as connection:
        row = connection.execute(
            select(keys, projects.c.organization_id)
            .join(projects, projects.c.id == keys.c.project_id)
            .where(keys.c.secret_sha256 == digest, keys.c.revoked_at.is_(None))
        ).first()
    if row is None or not hmac.compare_digest(row.secret_sha256, digest):
        return None
    now = ids.now()
    if row.last_used_at is None or abs(now - row.last_used_at) >= LAST_USED_EVERY_S:
        with db.write() as connection:
            connection.execute(update(keys).where(keys.c.id == row.id).values(last_used_at=now))
    return Principal(
        key_id=row.id,
        project_id=row.project_id,
        organization_id=row.organization_id,
        is_admin=row.is_admin,
    )


def create(
    where: Where, project_id: str, *, name: str, is_admin: bool = False, secret: str | None = None
) -> tuple[KeyRow, str]:
    """A new key and its secret, which is not kept and cannot be read again."""
    secret = secret or ids.new_api_key()
    row = KeyRow(
        id=ids.new_id("key"),
        project_id=project_id,
        name=name,
        hint=secret[-4:],
        is_admin=is_admin,
        created_at=ids.now(),
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
            )
        )
    return row, secret


def list_all(where: Where, project_id: str) -> list[KeyRow]:
    """Keys of a project, newest first, revoked ones too."""
    with reading(where) as connection:
        query = select(keys).where(keys.c.project_id == project_id).order_by(keys.c.seq.desc())
        return [from_row(KeyRow, row) for row in connection.execute(query)]


def revoke(where: Where, key_id: str) -> None:
    """Ends a key; what it already started goes on."""
    with writing(where) as connection:
        connection.execute(
            update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=ids.now())
        )


def ensure_first_key(db: Database, secret: str | None) -> str | None:
    """Makes the first organization, project and admin key where they are missing.

    A given `secret` becomes a key unless it is one already, on every start. Returns the secret of a key made
    at random, which the caller prints once; None when there was nothing to make up.
    """
    with db.write() as connection:
        project_id = _first_project(connection)
        if secret is not None:
            known = connection.execute(
                select(keys.c.id).where(keys.c.secret_sha256 == _digest(secret))
            ).scalar()
            if known is None:
                create(connection, project_id, name="TUNESMITH_API_KEY", is_admin=True, secret=secret)
            return None
        if connection.execute(select(keys.c.id).limit(1)).scalar() is not None:
            return None
        return create(connection, project_id, name="first key", is_admin=True)[1]


def _first_project(connection: Connection) -> str:
    now = ids.now()
    found = connection.execute(
        select(projects.c.id).where(
            projects.c.organization_id == FIRST_ORGANIZATION, projects.c.name == FIRST_PROJECT
        )
    ).scalar()
    if found is not None:
        return str(found)
    project_id = ids.new_id("project")
    connection.execute(insert(organizations).values(id=FIRST_ORGANIZATION, created_at=now))
    connection.execute(
        insert(projects).values(
            id=project_id, organization_id=FIRST_ORGANIZATION, name=FIRST_PROJECT, created_at=now
        )
    )
    return project_id


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
