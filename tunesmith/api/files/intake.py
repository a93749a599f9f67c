"""What a file must be to be kept, whichever way it comes: whole by `/v1/files`, or in parts by `/v1/uploads`.

Only what is no JSONL at all is refused where rows are asked for; whether the lines are good ones is the
judgement of the job or the batch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import anyio
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.data.jsonl import sniff
from tunesmith.errors import InvalidRequest
from tunesmith.store.blobs import Blobs
from tunesmith.store.growing import Stored
from tunesmith.store.rows import FileRow
from tunesmith.wire import limits
from tunesmith.wire.files import UPLOAD_PURPOSES

Row = TypeVar("Row")

SNIFFED_BYTES = 64 * 1024
"""What of a file is looked at."""

_ROWS = {
    "fine-tune": '{"messages": [...]}',
    "batch": '{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {...}}',
}
"""Purposes whose files are JSON lines, and what a line looks like."""


def checked_purpose(purpose: str | None) -> str:
    """Raises InvalidRequest for a purpose that is missing, or not for clients."""
    if purpose is None:
        raise InvalidRequest(
            "Missing required parameter: 'purpose'.", param="purpose", code="missing_required_parameter"
        )
    if purpose not in UPLOAD_PURPOSES:
        raise unknown_purpose(purpose, UPLOAD_PURPOSES)
    return purpose


def unknown_purpose(purpose: str, known: tuple[str, ...]) -> InvalidRequest:
    """The error for a purpose that is none of `known`."""
    names = ", ".join(f"'{name}'" for name in known)
    return InvalidRequest(
        f"'{purpose[:60]}' is not one of the supported purposes: {names}.",
        param="purpose",
        code="invalid_value",
    )


def checked_filename(name: str, *, param: str) -> str:
    """The name that the client gave, as data: no path is ever built from it. Raises InvalidRequest."""
    name = name.replace("\x00", "")
    if len(name) > limits.MAX_FILENAME_CHARS:
        raise InvalidRequest(
            f"The filename has {len(name)} characters; at most {limits.MAX_FILENAME_CHARS} are allowed.",
            param=param,
        )
    return name or "file"


def file_row(
    file_id: str, project_id: str, stored: Stored, *, filename: str, purpose: str, lifetime_s: int | None
) -> FileRow:
    """The row of a file that is stored now; `lifetime_s` is what the client asked for, if anything."""
    if lifetime_s is None and purpose == "batch":
        lifetime_s = limits.BATCH_FILE_LIFETIME_S
    created_at = ids.now()
    return FileRow(
        id=file_id,
        project_id=project_id,
        filename=filename,
        purpose=purpose,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        created_at=created_at,
        expires_at=created_at + lifetime_s if lifetime_s is not None else None,
    )


class Head:
    """A file's first bytes, which tell whether it is what its purpose asks for."""

    def __init__(self) -> None:
        self._bytes = b""

    @property
    def is_full(self) -> bool:
        """Whether there is enough to judge, however long the file."""
        return len(self._bytes) >= SNIFFED_BYTES

    def add(self, piece: bytes) -> None:
        """Takes of the file's next piece what is still missing."""
        if not self.is_full:
            self._bytes += piece[: SNIFFED_BYTES - len(self._bytes)]

    def judge(self, purpose: str, filename: str) -> None:
        """Raises InvalidRequest for what is no JSONL, if it should be."""
        if purpose in _ROWS:
            sniff(self._bytes, filename, row=_ROWS[purpose])


async def store(blobs: Blobs, key: str, pieces: AsyncIterator[bytes]) -> Stored:
    """Writes an object as its bytes come in, whole or not at all.

    A thread is held while there is something to write, not while the sender takes its time: however many
    clients are slow, the threads are free for others. What `pieces` raises passes through.
    """
    growing = await run_in_threadpool(blobs.begin, key)
    try:
        async for piece in pieces:
            await run_in_threadpool(growing.write, piece)
        return await run_in_threadpool(growing.finish)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(growing.abandon)
        raise


def insert_or_delete(blobs: Blobs, key: str, insert: Callable[[], Row]) -> Row:
    """Adds the row of a stored object; an object that gets no row goes again.

    Both in one thread: who awaits a thread may be cancelled while it writes, and does not learn how it ended.
    """
    try:
        return insert()
    except BaseException:
        blobs.delete(key)
        raise
