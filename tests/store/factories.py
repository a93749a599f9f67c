"""Rows for tests: a database with a project, and jobs, files and events as small as they can be."""

from __future__ import annotations

import hashlib
from typing import Any

from tunesmith import ids
from tunesmith.store import files, jobs, keys
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import FileRow, JobRow, ModelRow, Principal


def principal_of(db: Database) -> Principal:
    """The first project's admin."""
    secret = keys.ensure_first_key(db, None)
    assert secret is not None
    principal = keys.authenticate(db, secret)
    assert principal is not None
    return principal


def other_principal(db: Database) -> Principal:
    """Somebody in another project of the same organization."""
    from sqlalchemy import insert

    from tunesmith.store.tables import projects

    project_id = ids.new_id("project")
    with db.write() as connection:
        connection.execute(
            insert(projects).values(
                id=project_id, organization_id=keys.FIRST_ORGANIZATION, name=project_id, created_at=ids.now()
            )
        )
        _, secret = keys.create(connection, project_id, name="other")
    principal = keys.authenticate(db, secret)
    assert principal is not None
    return principal


def a_file(
    db: Database, who: Principal, blobs: Blobs | None = None, data: bytes = b"{}", **values: Any
) -> FileRow:
    """A stored file."""
    row = FileRow(
        **{
            "id": ids.new_id("file"),
            "project_id": who.project_id,
            "filename": "train.jsonl",
            "purpose": "fine-tune",
            "size_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "created_at": ids.now(),
            **values,
        }
    )
    if blobs is not None:
        blobs.put(row.object_key, data)
    files.insert(db, row)
    return row


def job_row(who: Principal, **values: Any) -> JobRow:
    """A job that waits in the queue, not stored."""
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "auto"}}}
    return JobRow(
        **{
            "id": ids.new_id("job"),
            "project_id": who.project_id,
            "organization_id": who.organization_id,
            "status": "queued",
            "model": "gpt-4o-mini-2024-07-18",
            "base_id": "nano",
            "base_path": "/bases/nano",
            "base_digest": "0" * 64,
            "training_file": "file-absent",
            "seed": 7,
            "requested": method,
            "method": method,
            "created_at": ids.now(),
            **values,
        }
    )


def a_job(db: Database, who: Principal, **values: Any) -> JobRow:
    """A stored job."""
    row = job_row(who, **values)
    jobs.insert(db, row)
    return row


def model_row(who: Principal, job_id: str, **values: Any) -> ModelRow:
    """A tuned model, not stored."""
    model_id = ids.new_id("model")
    return ModelRow(
        **{
            "id": model_id,
            "project_id": who.project_id,
            "name": f"ft:gpt-4o-mini-2024-07-18:personal::{ids.random_name(8)}",
            "base_id": "nano",
            "base_digest": "0" * 64,
            "base_name": "gpt-4o-mini-2024-07-18",
            "job_id": job_id,
            "step": 10,
            "kind": "tuned",
            "prefix": f"models/{model_id}",
            "created_at": ids.now(),
            **values,
        }
    )
