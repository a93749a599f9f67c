"""What is known of training files, for their list; and ways to a job's messages and to a file's jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file_facts",
        sa.Column("file_id", sa.String(64), nullable=False),
        sa.Column("look", sa.String(64), nullable=False),
        sa.Column("row_format", sa.String(16)),
        sa.Column("n_rows", sa.BigInteger(), nullable=False),
        sa.Column("n_problems", sa.BigInteger(), nullable=False),
        sa.Column("n_warnings", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(64)),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("trained_tokens", sa.BigInteger(), nullable=False),
        sa.Column("n_cut", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "look", name="pk_file_facts"),
    )
    op.create_index("ix_events_job_id_type_seq", "events", ["job_id", "type", "seq"])
    op.create_index("ix_jobs_training_file", "jobs", ["training_file"])
    op.create_index("ix_jobs_validation_file", "jobs", ["validation_file"])
