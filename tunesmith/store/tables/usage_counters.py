"""What was served, counted by minute."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, String, Table, Text

from tunesmith.store.tables.columns import metadata

#: What was served, by minute (its first second).
usage = Table(
    "usage",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("key_id", String(64), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("operation", String(32), primary_key=True),
    Column("batch", Boolean, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
)
