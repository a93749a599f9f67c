"""Makes one file of an upload's parts: reads them in their order, writes the file, and completes the upload.

Whatever moment this is cut at, the upload is either pending as before, with all its parts, or it is completed
and the file is whole: the bytes get their name when all are written, and both rows change in one transaction
after that. It runs in a thread, at constant memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial

from tunesmith import ids
from tunesmith.api.files import intake
from tunesmith.errors import InvalidRequest
from tunesmith.store import uploads
from tunesmith.store.blobs import Blobs, ObjectMissing
from tunesmith.store.database import Database
from tunesmith.store.rows import FileRow, PartRow, UploadRow


def assemble(
    db: Database, blobs: Blobs, project_id: str, upload_id: str, part_ids: Sequence[str], md5: str | None
) -> tuple[UploadRow, FileRow]:
    """Completes a pending upload; `md5` is what the file must have, if given, in lower case.

    Raises NotFound, InvalidRequest (the upload stays pending, and may be completed in another way) and
    StorageFull.
    """
    upload = uploads.pending(db, project_id, upload_id)
    parts = _chosen(upload, part_ids, uploads.parts(db, upload_id))
    file_id = ids.new_id("file")
    key = f"files/{file_id}"
    try:
        stored = blobs.put(key, _checked(blobs, upload, parts, md5))
    except ObjectMissing:
        uploads.pending(db, project_id, upload_id)  # says what ended it meanwhile
        raise
    file = intake.file_row(
        file_id,
        project_id,
        stored,
        filename=upload.filename,
        purpose=upload.purpose,
        lifetime_s=upload.file_lifetime_s,
    )
    completed = intake.insert_or_delete(blobs, key, partial(uploads.complete, db, upload, file))
    blobs.delete_prefix(upload.prefix)
    return completed, file


def _chosen(upload: UploadRow, part_ids: Sequence[str], known: dict[str, PartRow]) -> list[PartRow]:
    """The parts by their ids. Raises InvalidRequest for a wrong one, and when the bytes do not add up."""
    seen: set[str] = set()
    for index, part_id in enumerate(part_ids):
        where = f"part_ids[{index}]"
        if part_id not in known:
            raise InvalidRequest(
                f"{where} is '{part_id[:100]}', which is no part of {upload.id}.", param=where
            )
        if part_id in seen:
            raise InvalidRequest(f"{where} is '{part_id}' again; name each part once.", param=where)
        seen.add(part_id)
    total_bytes = sum(known[part_id].size_bytes for part_id in part_ids)
    if total_bytes != upload.size_bytes:
        raise InvalidRequest(
            f"The parts hold {total_bytes} bytes together, but {upload.id} was created for "
            f"{upload.size_bytes}; name all its parts, and each once.",
            param="part_ids",
        )
    return [known[part_id] for part_id in part_ids]


def _checked(blobs: Blobs, upload: UploadRow, parts: list[PartRow], md5: str | None) -> Iterator[bytes]:
    """The bytes of all parts. Raises InvalidRequest when they are not what they should be."""
    digest = hashlib.md5(usedforsecurity=False) if md5 is not None else None
    head = intake.Head()
    judged = False
    for part in parts:
        for piece in blobs.stream(part.object_key):
            if digest is not None:
                digest.update(piece)
            head.add(piece)
            if head.is_full and not judged:
                _judge(head, upload, parts)
                judged = True
            yield piece
    if not judged:
        _judge(head, upload, parts)
    if digest is not None and digest.hexdigest() != md5:
        raise InvalidRequest(
            f"The parts in this order have the MD5 {digest.hexdigest()}, not {md5}; check their order, "
            "and send a part that was damaged once more.",
            param="md5",
        )


def _judge(head: intake.Head, upload: UploadRow, parts: list[PartRow]) -> None:
    """Raises InvalidRequest for a file that its purpose does not take: maybe it is only out of order."""
    try:
        head.judge(upload.purpose, upload.filename)
    except InvalidRequest as error:
        if len(parts) > 1:
            error.message += (
                f" The first of the parts is {parts[0].id}: if the file does not begin with it, name the "
                "parts in their order."
            )
        raise
