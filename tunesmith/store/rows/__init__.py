"""Rows as frozen dataclasses, by resource: what the rest of the office sees of the database.

A field's name is its column's name. Times are Unix seconds.
"""

from __future__ import annotations

from tunesmith.store.rows.batch import BatchRow, BatchSegmentRow
from tunesmith.store.rows.completion import StoredCompletionRow
from tunesmith.store.rows.file import FileRow, PartRow, UploadRow
from tunesmith.store.rows.fine_tuning import EventRow, JobRow
from tunesmith.store.rows.mapping import from_row, values_of
from tunesmith.store.rows.model import CheckpointRow, ModelRow, PermissionRow
from tunesmith.store.rows.page import Page
from tunesmith.store.rows.response import ConversationItemRow, ConversationRow, ResponseRow
from tunesmith.store.rows.tenancy import KeyRow, Principal, ProjectRow, RateLimitRow, ServiceAccountRow
from tunesmith.store.rows.webhook import WebhookDeliveryRow, WebhookEndpointRow

__all__ = [
    "BatchRow",
    "BatchSegmentRow",
    "CheckpointRow",
    "ConversationItemRow",
    "ConversationRow",
    "EventRow",
    "FileRow",
    "JobRow",
    "KeyRow",
    "ModelRow",
    "Page",
    "PartRow",
    "PermissionRow",
    "Principal",
    "ProjectRow",
    "RateLimitRow",
    "ResponseRow",
    "ServiceAccountRow",
    "StoredCompletionRow",
    "UploadRow",
    "WebhookDeliveryRow",
    "WebhookEndpointRow",
    "from_row",
    "values_of",
]
