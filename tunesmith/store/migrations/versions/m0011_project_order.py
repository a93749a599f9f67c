"""The order in which projects came to be, also within one second."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("seq", sa.Integer(), nullable=False, server_default="0"))
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT id FROM projects ORDER BY created_at, id")).scalars().all()
    number = sa.text("UPDATE projects SET seq = :seq WHERE id = :id")
    for seq, project_id in enumerate(found, 1):
        connection.execute(number, {"seq": seq, "id": project_id})
    op.create_index("ix_projects_seq", "projects", ["seq"], unique=True)
