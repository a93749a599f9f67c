"""Projects' states, service accounts, limits and usage; how long a job has held its device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("archived_at", sa.BigInteger()))
    op.add_column("projects", sa.Column("external_key_id", sa.String(256)))
    op.add_column("projects", sa.Column("monthly_tokens", sa.BigInteger()))
    op.create_table(
        "service_accounts",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name="pk_service_accounts"),
        sa.UniqueConstraint("id", name="uq_service_accounts_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_service_accounts_project_id"),
    )
    op.create_index("ix_service_accounts_project_id_seq", "service_accounts", ["project_id", "seq"])
    op.add_column("keys", sa.Column("expires_at", sa.BigInteger()))
    op.add_column("keys", sa.Column("service_account_id", sa.String(64)))
    op.create_index("ix_keys_project_id_seq", "keys", ["project_id", "seq"])
    op.create_table(
        "rate_limits",
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger()),
        sa.Column("tokens_per_minute", sa.BigInteger()),
        sa.PrimaryKeyConstraint("project_id", "model", name="pk_rate_limits"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_rate_limits_project_id"),
    )
    op.create_table(
        "usage",
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("batch", sa.Boolean(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "project_id", "key_id", "model", "operation", "batch", name="pk_usage"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_usage_project_id"),
    )
    op.add_column("jobs", sa.Column("device_s", sa.Float(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("device_until", sa.Float()))
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"])
