"""Batches and the durable pieces of their outcomes."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from tunesmith.store.tables.columns import id_, metadata, project, seq

batches = Table(
    "batches",
    metadata,
    seq(),
    id_(),
    project(),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("input_file_id", String(64), nullable=False),
    Column("completion_window", String(16), nullable=False),
    Column("output_lifetime_s", BigInteger),
    Column("metadata", JSON(none_as_null=True)),
    Column("model", Text),
    Column("errors", JSON(none_as_null=True)),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("in_progress_at", BigInteger),
    Column("finalizing_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("failed_at", BigInteger),
    Column("expired_at", BigInteger),
    Column("cancelling_at", BigInteger),
    Column("cancelled_at", BigInteger),
    Column("output_file_id", String(64)),
    Column("error_file_id", String(64)),
    # what the segments hold together
    Column("n_total", BigInteger, nullable=False),
    Column("n_completed", BigInteger, nullable=False),
    Column("n_failed", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Index(None, "project_id", "seq"),
    Index(None, "status", "seq"),
)

#: Outcomes of a batch that were written together: which lines of the input, and how many went to which file.
batch_segments = Table(
    "batch_segments",
    metadata,
    Column("batch_id", ForeignKey("batches.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("lines", JSON, nullable=False),
    Column("n_completed", Integer, nullable=False),
    Column("n_failed", Integer, nullable=False),
)
