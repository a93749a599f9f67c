"""Chat completions that were asked to be stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_completions",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_stored_completions_project_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_stored_completions")),
        sa.UniqueConstraint("id", name=op.f("uq_stored_completions_id")),
    )
    op.create_index(op.f("ix_stored_completions_project_id_seq"), "stored_completions", ["project_id", "seq"])
    op.create_index(op.f("ix_stored_completions_created_at"), "stored_completions", ["created_at"])
    op.create_table(
        "stored_completion_metadata",
        sa.Column("completion_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(
            ["completion_id"],
            ["stored_completions.id"],
            name=op.f("fk_stored_completion_metadata_completion_id"),
        ),
        sa.PrimaryKeyConstraint("completion_id", "key", name=op.f("pk_stored_completion_metadata")),
    )
    op.create_index(
        op.f("ix_stored_completion_metadata_key_value"), "stored_completion_metadata", ["key", "value"]
    )
