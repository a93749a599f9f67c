"""What all tables share: one `metadata` with its naming of constraints, and the columns most of them have."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def seq() -> Column[int]:
    """The order in which rows came to be."""
    return Column("seq", Integer, primary_key=True, autoincrement=True)


def id_() -> Column[str]:
    """The wire's id."""
    return Column("id", String(64), nullable=False, unique=True)


def project() -> Column[str]:
    """Whose row it is."""
    return Column("project_id", ForeignKey("projects.id"), nullable=False)
