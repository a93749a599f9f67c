"""Stored responses and conversations, with their items."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, String, Table, UniqueConstraint

from tunesmith.store.tables.columns import id_, metadata, project, seq

#: A stored response: its settings and outcome. Its input and output are items.
responses = Table(
    "responses",
    metadata,
    seq(),
    id_(),
    project(),
    Column("previous_response_id", String(64)),
    Column("root_id", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("pieces", JSON(none_as_null=True)),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "previous_response_id"),
    Index(None, "root_id"),
    Index(None, "expires_at"),
)

#: One item that a response was given or has written; `id` returns where a client sends an item again.
response_items = Table(
    "response_items",
    metadata,
    seq(),
    Column("id", String(64), nullable=False),
    project(),
    Column("response_id", ForeignKey("responses.id"), nullable=False),
    Column("is_output", Boolean, nullable=False),
    Column("item", JSON, nullable=False),
    Index(None, "response_id", "seq"),
    Index(None, "project_id", "id"),
)

conversations = Table(
    "conversations",
    metadata,
    seq(),
    id_(),
    project(),
    Column("metadata", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

#: One item of a conversation; its `id` is its own within the conversation.
conversation_items = Table(
    "conversation_items",
    metadata,
    seq(),
    Column("id", String(64), nullable=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("item", JSON, nullable=False),
    UniqueConstraint("conversation_id", "id"),
    Index(None, "conversation_id", "seq"),
    Index(None, "id"),
)
