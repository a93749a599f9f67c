"""The console and the server mean the same: states, limits, and the types of every call that it makes."""

from __future__ import annotations

import json

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


def test_the_console_reads_the_stages_of_a_job_from_the_sentences_that_the_server_writes() -> None:
    source = (CONSOLE / "app" / "lib" / "timeline.ts").read_text()
    for event, opening in (
        (messages.created("ftjob-1"), "Created fine-tuning job"),
        (messages.validating("ftjob-1", "file-1", None), "Validating training file"),
        (messages.started("ftjob-1"), "Fine-tuning job started"),
        (messages.model_created("ftjob-1", "ft:x"), "New fine-tuned model created"),
        (messages.succeeded("ftjob-1"), "The job has successfully completed"),
        (messages.cancelled("ftjob-1"), "Fine-tuning job cancelled"),
    ):
        assert event.message.startswith(opening)
        assert f"/^{opening}" in source
    assert messages.queued("ftjob-1").message.endswith("moving job to queued state")


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
