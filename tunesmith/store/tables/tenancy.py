"""Whom everything belongs to: organizations, projects, service accounts, keys, rate limits."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    func,
    select,
    table,
)

from tunesmith.store.tables.columns import id_, metadata, project, seq

organizations = Table(
    "organizations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

#: The place behind all projects there are; whoever makes one holds its organization meanwhile.
_following = (
    select(func.coalesce(func.max(column("seq")), 0) + 1).select_from(table("projects")).scalar_subquery()
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organization_id", ForeignKey("organizations.id"), nullable=False),
    Column("name", String(256), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Column("external_key_id", String(256)),
    Column("monthly_tokens", BigInteger),
    Column("seq", Integer, nullable=False, server_default="0", default=_following),
    UniqueConstraint("organization_id", "name"),
    Index(None, "seq", unique=True),
)

#: Who owns the keys that programs use. OpenAI's word.
service_accounts = Table(
    "service_accounts",
    metadata,
    seq(),
    id_(),
    project(),
    Column("name", String(256), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "project_id", "seq"),
)

keys = Table(
    "keys",
    metadata,
    seq(),
    id_(),
    project(),
    Column("name", String(256), nullable=False),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("service_account_id", String(64)),
    Index(None, "project_id", "seq"),
)

#: Where a project's limits differ from the server's; null leaves the server's.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
)
