"""Which job a client's Idempotency-Key made, for a day: a request that is sent again makes nothing twice.

Keys belong to a project and are kept as hashes; each new one sweeps out those that are too old, so the table
holds a day's keys at most.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from tunesmith import ids
from tunesmith.store.database import Where, reading
from tunesmith.store.tables import idempotency_keys

#: How long a key is remembered; after that it is free again.
REMEMBER_S = 24 * 3600


@dataclass(frozen=True)
class Remembered:
    """What was asked under a key, and what it made."""

    request_sha256: str
    job_id: str


def find(where: Where, project_id: str, key: str) -> Remembered | None:
    """What this key of this project made within the last day."""
    query = select(idempotency_keys.c.request_sha256, idempotency_keys.c.job_id).where(
        idempotency_keys.c.project_id == project_id,
        idempotency_keys.c.key_sha256 == _digest(key),
        idempotency_keys.c.created_at > ids.now() - REMEMBER_S,
    )
    with reading(where) as connection:
        row = connection.execute(query).first()
    return None if row is None else Remembered(row.request_sha256, row.job_id)


def remember(connection: Connection, project_id: str, key: str, request_sha256: str, job_id: str) -> None:
    """Keeps a key that `find` does not know, in the transaction that makes its job."""
    now = ids.now()
    connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at <= now - REMEMBER_S))
    connection.execute(
        insert(idempotency_keys).values(
            project_id=project_id,
            key_sha256=_digest(key),
            request_sha256=request_sha256,
            job_id=job_id,
            created_at=now,
        )
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
