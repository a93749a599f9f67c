"""What training has made: models, checkpoints, and who else may use them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from tunesmith.store.tables.columns import id_, metadata, project, seq

models = Table(
    "models",
    metadata,
    seq(),
    id_(),
    project(),
    Column("name", Text, nullable=False, unique=True),
    Column("base_id", Text, nullable=False),
    Column("base_digest", String(80), nullable=False),
    Column("base_name", Text, nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("row_format", String(16)),
    Column("prefix", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "project_id", "seq"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    seq(),
    id_(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("model_id", ForeignKey("models.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("job_id", "step"),
    Index(None, "job_id", "seq"),
)

#: Other projects of the organization that may use a model.
checkpoint_permissions = Table(
    "checkpoint_permissions",
    metadata,
    seq(),
    id_(),
    Column("model_id", ForeignKey("models.id"), nullable=False),
    project(),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("model_id", "project_id"),
    Index(None, "project_id"),
)
