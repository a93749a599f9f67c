"""Projects of an organization, and the limits that they have of their own.

A project is never deleted: what happened in it stays countable. Archiving ends its keys; ending its jobs is
the caller's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, insert, select, update

from tunesmith import ids
from tunesmith.errors import AuthenticationError, InvalidRequest, NotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.pages import page
from tunesmith.store.rows import Page, ProjectRow, RateLimitRow, from_row, values_of
from tunesmith.store.tables import organizations, projects, rate_limits

FIRST = "default"
"""The name of the project that a server begins with: admin keys act in it unless they say otherwise, so it is
never archived."""


def create(
    where: Where, organization_id: str, name: str, *, external_key_id: str | None = None
) -> ProjectRow:
    """A new project. Raises InvalidRequest when the organization has one of this name."""
    row = ProjectRow(
        id=ids.new_id("project"),
        organization_id=organization_id,
        name=name,
        created_at=ids.now(),
        external_key_id=external_key_id,
    )
    with writing(where) as connection:
        # one at a time: the name and the place in the order are to be its own
        connection.execute(select(organizations).with_for_update())
        _refuse_known_name(connection, organization_id, name)
        connection.execute(insert(projects).values(values_of(row)))
    return row


def first(connection: Connection, organization_id: str) -> ProjectRow:
    """The organization's first project; makes both where they are missing."""
    if connection.execute(select(organizations).where(organizations.c.id == organization_id)).first() is None:
        connection.execute(insert(organizations).values(id=organization_id, created_at=ids.now()))
    found = connection.execute(
        select(projects).where(projects.c.organization_id == organization_id, projects.c.name == FIRST)
    ).first()
    return create(connection, organization_id, FIRST) if found is None else from_row(ProjectRow, found)


def get(where: Where, organization_id: str, project_id: str) -> ProjectRow:
    """The project, archived or not. Raises NotFound."""
    with reading(where) as connection:
        row = connection.execute(
            select(projects).where(projects.c.id == project_id, projects.c.organization_id == organization_id)
        ).first()
    if row is None:
        raise NotFound(f"No such project: {project_id}", param="project_id", code="project_not_found")
    return from_row(ProjectRow, row)


def list_page(
    where: Where,
    organization_id: str,
    *,
    after: str | None = None,
    limit: int = 20,
    include_archived: bool = False,
) -> Page[ProjectRow]:
    """Projects in the order of their making. Raises InvalidRequest for an unknown cursor."""
    with reading(where) as connection:
        return page(
            connection,
            ProjectRow,
            projects,
            projects.c.organization_id == organization_id,
            shown=None if include_archived else projects.c.archived_at.is_(None),
            after=after,
            limit=limit,
            order="asc",
        )


def change(where: Where, organization_id: str, project_id: str, **changes: Any) -> ProjectRow:
    """Changes columns of a project that is not archived. Raises NotFound and InvalidRequest."""
    with writing(where) as connection:
        row = get(connection, organization_id, project_id)
        if row.archived_at is not None:
            raise InvalidRequest(
                f"Project {project_id} is archived and cannot be changed any more.",
                param="project_id",
                code="project_archived",
            )
        name = changes.get("name", row.name)
        if name != row.name:
            if row.name == FIRST:
                raise InvalidRequest(
                    f"The first project is always called '{FIRST}'; make another project for other names.",
                    param="name",
                )
            _refuse_known_name(connection, organization_id, name)
        if changes:
            connection.execute(update(projects).where(projects.c.id == project_id).values(changes))
        return get(connection, organization_id, project_id)


def archive(where: Where, organization_id: str, project_id: str) -> ProjectRow:
    """Ends a project for good. Raises NotFound, and InvalidRequest for the first project."""
    with writing(where) as connection:
        row = get(connection, organization_id, project_id)
        if row.archived_at is not None:
            return row
        if row.name == FIRST:
            raise InvalidRequest(
                f"The project '{FIRST}' cannot be archived: admin keys act in it.", param="project_id"
            )
        return change(connection, organization_id, project_id, archived_at=ids.now())


def require_active(where: Where, project_id: str) -> None:
    """Raises the refusal of an archived project."""
    with reading(where) as connection:
        query = select(projects.c.id).where(projects.c.id == project_id, projects.c.archived_at.is_not(None))
        if connection.execute(query).first() is not None:
            raise is_archived(project_id)


def is_archived(project_id: str) -> AuthenticationError:
    """What everybody hears who wants something in an archived project."""
    return AuthenticationError(
        f"Project {project_id} is archived: its keys do not work any more, and nothing can be done in it. "
        "Use a key of another project.",
        code="project_archived",
    )


def all_rate_limits(where: Where) -> list[RateLimitRow]:
    """The own limits of all projects."""
    with reading(where) as connection:
        return [from_row(RateLimitRow, row) for row in connection.execute(select(rate_limits))]


def all_quotas(where: Where) -> dict[str, int]:
    """The own monthly quotas of all projects that have one, in tokens."""
    with reading(where) as connection:
        query = select(projects.c.id, projects.c.monthly_tokens).where(projects.c.monthly_tokens.is_not(None))
        return {project_id: int(tokens) for project_id, tokens in connection.execute(query)}


def set_rate_limit(
    where: Where, organization_id: str, project_id: str, model: str, **changes: int
) -> RateLimitRow:
    """Sets limits of a project for a model; those that are not named stay. Raises NotFound and
    InvalidRequest."""
    with writing(where) as connection:
        change(connection, organization_id, project_id)  # absent or archived: refused alike
        same = and_(rate_limits.c.project_id == project_id, rate_limits.c.model == model)
        known = connection.execute(select(rate_limits).where(same)).first()
        if known is None:
            row = RateLimitRow(project_id=project_id, model=model, **changes)
            connection.execute(insert(rate_limits).values(values_of(row)))
            return row
        if changes:
            connection.execute(update(rate_limits).where(same).values(changes))
        return from_row(RateLimitRow, connection.execute(select(rate_limits).where(same)).one())


def _refuse_known_name(connection: Connection, organization_id: str, name: str) -> None:
    known = connection.execute(
        select(projects).where(projects.c.organization_id == organization_id, projects.c.name == name)
    ).first()
    if known is not None:
        archived = "an archived project" if known.archived_at is not None else "a project"
        raise InvalidRequest(
            f"There is {archived} called '{name}' already ({known.id}); choose another name.",
            param="name",
            code="invalid_value",
        )
