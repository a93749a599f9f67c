"""Objects: bytes under a key, whole or not there.

A bucket is obstore's business. For a local folder we write ourselves (`store/growing.py`: temporary name,
fsync, rename, fsync of the folder), because obstore 0.12's local put renames but never syncs, so that a power
cut could leave a row without its bytes. A folder of objects is complete when its manifest is there, which is
written last and holds every file's SHA-256; reading a folder checks them.

Keys are built from our own ids, never from a user's text, and checked all the same.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import obstore
from obstore.store import LocalStore, from_url

from tunesmith.store.growing import (
    BucketObject,
    Growing,
    LocalObject,
    Stored,
    remove_abandoned,
    sync_folder,
)

#: Bytes per piece when streaming.
CHUNK_BYTES = 1 << 20
#: Where local objects grow before they get their names.
_INCOMING = ".incoming"
_MANIFEST = "manifest.json"
_KEY = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")


class ObjectMissing(Exception):
    """There is no object, or no complete folder, under this key."""


class ObjectCorrupt(Exception):
    """An object's bytes are not those that were written."""


class Blobs:
    """Objects of one store: `file:///folder`, or a bucket's URL. Threads may share it."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = urlparse(url)
        self._root = Path(unquote(parsed.path)) if parsed.scheme == "file" else None
        if self._root is not None:
            (self._root / _INCOMING).mkdir(parents=True, exist_ok=True)
            self._store: Any = LocalStore(self._root)
        else:
            self._store = from_url(url)

    # -- writing ------------------------------------------------------------------------------------------

    def put(self, key: str, data: bytes | Iterable[bytes]) -> Stored:
        """Writes an object whole, or nothing of it. Raises StorageFull; what `data` raises passes through."""
        return _write(self.begin(key), [data] if isinstance(data, bytes) else data)

    def begin(self, key: str) -> Growing:
        """An object that is written piece by piece: for whoever cannot wait for the bytes in one thread.

        The caller finishes or abandons it.
        """
        _check(key)
        if self._root is not None:
            return LocalObject(self._root / key, self._root / _INCOMING)
        return BucketObject(self._store, key)

    def put_folder(self, prefix: str, folder: Path) -> Stored:
        """Writes the files of a folder (and its subfolders) under `prefix/`, the manifest last.

        Returns the total size and the manifest's SHA-256. When it fails, what it has written goes again.
        """
        try:
            return self._put_folder(prefix, folder)
        except Exception:
            with suppress(OSError):
                self.delete_prefix(prefix)
            raise

    def _put_folder(self, prefix: str, folder: Path) -> Stored:
        entries: dict[str, dict[str, Any]] = {}
        total = 0
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            stored = self.put(f"{prefix}/{name}", _read(path))
            entries[name] = {"size_bytes": stored.size_bytes, "sha256": stored.sha256}
            total += stored.size_bytes
        manifest = self.put(f"{prefix}/{_MANIFEST}", json.dumps({"files": entries}, indent=1).encode())
        return Stored(total, manifest.sha256)

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there is fine."""
        _check(key)
        if self._root is not None:
            path = self._root / key
            path.unlink(missing_ok=True)
            if key.count("/") > 1:  # a folder of objects goes with its last one, as in a bucket
                with suppress(OSError):
                    path.parent.rmdir()
            return
        with suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def delete_prefix(self, prefix: str) -> None:
        """Removes a folder of objects, its manifest first: half a folder is none."""
        _check(prefix)
        self.delete(f"{prefix}/{_MANIFEST}")
        if self._root is not None:
            shutil.rmtree(self._root / prefix, ignore_errors=True)
            return
        keys = [meta["path"] for batch in obstore.list(self._store, prefix) for meta in batch]
        if keys:
            obstore.delete(self._store, keys)

    # -- reading ------------------------------------------------------------------------------------------

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        _check(key)
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def size_bytes(self, key: str) -> int:
        """The object's size. Raises ObjectMissing."""
        _check(key)
        with _missing(key):
            return int(obstore.head(self._store, key)["size"])

    def written_at(self, key: str) -> float:
        """When the object was written, as Unix time. Raises ObjectMissing."""
        _check(key)
        with _missing(key):
            return float(obstore.head(self._store, key)["last_modified"].timestamp())

    def get(self, key: str) -> bytes:
        """The object's bytes. Raises ObjectMissing."""
        return b"".join(self.stream(key))

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Pieces of the object's bytes [start, end), at constant memory; the object may be deleted meanwhile.

        Raises ObjectMissing, at once.
        """
        _check(key)
        options: Any = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        with _missing(key):
            if end is not None and end <= start:
                obstore.head(self._store, key)
                return iter(())
            found = obstore.get(self._store, key, options=options)
        return (bytes(piece) for piece in found.stream(min_chunk_size=CHUNK_BYTES))

    def fetch(self, key: str, path: Path) -> Stored:
        """Copies an object to a local file, which appears whole. Raises ObjectMissing."""
        pieces = self.stream(key)
        return _write(LocalObject(path, path.parent), pieces)

    def fetch_folder(self, prefix: str, folder: Path) -> None:
        """Copies a folder of objects to a local folder, which appears whole; one already there is kept.

        Raises ObjectMissing without a manifest, ObjectCorrupt when a file is not what the manifest says.
        """
        if folder.exists():
            return
        entries = self.manifest(prefix)
        growing = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
        try:
            for name, entry in entries.items():
                stored = self.fetch(f"{prefix}/{name}", growing / name)
                if stored.sha256 != entry["sha256"]:
                    raise ObjectCorrupt(f"{prefix}/{name} has SHA-256 {stored.sha256}, not {entry['sha256']}")
            growing.mkdir(parents=True, exist_ok=True)
            sync_folder(growing)
            try:
                growing.rename(folder)
            except OSError:
                if not folder.exists():  # another thread or process may have been faster
                    raise
            sync_folder(folder.parent)
        finally:
            shutil.rmtree(growing, ignore_errors=True)

    def manifest(self, prefix: str) -> dict[str, dict[str, Any]]:
        """The files of a complete folder, each with size_bytes and sha256. Raises ObjectMissing."""
        files: dict[str, dict[str, Any]] = json.loads(self.get(f"{prefix}/{_MANIFEST}"))["files"]
        for name in files:
            _check(f"{prefix}/{name}")
        return files

    def folders(self, prefix: str) -> list[tuple[str, float]]:
        """Direct subfolders of a prefix as (name, Unix time of the youngest object in it)."""
        _check(prefix)
        youngest: dict[str, float] = {}
        for batch in obstore.list(self._store, prefix):
            for meta in batch:
                name = meta["path"].removeprefix(f"{prefix}/").split("/")[0]
                youngest[name] = max(youngest.get(name, 0.0), meta["last_modified"].timestamp())
        return sorted(youngest.items())

    def sweep(self, older_than_s: float = 0.0) -> int:
        """Removes what killed writers left behind, and nothing that grows this moment; returns how many."""
        if self._root is None:
            return 0
        removed = 0
        for path in (self._root / _INCOMING).iterdir():
            with suppress(FileNotFoundError):  # a write that just ended
                if time.time() - path.stat().st_mtime >= older_than_s:
                    removed += remove_abandoned(path)
        return removed


def _write(growing: Growing, pieces: Iterable[bytes]) -> Stored:
    try:
        for piece in pieces:
            growing.write(piece)
        return growing.finish()
    finally:
        growing.abandon()


def _read(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _check(key: str) -> None:
    assert _KEY.fullmatch(key), f"not an object key: {key!r}"


@contextmanager
def _missing(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing(f"there is no object {key}") from error
