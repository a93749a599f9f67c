"""Files, and uploads that become files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """One stored file; its bytes are the object `files/<id>`."""

    id: str
    project_id: str
    filename: str
    purpose: str
    size_bytes: int
    sha256: str
    created_at: int
    expires_at: int | None = None

    @property
    def object_key(self) -> str:
        """Where the bytes lie."""
        return f"files/{self.id}"


@dataclass(frozen=True, kw_only=True)
class UploadRow:
    """A file that comes in parts."""

    id: str
    project_id: str
    filename: str
    purpose: str
    mime_type: str
    size_bytes: int
    """What the parts must hold together."""
    file_lifetime_s: int | None = None
    """What the client wants to be the file's time, counted from its creation."""
    status: str
    """`pending`, `completed`, `cancelled` or `expired`; a pending one is over at `expires_at` too."""
    created_at: int
    expires_at: int
    file_id: str | None = None

    @property
    def prefix(self) -> str:
        """The folder of objects that holds the parts."""
        return f"uploads/{self.id}"


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """One stored part of an upload."""

    id: str
    upload_id: str
    size_bytes: int
    created_at: int

    @property
    def object_key(self) -> str:
        """Where the bytes lie."""
        return f"uploads/{self.upload_id}/{self.id}"
