"""A full disk by its name, whoever met it: the system and safetensors have words of their own for it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from tunesmith.errors import StorageFull


@contextmanager
def disk_full_by_name() -> Iterator[None]:
    """Raises StorageFull for what any writer within says when there is no room."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if not _means_full(error):
            raise
        raise StorageFull("The disk that holds the working folders is full; make room.") from error


def _means_full(error: OSError | SafetensorError) -> bool:
    full = (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError):
        return error.errno in full
    return any(f"(os error {code})" in str(error) for code in full)
