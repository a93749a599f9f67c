"""A paused job remembers whether its worker is still on its way out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("leaving", sa.Boolean(), nullable=False, server_default=sa.false()))
