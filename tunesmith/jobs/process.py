"""Processes by identity: a pid alone may name a stranger after its owner has died.

Linux's `/proc` tells when a process started and which boot this is; the three together name one process for
ever.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any


def identity(pid: int) -> dict[str, Any] | None:
    """`{"host", "pid", "started", "boot"}` of a living process; None when there is none (a zombie has
    ended)."""
    fields = _stat(pid)
    if fields is None or fields[0] in ("Z", "X"):
        return None
    return {"host": socket.gethostname(), "pid": pid, "started": int(fields[19]), "boot": _boot_id()}


def is_here(who: dict[str, Any]) -> bool:
    """Whether the process was started on this machine; of others nothing can be told here."""
    return who.get("host") == socket.gethostname()


def is_alive(who: dict[str, Any]) -> bool:
    """Whether this very process still runs on this machine."""
    return identity(int(who["pid"])) == who


def kill_group(who: dict[str, Any], signal_number: int = signal.SIGKILL) -> bool:
    """Signals the process and its children, which it leads as a session; False when it has already ended."""
    if not is_alive(who):
        return False
    try:
        os.killpg(int(who["pid"]), signal_number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot; 0 where it does not say."""
    try:
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on (proc(5)); the name before it may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
