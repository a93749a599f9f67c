"""Webhook endpoints and the outbox of what is on its way to them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from tunesmith.store.tables.columns import id_, metadata, project, seq

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    seq(),
    id_(),
    project(),
    Column("name", String(256), nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", JSON, nullable=False),
    Column("secret", String(128), nullable=False),
    Column("old_secret", String(128)),
    Column("old_secret_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_success_at", BigInteger),
    Column("last_failure", Text),
    Column("disabled_reason", Text),
    Column("deleted_at", BigInteger),
    Index(None, "project_id", "seq"),
)

#: The outbox: one row for each event and endpoint that wants it. `due_at` is null once it has ended.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    seq(),
    id_(),
    Column("endpoint_id", ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("event_type", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("outcome", Text),
    Index(None, "endpoint_id", "due_at"),
    Index(None, "due_at"),
    Index(None, "ended_at"),
)
