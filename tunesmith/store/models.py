"""Rows of tuned models and of checkpoints that can be served.

Deleting hides the row at once; the objects go when no live job builds on them (`jobs/sweep.py`).
"""

from __future__ import annotations

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import select, update

from tunesmith import ids
from tunesmith.errors import ModelNotFound
from tunesmith.store.database import Where, reading, writing
from tunesmith.store.rows import ModelRow, from_row, values_of
from tunesmith.store.tables import checkpoints, models


def insert(where: Where, row: ModelRow) -> None:
    """Adds a model whose objects are stored."""
    with writing(where) as connection:
        connection.execute(sql_insert(models).values(values_of(row)))


def get_by_name(where: Where, project_id: str, name: str) -> ModelRow | None:
    """The tuned model or checkpoint of this project with this name."""
    with reading(where) as connection:
        row = connection.execute(
            select(models).where(
                models.c.name == name, models.c.project_id == project_id, models.c.deleted_at.is_(None)
            )
        ).first()
    return None if row is None else from_row(ModelRow, row)


def find(where: Where, model_id: str) -> ModelRow | None:
    """The model with this id, of whatever project, deleted or not: for jobs that build on it."""
    with reading(where) as connection:
        row = connection.execute(select(models).where(models.c.id == model_id)).first()
    return None if row is None else from_row(ModelRow, row)


def list_all(where: Where, project_id: str) -> list[ModelRow]:
    """Tuned models of this project, newest first; checkpoints are listed by their job."""
    with reading(where) as connection:
        query = (
            select(models)
            .where(models.c.project_id == project_id, models.c.kind == "tuned", models.c.deleted_at.is_(None))
            .order_by(models.c.seq.desc())
        )
        return [from_row(ModelRow, row) for row in connection.execute(query)]


def names(where: Where, project_id: str) -> list[str]:
    """All names of this project that can be asked for, newest first."""
    with reading(where) as connection:
        query = (
            select(models.c.name)
            .where(models.c.project_id == project_id, models.c.deleted_at.is_(None))
            .order_by(models.c.seq.desc())
        )
        return list(connection.execute(query).scalars())


def delete(where: Where, project_id: str, name: str) -> ModelRow:
    """Hides the model, which stops being served. Raises ModelNotFound, also the second time."""
    with writing(where) as connection:
        row = get_by_name(connection, project_id, name)
        if row is None:
            raise ModelNotFound(
                f"The model `{name}` does not exist or you do not have access to it.", param="model"
            )
        connection.execute(update(models).where(models.c.id == row.id).values(deleted_at=ids.now()))
        return row


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
        connection.execute(sql_delete(checkpoints).where(checkpoints.c.model_id == model_id))
        connection.execute(sql_delete(models).where(models.c.id == model_id))
