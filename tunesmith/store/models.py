"""Rows of tuned models and of checkpoints that can be served, and which of them a project may use.

A project may use its own and those that it has a permission for (`store/permissions.py`). Deleting hides the
row at once; the objects go when no live job builds on them (`jobs/sweep.py`).
"""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from tunesmith import ids
from tunesmith.errors import ModelNotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.rows import ModelRow, from_row, values_of
from tunesmith.store.tables import checkpoint_permissions, checkpoints, models, projects

_CHECKPOINT_OF = re.compile(r"(ft:.+):ckpt-step-([0-9]{1,12})")


def insert(where: Where, row: ModelRow) -> None:
    """Adds a model whose objects are stored."""
    with writing(where) as connection:
        connection.execute(sql_insert(models).values(values_of(row)))


def get_by_name(where: Where, project_id: str, name: str) -> ModelRow | None:
    """The tuned model or checkpoint of this name that the project may use.

    A checkpoint has a name of its own, and is also known as its tuned model's name and `:ckpt-step-N`.
    """
    with reading(where) as connection:
        return _named(connection, _usable(project_id), name)


def by_name(where: Where, name: str) -> ModelRow | None:
    """The tuned model or checkpoint of this name, whatever project it is of."""
    with reading(where) as connection:
        return _named(connection, select(models).where(models.c.deleted_at.is_(None)), name)


def of_organization(where: Where, organization_id: str, name: str) -> ModelRow | None:
    """The model of any project of the organization, by its name or by its checkpoint's id."""
    query = (
        select(models)
        .join(projects, projects.c.id == models.c.project_id)
        .where(projects.c.organization_id == organization_id, models.c.deleted_at.is_(None))
    )
    if name.startswith("ftckpt_"):
        query = query.join(checkpoints, checkpoints.c.model_id == models.c.id).where(checkpoints.c.id == name)
    else:
        query = query.where(models.c.name == name)
    with reading(where) as connection:
        row = connection.execute(query).first()
    return None if row is None else from_row(ModelRow, row)


def find(where: Where, model_id: str) -> ModelRow | None:
    """The model with this id, of whatever project, deleted or not: for jobs that build on it."""
    with reading(where) as connection:
        row = connection.execute(select(models).where(models.c.id == model_id)).first()
    return None if row is None else from_row(ModelRow, row)


def list_all(where: Where, project_id: str) -> list[ModelRow]:
    """The project's tuned models and all that it has a permission for, newest first.

    Its own checkpoints are listed by their job.
    """
    own = and_(models.c.project_id == project_id, models.c.kind == "tuned")
    query = (
        select(models)
        .where(or_(own, _granted(project_id)), models.c.deleted_at.is_(None))
        .order_by(models.c.seq.desc())
    )
    with reading(where) as connection:
        return [from_row(ModelRow, row) for row in connection.execute(query)]


def names(where: Where, project_id: str) -> list[str]:
    """All names that this project can ask for, newest first."""
    query = _usable(project_id).with_only_columns(models.c.name).order_by(models.c.seq.desc())
    with reading(where) as connection:
        return list(connection.execute(query).scalars())


def delete(where: Where, project_id: str, name: str) -> ModelRow:
    """Hides a model of the project's own, which stops being served. Raises ModelNotFound, also the second
    time."""
    own = and_(models.c.name == name, models.c.project_id == project_id, models.c.deleted_at.is_(None))
    with writing(where) as connection:
        row = connection.execute(select(models).where(own)).first()
        if row is None:
            raise ModelNotFound(
                f"The model `{name}` does not exist or you do not have access to it.", param="model"
            )
        hide(connection, row.id)
        return from_row(ModelRow, row)


def hide(where: Where, model_id: str) -> None:
    """Hides a model by id: a checkpoint that newer ones have pushed out."""
    with writing(where) as connection:
        connection.execute(update(models).where(models.c.id == model_id).values(deleted_at=ids.now()))


def hidden(where: Where) -> list[ModelRow]:
    """Deleted models whose rows still stand."""
    with reading(where) as connection:
        query = select(models).where(models.c.deleted_at.is_not(None))
        return [from_row(ModelRow, row) for row in connection.execute(query)]


def known_ids(where: Where) -> set[str]:
    """Ids of all rows, hidden ones too."""
    with reading(where) as connection:
        return set(connection.execute(select(models.c.id)).scalars())


def forget(where: Where, model_id: str) -> None:
    """Removes the rows of a hidden model, after its objects."""
    with writing(where) as connection:
        connection.execute(
            sql_delete(checkpoint_permissions).where(checkpoint_permissions.c.model_id == model_id)
        )
        connection.execute(sql_delete(checkpoints).where(checkpoints.c.model_id == model_id))
        connection.execute(sql_delete(models).where(models.c.id == model_id))


def _named(connection: Connection, usable: Select[tuple], name: str) -> ModelRow | None:
    """The one of these models that has this name."""
    row = connection.execute(usable.where(models.c.name == name)).first()
    if row is None and (of := _CHECKPOINT_OF.fullmatch(name)):
        job = (
            select(models.c.job_id)
            .where(models.c.name == of[1], models.c.kind == "tuned", models.c.deleted_at.is_(None))
            .scalar_subquery()
        )
        row = connection.execute(
            usable.join(checkpoints, checkpoints.c.model_id == models.c.id).where(
                checkpoints.c.job_id == job, checkpoints.c.step == int(of[2])
            )
        ).first()
    return None if row is None else from_row(ModelRow, row)


def _usable(project_id: str) -> Select[tuple]:
    """What a project may ask for: its own models, and those of others that it has a permission for."""
    return select(models).where(
        or_(models.c.project_id == project_id, _granted(project_id)), models.c.deleted_at.is_(None)
    )


def _granted(project_id: str) -> ColumnElement[bool]:
    granted = checkpoint_permissions
    return models.c.id.in_(select(granted.c.model_id).where(granted.c.project_id == project_id))
