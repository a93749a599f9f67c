"""Environments for the clients of other people, one for each: they cannot share one, nor ours.

`python -m tests.clients.install` makes what is missing under `build/clients/`; what is there is left alone
until its list of versions in `requirements/` changes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / "build" / "clients"
CLIENTS = tuple(sorted(path.stem for path in (HERE / "requirements").glob("*.txt")))


def python_of(client: str) -> Path | None:
    """The interpreter of a client's environment; None where it is missing or of other versions."""
    stamp = ENVIRONMENTS / client / "requirements.sha256"
    if stamp.is_file() and stamp.read_text() == _digest(client):
        return ENVIRONMENTS / client / "bin" / "python"
    return None


def install(client: str) -> None:
    """Makes a client's environment anew."""
    folder = ENVIRONMENTS / client
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run(
        [
            str(folder / "bin" / "python"),
            *("-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--requirement"),
            str(HERE / "requirements" / f"{client}.txt"),
        ],
        check=True,
    )
    (folder / "requirements.sha256").write_text(_digest(client))


def _digest(client: str) -> str:
    return hashlib.sha256((HERE / "requirements" / f"{client}.txt").read_bytes()).hexdigest()


if __name__ == "__main__":
    for name in CLIENTS:
        if python_of(name) is None:
            print(f"Installing the client {name} into build/clients (once) ...", flush=True)
            install(name)
