"""Rows of checkpoint permissions: which other projects of an organization may use a tuned model.

What a permission opens is decided by `store/models.py`; who may give one, by
`api/fine_tuning/permissions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from tunesmith import ids
from tunesmith.errors import NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import Page, PermissionRow, from_row, values_of
from tunesmith.store.tables import checkpoint_permissions, projects


def grant(
    where: Where, organization_id: str, model_id: str, project_ids: Sequence[str]
) -> list[PermissionRow]:
    """Lets these projects use the model; who may already keeps the permission it has.

    Raises NotFound for a project that the organization does not have, or has archived: then nobody got
    anything.
    """
    granted = []
    with writing(where) as connection:
        known = set(
            connection.execute(
                select(projects.c.id).where(
                    projects.c.organization_id == organization_id,
                    projects.c.id.in_(set(project_ids)),
                    projects.c.archived_at.is_(None),
                )
            ).scalars()
        )
        for index, project_id in enumerate(project_ids):
            if project_id not in known:
                raise NotFound(
                    f"No such project: {project_id[:100]}; the ids of this organization's projects are in "
                    "GET /v1/organization/projects.",
                    param=f"project_ids[{index}]",
                    code="project_not_found",
                )
        for project_id in dict.fromkeys(project_ids):
            earlier = connection.execute(
                select(checkpoint_permissions).where(
                    checkpoint_permissions.c.model_id == model_id,
                    checkpoint_permissions.c.project_id == project_id,
                )
            ).first()
            if earlier is not None:
                granted.append(from_row(PermissionRow, earlier))
                continue
            row = PermissionRow(
                id=ids.new_id("permission"), model_id=model_id, project_id=project_id, created_at=ids.now()
            )
            connection.execute(insert(checkpoint_permissions).values(values_of(row)))
            granted.append(row)
    return granted


def list_page(
    where: Where,
    model_id: str,
    *,
    project_id: str | None = None,
    after: str | None = None,
    limit: int = 10,
    order: str = "desc",
) -> Page[PermissionRow]:
    """Permissions of a model, newest first; `project_id` keeps that project's."""
    of_project = checkpoint_permissions.c.project_id == project_id if project_id is not None else None
    with reading(where) as connection:
        return page(
            connection,
            PermissionRow,
            checkpoint_permissions,
            checkpoint_permissions.c.model_id == model_id,
            shown=of_project,
            after=after,
            limit=limit,
            order=order,
        )


def revoke(where: Where, model_id: str, permission_id: str) -> None:
    """Takes a permission away, from the next request on. Raises NotFound, also the second time."""
    with writing(where) as connection:
        gone = connection.execute(
            delete(checkpoint_permissions).where(
                checkpoint_permissions.c.model_id == model_id, checkpoint_permissions.c.id == permission_id
            )
        ).rowcount
    if not gone:
        raise NotFound(
            f"No such permission: {permission_id[:100]}", param="permission_id", code="permission_not_found"
        )
