"""When kept figures still count: a digest of the sources, packages and settings that they depend on."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SOURCES = (".py", ".cpp", ".h", ".json", ".jsonl")


def fingerprint(sources: Iterable[str], packages: Iterable[str], *facts: object) -> str:
    """Of what files and all sources in folders hold, by their paths in the repository; of packages' versions;
    and of whatever else JSON can hold."""
    digest = hashlib.sha256()
    for source in sources:
        for path in _files(_ROOT / source):
            digest.update(path.read_bytes())
    versions = [package_version(name) for name in packages]
    digest.update(json.dumps([versions, platform.python_version(), facts]).encode())
    return digest.hexdigest()[:16]


def package_version(name: str) -> str:
    """The installed version; raises SystemExit where there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        raise SystemExit(f"{name} is not installed; run `make bench`, or install '.[bench]'") from None


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    else:
        yield from (path for path in sorted(source.rglob("*")) if path.suffix in _SOURCES)
