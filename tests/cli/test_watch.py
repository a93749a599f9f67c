"""Watching a job on any OpenAI-compatible server: each event once, in order, and an exit code for its end."""

from __future__ import annotations

import pytest
from openai import OpenAI

from tests.cli.other_server import OtherServer
from tunesmith.cli.watch import follow


@pytest.mark.parametrize(("n_events", "events_per_look"), [(8, 3), (8, 8), (250, 250), (250, 120)])
def test_every_event_comes_once_and_in_order_over_pages_and_looks(
    n_events: int, events_per_look: int
) -> None:
    with (
        OtherServer(n_events, events_per_look) as server,
        OpenAI(base_url=server.base_url, api_key="x") as client,
    ):
        seen = [event.id for _, events in follow(client, "ftjob-1", 0.001) for event in events]

    assert seen == [f"ftevent-{n}" for n in range(1, n_events + 1)]


def test_a_server_that_restarts_is_waited_for() -> None:
    with OtherServer() as server, OpenAI(base_url=server.base_url, api_key="x") as client:
        server.refusals = 3
        looks = list(follow(client, "ftjob-1", 0.001))

    assert looks[-1][0].status == "succeeded"


@pytest.mark.parametrize(("outcome", "exit_code"), [("succeeded", 0), ("failed", 1), ("cancelled", 3)])
def test_the_exit_code_says_how_the_job_ended(
    outcome: str, exit_code: int, tunesmith, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OtherServer(outcome=outcome) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        ran = tunesmith("jobs", "watch", "ftjob-1", "--interval", "0.05")

    assert ran.exit_code == exit_code
    assert [line.split("  ")[1] for line in ran.stdout.splitlines()[:8]] == [
        f"Step {n}/8: training loss={1 / n:.2f}" for n in range(1, 9)
    ]
    if outcome == "succeeded":
        assert ran.stdout.splitlines()[-1] == "ft:x"
    if outcome == "failed":
        assert "training_file" in ran.stderr and "Line 3 is bad." in ran.stderr


def test_at_a_terminal_a_bar_shows_the_steps(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with OtherServer(events_per_look=1) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        at = terminal("jobs", "watch", "ftjob-1", "--interval", "0.2")
        at.read_until("3/8")
        at.read_until("8/8")
        at.read_until("the tuned model is ft:x")
        assert at.wait() == 0
