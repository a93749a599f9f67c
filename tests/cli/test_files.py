"""`tunesmith files` against the live server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("against_server")


def test_a_file_is_uploaded_listed_shown_printed_and_deleted(
    tunesmith, training_file: Path, tmp_path: Path
) -> None:
    [[file_id]] = tunesmith("files", "upload", str(training_file)).rows

    listed = tunesmith("files", "list", "--purpose", "fine-tune").rows
    assert [file_id, "train.jsonl"] in [row[:2] for row in listed]
    assert ["purpose", "fine-tune"] in tunesmith("files", "show", file_id).rows
    assert tunesmith("files", "content", file_id).stdout == training_file.read_text()
    copy = tmp_path / "copy.jsonl"
    tunesmith("files", "content", file_id, "--out", str(copy))
    assert copy.read_bytes() == training_file.read_bytes()

    assert tunesmith("files", "delete", file_id).stdout == f"{file_id}\n"
    assert tunesmith("files", "show", file_id).exit_code == 1


def test_json_is_the_objects_as_the_server_has_them(tunesmith, training_file: Path) -> None:
    uploaded = json.loads(tunesmith("files", "upload", str(training_file), "--json").stdout)

    assert uploaded["object"] == "file"
    assert uploaded in json.loads(tunesmith("files", "list", "--json").stdout)


def test_a_file_that_is_no_jsonl_is_refused_with_the_servers_sentence(tunesmith, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("these are words\n")

    ran = tunesmith("files", "upload", str(bad))

    assert ran.exit_code == 1
    assert "JSON" in ran.stderr
