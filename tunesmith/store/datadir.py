"""The data folder and its lock: one server at a time.

The lock is the kernel's (`flock` on a descriptor that no child inherits), so it ends with its holder, however
that ends. The file's text only tells a person who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from tunesmith import ids
from tunesmith.errors import CannotStart


class DataDir:
    """A data folder that this process owns until `close`."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    @classmethod
    def open(cls, folder: Path) -> DataDir:
        """Makes the folder (readable by its owner alone) and takes its lock.

        Raises CannotStart when it cannot be written or another server holds it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotStart(
                f"The data folder {folder} cannot be written: {error.strerror}. Choose another one "
                "with --data."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise CannotStart(
                f"The data folder {folder} is in use by another server{holder}. "
                "Stop that one first, or choose another folder with --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "started_at": ids.now()}).encode(), 0)
        return cls(folder, descriptor)

    def close(self) -> None:
        """Gives the folder back."""
        os.close(self._descriptor)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f" (process {int(holder['pid'])})"
    except (ValueError, KeyError, TypeError):
        return ""
