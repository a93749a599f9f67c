"""The tables, once. Migrations bring a database here; a test compares the two.

Every table has `seq`, the order in which rows came to be: lists and cursors use it, because clocks
have equal seconds and sometimes run backwards. Times are Unix seconds. Ids are the wire's own.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _seq() -> Column[int]:
    return Column("seq", Integer, primary_key=True, autoincrement=True)


def _id() -> Column[str]:
    return Column("id", String(64), nullable=False, unique=True)


def _project() -> Column[str]:
    return Column("project_id", ForeignKey("projects.id"), nullable=False)


organizations = Table(
    "organizations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False),
    Column("name", String(256), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("organization_id", "name"),
)

keys = Table(
    "keys",
    metadata,
    _seq(),
    _id(),
    _project(),
    Column("name", String(256), nullable=False),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

files = Table(
    "files",
    metadata,
    _seq(),
    _id(),
    _project(),
    Column("filename", Text, nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("deleted_at", BigInteger),
    Index(None, "project_id", "purpose", "seq"),
)

jobs = Table(
    "jobs",
    metadata,
    _seq(),
    _id(),
    _project(),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False),
    Column("status", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("base_id", Text, nullable=False),
    Column("base_path", Text, nullable=False),
    Column("base_digest", String(80), nullable=False),
    Column("parent_model_id", String(64)),
    Column("training_file", String(64), nullable=False),
    Column("validation_file", String(64)),
    Column("suffix", String(64)),
    Column("seed", BigInteger, nullable=False),
    Column("requested", JSON, nullable=False),
    Column("method", JSON, nullable=False),
    Column("metadata", JSON(none_as_null=True)),
    Column("integrations", JSON(none_as_null=True)),
    Column("n_examples", BigInteger),
    Column("row_format", String(16)),
    Column("n_valid_examples", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("estimated_finish", BigInteger),
    Column("trained_tokens", BigInteger),
    Column("fine_tuned_model", Text),
    Column("result_files", JSON, nullable=False),
    Column("error", JSON(none_as_null=True)),
    Column("step", BigInteger, nullable=False),
    Column("total_steps", BigInteger),
    # who trains it now
    Column("attempt", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("heartbeat", BigInteger, nullable=False),
    Column("worker_token", String(64)),
    Column("worker", JSON(none_as_null=True)),
    Column("device", String(32)),
    Column("snapshot", JSON(none_as_null=True)),
    Column("leaving", Boolean, nullable=False, server_default=false()),
    Index(None, "project_id", "seq"),
    Index(None, "status", "seq"),
)

#: One row per pair, so that a list can filter by metadata without a database's own JSON syntax.
job_metadata = Table(
    "job_metadata",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", String(512), nullable=False),
    Index(None, "key", "value"),
)

events = Table(
    "events",
    metadata,
    _seq(),
    _id(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("level", String(8), nullable=False),
    Column("type", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("job_id", "kind", "step"),
    Index(None, "job_id", "seq"),
)

models = Table(
    "models",
    metadata,
    _seq(),
    _id(),
    _project(),
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
    _seq(),
    _id(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("model_id", ForeignKey("models.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("job_id", "step"),
    Index(None, "job_id", "seq"),
)
