"""Stored chat completions."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String, Table, Text

from tunesmith.store.tables.columns import id_, metadata, project, seq

#: Chat completions with `store: true`, whole.
stored_completions = Table(
    "stored_completions",
    metadata,
    seq(),
    id_(),
    project(),
    Column("model", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("request", JSON, nullable=False),
    Column("messages", JSON, nullable=False),
    Column("metadata", JSON(none_as_null=True)),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "project_id", "seq"),
    Index(None, "created_at"),
)

#: As `job_metadata`: one row per pair.
stored_completion_metadata = Table(
    "stored_completion_metadata",
    metadata,
    Column("completion_id", ForeignKey("stored_completions.id"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", String(512), nullable=False),
    Index(None, "key", "value"),
)
