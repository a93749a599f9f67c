"""What a service that a job wants to be followed by needs on this machine: Weights and Biases.

Asked when a job is created, so that its owner learns at once what is missing, and again by its worker, which
has the server's environment (`workers/following.py`). Nothing is imported or contacted here.
"""

from __future__ import annotations

import importlib.util
import netrc
from collections.abc import Mapping
from urllib.parse import urlsplit

#: Modes of the `wandb` package in which a run is only kept on the disk.
OFFLINE = ("offline", "dryrun")


def what_wandb_misses(environ: Mapping[str, str]) -> str | None:
    """What keeps Weights and Biases from following a job, as the middle of a sentence; None for nothing."""
    mode = environ.get("WANDB_MODE", "online")
    if mode == "disabled":
        return "the server's environment says WANDB_MODE=disabled"
    missing = []
    if not _is_installed():
        missing.append("the package wandb is not installed on the server (pip install 'tunesmith[wandb]')")
    if mode not in OFFLINE and not _has_key(environ):
        missing.append("the server's environment has no WANDB_API_KEY")
    return ", and ".join(missing) or None


def _is_installed() -> bool:
    spec = importlib.util.find_spec("wandb")
    # a folder of runs called wandb passes for a package, but has no file of its own
    return spec is not None and spec.origin is not None


def _has_key(environ: Mapping[str, str]) -> bool:
    """In the environment, or where `wandb login` puts it."""
    if environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return host is not None and netrc.netrc(environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
