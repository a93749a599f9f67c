"""Folders that appear whole or not at all: temporary name, fsync, rename.

Used for adapters and snapshots. A process killed in between leaves only a folder whose name ends
in `.partial`, which `sweep` removes at the next start.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = ".partial"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives an empty folder to write into; when the block ends without an error it takes the name `folder`.

    A folder that already has the name is replaced. When the block raises, nothing remains.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}.{os.getpid()}{_PARTIAL}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        for path in partial.iterdir():
            _fsync(path)
        _fsync(partial)
        if folder.exists():
            # rename(2) does not replace a folder that holds files; the older one is equal or obsolete
            replaced = folder.parent / f".{folder.name}.replaced{_PARTIAL}"
            shutil.rmtree(replaced, ignore_errors=True)
            folder.rename(replaced)
            partial.rename(folder)
            shutil.rmtree(replaced, ignore_errors=True)
        else:
            partial.rename(folder)
        _fsync(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def sweep(parent: Path) -> None:
    """Removes what a killed process left half written in `parent`."""
    if parent.is_dir():
        for leftover in parent.glob(f".*{_PARTIAL}"):
            shutil.rmtree(leftover, ignore_errors=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
