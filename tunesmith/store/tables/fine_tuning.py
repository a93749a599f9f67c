"""Fine-tuning jobs: with their metadata, their events, and the requests that made them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from tunesmith.store.tables.columns import id_, metadata, project, seq

jobs = Table(
    "jobs",
    metadata,
    seq(),
    id_(),
    project(),
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
    # how long it has held a device, counted with each of its worker's writes
    Column("device_s", Float, nullable=False, server_default="0"),
    Column("device_until", Float),
    Index(None, "project_id", "seq"),
    Index(None, "finished_at"),
    Index(None, "status", "seq"),
    Index(None, "training_file"),
    Index(None, "validation_file"),
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
    seq(),
    id_(),
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
    Index(None, "job_id", "type", "seq"),
)

#: Which job a client's Idempotency-Key made; rows go after a day.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("key_sha256", String(64), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "created_at"),
)
