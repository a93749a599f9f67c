"""The devices that train here, with their memory, found out without torch.

An NVIDIA GPU is what `nvidia-smi` says it is; without one the processor trains, with the machine's memory or
what its control group may take of it.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: Seconds for which an answer of `nvidia-smi` is taken for the truth: it takes a while to give one.
FRESH_S = 5.0
#: Seconds that somebody who asks waits for a fresh one; a driver that hangs shall not hold up requests.
PATIENCE_S = 1.0
_SMI_TIMEOUT_S = 10.0
_MIB = 1024 * 1024
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Device:
    """One device."""

    id: str
    """As torch calls it: `cpu`, `cuda:0`."""
    kind: Literal["cpu", "gpu"]
    name: str
    memory_bytes: int
    free_bytes: int


class Devices:
    """Looks at the devices, not more often than is useful."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[Device] = []
        """The GPUs as they were last seen."""
        self._until_s = 0.0
        self._looking: threading.Thread | None = None

    def all(self) -> list[Device]:
        """The devices, the one that trains first."""
        with self._lock:
            if self._looking is None and time.monotonic() >= self._until_s:
                thread = threading.Thread(target=self._look, name="tunesmith-devices", daemon=True)
                thread.start()
                self._looking = thread
            looking = self._looking
        if looking is not None:
            looking.join(PATIENCE_S)
        return [*self._seen, _cpu()]

    def _look(self) -> None:
        seen = self._seen
        try:
            seen = _gpus()
        finally:
            with self._lock:
                self._seen = seen
                self._until_s = time.monotonic() + FRESH_S
                self._looking = None


def _gpus() -> list[Device]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        said = subprocess.run(
            [program, "--query-gpu=index,name,memory.total,memory.free", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_SMI_TIMEOUT_S,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):  # no driver, or one that makes no sense
        return []
    return gpus_of(said)


def gpus_of(said: str) -> list[Device]:
    """The GPUs in the answer of `nvidia-smi`; lines that say otherwise than expected are passed over."""
    found = []
    for line in said.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 4 and all(part.isdigit() for part in (parts[0], *parts[2:])):
            index, name, total, free = parts
            found.append(Device(f"cuda:{index}", "gpu", name, int(total) * _MIB, int(free) * _MIB))
    return found


def _cpu() -> Device:
    total, free = _memory()
    name = _cpu_name() or platform.machine()
    return Device("cpu", "cpu", f"{name} ({os.cpu_count() or 1} threads)", total, free)


def _memory() -> tuple[int, int]:
    """(all, free) bytes that processes may take."""
    known = {
        name: int(kib) * 1024 for name, kib in re.findall(r"(\w+):\s+(\d+) kB", _text(Path("/proc/meminfo")))
    }
    total = known.get("MemTotal") or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = known.get("MemAvailable", total)
    limit, used = _text(_CGROUP / "memory.max").strip(), _text(_CGROUP / "memory.current").strip()
    if limit.isdigit() and used.isdigit():
        total, free = min(total, int(limit)), min(free, max(0, int(limit) - int(used)))
    return total, free


def _cpu_name() -> str:
    found = re.search(r"model name\s*:\s*(.+)", _text(Path("/proc/cpuinfo")))
    return found[1].strip() if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # not Linux, or no control group of its own
        return ""
