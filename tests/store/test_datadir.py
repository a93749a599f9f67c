"""One server per data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.errors import CannotStart
from tunesmith.store.datadir import DataDir


def test_a_second_server_on_the_same_folder_is_refused_by_a_sentence(tmp_path: Path) -> None:
    first = DataDir.open(tmp_path / "data")
    with pytest.raises(CannotStart, match=rf"in use by another server \(process {os.getpid()}\)"):
        DataDir.open(tmp_path / "data")
    first.close()
    DataDir.open(tmp_path / "data").close()


def test_a_killed_server_frees_its_folder_though_a_child_lives_on(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
from pathlib import Path
from tunesmith.store.datadir import DataDir
lock = DataDir.open(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(60)
"""
    server = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    child = int(server.stdout.readline())
    with pytest.raises(CannotStart):
        DataDir.open(tmp_path)
    server.kill()
    server.wait()
    server.stdout.close()
    try:
        DataDir.open(tmp_path).close()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="file/data cannot be written"):
        DataDir.open(tmp_path / "file" / "data")
