"""Files, what a look at them has found, and uploads that become files."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from tunesmith.store.tables.columns import id_, metadata, project, seq

files = Table(
    "files",
    metadata,
    seq(),
    id_(),
    project(),
    Column("filename", Text, nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("deleted_at", BigInteger),
    Index(None, "project_id", "purpose", "seq"),
    Index(None, "project_id", "seq"),
    Index(None, "expires_at"),
    Index(None, "deleted_at"),
)

#: What a look at a training file has found, in a few numbers, by the base it was looked at for.
file_facts = Table(
    "file_facts",
    metadata,
    Column("file_id", String(64), primary_key=True),
    Column("look", String(64), primary_key=True),
    Column("row_format", String(16)),
    Column("n_rows", BigInteger, nullable=False),
    Column("n_problems", BigInteger, nullable=False),
    Column("n_warnings", BigInteger, nullable=False),
    Column("code", String(64)),
    Column("tokens", BigInteger, nullable=False),
    Column("trained_tokens", BigInteger, nullable=False),
    Column("n_cut", BigInteger, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    seq(),
    id_(),
    project(),
    Column("filename", Text, nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("mime_type", String(255), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("file_lifetime_s", BigInteger),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("file_id", String(64)),
    Index(None, "status", "expires_at"),
)

upload_parts = Table(
    "upload_parts",
    metadata,
    seq(),
    id_(),
    Column("upload_id", ForeignKey("uploads.id"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "upload_id"),
)
