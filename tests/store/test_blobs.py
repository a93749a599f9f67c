"""Objects: whole or not there, whatever happens while they are written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunesmith.errors import StorageFull
from tunesmith.store import growing
from tunesmith.store.blobs import Blobs, ObjectCorrupt, ObjectMissing


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), start=st.integers(0, 320), length=st.integers(0, 320) | st.none())
def test_any_range_of_an_object_is_what_was_put(
    blobs: Blobs, data: bytes, start: int, length: int | None
) -> None:
    blobs.put("files/a", iter([data[:7], data[7:]]))
    end = None if length is None else start + length
    if start >= len(data):
        return  # what a store answers beyond the end is its own affair; nobody asks
    assert b"".join(blobs.stream("files/a", start, end)) == data[start:end]


def test_a_bucket_keeps_the_same_promises() -> None:
    bucket = Blobs("memory:///")
    assert bucket.put("files/a", iter([b"one ", b"two"])).size_bytes == 7
    assert b"".join(bucket.stream("files/a", 2, 5)) == b"e t"
    left = bucket.begin("files/b")
    left.write(b"x" * (1 << 20))
    left.abandon()
    assert not bucket.exists("files/b")
    bucket.delete("files/a")
    with pytest.raises(ObjectMissing):
        bucket.stream("files/a")


def test_what_is_being_read_may_be_deleted(blobs: Blobs) -> None:
    blobs.put("files/a", (b"x" * (1 << 20) for _ in range(4)))
    pieces = blobs.stream("files/a")
    next(pieces)
    blobs.delete("files/a")
    assert sum(map(len, pieces)) == 3 << 20


def test_a_folder_may_go_while_something_grows_into_it(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put("uploads/u/a", b"first")
    second = blobs.begin("uploads/u/b")
    second.write(b"second")
    blobs.delete_prefix("uploads/u")
    second.finish()
    assert blobs.get("uploads/u/b") == b"second"
    blobs.delete("uploads/u/b")
    assert list((tmp_path / "objects" / "uploads").iterdir()) == []


def test_an_interrupted_put_leaves_the_old_object_and_no_rest(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put("files/a", b"old")

    def broken() -> Iterator[bytes]:
        yield b"new"
        raise ConnectionError("the client went away")

    with pytest.raises(ConnectionError):
        blobs.put("files/a", broken())
    assert blobs.get("files/a") == b"old"
    assert list((tmp_path / "objects" / ".incoming").iterdir()) == []


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(growing.os, "fsync", full)
    with pytest.raises(StorageFull):
        blobs.put("files/a", b"data")
    assert not blobs.exists("files/a")


def test_half_a_folder_on_a_full_disk_gives_its_room_back(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made").mkdir()
    for name in ("a", "b"):
        (tmp_path / "made" / name).write_bytes(b"data")
    plain, written = Blobs.put, []

    def put(blobs: Blobs, key: str, data: Any) -> Any:
        if written:
            raise StorageFull("full")
        written.append(key)
        return plain(blobs, key, data)

    monkeypatch.setattr(Blobs, "put", put)
    with pytest.raises(StorageFull):
        blobs.put_folder("models/m", tmp_path / "made")
    assert written == ["models/m/a"]
    assert blobs.folders("models") == []


def test_a_writer_killed_half_way_leaves_nothing_after_the_next_start(blobs: Blobs, tmp_path: Path) -> None:
    program = """
import sys, time
from tunesmith.store.blobs import Blobs
def pieces():
    yield b"half"
    print("half way", flush=True)
    time.sleep(60)
Blobs(sys.argv[1]).put("files/a", pieces())
"""
    writer = subprocess.Popen([sys.executable, "-c", program, blobs.url], stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline() == b"half way\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert not blobs.exists("files/a")
    here = blobs.begin("files/b")  # while this process still writes
    here.write(b"all of it")
    assert blobs.sweep() == 1
    assert blobs.sweep() == 0
    here.finish()
    assert blobs.get("files/b") == b"all of it"


def test_a_folder_comes_back_as_it_was(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "adapter"
    (source / "deep").mkdir(parents=True)
    (source / "config.json").write_text("{}")
    (source / "deep" / "weights").write_bytes(bytes(range(256)) * 10_000)
    blobs.put_folder("models/m1", source)
    target = tmp_path / "adapters" / "m1"
    blobs.fetch_folder("models/m1", target)
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()) == [
        "config.json",
        "deep/weights",
    ]
    assert (target / "deep" / "weights").read_bytes() == (source / "deep" / "weights").read_bytes()
    assert [name for name, _ in blobs.folders("models")] == ["m1"]
    blobs.delete_prefix("models/m1")
    assert blobs.folders("models") == []


def test_half_a_folder_is_none(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put("models/m1/adapter_model.safetensors", b"weights")  # killed before its manifest
    with pytest.raises(ObjectMissing):
        blobs.fetch_folder("models/m1", tmp_path / "m1")
    assert not (tmp_path / "m1").exists()


def test_a_flipped_bit_is_noticed(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "adapter"
    source.mkdir()
    (source / "weights").write_bytes(b"weights")
    blobs.put_folder("models/m1", source)
    (tmp_path / "objects" / "models" / "m1" / "weights").write_bytes(b"weightz")
    with pytest.raises(ObjectCorrupt, match="weights"):
        blobs.fetch_folder("models/m1", tmp_path / "m1")
    assert not (tmp_path / "m1").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".m1")] == []


def test_an_absent_object_says_so(blobs: Blobs) -> None:
    for read in (blobs.get, blobs.size_bytes, lambda key: next(blobs.stream(key))):
        with pytest.raises(ObjectMissing, match="files/none"):
            read("files/none")
    blobs.delete("files/none")
    blobs.delete_prefix("files/none")


@pytest.mark.parametrize(
    "key", ["../x", "files/../x", "/etc/passwd", "files//x", "files/", "files/a b", "files/\0", ""]
)
def test_a_key_that_is_no_key_of_ours_is_a_bug(blobs: Blobs, key: str) -> None:
    with pytest.raises(AssertionError):
        blobs.put(key, b"")


def test_a_large_object_is_streamed_in_pieces(blobs: Blobs) -> None:
    piece = b"x" * (1 << 20)
    stored = blobs.put("files/a", (piece for _ in range(20)))
    assert stored.size_bytes == 20 << 20
    sizes = [len(part) for part in blobs.stream("files/a")]
    assert sum(sizes) == 20 << 20
    assert max(sizes) <= 4 << 20


def test_sweeping_spares_writes_of_this_moment(blobs: Blobs, tmp_path: Path) -> None:
    young = tmp_path / "objects" / ".incoming" / ".young.part"
    young.write_bytes(b"")
    assert blobs.sweep(older_than_s=60) == 0
    os.utime(young, (time.time() - 120,) * 2)
    assert blobs.sweep(older_than_s=60) == 1
