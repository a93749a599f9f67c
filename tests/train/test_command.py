"""`python -m tunesmith.train`: from a file to an adapter without a server."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.conftest import chat_row, write_rows
from tunesmith.cli.standalone import main
from tunesmith.model.adapter import read_adapter

SHORT = [
    "--n-epochs",
    "2",
    "--batch-size",
    "4",
    "--learning-rate",
    "0.01",
    "--dtype",
    "float32",
    "--threads",
    "1",
]


def test_it_prints_the_steps_and_leaves_the_adapter_alone_in_its_folder(
    base: Path, training_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "adapter"
    assert main([str(training_file), "--out", str(out), "--base", str(base), *SHORT]) == 0
    printed = capsys.readouterr().out
    assert "n_epochs: 2 (as asked)" in printed and "Step 6/6: training loss=" in printed
    assert sorted(path.name for path in out.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert read_adapter(out).r == 16
    assert not (tmp_path / "adapter.run").exists()


def test_it_prints_all_faults_and_trains_nothing(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [chat_row("Hi?", "Hello.")] * 10
    path = write_rows(tmp_path / "bad.jsonl", [*rows, {"messages": []}, {"messages": [{"role": "boss"}]}])
    assert main([str(path), "--out", str(tmp_path / "adapter"), "--base", str(base)]) == 1
    said = capsys.readouterr().err
    assert "Line 11" in said and "Line 12" in said
    assert not (tmp_path / "adapter").exists() and not (tmp_path / "adapter.run").exists()


def test_too_few_examples_are_said(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_rows(tmp_path / "few.jsonl", [chat_row("Hi?", "Hello.")])
    assert main([str(path), "--out", str(tmp_path / "adapter"), "--base", str(base)]) == 1
    assert "at least 10 examples" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl", "--out", "a"], "There is no file nowhere.jsonl"),
        (["{file}", "--out", "{tmp}"], "exists and is no adapter"),
        (["{file}", "--out", "{tmp}/a", "--base", "{tmp}/nothing"], "nothing"),
        (["{file}", "--out", "{tmp}/a", "--base", "{base}", "--resume"], "no snapshot"),
        (["{file}", "--out", "{tmp}/a", "--base", "{base}", "--dtype", "int8"], "dtype is 'int8'"),
    ],
)
def test_a_mistake_is_one_sentence(
    base: Path,
    training_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    filled = [text.format(file=training_file, tmp=tmp_path, base=base) for text in arguments]
    assert main(filled) == 1
    printed = capsys.readouterr().err
    assert said in printed and "Traceback" not in printed


def test_an_interrupted_run_goes_on_where_it_was(
    base: Path, training_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def arguments(out: str) -> list[str]:
        options = ["--base", str(base), *SHORT, "--n-epochs", "20", "--json"]
        return [str(training_file), "--out", str(tmp_path / out), *options]

    command = [sys.executable, "-m", "tunesmith.train", *arguments("stopped")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # it cannot run far ahead of its reader
        for line in process.stdout:
            if json.loads(line).get("step") == 5:
                process.send_signal(signal.SIGINT)
                break
        process.stdout.read()
        said = process.stderr.read()
    assert process.returncode == 130 and "--resume goes on after step" in said
    assert not (tmp_path / "stopped").exists()

    assert main([*arguments("stopped"), "--resume"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["resumed_from_step"] >= 5
    assert main(arguments("whole")) == 0
    files = [(tmp_path / out / "adapter_model.safetensors").read_bytes() for out in ("stopped", "whole")]
    assert files[0] == files[1]
