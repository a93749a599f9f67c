"""Requests that nobody thought of: schemathesis over `/openapi.json`, valid and broken ones, and sequences.

No answer may be a 5xx, every refusal has the one error shape, and every answer is what its schema says.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import RunningServer, start_server

CHECKS = "not_a_server_error,error_shape,response_schema_conformance,ignored_auth,use_after_free"


def fuzz(server: RunningServer, ids: dict[str, list[str]], folder: Path, *arguments: str) -> int:
    """Runs schemathesis against `server`; fails with its report, returns the number of cases sent."""
    ran = subprocess.run(
        [
            sys.executable, "-W", "ignore", "-m", "schemathesis.cli", "run",
            f"{server.root_url}/openapi.json", "--header", f"Authorization: Bearer {server.api_key}",
            "--checks", CHECKS, "--mode", "all", "--generation-database", "none",
            "--suppress-health-check", "all", "--warnings", "off", "--no-color", "--request-timeout", "60",
            "--exclude-path-regex", "/archive$",  # it would lock the run itself out
            *arguments,
        ],
        env=os.environ | {
            "SCHEMATHESIS_HOOKS": "tests.wire.schemathesis_hooks",
            "FUZZ_IDS": json.dumps(ids),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-20_000:]
    counted = re.search(r"(\d+) generated", ran.stdout)
    assert counted, ran.stdout[-2000:]
    return int(counted[1])


def test_no_short_run_finds_a_5xx_or_another_error_shape(
    server: RunningServer, client: OpenAI, tuned_job: FineTuningJob, tmp_path: Path
) -> None:
    ids = {
        "file_id": [tuned_job.training_file],
        "job_id": [tuned_job.id],
        "model": [tuned_job.fine_tuned_model or ""],
    }
    count = fuzz(server, ids, tmp_path, "--phases", "fuzzing,stateful", "--max-examples", "4", "--seed", "1")
    assert count > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_thousand_cases_find_none_either(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        count = fuzz(server, {}, tmp_path, "--phases", "coverage,fuzzing,stateful", "--max-examples", "300")
        assert count >= 20_000
    finally:
        assert server.stop() == 0
