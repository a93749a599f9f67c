"""One object while it is written: it takes bytes, and at the end it is there whole or not at all.

`LocalObject` writes a temporary file, syncs it and gives it its name; `BucketObject` leaves that to obstore.
Neither is for two threads at once. What a killed process leaves behind is a temporary file that nobody holds
a lock on, and so `remove_abandoned` knows it from one that is growing this moment, in whatever process.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import obstore

from tunesmith.errors import StorageFull

#: Tries of giving a file its name while somebody else removes the empty folder that it goes to.
_RENAME_TRIES = 10


@dataclass(frozen=True)
class Stored:
    """What was written."""

    size_bytes: int
    sha256: str


class Growing(Protocol):
    """An object that nobody sees before `finish`."""

    def write(self, piece: bytes) -> None:
        """Adds bytes. Raises StorageFull."""

    def finish(self) -> Stored:
        """Gives the object its key, whole. Raises StorageFull."""

    def abandon(self) -> None:
        """Leaves nothing behind; does nothing after `finish`."""


class LocalObject:
    """A file that grows under a temporary name in `incoming`, on the disk of its own name."""

    def __init__(self, path: Path, incoming: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._finished = False
        incoming.mkdir(parents=True, exist_ok=True)
        self._temporary = incoming / f".{secrets.token_hex(12)}.part"
        self._file = _create_locked(self._temporary)

    def write(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._size_bytes += len(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise _translated(error) from error

    def finish(self) -> Stored:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _translated(error) from error
        _rename(self._temporary, self._path)
        sync_folder(self._path.parent)
        self._finished = True
        self._file.close()
        return Stored(self._size_bytes, self._digest.hexdigest())

    def abandon(self) -> None:
        if self._finished:
            return
        self._temporary.unlink(missing_ok=True)
        with suppress(OSError):  # what is still buffered may find no room either
            self._file.close()


class BucketObject:
    """An object of a bucket, sent in pieces of obstore's size."""

    def __init__(self, store: Any, key: str) -> None:
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._writer: Any = obstore.open_writer(store, key)

    def write(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._size_bytes += len(piece)
        self._writer.write(piece)

    def finish(self) -> Stored:
        self._writer.close()
        self._writer = None
        return Stored(self._size_bytes, self._digest.hexdigest())

    def abandon(self) -> None:
        self._writer = None  # unclosed, it never becomes an object


def remove_abandoned(path: Path) -> bool:
    """Removes a temporary file whose writer is gone; tells whether it did."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def sync_folder(folder: Path) -> None:
    """A name is durable when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create_locked(path: Path) -> BinaryIO:
    while True:
        file = open(path, "xb")  # noqa: SIM115  # its owner closes it
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # taken for abandoned in the moment before the lock


def _rename(temporary: Path, path: Path) -> None:
    for remaining in reversed(range(_RENAME_TRIES)):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.rename(path)
            return
        except FileNotFoundError:
            if not remaining or not temporary.exists():
                raise


def _translated(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk that holds the objects is full; make room and try again.")
    return error
