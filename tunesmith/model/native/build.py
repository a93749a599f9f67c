"""Compiles the native library on first use and keeps it: one file per source, compiler, flags and CPU.

Nothing is downloaded; the sources travel in the package, and a C++17 compiler (GCC or Clang; the environment
variable CXX is respected) must be there. The result lies in `$XDG_CACHE_HOME/tunesmith/native` or
`~/.cache/tunesmith/native` and appears whole, so that several processes may build at once. Code is loaded
from this folder: it is not used unless it is the user's own and nobody else may write to it.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).parent
#: The files that are compiled; the headers beside them are included.
UNITS = ("attention.cpp", "cross_entropy.cpp", "elementwise.cpp")
FLAGS = (
    "-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno",
    "-fPIC", "-shared", "-fvisibility=hidden",
)  # fmt: skip
_COMPILE_TIMEOUT_S = 120


class Unavailable(Exception):
    """There is no native library here; the message is the reason, without a full stop."""


def library(flags: Sequence[str] = FLAGS) -> ctypes.CDLL:
    """The compiled library, built if it is not there yet. Raises Unavailable."""
    path = build(flags)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise Unavailable(f"{path} cannot be loaded ({error})") from None


def build(flags: Sequence[str] = FLAGS) -> Path:
    """Path of the shared library for this machine. Raises Unavailable."""
    cpu = _cpu()
    compiler = _compiler()
    folder = cache_folder()
    key = hashlib.sha256()
    for source in sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")]):
        key.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    for fact in (*compiler, _version(compiler), *flags, cpu):
        key.update(fact.encode() + b"\0")
    path = folder / f"tunesmith-{key.hexdigest()[:32]}.so"
    if path.exists():
        _check_owner(path)
    else:
        _compile([*compiler, *flags, *(str(SOURCES / unit) for unit in UNITS)], path)
    return path


def cache_folder() -> Path:
    """The folder for compiled libraries, made if need be. Raises Unavailable when it is not safe to use."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "tunesmith" / "native"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = folder.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise Unavailable(f"its cache folder cannot be made ({error})") from None
    _check_owner(folder)
    for parent in folder.parents:
        about = parent.stat()
        foreign = about.st_uid not in (0, os.getuid())
        open_to_all = about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX
        if foreign or open_to_all:
            raise Unavailable(f"its cache folder {folder} is not safe: others may replace {parent}")
    return folder


def _check_owner(path: Path) -> None:
    about = path.stat()
    if about.st_uid != os.getuid():
        raise Unavailable(f"{path} belongs to another user")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unavailable(f"others may write to {path}; chmod go-w it")


def _compile(command: list[str], path: Path) -> None:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".building-", suffix=".so")
        os.close(descriptor)
    except OSError as error:
        raise Unavailable(f"its cache folder cannot be written ({error})") from None
    try:
        done = subprocess.run(
            [*command, "-o", name],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMPILE_TIMEOUT_S,
        )
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
            raise Unavailable(f"{command[0]} failed ({errors[0][:300]})")
        os.chmod(name, 0o700)
        os.replace(name, path)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took more than {_COMPILE_TIMEOUT_S} s") from None
    except OSError as error:
        raise Unavailable(f"it cannot be built ({error})") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _cpu() -> str:
    """The CPU's name and abilities, on which -march=native depends."""
    machine = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        raise Unavailable("it is built on Linux only") from None
    about = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    abilities = about.get("flags", "").split()
    if machine != "x86_64" or not {"avx2", "fma"} <= set(abilities):
        raise Unavailable(f"it is written for x86-64 CPUs with AVX2 and FMA, and this is {machine} without")
    names = ("vendor_id", "cpu family", "model", "model name", "stepping")
    return " ".join([machine, *(about.get(name, "") for name in names), *sorted(abilities)])


def _compiler() -> list[str]:
    chosen = shlex.split(os.environ.get("CXX", ""))
    if chosen:
        if shutil.which(chosen[0]) is None:
            raise Unavailable(f"the compiler that CXX names, {chosen[0]}, is not there")
        return chosen
    for name in ("g++", "clang++", "c++"):
        if shutil.which(name):
            return [name]
    raise Unavailable("there is no C++ compiler (g++ or clang++) to build it with")


def _version(compiler: list[str]) -> str:
    try:
        return subprocess.run(
            [*compiler, "--version"], capture_output=True, text=True, errors="replace", timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{compiler[0]} does not run ({error})") from None
