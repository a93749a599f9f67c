"""The tables, once, by resource. Migrations bring a database here; a test compares the two.

Every table has `seq`, the order in which rows came to be: lists and cursors use it, because clocks
have equal seconds and sometimes run backwards. Times are Unix seconds. Ids are the wire's own.
"""

from __future__ import annotations

from tunesmith.store.tables.batch import batch_segments, batches
from tunesmith.store.tables.columns import metadata
from tunesmith.store.tables.completion import stored_completion_metadata, stored_completions
from tunesmith.store.tables.file import file_facts, files, upload_parts, uploads
from tunesmith.store.tables.fine_tuning import events, idempotency_keys, job_metadata, jobs
from tunesmith.store.tables.model import checkpoint_permissions, checkpoints, models
from tunesmith.store.tables.response import conversation_items, conversations, response_items, responses
from tunesmith.store.tables.tenancy import keys, organizations, projects, rate_limits, service_accounts
from tunesmith.store.tables.usage_counters import usage
from tunesmith.store.tables.webhook import webhook_deliveries, webhook_endpoints

__all__ = [
    "batch_segments",
    "batches",
    "checkpoint_permissions",
    "checkpoints",
    "conversation_items",
    "conversations",
    "events",
    "file_facts",
    "files",
    "idempotency_keys",
    "job_metadata",
    "jobs",
    "keys",
    "metadata",
    "models",
    "organizations",
    "projects",
    "rate_limits",
    "response_items",
    "responses",
    "service_accounts",
    "stored_completion_metadata",
    "stored_completions",
    "upload_parts",
    "uploads",
    "usage",
    "webhook_deliveries",
    "webhook_endpoints",
]
