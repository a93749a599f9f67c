"""Weights and Biases follows a job that asks for it, and whatever happens there, the job goes on."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import Office
from tests.workers.test_training import Script
from tunesmith.jobs.control import pause, resume
from tunesmith.store.rows import JobRow
from tunesmith.workers import following

KEY = "0123456789abcdef0123456789abcdef01234567"
ASKED = [{"type": "wandb", "wandb": {"project": "marv", "entity": "team", "tags": ["mine"]}}]

Calls = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """The stand-in for the package, with a key; gives the calls so far."""
    written = tmp_path / "calls.jsonl"
    monkeypatch.syspath_prepend(str(Path(__file__).with_name("fake_wandb")))
    monkeypatch.setenv("FAKE_WANDB_CALLS", str(written))
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    sys.modules.pop("wandb", None)
    yield lambda: [json.loads(line) for line in written.read_text().splitlines()] if written.exists() else []
    monkeypatch.delenv("FAKE_WANDB_HANGS", raising=False)
    for thread in threading.enumerate():
        if thread.name.startswith("tunesmith-wandb"):
            thread.join()
    sys.modules.pop("wandb", None)


def train(office: Office, script: Script | None = None, asked: Any = ASKED) -> JobRow:
    """Cancels nothing, asks for a job that is followed, and trains it."""
    office.attempt(Script(total=2))
    office.job_id = office.create(integrations=asked)
    return office.attempt(script or Script())


def warnings(office: Office) -> list[str]:
    story = office.story(office.job_id)
    return [event.message for event in story if event.level == "warn" and "Weights" in event.message]


def test_a_run_shows_the_job_s_settings_steps_and_model(office: Office, wandb: Calls) -> None:
    job = train(office)
    assert job.status == "succeeded"
    begun, *steps, model, tokens, finished = wandb()
    assert begun["call"] == "init"
    assert (begun["project"], begun["entity"], begun["name"]) == ("marv", "team", job.id)
    assert (begun["id"], begun["resume"]) == (job.id, "allow")
    assert begun["tags"] == [
        "mine",
        "openai/finetune",
        "openai/gpt-4o-mini-2024-07-18",
        f"openai/{job.id}",
    ]
    numbers = job.method["supervised"]["hyperparameters"]
    assert begun["config"]["n_epochs"] == numbers["n_epochs"]
    assert begun["config"]["training_file"] == job.training_file
    assert [(entry["call"], entry["step"]) for entry in steps] == [("log", n) for n in range(1, 7)]
    assert steps[1]["values"] == {
        "train_loss": 0.5,
        "train_mean_token_accuracy": 0.5,
        "epoch": 1,
        "learning_rate": 0.001,
        "grad_norm": 1.0,
        "trained_tokens": 100,
        "tokens_per_s": 100.0,
    }
    assert (model["name"], model["value"]) == ("fine_tuned_model", job.fine_tuned_model)
    assert (tokens["name"], tokens["value"]) == ("trained_tokens", job.trained_tokens)
    assert finished == {"call": "finish", "exit_code": 0}
    url = f"https://wandb.example/team/marv/runs/{job.id}"
    assert job.integrations == [
        {"type": "wandb", "wandb": ASKED[0]["wandb"] | {"run_id": job.id, "url": url}}
    ]
    assert [event.data["url"] for event in office.story(job.id) if event.kind == "wandb"] == [url]
    assert not list((office.folder / "wandb" / "wandb").iterdir()), "what was sent is not kept"


def test_each_of_several_projects_gets_a_run(office: Office, wandb: Calls) -> None:
    asked = [{"type": "wandb", "wandb": {"project": name}} for name in ("one", "two")]
    job = train(office, asked=asked)
    assert sorted(call["project"] for call in wandb() if call["call"] == "init") == ["one", "two"]
    assert [entry["wandb"]["url"].split("/")[4] for entry in job.integrations or []] == ["one", "two"]
    assert sum(call["call"] == "log" for call in wandb()) == 12


def test_without_network_a_run_is_kept_and_needs_no_key(
    office: Office, wandb: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_API_KEY")
    job = train(office)
    assert warnings(office) == []
    told = next(event for event in office.story(job.id) if event.kind == "wandb")
    assert "wandb sync" in told.message
    (kept,) = (office.folder / "wandb" / "wandb").iterdir()
    assert kept.name.startswith("offline-run") and job.id in kept.name


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [({"WANDB_API_KEY": ""}, "has no WANDB_API_KEY"), ({"WANDB_MODE": "disabled"}, "WANDB_MODE=disabled")],
)
def test_what_is_missing_is_said_once(
    office: Office,
    wandb: Calls,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "absent"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    script = Script(total=4, snapshots=(2,))
    script.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        train(office, script)
    following_attempt = office.get(office.job_id)
    assert following_attempt.status == "running"
    (warning,) = warnings(office)
    assert sentence in warning and "not installed" not in warning
    assert wandb() == []


def test_an_absent_package_is_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert train(office).status == "succeeded"
    (warning,) = warnings(office)
    assert "pip install 'tunesmith[wandb]'" in warning and "WANDB_API_KEY" not in warning


@pytest.mark.parametrize("call", ["init", "log", "finish"])
def test_a_failure_there_is_one_event_here(
    office: Office, wandb: Calls, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setenv("FAKE_WANDB_FAILS", call)
    job = train(office, Script(pause_s=0.02))
    assert job.status == "succeeded"
    if call != "finish":  # by then the job's story has ended
        (warning,) = warnings(office)
        assert f"may not {call}" in warning
        assert KEY not in json.dumps([event.data for event in office.story(job.id)]) + warning


@pytest.mark.parametrize("call", ["init", "log", "finish"])
def test_no_step_waits_for_it_and_the_end_only_briefly(
    office: Office, wandb: Calls, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(following, "OPEN_BEFORE_END_S", 0.2)
    monkeypatch.setattr(following, "GOODBYE_S", 0.3)
    monkeypatch.setattr(following, "MAX_WAITING_STEPS", 100)
    monkeypatch.setenv("FAKE_WANDB_HANGS", call)
    office.attempt(Script(total=2))
    office.job_id = office.create(integrations=ASKED)
    started = time.monotonic()
    assert office.attempt(Script(total=400, per_epoch=400)).status == "succeeded"
    assert time.monotonic() - started < 5
    waiting = [thread for thread in threading.enumerate() if thread.name.startswith("tunesmith-wandb")]
    assert waiting and all(thread.daemon for thread in waiting)


def test_a_paused_job_goes_on_with_the_run_it_had(office: Office, wandb: Calls) -> None:
    office.attempt(Script(total=2))
    office.job_id = office.create(integrations=ASKED)
    script = Script(total=8, per_epoch=8, pause_s=0.02)
    steps = script._events

    def paused_at_3(*arguments: Any) -> Iterator[Any]:
        for event in steps(*arguments):
            yield event
            if event.as_dict().get("step") == 3 and office.get(office.job_id).status == "running":
                pause(office.db, office.who.project_id, office.job_id)

    script._events = paused_at_3  # type: ignore[method-assign]
    assert office.attempt(script).status == "paused"
    assert [call["call"] for call in wandb()][-2:] == ["mark_preempting", "finish"]
    resume(office.db, office.who.project_id, office.job_id)
    office.leave.clear()
    assert office.attempt(Script(total=8, per_epoch=8)).status == "succeeded"
    assert {call["id"] for call in wandb() if call["call"] == "init"} == {office.job_id}
    assert [call["step"] for call in wandb() if call["call"] == "log"] == list(range(1, 9))
    assert [event.kind for event in office.story(office.job_id)].count("wandb") == 1
