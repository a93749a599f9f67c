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
    Float,
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
    Column("archived_at", BigInteger),
    Column("external_key_id", String(256)),
    Column("monthly_tokens", BigInteger),
    UniqueConstraint("organization_id", "name"),
)

#: Who owns the keys that programs use. OpenAI's word.
service_accounts = Table(
    "service_accounts",
    metadata,
    _seq(),
    _id(),
    _project(),
    Column("name", String(256), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "project_id", "seq"),
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
    Index(None, "project_id", "seq"),
    Index(None, "expires_at"),
    Index(None, "deleted_at"),
)

uploads = Table(
    "uploads",
    metadata,
    _seq(),
    _id(),
    _project(),
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
    _seq(),
    _id(),
    Column("upload_id", ForeignKey("uploads.id"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "upload_id"),
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
    # how long it has held a device, counted with each of its worker's writes
    Column("device_s", Float, nullable=False, server_default="0"),
    Column("device_until", Float),
    Index(None, "project_id", "seq"),
    Index(None, "finished_at"),
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

#: Other projects of the organization that may use a model.
checkpoint_permissions = Table(
    "checkpoint_permissions",
    metadata,
    _seq(),
    _id(),
    Column("model_id", ForeignKey("models.id"), nullable=False),
    _project(),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("model_id", "project_id"),
    Index(None, "project_id"),
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

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    _seq(),
    _id(),
    _project(),
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
    _seq(),
    _id(),
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

#: A stored response: its settings and outcome. Its input and output are items.
responses = Table(
    "responses",
    metadata,
    _seq(),
    _id(),
    _project(),
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
    _seq(),
    Column("id", String(64), nullable=False),
    _project(),
    Column("response_id", ForeignKey("responses.id"), nullable=False),
    Column("is_output", Boolean, nullable=False),
    Column("item", JSON, nullable=False),
    Index(None, "response_id", "seq"),
    Index(None, "project_id", "id"),
)

conversations = Table(
    "conversations",
    metadata,
    _seq(),
    _id(),
    _project(),
    Column("metadata", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

#: One item of a conversation; its `id` is its own within the conversation.
conversation_items = Table(
    "conversation_items",
    metadata,
    _seq(),
    Column("id", String(64), nullable=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("item", JSON, nullable=False),
    UniqueConstraint("conversation_id", "id"),
    Index(None, "conversation_id", "seq"),
    Index(None, "id"),
)

batches = Table(
    "batches",
    metadata,
    _seq(),
    _id(),
    _project(),
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

#: Chat completions with `store: true`, whole.
stored_completions = Table(
    "stored_completions",
    metadata,
    _seq(),
    _id(),
    _project(),
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
