"""The console and the server mean the same: states, limits, and the types of every call that it makes."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import httpx2
import pytest

from tests.conftest import RunningServer
from tests.console.conftest import CONSOLE, npx
from tunesmith.evals.samples import load_sample
from tunesmith.jobs import messages
from tunesmith.jobs.states import ALLOWED
from tunesmith.wire import limits


def _table(name: str) -> dict:
    return json.loads((CONSOLE / "app" / "api" / name).read_text())


def test_the_console_knows_the_servers_states_and_what_may_follow_each() -> None:
    assert {state: set(following) for state, following in _table("transitions.json").items()} == ALLOWED


def test_the_console_knows_the_servers_bounds() -> None:
    known = _table("limits.json")
    bounds = {name: bound["most"] for name, bound in known.items() if isinstance(bound, dict)}
    assert bounds == {
        "n_epochs": limits.MAX_EPOCHS,
        "batch_size": limits.MAX_BATCH_SIZE,
        "learning_rate_multiplier": limits.MAX_LEARNING_RATE_MULTIPLIER,
        "beta": limits.MAX_BETA,
        "seed": limits.MAX_SEED,
    }
    assert known["suffix_chars"] == limits.MAX_SUFFIX_CHARS


@pytest.mark.console_packages
def test_the_console_reads_the_stages_of_a_job_from_the_sentences_that_the_server_writes(tmp_path) -> None:
    job = SimpleNamespace(id="ftjob-1", attempt=2, step=130, snapshot={"step": 120})
    unsaved = SimpleNamespace(id="ftjob-1", attempt=2, step=0, snapshot=None)
    told = [
        ("created", messages.created(job.id)),
        ("validating", messages.validating(job.id, "file-1", None)),
        ("validating", messages.validating(job.id, "file-1", "file-2")),
        ("queued", messages.queued(job.id, 2)),
        ("running", messages.started(job.id)),
        ("pausing", messages.pausing(job, 1)),
        ("paused", messages.paused(job, 1)),
        ("paused", messages.paused(unsaved, 1, "its worker was lost")),
        ("queued", messages.unpaused(job, 1)),
        ("interrupted", messages.interrupted(job, "its worker was lost")),
        ("interrupted", messages.interrupted(unsaved, "its worker was lost")),
        ("resumed", messages.resumed(job, 120)),
        ("resumed", messages.resumed(unsaved, 0)),
        ("saving", messages.model_created(job.id, "ft:x")),
        ("succeeded", messages.succeeded(job.id)),
        ("failed", messages.failed(job.id, code="server_error", message="It broke.", param=None)),
        ("cancelled", messages.cancelled(job.id)),
    ]
    events = tmp_path / "events.json"
    events.write_text(
        json.dumps(
            [
                {"stage": stage, "message": event.message, "level": event.level, "data": event.data}
                for stage, event in told
            ]
        )
    )
    npx("vitest", "run", "serverSentences", SERVERS_EVENTS=str(events))
    source = (CONSOLE / "app" / "lib" / "timeline.ts").read_text()
    stages = source.partition("STAGES = [")[2].partition("]")[0]
    assert {stage for stage, _ in told} == set(re.findall(r"\w+", stages))


@pytest.mark.console_packages
def test_the_types_of_the_consoles_calls_are_the_servers(server: RunningServer, tmp_path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(httpx2.get(f"{server.root_url}/openapi.json").text)
    npx("node", "scripts/schema.mjs", str(document), "--check")


@pytest.mark.console_packages
def test_the_console_has_its_types_its_style_and_its_units_right() -> None:
    npx("tsc", "--noEmit")
    npx("biome", "check", "--diagnostic-level=error", ".")
    npx("vitest", "run")


@pytest.mark.browser
def test_the_first_load_and_every_later_part_stay_within_their_budgets() -> None:
    npx("node", "scripts/size.mjs")


@pytest.mark.browser
def test_the_sample_is_there_for_a_browser(server: RunningServer) -> None:
    answer = httpx2.get(f"{server.root_url}/console/samples/marv/train.jsonl")
    assert answer.content == load_sample("marv").train.read_bytes()
