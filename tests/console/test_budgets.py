"""The console's budgets over a store with very much in it: `console/test/perf`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from openai import OpenAI

from tests.conftest import start_server, wait_for_job
from tests.console.conftest import CHROMIUM, STORY_TIMEOUT_S, npx
from tests.console.filled import SPIKE_STEP, fill

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(STORY_TIMEOUT_S)]


def test_curves_pan_tokens_show_keys_answer_pages_stay_small_and_ten_thousand_jobs_are_one_request_a_page(
    tmp_path: Path, small_training_file: Path
) -> None:
    server = start_server(tmp_path / "data")
    with (
        OpenAI(base_url=server.base_url, api_key=server.api_key) as client,
        small_training_file.open("rb") as rows,
    ):
        file = client.files.create(file=rows, purpose="fine-tune").id
        first = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file, validation_file=file)
        wait_for_job(client, first.id)
    server.stop()
    long = fill(server.data, first.id)
    server = start_server(server.data)
    try:
        with OpenAI(base_url=server.base_url, api_key=server.api_key) as client:
            many = small_training_file.read_bytes() * 40  # it outlives whoever watches it
            long_file = client.files.create(file=("many.jsonl", many), purpose="fine-tune").id
            live = client.fine_tuning.jobs.create(
                model="gpt-4o-mini",
                training_file=long_file,
                method={
                    "type": "supervised",
                    "supervised": {"hyperparameters": {"n_epochs": 50, "batch_size": 1}},
                },
            )
            while not any(
                event.type == "metrics" for event in client.fine_tuning.jobs.list_events(live.id, limit=5)
            ):
                time.sleep(0.1)
            client.fine_tuning.jobs.pause(live.id)
        npx(
            "playwright",
            "test",
            "-c",
            "test/perf/playwright.config.ts",
            PERF_PATIENCE="3",  # a test says whether it is broken; how fast it is, a quiet machine says
            TUNESMITH_URL=server.root_url,
            TUNESMITH_KEY=server.api_key,
            PERF_JOB=long,
            PERF_SPIKE=str(SPIKE_STEP),
            PERF_LIVE=live.id,
            STORIES_OUT=str(tmp_path / "out"),
            CHROMIUM=CHROMIUM,
        )
    finally:
        server.stop()
